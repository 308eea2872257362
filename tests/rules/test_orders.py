"""Derivatives of derivatives, of programs that mix rules: each order against differences of the order below."""

import math

import numpy as np
import pytest
from rules.harness import agree

import s2sad
from s2sad.transforms import jvp, vjp

_random = np.random.default_rng(21)


def some(*shape):
    return _random.uniform(0.4, 1.6, shape) if shape else float(_random.uniform(0.4, 1.6))


def slope(f, x, d, h=1e-6):
    """The central difference of f along d."""
    return (np.asarray(f(x + h * d)) - np.asarray(f(x - h * d))) / (2 * h)


# Operands that are the same array, and sequences given by name: each is moved by itself
def product_of_one(x):
    return np.sum(np.einsum("i,i->i", x, x))


def square_of_one(x):
    return np.einsum("i,ij,j->", x, np.outer(x, x), x)


def stack_by_name(x):
    return np.sum(np.stack(axis=0, arrays=[x, x * x]) ** 2)


def array_by_name(x):
    return np.sum(np.array(object=[x, x * x]) ** 2)


def list_by_name(x):
    parts = [x, x * x]
    return np.sum(np.stack(arrays=parts) ** 2)


@pytest.mark.parametrize("f", [product_of_one, square_of_one, stack_by_name, array_by_name, list_by_name])
def test_tangents_of_operands_that_repeat_or_have_names(f):
    x, d = some(3), some(3)
    agree(jvp(f)(x, d)[1], slope(f, x, d), 1e-7, f.__name__)
    agree(jvp(f)(x, d)[1], s2sad.grad(f)(x) @ d, 1e-12, f.__name__)
    check_second(f, x)


# Checks
def check_second(f, x):
    """Forward over reverse and reverse over reverse, against differences of the gradient."""
    d = np.sin(1.0 + np.arange(np.size(x)).reshape(np.shape(x)))[()]
    d = d if np.ndim(x) else float(d)
    gradient = s2sad.grad(f)
    expected = slope(gradient, x, d)
    agree(jvp(gradient)(x, d)[1], expected, 1e-6, f"{f.__name__}, forward over reverse")
    agree(vjp(gradient)(x, d), expected, 1e-6, f"{f.__name__}, reverse over reverse")
    agree(gradient(x), gradient.specialise(s2sad.ir.kinds.UNKNOWN)(x), 1e-12, f.__name__)


# Names
def square_with_that_name(x, x_dot):
    return x * x * x_dot


def test_tangents_give_way_to_parameters_of_their_name():
    tangent = jvp(square_with_that_name)
    assert tangent(1.5, 2.0, 1.0) == (4.5, 6.0)
    assert tangent(1.5, x_dot=2.0, x_dot_=1.0) == (4.5, 6.0)
    assert jvp(jvp(square_with_that_name))(1.5, 2.0, 1.0, 1.0) == ((4.5, 6.0), (6.0, 4.0))


# Tuples on tapes: callees and loops that keep what has several results
SHIFT = np.array([0.7, 1.2, 0.4])
FORM = np.array([[1.1, 0.3, 0.5], [0.3, 0.8, -0.2], [0.5, -0.2, 1.4]])


def powers_of_spectrum(a, n):
    for _ in range(n):
        w, q = np.linalg.eigh(a)
        a = a * np.sum(q[0] ** 3) + np.diag(w)
    return a


def spectrum_by_callee(x):
    return np.sum(powers_of_spectrum(FORM * np.sin(x) + np.diag(SHIFT), 2) ** 3)


def spectrum_by_loop(x):
    a = FORM * np.sin(x) + np.diag(SHIFT)
    for _ in range(3):
        w, q = np.linalg.eigh(a)
        a = a * np.sum(q[0] ** 3) + np.diag(w)
    return np.sum(a)


def eigenvalues(x):
    return np.sum(np.linalg.eigvalsh(FORM * np.sin(x) + np.diag(SHIFT)) ** 3)


@pytest.mark.parametrize("f", [spectrum_by_callee, spectrum_by_loop, eigenvalues])
def test_tuples_on_tapes(f):
    check_second(f, 0.6)
    if f is not spectrum_by_callee:  # refused (S205): what was pushed in one function is added to in another
        check_third(f, 0.6)


