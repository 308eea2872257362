"""Every rule through the engine: each use in the tests of the rule files, as a function that a user would write.

Each use becomes the text of a function with a scalar result, `np.sum(y * y * weight)`. Its gradient, for known kinds of
arguments and for unknown ones, is compared with central differences; its tangent with both; and both derivatives of
the gradient with differences of the gradient. Arguments come read-only; what comes back is fresh and of their dtype.
"""

from __future__ import annotations

import itertools
import linecache
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from rules import (
    test_complex,
    test_decompositions,
    test_elementwise,
    test_indexing,
    test_joining,
    test_linalg,
    test_making,
    test_operators,
    test_polynomials,
    test_reductions,
    test_selecting,
    test_shapes,
    test_signals,
    test_statistics,
    test_ufuncs,
)
from rules.harness import ARRAY_ATTRIBUTES, Use, agree, bind, call, dot, function_of, is_active, is_literal, use

import s2sad
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN
from s2sad.rules import registry
from s2sad.transforms import jvp, vjp

FILES = (
    test_elementwise, test_operators, test_reductions, test_shapes, test_joining, test_making, test_indexing,
    test_linalg, test_selecting, test_signals, test_statistics, test_decompositions,
    test_ufuncs, test_polynomials,
)  # fmt: skip

#: Rules that no program reaches, each with its reason.
EXCUSED = {
    "numpy.ix_": "of floats it is refused",
    **{f"numpy.{n}": "tested in tests/rules/test_splitting.py" for n in (
        "unstack", "split", "array_split", "hsplit", "vsplit", "dsplit",
    )},
    "builtins.list": "of what grows, tested with it in tests/programs/test_containers.py",
    "operator.getitem": "the engine's own, tested with it",
}

#: Rules with a use that is refused where the kinds of its arguments are unknown, and what the refusal says.
REFUSED: dict[str, str] = {
    "builtins.max": "for these arguments",
    "builtins.min": "for these arguments",
    "builtins.sum": "of an array, not a list",
    "numpy.choose": "of an array, not a list",
    "numpy.gradient": "for these arguments",
    "numpy.poly": "for these arguments",
    "numpy.linalg.cond": "for these arguments",
    "numpy.ndarray.choose": "of an array, not a list",
    "math.fsum": "of an array, not a list",
}

#: Rules whose gradient has a use that cannot be differentiated again, what the refusal says, and why it is refused.
REFUSED_TWICE: dict[str, str] = {
    "numpy.gradient": "for these arguments",
    "numpy.linalg.cond": "for these arguments",
    "numpy.quantile": "quantile_adjoint",
    "numpy.percentile": "quantile_adjoint",
    "numpy.nanquantile": "quantile_adjoint",
    "numpy.nanpercentile": "quantile_adjoint",
}

INFIX = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "mod": "%", "pow": "**", "matmul": "@"}
PREFIX = {"neg": "-", "pos": "+"}


# Programs
@dataclass
class Program:
    """The text of a function that calls what has a rule, and arguments for it; `wrt` are those that are active."""

    text: str
    arguments: dict[str, Any] = field(default_factory=dict)
    wrt: tuple[str, ...] = ()

    @property
    def values(self) -> list[Any]:
        return list(self.arguments.values())

    @property
    def places(self) -> list[int]:
        return [list(self.arguments).index(name) for name in self.wrt]

    def function(self) -> Callable[..., Any]:
        file = f"<program {hash(self.text) & 0xFFFFFFFF:x}>"
        linecache.cache[file] = (len(self.text), None, self.text.splitlines(True), file)
        namespace: dict[str, Any] = {}
        exec(compile(self.text, file, "exec"), namespace)
        made: Callable[..., Any] = namespace["f"]
        return made


def spelled(name: str, positional: list[str], named: dict[str, str]) -> str:
    """The call of something that has a rule, as users write it."""
    module, _, own = name.rpartition(".")
    given = ", ".join([*positional, *(f"{k}={v}" for k, v in named.items())])
    if module == "operator" and own in INFIX:
        return f" {INFIX[own]} ".join(positional)
    if module == "operator" and own in PREFIX:
        return f"{PREFIX[own]}{positional[0]}"
    if module == "operator" and own == "getitem":
        return f"{positional[0]}[{positional[1]}]"
    if module == "numpy.ndarray":
        if own in ARRAY_ATTRIBUTES:
            return f"{positional[0]}.{own}"
        return f"{positional[0]}.{own}({given.partition(', ')[2]})"
    if module in ("builtins", "operator"):
        return f"{own}({given})"
    return f"{name.replace('numpy', 'np', 1) if name.startswith('numpy') else name}({given})"


