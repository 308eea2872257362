"""Fold arithmetic on literals in the reverse sweep, so that a derivative that is differentiated again has literals too.

t = 3 - 1; y = x ** t      ->  y = x ** 2
y = a if 2 else b          ->  y = a
y = 1.0 * t                ->  y = t
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from s2sad.analysis.aliases import is_fresh
from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import UNKNOWN, same_shape
from s2sad.ir.nodes import Assign, Block, Const, Expr, Function, Op, Stmt, Var, blocks_of, replace, walk
from s2sad.ir.walk import defs, set_blocks, substitute, uses
from s2sad.ir.webs import replace_function

_FOLDED: dict[str, Callable[..., Any]] = {
    "operator.add": operator.add, "operator.sub": operator.sub, "operator.mul": operator.mul,
    "operator.neg": operator.neg,
}  # fmt: skip


def fold_constants(function: Function, kinds: Kinds) -> Function:
    """The function with the literals of its reverse sweep computed, exactly as they would be when it runs."""
    bound: dict[Var, int] = {}
    counts: dict[Var, int] = {}
    for stmt in walk(function.body):
        for v in defs(stmt):
            bound[v] = bound.get(v, 0) + 1
        for v in uses(stmt):
            counts[v] = counts.get(v, 0) + 1
    known: dict[Var, Const] = {}
    ones: set[Var] = set()
    fresh: set[Var] = set()
    adjoint = {v for s in walk(function.body) if s.group is not None for v in defs(s)}

    def settle(var: Var) -> Expr:
        return known.get(var, var)

    def without_one(expr: Expr, var: Var) -> Expr:
        """t for 1.0 * t, t being a float of the reverse sweep, or an array of it that nothing else reads."""
        if not isinstance(expr, Op) or expr.name != "operator.mul":
            return expr
        for one, other in (expr.operands, expr.operands[::-1]):
            if not (one == Const(1.0) or one in ones) or not isinstance(other, Var) or other not in adjoint:
                continue
            kind, result = kinds.get(other, UNKNOWN), kinds.get(var, UNKNOWN)
            alone = (
                other in fresh
                and counts[other] == 1
                and bound.get(other) == 1
                and kind.dtype == "float64"
                and same_shape(kind.shape, result.shape)
            )
            if (kind.sort == "float" and one == Const(1.0)) or alone:
                return other
        return expr

    def statement(stmt: Stmt) -> Stmt:
        if blocks_of(stmt):
            stmt = replace(stmt)
            set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            return stmt
        if not isinstance(stmt, Assign) or stmt.group is None:
            return stmt
        folded = without_one(fold(substitute(stmt.expr, settle)), stmt.var)
        if bound[stmt.var] == 1:
            if isinstance(folded, Op) and folded.name == "s2sad.spread" and folded.operands[0] == Const(1.0):
                ones.add(stmt.var)
            if is_fresh(folded):
                fresh.add(stmt.var)
        if isinstance(folded, Const) and bound[stmt.var] == 1:
            known[stmt.var] = folded
        if folded is stmt.expr:
            return stmt
        return replace(stmt, expr=folded)

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
    if expr.name == "operator.add" and expr.operands[1] == Const(0j) and isinstance(expr.operands[0], Const):
        return Const(complex(expr.operands[0].value)) if type(expr.operands[0].value) in (int, float) else expr
    values = [o.value for o in expr.operands if isinstance(o, Const) and type(o.value) in (int, float)]
    if expr.name not in _FOLDED or len(values) < len(expr.operands):
        return expr
    return Const(_FOLDED[expr.name](*values))
