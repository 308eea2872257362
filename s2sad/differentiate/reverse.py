"""Reverse mode: a program in, the program of its gradient out.

For each function: make the adjoint of each active statement, ask `recovery` how to get back what these read, then write
the forward sweep (the primal with its saves) and the reverse sweep (restores, then adjoints, statement by statement
backwards). An adjoint Var is in one of three states, which the walk tracks: zero (not bound), shared (bound to memory
that something else may hold), owned (bound to a buffer of its own, which may be added to in place).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.analysis.activity import ActivityAnalysis
from s2sad.analysis.aliases import alias_classes, is_fresh
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.memory import has_memory, user_stores, written_memory
from s2sad.analysis.recovery import Needs, plan_recovery
from s2sad.differentiate.adjoints import Contribution, Path, StatementAdjoints, kind_at, leaf_paths, own, read_cells
from s2sad.differentiate.instantiate import flatten
from s2sad.differentiate.normalise import is_distinct, normalise, with_own_arguments
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import INT, UNKNOWN, Kind, same_shape
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Expr,
    For,
    Function,
    If,
    Label,
    Op,
    Param,
    Program,
    Restore,
    Return,
    Save,
    Site,
    Stack,
    Stmt,
    Store,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, exposed_reads, set_blocks, uses_within, vars_of
from s2sad.optimise.dead import eliminate_dead

#: The state of an adjoint that is bound; one that is zero is absent.
SHARED, OWNED = "shared", "owned"
Key = tuple[Var, Path]
State = dict[Key, str]


@dataclass
class Halves:
    """The forward and reverse half of a callee, for some active arguments and results.

    reads: positions of the parameters that the reverse half takes; adjoints: positions of those whose adjoint it gives.
    """

    forward: Label
    reverse: Label
    adjoints: tuple[int, ...]
    results: tuple[int, ...]
    reads: tuple[int, ...] = ()
    saves: bool = False
    busy: bool = True
    primal: Label | None = None


class ReverseMode:
    """Makes the gradient of a program's entry, and the halves of the functions that it calls."""

    def __init__(self, program: Program, kinds: Kinds, lowering: Lowering | None = None) -> None:
        self.lowering = lowering
        self.kinds: Kinds = dict(kinds)
        self.counters: dict[Stmt, Var] = {}
        functions = {}
        for label, function in program.functions.items():
            if label is program.entry:
                function = with_own_arguments(function, self.kinds)
            functions[label], counters = normalise(function, self.kinds)
            self.counters.update(counters)
        self.primals = program.functions
        self.program = Program(functions, program.entry)
        self.activity = ActivityAnalysis(self.program, self.kinds)
        self.halves: dict[tuple[Label, frozenset[int], frozenset[int]], Halves] = {}
        self.made: dict[Label, Function] = {}
        # What is known of a circle of calls grows in rounds: whether each callee of this round is still being built.
        self._round: dict[tuple[Label, frozenset[int], frozenset[int]], bool] = {}
        self._changed = self._circular = False
        self.calls_stack = Stack()
        self.notes: list[str] = []
        self._adjoint_sites: dict[Site, Site] = {}
        self._adjoint_stacks: dict[Stack, Stack] = {}

    def gradient(
        self, wrt: Sequence[int], *, value: bool = False, tuple_result: bool = False, seed: str = "one", name: str = ""
    ) -> tuple[Program, Kinds]:
        """The program that returns the gradient with respect to the parameters at `wrt`, after the value if `value`.

        seed: "one" for a scalar result, "ones" for an elementwise one, "given" for a trailing parameter.
        """
        main = self.program.main
        results = frozenset(range(len(main.results.values)))
        if self._recursive(main, frozenset(wrt)):
            main = self._wrapper(main)
        self.activity.settle(main.label, frozenset(wrt), results)
        build = _Build(self, main, frozenset(wrt), results, framed=False)
        function = build.gradient(list(wrt), value=value, tuple_result=tuple_result, seed=seed, name=name)
        functions = {
            label: f for label, f in self.primals.items() if label is not self.program.entry or self._calls_itself()
        }
        functions.update(self.made)
        functions[function.label] = function
        return Program(functions, function.label), self.kinds

    def adjoint_site(self, site: Site) -> Site:
        """The site at which the adjoints of what another site saves are saved, on a stack of its own."""
        if site not in self._adjoint_sites:
            stack = self._adjoint_stacks.setdefault(site.stack, Stack(f"{site.stack.hint}_bar"))
            self._adjoint_sites[site] = Site(f"{site.hint}_bar", stack)
        return self._adjoint_sites[site]

    def unreadable(self, stmt: Call) -> S2sadError:
        """The refusal of an active call of a function that could not be lowered, at the call."""
        try:
            assert self.lowering is not None
            self.lowering.function(self.lowering.label(self.lowering.primals[stmt.callee]))
        except S2sadError as error:
            if error.place is None:
                return S2sadError(error.code, error.reason, stmt.origin, error.help)
            return error
        return S2sadError("S204", f"{stmt.callee.hint} cannot be followed", stmt.origin)

    def _calls_itself(self) -> bool:
        called = (
            s.callee for f in [*self.primals.values(), *self.made.values()] for s in walk(f.body) if isinstance(s, Call)
        )
        return any(label is self.program.entry for label in called)

    def _recursive(self, main: Function, params: frozenset[int]) -> bool:
        """Whether a function reaches an active call of itself."""
        seen: set[Label] = set()
        work = [main]
        while work:
            for stmt in walk(work.pop().body):
                if isinstance(stmt, Call):
                    if stmt.callee is main.label:
                        return True
                    if stmt.callee not in seen and stmt.callee in self.program.functions:
                        seen.add(stmt.callee)
                        work.append(self.program.functions[stmt.callee])
        return False

    def _wrapper(self, main: Function) -> Function:
        """A function that only calls `main`: a recursive function's gradient is a call of its halves."""
        params = [replace(p, var=Var(p.name)) for p in main.params]
        for new, old in zip(params, main.params):
            self.kinds[new.var] = self.kinds.get(old.var, UNKNOWN)
        results = tuple(
            Var("result" if len(main.results.values) == 1 else f"result{k}", True)
            for k in range(len(main.results.values))
        )
        for new_result, old_result in zip(results, main.results.values):
            self.kinds[new_result] = kind_of_expr(old_result, self.kinds)
        call = Call(results, main.label, tuple(p.var for p in params), origin=main.origin)
        made = replace(
            main,
            label=Label(main.label.hint),
            params=params,
            body=[call, Return(results, main.results.packed)],
            free={},
        )
        self.program = Program({**self.program.functions, made.label: made}, made.label)
        self.activity = ActivityAnalysis(self.program, self.kinds)
        return made

    def halves_of(self, label: Label, params: frozenset[int], results: frozenset[int]) -> Halves:
        """The halves of a callee.

        Recursive ones are built again, all of the circle, until what they read and save no longer changes.
        """
        key = (label, params, results)
        if key in self.halves and (not self.halves[key].busy or key in self._round):
            self._circular = self._circular or self._round.get(key, False)
            return self.halves[key]
        if key not in self.halves:
            self.halves[key] = Halves(
                Label(f"forward_{label.hint}"),
                Label(f"reverse_{label.hint}"),
                tuple(sorted(params)),
                tuple(sorted(results)),
                primal=label,
            )
        halves = self.halves[key]
        outermost = not self._round
        while True:
            if outermost:
                self._changed = self._circular = False
            self._round[key] = True
            before = (halves.reads, halves.saves)
            forward, reverse = _Build(self, self.program.functions[label], params, results, framed=True).halves(halves)
            self.made[halves.forward] = forward
            self.made[halves.reverse] = reverse
            self._round[key] = False
            self._changed = self._changed or (halves.reads, halves.saves) != before
            if not outermost:
                return halves
            if not (self._changed and self._circular):
                for finished in self._round:
                    self.halves[finished].busy = False
                self._round = {}
                return halves
            self._round = {}


