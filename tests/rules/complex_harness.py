"""Checks of rules for complex numbers: formulas against differences by real and imaginary part, and through the engine.

The adjoint of z = x + iy is ∂/∂x - i ∂/∂y, so that the real part of the sum of g * y_dot is that of x_bar * x_dot.
"""

from __future__ import annotations

import itertools
import linecache
import warnings
from typing import Any

import numpy as np
from rules.harness import (
    Covered,
    Use,
    Wrong,
    bind,
    call,
    chosen,
    environment,
    evaluate,
    function_of,
    get,
    put,
    rebroadcast,
    tangent_value,
    unbroadcast,
    values_of_cases,
)

import s2sad
from s2sad.rules import registry
from s2sad.rules.registry import Rule
from s2sad.transforms import jvp, vjp

SPELLED = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "matmul": "@"}


def is_active(value: Any) -> bool:
    """Whether a value is a float or complex number, or an array of such."""
    return isinstance(value, (float, complex)) or getattr(getattr(value, "dtype", None), "kind", "") in tuple("fc")


def places(entry: Rule, u: Use) -> list[tuple[str, int | None]]:
    """What can be differentiated: a parameter, or one item of a sequence or variadic parameter."""
    found: list[tuple[str, int | None]] = []
    bound = bind(entry, u)
    for name in u.wrt or entry.differentiable:
        value = bound.get(name)
        if isinstance(value, (tuple, list)):
            found += [(name, k) for k, item in enumerate(value) if is_active(item)]
        elif is_active(value):
            found.append((name, None))
    return found


def random_like(value: Any, rng: np.random.Generator) -> Any:
    """Random numbers of the type and shape of a value; zeros where it holds no floats."""
    if isinstance(value, (tuple, list)):
        return tuple(random_like(v, rng) for v in value)
    made = rng.normal(size=np.shape(value)) * (1.0 if is_active(value) else 0.0)
    if np.iscomplexobj(value):
        made = made + 1j * rng.normal(size=np.shape(value))
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return complex(made) if isinstance(value, complex) else float(made)
    return np.asarray(made) if isinstance(value, np.ndarray) else np.asarray(made)[()]


def dot(a: Any, b: Any) -> float:
    """The real part of the sum of products."""
    if isinstance(a, (tuple, list)):
        return sum(dot(x, y) for x, y in zip(a, b))
    return float(np.sum(np.asarray(a) * np.asarray(b)).real)


def in_field(x_bar: Any, x: Any) -> Any:
    """What the engine adds to the adjoint of x."""
    return x_bar + 0j if np.iscomplexobj(x) else np.real(x_bar)


def moved(x: Any, by: Any) -> Any:
    return x + by if isinstance(x, (np.ndarray, np.generic)) else type(x)(x + by)


def by_differences(value: Any, x: Any) -> Any:
    """The adjoint of x by differences of a real function of it."""
    total = np.zeros(np.shape(x), complex if np.iscomplexobj(x) else float)
    for index in np.ndindex(np.shape(x)):
        for unit in (1.0, -1j) if np.iscomplexobj(x) else (1.0,):
            ends = []
            for h in (1e-3, 5e-4):
                step = np.zeros(np.shape(x), total.dtype)
                step[index] = h * np.conj(unit)
                step = step if np.ndim(x) else step[()]
                ends.append((value(moved(x, step)) - value(moved(x, -step))) / (2 * h))
            total[index] += unit * (4 * ends[1] - ends[0]) / 3
    return total


def agree(found: Any, expected: Any, tolerance: float, what: str) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    if found.shape != expected.shape or np.iscomplexobj(found) != np.iscomplexobj(expected):
        raise Wrong(f"{what}: {found.dtype}{found.shape}, not {expected.dtype}{expected.shape}")
    if not np.all(np.abs(found - expected) <= tolerance * scale):
        raise Wrong(f"{what}:\n{found}\nis not\n{expected}")


