"""Recursion and calls that keep memory: what a function leaves on its tape, its caller may write into, or get from it.

Each program is checked by `oracle.check` at first and second order.
"""

import math

import numpy as np
import pytest
from programs.oracle import check

A = np.array
TWO = A([0.3, 0.7])
THREE = A([-0.37599026, -0.84453787, -1.10622045])
FOUR = A([0.3, -0.4, 0.9, 0.6])

PROGRAMS = {}


def at(*args):
    """Register a program with the arguments that it is checked at."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, args)
        return function

    return register


# ---- what a call keeps, and its caller writes into ----------------------------------------------------------------


def powers(y, k):
    s = 0.0
    for _ in range(k):
        s += np.sum(y * np.sin(y))
        y = y * y
    return s


@at(TWO)
def argument_that_is_kept_is_written_later(x):
    y = np.zeros(2)
    y[:] = x * x
    z = powers(y, 2)
    y[0] = z
    y[1] *= powers(y, 2)
    return np.sum(z * y)


@at(TWO, 3)
def argument_that_is_kept_is_written_in_each_trip(x, n):
    y = x * 1.1
    z = 0.0
    for i in range(n):
        z += powers(y, 2)
        y[0] = 0.1 * z
        y[1] *= 0.9
    return z + np.sum(y * y)


def outer_powers(y, k):
    return powers(y, k) * 2


@at(TWO)
def argument_that_is_kept_two_calls_deep(x):
    y = np.zeros(2)
    y[:] = x * x
    z = outer_powers(y, 2)
    y[0] = z
    y[1] *= outer_powers(y, 2)
    return np.sum(z * y)


@at(FOUR)
def view_that_is_kept_is_written_later(x):
    y = np.sin(x)
    z = powers(y[1:3], 2)
    y[1] = z
    z += powers(y[::2], 3)
    y *= z
    return np.sum(y * y)


@at(TWO)
def constant_that_is_kept_is_written_later(x):
    c = np.arange(2.0)
    z = 0.0
    for i in range(3):
        z += weighted_powers(x, c, 2)
        c[0] = 0.1 * z
        c[1] += i * 0.1
    return z


def weighted_powers(y, c, k):
    s = 0.0
    for _ in range(k):
        s += np.sum(c * np.sin(y))
        c = y * y * c
        y = y * c
    return s


def iterated_exp(x, k):
    for _ in range(k):
        x = np.exp(0.3 * x)
    return x


@at(TWO, A([0.5, 0.9]))
def result_that_is_kept_is_written_later(x, a):
    z = iterated_exp(x * x, 2)
    z *= a
    return np.sum(z * z)


@at(TWO, A([0.5, 0.9]))
def result_that_is_kept_is_written_in_each_trip(x, a):
    s = 0.2
    for i in range(3):
        z = iterated_exp(x * s, 2)
        z[0] = s * x[1]
        s += 0.1 * np.sum(z * z) * a[0]
        z[1] *= s
    return np.sum(z * z)


@at(TWO, A([0.5, 0.9]))
def argument_rebound_in_a_loop_and_written(x, a):
    x = x * x
    for _ in range(2):
        x = np.exp(x)
    x *= a
    return np.sum(x * x)


# ---- what a call undoes, and its caller reads ---------------------------------------------------------------------


def products_in_place(x, k):
    y = np.zeros(2)
    y[:] = np.sin(x)
    for _ in range(k):
        y[0] *= y[1]
    return y


@at(TWO, A([0.5, 0.9]))
def result_is_read_after_it_was_undone(x, a):
    return np.sum(products_in_place(x, 2) * a)


@at(TWO, A([0.5, 0.9]))
def result_is_read_and_written(x, a):
    z = products_in_place(x, 2)
    z *= a
    w = products_in_place(z, 3)
    return np.sum(w * z)


def products_and_their_sum(x, k):
    y = np.zeros(2)
    y[:] = np.sin(x)
    for _ in range(k):
        y[0] *= y[1]
    return y, np.sum(y * y)


@at(TWO, A([0.5, 0.9]))
def one_of_two_results_is_undone(x, a):
    z, s = products_and_their_sum(x, 2)
    w, t = products_and_their_sum(z * s, 2)
    return np.sum(w * a) * t + s


@at(TWO)
def results_in_a_list(x):
    kept = [products_in_place(x * k, 2) for k in range(1, 4)]
    return np.sum(kept[0] * kept[1]) + np.sum(kept[2] * x)


# ---- recursion with arrays of its own -----------------------------------------------------------------------------


def stacked(s, v, m, n):
    if n <= 0:
        return np.eye(3) @ np.eye(3) + np.eye(3) @ np.eye(3)
    t = np.sum(np.sin(v))
    inner = stacked(math.tanh(s) ** 2, np.stack([s, 0.5, t]), v[:, None] * v[None, :], n - 1)
    return np.tanh(inner) * (inner @ m)


@at(THREE, 2)
def recursion_that_stacks_numbers(v, n):
    s = np.sum(np.eye(3)[1:] ** 2)
    m = stacked(s=s, v=v, m=np.eye(3), n=n)
    m = m @ m @ (m @ m)
    return np.sum(v) + s + np.sum(np.clip(v, -0.63, 0.71)) + np.mean(m)


def scaled_product(x, k):
    y = np.zeros(2)
    y[:] = x * k
    if k > 1:
        z = scaled_product(y, k - 1)
        y *= z
    return y


@at(TWO, 3)
def recursion_multiplies_its_own_array(x, k):
    return np.sum(scaled_product(x, k))


def shorter_product(x, k):
    y = x * k
    if k > 1:
        y *= shorter_product(y, k - 1)
    return y


@at(TWO, 3)
def recursion_multiplies_a_new_array(x, k):
    return np.sum(shorter_product(x, k))


def one_or_the_other(x, k):
    y = x * x
    y[0] = y[1] * x[0]
    if k > 1:
        z = one_or_the_other(y, k - 1)
        return np.sin(z)
    return y


@at(TWO, 3)
def recursion_returns_one_of_two_arrays(x, k):
    return np.sum(one_or_the_other(x, k) ** 2)


def nested_sum(x, k):
    y = np.zeros(2)
    if k > 1:
        y[0] = nested_sum(x * x[0], k - 1) * x[1]
        y[1] = y[0] * x[0]
    return np.sum(y) + x[0]


@at(TWO, 3)
def recursion_fills_an_array(x, k):
    return nested_sum(x, k)


def merged(a):
    n = len(a)
    if n == 1:
        return a * 1.0
    left = merged(a[: n // 2])
    right = merged(a[n // 2 :])
    out = np.zeros(n)
    i = j = 0
    for k in range(n):
        if j >= n - n // 2 or (i < n // 2 and left[i] <= right[j]):
            out[k] = left[i]
            i += 1
        else:
            out[k] = right[j]
            j += 1
    return out


@at(FOUR)
def merge_sort(x):
    return np.sum(merged(x * 1.5) * np.arange(4.0) * x)


def transform(re, im):
    n = len(re)
    if n == 1:
        return re * 1.0, im * 1.0
    a, b = transform(re[::2], im[::2])
    c, d = transform(re[1::2], im[1::2])
    out = np.zeros(n)
    out_im = np.zeros(n)
    for k in range(n // 2):
        w, v = math.cos(2 * math.pi * k / n), -math.sin(2 * math.pi * k / n)
        t, u = w * c[k] - v * d[k], w * d[k] + v * c[k]
        out[k], out_im[k] = a[k] + t, b[k] + u
        out[k + n // 2], out_im[k + n // 2] = a[k] - t, b[k] - u
    return out, out_im


@at(FOUR)
def fourier_transform(x):
    a, b = transform(x * x, np.sin(x))
    return np.sum(a * a * b) + np.sum(b)


def even(x, k):
    y = x * x
    if k > 0:
        y[0] += np.sum(odd(y, k - 1))
    return y


def odd(x, k):
    y = np.sin(x)
    if k > 0:
        y[1] *= even(y, k - 1)[0]
    return y


@at(TWO, 3)
def mutual_recursion_with_arrays(x, k):
    return np.sum(even(x, k) * odd(x, k))


def pair_of_arrays(x, k):
    a = x * 2
    b = np.zeros(2)
    if k > 0:
        c, d = pair_of_arrays(a, k - 1)
        b[:] = c * x
        a *= d + 1.0
        a, b = b, a
    return a, b


@at(TWO, 3)
def recursion_swaps_two_arrays(x, k):
    a, b = pair_of_arrays(x, k)
    return np.sum(a * b) + np.sum(a)


def tree(x, depth):
    if depth == 0:
        return np.sum(x * x)
    left = x[: len(x) // 2] * 1.0
    right = x[len(x) // 2 :] * 1.0
    left[0] *= right[-1]
    return tree(left, depth - 1) * tree(right, depth - 1) + left[0]


@at(FOUR)
def recursion_over_halves(x):
    return tree(x, 2)


# ---- results whose tangents are those of the arguments ------------------------------------------------------------


def shifted(p):
    return p + 1.0


def shifted_and_doubled(p):
    r = p + 1.0
    return r, r * 2


def filled(q):
    return np.full(3, 2.0) * q, q


def shifted_again_and_again(p, k):
    if k == 0:
        return p + 1.0
    z = shifted_again_and_again(p - 2.0, k - 1)
    z[0] *= p[1]
    return z + 3.0


@at(THREE)
def shifted_result_is_written(x):
    z = shifted(x)
    z[0] = z[0] * x[1]
    return np.sum(z * x)


@at(THREE)
def two_shifted_results_are_written(x):
    z, w = shifted_and_doubled(x)
    z[0] = z[0] * x[1]
    w *= x
    return np.sum(z * x * w)


@at(THREE)
def filled_result_is_written(x):
    z, s = filled(x[0])
    z[0] = z[0] * x[1]
    z *= s
    return np.sum(z * x)


@at(THREE)
def recursion_shifts_and_writes(x):
    z = shifted_again_and_again(x, 3)
    z[0] = z[0] * x[1]
    return np.sum(z * x)


def keeps(p, q, n):
    for _ in range(n):
        p = np.sin(p) * q
        q = q * 0.9 + p
    return p


def and_reversed(p, q):
    r = p * q
    r[1] = q[0] * r[2]
    return r, r[::-1]


@at(THREE, A([0.9, 0.25, -0.6]))
def results_that_nothing_reads(x, y):
    a, c = and_reversed(keeps(y, x[::-1], 2), x)
    b = keeps(c, a, 0)
    c = np.exp(0.2 * c[::-1])
    return np.sum(a * b) + np.sum(c) * x[0]


def in_place_from_the_right(p, n):
    y = np.zeros(3)
    y[:] = np.sin(p)
    for i in range(n):
        y[i % 3] *= y[(i + 1) % 3] + 1.1
    return y


@at(THREE)
def argument_of_a_call_stays_as_it_is_written(x):
    a = x * 1.1
    return np.sum(in_place_from_the_right(a * 0.7 + a, 3) * a)


@pytest.mark.parametrize("name", PROGRAMS)
def test_first_derivatives(name):
    function, args = PROGRAMS[name]
    check(function, *args, second=False)


@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives(name):
    function, args = PROGRAMS[name]
    check(function, *args, first=False)