@dataclass
class _CallPlan:
    halves: Halves
    args: list[int] = field(default_factory=list)


class _Build:
    """One function, differentiated once."""

    def __init__(
        self, mode: ReverseMode, function: Function, params: frozenset[int], results: frozenset[int], framed: bool
    ) -> None:
        self.mode = mode
        self.kinds = mode.kinds
        self.activity = mode.activity.of(function.label, params, results)
        self.function, self.counters = function, mode.counters
        self.framed = framed
        self.params = params
        self.results = results
        self.bars: dict[Key, Var] = {}
        self.sites: dict[Any, Site] = {}
        self.stack = mode.calls_stack if framed else None
        definitions: dict[Var, Expr] = {}
        for stmt in walk(self.function.body):
            if isinstance(stmt, Assign):
                definitions[stmt.var] = Const(None) if stmt.var in definitions else stmt.expr
        self.aliases = alias_classes(self.function, self.kinds)
        self.memory = written_memory(function, self.kinds, self.activity)
        self._refuse_writing_callees()
        self.adjoints = StatementAdjoints(self.kinds, self.activity, self.bar, definitions)
        self.contributions: dict[Stmt, list[Contribution]] = {}
        self.calls: dict[Stmt, _CallPlan] = {}
        self.active_blocks: set[Stmt] = set()
        self._fragments(self.function.body)
        self.plan = plan_recovery(self.function, self._needs(), self.kinds, self.aliases, framed)

    # ---- adjoint Vars ------------------------------------------------------------------------------------------

    def bar(self, var: Var, path: Path = ()) -> Var:
        key = (var, path)
        if key not in self.bars:
            suffix = "".join(f"_{k}" for k in path)
            made = Var(f"{var.hint}{suffix}_bar", var.temporary)
            kind = kind_at(self.kinds.get(var, UNKNOWN), path)
            self.bars[key] = made
            self.kinds[made] = _adjoint_kind(kind)
        return self.bars[key]

    # ---- fragments and needs -----------------------------------------------------------------------------------

    def _fragments(self, block: Block) -> bool:
        """Make the contributions of every active statement; tell whether the block holds any."""
        any_active = False
        for stmt in block:
            active = False
            if isinstance(stmt, Assign) and self.memory.is_alias(stmt.var):
                pass  # its adjoint is the same view of the adjoint of what it is a view of
            elif isinstance(stmt, Assign) and stmt.var in self.activity:
                self.contributions[stmt] = self.adjoints.assign(stmt)
                active = True
            elif isinstance(stmt, Store) and stmt.base in self.activity:
                active = True
            elif isinstance(stmt, Call):
                # A call that gives an active Var a value without derivative ends its adjoint, perhaps in a branch or
                # loop.
                active = self._call_plan(stmt) or any(v in self.activity for v in stmt.vars)
            elif isinstance(stmt, (Save, Restore)):
                active = bool(self.mode.activity.positions(stmt.site))
            for inner in blocks_of(stmt):
                active = self._fragments(inner) or active
            if active or any(isinstance(s, Store) for b in blocks_of(stmt) for s in walk(b)):
                self.active_blocks.add(stmt)
            any_active = any_active or active
        return any_active

    def _call_plan(self, stmt: Call) -> bool:
        wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in self.activity)
        given = frozenset(i for i, a in enumerate(stmt.args) if any(v in self.activity for v in vars_of(a)))
        taped = self.mode.activity.touches_tape(stmt.callee)
        if (not wanted or not given) and not taped:
            return False
        if stmt.callee not in self.mode.program.functions:
            raise self.mode.unreadable(stmt)
        varied_results = self.mode.activity.varied(stmt.callee, given)[1] & wanted
        useful_params = self.mode.activity.useful(stmt.callee, varied_results)[1] & given
        if (not varied_results or not useful_params) and not taped:
            return False
        self.calls[stmt] = _CallPlan(self.mode.halves_of(stmt.callee, useful_params, varied_results))
        return True

    def _needs(self) -> Needs:
        needs = Needs(atomic={s for s in walk(self.function.body) if blocks_of(s) and s not in self.active_blocks})
        made = set(self.bars.values())
        for stmt in walk(self.function.body):
            for contribution in self.contributions.get(stmt, ()):
                for var in [*vars_of(contribution.value), *vars_of(contribution.index)]:
                    if var in made:
                        continue
                    own_result = (
                        isinstance(stmt, Assign) and var is stmt.var and not any(v is var for v in vars_of(stmt.expr))
                    )
                    needs.add(stmt, var, after=own_result)
                for var in read_cells(contribution.value):
                    if var not in made and self.aliases.written(var):
                        needs.contents.setdefault(stmt, {})[var] = None
                for var in self._reached_through(contribution.var):
                    needs.add(stmt, var)
                if contribution.index is not None and not self._is_number(contribution.var):
                    needs.add(stmt, self._root(contribution.var))
            if isinstance(stmt, Call) and stmt in self.calls:
                for position in self.calls[stmt].halves.reads:
                    for var in vars_of(stmt.args[position]):
                        needs.add(stmt, var)
                        if self.aliases.written(var):
                            needs.contents.setdefault(stmt, {})[var] = None
            if isinstance(stmt, Store) and stmt in self.active_blocks:
                for var in [*vars_of(stmt.index), *self._reached_through(stmt.base)]:
                    needs.add(stmt, var)
                if isinstance(stmt.expr, Var) and stmt.expr in self.activity and not self._is_number(stmt.expr):
                    needs.add(stmt, stmt.expr)
            if stmt in self.active_blocks:
                if isinstance(stmt, If):
                    for var in vars_of(stmt.test):
                        needs.add(stmt, var, after=True)
                elif isinstance(stmt, For):
                    for var in vars_of(stmt.iter):
                        needs.add(stmt, var, after=True)
                elif isinstance(stmt, While):
                    needs.add(stmt, self.counters[stmt], after=True)
                if isinstance(stmt, (For, While)):
                    for var in self._zeroed_before(stmt):
                        needs.add(stmt, var, after=True)
        return needs

    def _root(self, var: Var) -> Var:
        return self.memory.routes[var][0] if var in self.memory.routes else var

    def _reached_through(self, var: Var) -> list[Var]:
        """What the views on the way from a root to one of its aliases were indexed with, and the root."""
        if not self.memory.is_alias(var):
            return []
        root, steps = self.memory.routes[var]
        found = [v for step in steps for v in vars_of(step.expr) if v not in self.memory.routes]
        return [root, *found]

    def _refuse_writing_callees(self) -> None:
        for stmt in walk(self.function.body):
            if isinstance(stmt, Call) and stmt.callee in self.mode.program.functions:
                callee = self.mode.program.functions[stmt.callee]
                stores = user_stores(callee)
                aliases = alias_classes(callee, self.kinds) if stores else None
                outside = [p.var for p in callee.params if has_memory(p.var, self.kinds)]
                if aliases and any(aliases.may_share(s.base, v) for s in stores for v in outside):
                    reason = f"{stmt.callee.hint} writes into its argument, which is not supported in a call"
                    raise S2sadError("S201", reason, stmt.origin, "let it make and return a new array")

    def _is_number(self, var: Var) -> bool:
        return self.kinds.get(var, UNKNOWN).shape == ()

    def _zeroed_before(self, loop: Stmt) -> list[Var]:
        """Arrays whose adjoints may have to be made, as zeros, before a loop is reversed.

        These are what its body adds to, and what it carries that nothing after it adds to.
        """
        assert isinstance(loop, (For, While))
        inside = {v for s in walk(loop.body) for v in defs(s)}
        within = set(walk(loop.body))
        order = list(walk(self.function.body))
        after = order[order.index(loop) :]
        added = {c.var for s in after if s not in within for c in self.contributions.get(s, ())}
        found: dict[Var, None] = {}
        for stmt in walk(loop.body):
            for contribution in self.contributions.get(stmt, ()):
                var = self._root(contribution.var)
                if self._is_number(var) or kind_at(self.kinds.get(var, UNKNOWN), contribution.path).shape == ():
                    continue
                if var not in inside or (var in self._carried(loop) and var not in added):
                    found[var] = None
        return list(found)

    def _carried(self, loop: For | While) -> set[Var]:
        """What a trip of a loop may read of an earlier one."""
        found: set[Var] = set()
        exposed_reads(loop.body, set(), found)
        return found

    # ---- forward sweep -----------------------------------------------------------------------------------------

    def site(self, key: Any, hint: str) -> Site:
        if key not in self.sites:
            self.sites[key] = Site(hint, self.stack or Stack(hint))
        return self.sites[key]

    def forward(self, block: Block) -> Block:
        """The primal with its saves. A Return is left out."""
        made: Block = []
        for stmt in block:
            if isinstance(stmt, Return):
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
            if stmt in self.calls and self.calls[stmt].halves.saves:
                new = replace(new, callee=self.calls[stmt].halves.forward)
            made.append(new)
        saved = self.plan.frames.get(id(block))
        if saved:
            made += self._save(self.site(id(block), saved[0].hint), saved, None)
        return made

    def _save(self, site: Site, saved: list[Var], stmt: Stmt | None) -> Block:
        """Push values. Arrays go by reference: what is written into them later is undone before they are read."""
        made: Block = []
        pushed = []
        for var in saved:
            pushed.append(var)
        made.append(Save(site, tuple(pushed)))
        return made

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
        return [Restore(self.site(("cells", stmt), stmt.base.hint), (cells,)), Store(stmt.base, index, cells)]

    # ---- reverse sweep -----------------------------------------------------------------------------------------

    def reverse(self, block: Block, state: State) -> Block:
        """The adjoint of a block; `state` is changed to what holds at its beginning."""
        out: Block = []
        saved = self.plan.frames.get(id(block))
        if saved:
            out.append(Restore(self.site(id(block), saved[0].hint), tuple(saved)))
        for stmt in reversed(block):
            if not isinstance(stmt, Return):
                self._reverse_statement(stmt, state, out)
        return out

    def _reverse_statement(self, stmt: Stmt, state: State, out: Block) -> None:
        links = own(stmt)
        recomputed = [replace(self.plan.definitions[v], **links) for v in self.plan.recomputed.get(stmt, ())]
        if isinstance(stmt, (If, For, While)):
            out += recomputed
            if stmt not in self.active_blocks:
                out += self._restored(stmt)
                for var in defs_within([stmt]):
                    self._forget(var, state)
            elif isinstance(stmt, If):
                self._reverse_if(stmt, state, out)
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
        present = {p: state.get((stmt.var, p)) for p in paths}
        if not any(present.values()):
            return
        mine = {self.bar(stmt.var, p): p for p in paths}
        for path in paths:
            # A formula of several results reads all their adjoints.
            if present[path] is None and any(
                self.bar(stmt.var, path) in vars_of(c.value) and c.value is not self.bar(stmt.var, path)
                for c in self.contributions[stmt]
            ):
                out.append(self._zero(stmt.var, path, links))
                present[path] = OWNED
        live = [
            c
            for c in self.contributions[stmt]
            if not (isinstance(c.value, Var) and c.value in mine and present[mine[c.value]] is None)
        ]
        selves = [c for c in live if c.var is stmt.var]
        passed_on = sum(not is_fresh(c.value) or c.index is not None for c in live)
        for path in paths:
            state.pop((stmt.var, path), None)
        for contribution in _gathered(live):
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
                value = Op("operator.add", (first, second))
            totals[contribution.path] = value
        for path, value in totals.items():
            bar = self.bar(stmt.var, path)
            if value is not bar:
                out.append(Assign(bar, value, **links))
            state[(stmt.var, path)] = OWNED if is_fresh(value) else SHARED

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
        if self.memory.is_alias(c.var):
            buffer = self._alias_buffer(c.var, state, out, links)
            value = self._atom(flatten(c.value, emit), out, links)
            out.append(Store(buffer, c.index, value, c.how, **links))
            return
        bar = self.bar(*key)
        if c.index is not None:
            self._own_buffer(c.var, c.path, state, out, links)
            out.append(Store(bar, c.index, self._atom(flatten(c.value, emit), out, links), c.how, **links))
            return
        value = flatten(c.value, emit)
        if key not in state:
            out.append(Assign(bar, value, **links))
            state[key] = OWNED if is_fresh(value) else (inherited or SHARED)
            return
        value = self._atom(value, out, links)
        kind = self.kinds.get(bar, UNKNOWN)
        if state[key] == OWNED and kind.is_array and kind.rank:
            out.append(Store(bar, None, value, "operator.add", **links))
        else:
            out.append(Assign(bar, Op("operator.add", (bar, value), spelled="add="), **links))
            state[key] = OWNED

    def _alias_buffer(self, var: Var, state: State, out: Block, links: dict[str, Any]) -> Var:
        """The view of the root's adjoint that is the adjoint of a second name."""
        root, steps = self.memory.routes[var]
        self._own_buffer(root, (), state, out, links)
        buffer = self.bar(root)
        for step in steps:
            if isinstance(step.expr, Op):
                operands = tuple(buffer if o in self.memory.routes else o for o in step.expr.operands)  # type: ignore[comparison-overlap]
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
            out.append(Assign(self.bar(*key), Op("numpy.copy", (self.bar(*key),)), **links))
        state[key] = OWNED

    def _zero(self, var: Var, path: Path, links: dict[str, Any]) -> Assign:
        """Bind an adjoint to zeros of its primal's shape and dtype."""
        kind = kind_at(self.kinds.get(var, UNKNOWN), path)
        if kind.shape == ():
            return Assign(self.bar(var, path), Const(0.0), **links)
        source: Expr = self.adjoints.stand_in(var)
        for position in path:
            source = Op("operator.getitem", (source, Const(position)))
        return Assign(self.bar(var, path), Op("numpy.zeros_like", (source,)), **links)

    def _reverse_call(self, stmt: Call, state: State, out: Block) -> None:
        links = own(stmt)
        halves = self.calls[stmt].halves
        if not self.mode.activity.touches_tape(stmt.callee) and not any(
            (stmt.vars[i], p) in state
            for i in halves.results
            for p in leaf_paths(self.kinds.get(stmt.vars[i], UNKNOWN))
        ):
            return
        seeds: list[Expr] = []
        for i in halves.results:
            for path in leaf_paths(self.kinds.get(stmt.vars[i], UNKNOWN)):
                if (stmt.vars[i], path) not in state:
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
                self.kinds[result] = _adjoint_kind(kind_at(kind, path))
                results.append(result)
                if active:
                    assert isinstance(target, Var)
                    contributions.append(Contribution(target, rest, result))
        args = [stmt.args[i] for i in halves.reads] + seeds
        out.append(Call(tuple(results), halves.reverse, tuple(args), **links))
        for c in contributions:
            self._contribute(c, state, out, links)

    def _reverse_store(self, stmt: Store, state: State, out: Block) -> None:
        links = own(stmt)
        key = (self._root(stmt.base), ())
        if key not in state:
            return
        if self.memory.is_alias(stmt.base):
            bar = self._alias_buffer(stmt.base, state, out, links)
        else:
            self._own_buffer(stmt.base, (), state, out, links)
            bar = self.bar(stmt.base)
        cells = bar if stmt.index is None else Op("operator.getitem", (bar, stmt.index))
        active = isinstance(stmt.expr, Var) and stmt.expr in self.activity
        g = Var(f"{stmt.base.hint}_bar", True)
        self.kinds[g] = kind_of_expr(cells, self.kinds)
        if active:
            out.append(Assign(g, cells, **links))
            if self.kinds[g].shape != ():
                copy = Var(f"{stmt.base.hint}_bar", True)
                self.kinds[copy] = self.kinds[g]
                fresh = Op("numpy.copy", (g,))
                if stmt.index is not None and not is_distinct(stmt.index, self.kinds):
                    fresh = Op("s2sad.runtime.checks.masked_writes", (g, bar, stmt.index))
                out.append(Assign(copy, fresh, **links))
                g = copy
        if stmt.how is None:
            out.append(Store(bar, stmt.index if stmt.index is not None else Const(...), Const(0), **links))
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
            self._contribute(Contribution(stmt.expr, (), value), state, out, links, OWNED)

    def _reverse_restore(self, stmt: Restore, state: State, out: Block) -> None:
        """A pop, in a derivative that is differentiated again: its adjoints are pushed for the push to pop."""
        links = own(stmt)
        site = self.mode.adjoint_site(stmt.site)
        bars = []
        for k in self.mode.activity.positions(stmt.site):
            var = stmt.vars[k]
            if (var, ()) not in state:
                out.append(self._zero(var, (), links))
            bars.append(self.bar(var))
        for var in stmt.vars:
            self._forget(var, state)
        out.append(Save(site, tuple(bars), **links))

    def _reverse_save(self, stmt: Save, state: State, out: Block) -> None:
        links = own(stmt)
        site = self.mode.adjoint_site(stmt.site)
        popped = []
        contributions = []
        for k in self.mode.activity.positions(stmt.site):
            var = stmt.vars[k]
            result = Var(f"{var.hint}_bar", True)
            self.kinds[result] = self.kinds[self.bar(var)]
            popped.append(result)
            if var in self.activity:
                contributions.append(Contribution(var, (), result))
        out.append(Restore(site, tuple(popped), **links))
        for c in contributions:
            self._contribute(c, state, out, links)

    def _reverse_if(self, stmt: If, state: State, out: Block) -> None:
        links = own(stmt)
        made = If(stmt.test, [], [], **links)
        ends = []
        blocks = []
        for inner in blocks_of(stmt):
            end = dict(state)
            blocks.append(self.reverse(inner, end))
            ends.append(end)
        for key in list(dict.fromkeys([*ends[0], *ends[1]])):
            for end, block in zip(ends, blocks):
                if key not in end:
                    block.append(self._zero(*key, links))
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
        if isinstance(stmt, For):
            out.append(For(stmt.target, stmt.iter, body, not stmt.mirror, **links))
        else:
            index = Var("i", True)
            self.kinds[index] = INT
            out.append(For(index, Op("builtins.range", (self.counters[stmt],)), body, **links))

    # ---- whole functions ---------------------------------------------------------------------------------------

    def _prelude(self) -> Block:
        """Vars that may be saved before they are bound."""
        return [Assign(v, Const(None)) for v in self.plan.undefined]

    def gradient(self, wrt: list[int], *, value: bool, tuple_result: bool, seed: str, name: str) -> Function:
        function = self.function
        body = [*self._prelude(), *self.forward(function.body)]
        results = function.results
        kept: list[Expr] = []
        for result in results.values if value else ():
            copy = Var("value", True)
            self.kinds[copy] = kind_of_expr(result, self.kinds)
            source = Op("numpy.copy", (result,)) if any(self.aliases.written(v) for v in vars_of(result)) else result
            body.append(Assign(copy, source))
            kept.append(copy)
        state: State = {}
        params = list(function.params)
        mark = object()
        whole = Var("seed")  # of several results, or of one that no adjoint is needed of
        if seed == "given":
            params.append(Param(whole, "seed", seed=True))
            kinds = tuple(_adjoint_structure(kind_of_expr(r, self.kinds)) for r in results.values)
            self.kinds[whole] = Kind("tuple", items=kinds) if results.packed else kinds[0]
        for position, result in enumerate(results.values):
            if not isinstance(result, Var) or result not in self.activity:
                continue
            for path in leaf_paths(self.kinds.get(result, UNKNOWN)):
                bar = self.bar(result, path)
                kind = kind_at(self.kinds.get(result, UNKNOWN), path)
                origin: dict[str, Any] = {"origin": results.origin, "group": mark, "quote": None}
                if seed == "given":
                    steps = (position, *path) if results.packed else path
                    if not steps:
                        params[-1] = Param(bar, "seed", seed=True)
                    item: Expr = whole
                    for k in steps:
                        item = flatten(Op("operator.getitem", (item, Const(k))), out_emitter(body, origin, self.kinds))
                    if steps:
                        body.append(Assign(bar, item, **origin))
                elif seed == "ones":
                    ones = (
                        Op("s2sad.spread", (Const(1.0), result))
                        if kind.is_array and kind.dtype == "float64"
                        else Op("numpy.ones_like", (result,))
                    )
                    body.append(Assign(bar, Const(1.0) if kind.shape == () else ones, **origin))
                elif kind.shape == () or isinstance(kind.shape, frozenset):
                    body.append(Assign(bar, Const(1.0), **origin))
                else:
                    body.append(Assign(bar, Op("s2sad.runtime.checks.scalar_seed", (result,)), **origin))
                state[(result, path)] = SHARED
        body += self.reverse(function.body, state)
        gradients: list[Expr] = [self._gradient_of(function.params[i], state, body) for i in wrt]
        gradient: Expr = Op("tuple", tuple(gradients)) if tuple_result else gradients[0]
        if value:
            values: tuple[Expr, ...] = (*([Op("tuple", tuple(kept))] if results.packed else kept), gradient)
            body.append(Return(values, True, group="value"))
        else:
            body.append(Return(tuple(gradients), tuple_result))
        return Function(
            Label(name or f"grad_{function.label.hint}"),
            params,
            body,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        )

    def _gradient_of(self, param: Param, state: State, body: Block) -> Expr:
        """The gradient of a parameter, in its structure: fresh memory, zeros where nothing reaches it."""
        kind = self.kinds.get(param.var, UNKNOWN)

        def build(kind: Kind, path: Path) -> Expr:
            if kind.sort in ("tuple", "list") and kind.items is not None:
                return Op(kind.sort, tuple(build(k, (*path, i)) for i, k in enumerate(kind.items)))
            if not kind.carries_derivative:
                return Const(None)
            key = (param.var, path)
            if key not in state:
                if not path:
                    self.mode.notes.append(
                        f"{self.function.origin}: the result of {self.function.label.hint} does not depend on "
                        f"{param.name!r}; its gradient is zero"
                    )
                body.append(self._zero(*key, {"group": param}))
                state[key] = OWNED
            return self._returned(self.bar(*key), param.var, path, kind, body)

        return build(kind, ())

    def _returned(self, bar: Var, param: Var, path: Path, kind: Kind, body: Block) -> Expr:
        """An adjoint as the caller gets it: of the argument's dtype, and sharing memory with nothing."""
        copy = Var(bar.hint, bar.temporary)
        self.kinds[copy] = kind if kind.carries_derivative else self.kinds.get(bar, UNKNOWN)
        item: Expr = param
        for position in path:
            emit = out_emitter(body, {"group": param}, self.kinds)
            item = flatten(Op("operator.getitem", (item, Const(position))), emit)
        source = self._atom(item, body, {"group": param})
        body.append(Assign(copy, Op("s2sad.returned", (bar, source)), group=param))
        return copy

    def halves(self, halves: Halves) -> tuple[Function, Function]:
        function = self.function
        forward = [*self._prelude(), *self.forward(function.body)]
        forward.append(replace(function.results))
        state: State = {}
        seeds: list[Param] = []
        body: Block = []
        results = function.results.values
        for position in halves.results:
            result = results[position]
            kind = kind_of_expr(result, self.kinds)
            for path in leaf_paths(kind):
                hint = (
                    f"{function.label.hint}_bar"
                    if len(halves.results) == 1 and not path
                    else f"{function.label.hint}_{position}_bar"
                )
                seed = Var(hint)
                self.kinds[seed] = _adjoint_kind(kind_at(kind, path))
                seeds.append(Param(seed, hint, annotation=_annotation(self.kinds[seed]), seed=True))
                if isinstance(result, Var) and result in self.activity:
                    body.append(Assign(self.bar(result, path), seed))
                    state[(result, path)] = SHARED
        body += self.reverse(function.body, state)
        outputs: list[Expr] = []
        for position in halves.adjoints:
            param = function.params[position].var
            for path in leaf_paths(self.kinds.get(param, UNKNOWN)):
                if (param, path) not in state:
                    body.append(self._zero(param, path, {}))
                outputs.append(self.bar(param, path))
        body.append(Return(tuple(outputs), len(outputs) > 1))
        halves.saves = any(isinstance(s, Save) for s in walk(forward)) or any(
            s in self.calls and self.calls[s].halves.saves for s in self.calls
        )
        reverse = Function(
            halves.reverse,
            [*function.params, *seeds],
            body,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        )
        reverse = eliminate_dead(reverse, self.kinds, restored={})
        read = uses_within(reverse.body)
        halves.reads = tuple(i for i, p in enumerate(function.params) if p.var in read and not self._rebound(p.var))
        reverse.params = [*(function.params[i] for i in halves.reads), *seeds]
        return Function(
            halves.forward,
            function.params,
            forward,
            function.free,
            origin=function.origin,
            primal=function.primal,
            annotations=function.annotations,
        ), reverse

    def _rebound(self, var: Var) -> bool:
        return any(var in defs(s) for s in walk(self.function.body))