def check_third(f, x):
    """Every nesting of modes for the third derivative, against differences of the second."""
    first = s2sad.grad(f)
    second = s2sad.grad(first)
    expected = slope(second, x, 1.0, 1e-5)
    agree(s2sad.grad(second)(x), expected, 1e-5, f"{f.__name__}, reverse three times")
    agree(jvp(second)(x, 1.0)[1], expected, 1e-5, f"{f.__name__}, forward over reverse over reverse")
    agree(jvp(jvp(first))(x, 1.0, 1.0)[1][1], expected, 1e-5, f"{f.__name__}, forward over forward over reverse")
    agree(jvp(jvp(jvp(f)))(x, 1.0, 1.0, 1.0)[1][1][1], expected, 1e-5, f"{f.__name__}, forward three times")


# Programs that mix linear algebra, reductions, repeated indices, ties, loops and calls
A = np.array([[1.3, 0.4, -0.6], [0.2, 0.9, 0.7], [-0.5, 0.3, 1.6]])
B = np.array([[0.5, -1.1], [1.4, 0.3], [0.8, 0.6]])
REPEATS = np.array([0, 2, 0, 1, 2, 2])


def helper(a, b):
    return np.tanh(a @ b) * np.sum(b * b)


def whitened(x):
    return np.sum(np.linalg.solve(np.outer(x, x) + 2 * A, x) ** 2)


def log_volume(x):
    return np.linalg.slogdet(np.outer(x, x) + np.diag(np.exp(x)))[1]


def triangle(x):
    c = np.linalg.cholesky(np.outer(x, x) + np.diag(1 + x * x))
    return np.sum(np.log(np.diag(c))) + np.sum(c[1] ** 3)


def inverse_rows(x):
    m = np.linalg.inv(A * x + np.eye(3) * 3)
    return np.sum(m[REPEATS] * m[:, REPEATS].T)


def determinant_loop(x):
    total = 0.0
    for k in range(3):
        total = total + np.linalg.det(A * x[k] + np.outer(x, x)) * x[k]
    return total


def nuclear(x):
    return np.linalg.norm(np.outer(x, x) + A * x, "nuc") ** 2


def spectral(x):
    return np.linalg.norm(A * x @ B, 2) * np.linalg.norm(B.T * x, -2)


def column_norms(x):
    return np.sum(np.linalg.norm(np.outer(x, x) + A, axis=0) ** 3) + np.linalg.norm(A * x, np.inf) ** 2


def cubic_norm(x):
    return np.linalg.norm(A @ x, 3) + np.linalg.norm(np.exp(x), 1.5)


def softmax_rows(x):
    z = A * x
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) ** 2 * A)


def standardised(x):
    z = np.outer(x, x) + A
    return np.sum(((z - np.mean(z, axis=0)) / np.std(z, axis=0)) ** 3 * A)


def variance_of_products(x):
    return np.var(np.prod(A * x + 2, axis=1)) + np.prod(np.var(A * np.sin(x), axis=0))


def gathered(x):
    y = x[REPEATS] * np.sin(x[REPEATS[::-1]])
    return np.sum(y[1:] * y[:-1]) ** 2


def gathered_twice(x):
    y = (x * x)[REPEATS]
    return np.sum(y[REPEATS[:4]] ** 2 * np.arange(4.0))


def masked(x):
    return np.sum(np.where(x > 0.9, np.sin(x) * x, x**3)[REPEATS]) * np.sum(x[x > 0.9] ** 2)


def clipped(x):
    return np.sum(np.clip(x * x, 0.3, 1.2) * np.exp(x)) * np.max(x * A)


def tied(x):
    y = np.concatenate([x, x[::-1]])
    return np.max(y) ** 2 * np.sum(np.maximum(y, x[0]) * y) + np.sum(np.sort(y) ** 3)


def extremes(x):
    z = A * x
    return np.sum(np.max(z, axis=0) * np.min(z, axis=1)) + np.ptp(z) ** 2 + np.median(z * z)


def power_iteration(x):
    y = x
    for _ in range(4):
        y = A @ y
        y = y / np.linalg.norm(y)
    return y @ (A * x) @ y


