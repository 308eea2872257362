"""The kinds of expressions: what they cost."""

from __future__ import annotations

from s2sad.analysis.kinds import reached_kind
from s2sad.ir.kinds import FLOAT, Kind
from s2sad.ir.nodes import Const, Expr, Op, Var


def test_each_operand_is_asked_once() -> None:
    x, asked = Var("x"), []

    def of(var: Var) -> Kind:
        asked.append(var)
        return FLOAT

    expr: Expr = Const(1.0)
    for name in ["operator.add", "operator.mul", "numpy.exp", "method.astype"] * 10:
        expr = Op(name, (expr,) if name == "numpy.exp" else (expr, x))
    reached_kind(expr, of)
    assert len(asked) == 30
