"""Every rule of NumPy's elementwise functions, in every case, against differences."""

from dataclasses import replace

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    function_of,
    is_exact,
    missed,
    numbers,
    partials,
    rules_of,
    unknown_names,
    use,
)

from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.elementwise")

SHAPES = [None, "scalar", (), (3,), (2, 3), (1, 3), (1,), (0,), (2, 0, 3)]
PAIRS = [
    (None, None), ("scalar", None), ("scalar", "scalar"), ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)),
    ((2, 3), None), (None, (2, 3)), ((3,), "scalar"), ((), (3,)), ((1,), (3,)), ((1, 1), (3,)), ((0,), (1,)),
    ((2, 0), (1, 1)),
]  # fmt: skip

#: Where a function is defined and smooth, if not on (-2, 2).
DOMAINS = {
    "arccosh": (1.2, 3), "arcsin": (-0.9, 0.9), "arccos": (-0.9, 0.9), "arctanh": (-0.9, 0.9), "sqrt": (0.2, 3),
    "log": (0.2, 3), "log2": (0.2, 3), "log10": (0.2, 3), "log1p": (-0.8, 3), "cbrt": (0.2, 3), "reciprocal": (0.3, 3),
    "absolute": (0.2, 3), "fabs": (-3, -0.2), "tan": (-1.2, 1.2), "modf": (0.1, 0.9), "frexp": (1.1, 1.9),
    "power": (0.3, 3), "float_power": (0.3, 3), "divide": (0.5, 3), "remainder": (0.6, 1.1), "fmod": (0.6, 1.1),
    "divmod": (0.6, 1.1), "sinc": (0.2, 3), "nextafter": (0.2, 3),
}  # fmt: skip


def uses():
    for name in NAMES:
        entry = registry.find(name)
        own = name.rpartition(".")[2]
        low, high = DOMAINS.get(own, (-2, 2))
        required = [p.name for p in entry.parameters if p.default is registry.REQUIRED]
        if not entry.differentiable or own in ("where", "clip", "ldexp", "nextafter"):
            continue
        if len(required) == 1:
            for k, shape in enumerate(SHAPES):
                u = use(name, numbers(shape, low, high, k))
                coarse = {"float16": 1e-2, "float32": 1e-5, "longdouble": 1e-9}.get(own)
                if coarse:
                    u = replace(u, differences=False, precision=coarse)
                    yield replace(u, args=(np.asarray(u.args[0]).astype(own),))
                yield u
        else:
            for k, (s, t) in enumerate(PAIRS):
                yield use(name, numbers(s, low, high, k), numbers(t, low, high, k + 100))
    yield from (use("numpy.frexp", -numbers(shape, 1.1, 1.9)) for shape in SHAPES)
    for name in ("power", "float_power"):
        for p in (0, 1, 2, 3, -1, 0.5, 2.0):
            yield use(f"numpy.{name}", numbers((2, 3), 0.3, 2), p)
            yield use(f"numpy.{name}", numbers(None, 0.3, 2), p)
        yield use(f"numpy.{name}", numbers((3,), -2, -1), 3)
        yield use(f"numpy.{name}", numbers((3,), -2, -1), np.array([1, 2, 3])).by("x")
        yield use(f"numpy.{name}", 2, numbers((2, 3)))
        yield use(f"numpy.{name}", 2.5, numbers((2, 3)))
    for name in ("maximum", "minimum", "fmax", "fmin"):
        for other in (0, 0.0, 0.5, -1, -np.inf if "max" in name else np.inf):
            yield use(f"numpy.{name}", numbers((2, 3)), other).by("a")
            yield use(f"numpy.{name}", other, numbers((2, 3))).by("b")
            yield use(f"numpy.{name}", numbers(None), other).by("a")
    condition = np.array([[True, False, True], [False, False, True]])
    yield use("numpy.where", condition, numbers((2, 3)), numbers((2, 3), seed=1))
    yield use("numpy.where", condition, numbers((3,)), numbers((2, 1), seed=1))
    yield use("numpy.where", condition, numbers("scalar"), 0.0)
    yield use("numpy.where", condition[0], numbers((2, 1)), numbers(None))
    yield use("numpy.where", True, numbers(None), numbers((2,)))
    yield use("numpy.where", np.True_, numbers(()), numbers("scalar"))
    yield use("numpy.where", numbers((3,)), numbers((3,)), numbers((2, 3)))
    yield use("numpy.where", condition[:0], numbers((0, 3)), 1.0)
    for clip in ("numpy.clip", "numpy.ndarray.clip"):
        for low, high in (
            (-0.5, 0.7), (-0.5, None), (None, 0.7), (-1, 1), (numbers((3,), -1, 0), numbers((3,), 0, 1)), (None, None),
            (numbers((2, 1), -1, 0), None), (None, numbers((3,))), (numbers("scalar", -1, 0), 2),
        ):  # fmt: skip
            for shape in ((2, 3), (1, 3), "scalar", (3,)):
                yield replace(use(clip, numbers(shape), low, high), literal_only=low is None or high is None)
        yield use(clip, numbers((5,)), 0.5, -0.5)
    yield use("numpy.clip", numbers(None), -1, 1)
    yield replace(use("numpy.clip", numbers((3,)), a_max=0.5, a_min=None), literal_only=True)
    yield replace(use("numpy.clip", numbers((3,)), None, None), literal_only=True)
    yield use("numpy.ndarray.clip", numbers((3,)), min=0.5)
    yield use("numpy.ldexp", numbers((2, 3)), 3)
    yield use("numpy.ldexp", numbers((3,)), np.array([[1], [-2]]))
    yield use("numpy.ldexp", numbers(None), np.array([1, 2]))
    yield from (use("numpy.nextafter", numbers(shape, 0.5, 1), 4.0) for shape in SHAPES)
    yield use("numpy.nan_to_num", numbers((3,)), nan=2.0)
    yield use("numpy.heaviside", np.array([0.0, 1.0, 0.0]), numbers((2, 3)))


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
    vague = [u for u in USES if not is_exact(u)]
    assert not vague


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


