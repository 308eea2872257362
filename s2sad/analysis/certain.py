"""Dissolve each `try` whose body cannot fail, as its operands' kinds show: sums and products of floats raise nothing.

    try failed:                  x = x * y
        x = x * y          ->    z = x + 1.0
    if not failed:
        z = x + 1.0
"""

from __future__ import annotations

from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.attempts import cannot_fail
from s2sad.ir.nodes import Assign, Block, Const, Expr, For, Function, If, Op, Stmt, Try, Var, blocks_of, replace, walk
from s2sad.ir.walk import set_blocks
from s2sad.ir.webs import replace_function

_ARITHMETIC = frozenset(
    f"operator.{name}" for name in ("add", "sub", "mul", "neg", "pos", "iadd", "isub", "imul", "abs")
)
_COMPARISONS = frozenset(f"operator.{name}" for name in ("lt", "le", "gt", "ge", "eq", "ne", "not_"))


def without_certain_attempts(function: Function, kinds: Kinds) -> Function:
    """The function in which every `try` stands around something that may fail."""
    if not any(isinstance(s, Try) for s in walk(function.body)):
        return function

    small = {s.target for s in walk(function.body) if isinstance(s, For)}

    def is_certain(stmt: Stmt) -> bool:
        if isinstance(stmt, If):
            return not isinstance(stmt.test, Op) and all(is_certain(s) for b in blocks_of(stmt) for s in b)
        return cannot_fail(stmt) or (isinstance(stmt, Assign) and _is_of_floats(stmt.expr, kinds, small))

    def block(old: Block) -> Block:
        made: Block = []
        rest = list(old)
        while rest:
            stmt = rest.pop(0)
            if isinstance(stmt, Try) and all(map(is_certain, stmt.body)):
                made += [*block(stmt.body), Assign(stmt.flag, Const(False), origin=stmt.origin)]
                following = rest[0] if rest else None
                if isinstance(following, If) and following.test is stmt.flag:
                    rest[:1] = following.orelse
                continue
            new = replace(stmt)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            made.append(new)
        return made

    return replace_function(function, body=block(function.body))


def _is_of_floats(expr: Expr, kinds: Kinds, small: set[Var]) -> bool:
    """Whether an expression adds, multiplies or compares Python's numbers, floats and ints that are small."""
    if not isinstance(expr, Op) or expr.keywords:
        return False
    of = [kind_of_expr(o, kinds).sort for o in expr.operands]
    if expr.name in _COMPARISONS:
        return all(sort in ("float", "int", "bool") for sort in of)
    known = [sort == "int" and (isinstance(o, Const) or o in small) for o, sort in zip(expr.operands, of)]
    return expr.name in _ARITHMETIC and all(sort == "float" or is_known for sort, is_known in zip(of, known))
