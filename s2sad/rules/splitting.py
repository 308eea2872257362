"""Rules of functions that cut an array into a list of arrays."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import SOME, Kind
from s2sad.rules.arguments import Literals, places
from s2sad.rules.registry import Case, linear


def _parts_kind(default: int | None = None) -> Any:
    def kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
        shape, axis = a.shape, literals.get("axis", SOME) if default is None else default
        place = places(axis, len(shape)) if isinstance(shape, tuple) else None
        if not a.is_array or not isinstance(shape, tuple):
            return Kind("list", element=Kind("unknown"))
        cut = (SOME,) * len(shape) if place is None else tuple(SOME if k in place else n for k, n in enumerate(shape))
        return Kind("list", element=Kind("array", a.dtype, cut))

    return kind


def _unstack_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = a.shape
    place = places(literals.get("axis"), len(shape)) if isinstance(shape, tuple) else None
    if not a.is_array or not isinstance(shape, tuple) or place is None:
        return Kind("list", element=Kind("unknown"))
    rest = tuple(n for k, n in enumerate(shape) if k not in place)
    return Kind("list", element=Kind("array" if rest else "unknown", a.dtype, rest))


linear(
    "numpy.unstack",
    "a, *, axis=0",
    kind=_unstack_kind,
    views=("a",),
    a=[Case("axis == 0", "np.array(g)"), Case("", "np.stack(g, axis)")],
)
for _name in ("split", "array_split"):
    linear(
        f"numpy.{_name}",
        "a, indices_or_sections, axis=0",
        kind=_parts_kind(),
        views=("a",),
        a=[Case("axis == 0", "np.concatenate(g)"), Case("", "np.concatenate(g, axis)")],
    )
for _name, _axis in (("hsplit", 1), ("vsplit", 0), ("dsplit", 2)):
    linear(
        f"numpy.{_name}",
        "a, indices_or_sections",
        kind=_parts_kind(_axis),
        views=("a",),
        a="np.hstack(g)" if _axis == 1 else f"np.concatenate(g, {_axis})",
    )
