"""Which public functions have a rule, which carry no derivative, which are refused: the table against the modules.

numpy.sin       covered      it has a rule
numpy.argmax    constant     its result carries no derivative
numpy.matrix    refused      by its name, with a reason
builtins.zip    covered      a construct of the language, which the line takes apart
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from s2sad.rules import registry, writers

#: The modules whose public functions are all classified.
MODULES = ("numpy", "numpy.linalg", "numpy.fft", "math", "cmath", "builtins", "scipy.special", "scipy.linalg")

#: Functions of Python and NumPy that the frontend takes apart, so that they need no rule.
CONSTRUCTS = frozenset({
    "builtins.dict", "builtins.enumerate", "builtins.filter", "builtins.map", "builtins.print", "builtins.range",
    "builtins.reversed", "builtins.slice", "builtins.tuple", "builtins.zip", "numpy.errstate", "numpy.printoptions",
})  # fmt: skip

#: The methods of ufuncs.
METHODS = ("accumulate", "at", "outer", "reduce", "reduceat")
STATUSES = ("covered", "constant", "refused")


def status(name: str) -> str | None:
    """ "covered", "constant" or "refused"; None for a name that is none of these.

    >>> status("numpy.sin"), status("numpy.argmax"), status("numpy.matrix"), status("numpy.no_such_function")
    ('covered', 'constant', 'refused', None)
    """
    if name in CONSTRUCTS or name in writers.WRITERS:
        return "covered"
    if registry.refusal(name) is not None:
        return "refused"
    entry = registry.find(name)
    if entry is None:
        return None
    return "covered" if any(entry.adjoint.values()) else "constant"


def installed() -> list[str]:
    """Those of the modules that can be imported here.

    >>> "numpy.linalg" in installed()
    True
    """
    return [module for module in MODULES if importlib.util.find_spec(module.partition(".")[0]) is not None]


def public_functions(module: str) -> list[str]:
    """The qualified names of what can be called in a module, as it is installed; its exceptions left out.

    >>> "math.sin" in public_functions("math")
    True
    """
    held = importlib.import_module(module)
    found = []
    for name in sorted(dir(held)):
        value = getattr(held, name)
        is_exception = isinstance(value, type) and issubclass(value, BaseException)
        of_prompt = type(value).__module__ == "_sitebuiltins"
        if callable(value) and not (name.startswith("_") or is_exception or of_prompt):
            found.append(f"{module}.{name}")
    return found


def registered(module: str) -> list[str]:
    """The names of a module that the table speaks of, whether this version of the module has them or not."""
    names = {*registry.names(), *registry.refused_names(), *CONSTRUCTS, *writers.WRITERS}
    if module == "numpy.ufunc":
        return sorted(name for name in names if name.count(".") == 2 and name.rpartition(".")[2] in METHODS)
    return sorted(name for name in names if name.rpartition(".")[0] == module)


def counts(names: Iterable[str]) -> dict[str, int]:
    """How many of the names have each status."""
    found = dict.fromkeys(STATUSES, 0)
    for name in names:
        said = status(name)
        if said is not None:
            found[said] += 1
    return found


#: The rows of the table of counts: what they are called, and the modules that they are made of.
ROWS = {
    "`numpy`": "numpy",
    "methods and attributes of arrays": "numpy.ndarray",
    "methods of ufuncs": "numpy.ufunc",
    "`numpy.linalg`": "numpy.linalg",
    "`numpy.fft`": "numpy.fft",
    "`math`": "math",
    "`cmath`": "cmath",
    "built-in functions": "builtins",
    "operators": "operator",
    "`scipy.special`": "scipy.special",
    "`scipy.linalg`": "scipy.linalg",
}


def table() -> str:
    """The counts as a table in Markdown."""
    lines = [f"| | {' | '.join(STATUSES)} |", f"|---|{'---|' * len(STATUSES)}"]
    for title, module in ROWS.items():
        found = counts(registered(module))
        lines.append(f"| {title} | {' | '.join(str(found[s]) for s in STATUSES)} |")
    return "\n".join(lines) + "\n"
