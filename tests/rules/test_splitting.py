"""Functions that cut an array into a list: programs that use all parts, some, or none, by position and in loops."""

import numpy as np
import pytest
from rules.harness import agree
from rules.test_orders import check_second, slope

from s2sad import grad
from s2sad.errors import S2sadError
from s2sad.transforms import jvp

X = np.array([[0.7, 1.2, 0.4], [1.1, -0.3, 0.5]])
W = np.array([0.5, -1.5, 2.0])


def loop_over_rows(x):
    total = 0.0
    for k, row in enumerate(np.unstack(x * x)):
        total = total + np.sum(row * row * W) * (k + 1)
    return total


def pair_of_rows(x):
    a, b = np.unstack(np.sin(x))
    return np.sum(a * b * W)


def columns(x):
    parts = np.unstack(x * x, axis=1)
    return np.sum(parts[0] * parts[2] ** 2)


def one_part(x):
    return np.sum(np.split(x * x, 3, axis=1)[1] ** 2)


def by_places(x):
    a, b = np.split(np.exp(x), [1])
    return np.sum(a) * np.sum(b**2)


def uneven(x):
    parts = np.array_split(x, 2, 1)
    return np.sum(parts[0] ** 3) + np.sum(parts[1]) ** 2


def across(x):
    a, b, c = np.hsplit(x * x, 3)
    return np.sum(a * b * c)


def down(x):
    a, b = np.vsplit(x, 2)
    return np.sum(a * b * W)


def deep(x):
    a, b, c = np.dsplit(np.stack([x, x * x]), 3)
    return np.sum(a * b) + np.sum(c)


@pytest.mark.parametrize(
    "f", [loop_over_rows, pair_of_rows, columns, one_part, by_places, uneven, across, down, deep]
)
def test_splitting(f):
    gradient, d = grad(f)(X), np.cos(np.arange(6.0)).reshape(2, 3)
    agree(np.sum(gradient * d), slope(f, X, d), 1e-7, f.__name__)
    agree(jvp(f)(X, d)[1], np.sum(gradient * d), 1e-12, f.__name__)
    assert gradient.flags.writeable and gradient.dtype == X.dtype


@pytest.mark.parametrize("f", [loop_over_rows, pair_of_rows, columns])
def test_second_order(f):
    check_second(f, X)


def written(x):
    y = x * 1.0
    parts = np.split(y, 2)
    parts[0][...] = 5.0 * x[1]
    return np.sum(y * y)


def test_writes_into_parts_are_refused():
    with pytest.raises(S2sadError, match="cannot be proved"):
        grad(written)(X)