def program_of(u: Use, literal: bool = True) -> Program | None:
    """The program of a use, literal arguments as literals or as parameters; None where nothing in it is active."""
    entry = registry.find(u.name)
    assert entry is not None
    made = Program("")
    active: list[str] = []

    def put(name: str, value: Any, differentiable: bool) -> str:
        if differentiable and is_active(value):
            active.append(name)
        elif is_literal(value) and (literal or isinstance(value, str)):
            return repr(value).replace("inf", "np.inf")
        elif isinstance(value, (list, tuple)) and not is_literal(value):
            items = [put(f"{name}{k}", v, differentiable) for k, v in enumerate(value)]
            if isinstance(value, tuple):
                return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
            return f"[{', '.join(items)}]"
        made.arguments[name] = value
        return name

    bound = bind(entry, u)
    allowed = u.wrt or entry.differentiable
    positional: list[str] = []
    named: dict[str, str] = {}
    for p in entry.parameters:
        if p.name not in bound:
            continue
        value, differentiable = bound[p.name], p.name in allowed
        if p.variadic:
            positional += [put(f"{p.name}{k}", v, differentiable) for k, v in enumerate(value)]
        elif isinstance(value, (list, tuple)) and any(map(is_active, value)):
            items = [put(f"{p.name}{k}", v, differentiable) for k, v in enumerate(value)]
            shown = ", ".join(items) + ("," if isinstance(value, tuple) and len(items) == 1 else "")
            given = f"({shown})" if isinstance(value, tuple) else f"[{shown}]"
            (positional.append(given) if p.name not in u.kwargs else named.update({p.name: given}))
        elif p.name in u.kwargs:
            named[p.name] = put(p.name, value, differentiable)
        else:
            positional.append(put(p.name, value, differentiable))
    if not active:
        return None
    y = call(entry, u, bound)
    lines = [f"    y = {spelled(u.name, positional, named)}"]
    terms = []
    parts = [("y", y)] if not entry.results else [(f"y[{k}]", part) for k, part in enumerate(y)]
    rng = np.random.default_rng(3)
    for k, (part, value) in enumerate(parts):
        if not is_active(value):
            continue
        name = "weight" if len(parts) == 1 else f"weight{k}"
        if isinstance(value, float):
            terms.append(f"{part} * {part} * {name}")
            made.arguments[name] = float(rng.uniform(0.5, 1.5))
        else:
            terms.append(f"np.sum({part} * {part} * {name})")
            made.arguments[name] = rng.uniform(0.5, 1.5, np.shape(value)).astype(value.dtype)
    if not terms:
        return None
    lines.append(f"    return {' + '.join(terms)}")
    head = f"def f({', '.join(made.arguments)}):"
    text = "\n".join([head, *lines]) + "\n"
    if "numpy" in u.name or "np." in text:
        text = "import numpy as np\n" + text
    for module in ("math", "s2sad.runtime.reductions", "s2sad.runtime.special", "s2sad.runtime.adjoints"):
        if f"{module}." in text:
            text = f"import {module}\n" + text
    made.text = text
    made.wrt = tuple(active)
    return made


V, W = np.array([0.5, -1.5, 2.25]), np.array([1.0, 0.25, -0.75])

#: Uses that literals cannot say: dtypes named by types and by other arrays, arrays made of arrays.
FURTHER = [
    ("np.asarray(x)", {"x": V}),
    ("np.array(x)", {"x": V}),
    ("np.array(x, dtype=float)", {"x": V}),
    ("np.array([[x, z], [z, 2.0]])", {"x": 0.5, "z": -1.5}),
    ("np.array([[x, z], (z, W)])", {"x": V, "z": V}),
    ("np.stack([[x, z], [z, x]], axis=1)", {"x": V, "z": V}),
    ("np.array([pair, pair])", {"x": 0.5, "z": -1.5}),
    ("np.array(pair)", {"x": V, "z": V}),
    ("np.array([pair, [pair[1], x]]) @ W[:2]", {"x": 0.5, "z": -1.5}),
    ("np.sum(pair)", {"x": 0.5, "z": -1.5}),
    ("np.dot(pair, W[:2])", {"x": 0.5, "z": -1.5}),
    ("np.concatenate([[x, z], W])", {"x": 0.5, "z": -1.5}),
    ("np.asarray([x, z, 1.0])", {"x": 0.5, "z": -1.5}),
    ("np.array([x, z], dtype=np.float64)", {"x": V, "z": W}),
    ("x.astype(float)", {"x": V}),
    ("x.astype(np.float64)", {"x": V}),
    ("x.astype(z.dtype) * z", {"x": V, "z": W}),
    ("np.astype(x, x.dtype)", {"x": V}),
    ("np.zeros(3, dtype=np.float64) + x", {"x": V}),
    ("np.zeros(x.shape, dtype=x.dtype) + x", {"x": V}),
    ("np.ones_like(x, dtype=float) * x", {"x": V}),
    ("np.full(3, x, dtype=float)", {"x": 0.5}),
    ("np.full_like(z, x, dtype=np.float64) * z", {"x": 0.5, "z": W}),
    ("x + (x > 0).astype(float)", {"x": V}),
    ("x * x.astype(int)", {"x": V}),
    ("np.float64(x) * z", {"x": 0.5, "z": W}),
]


