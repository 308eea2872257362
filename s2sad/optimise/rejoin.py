"""One name for a value that is added to in steps: what stands only between two bindings of a Var becomes that Var.

Splitting into webs gives each binding a Var of its own, but where loops carry one:

    k2 = k - a        k = k - a
    ...          ->   ...
    k = k2 - b        k = k - b

Here k is not read from the binding of k2 to its own, and k2 nowhere after it. Nothing in between leaves the block.
"""

from __future__ import annotations

from s2sad.ir.nodes import Assign, Block, Break, Function, Raw, RawStmt, Return, Stmt, Var, blocks_of, walk
from s2sad.ir.walk import defs, expressions, rewrite_block, set_blocks, uses
from s2sad.ir.webs import replace_function


def rejoin(function: Function) -> Function:
    """The function with one Var for each chain of bindings that nothing else lives beside."""
    return replace_function(function, body=_Rejoining(function).block(function.body))


class _Rejoining:
    def __init__(self, function: Function) -> None:
        self.bound: dict[Var, int] = {p.var: 2 for p in function.params}
        self.reads: dict[Var, int] = {}
        self.fixed: set[Var] = set()
        for stmt in walk(function.body):
            for var in defs(stmt):
                self.bound[var] = self.bound.get(var, 0) + 1
            for var in uses(stmt):
                self.reads[var] = self.reads.get(var, 0) + 1
            if isinstance(stmt, RawStmt) or any(isinstance(e, Raw) for e in expressions(stmt)):
                self.fixed.update(uses(stmt))

    def block(self, block: Block) -> Block:
        block = list(block)
        for stmt in block:
            inner = [self.block(b) for b in blocks_of(stmt)]
            if inner:
                set_blocks(stmt, inner)
        for last in range(len(block)):
            self.join(block, last)
        return block

    def join(self, block: Block, last: int) -> None:
        """Follow a binding of a Var back through the values that lead to it, and give them its name."""
        stmt = block[last]
        if not isinstance(stmt, Assign) or self.bound.get(stmt.var, 0) < 2 or stmt.var in self.fixed:
            return
        var = stmt.var
        if var in uses(stmt):
            return
        step = next((v for v in uses(stmt) if self.may_become(v, var)), None)
        if step is None:
            return
        first = last
        seen = 0
        while first and step not in defs(block[first]):
            if first < last and (self.touches(block[first], var) or not self.goes_on(block[first])):
                return
            seen += sum(v is step for s in walk([block[first]]) for v in uses(s))
            first -= 1
        if step not in defs(block[first]) or not isinstance(block[first], Assign) or seen != self.reads[step]:
            return
        block[first : last + 1] = rewrite_block(
            block[first : last + 1], lambda v: var if v is step else v, lambda v: var if v is step else v
        )
        self.bound[var] += 1
        self.join(block, first)

    def may_become(self, step: Var, var: Var) -> bool:
        return step is not var and step.hint == var.hint and self.bound.get(step) == 1 and step not in self.fixed

    def touches(self, stmt: Stmt, var: Var) -> bool:
        return any(var in uses(s) or var in defs(s) for s in walk([stmt]))

    def goes_on(self, stmt: Stmt) -> bool:
        return not any(isinstance(s, (Break, Return, RawStmt)) for s in walk([stmt]))
