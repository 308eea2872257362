"""Where paths meet: one state that holds on both, and the copies at their ends that bring each to it.

Two things that the names which are read later stand for on the two paths become one, part by part, if no other name
tells them apart. If one does, the name stands for a copy that may be read but not written.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from s2sad.analysis.storage.things import Group, Initial, Lost, Plain, Ref, State, Thing, Value, name_of_part
from s2sad.ir.nodes import Const, Expr, Op, Var
from s2sad.ir.walk import vars_of


class NeedsTrips(Exception):
    """A loop around has to be written out, so that an index in it is known."""


#: Why a name that stands for different things on different paths may not be used.
_UNLIKE = "what this is depends on the path that led here"

Copy = tuple[Var, Expr]


class Join:
    """The meeting of two states. `ids` and `initial` are of the machine: new identities, the first value of a part."""

    def __init__(self, machine: Any, a: State, b: State, live: Collection[Var]) -> None:
        self.machine = machine
        self.a, self.b = a, b
        self.forth: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self.copies_a: list[Copy] = []
        self.copies_b: list[Copy] = []
        self.taken: set[Var] = set()
        self.state = State()
        self.snapshots: list[tuple[int, int, int]] = []
        for var in [v for v in a.env if v in live]:
            joined = self.of_var(var)
            if joined is not None:
                self.state.env[var] = joined
        for var in [v for v in b.env if v in live and v not in a.env]:
            if not isinstance(b.env[var], Plain):
                self.state.env[var] = Lost("this is bound on one of the paths that lead here alone")
        for made, i, j in self.snapshots:
            watched = frozenset({i, self.back.get(j, j)} & set(self.state.heap))
            self.state.heap[made] = replace(self.state.heap[made], watched=watched)

    def of_var(self, var: Var) -> Value | None:
        mine, other = self.a.env[var], self.b.env.get(var)
        if isinstance(mine, Plain) and (other is None or isinstance(other, Plain)):
            return mine if mine == other else None
        if other is None or isinstance(mine, Plain) or isinstance(other, Plain):
            return Lost(_UNLIKE)
        return self.pair(mine, other, var.hint)

    def pair(self, x: Value, y: Value, hint: str, apart: bool = False) -> Value:
        """The value that stands for both. apart: in Vars of its own, whatever these are in."""
        if isinstance(x, Lost) or isinstance(y, Lost):
            return x if isinstance(x, Lost) else y
        if isinstance(x, Plain) and isinstance(y, Plain):
            return self.pair_plain(x, y, hint, apart)
        if isinstance(x, Ref) and isinstance(y, Ref):
            return self.snapshot(x.at, y.at) if apart else self.pair_things(x.at, y.at)
        same = isinstance(x, Group) and isinstance(y, Group) and len(x.parts) == len(y.parts)
        if same and _template(x.like) == _template(y.like):  # type: ignore[union-attr]
            parts = zip(x.parts, y.parts)  # type: ignore[union-attr]
            return Group(x.like, tuple(self.pair(p, q, hint, apart) for p, q in parts))  # type: ignore[union-attr]
        return Lost(_UNLIKE)

    def pair_plain(self, x: Plain, y: Plain, hint: str, apart: bool) -> Plain:
        if x == y and isinstance(x.expr, Const):
            return x
        if x == y and not apart and x.expr not in self.taken:
            self.taken.add(x.expr)  # type: ignore[arg-type]
            return x
        var = x.expr
        if apart or not isinstance(var, Var) or var in self.taken:
            var = Var(hint)
        self.taken.add(var)
        if x.expr is not var:
            self.copies_a.append((var, x.expr))
        if y.expr is not var:
            self.copies_b.append((var, y.expr))
        return Plain(var)

    def pair_things(self, i: int, j: int) -> Value:
        if self.forth.get(i, j) != j or self.back.get(j, i) != i:
            return self.snapshot(i, j)
        if i in self.forth:
            return Ref(i)
        self.forth[i], self.back[j] = j, i
        joined = self.joined(i, j, False)
        if joined is None:
            return Lost(_UNLIKE)
        self.state.heap[i] = joined
        return Ref(i)

    def snapshot(self, i: int, j: int) -> Value:
        """A copy that may be read until what it is a copy of is written."""
        joined = self.joined(i, j, True)
        if joined is None:
            return Lost(_UNLIKE)
        made = self.machine.new_identity()
        self.state.heap[made] = replace(
            joined, frozen="which of several objects this is depends on the path", changed=True
        )
        self.snapshots.append((made, i, j))
        return Ref(made)

    def joined(self, i: int, j: int, apart: bool) -> Thing | None:
        a, b = self.a.heap[i], self.b.heap[j]
        if a.sort != b.sort or a.cls is not b.cls or a.stale or b.stale:
            return None
        common = replace(
            a, changed=a.changed or b.changed or i != j, outer=a.outer or b.outer, frozen=a.frozen or b.frozen,
            watched=a.watched | b.watched, kind=a.kind if i == j or a.kind == b.kind else None,
        )  # fmt: skip
        if a.sort == "list" and (a.grown is not None or b.grown is not None or len(a.parts) != len(b.parts)):
            return self.grown(i, j, common, apart)
        if a.sort in ("dict", "set") and list(a.parts) != list(b.parts):
            return None
        parts: dict[Any, Value] = {}
        for key in [*a.parts, *(k for k in b.parts if k not in a.parts)]:
            if a.sort == "object" and (key not in a.parts or key not in b.parts):
                default = self.machine.class_constant(a.cls, key)
                p, q = a.parts.get(key, default), b.parts.get(key, default)
                if p is not None and q is not None:
                    parts[key] = self.pair(p, q, key, apart)
                    continue
            if key not in a.parts or key not in b.parts:
                parts[key] = Lost(f"{key!r} may not be there")
                continue
            p, q = a.parts[key], b.parts[key]
            if isinstance(p, Initial) and isinstance(q, Initial) and i == j and not apart:
                parts[key] = p
                continue
            if isinstance(p, Initial):
                p = Plain(self.machine.initial(i, key))
            if isinstance(q, Initial):
                q = Plain(self.machine.initial(j, key))
            parts[key] = self.pair(p, q, name_of_part(a.hint, key), apart)
        return replace(common, parts=parts)

    def grown(self, i: int, j: int, common: Thing, apart: bool) -> Thing | None:
        """A list whose length depends on the path, in one Var."""
        if self.machine.short and self.a.heap[i].grown is None and self.b.heap[j].grown is None:
            raise NeedsTrips
        given = []
        for state, at in ((self.a, i), (self.b, j)):
            thing = state.heap[at]
            if thing.grown is not None:
                given.append(thing.grown)
                continue
            parts = [
                Plain(self.machine.initial(at, k)) if isinstance(p, Initial) else p for k, p in thing.parts.items()
            ]
            if not all(isinstance(p, Plain) for p in parts):
                return None
            given.append(Op("list", tuple(p.expr for p in parts if isinstance(p, Plain))))  # type: ignore[arg-type]
        names = [g for g in given if isinstance(g, Var) and g not in self.taken]
        var = names[0] if names and not apart else Var(common.hint)
        self.taken.add(var)
        for copies, value in zip((self.copies_a, self.copies_b), given):
            if value is not var:
                copies.append((var, value))
        return replace(common, parts={}, grown=var, changed=True)


def _template(op: Op) -> Any:
    return op.name, tuple(k for k, _ in op.keywords), [o.value for o in op.operands[:1] if isinstance(o, Const)]


def in_parallel(copies: list[Copy]) -> list[Copy]:
    """Copies that are to happen at once, as assignments one after the other.

    >>> a, b, c = Var("a"), Var("b"), Var("c")
    >>> in_parallel([(a, b), (b, a), (c, Const(1))])
    [(a, b), (b, a), (a, a), (b, b), (c, 1)]
    """
    written = {v for v, _ in copies}
    first: list[Copy] = []
    then: list[Copy] = []
    for var, value in copies:
        if any(v in written and v is not var for v in vars_of(value)):
            held = Var(var.hint, temporary=True)
            first.append((held, value))
            then.append((var, held))
        else:
            then.append((var, value))
    return [*first, *then]
