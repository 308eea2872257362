"""Every rule for reading elements, in every case, against differences; the kinds of all sorts of indices."""

import itertools

import numpy as np
import pytest
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    chosen,
    function_of,
    holds,
    kind_of,
    missed,
    rules_of,
    unknown_names,
    use,
)

from s2sad.ir.kinds import FLOAT, INT, SOME, STR, UNKNOWN, Extent, Kind, array
from s2sad.rules import registry
from s2sad.rules.indexing import getitem_kind
from s2sad.rules.registry import UNKNOWN_LITERAL

NAMES = rules_of("s2sad.rules.indexing")

_random = np.random.default_rng(11)
V, W, M, T, ROW = (_random.normal(size=s) for s in ((3,), (3,), (2, 3), (2, 3, 4), (1, 3)))
TIES = np.array([0.5, -1.0, 0.5, 2.0])
ORDER = np.array([2, 0, 1])

USES = [
    *(use("numpy.take", V, i) for i in (1, ORDER, [-1, 0, 0], np.int64(1), np.array(2))),
    use("numpy.take", M, [0, 0, 5]),
    *(use("numpy.take", M, *rest) for rest in ((1, 1), ([1, 1, 0], 0), (-1, -1))),
    use("numpy.take", T, [[0, 1], [2, 0]], axis=1),
    use("numpy.take", V, ORDER, mode="raise"),
    *(use("numpy.take", a, [[0, 7], [-9, 1]], axis, mode=mode) for a in (V, M) for axis in (None, 0, -1)
      for mode in ("wrap", "clip")),
    use("numpy.ndarray.take", V, ORDER),
    use("numpy.take_along_axis", V, ORDER),
    use("numpy.take_along_axis", M, np.array([[0, 1], [1, 1]])),
    use("numpy.take_along_axis", M, np.array([[0, 1, 0]]), 0),
    use("numpy.take_along_axis", M, np.array([3, 1, 1]), None),
    use("numpy.take_along_axis", ROW, np.array([[0, 1], [2, 2]]), 1),
    use("numpy.take_along_axis", M, np.array([[1, 0]]), 1),
    use("numpy.take_along_axis", M, np.array([[1, 0, 0], [1, 1, 0]]), axis=0),
    use("numpy.compress", [True, False, True], V),
    use("numpy.compress", [True, False, True], M, axis=1),
    use("numpy.compress", np.array([True, False]), M, 0),
    use("numpy.compress", [False, True, True, False, True], M),
    use("numpy.ndarray.compress", V, [True, False, True]),
    use("numpy.ndarray.compress", M, [True, False], 0),
    use("numpy.extract", M > 0, M),
    use("numpy.extract", V > 0, V),
    use("numpy.delete", V, 1),
    use("numpy.delete", V, -1),
    use("numpy.delete", M, [0, 1], axis=1),
    use("numpy.delete", M, 1, 0),
    use("numpy.delete", M, [0, 4]),
    *(use("numpy.sort", M, axis) for axis in (0, 1, -1, None)),
    use("numpy.sort", V),
    use("numpy.sort", T, axis=1),
    use("numpy.sort", V, kind="stable"),
    use("numpy.bincount", np.array([0, 2, 2]), V),
    use("numpy.bincount", np.array([0, 2, 2])),
    use("numpy.bincount", np.array([0, 1, 1]), W, 5),
    # Without a derivative
    use("numpy.argsort", V),
    use("numpy.argsort", M, None),
    use("numpy.argsort", M, 0),
    use("numpy.ndarray.argsort", M),
    use("numpy.argpartition", V, 1),
    use("numpy.ndarray.argpartition", V, 1),
    use("numpy.lexsort", (V, W)),
    use("numpy.nonzero", M),
    use("numpy.ndarray.nonzero", M),
    use("numpy.flatnonzero", V),
    use("numpy.argwhere", M),
    use("numpy.searchsorted", np.arange(3.0), V),
    use("numpy.searchsorted", np.arange(3.0), 1.5),
    use("numpy.ndarray.searchsorted", np.arange(3.0), V),
    use("numpy.digitize", V, np.arange(3.0)),
    use("numpy.digitize", 1.5, np.arange(3.0)),
    use("numpy.unravel_index", 3, (2, 3)),
    use("numpy.indices", (2, 3)),
    use("numpy.diag_indices", 2),
    use("numpy.tril_indices", 3),
]


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    check_dtype(u)


def test_every_case_is_checked():
    covered = {("operator.getitem", "a", mode, 0) for mode in ("adjoint", "tangent")}  # the engine's own
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name)) or name == "operator.getitem"


@pytest.mark.parametrize("u", [use("numpy.take", V, ORDER), use("numpy.sort", V), use("numpy.delete", V, 1)], ids=repr)
def test_check_notices_a_rule_that_is_off(u):
    with pytest.raises(Wrong):
        check(u, entry=broken(registry.find(u.name)))


