"""Blocks, branches and loops while writes into things are followed.

A branch is followed on both paths, which meet in a `Join`. A loop is followed until the state at its head holds after
each trip too: what changes in a trip is brought back to where the head expects it. A loop whose index has to be known
is written out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from s2sad.analysis.literals import NOTHING
from s2sad.analysis.storage.joins import Copy, Join, NeedsTrips, in_parallel
from s2sad.analysis.storage.machine import Machine
from s2sad.analysis.storage.things import Lost, Plain, Ref, State
from s2sad.analysis.unrolling import FEW_TRIPS, trips_of, written_out
from s2sad.ir.kinds import INT
from s2sad.ir.nodes import (
    COMPOUND,
    Assign,
    Block,
    Call,
    Do,
    Enter,
    Expr,
    For,
    If,
    Leave,
    Op,
    RawStmt,
    Return,
    Stmt,
    Store,
    Try,
    Var,
    While,
    replace,
)
from s2sad.ir.walk import defs_within, exits, exposed_reads, uses, uses_within

#: How often a loop is followed until nothing changes any more.
_MOST_ROUNDS = 12


class Flow(Machine):
    """`statement` for each class of statement."""

    def block(self, block: Block, live: Collection[Var]) -> None:
        """Follow the statements of a block; `live` may be read after it."""
        after: set[Var] = set(live)
        lives: dict[int, set[Var]] = {}
        for position in range(len(block) - 1, -1, -1):
            if isinstance(block[position], COMPOUND):
                lives[position] = set(after)
            after.update(uses(block[position]))
            if isinstance(block[position], COMPOUND):
                after.update(uses_within([block[position]]))
        for position, stmt in enumerate(block):
            self.follow(stmt, lives.get(position, live))
        if block is not self.function.body:
            self.settle()

    def follow(self, stmt: Stmt, live: Collection[Var]) -> None:
        outer, self.stmt = self.stmt, stmt
        if isinstance(stmt, COMPOUND):
            self.settle()
        if isinstance(stmt, If):
            self.branch(stmt, live)
        elif isinstance(stmt, (For, While)):
            self.loop(stmt, live)
        elif isinstance(stmt, Try):
            self.attempt(stmt, live)
        else:
            self.statement(stmt)
        self.stmt = outer

    def statement(self, stmt: Stmt) -> None:
        if isinstance(stmt, Assign):
            self.assignment(stmt)
        elif isinstance(stmt, Store):
            self.store(stmt.base, stmt.index, stmt.expr, stmt.how)
        elif isinstance(stmt, Call):
            self.user_call(stmt.callee, [self.value(a) for a in stmt.args], list(stmt.vars))
        elif isinstance(stmt, Do):
            self.put(replace(stmt, expr=self.plain(stmt.expr)))
        elif isinstance(stmt, (RawStmt, Enter, Leave)):
            self.put(self.raw_statement(stmt))
        elif isinstance(stmt, Return):
            self.put(replace(stmt, values=tuple(map(self.plain, stmt.values))))
            self.repeated.clear()
        else:
            self.put(replace(stmt))

    def assignment(self, stmt: Assign) -> None:
        raise NotImplementedError

    def store(self, base: Var, index: Expr | None, expr: Expr, how: str | None) -> None:
        raise NotImplementedError

    def user_call(self, label: object, arguments: Sequence[object], results: list[Var]) -> None:
        raise NotImplementedError

    def raw_statement(self, stmt: RawStmt | Enter | Leave) -> Stmt:
        raise NotImplementedError

    # ---- branches ----------------------------------------------------------------------------------------------

    def branch(self, stmt: If, live: Collection[Var]) -> None:
        value = self.value(stmt.test)
        test = self.truth(value)
        if test is not NOTHING:
            self.block(stmt.body if test else stmt.orelse, live)
            return
        new = If(self.tested(value), [], [])
        self.both((stmt.body, stmt.orelse), (new.body, new.orelse), live)
        self.put(new)

    def both(self, blocks: tuple[Block, Block], made: tuple[Block, Block], live: Collection[Var]) -> None:
        """Follow two blocks of which one runs."""
        before = self.state
        ends: list[State] = []
        for block, new in zip(blocks, made):
            self.state = before.copy()
            outer, self.out = self.out, new
            self.block(block, live)
            self.out = outer
            ends.append(self.state)
        going_on = [e for e, b in zip(ends, made) if not exits(b)]
        if len(going_on) == 1:
            self.state = going_on[0]
            return
        joined = Join(self, ends[0], ends[1], live)
        self.copy_all(joined.copies_a, made[0])
        self.copy_all(joined.copies_b, made[1])
        self.state = joined.state

    def attempt(self, stmt: Try, live: Collection[Var]) -> None:
        """A body that may fail: what it did to lists and objects before is not undone, which is refused."""
        new = replace(stmt, body=[], handler=[])
        present, self.written = set(self.state.heap), set()
        self.both((stmt.body, stmt.handler), (new.body, new.handler), live)
        if self.written & present:
            reason = "a write into a list, dict or object in a `try` is not supported"
            raise self.refuse("S201", reason, "write into it after the `try`")
        self.put(new)

    def truth(self, value: object) -> object:
        """Whether a test holds, where it is known."""
        if isinstance(value, Ref):
            thing = self.thing(value)
            if thing.sort == "object":
                return True
            return NOTHING if thing.grown is not None else bool(thing.parts)
        if isinstance(value, Plain):
            found = self.literal(value)
            return found if found is NOTHING else bool(found)
        return True

    def tested(self, value: object) -> Expr:
        if isinstance(value, Ref):
            return self.temporary(Op("builtins.len", (self.display(value),)))
        assert isinstance(value, Plain)
        return value.expr

    def copy_all(self, copies: list[Copy], block: Block) -> None:
        outer, self.out = self.out, block
        for var, expr in in_parallel(copies):
            self.settle(var)
            self.assign(var, expr)
        self.out = outer

    # ---- loops -------------------------------------------------------------------------------------------------

    def loop(self, stmt: For | While, live: Collection[Var]) -> None:
        bounds = self.bounds(stmt)
        trips = trips_of(stmt, bounds) if isinstance(stmt, For) and bounds is not None else None
        kept = (
            self.state.copy(),
            len(self.out),
            dict(self.kinds),
            list(self.prologue),
            dict(self.initials),
            dict(self.bases),
        )
        out, iterated, frames = self.out, len(self.iterated), len(self.frames)
        try:
            is_short = trips is not None and len(trips) <= FEW_TRIPS
            self.unrollable += trips is not None
            self.short += is_short
            try:
                self.rolled(stmt, live)
            finally:
                self.unrollable -= trips is not None
                self.short -= is_short
            return
        except NeedsTrips:
            if trips is None:
                raise
        assert isinstance(stmt, For)
        del self.iterated[iterated:], self.frames[frames:]
        self.state, count, self.kinds, self.prologue, self.initials, self.bases = kept
        self.out = out
        del self.out[count:]
        self.stmt = stmt
        self.repeated.clear()
        lists = self.lists_of(stmt)
        self.iterated += lists
        self.block(written_out(stmt, trips), live)
        del self.iterated[len(self.iterated) - len(lists) :]

    def bounds(self, stmt: For | While) -> list[object] | None:
        if not (isinstance(stmt, For) and isinstance(stmt.iter, Op) and stmt.iter.name == "builtins.range"):
            return None
        found = [self.literal(self.value(o)) for o in stmt.iter.operands]
        return found if all(type(b) is int for b in found) else None

    def lists_of(self, stmt: For | While) -> list[int]:
        """The lists and dicts that a loop runs over."""
        used = uses_within(stmt.body)
        found = [self.state.env.get(v) for v in used if v in self.sequences]
        return [f.at for f in found if isinstance(f, Ref)]

    def rolled(self, stmt: For | While, live: Collection[Var]) -> None:
        exposed: set[Var] = set()
        exposed_reads(stmt.body, {stmt.target} if isinstance(stmt, For) else set(), exposed)
        tested = set(uses(stmt)) if isinstance(stmt, While) else set()
        around = {*live, *exposed, *tested}
        bound = set(defs_within(stmt.body)) | ({stmt.target} if isinstance(stmt, For) else set())
        iterable = None
        if isinstance(stmt, For):
            self.define(stmt.target, INT)
            iterable = self.iterable(stmt)
        lists = self.lists_of(stmt)
        head = self.state.copy()
        for var in bound:
            if isinstance(head.env.get(var), Plain):
                head.env.pop(var)
        for _ in range(_MOST_ROUNDS):
            known = dict(self.kinds)
            self.state = head.copy()
            new = replace(stmt, body=[])
            if isinstance(stmt, For):
                new = replace(new, iter=iterable)
            elif (test := self.test_of_loop(stmt)) is not None:
                new = replace(new, test=test)
            else:
                head = self.state
                continue
            outer, self.out = self.out, new.body
            self.iterated += lists
            self.block(stmt.body, around)
            del self.iterated[len(self.iterated) - len(lists) :]
            self.out = outer
            self.stmt = stmt
            joined = Join(self, head, self.state, around)
            self.copy_all(joined.copies_b, new.body)
            is_same = joined.state.env == {v: x for v, x in head.env.items() if v in around}
            is_same = (
                is_same and all(head.heap.get(i) == t for i, t in joined.state.heap.items()) and not joined.copies_a
            )
            if is_same and all(self.kinds[v] == k for v, k in known.items()):
                self.put(new)
                self.after_loop(head, self.state, joined, live)
                return
            if self.unrollable and lost_in(joined.state) - lost_in(head):
                raise NeedsTrips
            self.copy_all(joined.copies_a, self.out)
            head = joined.state
        raise self.refuse("S201", "what this loop does to the lists and objects in it cannot be followed", "use arrays")

    def test_of_loop(self, stmt: While) -> Expr | None:
        """The test of a `while` in the state at its head; None where a list in it had to be put into one Var first."""
        count = len(self.out)
        test = self.plain(stmt.test)
        if len(self.out) == count:
            return test
        del self.out[count:]
        for var in uses(stmt):
            value = self.value(var)
            if isinstance(value, Ref) and self.thing(value).sort == "list" and self.thing(value).grown is None:
                self.grow(value.at)
                return None
        reason = "an object as a whole in the test of a `while` is not supported"
        raise self.refuse("S201", reason, "use what it holds")

    def iterable(self, stmt: For) -> Expr:
        assert isinstance(stmt.iter, Op)
        return Op(stmt.iter.name, tuple(map(self.plain, stmt.iter.operands)), stmt.iter.keywords, stmt.iter.spelled)

    def after_loop(self, head: State, end: State, joined: Join, live: Collection[Var]) -> None:
        state = joined.state.copy()
        for var, value in end.env.items():
            if var not in head.env and var in live and not isinstance(value, Plain):
                at = joined.back.get(value.at) if isinstance(value, Ref) else None
                state.env[var] = Lost("this is bound in a loop alone") if at is None else Ref(at)
        self.state = state


def lost_in(state: State) -> set[Any]:
    """Where in a state something is that cannot be followed."""
    found: set[Any] = {v for v, x in state.env.items() if isinstance(x, Lost)}
    return found | {(i, k) for i, t in state.heap.items() for k, p in t.parts.items() if isinstance(p, Lost)}
