"""Every rule of reductions, in every case, against differences."""

from dataclasses import replace

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    function_of,
    is_exact,
    missed,
    numbers,
    partials,
    rules_of,
    unknown_names,
    use,
)

from s2sad.rules import registry
from s2sad.runtime import reductions

NAMES = rules_of("s2sad.rules.reductions")
RUNTIME = [n for n in NAMES if n.startswith("s2sad.")]

REDUCTIONS = ["sum", "mean", "average", "max", "min", "nanmax", "nanmin", "ptp", "median", "prod", "nansum", "nanmean"]

#: Shapes with the axes to reduce over.
AXES = [
    ((), [None, ()]), ((4,), [None, 0, -1, (0,)]), ((2, 3), [None, 0, 1, -1, -2, (0, 1), (1, 0), (-1,), ()]),
    ((2, 1, 3), [None, 1, (0, 2), (-1, 0), (2, 1)]), ((1,), [None, 0]), ((1, 1), [None, 0, (0, 1)]),
]  # fmt: skip
EMPTY = [((0,), [None, 0]), ((0, 3), [None, 0, 1]), ((2, 0), [0, 1, (0, 1)])]


def spaced(shape):
    """Numbers so far apart that a difference does not change their order."""
    size = int(np.prod(shape, dtype=int))
    order = np.random.default_rng(size).permutation(size)
    return (np.linspace(-1.1, 2.3, size)[order]).reshape(shape) if size else np.zeros(shape)


