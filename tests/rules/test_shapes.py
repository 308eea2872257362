"""Every rule for the shapes of arrays, in every case, against differences."""

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    chosen,
    function_of,
    kind_of,
    missed,
    rules_of,
    unknown_names,
    use,
)

from s2sad.ir.kinds import UNKNOWN, Extent, array
from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.shapes")

_random = np.random.default_rng(7)
V, M, N, T, Q = (_random.normal(size=s) for s in ((3,), (2, 3), (3, 2), (2, 3, 4), (3, 3)))
ROW, COLUMN, ONE, EMPTY = (_random.normal(size=s) for s in ((1, 3), (3, 1), (1,), (0, 3)))
ZERO_D, SCALAR = np.array(1.5), np.float64(0.7)

USES = [
    # Reshaping
    *(use("numpy.reshape", M, shape) for shape in ((3, 2), -1, (3, -1), 6, [3, 2], (1, 6), (-1, 2), (2, 3))),
    *(
        use("numpy.reshape", a, shape)
        for a, shape in ((1.5, (1,)), (ONE, ()), (ZERO_D, (1, 1)), (SCALAR, (1,)), (V, (1, -1)))
    ),
    use("numpy.reshape", EMPTY, (3, 0)),
    use("numpy.reshape", M, (3, 2), order="F"),
    use("numpy.reshape", M, (3, 2), "C"),
    *(use("numpy.ravel", a) for a in (M, V, 1.5, ZERO_D, EMPTY, ROW, ONE, T)),
    use("numpy.ravel", M, order="F"),
    use("numpy.ndarray.ravel", M),
    use("numpy.ndarray.ravel", M, order="F"),
    *(use("numpy.ndarray.flatten", a) for a in (M, ZERO_D, SCALAR)),
    use("numpy.ndarray.flatten", M, "F"),
    *(use("numpy.ndarray.reshape", M, *shape) for shape in ((3, 2), ((3, 2),), (-1,), (3, -1), ([3, 2],))),
    use("numpy.ndarray.reshape", M, (3, 2), order="F"),
    use("numpy.ndarray.reshape", ONE, ()),
    # The order of axes
    *(use("numpy.transpose", a) for a in (M, T, V, 1.5, ZERO_D, SCALAR, EMPTY)),
    *(use("numpy.transpose", T, axes) for axes in ((2, 0, 1), (-1, 0, 1), None, [1, 2, 0])),
    use("numpy.transpose", V, (0,)),
    *(use("numpy.ndarray.transpose", T, *axes) for axes in ((), (2, 0, 1), ((2, 0, 1),), (-1, 0, 1), (None,))),
    use("numpy.ndarray.transpose", ZERO_D),
    use("numpy.ndarray.transpose", V, 0),
    use("numpy.permute_dims", T, (2, 0, 1)),
    *(use("numpy.ndarray.T", a) for a in (M, V, T, ZERO_D, SCALAR)),
    *(use(name, a) for name in ("numpy.ndarray.mT", "numpy.matrix_transpose") for a in (M, T)),
    *(use("numpy.swapaxes", T, *axes) for axes in ((0, 2), (-1, 0), (1, 1))),
    use("numpy.ndarray.swapaxes", T, 0, -1),
    *(use("numpy.moveaxis", T, *axes) for axes in ((0, -1), ((0, 1), (-1, 0)), ([0, 1], [1, 2]), (2, 0))),
    # Axes of length one
    *(
        use("numpy.expand_dims", a, axis)
        for a, axis in ((M, 0), (M, -1), (M, (0, 2)), (1.5, 0), (V, 1), (ZERO_D, (0, 1)))
    ),
    *(use("numpy.squeeze", a) for a in (ROW, ONE, M, 1.5, ZERO_D, SCALAR, np.ones((1, 1)))),
    use("numpy.squeeze", ROW, 0),
    use("numpy.squeeze", COLUMN, axis=-1),
    use("numpy.squeeze", np.ones((1, 2, 1)), (0, 2)),
    use("numpy.ndarray.squeeze", ROW),
    use("numpy.ndarray.squeeze", ROW, 0),
    *(use(f"numpy.atleast_{n}d", a) for n in (1, 2, 3) for a in (1.5, ZERO_D, V, M, T)),
    # Broadcasting and repeating
    *(
        use("numpy.broadcast_to", a, shape)
        for a, shape in (
            (V, (2, 3)),
            (ROW, (2, 3)),
            (COLUMN, (3, 4)),
            (1.5, (2,)),
            (1.5, 3),
            (ZERO_D, ()),
            (M, (2, 3)),
            (ROW, (0, 3)),
        )
    ),
    *(use("numpy.tile", V, reps) for reps in (2, (2,), (2, 2), 0)),
    use("numpy.tile", 1.5, 3),
    use("numpy.tile", T, (2, 1)),
    *(use("numpy.tile", M, reps) for reps in (2, (2, 1), (2, 1, 3))),
    use("numpy.tile", ZERO_D, (2, 2)),
    use("numpy.repeat", V, 2),
    use("numpy.repeat", V, [1, 0, 2]),
    use("numpy.repeat", V, np.array([1, 0, 2])),
    *(use("numpy.repeat", M, 2, axis) for axis in (None, 0, 1, -1)),
    use("numpy.repeat", M, [1, 0, 2], axis=1),
    use("numpy.repeat", M, np.array([1, 2]), 0),
    use("numpy.repeat", 1.5, 3),
    use("numpy.repeat", M, [2] * 6),
    use("numpy.repeat", M, 0),
    use("numpy.repeat", ZERO_D, 2),
    use("numpy.ndarray.repeat", V, 2),
    # Moving elements
    use("numpy.roll", V, 1),
    use("numpy.roll", V, -4),
    use("numpy.roll", M, 1),
    use("numpy.roll", M, 1, 0),
    use("numpy.roll", M, (1, 2), (0, 1)),
    use("numpy.roll", M, (1, 2), axis=(0, -1)),
    use("numpy.roll", M, 1, axis=(0, 1)),
    use("numpy.roll", EMPTY, 1),
    use("numpy.roll", V, (1, 1)),
    use("numpy.roll", V, np.array([1, 3])),
    use("numpy.flip", V),
    use("numpy.flip", ZERO_D),
    *(use("numpy.flip", M, axis) for axis in (None, 0, -1, (0, 1))),
    use("numpy.fliplr", M),
    use("numpy.flipud", M),
    use("numpy.flipud", V),
    *(use("numpy.rot90", M, k) for k in (0, 1, 2, 3, -1)),
    use("numpy.rot90", M),
    use("numpy.rot90", T, 1, (1, 2)),
    use("numpy.rot90", T, k=1, axes=(-1, 0)),
    # Diagonals and triangles
    *(use("numpy.diag", a, k) for a in (V, M, N, Q) for k in (0, 1, -2)),
    *(use("numpy.diag", a) for a in (V, M, np.ones((1, 1)))),
    *(use("numpy.diagonal", a) for a in (Q, M, T, np.ones((1, 1)))),
    use("numpy.diagonal", M, 1),
    use("numpy.diagonal", Q, -1),
    *(use("numpy.diagonal", T, *rest) for rest in ((0, 1, 2), (1, 2, 0), (0, -1, 0))),
    use("numpy.diagonal", T, offset=-1, axis1=-2, axis2=-1),
    use("numpy.ndarray.diagonal", M),
    *(
        use(f"numpy.{name}", *rest)
        for name in ("tril", "triu")
        for rest in ((M,), (M, 1), (V,), (V, 1), (T, -1), (EMPTY,))
    ),
]


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    assert check(u)
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


