"""The type, dtype and shape of every gradient are its argument's; it is fresh, and writable where it is an array."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import s2sad

FLOATS = (np.float16, np.float32, np.float64, np.longdouble)
MASK = np.array([True, False, True])
W64, W32, W16 = np.array([0.5, -1.5, 2.0]), np.array([0.5, -1.5, 2.0], "float32"), np.array([0.5, -1.5, 2.0], "float16")
NARROW = np.float32
M64 = np.array([[0.5, -1.5, 2.0], [1.0, 0.25, -0.5], [0.0, 1.5, 1.0]])


def inner(x, w):  # type: ignore[no-untyped-def]
    return x * w + 1


def deep(x, n):  # type: ignore[no-untyped-def]
    return x if n == 0 else deep(x * 1.5, n - 1)


def branches(x):  # type: ignore[no-untyped-def]
    s = np.sum(x)
    if s > 0:
        return s * 3
    return s


def summed(x):  # type: ignore[no-untyped-def]
    s = 0.0
    for i in range(3):
        s = s + np.sum(x) * i
    return s


def powers(x):  # type: ignore[no-untyped-def]
    y = x
    while np.sum(y) < 20:
        y = y * 2
    return np.sum(y)


def items(x):  # type: ignore[no-untyped-def]
    s = 0
    for i in range(len(x)):
        s = s + x[i] * i
    return s


def rebound(x):  # type: ignore[no-untyped-def]
    x = x * W64
    x = x * 2
    return np.sum(x)


def kept(x):  # type: ignore[no-untyped-def]
    y = x
    for _ in range(2):
        y = np.sin(y)
    return np.sum(y * y)


#: Functions of one argument, by the ranks that they take.
FUNCTIONS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "identity": (lambda x: x, (0,)),
    "sum": (lambda x: np.sum(x), (0, 1, 2)),
    "square": (lambda x: np.sum(x * x), (0, 1, 2)),
    "unused": (lambda x: 1.0, (0, 1, 2)),
    "unused product": (lambda x: np.sum(np.sign(x)), (0, 1, 2)),
    "power": (lambda x: np.sum(x**3), (0, 1, 2)),
    "by an int": (lambda x: np.sum(x * 2), (0, 1, 2)),
    "by a float": (lambda x: np.sum(2.5 * x), (0, 1, 2)),
    "by ints": (lambda x: np.sum(np.arange(3) * x), (0, 1, 2)),
    "by an integer item": (lambda x: np.sum(x) * np.arange(3)[1], (0, 1, 2)),
    "by a length": (lambda x: np.sum(x) * len(W64), (0, 1, 2)),
    "by bools": (lambda x: np.sum(x * MASK), (0, 1, 2)),
    "by a comparison": (lambda x: np.sum(x * (x > 0)), (0, 1, 2)),
    "by doubles": (lambda x: np.sum(x * W64), (0, 1, 2)),
    "by singles": (lambda x: np.sum(x * W32), (0, 1, 2)),
    "by halves": (lambda x: np.sum(W16 * x), (0, 1, 2)),
    "over doubles": (lambda x: np.sum(x / (W64 * 2)), (0, 1, 2)),
    "with doubles": (lambda x: np.sum(x + W64), (0, 1, 2)),
    "with singles": (lambda x: np.sum(W32 - x), (0, 1, 2)),
    "product": (lambda x: np.prod(x), (0, 1, 2)),
    "variance": (lambda x: np.var(x), (1, 2)),
    "softmax": (lambda x: np.sum(np.exp(x - np.max(x)) / np.sum(np.exp(x)) * x), (0, 1)),
    "mean": (lambda x: np.mean(x), (0, 1, 2)),
    "method": (lambda x: x.sum() * 2.0, (1, 2)),
    "max": (lambda x: np.max(x) * 2, (0, 1, 2)),
    "sqrt": (lambda x: np.sqrt(np.sum(x * x)), (0, 1, 2)),
    "sin": (lambda x: np.sum(np.sin(x)), (0, 1, 2)),
    "first": (lambda x: x[0], (1,)),
    "first by two": (lambda x: x[0] * 2 + x[-1], (1,)),
    "slice": (lambda x: np.sum(x[1:]), (1, 2)),
    "masked": (lambda x: np.sum(x[MASK]), (1, 2)),
    "repeated": (lambda x: np.sum(x[np.array([0, 0, 1])] * W64), (1, 2)),
    "items": (items, (1,)),
    "dot": (lambda x: x @ W64, (1,)),
    "dot of singles": (lambda x: x @ W32, (1,)),
    "dot of itself": (lambda x: x @ x, (1,)),
    "matmul": (lambda x: np.sum(x @ M64), (1, 2)),
    "left matmul": (lambda x: np.sum(M64 @ x), (1, 2)),
    "transpose": (lambda x: np.sum(x.T * W64), (1, 2)),
    "reshape": (lambda x: np.sum(x.reshape(-1) * 2), (1, 2)),
    "axis": (lambda x: np.sum(np.sum(x, axis=0) * W64), (2,)),
    "where": (lambda x: np.sum(np.where(MASK, x, 0)), (0, 1, 2)),
    "where it is": (lambda x: np.sum(np.where(x > 0, x, x * 2)), (0, 1, 2)),
    "maximum": (lambda x: np.sum(np.maximum(x, 0)), (0, 1, 2)),
    "maximum of two": (lambda x: np.sum(np.maximum(x, W64)), (0, 1, 2)),
    "clip": (lambda x: np.sum(np.clip(x, 0, 1)), (0, 1, 2)),
    "abs": (lambda x: np.sum(abs(x)), (0, 1, 2)),
    "stack": (lambda x: np.sum(np.stack([x, x * 2])), (0, 1, 2)),
    "concatenate": (lambda x: np.sum(np.concatenate([x, W64])), (1,)),
    "concatenate weighted": (lambda x: np.sum(np.concatenate([W32, x]) * np.arange(6)), (1,)),
    "array of": (lambda x: np.sum(np.array([x, 1.0]) * 2), (0,)),
    "conversion": (lambda x: np.sum(np.asarray(x) * W64), (0, 1, 2)),
    "to double": (lambda x: np.sum(x.astype("float64") * W64), (1, 2)),
    "to single": (lambda x: np.sum(x.astype("float32")), (1, 2)),
    "to its own": (lambda x: np.sum(x.astype(x.dtype) * x), (1, 2)),
    "to float": (lambda x: np.sum(x.astype(float) ** 2), (1, 2)),
    "to numpy.float32": (lambda x: np.sum(x.astype(np.float32) * x), (1, 2)),
    "to another's": (lambda x: np.sum(x.astype(W32.dtype) * W64), (1, 2)),
    "to a global's": (lambda x: np.sum(x.astype(NARROW) * x), (1, 2)),
    "to int": (lambda x: np.sum(x.astype(int) * x), (1, 2)),
    "to bool": (lambda x: np.sum(x.astype(bool) * x * x), (1, 2)),
    "asked narrow": (lambda x: np.sum(np.asarray(x, dtype=np.float32) * W64), (0, 1, 2)),
    "asked wide": (lambda x: np.sum(np.array(x, dtype=np.longdouble) * x), (0, 1, 2)),
    "asked of its own": (lambda x: np.sum(np.array([x, x * x], dtype=x.dtype)), (1, 2)),
    "narrow zeros": (lambda x: np.sum((np.zeros(3, dtype=np.float32) + x) * x), (0, 1, 2)),
    "zeros of its own": (lambda x: np.sum((np.zeros(x.shape, dtype=x.dtype) + x) * x), (1, 2)),
    "narrow ones": (lambda x: np.sum(np.ones_like(x, dtype=NARROW) * x), (0, 1, 2)),
    "narrow full": (lambda x: np.sum(np.full(3, x, dtype=np.float32) * W64), (0,)),
    "mask of floats": (lambda x: np.sum((x > 0).astype(x.dtype) * x), (1, 2)),
    "numpy.float64": (lambda x: np.float64(x) * 2, (0,)),
    "numpy.float32": (lambda x: np.float32(x) * x, (0,)),
    "broadcast": (lambda x: np.sum(np.broadcast_to(x, (2, 3)) * 2), (0, 1)),
    "full": (lambda x: np.sum(np.full(3, x)), (0,)),
    "ones": (lambda x: np.sum(np.ones(3) * x), (0, 1, 2)),
    "zeros like": (lambda x: np.sum(np.zeros_like(x) + x), (0, 1, 2)),
    "cumsum": (lambda x: np.sum(np.cumsum(x) * 2), (0, 1, 2)),
    "sort": (lambda x: np.sum(np.sort(x)), (1, 2)),
    "pad": (lambda x: np.sum(np.pad(x, 1)), (1, 2)),
    "call": (lambda x: np.sum(inner(x, 2)), (0, 1, 2)),
    "call of doubles": (lambda x: np.sum(inner(x, W64)), (0, 1, 2)),
    "call twice": (lambda x: np.sum(inner(inner(x, 3), W32)), (0, 1, 2)),
    "recursion": (lambda x: np.sum(deep(x, 3)), (0, 1, 2)),
    "branches": (branches, (0, 1, 2)),
    "conditional": (lambda x: np.sum(x if np.sum(x) > 100 else x * W64), (0, 1, 2)),
    "for": (summed, (0, 1, 2)),
    "while": (powers, (0, 1, 2)),
    "rebound": (rebound, (0, 1, 2)),
    "kept": (kept, (0, 1, 2)),
    "float of": (lambda x: float(x) * 2, (0,)),
    "item": (lambda x: x.item(0) * 3, (1, 2)),
    "view": (lambda x: np.sum(x[::-1]), (1, 2)),
    "outer": (lambda x: np.sum(np.outer(x, W64)), (1,)),
    "norm": (lambda x: np.linalg.norm(x), (1, 2)),
    "trace": (lambda x: np.trace(x), (2,)),
    "diagonal": (lambda x: np.sum(np.diagonal(x) * W64), (2,)),
    "diag": (lambda x: np.sum(np.diag(x)), (1, 2)),
    "einsum": (lambda x: np.einsum("i,i->", x, W64), (1,)),
}


def arguments() -> dict[str, Any]:
    found: dict[str, Any] = {"float": 1.25}
    for dtype in FLOATS:
        name = np.dtype(dtype).name
        found[name] = dtype(1.25)
        found[f"{name} 0-d"] = np.array(1.25, dtype)
        found[f"{name} 1-d"] = np.array([0.5, 0.25, 1.75], dtype)
        found[f"{name} 2-d"] = np.array([[0.5, -0.25, 1.75], [1.0, 0.75, 0.5], [1.25, 2.0, -1.0]], dtype)
    return found


ARGUMENTS = arguments()
TOLERANCE = {"float16": 2e-2, "float32": 1e-4}


def check(g: Any, x: Any, others: tuple[Any, ...] = ()) -> None:
    """A gradient is of its argument's type, dtype and shape; an array of it is its own, and writable."""
    if type(x) is float:
        assert isinstance(g, float), (type(g), g)
        return
    assert type(g) is type(x), (type(g), type(x))
    assert g.dtype == x.dtype and g.shape == x.shape, (g.dtype, g.shape, x.dtype, x.shape)
    if isinstance(x, np.ndarray):
        assert g.flags.writeable, "it is read-only"
        assert all(s or n <= 1 for s, n in zip(g.strides, g.shape)), "its cells are the same memory"
        assert not any(np.may_share_memory(g, other) for other in (x, W64, W32, W16, M64, *others))


