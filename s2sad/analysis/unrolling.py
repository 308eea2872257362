"""Loops over containers of known contents, written out trip by trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from s2sad.analysis.literals import NOTHING, Literals
from s2sad.analysis.structure import kind_needs_place
from s2sad.ir.nodes import Assign, Block, Break, Const, Expr, For, If, Op, Var, replace, walk
from s2sad.ir.walk import defs_within, expressions, may_break, rewrite_block

#: A loop is written out up to this many statements.
_MOST_STATEMENTS = 3000
#: A loop that may break is written out, each trip within the one before, up to this many trips.
_MOST_NESTED = 20
#: A loop that only builds a list is written out up to this many trips.
FEW_TRIPS = 8


class Unrolling(Literals):
    """Which loops are written out, and how."""

    def trips_to_unroll(self, loop: For) -> Sequence[int] | None:
        """The values of a loop's index, where its body indexes containers of known contents with it."""
        if not (isinstance(loop.iter, Op) and loop.iter.name == "builtins.range"):
            return None
        trips = trips_of(loop, [self.value(o) for o in loop.iter.operands])
        if trips is None:
            return None
        wanted = any(self.wants_trips(e, len(trips)) for s in walk(loop.body) for e in expressions(s))
        return trips if wanted else None

    def wants_trips(self, expr: Expr, count: int) -> bool:
        if not isinstance(expr, Op):
            return False
        if expr.name == "operator.getitem":
            kind = self.kind(expr.operands[0])
            known = kind.items is not None and kind.sort in ("tuple", "list", "dict")
            return known and kind_needs_place(kind) and self.value(expr.operands[1]) is NOTHING
        if expr.name == "s2sad.put":
            return True
        if expr.name == "s2sad.append":
            kind = self.kind(expr.operands[1])
            return count <= FEW_TRIPS or kind.sort in ("tuple", "list", "dict", "function", "object")
        return False

    def unroll(self, loop: For, trips: Sequence[int]) -> None:
        self.out += written_out(loop, trips)


def trips_of(loop: For, bounds: Sequence[Any]) -> Sequence[int] | None:
    """The values of a loop's index from the bounds of its range; None where they are not known, or too many."""
    if not all(type(b) is int for b in bounds) or (len(bounds) == 3 and bounds[2] == 0):
        return None
    trips = range(*bounds)
    size = sum(1 for _ in walk(loop.body))
    if len(trips) * size > _MOST_STATEMENTS or (may_break(loop) and len(trips) > _MOST_NESTED):
        return None
    return trips[::-1] if loop.mirror else trips


def written_out(loop: For, trips: Sequence[int]) -> Block:
    """The trips of a loop one after the other; where it may break, each within a test of a flag."""
    rebound = loop.target in defs_within(loop.body)
    stopped = Var("stopped", temporary=True) if may_break(loop) else None
    made: Block = []
    block = made
    if stopped is not None:
        block.append(Assign(stopped, Const(False), origin=loop.origin))
    for position, k in enumerate(trips):
        if stopped is not None and position:
            rest: Block = []
            test = Var("t", temporary=True)
            block += [Assign(test, stopped, origin=loop.origin), If(test, [], rest, origin=loop.origin)]
            block = rest
        block.append(Assign(loop.target, Const(k), origin=loop.origin))

        def use(var: Var, k: int = k) -> Expr:
            return Const(k) if var is loop.target and not rebound else var

        trip = rewrite_block(loop.body, use, lambda v: v)
        block += trip if stopped is None else _with_flag(trip, stopped)
    return made


def _with_flag(block: Block, stopped: Var) -> Block:
    """A trip of a loop that sets a flag where the loop is over after it."""
    made: Block = []
    for stmt in block:
        if isinstance(stmt, Break):
            made.append(Assign(stopped, Const(True), origin=stmt.origin))
            continue
        if isinstance(stmt, If):
            stmt = replace(stmt, body=_with_flag(stmt.body, stopped), orelse=_with_flag(stmt.orelse, stopped))
        made.append(stmt)
    return made
