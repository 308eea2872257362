"""Make breaks what Python's are: the end of a block, which leaves its loop at once. The last of all passes.

Until here a trip that breaks goes on to its end. What still runs after a break is put before it, on its path alone;
what a flag excludes there is left out, and where a flag tells nothing any more it goes.

    if a:                               if a:
        if b:                               if b:
            skipped = True                      y_tape.append(y)
            break                               break
        else:                    ->         x = f(x)
            x = f(x)                        y_tape.append(y)
    if not skipped:                     else:
        y = g(x)                            ...
    y_tape.append(y)
"""

from __future__ import annotations

from s2sad.analysis.effects import TAPE_OPS
from s2sad.ir.nodes import (
    Assign,
    Block,
    Break,
    Const,
    Do,
    Enter,
    Expr,
    For,
    Function,
    If,
    Leave,
    Op,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, exits, rewrite, set_blocks, stores_within, uses, uses_within
from s2sad.ir.webs import replace_function

#: What is known of flags on a path.
Known = dict[Var, bool]


def leave_at_breaks(function: Function) -> Function:
    """The function with every Break the end of a block that nothing of its loop's body follows."""
    if not any(isinstance(s, Break) for s in walk(function.body)):
        return function
    flags = _flags(function)
    body = _Leaving(flags).block(function.body, {}, [])[0]
    read = uses_within(body)
    return replace_function(function, body=_without(body, {v for v in flags if v not in read}))


def _flags(function: Function) -> set[Var]:
    """The flags of rewritten jumps: hidden names that are only ever bound to True or False."""
    fixed = {p.var for p in function.params}
    found: dict[Var, bool] = {}
    for stmt in walk(function.body):
        for var in defs(stmt):
            literal = isinstance(stmt, Assign) and isinstance(stmt.expr, Const) and type(stmt.expr.value) is bool
            found[var] = found.get(var, var not in fixed) and literal
    return {v for v, literal in found.items() if literal and v.temporary}


def _without(block: Block, dead: set[Var]) -> Block:
    made: Block = []
    for stmt in block:
        if isinstance(stmt, Assign) and stmt.var in dead:
            continue
        if blocks_of(stmt):
            set_blocks(stmt, [_without(b, dead) for b in blocks_of(stmt)])
        made.append(stmt)
    return made


class _Leaving:
    def __init__(self, flags: set[Var]) -> None:
        self.flags = flags

    def block(self, block: Block, known: Known, rest: Block) -> tuple[Block, Known | None]:
        """A block, given what is known of flags and what of the loop's body follows the block.

        Gives what is known at its end, None where control never gets there.
        """
        made: Block = []
        for position, stmt in enumerate(block):
            following = block[position + 1 :]
            if isinstance(stmt, Break):
                path, end = self.block(_leaving([*following, *rest]), known, [])
                return [*made, *path, *([] if end is None else [replace(stmt)])], None
            if isinstance(stmt, If):
                value = self.value(stmt.test, known)
                if value is not None:
                    chosen = stmt.body if value else stmt.orelse
                    more, end = self.block([*chosen, *following], known, rest)
                    return [*made, *more], end
            if isinstance(stmt, If) and _breaks([stmt]):
                first = _movable(following, stmt)
                made += map(replace, first)
                following = following[len(first) :]
                parts = [self.block(b, dict(known), [*following, *rest]) for b in blocks_of(stmt)]
                new = replace(stmt)
                set_blocks(new, [b for b, _ in parts])
                made.append(new)
                after = _join([k for _, k in parts])
                if after is None:
                    return made, None
                more, end = self.block(following, after, rest)
                return [*made, *more], end
            made.append(self.statement(stmt, known))
            if exits([stmt]):
                return made, None
        return made, known

    def statement(self, stmt: Stmt, known: Known) -> Stmt:
        """A statement that breaks no loop around it; `known` is changed to what is known after it."""
        if not blocks_of(stmt) and not isinstance(stmt, Store):
            stmt = rewrite(stmt, lambda v: Const(known[v]) if v in known else v, lambda v: v)
        if isinstance(stmt, Assign) and stmt.var in self.flags:
            assert isinstance(stmt.expr, Const)
            known[stmt.var] = stmt.expr.value
        new = replace(stmt)
        if isinstance(stmt, (If, Try)):
            parts = [self.block(b, dict(known), []) for b in blocks_of(stmt)]
            set_blocks(new, [b for b, _ in parts])
            after = _join([k for _, k in parts])
            known.clear()
            known.update(after or {})
        elif isinstance(stmt, (For, While)):
            for var in defs_within(stmt.body):
                known.pop(var, None)
            inside = dict(known)
            set_blocks(new, [self.block(stmt.body, inside, [])[0]])
        return new

    def value(self, test: Expr, known: Known) -> bool | None:
        if isinstance(test, Var):
            return known.get(test)
        if isinstance(test, Op) and test.name == "operator.not_":
            inner = self.value(test.operands[0], known)
            return None if inner is None else not inner
        return None


def _breaks(block: Block) -> bool:
    """Whether a block breaks a loop around it."""
    return any(isinstance(s, Break) or (isinstance(s, If) and any(map(_breaks, blocks_of(s)))) for s in block)


def _without_breaks(block: Block) -> Block:
    """A copy of what runs behind a break, where another break is nothing."""
    made: Block = []
    for stmt in block:
        if isinstance(stmt, Break):
            continue
        if isinstance(stmt, If):
            stmt = replace(stmt)
            set_blocks(stmt, [_without_breaks(b) for b in blocks_of(stmt)])
        made.append(stmt)
    return made


def _leaving(block: Block) -> Block:
    """What runs behind a break, which also leaves the contexts that were entered before it."""
    made: Block = []
    entered = 0
    for stmt in _without_breaks(block):
        entered += isinstance(stmt, Enter)
        if isinstance(stmt, Leave):
            if not entered:
                continue
            entered -= 1
        made.append(stmt)
    return made


def _join(ends: list[Known | None]) -> Known | None:
    reached = [k for k in ends if k is not None]
    if not reached:
        return None
    first, *others = reached
    return {v: b for v, b in first.items() if all(k.get(v) is b for k in others)}


def _movable(following: Block, stmt: If) -> Block:
    """The pushes among what follows a branch that may as well go before it, in their order."""
    bound = defs_within([stmt])
    written = bool(stores_within([stmt])) or any(isinstance(s, Do) for s in walk([stmt]))
    moved: Block = []
    for later in following:
        if not (isinstance(later, Do) and isinstance(later.expr, Op) and later.expr.name == TAPE_OPS[0]):
            break
        if written or any(v in bound for v in uses(later)):
            break
        moved.append(later)
    return moved