def uses():
    for own in REDUCTIONS:
        name = f"numpy.{own}"
        for shape, axes in AXES:
            for axis in axes:
                if axis == () and own in ("median", "average", "nanmean"):
                    continue
                for keepdims in (False, True):
                    yield use(name, spaced(shape), axis, keepdims=keepdims)
            yield use(name, spaced(shape))
        for shape, axes in EMPTY:
            if own in ("sum", "prod", "nansum"):
                yield from (use(name, spaced(shape), axis) for axis in axes)
        if own in ("max", "min", "ptp", "mean", "median"):
            yield use(name, np.zeros((0, 3)), axis=1)
        if own in ("max", "min", "ptp", "mean"):
            yield use(name, np.zeros((0, 3, 2)), axis=(1, 2))
        yield use(name, np.float64(1.5))
        yield use(name, 1.5)
    mask = np.array([[True, False, True], [False, True, True]])
    for axis, keepdims in ((None, False), (0, False), (1, True), ((0, 1), False), (-1, False)):
        given = {"axis": axis, "keepdims": keepdims}
        for own in ("sum", "mean", "prod"):
            yield use(f"numpy.{own}", spaced((2, 3)), where=mask, **given)
        for own in ("sum", "prod"):
            yield use(f"numpy.{own}", spaced((2, 3)), initial=0.5, **given)
            yield use(f"numpy.{own}", spaced((2, 3)), initial=0.5, where=mask[0], **given)
        for own in ("max", "min", "nanmax", "nanmin"):
            bound = -0.5 if "max" in own else 1.0
            yield use(f"numpy.{own}", spaced((2, 3)), initial=bound, where=mask, **given)
            yield use(f"numpy.{own}", spaced((2, 3)), initial=bound, **given)
            yield use(f"numpy.{own}", spaced((2, 3)), initial=-40 * bound, **given)
        for own in ("sum", "mean"):
            yield replace(use(f"numpy.{own}", spaced((2, 3)), dtype="float64", **given), literal_only=True)
    yield replace(use("numpy.sum", spaced((2, 3)), dtype="float64", where=mask), literal_only=True)
    with_nan = spaced((2, 3)).copy()
    with_nan[0, 1] = np.nan
    for own in ("nansum", "nanmean", "nanmax", "nanmin"):
        for axis in (None, 0, 1):
            yield from (use(f"numpy.{own}", with_nan, axis, keepdims=k).at_singular_point() for k in (False, True))
    for own in ("var", "std"):
        for ddof in (0, 1):
            for shape, axes in AXES[1:4]:
                for axis in axes:
                    if axis != () and (ddof == 0 or axis != 1 or shape != (2, 1, 3)):
                        for keepdims in (False, True):
                            yield use(f"numpy.{own}", spaced(shape), axis, ddof=ddof, keepdims=keepdims)
            yield use(f"numpy.{own}", spaced((2, 3)), ddof=ddof)
        yield use(f"numpy.{own}", spaced((1, 4)))
        yield use(f"numpy.{own}", np.zeros((0, 3)), axis=1)
        yield use(f"numpy.{own}", np.float64(1.5))
    for shape, axes in AXES[1:]:
        for axis in axes:
            if axis != ():
                for keepdims in (False, True):
                    yield use("numpy.average", spaced(shape), axis, numbers(shape, 0.2, 1), keepdims=keepdims)
    yield use("numpy.average", spaced((4,)), weights=numbers((4,), 0.2, 1))
    for axis in (0, -1, 1):
        yield use("numpy.average", spaced((2, 3)), axis, numbers(((2, 3)[axis],), 0.2, 1))
    for keepdims in (False, True):
        yield use("numpy.average", spaced((2, 3, 4)), (0, 2), numbers((2, 4), 0.2, 1), keepdims=keepdims)
        yield use("numpy.average", spaced((2, 3, 4)), (2, 0), numbers((4, 2), 0.2, 1), keepdims=keepdims)
        yield use("numpy.average", spaced((2, 3, 4)), (-1, 0), numbers((4, 2), 0.2, 1), keepdims=keepdims)
    for own in ("cumsum", "cumprod"):
        for shape, axes in (
            ((4,), [None, 0, -1]), ((2, 3), [None, 0, 1, -1]), ((2, 1, 3), [None, -2, 2]), ((0,), [None, 0]),
        ):  # fmt: skip
            yield from (use(f"numpy.{own}", spaced(shape), axis) for axis in axes)
        yield use(f"numpy.{own}", spaced((2, 3)))
        yield use(f"numpy.{own}", np.array(1.5))
        yield use(f"numpy.{own}", np.float64(1.5))
    for axis in (None, 0, 1, -1):
        zeros = np.array([[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 1.5, 2.0]])
        yield use("numpy.prod", zeros, axis)
        yield use("numpy.cumprod", zeros, axis)
    here = "s2sad.runtime.reductions"
    a = spaced((2, 3))
    for axis, keepdims in ((None, False), (0, False), (1, True), ((0, 1), False)):
        g = np.asarray(np.sum(a * 0 + 1.3, axis=axis, keepdims=keepdims))[()]
        for pair in ("ptp", "median", "nanmean"):
            yield use(f"{here}.{pair}_adjoint", g, a, axis, keepdims).by("x")
            yield use(f"{here}.{pair}_tangent", a + 1, a, axis, keepdims).by("x")
        y = np.max(a, axis=axis, keepdims=keepdims)
        yield use(f"{here}.split_ties", g, a, y, axis, keepdims).by("x")
        yield use(f"{here}.ties_tangent", a + 1, a, y, axis, keepdims).by("x")
        yield use(f"{here}.products_of_others", a, axis)
        yield use(f"{here}.merge_axes", a, axis)
        yield use(f"{here}.unmerge_axes", reductions.merge_axes(a * a, axis), a, axis)
        yield use(f"{here}.var_adjoint", g, a, axis, 0, keepdims)
        yield use(f"{here}.var_tangent", a * a, a, axis, 1, keepdims)
        yield use(f"{here}.align_weights", numbers((2, 3), 0.2, 1), a, axis)
    for axis, weights in ((0, numbers((2,))), (-1, numbers((3,)))):
        yield use(f"{here}.align_weights", weights, a, axis)
        yield use(f"{here}.align_back", a, weights, axis)
    yield use(f"{here}.align_back", a, a, 0)
    yield use(f"{here}.align_back", a, a, None)
    for axis in (None, 0, -1):
        yield use(f"{here}.flattened", a, axis)
    for axis, x, factors in ((0, a, a + 1), (-1, a, a + 1), (None, a[0], a[1])):
        yield use(f"{here}.shifted", x, axis, 1)
        yield use(f"{here}.shifted_back", x, axis)
        yield use(f"{here}.accumulate", x, factors, axis)
        yield use(f"{here}.accumulate_back", x, factors, axis)


USES = [replace(u, tolerance=1e-5) if "s2sad" in u.name else u for u in uses()]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    if not u.name.startswith("s2sad."):
        check_dtype(u)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


def test_kinds_are_exact():
    vague = [u for u in USES if not u.name.startswith("s2sad.") and not is_exact(u)]
    # np.median returns an array without axes here, and a number elsewhere.
    assert {u.name for u in vague} == {"numpy.median"} and all(np.ndim(u.args[0]) == 0 for u in vague)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


def test_methods_are_the_functions():
    a = spaced((2, 3))
    for own in "sum mean prod var std max min cumsum cumprod argmax argmin any all".split():
        assert registry.find(f"numpy.ndarray.{own}") is registry.find(f"numpy.{own}")
        np.testing.assert_array_equal(getattr(a, own)(0), getattr(np, own)(a, 0))


FIRST = {}
for _u in USES:
    if _u.differences and _u.args and np.shape(_u.args[0]) == (2, 3):
        FIRST.setdefault(_u.name, _u)


