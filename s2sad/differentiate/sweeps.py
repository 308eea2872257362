"""The two sweeps of one function: the primal with its saves, and the adjoints, statement by statement backwards.

An adjoint Var is in one of three states, which the walk tracks: zero (not bound), shared (bound to memory that
something else may hold), owned (bound to a buffer of its own, which may be added to in place).
"""

from __future__ import annotations

import functools
from typing import Any

from s2sad.analysis.aliases import is_fresh
from s2sad.analysis.indices import is_distinct
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.subscripts import Subscripts
from s2sad.differentiate.adjoints import (
    Contribution,
    Path,
    kind_at,
    leaf_paths,
    own,
    same_leaves,
    steps_along,
    total_of,
)
from s2sad.differentiate.apart import Apart
from s2sad.differentiate.complexes import zeros_like
from s2sad.differentiate.instantiate import atom, flatten
from s2sad.differentiate.needs import Key, adjoint_kind
from s2sad.ir.kinds import INT, UNKNOWN, same_shape
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Enter,
    Expr,
    For,
    If,
    Leave,
    Op,
    Restore,
    Return,
    Save,
    Site,
    Stack,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, exits, reads_from_outside, set_blocks, vars_of

#: The state of an adjoint that is bound; one that is zero is absent.
SHARED, OWNED = "shared", "owned"

State = dict[Key, str]