def further() -> list[Any]:
    found = []
    for expression, arguments in FURTHER:
        text = f"import numpy as np\ndef f({', '.join(arguments)}):\n    y = {expression}\n    return np.sum(y * y)\n"
        if "W" in expression:
            text = text.replace("import numpy as np\n", "import numpy as np\nW = np.array([1.0, 0.25, -0.75])\n")
        if "pair" in expression:
            text = text.replace("    y =", "    pair = [x, z]\n    y =")
        found.append(pytest.param(use(expression), Program(text, dict(arguments), tuple(arguments)), id=expression))
    return found


def programs() -> Iterator[tuple[Use, Program]]:
    seen: dict[tuple[str, str], None] = {}
    for file in FILES:
        for u in file.USES:
            if function_of(u.name) is None or registry.find(u.name) is None:
                continue
            for literal in (True,) if u.literal_only else (True, False):
                made = program_of(u, literal)
                if made is None:
                    continue
                key = (u.name, f"{made.text} {[np.shape(v) for v in made.values]}")
                if key not in seen:
                    seen[key] = None
                    yield u, made


ALL: dict[str, list[tuple[Use, Program]]] = {}
for _u, _made in programs():
    ALL.setdefault(_u.name, []).append((_u, _made))


# Differences
def perturbed(x: Any, by: Any) -> Any:
    return x + by if isinstance(x, np.ndarray) else type(x)(x + by)


def differences(f: Callable[..., Any], values: list[Any], place: int) -> Any:
    x = values[place]
    total = np.zeros(np.shape(x))
    for index in np.ndindex(np.shape(x)):
        unit = np.zeros(np.shape(x))
        unit[index] = h = 1e-6 * max(1.0, abs(float(np.asarray(x)[index])))
        step = unit if np.ndim(x) else h
        up, down = list(values), list(values)
        up[place], down[place] = perturbed(x, step), perturbed(x, -step)
        total[index] = (f(*up) - f(*down)) / (2 * h)
    return total


def along(f: Callable[..., Any], values: list[Any], places: list[int], directions: list[Any], h: float = 1e-6) -> Any:
    up, down = list(values), list(values)
    for place, direction in zip(places, directions):
        up[place] = perturbed(values[place], h * direction)
        down[place] = perturbed(values[place], -h * direction)
    ups, downs = f(*up), f(*down)
    return [(np.asarray(a) - np.asarray(b)) / (2 * h) for a, b in zip(ups, downs)]


def directions_for(values: list[Any], places: list[int]) -> list[Any]:
    rng = np.random.default_rng(17)
    made = []
    for place in places:
        x = values[place]
        if isinstance(x, np.ndarray):
            made.append(rng.normal(size=x.shape).astype(x.dtype))
        else:
            made.append(type(x)(rng.normal()))
    return made


def frozen(values: list[Any]) -> list[Any]:
    """Copies that cannot be written."""
    made = []
    for value in values:
        if isinstance(value, np.ndarray):
            value = value.copy(order="K")
            value.flags.writeable = False
        made.append(value)
    return made


