"""Rules for the shapes of arrays: reshaping, the order of axes, joining, repeating, padding, making and converting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import INT, SOME, UNKNOWN, Dim, Extent, Kind, Shape, broadcast_shapes, join_shapes, same_extent, shift
from s2sad.rules.registry import Case, Formula, alias, linear, nondifferentiable, rule, sequence

KindFunction = Callable[..., Kind]
Literals = Mapping[str, Any]

PLURAL = Extent("?", 0, True)
_NUMERIC = frozenset("bool int float complex scalar array".split())
_PYTHON_DTYPES = {"bool": "bool", "int": np.dtype(int).name, "float": "float64", "complex": "complex128"}


# What is known of an array argument
def promote(names: Sequence[str | None]) -> str | None:
    """The dtype that covers arrays of these dtypes, None where one is unknown."""
    try:
        return np.result_type(*[np.dtype(name) for name in names if name]).name if all(names) and names else None
    except TypeError:
        return None


def dtype_of(kind: Kind) -> str | None:
    """The dtype that NumPy gives an argument of this kind when it makes an array of it."""
    if kind.sort in ("tuple", "list"):
        if not kind.items:
            return None if kind.items is None else "float64"
        return promote([dtype_of(item) for item in kind.items])
    return _PYTHON_DTYPES.get(kind.sort, kind.dtype)


def shape_of(kind: Kind) -> Shape:
    """The shape that an argument of this kind has as an array."""
    if kind.sort in ("tuple", "list"):
        if not kind.items:
            return None if kind.items is None else (0,)
        inner = shape_of(kind.items[0])
        for item in kind.items[1:]:
            inner = join_shapes(inner, shape_of(item))
        return (len(kind.items), *inner) if isinstance(inner, tuple) else None
    return kind.shape


def array_of(kind: Kind, shape: Shape, dtype: str | None = None) -> Kind:
    """The kind of an array of this shape that a NumPy function makes of an argument of `kind`."""
    sure = kind.sort in _NUMERIC or kind.sort in ("tuple", "list")
    return Kind("array" if sure else "unknown", dtype or dtype_of(kind), shape)


def named_dtype(literal: Any) -> str | None:
    """The name of the dtype that a literal `dtype` argument says: a string, a dtype or a type of numbers."""
    number = isinstance(literal, type) and issubclass(literal, (bool, int, float, complex, np.generic))
    try:
        return np.dtype(literal).name if number or isinstance(literal, (str, np.dtype)) else None
    except TypeError:
        return None


def asked_dtype(literals: Literals, otherwise: str | None) -> str | None:
    """The dtype by an optional `dtype` argument, `otherwise` where that is None."""
    if "dtype" in literals and literals["dtype"] is None:
        return otherwise
    return named_dtype(literals.get("dtype"))


def asked_shape(literal: Any, kind: Kind) -> Shape:
    """The shape that a `shape` argument says; -1 stands for an unknown length."""
    if isinstance(literal, int):
        return (literal if literal >= 0 else SOME,)
    if isinstance(literal, (tuple, list)):
        return tuple(n if isinstance(n, int) and n >= 0 else SOME for n in literal)
    if kind.sort in ("int", "bool") or (kind.sort == "scalar" and kind.shape == ()):
        return (SOME,)
    if kind.sort in ("tuple", "list") and kind.items is not None:
        return (SOME,) * len(kind.items)
    return None


def is_one(dim: Dim) -> bool | None:
    """Whether an axis has length one, None where unknown."""
    if isinstance(dim, int):
        return dim == 1
    return False if dim.plural else None


def product(shape: Shape) -> Dim:
    """The number of elements of an array of this shape."""
    if not isinstance(shape, tuple):
        return SOME
    several = [dim for dim in shape if dim != 1]
    if len(several) <= 1:
        return several[0] if several else 1
    numbers = [dim for dim in several if isinstance(dim, int)]
    if len(numbers) == len(several):
        return math.prod(numbers)
    if 0 in numbers:
        return 0
    return PLURAL if any(is_one(dim) is False for dim in several) else SOME


def total(dims: list[Dim]) -> Dim:
    """The sum of axis lengths."""
    numbers = [dim for dim in dims if isinstance(dim, int)]
    others = [dim for dim in dims if not isinstance(dim, int)]
    if not others:
        return sum(numbers)
    # A length such as n - 1 is cut off at zero, so that adding to it says nothing certain.
    if len(others) == 1 and others[0].offset >= 0:
        return shift(others[0], sum(numbers)) if sum(numbers) else others[0]
    return SOME


def same(name: str) -> KindFunction:
    """The kind function of an operation that keeps the shape and dtype of parameter `name`."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        given: Kind = bound[name]
        result = array_of(given, shape_of(given))
        return result if result.rank else Kind("unknown", result.dtype, result.shape)

    return kind


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

