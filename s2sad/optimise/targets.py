"""Let a loop bind the variable that its body begins by binding to the loop's own.

for i2 in range(n):          for i in range(n):
    i = i2              ->       x = x * i
    x = x * i
y = x * i                    y = x * i
"""

from __future__ import annotations

from s2sad.ir.nodes import Assign, Block, For, Function, Var, blocks_of, replace
from s2sad.ir.walk import defs, defs_within, rewrite_block, set_blocks, uses
from s2sad.ir.webs import replace_function


def bind_targets(function: Function) -> Function:
    """The function with hidden loop variables only where the body binds the user's again."""
    return replace_function(function, body=_block(function.body))


def _block(block: Block) -> Block:
    made: Block = []
    for stmt in block:
        if blocks_of(stmt):
            stmt = replace(stmt)
            set_blocks(stmt, [_block(b) for b in blocks_of(stmt)])
        made.append(_bound(stmt) if isinstance(stmt, For) else stmt)
    return made


def _bound(loop: For) -> For:
    index = loop.target
    for position, stmt in enumerate(loop.body):
        if blocks_of(stmt):
            break
        if isinstance(stmt, Assign) and stmt.expr is index:
            var = stmt.var
            before, after = loop.body[:position], loop.body[position + 1 :]
            touched = {v for s in before for v in (*uses(s), *defs(s))}
            if not index.temporary or var in touched or var in defs_within([*before, *after]):
                continue

            def change(v: Var, var: Var = var) -> Var:
                return var if v is index else v

            return replace(loop, target=var, body=rewrite_block([*before, *after], change, change))
    return loop
