"""Rules of what emitted text does with lists of unknown length, so that it can be differentiated again."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.rules.registry import linear, nondifferentiable, rule

_OWNER = "s2sad.runtime.containers"


def _list_of(kind: Kind | None) -> Kind:
    return Kind("list", element=kind)


def _rows_kind(*, a: Kind, **_: Any) -> Kind:
    if not isinstance(a.shape, tuple) or not a.shape:
        return _list_of(UNKNOWN)
    return _list_of(Kind("array" if a.shape[1:] else "scalar", a.dtype, a.shape[1:]))


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