linear("numpy.reshape", "a, shape, order='C', *, copy=None", a=_RESHAPE, kind=_reshape_kind, views=("a",), cheap=True, doc=_ORDER)
linear("numpy.ravel", "a, order='C'", a=_RAVEL, kind=_ravel_kind, views=("a",), cheap=True, doc=_ORDER)
linear("numpy.ndarray.reshape", "a, *shape, order='C', copy=None", kind=_array_reshape_kind, views=("a",), cheap=True, doc=_ORDER, a=[
    Case("order == 'C' and len(shape) > 0 and (shape[0].sort == 'int' or shape[0].items)", "g.reshape(a.shape)"),
    *_RESHAPE[1:],
])
alias("numpy.ndarray.ravel", "numpy.ravel")
linear("numpy.ndarray.flatten", "a, order='C'", a=_RAVEL, kind=_ravel_kind, doc=_ORDER)


# The order of axes
def places(axes: Any, rank: int) -> tuple[int, ...] | None:
    """Literal axes counted from the front; None where they are unknown or out of range."""
    axes = (axes,) if isinstance(axes, int) else axes
    if not isinstance(axes, (tuple, list)) or not all(isinstance(axis, int) and -rank <= axis < rank for axis in axes):
        return None
    return tuple(axis % rank for axis in axes)


def _permuted(a: Kind, order: tuple[int, ...] | None) -> Kind:
    shape = shape_of(a)
    if not isinstance(shape, tuple):
        return array_of(a, None)
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


linear("numpy.transpose", "a, axes=None", kind=_transpose_kind, views=("a",), cheap=True, a=[
    Case("axes is None and a.rank", "g.T"),
    Case("axes is None", "np.transpose(g)"),
    Case("", _transpose_adjoint),
    Case("", "np.transpose(g, inverse_permutation(axes))"),
])
linear("numpy.ndarray.transpose", "a, *axes", kind=_transpose_kind, views=("a",), cheap=True, a=[
    Case("len(axes) == 0 and a.rank", "g.T"),
    Case("len(axes) == 0", "np.transpose(g)"),
    Case("", _array_transpose_adjoint),
    Case("", "np.transpose(g, inverse_permutation(axes))"),
])
linear("numpy.ndarray.T", "a", kind=_transpose_kind, views=("a",), cheap=True, a=[Case("a.rank", "g.T"), Case("", "np.transpose(g)")])
linear("numpy.ndarray.mT", "a", kind=_mt_kind, views=("a",), cheap=True, a="g.mT")
linear("numpy.matrix_transpose", "a", kind=_mt_kind, views=("a",), cheap=True, a="g.mT")
linear("numpy.swapaxes", "a, axis1, axis2", kind=_swapaxes_kind, views=("a",), cheap=True, a="np.swapaxes(g, axis1, axis2)")
linear("numpy.moveaxis", "a, source, destination", kind=_moveaxis_kind, views=("a",), cheap=True, a="np.moveaxis(g, destination, source)")
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
linear("numpy.squeeze", "a, axis=None", kind=_squeeze_kind, views=("a",), cheap=True, a=[
    Case("isinstance(axis, (int, tuple))", "np.expand_dims(g, axis)"),
    Case("", "np.reshape(g, np.shape(a))"),
])
alias("numpy.ndarray.squeeze", "numpy.squeeze")
for _rank in (1, 2, 3):
    linear(f"numpy.atleast_{_rank}d", "a", kind=_atleast_kind(_rank), views=("a",), cheap=True, a=[
        Case(f"a.rank is not None and a.rank >= {_rank}", "g"),
        Case("", "np.reshape(g, np.shape(a))"),
    ])


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


