"""Merge two `if`s that meet on the same unchanged test: a forward and a reverse sweep with nothing else between.

if c: A            if c: A; C
else: B      ->    else: B; D
if c: C
else: D
"""

from __future__ import annotations

from s2sad.analysis.effects import is_pure
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Do,
    Function,
    If,
    RawStmt,
    Stmt,
    Store,
    Var,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs_within, exits, set_blocks, uses_within
from s2sad.ir.webs import replace_function


def fuse_branches(function: Function) -> Function:
    """The function with adjacent branches on the same test merged."""
    return replace_function(function, body=_block(function.body))


def _block(block: Block) -> Block:
    made: Block = []
    for stmt in block:
        if blocks_of(stmt):
            stmt = replace(stmt)
        if isinstance(stmt, If) and isinstance(stmt.test, (Var, Const)):
            at = _meeting(made, stmt)
            if at is not None:
                first = made[at]
                assert isinstance(first, If)
                # What stands between neither reads what the first binds nor binds what it reads: it may go first.
                merged = replace(first, body=[*first.body, *stmt.body], orelse=[*first.orelse, *stmt.orelse])
                made.pop(at)
                made.append(merged)
                continue
        made.append(stmt)
    for stmt in made:
        if blocks_of(stmt):
            set_blocks(stmt, [_block(b) for b in blocks_of(stmt)])
    return made


def _meeting(made: Block, second: If) -> int | None:
    """The position of an earlier `if` on the same test that can be moved down to a later one."""
    between: Block = []
    for at in range(len(made) - 1, max(-1, len(made) - 12), -1):
        first = made[at]
        if isinstance(first, If) and first.test is second.test and isinstance(first.test, Var):
            bound = defs_within([first])
            if first.test in bound or exits(first.body) or exits(first.orelse) or not _plain(first):
                return None
            if any(v in bound for v in uses_within(between)) or any(v in bound for v in defs_within(between)):
                return None
            moved = defs_within(between)
            if any(v in moved for v in uses_within([first])):
                return None
            return at
        if not (isinstance(first, Assign) and is_pure(first.expr)):
            return None
        between.append(first)
    return None


def _plain(stmt: Stmt) -> bool:
    return not any(isinstance(s, (Store, Do, RawStmt, Call)) for s in walk([stmt]))
