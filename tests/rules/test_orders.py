"""Derivatives of derivatives, of programs that mix rules: each order against differences of the order below."""

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
