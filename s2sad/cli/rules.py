"""`s2sad rules [PATTERN]`: list the rules: formulas, where these come from, singular points; count them."""

from __future__ import annotations

import argparse
import ast
import contextlib
import fnmatch
import importlib
import inspect
import textwrap
from typing import Any

from s2sad.differentiate.instantiate import BUILTINS, ENGINE, runtime_function
from s2sad.errors import S2sadError
from s2sad.rules import coverage, registry
from s2sad.rules.registry import REQUIRED, TEMPLATE, Case, Parameter, Rule


def register(commands: argparse._SubParsersAction[Any]) -> None:
    parser = commands.add_parser("rules", help="list what is differentiated, and how", description=__doc__)
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="a name, a part of one, or one with * and ?")
    parser.add_argument("--missing", action="store_true", help="list public functions that are not classified")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> str:
    """The text to print."""
    if arguments.missing:
        names = [n for m in coverage.installed() for n in coverage.public_functions(m) if coverage.status(n) is None]
        return "".join(f"{name}\n" for name in names)
    known = {n for n in (*registry.names(), *registry.refused_names(), *coverage.CONSTRUCTS) if public(n)}
    if arguments.pattern is None:
        return f"{coverage.table()}\n{installed()}"
    found = sorted(name for name in known if matches(name, arguments.pattern))
    if not found:
        raise S2sadError("S501", f"no rule has a name like {arguments.pattern!r}", help=nearest(arguments.pattern))
    total = coverage.counts(found)
    counted = ", ".join(f"{count} {said}" for said, count in total.items() if count)
    return "\n".join([*map(entry_text, found), counted, ""])


def public(name: str) -> bool:
    """Whether a name is one that users write, not one of the engine's own."""
    return not name.startswith("s2sad.")


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern fits a name: all of it, where it holds `*` or `?` or names a rule, else a part of it.

    >>> matches("numpy.sin", "numpy.s*"), matches("numpy.sin", "sin"), matches("numpy.sinh", "np.sin")
    (True, True, False)
    """
    pattern = f"numpy.{pattern[3:]}" if pattern.startswith("np.") else pattern
    if any(c in pattern for c in "*?["):
        return fnmatch.fnmatchcase(name, pattern)
    return name == pattern or (pattern in name and coverage.status(pattern) is None)


def nearest(pattern: str) -> str:
    near = [n for n in registry.nearest(pattern) if public(n)]
    return f"did you mean {' or '.join(near)}?" if near else "`s2sad rules '*'` lists all"


def installed() -> str:
    """How many of the public functions of the modules that are installed here have each status."""
    lines = []
    for module in coverage.installed():
        names = coverage.public_functions(module)
        found = coverage.counts(names)
        lines.append(f"{module}: {len(names)} public functions, {sum(found.values())} classified")
    return "\n".join(lines) + "\n"


def entry_text(name: str) -> str:
    """What the table says of one name."""
    refusal, entry, said = registry.refusal(name), registry.find(name), coverage.status(name)
    if refusal is not None:
        return f"{name}: refused, for it {refusal.reason}; {refusal.help}\n"
    if entry is None or said == "constant":
        return f"{name}: {'a construct of the language' if entry is None else 'constant'}\n"
    also = "" if entry.name == name else f", which is {entry.name}"
    lines = [f"{name}({', '.join(map(parameter_text, entry.parameters))}){also}"]
    for parameter, cases in entry.adjoint.items():
        lines += [f"    {parameter}_bar = {case_text(case)}" for case in cases]
    lines += [f"    {parameter}: {reason}" for parameter, reason in entry.refused.items()]
    if entry.doc:
        lines.append(f"    {entry.doc}")
    for helper, doc in helpers(entry).items():
        lines += textwrap.wrap(f"{helper}: {doc}", 116, initial_indent="    ", subsequent_indent="        ")
    return "\n".join(lines) + "\n"


def parameter_text(p: Parameter) -> str:
    if p.variadic:
        return f"*{p.name}"
    return p.name if p.default is REQUIRED else f"{p.name}={p.default!r}"


def case_text(case: Case) -> str:
    text = case.text if isinstance(case.text, str) else "(made from the arguments)"
    if text.startswith(TEMPLATE):
        text = "by a function that was registered"
    text = {"@same": "the same of the tangent", "@store": "g, added where it was read"}.get(text, text)
    return f"{text}    # where {case.when}" if case.when else text


def helpers(entry: Rule) -> dict[str, str]:
    """The functions of `s2sad.runtime` that a rule's adjoints call, with what their docstrings say."""
    found: dict[str, str] = {}
    texts = [c.text for cases in entry.adjoint.values() for c in cases if isinstance(c.text, str) and c.text[:1] != "@"]
    for node in (n for text in texts for n in ast.walk(ast.parse(text))):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
        qualified = None
        if called is not None and called not in (*ENGINE, *BUILTINS):
            with contextlib.suppress(S2sadError):  # SciPy is not installed
                qualified = runtime_function(called)
        if qualified is not None:
            module, _, own = qualified.rpartition(".")
            doc = inspect.getdoc(getattr(importlib.import_module(module), own)) or ""
            found[own] = " ".join(doc.partition(">>>")[0].split())
    return found
