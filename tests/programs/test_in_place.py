"""Small programs that write in place, theme by theme, each right or refused.

Each is checked by `oracle.check`: values bit for bit, gradients against dual numbers (whose arrays have views and
aliases as NumPy's have) and against differences, first and second order, the caller's arrays untouched.
"""

import math
import operator
import warnings

import numpy as np
import pytest
from programs.oracle import Unsuitable, check, copied, differences, oracles_agree, random_like, same_bits

import s2sad

rng = np.random.default_rng(31)
A = np.array
VECTOR = rng.normal(size=4)
OTHER = rng.normal(size=4)
LONGER = rng.normal(size=6)
SQUARE = rng.normal(size=(3, 3))
BIG = rng.normal(size=(4, 4))
WIDE = rng.normal(size=(2, 3))
CUBE = rng.normal(size=(2, 3, 2))
WEIGHTS = A([0.3, -0.4, 0.9, 1.3])
THREE = A([0.7, -1.1, 0.4])
SINGLE = rng.normal(size=4).astype(np.float32)
SCALE = 1.7

PROGRAMS = {}


def at(*points):
    """Register a program with the argument tuples that it is checked at; one argument may stand alone."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, [p if isinstance(p, tuple) else (p,) for p in points])
        return function

    return register


# ---- one item -------------------------------------------------------------------------------------------------------


@at(VECTOR)
def sum_with_a_constant_is_apart_from_what_is_written(x):
    a = x * 2.0
    a += x
    c = a + 1.0
    a[0] = 5.0
    return np.sum(c * a)


@at(VECTOR)
def item_of_zeros(x):
    y = np.zeros(4)
    y[1] = x[0] * x[1]
    return np.sum(y * y)


@at(0.7)
def item_from_a_number(x):
    y = np.ones(3)
    y[0] = x
    y[2] = x * x
    return np.sum(y**3)


@at(VECTOR)
def item_overwritten_after_it_was_read(x):
    y = x * 2
    t = y[0] * y[1]
    y[0] = x[3]
    return t * y[0] + np.sum(y)


@at(VECTOR)
def array_overwritten_after_it_was_read(x):
    y = x * x
    t = np.sin(y)
    y[1] = x[0]
    return np.sum(t * y)


@at(VECTOR)
def item_written_twice(x):
    y = np.zeros(4)
    y[0] = x[0] * x[1]
    s = y[0] * y[0]
    y[0] = math.sin(x[2])
    return s + y[0] * x[3]


@at(VECTOR)
def item_written_twice_unread(x):
    y = np.zeros(4)
    y[0] = x[0] ** 2
    y[0] = x[1] ** 3
    return np.sum(y)


@at(VECTOR)
def item_from_itself(x):
    y = x.copy()
    y[2] = y[2] * y[2] * y[0]
    y[2] = math.exp(y[2])
    return np.sum(y * y)


@at(VECTOR)
def item_overwritten_by_a_constant(x):
    y = x * x
    s = np.sum(y * y)
    y[1] = 3.0
    return s * np.sum(y)


@at(VECTOR)
def item_with_negative_index(x):
    y = x * 2
    y[-1] = x[0]
    y[-4] = y[-1] * x[1]
    return np.sum(y * y)


@at((VECTOR, 1), (VECTOR, -1), (VECTOR, 3))
def item_wraps_onto_another(x, k):
    y = x * 2
    y[k] = x[0] * x[1]
    y[3] = y[3] * y[k]
    return np.sum(y * y)


@at(VECTOR)
def swap_of_items(x):
    y = x * x
    y[0], y[2] = y[2], y[0] * y[1]
    return np.sum(y * WEIGHTS)


@at((VECTOR, 0, 3), (VECTOR, 1, 1))
def swap_of_items_by_index(x, i, j):
    y = x * WEIGHTS
    y[i], y[j] = y[j], y[i]
    y[i] = y[i] * y[j]
    return np.sum(y * y)


@at(SQUARE)
def swap_of_rows_by_list(m):
    y = m * m
    y[[0, 2]] = y[[2, 0]]
    return np.sum(y[0] * m[1]) + y[2, 1]


@at(SQUARE)
def swap_of_rows_that_are_views(m):
    y = m * 2
    y[0], y[1] = y[1], y[0]
    return np.sum(y * m * y)


@at(VECTOR)
def chained_assignment_of_items(x):
    y = np.zeros(3)
    y[0] = y[1] = z = x[0] * x[1]
    y[1] = y[1] * z
    return np.sum(y * y) + z


@at(VECTOR)
def item_of_a_matrix(x):
    m = np.zeros((2, 2))
    m[0, 0] = x[0]
    m[0, 1] = x[1] * x[2]
    m[1, 0] = -x[3]
    m[1, 1] = x[0] ** 2
    return np.linalg.det(m) + np.sum(m @ m)


@at(SQUARE)
def item_of_a_row_of_a_matrix(m):
    y = m.copy()
    y[1][2] = y[0][1] * y[2][0]
    return np.sum(y * y)


@at(VECTOR)
def zero_dimensional_array(x):
    s = np.zeros(())
    s[()] = x[0] * x[1]
    s += x[2]
    s[...] = s * s
    return s * x[3]


# ---- slices ---------------------------------------------------------------------------------------------------------


@at(VECTOR)
def slice_from_a_slice(x):
    y = np.zeros(5)
    y[1:] = x * x
    y[:2] = x[2:] * y[3:]
    return np.sum(y * y)


@at(VECTOR)
def slice_from_a_number(x):
    y = x * x
    y[1:3] = x[0]
    return np.sum(y * WEIGHTS)


@at(VECTOR)
def slice_from_a_constant(x):
    y = x * x
    y[1:3] = 0
    return np.sum(y * y)


@at(VECTOR)
def slice_of_everything(x):
    y = x * x
    t = np.exp(y)
    y[:] = x * t
    return np.sum(y * y)


@at(VECTOR)
def ellipsis_of_everything(x):
    y = np.empty_like(x)
    y[...] = np.sin(x)
    y[...] = y * y
    return np.sum(y * x)


@at(LONGER)
def slice_with_a_stride(x):
    y = x * x
    y[::2] = x[1::2]
    y[1::2] *= y[::2]
    return np.sum(y * y)


@at(LONGER)
def slice_with_a_negative_stride(x):
    y = np.zeros(6)
    y[::-1] = x * x
    y[4:1:-1] = y[:3] * x[0]
    return np.sum(y * x)


@at(VECTOR)
def shifted_onto_itself(x):
    y = x.copy()
    y[1:] = y[:-1] * x[1:]
    return np.sum(y * y)


@at(VECTOR)
def shifted_back_onto_itself(x):
    y = x * 2
    y[:-1] = y[1:]
    return np.sum(y * y * x)


@at(VECTOR)
def reversed_onto_itself(x):
    y = x * x
    y[:] = y[::-1]
    return np.sum(y * x)


@at(VECTOR)
def reversed_and_added_onto_itself(x):
    y = x * x
    y += y[::-1]
    return np.sum(y * y * x)


@at(VECTOR)
def slice_added_from_an_overlapping_slice(x):
    y = x * x
    y[1:] += y[:-1]
    y[:-1] *= y[1:]
    return np.sum(y * x)


@at((LONGER, 2), (LONGER, 5), (LONGER, 0))
def slice_bounds_that_are_arguments(x, k):
    y = x * x
    y[k:] = x[k:] * SCALE
    y[:k] += 1.0
    return np.sum(y**2)


@at((LONGER, 3))
def slice_bounds_that_change_later(x, k):
    y = x * x
    y[:k] = x[k:] * y[:k]
    k = k - 2
    y[k:] = y[k:] * 2
    k = 5
    return np.sum(y * y) * k


@at(LONGER)
def empty_slice(x):
    y = x * x
    y[3:3] = 7.0
    y[6:] += x[6:]
    return np.sum(y * y)


@at(SQUARE)
def block_of_a_matrix(m):
    y = m * m
    y[1:, :2] = m[:2, 1:] * 3
    y[0, 1:] *= y[1:, 0]
    return np.sum(y * y)


@at(SQUARE)
def column_of_a_matrix(m):
    y = m.copy()
    y[:, 1] = y[:, 0] * y[:, 2]
    y[:, 0] -= y[1]
    return np.sum(y * m)


@at((SQUARE, THREE))
def row_broadcast_into_a_matrix(m, v):
    y = m * m
    y[1:] = v * v
    y[:, 1:] += v[:2]
    return np.sum(y * y * m)


@at((SQUARE, THREE))
def column_broadcast_into_a_matrix(m, v):
    y = m * 2
    y[:, :2] = v[:, None]
    y *= v[:, np.newaxis]
    return np.sum(y * y)


@at(CUBE)
def axes_and_ellipsis(c):
    y = c * 1.5
    y[..., 0] = c[..., 1] ** 2
    y[1, ..., 1] *= y[0, :, 0]
    y[:, 1] += c[0, 0]
    return np.sum(y * y * c)


@at(VECTOR)
def newaxis_in_a_target(x):
    y = np.zeros((4, 1))
    y[:, 0] = x
    y[None, :, :] *= y
    return np.sum(y * x)


@at(LONGER)
def slice_object(x):
    y = x * x
    part = slice(1, 4)
    y[part] = x[part] * 2
    y[part] *= x[2:5]
    return np.sum(y * y)


@at(SQUARE)
def tuple_as_index(m):
    y = m * m
    at_corner = (2, 0)
    y[at_corner] = m[0, 2] * y[at_corner]
    return np.sum(y * m)


# ---- integer arrays and masks ---------------------------------------------------------------------------------------


@at(VECTOR)
def integer_array_as_index(x):
    y = np.zeros(5, dtype=np.float64)
    y[[3, 0, 4, 1]] = x * x
    y[np.array([0, 1])] += x[2:]
    return np.sum(y * y)


@at(VECTOR)
def repeated_index_the_last_one_wins(x):
    y = x * x
    y[[0, 0, 1]] = x[1:] * x[0]
    return np.sum(y * y)


@at(VECTOR)
def repeated_index_from_a_number(x):
    y = x * x
    y[[2, 2, 2]] = x[0]
    return np.sum(y * y)


@at(VECTOR)
def repeated_index_added_once(x):
    y = x * x
    y[[0, 0, 1]] += x[1:]
    return np.sum(y * y)


@at(VECTOR)
def repeated_index_multiplied_once(x):
    y = x * x
    y[[3, 3, 1, 3]] *= x
    return np.sum(y * y)


@at((VECTOR, A([1, 1, 0, 3])), (VECTOR, A([-1, 3, 2, -1])))
def repeated_index_of_an_argument(x, k):
    y = np.ones(4)
    y[k] = x * x
    y[k] = y[k] * x
    return np.sum(y * y)


@at(WIDE)
def repeated_rows(m):
    y = np.zeros((3, 3))
    y[[1, 1]] = m * m
    y[[0, 2, 0], 1] = m[0]
    return np.sum(y * y)


@at((WIDE, A([[0, 1, 1], [2, 0, 0]])))
def matrix_of_indices(m, k):
    y = np.zeros(3)
    y[k] = m
    y[k[0]] += m[1] * y
    return np.sum(y * y)


@at(SQUARE)
def two_index_arrays(m):
    y = m * m
    y[[0, 1, 2], [2, 1, 0]] = m[0]
    y[[0, 0], [1, 1]] = m[1, :2]
    return np.sum(y * y)


@at(SQUARE)
def index_array_and_slice(m):
    y = m * m
    y[[2, 0], 1:] = m[1:, :2]
    y[1:, [0, 0]] = m[:2, :2] * 3
    return np.sum(y * y)


@at(SQUARE)
def diagonal_by_indices(m):
    y = m * m
    k = np.arange(3)
    y[k, k] += m[0]
    y[k, k] *= m[k, 2 - k]
    return np.sum(y * y)


@at(LONGER)
def argsort_as_index(x):
    y = np.zeros(6)
    y[np.argsort(x)] = x * x
    return np.sum(y * WEIGHTS[[0, 1, 2, 3, 0, 1]])


@at(VECTOR)
def mask_from_a_number(x):
    y = x * x
    y[x > 0] = x[0]
    return np.sum(y * y)


@at(VECTOR)
def mask_from_a_constant(x):
    y = x * x * x
    y[y < 0] = 0.0
    return np.sum(y * x)


@at(VECTOR)
def mask_from_a_masked_read(x):
    y = x * x
    m = x < 0.2
    y[m] = x[m] * y[m]
    y[~m] *= x[~m]
    return np.sum(y * y)


@at(VECTOR)
def mask_that_changes_later(x):
    y = x * 2
    m = y > 0
    y[m] = y[m] ** 2
    m[:] = True
    return np.sum(y * y)


@at(VECTOR)
def mask_recomputed_from_what_it_wrote(x):
    y = x * 2
    y[y > 0] *= x[0]
    y[y > 0] *= 3.0
    return np.sum(y * y)


@at(SQUARE)
def mask_of_a_matrix(m):
    y = m * m
    y[m > 0] *= 2.0
    y[np.eye(3) > 0] = m[0]
    return np.sum(y * y)


@at((SQUARE, A([True, False, True])))
def mask_of_rows(m, keep):
    y = m * m
    y[keep] = m[1]
    y[keep, 1] += m[0, 0]
    return np.sum(y * y)


@at(VECTOR)
def where_indices(x):
    y = x * x
    (k,) = np.nonzero(x < 0.5)
    y[k] *= x[k]
    return np.sum(y * y)


@at(LONGER)
def index_array_written_later(x):
    k = np.array([0, 2, 4])
    y = x * x
    y[k] = x[k] * y[k]
    k[0] = 5
    y[k] *= 3.0
    return np.sum(y * y * x)


# ---- augmented assignment -------------------------------------------------------------------------------------------


@at(VECTOR)
def every_operator_on_an_item(x):
    y = x * x + 2
    y[0] += x[1]
    y[0] -= x[2] * y[1]
    y[1] *= x[0]
    y[2] /= x[3]
    y[3] **= 2
    y[0] **= x[0]
    return np.sum(y)


@at(VECTOR)
def every_operator_on_a_slice(x):
    y = x * x + 2
    y[1:] += x[1:]
    y[:3] -= x[0]
    y[::2] *= y[1::2]
    y[2:] /= x[2:]
    y[:2] **= 2
    return np.sum(y * x)


@at(VECTOR)
def every_operator_on_an_array(x):
    y = x * x + 2
    y += x
    y -= x[0]
    y *= x
    y /= 2 + np.cos(x)
    y **= 2
    return np.sum(y)


@at((VECTOR, 0.4))
def array_by_a_number(x, a):
    y = x * x
    y += a
    y *= a * a
    y /= a
    y -= 2
    return np.sum(y * y)


@at(VECTOR)
def power_in_place_by_itself(x):
    y = x * x + 1
    y **= y
    y[0] **= y[0] / 10
    return np.sum(y)


@at(VECTOR)
def divided_by_its_own_sum(x):
    y = np.exp(x)
    y /= np.sum(y)
    return np.sum(y * y * x)


@at(VECTOR)
def multiplied_by_itself(x):
    y = np.sin(x)
    y *= y
    y += y
    y -= y * y
    return np.sum(y * x)


@at(VECTOR)
def floor_and_remainder_in_place(x):
    y = x * x * 3
    y %= 2.0
    z = x * 5
    z //= 1.0
    return np.sum(y * x) + np.sum(z * x)


@at(SQUARE)
def matmul_in_place(m):
    y = m.copy()
    y @= m
    y[...] = y @ y
    return np.sum(y)


@at((SQUARE, THREE))
def broadcast_in_place(m, v):
    y = m * m
    y += v
    y *= v[:, None]
    y -= y[0]
    return np.sum(y * y)


@at((VECTOR, 3))
def array_doubled_in_a_loop(x, n):
    y = x.copy()
    for i in range(n):
        y *= x
        y += i
    return np.sum(y * y)


@at(0.7)
def number_augmented_is_rebound(x):
    y = x
    y *= x
    z = y
    z += x
    return y * z * x


@at(VECTOR)
def augmented_item_of_expression(x):
    y = x * x
    k = 0
    y[k + 1] += x[k] * y[k + 2]
    k += 2
    y[k] *= y[k - 1]
    return np.sum(y * y)


@at(VECTOR)
def index_is_read_once(x):
    y = x * x
    k = [0, 1, 2]
    y[k[1]] *= x[k[2]]
    return np.sum(y * y)


# ---- aliases --------------------------------------------------------------------------------------------------------


@at(VECTOR)
def alias_augmented(x):
    y = x * 2
    z = y
    z += x
    return np.sum(y * y * z)


@at(VECTOR)
def alias_item_written(x):
    y = x * x
    z = y
    z[0] = x[1]
    return np.sum(y * x)


@at(VECTOR)
def alias_of_alias(x):
    y = x * x
    z = y
    w = z
    w[1:] *= x[1:]
    z[0] = y[1]
    return np.sum(y * w)


@at(VECTOR)
def alias_rebound_is_another(x):
    y = x * x
    z = y
    z = z + x
    z += x
    y *= 2
    return np.sum(y * z)


@at((VECTOR, True), (VECTOR, False))
def alias_in_one_branch(x, c):
    y = x * x
    z = x * 3
    if c:
        z = y
    z += x
    return np.sum(y * z)


@at((VECTOR, True), (VECTOR, False))
def alias_by_conditional_expression(x, c):
    y = x * x
    z = x + 1
    w = y if c else z
    w *= x
    return np.sum(y * z)


@at(VECTOR)
def copy_is_no_alias(x):
    y = x * x
    z = y.copy()
    z += x
    w = np.array(y)
    w *= 2
    v = np.copy(y)
    v[0] = x[3]
    return np.sum(y * z * w * v)


@at(VECTOR)
def asarray_is_an_alias(x):
    y = x * x
    z = np.asarray(y)
    z *= x
    return np.sum(y)


@at(VECTOR)
def positive_is_no_alias(x):
    y = x * x
    z = +y
    z *= x
    return np.sum(y * z)


@at((VECTOR, 4), (VECTOR, 3), (VECTOR, 0))
def ping_pong(x, n):
    a = x.copy()
    b = np.zeros(4)
    for _ in range(n):
        b[1:-1] = 0.5 * (a[:-2] + a[2:]) + a[1:-1] ** 2
        b[0] = a[0]
        b[-1] = a[-1] * x[0]
        a, b = b, a
    return np.sum(a * a)


@at((VECTOR, 3))
def ping_pong_by_thirds(x, n):
    a, b, c = x.copy(), x * 2, np.zeros(4)
    for _ in range(n):
        c[:] = 2 * b - a + 0.1 * np.sin(b)
        a, b, c = b, c, a
    return np.sum(b * a)


@at(VECTOR)
def swap_of_names_then_write(x):
    a = x * x
    b = x * 3
    a, b = b, a
    a[0] = x[1]
    b += a
    return np.sum(a * b)


@at((VECTOR, 3))
def previous_is_an_alias(x, n):
    y = x.copy()
    for _ in range(n):
        old = y
        y *= x
        y += old
    return np.sum(y)


@at((VECTOR, 3))
def previous_is_a_copy(x, n):
    y = x.copy()
    for _ in range(n):
        old = y.copy()
        y *= x
        y += old
    return np.sum(y)


@at(VECTOR)
def alias_used_after_last_write(x):
    y = np.zeros(4)
    z = y
    y[:] = x * x
    t = np.sum(z * z)
    y[:] = 1.0
    return t * np.sum(z * x)


@at((VECTOR, OTHER))
def chained_names_are_one_array(x, v):
    a = b = x * v
    a += x
    b *= v
    return np.sum(a * b)


# ---- views ----------------------------------------------------------------------------------------------------------


@at(VECTOR)
def view_sees_a_write(x):
    y = x * x
    v = y[1:]
    y[1] = x[0]
    return np.sum(v * v)


def moved_by_two(x):
    return x + 2.1


@at(0.7)
def one_number_written_to_repeated_cells(x):
    y = np.arange(3.0)
    y[[1, 2, 2]] = x * x
    return np.sum(y)


@at((VECTOR, SQUARE))
def scaled_while_it_changes_places_with_a_flat_view(x, a):
    flat = a.ravel()
    for _ in range(2):
        x *= 0.5
        flat, x = x, flat
    return np.sum(x * x) + np.sum(a * a * a)


@at((0.7, VECTOR, 2))
def number_of_a_written_array_is_no_array(s, x, n):
    for i in range(n):
        s = x[i]
    x *= 2.0
    return s


@at(VECTOR)
def argument_written_after_a_sum_with_it(x):
    y = x + 2.1
    x += x
    return np.sum(y * y * y) + np.sum(x)


@at(VECTOR)
def array_written_after_a_call_made_a_sum_with_it(x):
    x = x * 2.0
    y = moved_by_two(x)
    x[0] = x[1] * x[2]
    return np.sum(y * y * y) + np.sum(x)


@at(VECTOR)
def write_through_a_view(x):
    y = x * x
    v = y[1:3]
    v *= x[0]
    v[0] = x[3]
    return np.sum(y * y)


@at(VECTOR)
def write_through_a_view_kept_value(x):
    y = x * x
    s = np.sum(y * y)
    v = y[1:]
    v[:] = 0.0
    return s * np.sum(y)


@at(LONGER)
def view_of_a_view(x):
    y = x * x
    v = y[1:]
    w = v[::2]
    w *= x[:3]
    v[1] = w[1] * y[0]
    return np.sum(y * x)


@at(LONGER)
def overlapping_views(x):
    y = x * x
    a = y[:4]
    b = y[2:]
    a += b
    b *= a
    return np.sum(y * y)


@at(VECTOR)
def view_of_a_name_rebound(x):
    y = x * x
    v = y[1:]
    y = x * 3
    y[1] = x[0]
    v[0] = x[2]
    return np.sum(v * v) + np.sum(y * y)


@at(SQUARE)
def row_is_a_view(m):
    y = m * m
    r = y[1]
    r *= m[0]
    y[1, 2] = r[0] * r[1]
    return np.sum(y * r)


@at(SQUARE)
def column_is_a_view(m):
    y = m * m
    c = y[:, 1]
    y[1] = m[2]
    c += m[0]
    return np.sum(y * y) + np.sum(c)


@at(SQUARE)
def transposed_view_written(m):
    y = m * m
    t = y.T
    t[0] = m[1]
    y[1] += t[1]
    return np.sum(y * t)


@at(WIDE)
def transpose_function_view_written(m):
    y = m * 2
    np.transpose(y)[1] = m[:, 0]
    t = y.transpose()
    t *= 3
    return np.sum(y * m)


@at(LONGER)
def reshaped_view_written(x):
    y = x * x
    m = y.reshape(2, 3)
    m[1] *= x[:3]
    m[0, 0] = y[5]
    return np.sum(y * y)


@at(SQUARE)
def ravel_view_written(m):
    y = m * m
    f = y.ravel()
    f[4] = m[0, 1]
    f[::2] *= 2
    return np.sum(y * m)


@at(SQUARE)
def ravel_of_a_transpose_is_a_copy(m):
    y = m * m
    f = y.T.ravel()
    f[0] = 9.0
    f *= m[0, 0]
    return np.sum(y * m) + np.sum(f * f)


@at(BIG)
def reshape_of_a_part_is_a_copy(m):
    y = m * m
    f = y[:, :2].reshape(8)
    f *= m[0, 0]
    return np.sum(y * y) + np.sum(f * f)


@at((SQUARE, 0), (SQUARE, 1))
def reshape_may_copy(m, k):
    y = m * m
    z = y.T if k else y
    f = z.reshape(9)
    f[1] *= m[0, 0] * 3
    return np.sum(y * m * f[1])


@at(BIG[:, ::2], BIG[::2], BIG.T)
def reshape_of_an_argument_may_copy(m):
    f = m.ravel()
    f *= f[0]
    return np.sum(m * m) + np.sum(f)


@at(SQUARE)
def flatten_is_a_copy(m):
    y = m * m
    f = y.flatten()
    f *= 2
    y[0] = 1.0
    return np.sum(f * f) + np.sum(y * m)


@at(SQUARE)
def diagonal_by_strided_view(m):
    y = m * m
    y.reshape(9)[::4] += m[0]
    return np.sum(y * y)


@at(VECTOR)
def newaxis_view_written(x):
    y = x * x
    c = y[:, None]
    c *= 2 + c
    return np.sum(y * x)


@at(VECTOR)
def squeezed_and_expanded_views(x):
    y = x * x
    c = np.expand_dims(y, 0)
    c[0, 1] = x[0]
    d = np.squeeze(c)
    d[2:] *= x[:2]
    return np.sum(y * y)


@at(VECTOR)
def flipped_view_written(x):
    y = x * x
    f = y[::-1]
    f[0] = x[1]
    f[1:] *= f[:-1]
    return np.sum(y * x)


@at(CUBE)
def swapped_axes_written(c):
    y = c * c
    s = np.swapaxes(y, 0, 2)
    s[1] = c[:, :, 0].T
    np.moveaxis(y, 0, 1)[2] *= 3
    return np.sum(y * c)


@at((LONGER, 2), (LONGER, 4))
def view_by_argument(x, k):
    y = x * x
    v = y[k:]
    y[3:] = x[:3]
    v += v
    return np.sum(y * x) * np.sum(v)


@at((LONGER, True), (LONGER, False))
def view_of_either(x, c):
    y = x * x
    z = x * 3
    if c:
        v = y[:3]
    else:
        v = z[3:]
    v *= x[0]
    return np.sum(y * z)


@at((LONGER, 3))
def view_moves_in_a_loop(x, n):
    y = x * x
    for i in range(n):
        v = y[i : i + 3]
        v *= 1 + x[i]
        v[0] = v[1] * v[2]
    return np.sum(y * y)


@at((LONGER, 3))
def view_made_before_a_loop(x, n):
    y = x.copy()
    v = y[1:4]
    for i in range(n):
        y[i + 1] = y[i] * x[i]
        v *= 0.5 + y[0]
    return np.sum(y * y)


@at(VECTOR)
def fancy_read_is_a_copy(x):
    y = x * x
    c = y[[0, 1]]
    c *= 5
    c[0] = x[3]
    d = y[y > 0.1]
    d *= 2
    return np.sum(y * y) + np.sum(c * c) + np.sum(d)


@at(VECTOR)
def arithmetic_is_a_copy(x):
    y = x * x
    z = y + 0
    z += 1
    w = 1 * y
    w[0] = x[1]
    return np.sum(y * z * w)


@at(VECTOR)
def views_swapped(x):
    y = x * x
    a, b = y[:2], y[2:]
    a[:], b[:] = b * 2, a * x[0]
    return np.sum(y * x)


@at(VECTOR)
def item_read_is_no_view(x):
    y = x * x
    t = y[0]
    y[0] = x[1]
    t += 1
    return t * np.sum(y * y)


@at(SQUARE)
def split_gives_views(m):
    y = m * m
    a, b, c = y
    b *= a
    c[0] = b[1]
    return np.sum(y * m)


@at((VECTOR, OTHER))
def broadcast_view_read(x, v):
    y = x * x
    b = np.broadcast_to(y, (2, 4))
    y[0] = v[0]
    return np.sum(b * v)


@at((VECTOR, OTHER))
def write_of_a_view_into_another(x, v):
    y = x * x
    z = v * v
    y[1:3] = z[:2]
    z[0] = x[1]
    y[1] *= z[1]
    return np.sum(y * y) + np.sum(z * z)


# ---- rows by iteration ----------------------------------------------------------------------------------------------


@at(SQUARE)
def rows_by_iteration(m):
    y = m.copy()
    for row in y:
        row *= row[0]
        row[1] = row[2] * 2
    return np.sum(y * y)


@at(SQUARE)
def columns_by_iteration(m):
    y = m * m
    for column in y.T:
        column /= 1 + column[0]
    return np.sum(y * m)


@at((SQUARE, THREE))
def rows_by_enumerate(m, v):
    y = m.copy()
    for i, row in enumerate(y):
        row += v[i]
        row[i] = v[i] * row[0]
    return np.sum(y * y)


@at((SQUARE, SQUARE[::-1].copy()))
def rows_by_zip(m, w):
    y = m * 2
    for row, other in zip(y, w):
        row *= other
        row[:2] -= other[1:]
    return np.sum(y * y)


@at(SQUARE)
def rows_of_earlier_rows(m):
    y = m.copy()
    for i in range(1, 3):
        y[i] -= y[i - 1] * y[i, 0]
        y[i] /= 2 + y[i, i]
    return np.sum(y * y)


@at(SQUARE)
def row_taken_and_used_after(m):
    y = m * m
    for row in y:
        row *= 2
    y[2, 0] = m[0, 0]
    return np.sum(row * row)


@at(CUBE)
def planes_and_rows_by_iteration(c):
    y = c * 1.5
    for plane in y:
        for row in plane:
            row[0] = row[1] * plane[0, 0]
    return np.sum(y * y)


@at(SQUARE)
def accumulation_into_a_row(m):
    s = np.zeros((2, 3))
    for row in m:
        s[0] += row * row
        s[1] += s[0]
    return np.sum(s * s)


# ---- loops ----------------------------------------------------------------------------------------------------------


@at(VECTOR)
def running_product(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


@at(VECTOR)
def running_product_from_zero(x):
    y = np.ones(len(x))
    for i in range(len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y * y)


@at(VECTOR)
def running_product_in_its_argument_copy(x):
    y = x.copy()
    for i in range(1, len(y)):
        y[i] *= y[i - 1]
    return np.sum(y * WEIGHTS)


@at(LONGER)
def stride_two_writes(x):
    y = x * x
    for i in range(0, 6, 2):
        y[i] = y[i - 1] * x[i]
    return np.sum(y * y)


@at(LONGER)
def two_writes_a_trip(x):
    y = np.zeros(7)
    for i in range(6):
        y[i] = y[i] + x[i] * x[i]
        y[i + 1] = y[i] * x[i]
    return np.sum(y * y)


@at(LONGER)
def downwards(x):
    y = x.copy()
    for i in range(4, -1, -1):
        y[i] = y[i + 1] * x[i] + y[i]
    return np.sum(y * y)


@at((LONGER, 4))
def one_cell_all_the_time(x, n):
    y = np.zeros(2)
    y[0] = x[0]
    for i in range(n):
        y[0] = math.sin(y[0]) * x[i]
        y[1] += y[0] * y[0]
    return y[1] * y[0]


@at((LONGER, 3))
def cells_by_remainder(x, n):
    y = np.ones(n)
    for i in range(6):
        y[i % n] *= x[i] + y[(i + 1) % n]
    return np.sum(y * y)


@at((LONGER, A([2, 0, 2, 1, 1, 2])))
def scatter_by_loop(x, k):
    y = np.zeros(3)
    for i in range(6):
        y[k[i]] += x[i] * x[i]
    return np.sum(y**3)


@at((LONGER, A([2, 0, 2, 1, 1, 2])))
def last_writer_by_loop(x, k):
    y = np.ones(3)
    for i in range(6):
        y[k[i]] = x[i] * y[k[i - 1]]
    return np.sum(y**2)


@at((SQUARE, 2))
def sweeps(m, n):
    y = m.copy()
    for _ in range(n):
        for i in range(1, 2):
            for j in range(1, 2):
                y[i, j] = 0.25 * (y[i - 1, j] + y[i + 1, j] + y[i, j - 1] * y[i, j + 1])
    return np.sum(y * y)


@at((BIG, 2))
def sweeps_by_columns_and_rows(m, n):
    y = m.copy()
    for _ in range(n):
        for j in range(1, 3):
            y[1:-1, j] = 0.5 * (y[1:-1, j - 1] + y[1:-1, j + 1]) * y[:2, j]
        for i in range(1, 3):
            y[i, 1:-1] += 0.1 * y[i - 1, 1:-1] ** 2
    return np.sum(y * y)


@at(SQUARE)
def triangular_writes(m):
    y = np.zeros((3, 3))
    for i in range(3):
        for j in range(i + 1):
            y[i, j] = m[i, j] * m[j, i]
            y[j, i] += y[i, j] * m[0, j]
    return np.sum(y * y)


@at((VECTOR, 3), (VECTOR, 0), (VECTOR, 1))
def trips_from_an_argument(x, n):
    y = x.copy()
    for i in range(n):
        y[i] = y[i] * y[i + 1]
        y[0] += x[i]
    return np.sum(y * y)


@at((LONGER, 2))
def local_array_made_in_a_loop(x, n):
    s = 0.0
    for i in range(n):
        t = np.zeros(3)
        t[0] = x[i]
        t[1:] = x[i + 1 : i + 3] * t[0]
        t *= t
        s += np.sum(t) * x[0]
    return s


@at((VECTOR, 3))
def local_array_kept_from_trip_to_trip(x, n):
    t = np.zeros(4)
    s = 0.0
    for i in range(n):
        t[i] = x[i] * x[i]
        s += np.sum(t * t)
        if i == 1:
            t = np.ones(4)
    return s + np.sum(t * x)


@at((VECTOR, 3))
def scratch_array_reused(x, n):
    t = np.empty(4)
    s = 0.0
    for i in range(n):
        t[:] = x * (i + 1)
        t[i] = s
        s = s + np.sum(t * t)
    return s


@at((2.0, 5))
def history_of_a_number(x, n):
    h = np.zeros(n + 1)
    h[0] = x
    for i in range(n):
        h[i + 1] = h[i] - 0.1 * math.sin(h[i]) * h[0]
    return np.sum(h * h)


@at((VECTOR, 4))
def history_of_rows(x, n):
    h = np.zeros((n + 1, 4))
    h[0] = x
    for i in range(n):
        h[i + 1] = np.sin(h[i]) * h[0]
        h[i + 1, 0] += h[i, 1]
    return np.sum(h[-1] * h[1])


@at((1.5, 4.0))
def while_with_writes(x, limit):
    y = np.zeros(10)
    y[0] = x
    k = 0
    while y[k] < limit:
        y[k + 1] = y[k] * 1.5 + math.sin(x)
        k += 1
    return y[k] * y[k - 1] + np.sum(y)


@at((VECTOR, 0.01))
def while_until_small(x, tolerance):
    y = x.copy()
    while np.max(np.abs(y)) > tolerance:
        y *= 0.3
        y[0] *= 1 + x[1] / 10
    return np.sum(y) * 100


@at((VECTOR, 3))
def loop_over_the_values_written(x, n):
    y = x * x
    s = 0.0
    for v in y:
        s = s * v + v
        y[3] = s
    return s * np.sum(y)


@at((LONGER, 2))
def inner_loop_writes_outer_reads(x, n):
    y = np.zeros(6)
    total = 0.0
    for i in range(n):
        for j in range(6):
            y[j] = x[j] * (i + 1) + total
        total += np.sum(y * y) * 0.1
    return total


@at((BIG, 2))
def linear_stencil(u, n):
    for _ in range(n):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
        u = new
    return np.sum(u)


# ---- branches -------------------------------------------------------------------------------------------------------


@at((VECTOR, True), (VECTOR, False))
def write_in_one_branch(x, c):
    y = x * x
    if c:
        y[0] = x[1]
        y[1:] *= y[0]
    return np.sum(y * y)


@at((VECTOR, 1.0), (VECTOR, -1.0))
def write_in_both_branches(x, a):
    y = x * x
    if a > 0:
        y[1] = a * x[0]
    else:
        y[2] = y[1] * a
        y[1] = 0.0
    return np.sum(y * y)


@at(VECTOR)
def branch_on_what_is_written(x):
    y = x * x
    for i in range(3):
        if y[i] > 0.5:
            y[i + 1] = y[i] * x[i]
        else:
            y[i] = y[i + 1] + x[i]
    return np.sum(y * y)


@at((VECTOR, True), (VECTOR, False))
def array_made_or_updated(x, c):
    y = x * x
    if c:
        y = np.zeros(4)
    y[1] += x[0]
    y *= x
    return np.sum(y)


@at((VECTOR, 2), (VECTOR, 5))
def write_then_return_early(x, n):
    y = x * x
    y[0] *= x[1]
    if n > 3:
        return np.sum(y)
    y[1] = y[0] * x[2]
    return np.sum(y * y)


@at(VECTOR)
def clipped_by_loop(x):
    y = x * 2
    for i in range(4):
        if y[i] < 0:
            y[i] = 0.1 * y[i]
    y[0] *= y[2]
    return np.sum(y * y)


@at(LONGER)
def bubble_sort(x):
    y = x.copy()
    for i in range(6):
        for j in range(5 - i):
            if y[j] > y[j + 1]:
                y[j], y[j + 1] = y[j + 1], y[j]
    return np.sum(y * y[::-1] * A([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))


# ---- arguments ------------------------------------------------------------------------------------------------------


@at(VECTOR)
def argument_item_written(x):
    x[0] = x[1] * x[2]
    return np.sum(x * x)


@at(VECTOR)
def argument_overwritten(x):
    x[:] = x * x
    x += 1
    return np.sum(x * x)


@at(VECTOR)
def argument_augmented(x):
    s = np.sum(x * x)
    x *= 2
    return s * np.sum(x * x)


@at((VECTOR, OTHER))
def one_argument_into_another(x, y):
    y[1:] = x[:-1] * y[1:]
    x[0] = y[2]
    return np.sum(x * y)


@at((VECTOR, np.zeros(4)))
def work_array_as_an_argument(x, work):
    work[:] = x * x
    work[0] += work[1]
    return np.sum(work * work)


@at(VECTOR)
def argument_written_and_returned(x):
    x *= x
    x[0] = 2 * x[1]
    return x


@at(VECTOR)
def argument_view_returned(x):
    v = x[1:]
    v *= x[0]
    return v


@at(SQUARE)
def argument_rows_written(m):
    for row in m:
        row /= np.sqrt(np.sum(row * row))
    return np.sum(m @ m)


@at(VECTOR)
def argument_rebound_then_written(x):
    x = x * 2
    x[0] = 1.0
    x += x
    return np.sum(x * x)


@at((VECTOR, True), (VECTOR, False))
def argument_written_or_rebound(x, c):
    y = x
    if c:
        x = x * 2
    x[0] = x[1] * 3
    return np.sum(x * y)


@at(BIG.T, BIG[::-1, 1:], BIG[:, ::2])
def argument_of_any_layout(m):
    m[0] *= m[1]
    m[1:] += m[0]
    return np.sum(m * m)


@at(VECTOR)
def nothing_active_is_written(x):
    k = np.zeros(4)
    k[1] = 2.0
    k += 1
    return np.sum(k * x * x)


@at((VECTOR, WEIGHTS.copy()))
def argument_that_is_not_differentiated(x, w):
    y = w
    y[0] = 3.0
    return np.sum(x * x * w)


# ---- callees --------------------------------------------------------------------------------------------------------


def helper_fills(out, x):
    out[:] = x * x


def helper_adds(out, x, k):
    out[k] += x[k] * out[k - 1]


def helper_scales(v, a):
    v *= a


def helper_returns_what_it_wrote(v):
    v[0] = v[1] * v[2]
    return v


def helper_sweeps(u, f):
    for i in range(1, len(u) - 1):
        u[i] = 0.5 * (u[i - 1] + u[i + 1]) + f[i] * u[i]


def helper_copies_then_writes(v):
    v = v.copy()
    v[0] = v[1] * 2
    return v


def helper_first_part(v):
    return v[:2]


def helper_swaps(a, b):
    for i in range(len(a)):
        a[i], b[i] = b[i], a[i]


def helper_both(a, b, x):
    helper_fills(a, x)
    b[1:] = a[:-1] * b[1:]
    return np.sum(a * b)


@at(VECTOR)
def callee_fills_an_array(x):
    y = np.zeros(4)
    helper_fills(y, x)
    return np.sum(y * y)


@at(VECTOR)
def callee_fills_a_view(x):
    y = np.zeros((2, 4))
    helper_fills(y[1], x)
    helper_fills(y[0, 1:3], y[1, :2])
    return np.sum(y * y)


@at(VECTOR)
def callee_adds_in_a_loop(x):
    y = np.ones(4)
    for k in range(4):
        helper_adds(y, x, k)
    return np.sum(y * y)


@at((VECTOR, 0.7))
def callee_scales_twice(x, a):
    y = x * x
    s = np.sum(y * y)
    helper_scales(y, a)
    helper_scales(y[1:], a * s)
    return np.sum(y * y)


@at(VECTOR)
def callee_returns_its_argument(x):
    y = x * x
    z = helper_returns_what_it_wrote(y)
    z[3] = x[0]
    return np.sum(y * z)


@at((LONGER, LONGER[::-1].copy(), 2))
def callee_sweeps_its_argument(u, f, n):
    u = u.copy()
    for _ in range(n):
        helper_sweeps(u, f)
    return np.sum(u * u)


@at(LONGER)
def callee_writes_the_argument_of_its_caller(x):
    helper_sweeps(x, x * 2)
    helper_fills(x[:2], x[2:4])
    return np.sum(x * x)


@at(VECTOR)
def callee_writes_a_copy_of_its_own(x):
    y = x * x
    z = helper_copies_then_writes(y)
    y[1] = x[0]
    return np.sum(y * z)


@at(VECTOR)
def callee_returns_a_view(x):
    y = x * x
    v = helper_first_part(y)
    v *= x[0]
    y[1] = v[0]
    return np.sum(y * y) * v[1]


@at((VECTOR, OTHER))
def callee_swaps_two_arrays(x, v):
    a, b = x * x, v * 2
    helper_swaps(a, b)
    return np.sum(a * a * x) + np.sum(b * v)


@at((VECTOR, OTHER))
def callee_calls_a_callee(x, v):
    a = np.zeros(4)
    b = v * v
    s = helper_both(a, b, x)
    return s * np.sum(a * b)


@at(VECTOR)
def callee_given_one_array_twice(x):
    y = x * x
    helper_fills(y, y)
    helper_sweeps(y, y)
    return np.sum(y * y)


@at(VECTOR)
def callee_given_overlapping_views(x):
    y = x * x
    helper_fills(y[1:], y[:-1])
    return np.sum(y * y)


def helper_recursive_fill(y, x, k):
    if k == 0:
        y[0] = x[0]
        return
    helper_recursive_fill(y, x, k - 1)
    y[k] = y[k - 1] * x[k] + y[0]


@at(VECTOR)
def recursion_writes_its_argument(x):
    y = np.zeros(4)
    helper_recursive_fill(y, x, 3)
    return np.sum(y * y)


def helper_writes_a_default(x, out=None):
    if out is None:
        out = np.zeros(4)
    out[1:] = x[1:] * x[:-1]
    return out


@at(VECTOR)
def callee_with_an_optional_array(x):
    y = helper_writes_a_default(x)
    z = x * 2
    w = helper_writes_a_default(y, z)
    return np.sum(w * z) + np.sum(y)


def helper_makes_an_array_and_a_view(x):
    y = np.zeros(4)
    v = y[1:3]
    v[:] = x[:2] * x[1:3]
    return y, v


@at(VECTOR)
def callee_returns_an_array_and_a_view_of_it(x):
    y, v = helper_makes_an_array_and_a_view(x)
    v[0] *= x[3]
    y[2] = v[0] * 2
    return np.sum(y * y) * v[1]


@at((VECTOR, 2))
def array_and_a_view_of_it_from_trip_to_trip(x, n):
    y, v = helper_makes_an_array_and_a_view(x)
    for _ in range(n):
        y, v = helper_makes_an_array_and_a_view(y + x)
        v *= y[1]
    return np.sum(y * y) * v[1]


def helper_recursive_product(x, k):
    y = np.zeros(4)
    y[:] = x * k
    if k > 1:
        z = helper_recursive_product(y, k - 1)
        z[0] += y[1]
        y *= z
    return y


@at(VECTOR)
def recursion_with_local_arrays(x):
    y = helper_recursive_product(x, 3)
    y[2] = y[1] * x[0]
    return np.sum(y * y)


@at(VECTOR)
def nested_function_writes_a_captured_array(x):
    y = x * x

    def bump(k):
        y[k] = y[k] * y[k - 1]

    bump(1)
    bump(2)
    return np.sum(y * y)


# ---- functions that write: out=, ufunc.at, np.copyto, methods -------------------------------------------------------


@at(VECTOR)
def out_of_a_ufunc(x):
    y = np.zeros(4)
    np.multiply(x, x, out=y)
    np.add(y, x[0], out=y)
    np.sin(y, y)
    return np.sum(y * x)


@at(VECTOR)
def out_as_a_value(x):
    y = x * 2
    z = np.sin(x, out=y)
    z *= x
    return np.sum(y * z)


@at(VECTOR)
def out_into_a_view(x):
    y = x * x
    np.exp(x[:2], out=y[2:])
    np.multiply(y[1:3], y[2:], out=y[:2])
    return np.sum(y * y)


@at(VECTOR)
def out_of_its_own_operand(x):
    y = x * x
    np.subtract(y[::-1], y, out=y)
    np.tanh(y, out=y)
    np.multiply(y, y, out=y)
    return np.sum(y * x)


@at((SQUARE, THREE))
def out_of_a_product(m, v):
    y = np.zeros(3)
    np.dot(m, v, out=y)
    z = np.empty((3, 3))
    np.matmul(m, m, out=z)
    return np.sum(y * y) + np.sum(z * m)


@at(SQUARE)
def out_of_a_reduction(m):
    y = np.zeros((2, 3))
    np.sum(m * m, axis=0, out=y[0])
    np.cumsum(m[1], out=y[1])
    return np.sum(y * y)


@at(VECTOR)
def out_of_clip(x):
    y = x * 2
    np.clip(y, -0.5, 0.6, out=y)
    y *= x
    return np.sum(y * y)


@at(VECTOR)
def out_with_where(x):
    y = x * x
    np.multiply(y, x[0], out=y, where=x > 0)
    return np.sum(y * y)


@at(VECTOR)
def add_at(x):
    y = np.zeros(3)
    np.add.at(y, [0, 0, 2, 1], x * x)
    return np.sum(y**3)


@at(VECTOR)
def subtract_and_multiply_at(x):
    y = x * x + 1
    np.subtract.at(y, [1, 1], x[:2])
    np.multiply.at(y, [0, 3, 0], x[1:])
    return np.sum(y * y)


@at(VECTOR)
def copyto(x):
    y = np.zeros(4)
    np.copyto(y, x * x)
    np.copyto(y[1:], x[:-1], where=x[1:] > 0)
    return np.sum(y * y)


@at(SQUARE)
def fill_diagonal(m):
    y = m * m
    np.fill_diagonal(y, m[0, 1])
    np.fill_diagonal(y[:2], m[2, 2] ** 2)
    return np.sum(y * y)


@at(VECTOR)
def put_and_place(x):
    y = x * x
    np.put(y, [0, 2], x[1:3])
    np.putmask(y, x > 0.3, x * 3)
    return np.sum(y * y)


@at(WIDE)
def put_along_axis(m):
    y = m * m
    k = np.argmax(m, axis=1)[:, None]
    np.put_along_axis(y, k, m[:, :1], axis=1)
    return np.sum(y * y)


@at(VECTOR)
def fill_method(x):
    y = x * x
    s = np.sum(y * y)
    y.fill(2.0)
    y[1:].fill(x[0])
    return s * np.sum(y * y)


@at(VECTOR)
def sort_method(x):
    y = x * 2
    y.sort()
    return np.sum(y * WEIGHTS * x)


@at(WIDE)
def sort_method_along_an_axis(m):
    y = m * m
    y.sort(axis=0)
    y[0].sort()
    return np.sum(y * y * m)


@at(SQUARE)
def flat_item(m):
    y = m * m
    y.flat[4] = m[0, 0]
    y.flat[::2] = m[1, 1]
    return np.sum(y * m)


@at(LONGER)
def shape_assigned(x):
    y = x * x
    y.shape = (2, 3)
    y[1] *= y[0]
    return np.sum(y[1] * y[1])


# ---- kinds of numbers -----------------------------------------------------------------------------------------------


@at(SINGLE)
def single_precision(x):
    y = x * x
    y[0] = x[1]
    y[1:] *= y[:-1]
    return np.sum(y * y)


@at(VECTOR)
def double_into_single(x):
    y = np.zeros(4, dtype=np.float32)
    y[:] = x * x
    y[0] *= x[1]
    return np.sum(y * y)


@at((SINGLE, VECTOR))
def single_added_to_double(x, v):
    y = v * v
    y += x
    y[1:] *= x[0]
    return np.sum(y * y)


@at(VECTOR)
def active_value_into_integers(x):
    k = np.zeros(4, dtype=int)
    k[:] = x * 10
    k[0] = x[1] * 10
    y = x * k
    y[0] += k[1]
    return np.sum(y * y)


@at(VECTOR)
def integers_counted_in_place(x):
    k = np.zeros(4, dtype=int)
    for i in range(4):
        k[i] = i
        k[i] += k[i - 1]
    y = x * x
    y[1:] *= k[1:]
    return np.sum(y * y * k)


@at(VECTOR)
def flags_written(x):
    seen = np.zeros(4, dtype=bool)
    y = x * x
    for i in range(4):
        if x[i] > 0:
            seen[i] = True
            y[i] *= 2
    y[seen] += x[0]
    return np.sum(y * y)


@at(VECTOR)
def zeros_like_an_argument(x):
    y = np.zeros_like(x)
    z = np.ones_like(y)
    y[1:] = x[1:] ** 2
    z[:-1] -= y[1:] * x[0]
    return np.sum(y * z)


@at((VECTOR, 0.4))
def full_of_a_number(x, a):
    y = np.full(4, a)
    y[1:] *= x[1:]
    z = np.full_like(x, a * a)
    z -= y
    return np.sum(z * z)


@at(VECTOR)
def integer_added_in_place(x):
    y = x * x
    y += 1
    y[0] = 2
    y[1] -= 3
    y *= 2
    return np.sum(y * y)


@at(VECTOR)
def list_into_a_slice(x):
    y = np.zeros(4)
    y[:2] = [x[0] * x[1], 2.0]
    y[2:] = (x[2], x[3] * x[0])
    return np.sum(y * y)


@at((0.3, 0.8))
def array_of_numbers_then_written(a, b):
    y = np.array([a, b, a * b])
    y[0] = y[1] * y[2]
    y[2] += a
    return np.sum(y * y)


@at((VECTOR, 2))
def arange_then_written(x, k):
    y = np.arange(4.0)
    y[k] = x[k]
    y *= x
    t = np.linspace(0.0, 1.0, 4).astype(np.float64)
    t[0] = y[1]
    return np.sum(y * t)


# ---- values kept for the reverse sweep, and cells put back ----------------------------------------------------------


@at(VECTOR)
def reads_between_writes(x):
    y = x.copy()
    a = np.sin(y[0] * y[1])
    y[0] = a * x[2]
    b = y[0] * y[1]
    y[1] = b * b
    c = y[0] * y[1] * y[2]
    y[:] = c
    return a * b * c + np.sum(y)


@at(VECTOR)
def product_read_before_and_after(x):
    y = x * x
    z = y * x
    y *= z
    z *= y
    y += z * z
    return np.sum(y * z)


@at(VECTOR)
def result_of_a_rule_overwritten(x):
    y = np.exp(x)
    z = np.tanh(y)
    y[0] = z[1]
    z *= y
    y[1:] = 0.0
    return np.sum(z * z) + np.sum(y)


@at(VECTOR)
def operand_overwritten_by_its_result(x):
    y = x.copy()
    y[:] = np.exp(y)
    y[:] = np.sqrt(y + 1)
    y[1] = np.sin(y[1])
    y[1] = y[1] * y[1] * y[0]
    return np.sum(y)


@at((SQUARE, THREE))
def matrix_overwritten_after_a_product(m, v):
    a = m * m
    y = a @ v
    a[0] = y
    z = a @ y
    a *= 2
    return np.sum(z * y) + np.sum(a * a)


@at((SQUARE, THREE))
def vector_overwritten_by_a_product(m, v):
    y = v.copy()
    y[:] = m @ y
    y[:] = m @ y / np.sum(y * y)
    return np.sum(y * v)


@at((VECTOR, 2))
def index_overwritten_in_a_loop(x, n):
    y = x.copy()
    k = 0
    for _ in range(n):
        y[k] = y[k] * y[k + 1]
        k = k + 1
        y[k] += x[k] * y[k - 1]
    k = 3
    return np.sum(y * y) * y[k]


@at(VECTOR)
def index_from_an_array_overwritten(x):
    k = np.array([3, 1, 0, 2])
    y = x * x
    for i in range(4):
        y[k[i]] *= y[k[i - 1]] + x[i]
        k[i] = 0
    return np.sum(y * y)


@at((VECTOR, 3))
def shape_only_is_read_after_writes(x, n):
    y = x * x
    z = y + 1
    y[:] = 0.0
    for i in range(n):
        z[i] = z[i] * z[i + 1]
        y[i] = z.shape[0]
    return np.sum(z) * len(y) + np.sum(y)


@at(VECTOR)
def dead_writes(x):
    y = x * x
    t = y * 3
    t[0] = y[1]
    t *= t
    y[2] = x[0] * y[3]
    return np.sum(y)


@at(VECTOR)
def constants_until_overwritten(x):
    y = np.ones(4)
    s = np.sum(y * x)
    y[:2] = x[2:]
    s += np.sum(y * x)
    y[:] = 5.0
    return s + np.sum(y * x * x)


@at((VECTOR, 2))
def saved_in_a_branch_of_a_loop(x, n):
    y = x.copy()
    s = 0.0
    for i in range(n):
        if y[i] < 0.5:
            s += y[i] * y[i + 1]
            y[i] = s
        y[i + 1] *= y[i]
    return s * np.sum(y)


@at(SQUARE)
def norm_then_scaled(m):
    y = m * 1.5
    y /= np.linalg.norm(y)
    y[0] /= np.linalg.norm(y[0])
    return np.sum(y * y * m)


@at(VECTOR)
def maximum_overwritten(x):
    y = x * 3
    for i in range(1, 4):
        y[i] = max(y[i - 1] * 0.9, y[i])
    y[0] = np.max(y)
    return np.sum(y * x)


# ---- results --------------------------------------------------------------------------------------------------------


@at(VECTOR)
def array_result(x):
    y = np.zeros(5)
    y[1:] = x * x
    y[0] = y[1] * y[2]
    return y


@at(VECTOR)
def view_result(x):
    y = x * x
    y[0] = x[1] * x[2]
    return y[:2]


@at(VECTOR)
def item_result(x):
    y = x * x
    y[1:] *= y[:-1]
    y[2] *= y[3]
    return y[2]


@at(VECTOR)
def two_results_one_memory(x):
    y = x * x
    y[0] *= x[1]
    return y, y[1:]


@at((VECTOR, OTHER))
def two_results_that_were_swapped(x, v):
    a, b = x * x, v * v
    a, b = b, a
    a[0] = b[1]
    return a, b * a


@at(VECTOR)
def result_computed_before_a_write(x):
    y = x * x
    s = np.sum(y * y)
    y[:] = 0.0
    return s


@at((VECTOR, 1.3))
def zero_gradient_by_overwriting(x, a):
    y = x * x
    y[:] = a
    return np.sum(y * y)


# ---- what may always be refused, and may never be wrong -------------------------------------------------------------

DOUBTFUL = {}


def doubtful(function):
    """Register a program of one vector of 4 that is right or refused, for good."""
    assert function.__name__ not in DOUBTFUL, function.__name__
    DOUBTFUL[function.__name__] = function
    return function


@doubtful
def real_part_written(x):
    y = x * x
    y.real[1:] *= x[0]
    return np.sum(y * y)


@doubtful
def view_of_another_dtype(x):
    y = x * x
    y.view(np.int64)[0] = 0
    return np.sum(y * x)


@doubtful
def windows_see_a_write(x):
    y = x * x
    w = np.lib.stride_tricks.sliding_window_view(y, 2)
    y[1] = x[0]
    return np.sum(w[:, 0] * w[:, 1])


@doubtful
def strided_view_written(x):
    y = x * x
    np.lib.stride_tricks.as_strided(y, (2,), (16,))[:] = x[:2]
    return np.sum(y * y)


@doubtful
def written_by_an_iterator(x):
    y = x * x
    for v in np.nditer(y, op_flags=["readwrite"]):
        v[...] = 2 * v
    return np.sum(y * y)


@doubtful
def written_by_a_memoryview(x):
    y = x * x
    memoryview(y)[0] = 2.0
    return np.sum(y * y)


@doubtful
def written_by_a_dunder(x):
    y = x * x
    y.__setitem__(0, x[1])
    y.__imul__(2.0)
    return np.sum(y * y)


@doubtful
def written_by_the_operator_module(x):
    y = x * x
    operator.setitem(y, 0, x[1])
    operator.iadd(y, x)
    return np.sum(y * y)


@doubtful
def written_by_a_method_of_the_class(x):
    y = x * x
    np.ndarray.fill(y, x[0])
    return np.sum(y * x)


@doubtful
def written_by_a_bound_method(x):
    y = x * x
    fill = y.fill
    fill(x[0])
    return np.sum(y * x)


@doubtful
def written_by_a_function_under_another_name(x):
    y = x * x
    copy = np.copyto
    copy(y, x)
    return np.sum(y * y)


@doubtful
def written_by_map(x):
    y = x * x

    def bump(k):
        y[k] = x[k]
        return k

    list(map(bump, range(2)))
    return np.sum(y * y)


@doubtful
def written_through_a_list(x):
    y = x * x
    rows = [y[:2], y[2:]]
    rows[0] *= x[3]
    rows[1][0] = x[0]
    return np.sum(y * y)


@doubtful
def written_through_a_tuple(x):
    y = x * x
    z = x * 3
    pair = (y, z)
    pair[0][1] = x[0]
    pair[1][:] += pair[0]
    return np.sum(y * z)


@doubtful
def written_through_a_dict(x):
    y = x * x
    fields = {"y": y}
    fields["y"][0] = x[1]
    fields["y"] *= 2
    return np.sum(y * y)


@doubtful
def written_through_an_attribute(x):
    holder = Holder()
    holder.y = x * x
    y = holder.y
    holder.y[0] = x[1]
    holder.y += x
    return np.sum(y * y)


@doubtful
def written_in_a_loop_over_a_tuple(x):
    y = x * x
    z = x * 3
    for a in (y, z):
        a *= x
        a[0] = x[1]
    return np.sum(y * z)


@doubtful
def diagonal_sees_a_write(x):
    m = np.outer(x, x)
    d = np.diagonal(m)
    m[1, 1] = x[0]
    return np.sum(d * d)


@doubtful
def einsum_view_written(x):
    m = np.outer(x, x)
    np.einsum("ii->i", m)[:] = x
    return np.sum(m * m)


@doubtful
def diag_of_a_matrix_sees_a_write(x):
    m = np.outer(x, x)
    d = np.diag(m)
    m[0] = x * 3
    return np.sum(d * x)


@doubtful
def split_views_written(x):
    y = x * x
    a, b = np.split(y, 2)
    a *= x[3]
    b[0] = a[1]
    return np.sum(y * y)


@doubtful
def atleast_2d_view_written(x):
    y = x * x
    np.atleast_2d(y)[0, 1] = x[0]
    np.atleast_1d(y)[2:] *= 2
    return np.sum(y * y)


@doubtful
def contiguous_alias_written(x):
    y = x * x
    z = np.ascontiguousarray(y)
    z *= x
    return np.sum(y * y)


@doubtful
def asarray_with_a_dtype_is_an_alias(x):
    y = x * x
    z = np.asarray(y, dtype=float)
    z[1:] = x[0]
    return np.sum(y * y)


@doubtful
def astype_without_a_copy_is_an_alias(x):
    y = x * x
    z = y.astype(float, copy=False)
    z *= x
    return np.sum(y * y)


@doubtful
def array_without_a_copy_is_an_alias(x):
    y = x * x
    z = np.array(y, copy=None)
    z *= x
    return np.sum(y * y)


@doubtful
def ravel_in_another_order(x):
    m = np.outer(x, x)
    f = m.ravel(order="F")
    f[1] = 9.0
    g = m.T.ravel(order="F")
    g[2] = x[0]
    return np.sum(m * m)


@doubtful
def reshape_in_another_order(x):
    m = x.copy().reshape((2, 2), order="F")
    m[0] *= m[1]
    f = m.reshape(4, order="A")
    f[1] = x[0]
    return np.sum(m * m)


@doubtful
def broadcast_arrays_see_a_write(x):
    y = x * x
    a, b = np.broadcast_arrays(y, np.zeros((2, 4)))
    y[0] = x[1]
    return np.sum(a * a)


@doubtful
def rot90_and_flips_are_views(x):
    m = np.outer(x, x)
    np.flipud(m)[0] = x
    np.fliplr(m)[:, 1] *= 2
    np.rot90(m, 2)[1, 1] = x[3]
    return np.sum(m * m)


@doubtful
def roll_and_repeat_are_copies(x):
    y = x * x
    r = np.roll(y, 0)
    r *= 2
    t = np.tile(y, 1)
    t[0] = x[1]
    s = np.sort(y)
    s += 1
    return np.sum(y * r * t) + np.sum(s * x)


@doubtful
def take_and_compress_are_copies(x):
    y = x * x
    t = np.take(y, [0, 1, 2, 3])
    t *= x
    w = np.where(x < 9.0, y, x)
    w += x
    c = np.concatenate([y])
    c[0] = x[3]
    return np.sum(y * t * w * c)


@doubtful
def triangles_and_clips_are_copies(x):
    m = np.outer(x, x)
    t = np.triu(m, -9)
    t *= 2
    c = np.clip(m, -9.0, 9.0)
    c[0] = x
    return np.sum(m * t * c)


@doubtful
def nan_to_num_in_place(x):
    y = x * x
    np.nan_to_num(y, copy=False)
    z = np.nan_to_num(y)
    z *= 3
    return np.sum(y * z)


@doubtful
def partition_in_place(x):
    y = x * 2
    y.partition(1)
    return y[1] * x[0]


@doubtful
def resized_in_place(x):
    y = x * x
    y.resize((2, 2), refcheck=False)
    y[0] *= y[1]
    return np.sum(y * y)


@doubtful
def reduce_with_out(x):
    y = np.zeros(())
    np.add.reduce(x * x, out=y)
    return y * x[0]


@doubtful
def outer_with_out(x):
    m = np.zeros((4, 4))
    np.multiply.outer(x, x, out=m)
    np.outer(x, x * x, out=m)
    return np.sum(m * m)


@doubtful
def positional_out(x):
    y = np.zeros(2)
    np.max(x.reshape(2, 2), 0, y)
    np.clip(y, -9.0, 0.5, y)
    return np.sum(y * y)


@doubtful
def out_in_a_tuple(x):
    y = np.zeros(4)
    np.multiply(x, x, out=(y,))
    return np.sum(y * y)


@doubtful
def out_by_star_arguments(x):
    y = np.zeros(4)
    options = {"out": y}
    np.multiply(x, x, **options)
    return np.sum(y * y)


@doubtful
def result_of_two_kinds(x):
    whole, fraction = np.zeros(4), np.zeros(4)
    np.modf(x * 3, out=(fraction, whole))
    return np.sum(fraction * x)


@doubtful
def conditional_target(x):
    y = x * x
    z = x * 3
    (y if x[0] > 0 else z)[1] = x[2]
    return np.sum(y * z)


@doubtful
def target_of_a_call(x):
    y = x * x
    helper_first_part(y)[1] = x[3]
    return np.sum(y * y)


@doubtful
def walrus_target(x):
    (y := x * x)[0] = x[1]
    return np.sum(y * y)


@doubtful
def starred_targets(x):
    y = np.zeros(4)
    y[0], *rest = x * x
    y[1], (y[2], y[3]) = rest[0], (rest[1], rest[2])
    return np.sum(y * y)


@doubtful
def loop_target_is_an_item(x):
    y = x * x
    for y[0] in (x[1], x[2]):
        y[1] += y[0] * y[0]
    return np.sum(y * y)


@doubtful
def deleted_name(x):
    y = x * x
    z = y
    del y
    z[0] = x[1]
    y = z
    y *= 2
    return np.sum(z * z)


@doubtful
def lambda_sees_a_write(x):
    y = x * x
    total = lambda: np.sum(y * y)
    before = total()
    y[0] = x[1]
    return before * total()


@doubtful
def default_argument_is_one_array(x):
    y = helper_with_a_default_array(x)
    return np.sum(y * y)


@doubtful
def global_array_written(x):
    WORK[:] = x * x
    return np.sum(WORK * WORK)


@doubtful
def written_by_a_callee_through_a_global(x):
    helper_writes_a_global(x)
    return np.sum(WORK * x)


@doubtful
def view_of_an_argument_by_a_callee(x):
    v = helper_first_part(x)
    v *= 2
    return np.sum(x * x)


@doubtful
def nonlocal_array_rebound(x):
    y = x * x

    def scale():
        nonlocal y
        y *= 2
        y = y * x

    scale()
    return np.sum(y * y)


class Holder:
    """An object with attributes."""


WORK = np.zeros(4)


def helper_writes_a_global(x):
    WORK[1:] = x[:-1]


def helper_with_a_default_array(x, work=np.zeros(4)):
    work += x * x
    return work


# ---- several buffers, several ways out -------------------------------------------------------------------------------


@at((VECTOR, 3))
def buffers_in_a_list(x, n):
    bufs = [x.copy(), np.zeros_like(x)]
    for k in range(n):
        a = bufs[k % 2]
        b = bufs[(k + 1) % 2]
        b[1:] = a[:-1] * a[1:]
        b[0] = a[0]
    return np.sum(bufs[n % 2])


@at((VECTOR, 1), (VECTOR, 0))
def array_chosen_by_a_flag(x, c):
    y = x * 2
    z = x * 3
    w = y if c else z
    w[1] = x[0] * x[1]
    w *= x
    return np.sum(y * z)


@at((VECTOR, 4))
def three_buffers_in_turn(x, n):
    a = x.copy()
    b = x * 2
    c = x * 3
    for i in range(n):
        c[:] = a * b
        a, b, c = b, c, a
    return np.sum(a + 2 * b - c)


@at(VECTOR)
def while_else_with_writes(x):
    y = x * x
    s = 0.0
    while s < 3.0:
        s = s + np.sum(np.abs(y)) + 0.1
        y[0] *= 1.5
        if s > 2.0:
            y[1] = y[0]
            break
        y[2] = s
    else:
        y[:] = 1.0
    return np.sum(y * x) * s


@at(VECTOR)
def nested_function_writes_and_reads(x):
    y = np.zeros(3)

    def put(i, v):
        y[i] = v
        return y[i - 1]

    t = put(1, x[0] * x[1])
    u = put(2, x[2] + t)
    return np.sum(y * y) + u * t


@at(SQUARE)
def running_sum_rebound(A):
    out = np.empty(A.shape)
    acc = np.zeros(A.shape[1])
    for i in range(A.shape[0]):
        acc += A[i] ** 2
        out[i] = acc
        acc = acc * 0.5
    return np.sum(out * A)


@at(VECTOR)
def view_kept_of_what_is_rebound(x):
    y = x * 1.0
    v = y[:2]
    y = y * 2
    v += x[1:3]
    y[:2] += v
    return np.sum(y * y) + np.sum(v * v)


@at((VECTOR, 0.5), (VECTOR, 0.01))
def sweeps_until_small(x, tol):
    y = x.copy()
    for i in range(10):
        y[1:-1] = 0.5 * (y[:-2] + y[2:])
        if np.max(np.abs(y)) < tol:
            return np.sum(y) * i
        y[0] = y[0] * 0.9
    return np.sum(y * y)


@at(VECTOR)
def indices_made_in_a_loop(x):
    idx = np.zeros(4, int)
    for i in range(4):
        idx[i] = (i * 2) % 4
    y = x * x
    y[idx] = y[::-1] * x[0]
    return np.sum(y)


@at(SQUARE)
def part_of_what_is_copied_in_some_trips(m):
    for i in range(3):
        v = m.ravel()[1:7:2]
        m = m.T.reshape(3, 3)
    v[1] -= np.sum(m[1] ** 2)
    return np.sum(v) + np.mean(m)


# ---- the tests ------------------------------------------------------------------------------------------------------

#: What is refused still: a program's name, or its name and "/2" where only second derivatives are refused. A program
#: that works fails its test until it is taken out; a wrong value fails, whether listed or not.
KNOWN = frozenset(
    """
    broadcast_view_read recursion_writes_its_argument shape_assigned slice_object/2 zero_dimensional_array
    """.split()
)

#: What is wrong still, for it is not refused: a call of what writes is taken for one without effect.
WRONG: frozenset[str] = frozenset()


def verify(name, known, **orders):
    """Check a program at all of its points: right, or refused with a place if it is known to be."""
    function, points = PROGRAMS[name]
    for args in points:
        try:
            check(function, *args, **orders)
        except Unsuitable as error:
            pytest.fail(f"the oracles disagree: {error}")
        except s2sad.S2sadError as error:
            assert error.place is not None, f"{error.code} without a place"
            assert error.help, f"{error.code} without help"
            if not known:
                raise
            return
    assert not known, f"{name} works: take it out of KNOWN"


@pytest.mark.parametrize("name", PROGRAMS)
def test_oracles_agree(name):
    function, points = PROGRAMS[name]
    for args in points:
        oracles_agree(function, *args)


def named(names, suffix=""):
    """Parameters for tests of programs, those with a wrong derivative marked."""
    wrong = pytest.mark.xfail(reason="wrong, and not refused", strict=True)
    return [pytest.param(name, marks=[wrong] if name + suffix in WRONG else []) for name in names]


@pytest.mark.parametrize("name", named(PROGRAMS))
def test_program(name):
    verify(name, name in KNOWN, second=False)


@pytest.mark.parametrize("name", named([n for n in PROGRAMS if n not in KNOWN | WRONG], "/2"))
def test_second_derivatives(name):
    verify(name, f"{name}/2" in KNOWN, first=False)


def test_what_is_known_exists():
    assert {entry.partition("/")[0] for entry in KNOWN | WRONG} <= set(PROGRAMS) | set(DOUBTFUL)
    assert len(PROGRAMS) >= 240


@pytest.mark.parametrize("name", named(DOUBTFUL))
@pytest.mark.parametrize("transform", [s2sad.value_and_grad, s2sad.jvp], ids=["value_and_grad", "jvp"])
def test_right_or_refused(name, transform):
    function = DOUBTFUL[name]
    x = VECTOR.copy()
    direction = random_like(np.random.default_rng(1), x)
    WORK[:] = 0.0
    value = function(x.copy())
    WORK[:] = 0.0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", s2sad.S2sadWarning)
            if transform is s2sad.jvp:
                got, slope = transform(function)(x, direction)
            else:
                got, gradient = transform(function)(x)
                slope = gradient @ direction
    except s2sad.S2sadError as error:
        assert error.place is not None and error.help
        return
    assert same_bits(x, VECTOR)
    assert got == value
    WORK[:] = 0.0
    assert slope == pytest.approx(differences(lambda x: function(x), (x,), (direction,))[0], rel=1e-6)


def writes_and_prints(x):
    y = x * x
    for i in range(2):
        y[i] = y[i + 1] * x[0]
        print(f"{i}: {y[i]:.3f}")
    return np.sum(y * y)


@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.value_and_grad])
def test_output_appears_once(transform, capsys):
    writes_and_prints(VECTOR.copy())
    printed = capsys.readouterr().out
    try:
        transform(writes_and_prints)(VECTOR)
    except s2sad.S2sadError:
        assert "item_of_zeros" in KNOWN
        return
    assert capsys.readouterr().out == printed


def reads_both(x, y):
    z = x * y
    z[0] = x[1]
    return np.sum(z * z)


@pytest.mark.parametrize("first", [lambda a: a, lambda a: a[::-1]], ids=["same", "reversed"])
def test_arguments_that_are_read_may_share_memory(first):
    try:
        x = VECTOR.copy()
        gradients = s2sad.grad(reads_both, wrt=(0, 1))(first(x), x)
    except s2sad.S2sadError:
        assert "item_of_zeros" in KNOWN
        return
    apart = s2sad.grad(reads_both, wrt=(0, 1))(*copied((first(x), x)))
    assert all(map(same_bits, gradients, apart))


@pytest.mark.parametrize(
    ("function", "shared"),
    [
        (one_argument_into_another, lambda a: (a, a)),
        (one_argument_into_another, lambda a: (a, a[::-1])),
        (work_array_as_an_argument, lambda a: (a, a)),
        (argument_that_is_not_differentiated, lambda a: (a, a)),
    ],
)
@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.value_and_grad], ids=["grad", "value_and_grad"])
def test_a_written_argument_that_shares_memory_is_refused(function, shared, transform):
    x = VECTOR.copy()
    with pytest.raises(s2sad.S2sadError):
        transform(function)(*shared(x))
    assert same_bits(x, VECTOR)


class Recorder:
    def __init__(self):
        self.last = np.zeros(4)

    def keeps(self, x):
        self.last[0] = 1.0
        return np.sum(self.last * x)


def writes_a_global_by_another_name(x):
    y = OTHER
    t = y * x
    y[0] = 5.0
    return np.sum(t)


def writes_an_item_of_a_list(xs):
    xs[0][1] = 2.0
    return np.sum(xs[0] * xs[1])


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (writes_a_global_by_another_name, (VECTOR,)),
        (writes_an_item_of_a_list, ([VECTOR, VECTOR],)),
    ],
)
def test_writes_that_others_would_see_are_refused(function, args):
    kept = OTHER.copy(), VECTOR.copy()
    with pytest.raises(s2sad.S2sadError) as caught:
        s2sad.grad(function)(*args)
    assert caught.value.place is not None and caught.value.help
    assert same_bits(OTHER, kept[0]) and same_bits(VECTOR, kept[1])


def test_an_array_of_the_object_is_written_in_a_copy():
    recorder = Recorder()
    assert np.array_equal(s2sad.grad(recorder.keeps)(VECTOR), [1.0, 0.0, 0.0, 0.0])
    assert np.array_equal(recorder.last, np.zeros(4))


def writes_what_a_global_holds(x):
    x[0] = 2.0
    return np.sum(x * OTHER)


def test_a_written_argument_that_a_global_shares_is_refused():
    kept = OTHER.copy()
    with pytest.raises(s2sad.S2sadError):
        s2sad.grad(writes_what_a_global_holds)(OTHER)
    assert same_bits(OTHER, kept)
