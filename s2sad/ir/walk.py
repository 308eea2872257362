"""What a statement reads and writes, and how to copy one with other Vars. All passes ask here."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from s2sad.ir.nodes import (
    CALL,
    Assign,
    Block,
    Break,
    Call,
    Const,
    Do,
    Enter,
    Expr,
    For,
    Function,
    If,
    Label,
    Leave,
    Op,
    Raw,
    RawStmt,
    Restore,
    Return,
    Save,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)


def vars_of(expr: Expr | None) -> Sequence[Var]:
    """The Vars that an expression reads, in the order of the text, with repetitions."""
    kind = type(expr)
    if kind is Var:
        return (expr,)  # type: ignore[return-value]
    if kind is Op:
        found: list[Var] = []
        _collect(expr, found)  # type: ignore[arg-type]
        return found
    if kind is Raw:
        return [v for _, v in expr.reads]  # type: ignore[union-attr]
    return ()


def _collect(expr: Op, found: list[Var]) -> None:
    for operand in expr.operands:
        kind = type(operand)
        if kind is Var:
            found.append(operand)  # type: ignore[arg-type]
        elif kind is Op:
            _collect(operand, found)  # type: ignore[arg-type]
        elif kind is Raw:
            found.extend(v for _, v in operand.reads)  # type: ignore[union-attr]
    for _, value in expr.keywords:
        found.extend(vars_of(value))


def expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions that stand directly in a statement (not those of nested blocks)."""
    if isinstance(stmt, (Assign, Do)):
        return (stmt.expr,)
    if isinstance(stmt, Store):
        return (stmt.base, stmt.expr) if stmt.index is None else (stmt.base, stmt.index, stmt.expr)
    if isinstance(stmt, Call):
        return stmt.args
    if isinstance(stmt, (If, While)):
        return (stmt.test,)
    if isinstance(stmt, For):
        return (stmt.iter,)
    if isinstance(stmt, Save):
        return stmt.vars
    if isinstance(stmt, Return):
        return stmt.values
    if isinstance(stmt, (RawStmt, Enter, Try)):
        return tuple(v for _, v in stmt.reads)
    return ()


def uses(stmt: Stmt) -> Sequence[Var]:
    """The Vars whose values a statement reads itself."""
    if type(stmt) is Assign:
        return vars_of(stmt.expr)
    return [v for expr in expressions(stmt) for v in vars_of(expr)]


def defs(stmt: Stmt) -> tuple[Var, ...]:
    """The Vars that a statement binds itself."""
    if type(stmt) is Assign:
        return (stmt.var,)
    if isinstance(stmt, (Call, Restore)):
        return stmt.vars
    if isinstance(stmt, For):
        return (stmt.target,)
    if isinstance(stmt, Try):
        return (stmt.flag,) if stmt.error is None else (stmt.flag, stmt.error)
    return ()


def defs_within(block: Block) -> dict[Var, None]:
    """All Vars bound anywhere in a block, ordered (a dict used as an ordered set)."""
    return {v: None for s in walk(block) for v in defs(s)}


def uses_within(block: Block) -> dict[Var, None]:
    """All Vars read anywhere in a block, ordered."""
    return {v: None for s in walk(block) for v in uses(s)}


def stores_within(block: Block) -> dict[Var, None]:
    """The bases of all Stores anywhere in a block, ordered."""
    return {s.base: None for s in walk(block) if isinstance(s, Store)}


def substitute(expr: Expr, change: Callable[[Var], Expr]) -> Expr:
    """The expression with every Var replaced by `change(var)`; the names that a Raw reads only by a Var."""
    kind = type(expr)
    if kind is Var:
        return change(expr)  # type: ignore[arg-type]
    if kind is Const:
        return expr
    if isinstance(expr, Op):
        operands = tuple([substitute(o, change) for o in expr.operands])
        if not expr.keywords:
            same = all(map(operator.is_, operands, expr.operands))
            return expr if same else Op(expr.name, operands, (), expr.spelled)
        keywords = tuple([(k, substitute(v, change)) for k, v in expr.keywords])
        return Op(expr.name, operands, keywords, expr.spelled)
    assert isinstance(expr, Raw)
    reads = tuple((name, _as_var(change(v), v)) for name, v in expr.reads)
    return Raw(expr.tree, reads, expr.pure, expr.kind)


