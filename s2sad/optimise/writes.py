"""Writes as a person puts them.

x_bar[1:3] = 0                              x_bar[1:3] = e        where e reads no cells of x_bar
x_bar[1:3] += e                   ->
t * np.copy(x_bar[1:3])           ->    t * x_bar[1:3]        arithmetic makes new memory anyway
x[...] = x[...] * 2               ->    x *= 2                where the user wrote it so, or of adjoints
"""

from __future__ import annotations

import ast

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.effects import is_pure
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import Block, Const, Expr, Function, Op, Stmt, Store, blocks_of, replace, walk
from s2sad.ir.walk import change_expressions, set_blocks, vars_of
from s2sad.ir.webs import replace_function

_ARITHMETIC = frozenset(f"operator.{name}" for name in ("add", "sub", "mul", "truediv", "neg"))
_IN_PLACE = frozenset(f"operator.{name}" for name in ("add", "sub", "mul", "truediv"))


def shorten_writes(function: Function, kinds: Kinds) -> Function:
    """The function without zeros that are added to at once, copies that arithmetic reads, and cells named twice."""
    if not any(isinstance(s, Store) for s in walk(function.body)):
        return function
    aliases = alias_classes(function, kinds)

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if stmt.group is not None:
                stmt = change_expressions(stmt, lambda e: _uncopied(e, kinds))
            if isinstance(stmt, Store):
                if made and _begins(made[-1], stmt, aliases):
                    first = made.pop()
                    value = stmt.expr if stmt.how == "operator.add" else Op("operator.neg", (stmt.expr,))
                    assert isinstance(first, Store)
                    stmt = replace(stmt, index=first.index, expr=value, how=None)
                stmt = _in_place(stmt, kinds)
            elif blocks_of(stmt):
                stmt = replace(stmt)
                set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            made.append(stmt)
        return made

    return replace_function(function, body=block(function.body))


def _begins(first: Stmt, second: Store, aliases: Aliases) -> bool:
    """Whether a statement zeroes the cells that the next one adds to, whose value does not read them."""
    if not isinstance(first, Store) or first.how is not None or first.base is not second.base:
        return False
    if not (isinstance(first.expr, Const) and type(first.expr.value) in (int, float) and first.expr.value == 0):
        return False
    if second.how not in ("operator.add", "operator.sub") or _place(first.index) != _place(second.index):
        return False
    parts = [second.expr] if second.index is None else [second.expr, second.index]
    if not all(map(is_pure, parts)):
        return False
    return not any(aliases.may_share(second.base, v) for part in parts for v in vars_of(part))


def _place(index: Expr | None) -> Expr:
    return Const(...) if index is None else index


def _uncopied(expr: Expr, kinds: Kinds) -> Expr:
    """An expression whose arithmetic reads arrays themselves instead of copies of them."""
    if not isinstance(expr, Op):
        return expr
    operands = tuple(_uncopied(e, kinds) for e in expr.operands)
    if expr.name in _ARITHMETIC:
        operands = tuple(_original(e, kinds) for e in operands)
    keywords = tuple((k, _uncopied(v, kinds)) for k, v in expr.keywords)
    return replace(expr, operands=operands, keywords=keywords)


def _original(expr: Expr, kinds: Kinds) -> Expr:
    if isinstance(expr, Op) and expr.name == "numpy.copy" and len(expr.operands) == 1 and not expr.keywords:
        return expr.operands[0] if kind_of_expr(expr.operands[0], kinds).is_array else expr
    return expr


def _in_place(stmt: Store, kinds: Kinds) -> Store:
    """`x[i] = x[i] * e` as `x[i] *= e`: as the user wrote it, or in the reverse sweep where that is the same."""
    expr = stmt.expr
    if stmt.how is not None or not isinstance(expr, Op) or expr.name not in _IN_PLACE:
        return stmt
    cells, other = expr.operands
    whole = _place(stmt.index) == Const(...)
    read = isinstance(cells, Op) and cells.name == "operator.getitem" and cells.operands[0] is stmt.base
    if not (read and _place(cells.operands[1]) == _place(stmt.index)) and not (whole and cells is stmt.base):  # type: ignore[union-attr]
        return _turned(stmt, kinds)
    if whole and not kinds.get(stmt.base, UNKNOWN).is_array:
        return stmt
    if stmt.group is None and not _is_augmented(stmt.quote):
        return stmt
    if stmt.group is not None:
        # Adjoints are floats, so only the axes may differ: what has more of them fits where it is bound, not in place.
        kind, added = kind_of_expr(cells, kinds), kind_of_expr(other, kinds)
        if not kind.is_array or not kind.rank or added.rank is None or added.rank > kind.rank:
            return stmt
    return replace(stmt, index=None if whole else stmt.index, expr=other, how=expr.name)


def _is_augmented(quote: str | None) -> bool:
    """Whether the user's text of a statement is `x op= e`. In place, NumPy refuses to write floats into ints."""
    try:
        body = ast.parse(quote or "").body
    except SyntaxError:
        return False
    return len(body) == 1 and isinstance(body[0], ast.AugAssign)


def _turned(stmt: Store, kinds: Kinds) -> Store:
    """The same of `x[i] = e * x[i]` in the reverse sweep."""
    expr = stmt.expr
    assert isinstance(expr, Op)
    if expr.name != "operator.mul" or stmt.group is None or _reads_itself(expr.operands[0], stmt):
        return stmt
    if not _reads_itself(expr.operands[1], stmt):
        return stmt
    turned = _in_place(replace(stmt, expr=replace(expr, operands=expr.operands[::-1])), kinds)
    return turned if turned.how is not None else stmt


def _reads_itself(expr: Expr, stmt: Store) -> bool:
    if expr is stmt.base:
        return _place(stmt.index) == Const(...)
    if not (isinstance(expr, Op) and expr.name == "operator.getitem" and expr.operands[0] is stmt.base):
        return False
    return _place(expr.operands[1]) == _place(stmt.index)