# Checks
def check_first(made: Program, u: Use) -> None:
    """Gradient and tangent of a program, against differences and each other."""
    f = made.function()
    values, places = frozen(made.values), made.places
    gradient = s2sad.grad(f, wrt=made.wrt)
    found = gradient(*values)
    for place, x_bar in zip(places, found):
        x = values[place]
        assert np.shape(x_bar) == np.shape(x), f"{made.text}: the gradient's shape is {np.shape(x_bar)}"
        if isinstance(x, np.ndarray) and x.ndim:  # without axes, NumPy itself makes a number of it
            assert isinstance(x_bar, np.ndarray) and x_bar.flags.writeable, f"{made.text}: {type(x_bar)}"
            assert x_bar.dtype == x.dtype, f"{made.text}: {x_bar.dtype}"
            assert not any(np.may_share_memory(x_bar, v) for v in values if isinstance(v, np.ndarray)), made.text
        if u.differences:
            agree(x_bar, differences(f, values, place), u.tolerance * 5, f"{made.text}, by {place}")
    for a, b in itertools.combinations([v for v in found if isinstance(v, np.ndarray)], 2):
        assert not np.may_share_memory(a, b), f"{made.text}: gradients share memory"
    generic = gradient.specialise(*[UNKNOWN] * len(values))
    for own, other in zip(found, generic(*values)):
        agree(np.asarray(other), np.asarray(own), 1e-9, f"{made.text}, with unknown kinds\n{generic.source}")
    directions = directions_for(values, places)
    tangent = jvp(f, wrt=made.wrt)
    value, moved = tangent(*values, *directions)
    agree(value, f(*values), 0.0, made.text)
    agree(moved, dot(found, directions), max(u.precision, 1e-9), f"{made.text}, tangent\n{tangent.specialisations[0]}")


def check_second(made: Program, u: Use) -> None:
    """Both derivatives of the gradient, against differences of the gradient and each other."""
    f = made.function()
    values, places = made.values, made.places
    for k, place in enumerate(places):  # away from where two arguments are equal
        values[place] = perturbed(values[place], 1e-3 * k)
    values = frozen(values)
    directions = directions_for(values, places)
    gradient = s2sad.grad(f, wrt=made.wrt)
    forward = jvp(gradient, wrt=made.wrt)
    _, moved = forward(*values, *directions)
    if u.differences:
        for k, (own, expected) in enumerate(zip(moved, along(gradient, values, places, directions))):
            agree(own, expected, 1e-4, f"{made.text}, forward over reverse, {made.wrt[k]}")
    total = [np.zeros(np.shape(values[p])) for p in places]
    for name, direction in zip(made.wrt, directions):
        reverse = vjp(s2sad.grad(f, wrt=name), wrt=made.wrt)
        for k, part in enumerate(reverse(*values, direction)):
            total[k] = total[k] + part
    for k, (own, other) in enumerate(zip(total, moved)):
        agree(own, other, 1e-7, f"{made.text}, reverse over reverse, {made.wrt[k]}")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def refusals(
    pairs: list[tuple[Use, Program]], check: Callable[[Program, Use], None], known: list[str]
) -> set[str]:
    """Those of the known refusals that checks of programs end in; every other failure is raised."""
    found: set[str] = set()
    for u, made in pairs:
        try:
            check(made, u)
        except S2sadError as error:
            said = {text for text in known if text in str(error)}
            if not said:
                raise
            found |= said
    return found


@pytest.mark.parametrize("u, made", further())
def test_dtypes_and_arrays_of_arrays(u: Use, made: Program) -> None:
    check_first(made, u)
    check_second(made, u)


def test_conversions_keep_single_precision() -> None:
    def narrow(x, z):  # type: ignore[no-untyped-def]
        return np.sum(x.astype(np.float32) * z)

    x, z = V.astype("float64"), W.astype("float32")
    g = s2sad.grad(narrow, wrt=("x", "z"))(x, z)
    assert [a.dtype for a in g] == ["float64", "float32"]
    np.testing.assert_allclose(g[0], W, rtol=1e-6)
    np.testing.assert_allclose(g[1], V, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_first_order(name: str) -> None:
    known = [REFUSED[name]] if name in REFUSED else []
    assert refusals(ALL[name], check_first, known) == set(known), "no longer refused: take it off the list"


@pytest.mark.parametrize("name", ALL)
def test_second_order(name: str) -> None:
    known = [REFUSED_TWICE[name]] if name in REFUSED_TWICE else []
    step = 1 if known else len(ALL[name]) // 12 + 1
    found = refusals(ALL[name][::step], check_second, known)
    assert found == set(known), "no longer refused: take it off the list"


#: Whose rules are checked here; others have tests of their own, and tests register rules of users.
OWN = ("numpy.", "math.", "cmath.", "builtins.", "operator.")


def test_every_rule_is_reached() -> None:
    """The engine's own rules, and those of what adjoints call, are reached by second derivatives."""
    reached = {registry.find(name).name for name in ALL} | test_complex.REACHED | test_complex.TYPES
    rules = map(registry.find, registry.names())
    differentiable = {rule.name for rule in rules if rule.differentiable and function_of(rule.name)}
    assert {n for n in differentiable - reached if n.startswith(OWN)} == set(EXCUSED)
