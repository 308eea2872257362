"""Subscripts: which cells an index names in each trip of the loops around it, and whether two accesses may meet.

    for i in range(1, n):
        y[i] = y[i - 1] * x[i]        y[i]: coefficient 1, offset 0; y[i - 1]: coefficient 1, offset -1

An index is followed where each of its parts is an integer, or affine in the targets of `range` loops with integers for
coefficients. Two accesses meet at a fixed distance of trips where their coefficients agree. Whatever may be negative
may wrap around to any cell, so it is followed only where the range shows that it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from s2sad.analysis.aliases import Aliases, shared_operands
from s2sad.analysis.kinds import Kinds
from s2sad.ir.nodes import Assign, Block, Const, Expr, For, Function, Op, Stmt, Var, While, blocks_of, walk
from s2sad.ir.walk import defs


@dataclass(frozen=True)
class Affine:
    """`offset + sum(coefficient * target)`."""

    offset: int
    terms: tuple[tuple[Var, int], ...] = ()


#: The parts of an index; None for one that is not followed.
Cell = tuple[Affine | None, ...]
_STEPS = {"operator.add": 1, "operator.sub": -1}


class Subscripts:
    """The subscripts of one function."""

    def __init__(self, function: Function) -> None:
        self.position: dict[Stmt, int] = {}
        self.loops: dict[Stmt, tuple[For | While, ...]] = {}
        self.blocks: dict[Stmt, tuple[int, ...]] = {}
        self.targets: dict[Var, For] = {}
        self.outside = [*(p.var for p in function.params), *function.free.values()]
        self._visit(function.body, (), ())
        self.binders: dict[Var, list[Stmt]] = {}
        for stmt in walk(function.body):
            for v in defs(stmt):
                self.binders.setdefault(v, []).append(stmt)
            if isinstance(stmt, For):
                self.targets[stmt.target] = stmt

    def _visit(self, block: Block, loops: tuple[For | While, ...], blocks: tuple[int, ...]) -> None:
        blocks = (*blocks, id(block))
        for stmt in block:
            self.blocks[stmt] = blocks
            self.position[stmt] = len(self.position)
            self.loops[stmt] = loops
            inside = (*loops, stmt) if isinstance(stmt, (For, While)) else loops
            for inner in blocks_of(stmt):
                self._visit(inner, inside, blocks)

    # ---- one access --------------------------------------------------------------------------------------------

    def cell(self, index: Expr | None, at: Stmt) -> Cell | None:
        """The cell that an index names at a statement; None for the whole array."""
        if index is None:
            return None
        parts = index.operands if isinstance(index, Op) and index.name == "tuple" else (index,)
        found = []
        for part in parts:
            affine = self.affine(part, at)
            if affine is None and not (isinstance(part, Op) and part.name == "slice"):
                return None  # what it is, and so which axis the others stand for, is not known
            found.append(affine if affine is not None and self._is_natural(affine) else None)
        return tuple(found)

    def affine(self, expr: Expr, at: Stmt, depth: int = 0) -> Affine | None:
        """An expression of integers as affine in the targets of the loops around a statement."""
        if isinstance(expr, Const):
            return Affine(expr.value) if type(expr.value) is int else None
        if isinstance(expr, Var):
            binders = self.binders.get(expr, ())
            if len(binders) != 1 or depth > 8:
                return None
            binder = binders[0]
            if isinstance(binder, For):
                return Affine(0, ((expr, 1),)) if binder in self.loops[at] else None
            around = self.blocks[binder] == self.blocks[at][: len(self.blocks[binder])]
            if isinstance(binder, Assign) and around and self.position[binder] < self.position[at]:
                return self.affine(binder.expr, at, depth + 1)
            return None
        if not isinstance(expr, Op):
            return None
        parts = [self.affine(o, at, depth + 1) for o in expr.operands]
        if any(p is None for p in parts):
            return None
        known = [p for p in parts if p is not None]
        if expr.name in _STEPS and len(known) == 2:
            return _sum(known[0], _scaled(known[1], _STEPS[expr.name]))
        if expr.name == "operator.neg":
            return _scaled(known[0], -1)
        if expr.name == "operator.mul":
            for one, other in (known, known[::-1]):
                if not one.terms:
                    return _scaled(other, one.offset)
        return None

    def _is_natural(self, affine: Affine) -> bool:
        """Whether a subscript is never negative."""
        least = self._bounds(affine)[0]
        return least is not None and least >= 0

    def _bounds(self, affine: Affine) -> tuple[int | None, int | None]:
        """The least and the greatest value of a subscript, as far as the text tells."""
        least: int | None = affine.offset
        most: int | None = affine.offset
        for var, coefficient in affine.terms:
            low, high = self._ends(self.targets[var])
            if coefficient < 0:
                low, high = high, low
            least = None if least is None or low is None else least + coefficient * low
            most = None if most is None or high is None else most + coefficient * high
        return least, most

    def _are_apart(self, one: Affine, other: Affine) -> bool:
        """Whether two subscripts have no value in common."""
        (low, high), (low2, high2) = self._bounds(one), self._bounds(other)
        return (high is not None and low2 is not None and high < low2) or (
            high2 is not None and low is not None and high2 < low
        )

    def _ends(self, loop: For) -> tuple[int | None, int | None]:
        """The least and the greatest value of a loop's target, as far as its text tells."""
        start, stop, step = _range(loop)
        if step is None:
            return None, None
        first, last = (start, stop) if step > 0 else (stop, start)
        low, high = (_literal(e) for e in (first, last))
        if step > 0:
            return low, None if high is None else high - 1
        return None if low is None else low + 1, high

    def home(self, base: Var, aliases: Aliases, kinds: Kinds) -> tuple[For | While, ...]:
        """The loops in whose every trip the memory of an array is made anew."""
        found: list[tuple[For | While, ...]] = []
        for var, binders in self.binders.items():
            if aliases.may_share(base, var):
                for b in binders:
                    if not isinstance(b, Assign) or not shared_operands(b.expr, kinds):
                        found.append(self.loops[b])
        if not found or any(aliases.may_share(base, v) for v in self.outside):
            return ()
        common = found[0]
        for loops in found[1:]:
            common = tuple(x for x, y in zip(common, loops) if x is y)
        return common

    # ---- two accesses ------------------------------------------------------------------------------------------

    def may_meet_later(
        self, first: Stmt, here: Cell | None, then: Stmt, there: Cell | None, home: Iterable[Stmt] = ()
    ) -> bool:
        """Whether the cell that one access touches may be touched by another one after it.

        home: the loops in whose every trip the memory is made anew, which therefore cannot meet.
        """
        distances = self._distances(here, there)
        if distances is None:
            return False
        apart = set(home)
        for loop in self.loops[first]:
            if loop not in self.loops[then]:
                break
            if loop in apart:
                continue
            trips = distances.get(loop.target) if isinstance(loop, For) else None
            if trips is None:
                return True  # any trip may be the later one
            steps = _steps(loop, trips)
            if steps is None:
                return False  # no trip comes to that cell
            if steps:
                return steps > 0
        return self.position[then] > self.position[first]

    def _distances(self, here: Cell | None, there: Cell | None) -> dict[Var, int] | None:
        """By how much loop targets differ where two accesses meet, as far as that is fixed; None: they never meet."""
        found: dict[Var, int] = {}
        if here is None or there is None:
            return found
        for one, other in zip(here, there):
            if one is None or other is None:
                continue
            if self._are_apart(one, other):
                return None
            if one.terms != other.terms or len(one.terms) > 1:
                continue
            gap = one.offset - other.offset
            if not one.terms:
                if gap:
                    return None
                continue
            var, coefficient = one.terms[0]
            if gap % coefficient:
                return None
            distance = gap // coefficient
            if found.setdefault(var, distance) != distance:
                return None
        return found


