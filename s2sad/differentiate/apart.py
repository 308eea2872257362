"""What a call keeps on its tape stays as it was: memory that its caller writes into, or gets from it, is kept apart.

    def f(x):                                    def forward_f(x, tape):
        for i in range(2):                           for i in range(2):
            x = x * x                                    tape.append(x)
        return x                                         x = x * x
                                                     return x
    y = x * x                                    y = x * x
    z = f(y)                                     z = forward_f(np.copy(y), tape)
    y[0] = z[1]                                  y[0] = z[1]

Where a reverse half pops memory, nobody but its own forward half has written into it; and what it writes into that
memory, to undo its forward half's writes, nobody else sees.
"""

from __future__ import annotations

import functools

from s2sad.analysis.aliases import can_share
from s2sad.analysis.places import Places
from s2sad.differentiate.halves import Halves
from s2sad.differentiate.needs import AdjointNeeds
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import Assign, Block, Call, Op, Save, Stmt, Store, Var, replace, walk
from s2sad.ir.walk import substitute, vars_of


class Apart(AdjointNeeds):
    """Calls of forward halves, and the ends of forward halves, with the copies that keep memory apart."""

    def forward_call(self, stmt: Stmt, call: Call) -> Block:
        """A call of a forward half. What it leaves on its tape, and is written into here later, is its own copy."""
        halves = self.calls[stmt].halves
        copies: dict[Var, Var] = {}

        def copied(var: Var) -> Var:
            return self._copied(var, copies) if self._is_written_after(stmt, var) else var

        args = tuple(substitute(a, copied) if i in halves.keeps else a for i, a in enumerate(call.args))
        before: Block = [Assign(new, self._copy(old, stmt)) for old, new in copies.items()]
        copies.clear()
        vars = tuple(copied(v) if i in halves.keeps_results else v for i, v in enumerate(call.vars))
        after: Block = [Assign(old, self._copy(new, stmt)) for old, new in copies.items()]
        return [*before, replace(call, callee=halves.forward, args=args, vars=vars), *after]

    def results_apart(self) -> Block:
        """The Return of a forward half: what the reverse half writes into, to undo it, the caller gets a copy of."""
        undone = {self.aliases.root(s.base) for s in self.plan.undone if isinstance(s, Store)}
        copies: dict[Var, Var] = {}

        def copied(var: Var) -> Var:
            return self._copied(var, copies) if self.aliases.root(var) in undone else var

        results = self.function.results
        values = tuple(substitute(v, copied) for v in results.values)
        made: Block = [Assign(new, self._copy(old, results)) for old, new in copies.items()]
        return [*made, replace(results, values=values)]

    def note_kept(self, halves: Halves, forward: Block) -> None:
        """Note which parameters and results a forward half, or one that it calls, leaves on its tape."""
        kept = {self.aliases.root(v) for s in walk(forward) if isinstance(s, Save) for v in s.vars}
        inside = {plan.halves.forward: plan.halves for plan in self.calls.values()}
        for stmt in walk(forward):
            if isinstance(stmt, Call) and stmt.callee in inside:
                inner = inside[stmt.callee]
                kept.update(self.aliases.root(v) for i in inner.keeps for v in vars_of(stmt.args[i]))
                kept.update(self.aliases.root(v) for i, v in enumerate(stmt.vars) if i in inner.keeps_results)

        def is_kept(var: Var) -> bool:
            return can_share(var, self.kinds) and self.aliases.root(var) in kept

        halves.keeps = tuple(i for i, p in enumerate(self.function.params) if is_kept(p.var))
        halves.keeps_results = tuple(
            i for i, e in enumerate(self.function.results.values) if any(map(is_kept, vars_of(e)))
        )

    def _copied(self, var: Var, copies: dict[Var, Var]) -> Var:
        if var not in copies:
            copies[var] = Var(var.hint, True)
            self.kinds[copies[var]] = self.kinds.get(var, UNKNOWN)
        return copies[var]

    def _is_written_after(self, stmt: Stmt, var: Var) -> bool:
        """Whether memory that a Var stands for may be written into after a statement."""
        if not self.aliases.written(var):
            return False
        position, loops = self.places.at[stmt]
        return any(
            isinstance(other, Store)
            and self.aliases.may_share(other.base, var)
            and (at > position or bool(loops and around[:1] == loops[:1]))
            for other, (at, around) in self.places.at.items()
        )

    @functools.cached_property
    def places(self) -> Places:
        """Where the statements of the function stand."""
        return Places(self.function)

    def _copy(self, var: Var, stmt: Stmt) -> Op:
        """A copy of what a Var stands for. Raises S2sadError S205 for a container of more than a list."""
        kind = self.kinds.get(var, UNKNOWN)
        if kind.sort == "list":
            return Op("s2sad.runtime.containers.copies_of", (var,))
        if kind.is_array or kind.sort == "unknown":
            return Op("numpy.copy", (var,))
        raise S2sadError(
            "S205",
            f"{var.hint!r} holds memory that is written into and that a call keeps, which cannot be followed",
            stmt.origin,
            "pass the array itself, or a copy",
        )
