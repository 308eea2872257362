"""Rules for the shapes of arrays: reshaping, the order of axes, repeating, moving elements, diagonals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from s2sad.ir.kinds import (
    SOME,
    Dim,
    Kind,
    Shape,
    same_extent,
    shift,
)
from s2sad.rules.arguments import (
    KindFunction,
    Literals,
    array_of,
    asked_shape,
    dtype_of,
    is_one,
    places,
    product,
    same,
    shape_of,
    total,
)
from s2sad.rules.registry import Case, alias, linear


# Reshaping
def _reshaped(a: Kind, shape: Shape) -> Kind:
    whole = product(shape_of(a))
    if isinstance(shape, tuple) and shape.count(SOME) == 1 and whole != 0:
        rest = [dim for dim in shape if dim != SOME]
        if isinstance(whole, int) and all(isinstance(dim, int) and dim for dim in rest):
            found: Dim = whole // math.prod(dim for dim in rest if isinstance(dim, int))
            shape = tuple(found if dim == SOME else dim for dim in shape)
        elif all(dim == 1 for dim in rest):
            shape = tuple(whole if dim == SOME else dim for dim in shape)
    return array_of(a, shape)


def _reshape_kind(*, literals: Literals, a: Kind, shape: Kind, **_: Any) -> Kind:
    return _reshaped(a, asked_shape(literals.get("shape"), shape))


def _array_reshape_kind(*, literals: Literals, a: Kind, shape: tuple[Kind, ...], **_: Any) -> Kind:
    literal = literals.get("shape")
    if len(shape) == 1 and shape[0].sort != "int":
        return _reshaped(a, asked_shape(literal[0] if literal else None, shape[0]))
    return _reshaped(a, asked_shape(literal, Kind("tuple", items=shape)))


def _ravel_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return array_of(a, (product(shape_of(a)),))


_GIVEN = "(shape.sort == 'int' or shape.items)"
_RESHAPE = [
    Case(f"order == 'C' and a.is_array and {_GIVEN}", "g.reshape(a.shape)"),
    Case("order == 'C'", "np.reshape(g, np.shape(a))"),
    Case("order == 'F'", "np.reshape(g, np.shape(a), order='F')"),
]
_RAVEL = [
    Case("a.is_number", "g[0]"),
    Case("order == 'C' and a.is_array", "g.reshape(a.shape)"),
    Case("order == 'C'", "np.reshape(g, np.shape(a))"),
    Case("order == 'F'", "np.reshape(g, np.shape(a), order='F')"),
]
_ORDER = "Orders 'A' and 'K' depend on the layout in memory and have no adjoint here."

linear(
    "numpy.reshape",
    "a, shape, order='C', *, copy=None",
    kind=_reshape_kind,
    views=("a",),
    cheap=True,
    doc=_ORDER,
    a=_RESHAPE,
)
linear("numpy.ravel", "a, order='C'", a=_RAVEL, kind=_ravel_kind, views=("a",), cheap=True, doc=_ORDER)
linear(
    "numpy.ndarray.reshape",
    "a, *shape, order='C', copy=None",
    kind=_array_reshape_kind,
    views=("a",),
    cheap=True,
    doc=_ORDER,
    a=[
        Case("order == 'C' and len(shape) > 0 and (shape[0].sort == 'int' or shape[0].items)", "g.reshape(a.shape)"),
        *_RESHAPE[1:],
    ],
)
alias("numpy.ndarray.ravel", "numpy.ravel")
linear("numpy.ndarray.flatten", "a, order='C'", a=_RAVEL, kind=_ravel_kind, doc=_ORDER)


# The order of axes
def _permuted(a: Kind, order: tuple[int, ...] | None) -> Kind:
    shape = shape_of(a)
    # NumPy's own numbers stay numbers, Python's become arrays.
    if a.sort == "scalar" or not isinstance(shape, tuple):
        return a if a.sort == "scalar" else array_of(a, None)
    if order is None or sorted(order) != list(range(len(shape))):
        return array_of(a, (SOME,) * len(shape))
    return array_of(a, tuple(shape[axis] for axis in order))


def _transpose_kind(*, literals: Literals, a: Kind, axes: Any = None, **_: Any) -> Kind:
    shape, order = shape_of(a), literals.get("axes", SOME)
    rank = len(shape) if isinstance(shape, tuple) else 0
    if isinstance(order, (tuple, list)) and len(order) == 1 and not isinstance(order[0], int):
        order = order[0]
    if order is None or (order == () and rank):
        order = tuple(reversed(range(rank)))
    return _permuted(a, places(order, rank))


def _reversed_kind(*, literals: Literals, a: Kind) -> Kind:
    if a.sort == "object":
        return a  # a sparse matrix
    return _permuted(a, tuple(reversed(range(a.rank or 0))))


def _swapaxes_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    rank = a.rank or 0
    swapped = places((literals.get("axis1"), literals.get("axis2")), rank)
    order = list(range(rank))
    if swapped:
        order[swapped[0]], order[swapped[1]] = order[swapped[1]], order[swapped[0]]
    return _permuted(a, tuple(order) if swapped else None)


def _moveaxis_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    rank = a.rank or 0
    source, destination = places(literals.get("source"), rank), places(literals.get("destination"), rank)
    if source is None or destination is None or len(source) != len(destination):
        return _permuted(a, None)
    order = [axis for axis in range(rank) if axis not in source]
    for to, axis in sorted(zip(destination, source)):
        order.insert(to, axis)
    return _permuted(a, tuple(order))


def _mt_kind(*, literals: Literals, a: Kind) -> Kind:
    rank = a.rank or 0
    return _permuted(a, (*range(rank - 2), rank - 1, rank - 2) if rank >= 2 else None)


def _undo_axes(axes: Any) -> str | None:
    """The literal axes that undo a transposition by literal `axes`."""
    if not isinstance(axes, (tuple, list)) or places(axes, len(axes)) is None or len(axes) < 1:
        return None
    order = places(axes, len(axes)) or ()
    return str(tuple(order.index(axis) for axis in range(len(order))))


def _transpose_adjoint(values: Mapping[str, Any]) -> str | None:
    undone = _undo_axes(values.get("axes"))
    return undone and f"np.transpose(g, {undone})"


def _array_transpose_adjoint(values: Mapping[str, Any]) -> str | None:
    axes = values.get("axes_value", values.get("axes"))
    if isinstance(axes, tuple) and len(axes) == 1 and isinstance(axes[0], tuple):
        axes = axes[0]
    undone = _undo_axes(axes)
    return undone and f"g.transpose({undone.strip('(,)')})"


linear(
    "numpy.transpose",
    "a, axes=None",
    kind=_transpose_kind,
    views=("a",),
    cheap=True,
    a=[
        Case("axes is None and a.rank", "g.T"),
        Case("axes is None", "np.transpose(g)"),
        Case("", _transpose_adjoint),
        Case("", "np.transpose(g, inverse_permutation(axes))"),
    ],
)
linear(
    "numpy.ndarray.transpose",
    "a, *axes",
    kind=_transpose_kind,
    views=("a",),
    cheap=True,
    a=[
        Case("len(axes) == 0 and a.rank", "g.T"),
        Case("len(axes) == 0", "np.transpose(g)"),
        Case("", _array_transpose_adjoint),
        Case("", "np.transpose(g, inverse_permutation(axes))"),
    ],
)
linear(
    "numpy.ndarray.T",
    "a",
    kind=_reversed_kind,
    views=("a",),
    cheap=True,
    a=[
        Case("a.rank", "g.T"),
        Case("", "np.transpose(g)"),
    ],
)
linear("numpy.ndarray.mT", "a", kind=_mt_kind, views=("a",), cheap=True, a="g.mT")
linear("numpy.matrix_transpose", "a", kind=_mt_kind, views=("a",), cheap=True, a="g.mT")
linear(
    "numpy.swapaxes", "a, axis1, axis2", kind=_swapaxes_kind, views=("a",), cheap=True, a="np.swapaxes(g, axis1, axis2)"
)
linear(
    "numpy.moveaxis",
    "a, source, destination",
    kind=_moveaxis_kind,
    views=("a",),
    cheap=True,
    a="np.moveaxis(g, destination, source)",
)
alias("numpy.ndarray.swapaxes", "numpy.swapaxes")
alias("numpy.permute_dims", "numpy.transpose")


# Axes of length one
def _expand_dims_kind(*, literals: Literals, a: Kind, axis: Kind, **_: Any) -> Kind:
    shape, axes = shape_of(a), literals.get("axis")
    if not isinstance(shape, tuple):
        return array_of(a, None)
    if isinstance(axes, (int, tuple)):
        count = len(shape) + (1 if isinstance(axes, int) else len(axes))
        new = places(axes, count)
        if new is not None:
            old = iter(shape)
            return array_of(a, tuple(1 if k in new else next(old) for k in range(count)))
    return array_of(a, (SOME,) * (len(shape) + 1) if axis.sort == "int" else None)


def _squeeze_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape, axes = shape_of(a), literals.get("axis", SOME)
    squeezed: Shape = None
    if isinstance(shape, tuple):
        removed = places(axes, len(shape))
        if removed is not None:
            squeezed = tuple(dim for k, dim in enumerate(shape) if k not in removed)
        elif axes is None and all(is_one(dim) is not None for dim in shape):
            squeezed = tuple(dim for dim in shape if not is_one(dim))
    return array_of(a, squeezed) if squeezed != () else Kind("unknown", dtype_of(a), ())


def _atleast_kind(rank: int) -> KindFunction:
    def kind(*, literals: Literals, a: Kind) -> Kind:
        shape = shape_of(a)
        if not isinstance(shape, tuple):
            return array_of(a, None)
        if rank == 3 and len(shape) in (1, 2):
            return array_of(a, (1, *shape, 1) if len(shape) == 1 else (*shape, 1))
        return array_of(a, (1,) * (rank - len(shape)) + shape)

    return kind


linear("numpy.expand_dims", "a, axis", kind=_expand_dims_kind, views=("a",), cheap=True, a="np.squeeze(g, axis)")
linear(
    "numpy.squeeze",
    "a, axis=None",
    kind=_squeeze_kind,
    views=("a",),
    cheap=True,
    a=[
        Case("isinstance(axis, (int, tuple))", "np.expand_dims(g, axis)"),
        Case("", "np.reshape(g, np.shape(a))"),
    ],
)
alias("numpy.ndarray.squeeze", "numpy.squeeze")
for _rank in (1, 2, 3):
    linear(
        f"numpy.atleast_{_rank}d",
        "a",
        kind=_atleast_kind(_rank),
        views=("a",),
        cheap=True,
        a=[
            Case(f"a.rank is not None and a.rank >= {_rank}", "g"),
            Case("", "np.reshape(g, np.shape(a))"),
        ],
    )


# Broadcasting and repeating
def _broadcast_to_kind(*, literals: Literals, array: Kind, shape: Kind, **_: Any) -> Kind:
    return array_of(array, asked_shape(literals.get("shape"), shape))


def _tile_kind(*, literals: Literals, A: Kind, reps: Kind) -> Kind:
    shape, times = shape_of(A), asked_shape(literals.get("reps"), reps)
    if not isinstance(shape, tuple) or not isinstance(times, tuple):
        return array_of(A, None)
    rank = max(len(shape), len(times))
    shape, times = (1,) * (rank - len(shape)) + shape, (1,) * (rank - len(times)) + times
    return array_of(A, tuple(product((n, t)) for n, t in zip(shape, times)))


def _repeat_kind(*, literals: Literals, a: Kind, repeats: Kind, axis: Kind) -> Kind:
    shape, along, times = shape_of(a), literals.get("axis", SOME), literals.get("repeats")
    if along is None:
        shape, along = (product(shape),), 0
    if not isinstance(shape, tuple):
        return array_of(a, None)
    place = places(along, len(shape))
    if place is None:
        return array_of(a, (SOME,) * len(shape) if axis.sort == "int" else None)
    dims = list(shape)
    dims[place[0]] = product((dims[place[0]], times)) if isinstance(times, int) and times >= 0 else SOME
    return array_of(a, tuple(dims))


linear(
    "numpy.broadcast_to",
    "array, shape",
    kind=_broadcast_to_kind,
    views=("array",),
    cheap=True,
    array="unbroadcast(g, array)",
)
linear(
    "numpy.tile",
    "A, reps",
    kind=_tile_kind,
    A=[
        Case("A.rank == 1 and reps.sort == 'int'", "g.reshape(reps, len(A)).sum(axis=0)"),
        Case("", "tile_adjoint(g, A, reps)"),
    ],
)
linear(
    "numpy.repeat",
    "a, repeats, axis=None",
    kind=_repeat_kind,
    a=[
        Case("axis is None and repeats.sort == 'int' and a.is_array", "g.reshape(a.shape + (repeats,)).sum(axis=-1)"),
        Case("axis is None and repeats.sort == 'int' and a.is_number", "np.sum(g)"),
        Case("axis is None", "repeat_adjoint(g, a, repeats)"),
        Case("", "repeat_adjoint(g, a, repeats, axis)"),
    ],
)
alias("numpy.ndarray.repeat", "numpy.repeat")


# Moving elements
linear(
    "numpy.roll",
    "a, shift, axis=None",
    kind=same("a"),
    a=[
        Case("axis is None and shift.sort == 'int'", "np.roll(g, -shift)"),
        Case("shift.sort == 'int'", "np.roll(g, -shift, axis)"),
        Case("", "np.roll(g, np.negative(shift), axis)"),
    ],
)
linear(
    "numpy.flip",
    "m, axis=None",
    kind=same("m"),
    views=("m",),
    cheap=True,
    m=[
        Case("axis is None", "np.flip(g)"),
        Case("", "np.flip(g, axis)"),
    ],
)
linear("numpy.fliplr", "m", kind=same("m"), views=("m",), cheap=True, m="np.fliplr(g)")
linear("numpy.flipud", "m", kind=same("m"), views=("m",), cheap=True, m="np.flipud(g)")


def _rot90_kind(*, literals: Literals, m: Kind, **_: Any) -> Kind:
    k, axes = literals.get("k"), places(literals.get("axes"), m.rank or 0)
    if k is None or axes is None or len(axes) != 2:
        return _permuted(m, None)
    order = list(range(m.rank or 0))
    if k % 2:
        order[axes[0]], order[axes[1]] = axes[1], axes[0]
    return _permuted(m, tuple(order))


linear(
    "numpy.rot90",
    "m, k=1, axes=(0, 1)",
    kind=_rot90_kind,
    views=("m",),
    cheap=True,
    m=[
        Case("axes == (0, 1)", "np.rot90(g, -k)"),
        Case("", "np.rot90(g, -k, axes)"),
    ],
)


# Diagonals and triangles
def _diag_kind(*, literals: Literals, v: Kind, **_: Any) -> Kind:
    shape, k = shape_of(v), literals.get("k")
    if not isinstance(shape, tuple) or len(shape) not in (1, 2):
        return array_of(v, None)
    if len(shape) == 1:
        dim = total([shape[0], abs(k)]) if isinstance(k, int) else SOME
        return array_of(v, (dim, dim))
    return array_of(v, (_diagonal_length(shape[0], shape[1], k),))


def _diagonal_length(n: Dim, m: Dim, k: Any) -> Dim:
    if isinstance(n, int) and isinstance(m, int) and isinstance(k, int):
        return max(min(n + min(k, 0), m - max(k, 0)), 0)
    return shift(n, -abs(k)) if isinstance(k, int) and same_extent(n, m) else SOME


def _diagonal_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    if not isinstance(shape, tuple) or len(shape) < 2:
        return array_of(a, None)
    axes = places((literals.get("axis1"), literals.get("axis2")), len(shape))
    if axes is None:
        return array_of(a, (SOME,) * (len(shape) - 1))
    length = _diagonal_length(shape[axes[0]], shape[axes[1]], literals.get("offset"))
    return array_of(a, (*(dim for k, dim in enumerate(shape) if k not in axes), length))


def _triangle_kind(*, literals: Literals, m: Kind, **_: Any) -> Kind:
    shape = shape_of(m)
    return array_of(m, (*shape, *shape) if isinstance(shape, tuple) and len(shape) == 1 else shape if m.rank else None)


def _square(name: str, text: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A formula for a matrix that is known to be square."""

    def formula(values: Mapping[str, Any]) -> str | None:
        shape = values[name].shape
        return text if isinstance(shape, tuple) and len(shape) == 2 and same_extent(shape[0], shape[1]) else None

    return formula