def _range(loop: For) -> tuple[Expr, Expr, int | None]:
    """The start, the stop and the step of a loop, as it runs; no step where that is not literal."""
    if not (isinstance(loop.iter, Op) and loop.iter.name == "builtins.range"):
        return Const(None), Const(None), None
    operands = loop.iter.operands
    start: Expr = operands[0] if len(operands) > 1 else Const(0)
    stop = operands[1] if len(operands) > 1 else operands[0]
    step = _literal(operands[2]) if len(operands) > 2 else 1
    return start, stop, step or None


def _steps(loop: Stmt, distance: int) -> int | None:
    """How many trips later a loop's target is greater by a distance; None: never."""
    assert isinstance(loop, For)
    step = _range(loop)[2]
    if step is None or distance % step:
        return None if step is not None else (0 if not distance else 1)
    trips = distance // step
    return -trips if loop.mirror else trips


def _literal(expr: Expr) -> int | None:
    return expr.value if isinstance(expr, Const) and type(expr.value) is int else None


def _sum(a: Affine, b: Affine) -> Affine:
    terms = dict(a.terms)
    for var, coefficient in b.terms:
        terms[var] = terms.get(var, 0) + coefficient
    return Affine(a.offset + b.offset, tuple((v, c) for v, c in terms.items() if c))


def _scaled(a: Affine, by: int) -> Affine:
    return Affine(a.offset * by, tuple((v, c * by) for v, c in a.terms)) if by else Affine(0)