class Sweeps(Apart):
    """`forward` and `reverse` make the sweeps of a block."""

    def site(self, key: Any, hint: str) -> Site:
        if key not in self.sites:
            self.sites[key] = Site(hint, self.stack or Stack(hint))
        return self.sites[key]

    def forward(self, block: Block) -> Block:
        """The primal with its saves. A Return is left out."""
        made: Block = []
        if id(block) in self.counted_at:
            made.append(replace(self.counted_at[id(block)]))
        for stmt in block:
            if isinstance(stmt, Return) or stmt in self.counted_later:
                continue
            saved = self.plan.overwritten.get(stmt)
            if saved:
                # Before the value that the statement only copies is made, so that it can be made in its place.
                at = (
                    len(made) - 1
                    if made and isinstance(stmt, Assign) and isinstance(made[-1], Assign) and made[-1].var is stmt.expr
                    else len(made)
                )
                made[at:at] = self._save(self.site(stmt, saved[0].hint), saved, stmt)
            if stmt in self.plan.undone:
                assert isinstance(stmt, Store)
                made += self._save_cells(stmt)
            new = replace(stmt, group=None)
            if blocks_of(stmt):
                set_blocks(new, [self.forward(b) for b in blocks_of(stmt)])
            if isinstance(new, Call) and stmt in self.calls and self.calls[stmt].halves.saves:
                made += self.forward_call(stmt, new)
                continue
            made.append(new)
        for end in self.ends_at.get(id(block), (id(block),)):
            saved = self.plan.frames.get(end)
            if saved:
                made += self._save(self.site(end, saved[0].hint), saved, None)
        return made

    def _save(self, site: Site, saved: list[Var], stmt: Stmt | None) -> Block:
        """Push values. Arrays go by reference: what is written into them later is undone before they are read."""
        return [Save(site, tuple(saved))]

    def _save_cells(self, stmt: Store) -> Block:
        cells = Var(stmt.base.hint, True)
        read = stmt.base if stmt.index is None else Op("operator.getitem", (stmt.base, stmt.index))
        self.kinds[cells] = kind_of_expr(read, self.kinds)
        value: Expr = read
        made: Block = []
        if self.kinds[cells].shape != ():
            made.append(Assign(cells, read))
            copy = Var(stmt.base.hint, True)
            self.kinds[copy] = self.kinds[cells]
            value, cells = Op("numpy.copy", (cells,)), copy
        made.append(Assign(cells, value))
        made.append(Save(self.site(("cells", stmt), stmt.base.hint), (cells,)))
        return made

    def _undo_cells(self, stmt: Store) -> Block:
        cells = Var(stmt.base.hint, True)
        read = stmt.base if stmt.index is None else Op("operator.getitem", (stmt.base, stmt.index))
        self.kinds[cells] = kind_of_expr(read, self.kinds)
        index = stmt.index if stmt.index is not None else Const(...)
        return [
            Restore(self.site(("cells", stmt), stmt.base.hint), (cells,)),
            Store(stmt.base, index, cells, None, stmt.own),
        ]

    def reverse(self, block: Block, state: State) -> Block:
        """The adjoint of a block; `state` is changed to what holds at its beginning."""
        out: Block = []
        saved = self.plan.frames.get(id(block))
        if saved:
            out.append(Restore(self.site(id(block), saved[0].hint), tuple(saved)))
        for stmt in reversed(block):
            if isinstance(stmt, Return):
                out += self.seeds
            else:
                self._reverse_statement(stmt, state, out)
        return out

    def _reverse_statement(self, stmt: Stmt, state: State, out: Block) -> None:
        links = own(stmt)
        if isinstance(stmt, (Enter, Leave)):
            # Backwards what was left is entered again, unless what it reads may have changed.
            if not stmt.reads and not stmt.once:
                other = Leave if isinstance(stmt, Enter) else Enter
                out.append(other(stmt.contexts, **links))
            return
        recomputed = [replace(self.plan.definitions[v], **links) for v in self.plan.recomputed.get(stmt, ())]
        if isinstance(stmt, (If, For, While, Try)):
            out += recomputed
            if stmt not in self.active_blocks:
                out += self._restored(stmt)
                for var in defs_within([stmt]):
                    self._forget(var, state)
            elif stmt in self.rests:
                out += self.reverse(self.rests[stmt], state)
            elif isinstance(stmt, If):
                self._reverse_branches(If(stmt.test, stmt.body, stmt.orelse), stmt, state, out)
            elif isinstance(stmt, Try):
                if exits(stmt.handler):
                    out += self.reverse(stmt.body, state)
                else:
                    self._reverse_branches(If(stmt.flag, stmt.handler, stmt.body), stmt, state, out)
                out += self._restored(stmt)
            else:
                self._reverse_loop(stmt, state, out)
            return
        if stmt in self.plan.captured:
            assert isinstance(stmt, Assign)
            out.append(Assign(self.plan.captured[stmt], stmt.var, **links))
        out += [replace(self.plan.definitions[v], **links) for v in self.plan.recomputed_first.get(stmt, ())]
        if stmt in self.plan.undone:
            assert isinstance(stmt, Store)
            out += self._undo_cells(stmt)
        out += self._restored(stmt)
        out += recomputed
        if stmt in self.contributions:
            assert isinstance(stmt, Assign)
            self._reverse_assign(stmt, state, out)
        elif stmt in self.calls:
            assert isinstance(stmt, Call)
            self._reverse_call(stmt, state, out)
        elif isinstance(stmt, Store) and stmt in self.active_blocks:
            self._reverse_store(stmt, state, out)
        elif isinstance(stmt, Restore) and stmt in self.active_blocks:
            self._reverse_restore(stmt, state, out)
        elif isinstance(stmt, Save) and stmt in self.active_blocks:
            self._reverse_save(stmt, state, out)
        else:
            for var in defs(stmt):
                self._forget(var, state)

    def _forget(self, var: Var, state: State) -> None:
        """A Var that this statement binds to something constant: its adjoint ends here."""
        for key in [k for k in state if k[0] is var]:
            del state[key]

    def _restored(self, stmt: Stmt) -> Block:
        saved = self.plan.overwritten.get(stmt)
        return [Restore(self.site(stmt, saved[0].hint), tuple(saved), **own(stmt))] if saved else []

    def _reverse_assign(self, stmt: Assign, state: State, out: Block) -> None:
        links = own(stmt)
        paths = list(leaf_paths(self.kinds.get(stmt.var, UNKNOWN)))
        if stmt.var in self.memory.shadowed:
            paths = [()]
            state[(stmt.var, ())] = SHARED
        present = {p: state.get((stmt.var, p)) for p in paths}
        if not any(present.values()):
            return
        mine = {self.bar(stmt.var, p): p for p in paths}
        prelude = self.adjoints.preludes.get(stmt, [])
        read_before = reads_from_outside(prelude)
        for path in paths:
            # A formula of several results reads all their adjoints.
            bar = self.bar(stmt.var, path)
            if present[path] is None and (
                bar in read_before
                or any(bar in vars_of(c.value) and c.value is not bar for c in self.contributions[stmt])
            ):
                out.append(self._zero(stmt.var, path, links))
                present[path] = OWNED
        out += prelude
        live = [
            c
            for c in self.contributions[stmt]
            if not (isinstance(c.value, Var) and c.value in mine and present[mine[c.value]] is None)
        ]
        selves = [c for c in live if c.var is stmt.var]
        passed_on = sum(not is_fresh(c.value, self.kinds) or c.index is not None for c in live)
        for path in paths:
            state.pop((stmt.var, path), None)
        for contribution in self._gathered(live):
            if contribution.var is not stmt.var:
                inherited = None
                if isinstance(contribution.value, Var) and passed_on == 1 and contribution.value in mine:
                    inherited = present[mine[contribution.value]]
                self._contribute(contribution, state, out, links, inherited)
        totals: dict[Path, Expr] = {}
        for contribution in selves:
            assert contribution.index is None, "a read of its own cell binds a Var of its own"
            value = flatten(contribution.value, out_emitter(out, links, self.kinds))
            if contribution.path in totals:
                first = self._atom(totals[contribution.path], out, links)
                second = self._atom(value, out, links)
                value = total_of(self.kinds[self.bar(stmt.var, contribution.path)], first, second)
            totals[contribution.path] = value
        for path, value in totals.items():
            bar = self.bar(stmt.var, path)
            if value is not bar:
                out.append(Assign(bar, value, **links))
            shorter = isinstance(value, Op) and value.name == "s2sad.shorter" and value.operands == (bar,)
            owned = present[path] == OWNED if shorter else is_fresh(value, self.kinds)
            state[(stmt.var, path)] = OWNED if owned else SHARED

    def _gathered(self, contributions: list[Contribution]) -> list[Contribution]:
        """The contributions with those to one adjoint summed, so that it is added to once."""
        made: dict[object, Contribution] = {}
        for c in contributions:
            key = (c.var, c.path) if c.index is None else c
            first = made.get(key)
            if first is not None:
                c = replace(first, value=total_of(self.kinds[self.bar(c.var, c.path)], first.value, c.value))
            made[key] = c
        return list(made.values())

    def _atom(self, expr: Expr, out: Block, links: dict[str, Any]) -> Expr:
        if isinstance(expr, (Var, Const)):
            return expr
        var = Var("t", True)
        self.kinds[var] = kind_of_expr(expr, self.kinds)
        out.append(Assign(var, expr, **links))
        return var

    def _contribute(
        self, c: Contribution, state: State, out: Block, links: dict[str, Any], inherited: str | None = None
    ) -> None:
        """Add to an adjoint: the first contribution binds it, later ones add, in place where the buffer is its own."""
        key = (c.var, c.path)
        emit = out_emitter(out, links, self.kinds)
        if c.var in self.memory.shadowed:
            value = self._atom(flatten(c.value, emit), out, links)
            out.append(Store(self._shadow(c.var, c.path, out, links), c.index, value, c.how, True, **links))
            return
        if self.memory.is_alias(c.var):
            buffer = self._alias_buffer(c.var, state, out, links)
            value = self._atom(flatten(c.value, emit), out, links)
            out.append(Store(buffer, c.index, value, c.how, True, **links))
            return
        bar = self.bar(*key)
        if c.index is not None:
            self._own_buffer(c.var, c.path, state, out, links)
            out.append(Store(bar, c.index, self._atom(flatten(c.value, emit), out, links), c.how, True, **links))
            return
        value = flatten(c.value, emit)
        if key not in state:
            out.append(Assign(bar, value, **links))
            state[key] = OWNED if is_fresh(value, self.kinds) else (inherited or SHARED)
            return
        value = self._atom(value, out, links)
        kind = self.kinds.get(bar, UNKNOWN)
        if kind.sort == "list":
            out.append(Assign(bar, Op("s2sad.runtime.containers.sums_of", (bar, value)), **links))
            state[key] = OWNED
            return
        if state[key] == OWNED and kind.is_array and kind.rank:
            out.append(Store(bar, None, value, "operator.add", True, **links))
        else:
            out.append(Assign(bar, Op("operator.add", (bar, value), spelled="add="), **links))
            state[key] = OWNED

    def _shadow(self, var: Var, path: Path, out: Block, links: dict[str, Any]) -> Var:
        """The shadow of a name, or of an item of what it holds."""
        shadow = self.bar(var)
        for depth, position in enumerate(path):
            item = Var(shadow.hint, True)
            self.kinds[item] = adjoint_kind(kind_at(self.kinds.get(var, UNKNOWN), path[: depth + 1]))
            out.append(Assign(item, Op("operator.getitem", (shadow, Const(position))), **links))
            shadow = item
        return shadow

    def _alias_buffer(self, var: Var, state: State, out: Block, links: dict[str, Any]) -> Var:
        """The view of the root's adjoint that is the adjoint of a second name."""
        root, steps = self.memory.routes[var]
        self._own_buffer(root, (), state, out, links)
        buffer = self.bar(root)
        for step in steps:
            if isinstance(step.expr, Op):
                operands = tuple(buffer if o in self.memory.routes else o for o in step.expr.operands)
                view = Var(self.bar(root).hint, True)
                made = Op(step.expr.name, operands, step.expr.keywords, step.expr.spelled)
                self.kinds[view] = kind_of_expr(made, self.kinds)
                out.append(Assign(view, made, **links))
                buffer = view
        return buffer

    def _own_buffer(self, var: Var, path: Path, state: State, out: Block, links: dict[str, Any]) -> None:
        """Have an adjoint bound to a buffer of its own."""
        key = (var, path)
        if key not in state:
            out.append(self._zero(var, path, links))
        elif state[key] == SHARED:
            listed = kind_at(self.kinds.get(var, UNKNOWN), path).sort == "list"
            copy = "s2sad.runtime.containers.copies_of" if listed else "numpy.copy"
            out.append(Assign(self.bar(*key), Op(copy, (self.bar(*key),)), **links))
        state[key] = OWNED

    def _zero(self, var: Var, path: Path, links: dict[str, Any]) -> Assign:
        """Bind an adjoint to zeros of its primal's shape and dtype."""
        kind = kind_at(self.kinds.get(var, UNKNOWN), path)
        if kind.shape == ():
            return Assign(self.bar(var, path), Const(0j if kind.is_complex else 0.0), **links)
        source: Expr = steps_along(self.adjoints.stand_in(var), self.kinds.get(var, UNKNOWN), path)
        if kind.sort == "list":
            return Assign(self.bar(var, path), Op("s2sad.runtime.containers.zeros_of", (source,)), **links)
        return Assign(self.bar(var, path), zeros_like(source, kind), **links)

    def _reverse_call(self, stmt: Call, state: State, out: Block) -> None:
        links = own(stmt)
        halves = self.calls[stmt].halves
        if not self.mode.activity.touches_tape(stmt.callee) and not any(
            (stmt.vars[i], p) in state or stmt.vars[i] in self.memory.shadowed
            for i in halves.results
            for p in leaf_paths(self.kinds.get(stmt.vars[i], UNKNOWN))
        ):
            return
        seeds: list[Expr] = []
        for i in halves.results:
            for path in leaf_paths(self.kinds.get(stmt.vars[i], UNKNOWN)):
                if (stmt.vars[i], path) not in state and stmt.vars[i] not in self.memory.shadowed:
                    out.append(self._zero(stmt.vars[i], path, links))
                seeds.append(self.bar(stmt.vars[i], path))
        for var in stmt.vars:
            self._forget(var, state)
        results: list[Var] = []
        contributions: list[Contribution] = []
        for position in halves.adjoints:
            argument = stmt.args[position]
            kind = kind_of_expr(argument, self.kinds)
            for path in leaf_paths(kind):
                target = argument
                rest = path
                while isinstance(target, Op) and rest:
                    target, rest = target.operands[rest[0]], rest[1:]
                active = isinstance(target, Var) and target in self.activity
                direct = active and (target, rest) not in state
                result = Var(self.bar(target, rest).hint if direct else "t_bar", True)  # type: ignore[arg-type]
                own_kind = self.kinds.get(self.mode.program.functions[stmt.callee].params[position].var, kind)
                self.kinds[result] = adjoint_kind(kind_at(own_kind if self.mode.is_complex else kind, path))
                results.append(result)
                if active:
                    assert isinstance(target, Var)
                    contributions.append(self._passed_back(Contribution(target, rest, result)))
        args = [stmt.args[i] for i in halves.reads] + seeds
        out.append(Call(tuple(results), halves.reverse, tuple(args), **links))
        for c in contributions:
            self._contribute(c, state, out, links)

    def _passed_back(self, c: Contribution) -> Contribution:
        """What a callee adds to the adjoint of an argument, real where that is. A value keeps its kind in the call."""
        kind = kind_at(self.kinds.get(c.var, UNKNOWN), c.path)
        return self._in_field(c) if kind.is_real or kind.is_complex else c

    def _reverse_store(self, stmt: Store, state: State, out: Block) -> None:
        links = own(stmt)
        key = (self._root(stmt.base), ())
        shadowed = stmt.base in self.memory.shadowed
        if key not in state and not shadowed:
            return
        if shadowed:
            bar = self.bar(stmt.base)
        elif self.memory.is_alias(stmt.base):
            bar = self._alias_buffer(stmt.base, state, out, links)
        else:
            self._own_buffer(stmt.base, (), state, out, links)
            bar = self.bar(stmt.base)
        cells = bar if stmt.index is None else Op("operator.getitem", (bar, stmt.index))
        active = isinstance(stmt.expr, Var) and stmt.expr in self.activity
        clears = stmt.how is not None or self.kinds.get(stmt.base, UNKNOWN).rank is None or self._is_read_again(stmt)
        g = Var(f"{stmt.base.hint}_bar", True)
        self.kinds[g] = kind_of_expr(cells, self.kinds)
        if active:
            out.append(Assign(g, cells, **links))
            repeats = stmt.how is None and stmt.index is not None and not is_distinct(stmt.index, self.kinds)
            if self.kinds[g].shape != () and (clears or repeats):
                copy = Var(f"{stmt.base.hint}_bar", True)
                self.kinds[copy] = self.kinds[g]
                fresh = Op("numpy.copy", (g,))
                if repeats and stmt.index is not None:
                    fresh = Op("s2sad.runtime.checks.masked_writes", (g, bar, stmt.index))
                out.append(Assign(copy, fresh, **links))
                g = copy
        if stmt.how is None and clears:
            out.append(Store(bar, stmt.index if stmt.index is not None else Const(...), Const(0), None, True, **links))
        elif stmt.how == "operator.sub" and active:
            minus = Var("t", True)
            self.kinds[minus] = self.kinds[g]
            out.append(Assign(minus, Op("operator.neg", (g,)), **links))
            g = minus
        if active:
            assert isinstance(stmt.expr, Var)
            value: Expr = g
            if not same_shape(self.kinds[g].shape, self.kinds.get(stmt.expr, UNKNOWN).shape):
                value = Op("s2sad.unbroadcast", (g, stmt.expr))
            self._contribute(self._in_field(Contribution(stmt.expr, (), value)), state, out, links, OWNED)

    def _is_read_again(self, stmt: Store) -> bool:
        """Whether the adjoints of the cells that a write overwrites are read once more: for what they held before.

        They are not where nothing else writes these cells, and what made the array has no adjoint.
        """
        base = stmt.base
        if base in self.memory.shadowed or self.memory.routes.get(base, (None,))[0] is not base:
            return True
        if any(self.contributions.get(s) for s in self.subscripts.binders.get(base, ())):
            return True
        if stmt.index is None or self.kinds.get(stmt.expr, UNKNOWN).shape != ():  # type: ignore[arg-type]
            return True
        cell = self.subscripts.cell(stmt.index, stmt)
        home = self.subscripts.home(base, self.aliases, self.kinds)
        return any(
            s.base is not base or self.subscripts.may_meet_later(s, self.subscripts.cell(s.index, s), stmt, cell, home)
            for s in walk(self.function.body)
            if isinstance(s, Store) and self.aliases.may_share(s.base, base)
        )

    @functools.cached_property
    def subscripts(self) -> Subscripts:
        return Subscripts(self.function)

    def _reverse_restore(self, stmt: Restore, state: State, out: Block) -> None:
        """A pop, in a derivative that is differentiated again: its adjoints are pushed for the push to pop."""
        links = own(stmt)
        site = self.mode.adjoint_site(stmt.site)
        bars = []
        for k in self.positions(stmt.site):
            var = stmt.vars[k]
            for path in same_leaves(self.mode.leaves, stmt, k, self.kinds.get(var, UNKNOWN)):
                if (var, path) not in state:
                    out.append(self._zero(var, path, links))
                bars.append(self.bar(var, path))
        for var in stmt.vars:
            self._forget(var, state)
        out.append(Save(site, tuple(bars), **links))

    def _reverse_save(self, stmt: Save, state: State, out: Block) -> None:
        links = own(stmt)
        site = self.mode.adjoint_site(stmt.site)
        popped = []
        contributions = []
        for k in self.positions(stmt.site):
            var = stmt.vars[k]
            for path in same_leaves(self.mode.leaves, stmt, k, self.kinds.get(var, UNKNOWN)):
                result = Var(self.bar(var, path).hint, True)
                self.kinds[result] = self.kinds[self.bar(var, path)]
                popped.append(result)
                if var in self.activity:
                    contributions.append(Contribution(var, path, result))
        out.append(Restore(site, tuple(popped), **links))
        for c in contributions:
            self._contribute(c, state, out, links)

    def _reverse_branches(self, branches: If, stmt: Stmt, state: State, out: Block) -> None:
        """The same test with each branch backwards; an attempt that succeeded is the branch of a test that fails."""
        links = own(stmt)
        made = If(branches.test, [], [], **links)
        ends = []
        blocks = []
        for inner in blocks_of(branches):
            end = dict(state)
            blocks.append(self.reverse(inner, end))
            ends.append(end)
        for key in list(dict.fromkeys([*ends[0], *ends[1]])):
            for end, block in zip(ends, blocks):
                if key not in end:
                    # A Var that is bound later, under the same test, has no shape yet; its adjoint is not read either.
                    is_bound = key[0] in self.surely_bound[stmt]
                    block.append(self._zero(*key, links) if is_bound else Assign(self.bar(*key), Const(0.0), **links))
                    end[key] = OWNED
        set_blocks(made, blocks)
        state.clear()
        state.update({k: OWNED if ends[0][k] == ends[1][k] == OWNED else SHARED for k in ends[0]})
        if made.body or made.orelse:
            out.append(made)

    def _reverse_loop(self, stmt: For | While, state: State, out: Block) -> None:
        """The loop backwards. What its body adds to must be bound, and bound alike, at both ends of a trip."""
        links = own(stmt)
        entry = dict(state)
        while True:
            end = dict(entry)
            body = self.reverse(stmt.body, end)
            shared = [k for k in entry if state.get(k) == SHARED and self._is_copied(self.bar(*k), body)]
            if shared:
                # What each trip adds to in place is made a buffer of its own once, before the loop.
                for key in shared:
                    self._own_buffer(*key, state, out, links)
                    entry[key] = OWNED
                continue
            more = {k: s for k, s in end.items() if k not in entry}
            demoted = {k: SHARED for k, s in end.items() if entry.get(k) == OWNED and s == SHARED}
            if not more and not demoted:
                break
            entry.update({k: OWNED for k in more})
            entry.update(demoted)
        for key in entry:
            if key not in end:
                body.append(self._zero(*key, links))
            if key not in state:
                out.append(self._zero(*key, links))
        state.clear()
        state.update(entry)
        if not body:
            return
        if isinstance(stmt, While):
            index = Var("i", True)
            self.kinds[index] = INT
            out.append(For(index, Op("builtins.range", (self.counters[stmt],)), body, **links))
        else:
            trips = self._trips_made(stmt, out) if stmt in self.counters else stmt.iter
            out.append(For(stmt.target, trips, body, not stmt.mirror, **links))

    def _trips_made(self, stmt: For, out: Block) -> Op:
        """The range of a loop as far as it was run."""
        assert isinstance(stmt.iter, Op) and not stmt.mirror
        count: Expr = self.counters[stmt]
        bounds = stmt.iter.operands
        if len(bounds) == 1 or (bounds[0] == Const(0) and len(bounds) == 2):
            return Op("builtins.range", (count,))
        emit = out_emitter(out, own(stmt), self.kinds)
        if len(bounds) == 3:
            count = atom(Op("operator.mul", (count, bounds[2])), emit)
        stop = atom(Op("operator.add", (bounds[0], count)), emit)
        return Op("builtins.range", (bounds[0], stop, *bounds[2:]))

    @staticmethod
    def _is_copied(bar: Var, body: Block) -> bool:
        return any(isinstance(s, Assign) and s.var is bar and s.expr == Op("numpy.copy", (bar,)) for s in walk(body))


def out_emitter(out: Block, links: dict[str, Any], kinds: Kinds) -> Any:
    """Appends temporaries to a block, with their kinds noted."""

    def emit(assign: Assign) -> None:
        kinds[assign.var] = kind_of_expr(assign.expr, kinds)
        out.append(replace(assign, **links))

    return emit
