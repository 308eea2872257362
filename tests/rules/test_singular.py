"""Singular points, of whole gradients: each value is the one that its rule says."""

import math

import numpy as np
import pytest

from s2sad import grad
from s2sad.rules import registry

ZEROS, RAMP, TIES = np.zeros(3), np.array([0.0, 1.0, 4.0]), np.array([2.0, 2.0, 1.0])
INF = np.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("rule", "f", "x", "expected"),
    [
        ("numpy.linalg.norm", lambda x: np.linalg.norm(x), ZEROS, [0, 0, 0]),
        ("numpy.linalg.norm", lambda x: np.linalg.norm(x, "nuc"), np.zeros((2, 2)), [[0, 0], [0, 0]]),
        ("numpy.linalg.vector_norm", lambda x: np.linalg.vector_norm(x), ZEROS, [0, 0, 0]),
        ("numpy.linalg.matrix_norm", lambda x: np.linalg.matrix_norm(x), np.zeros((2, 2)), [[0, 0], [0, 0]]),
        ("numpy.sqrt", lambda x: np.sum(np.sqrt(x)), RAMP, [INF, 0.5, 0.25]),
        ("numpy.absolute", lambda x: np.sum(np.abs(x)), RAMP - 1, [-1, 0, 1]),
        ("builtins.abs", lambda x: abs(x), 0.0, 0),
        ("math.fabs", lambda x: math.fabs(x), 0.0, 0),
        ("numpy.hypot", lambda x: np.hypot(x, 0.0), 0.0, 0),
        ("numpy.power", lambda x: np.sum(x**0), RAMP, [0, 0, 0]),
        ("numpy.power", lambda x: np.sum(x**0.5), RAMP, [INF, 0.5, 0.25]),
        ("numpy.power", lambda x: np.sum(x ** np.array([0.0, 1.0, 2.0])), ZEROS, [0, 1, 0]),
        ("operator.pow", lambda x: x**0.0, 0.0, 0),
        ("operator.pow", lambda p: 0.0**p, 2.0, 0),
        ("numpy.max", lambda x: np.max(x), TIES, [0.5, 0.5, 0]),
        ("numpy.min", lambda x: np.min(x), -TIES, [0.5, 0.5, 0]),
        ("builtins.max", lambda x: max(x, 1.0), 1.0, 0.5),
        ("builtins.min", lambda x: min(x, 1.0), 1.0, 0.5),
        ("numpy.sort", lambda x: np.sort(x) @ np.arange(3.0), TIES, [1, 2, 0]),
        ("numpy.median", lambda x: np.median(x), TIES, [1, 0, 0]),
        ("numpy.quantile", lambda x: np.quantile(x, 0.5), TIES, [1, 0, 0]),
        ("numpy.clip", lambda x: np.sum(np.clip(x, 1, 2)), TIES, [0.5, 0.5, 0.5]),
        ("numpy.maximum", lambda x: np.sum(np.maximum(x, 2.0)), TIES, [0.5, 0.5, 0]),
        ("numpy.minimum", lambda x: np.sum(np.minimum(x, 2.0)), TIES, [0.5, 0.5, 1]),
        ("numpy.std", lambda x: np.std(x), np.ones(3), [0, 0, 0]),
        ("numpy.where", lambda x: np.sum(np.where(x > 0, np.log(x), 0)), RAMP, [0, 1, 0.25]),
        ("numpy.where", lambda x: np.sum(np.where(x > 0, 1 / x, 0)), RAMP, [0, -1, -0.0625]),
        ("numpy.where", lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), RAMP, [0, 0.5, 0.25]),
        ("numpy.where", lambda x: np.sum(np.where(x > 0, x * np.log(x), 0)), RAMP, [np.nan, 1, 1 + math.log(4)]),
    ],
)
def test_singular_points(rule, f, x, expected):
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-14, atol=1e-15)
    assert registry.find(rule).doc, "the rule says nothing of it"


def test_square_root_of_zero_in_math():
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: math.sqrt(x))(0.0)
