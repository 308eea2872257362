"""What an index selects: a view or a copy, and each cell at most once or perhaps several times."""

from __future__ import annotations

from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.nodes import Expr, Op

_BASIC = ("int", "slice", "none", "ellipsis")


def _parts(index: Expr) -> tuple[Expr, ...]:
    return index.operands if isinstance(index, Op) and index.name == "tuple" else (index,)


def is_distinct(index: Expr, kinds: Kinds) -> bool:
    """Whether an index names each cell at most once: numbers, slices, masks, not arrays of positions."""
    for part in _parts(index):
        kind = kind_of_expr(part, kinds)
        if kind.sort in (*_BASIC, "bool", "scalar") or (kind.is_array and kind.dtype == "bool"):
            continue
        return False
    return True


def makes_copy(index: Expr, kinds: Kinds) -> bool:
    """Whether reading an array at an index surely gives new memory: a mask, or an array or list of positions."""
    parts = [kind_of_expr(part, kinds) for part in _parts(index)]
    return any(k.sort in ("list", "bool") or (k.is_array and k.rank not in (0, None)) for k in parts)


def makes_view(index: Expr, kinds: Kinds) -> bool:
    """Whether reading an array at an index surely gives a view, or a number."""
    parts = [kind_of_expr(part, kinds) for part in _parts(index)]
    return all(k.sort in _BASIC or (k.sort == "scalar" and k.dtype != "bool") for k in parts)