def recurrence(x):
    h = np.zeros(3)
    for t in range(4):
        h = np.tanh(A @ h + x * (t + 1)) + h[[1, 2, 0]] * 0.5
    return np.sum(h * h * x)


def newton(x):
    y = np.ones(3)
    for _ in range(3):
        y = y - (y * y * y - x) / (3 * y * y)
    return np.sum(y * A @ y)


def until_small(x):
    y, n = x * 2, 0
    while np.sum(y * y) > 0.5:
        y = np.sin(y) * 0.6 + np.cumsum(y)[::-1] * 0.05
        n = n + 1
    return np.sum(y**2) * n


def with_helper(x):
    s = 0.0
    for k in range(3):
        s = s + np.sum(helper(A * x[k], x) ** 2)
    return s


def helper_of_helper(x):
    return np.sum(helper(A, helper(A.T * x, np.sin(x))))


def branches(x):
    y = x * x
    if np.sum(y) > 1.0:
        y = y @ A
    else:
        y = np.exp(y)
    return np.sum(y * x) if y[0] > 0 else np.sum(y**3)


def contraction(x):
    m = np.outer(x, x)
    return np.einsum("ii,...i,ij->j...", m, A * x, A) @ x @ x


def bilinear(x):
    return np.einsum("i,ij,jk,k->", x, A * x, A, np.exp(x)) + np.einsum("ij,ij->", np.outer(x, x), A)


def pieces(x):
    whole = np.concatenate([x * x, np.sin(x), x[:1]])
    return np.sum(whole[:2]) * np.sum(whole[2:5] ** 2) + np.sum(np.stack([whole[5:], x[::2]], axis=1) ** 3)


def tiled(x):
    return np.sum(np.tile(x, 2) * np.repeat(x, 2) ** 2) + np.sum(np.pad(x * x, 1)[:3] * x)


def running(x):
    return np.sum(np.cumprod(x + 0.5) * np.cumsum(x**2)) + np.sum((np.exp(x)[1:] - x[:-1]) ** 2)


def averaged(x):
    return np.average(A * x, axis=1, weights=x) @ np.exp(x) + np.trace(A * x @ A) ** 2


def powers(x):
    return np.sum(np.linalg.matrix_power(A * x, 3)) + np.sum(np.kron(x, x[:2]) ** 2) + np.sum(np.linalg.pinv(B.T * x))


def spectrum(x):
    w, q = np.linalg.eigh(A @ A.T + np.outer(x, x) + np.diag([0.0, 1.0, 3.0]))
    return np.sum(np.log(w)) + q[0, 0] ** 2 * w[1]


PROGRAMS = [
    whitened, log_volume, triangle, inverse_rows, determinant_loop, nuclear, spectral, column_norms, cubic_norm,
    softmax_rows, standardised, variance_of_products, gathered, gathered_twice, masked, clipped, tied, extremes,
    power_iteration, recurrence, newton, until_small, with_helper, helper_of_helper, branches, contraction, bilinear,
    pieces, tiled, running, averaged, powers, spectrum,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
def test_second_order(f):
    check_second(f, np.array([0.7, 1.2, 0.45]))


# The elementary operations, three times
@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.sin(x) * x,
        lambda x: np.sin(x * SHIFT) @ SHIFT,
        lambda x: math.exp(x * x),
        lambda x: x**3.5 + x**4,
        lambda x: x**x,
        lambda x: (x + 2) / (1 + x * x),
        lambda x: np.sum((x * A @ (A * x * x)) ** 2),
        lambda x: np.sum(np.sum(np.exp(x * A), axis=0) ** 2),
        lambda x: np.sum(np.sin(x * SHIFT)[REPEATS] ** 2 * np.exp(x * SHIFT)[1:2]),
        lambda x: np.sum(np.prod(np.sin(x * SHIFT[None] + A), axis=1)),
        lambda x: math.prod((x, x * x, math.sin(x), x, x, x, x + 1, x, x, 2 * x)),
        lambda x: np.einsum("ii,ij->", np.exp(A * x), A * x),
        lambda x: np.linalg.norm(SHIFT * math.sin(x) + 1, 3),
        lambda x: math.lgamma(x) + math.lgamma(-x),
    ],
)
def test_third_order(f):
    check_third(f, 0.6)