#: Whose derivative is zero where these uses are.
STEPS = {"numpy.heaviside", "numpy.angle", "numpy.imag", "numpy.ndarray.imag"}
SMOOTH = {}
for _u in USES:
    if _u.differences and _u.args and np.shape(_u.args[0]) == (3,):
        SMOOTH.setdefault(_u.name, _u)


@pytest.mark.parametrize("name", sorted(set(SMOOTH) - STEPS))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(SMOOTH[name], entry=broken(registry.find(name)))


# Singular points
X = np.array([-1.0, 0.0, 2.0])
HALF = [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("u", "by", "expected"),
    [
        (use("numpy.absolute", X), "x", [-1, 0, 1]),
        (use("numpy.fabs", X), "x", [-1, 0, 1]),
        (use("numpy.copysign", X, 1.0), "x", [-1, 0, 1]),
        (use("numpy.hypot", np.zeros(2), np.zeros(2)), "a", [0, 0]),
        (use("numpy.hypot", np.zeros(2), np.zeros(2)), "b", [0, 0]),
        (use("numpy.maximum", X, 0), "a", HALF),
        (use("numpy.maximum", X, np.zeros(3)), "a", HALF),
        (use("numpy.maximum", np.zeros(3), X), "a", HALF[::-1]),
        (use("numpy.maximum", np.full(2, np.inf), np.full(2, np.inf)), "a", [0.5, 0.5]),
        (use("numpy.minimum", X, 0), "a", HALF[::-1]),
        (use("numpy.minimum", X, np.zeros(3)), "a", HALF[::-1]),
        (use("numpy.fmax", X, np.zeros(3)), "a", HALF),
        (use("numpy.fmin", X, np.zeros(3)), "b", HALF),
        (use("numpy.fmax", np.array([np.nan, 1.0]), np.array([1.0, np.nan])), "a", [0, 1]),
        (use("numpy.clip", X, 0, 2), "a", [0, 0.5, 0.5]),
        (use("numpy.clip", X, np.zeros(3), np.full(3, 2.0)), "a_min", [1, 0.5, 0]),
        (use("numpy.clip", X, np.zeros(3), np.full(3, 2.0)), "a_max", [0, 0, 0.5]),
        (use("numpy.ndarray.clip", X, 0, 2), "a", [0, 0.5, 0.5]),
        (use("numpy.power", np.zeros(3), np.array([0.0, 1.0, 2.0])), "x", [0, 1, 0]),
        (use("numpy.power", np.zeros(3), np.array([0.0, 1.0, 2.0])), "p", [0, 0, 0]),
        (use("numpy.power", X, 0), "x", [0, 0, 0]),
        (use("numpy.power", X, 1), "x", [1, 1, 1]),
        (use("numpy.power", X, 2), "x", [-2, 0, 4]),
        (use("numpy.sqrt", np.array([0.0, 4.0])), "x", [np.inf, 0.25]),
        (use("numpy.sinc", np.array([0.0, 1e-9])), "x", [0, -(np.pi**2) * 1e-9 / 3]),
        (use("numpy.where", X > 0, np.array([np.nan, np.inf, 1.0]), X), "a", [0, 0, 1]),
        (use("numpy.nan_to_num", np.array([np.nan, 1.0, -np.inf])), "x", [0, 1, 0]),
        (use("numpy.logaddexp", np.array([-np.inf, 0.0]), np.zeros(2)), "a", [0, 0.5]),
    ],
    ids=repr,
)
def test_singular_points(u, by, expected):
    for found in partials(u, by):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)
