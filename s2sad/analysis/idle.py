"""Loops that the forward sweep need not run, since their reverse computes again all that it reads of them.

Recovery supposes that every loop without an effect is *idle*, and computes again what is local to it however much that
costs: once, as the forward sweep would have. A loop of which something is read all the same, since it carries a value
that has to be saved or leaves one to what runs, is not idle, and is planned anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from s2sad.analysis.effects import is_pure
from s2sad.ir.nodes import Assign, Block, For, Function, If, Return, Stmt, Var, While, blocks_of, walk
from s2sad.ir.walk import defs_within, uses


def perhaps_idle(function: Function) -> set[Stmt]:
    """The outermost loops over a sequence that have no effect, write no memory and run to their ends."""
    return {loop for loop in _outermost(function.body) if isinstance(loop, For) and _only_computes(loop)}


def not_idle(function: Function, idle: set[Stmt], read: set[Var]) -> set[Stmt]:
    """Those of the supposed idle loops that run, since what they bind is among `read` or read by what runs."""
    read = set(read)
    outside = [s for s in _outside(function.body, idle) if not isinstance(s, Return)]
    changed = True
    while changed:
        before = len(read)
        for stmt in outside:
            if not isinstance(stmt, Assign) or stmt.var in read or not is_pure(stmt.expr):
                read.update(uses(stmt))
        changed = len(read) > before
    return {loop for loop in idle if not read.isdisjoint(defs_within([loop]))}


def _outermost(block: Block) -> Iterator[Stmt]:
    for stmt in block:
        if isinstance(stmt, (For, While)):
            yield stmt
        else:
            for inner in blocks_of(stmt):
                yield from _outermost(inner)


def _outside(block: Block, loops: set[Stmt]) -> Iterator[Stmt]:
    for stmt in block:
        if stmt not in loops:
            yield stmt
            for inner in blocks_of(stmt):
                yield from _outside(inner, loops)


def _only_computes(loop: For) -> bool:
    if not is_pure(loop.iter):
        return False
    for stmt in walk(loop.body):
        if isinstance(stmt, Assign):
            expr = stmt.expr
        elif isinstance(stmt, If):
            expr = stmt.test
        elif isinstance(stmt, For):
            expr = stmt.iter
        else:
            return False
        if not is_pure(expr):
            return False
    return True
