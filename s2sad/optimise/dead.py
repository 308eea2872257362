"""Drop what nothing reads: pure assignments, pure calls, empty branches and loops, and tape pairs together.

An effect is never dropped: explicit raise and assert, output, calls not known to be pure.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.kinds import Kinds
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Do,
    For,
    Function,
    If,
    Label,
    Program,
    RawStmt,
    Restore,
    Save,
    Site,
    Stmt,
    Store,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import callees, defs, set_blocks, uses, uses_within
from s2sad.ir.webs import replace_function
from s2sad.optimise.effects import is_pure, pure_functions

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
    roots = {aliases.root(v) for v in (*params, *function.free.values())} if aliases else set()
    body = _Dead(aliases, roots, pure or set(), restored).block(function.body, set())
    return replace_function(function, body=body)


def eliminate_dead_program(program: Program, kinds: Kinds) -> Program:
    """Dead code over all functions: a value that no Restore wants is not saved; a function that nothing calls goes."""
    while True:
        before = sum(1 for f in program.functions.values() for _ in walk(f.body)), _positions(program)
        pure = pure_functions(program)
        restored = _positions(program)
        functions = {label: eliminate_dead(f, kinds, pure, restored) for label, f in program.functions.items()}
        program = _trim(Program(functions, program.entry), restored)
        if not restored and not any(isinstance(s, Call) for f in functions.values() for s in walk(f.body)):
            # Without tapes and calls nothing that went could free anything else.
            return _reachable(program)
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
    def __init__(
        self, aliases: Aliases | None, outside: set[Var], pure: set[Label], restored: Positions | None
    ) -> None:
        self.aliases = aliases
        self.outside = outside
        self.pure = pure
        self.restored = restored
        self.live_roots: set[Var] = set(outside)

    def note(self, live: set[Var], variables: object) -> None:
        for v in variables:  # type: ignore[attr-defined]
            live.add(v)
            if self.aliases is not None:
                self.live_roots.add(self.aliases.root(v))

    def block(self, block: Block, live: set[Var]) -> Block:
        """The live statements of a block; `live` is changed to what is live before it."""
        made: Block = []
        for stmt in reversed(block):
            kept = self.statement(stmt, live)
            if kept is not None:
                made.append(kept)
        made.reverse()
        return made

    def statement(self, stmt: Stmt, live: set[Var]) -> Stmt | None:
        if isinstance(stmt, If):
            ends = [set(live), set(live)]
            blocks = [self.block(b, end) for b, end in zip(blocks_of(stmt), ends)]
            if not any(blocks) and is_pure(stmt.test):
                return None
            live |= ends[0] | ends[1]
            self.note(live, uses(stmt))
            new = replace(stmt)
            set_blocks(new, blocks)
            return new
        if isinstance(stmt, (For, While)):
            return self.loop(stmt, live)
        if isinstance(stmt, Assign):
            if stmt.var not in live and is_pure(stmt.expr):
                return None
        elif isinstance(stmt, Call):
            if not any(v in live for v in stmt.vars):
                if stmt.callee in self.pure:
                    return None
                stmt = replace(stmt, vars=())
        elif isinstance(stmt, Store):
            assert self.aliases is not None
            if self.aliases.root(stmt.base) not in self.live_roots:
                return None
        elif isinstance(stmt, Restore):
            if self.restored is None and not any(v in live for v in stmt.vars):
                return None
        elif isinstance(stmt, Do):
            if is_pure(stmt.expr):
                return None
        elif isinstance(stmt, RawStmt) and stmt.exits:
            live.clear()
        for v in defs(stmt):
            live.discard(v)
        self.note(live, uses(stmt))
        return stmt

    def loop(self, stmt: For | While, live: set[Var]) -> Stmt | None:
        head = set(live)
        self.note(head, uses(stmt)) if isinstance(stmt, While) else None
        while True:
            start = set(head)
            roots = len(self.live_roots)
            body = self.block(stmt.body, start)
            if start <= head and roots == len(self.live_roots):
                break
            head |= start
        if isinstance(stmt, For):
            head.discard(stmt.target)
        test = stmt.iter if isinstance(stmt, For) else stmt.test
        if not body and is_pure(test):
            return None
        live |= head
        self.note(live, uses(stmt))
        new = replace(stmt)
        set_blocks(new, [body])
        return new
