"""Bind an adjoint again only after the last use of what it was, so that no second name is needed.

t_bar = y_bar               x_bar += y_bar * y
y_bar = t_bar * x      ->   y_bar = y_bar * x
x_bar += t_bar * y
"""

from __future__ import annotations

from s2sad.analysis.effects import is_pure
from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import Assign, Block, Function, Store, Var, blocks_of, replace, walk
from s2sad.ir.walk import defs, defs_within, set_blocks, uses, uses_within
from s2sad.ir.webs import replace_function


def delay_rebinding(function: Function, kinds: Kinds) -> Function:
    """The function with numbers bound again after the last use of a copy of what they were.

    Only where nothing stands between.
    """
    counts: dict[Var, int] = {}
    bound: dict[Var, int] = {}
    for stmt in walk(function.body):
        for v in uses(stmt):
            counts[v] = counts.get(v, 0) + 1
        for v in defs(stmt):
            bound[v] = bound.get(v, 0) + 1

    def is_number(var: Var) -> bool:
        return kinds.get(var, UNKNOWN).shape == ()

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if blocks_of(stmt):
                stmt = replace(stmt)
                set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            made.append(stmt)
        for at in range(len(made)):
            copy = made[at]
            if not isinstance(copy, Assign) or not isinstance(copy.expr, Var) or bound[copy.var] != 1:
                continue
            move = _rebinding(made, at, copy.var, copy.expr)
            if move is not None:
                first, last = move
                made.insert(last + 1, made[first])
                del made[first]
        return made

    def _rebinding(made: Block, at: int, copy: Var, var: Var) -> tuple[int, int] | None:
        """Where `var` is bound again and where its copy is last used, if the binding can move there."""
        first = next((k for k in range(at + 1, len(made)) if var in defs_within([made[k]])), None)
        if first is None or not is_number(var) or not is_number(copy):
            return None
        moved = made[first]
        if not isinstance(moved, Assign) or not is_pure(moved.expr) or not all(map(is_number, uses(moved))):
            return None
        where = [k for k in range(at + 1, len(made)) for v in uses(made[k]) if v is copy]
        if len(where) != counts.get(copy) or where[-1] <= first:
            return None
        last = where[-1]
        made_between = {v for s in made[first + 1 : last + 1] for v in defs(s) if v.temporary}
        while last + 1 < len(made) and any(v in made_between for v in uses(made[last + 1])):
            last += 1
            made_between.update(v for v in defs(made[last]) if v.temporary)
        reads = set(uses(moved))
        for stmt in made[first + 1 : last + 1]:
            if not isinstance(stmt, (Assign, Store)):
                return None
            if var in uses_within([stmt]) or any(v is var or v in reads for v in defs(stmt)):
                return None
        return first, last

    return replace_function(function, body=block(function.body))
