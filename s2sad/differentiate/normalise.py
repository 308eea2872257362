"""Bring a function to the form that can be differentiated.

After this pass
1. a loop that may be over before its range says so, as each `while` may, counts its trips; such a `for` runs forwards,
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

from s2sad.analysis.indices import is_distinct
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import INT, UNKNOWN, same_extent
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Const,
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
from s2sad.ir.walk import defs, defs_within, may_break, rewrite_block, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.optimise.constants import fold
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name


def normalise(function: Function, kinds: Kinds) -> tuple[Function, dict[Stmt, Var]]:
    """The function in differentiable form, and the counters of loops. The kinds of new Vars are added."""
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
            if isinstance(stmt, (For, While)):
                body = inner[0]
                counter = Var("k", temporary=True) if isinstance(stmt, While) or may_break(stmt) else None
                loop: For | While = replace(stmt)
                if isinstance(loop, For) and loop.mirror and counter is not None:
                    loop.iter, loop.mirror = _turned(loop, made, kinds), False
                if isinstance(loop, For) and loop.target in outside:
                    index = Var("i", temporary=True)
                    kinds[index] = INT
                    body = [Assign(loop.target, index, origin=stmt.origin), *body]
                    loop.target = index
                if counter is not None:
                    kinds[counter] = INT
                    made.append(Assign(counter, Const(0)))
                    body = [Assign(counter, Op("operator.add", (counter, Const(1)), spelled="add=")), *body]
                    counters[loop] = counter
                loop.body = body
                made.append(loop)
            elif isinstance(stmt, Store) and not stmt.own:
                made += _plain_store(stmt, kinds)
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

    body = copy(function.body, False)
    return replace_function(function, body=body), counters


def with_steady_arguments(function: Function, kinds: Kinds, *, shapes_only: bool) -> Function:
    """The function with parameters that stand for arrays bound once: what rebinds them binds another Var.

    The reverse half of a function takes the arguments as they came, and gives adjoints in their shapes. With
    `shapes_only` a parameter stays as it is where what rebinds it is certain to have the same shape.
    """
    bound = defs_within(function.body)
    others: dict[Var, Var] = {}
    for p in function.params:
        shape = kinds.get(p.var, UNKNOWN).shape
        certain = isinstance(shape, tuple) and all(same_extent(d, d) for d in shape)
        if p.var in bound and shape != () and not (shapes_only and certain):
            others[p.var] = Var(p.name)
            kinds[others[p.var]] = kinds.get(p.var, UNKNOWN)
    if not others:
        return function
    prelude: Block = [Assign(new, old, origin=function.origin) for old, new in others.items()]
    body = rewrite_block(function.body, lambda v: others.get(v, v), lambda v: others.get(v, v))
    return replace_function(function, body=[*prelude, *body])


def _turned(loop: For, made: Block, kinds: Kinds) -> Op:
    """The range that a mirrored loop runs through, as it is run; what it is made of goes to a block."""
    assert isinstance(loop.iter, Op)
    bounds = loop.iter.operands
    start: Expr = bounds[0] if len(bounds) > 1 else Const(0)
    stop, step = bounds[min(len(bounds) - 1, 1)], bounds[2] if len(bounds) > 2 else Const(1)

    def number(expr: Expr) -> Expr:
        folded = fold(expr)
        if not isinstance(folded, Op):
            return folded
        var = Var("t", temporary=True)
        kinds[var] = INT
        made.append(Assign(var, folded, origin=loop.origin))
        return var

    if step in (Const(1), Const(-1)):
        first = number(Op("operator.sub", (stop, step)))
    else:
        more = number(Op("operator.sub", (number(Op("builtins.len", (loop.iter,))), Const(1))))
        first = number(Op("operator.add", (start, number(Op("operator.mul", (more, step))))))
    last = number(Op("operator.sub", (start, step)))
    return Op("builtins.range", (first, last, number(Op("operator.neg", (step,)))))


def _plain_store(stmt: Store, kinds: Kinds) -> list[Stmt]:
    """A write of one value: `a[i] op= e` as a read, the operation and a write, but for sums at cells named once."""
    links = {"origin": stmt.origin, "quote": stmt.quote}
    made: list[Stmt] = []

    def bind(expr: Expr) -> Var:
        var = Var("t", temporary=True)
        kinds[var] = kind_of_expr(expr, kinds)
        made.append(Assign(var, expr, **links))  # type: ignore[arg-type]
        return var

    value = stmt.expr
    if _is_display(value) or _is_list(value, kinds):
        value = bind(Op("numpy.array", (value,)))
    if stmt.how not in (None, "add.at") and not (
        stmt.how in ("operator.add", "operator.sub") and (stmt.index is None or is_distinct(stmt.index, kinds))
    ):
        old = bind(stmt.base if stmt.index is None else Op("operator.getitem", (stmt.base, stmt.index)))
        assert stmt.how is not None
        new = bind(Op(stmt.how, (old, value)))
        return [*made, replace(stmt, index=stmt.index or Const(...), expr=new, how=None)]
    return [*made, replace(stmt, expr=value)]


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
    if (
        entry.name == "builtins.sum"
        and op.operands
        and _is_display(op.operands[0])
        and not op.keywords
        and not _is_compensated(op, kinds)
    ):
        assert isinstance(op.operands[0], Op)
        total: Expr = op.operands[1] if len(op.operands) > 1 else Const(0)
        made: list[Stmt] = []
        for item in op.operands[0].operands:
            var = Var("t", temporary=True)
            made.append(replace(stmt, var=var, expr=Op("operator.add", (total, item))))
            total = var
        return [*made, replace(stmt, expr=total)]
    whole = _of_whole_list(stmt, op, kinds)
    if whole is not None:
        return whole
    if entry.name in ("operator.add", "operator.mul") and not any(
        kind_of_expr(o, kinds).sort in ("array", "scalar") for o in op.operands
    ):
        return None  # tuples or lists that are put together, as in `a.shape + (n,)`
    bound = bind(entry, op)
    changed: dict[int, Expr] = {}
    made = []

    def bind_to(expr: Expr) -> Var:
        var = Var("t", temporary=True)
        kinds[var] = kind_of_expr(expr, kinds)
        made.append(replace(stmt, var=var, expr=expr))
        return var

    def flat(operand: Expr) -> Expr:
        """A list in which every list is an array."""
        kind = kind_of_expr(operand, kinds)
        if isinstance(operand, Op):
            items = operand.operands
        elif any(item.sort in ("list", "tuple") for item in kind.items or ()):
            items = tuple(bind_to(Op("operator.getitem", (operand, Const(k)))) for k in range(len(kind.items or ())))
        else:
            return operand
        nested = [kind_of_expr(item, kinds).sort in ("list", "tuple") and bool(vars_of(item)) for item in items]
        if not any(nested):
            return operand
        return Op("list", tuple(bind_to(Op("numpy.array", (flat(i),))) if n else i for i, n in zip(items, nested)))

    for name in entry.differentiable:
        given = bound.get(name)
        for operand in given if isinstance(given, tuple) else (given,):
            if operand is None or not (_is_display(operand) or _is_list(operand, kinds)):
                continue
            new = flat(operand)
            if name != entry.sequence and not entry.name.startswith(("builtins.", "math.")):
                new = bind_to(Op("numpy.array", (new,)))
            if new is not operand:
                changed[id(operand)] = new
    if not changed:
        return None

    def change(e: Expr) -> Expr:
        return changed.get(id(e), e)

    plain = Op(op.name, tuple(map(change, op.operands)), tuple((k, change(v)) for k, v in op.keywords), op.spelled)
    return [*made, replace(stmt, expr=plain)]


#: What takes a list of unknown length as it is; anything else takes an array that is made of it.
_TAKES_LISTS = ("numpy.array", "numpy.asarray", "numpy.stack", "operator.getitem", "s2sad.append", "s2sad.shorter")


def _of_whole_list(stmt: Assign, op: Op, kinds: Kinds) -> list[Stmt] | None:
    """The statements for `np.sum(xs)` of a list of unknown length, by way of an array."""
    listed = [o for o in op.operands if isinstance(o, Var) and kind_of_expr(o, kinds).element is not None]
    if not listed or not op.name.startswith("numpy.") or op.name in _TAKES_LISTS:
        return None
    arrays: dict[Var, Var] = {}
    made: list[Stmt] = []
    for operand in dict.fromkeys(listed):
        arrays[operand] = Var("t", temporary=True)
        array = Op("numpy.array", (operand,))
        kinds[arrays[operand]] = kind_of_expr(array, kinds)
        made.append(replace(stmt, var=arrays[operand], expr=array))
    operands = tuple(arrays.get(o, o) if isinstance(o, Var) else o for o in op.operands)
    return [*made, replace(stmt, expr=Op(op.name, operands, op.keywords, op.spelled))]


def _is_list(operand: Expr, kinds: Kinds) -> bool:
    """Whether an operand is a Var that holds a list of known length of what may be differentiated."""
    kind = kind_of_expr(operand, kinds)
    return isinstance(operand, Var) and kind.sort in ("list", "tuple") and bool(kind.items) and kind.carries_derivative


def _is_compensated(total: Op, kinds: Kinds) -> bool:
    """Whether `sum` of a display may round otherwise than `+` does: from Python 3.12 on it makes up for the rounding
    of Python's floats, which shows from three of them on.
    """
    given = (*total.operands[0].operands, *total.operands[1:]) if isinstance(total.operands[0], Op) else ()
    return sum(kind_of_expr(o, kinds).sort in ("float", "unknown", "complex") for o in given) > 2


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