def _repeat_kind(*, literals: Literals, a: Kind, repeats: Kind, **_: Any) -> Kind:
    shape, axis, times = shape_of(a), literals.get("axis", SOME), literals.get("repeats")
    if axis is None:
        shape, axis = (product(shape),), 0
    if not isinstance(shape, tuple):
        return array_of(a, None)
    place = places(axis, len(shape))
    if place is None:
        return array_of(a, (SOME,) * len(shape))
    dims = list(shape)
    dims[place[0]] = product((dims[place[0]], times)) if isinstance(times, int) and times >= 0 else SOME
    return array_of(a, tuple(dims))


linear("numpy.broadcast_to", "array, shape", kind=_broadcast_to_kind, views=("array",), cheap=True, array="unbroadcast(g, array)")
linear("numpy.tile", "A, reps", kind=_tile_kind, A=[
    Case("A.rank == 1 and reps.sort == 'int'", "g.reshape(reps, len(A)).sum(axis=0)"),
    Case("", "tile_adjoint(g, A, reps)"),
])
linear("numpy.repeat", "a, repeats, axis=None", kind=_repeat_kind, a=[
    Case("axis is None and repeats.sort == 'int' and a.is_array", "g.reshape(a.shape + (repeats,)).sum(axis=-1)"),
    Case("axis is None and repeats.sort == 'int' and a.is_number", "np.sum(g)"),
    Case("axis is None", "repeat_adjoint(g, a, repeats)"),
    Case("", "repeat_adjoint(g, a, repeats, axis)"),
])
alias("numpy.ndarray.repeat", "numpy.repeat")


# Moving elements
linear("numpy.roll", "a, shift, axis=None", kind=same("a"), a=[
    Case("axis is None and shift.sort == 'int'", "np.roll(g, -shift)"),
    Case("shift.sort == 'int'", "np.roll(g, -shift, axis)"),
    Case("", "np.roll(g, np.negative(shift), axis)"),
])
linear("numpy.flip", "m, axis=None", kind=same("m"), views=("m",), cheap=True, m=[
    Case("axis is None", "np.flip(g)"),
    Case("", "np.flip(g, axis)"),
])
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


linear("numpy.rot90", "m, k=1, axes=(0, 1)", kind=_rot90_kind, views=("m",), cheap=True, m=[
    Case("axes == (0, 1)", "np.rot90(g, -k)"),
    Case("", "np.rot90(g, -k, axes)"),
])


# Joining
def item_kinds(kind: Kind) -> tuple[Kind, ...] | None:
    """The kinds of the arrays of a sequence argument, None where unknown."""
    return kind.items if kind.sort in ("tuple", "list") else None


def joined_dtype(items: tuple[Kind, ...]) -> str | None:
    return promote([dtype_of(item) for item in items])


def _joined(items: tuple[Kind, ...] | None, shapes: list[Shape], axis: Any, literals: Literals) -> Kind:
    """The kind of the concatenation of arrays of these shapes along `axis`."""
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
        return Kind("array", dtype, (SOME,) * rank)
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
    made = _joined(items, [shape_of(item) for item in items or ()], literals.get("axis", SOME), literals)
    return Kind("array", asked_dtype(literals, made.dtype), made.shape)


def _stack_kind(*, literals: Literals, arrays: Kind, dtype: Kind, **_: Any) -> Kind:
    items, axis = item_kinds(arrays), literals.get("axis", SOME)
    made = _joined(items, [shape_of(item) for item in items or ()], 0, literals)
    asked = asked_dtype(literals, made.dtype)
    shapes = [shape_of(item) for item in items or ()]
    if not items or not all(isinstance(shape, tuple) for shape in shapes) or len({len(s) for s in shapes if isinstance(s, tuple)}) != 1:
        return Kind("array", asked)
    known = [shape for shape in shapes if isinstance(shape, tuple)]
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
        made = _joined(items, raised, axis_of(ranks.pop()), literals)
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

