"""Rules for reading elements: items and slices, taking, sorting, and the functions that give indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import INT, SOME, STR, UNKNOWN, Dim, Kind, Shape, broadcast_shapes, join, shift
from s2sad.rules.arguments import array_of, dtype_of, places, product, shape_of
from s2sad.rules.registry import (
    UNKNOWN_LITERAL,
    Case,
    Rule,
    alias,
    linear,
    nondifferentiable,
    parse_signature,
    register,
    rule,
)

_INDEX = np.dtype(np.intp).name
Literals = Mapping[str, Any]


# Items and slices
def getitem_kind(*, literals: Literals, a: Kind, index: Kind) -> Kind:
    """The kind of `a[index]`.

    A literal index stands in `literals["index"]`; within a tuple there, UNKNOWN_LITERAL stands for a part that is no
    literal, of which only the kind is known.
    """
    literal = literals.get("index", UNKNOWN_LITERAL)
    if a.sort in ("tuple", "list", "function"):
        return _item_of_sequence(a, index, literal)
    if a.sort == "dict":
        return a.items[a.keys.index(literal)] if a.items is not None and a.keys and literal in a.keys else UNKNOWN
    if a.sort == "str":
        return STR if index.sort in ("int", "slice") else UNKNOWN
    if a.sort == "range":
        return {"int": INT, "slice": a}.get(index.sort, UNKNOWN)
    if a.sort not in ("array", "unknown"):
        return a if a.sort == "scalar" and literal == () else UNKNOWN
    entries = _entries(index, literal)
    if isinstance(a.shape, tuple) and entries is not None:
        shape = _indexed_shape(a.shape, entries)
        if shape is not None:
            whole = any(kind.sort == "ellipsis" for kind, _ in entries)
            if shape == () and a.is_array:
                advanced = any(_advanced_shape(kind) is not None for kind, _ in entries)
                return Kind("unknown" if whole and advanced else "array" if whole else "scalar", a.dtype, ())
            return Kind(a.sort, a.dtype, shape)
    # A string names a field of a structured array, of any dtype.
    if a.is_array and entries is not None and all(kind.sort in _PLAIN for kind, _ in entries):
        sliced = any(kind.sort in ("slice", "ellipsis", "none") for kind, _ in entries)
        return Kind("array" if sliced else "unknown", a.dtype if sliced else None)
    return UNKNOWN


_PLAIN = ("int", "slice", "none", "ellipsis")


def _item_of_sequence(a: Kind, index: Kind, literal: Any) -> Kind:
    """The kind of an item, or of a slice, of a tuple or list."""
    if a.items is None:
        return a if index.sort == "slice" else a.element or UNKNOWN
    if isinstance(literal, int):
        return a.items[literal] if -len(a.items) <= literal < len(a.items) else UNKNOWN
    if _is_literal_slice(literal):
        return Kind(a.sort, items=a.items[literal])
    if index.sort == "slice":
        return Kind(a.sort)
    if index.sort not in ("int", "bool", "scalar") or not a.items:
        return UNKNOWN
    result = a.items[0]
    for item in a.items[1:]:
        result = join(result, item)
    return result


def _entries(index: Kind, literal: Any) -> list[tuple[Kind, Any]] | None:
    """The parts of an index, each with its literal value or UNKNOWN_LITERAL; None where they are unknown."""
    if index.sort == "tuple":
        if index.items is None:
            return None
        known = isinstance(literal, tuple) and len(literal) == len(index.items)
        return list(zip(index.items, literal if known else (UNKNOWN_LITERAL,) * len(index.items)))
    return [(index, literal)]


def _is_literal_slice(cut: Any) -> bool:
    """Whether all of a slice is known."""
    if not isinstance(cut, slice):
        return False
    return all(part is None or isinstance(part, int) for part in (cut.start, cut.stop, cut.step)) and cut.step != 0


def _advanced_shape(index: Kind) -> Shape:
    """The shape that an array or list of integers has as an index; None for any other index."""
    names_integers = (dtype_of(index) or "").startswith(("int", "uint"))
    return shape_of(index) if index.sort in ("array", "list") and names_integers else None


def _mask_rank(index: Kind) -> int | None:
    """The number of axes that an array or list of booleans selects from; None for any other index."""
    shape = shape_of(index)
    is_mask = index.sort in ("array", "list") and dtype_of(index) == "bool"
    return len(shape) if is_mask and isinstance(shape, tuple) and shape else None


def _is_integer(index: Kind) -> bool:
    return index.sort == "int" or (index.sort == "scalar" and (index.dtype or "").startswith(("int", "uint")))


def _indexed_shape(shape: tuple[Dim, ...], entries: Sequence[tuple[Kind, Any]]) -> tuple[Dim, ...] | None:
    """The shape of an array of this shape when indexed, None where unknown or an error.

    Integers beside arrays broadcast with them; the axes that come of it stand where the first of these indices stood,
    or in front if other indices separate them.
    """
    taken = 0
    for kind, _ in entries:
        mask = _mask_rank(kind)
        if mask is not None:
            taken += mask
        elif kind.sort == "slice" or _is_integer(kind) or isinstance(_advanced_shape(kind), tuple):
            taken += 1
        elif kind.sort not in ("none", "ellipsis"):
            return None
    count = sum(kind.sort == "ellipsis" for kind, _ in entries)
    if taken > len(shape) or count > 1:
        return None
    dims: list[Dim] = []
    chosen: Shape = ()
    arrays: list[int] = []  # positions in `entries` of the indices that broadcast together
    first: int | None = None  # where their axes go
    axis = 0
    has_arrays = any(_mask_rank(kind) is not None or _advanced_shape(kind) is not None for kind, _ in entries)
    for position, (kind, literal) in enumerate(entries):
        if kind.sort == "none":
            dims.append(1)
        elif kind.sort == "ellipsis":
            dims.extend(shape[axis : axis + len(shape) - taken])
            axis += len(shape) - taken
        elif kind.sort == "slice":
            dims.append(_sliced(shape[axis], literal))
            axis += 1
        else:
            length = shape[axis]
            if isinstance(literal, int) and isinstance(length, int) and not -length <= literal < length:
                return None
            if has_arrays:
                first = len(dims) if first is None else first
                arrays.append(position)
            mask = _mask_rank(kind)
            if mask is not None:
                chosen = broadcast_shapes(chosen, (SOME,))
            elif not _is_integer(kind):
                chosen = broadcast_shapes(chosen, _advanced_shape(kind))
            axis += mask or 1
    dims.extend(shape[axis:])
    if first is not None:
        if not isinstance(chosen, tuple):
            return None
        if arrays[-1] - arrays[0] != len(arrays) - 1:
            first = 0
        dims[first:first] = chosen
    return tuple(dims)


def _sliced(dim: Dim, cut: Any) -> Dim:
    """The length of an axis of length `dim` when cut by a literal slice."""
    if not _is_literal_slice(cut):
        return SOME
    if isinstance(dim, int):
        return len(range(dim)[cut])
    start, stop, step = cut.start, cut.stop, cut.step
    if start is None and stop is None and step in (None, 1, -1):
        return dim
    if step not in (None, 1) or (start or 0) < 0 or (stop is not None and stop >= 0):
        return SOME
    return shift(dim, (stop or 0) - (start or 0))


linear("operator.getitem", "a, index", kind=getitem_kind, views=("a",), cheap=True, a="@store")


# Taking
def _take_kind(*, literals: Literals, a: Kind, indices: Kind, **_: Any) -> Kind:
    shape, picked, axis = shape_of(a), shape_of(indices), literals.get("axis", SOME)
    taken: Shape = picked
    if axis is not None:
        place = places(axis, len(shape)) if isinstance(shape, tuple) else None
        if place is None or not isinstance(shape, tuple) or not isinstance(picked, tuple):
            return Kind("unknown", None)
        taken = (*shape[: place[0]], *picked, *shape[place[0] + 1 :])
    return array_of(a, taken) if taken and a.sort != "unknown" else Kind("unknown", dtype_of(a), taken)


def _take_along_axis_kind(*, literals: Literals, arr: Kind, indices: Kind, **_: Any) -> Kind:
    axis, shape = literals.get("axis", SOME), shape_of(arr)
    if axis is None:
        return array_of(arr, shape_of(indices))
    place = places(axis, len(shape)) if isinstance(shape, tuple) else None
    picked = shape_of(indices)
    if place is None or not isinstance(shape, tuple) or not isinstance(picked, tuple) or len(picked) != len(shape):
        return array_of(arr, None)
    both = broadcast_shapes(tuple(1 if k == place[0] else dim for k, dim in enumerate(shape)), picked)
    return array_of(arr, both)


def _compress_kind(*, literals: Literals, a: Kind, axis: Kind, **_: Any) -> Kind:
    along, shape = literals.get("axis", SOME), shape_of(a)
    if along is None:
        return array_of(a, (SOME,))
    if not isinstance(shape, tuple) or axis.sort != "int":
        return array_of(a, None)
    place = places(along, len(shape))
    return array_of(a, tuple(SOME if place is None or k == place[0] else dim for k, dim in enumerate(shape)))


def _delete_kind(*, literals: Literals, arr: Kind, axis: Kind, **_: Any) -> Kind:
    return _compress_kind(literals=literals, a=arr, axis=axis)


linear(
    "numpy.take",
    "a, indices, axis=None, *, mode='raise'",
    kind=_take_kind,
    a=[
        Case("mode == 'raise' and axis is None", "take_adjoint(g, a, indices)"),
        Case("mode == 'raise'", "take_adjoint(g, a, indices, axis)"),
        Case("", "gathered_back(g, a, np.take(positions(a), indices, axis, mode=mode))"),
    ],
)
linear(
    "numpy.take_along_axis",
    "arr, indices, axis=-1",
    kind=_take_along_axis_kind,
    arr=[
        Case("axis == -1", "take_along_axis_adjoint(g, arr, indices)"),
        Case("", "take_along_axis_adjoint(g, arr, indices, axis)"),
    ],
)
linear(
    "numpy.compress",
    "condition, a, axis=None",
    kind=_compress_kind,
    a=[
        Case("axis is None", "compress_adjoint(g, a, condition)"),
        Case("", "compress_adjoint(g, a, condition, axis)"),
    ],
)
linear(
    "numpy.ndarray.compress",
    "a, condition, axis=None",
    kind=_compress_kind,
    a=[
        Case("axis is None", "compress_adjoint(g, a, condition)"),
        Case("", "compress_adjoint(g, a, condition, axis)"),
    ],
)
linear(
    "numpy.extract",
    "condition, arr",
    kind=lambda *, literals, arr, **_: array_of(arr, (SOME,)),
    arr="compress_adjoint(g, arr, np.ravel(condition))",
)
linear(
    "numpy.delete",
    "arr, obj, axis=None",
    kind=_delete_kind,
    arr=[
        Case("axis is None", "take_adjoint(g, arr, np.delete(np.arange(np.size(arr)), obj))"),
        Case("", "take_adjoint(g, arr, np.delete(np.arange(arr.shape[axis]), obj), axis)"),
    ],
)
alias("numpy.ndarray.take", "numpy.take")


# Sorting
def _sort_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    if "axis" not in literals:
        return array_of(a, None)
    return array_of(a, (product(shape),) if literals["axis"] is None else shape)


_ORDERS = "a, axis=-1, kind=None, order=None, *, stable=None"

rule(
    "numpy.sort",
    _ORDERS,
    kind=_sort_kind,
    a=[Case("axis == -1", "sort_adjoint(g, a)"), Case("", "sort_adjoint(g, a, axis)")],
    tangent={"a": [Case("axis == -1", "sort_tangent(a_dot, a)"), Case("", "sort_tangent(a_dot, a, axis)")]},
    doc="By the permutation used; equal elements keep their order.",
)


# Counting with weights
def _bincount_kind(*, literals: Literals, weights: Kind, **_: Any) -> Kind:
    return Kind("array", _INDEX if literals.get("weights", SOME) is None else "float64", (SOME,))


linear("numpy.bincount", "x, weights=None, minlength=0", kind=_bincount_kind, weights="g[x]")


# Indices and orders
def _indices_like(name: str) -> Callable[..., Kind]:
    """The kind function of integers in the shape of parameter `name`."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        shape = shape_of(bound[name])
        return Kind("array" if shape else "unknown", _INDEX, shape)

    return kind


