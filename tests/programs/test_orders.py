"""Third derivatives by every way to take them: reverse and forward, one over the other, at aliases, views and jumps.

Each program is a function of a number. All six compositions must agree with each other and with differences.
"""

import math

import numpy as np
import pytest
from programs.oracle import check

import s2sad

A = np.array
X = A([0.4, -0.3, 0.8])
D = A([0.5, 1.0, -0.7])
TWICE = A([0, 2, 0])

PROGRAMS = []


def program(function):
    """Register a function of a number."""
    PROGRAMS.append(function)
    return function


# ---- aliases and views --------------------------------------------------------------------------------------------


@program
def alias_is_written(t):
    a = X + t * D
    b = a
    b[0] *= a[1]
    b *= a
    return np.sum(a * b)


@program
def reversed_view_is_written(t):
    a = np.sin(X + t * D)
    b = a[::-1]
    b[0] += a[1] * t
    a *= b
    return np.sum(a**3)


@program
def overlapping_slices(t):
    a = X + t * D
    a[1:] *= a[:-1]
    a[:-1] += a[1:] * t
    return np.sum(a * a * a)


@program
def names_that_change_places(t):
    a, b = X * t, np.cos(X + t)
    for _ in range(3):
        b[1] *= a[0]
        a, b = b, a
        a += b * t
    return np.sum(a * b)


@program
def renamed_in_each_trip(t):
    a = X * t
    for _ in range(2):
        a = np.exp(0.5 * a)
    a *= X + t
    return np.sum(a * a)


@program
def one_of_two_arrays(t):
    a, b = X * t, X + t
    c = a if t > 0.2 else b
    c[0] = b[1] * t
    c *= a
    return np.sum(a * b * c)


@program
def transposed_view(t):
    m = np.outer(X + t, X * t)
    n = m.T
    n[0] *= m[1]
    return np.sum(m @ n)


@program
def view_or_copy(t):
    m = np.outer(X + t, X * t)
    v = m.T.ravel()
    v[1:4] *= t
    return np.sum(m * m) + np.sum(v * v)


# ---- repeated indices ---------------------------------------------------------------------------------------------


@program
def repeated_positions_written(t):
    a = X + t * D
    a[TWICE] = a * t
    return np.sum(a**3)


@program
def repeated_positions_added(t):
    a = X + t * D
    np.add.at(a, TWICE, a[::-1] * t)
    return np.sum(a**3)


@program
def repeated_positions_read(t):
    a = (X + t * D)[TWICE]
    a[0] *= a[2]
    return np.sum(a[TWICE] * a * a)


@program
def mask_is_written(t):
    a = X + t * D
    a[a > 0.0] *= t
    return np.sum(a**3)


# ---- jumps --------------------------------------------------------------------------------------------------------


@program
def loop_that_breaks(t):
    a = X * t
    s = t
    for i in range(5):
        a[i % 3] += s * s
        s += a[0] * 0.2
        if s > 1.0:
            break
    return np.sum(a * a) * s


@program
def loop_that_goes_on(t):
    s = t
    for i in range(4):
        if i == 1:
            continue
        s = s * math.sin(s + i)
    return s


@program
def while_with_a_test_inside(t):
    x = t
    k = 0
    while x < 3.0 and k < 6:
        x = x * x + 0.5 if k % 2 else x * 1.5
        k += 1
    return x * t


@program
def return_from_a_loop(t):
    x = t
    for i in range(5):
        x = x * x + t
        if x > 1.0:
            return x * i
    return -x


def first_above(a, level):
    for v in a:
        if v > level:
            return v * level
    return level


@program
def return_from_a_callee(t):
    return first_above(X * t, 0.1) * first_above(X + t, 0.2) * t


# ---- calls and recursion ------------------------------------------------------------------------------------------


def kept(p, n):
    s = 0.0
    for _ in range(n):
        s += np.sum(p * np.sin(p))
        p = p * p
    return s


@program
def argument_that_is_kept(t):
    a = X * t
    s = kept(a, 2)
    a[0] = s
    a[1] *= kept(a, 2)
    return np.sum(a * a)


