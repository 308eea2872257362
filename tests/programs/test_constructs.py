"""Small programs, theme by theme, that make a careless reverse mode give a wrong gradient.

Each is checked by `oracle.check`.
"""

import math
from math import cos, exp, sin

import numpy as np
import pytest
from programs.oracle import Unsuitable, check, refusal

import s2sad

rng = np.random.default_rng(20)
A = np.array
SCALE = 1.7
WEIGHTS = A([0.3, -0.4, 0.9])
VECTOR = rng.normal(size=4)
LONGER = rng.normal(size=6)
SQUARE = rng.normal(size=(3, 3))
WIDE = rng.normal(size=(2, 3))
SINGLE = rng.normal(size=3).astype(np.float32)

PROGRAMS = {}


def at(*points):
    """Register a program with the argument tuples that it is checked at; one argument may stand alone."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, [p if isinstance(p, tuple) else (p,) for p in points])
        return function

    return register


# ---- aliases by assignment, renaming, webs --------------------------------------------------------------------------


@at(VECTOR)
def alias_chain(x):
    y = x
    z = y
    x = x * 2
    y = y * z
    return np.sum(y * x * z)


@at(0.7)
def alias_kept_after_redefinition(x):
    old = x
    x = math.sin(x)
    older = old
    old = x * old
    x = old * older
    return x + old * older


@at((1.3, 0.4))
def swap_twice(x, y):
    x, y = y, x * y
    x, y = y, x
    return x * x + y


@at((1.3, 0.4, 0.6))
def rotate_three(x, y, z):
    x, y, z = y, z, x * y
    z, x, y = x, y * z, z
    return x * y + math.sin(z) * x


@at((1.3, 0.4))
def swap_in_loop(x, y):
    for _ in range(5):
        x, y = math.sin(y), x * y
    return x - y


@at((1.1, 0.5))
def swap_through_temporary(x, y):
    t = x
    x = y
    y = t
    t = x * y
    x = t * y
    return x * y * t


@at(0.6)
def redefinition_ladder(x):
    x = math.sin(x)
    x = x * x
    y = x
    x = math.exp(x)
    x = x * y
    y = y * x
    return x + y


@at(0.6)
def self_alias(x):
    x = x
    y = x
    y = y
    x = y * y
    x = x * y
    return x


@at((0.6, 0.8))
def names_used_twice(x, y):
    t = x * y
    a = t + x
    t = a * y
    b = t * a
    t = b - x
    return t * a * b


@at(VECTOR)
def returns_an_alias_of_an_argument(x):
    y = x
    return y


@at(VECTOR)
def returns_a_view_of_an_argument(x):
    return x[1:3]


@at((VECTOR, VECTOR + 0.3))
def same_adjoint_for_two(x, y):
    z = x + y
    return np.sum(z * z)


@at((VECTOR, VECTOR + 0.3))
def adjoint_shared_then_added_to(x, y):
    z = x + y
    w = z + x
    return np.sum(w * z) + np.sum(x)


@at((VECTOR, VECTOR * 0.4))
def sum_shared_in_loop(x, y):
    s = x + y
    for _ in range(3):
        x = s + x
        s = s + y
    return np.sum(np.sin(s) * x)


@at(0.4)
def dead_stores(x):
    y = x * 100
    y = math.cos(x)
    z = y * x
    z = y
    return z * x


@at((0.4, 2.0))
def parameter_rebound_to_other(x, y):
    x = y
    y = x * x
    return y * x


@at((0.4, 2.0))
def parameter_rebound_to_constant(x, y):
    z = x * y
    x = 3.0
    return z * x + x * y


@at(0.9)
def multiple_targets(x):
    a = b = x * x
    a = a * b
    b = b + a
    return a * b


@at((0.9, 0.3))
def nested_tuple_targets(x, y):
    (a, b), c = (x * y, y), x + y
    [d, e] = [a * c, b]
    return d * e + c


# ---- results that their own rule reads ------------------------------------------------------------------------------


@at(0.6)
def tanh_of_itself(x):
    for i in range(4):
        x = math.tanh(x) * (i + 1)
        x = x * x
    return x


@at(VECTOR)
def tanh_arrays_of_itself(x):
    for _ in range(3):
        x = np.tanh(x)
        x = np.exp(x)
    return np.sum(x)


@at(1.2)
def exp_and_sqrt_of_itself(x):
    for _ in range(3):
        x = math.exp(x)
        x = math.sqrt(x)
        x = x / 2
    return x


@at((1.2, 0.7))
def augmented_on_numbers(x, y):
    s = x
    s *= y
    s += s * x
    s **= 2
    s -= x
    s /= y
    return s


@at((1.2, 0.7))
def augmented_with_itself(x, y):
    s = x * y
    s += s
    s *= s
    s -= s * s
    return s / (1 + s * s)


@at((1.2, 4))
def augmented_in_loop(x, n):
    s = 1.0
    for i in range(n):
        s *= x
        s += math.sin(s) * i
        s -= x / s
    return s


@at(0.8)
def power_of_itself(x):
    x = x**x
    x = x**2
    return 2.0**x


@at((0.8, 1.7))
def powers(x, p):
    y = x**p
    return y**p + p**y + x**3 + x**-1 + x**0.5


# ---- loops: overwritten values, carried values, zero trips ----------------------------------------------------------


@at((0.7, 5), (0.7, 1), (0.7, 0))
def nested_with_conditionals(x, n):
    s = 0.0
    for i in range(n):
        t = x
        for j in range(i):
            if j % 2 == 0:
                t = t * x
            else:
                t = math.sin(t) + s
        s = s + t
    return s


@at((0.8, 4), (0.8, 1))
def loop_variable_after_loop(x, n):
    for i in range(n):
        x = x * math.cos(x)
    return x * i


@at((0.8, 4), (0.8, 0))
def loop_variable_bound_before(x, n):
    i = 5
    for i in range(n):
        x = x * math.cos(x) + i
    return x * i


@at((0.8, 4))
def loop_variable_overwritten(x, n):
    for i in range(n):
        x = math.sin(x) * (i + 1)
        i = i * 2.5
        x = x + i * x
    return x


@at((0.8, 4))
def loop_variable_becomes_active(x, n):
    s = x
    for i in range(n):
        i = i * s
        s = math.sin(i + s)
    return s


@at((0.8, 3))
def loop_variable_shared_by_loops(x, n):
    for i in range(n):
        x = x * math.sin(x + i)
    for i in range(n, 0, -1):
        x = x + math.cos(x * i)
    return x * (i + 1)


@at((0.8, 6), (0.8, 0))
def steps_and_negative_steps(x, n):
    a, b = x, 1.0
    for i in range(1, n, 2):
        a, b = b * x + i, a + math.sin(b)
    for j in range(n - 1, -1, -2):
        a = a * b
        b = b + j * a * 0.01
    return a + b


@at((0.8, 4))
def bounds_that_the_body_changes(x, n):
    m = n
    for i in range(m):
        x = x * math.sin(x) + m
        m = m - 1
    return x * m


@at((0.8, 2))
def bounds_change_between_loops(x, n):
    s = x
    for i in range(n):
        s = s * x
    n = n + 2
    for i in range(n):
        s = math.sin(s) + x
    n = 1
    for i in range(n):
        s = s * s
    return s


@at((0.8, 4))
def triangular_nest(x, n):
    s = x
    for i in range(n):
        for j in range(i, n):
            for k in range(j, i, -1):
                s = math.sin(s * x) + 0.1 * k
            s = s * x
    return s


@at((0.9, 3))
def inner_trips_from_outer_state(x, n):
    m = 1
    s = x
    for i in range(n):
        for j in range(m):
            s = math.sin(s) * (1 + x)
        m = m * 2
    return s


@at((0.5, 4))
def saved_in_branches(x, n):
    s = x
    for i in range(n):
        if s > 1:
            t = s * s
            s = math.log(t) * x
        else:
            t = math.exp(s)
            s = t * s + t
        s = s * t
    return s


@at((0.5, 6))
def alternating_definitions(x, n):
    a = x
    b = x * x
    for i in range(n):
        if i % 3 == 0:
            a = a * b
        elif i % 3 == 1:
            b = math.sin(a) + b
        else:
            a, b = b, a
    return a * b


@at((0.5, 5))
def value_from_previous_trip(x, n):
    previous = x
    s = x
    for i in range(n):
        now = math.sin(s) * previous
        s = s + now * previous
        previous = now
    return s * previous


@at((0.5, 6))
def fibonacci_loop(x, n):
    a, b = x, 1.0
    for i in range(n):
        a, b = b, a * b + x
    return a


@at((0.9, 3))
def loop_invariant_products(x, n):
    k = x * x
    s = 1.0
    for i in range(n):
        t = k * x
        s = s * t
    return s * k


@at((0.9, 4))
def conditional_update_only_sometimes(x, n):
    best = x
    s = x
    for i in range(n):
        s = math.cos(s) * 1.5
        if s > 1.0:
            best = best * s
    return best


@at((0.9, 3))
def defined_in_loop_used_after(x, n):
    for i in range(n):
        t = x * (i + 1)
        x = math.sin(t)
    return t * x


@at((0.9, 3))
def overwritten_by_constant_in_loop(x, n):
    s = 0.0
    for i in range(n):
        t = x * i
        s = s + t * t
        t = 0.0
        s = s + t
    return s


@at((0.9, 4))
def reset_in_loop(x, n):
    total = 0.0
    for i in range(n):
        p = 1.0
        for j in range(i):
            p = p * x
        total = total + p * p
    return total


@at((0.9, 4))
def reversed_range(x, n):
    s = x
    for i in reversed(range(n)):
        s = s * x + math.sin(s * i)
    for i in reversed(range(1, n, 2)):
        s = s + i * x * s
    return s


@at((VECTOR, 0.3))
def horner(c, x):
    s = 0.0
    for i in range(len(c) - 1, -1, -1):
        s = s * x + c[i]
    return s


@at(VECTOR)
def neighbours(x):
    s = 0.0
    for i in range(1, len(x)):
        s = s + x[i] * x[i - 1] * x[-i]
    return s


@at(VECTOR)
def loop_over_array(xs):
    s = 0.0
    for i, v in enumerate(xs):
        s = s * v + v * i
    return s


@at(VECTOR)
def enumerate_from_two(xs):
    s = 1.0
    for i, v in enumerate(xs, 2):
        s = s * math.sin(v) + v**i
    return s


@at((VECTOR, LONGER))
def zip_of_unequal_lengths(xs, ys):
    s = 1.0
    for a, b in zip(xs, ys):
        s = s * a + b * b
    return s


@at((VECTOR, LONGER))
def enumerate_zip(xs, ys):
    s = 1.0
    for i, (a, b) in enumerate(zip(xs, ys)):
        s = s * a + b * i
    return s


@at(SQUARE)
def loop_over_rows(m):
    s = np.zeros(m.shape[1])
    for row in m:
        s = np.sin(s * row) + row
    return np.sum(s * m[-1])


@at(SQUARE)
def loop_over_transposed_rows(m):
    s = 0.0
    for row in m.T:
        s = s * row[0] + np.dot(row, row)
    return s


@at(VECTOR)
def iterable_rebound_in_loop(xs):
    s = 0.0
    for v in xs:
        xs = xs * 0.5
        s = s + v * np.sum(xs)
    return s


@at((0.3, SQUARE))
def elements_by_nested_loops(x, m):
    s = x
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if i != j:
                s = math.sin(s) * m[i, j] + m[j][i]
    return s


@at((SQUARE, A([0.1, 0.7, -0.4]), 3), (SQUARE, A([0.1, 0.7, -0.4]), 0))
def power_iteration(m, x, n):
    y = x
    for i in range(n):
        y = m @ y
        y = y / np.sqrt(np.sum(y * y))
    return np.dot(y, m @ y)


@at((A([0.2, 0.5, 0.9]), 3))
def normalised_in_loop(x, n):
    y = x
    for i in range(n):
        y = y / np.sum(y * y)
    return np.dot(y, x)


@at((A([0.2, 0.5, 0.9]), 2))
def broadcast_sum_in_loop(x, n):
    y = x
    for i in range(n):
        y = y + np.sum(y * y)
    return np.dot(y, x)


# ---- while ----------------------------------------------------------------------------------------------------------


@at(1.2, 20.0)
def grows_until(x):
    k = 0
    while x < 10.0:
        x = x * 1.5 + math.sin(x)
        k = k + 1
    return x * (k + 0.5)


@at((1.2, 3), (1.2, 0))
def counts_down(x, n):
    y = x
    while n > 0:
        z = y * x
        y = math.sin(z) * y
        n = n - 1
    return y


@at((3.0, 0.4))
def while_with_conditional(x, y):
    while x > 0.5 and y < 5.0:
        if x > 1:
            x = x * 0.7
            y = y + x * y
        else:
            x = x * y * 0.3
    return x * y


@at((2.0, 3))
def while_inside_for(x, n):
    s = x
    for i in range(n):
        t = s
        while t > 1:
            t = t * 0.6 * math.cos(x / 9)
        s = s + t * x
    return s


@at(7.0)
def newton_square_root(a):
    x = a
    steps = 0
    while steps < 6:
        x = 0.5 * (x + a / x)
        steps += 1
    return x


@at((0.7, 2.5))
def while_test_on_active_only(x, limit):
    s = 1.0
    while s * x < limit:
        s = s + x
    return s * s


# ---- branches -------------------------------------------------------------------------------------------------------


@at(4.0, 2.0, -3.0, 0.5)
def early_returns(x):
    if x > 1:
        if x > 3:
            return x**2
        x = x * x
    elif x < -1:
        return -x
    y = x * 2
    return y * x


@at((0.8, True), (0.8, False))
def defined_in_one_branch(x, c):
    if c:
        k = x * 3
        x = x * k
    s = math.sin(x)
    if c:
        s = s * k
    return s


@at((0.8, 1), (0.8, 2), (0.8, 3), (0.8, 4))
def branch_ladder(x, mode):
    if mode == 1:
        y = math.sin(x)
    elif mode == 2:
        y = x
        x = x * x
    elif mode == 3:
        return x
    else:
        y = 3.0
    return x * y


@at((1.5, 0.3), (0.3, 1.5), (-0.3, -0.2))
def conditional_expressions(x, y):
    z = x if x > y else y * y
    w = (x * z if z > 1 else z) + (y if y < 0 else x)
    return z * w


@at((0.3, 0.6))
def changed_test_in_branch(x, y):
    if x < y:
        x = x * y
        y = x - 1
    if x < y:
        return x
    if not x < y:
        x = x * 3
    return x * y


@at((1.5, 0.3), (-1.5, 0.3), (0.5, -2.0))
def boolean_operators(x, y):
    if (x > 0 and y > 0) or x < -1:
        x = x * y
    if not (x > 1 or y > 1):
        y = math.sin(y) * x
    return x * y


@at(0.5, 1.5, 2.5)
def chained_comparison(x):
    if 0 < x < 1:
        return x * x
    if 1 <= x < 2 <= 3:
        x = x * 3
    return math.sin(x)


@at((0.5, 1.5), (-0.5, 1.5))
def short_circuit_values(x, y):
    z = x > 0 and y > 1
    if z:
        return x * y
    return x - y * y


@at((0.8, 5))
def nested_branches_in_loop(x, n):
    s = x
    c = 0
    for i in range(n):
        if s > 0.5:
            if i % 2:
                s = s * s
                c = c + 1
            else:
                t = math.sin(s)
                s = t * x
        elif c > 1:
            s = s + x
        else:
            s = s + 0.5
    return s * (c + 1)


@at((0.8, 4))
def branch_on_saved_flag(x, n):
    flag = True
    s = x
    for i in range(n):
        if flag:
            s = s * x
        else:
            s = math.sin(s)
        flag = not flag
    return s


@at(0.7, 1.7)
def both_branches_swap(x):
    a, b = x, x * x
    if x > 1:
        a, b = b, a
    else:
        b, a = a * b, b
    return a - b * b


@at(0.7, 2.7)
def return_from_depth(x):
    if x > 1:
        y = x * x
        if x > 2:
            if y > 7:
                z = y * x
                return z * y
            y = y + 1
        return y
    return math.sin(x)


@at((VECTOR, 2), (VECTOR, 0))
def index_by_branch(x, k):
    if k:
        y = x[k]
        x = x[1:]
    else:
        y = x[-1]
    return y * np.sum(x * x)


# ---- types that carry no derivative ---------------------------------------------------------------------------------


@at((1.2, True), (2.2, True), (2.2, False))
def inactive_locals(x, mode):
    name = "abc" if mode else None
    flag = x > 2
    n = len("abcd")
    if name is None:
        return x
    if flag and n == 4:
        return x**n
    return x * x


@at((1.2, "double"), (1.2, "half"))
def text_selects(x, kind):
    factor = 2.0 if kind == "double" else 0.5
    return math.sin(factor * x)


@at((1.2, None), (1.2, 3.0))
def none_default(x, y):
    if y is None:
        y = x
    return x * y


@at(2.3)
def truncation_and_rounding(x):
    k = int(x)
    n = math.floor(x * 2)
    return x * k + n * x**2 + x % 1.0


@at((2.3, 3))
def number_becomes_active(x, n):
    s = 0
    for i in range(n):
        s = s + x * i
    return s * s


@at((2.3, 3))
def starts_as_none(x, n):
    last = None
    for i in range(n):
        if last is not None:
            x = x * last
        last = math.sin(x)
    return x


@at(VECTOR)
def asserts_and_text(x):
    assert x.ndim == 1, f"{x.shape}"
    n = x.shape[0]
    label = f"{n} values"
    total = np.sum(x * x) / len(label)
    return total * n


@at(0.8)
def local_imports(x):
    import math as m
    from math import tanh

    return m.sin(x) * tanh(x)


@at(0.8)
def names_from_math(x):
    """A docstring."""
    return sin(x) * cos(x) + exp(x)


# ---- unconnected, constant ------------------------------------------------------------------------------------------


@at(1.0, VECTOR)
def constant_returned(x):
    return 3.0


@at((1.0, 2.0), (VECTOR, 2.0))
def unconnected_argument(x, y):
    return y * y


@at((1.0, 2.0))
def connected_in_one_branch(x, y):
    if y > 3:
        return x * y
    return y * y


@at(2.5)
def connection_cut(x):
    y = float(int(x))
    return y * y


@at((1.0, 0))
def connected_in_loop_that_does_not_run(x, n):
    s = 2.0
    for i in range(n):
        s = s * x
    return s


@at((VECTOR, 0.4))
def linear(x, y):
    return np.sum(x) + 2 * y


# ---- arrays: indexing -----------------------------------------------------------------------------------------------


@at((VECTOR, A([0, 1, 1, 3, -1])))
def repeated_indices(x, index):
    y = x[index]
    return np.sum(y * np.sin(y) * x[0])


@at((WIDE, A([0, 1, 1]), A([2, 0, 0])))
def repeated_index_pairs(m, rows, columns):
    return np.sum(m[rows, columns] ** 3)


@at((WIDE, A([1, 1, 0])))
def repeated_rows(m, rows):
    return np.sum(np.sin(m[rows]) * m[rows, 1:2])


@at(VECTOR)
def literal_index_list(x):
    y = x[[0, 2, 2, -1]]
    return np.sum(y * y)


@at(VECTOR)
def boolean_mask(x):
    y = x[x > 0]
    return np.sum(y * y * y)


@at(LONGER)
def slices_and_views(x):
    v = x[1:]
    w = x[::-1]
    u = v[None, :] * w[:, np.newaxis]
    return np.sum(u**2) + x[-2] * np.sum(x[:-2:2])


@at(LONGER)
def view_of_view(x):
    y = x[1:5]
    z = y[::2]
    return np.sum(z * z) + y[1] * z[0] * x[1]


@at(SQUARE)
def ellipsis_and_negative(m):
    return np.sum(m[..., 1] * m[-1, ...]) + m[-2, -1] * m[0][1]


@at(SQUARE)
def reshaped_views(m):
    flat = m.reshape(-1)
    back = flat.reshape(3, 3).T
    return np.sum(back @ m) + flat[4] * np.sum(m.ravel() ** 2)


@at((VECTOR, 3))
def moving_window(x, n):
    s = 0.0
    for i in range(len(x) - 1):
        y = x[i : i + 2]
        s = s + y[0] * y[1] * np.sum(y)
    return s * n


@at((VECTOR, 2))
def shrinking_array(x, n):
    for i in range(n):
        x = x[1:] * x[:-1]
    return np.sum(x)


@at((LONGER, 2))
def growing_array(x, n):
    y = x[:1]
    for i in range(n):
        y = np.concatenate([y * x[i + 1], y])
    return np.sum(y * y)


@at((VECTOR, 1))
def index_from_variable(x, k):
    i = k
    a = x[i]
    i = i + 1
    b = x[i]
    i = -i
    return a * b * x[i]


@at((VECTOR, A([3, 0, 2])))
def index_in_loop(x, order):
    s = 1.0
    for i in order:
        s = s * x[i] + x[i - 1]
    return s


# ---- arrays: broadcasting, reductions, joining ----------------------------------------------------------------------


@at((WIDE, WEIGHTS), (WIDE, 1.3), (WEIGHTS, WIDE[:, :1]), (1.3, WIDE), (WIDE[:1], WIDE[:, :1]))
def broadcasting(x, m):
    y = x + m
    y = y * x
    z = np.where(y > 0, y, x) / (1 + m**2)
    return np.mean(z)


@at(np.abs(WIDE) + 0.5)
def reductions_along_axes(m):
    s = m.sum(axis=0, keepdims=True)
    t = np.max(m, axis=1)
    return np.sum(m / s) + np.sum(t * t) * m.mean() + np.prod(m[0]) + np.var(m)


@at(WEIGHTS)
def softmax(x):
    e = np.exp(x - np.max(x))
    p = e / np.sum(e)
    return -np.log(p[1]) * np.sum(p * p)


@at(WEIGHTS)
def ratio_to_sum(y):
    return np.sum(y / np.sum(y) * WEIGHTS)


@at((WEIGHTS, WEIGHTS * 2 + 0.1))
def stacked_and_joined(x, y):
    z = np.stack([x, y * 2, x * y])
    w = np.concatenate([z, z.T[:3]], axis=0)
    return np.sum(w * w[::-1])


@at((0.4, 0.9))
def array_of_scalars(x, y):
    v = np.array([x, y, x * y])
    return np.sum(v * v[::-1]) + v[2]


@at(0.4)
def same_scalar_stacked(x):
    v = np.stack([x, x, x * x])
    return np.sum(np.sin(v) * v)


@at((SQUARE, SQUARE.T + 0.2, WEIGHTS))
def recurrent_network(a, b, x):
    h = np.tanh(a @ x)
    for k in range(3):
        h = np.tanh(b @ h + x)
    return np.sum(h * h)


@at((WIDE, SQUARE, WEIGHTS))
def matmul_of_ranks(m, s, v):
    return np.sum(m @ s) + np.sum(m @ v) + v @ v + (v @ s) @ v + np.sum((m @ s) @ m.T)


@at(VECTOR)
def clip_and_maximum(x):
    y = np.clip(x, -0.5, 0.9)
    return np.sum(np.maximum(y, 0.1 * x) * np.minimum(x, 0.3))


@at(WIDE)
def sorted_and_cumulated(m):
    y = np.sort(m, axis=1)
    return np.sum(np.cumsum(y, axis=1) * y[:, ::-1])


@at((SQUARE + 3 * np.eye(3), WEIGHTS))
def solves(a, b):
    x = np.linalg.solve(a, b)
    return np.dot(x, b) + np.linalg.det(a) * 0.01 + np.linalg.norm(x) + np.sum(np.linalg.inv(a))


@at((WIDE, WIDE * 0.3))
def array_results(x, y):
    return np.sin(x) * y + x[:, :1]


@at((WIDE, 0.3))
def shape_arithmetic(x, y):
    n, m = x.shape
    return np.sum(x) / n + y * m * x.size


@at((0.3, 4))
def scalar_grows_to_array(x, n):
    y = x * np.ones(n)
    z = y * np.arange(n) + x
    return np.sum(np.sin(z))


@at(np.array(0.7))
def zero_dimensional(x):
    return np.sin(x) * x


@at((np.float64(0.7), np.float32(0.5)))
def numpy_scalars(x, y):
    return np.sin(x) * y * x


# ---- single precision -----------------------------------------------------------------------------------------------


@at(SINGLE)
def single_precision(x):
    y = np.tanh(x) * x
    return np.sum(y * y)


@at((SINGLE, 0.4))
def single_with_python_number(x, k):
    return np.sum(np.sin(x * k) / (1 + x * x))


@at((SINGLE, 3))
def single_in_loop(x, n):
    y = x
    for i in range(n):
        y = np.sin(y) * x + 0.5
    return np.mean(y)


@at((SINGLE, WEIGHTS))
def single_meets_double(x, w):
    return np.sum(x * w * w)


# ---- globals and closures -------------------------------------------------------------------------------------------


@at(WEIGHTS + 0.2)
def global_values(x):
    return np.sum(x * x * WEIGHTS * SCALE)


@at(1.3)
def closure_of_parameter(x):
    def g(t):
        return t * x

    y = g(x)
    x = x * 2
    return y + g(y)


@at((0.9, 4))
def closure_in_loop(x, n):
    s = 1.0
    h = lambda t: t * s + x
    for i in range(n):
        s = h(s * x)
    return s


@at((0.9, 3))
def closure_over_loop_variable(x, n):
    def weighted(t):
        return t * (i + 1) + math.sin(s)

    s = x
    for i in range(n):
        s = weighted(s * x)
    return s


@at((0.9, 0.4))
def closures_that_call_closures(x, y):
    def f(a):
        return a * y

    def g(b):
        return f(b) * x + f(x)

    return g(y) * f(g(x))


@at(0.9)
def closure_with_own_locals(x):
    def f(a):
        x = a * a
        y = math.sin(x)
        return x * y

    y = f(x) * x
    return y * f(y)


@at(0.9)
def closure_with_default(x):
    def f(a, b=2.0, *, c=3.0):
        return a * b + c * x

    return f(x) * f(x, 1.5) * f(b=x, a=x, c=x)


@at((0.9, 3))
def recursive_closure(x, n):
    def f(k):
        if k == 0:
            return x
        return f(k - 1) * x + k

    return f(n)


@at((VECTOR, 0.3))
def lambda_over_array(x, k):
    f = lambda v: np.sum(v * k) * v
    y = f(x)
    return np.sum(f(y) * x)


def make_scaled(factor):
    def scaled(x):
        return math.sin(factor * x) * helper_square(x)

    return scaled


# ---- calls ----------------------------------------------------------------------------------------------------------


def helper_square(x):
    return x * x


def helper_pair(a, b):
    return a * b, math.sin(a) + b


def helper_defaults(a, b=2.0, c=3):
    return a**c / b


def helper_loop(x, n):
    s = x
    for i in range(n):
        s = math.sin(s) * x
    return s


def helper_ignores(a, b):
    return a * a


def helper_constant(a):
    return 4.0


def helper_rebinds(x, y):
    x = x * y
    y = x * x
    x = math.sin(y)
    return x * y


def helper_identity(x):
    return x


def helper_branches(x, c):
    if c > 0:
        return x * c
    y = math.cos(x)
    return y * x


def helper_array(x, w):
    return np.tanh(x * w) + w


def helper_deep(x):
    return helper_rebinds(helper_square(x), helper_branches(x, 1)) + helper_identity(x)


def helper_three(x, y, z):
    return x * y, z, 1.0


@at((1.3, 0.7))
def multiple_results(x, y):
    a, b = helper_pair(x, y)
    b, a = helper_pair(b, a)
    return a * b


@at((1.3, 0.7))
def one_result_unused(x, y):
    a, b = helper_pair(x, y)
    c, _ = helper_pair(a, y)
    return c * x


@at((1.3, 0.7))
def results_that_pass_through(x, y):
    a, b, c = helper_three(x, y, x)
    x, y, b = helper_three(a, b, c)
    return x * y + b * a


@at(1.2)
def keywords_and_defaults(x):
    return helper_defaults(b=x, a=x * 2) * helper_defaults(x) + helper_defaults(x, c=2)


@at((0.4, 3))
def calls_in_loop(x, n):
    s = 0.0
    for i in range(n):
        s, x = helper_pair(s + x, x)
    return s * x


@at((0.4, 3), (0.4, 0))
def helper_with_loop(x, n):
    return helper_loop(x, n) * helper_loop(x * 2, n)


@at((0.4, 3))
def helper_with_loop_in_loop(x, n):
    s = x
    for i in range(n):
        s = helper_loop(s, i) * x
    return s


@at((0.4, 0.8))
def same_argument_twice(x, y):
    return helper_rebinds(x, x) * helper_rebinds(y, x)


@at((0.4, 0.8))
def ignored_argument(x, y):
    return helper_ignores(x, y) * helper_ignores(y, x) + helper_constant(x) * y


@at((0.4, 0.8))
def call_of_call(x, y):
    return helper_square(helper_rebinds(helper_square(x), y)) * helper_identity(y)


@at((0.4, -0.8), (0.4, 0.8))
def helper_returns_early(x, y):
    z = helper_branches(x, y)
    return helper_branches(z, x) * z


@at(0.7)
def deep_chain(x):
    return helper_deep(helper_deep(x)) * helper_deep(x)


@at((0.7, 3))
def call_rebinds_argument_name(x, n):
    for i in range(n):
        x = helper_rebinds(x, 0.9)
        x = helper_square(x) + helper_identity(x)
    return x


@at((VECTOR, VECTOR * 0.5), (VECTOR, 0.5), (0.3, 0.5))
def helper_of_any_kind(x, w):
    y = helper_array(x, w)
    y = helper_array(y, y)
    return np.sum(helper_array(y, 2.0) * x)


@at((WIDE, WEIGHTS))
def helper_broadcasts(x, w):
    return np.sum(helper_array(x, w) * helper_array(w, x))


@at((1.3, 0.7))
def call_in_condition(x, y):
    if helper_square(x) > helper_square(y):
        return helper_square(x * y)
    return helper_square(x) if helper_identity(x) > 0 else helper_square(y)


@at((VECTOR, 0.3))
def adjoint_from_call_is_shared(x, y):
    z = helper_identity(x)
    w = helper_identity(z)
    return np.sum(w * z * y + x)


# ---- recursion ------------------------------------------------------------------------------------------------------


@at((1.7, 6), (1.7, 0), (1.7, 1))
def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


@at((1.1, 6), (1.1, 1))
def two_recursive_calls(x, n):
    if n < 2:
        return x * n
    return two_recursive_calls(x, n - 1) * x + math.sin(two_recursive_calls(x, n - 2))


@at((np.array([-0.4, -0.8, -1.1]), 2), (np.array([-0.4, -0.8, -1.1]), 0))
def recursion_on_an_outer_product(v, n):
    return np.sum(powers_of(v, np.eye(3), n))


def powers_of(v, m, n):
    if n <= 0:
        return np.eye(3) + np.eye(3)
    inner = powers_of(v, v[:, None] * v[None, :], n - 1)
    return np.tanh(inner) * (inner @ m)


@at((0.9, 5), (0.9, 4), (0.9, 0))
def is_even(x, n):
    if n == 0:
        return x
    return is_odd(x * x, n - 1)


def is_odd(x, n):
    if n == 0:
        return math.sin(x)
    y = is_even(math.cos(x), n - 1)
    return y * x


@at((0.9, 4))
def circle_of_three(x, n):
    if n == 0:
        return x
    return circle_second(math.sin(x), n - 1) * x


def circle_second(x, n):
    y = x * x
    if n == 0:
        return y
    return circle_third(y, n - 1) + x


def circle_third(x, n):
    if n == 0:
        return 2 * x
    z = circle_of_three(x, n - 1)
    t = circle_second(z, 0)
    return z * t * x


@at((0.9, 3))
def recursion_after_loop(x, n):
    s = x
    for i in range(n):
        s = math.sin(s) + x
    if n == 0:
        return s
    return recursion_after_loop(s, n - 1) * s


@at((0.9, 3))
def recursion_in_loop(x, n):
    s = x
    for i in range(n):
        s = s * recursion_in_loop(math.sin(s), i)
    return s


def helper_recursive_pair(a, b, n):
    if n == 0:
        return a, b
    a, b = helper_recursive_pair(b * a, a, n - 1)
    return a + b, math.sin(a * b)


@at((0.9, 0.4, 3), (0.9, 0.4, 0))
def recursion_with_two_results(x, y, n):
    a, b = helper_recursive_pair(x, y, n)
    return a * b


@at(VECTOR, LONGER)
def halving(x):
    if len(x) < 2:
        return x[0] * x[0]
    middle = len(x) // 2
    return halving(x[:middle]) * math.sin(halving(x[middle:])) + x[0]


@at((1.3, 5))
def accumulating_parameter(x, n, total=1.0):
    if n == 0:
        return total
    return accumulating_parameter(x, n - 1, total * x + n)


def helper_no_derivative(v):
    return 1.0, np.ones(3) * 0.4


@at((WEIGHTS, 0), (WEIGHTS, 2))
def inactive_call_in_loop_that_may_not_run(v, n):
    for i in range(n):
        s, v = helper_no_derivative(v)
    return np.sum(v * v)


@at((WEIGHTS, 0), (WEIGHTS, 2))
def constant_in_loop_that_may_not_run(v, n):
    for i in range(n):
        v = np.ones(3)
    return np.sum(v * v)


@at((0.7, 0), (0.7, 2))
def loop_variable_takes_an_active_name(x, n):
    i = x * x
    for i in range(n):
        x = x * 2.0
    return i * x


@at((0.7, 0), (0.7, 2))
def loop_variable_takes_an_active_name_again(x, n):
    s = 0.0
    t = x
    for k in range(2):
        for t in range(n):
            s = s + t * x
        s = s + t * t
        t = x * s
    return s


@at((0.7, 0), (0.7, 2))
def while_cuts_the_connection(x, n):
    v = x * x
    while n > 0:
        v = 1
        n = n - 1
    return v * x


@at((WEIGHTS, 0.4), (WEIGHTS, -0.4))
def branch_gives_another_length(v, c):
    if c > 0:
        v = VECTOR * 2
    return np.sum(v * v)


@at((WEIGHTS, 0), (WEIGHTS, 1))
def loop_gives_another_length(v, n):
    for i in range(n):
        v = VECTOR * 2
    return np.sum(v * v)


def helper_rebinds_array(x, v):
    if x > 0.1:
        v = WEIGHTS
    return np.sum(v * v) * x


@at((WEIGHTS * 2, 0.7), (WEIGHTS * 2, -0.7))
def helper_may_rebind_its_array(v, x):
    return helper_rebinds_array(x, v) * helper_rebinds_array(x * 2, v)


def helper_recursive_rebinds_array(x, v, n):
    if n <= 0:
        return x
    if x > 0.1:
        v = WEIGHTS
    x = np.min(v)
    s = helper_recursive_rebinds_array(x, v, n - 1)
    return math.tanh(s) * x


@at((WEIGHTS * 2, 0.7), (WEIGHTS * 2, -0.7))
def recursion_may_rebind_its_array(v, x):
    return helper_recursive_rebinds_array(x, v, 1)


def helper_rebinds_in_branch(x, y, c):
    if c:
        x = math.sin(x * y)
        x = x * x * y
    return x * x


def helper_rebinds_in_loop(x, y, n):
    z = x
    for i in range(n):
        if i % 2:
            x = math.sin(x * y)
        y = x * y * z
    return x * x + y


@at((0.7, 0.4, 0), (0.7, 0.4, 1), (0.7, 0.4, 4))
def helpers_that_rebind_their_parameters(x, y, n):
    return helper_rebinds_in_loop(x, y, n) * helper_rebinds_in_loop(y, x, n) + helper_rebinds_in_branch(x, y, n)


@at((0.7, 0.4, 3), (0.7, -0.4, 3), (-0.7, -1.4, 2))
def recursion_that_rebinds_its_parameters(x, y, n):
    if n == 0:
        return x * y
    if x > 0:
        x = math.sin(x * y) * x
    y = y * x
    if y > 0.1:
        y = x * y
    return recursion_that_rebinds_its_parameters(y, x, n - 1) * x * y


@at((WEIGHTS.astype(np.float32), 0.4), (WEIGHTS.astype(np.float32), -0.4))
def branch_gives_another_precision(v, c):
    if c > 0:
        v = WEIGHTS * 2
    return np.sum(v * v)


@at((WEIGHTS.astype(np.float32), 0), (WEIGHTS.astype(np.float32), 2))
def loop_gives_another_precision(v, n):
    for i in range(n):
        v = v * WEIGHTS
    return np.sum(v * v)


def helper_two_numbers(v):
    return 0.4 + np.min(v), math.tanh(np.sum(v))


@at(SQUARE)
def bound_and_read_under_one_flag(m):
    flag = SCALE < 0.31
    if flag:
        s = np.sum(m[[1, 1]] ** 2)
    a, b = helper_two_numbers(np.arange(3.0))
    if flag:
        b = math.tanh(b) ** 3 * s
    return np.mean(m) + a * b


def helper_largest(v, s):
    return np.sum(v**2) * max(s, s)


@at((0.7, 0.3))
def forward_half_kept_for_its_tape(x, y):
    x -= helper_largest(np.arange(3.0), y)
    return x + y + (x + 0.5)


def helper_recursive_mix(v, m, n):
    if n <= 0:
        return np.sum(m * m)
    s = helper_recursive_mix(v - n, np.where(np.eye(3) > WEIGHTS, m, v), n - 2)
    return math.tanh(s) * (np.arange(3.0) @ v)


@at((0.25, WEIGHTS, SQUARE), (0.35, WEIGHTS, SQUARE))
def reverse_half_whose_results_are_dropped(x, v, m):
    for a, b in zip(WEIGHTS, x - v):
        flag = a > b
    flag = -1.7 < x < 0.31
    y = x
    t = helper_recursive_mix(v, m, 1)
    if flag:
        x = (x + t) * y
        v = np.ones(3) - x
    return x + np.sum(v) + np.mean(m) + np.sum(v[1:] * WEIGHTS[:-1])


# ---- the tests ------------------------------------------------------------------------------------------------------

#: What is known to be wrong still: test ids with the reason. A test that passes again fails until it is taken out.
KNOWN: dict[str, str] = {}


def points():
    found = []
    for name, (function, given) in PROGRAMS.items():
        for k, args in enumerate(given):
            id = f"{name}-{k}" if len(given) > 1 else name
            marks = [pytest.mark.xfail(reason=KNOWN[id], strict=True)] if id in KNOWN else []
            found.append(pytest.param(function, args, id=id, marks=marks))
    return found


@pytest.mark.parametrize(("function", "args"), points())
def test_program(function, args):
    try:
        check(function, *args)
    except Unsuitable as error:
        pytest.fail(f"the oracles disagree: {error}")


def test_there_are_enough_programs():
    assert len(PROGRAMS) >= 120


@pytest.mark.parametrize("factor", [2.0, 3.5])
def test_function_factory(factor):
    check(make_scaled(factor), 0.7)


def test_integer_arguments_are_taken_as_floats():
    assert s2sad.grad(power)(3, 4) == 4 * 27.0
    assert isinstance(s2sad.grad(helper_square)(3), float)
    assert s2sad.value_and_grad(swap_twice, wrt=(0, 1))(2, 3) == s2sad.value_and_grad(swap_twice, wrt=(0, 1))(2.0, 3.0)


def test_integer_argument_that_is_not_differentiated_stays_an_integer():
    check(growing_array, LONGER, 2, wrt=(0,))


def test_default_of_the_primal_is_used():
    check(helper_defaults, 1.2)
    check(accumulating_parameter, 1.2, 3, 0.7)


# ---- refusals -------------------------------------------------------------------------------------------------------


def writes_through_a_method(x):
    y = x * 2
    y.partition(1)
    return np.sum(y * VECTOR)


def writes_through_out_in_a_test(x):
    y = np.zeros(4)
    assert np.all(np.multiply(x, x, out=y) >= 0)
    return np.sum(y)


def writes_an_attribute(x):
    x.shape = (2, 2)
    return np.sum(x)


def writes_by_function(x):
    y = np.zeros(4)
    np.maximum.at(y, [0, 0], x[:2])
    return np.sum(y)




def writes_a_global(x):
    global SCALE
    SCALE = 2.0
    return np.sum(x)


@pytest.mark.parametrize(
    "function",
    [
        writes_through_a_method,
        writes_through_out_in_a_test, writes_an_attribute, writes_by_function,
        writes_a_global,
    ],
)  # fmt: skip
@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.jvp], ids=["grad", "jvp"])
def test_refused_with_a_place(function, transform):
    args = (VECTOR.copy(),) if transform is s2sad.grad else (VECTOR.copy(), VECTOR.copy())
    error = refusal(function, *args, transform=transform)
    assert error.help
