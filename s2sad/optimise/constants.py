"""Fold arithmetic on literals in the reverse sweep, so that a derivative that is differentiated again has literals too.

    t = 3 - 1; y = x ** t      ->  y = x ** 2
    y = a if 2 else b          ->  y = a
"""

from __future__ import annotations

import operator

from s2sad.ir.nodes import Assign, Block, Const, Expr, Function, Op, Stmt, Var, blocks_of, replace, walk
from s2sad.ir.walk import defs, set_blocks, substitute
from s2sad.ir.webs import replace_function

_FOLDED = {
    "operator.add": operator.add, "operator.sub": operator.sub, "operator.mul": operator.mul, "operator.neg": operator.neg,
}  # fmt: skip


def fold_constants(function: Function) -> Function:
    """The function with the literals of its reverse sweep computed, exactly as they would be when it runs."""
    bound: dict[Var, int] = {}
    for stmt in walk(function.body):
        for v in defs(stmt):
            bound[v] = bound.get(v, 0) + 1
    known: dict[Var, Const] = {}

    def settle(var: Var) -> Expr:
        return known.get(var, var)

    def statement(stmt: Stmt) -> Stmt:
        if blocks_of(stmt):
            stmt = replace(stmt)
            set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            return stmt
        if not isinstance(stmt, Assign) or stmt.group is None:
            return stmt
        folded = fold(substitute(stmt.expr, settle))
        if isinstance(folded, Const) and bound[stmt.var] == 1:
            known[stmt.var] = folded
        if folded is stmt.expr:
            return stmt
        return replace(stmt, expr=folded)  # type: ignore[no-any-return]

    def block(old: Block) -> Block:
        return [statement(s) for s in old]

    return replace_function(function, body=block(function.body))


def fold(expr: Expr) -> Expr:
    """A flat operation on literals as its value; a choice by a literal as what it chooses.

    >>> fold(Op("operator.sub", (Const(3), Const(1))))
    2
    """
    if not isinstance(expr, Op) or expr.keywords:
        return expr
    if expr.name == "s2sad.select" and isinstance(expr.operands[0], Const):
        return expr.operands[1] if expr.operands[0].value else expr.operands[2]
    values = [o.value for o in expr.operands if isinstance(o, Const) and type(o.value) in (int, float)]
    if expr.name not in _FOLDED or len(values) < len(expr.operands):
        return expr
    return Const(_FOLDED[expr.name](*values))
