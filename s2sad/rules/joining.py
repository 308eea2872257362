"""Rules that put arrays together: joining along an axis or a new one, appending, padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from s2sad.ir.kinds import (
    SOME,
    Dim,
    Kind,
    Shape,
)
from s2sad.rules.arguments import (
    KindFunction,
    Literals,
    array_of,
    asked_dtype,
    dtype_of,
    item_kinds,
    places,
    product,
    promote,
    shape_of,
    total,
)
from s2sad.rules.registry import Case, alias, rule, sequence


# Joining
def joined_dtype(items: tuple[Kind, ...]) -> str | None:
    return promote([dtype_of(item) for item in items])


def _joined(items: tuple[Kind, ...] | None, shapes: list[Shape], axis: Any) -> Kind:
    """The kind of the concatenation of arrays of these shapes along a literal axis, SOME for an unknown one."""
    if items is None or not shapes:
        return Kind("array")
    dtype = joined_dtype(items)
    if axis is None:
        return Kind("array", dtype, (total([product(shape) for shape in shapes]),))
    known = [shape for shape in shapes if isinstance(shape, tuple)]
    if not known or any(len(shape) != len(known[0]) for shape in known):
        return Kind("array", dtype)
    rank = len(known[0])
    place = places(axis, rank)
    if place is None:
        return Kind("array", dtype)
    dims: list[Dim] = []
    for k in range(rank):
        if k == place[0]:
            dims.append(total([shape[k] for shape in known]) if len(known) == len(shapes) else SOME)
        else:
            # The other axes are equal, so what one of them is known to be holds for the result.
            dims.append(min((shape[k] for shape in known), key=_vagueness))
    return Kind("array", dtype, tuple(dims))


def _vagueness(dim: Dim) -> int:
    return 0 if isinstance(dim, int) else 3 if dim == SOME else 2 if dim.symbol == "?" else 1


def _concatenate_kind(*, literals: Literals, arrays: Kind, dtype: Kind, **_: Any) -> Kind:
    items = item_kinds(arrays)
    made = _joined(items, [shape_of(item) for item in items or ()], literals.get("axis", SOME))
    return Kind("array", asked_dtype(literals, made.dtype), made.shape)


def _stack_kind(*, literals: Literals, arrays: Kind, dtype: Kind, **_: Any) -> Kind:
    items, axis = item_kinds(arrays), literals.get("axis", SOME)
    asked = asked_dtype(literals, joined_dtype(items or ()))
    known = [shape for shape in map(shape_of, items or ()) if isinstance(shape, tuple)]
    if not items or len(known) < len(items) or len({len(shape) for shape in known}) != 1:
        return Kind("array", asked)
    dims = [min((shape[k] for shape in known), key=_vagueness) for k in range(len(known[0]))]
    place = places(axis, len(dims) + 1)
    if place is None:
        return Kind("array", asked, (SOME,) * (len(dims) + 1))
    dims.insert(place[0], len(items))
    return Kind("array", asked, tuple(dims))


def _raised_kind(raise_to: Callable[[tuple[Dim, ...]], tuple[Dim, ...]], axis_of: Callable[[int], int]) -> KindFunction:
    """The kind function of a concatenation of arrays that are first brought to a rank."""

    def kind(*, literals: Literals, tup: Kind, dtype: Kind | None = None, **_: Any) -> Kind:
        items = item_kinds(tup)
        shapes = [shape_of(item) for item in items or ()]
        raised: list[Shape] = [raise_to(shape) if isinstance(shape, tuple) else None for shape in shapes]
        ranks = {len(shape) for shape in raised if isinstance(shape, tuple)}
        if items is None or len(ranks) != 1 or None in raised:
            return Kind("array")
        made = _joined(items, raised, axis_of(ranks.pop()))
        return Kind("array", asked_dtype(literals, made.dtype) if dtype else made.dtype, made.shape)

    return kind


def _take_position(axis: int, k: int) -> str:
    """The text of `g` at position k of a literal axis."""
    if axis >= 0:
        return f"g[{':, ' * axis}{k}]"
    return f"g[..., {k}{', :' * (-axis - 1)}]"


def _stack_item(values: Mapping[str, Any]) -> str | None:
    axis, k = values.get("axis"), values.get("k")
    return _take_position(axis, k) if isinstance(axis, int) and isinstance(k, int) else None


def _part_text(values: Mapping[str, Any], axis: int, over: str) -> str | None:
    """The text of the part of `g` that belongs to item k of a concatenation of arrays with that axis."""
    k, count = values.get("k"), values.get("count")
    if not isinstance(k, int) or not isinstance(count, int):
        return None

    def length(name: str) -> str:
        return f"len({name})" if axis == 0 else f"{name}.shape[{axis}]"

    before = " + ".join(length(f"{over}[{j}]") for j in range(k))
    if k == 0:
        cut = f":{length('item')}"
    elif k == count - 1:
        cut = f"{before}:"
    else:
        cut = f"{before}:{before} + {length('item')}"
    return f"g[{':, ' * axis}{cut}]" if axis >= 0 else f"g[..., {cut}{', :' * (-axis - 1)}]"


def _concatenate_item(values: Mapping[str, Any]) -> str | None:
    axis, count = values.get("axis"), values.get("count")
    item = values.get("item")
    if not isinstance(axis, int) or not isinstance(count, int) or count > 3 or not isinstance(item, Kind):
        return None
    kinds = item_kinds(values["arrays"]) if isinstance(values.get("arrays"), Kind) else None
    if axis != 0 and not (kinds and all(kind.is_array for kind in kinds)):
        return None
    return _part_text(values, axis, "arrays")


def _raised_item(axes: Mapping[int, int], rows: int | None = None) -> Callable[[Mapping[str, Any]], str | None]:
    """The formula of an item of a stacking function: `axes` is where arrays of a rank are joined.

    Arrays of rank `rows` become one position of the axis `axes[rows]` each.
    """

    def formula(values: Mapping[str, Any]) -> str | None:
        tup = values.get("tup")
        kinds = item_kinds(tup) if isinstance(tup, Kind) else None
        ranks = {kind.rank for kind in kinds} if kinds else {None}
        if not kinds or len(ranks) != 1 or not all(kind.is_array for kind in kinds) or len(kinds) > 3:
            return None
        rank = ranks.pop()
        if rank is None or rank not in axes:
            return None
        return _part_text(values, axes[rank], "tup")

    return formula


def _all_rank(rank: int, text: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A formula for items that are all of one rank; `{k}` stands for the position."""

    def formula(values: Mapping[str, Any]) -> str | None:
        tup = values.get("tup")
        kinds = item_kinds(tup) if isinstance(tup, Kind) else None
        if not kinds or any(kind.rank != rank for kind in kinds) or not isinstance(values.get("k"), int):
            return None
        return text.format(k=values["k"])

    return formula