def _annotation(kind: Kind) -> Any:
    return gast.Name("float", gast.Load(), None, None) if kind.sort == "float" else None


def _gathered(contributions: list[Contribution]) -> list[Contribution]:
    """The contributions with those to one adjoint summed, so that it is added to once."""
    made: dict[object, Contribution] = {}
    for c in contributions:
        key = (c.var, c.path) if c.index is None else c
        first = made.get(key)
        made[key] = c if first is None else replace(first, value=Op("operator.add", (first.value, c.value)))
    return list(made.values())


def _adjoint_kind(kind: Kind) -> Kind:
    """The kind of an adjoint: that of its primal, an int's being a float's."""
    return Kind("float", None, ()) if kind.sort in ("int", "bool") else kind


def _adjoint_structure(kind: Kind) -> Kind:
    """The kind of an adjoint of a value, in the value's structure."""
    if kind.sort in ("tuple", "list") and kind.items is not None:
        return Kind(kind.sort, items=tuple(map(_adjoint_structure, kind.items)))
    return _adjoint_kind(kind)


def out_emitter(out: Block, links: dict[str, Any], kinds: Kinds) -> Any:
    """Appends temporaries to a block, with their kinds noted."""

    def emit(assign: Assign) -> None:
        kinds[assign.var] = kind_of_expr(assign.expr, kinds)
        out.append(replace(assign, **links))

    return emit