@pytest.mark.parametrize("name", sorted(n for n in FIRST if n.startswith("numpy.")))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(FIRST[name], entry=broken(registry.find(name)))


# Singular points
TIES = np.array([[3.0, 1.0, 3.0], [1.0, 1.0, 3.0]])


@pytest.mark.parametrize(
    ("u", "expected"),
    [
        (use("numpy.max", TIES), [[1 / 3, 0, 1 / 3], [0, 0, 1 / 3]]),
        (use("numpy.max", TIES, 1), [[0.5, 0, 0.5], [0, 0, 1]]),
        (use("numpy.max", TIES, axis=0, keepdims=True), [[1, 0.5, 0.5], [0, 0.5, 0.5]]),
        (use("numpy.max", TIES, axis=(0, 1)), [[1 / 3, 0, 1 / 3], [0, 0, 1 / 3]]),
        (use("numpy.min", TIES, axis=-1), [[0, 1, 0], [0.5, 0.5, 0]]),
        (use("numpy.min", np.full(4, 2.0)), [0.25, 0.25, 0.25, 0.25]),
        (use("numpy.nanmax", np.array([np.nan, 2.0, 2.0])), [0, 0.5, 0.5]),
        (use("numpy.ptp", np.array([1.0, 2.0, 2.0])), [-1, 0.5, 0.5]),
        (use("numpy.std", np.full(4, 2.0)), [0, 0, 0, 0]),
        (use("numpy.std", np.full((2, 2), 2.0), axis=0), [[0, 0], [0, 0]]),
        (use("numpy.std", np.full((2, 2), 2.0), axis=0, ddof=1, keepdims=True), [[0, 0], [0, 0]]),
        (use("numpy.nansum", np.array([np.nan, 2.0])), [0, 1]),
        (use("numpy.nanmean", np.array([np.nan, 2.0, 3.0])), [0, 0.5, 0.5]),
        (use("numpy.median", np.array([2.0, 2.0, 1.0])), [1, 0, 0]),
        (use("numpy.prod", np.array([0.0, 2.0, 3.0])), [6, 0, 0]),
        (use("numpy.prod", np.array([0.0, 2.0, 0.0])), [0, 0, 0]),
    ],
    ids=repr,
)
def test_singular_points(u, expected):
    found = partials(u, "a")
    assert found
    for adjoint in found:
        np.testing.assert_allclose(adjoint, expected, atol=1e-15)


def test_short_texts():
    """The texts of common reductions are what a careful person would write."""

    def text(name, **literals):
        entry = registry.find(name)
        values = {p.name: literals.get(p.name, p.default) for p in entry.parameters}
        values["a"] = registry.kind_of(np.ones((2, 3)), "a")
        return registry.choose(entry.adjoint["a"], values)

    assert text("numpy.sum") == "spread(g, a, axis, keepdims)"
    assert text("numpy.mean") == "spread(g / a.size, a, axis, keepdims)"
    assert text("numpy.mean", axis=0) == "spread(g / len(a), a, axis, keepdims)"
    assert text("numpy.mean", axis=1) == "spread(g / a.shape[axis], a, axis, keepdims)"
    assert text("numpy.var", axis=0) == "spread(2 * g / len(a), a, axis, keepdims) * (a - a.mean(axis=0))"
    assert text("numpy.var") == "2 * g / a.size * (a - a.mean())"
    assert text("numpy.max") == "g * (a == y) / len(a[a == y])"


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (("numpy.sum", np.ones((2, 3), "int8")), "int64"), (("numpy.sum", np.ones(3, bool)), "int64"),
        (("numpy.mean", np.ones(3, "int32")), "float64"), (("numpy.mean", np.ones(3, "float16")), "float16"),
        (("numpy.max", np.ones(3, "int8")), "int8"), (("numpy.cumsum", np.ones(3, bool)), "int64"),
        (("numpy.any", np.ones(3)), "bool"), (("numpy.argmax", np.ones(3)), "int64"),
        (("numpy.var", np.ones(3, "complex128")), "float64"), (("numpy.prod", np.ones(3, "uint8")), "uint64"),
    ],
)  # fmt: skip
def test_kinds(call, kind):
    name, a = call
    entry = registry.find(name)
    found = registry.kind_of_result(entry, {"a": registry.kind_of(a, "a")}, {})
    assert found.dtype == kind == np.asarray(function_of(name)(a)).dtype.name


def test_axes_are_merged_and_unmerged():
    a = np.arange(24.0).reshape(2, 3, 4)
    for axis in (None, 0, -1, (0, 2), (2, 0), ()):
        merged = reductions.merge_axes(a, axis)
        np.testing.assert_array_equal(reductions.unmerge_axes(merged, a, axis), a)
