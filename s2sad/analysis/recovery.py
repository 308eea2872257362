"""How the reverse sweep gets back each primal value that it needs: live, recomputed, saved, or undone.

A *frame* is a stretch of code that runs again, or is left, before its reverse does: a loop's body, and the whole
body of a function whose reverse half is a function of its own. Outside all frames a value is simply live, until
it is overwritten.

For a Var needed by the adjoint of a statement, with L the innermost frame around it that also binds the Var:
- no such L: *live*, but saved before any later statement that overwrites it;
- *local* to L (bound anew in each run before it is read): *recomputed* from values that are there, where that is
  cheap, else *saved* once at the end of the innermost block that holds its bindings and needs;
- *carried* by L: *saved* before each statement that overwrites it while it is needed.

The source of the flow is the to-be-recorded analysis of Hascoët, Naumann and Pascual, "To be recorded analysis in
reverse-mode automatic differentiation" (2005).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.idle import not_idle, perhaps_idle
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.subscripts import Subscripts
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Const,
    Expr,
    For,
    Function,
    If,
    Op,
    Raw,
    Restore,
    Save,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
)
from s2sad.ir.walk import defs, defs_within, exits, exposed_reads, uses, vars_of
from s2sad.rules import registry
from s2sad.rules.binding import rule_name

Frame = Stmt | None


#: What the reverse sweep needs so far: for each Var the frames that its value is local to, None for what flows on.
Needed = dict[Var, frozenset[object]]


def _merge(needed: Needed, more: Needed) -> bool:
    """Add to what is needed; tell whether that changed it."""
    changed = False
    for var, frames in more.items():
        mine = needed.get(var, frozenset())
        if mine is not frames and not frames <= mine:
            needed[var] = mine | frames
            changed = True
    return changed


@dataclass
class Needs:
    """Primal Vars that the adjoint of a statement reads, before it (`pre`) or after it (`post`).

    `contents` are the arrays among them whose cells are read, not only their shape.
    `atomic` are the compound statements without an adjoint: what they overwrite is saved before them as a whole.
    """

    pre: dict[Stmt, dict[Var, None]] = field(default_factory=dict)
    post: dict[Stmt, dict[Var, None]] = field(default_factory=dict)
    atomic: set[Stmt] = field(default_factory=set)
    contents: dict[Stmt, dict[Var, None]] = field(default_factory=dict)
    #: What cannot be computed again: memory that is added to.
    made_once: set[Var] = field(default_factory=set)

    def add(self, stmt: Stmt, var: Var, after: bool = False) -> None:
        (self.post if after else self.pre).setdefault(stmt, {})[var] = None


@dataclass(frozen=True)
class Plan:
    """The recovery of every needed value.

    overwritten: statement -> Vars to save before it and to restore before its adjoint.
    frames: id of a block -> Vars to save at its end and to restore before its reverse.
    captured: copy statement `x = t` -> t, to take from x before x is restored.
    recomputed_first: write -> Vars to compute again, in order, before the write is undone.
    recomputed: statement -> Vars to compute again, in order, before its reverse; `definitions` has how.
    undefined: Vars that may be saved before they are bound; they start as None.
    undone: Stores whose cells are saved before and put back in reverse.
    """

    overwritten: dict[Stmt, list[Var]]
    frames: dict[int, list[Var]]
    captured: dict[Stmt, Var]
    recomputed: dict[Stmt, list[Var]]
    recomputed_first: dict[Stmt, list[Var]]
    definitions: dict[Var, Assign]
    undefined: list[Var]
    undone: set[Stmt]


@dataclass
class _Spot:
    """Where a statement stands: its first and last position, the blocks and the loops around it, outermost first."""

    start: int
    stop: int
    blocks: tuple[tuple[int, Stmt | None], ...]
    loops: tuple[Stmt, ...]


def is_cheap(expr: Expr, kinds: Kinds) -> bool:
    """Whether computing an expression again costs no more than a push and a pop, and has no effect."""
    if isinstance(expr, (Var, Const)):
        return True
    if isinstance(expr, Raw):
        return expr.pure
    if expr.name in DISPLAYS or expr.name == "s2sad.select" or expr.name.startswith(("attribute.", "field.")):
        return True
    entry = registry.find(rule_name(expr))
    if entry is None or not entry.pure:
        return False
    if entry.cheap or expr.name == "operator.getitem":
        return True
    return kind_of_expr(expr, kinds).sort in ("int", "bool", "none", "str")


def _index_of(definition: Stmt, base: Var) -> Expr | None:
    """The index at which a definition reads an array, if it reads nothing else of it."""
    expr = definition.expr if isinstance(definition, Assign) else None
    if isinstance(expr, Op) and expr.name == "operator.getitem" and expr.operands[0] is base:
        return expr.operands[1] if base not in vars_of(expr.operands[1]) else None
    return None


class _Recovery:
    def __init__(
        self, function: Function, needs: Needs, kinds: Kinds, aliases: Aliases, framed: bool, idle: set[Stmt]
    ) -> None:
        self.function = function
        self.idle = idle
        self.needs = needs
        self.kinds = kinds
        self.aliases = aliases
        self.framed = framed
        self.spots: dict[Stmt, _Spot] = {}
        self.bound: dict[Var, list[Stmt]] = {}
        self.stores: list[Store] = []
        self._place(function.body, (), (), None)
        self.params = {p.var for p in function.params}
        self.exposed: dict[Stmt, set[Var]] = {}
        self.recomputed: dict[Stmt, dict[Var, None]] = {}
        self.recomputed_first: dict[Stmt, dict[Var, None]] = {}
        self.captured: dict[Stmt, Var] = {}
        self.copied = self._copies()
        self.overwritten: dict[Stmt, dict[Var, None]] = {}
        self.frames: dict[int, dict[Var, None]] = {}
        self.blocks: dict[int, Block] = {}
        self.undone: set[Stmt] = set()
        #: What is read of memory that is written: the statement, the array, and the index if only there.
        self.contents: list[tuple[Stmt, Var, Expr | None]] = [
            (s, v, None) for s, found in needs.contents.items() for v in found
        ]
        self.saved: set[tuple[Var, Frame | bool]] = set()
        #: What stays needed as it is: statement -> (var, frame that it is local to or None, after)
        self.kept: dict[Stmt, list[tuple[Var, Frame | bool, bool]]] = {}

    def _place(
        self, block: Block, blocks: tuple[tuple[int, Stmt | None], ...], loops: tuple[Stmt, ...], owner: Stmt | None
    ) -> None:
        blocks = (*blocks, (id(block), owner))
        for stmt in block:
            start = len(self.spots)
            self.spots[stmt] = _Spot(start, start, blocks, loops)
            for var in defs(stmt):
                self.bound.setdefault(var, []).append(stmt)
            if isinstance(stmt, Store):
                self.stores.append(stmt)
            for inner in blocks_of(stmt):
                self._place(inner, blocks, (*loops, stmt) if isinstance(stmt, (For, While)) else loops, stmt)
            self.spots[stmt].stop = len(self.spots) - 1

    def _copies(self) -> dict[Var, Assign]:
        """Temporaries that the statement after their only binding copies to another Var."""
        found: dict[Var, Assign] = {}
        for stmt in self.spots:
            for block in blocks_of(stmt):
                self._copies_in(block, found)
        self._copies_in(self.function.body, found)
        return found

    def _copies_in(self, block: Block, found: dict[Var, Assign]) -> None:
        for first, second in itertools.pairwise(block):
            if (
                isinstance(first, Assign)
                and isinstance(second, Assign)
                and second.expr is first.var
                and first.var.temporary
                and len(self.bound[first.var]) == 1
            ):
                found[first.var] = second

    # ---- classification ----------------------------------------------------------------------------------------

    def frame(self, var: Var, stmt: Stmt) -> Frame | bool:
        """The innermost frame around a statement that binds the Var.

        A loop, True for the function's own, None for none.
        """
        binders = self.bound.get(var, ())
        for loop in reversed(self.spots[stmt].loops):
            spot = self.spots[loop]
            if any(spot.start < self.spots[b].start <= spot.stop or b is loop for b in binders):
                return loop
        return True if self.framed and (binders or var not in self.params) and binders else None

    def is_exposed(self, var: Var, loop: Stmt) -> bool:
        """Whether a run of the loop's body may read the Var before it binds it."""
        if loop not in self.exposed:
            found: set[Var] = set()
            assert isinstance(loop, (For, While))
            start = {loop.target} if isinstance(loop, For) else set()
            if isinstance(loop, While):
                found.update(vars_of(loop.test))
            exposed_reads(loop.body, start, found)
            self.exposed[loop] = found
        return var in self.exposed[loop]

    def unchanged(self, operand: Var, after: int, upto: int) -> bool:
        """Whether no statement at positions after < p <= upto binds the Var or stores into memory that it shares."""
        for b in self.bound.get(operand, ()):
            if after < self.spots[b].start <= upto:
                return False
        if self.aliases.written(operand):
            return not any(
                after < self.spots[s].start <= upto and self.aliases.may_share(s.base, operand) for s in self.stores
            )
        return True

    def anchor(self, stmt: Stmt, frame: Frame | bool) -> Stmt:
        """The statement directly in a frame (no loop between) at whose reverse its values are computed again."""
        loops = self.spots[stmt].loops
        if frame is True or frame is None:
            return loops[0] if loops else stmt
        position = loops.index(frame)
        return loops[position + 1] if position + 1 < len(loops) else stmt

    def soft(self, var: Var, frame: Frame | bool) -> Assign | None:
        """The only binding of a Var of this frame, if computing it again is cheap or saves running its loop."""
        binders = self.bound[var]
        if len(binders) != 1 or not isinstance(binders[0], Assign) or var in self.params or var in self.needs.made_once:
            return None
        definition = binders[0]
        loops = self.spots[definition].loops
        innermost: Frame | bool = loops[-1] if loops else (True if self.framed else None)
        if innermost is not frame or not (is_cheap(definition.expr, self.kinds) or (loops and loops[0] in self.idle)):
            return None
        if isinstance(frame, Stmt) and self.is_exposed(var, frame):
            return None
        return definition

    # ---- the plan ----------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        wanted: list[tuple[Stmt, Var, bool]] = []
        for stmt in self.spots:
            for table, after in ((self.needs.pre, False), (self.needs.post, True)):
                wanted += [(stmt, var, after) for var in table.get(stmt, ())]
        # What must be saved in any case is there for others to be computed from.
        for stmt, var, _ in wanted:
            frame = self.frame(var, stmt)
            if (
                frame is not None
                and var not in self.copied
                and not self._target(var, frame)
                and self.soft(var, frame) is None
            ):
                self.saved.add((var, frame))
        wanted.sort(key=lambda w: min((self.spots[b].start for b in self.bound.get(w[1], ())), default=-1))
        for stmt, var, after in wanted:
            self._want(stmt, var, after)
        self._undo_stores()
        self._place_frames()
        left = self._flow(self.function.body, {})
        if self.framed:
            for var, frames in left.items():
                if None in frames and var in self.bound:
                    self.frames.setdefault(id(self.function.body), {})[var] = None
        again = [v for table in (self.recomputed, self.recomputed_first) for links in table.values() for v in links]
        return Plan(
            {s: list(v) for s, v in self.overwritten.items()},
            {b: list(v) for b, v in self.frames.items()},
            self.captured,
            {s: list(v) for s, v in self.recomputed.items()},
            {s: list(v) for s, v in self.recomputed_first.items()},
            {v: self.bound[v][0] for v in again},  # type: ignore[misc]
            self._undefined(),
            self.undone,
        )

    def _want(self, stmt: Stmt, var: Var, after: bool) -> None:
        """Decide how a Var needed at a statement is got back; what that reads is wanted in turn."""
        frame = self.frame(var, stmt)
        copy = self.copied.get(var)
        if frame is not None and copy is not None and self.spots[stmt].start <= self.spots[copy].start:
            if copy not in self.captured:
                self.captured[copy] = var
                self._keep(copy, copy.var, self.frame(copy.var, copy), True)
            return
        if frame is None or self._target(var, frame) or (var, frame) in self.saved:
            self._keep(stmt, var, frame, after)
            return
        anchor = self.anchor(stmt, frame)
        after = after or anchor is not stmt
        chain = None if self.soft(var, frame) is None else self._chain(var, frame, anchor, after)
        if chain is None:
            self.saved.add((var, frame))
            self._keep(stmt, var, frame, after)
            return
        # What a write is undone with is computed before: the memory is then as the write left it.
        table = self.recomputed_first if isinstance(anchor, Store) and after else self.recomputed
        for link in chain:
            table.setdefault(anchor, {})[link] = None
            for operand in dict.fromkeys(uses(self.bound[link][0])):
                if operand not in chain:
                    self._want(anchor, operand, after)
                if self.aliases.written(operand):
                    definition = self.bound[link][0]
                    self.contents.append((definition, operand, _index_of(definition, operand)))

    def _undo_stores(self) -> None:
        """Find the writes that destroy cells that the reverse sweep still reads: those cells are saved and put back."""
        popped = self._popped()
        changed = True
        while changed:
            changed = False
            for store in self.stores:
                if store not in self.undone and (
                    self.aliases.root(store.base) in popped
                    or any(self._destroys(store, *read) for read in list(self.contents))
                ):
                    self.undone.add(store)
                    changed = True
                    for var in dict.fromkeys([store.base, *vars_of(store.index)]):
                        self._want(store, var, True)

    def _popped(self) -> set[Var]:
        """The memory that another function pushed, which may pop it again: writes into it are all undone."""
        sites = {s.site for s in self.spots if isinstance(s, Save)}
        return {
            self.aliases.root(v) for s in self.spots if isinstance(s, Restore) and s.site not in sites for v in s.vars
        }

    @functools.cached_property
    def subscripts(self) -> Subscripts:
        return Subscripts(self.function)

    def _destroys(self, store: Store, stmt: Stmt, var: Var, index: Expr | None) -> bool:
        """Whether a write may change cells after a statement that reads them, for what its adjoint reads."""
        if not self.aliases.may_share(var, store.base):
            return False
        same = var is store.base
        return self.subscripts.may_meet_later(
            stmt,
            self.subscripts.cell(index, stmt) if same else None,
            store,
            self.subscripts.cell(store.index, store) if same else None,
            self.subscripts.home(store.base, self.aliases, self.kinds),
        )

    def _target(self, var: Var, frame: Frame | bool) -> bool:
        """A loop's own index, which the reversed loop binds to the same values."""
        return isinstance(frame, For) and frame.target is var

    def _chain(self, var: Var, frame: Frame | bool, anchor: Stmt, after: bool) -> list[Var] | None:
        """The Vars to compute again, in order, to have `var` at an anchor; None where some value is not there."""
        spot = self.spots[anchor]
        upto = spot.stop if spot.stop > spot.start or after else spot.start - 1
        chain: dict[Var, None] = {}
        steps = 0

        def visit(v: Var) -> bool:
            nonlocal steps
            steps += 1
            if v in chain:
                return True
            if steps > 40:
                return False
            definition = self.bound[v][0]
            assert isinstance(definition, Assign)
            at = self.spots[definition].start
            if not self.unchanged(v, at, upto):  # computed again, it would lack what was stored into it since
                return False
            for operand in dict.fromkeys(vars_of(definition.expr)):
                inner = self.frame(operand, anchor)
                if not self.unchanged(operand, at, upto):
                    return False
                if inner is None or self._target(operand, inner):
                    continue
                if (operand, inner) in self.saved:
                    continue
                if inner is not frame:
                    outer = self.anchor(anchor, inner)
                    if (
                        self.soft(operand, inner) is None
                        or self._chain(operand, inner, outer, after or outer is not anchor) is None
                    ):
                        return False
                    continue
                if self.soft(operand, frame) is None or not visit(operand):
                    return False
            chain[v] = None
            return True

        return list(chain) if visit(var) else None

    def _keep(self, stmt: Stmt, var: Var, frame: Frame | bool, after: bool) -> None:
        if frame is not None and self._target(var, frame):
            return
        local: Frame | bool = None
        if frame is True or (frame is not None and not self.is_exposed(var, frame)):  # type: ignore[arg-type]
            local = frame
        entry = (var, local, after)
        if entry not in self.kept.setdefault(stmt, []):
            self.kept[stmt].append(entry)

    def _place_frames(self) -> None:
        """Local values that are saved: at the end of the innermost block that holds all their bindings and needs."""
        wanted: dict[tuple[Var, Frame | bool], list[Stmt]] = {}
        for stmt, entries in self.kept.items():
            for var, local, _ in entries:
                if local is not None:
                    wanted.setdefault((var, local), []).append(stmt)
        for (var, local), stmts in sorted(
            wanted.items(), key=lambda i: min(self.spots[b].start for b in self.bound[i[0][0]])
        ):
            inside = [b for b in self.bound[var] if local is True or local in self.spots[b].loops or b is local]
            paths = [self.spots[s].blocks for s in (*inside, *stmts)]
            common = 0
            while all(len(p) > common for p in paths) and len({p[common][0] for p in paths}) == 1:
                common += 1
            self.frames.setdefault(paths[0][common - 1][0], {})[var] = None

    # ---- flow: what is needed where it is overwritten ----------------------------------------------------------

    def _flow(self, block: Block, req: Needed) -> Needed:
        for stmt in block:
            req = self._step(stmt, req)
        return req

    def _settled(self, var: Var, loop: Stmt, entry: Needed) -> bool:
        """Whether a value still needed at the end of a loop's body is bound anew in each trip, and so saved there."""
        if None in entry.get(var, ()) or self.is_exposed(var, loop):
            return False
        spot = self.spots[loop]
        if not any(spot.start < self.spots[b].start <= spot.stop for b in self.bound.get(var, ())):
            return False
        assert isinstance(loop, (For, While))
        self.frames.setdefault(id(loop.body), {})[var] = None
        return True

    def _trip(self, loop: For | While, req: Needed, entry: Needed) -> Needed:
        """What is needed at the end of a loop's body and goes round."""
        end: Needed = {}
        for var, frames in self._flow(loop.body, dict(req)).items():
            kept = frozenset(f for f in frames if f is not loop and not (f is None and self._settled(var, loop, entry)))
            if kept:
                end[var] = kept
        return end

    def _step(self, stmt: Stmt, req: Needed) -> Needed:
        atomic = stmt in self.needs.atomic
        if atomic:
            pass
        elif isinstance(stmt, (If, Try)):
            for var in defs(stmt):
                if req.pop(var, None):
                    self.overwritten.setdefault(stmt, {})[var] = None
            first, second = (self._flow(b, dict(req)) for b in blocks_of(stmt))
            req = first
            _merge(req, second)
        elif isinstance(stmt, (For, While)):
            entry = req
            req = dict(req)
            while _merge(req, self._trip(stmt, req, entry)):
                pass
        for var, local, after in self.kept.get(stmt, ()):
            if not after:
                req[var] = req.get(var, frozenset()) | {local}
        if atomic or not isinstance(stmt, For):
            for var in defs_within([stmt]) if atomic else defs(stmt):
                if req.pop(var, None):
                    self.overwritten.setdefault(stmt, {})[var] = None
        for var, local, after in self.kept.get(stmt, ()):
            if after:
                req[var] = req.get(var, frozenset()) | {local}
        return req

    def _undefined(self) -> list[Var]:
        """Vars that are saved where they may not be bound yet."""
        found: dict[Var, None] = {}
        assigned = set(self.params) | set(self.function.free.values())

        def visit(block: Block, assigned: set[Var]) -> set[Var]:
            for stmt in block:
                for var in self.overwritten.get(stmt, ()):
                    if var not in assigned:
                        found[var] = None
                inner = [visit(b, {*assigned, *defs(stmt)}) for b in blocks_of(stmt)]
                if isinstance(stmt, (If, Try)):
                    ends = [end for end, b in zip(inner, blocks_of(stmt)) if not exits(b)]
                    assigned = assigned | set(defs(stmt)) | (set.intersection(*ends) if ends else set())
                elif not isinstance(stmt, For):
                    assigned.update(defs(stmt))
            for var in self.frames.get(id(block), ()):
                if var not in assigned:
                    found[var] = None
            return assigned

        visit(self.function.body, assigned)
        return list(found)


def plan_recovery(
    function: Function, needs: Needs, kinds: Kinds, aliases: Aliases, framed: bool, results_read: bool = True
) -> Plan:
    """Choose for each needed value how the reverse sweep gets it back.

    framed: the reverse is another function, and the forward sweep runs for it. results_read: and for its results.
    """
    idle = set() if framed or results_read else perhaps_idle(function)
    while True:
        recovery = _Recovery(function, needs, kinds, aliases, framed, idle)
        plan = recovery.plan()
        kept = {var for entries in recovery.kept.values() for var, _, _ in entries}
        running = not_idle(function, idle, kept) if idle else idle
        if not running:
            return plan
        idle = idle - running