@functools.cache
def derivative(name: str, how: str) -> Any:
    return getattr(s2sad, how)(FUNCTIONS[name][0])


def double(x: Any) -> Any:
    return x if type(x) is float else np.array(x, "float64") if isinstance(x, np.ndarray) else np.float64(x)


CASES = [(f, a) for f, (_, ranks) in FUNCTIONS.items() for a, x in ARGUMENTS.items() if np.ndim(x) in ranks]


@pytest.mark.parametrize("name, argument", CASES)
def test_a_gradient_is_of_its_arguments_kind(name: str, argument: str) -> None:
    x = ARGUMENTS[argument]
    before = np.copy(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", s2sad.errors.S2sadWarning)
        g = derivative(name, "grad")(x)
        check(g, x)
        value, g2 = derivative(name, "value_and_grad")(x)
        check(g2, x, (value,) if isinstance(value, np.ndarray) else ())
        expected = derivative(name, "grad")(double(x))
    primal = FUNCTIONS[name][0](x)
    assert type(value) is type(primal) and np.asarray(value).dtype == np.asarray(primal).dtype
    np.testing.assert_array_equal(value, primal)
    np.testing.assert_array_equal(x, before)
    tolerance = TOLERANCE.get(np.asarray(x).dtype.name, 1e-6)
    np.testing.assert_allclose(np.asarray(g, "float64"), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.asarray(g2, "float64"), expected, rtol=tolerance, atol=tolerance)


def weighted(x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(2):
        total = total + np.sum(x * y) * i
        x = x * y
    return total


#: Functions of two arguments, each of its own dtype.
PAIRS: dict[str, Any] = {
    "product": lambda x, y: np.sum(x * y),
    "first alone": lambda x, y: np.sum(x) + 0 * np.sum(y),
    "quotient": lambda x, y: np.sum(x / y),
    "difference": lambda x, y: np.sum((x - y) ** 2),
    "dot": lambda x, y: np.sum(np.dot(x, y)),
    "call": lambda x, y: np.sum(inner(inner(x, y), x)),
    "loop": weighted,
    "where": lambda x, y: np.sum(np.where(x > y, x, y)),
    "maximum": lambda x, y: np.sum(np.maximum(x, 2 * y)),
    "stack": lambda x, y: np.sum(np.stack([x * y, y * x * y])),
    "branch": lambda x, y: np.sum(x * y) if np.sum(x) > 0 else np.sum(y),
    "rest": lambda x, y: np.sum(np.mod(x, 2) * y),
}
MIXED = [
    (a, b)
    for a in ("float32 1-d", "float64 1-d", "float32", "float64 0-d", "float")
    for b in (f"{np.dtype(np.longdouble).name} 1-d", "float32 1-d", "float16 0-d", "float")
]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("a, b", MIXED)
def test_each_of_two_arguments_has_its_own(name: str, a: str, b: str) -> None:
    x, y = ARGUMENTS[a], ARGUMENTS[b]
    expected = s2sad.grad(PAIRS[name], wrt=(0, 1))(double(x), double(y))
    tolerance = max(TOLERANCE.get(np.asarray(v).dtype.name, 1e-6) for v in (x, y))
    for gradient in (
        s2sad.grad(PAIRS[name], wrt=(0, 1))(x, y),
        s2sad.value_and_grad(PAIRS[name], wrt=(0, 1))(x, y)[1],
    ):
        for g, v, e in zip(gradient, (x, y), expected):
            check(g, v, (x, y))
            np.testing.assert_allclose(np.asarray(g, "float64"), e, rtol=tolerance, atol=tolerance)
        assert not np.may_share_memory(*gradient) or np.ndim(gradient[0]) == 0


@pytest.mark.parametrize("a, b", MIXED)
def test_gradients_of_a_structure(a: str, b: str) -> None:
    given = (ARGUMENTS[a], [ARGUMENTS[b], ARGUMENTS["float32 1-d"]])

    def loss(p):  # type: ignore[no-untyped-def]
        return np.sum(p[0] * p[1][0] * W64) + np.sum(p[1][1])

    first, (second, third) = s2sad.grad(loss)(given)
    for g, v in ((first, given[0]), (second, given[1][0]), (third, given[1][1])):
        check(g, v)


#: Functions of one argument that are differentiated twice.
TWICE = {
    "cube": lambda x: np.sum(x**3),
    "by doubles": lambda x: np.sum(x * x * W64),
    "by singles": lambda x: np.sum(np.sin(x) * W32),
    "by ints": lambda x: np.sum(np.arange(3) * x),
    "call": lambda x: np.sum(inner(x, x)),
    "loop": kept,
    "while": powers,
    "conversion": lambda x: np.sum(np.asarray(x, dtype=np.float32) ** 2),
    "linear": lambda x: np.sum(x) * 2,
}


@pytest.mark.parametrize("argument", [a for a, x in ARGUMENTS.items() if np.ndim(x) < 2])
@pytest.mark.parametrize("name", TWICE)
def test_second_derivatives(name: str, argument: str) -> None:
    x = ARGUMENTS[argument]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", s2sad.errors.S2sadWarning)
        first = s2sad.grad(TWICE[name])
        if np.ndim(x) == 0:
            g, expected = s2sad.grad(first)(x), s2sad.grad(first)(double(x))
        else:
            seed = np.ones_like(x)
            g, expected = s2sad.vjp(first)(x, seed), s2sad.vjp(first)(double(x), double(seed))
            check(g, x, (seed,))
    check(g, x)
    tolerance = 1e-5 if name in ("by singles", "conversion") else 1e-6
    tolerance = TOLERANCE.get(np.asarray(x).dtype.name, tolerance)
    np.testing.assert_allclose(np.asarray(g, "float64"), expected, rtol=tolerance, atol=tolerance)


def test_an_integer_factor_leaves_a_float() -> None:
    gradient = s2sad.grad(lambda x: np.sum(np.arange(3) * x))(2.0)
    assert isinstance(gradient, float)
    assert gradient == 3.0


def test_ones_that_fall_away_leave_the_dtype() -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0], "float32")
    gx, gy = s2sad.grad(lambda x, y: np.sum(x * y), wrt=(0, 1))(x, y)
    check(gx, x, (y,))
    check(gy, y, (x,))


