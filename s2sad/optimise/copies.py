"""Copy propagation, both ways.

x = y; … x …     ->  … y …        where neither is bound again while x is in use
t = e; …; x = t  ->  x = e; …     where t has no other use and x none in between
"""

from __future__ import annotations

from s2sad.analysis.places import Places
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Const,
    Expr,
    For,
    Function,
    Op,
    Raw,
    RawStmt,
    Restore,
    Save,
    Stmt,
    Store,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, expressions, rewrite, set_blocks, uses, uses_within
from s2sad.ir.webs import replace_function

#: How many statements a copy may stand behind the binding that it renames.
_REACH = 60


def propagate_copies(function: Function) -> Function:
    """The function without the copies that only rename."""
    return _forward(_backward(function))


def _forward(function: Function) -> Function:
    places = Places(function)
    replaced: dict[Var, Expr] = {}

    def settle(e: Expr) -> Expr:
        while isinstance(e, Var) and e in replaced:
            e = replaced[e]
        return e

    must_be_var = {v for s in walk(function.body) for v in _var_only(s)}
    for stmt in walk(function.body):
        if not isinstance(stmt, Assign) or not isinstance(stmt.expr, (Var, Const)):
            continue
        var, source = stmt.var, settle(stmt.expr)
        position, loops = places.at[stmt]
        if var in places.fixed or len(places.binders[var]) != 1:
            continue
        if isinstance(source, Const) and (var in must_be_var or not _is_short(source)):
            continue
        if not all(p > position and around[: len(loops)] == loops for p, around in places.readers.get(var, ())):
            continue
        if isinstance(source, Var) and not places.steady(source, position, places.last_use(var, loops)):
            continue
        if isinstance(source, Var) and source.temporary and not var.temporary:
            source.temporary, source.hint = False, var.hint
        replaced[var] = source
    if not replaced:
        return function

    def copy(block: Block) -> Block:
        made: Block = []
        for stmt in block:
            if isinstance(stmt, Assign) and stmt.var in replaced:
                continue
            new = rewrite(stmt, settle, lambda v: v)
            if blocks_of(stmt):
                set_blocks(new, [copy(b) for b in blocks_of(stmt)])
            made.append(new)
        return made

    return replace_function(function, body=copy(function.body))


def _var_only(stmt: Stmt) -> list[Var]:
    """Vars at places where only a Var can stand."""
    if isinstance(stmt, Save):
        return list(stmt.vars)
    if isinstance(stmt, Store):
        return [stmt.base]
    found = []
    for expr in _expressions(stmt):
        if isinstance(expr, Raw):
            found += [v for _, v in expr.reads]
    if isinstance(stmt, RawStmt):
        found += [v for _, v in stmt.reads]
    return found


def _expressions(stmt: Stmt) -> list[Expr]:
    found: list[Expr] = []
    stack = list(expressions(stmt))
    while stack:
        e = stack.pop()
        found.append(e)
        if isinstance(e, Op):
            stack += [*e.operands, *(v for _, v in e.keywords)]
    return found


def _is_short(const: Const) -> bool:
    return not isinstance(const.value, (str, bytes))


def _backward(function: Function) -> Function:
    """Bind the copy's target directly where the value is made."""
    counts: dict[Var, int] = {}
    bound: dict[Var, int] = {}
    for stmt in walk(function.body):
        for v in uses(stmt):
            counts[v] = counts.get(v, 0) + 1
        for v in defs(stmt):
            bound[v] = bound.get(v, 0) + 1

    def copy(block: Block) -> Block:
        made: Block = []
        for stmt in block:
            if isinstance(stmt, Assign) and isinstance(stmt.expr, Var):
                source, target = stmt.expr, stmt.var
                if source.temporary and counts.get(source) == 1 and bound.get(source) == 1:
                    at = _find_binder(made, source, target)
                    if at is not None:
                        old = made[at]
                        renamed = rewrite(old, lambda v: v, lambda v, s=source, t=target: t if v is s else v)  # type: ignore[misc]
                        made[at] = renamed
                        continue
            if blocks_of(stmt):
                new = replace(stmt)
                set_blocks(new, [copy(b) for b in blocks_of(stmt)])
                stmt = new
            made.append(stmt)
        return made

    return replace_function(function, body=copy(function.body))


def _find_binder(made: Block, source: Var, target: Var) -> int | None:
    """The position in a block of the statement that binds `source`, if nothing touches `target` from it to the end."""
    for at in range(len(made) - 1, max(-1, len(made) - 1 - _REACH), -1):
        stmt = made[at]
        if source in defs(stmt):
            if isinstance(stmt, (For, While)) or target in defs(stmt):
                return None
            return at if isinstance(stmt, (Assign, Call, Restore)) else None
        if blocks_of(stmt):
            if target in uses_within([stmt]) or target in defs_within([stmt]):
                return None
        elif target in defs(stmt) or any(v is target for v in uses(stmt)):
            return None
    return None