def check(u: Use, entry: Rule | None = None, covered: Covered | None = None) -> int:
    """Check the formulas of a use: against differences, and adjoint against tangent. Returns how many were."""
    known = registry.find(u.name)
    held = None if known is None else registry.holds_for_complex(known)
    assert known is not None and held is not None, u
    entry, same = entry or known, held[0]
    rng = np.random.default_rng(len(repr(u)))
    bound = bind(entry, u)
    y = call(entry, u, bound)
    g = random_like(y, rng)
    done = 0
    for place in places(entry, u):
        name, k = place
        x = get(bound, place)
        x_dot = random_like(x, rng)
        env = environment(entry, bound, y, g)
        if k is not None:
            env.update(item=x, k=k, count=len(bound[name]))
        expected = by_differences(lambda v: dot(g, call(entry, u, put(bound, place, v))), x)
        texts: dict[tuple[str, str | None], None] = {}
        for is_known, literal in itertools.product((True, False) if same else (True,), (True, False)):
            values = values_of_cases(entry, bound, place, is_known, literal)
            adjoint, tangent = chosen(entry.adjoint[name], values), chosen(entry.tangent.get(name, ()), values)
            for mode, case in (("adjoint", adjoint), ("tangent", tangent)):
                if case is not None and covered is not None:
                    covered.add((entry.name, name, mode, case[0]))
            if adjoint is not None:
                texts[adjoint[1], tangent and tangent[1]] = None
        for adjoint_text, tangent_text in texts:
            what = f"{u}, by {name}{'' if k is None else k}: {adjoint_text}"
            x_bar = evaluate(adjoint_text, env)
            if entry.elementwise:
                x_bar = unbroadcast(rebroadcast(x_bar, y), x)
            x_bar = in_field(x_bar, x)
            agree(x_bar, expected, u.tolerance, what)
            done += 1
            if tangent_text is None:
                continue
            y_dot = tangent_value(entry, u, bound, place, tangent_text, x_dot, env)
            if not entry.results:
                y_dot = in_field(rebroadcast(y_dot, y) if entry.elementwise else y_dot, y)
            product, other = dot(g, y_dot), dot(x_bar, x_dot)
            if not abs(product - other) <= u.precision * max(1.0, abs(product)):
                raise Wrong(f"{what}, and tangent {tangent_text}: {product} is not {other}")
            done += 1
    return done


def kind_holds(u: Use) -> None:
    """Check that the kind of the result says nothing false of whether it is complex, and says it."""
    from s2sad.ir.kinds import UNSURE, kind_of

    entry = registry.find(u.name)
    assert entry is not None
    bound = bind(entry, u)
    variadic = {p.name for p in entry.parameters if p.variadic}
    kinds: dict[str, Any] = {n: tuple(map(kind_of, v)) if n in variadic else kind_of(v) for n, v in bound.items()}
    y = call(entry, u, bound)
    literals = {n: v for n, v in bound.items() if not is_active(v) and not isinstance(v, (list, np.ndarray))}
    found = registry.kind_of_result(entry, kinds, literals)
    parts = list(zip(found.items or (), y)) if isinstance(y, tuple) else [(found, y)]
    assert parts
    for kind, part in parts:
        assert kind.is_complex if np.iscomplexobj(part) else kind.is_real or not is_active(part), (u, kind)
        if kind.dtype not in (None, *UNSURE) and hasattr(part, "dtype"):
            assert kind.dtype == part.dtype.name, (u, kind, part.dtype)


