"""Bring a function to the form that can be differentiated.

After this pass
1. a `while` counts its trips,
2. the target of a `for` is bound by nothing else and read only in its body,
3. a result that its own rule reads, or an item of what it replaces, stands in a Var that nothing else binds,
4. a write `a[i] op= e` is `a[i] = a[i] op e`, but for sums at indices that name each cell once,
5. a display stands as an operand only where a rule takes a sequence: `np.sum([x, y])` sums `np.array([x, y])`.

    while e > tol:            k = 0
        x = tanh(x)           while e > tol:
                                  k = k + 1
                                  t = tanh(x)
                                  x = t
"""

from __future__ import annotations

import re

from s2sad.analysis.aliases import alias_classes
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import INT, UNKNOWN
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Const,
    Do,
    Expr,
    For,
    Function,
    Op,
    Stmt,
    Store,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, rewrite_block, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name


def normalise(function: Function, kinds: Kinds) -> tuple[Function, dict[Stmt, Var]]:
    """The function in differentiable form, and the counter of each `while`. The kinds of new Vars are added."""
    counters: dict[Stmt, Var] = {}
    outside = _bound_or_read_outside(function)
    binders: dict[Var, int] = {p.var: 1 for p in function.params}
    for stmt in walk(function.body):
        for var in defs(stmt):
            binders[var] = binders.get(var, 0) + 1

    def copy(block: Block, in_loop: bool) -> Block:
        made: Block = []
        for stmt in block:
            is_loop = isinstance(stmt, (For, While))
            inner = [copy(b, in_loop or is_loop) for b in blocks_of(stmt)]
            if isinstance(stmt, While):
                counter = Var("k", temporary=True)
                kinds[counter] = INT
                made.append(Assign(counter, Const(0)))
                more = Assign(counter, Op("operator.add", (counter, Const(1)), spelled="add="))
                loop = replace(stmt, body=[more, *inner[0]])
                counters[loop] = counter
                made.append(loop)
            elif isinstance(stmt, For) and stmt.target in outside:
                index = Var("i", temporary=True)
                kinds[index] = INT
                made.append(
                    replace(stmt, target=index, body=[Assign(stmt.target, index, origin=stmt.origin), *inner[0]])
                )
            elif isinstance(stmt, Store) and stmt.group is None and not _is_plain_store(stmt, kinds):
                made += _read_and_write(stmt, kinds)
            elif isinstance(stmt, Assign) and (plain := _without_displays(stmt, kinds)) is not None:
                for part in plain:
                    if isinstance(part, Assign) and part.var is not stmt.var:
                        kinds[part.var] = kind_of_expr(part.expr, kinds)
                made += plain
            elif isinstance(stmt, Assign) and _needs_own_result(stmt, in_loop or binders[stmt.var] > 1):
                own = Var("t", temporary=True)
                kinds[own] = kinds.get(stmt.var, UNKNOWN)
                made += [replace(stmt, var=own), replace(stmt, expr=own)]
            else:
                new = replace(stmt)
                if inner:
                    set_blocks(new, inner)
                made.append(new)
        return made

    return replace_function(function, body=copy(function.body, False)), counters


def _is_plain_store(stmt: Store, kinds: Kinds) -> bool:
    if stmt.how is None:
        return True
    return stmt.how in ("operator.add", "operator.sub") and (stmt.index is None or is_distinct(stmt.index, kinds))


def is_distinct(index: Expr, kinds: Kinds) -> bool:
    """Whether an index names each cell at most once: numbers, slices, masks, not arrays of positions."""
    parts = index.operands if isinstance(index, Op) and index.name == "tuple" else (index,)
    for part in parts:
        kind = kind_of_expr(part, kinds)
        if kind.sort in ("int", "slice", "none", "ellipsis", "bool", "scalar") or (kind.is_array and kind.dtype == "bool"):
            continue
        return False
    return True


def _read_and_write(stmt: Store, kinds: Kinds) -> list[Stmt]:
    """`a[i] op= e` as a read, the operation and a write."""
    index: Expr = Const(...) if stmt.index is None else stmt.index
    read = Op("operator.getitem", (stmt.base, index))
    old, new = Var("t", temporary=True), Var("t", temporary=True)
    kinds[old] = kind_of_expr(read, kinds)
    assert stmt.how is not None
    value = Op(stmt.how, (old, stmt.expr))
    kinds[new] = kind_of_expr(value, kinds)
    links = {"origin": stmt.origin, "quote": stmt.quote}
    return [Assign(old, read, **links), Assign(new, value, **links), replace(stmt, index=index, expr=new, how=None)]  # type: ignore[arg-type]