_AXES = "offset == 0 and axis1 == 0 and axis2 == 1"

linear(
    "numpy.diag",
    "v, k=0",
    kind=_diag_kind,
    views=("v",),
    v=[
        Case("v.rank == 1 and k == 0", "np.diag(g)"),
        Case("v.rank == 1", "np.diag(g, k)"),
        Case("k == 0", _square("v", "np.diag(g)")),
        Case("v.rank == 2", "diagonal_adjoint(g, v, k)"),
        Case("", "diag_adjoint(g, v, k)"),
    ],
)
linear(
    "numpy.diagonal",
    "a, offset=0, axis1=0, axis2=1",
    kind=_diagonal_kind,
    views=("a",),
    cheap=True,
    a=[
        Case(_AXES, _square("a", "np.diag(g)")),
        Case(_AXES, "diagonal_adjoint(g, a)"),
        Case("", "diagonal_adjoint(g, a, offset, axis1, axis2)"),
    ],
)
alias("numpy.ndarray.diagonal", "numpy.diagonal")
for _name in ("tril", "triu"):
    linear(
        f"numpy.{_name}",
        "m, k=0",
        kind=_triangle_kind,
        m=[
            Case("m.rank is not None and m.rank >= 2 and k == 0", f"np.{_name}(g)"),
            Case("m.rank is not None and m.rank >= 2", f"np.{_name}(g, k)"),
            Case("", f"unbroadcast(np.{_name}(g, k), m)"),
        ],
    )
