"""What the adjoints of one function are, and what they read.

For each active statement its contributions, for each active call the halves of its callee; then, for `recovery`, which
values the reverse sweep reads at which statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from s2sad.analysis.aliases import alias_classes
from s2sad.analysis.kinds import kind_of_expr
from s2sad.analysis.memory import held_by, written_memory
from s2sad.analysis.recovery import Needs, plan_recovery
from s2sad.differentiate.adjoints import (
    Contribution,
    Path,
    StatementAdjoints,
    kind_at,
    read_cells,
    steps_along,
    suffix,
)
from s2sad.differentiate.complexes import in_field
from s2sad.differentiate.halves import Halves
from s2sad.differentiate.shadows import Shadows
from s2sad.differentiate.templates import Templates
from s2sad.differentiate.trips import WayOut, complete_trips
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN, Kind, same_extent
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Expr,
    For,
    Function,
    If,
    Op,
    Restore,
    Return,
    Save,
    Site,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    walk,
)
from s2sad.ir.walk import defs, defs_within, exposed_reads, reads_from_outside, surely_bound, vars_of

if TYPE_CHECKING:
    from s2sad.differentiate.reverse import ReverseMode

Key = tuple[Var, Path]


@dataclass
class CallPlan:
    halves: Halves
    args: list[int] = field(default_factory=list)


class AdjointNeeds:
    """One function and what its reverse sweep is to be made of."""

    def __init__(
        self,
        mode: ReverseMode,
        function: Function,
        params: frozenset[int],
        results: frozenset[int],
        framed: bool,
        value: bool = True,
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
        #: What adds the seeds of results to their shadows.
        self.seeds: Block = []
        self.stack = mode.calls_stack if framed else None
        taped = {
            s.vars[k]
            for s in walk(function.body)
            if isinstance(s, (Save, Restore))
            for k in mode.passed.get(s.site, ())
        }
        self.memory = written_memory(function, self.kinds, self.activity, mode.sharing, taped)
        self.shadow_bindings: dict[Var, Stmt] = {}
        self.perhaps: dict[Stmt, Var] = {}
        if self.memory.shadowed:
            shadows = Shadows(self.memory, self.bar, self.kinds, self.counters, mode)
            self.function = shadows.bind(function)
            self.shadow_bindings = shadows.binding
            self.perhaps = shadows.perhaps
            self.activity = self.activity.joined(shadows.made)
        self.aliases = alias_classes(self.function, self.kinds, mode.sharing)
        definitions: dict[Var, Expr] = {}
        for stmt in walk(self.function.body):
            if isinstance(stmt, Assign):
                definitions[stmt.var] = Const(None) if stmt.var in definitions else stmt.expr
        templates = Templates(mode.lowering, self.kinds, mode.primals, self.function)
        self.adjoints = StatementAdjoints(self.kinds, self.activity, self.bar, definitions, templates)
        self.contributions: dict[Stmt, list[Contribution]] = {}
        self.calls: dict[Stmt, CallPlan] = {}
        self.active_blocks: set[Stmt] = set()
        self.surely_bound = surely_bound(self.function)
        self._fragments(self.function.body)
        #: For each loop the tests at which a trip leaves that has nothing to reverse: `complete_trips`.
        self.ways_out: dict[Stmt, list[WayOut]] = complete_trips(self)
        seeds = function.results.values if not framed else ()
        value = value or any(kind_of_expr(r, self.kinds).shape != () for r in seeds)
        while True:
            self.plan = plan_recovery(self.function, self._needs(), self.kinds, self.aliases, framed, value)
            taping = [ways for ways in self.ways_out.values() if ways and ways[-1].keeps(self.plan)]
            if not taping:
                break
            for ways in taping:
                ways.pop()
        #: Of a test at which trips leave that are not counted: the branch that goes on.
        self.rests = {way.test: way.rest for ways in self.ways_out.values() for way in ways}
        #: Where a trip is counted, not at its top; at the ends of which blocks their own saves and others' stand.
        self.counted_later: set[Stmt] = set()
        self.counted_at: dict[int, Stmt] = {}
        self.ends_at: dict[int, tuple[int, ...]] = {}
        for loop, ways in self.ways_out.items():
            if ways:
                assert isinstance(loop, (For, While))
                step = loop.body[0]
                self.counted_later.add(step)
                self.counted_at[id(ways[-1].rest)] = step
                around = (id(loop.body), *(id(way.rest) for way in ways))
                self.ends_at.update({**dict.fromkeys(around, ()), around[-1]: around[::-1]})

    def bar(self, var: Var, path: Path = ()) -> Var:
        key = (var, path)
        if key not in self.bars:
            whole = self.kinds.get(var, UNKNOWN)
            made = Var(f"{var.hint}{suffix(whole, path)}_bar", var.temporary)
            kind = kind_at(whole, path)
            self.bars[key] = made
            self.kinds[made] = adjoint_kind(kind)
        return self.bars[key]

    def positions(self, site: Site) -> tuple[int, ...]:
        """Which values of a tape site carry a derivative that their adjoints have to be passed for."""
        passed = self.mode.passed.get(site, ())
        return tuple(k for k in self.mode.activity.positions(site) if k not in passed)

    def _fragments(self, block: Block) -> bool:
        """Make the contributions of every active statement; tell whether the block holds any."""
        any_active = False
        for stmt in block:
            active = False
            if stmt in self.perhaps:
                self.contributions[stmt] = [self._if_copied(stmt)]
                active = True
            elif isinstance(stmt, Assign) and self._is_alias(stmt):
                # Its adjoint is the same view of the adjoint of what it is a view of.
                self._refuse_numbers_beside_memory(stmt)
            elif isinstance(stmt, Assign) and stmt.var in self.activity:
                self.contributions[stmt] = [self._in_field(c, stmt) for c in self.adjoints.assign(stmt)]
                active = True
            elif isinstance(stmt, Store) and stmt.base in self.activity:
                active = True
            elif isinstance(stmt, Call):
                # A call that gives an active Var a value without derivative ends its adjoint, perhaps in a branch or
                # loop.
                active = self._call_plan(stmt) or any(v in self.activity for v in stmt.vars)
            elif isinstance(stmt, (Save, Restore)):
                active = bool(self.positions(stmt.site))
            for inner in blocks_of(stmt):
                active = self._fragments(inner) or active
            if active or any(isinstance(s, Store) for b in blocks_of(stmt) for s in walk(b)):
                self.active_blocks.add(stmt)
            any_active = any_active or active
        return any_active

    def _in_field(self, c: Contribution, stmt: Stmt | None = None) -> Contribution:
        """The contribution as what is added to has it: real to a real number, complex to a complex one."""
        if not self.mode.is_complex:
            return c
        whole = self.kinds.get(c.var, UNKNOWN)
        kind = kind_at(whole, c.path)
        if kind.element is not None and c.index is not None:
            kind = kind.element
        # What is only passed on is what it was.
        if not (kind.is_real or kind.is_complex) and isinstance(stmt, Assign) and c.value is self.bar(stmt.var):
            return c
        value = in_field(c.value, kind, steps_along(c.var, whole, c.path), self.kinds)
        return c if value is c.value else replace(c, value=value)

    def _if_copied(self, stmt: Stmt) -> Contribution:
        """What a view that may be a copy adds to the adjoint of what it is made of: nothing, if it is a view."""
        part, whole = self.bar(defs(stmt)[0]), self.perhaps[stmt]
        value = Op("s2sad.runtime.adjoints.if_copied", (part, part, self.bar(whole)))
        return Contribution(whole, (), value)

    def _call_plan(self, stmt: Call) -> bool:
        wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in self.activity)
        given = frozenset(i for i, a in enumerate(stmt.args) if any(v in self.activity for v in vars_of(a)))
        taped = self.mode.activity.touches_tape(stmt.callee)
        if (not wanted or not given) and not taped:
            return False
        if stmt.callee not in self.mode.program.functions:
            raise unreadable(self.mode.lowering, stmt)
        varied_results = self.mode.activity.varied(stmt.callee, given)[1] & wanted
        useful_params = self.mode.activity.useful(stmt.callee, varied_results)[1] & given
        if (not varied_results or not useful_params) and not taped:
            return False
        self.calls[stmt] = CallPlan(self.mode.halves_of(stmt.callee, useful_params, varied_results))
        return True

    def _needs(self) -> Needs:
        needs = Needs(atomic={s for s in walk(self.function.body) if blocks_of(s) and s not in self.active_blocks})
        needs.made_once = {self.bar(v) for v in self.shadow_bindings}
        made = set(self.bars.values())
        added = [c for found in self.contributions.values() for c in found]
        ways_out = {way.test for ways in self.ways_out.values() for way in ways}
        for stmt in walk(self.function.body):
            for var in self._shadows_read(stmt):
                made_here = var in defs(stmt)
                needs.add(self.shadow_bindings[var] if made_here else stmt, self.bar(var), after=made_here)
            prelude = self.adjoints.preludes.get(stmt, [])
            inside = defs_within(prelude)
            for var in reads_from_outside(prelude):
                if var not in made:
                    needs.add(stmt, var, after=self._is_own_result(stmt, var))
                    if self.aliases.written(var):
                        needs.contents.setdefault(stmt, {})[var] = None
            for contribution in self.contributions.get(stmt, ()):
                for var in [*vars_of(contribution.value), *vars_of(contribution.index)]:
                    if var not in made and var not in inside:
                        needs.add(stmt, var, after=self._is_own_result(stmt, var))
                for var in [*read_cells(contribution.value), *vars_of(contribution.index)]:
                    if var not in made and var not in inside and self.aliases.written(var):
                        needs.contents.setdefault(stmt, {})[var] = None
                for var in self._reached_through(contribution.var):
                    needs.add(stmt, var)
                indexed = contribution.index is not None and not self._is_number(contribution.var)
                if indexed and contribution.var not in self.memory.shadowed:
                    needs.add(stmt, self._root(contribution.var))
            if isinstance(stmt, Restore) and stmt in self.active_blocks:
                # Where nothing adds to the adjoint of what is popped, zeros of its shape are pushed.
                for var in (stmt.vars[k] for k in self.positions(stmt.site)):
                    if not self._is_number(var) and not any(c.var is var for c in added):
                        needs.add(stmt, var, after=True)
            if isinstance(stmt, Call) and stmt in self.calls:
                for position in self.calls[stmt].halves.reads:
                    for var in vars_of(stmt.args[position]):
                        needs.add(stmt, var)
                        if self.aliases.written(var):
                            needs.contents.setdefault(stmt, {})[var] = None
            if isinstance(stmt, Store) and stmt in self.active_blocks:
                for var in [*vars_of(stmt.index), *self._reached_through(stmt.base)]:
                    needs.add(stmt, var)
                if isinstance(stmt.expr, Var) and stmt.expr in self.activity:
                    is_asked = self.mode.is_complex and not self._is_of_known_field(stmt.expr)
                    if is_asked or not self._is_number(stmt.expr):
                        needs.add(stmt, stmt.expr)
            if stmt in self.active_blocks:
                if isinstance(stmt, (If, Try)) and stmt not in ways_out:
                    for var in (stmt.flag,) if isinstance(stmt, Try) else vars_of(stmt.test):
                        needs.add(stmt, var, after=True)
                    for var in self._zeroed_in(stmt):
                        needs.add(stmt, var, after=True)
                elif isinstance(stmt, For):
                    for var in vars_of(stmt.iter):
                        needs.add(stmt, var, after=True)
                if stmt in self.counters:
                    needs.add(stmt, self.counters[stmt], after=True)
                if isinstance(stmt, (For, While)):
                    for var in self._zeroed_before(stmt):
                        needs.add(stmt, var, after=True)
        self._need_replaced_shapes(needs)
        return needs

    @staticmethod
    def _is_own_result(stmt: Stmt, var: Var) -> bool:
        """Whether a statement binds a Var that it does not read."""
        return isinstance(stmt, Assign) and var is stmt.var and not any(v is var for v in vars_of(stmt.expr))

    def _need_replaced_shapes(self, needs: Needs) -> None:
        """Ask for arrays that a branch or loop replaces by others of which the shape is not certain to be the same.

        Where the new one has an adjoint and the old one none, that of the old one is zeros in its own shape.
        """
        binders: dict[Var, int] = {p.var: 1 for p in self.function.params}
        for stmt in walk(self.function.body):
            for var in defs(stmt):
                binders[var] = binders.get(var, 0) + 1
        for stmt in (s for outer in self.function.body for b in blocks_of(outer) for s in walk(b)):
            for var in defs(stmt):
                shape = self.kinds.get(var, UNKNOWN).shape
                certain = isinstance(shape, tuple) and all(same_extent(d, d) for d in shape)
                reads_own = any(c.var is var for c in self.contributions.get(stmt, ()))
                if (
                    binders[var] > 1
                    and var in self.activity
                    and var not in self.memory.shadowed
                    and not certain
                    and not reads_own
                ):
                    needs.add(stmt, var)

    def _refuse_numbers_beside_memory(self, stmt: Assign) -> None:
        """Refuse a display whose adjoint is a tuple of shadows while it holds an active number, which has none."""
        op = stmt.expr
        held = op.operands if isinstance(op, Op) and op.name in DISPLAYS else ()
        number = next((v for v in held if isinstance(v, Var) and v in self.activity and self._is_number(v)), None)
        if number is not None and stmt.var in self.memory.shadowed:
            raise S2sadError(
                "S205",
                f"{stmt.var.hint!r} holds the number {number.hint!r} beside memory that several names write into",
                stmt.origin,
                "keep numbers and arrays that are written into apart",
            )

    def _is_alias(self, stmt: Assign) -> bool:
        """Whether a statement gives a buffer another name or a view, whose adjoint then is a view of the buffer's."""
        if stmt.var in self.memory.shadowed:
            return any(v in self.memory.shadowed for v in held_by(stmt.expr, self.kinds))
        return self.memory.is_alias(stmt.var)

    def _shadows_read(self, stmt: Stmt) -> list[Var]:
        """The shadowed names whose shadows the adjoint of a statement reads or adds to."""
        found: list[Var] = []
        if stmt in self.contributions or stmt in self.calls:
            found += [v for v in defs(stmt) if v in self.memory.shadowed]
        found += [c.var for c in self.contributions.get(stmt, ())]
        if isinstance(stmt, Call) and stmt in self.calls:
            found += [v for a in stmt.args for v in vars_of(a)]
        elif isinstance(stmt, Store) and stmt in self.active_blocks:
            found += [stmt.base, *vars_of(stmt.expr)]
        elif isinstance(stmt, Return):
            found += [v for value in stmt.values for v in vars_of(value)]
            found += [p.var for i, p in enumerate(self.function.params) if i in self.params]
        elif isinstance(stmt, Save):
            found += [stmt.vars[k] for k in self.positions(stmt.site)]
        return [v for v in dict.fromkeys(found) if v in self.memory.shadowed]

    def _root(self, var: Var) -> Var:
        return self.memory.routes[var][0] if var in self.memory.routes else var

    def _reached_through(self, var: Var) -> list[Var]:
        """What the views on the way from a root to one of its aliases were indexed with, and the root."""
        if not self.memory.is_alias(var):
            return []
        root, steps = self.memory.routes[var]
        found = [v for step in steps for v in vars_of(step.expr) if v not in self.memory.routes]
        return [root, *found]

    def _is_of_known_field(self, var: Var) -> bool:
        kind = self.kinds.get(var, UNKNOWN)
        return kind.is_real or kind.is_complex

    def _is_number(self, var: Var) -> bool:
        return self.kinds.get(var, UNKNOWN).shape == ()

    def _zeroed_in(self, branch: If | Try) -> list[Var]:
        """What is read to make zeros of, for adjoints that one branch adds to and the other has to bind."""
        added = [{c.var: None for s in walk(b) for c in self.contributions.get(s, ())} for b in blocks_of(branch)]
        one_sided = [v for v in dict.fromkeys([*added[0], *added[1]]) if not (v in added[0] and v in added[1])]
        one_sided = [v for v in one_sided if not self._is_number(v) and v not in self.memory.shadowed]
        if not one_sided:
            return []
        bound = {c.var for s in self._following(branch) for c in self.contributions.get(s, ())}
        within = {s for b in blocks_of(branch) for s in walk(b)}
        local = {v for s in within for v in defs(s)} - {p.var for p in self.function.params}
        local -= {v for s in walk(self.function.body) if s not in within for v in defs(s)}
        return [self.adjoints.stand_in(v) for v in one_sided if v not in bound and v not in local]

    def _following(self, branch: Stmt) -> list[Stmt]:
        """The statements that surely come after one: later ones of its block and of the blocks around it."""

        def search(block: Block) -> list[Stmt] | None:
            for position, stmt in enumerate(block):
                found: list[Stmt] | None = [] if stmt is branch else None
                for inner in blocks_of(stmt):
                    found = search(inner) if found is None else found
                if found is not None:
                    return [*found, *walk(block[position + 1 :])]
            return None

        return search(self.function.body) or []

    def _zeroed_before(self, loop: Stmt) -> list[Var]:
        """Arrays whose adjoints may have to be made, as zeros, before a loop is reversed.

        These are what its body adds to, and what it carries that nothing after it adds to.
        """
        assert isinstance(loop, (For, While))
        arrays: dict[Var, None] = {}
        for stmt in walk(loop.body):
            for c in self.contributions.get(stmt, ()):
                var = self._root(c.var)
                if self._is_number(var) or kind_at(self.kinds.get(var, UNKNOWN), c.path).shape == ():
                    continue
                if var not in self.memory.shadowed:
                    arrays[var] = None
        if not arrays:
            return []
        inside = {v for s in walk(loop.body) for v in defs(s)}
        within = set(walk(loop.body))
        order = list(walk(self.function.body))
        after = order[order.index(loop) :]
        added = {c.var for s in after if s not in within for c in self.contributions.get(s, ())}
        carried = self._carried(loop)
        return [v for v in arrays if v not in inside or (v in carried and v not in added)]

    def _carried(self, loop: For | While) -> set[Var]:
        """What a trip of a loop may read of an earlier one."""
        found: set[Var] = set()
        exposed_reads(loop.body, set(), found)
        return found


def unreadable(lowering: Lowering | None, stmt: Call) -> S2sadError:
    """The refusal of an active call of a function that could not be lowered, at the call."""
    try:
        assert lowering is not None
        lowering.function(lowering.label(lowering.primals[stmt.callee]))
    except S2sadError as error:
        if error.place is None:
            return S2sadError(error.code, error.reason, stmt.origin, error.help)
        return error
    return S2sadError("S204", f"{stmt.callee.hint} cannot be followed", stmt.origin, "call a function by its name")


def adjoint_kind(kind: Kind) -> Kind:
    """The kind of an adjoint: that of its primal, an int's being a float's."""
    if kind.element is not None:
        return replace(kind, element=adjoint_kind(kind.element))
    return Kind("float", None, ()) if kind.sort in ("int", "bool") else kind
