"""Which writes keep what they overwrite, and which adjoints are zeroed: by subscripts, not by the form of the text."""

import inspect
import re

import numpy as np
import pytest
from programs.oracle import check

from s2sad import grad

X = np.array([0.7, 1.3, -0.4, 2.1, 0.9])
K = np.array([0, 2, 2, 1, 4])


def running_product(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def from_zero(x):  # y[-1] is the last cell at i = 0
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def stride_two(x):
    y = np.ones(len(x))
    for i in range(2, len(x), 2):
        y[i] = y[i - 2] * x[i]
    return np.sum(y)


def stride_two_reads_ahead(x):
    y = x * 1.0
    for i in range(0, len(x) - 2, 2):
        y[i] = y[i + 2] * y[i]
    return np.sum(y)


def two_writes(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
        y[i] = y[i] * y[i]
    return np.sum(y)


def downwards(x):
    y = np.zeros(len(x))
    y[len(x) - 1] = x[0]
    for i in range(len(x) - 2, -1, -1):
        y[i] = y[i + 1] * x[i]
    return np.sum(y)


def downwards_wrong_way(x):
    y = x * 2.0
    for i in range(len(x) - 2, 0, -1):
        y[i] = y[i - 1] * y[i]
    return np.sum(y)


def swept_twice(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for k in range(2):
        for i in range(1, len(x)):
            y[i] = y[i - 1] * x[i] + y[i]
    return np.sum(y)


def not_zeros(x):  # what was there before has an adjoint
    y = x * x
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def first_cell_again(x):
    y = np.zeros(len(x))
    y[1] = x[0]
    for i in range(1, len(x)):
        y[i] = (y[i - 1] + y[1]) * x[i]
    return np.sum(y)


def unknown_start(x, n):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(n, len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def by_index_array(x, k):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[k[i]] = y[i - 1] * x[i]
    return np.sum(y)


def in_a_branch(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        j = i
        if x[i] > 0:
            j = i - 1
        y[j] = y[i - 1] * x[i]
    return np.sum(y)


def alias_written(x):
    y = np.zeros(len(x))
    z = y[1:]
    y[0] = x[0]
    for i in range(1, len(x)):
        z[i - 1] = y[i - 1] * x[i]
    return np.sum(y)


def two_dims(x):
    y = np.zeros((3, len(x)))
    y[0] = x
    for i in range(1, 3):
        for j in range(len(x)):
            y[i, j] = y[i - 1, j] * x[j]
    return np.sum(y)


#: function, further arguments, pushes on tapes, adjoints of cells that end: zero, or that of the value before.
CASES = [
    (running_product, (), 0, 0),
    (from_zero, (), 1, 1),
    (stride_two, (), 0, 0),
    (stride_two_reads_ahead, (), 1, 1),
    (two_writes, (), 1, 1),
    (downwards, (), 0, 1),  # that the last cell is none of the loop's takes more than integers
    (downwards_wrong_way, (), 1, 1),
    (swept_twice, (), 1, 1),
    (not_zeros, (), 0, 1),
    (first_cell_again, (), 1, 1),
    (unknown_start, (1,), 1, 1),
    (by_index_array, (K,), 1, 1),
    (in_a_branch, (), 2, 1),
    (alias_written, (), 1, 1),
    (two_dims, (), 0, 0),
]


@pytest.mark.parametrize(("function", "more", "pushes", "zeroed"), CASES, ids=[c[0].__name__ for c in CASES])
def test_saves_and_zeroing(function, more, pushes, zeroed):
    derivative = grad(function)
    derivative(X, *more)
    text = inspect.getsource(derivative.specialisations[0])
    ended = re.findall(r"_bar\[.*\] = ", text)  # zeroed, or given a new value
    assert (text.count(".append("), len(ended)) == (pushes, zeroed), text


@pytest.mark.parametrize(("function", "more"), [c[:2] for c in CASES], ids=[c[0].__name__ for c in CASES])
def test_right(function, more):
    check(function, X, *more)
