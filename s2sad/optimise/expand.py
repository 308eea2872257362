"""Write the engine's operations as plain NumPy where the kinds are known, as a call of a small helper where not.

unbroadcast(g, b), g: (n, o), b: (o,)     ->  g.sum(axis=0)
spread(g, a, axis=0)                      ->  np.broadcast_to(g, a.shape)
spread(1.0, np.var(x, axis=0))            ->  np.ones(x.shape[1])
cov_adjoint(g, 0, x, None, True)          ->  cov_adjoint(g, 0, x)
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Set
from typing import Any

from s2sad.analysis.effects import is_pure
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN, Extent, same_extent, same_shape
from s2sad.ir.nodes import Assign, Block, Const, Expr, Function, Op, Stmt, Var, blocks_of, walk
from s2sad.ir.walk import change_expressions, defs, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry
from s2sad.rules.binding import rule_name

_RUNTIME = "s2sad.runtime.adjoints"


def expand_engine(function: Function, kinds: Kinds) -> Function:
    """The function without operations of the engine."""

    lengths, for_shape = lengths_of(function, kinds), read_for_shape(function)

    def change(expr: Expr) -> Expr:
        if not isinstance(expr, Op):
            return expr
        expr = Op(
            expr.name, tuple(map(change, expr.operands)), tuple((k, change(v)) for k, v in expr.keywords), expr.spelled
        )
        return measured(without_defaults(expand(expr, kinds)), kinds, lengths, for_shape)

    def statement(stmt: Stmt) -> Stmt:
        new = change_expressions(stmt, change)
        if blocks_of(stmt):
            set_blocks(new, [[statement(s) for s in b] for b in blocks_of(stmt)])
        return new

    body: Block = [statement(s) for s in function.body]
    left = {v for s in walk(body) for v in uses(s)}
    return replace_function(function, body=_without(body, for_shape.keys() - left))


def read_for_shape(function: Function) -> dict[Var, Expr]:
    """The Vars of which no more than the shape is read, each bound once, and what they are bound to."""
    bound: dict[Var, int] = {}
    made: dict[Var, Expr] = {}
    read: set[Var] = set()

    def look(expr: Expr) -> None:
        if isinstance(expr, Var):
            read.add(expr)
        elif isinstance(expr, Op):
            at = {"s2sad.spread": 1, "numpy.ndarray.shape": 0}.get(expr.name)
            for k, operand in enumerate((*expr.operands, *(v for _, v in expr.keywords))):
                if k != at or not isinstance(operand, Var):
                    look(operand)
        else:
            read.update(vars_of(expr))

    for stmt in walk(function.body):
        for v in defs(stmt):
            bound[v] = bound.get(v, 0) + 1
        if isinstance(stmt, Assign):
            made[stmt.var] = stmt.expr
            look(stmt.expr)
        else:
            read.update(uses(stmt))
    return {v: e for v, e in made.items() if bound[v] == 1 and v not in read and _is_dear(e)}


def _is_dear(expr: Expr) -> bool:
    """Whether an expression may be left out, and had better be."""
    entry = registry.find(rule_name(expr)) if isinstance(expr, Op) else None
    return entry is not None and not entry.cheap and is_pure(expr)


def _without(body: Block, unread: Set[Var]) -> Block:
    """The statements but for those that bind Vars that nothing reads any more."""
    kept = [s for s in body if not (isinstance(s, Assign) and s.var in unread)]
    for stmt in kept:
        if blocks_of(stmt):
            set_blocks(stmt, [_without(b, unread) for b in blocks_of(stmt)])
    return kept


def expand(expr: Op, kinds: Kinds) -> Expr:
    """One operation of the engine as NumPy; any other operation as it is."""
    if expr.name == "s2sad.unbroadcast":
        return _unbroadcast(expr, kinds)
    if expr.name == "s2sad.spread":
        return _spread(expr, kinds)
    if expr.name in ("s2sad.unspread", "s2sad.rebroadcast"):
        return _helper(expr)
    if expr.name == "numpy.copy" and isinstance(expr.operands[0], Op):
        inner = expr.operands[0]
        if inner.name == "numpy.copy":
            return inner
        if inner.name == "numpy.broadcast_to" and _is_shape_of(inner.operands[1]):
            assert isinstance(inner.operands[1], Op)
            return filled(inner.operands[0], inner.operands[1].operands[0], kinds)
    return expr


def filled(value: Expr, like: Expr, kinds: Kinds) -> Expr:
    """A new array of the shape of `like`, filled; of its dtype too where that is surely one of floats."""
    is_one = isinstance(value, Const) and value.value == 1 and not isinstance(value.value, bool)
    # A complex value has its own dtype: `full_like` would take its real part.
    if (kind_of_expr(like, kinds).dtype or "").startswith("float") and not kind_of_expr(value, kinds).is_complex:
        return Op("numpy.ones_like", (like,)) if is_one else Op("numpy.full_like", (like, value))
    shape = Op("numpy.ndarray.shape", (like,))
    return Op("numpy.ones", (shape,)) if is_one else Op("numpy.full", (shape, value))


def lengths_of(function: Function, kinds: Kinds) -> dict[Extent, Expr]:
    """How to write the length of an axis of which no more is known than that an array parameter has it."""
    found: dict[Extent, Expr] = {}
    bound = {v for stmt in walk(function.body) for v in defs(stmt)}
    for param in function.params:
        kind = kinds.get(param.var, UNKNOWN)
        if not kind.is_array or param.var in bound or not isinstance(kind.shape, tuple):
            continue
        for axis, dim in enumerate(kind.shape):
            if isinstance(dim, Extent) and dim.symbol != "?" and dim not in found:
                shape = Op("numpy.ndarray.shape", (param.var,))
                first = Op("builtins.len", (param.var,))
                found[dim] = first if axis == 0 else Op("operator.getitem", (shape, Const(axis)))
    return found


def measured(expr: Expr, kinds: Kinds, lengths: dict[Extent, Expr], for_shape: dict[Var, Expr]) -> Expr:
    """An array of one number with its shape written as lengths, where it would be computed for that alone."""
    if not (isinstance(expr, Op) and expr.name in _BY_SHAPE and len(expr.operands) > _BY_SHAPE[expr.name]):
        return expr
    at = _BY_SHAPE[expr.name]
    given = expr.operands[at]
    of = given.operands[0] if isinstance(given, Op) and _is_shape_of(given) else None
    if of is None or not (of in for_shape if isinstance(of, Var) else _is_dear(of)):
        return expr
    shape = kind_of_expr(of, kinds).shape
    dims = [Const(n) if isinstance(n, int) else lengths.get(n) for n in shape] if isinstance(shape, tuple) else [None]
    known = tuple(d for d in dims if d is not None)
    if len(known) < len(dims) or not known:
        return expr
    whole = known[0] if len(known) == 1 else Op("tuple", known)
    if expr.name == "numpy.broadcast_to" and expr.operands[0] == Const(1.0):
        return Op("numpy.ones", (whole,))
    return Op(expr.name, (*expr.operands[:at], whole, *expr.operands[at + 1 :]), expr.keywords)


#: Functions that take a shape, and where it stands.
_BY_SHAPE = {"numpy.broadcast_to": 1, "numpy.full": 0, "numpy.ones": 0}


@functools.cache
def _defaults(name: str) -> tuple[Any, ...]:
    """The defaults of a function of `s2sad.runtime`, by position; NOTHING for parameters without one."""
    module, _, own = name.rpartition(".")
    parameters = inspect.signature(getattr(importlib.import_module(module), own)).parameters.values()
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return tuple(_NOTHING if p.default is p.empty or p.kind != plain else p.default for p in parameters)


_NOTHING: Any = object()


def without_defaults(expr: Expr) -> Expr:
    """A call of `s2sad.runtime` without last arguments that are what the function takes anyway."""
    if not (isinstance(expr, Op) and expr.name.startswith("s2sad.runtime.")) or expr.keywords:
        return expr
    operands, defaults = list(expr.operands), _defaults(expr.name)
    while operands and len(operands) <= len(defaults) and _is_default(operands[-1], defaults[len(operands) - 1]):
        operands.pop()
    return Op(expr.name, tuple(operands), (), expr.spelled)


def _is_default(operand: Expr, default: Any) -> bool:
    return isinstance(operand, Const) and type(operand.value) is type(default) and bool(operand.value == default)


def _is_shape_of(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name == "numpy.ndarray.shape"


def _helper(expr: Op) -> Op:
    operands = list(expr.operands)
    defaults = [Const(None), Const(False)]
    while len(operands) > 2 and operands[-1] == defaults[len(operands) - 3]:
        operands.pop()
    return Op(f"{_RUNTIME}.{expr.name.partition('.')[2]}", tuple(operands), expr.keywords)


def _unbroadcast(expr: Op, kinds: Kinds) -> Expr:
    g, a = expr.operands
    kind_g, kind_a = kind_of_expr(g, kinds), kind_of_expr(a, kinds)
    if same_shape(kind_g.shape, kind_a.shape):
        return g
    if kind_a.shape == () and kind_g.shape == ():
        return g
    if kind_a.shape == () and kind_g.is_array:
        return Op("numpy.ndarray.sum", (g,)) if kind_g.rank != 0 else g
    if not isinstance(kind_a.shape, tuple) or not isinstance(kind_g.shape, tuple):
        return _helper(expr)
    extra = len(kind_g.shape) - len(kind_a.shape)
    if extra < 0:
        return _helper(expr)
    stretched = []
    for axis, dim in enumerate(kind_a.shape):
        of_g = kind_g.shape[axis + extra]
        if same_extent(dim, of_g) or (isinstance(dim, Extent) and dim.plural) or (isinstance(dim, int) and dim != 1):
            continue
        if dim == 1 and ((isinstance(of_g, Extent) and of_g.plural) or (isinstance(of_g, int) and of_g != 1)):
            stretched.append(axis + extra)
            continue
        return _helper(expr)
    if stretched and extra:
        return _helper(expr)
    if stretched:
        axes: Any = stretched[0] if len(stretched) == 1 else tuple(stretched)
        return Op("numpy.ndarray.sum", (g,), (("axis", _literal(axes)), ("keepdims", Const(True))))
    if not extra:
        return g
    axes = 0 if extra == 1 else tuple(range(extra))
    return Op("numpy.ndarray.sum", (g,), (("axis", _literal(axes)),))


def _literal(value: Any) -> Expr:
    return Op("tuple", tuple(Const(v) for v in value)) if isinstance(value, tuple) else Const(value)


def _arguments(expr: Op) -> tuple[Expr, Expr, Expr, Expr]:
    operands = [*expr.operands, *[Const(None), Const(False)][len(expr.operands) - 2 :]]
    given = dict(expr.keywords)
    return operands[0], operands[1], given.get("axis", operands[2]), given.get("keepdims", operands[3])


def placed_for_broadcast(expr: Op, kinds: Kinds) -> Expr | None:
    """What is spread, its axes placed so that broadcasting against the full shape repeats it; None if not known how."""
    g, a, axis, keepdims = _arguments(expr)
    kind_a, kind_g = kind_of_expr(a, kinds), kind_of_expr(g, kinds)
    if keepdims == Const(True) or kind_g.shape == ():
        return g
    if axis == Const(None) and keepdims == Const(False):
        return g if kind_g.shape == () else None
    if not isinstance(axis, Const) or type(axis.value) is not int or kind_a.rank is None or keepdims != Const(False):
        return None
    place = axis.value % kind_a.rank if kind_a.rank else 0
    if place == 0:
        return g
    return Op("numpy.expand_dims", (g, Const(axis.value)))


def _spread(expr: Op, kinds: Kinds) -> Expr:
    g, a, axis, keepdims = _arguments(expr)
    kind_a, kind_g = kind_of_expr(a, kinds), kind_of_expr(g, kinds)
    if kind_a.shape == () and kind_g.shape == ():
        return g
    placed = placed_for_broadcast(expr, kinds) if kind_a.is_array else None
    if placed is None:
        return _helper(Op(expr.name, (g, a, axis, keepdims)))
    return Op("numpy.broadcast_to", (placed, Op("numpy.ndarray.shape", (a,))))