def _flat_indices(*, literals: Literals, **_: Any) -> Kind:
    return Kind("array", _INDEX, (SOME,))


def _nonzero_kind(*, literals: Literals, a: Kind) -> Kind:
    rank = a.rank
    return Kind("tuple", items=None if rank is None else (Kind("array", _INDEX, (SOME,)),) * rank)


def _argsort_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return _sort_kind(literals=literals, a=Kind(a.sort, _INDEX, shape_of(a)))


for _owner in ("numpy", "numpy.ndarray"):
    nondifferentiable(f"{_owner}.argsort", signature=_ORDERS, kind=_argsort_kind)
    nondifferentiable(f"{_owner}.argpartition", signature="a, kth, axis=-1, kind='introselect', order=None")
    nondifferentiable(f"{_owner}.nonzero", signature="a", kind=_nonzero_kind)
    nondifferentiable(f"{_owner}.searchsorted", signature="a, v, side='left', sorter=None", kind=_indices_like("v"))
nondifferentiable("numpy.lexsort", signature="keys, axis=-1")
nondifferentiable("numpy.flatnonzero", signature="a", kind=_flat_indices)
nondifferentiable("numpy.argwhere", signature="a", kind=Kind("array", _INDEX, (SOME, SOME)))
nondifferentiable("numpy.digitize", signature="x, bins, right=False", kind=_indices_like("x"))
nondifferentiable("numpy.unravel_index", signature="indices, shape, order='C'")
nondifferentiable("numpy.ravel_multi_index", signature="multi_index, dims, mode='raise', order='C'")
nondifferentiable("numpy.indices", signature="dimensions, dtype=None, sparse=False")
# Of floats, which no index is, it would only turn them.
register(Rule("numpy.ix_", parse_signature("*args"), adjoint={"args": ()}, tangent={"args": ()}))
nondifferentiable("numpy.diag_indices", signature="n, ndim=2")
nondifferentiable("numpy.diag_indices_from", signature="arr")
nondifferentiable("numpy.tril_indices", "numpy.triu_indices", signature="n, k=0, m=None")
nondifferentiable("numpy.tril_indices_from", "numpy.triu_indices_from", signature="arr, k=0")