@pytest.mark.parametrize(
    "u", [use("numpy.reshape", M, 6), use("numpy.transpose", T, (2, 0, 1)), use("numpy.tile", M, 2)], ids=repr
)
def test_check_notices_a_rule_that_is_off(u):
    with pytest.raises(Wrong):
        check(u, entry=broken(registry.find(u.name)))


def text(name, parameter, **values):
    entry = registry.find(name)
    given = {p.name: p.default for p in entry.parameters if p.default is not registry.REQUIRED}
    found = chosen(entry.adjoint[parameter], {**given, **values})
    return found and found[1]


def test_texts_are_short():
    assert text("numpy.transpose", "a", a=kind_of(M)) == "g.T"
    assert text("numpy.transpose", "a", a=kind_of(T), axes=(2, 0, 1)) == "np.transpose(g, (1, 2, 0))"
    assert text("numpy.ndarray.transpose", "a", a=kind_of(T), axes=(), axes_value=(2, 0, 1)) == "g.T"
    assert text("numpy.ndarray.T", "a", a=UNKNOWN) == "np.transpose(g)"
    assert text("numpy.squeeze", "a", a=kind_of(ROW), axis=0) == "np.expand_dims(g, axis)"
    assert text("numpy.tril", "m", m=kind_of(M)) == "np.tril(g)"


def test_orders_that_depend_on_the_layout_are_refused():
    for name in ("numpy.ravel", "numpy.ndarray.flatten"):
        assert text(name, "a", a=kind_of(M), order="K") is None
        assert text(name, "a", a=kind_of(M), order=registry.UNKNOWN_LITERAL) is None


def result(name, literals, **bound):
    return registry.kind_of_result(registry.find(name), bound, literals)


def test_kinds_keep_the_names_of_axes():
    a = array("float64", 3, "a")
    n, m, k = a.shape
    assert result("numpy.transpose", {"axes": (2, 0, 1)}, a=a, axes=UNKNOWN).shape == (k, n, m)
    assert result("numpy.ndarray.T", {}, a=a).shape == (k, m, n)
    assert result("numpy.expand_dims", {"axis": 1}, a=a, axis=UNKNOWN).shape == (n, 1, m, k)
    assert result("numpy.ravel", {}, a=array("float64", 1, "v")).shape == (Extent("v.0", 0, True),)
    assert result("numpy.ravel", {}, a=a).shape == (Extent("?", 0, True),)
    assert result("numpy.reshape", {}, a=a, shape=UNKNOWN).shape is None