sequence("numpy.concatenate", "arrays, axis=0, *, dtype=None, casting='same_kind'", over="arrays", kind=_concatenate_kind, item=[
    Case("", _concatenate_item),
    Case("axis == 0", "part(g, arrays, k)"),
    Case("", "part(g, arrays, k, axis)"),
])
alias("numpy.concat", "numpy.concatenate")
sequence("numpy.stack", "arrays, axis=0, *, dtype=None, casting='same_kind'", over="arrays", kind=_stack_kind, item=[
    Case("", _stack_item),
    Case("", "np.take(g, k, axis)"),
])
sequence("numpy.hstack", "tup, *, dtype=None, casting='same_kind'", over="tup", kind=_hstack_kind, item=[
    Case("", _all_rank(0, "g[{k}]")),
    Case("", _raised_item({1: 0, 2: 1, 3: 1})),
    Case("", "hstack_part(g, tup, k)"),
])
sequence("numpy.vstack", "tup, *, dtype=None, casting='same_kind'", over="tup", kind=_vstack_kind, item=[
    Case("", _all_rank(0, "g[{k}, 0]")),
    Case("", _all_rank(1, "g[{k}]")),
    Case("", _raised_item({2: 0, 3: 0})),
    Case("", "vstack_part(g, tup, k)"),
])
sequence("numpy.dstack", "tup", over="tup", kind=_dstack_kind, item=[
    Case("", _all_rank(1, "g[0, :, {k}]")),
    Case("", _all_rank(2, "g[:, :, {k}]")),
    Case("", _raised_item({3: 2})),
    Case("", "dstack_part(g, tup, k)"),
])
sequence("numpy.column_stack", "tup", over="tup", kind=_column_stack_kind, item=[
    Case("", _all_rank(0, "g[0, {k}]")),
    Case("", _all_rank(1, "g[:, {k}]")),
    Case("", _raised_item({2: 1})),
    Case("", "column_stack_part(g, tup, k)"),
])


def _append_kind(*, literals: Literals, arr: Kind, values: Kind, **_: Any) -> Kind:
    return _joined((arr, values), [shape_of(arr), shape_of(values)], literals.get("axis", SOME), literals)


rule("numpy.append", "arr, values, axis=None", kind=_append_kind,
     arr=[Case("axis is None and arr.rank == 1", "g[:len(arr)]"), Case("", "part(g, (arr, values), 0, axis)")],
     values=[Case("axis is None and arr.rank == 1 and values.rank == 0", "g[-1]"), Case("", "part(g, (arr, values), 1, axis)")],
     tangent={"arr": "np.append(arr_dot, np.zeros_like(values), axis)", "values": "np.append(np.zeros_like(arr), values_dot, axis)"})


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


rule("numpy.pad", "array, pad_width, mode='constant', *, constant_values=0", kind=_pad_kind,
     array=[Case("", _pad_adjoint), Case("mode == 'constant'", "unpad(g, array, pad_width)")],
     tangent={"array": [Case("mode == 'constant'", "np.pad(array_dot, pad_width)")]},
     doc="Padding with constants only.")


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

linear("numpy.diag", "v, k=0", kind=_diag_kind, views=("v",), v=[
    Case("v.rank == 1 and k == 0", "np.diag(g)"),
    Case("v.rank == 1", "np.diag(g, k)"),
    Case("k == 0", _square("v", "np.diag(g)")),
    Case("v.rank == 2", "diagonal_adjoint(g, v, k)"),
    Case("", "diag_adjoint(g, v, k)"),
])
linear("numpy.diagonal", "a, offset=0, axis1=0, axis2=1", kind=_diagonal_kind, views=("a",), cheap=True, a=[
    Case(_AXES, _square("a", "np.diag(g)")),
    Case(_AXES, "diagonal_adjoint(g, a)"),
    Case("", "diagonal_adjoint(g, a, offset, axis1, axis2)"),
])
alias("numpy.ndarray.diagonal", "numpy.diagonal")
for _name in ("tril", "triu"):
    linear(f"numpy.{_name}", "m, k=0", kind=_triangle_kind, m=[
        Case("m.rank is not None and m.rank >= 2 and k == 0", f"np.{_name}(g)"),
        Case("m.rank is not None and m.rank >= 2", f"np.{_name}(g, k)"),
        Case("", f"unbroadcast(np.{_name}(g, k), m)"),
    ])


