"""Every rule of statistics, in every case, against differences."""

from dataclasses import replace

import numpy as np
import pytest
from rules.harness import check, check_dtype, function_of, missed, numbers, partials, rules_of, unknown_names, use

from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.statistics")

AXES = [((5,), [None, 0, -1]), ((2, 3), [None, 0, 1, (0, 1)]), ((2, 1, 3), [None, (0, 2), (-1, 0), 1])]


def spaced(shape, with_nan=False):
    """Numbers so far apart that a difference does not change their order."""
    size = int(np.prod(shape, dtype=int))
    a = np.linspace(-1.1, 2.3, size)[np.random.default_rng(size).permutation(size)].reshape(shape)
    if with_nan:
        a.flat[1] = np.nan
    return a


def uses():
    for own in ("nanmedian", "nanprod", "nanvar", "nanstd"):
        for shape, axes in AXES:
            for axis in axes:
                if own in ("nanvar", "nanstd") and axis == 1 and len(shape) == 3:
                    continue
                yield from (use(f"numpy.{own}", spaced(shape), axis, keepdims=keepdims) for keepdims in (False, True))
            yield use(f"numpy.{own}", spaced(shape))
        for axis in (None, 0, 1):
            if axis != 0 or own in ("nanprod", "nanmedian"):
                yield use(f"numpy.{own}", spaced((2, 3), True), axis).at_singular_point()
    for own in ("nanvar", "nanstd"):
        yield from (use(f"numpy.{own}", spaced((3, 4)), axis, ddof=1) for axis in (None, 0, (0, 1)))
    for own, whole in (("quantile", 1), ("percentile", 100)):
        for nan in ("", "nan"):
            for shape, axes in AXES if own == "quantile" and not nan else AXES[1:2]:
                for axis in axes:
                    for q in (0.3 * whole, np.array([0.15, 0.7]) * whole, np.float64(0.45 * whole)):
                        yield use(f"numpy.{nan}{own}", spaced(shape), q, axis)
                    yield use(f"numpy.{nan}{own}", spaced(shape), 0.6 * whole, axis, keepdims=True)
            yield use(f"numpy.{nan}{own}", spaced((2, 3)), 0.3 * whole)
            yield use(f"numpy.{nan}{own}", spaced((4,)), np.array([[0.1, 0.5], [0.9, 0.95]]) * whole, keepdims=True)
            yield use(f"numpy.{nan}{own}", spaced((1,)), 0.3 * whole)
        yield use(f"numpy.nan{own}", spaced((2, 3), True), 0.3 * whole, 1).at_singular_point()
    for own in ("nancumsum", "nancumprod"):
        for shape, axes in ((5,), [None, 0, -1]), ((2, 3), [None, 0, 1, -1]), ((0,), [None, 0]):
            yield from (use(f"numpy.{own}", spaced(shape), axis) for axis in axes)
            yield use(f"numpy.{own}", spaced(shape))
        yield from (use(f"numpy.{own}", spaced((2, 3), True), axis).at_singular_point() for axis in (None, 0, 1))
    for own in ("cumulative_sum", "cumulative_prod"):
        yield use(f"numpy.{own}", spaced((5,)))
        yield from (use(f"numpy.{own}", spaced((2, 3)), axis=axis) for axis in (0, 1, -1))
        yield use(f"numpy.{own}", spaced((0,)))
    yield replace(use("numpy.cumulative_sum", spaced((5,)), include_initial=True), literal_only=True)
    for axis in (0, 1, -1):
        yield replace(use("numpy.cumulative_sum", spaced((2, 3)), axis=axis, include_initial=True), literal_only=True)
    for name in ("cov", "corrcoef"):
        for m in (numbers((5,)), numbers((2, 5)), numbers((3, 3)), numbers((1, 4))):
            yield use(f"numpy.{name}", m)
            yield use(f"numpy.{name}", m, rowvar=False) if min(np.shape(m)) > 1 else use(f"numpy.{name}", m)
            yield use(f"numpy.{name}", m, numbers(m.shape, seed=5))
        yield use(f"numpy.{name}", numbers((5, 2)), numbers((5, 3), seed=5), False)
        yield use(f"numpy.{name}", numbers((5,)), numbers((2, 5), seed=5))
    yield use("numpy.cov", numbers((2, 5)), bias=True)
    yield use("numpy.cov", numbers((2, 5)), None, True, False, 0)
    yield use("numpy.cov", numbers((5,)), numbers((5,), seed=4), ddof=2)


USES = list(uses())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    check_dtype(u)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


@pytest.mark.parametrize(("u", "expected"), [
    (use("numpy.quantile", np.array([1.0, 2.0, 2.0]), 0.5), [0, 1, 0]),
    (use("numpy.nanmedian", np.array([np.nan, 3.0, 1.0])), [0, 0.5, 0.5]),
    (use("numpy.nanprod", np.array([np.nan, 3.0, 5.0])), [0, 5, 3]),
    (use("numpy.nanstd", np.array([np.nan, 3.0, 3.0])), [0, 0, 0]),
    (use("numpy.nancumsum", np.array([np.nan, 3.0, 1.0])), [0, 2, 1]),
])  # fmt: skip
def test_singular_points(u, expected):
    for found in partials(u, "a"):
        np.testing.assert_allclose(found, expected, atol=1e-15)