def test_a_count_that_stays_an_int_gives_a_float() -> None:
    def steps(x, n):  # type: ignore[no-untyped-def]
        factor = 2
        for _ in range(n):
            factor = factor * x
        return factor * x

    for n in (0, 1):
        check(s2sad.grad(steps)(1.5, n), 1.5)


#: Functions that show or copy their argument.
SHOWN = {
    "itself": lambda x: x,
    "pad": lambda x: np.pad(x, 0),
    "transpose": lambda x: x.T,
    "slice": lambda x: x[:],
    "asarray": lambda x: np.asarray(x),
    "astype": lambda x: x.astype(float),
    "reshape": lambda x: x.reshape(-1),
    "concatenate": lambda x: np.concatenate([x]),
    "part of a stack": lambda x: np.stack([x])[0],
    "item of an array": lambda x: np.array([x, x])[1],
    "broadcast": lambda x: np.broadcast_to(x, (3,)),
    "sum": lambda x: x + 0.0,
    "flip": lambda x: np.flip(x),
    "where": lambda x: np.where(MASK, x, x),
    "diagonal": lambda x: np.diag(np.diag(x)),
    "expand": lambda x: np.expand_dims(x, 0)[0],
    "einsum": lambda x: np.einsum("i->i", x),
    "einsum of two": lambda x: np.einsum("i,->i", x, 1.0),
    "call": lambda x: deep(x, 0),
}


