"""Where the Vars of a function are bound and read: positions in the order of the text, and the loops around them."""

from __future__ import annotations

from s2sad.ir.nodes import Block, For, Function, Stmt, Var, While, blocks_of
from s2sad.ir.walk import defs, uses


class Places:
    """For each Var: where it is bound and read, within which loops. `ends`: the last position within a statement."""

    def __init__(self, function: Function) -> None:
        self.binders: dict[Var, list[tuple[int, tuple[Stmt, ...]]]] = {}
        self.readers: dict[Var, list[tuple[int, tuple[Stmt, ...]]]] = {}
        self.fixed = {p.var for p in function.params} | set(function.free.values())
        self.position = 0
        self.ends: dict[Stmt, int] = {}
        self.at: dict[Stmt, tuple[int, tuple[Stmt, ...]]] = {}
        self._visit(function.body, ())

    def _visit(self, block: Block, loops: tuple[Stmt, ...]) -> None:
        for stmt in block:
            self.position += 1
            self.at[stmt] = (self.position, loops)
            inside = (*loops, stmt) if isinstance(stmt, (For, While)) else loops
            for v in uses(stmt):
                self.readers.setdefault(v, []).append((self.position, inside if isinstance(stmt, While) else loops))
            for v in defs(stmt):
                self.binders.setdefault(v, []).append((self.position, inside if isinstance(stmt, For) else loops))
            for inner in blocks_of(stmt):
                self._visit(inner, inside)
            self.ends[stmt] = self.position

    def steady(self, var: Var, before: int, last: int) -> bool:
        """Whether nothing binds a Var at a position after `before` and up to `last`."""
        return not any(before < position <= last for position, _ in self.binders.get(var, ()))

    def last_use(self, var: Var, loops: tuple[Stmt, ...]) -> int:
        """The last position at which a binding of another Var would come before a read of this one.

        A statement reads before it binds. A read within a loop inside of `loops` lasts to the end of that loop, one
        outside of `loops` to the end of the function.
        """
        found = 0
        for position, around in self.readers.get(var, ()):
            if around[: len(loops)] != loops:
                return self.position
            found = max(found, position - 1 if len(around) == len(loops) else self.ends[around[len(loops)]])
        return found

    def read_after_binding(self, var: Var, position: int, loops: tuple[Stmt, ...]) -> bool:
        """Whether every read of a Var stands after a position, within the same trip of the same loops."""
        return all(p > position and around[: len(loops)] == loops for p, around in self.readers.get(var, ()))
