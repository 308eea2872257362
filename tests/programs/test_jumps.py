"""Jumps: break, continue, return in loops, loop `else`, `while True`, assignment expressions, loop variables, `del`.

Each program is checked by `oracle.check` where a loop is left in its first trip, in the middle, at the end, or never.
"""

import math
import warnings

import numpy as np
import pytest
from programs.oracle import check

import s2sad
from s2sad.backend import tapes
from s2sad.differentiate import sweeps, trips
from s2sad.frontend import desugar
from s2sad.ir.nodes import For, Restore, walk
from s2sad.optimise import breaks

rng = np.random.default_rng(7)
A = np.array
VECTOR = rng.normal(size=4)
SQUARE = rng.normal(size=(3, 3)) * 0.4
U = rng.normal(size=6) * 0.4
M = rng.normal(size=(3, 3)) * 0.3 + 2 * np.eye(3)

PROGRAMS = {}


def at(*points):
    """Register a program with the argument tuples that it is checked at."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, points)
        return function

    return register


# ---- break ----------------------------------------------------------------------------------------------------------


@at((0.9, 1.4, 0), (0.9, 1.4, 1), (0.9, 1.4, 3), (0.9, 1.4, 9))
def break_at_the_top(x, y, n):
    for i in range(5):
        if i == n:
            break
        x = math.sin(x) * y
    return x


@at((0.9, 1.4, 0), (0.9, 1.4, 2), (0.9, 1.4, 9))
def break_in_the_middle(x, y, n):
    for i in range(5):
        x = x * math.cos(y + i)
        if i == n:
            break
        y = y * x + 0.3
    return x + y


@at((0.9, 1.4, 0), (0.9, 1.4, 2), (0.9, 1.4, 9))
def break_at_the_bottom(x, y, n):
    for i in range(5):
        x = x * math.cos(y + i)
        y = y * x + 0.3
        if i >= n:
            break
    return x + y


@at((0.3, 2.0, 1e-2), (0.3, 2.0, 0.5), (0.3, 2.0, 10.0))
def newton(x, a, tol):
    x = x + 1.0
    for _ in range(50):
        residual = x * x - a
        if abs(residual) < tol:
            break
        x = x - residual / (2 * x)
    return x


@at((0.8, 0.01), (0.8, 0.4), (0.8, 3.0))
def break_by_a_value_with_an_adjoint(x, tol):
    for _ in range(9):
        step = math.sin(x) * 0.5
        x = x - step
        if step < tol:
            break
    return x + step


@at((0.9, 0), (0.9, 1), (0.9, 4))
def break_of_no_trip(x, n):
    for i in range(n):
        if x > 0:
            break
        x = x * 5.0
    return x * x


@at((0.9, 0), (0.9, 2), (0.9, 9))
def break_with_work(x, n):
    y = 1.0
    for i in range(4):
        if i == n:
            y = x * y
            x = math.sin(x) + i
            break
        x = x * 1.3
        y = y + x
    return x * y


@at((0.9, 1.1, 0), (0.9, 1.1, 1), (0.9, 1.1, 5))
def break_in_else(x, y, n):
    for i in range(4):
        if i < n:
            x = x * y
        else:
            x = math.exp(-x)
            break
        y = math.sin(y) + x
    return x + y


@at((0.9, 0), (0.9, 1), (0.9, 2), (0.9, 3), (0.9, 7))
def break_in_elif(x, n):
    for i in range(5):
        if i == n:
            x = x * 2.0
        elif i > n + 1:
            break
        elif x > 10.0:
            x = math.sin(x)
        else:
            x = x + 0.4 * x * x
    return x


@at((0.9, 0.2), (0.9, 1.3), (0.9, 40.0))
def two_breaks(x, limit):
    for i in range(6):
        if x > limit:
            break
        x = x * 1.4
        if i == 3:
            break
        x = x + 0.1 * x * x
    return x


@at((0.5, 1.5), (0.5, 0.1), (0.5, 80.0))
def break_deep_in_branches(x, limit):
    for i in range(6):
        if i > 1:
            if x > limit:
                break
            x = math.sin(x) + 1
        x = x * x * 1.1
    return x


@at((0.5, 1.5), (0.5, 0.1), (0.5, 80.0))
def break_deep_on_both_sides(x, limit):
    for i in range(6):
        if i % 2:
            x = x + 0.2
            if x > limit:
                x = x * x
                break
            x = x * 1.5
        else:
            if x > 2 * limit:
                break
            x = math.sin(x) + x
        x = x * 1.1
    return x


@at((VECTOR, 0.5), (VECTOR, 3.0), (VECTOR, 100.0))
def break_over_items(xs, limit):
    total = 0.0
    for x in xs:
        total = total + x * x
        if total > limit:
            break
    return total * xs[0]


@at((VECTOR, 0), (VECTOR, 2), (VECTOR, 9))
def break_in_enumerate(xs, n):
    total = 1.0
    for i, x in enumerate(xs, 1):
        if i > n:
            break
        total = total * math.cos(x) + i * x
    return total


@at((VECTOR, VECTOR[::-1] + 0.2, 0.1), (VECTOR, VECTOR[::-1] + 0.2, 9.0))
def break_in_zip(xs, ys, limit):
    total = 0.3
    for x, y in zip(xs, ys):
        total = total * x + y
        if abs(total) > limit:
            break
    return total


@at((SQUARE, VECTOR[:3], 0.2), (SQUARE, VECTOR[:3], 1e-6), (SQUARE, VECTOR[:3], 1e3))
def break_out_of_array_iteration(m, v, tol):
    for _ in range(8):
        w = np.tanh(m @ v)
        change = np.max(np.abs(w - v))
        v = w
        if change < tol:
            break
    return np.sum(v * v)


@at((1.2, 0), (1.2, 1), (1.2, 3), (1.2, 6))
def break_backwards(x, n):
    for i in range(5, 0, -1):
        if i == n:
            break
        x = math.sin(x) + x / i
    return x


@at((1.2, 0), (1.2, 3), (1.2, 9))
def break_in_reversed(x, n):
    for i in reversed(range(5)):
        if i == n:
            break
        x = math.sin(x) + x * i
    return x


@at((1.2, 1, 7, 2, 5), (1.2, 1, 8, 3, 1), (1.2, 9, 1, -2, 3), (1.2, 3, 3, 1, 0), (1.2, 0, 7, 3, 99))
def break_in_reversed_steps(x, start, stop, step, n):
    for i in reversed(range(start, stop, step)):
        x = math.sin(x) + x * i
        if i == n:
            break
    return x


@at((1.2, 1, 7, 2, 5), (1.2, 1, 8, 3, 1), (1.2, 9, 1, -2, 3), (1.2, 3, 3, 1, 0), (1.2, 2, 8, 1, 99))
def break_in_steps(x, start, stop, step, n):
    for i in range(start, stop, step):
        x = math.sin(x) + x * i
        if i == n:
            break
        x = x * 1.2
    return x


@at((1.2, 3), (1.2, 0), (1.2, 9))
def bounds_rebound_before_a_break(x, n):
    start, stop = 1, 6
    for i in range(start, stop):
        x = math.sin(x) + x * i
        start, stop = stop, start + 1
        if i > n:
            break
    return x * start + stop


# ---- continue -------------------------------------------------------------------------------------------------------


@at((0.7, 0), (0.7, 1), (0.7, 5))
def continue_at_the_top(x, n):
    for i in range(n):
        if i % 2:
            continue
        x = math.sin(x) + x * x
    return x


@at((0.7, 5),)
def continue_with_work(x, n):
    y = x
    for i in range(n):
        if i % 3 == 1:
            y = y * x
            continue
        x = math.sin(x) + y
        y = y + 0.1
    return x * y


@at((0.7, 6),)
def continue_in_two_places(x, n):
    for i in range(n):
        if i == 1:
            continue
        x = x * 1.2
        if x > 1.1:
            x = math.sin(x)
            continue
        x = x + x * x
    return x


@at((0.7, 6),)
def continue_deep(x, n):
    for i in range(n):
        if i > 1:
            x = x + 0.3
            if i == 3:
                continue
            x = math.cos(x)
        x = x * 1.4
    return x


@at((0.7, 6, 2), (0.7, 6, 9))
def continue_and_break(x, n, m):
    for i in range(n):
        if i == 1:
            continue
        if i > m:
            break
        x = math.sin(x) * 1.5
    return x


@at((0.7, 5),)
def continue_in_while(x, n):
    k = 0
    while k < n:
        k += 1
        if k == 2:
            continue
        x = x * math.cos(x) + k
    return x


@at((VECTOR,))
def continue_over_items(xs):
    total = 1.0
    for x in xs:
        if x < 0:
            continue
        total = total * (1 + x)
    return total


@at((0.7, 4),)
def continue_of_the_inner_loop(x, n):
    for i in range(n):
        for j in range(3):
            if j == i:
                continue
            x = math.sin(x) + x * j
        x = x * 0.8
    return x


@at((0.7, 4),)
def continue_of_the_outer_loop(x, n):
    for i in range(n):
        for j in range(3):
            x = math.sin(x) + x * j
            if j > i:
                break
        if i == 1:
            continue
        x = x * 0.8
    return x


@at((0.7, 3),)
def nothing_but_continue(x, n):
    for _ in range(n):
        x = x * x
        continue
    return x


@at((0.7, 3),)
def unreachable_after_continue(x, n):
    for _ in range(n):
        x = x * x
        continue
        x = x + 100.0
    return x


# ---- while ----------------------------------------------------------------------------------------------------------


@at((0.9, 0.5), (0.9, 1e-3), (0.9, 5.0))
def while_true_with_one_exit(x, tol):
    while True:
        x = math.sin(x)
        if x < tol + 0.3:
            break
    return x * x


@at((0.9, 0.5), (0.9, 1e-3), (0.9, 5.0))
def while_one_with_the_exit_first(x, tol):
    while 1:
        if x < tol + 0.3:
            break
        x = math.sin(x)
    return x * x


@at((0.9, 0.5, 3.0), (0.9, 0.01, 1.2), (0.9, 5.0, 8.0))
def while_true_with_two_exits(x, low, high):
    y = x
    while True:
        x = x * 1.3
        if x > high:
            break
        y = y * math.cos(x)
        if y < low:
            y = y * y
            break
        x = x + 0.1 * y
    return x * y


@at((0.9, 0.5, 3.0), (0.9, 0.01, 1.2), (0.9, 5.0, 8.0))
def while_true_that_returns_and_breaks(x, low, high):
    while True:
        x = x * 1.3
        if x > high:
            return x * x
        if x < low:
            break
        x = x * x
    return x * 3


@at((0.9, 0.5, 3.0), (0.9, 0.01, 1.2))
def while_true_that_only_returns(x, low, high):
    while True:
        x = x * 1.3
        if x > high:
            return x * x
        if x < low:
            return 2 * x
        x = x * x + 0.2


@at((0.9, 4, 1.1), (0.9, 4, 1e9), (0.9, 0, 1.0))
def while_with_break(x, n, limit):
    k = 0
    while k < n:
        x = x + math.sin(x)
        if x > limit:
            break
        k += 1
        x = x * 1.1
    return x * k + x


@at((0.8, 0.3), (0.8, 1e-2), (0.8, 5.0))
def bisection(a, tol):
    low, high = 0.0, 2.0 + a
    while True:
        middle = (low + high) / 2
        if high - low < tol:
            break
        if middle * middle - a > 0:
            high = middle
        else:
            low = middle
    return middle * a


@at((VECTOR, 0.5), (VECTOR, 1e-3), (VECTOR, 1e3))
def relaxation(u, tol):
    k = 0
    while k < 7:
        new = 0.5 * (u + np.sin(u))
        r = np.max(np.abs(new - u))
        u = new
        k += 1
        if r < tol:
            break
    return np.sum(u**2)


# ---- return in loops ------------------------------------------------------------------------------------------------


@at((0.9, 0, 1.0), (0.9, 4, 1e9), (0.9, 4, 0.1), (0.9, 5, 1.4))
def return_in_a_loop(x, n, limit):
    for i in range(n):
        x = x * 1.2 + 0.1
        if x > limit:
            return x * i
    return math.sin(x)


@at((0.9, 4, 1e9), (0.9, 4, 0.1), (0.9, 5, 1.4))
def return_out_of_two_loops(x, n, limit):
    for i in range(n):
        for j in range(3):
            x = x * 1.1 + 0.01 * j
            if x > limit:
                return x * x + i + j
        x = math.sin(x) + x
    return x


@at((0.9, 3, 1e9), (0.9, 3, 0.1), (0.9, 3, 1.4), (0.9, 3, 2.4))
def return_out_of_three_loops(x, n, limit):
    for i in range(n):
        x = x + 0.1
        for j in range(2):
            k = 0
            while k < 2:
                x = x * 1.1
                if x > limit:
                    return x * j + x * x
                k += 1
            x = x + 0.02
    return x


@at((0.9, 1.4, 0), (0.9, 1.4, 2), (0.9, 1.4, 9))
def return_or_break(x, y, n):
    for i in range(5):
        if i == n:
            return x + y
        x = x * y
        if x > 3.0:
            x = x * x
            break
        y = y + 0.2
    x = x * y
    return math.sin(x)


@at((0.9, 1.4, 0), (0.9, 1.4, 3), (0.9, 1.4, 9))
def return_an_array_or_not(x, y, n):
    for i in range(5):
        x = x * 1.1
        if i == n:
            return np.sum(np.sin(x * OFFSETS) * y)
    return x * y


OFFSETS = A([0.3, -0.8, 0.5])


@at((VECTOR, 0.3), (VECTOR, 1e3))
def return_of_an_array(v, limit):
    for i in range(4):
        v = v * 1.3
        if np.sum(v * v) > limit:
            return v * i
    return np.sin(v)


@at((0.9, 1.4, 0), (0.9, 1.4, 2), (0.9, 1.4, 9))
def return_of_two_values(x, y, n):
    for i in range(4):
        if i == n:
            return x * y, y
        x = math.sin(x) * y
    return x, x * y


@at((0.9, 1.4, 0), (0.9, 1.4, 2), (0.9, 1.4, 9))
def return_under_a_test_in_a_loop(x, y, n):
    for i in range(4):
        if i > 0:
            x = x * y
            if i >= n:
                return x + y
            y = y * 1.1
        x = x + 0.3
    return x - y


@at((0.9, 0), (0.9, 2), (0.9, 9))
def return_in_a_second_loop(x, n):
    for _ in range(2):
        x = x * 1.3
        if x > 100:
            return x
    for i in range(4):
        x = math.sin(x) * 2
        if i == n:
            return x * x
    return x


@at((0.9, 0), (0.9, 2), (0.9, 9))
def loop_in_a_branch_returns(x, n):
    if x > 0:
        for i in range(4):
            x = x * 1.2
            if i == n:
                return x * x
        x = x + 1.0
    else:
        x = -x
    return math.sin(x)


def first_above(x, limit):
    for i in range(5):
        x = x * 1.3
        if x > limit:
            return x * x
    return x


@at((0.9, 1.2), (0.9, 1e5), (0.9, 0.1))
def call_of_a_function_that_returns_in_a_loop(x, limit):
    y = first_above(x, limit)
    return first_above(y * x, limit * 2) * y


@at((0.9, 1.2), (0.9, 2.5))
def calls_in_a_loop_with_break(x, limit):
    for _ in range(6):
        x = first_above(x, limit) * 0.7
        if x > limit:
            break
        x = x + first_above(x * 0.5, limit)
    return x


def pair(x, n):
    for i in range(4):
        x = x * 1.1
        if i == n:
            return x * x, x + 1
    return x, x * 3


@at((0.9, 0), (0.9, 2), (1.9, 9))
def calls_of_a_function_that_returns_two(x, n):
    total = 0.0
    for i in range(3):
        a, b = pair(x * (i + 1), n)
        total = total + a * b
        if total > 30:
            break
    return total


def collatz(x, n):
    if n <= 0:
        return x
    for i in range(3):
        x = math.sin(x) + 0.3 * x
        if i == n:
            return x * x
    return collatz(x, n - 1) * x


@at((0.9, 0), (0.9, 1), (0.9, 4))
def recursion_with_returns_in_loops(x, n):
    return collatz(x, n) + collatz(x * x, n - 1)


# ---- else -----------------------------------------------------------------------------------------------------------


@at((0.9, 0), (0.9, 2), (0.9, 9))
def else_with_break(x, n):
    for i in range(4):
        x = math.sin(x) * 1.4
        if i == n:
            break
    else:
        x = x * x
    return x


@at((0.9, 0), (0.9, 3))
def else_without_break(x, n):
    for _ in range(n):
        x = math.sin(x) * 1.4
    else:
        x = x * x
    return x


@at((0.9, 0), (0.9, 3))
def else_of_while(x, n):
    k = 0
    while k < n:
        x = x * 1.5
        k += 1
        if x > 2.5:
            break
    else:
        x = math.cos(x)
    return x * x


@at((0.9, 1.0), (0.9, 1e4), (0.9, 1.6))
def else_and_return(x, limit):
    for i in range(4):
        x = x * 1.2
        if x > limit:
            return x * i
    else:
        x = math.sin(x)
    return x * x


@at((0.9, 0), (0.9, 1), (0.9, 2), (0.9, 5))
def nested_else(x, n):
    for i in range(3):
        for j in range(3):
            x = math.sin(x) + 0.2 * j
            if j + i == n:
                break
        else:
            x = x * 1.4
            continue
        x = x * x
    else:
        x = x + 1.0
    return x


@at((0.9, 0), (0.9, 1), (0.9, 2), (0.9, 5))
def break_of_the_outer_loop_in_the_inner_else(x, n):
    for i in range(3):
        for j in range(3):
            x = math.sin(x) + 0.2 * j
            if j + i == n:
                break
        else:
            x = x * 1.4
            break
        x = x * x
    return x


@at((0.9, 0.1), (0.9, 0.89), (0.9, 5.0))
def search_with_else(x, target):
    for i in range(4):
        if x * (i + 1) > target:
            found = x * i + target
            break
    else:
        found = target * target
    return found * x


# ---- assignment expressions -----------------------------------------------------------------------------------------


@at((0.3, 0.1), (0.3, 5.0), (0.3, 0.03))
def walrus_in_while(x, tol):
    while (step := math.cos(x) - x) > tol:
        x = x + 0.6 * step
    return x * x


@at((0.3, 0.1), (0.3, 5.0), (0.3, 0.03))
def walrus_in_while_read_after(x, tol):
    while (step := math.cos(x) - x) > tol:
        x = x + 0.6 * step
    return x * step


@at((0.3, 0.1), (0.3, 5.0))
def walrus_in_while_with_else_and_break(x, tol):
    while (step := math.cos(x) - x) > tol:
        x = x + 0.6 * step
        if x > 0.6:
            x = x * 2
            break
    else:
        x = x + 1.0
    return x * step


@at((0.9,), (0.2,))
def walrus_in_if(x):
    if (y := math.sin(x)) > 0.5:
        return y * x
    return y + x


@at((0.9,), (0.2,))
def walrus_in_an_expression(x):
    return (y := x * x) + math.sin(y) * (z := y * x) + z


@at((0.9,), (0.2,))
def walrus_rebinds_what_was_read(x):
    return x + (x := x * x) * x + (x := math.sin(x)) * x


@at((0.9, 0.5), (0.2, 0.5), (-0.4, 0.5))
def walrus_behind_and(x, c):
    y = 1.0
    if x > 0.1 and (y := math.sin(x)) > c:
        return y * x
    return y + x


@at((0.9, 0.5), (0.2, 0.5), (-0.4, 0.5))
def walrus_behind_or(x, c):
    y = 1.0
    if x > 0.4 or (y := math.sin(x)) > c:
        return y * x
    return y + x * x


@at((0.9, 0.5), (0.2, 0.5), (-0.4, 0.5))
def walrus_in_a_chain(x, c):
    y = 1.0
    if -0.3 < x < (y := c * x + 0.3) < 0.6:
        return y * x
    return y + x * x


@at((0.9,), (0.2,))
def walrus_in_a_conditional_expression(x):
    return y * x if (y := math.sin(x)) > 0.5 else y + x


@at((VECTOR,))
def walrus_in_a_call(v):
    return np.sum((w := np.sin(v)) * w) + np.sum(w)


# ---- loop variables -------------------------------------------------------------------------------------------------


@at((0.9, 0), (0.9, 1), (0.9, 4))
def index_after_the_loop(x, n):
    i = 7
    for i in range(n):
        x = math.sin(x) + x * i
    return x * i


@at((0.9, 0), (0.9, 2), (0.9, 9))
def index_after_a_break(x, n):
    for i in range(4):
        x = math.sin(x) + x * i
        if i == n:
            break
    return x * i


@at((0.9, 0), (0.9, 2), (0.9, 9))
def index_rebound_before_a_break(x, n):
    for i in range(4):
        x = math.sin(x) + x * i
        i = i * 2
        if i > n:
            break
        x = x * i
    return x * i


@at((VECTOR, 0.2), (VECTOR, 1e3), (VECTOR[:1], 0.0))
def item_after_the_loop(xs, limit):
    for x in xs:
        if x > limit:
            break
    return x * xs[0]


@at((VECTOR,),)
def item_rebound(xs):
    total = 0.0
    for x in xs:
        x = x * x
        if x > 0.5:
            x = math.sin(x)
        total = total + x
    return total * x


@at((VECTOR, 0.4), (VECTOR, 1e3), (np.zeros(0), 0.4))
def item_or_the_value_before(xs, y):
    x = y
    for x in xs:
        y = y + x * x
        if y > 1.5:
            break
    return x * y


@at((0.9, 3, 2), (0.9, 0, 2), (0.9, 3, 0))
def one_index_for_two_loops(x, n, m):
    i = 0
    for i in range(n):
        x = math.sin(x) + i
        if x > 2.2:
            break
    for i in range(i, i + m):
        x = x * i + 0.5
    return x * i


@at((0.9, 1.1),)
def index_of_a_loop_without_use(x, y):
    for i in range(3):
        x * y
    return x + i


@at((0.9, 3),)
def index_shared_by_nested_loops(x, n):
    for i in range(n):
        x = x + 0.1 * i
        for i in range(2):
            x = math.sin(x) + i
            if i == n - 2:
                break
        x = x * i
    return x * i


# ---- del, chains, casts, tests --------------------------------------------------------------------------------------


@at((0.9, 1.1))
def deleted_names(x, y):
    t = x * y
    z = math.sin(t)
    del t
    t = z * z
    del x, y
    return t + z


@at((0.9, 3))
def deleted_in_a_loop(x, n):
    for i in range(n):
        t = x * i
        x = math.sin(t) + x
        del t
        if x > 4:
            break
    return x


@at((0.9, 1.1))
def chained_assignment(x, y):
    a = b = x * y
    c = a = a + b
    return a * b + c


@at((0.9, 1.1))
def chained_unpacking(x, y):
    (a, b) = c = x * y, x + y
    return a * b + c[0]


@at((2.7, 1.3), (-2.7, 1.3))
def casts(x, y):
    n = int(x)
    m = round(y)
    return float(x) * y + n * y + m * x


@at((2.7, 1.3), (-2.7, 1.3), (7.1, -2.0))
def floor_and_rest(x, y):
    return (x // y) * x + (x % y) * y


@at((2.7, 2), (2.7, 3))
def integer_floor_and_rest(x, n):
    for i in range(7 // n):
        if i % 2 == 0:
            continue
        x = x * (i // 2 + 1) + i % n
    return x


@at((2.7, 2), (2.7, 2.0), (VECTOR, 2))
def instance_tests(x, n):
    if isinstance(n, int):
        x = x * x
    if isinstance(x, np.ndarray):
        return np.sum(x) * n
    return x * n


# ---- match -----------------------------------------------------------------------------------------------------------


@at((0.9, 0), (0.9, 1), (0.9, 2), (0.9, 7))
def match_values(x, n):
    match n:
        case 0:
            y = x * x
        case 1 | 2:
            y = math.sin(x) * n
        case _:
            y = x
    return x * y


@at((0.9, 0), (0.9, 1), (0.9, -3), (0.9, 7))
def match_captures_with_guards(x, n):
    match n:
        case k if k > 5:
            return x * k
        case -3 as k:
            x = x * k
        case k if x > 0.5:
            x = math.sin(x) + k
    return x * k


@at((0.9, 1.3, 0), (0.9, 1.3, 1), (0.4, 0.2, 2))
def match_tuple(x, y, n):
    match (x * y, n):
        case (a, 0):
            return a * a
        case (a, 1 | 2) if a > 0.5:
            x = a * y
        case (a, b):
            x = a + x * b
    return x * y


@at((0.9, None), (0.9, True), (0.9, 2), (0.9, "sin"))
def match_kinds(x, how):
    match how:
        case None:
            return x
        case True:
            return x * x
        case int() as n:
            return x ** n
        case "sin":
            return math.sin(x)
        case _:
            return 0.5 * x


@at((0.9, 5), (0.9, 0))
def match_in_a_loop(x, n):
    for i in range(n):
        match i % 4:
            case 1:
                continue
            case 3:
                break
            case k:
                x = math.sin(x) + k
    return x


@at((0.9, 0.7, 0.2))
def match_star(x, y, z):
    match x, y * x, z, x * z:
        case a, *rest, b:
            return a * rest[0] + rest[1] * b


@at((0.9, 0.7, 1), (0.9, 0.7, 2))
def match_nested(x, y, n):
    match (x, y * x), n:
        case (a, b), 1:
            return b * a * x
        case p, c:
            return p[1] * c
    return x


@at((0.9, 1), (0.9,  3), (0.9, 6))
def match_nothing(x, n):
    match n:
        case 1:
            x = x * x
        case math.inf | 6:
            x = x + 1
    return x * x


# ---- with ------------------------------------------------------------------------------------------------------------


@at((np.abs(VECTOR[:3]) + 0.2, 2), (np.abs(VECTOR[:3]) + 0.2, 0))
def inert_context(x, n):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(x) / x
        for i in range(n):
            y = y * np.sin(x)
    return np.sum(y * x)


@at((0.9, 1.2), (0.9, 3.0))
def return_in_a_context(x, y):
    with np.errstate(all="ignore"):
        if x * y > 2:
            return x * x
        x = math.sin(x)
    return x * y


@at((0.9, 1), (0.9, 3), (0.9, 9))
def break_in_a_context(x, n):
    for i in range(5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if i == n:
                break
            x = math.sin(x) * 1.5
            if i == 1:
                continue
        x = x + 0.2
    return x


@at((0.9, 1), (0.9, 3), (0.9, 9))
def context_at_the_end(x, n):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        for i in range(5):
            x = x * 1.2
            if i == n:
                return x * i
        return math.sin(x)


# ---- writes in loops that are left ----------------------------------------------------------------------------------


@at((U, U[::-1] * 0.3, 0.1, 2e-3, 9), (U, U * 0.3, 0.1, 0.3, 9), (U, U * 0.3, 0.1, 0.0, 4), (U, U + 0.1, 0.1, 0.1, 0))
def bratu(u, f, h2, tol, maxit):
    k = 0
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * f[1:-1] * np.exp(u[1:-1]))
        r = np.max(np.abs(new - u[1:-1]))
        u[1:-1] = new
        k += 1
        if r < tol:
            break
    return np.sum(u ** 2)


@at((U, 0.3), (U, 9.0), (U, -9.0))
def break_after_a_write(x, limit):
    y = np.zeros(6)
    for i in range(6):
        y[i] = x[i] * x[i - 1]
        if y[i] > limit:
            break
        y[i - 1] += np.sin(x[i])
    return np.sum(y * x)


@at((U, 0.3), (U, 9.0), (U, -9.0))
def break_before_a_write(x, limit):
    y = x.copy()
    for i in range(1, 6):
        t = y[i - 1] * x[i]
        if t > limit:
            break
        y[i] *= t
    return np.sum(y * y)


@at((U,))
def continue_in_writes(x):
    y = x * 2
    for i in range(6):
        if x[i] < 0:
            y[i] = 0.0
            continue
        y[i] = y[i] * y[i - 1]
    return np.sum(y * y)


@at((U, 0.1), (U, 9.0))
def return_with_writes(x, limit):
    y = np.zeros(6)
    for i in range(6):
        for j in range(i):
            y[i] += x[j] * y[j] + x[i]
            if y[i] > limit:
                return np.sum(y) * x[0]
        y[i] *= 0.5
    return np.sum(y * y)


@at((M, U[:3], 1e-3), (M, U[:3], 0.2), (M, U[:3], 100.0))
def gauss_seidel(a, b, tol):
    x = np.zeros(3)
    for k in range(12):
        change = 0.0
        for i in range(3):
            s = b[i]
            for j in range(3):
                if j == i:
                    continue
                s -= a[i, j] * x[j]
            new = s / a[i, i]
            change = max(change, abs(new - x[i]))
            x[i] = new
        if change < tol:
            break
    else:
        x[0] = 7.0
    return np.sum(x * x)


@at((U, 2), (U, 9))
def while_true_with_writes(x, n):
    i = 0
    y = np.ones(6)
    while True:
        y[i] = y[i - 1] * x[i]
        i += 1
        if i == n or i == 6:
            break
        y[i:] += y[i - 1]
    return np.sum(y * y)


@at((U, 1), (U, 5))
def swap_with_break(x, n):
    a = x.copy()
    b = np.zeros(6)
    for i in range(4):
        b[1:] = a[:-1] * x[1:]
        b[0] = a[-1]
        a, b = b, a
        if i == n:
            break
        a[2] += 0.5
    return np.sum(a * b)


@at((U, 3),)
def walrus_and_writes(x, n):
    y = np.zeros(6)
    i = 0
    while (t := np.sum(y)) < 1.0 and i < n:
        y[i] = x[i] ** 2 + t
        i += 1
    return np.sum(y * y) * t


@at((U, 3), (U, 0))
def context_and_writes(x, n):
    y = np.ones(6)
    with np.errstate(all="ignore"):
        for i in range(6):
            if i == n:
                break
            y[i] = np.log(np.abs(x[i]))
        y *= 2
    return np.sum(y * x)


def fill(out, x, limit):
    for i in range(len(out)):
        if x[i] > limit:
            return
        out[i] = x[i] ** 2


@at((U, 0.1), (U, 9.0), (U, -9.0))
def callee_that_writes_and_returns(x, limit):
    y = np.zeros(6)
    fill(y, x, limit)
    y *= x
    fill(y, y, limit)
    return np.sum(y * x)


def fill_powers(out, x, k):
    for i in range(len(out)):
        out[i] = x[i] ** 2 * k


@at((U, 2), (U, 0))
def call_that_writes_before_a_way_out(x, n):
    y = np.zeros(6)
    k = 0
    while True:
        k += 1
        fill_powers(y, x, k)
        if k > n:
            break
        x = x * 1.3 + y
    return np.sum(y * x)


@at((U, 2), (U, 0))
def store_before_a_way_out(x, n):
    y = np.zeros(6)
    for k in range(4):
        y[:] = x * k
        if k > n:
            break
        x = x * 1.3 + y
    return np.sum(y * x)


@at((U, 2), (U, 0))
def augmented_view_before_a_way_out(x, n):
    y = np.ones(6)
    for k in range(4):
        v = y[1:]
        v *= x[1:] + k
        if k > n:
            break
        x = x * 1.3 + y
    return np.sum(y * x)


# ---- several at once ------------------------------------------------------------------------------------------------


@at((0.9, 1.2, 0), (0.9, 1.2, 1), (0.9, 1.2, 4))
def everything(x, y, n):
    total = 0.0
    for i in range(n):
        if i == 1:
            continue
        j = 0
        while True:
            x = math.sin(x) + 0.1 * j
            j += 1
            if j > 2:
                break
            if x * y > 2.0:
                return total + x
        else:
            total = 1e9
        for y in np.array([x, x * 0.5, x * 0.2]):
            total = total + y
            if total > 3.0:
                break
        else:
            total = total * 1.1
        if (z := total * x) > 9.0:
            return z
    return total + x * y


@at((VECTOR, SQUARE, 0.3), (VECTOR, SQUARE, 1e-4))
def power_iteration(v, m, tol):
    v = v[:3]
    last = 0.0
    for k in range(12):
        w = m @ v + v
        size = np.sqrt(np.sum(w * w))
        v = w / size
        if abs(size - last) < tol:
            break
        last = size
    else:
        return size * 2.0
    return size + v[0] * k


@at((0.4, 1.5), (0.4, 0.2))
def line_search(x, step):
    value = (x - 2.0) ** 2
    for _ in range(5):
        slope = 2 * (x - 2.0)
        t = step
        while True:
            new = x - t * slope
            new_value = (new - 2.0) ** 2
            if new_value < value:
                break
            t = t * 0.5
            if t < 0.05:
                return x
        x, value = new, new_value
        if value < 1e-3:
            break
    return x * value + x


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    function, points = PROGRAMS[name]
    for args in points:
        check(function, *args)


def test_there_are_enough():
    assert len(PROGRAMS) >= 60


# ---- the text, and faults -------------------------------------------------------------------------------------------


def test_one_tape_is_the_counter():
    """Where a tape is pushed once in each trip that counts, nothing else counts them."""
    text = s2sad.grad(newton).specialise(0.3, 2.0, 1e-2).source
    assert "while x_tape:" in text
    assert "+= 1" not in text


def test_a_break_prints_as_written():
    text = s2sad.grad(newton).specialise(0.3, 2.0, 1e-2).source
    assert "if abs(residual) < tol:\n            break\n        x_tape" in text
    text = s2sad.grad(continue_at_the_top).specialise(0.7, 3).source
    assert "if i % 2:\n            continue\n" in text


def test_effects_happen_once(capsys):
    """What a loop prints comes once and in order; of trips that are not made, nothing."""

    def spoken(x, n):
        for i in range(n):
            print("trip", i)
            if i == 1:
                print("leaving")
                break
            x = x * 1.5
        else:
            print("else")
        return x

    for n in (1, 5):
        spoken(1.5, n)
        want = capsys.readouterr().out
        assert s2sad.grad(spoken)(1.5, n) == 1.5
        assert capsys.readouterr().out == want


#: What is broken -> what takes its place.
FAULTS = {
    "what follows a break runs": (desugar._Trips, "may_jump", lambda self, node: False),
    "a loop is reversed over its whole range": (sweeps.Sweeps, "_trips_made", lambda self, stmt, out: stmt.iter),
    "what still runs after a break is lost": (breaks, "_leaving", lambda block: []),
    "a flag is taken for its opposite": (
        breaks._Leaving, "value", lambda self, test, known: not known[test] if test in known else None,
    ),
    "trips with an adjoint are not counted": (trips, "exposed_reads", lambda block, assigned, found: found.clear()),
    "any tape that a loop pops counts its trips": (
        tapes, "_counting_tapes", lambda program: {
            loop: stmt.site.stack
            for loop in walk(program.main.body) if isinstance(loop, For)
            for stmt in loop.body if isinstance(stmt, Restore)
        },
    ),
}  # fmt: skip
SHOWN_BY = (
    "break_at_the_top", "break_in_the_middle", "break_with_work", "two_breaks", "break_deep_in_branches",
    "break_in_steps", "return_in_a_loop", "return_out_of_two_loops", "else_with_break", "walrus_in_while_read_after",
    "while_true_with_two_exits", "continue_with_work",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(monkeypatch, fault):
    monkeypatch.setattr(*FAULTS[fault])
    right = []
    for name in SHOWN_BY:
        function, points = PROGRAMS[name]
        try:
            for args in points:
                check(function, *args, second=False)
            right.append(name)
        except Exception:
            continue
    assert len(right) < len(SHOWN_BY)