@pytest.mark.parametrize("f", SHOWN.values(), ids=SHOWN)
def test_a_pulled_back_seed_is_not_given_out(f: Any) -> None:
    x = np.array([0.5, 0.25, 1.75])
    seed = np.ones(3)
    check(s2sad.vjp(f)(x, seed), x, (seed,))


@pytest.mark.parametrize("f", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("wide", FLOATS, ids=lambda t: t.__name__)
def test_a_seed_of_another_dtype_leaves_that_of_the_argument(f: Any, wide: Any) -> None:
    x = np.array([0.5, 0.25, 1.75], "float32")
    seed = np.ones(3, wide)
    check(s2sad.vjp(f)(x, seed), x, (seed,))
    value, tangent = s2sad.jvp(f)(x, seed)
    assert tangent.dtype == value.dtype


@pytest.mark.parametrize("wide", FLOATS, ids=lambda t: t.__name__)
@pytest.mark.parametrize("of", FLOATS, ids=lambda t: t.__name__)
def test_a_number_has_a_gradient_of_its_type_for_every_seed(of: Any, wide: Any) -> None:
    for seed in (wide(1.0), 1.0, 1):
        gradient = s2sad.vjp(lambda x: x * 2)(of(1.5), seed)
        assert type(gradient) is of
        assert gradient == 2.0
        assert isinstance(s2sad.vjp(lambda x: x * 2)(1.5, seed), float)


# Complex numbers
Z128 = np.array([0.5 + 1j, -1.5, 2j])

#: Functions of one argument, real or complex, with a real result; the ranks that they take.
OF_COMPLEX: dict[str, tuple[Any, tuple[int, ...]]] = {
    "square": (lambda z: np.sum(np.abs(z * z)), (0, 1)),
    "real": (lambda z: np.sum(np.real(z) ** 2), (0, 1)),
    "imaginary": (lambda z: np.sum(np.imag(z * 1j) * 2), (0, 1)),
    "by a complex": (lambda z: np.sum(np.abs(z * (1 + 2j)) ** 2), (0, 1)),
    "by an int": (lambda z: np.sum(np.abs(z * 2 + 1j)), (0, 1)),
    "by doubles": (lambda z: np.sum(np.abs(z * W64 * 1j)), (0, 1)),
    "by singles": (lambda z: np.sum(np.abs(z * W32 + 2j)), (0, 1)),
    "by complex doubles": (lambda z: np.sum(np.abs(z * Z128)), (0, 1)),
    "exponential": (lambda z: np.sum(np.abs(np.exp(z * 1j))), (0, 1)),
    "conjugate": (lambda z: np.sum((np.conj(z) * z * z).imag + np.real(z)), (0, 1)),
    "angle": (lambda z: np.sum(np.angle(z + 2 + 1j)), (0, 1)),
    "transform": (lambda z: np.sum(np.abs(np.fft.fft(z)) ** 2), (1,)),
    "inverse transform": (lambda z: np.sum(np.fft.irfft(z * 1j) ** 2), (1,)),
    "to complex": (lambda z: np.sum(np.abs(z.astype(complex) * 1j)), (1,)),
    "to narrow complex": (lambda z: np.sum(np.abs(z.astype("complex64") * z)), (1,)),
    "into complex zeros": (lambda z: np.sum(np.abs((np.zeros(3, complex) + z) * (1 + 1j))), (0, 1)),
    "norm": (lambda z: np.linalg.norm(z * (1 - 1j)), (1,)),
    "dot": (lambda z: np.abs(z @ Z128), (1,)),
    "unused": (lambda z: 1.0, (0, 1)),
    "item": (lambda z: np.abs(z[1] * z[0]) + np.real(z[2]), (1,)),
}


def complex_arguments() -> dict[str, Any]:
    found = {"complex": 1.25 + 0.5j, **{a: x for a, x in ARGUMENTS.items() if not a.endswith("2-d")}}
    for dtype in (np.complex64, np.complex128, np.clongdouble):
        name = np.dtype(dtype).name
        found[name] = dtype(1.25 - 0.5j)
        found[f"{name} 0-d"] = np.array(1.25 + 1j, dtype)
        found[f"{name} 1-d"] = np.array([0.5 + 1j, 0.25 - 2j, 1.75], dtype)
    return found


COMPLEX_ARGUMENTS = complex_arguments()
COMPLEX_CASES = [
    (f, a) for f, (_, ranks) in OF_COMPLEX.items() for a, x in COMPLEX_ARGUMENTS.items() if np.ndim(x) in ranks
]


@pytest.mark.parametrize("name, argument", COMPLEX_CASES)
def test_a_gradient_is_complex_where_its_argument_is(name: str, argument: str) -> None:
    x, f = COMPLEX_ARGUMENTS[argument], OF_COMPLEX[name][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", s2sad.errors.S2sadWarning)
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        value, g = s2sad.value_and_grad(f)(x)
        if type(x) is complex:
            assert isinstance(g, complex)
        else:
            check(g, x)
        wide = np.asarray(x).astype(complex if np.iscomplexobj(x) else float)
        expected = s2sad.grad(f)(wide if np.ndim(x) else wide[()])
    primal = f(x)
    assert type(value) is type(primal) and np.asarray(value).dtype == np.asarray(primal).dtype and value == primal
    tolerance = {"float16": 2e-2, "float32": 1e-4, "complex64": 1e-4}.get(np.asarray(x).dtype.name, 1e-6)
    np.testing.assert_allclose(np.asarray(g).astype(complex), expected, rtol=tolerance, atol=tolerance)