# Through the engine
def program(u: Use) -> tuple[Any, list[Any]] | None:
    """A function of what is active in a use, with a real result that depends on all of that of the use."""
    entry = registry.find(u.name)
    assert entry is not None
    bound = bind(entry, u)
    names: list[str] = []
    values: list[Any] = []
    constants: dict[str, Any] = {}
    allowed = u.wrt or entry.differentiable

    def shown(name: str, value: Any) -> str:
        if isinstance(value, (list, tuple)) and not all(isinstance(v, (int, str)) for v in value):
            inner = [shown(f"{name}{k}", v) for k, v in enumerate(value)]
            return f"[{', '.join(inner)}]"
        if is_active(value) and name.rstrip("0123456789") in allowed:
            names.append(f"p_{name}")
            values.append(value)
            return f"p_{name}"
        if isinstance(value, (int, str, tuple, complex, float, type(None))):
            return repr(value)
        constants[f"c_{name}"] = value
        return f"c_{name}"

    args: list[str] = []
    for p in entry.parameters:
        if p.name in bound:
            if p.variadic:
                args += [shown(f"{p.name}{k}", v) for k, v in enumerate(bound[p.name])]
            else:
                args.append((f"{p.name}=" if p.name in u.kwargs else "") + shown(p.name, bound[p.name]))
    module, _, own = u.name.rpartition(".")
    if module == "operator" and own in SPELLED:
        text = f" {SPELLED[own]} ".join(args)
    elif module == "operator":
        text = {"neg": "-{}", "pos": "+{}", "abs": "abs({})", "getitem": "{}[{}]"}[own].format(*args)
    elif module == "numpy.ndarray":
        text = f"{args[0]}.{own}" + ("" if own in registry.ARRAY_ATTRIBUTES else f"({', '.join(args[1:])})")
    else:
        text = f"{u.name.removeprefix('builtins.')}({', '.join(args)})".replace("numpy.", "np.")
    y = call(entry, u, bound)
    parts = [("y", y)] if not isinstance(y, tuple) else [(f"y[{k}]", part) for k, part in enumerate(y)]
    rng = np.random.default_rng(5)
    terms = []
    for k, (part, value) in enumerate(parts):
        if is_active(value):
            constants[f"w{k}"] = np.asarray(random_like(value, rng))[()]
            terms.append(f"np.sum(np.abs({part} * {part} + w{k} * {part}) ** 2)")
    lines = ["import cmath", "import numpy as np", f"def f({', '.join(names)}):", f"    y = {text}"]
    source = "\n".join([*lines, f"    return {' + '.join(terms)}"]) + "\n"
    if not terms:
        return None
    file = f"<complex {hash(source + repr(constants)) & 0xFFFFFFFF:x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace: dict[str, Any] = dict(constants)
    exec(compile(source, file, "exec"), namespace)
    return namespace["f"], values


def check_engine(u: Use, second: bool = True) -> None:
    """Check the gradient of a program of a use against differences, its tangent, and both of its gradient's."""
    made = program(u)
    if made is None:
        return
    check_function(*made, u.tolerance * 5, str(u), second)


def check_function(f: Any, values: list[Any], tolerance: float, what: str, second: bool = True) -> None:
    """The same of any function of real and complex arguments with a real result."""
    rng = np.random.default_rng(len(what))
    positions = tuple(range(len(values)))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", s2sad.S2sadWarning)
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        gradients = s2sad.grad(f, wrt=positions)(*values)
        value, again = s2sad.value_and_grad(f, wrt=positions)(*values)
        assert value == f(*values)
        dots = [random_like(x, rng) for x in values]
        got, slope = jvp(f, wrt=positions)(*values, *dots)
        assert got == value
        for k, (x, g, twice) in enumerate(zip(values, gradients, again)):

            def along(v: Any, k: int = k) -> float:
                return float(f(*values[:k], v, *values[k + 1 :]))

            agree(g, by_differences(along, x), tolerance, f"{what}: gradient {k}")
            agree(twice, g, 1e-12, f"{what}: value_and_grad {k}")
            wanted = complex if type(x) is complex else float if type(x) is float else type(x)
            assert isinstance(g, wanted), f"{what}: {type(g)} for {type(x)}"
            if isinstance(x, (np.ndarray, np.generic)):
                assert g.dtype == x.dtype, f"{what}: {g.dtype} for {x.dtype}"
        product = sum(dot(g, d) for g, d in zip(gradients, dots))
        agree(slope, product, 1e-10, f"{what}: jvp")
        if second:
            _check_second(f, values, dots, tolerance, what, rng)


def _check_second(f: Any, values: list[Any], dots: list[Any], tolerance: float, what: str, rng: Any) -> None:
    positions = tuple(range(len(values)))
    h = 1e-4
    for k in positions:
        gradient = s2sad.grad(f, wrt=k)
        ends = [gradient(*[moved(x, s * h * d) for x, d in zip(values, dots)]) for s in (1, -1, 0.5, -0.5)]
        slope = (8 * (ends[2] - ends[3]) - (ends[0] - ends[1])) / (6 * h)
        tangent = jvp(gradient, wrt=positions)(*values, *dots)[1]
        agree(tangent, slope, tolerance * 20, f"{what}: jvp of gradient {k}")
        seed = random_like(values[k], rng)
        adjoints = vjp(gradient, wrt=positions)(*values, seed)
        product = sum(dot(a, d) for a, d in zip(adjoints, dots))
        agree(product, dot(seed, tangent), 1e-9, f"{what}: vjp of gradient {k}")


def exists(u: Use) -> bool:
    return function_of(u.name) is not None