def with_own_arguments(function: Function, kinds: Kinds) -> Function:
    """The function with copies of the parameters that it writes into, so that the caller's arrays stay as they are."""
    stores = [s for s in walk(function.body) if isinstance(s, Store) and s.group is None]
    if not stores:
        return function
    aliases = alias_classes(function, kinds)
    written = {aliases.root(s.base) for s in stores}
    copies: dict[Var, Var] = {}
    for p in function.params:
        if aliases.root(p.var) in written and kinds.get(p.var, UNKNOWN).shape != ():
            copies[p.var] = Var(p.name)
            kinds[copies[p.var]] = kinds.get(p.var, UNKNOWN)
    if not copies:
        return function
    others = [p.var for p in function.params if p.var not in copies and kinds.get(p.var, UNKNOWN).sort in ("array", "unknown")]
    prelude: Block = []
    if len(copies) > 1 or others:
        prelude.append(Do(Op("s2sad.runtime.checks.require_apart", (Op("tuple", tuple(copies)), Op("tuple", tuple(others))))))
    prelude += [Assign(new, Op("numpy.copy", (old,))) for old, new in copies.items()]
    body = rewrite_block(function.body, lambda v: copies.get(v, v), lambda v: copies.get(v, v))
    return replace_function(function, body=[*prelude, *body])


def _without_displays(stmt: Assign, kinds: Kinds) -> list[Stmt] | None:
    """The statements for `x = f([a, b])` where the rule of f takes an array or numbers there; None for no change."""
    op = stmt.expr
    entry = registry.find(rule_name(op)) if isinstance(op, Op) and op.name not in DISPLAYS else None
    if entry is None or entry.name == "operator.getitem" or not entry.adjoint:
        return None
    assert isinstance(op, Op)
    if (
        entry.name in ("builtins.max", "builtins.min")
        and len(op.operands) == 1
        and _is_display(op.operands[0])
        and not op.keywords
    ):
        assert isinstance(op.operands[0], Op)
        return (
            [replace(stmt, expr=Op(op.name, op.operands[0].operands, (), op.spelled))]
            if len(op.operands[0].operands) > 1
            else None
        )
    if entry.name == "builtins.sum" and op.operands and _is_display(op.operands[0]) and not op.keywords:
        assert isinstance(op.operands[0], Op)
        total: Expr = op.operands[1] if len(op.operands) > 1 else Const(0)
        made: list[Stmt] = []
        for item in op.operands[0].operands:
            var = Var("t", temporary=True)
            made.append(replace(stmt, var=var, expr=Op("operator.add", (total, item))))
            total = var
        return [*made, replace(stmt, expr=total)]
    if entry.name in ("operator.add", "operator.mul") and not any(
        kind_of_expr(o, kinds).sort in ("array", "scalar") for o in op.operands
    ):
        return None  # tuples or lists that are put together, as in `a.shape + (n,)`
    bound = bind(entry, op)
    arrays: dict[int, Var] = {}
    made = []
    for name in entry.differentiable:
        operand = bound.get(name)
        if name != entry.sequence and _is_display(operand):
            assert isinstance(operand, Op)
            arrays[id(operand)] = Var("t", temporary=True)
            made.append(replace(stmt, var=arrays[id(operand)], expr=Op("numpy.array", (operand,))))
    if not made:
        return None

    def change(e: Expr) -> Expr:
        return arrays.get(id(e), e)

    plain = Op(op.name, tuple(map(change, op.operands)), tuple((k, change(v)) for k, v in op.keywords), op.spelled)
    return [*made, replace(stmt, expr=plain)]


def _is_display(operand: object) -> bool:
    """Whether an operand is a list or tuple display that reads a Var."""
    return isinstance(operand, Op) and operand.name in ("list", "tuple") and bool(vars_of(operand))


def _needs_own_result(stmt: Assign, rebound: bool) -> bool:
    if not isinstance(stmt.expr, Op):
        return False
    if stmt.expr.name == "operator.getitem" and stmt.expr.operands[0] is stmt.var:
        return True  # its adjoint is added into cells of a buffer, which has to be another Var's
    itself = any(v is stmt.var for v in vars_of(stmt.expr))
    if itself and stmt.expr.name == "operator.getitem":
        return True
    shared = rebound or itself
    return shared and not stmt.var.temporary and reads_result(stmt.expr)


def reads_result(op: Op) -> bool:
    """Whether some formula of an operation's rule reads the result."""
    entry = registry.find(rule_name(op))
    if entry is None:
        return False
    for table in (entry.adjoint, entry.tangent):
        for cases in table.values():
            for case in cases:
                if not isinstance(case.text, str) or re.search(r"\by\d?\b", case.text):
                    return True
    return False


def _bound_or_read_outside(function: Function) -> set[Var]:
    """Targets of loops that anything but their own loop binds, or reads after it."""
    found: set[Var] = set()
    targets: set[Var] = set()
    for stmt in walk(function.body):
        if isinstance(stmt, For):
            if stmt.target in targets:
                found.add(stmt.target)
            targets.add(stmt.target)
    found.update(p.var for p in function.params if p.var in targets)

    def visit(block: Block, open_loops: frozenset[Var]) -> None:
        for stmt in block:
            if not isinstance(stmt, For):
                found.update(v for v in defs(stmt) if v in targets)
            found.update(v for v in uses(stmt) if v in targets and v not in open_loops)
            inside = open_loops | {stmt.target} if isinstance(stmt, For) else open_loops
            for inner in blocks_of(stmt):
                visit(inner, inside)

    visit(function.body, frozenset())
    return found