def test_sort_goes_by_a_stable_permutation():
    entry = registry.find("numpy.sort")
    adjoint = chosen(entry.adjoint["a"], {"a": kind_of(TIES), "axis": -1})[1]
    from rules.harness import evaluate

    assert evaluate(adjoint, {"g": np.array([1.0, 2.0, 3.0, 4.0]), "a": TIES}).tolist() == [2.0, 1.0, 3.0, 4.0]


# The kinds of a[index]
PARTS = [
    0,
    -1,
    1,
    np.int64(0),
    True,
    None,
    ...,
    [0, 1],
    np.array([0, 1]),
    np.array([[0, 1, 1]]),
    np.array(1),
    np.array([True, False]),
    *(
        slice(*ends)
        for ends in ((None,), (1, -1), (None, -1), (1, None), (None, 3), (-2, None), (2, -2), (-1, 1), (0, None))
    ),
    *(slice(None, None, step) for step in (2, -1)),
    slice(3, None, 1),
]
SHAPES = [(5,), (2,), (1,), (2, 5), (2, 2), (2, 1), (1, 2), (2, 2, 2), (0, 3), (3, 2)]


def kind_of_index(index, symbol="i"):
    if isinstance(index, slice):
        return Kind("slice")
    if isinstance(index, (tuple, list)):
        return Kind(type(index).__name__, items=tuple(kind_of_index(v, f"{symbol}.{k}") for k, v in enumerate(index)))
    return kind_of(index, symbol)


def literal_of_index(index):
    if isinstance(index, tuple):
        return tuple(map(literal_of_index, index))
    return UNKNOWN_LITERAL if isinstance(index, (np.ndarray, np.generic, list)) else index


def lengths_of(kind, value):
    if kind.items is not None:
        return {s: n for k, v in zip(kind.items, value) for s, n in lengths_of(k, v).items()}
    dims = kind.shape if isinstance(kind.shape, tuple) else ()
    return {dim.symbol: n for dim, n in zip(dims, np.shape(value)) if isinstance(dim, Extent)}


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_kinds_of_items_hold(shape):
    a = np.zeros(shape)
    done = 0
    for index in (*PARTS, *itertools.product(PARTS, repeat=2), *itertools.product(PARTS[::2], repeat=3)):
        try:
            value = a[index]
        except (IndexError, ValueError):
            continue
        kind = kind_of_index(index)
        lengths = {**lengths_of(kind, index), **{f"a.{k}": n for k, n in enumerate(shape)}}
        literal = literal_of_index(index)
        for known in ({} if literal is UNKNOWN_LITERAL else {"index": literal}, {}):
            predicted = getitem_kind(literals=known, a=kind_of(a, "a"), index=kind)
            holds(predicted, value, lengths, f"{shape}[{index}] with {known}: {predicted}")
            done += 1
    assert done > 100


N, MORE = (Extent(f"a.{k}", 0, True) for k in range(2))


@pytest.mark.parametrize(
    "index, shape",
    [
        (slice(1, -1), (Extent("a.0", -2), MORE)),
        (slice(None, -1), (Extent("a.0", -1), MORE)),
        (slice(1, None), (Extent("a.0", -1), MORE)),
        (slice(None, 3), (SOME, MORE)),
        (slice(None, None, -1), (N, MORE)),
        (slice(None, None, 2), (SOME, MORE)),
        (0, (MORE,)),
        ((slice(None), 0), (N,)),
        ((..., 0), (N,)),
        ((None, slice(1, None)), (1, Extent("a.0", -1), MORE)),
        ((slice(1, -1), slice(1, -1)), (Extent("a.0", -2), Extent("a.1", -2))),
    ],
)
def test_slices_keep_what_is_known(index, shape):
    found = getitem_kind(literals={"index": index}, a=array("float64", 2, "a"), index=kind_of_index(index))
    assert found == Kind("array", "float64", shape)


def test_a_vector_gives_numpy_scalars():
    for index, literals in ((INT, {}), (INT, {"index": -1}), (Kind("scalar", "int64", ()), {})):
        assert getitem_kind(literals=literals, a=array("float64", 1), index=index) == Kind("scalar", "float64", ())


def test_items_of_structures():
    pair = Kind("tuple", items=(FLOAT, INT))
    assert getitem_kind(literals={"index": 1}, a=pair, index=INT) == INT
    assert getitem_kind(literals={}, a=pair, index=INT) == FLOAT
    assert getitem_kind(literals={"index": 2}, a=pair, index=INT) == UNKNOWN
    assert getitem_kind(literals={"index": slice(1)}, a=pair, index=Kind("slice")) == Kind("tuple", items=(FLOAT,))
    assert getitem_kind(literals={}, a=STR, index=INT) == STR
    assert getitem_kind(literals={}, a=Kind("range"), index=INT) == INT
    assert getitem_kind(literals={}, a=Kind("dict"), index=STR) == UNKNOWN


def test_what_may_be_a_mask_is_unknown():
    for index in (UNKNOWN, Kind("array", None, None), Kind("scalar", None, ()), STR):
        assert getitem_kind(literals={}, a=array("float64", 2), index=index).shape is None
