"""Rules of functions that choose among elements or arrays: inserting, repeating, choosing, unique elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s2sad.ir.kinds import SOME, Kind
from s2sad.rules.arguments import Literals, array_of, asked_shape, item_kinds, shape_of
from s2sad.rules.registry import Case, alias, linear, rule, sequence
from s2sad.rules.results import broadcast_all, promoted_dtype


# Inserting and repeating
def _insert_kind(*, literals: Literals, arr: Kind, **_: Any) -> Kind:
    shape = shape_of(arr)
    if literals.get("axis", SOME) is None:
        return array_of(arr, (SOME,))
    return array_of(arr, (SOME,) * len(shape) if isinstance(shape, tuple) and shape else None)


rule(
    "numpy.insert",
    "arr, obj, values, axis=None",
    kind=_insert_kind,
    arr="gathered_back(g, arr, np.insert(positions(arr), obj, np.full(np.shape(values), -1), axis))",
    values="gathered_back(g, values, np.insert(np.full(np.shape(arr), -1), obj, positions(values), axis))",
    tangent={
        "arr": "np.insert(arr_dot, obj, np.zeros_like(values), axis)",
        "values": "np.insert(np.zeros_like(arr), obj, values_dot, axis)",
    },
)
linear(
    "numpy.resize",
    "a, new_shape",
    kind=lambda *, literals, a, new_shape: array_of(a, asked_shape(literals.get("new_shape"), new_shape)),
    a="gathered_back(g, a, np.resize(positions(a), new_shape))",
)


# Choosing
def _choose_kind(*, literals: Literals, a: Kind, choices: Kind, **_: Any) -> Kind:
    items = item_kinds(choices)
    if items is None:
        return Kind("unknown")
    shape = broadcast_all([Kind("array", None, shape_of(k)) for k in (a, *items)])
    dtype = promoted_dtype(items) if choices.sort in ("tuple", "list") else None
    return Kind("unknown" if shape == () or shape is None else "array", dtype, shape)


for _name in ("numpy.choose", "numpy.ndarray.choose"):
    sequence(
        _name,
        "a, choices, *, mode='raise'",
        over="choices",
        kind=_choose_kind,
        item=[
            Case("choices.is_array and choices.rank == 1 and mode == 'raise'", "take_adjoint(g, choices, a)"),
            Case("mode == 'raise'", "unbroadcast(np.where(np.equal(a, k), g, 0), item)"),
        ],
        tangent=[
            Case("choices.is_array and choices.rank == 1 and mode == 'raise'", "@same"),
            Case("mode == 'raise'", "@same"),
        ],
    )


def _select_kind(*, literals: Literals, condlist: Kind, choicelist: Kind, default: Kind) -> Kind:
    conditions, choices = item_kinds(condlist), item_kinds(choicelist)
    if not conditions or not choices:
        return Kind("unknown")
    shape = broadcast_all([Kind("array", None, shape_of(k)) for k in (*conditions, *choices, default)])
    return Kind("unknown" if shape == () or shape is None else "array", promoted_dtype([*choices, default]), shape)


def _only(seed: str) -> Callable[[Mapping[str, Any]], str | None]:
    """The text of a selection that takes a seed where it took item k, zero elsewhere."""

    def text(values: Mapping[str, Any]) -> str | None:
        k, count = values.get("k"), values.get("count")
        if not isinstance(k, int) or not isinstance(count, int):
            return None
        chosen = f"np.select(condlist, [{', '.join(seed if j == k else '0' for j in range(count))}])"
        return f"unbroadcast({chosen}, item)" if seed == "g" else f"rebroadcast({chosen}, y)"

    return text


sequence(
    "numpy.select",
    "condlist, choicelist, default=0",
    over="choicelist",
    kind=_select_kind,
    item=_only("g"),
    tangent=_only("item_dot"),
)


# Sets of values
def _unique_kind(*, literals: Literals, ar: Kind, **_: Any) -> Kind:
    options = ("return_index", "return_inverse", "return_counts")
    alone = all(literals.get(name) is False for name in options) and literals.get("axis", SOME) is None
    return array_of(ar, (SOME,)) if alone else Kind("unknown")


_VALUES = "return_index == False and return_inverse == False and return_counts == False and axis is None"
_FIRST = "first_places(ar)"
rule(
    "numpy.unique",
    "ar, return_index=False, return_inverse=False, return_counts=False, axis=None",
    kind=_unique_kind,
    ar=[Case(_VALUES, f"take_adjoint(g, ar, {_FIRST})")],
    tangent={"ar": [Case(_VALUES, f"np.take(ar_dot, {_FIRST})")]},
    doc="Of equal elements the first one counts.",
)


# The same arrays, in another form
linear(
    "numpy.require",
    "a, dtype=None, requirements=None",
    kind=lambda *, literals, a, **_: array_of(a, shape_of(a)),
    views=("a",),
    a=[Case("dtype is None and a.is_array", "g"), Case("", "np.reshape(cast_back(g, a, dtype), np.shape(a))")],
)
linear(
    "numpy.diagflat",
    "v, k=0",
    kind=lambda *, literals, v, **_: array_of(v, (SOME, SOME)),
    v=[
        Case("v.rank == 1 and k == 0", "np.diag(g)"),
        Case("k == 0", "np.reshape(np.diag(g), np.shape(v))"),
        Case("", "np.reshape(np.diag(g, k), np.shape(v))"),
    ],
)


def _rolled(values: Mapping[str, Any]) -> str | None:
    """The adjoint of moving an axis before another one, for literal axes."""
    a, axis, start = values.get("a"), values.get("axis_value"), values.get("start")
    if not isinstance(a, Kind) or a.rank is None or not isinstance(axis, int) or not isinstance(start, int):
        return None
    source = axis % a.rank
    before = start + a.rank if start < 0 else start
    return f"np.moveaxis(g, {before - (source < before)}, {source})"


linear(
    "numpy.rollaxis",
    "a, axis, start=0",
    kind=lambda *, literals, a, **_: array_of(a, (SOME,) * a.rank if a.rank else None),
    views=("a",),
    cheap=True,
    a=[Case("", _rolled), Case("", "unroll_axis(g, axis, start)")],
)
alias("numpy.row_stack", "numpy.vstack")