def _as_var(new: Expr, old: Var) -> Var:
    return new if isinstance(new, Var) else old


def rewrite(stmt: Stmt, use: Callable[[Var], Expr], define: Callable[[Var], Var]) -> Stmt:
    """A new statement with its own reads and binds changed; nested blocks are kept as they are (the caller maps them).

    Where the place demands a Var (a saved variable, the base of a Store) `use` must give one.
    """

    def var(v: Var) -> Var:
        return _as_var(use(v), v)

    def expr(e: Expr) -> Expr:
        return substitute(e, use)

    if isinstance(stmt, Assign):
        return replace(stmt, expr=expr(stmt.expr), var=define(stmt.var))
    if isinstance(stmt, Store):
        index = None if stmt.index is None else expr(stmt.index)
        return replace(stmt, base=var(stmt.base), index=index, expr=expr(stmt.expr))
    if isinstance(stmt, Call):
        return replace(stmt, args=tuple(expr(a) for a in stmt.args), vars=tuple(define(v) for v in stmt.vars))
    if isinstance(stmt, Do):
        return replace(stmt, expr=expr(stmt.expr))
    if isinstance(stmt, (RawStmt, Enter)):
        return replace(stmt, reads=tuple((n, var(v)) for n, v in stmt.reads))
    if isinstance(stmt, If):
        return replace(stmt, test=expr(stmt.test))
    if isinstance(stmt, For):
        return replace(stmt, iter=expr(stmt.iter), target=define(stmt.target))
    if isinstance(stmt, While):
        return replace(stmt, test=expr(stmt.test))
    if isinstance(stmt, Try):
        flag, error = define(stmt.flag), None if stmt.error is None else define(stmt.error)
        return replace(stmt, flag=flag, error=error, reads=tuple((n, var(v)) for n, v in stmt.reads))
    if isinstance(stmt, Save):
        return replace(stmt, vars=tuple(var(v) for v in stmt.vars))
    if isinstance(stmt, Restore):
        return replace(stmt, vars=tuple(define(v) for v in stmt.vars))
    if isinstance(stmt, Return):
        return replace(stmt, values=tuple(expr(v) for v in stmt.values))
    if isinstance(stmt, (Break, Leave)):
        return replace(stmt)
    raise TypeError(f"no rewrite for {type(stmt).__name__}")


def change_expressions(stmt: Stmt, change: Callable[[Expr], Expr]) -> Stmt:
    """A new statement with the expressions that stand directly in it changed, but for those that must be Vars."""
    if isinstance(stmt, (Assign, Do)):
        return replace(stmt, expr=change(stmt.expr))
    if isinstance(stmt, Store):
        return replace(stmt, index=None if stmt.index is None else change(stmt.index), expr=change(stmt.expr))
    if isinstance(stmt, Call):
        return replace(stmt, args=tuple(map(change, stmt.args)))
    if isinstance(stmt, (If, While)):
        return replace(stmt, test=change(stmt.test))
    if isinstance(stmt, For):
        return replace(stmt, iter=change(stmt.iter))
    if isinstance(stmt, Return):
        return replace(stmt, values=tuple(map(change, stmt.values)))
    return replace(stmt)


def rewrite_block(block: Block, use: Callable[[Var], Expr], define: Callable[[Var], Var]) -> Block:
    """A deep copy of a block with reads and binds changed."""
    made = []
    for stmt in block:
        new = rewrite(stmt, use, define)
        set_blocks(new, [rewrite_block(b, use, define) for b in blocks_of(stmt)])
        made.append(new)
    return made


