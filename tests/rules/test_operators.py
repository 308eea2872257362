"""Every rule of operators, built-in functions and `math`, in every case, against differences."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rules.harness import (
    Use,
    Wrong,
    bind,
    broken,
    check,
    check_dtype,
    check_kind,
    function_of,
    holds,
    is_exact,
    missed,
    numbers,
    partials,
    rules_of,
    unknown_names,
    use,
)

from s2sad.ir.kinds import BOOL, FLOAT, INT, STR, Kind, kind_of
from s2sad.rules import registry
from s2sad.rules.registry import kind_of_result

NAMES = rules_of("s2sad.rules.operators")

#: Functions that older versions of Python lack.
RECENT = {"math.cbrt", "math.exp2", "math.fma"}

#: Derivatives that exist and are refused for now.

PAIRS = [
    (None, None), ("scalar", None), ("scalar", "scalar"), ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)),
    ((2, 3), None), (None, (2, 3)), ((3,), "scalar"), ((), (3,)), ((1,), (3,)), ((0,), (1,)), ((2, 0), (1, 1)),
]  # fmt: skip
SHAPES = [None, "scalar", (), (3,), (2, 3), (1,), (0,)]

#: Arguments of the functions of math with one parameter, if not 0.7.
POINTS = {
    "acosh": [1.5, 40.0], "gamma": [0.3, 4.5, 1.0, -1.5], "lgamma": [0.3, 4.5, 20.0, -0.5], "cbrt": [0.7, 8.0],
    "fabs": [-0.7, 2.0], "erf": [-0.7, 2.0], "erfc": [-0.7, 2.0], "modf": [0.7, -1.3], "frexp": [0.7, -5.0],
    "degrees": [-70.0], "expm1": [-3.0, 1e-3], "atan": [-3.0, 5.0], "asin": [-0.9], "acos": [-0.9],
}  # fmt: skip


def uses():
    for name in NAMES:
        module, _, own = name.partition(".")
        entry = registry.find(name)
        if function_of(name) is None or not entry.differentiable:
            continue
        if module == "math" and [p.name for p in entry.parameters] == ["x"]:
            yield from (use(name, x) for x in [0.7, *POINTS.get(own, [])] if own != "acosh" or x > 1)
            yield use(name, np.float64(POINTS.get(own, [0.7])[0]))
        if module == "operator" and own in ("neg", "pos", "abs"):
            yield from (use(name, numbers(shape, seed=k)) for k, shape in enumerate(SHAPES))
        if module == "operator" and own in ("add", "sub", "mul", "truediv", "mod"):
            low, high = (0.6, 1.1) if own == "mod" else (0.5, 3)
            for k, (s, t) in enumerate(PAIRS):
                yield use(name, numbers(s, low, high, k), numbers(t, low, high, k + 9))
            yield use(name, 2, numbers((3,), 0.3, 1.2))
            yield use(name, numbers(None, 0.3, 1.2), 2)
            yield use(name, numbers((3,), 0.3, 1.2), np.arange(2, 5))
    for name in ("operator.pow", "builtins.pow"):
        yield from (use(name, numbers(s, 0.3, 2, k), numbers(t, -2, 2, k + 9)) for k, (s, t) in enumerate(PAIRS))
        for p in (0, 1, 2, 3, -1, 0.5, 2.0):
            yield from (use(name, numbers(s, 0.3, 2), p) for s in (None, "scalar", (2, 3)))
        for x in (2, 0.5, 1):
            yield from (use(name, x, numbers(s)) for s in (None, "scalar", (2, 3)))
        for x in (numbers(None, -2, -1), numbers((3,), -2, -1)):
            yield use(name, x, 3)
            yield use(name, x, -2)
        yield use(name, numbers((3,), -2, -1), np.array([1, 2, 3])).by("x", "base")
    yield from (use("builtins.abs", numbers(shape, seed=k)) for k, shape in enumerate(SHAPES))
    yield from (use("builtins.divmod", numbers(s, 0.6, 1.1), numbers(t, 0.6, 1.1, 9)) for s, t in PAIRS)
    yield use("builtins.divmod", -7.3, 2.1)
    yield from (use("builtins.float", numbers(shape)) for shape in (None, "scalar", ()))
    for name in ("builtins.max", "builtins.min"):
        yield use(name, 1.0, 2.0)
        yield use(name, 1.5, 0)
        yield use(name, -1, 0.5)
        yield use(name, 0.5, np.float64(0.7))
        yield use(name, 0.5, -1.5, 3.0)
        yield use(name, 0.5, -1.5, 3.0, 1)
        yield use(name, np.array([1.0, 3.0, -1.0]))
    yield use("builtins.sum", [1.0, 2.0, 3.0])
    yield from (use("builtins.list", items) for items in ([1.0, 2.0], numbers((3,)), numbers((2, 3))))
    yield use("builtins.sum", (1.0, np.float64(2.0)), 0.5)
    yield use("builtins.sum", [numbers((2, 3)), numbers((3,)), 1.0], numbers((2, 1)))
    yield from (use("builtins.sum", numbers(shape)) for shape in ((3,), (2, 3)))
    yield use("math.fsum", [1.0, 2.0, 3.0])
    yield use("math.fsum", numbers((3,)))
    yield use("math.prod", (1.5, 2.0, 3.0))
    yield use("math.prod", [1.5, 0.0, 3.0], start=1)
    yield use("math.prod", [1.5, 0.5, 3.0], start=2.5)
    yield use("math.prod", [0.5 + k for k in range(9)], start=2)
    yield use("math.dist", np.array([0.5, -1.5]), np.array([2.0, 0.25]))
    yield use("math.dist", np.array([0.5, -1.5, 1.0]), np.array([2.0, 0.25, 1.0]))
    yield use("math.hypot", 1.0, 2.0)
    yield use("math.hypot", 1.0, 2.0, -3.0)
    yield use("math.hypot", -1.0)
    yield from (use("math.atan2", a, b) for a, b in ((1.0, 2.0), (-1.0, -2.0), (0.0, 1.0)))
    yield use("math.log", 2.0)
    yield use("math.log", 2.0, 10)
    yield use("math.log", 2.0, 3.0)
    for p in (2.5, 0, 1, 2, -1, 0.5):
        yield use("math.pow", 1.5, p)
    yield use("math.pow", -1.5, 3).by("x")
    yield use("math.pow", 3, 0.5)
    yield use("math.pow", 1.5, 2.5)
    for name in ("math.fmod", "math.remainder"):
        yield from (use(name, a, b) for a, b in ((7.3, 2.1), (-7.3, 2.1), (7.3, -2.1), (1.0, 3.0)))
    yield from (use("math.copysign", x, s) for x, s in ((1.5, -1.0), (-1.5, 2.0), (-1.5, -2.0)))
    yield use("math.ldexp", 1.5, 3)
    yield use("math.ldexp", -1.5, -3)
    yield use("math.nextafter", 1.5, 3.0)
    yield from (use("s2sad.runtime.special.digamma", x) for x in (0.3, 4.5, 20.0, -0.5))
    yield from (use("s2sad.runtime.special.trigamma", x) for x in (0.3, 4.5, 20.0, -0.5))
    yield from (use("s2sad.runtime.special.polygamma", n, x).by("x") for n in (1, 2, 3) for x in (0.7, 4.5, 30.0, -0.5))
    for items, places in (((1.5, 0.5, 3.0, 2.0), (1,)), ([1.5, 0.5, 3.0], (2, 0))):
        yield replace(use("s2sad.runtime.special.product_of_others", items, places), literal_only=True)
    if hasattr(math, "fma"):
        yield use("math.fma", 1.5, 2.0, 3.0)


USES = list(uses())


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


def test_kinds_are_exact():
    """Where they can be: a power of Python numbers may be complex."""
    arrays = [u for u in USES if u.name.startswith("operator.") and any(isinstance(a, np.ndarray) for a in u.args)]
    vague = [u for u in arrays if not is_exact(u)]
    assert arrays and not vague


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None or name in RECENT
    assert not unknown_names(registry.find(name))


def test_scalar_formulas_need_no_numpy():
    for name in NAMES:
        if name.startswith("math."):
            entry = registry.find(name)
            texts = [c.text for cases in [*entry.adjoint.values(), *entry.tangent.values()] for c in cases]
            assert not [t for t in texts if isinstance(t, str) and "np." in t], name


FIRST = {}
for _u in USES:
    FIRST.setdefault(_u.name, _u)


@pytest.mark.parametrize("name", sorted(FIRST))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(FIRST[name], entry=broken(registry.find(name)))


# Singular points
@pytest.mark.parametrize(
    ("u", "by", "expected"),
    [
        (use("operator.abs", 0.0), "x", 0),
        (use("operator.abs", np.array([-2.0, 0.0, 3.0])), "x", [-1, 0, 1]),
        (use("builtins.abs", 0.0), "x", 0),
        (use("math.fabs", 0.0), "x", 0),
        (use("math.copysign", 0.0, -1.0), "x", 0),
        (use("operator.pow", 0.0, 0), "x", 0),
        (use("operator.pow", 0.0, 1), "x", 1),
        (use("operator.pow", 0.0, 2), "x", 0),
        (use("operator.pow", 0.0, 0.0), "p", 0),
        (use("operator.pow", 0.0, 2.0), "p", 0),
        (use("operator.pow", np.zeros(3), np.array([0.0, 1.0, 2.0])), "x", [0, 1, 0]),
        (use("operator.pow", np.zeros(3), np.array([0.0, 1.0, 2.0])), "p", [0, 0, 0]),
        (use("operator.pow", np.zeros(3), 0), "x", [0, 0, 0]),
        (use("builtins.pow", 0.0, 0), "base", 0),
        (use("math.pow", 0.0, 0), "x", 0),
        (use("math.pow", 0.0, 2.0), "p", 0),
    ],
    ids=repr,
)
def test_singular_points(u, by, expected):
    for found in partials(u, by):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("args", [(1.0, 1.0), (2.0, 2.0, 1.0), (np.float64(1.0), 1.0), (3.0, 3.0, 3.0)])
def test_equal_extremes_share_evenly(args):
    for name in ("max", "min"):
        if name == "min" and args == (2.0, 2.0, 1.0):
            continue
        entry = registry.find(f"builtins.{name}")
        best = max(args)
        shares = []
        for k, item in enumerate(args):
            values = {"args": (FLOAT,) * len(args), "key": None, "item": FLOAT, "k": k, "count": len(args)}
            text = registry.choose(entry.adjoint["args"], values)
            names = {"args": args, "item": item, "k": k, "y": best, "g": 1.0, "max": max, "sum": sum}
            shares.append(eval(text, {}, names))
        expected = [1 / args.count(best) if a == best else 0 for a in args]
        np.testing.assert_allclose(shares, expected)


def test_hypot_at_the_origin():
    text = registry.find("math.hypot").adjoint["coordinates"][0].text
    assert eval(text, {}, {"g": 1.0, "item": 0.0, "y": 0.0}) == 0.0


def test_large_arguments_do_not_overflow():
    for name, expected in (("atan", 0.0), ("tanh", 0.0), ("asinh", 0.0)):
        (found, *_) = partials(use(f"math.{name}", 1e200), "x")
        assert found == expected


def test_lists_are_not_added_like_numbers():
    entry = registry.find("operator.add")
    lists = {"a": Kind("list", items=(FLOAT,)), "b": Kind("list", items=(FLOAT,)), "a_value": None, "b_value": None}
    assert registry.choose(entry.adjoint["a"], lists) is None


# Kinds of Python's own operators
@pytest.mark.parametrize(
    ("name", "args", "literals"),
    [
        *(("operator." + n, args, {}) for n in ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "eq")
          for args in ((1, 2), (True, 2), (True, True), (1.5, 2), (2, 1.5), (np.float32(1), 2.0), (np.int8(1), 2.5))),
        *(("operator.pow", (x, p), {"p": p}) for x in (2, 2.0, -8.0, np.float64(2)) for p in (2, -1, 0.5, 2.0)),
        *(("operator.pow", (x, p), {"x": x}) for x in (2, 2.0, -8.0) for p in (2, -1, 0.5, 2.0)),
        *(("operator.pow", (x, p), {}) for x in (2, 2.0, -8.0, True) for p in (2, -1, 0.5, 2.0, True)),
        *(("operator." + n, (3, True), {}) for n in ("and_", "or_", "xor", "lshift", "rshift")),
        ("operator.and_", (True, False), {}), ("operator.invert", (True,), {}), ("operator.invert", (3,), {}),
        ("operator.neg", (True,), {}), ("operator.abs", (-2,), {}), ("operator.abs", (2j,), {}),
        ("operator.add", ("a", "b"), {}), ("operator.mod", ("%g", 1.0), {}), ("operator.eq", ("a", "b"), {}),
        ("operator.eq", ((1, 2), (1, 3)), {}), ("operator.add", ((1,), (2.0, 3)), {}),
        ("operator.mul", ("a", 2), {}),
        ("operator.lt", (np.ones(3), 2), {}), ("operator.lt", (np.float64(3), 2), {}),
        ("builtins.round", (2.5,), {}), ("builtins.round", (2.5, 1), {"ndigits": 1}),
        ("builtins.round", (np.float64(2),), {}),
        ("builtins.len", ([1],), {}), ("builtins.int", (2.5,), {}), ("builtins.divmod", (7, 2), {}),
        ("builtins.max", (1, 2.5), {}), ("builtins.max", ([1, 2.5],), {}), ("builtins.isinstance", (1, int), {}),
        ("math.floor", (2.5,), {}), ("math.isnan", (2.5,), {}), ("math.comb", (3, 2), {}), ("math.modf", (2.5,), {}),
    ],
)  # fmt: skip
def test_kinds(name, args, literals):
    entry = registry.find(name)
    u = Use(name, args)
    bound = bind(entry, u)
    value = function_of(name)(*args)
    check_kind(entry, u, bound, value)
    variadic = entry.parameters[0].variadic
    kinds = {n: tuple(map(kind_of, v)) if variadic else kind_of(v, n) for n, v in bound.items()}
    holds(kind_of_result(entry, kinds, literals), value, {}, name)


def test_kinds_are_exact_for_python_numbers():
    def of(name, *kinds, **literals):
        entry = registry.find(name)
        return kind_of_result(entry, {p.name: k for p, k in zip(entry.parameters, kinds)}, literals)

    assert of("operator.add", FLOAT, INT) == FLOAT
    assert of("operator.truediv", INT, INT) == FLOAT
    assert of("operator.floordiv", INT, INT) == INT
    assert of("operator.pow", FLOAT, INT) == FLOAT
    assert of("operator.pow", FLOAT, FLOAT, p=2.0) == FLOAT
    assert of("operator.pow", FLOAT, FLOAT).sort == "unknown"
    assert of("operator.pow", INT, INT, p=2) == INT
    assert of("operator.lt", FLOAT, INT) == BOOL
    assert of("operator.mod", STR, FLOAT) == STR
    assert of("math.sin", FLOAT) == FLOAT