def _raise_3d(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    return (1, *shape, 1) if len(shape) == 1 else (*shape, 1) if len(shape) == 2 else (1,) * (3 - len(shape)) + shape


_hstack_kind = _raised_kind(lambda s: s or (1,), lambda rank: 0 if rank == 1 else 1)
_vstack_kind = _raised_kind(lambda s: (1,) * (2 - len(s)) + s, lambda rank: 0)
_dstack_kind = _raised_kind(_raise_3d, lambda rank: 2)
_column_stack_kind = _raised_kind(lambda s: s if len(s) >= 2 else (product(s), 1), lambda rank: 1)

_OPTIONS = "*, dtype=None, casting='same_kind'"

sequence(
    "numpy.concatenate",
    f"arrays, axis=0, {_OPTIONS}",
    over="arrays",
    kind=_concatenate_kind,
    item=[
        Case("", _concatenate_item),
        Case("axis == 0", "part(g, arrays, k)"),
        Case("", "part(g, arrays, k, axis)"),
    ],
)
alias("numpy.concat", "numpy.concatenate")
sequence(
    "numpy.stack",
    f"arrays, axis=0, {_OPTIONS}",
    over="arrays",
    kind=_stack_kind,
    item=[
        Case("arrays.element is not None and axis == 0", "rows_of(g)"),
        Case("arrays.element is not None", "rows_of(np.moveaxis(g, axis, 0))"),
        Case("", _stack_item),
        Case("", "np.take(g, k, axis)"),
    ],
)
sequence(
    "numpy.hstack",
    f"tup, {_OPTIONS}",
    over="tup",
    kind=_hstack_kind,
    item=[
        Case("", _all_rank(0, "g[{k}]")),
        Case("", _raised_item({1: 0, 2: 1, 3: 1})),
        Case("", "hstack_part(g, tup, k)"),
    ],
)
sequence(
    "numpy.vstack",
    f"tup, {_OPTIONS}",
    over="tup",
    kind=_vstack_kind,
    item=[
        Case("", _all_rank(0, "g[{k}, 0]")),
        Case("", _all_rank(1, "g[{k}]")),
        Case("", _raised_item({2: 0, 3: 0})),
        Case("", "vstack_part(g, tup, k)"),
    ],
)
sequence(
    "numpy.dstack",
    "tup",
    over="tup",
    kind=_dstack_kind,
    item=[
        Case("", _all_rank(1, "g[0, :, {k}]")),
        Case("", _all_rank(2, "g[:, :, {k}]")),
        Case("", _raised_item({3: 2})),
        Case("", "dstack_part(g, tup, k)"),
    ],
)
sequence(
    "numpy.column_stack",
    "tup",
    over="tup",
    kind=_column_stack_kind,
    item=[
        Case("", _all_rank(0, "g[0, {k}]")),
        Case("", _all_rank(1, "g[:, {k}]")),
        Case("", _raised_item({2: 1})),
        Case("", "column_stack_part(g, tup, k)"),
    ],
)


def _append_kind(*, literals: Literals, arr: Kind, values: Kind, **_: Any) -> Kind:
    return _joined((arr, values), [shape_of(arr), shape_of(values)], literals.get("axis", SOME))


rule(
    "numpy.append",
    "arr, values, axis=None",
    kind=_append_kind,
    arr=[
        Case("axis is None and arr.rank == 1", "g[:len(arr)]"),
        Case("", "part(g, (arr, values), 0, axis)"),
    ],
    values=[
        Case("axis is None and arr.rank == 1 and values.rank == 0", "g[-1]"),
        Case("", "part(g, (arr, values), 1, axis)"),
    ],
    tangent={
        "arr": "np.append(arr_dot, np.zeros_like(values), axis)",
        "values": "np.append(np.zeros_like(arr), values_dot, axis)",
    },
)


# Padding
def _widths(literal: Any, rank: int | None) -> list[tuple[int, int]] | None:
    """Literal padding before and after each axis."""
    if rank is None:
        return None
    try:
        widths = np.broadcast_to(np.asarray(literal), (rank, 2))
    except (ValueError, TypeError):
        return None
    return [(int(before), int(after)) for before, after in widths] if widths.dtype.kind == "i" else None


def _pad_kind(*, literals: Literals, array: Kind, **_: Any) -> Kind:
    shape = shape_of(array)
    if not isinstance(shape, tuple):
        return array_of(array, None)
    widths = _widths(literals.get("pad_width"), len(shape))
    if widths is None:
        return array_of(array, (SOME,) * len(shape))
    return array_of(array, tuple(total([before + after, dim]) for (before, after), dim in zip(widths, shape)))


def _pad_adjoint(values: Mapping[str, Any]) -> str | None:
    array = values.get("array")
    widths = _widths(values.get("pad_width_value"), array.rank if isinstance(array, Kind) else None)
    if not widths or values.get("mode") != "constant":
        return None
    return "g[" + ", ".join(f"{before or ''}:{-after or ''}" for before, after in widths) + "]"


rule(
    "numpy.pad",
    "array, pad_width, mode='constant', *, constant_values=0",
    kind=_pad_kind,
    array=[Case("", _pad_adjoint), Case("mode == 'constant'", "unpad(g, array, pad_width)")],
    tangent={"array": [Case("mode == 'constant'", "np.pad(array_dot, pad_width)")]},
    doc="Padding with constants only.",
)
