"""Write a buffer that is only begun and added to as one sum.

    x_bar = a * b          ->  x_bar = a * b + c
    x_bar += c

The terms keep their order, so the sum is the same to the last bit. A buffer that is added to in a loop stays one.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases, alias_classes, is_fresh
from s2sad.analysis.effects import is_pure
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN, same_shape
from s2sad.ir.nodes import Assign, Block, Expr, Function, Op, Store, Var, blocks_of, replace
from s2sad.ir.walk import defs_within, set_blocks, stores_within, uses, uses_within, vars_of
from s2sad.ir.webs import replace_function
from s2sad.optimise.inline import size_of

#: A sum grows to this many operations.
_LONG = 14
#: How many statements may stand between a buffer's making and what is added to it.
_REACH = 12


def sum_up(function: Function, kinds: Kinds) -> Function:
    """The function with buffers that are made and then added to, in one block, made as sums."""
    aliases = alias_classes(function, kinds)

    def block(old: Block) -> Block:
        made: Block = []
        for stmt in old:
            if isinstance(stmt, Store) and stmt.index is None and stmt.how in ("operator.add", "operator.sub"):
                at = _making(made, stmt, aliases, kinds)
                if at is not None:
                    first = made.pop(at)
                    assert isinstance(first, Assign)
                    total = Op(stmt.how, (_uncopied(first.expr), stmt.expr))
                    made.append(replace(first, expr=total, origin=stmt.origin, quote=stmt.quote, group=stmt.group))
                    continue
            if blocks_of(stmt):
                stmt = replace(stmt)
                set_blocks(stmt, [block(b) for b in blocks_of(stmt)])
            made.append(stmt)
        return made

    return replace_function(function, body=block(function.body))


def _making(made: Block, store: Store, aliases: Aliases, kinds: Kinds) -> int | None:
    """The position in a block of the statement that makes what `store` adds to, if it may stand at the store."""
    var = store.base
    for at in range(len(made) - 1, max(-1, len(made) - 1 - _REACH), -1):
        stmt = made[at]
        if not isinstance(stmt, Assign) or stmt.var is not var:
            if var in uses_within([stmt]) or var in defs_within([stmt]):
                return None
            continue
        expr, kind = stmt.expr, kinds.get(var, UNKNOWN)
        if (
            stmt.group is None
            or any(v is var for v in (*uses(stmt), *vars_of(store.expr)))
            or not is_fresh(expr)
            or not is_pure(expr)
        ):
            return None
        if size_of(expr) + size_of(store.expr) >= _LONG or not _fits(expr, store.expr, var, kinds):
            return None
        between = made[at + 1 :]
        reads = list(vars_of(expr))
        bound, written = defs_within(between), stores_within(between)
        if any(v in bound for v in reads) or any(aliases.may_share(b, v) for b in written for v in reads):
            return None
        if any(not isinstance(s, (Assign, Store)) or (isinstance(s, Assign) and not is_pure(s.expr)) for s in between):
            return None
        return at if kind.is_array else None
    return None


def _fits(first: Expr, added: Expr, var: Var, kinds: Kinds) -> bool:
    """Whether a new sum has the shape and dtype of the buffer."""
    kind, one, other = kinds.get(var, UNKNOWN), kind_of_expr(first, kinds), kind_of_expr(added, kinds)
    if kind.dtype is None or one.dtype != kind.dtype or not same_shape(one.shape, kind.shape):
        return False
    return other.dtype == kind.dtype or other.sort == "float"


def _uncopied(expr: Expr) -> Expr:
    return expr.operands[0] if isinstance(expr, Op) and expr.name == "numpy.copy" and len(expr.operands) == 1 else expr