# Copies and conversions
def _floating(values: Mapping[str, Any]) -> bool | None:
    """Whether the literal `dtype` can carry a derivative; None where it is not known."""
    known = named_dtype(values.get("dtype_value", values.get("dtype")))
    return None if known is None else np.dtype(known).kind in "fc"


def _converted(text: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A formula for a conversion to a dtype that is known to carry derivatives."""
    return lambda values: text if _floating(values) else None


def _astype_kind(*, literals: Literals, a: Kind, dtype: Kind, **_: Any) -> Kind:
    return Kind(a.sort if a.is_array else "unknown", named_dtype(literals.get("dtype")), a.shape)


def _array_kind(name: str) -> KindFunction:
    """The kind function of a conversion of parameter `name` to an array."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        given: Kind = bound[name]
        dtype = asked_dtype(literals, dtype_of(given))
        shape = shape_of(given)
        least = literals.get("ndmin") if "ndmin" in bound else 0
        if least != 0:
            shape = (1,) * (least - len(shape)) + shape if isinstance(least, int) and isinstance(shape, tuple) else None
        return Kind(array_of(given, shape).sort, dtype, shape)

    return kind


def _conversion(name: str, plain: str = "dtype is None") -> Formula:
    """The adjoint of making an array of parameter `name`: of the whole array, or of an item of a list."""
    whole, listed = f"{name}.sort not in ('list', 'tuple')", f"{name}.sort in ('list', 'tuple')"
    if "ndmin" in plain:
        listed += " and ndmin == 0"
    return [
        Case(f"dtype is None and {listed}", "g[k]"),
        Case(f"{plain} and {name}.is_array", "g"),
        Case("dtype is None", f"np.reshape(g, np.shape({name}))"),
        Case(listed, _converted("g[k]")),
        Case(listed, "cast_back(g[k], item, dtype)"),
        Case(whole, f"np.reshape(cast_back(g, {name}, dtype), np.shape({name}))"),
    ]


def _contiguous_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    return Kind(array_of(a, shape).sort, asked_dtype(literals, dtype_of(a)), shape or (None if shape is None else (1,)))


#: The tangent of a conversion is the same conversion, but one to integers has none.
_SAME = [Case("dtype is None", "@same"), Case("", _converted("@same"))]
_ASTYPE = [
    Case("", _converted("g.astype(a.dtype)")),
    Case("", "cast_back(g, a, dtype)"),
]

linear("numpy.copy", "a, order='K', subok=False", kind=lambda *, literals, a, **_: array_of(a, shape_of(a)), a="g")
linear("numpy.ndarray.copy", "a, order='C'", kind=lambda *, literals, a, **_: a, a="g")
rule("numpy.ndarray.astype", "a, dtype, order='K', casting='unsafe', subok=True, copy=True", kind=_astype_kind, views=("a",),
     a=_ASTYPE, tangent={"a": _SAME[1:]})
rule("numpy.astype", "a, dtype, *, copy=True, device=None", kind=_astype_kind, views=("a",), a=_ASTYPE, tangent={"a": _SAME[1:]})
sequence("numpy.array", "object, dtype=None, *, copy=True, order='K', subok=False, ndmin=0", over="object", kind=_array_kind("object"),
         views=("object",), item=_conversion("object", "dtype is None and ndmin == 0"), tangent=_SAME)
sequence("numpy.asarray", "a, dtype=None, order=None, *, copy=None", over="a", kind=_array_kind("a"), views=("a",), item=_conversion("a"), tangent=_SAME)
alias("numpy.asanyarray", "numpy.asarray")
for _name in ("ascontiguousarray", "asfortranarray"):
    rule(f"numpy.{_name}", "a, dtype=None", views=("a",), a=[
        Case("dtype is None and a.rank", "g"),
        Case("dtype is None", "np.reshape(g, np.shape(a))"),
        Case("", "np.reshape(cast_back(g, a, dtype), np.shape(a))"),
    ], kind=_contiguous_kind, tangent={"a": _SAME})


# New arrays
def _made_kind(default: str | None = "float64") -> KindFunction:
    def kind(*, literals: Literals, shape: Kind, **bound: Any) -> Kind:
        return Kind("array", asked_dtype(literals, default), asked_shape(literals.get("shape"), shape))

    return kind


def _full_kind(*, literals: Literals, shape: Kind, fill_value: Kind, dtype: Kind, **_: Any) -> Kind:
    return Kind("array", asked_dtype(literals, dtype_of(fill_value)), asked_shape(literals.get("shape"), shape))


def _like_kind(*, literals: Literals, a: Kind, dtype: Kind, shape: Kind, **_: Any) -> Kind:
    asked = shape_of(a) if "shape" in literals and literals["shape"] is None else asked_shape(literals.get("shape"), shape)
    return Kind(array_of(a, asked).sort, asked_dtype(literals, dtype_of(a)), asked)


def _eye_kind(*, literals: Literals, dtype: Kind, **bound: Any) -> Kind:
    rows = asked_shape(literals.get("N"), bound["N"]) or (SOME,)
    columns = rows if literals.get("M", SOME) is None else asked_shape(literals.get("M"), bound["M"]) or (SOME,)
    dims = (*rows, *columns) if isinstance(rows, tuple) and isinstance(columns, tuple) else (SOME, SOME)
    return Kind("array", asked_dtype(literals, "float64"), dims)


def _identity_kind(*, literals: Literals, n: Kind, dtype: Kind, **_: Any) -> Kind:
    return _eye_kind(literals={**literals, "N": literals.get("n"), "M": None}, N=n, M=UNKNOWN, dtype=dtype)


_FLOATING_LIKE = "dtype is None and (a.sort == 'float' or (a.dtype is not None and a.carries_derivative))"


def _fill(like: bool) -> Formula:
    """The adjoint of a fill value; where the array's dtype is not known, it may hold integers."""
    if not like:
        return [
            Case("dtype is None", "unbroadcast(g, fill_value)"),
            Case("", _converted("unbroadcast(g, fill_value)")),
            Case("", "unbroadcast(cast_back(g, fill_value, dtype), fill_value)"),
        ]
    return [
        Case(_FLOATING_LIKE, "unbroadcast(g, fill_value)"),
        Case("", _converted("unbroadcast(g, fill_value)")),
        Case("dtype is None", "unbroadcast(cast_back(g, fill_value, np.result_type(a)), fill_value)"),
        Case("", "unbroadcast(cast_back(g, fill_value, dtype), fill_value)"),
    ]


for _name in ("zeros", "ones", "empty"):
    nondifferentiable(f"numpy.{_name}", signature="shape, dtype=None, order='C'", kind=_made_kind())
    nondifferentiable(f"numpy.{_name}_like", signature="a, dtype=None, order='K', subok=True, shape=None", kind=_like_kind)
rule("numpy.full", "shape, fill_value, dtype=None, order='C'", kind=_full_kind, fill_value=_fill(like=False),
     tangent={"fill_value": _SAME})
rule("numpy.full_like", "a, fill_value, dtype=None, order='K', subok=True, shape=None", kind=_like_kind, fill_value=_fill(like=True),
     tangent={"fill_value": [
         Case(_FLOATING_LIKE, "@same"),
         Case("", _converted("@same")),
         Case("dtype is None", "np.full(np.shape(y), cast_back(fill_value_dot, fill_value, np.result_type(a)))"),
     ]})
nondifferentiable("numpy.eye", signature="N, M=None, k=0, dtype=None, order='C'", kind=_eye_kind)
nondifferentiable("numpy.identity", signature="n, dtype=None", kind=_identity_kind)


# Ranges of numbers
def _arange_kind(*, literals: Literals, start: Kind, stop: Kind, step: Kind, dtype: Kind) -> Kind:
    used = (start, step) if stop.sort == "none" else (start, stop, step)
    natural = promote([dtype_of(kind) if kind.sort in _NUMERIC else None for kind in used])
    length: Dim = SOME
    values = [literals.get(name) for name in ("start", "stop", "step")]
    if isinstance(values[0], int) and "stop" in literals and isinstance(values[2], int) and values[2]:
        if values[1] is None:
            length = len(range(0, values[0], values[2]))
        elif isinstance(values[1], int):
            length = len(range(values[0], values[1], values[2]))
    return Kind("array", asked_dtype(literals, natural), (length,))


def _linspace_kind(*, literals: Literals, start: Kind, stop: Kind, dtype: Kind, **_: Any) -> Kind:
    if literals.get("retstep", SOME) is not False:
        return UNKNOWN
    inner, axis, num = broadcast_shapes(shape_of(start), shape_of(stop)), literals.get("axis"), literals.get("num")
    natural = "float64" if all(kind.sort in ("bool", "int", "float") for kind in (start, stop)) else None
    asked = asked_dtype(literals, natural)
    if not isinstance(inner, tuple):
        return Kind("array", asked)
    place = places(axis, len(inner) + 1)
    if place is None:
        return Kind("array", asked, (SOME,) * (len(inner) + 1))
    dims = list(inner)
    dims.insert(place[0], num if isinstance(num, int) else SOME)
    return Kind("array", asked, tuple(dims))


def _linspace_cases(weights: str, name: str) -> Formula:
    plain = "retstep == False and endpoint == True and dtype is None"
    return [
        Case(f"{plain} and start.is_number and stop.is_number", f"g @ np.linspace({weights}, num)"),
        Case("retstep == False and dtype is None and start.is_number and stop.is_number", f"g @ np.linspace({weights}, num, endpoint)"),
        Case("retstep == False and dtype is None and axis == 0",
             f"unbroadcast(np.tensordot(np.linspace({weights}, num, endpoint), g, 1), {name})"),
        Case("retstep == False and dtype is None",
             f"unbroadcast(np.tensordot(np.linspace({weights}, num, endpoint), np.moveaxis(g, axis, 0), 1), {name})"),
    ]


rule("numpy.arange", "start, stop=None, step=1, dtype=None", kind=_arange_kind,
     start=[Case("stop is None", "0.0"), Case("dtype is None", "np.sum(g)")],
     stop=[Case("dtype is None", "0.0")],
     step=[Case("dtype is None", "g @ np.arange(len(g))")],
     tangent={
         "start": [Case("stop is None", "np.zeros(len(y))"), Case("dtype is None", "np.full(len(y), start_dot)")],
         "stop": [Case("dtype is None", "np.zeros(len(y))")],
         "step": [Case("dtype is None", "step_dot * np.arange(len(y))")],
     }, doc="The number of elements counts as constant.")
rule("numpy.linspace", "start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0", kind=_linspace_kind,
     start=_linspace_cases("1, 0", "start"), stop=_linspace_cases("0, 1", "stop"),
     tangent={
         "start": [Case("retstep == False and dtype is None", "np.linspace(start_dot, np.zeros_like(stop), num, endpoint, axis=axis)")],
         "stop": [Case("retstep == False and dtype is None", "np.linspace(np.zeros_like(start), stop_dot, num, endpoint, axis=axis)")],
     })


# Sizes and single elements
def _shape_kind(*, literals: Literals, a: Kind) -> Kind:
    rank = a.rank
    return Kind("tuple", items=None if rank is None else (INT,) * rank)


def _item_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    if a.dtype is None or a.dtype in ("longdouble", "clongdouble", "float128", "complex256"):
        return Kind("unknown", None, ())
    try:
        sort = {"f": "float", "c": "complex", "i": "int", "u": "int", "b": "bool"}.get(np.dtype(a.dtype).kind)
    except TypeError:
        sort = None
    return Kind(sort, shape=()) if sort else UNKNOWN


nondifferentiable("numpy.shape", "numpy.ndarray.shape", signature="a", kind=_shape_kind, cheap=True)
nondifferentiable("numpy.ndarray.strides", signature="a", kind=Kind("tuple"), cheap=True)
nondifferentiable("numpy.ndim", "numpy.ndarray.ndim", "numpy.ndarray.size", "numpy.ndarray.itemsize", "numpy.ndarray.nbytes",
                  signature="a", kind=INT, cheap=True)
nondifferentiable("numpy.size", signature="a, axis=None", kind=INT, cheap=True)
nondifferentiable("numpy.ndarray.dtype", signature="a", kind=Kind("object", cls=np.dtype), cheap=True)
nondifferentiable("numpy.may_share_memory", "numpy.shares_memory", signature="a, b, max_work=None", kind=Kind("bool", shape=()))
linear("numpy.ndarray.item", "a, *place", kind=_item_kind, cheap=True, a=[
    Case("len(place) == 0", "np.full_like(a, g)"),
    Case("", "item_adjoint(g, a, place)"),
])
