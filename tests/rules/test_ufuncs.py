"""Every rule of the methods of ufuncs, in every case, against differences."""

import numpy as np
import pytest
from rules.harness import check, check_dtype, function_of, missed, numbers, rules_of, unknown_names, use

from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.ufuncs")

V, M, T = numbers((4,), 0.3, 2), numbers((3, 2), 0.3, 2, 1), numbers((2, 1, 3), 0.3, 2, 2)


def uses():
    for name in ("add", "multiply", "maximum", "minimum", "fmax", "fmin"):
        for a in (V, M, T, np.asfortranarray(M), M[::-1]):
            yield use(f"numpy.{name}.reduce", a)
            yield from (use(f"numpy.{name}.reduce", a, axis) for axis in (0, -1, None))
            yield use(f"numpy.{name}.reduce", a, axis=0, keepdims=True)
        yield use(f"numpy.{name}.reduce", T, (0, 2))
    for name in ("add", "multiply"):
        for a in (V, M, T):
            yield use(f"numpy.{name}.accumulate", a)
            yield from (use(f"numpy.{name}.accumulate", a, axis) for axis in range(-a.ndim, a.ndim))
    for indices in ([0, 2], np.array([1, 3, 2]), [0], [2, 2, 1]):
        yield use("numpy.add.reduceat", V, indices)
    yield from (use("numpy.add.reduceat", M, [0, 1], axis) for axis in (0, 1, -1))
    for name in ("add", "subtract", "multiply", "divide"):
        for a, b in ((V, V + 1), (M, V), (V, T), (V, 1.5), (2.5, M), (np.float64(1.5), 2.5), (V, np.array(0.5))):
            yield use(f"numpy.{name}.outer", a, b)


USES = list(uses())


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))