def undone(p, n):
    y = np.zeros(3)
    y[:] = np.sin(p)
    for i in range(n):
        y[i % 3] *= y[(i + 1) % 3] + 1.1
    return y


@program
def result_that_is_undone(t):
    a = undone(X * t, 2)
    return np.sum(a * a * t)


@program
def results_that_are_not_used(t):
    a, b = undone(X * t, 2), undone(X + t, 1)
    a = b * undone(b, 0)
    return np.sum(a * b)


def product(p, k):
    y = p * 0.5
    if k > 0:
        z = product(y, k - 1)
        y *= z + 1.0
        y[0] += z[1]
    return y


@program
def recursion_with_its_own_array(t):
    return np.sum(product(X * t, 2) ** 2)


def swapped(p, q, k):
    if k <= 0:
        return p * q, np.sum(q)
    z, s = swapped(q, p * 0.7, k - 1)
    z[k % 3] *= s
    return z + p, s * 0.5 + p[0]


@program
def recursion_with_two_results(t):
    a, s = swapped(X * t, X + t, 2)
    return np.sum(a * a) * s


def power(x, n):
    return 1.0 if n == 0 else x * power(math.sin(x), n - 1)


@program
def recursion_on_numbers(t):
    return power(t, 4)


# ---- dtypes and numbers -------------------------------------------------------------------------------------------


@program
def integers_beside_floats(t):
    n = np.arange(3)
    a = n * t
    a[1] = n[2] * t * t
    return np.sum(a * n * a)


@program
def array_times_a_sum_of_a_call(t):
    a = X * t
    s = 0.4
    s += kept(a, 2)
    b = a * s
    c = b[:]
    b[0] *= t
    return np.sum(b * c)


@program
def eigenvalues(t):
    m = np.outer(X, X) * t + np.diag(X + t)
    w, v = np.linalg.eigh(m)
    return np.sum(np.exp(w)) + v[0, 0] ** 2


@program
def solution(t):
    m = np.outer(X, X) * t + np.diag(X + 2 + t)
    return np.sum(np.linalg.solve(m, X * t) ** 2) + np.linalg.det(m)


@program
def clipped(t):
    a = np.clip(X * t, -0.1, 0.5)
    a[1] = max(t, 0.1) * abs(t)
    return np.sum(a**3)


# ---- the tests ----------------------------------------------------------------------------------------------------


def third_derivatives(function, t):
    """The third derivative of a function of a number, by name of how it was taken."""
    once = s2sad.grad(function)
    twice = s2sad.grad(once)
    return {
        "reverse over reverse over reverse": s2sad.grad(twice)(t),
        "forward over reverse over reverse": s2sad.jvp(twice)(t, 1.0)[1],
        "forward over forward over reverse": s2sad.jvp(s2sad.jvp(once))(t, 1.0, 1.0)[1][1],
        "reverse over forward over reverse": s2sad.vjp(s2sad.jvp(once))(t, 1.0, (0.0, 1.0)),
        "forward over reverse over forward": s2sad.jvp(s2sad.vjp(s2sad.jvp(function)))(t, 1.0, (0.0, 1.0), 1.0)[1],
        "forward over forward over forward": s2sad.jvp(s2sad.jvp(s2sad.jvp(function)))(t, 1.0, 1.0, 1.0)[1][1][1],
    }


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_third_derivatives(function):
    t, h = 0.6, 1e-5
    twice = s2sad.grad(s2sad.grad(function))
    slope = (twice(t + h) - twice(t - h)) / (2 * h)
    assert math.isfinite(slope)
    found = third_derivatives(function, t)
    for way, value in found.items():
        assert value == pytest.approx(slope, rel=1e-5, abs=1e-5), way
        assert value == pytest.approx(found["forward over forward over forward"], rel=1e-9, abs=1e-9), way


#: What the oracle has no rule for.
UNRULED = (eigenvalues,)


@pytest.mark.parametrize("function", [f for f in PROGRAMS if f not in UNRULED], ids=lambda f: f.__name__)
def test_first_and_second_derivatives(function):
    check(function, 0.6)
