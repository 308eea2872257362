"""Write a branch that only chooses a value as a conditional expression again.

if c: t = a             ->   t = a if c else b
else: t = b
"""

from __future__ import annotations

from s2sad.ir.nodes import Assign, Block, Function, If, Op, Stmt, blocks_of, replace
from s2sad.ir.walk import set_blocks
from s2sad.ir.webs import replace_function


def choose_values(function: Function) -> Function:
    """The function with branches that bind one temporary each way as one assignment."""
    return replace_function(function, body=_block(function.body))


def _block(block: Block) -> Block:
    return [_statement(s) for s in block]


def _statement(stmt: Stmt) -> Stmt:
    if not blocks_of(stmt):
        return stmt
    stmt = replace(stmt)
    set_blocks(stmt, [_block(b) for b in blocks_of(stmt)])
    if isinstance(stmt, If) and len(stmt.body) == 1 and len(stmt.orelse) == 1:
        one, other = stmt.body[0], stmt.orelse[0]
        if isinstance(one, Assign) and isinstance(other, Assign) and one.var is other.var and one.var.temporary:
            return replace(one, expr=Op("s2sad.select", (stmt.test, one.expr, other.expr)))
    return stmt