def set_blocks(stmt: Stmt, blocks: list[Block]) -> None:
    """Give a freshly made statement its nested blocks."""
    if isinstance(stmt, If):
        stmt.body, stmt.orelse = blocks
    elif isinstance(stmt, Try):
        stmt.body, stmt.handler = blocks
    elif isinstance(stmt, (For, While)):
        (stmt.body,) = blocks


def exits(block: Block) -> bool:
    """Whether control never reaches the end of a block (every path raises)."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, RawStmt):
        return last.exits
    return isinstance(last, (If, Try)) and all(map(exits, blocks_of(last)))


def may_break(loop: For | While) -> bool:
    """Whether a loop may be over before its range or test says so."""
    return breaks(loop.body)


def breaks(block: Block) -> bool:
    """Whether a block breaks a loop around it."""
    work = list(block)
    while work:
        stmt = work.pop()
        if isinstance(stmt, Break):
            return True
        if not isinstance(stmt, (For, While)):
            work.extend(s for b in blocks_of(stmt) for s in b)
    return False


def is_endless(loop: For | While) -> bool:
    """Whether only a break or an error ends a loop, so that its body runs at least once."""
    return isinstance(loop, While) and isinstance(loop.test, Const) and bool(loop.test.value)


def exposed_reads(block: Block, assigned: set[Var], found: set[Var]) -> set[Var]:
    """Collect the Vars read before they are surely bound; give the Vars surely bound at the end."""
    for stmt in block:
        found.update(v for v in uses(stmt) if v not in assigned)
        if isinstance(stmt, (If, Try)):
            assigned.update(defs(stmt))
            ends = [exposed_reads(b, set(assigned), found) for b in blocks_of(stmt)]
            ends = [e for e, b in zip(ends, blocks_of(stmt)) if not exits(b)]
            assigned = set.intersection(*ends) if ends else assigned
        elif isinstance(stmt, For):
            exposed_reads(stmt.body, assigned | {stmt.target}, found)
        elif isinstance(stmt, While):
            end = exposed_reads(stmt.body, set(assigned), found)
            assigned = end if is_endless(stmt) else assigned
        else:
            assigned.update(defs(stmt))
    return assigned


def reads_from_outside(block: Block) -> list[Var]:
    """The Vars that a block may read before it binds them, in the order of the text."""
    found: set[Var] = set()
    exposed_reads(block, set(), found)
    return [v for v in dict.fromkeys(v for s in walk(block) for v in uses(s)) if v in found]


def callees(function: Function) -> dict[Label, None]:
    """The functions of the program that a function calls, in the order of the text."""
    found: dict[Label, None] = {}
    for stmt in walk(function.body):
        if isinstance(stmt, Call):
            found[stmt.callee] = None
        stack = list(expressions(stmt))
        while stack:
            e = stack.pop()
            if isinstance(e, Op):
                if e.name == CALL and isinstance(e.operands[0], Const):
                    found[e.operands[0].value] = None
                stack += [*e.operands, *(v for _, v in e.keywords)]
    return found


def surely_bound(function: Function) -> dict[Any, set[Var]]:
    """The Vars that are bound on every path: before each compound statement, and at the end of each block by its id."""
    found: dict[Any, set[Var]] = {}

    def visit(block: Block, bound: set[Var]) -> set[Var]:
        for stmt in block:
            inner = blocks_of(stmt)
            if not inner:
                bound.update(defs(stmt))
                continue
            found[stmt] = set(bound)
            ends = [visit(b, {*bound, *defs(stmt)}) for b in inner]
            if isinstance(stmt, (If, Try)):
                going_on = [end for end, b in zip(ends, inner) if not exits(b)]
                bound = set.intersection(*going_on) if going_on else bound
            elif isinstance(stmt, While) and is_endless(stmt):
                (bound,) = ends
        found[id(block)] = bound
        return bound

    visit(function.body, {p.var for p in function.params} | set(function.free.values()))
    return found
