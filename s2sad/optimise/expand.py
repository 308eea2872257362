"""Write the engine's operations as plain NumPy where the kinds are known, as a call of a small helper where not.

unbroadcast(g, b), g: (n, o), b: (o,)     ->  g.sum(axis=0)
spread(g, a, axis=0)                      ->  np.broadcast_to(g, a.shape)
"""

from __future__ import annotations

from typing import Any

from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import Extent, same_extent, same_shape
from s2sad.ir.nodes import Block, Const, Expr, Function, Op, Stmt, blocks_of
from s2sad.ir.walk import change_expressions, set_blocks
from s2sad.ir.webs import replace_function

_RUNTIME = "s2sad.runtime.adjoints"


def expand_engine(function: Function, kinds: Kinds) -> Function:
    """The function without operations of the engine."""

    def change(expr: Expr) -> Expr:
        if not isinstance(expr, Op):
            return expr
        expr = Op(
            expr.name, tuple(map(change, expr.operands)), tuple((k, change(v)) for k, v in expr.keywords), expr.spelled
        )
        return expand(expr, kinds)

    def statement(stmt: Stmt) -> Stmt:
        new = change_expressions(stmt, change)
        if blocks_of(stmt):
            set_blocks(new, [[statement(s) for s in b] for b in blocks_of(stmt)])
        return new

    body: Block = [statement(s) for s in function.body]
    return replace_function(function, body=body)


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
    if (kind_of_expr(like, kinds).dtype or "").startswith("float"):
        return Op("numpy.ones_like", (like,)) if is_one else Op("numpy.full_like", (like, value))
    shape = Op("numpy.ndarray.shape", (like,))
    return Op("numpy.ones", (shape,)) if is_one else Op("numpy.full", (shape, value))


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
