"""Let branches return by themselves where they are the last thing a function does.

if c:                      if c:
    r = a                      return a
else:               ->     r = sin(x)
    r = sin(x) * x         return r * x
return r
"""

from __future__ import annotations

from s2sad.ir.nodes import Block, Function, If, Return, blocks_of, replace
from s2sad.ir.walk import defs_within, exits, set_blocks, uses
from s2sad.ir.webs import replace_function


def sink_returns(function: Function) -> Function:
    """The function with its Return moved into the branches that bind what it returns."""
    return replace_function(function, body=_sink(function.body))


def _sink(block: Block) -> Block:
    if len(block) < 2 or not isinstance(block[-1], Return) or not isinstance(block[-2], If):
        return block
    last, branch = block[-1], block[-2]
    bound = defs_within([branch])
    if not any(v in bound for v in uses(last)):
        return block
    new = replace(branch)
    set_blocks(new, [b if exits(b) else _sink([*b, replace(last)]) for b in blocks_of(branch)])
    return [*block[:-2], new]
