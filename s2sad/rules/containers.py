"""Rules of what emitted text does with lists of unknown length, so that it can be differentiated again."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import UNKNOWN, Kind, common_element
from s2sad.rules.registry import linear, nondifferentiable, rule

_OWNER = "s2sad.runtime.containers"


def _list_of(kind: Kind | None) -> Kind:
    return Kind("list", element=kind)


def _rows_kind(*, a: Kind, **_: Any) -> Kind:
    if not isinstance(a.shape, tuple) or not a.shape:
        return _list_of(UNKNOWN)
    return _list_of(Kind("array" if a.shape[1:] else "scalar", a.dtype, a.shape[1:]))


def _with_item_kind(*, items: Kind, value: Kind, **_: Any) -> Kind:
    return _list_of(common_element(items, Kind("list", items=(value,))))


rule(f"{_OWNER}.with_item", "items, index, value", kind=_with_item_kind, items="without_item(g, index)",
     value="g[index]", tangent={"items": "without_item(items_dot, index)",
                                "value": "with_item(zeros_of(items), index, value_dot)"})
linear(f"{_OWNER}.without_item", "items, index", kind=lambda *, items, **_: items, constant=("index",),
       items="without_item(g, index)")
linear(f"{_OWNER}.copies_of", "items", kind=lambda *, items, **_: items, items="g")
linear(f"{_OWNER}.rows_of", "a", kind=_rows_kind, a="np.array(g)")
linear(
    f"{_OWNER}.repeated_for",
    "value, items",
    kind=lambda *, value, **_: _list_of(value),
    constant=("items",),
    value="sum(g)",
)
rule(f"{_OWNER}.sums_of", "a, b", kind=lambda *, a, **_: a, a="g", b="g", tangent={"a": "a_dot", "b": "b_dot"})
nondifferentiable(f"{_OWNER}.zeros_of", signature="items", kind=lambda *, items, **_: items, cheap=True)
