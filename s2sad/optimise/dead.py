"""Drop what nothing reads: pure assignments, pure calls, empty branches and loops, and tape pairs together.

An effect is never dropped: explicit raise and assert, output, calls not known to be pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.effects import is_pure, pure_functions
from s2sad.analysis.kinds import Kinds
from s2sad.ir.attempts import cannot_fail
from s2sad.ir.nodes import (
    Assign,
    Block,
    Break,
    Call,
    Do,
    Enter,
    For,
    Function,
    If,
    Label,
    Leave,
    Program,
    RawStmt,
    Restore,
    Save,
    Site,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import callees, defs, may_break, set_blocks, uses, uses_within
from s2sad.ir.webs import replace_function

Positions = dict[Site, frozenset[int]]


def eliminate_dead(
    function: Function, kinds: Kinds, pure: set[Label] | None = None, restored: Positions | None = None
) -> Function:
    """The function without dead statements.

    `restored` says that Restores stay: other functions may share their sites, and only the program as a whole can tell
    which values nothing wants. Without it those of this function go by themselves.
    """
    aliases = alias_classes(function, kinds) if any(isinstance(s, Store) for s in walk(function.body)) else None
    params = {p.var for p in function.params}
    shared = (*params, *function.free.values(), *_on_tapes(function)) if aliases else ()
    roots = {aliases.root(v) for v in shared} if aliases else set()
    body = _Dead(aliases, roots, pure or set(), restored).block(function.body)
    return replace_function(function, body=body)


def _on_tapes(function: Function) -> list[Var]:
    """What another function pops that this one pushes, or the other way round."""
    saved: dict[Site, Save] = {s.site: s for s in walk(function.body) if isinstance(s, Save)}
    popped: dict[Site, Restore] = {s.site: s for s in walk(function.body) if isinstance(s, Restore)}
    tables: list[dict[Site, Save] | dict[Site, Restore]] = [saved, popped]
    return [v for table in tables for site, s in table.items() if (site in saved) != (site in popped) for v in s.vars]


def eliminate_dead_program(program: Program, kinds: Kinds) -> Program:
    """Dead code over all functions: a value that no Restore wants is not saved; a function that nothing calls goes."""
    if not any(isinstance(s, (Call, Save, Restore)) for f in program.functions.values() for s in walk(f.body)):
        # Without calls and tapes nothing that goes frees anything in another function, nor anything left to find.
        functions = {label: eliminate_dead(f, kinds, set(), {}) for label, f in program.functions.items()}
        return _reachable(Program(functions, program.entry))
    while True:
        before = sum(1 for f in program.functions.values() for _ in walk(f.body)), _positions(program)
        pure = pure_functions(program)
        restored = _positions(program)
        functions = {label: eliminate_dead(f, kinds, pure, restored) for label, f in program.functions.items()}
        program = _trim(Program(functions, program.entry), restored)
        after = sum(1 for f in program.functions.values() for _ in walk(f.body)), _positions(program)
        if before == after:
            return _reachable(program)


def _reachable(program: Program) -> Program:
    seen: dict[Label, None] = {}
    work = [program.entry]
    while work:
        label = work.pop()
        if label in seen or label not in program.functions:
            continue
        seen[label] = None
        work += callees(program.functions[label])
    return Program({label: f for label, f in program.functions.items() if label in seen}, program.entry)


def _positions(program: Program) -> Positions:
    """For each site, which of its values a Restore binds to a Var that is read."""
    found: dict[Site, set[int]] = {}
    for function in program.functions.values():
        read = uses_within(function.body)
        for stmt in walk(function.body):
            if isinstance(stmt, Restore):
                found.setdefault(stmt.site, set()).update(i for i, v in enumerate(stmt.vars) if v in read)
    return {site: frozenset(p) for site, p in found.items()}


def _trim(program: Program, restored: Positions) -> Program:
    """Saves and Restores without the values that nothing reads."""

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if isinstance(stmt, (Save, Restore)):
                wanted = restored.get(stmt.site, frozenset())
                kept = tuple(v for i, v in enumerate(stmt.vars) if i in wanted)
                if not kept:
                    continue
                made.append(replace(stmt, vars=kept) if len(kept) < len(stmt.vars) else stmt)
                continue
            if blocks_of(stmt):
                stmt = replace(stmt)
                set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            made.append(stmt)
        return made

    functions = {label: replace_function(f, body=block(f.body)) for label, f in program.functions.items()}
    return Program(functions, program.entry)


class _Dead:
    """Walks backwards and keeps what is live.

    Every change of it is logged, so that a branch or loop is undone at the cost of what it changed.
    """

    def __init__(
        self, aliases: Aliases | None, outside: set[Var], pure: set[Label], restored: Positions | None
    ) -> None:
        self.aliases = aliases
        self.pure = pure
        self.restored = restored
        self.live: set[Var] = set()
        self.log: list[Var] = []
        self.live_roots: set[Var] = set(outside)
        #: Whether breaks count: a loop in which nothing else does is dropped with them.
        self.breaks = True
        #: Whether this is in a `try` that stays.
        self.attempting = False

    def flip(self, var: Var) -> None:
        if var in self.live:
            self.live.remove(var)
        else:
            self.live.add(var)

    def note(self, variables: Iterable[Var]) -> None:
        """Make Vars live, and the memory that they share."""
        for v in variables:
            if v not in self.live:
                self.live.add(v)
                self.log.append(v)
            if self.aliases is not None:
                self.live_roots.add(self.aliases.root(v))

    def end(self, variables: Iterable[Var]) -> None:
        """Make Vars dead."""
        for v in variables:
            if v in self.live:
                self.live.remove(v)
                self.log.append(v)

    def undo(self, mark: int) -> set[Var]:
        """Take back the changes since a mark; give the Vars that these left otherwise than they were."""
        changed: set[Var] = set()
        while len(self.log) > mark:
            var = self.log.pop()
            self.flip(var)
            changed ^= {var}
        return changed

    def block(self, block: Block) -> Block:
        """The live statements of a block; `live` is changed to what is live before it."""
        made: Block = []
        for stmt in reversed(block):
            kept = self.statement(stmt)
            if isinstance(kept, Enter) and made and isinstance(made[-1], Leave):
                made.pop()  # a context around nothing
            elif kept is not None:
                made.append(kept)
        made.reverse()
        return made

    def statement(self, stmt: Stmt) -> Stmt | None:
        if isinstance(stmt, If):
            return self.branch(stmt)
        if isinstance(stmt, Try):
            return self.attempt(stmt)
        if isinstance(stmt, (For, While)):
            return self.loop(stmt)
        if isinstance(stmt, Assign):
            if stmt.var not in self.live and self.may_go(stmt, is_pure(stmt.expr)):
                return None
        elif isinstance(stmt, Call):
            if not any(v in self.live for v in stmt.vars):
                if self.may_go(stmt, stmt.callee in self.pure):
                    return None
                stmt = replace(stmt, vars=())
        elif isinstance(stmt, Store):
            assert self.aliases is not None
            if self.aliases.root(stmt.base) not in self.live_roots and self.may_go(stmt, True):
                return None
        elif isinstance(stmt, Restore):
            if self.restored is None and not any(v in self.live for v in stmt.vars):
                return None
        elif isinstance(stmt, Do):
            if self.may_go(stmt, is_pure(stmt.expr)):
                return None
        elif isinstance(stmt, Break):
            return stmt if self.breaks else None
        elif isinstance(stmt, RawStmt) and stmt.exits:
            self.end(list(self.live))
        self.end(defs(stmt))
        self.note(uses(stmt))
        return stmt

    def may_go(self, stmt: Stmt, pure: bool) -> bool:
        """Whether nothing tells that a statement is left out: in the body of a `try` that it failed does.

        What was made for a derivative does not count: the primal has no such statement.
        """
        return pure and (not self.attempting or stmt.group is not None or cannot_fail(stmt))

    def attempt(self, stmt: Try) -> Stmt | None:
        """A `try`, all of its body kept where anything depends on whether it succeeds."""
        mark, roots, around = len(self.log), set(self.live_roots), self.attempting
        handler = self.block(stmt.handler)
        caught = self.undo(mark)
        body = self.block(stmt.body)
        done = self.undo(mark)
        if not around and (body or handler or any(v in self.live for v in defs(stmt))):
            self.attempting = True
            body = self.block(stmt.body)
            done = self.undo(mark)
            self.attempting = False
        elif not around:
            self.live_roots = roots
            return None
        # What the body ends may be wanted where it fails.
        self.joined(done, caught)
        self.end(defs(stmt))
        self.note(uses(stmt))
        return replace(stmt, body=body, handler=handler)

    def branch(self, stmt: If) -> Stmt | None:
        mark = len(self.log)
        blocks, changes = [], []
        for inner in blocks_of(stmt):
            blocks.append(self.block(inner))
            changes.append(self.undo(mark))
        if not any(blocks) and is_pure(stmt.test):
            return None
        self.joined(*changes)
        self.note(uses(stmt))
        new = replace(stmt)
        set_blocks(new, blocks)
        return new

    def joined(self, one: set[Var], other: set[Var]) -> None:
        """Take what either branch wants as live, and what both bind first as dead."""
        ended = [v for v in one & other if v in self.live]
        self.note([v for v in one | other if v not in self.live])
        self.end(ended)

    def loop(self, stmt: For | While) -> Stmt | None:
        """A loop without dead statements. One that does nothing but break is dropped with its breaks."""
        around = self.breaks
        self.breaks = not may_break(stmt)
        mark, roots = len(self.log), set(self.live_roots)
        kept = self.trips(stmt)
        if kept is not None and not self.breaks:
            self.undo(mark)
            self.live_roots = roots
            self.breaks = True
            kept = self.trips(stmt)
        self.breaks = around
        return kept

    def trips(self, stmt: For | While) -> Stmt | None:
        mark = len(self.log)
        target_read = isinstance(stmt, For) and stmt.target in self.live
        if isinstance(stmt, While):
            self.note(uses(stmt))
        while True:
            trip, roots = len(self.log), len(self.live_roots)
            body = self.block(stmt.body)
            wanted = [v for v in self.undo(trip) if v not in self.live]
            if not wanted and roots == len(self.live_roots):
                break
            self.note(wanted)
        if isinstance(stmt, For) and not target_read:
            self.end([stmt.target])
        if not body and not target_read and is_pure(stmt.iter if isinstance(stmt, For) else stmt.test):
            self.undo(mark)
            return None
        self.note(uses(stmt))
        new = replace(stmt)
        set_blocks(new, [body])
        return new
