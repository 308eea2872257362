"""Algebra on nested expressions of the reverse sweep: products, signs, powers, seeds of one.

    1.0 * (3 * x ** (3 - 1))        ->  3 * x ** 2
    spread(1 / R.size, R) * (2 * R) ->  2 / R.size * R
    x_bar + -(a * b)                ->  x_bar - a * b

Products of numbers are gathered before arrays; sums of arrays keep their order; nothing is ever assumed of zero.
The forward sweep, and the value that is returned, are never rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from s2sad.analysis.aliases import alias_classes, is_fresh
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import same_shape
from s2sad.ir.nodes import Assign, Block, Const, Expr, Function, Op, Return, Stmt, blocks_of, replace, walk
from s2sad.ir.walk import set_blocks, vars_of
from s2sad.ir.webs import replace_function
from s2sad.optimise.expand import placed_for_broadcast

_PRODUCTS = ("operator.mul", "operator.truediv", "operator.neg")


def simplify(function: Function, kinds: Kinds) -> Function:
    """The function with the expressions of its reverse sweep simplified."""
    algebra = Algebra(kinds)
    aliases = alias_classes(function, kinds)
    returned = {aliases.root(v) for s in walk(function.body) if isinstance(s, Return) for e in s.values for v in vars_of(e)}

    def kept_fresh(old: Expr, demanded: bool) -> Expr:
        """The simplified expression; where a buffer of its own is demanded, 1 * a becomes a copy of a, not a."""
        new = algebra.simplify(old)
        if isinstance(old, Op) and old.name in ("tuple", "list"):
            return Op(old.name, tuple(kept_fresh(o, demanded) for o in old.operands))
        if demanded and is_fresh(old) and not is_fresh(new) and not isinstance(new, Const) and kind_of_expr(new, kinds).shape != ():
            return Op("numpy.copy", (new,))
        return new

    def statement(stmt: Stmt) -> Stmt:
        if blocks_of(stmt):
            new: Stmt = replace(stmt)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            return new
        if isinstance(stmt, Return):
            kept = 1 if stmt.group == "value" else 0
            return replace(stmt, values=(*stmt.values[:kept], *(kept_fresh(v, True) for v in stmt.values[kept:])))
        if stmt.group is None:
            return stmt
        if isinstance(stmt, Assign):
            return replace(stmt, expr=kept_fresh(stmt.expr, aliases.written(stmt.var) or aliases.root(stmt.var) in returned))
        if hasattr(stmt, "expr"):
            return replace(stmt, expr=algebra.simplify(stmt.expr))
        if hasattr(stmt, "args"):
            return replace(stmt, args=tuple(algebra.simplify(a) for a in stmt.args))
        return stmt

    def block(old: Block) -> Block:
        return [statement(s) for s in old]

    return replace_function(function, body=block(function.body))


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Const) and type(expr.value) in (int, float)


@dataclass
class _Product:
    """coefficient * above / below; `spread` are factors that only repeat a number over the shape of another."""

    coefficient: Any = 1
    above: list[Expr] = field(default_factory=list)
    below: list[Expr] = field(default_factory=list)
    divisor: Any = 1


class Algebra:
    """Simplifies expressions whose Vars' kinds are known."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds

    def shape(self, expr: Expr) -> Any:
        return kind_of_expr(expr, self.kinds).shape

    def simplify(self, expr: Expr) -> Expr:
        """An expression of the same value, up to rounding of products, as short as the rules make it."""
        if not isinstance(expr, Op):
            return expr
        operands = tuple(self.simplify(o) for o in expr.operands)
        keywords = tuple((k, self.simplify(v)) for k, v in expr.keywords)
        expr = Op(expr.name, operands, keywords, expr.spelled)
        if expr.name in _PRODUCTS:
            return self.product(expr)
        if expr.name in ("operator.add", "operator.sub"):
            return self.sum(expr)
        if expr.name == "operator.pow":
            return self.power(expr)
        if expr.name == "s2sad.select" and isinstance(operands[0], Const):
            return operands[1] if operands[0].value else operands[2]
        if expr.name == "s2sad.unbroadcast" and same_shape(self.shape(operands[0]), self.shape(operands[1])):
            return operands[0]
        if expr.name in ("s2sad.spread", "s2sad.unbroadcast", "s2sad.unspread") and self.shape(operands[1]) == () and self.shape(operands[0]) == ():
            return operands[0]
        return expr

    # ---- sums --------------------------------------------------------------------------------------------------

    def sum(self, expr: Op) -> Expr:
        left, right = expr.operands
        if _is_number(left) and _is_number(right):
            a, b = left.value, right.value  # type: ignore[union-attr]
            return Const(a + b if expr.name == "operator.add" else a - b)
        positive = self.without_minus(right)
        if positive is not None:
            other = "operator.sub" if expr.name == "operator.add" else "operator.add"
            return Op(other, (left, positive), (), _flip(expr.spelled))
        if expr.name == "operator.add" and left == right and left != Const(None) and not expr.spelled:
            return self.product(Op("operator.mul", (Const(2), left)))
        if expr.name == "operator.add":
            first = self.without_minus(left)
            if first is not None and not expr.spelled:
                return Op("operator.sub", (right, first))
        return expr

    def without_minus(self, expr: Expr) -> Expr | None:
        """The negated expression, where that only drops a minus."""
        if _is_number(expr) and expr.value < 0:  # type: ignore[union-attr]
            return Const(-expr.value)  # type: ignore[union-attr]
        if isinstance(expr, Op) and expr.name in _PRODUCTS:
            product = self.gather(expr)
            if product.coefficient < 0:
                product.coefficient = -product.coefficient
                return self.build(product)
        return None

    # ---- powers ------------------------------------------------------------------------------------------------

    def power(self, expr: Op) -> Expr:
        base, exponent = expr.operands
        if isinstance(exponent, Const) and type(exponent.value) in (int, float):
            if exponent.value == 1:
                return base
            if exponent.value == 0 and self.shape(base) == ():
                return Const(1)
        return expr

    # ---- products ----------------------------------------------------------------------------------------------

    def product(self, expr: Op) -> Expr:
        return self.build(self.gather(expr))

    def gather(self, expr: Expr) -> _Product:
        """The factors of a product, its numbers multiplied."""
        product = _Product()
        stack: list[tuple[Expr, bool]] = [(expr, False)]
        while stack:
            e, inverse = stack.pop()
            if isinstance(e, Op) and e.name == "operator.mul":
                stack += [(e.operands[1], inverse), (e.operands[0], inverse)]
            elif isinstance(e, Op) and e.name == "operator.truediv":
                stack += [(e.operands[1], not inverse), (e.operands[0], inverse)]
            elif isinstance(e, Op) and e.name == "operator.neg":
                product.coefficient = -product.coefficient
                stack.append((e.operands[0], inverse))
            elif _is_number(e):
                if inverse:
                    product.divisor *= e.value  # type: ignore[union-attr]
                else:
                    product.coefficient *= e.value  # type: ignore[union-attr]
            else:
                (product.below if inverse else product.above).append(e)
        self.unspread(product)
        if product.divisor != 1:
            self.reduce(product)
        return product

    @staticmethod
    def reduce(product: _Product) -> None:
        """Divide the numbers where that is exact."""
        c, d = product.coefficient, product.divisor
        if d < 0:
            c, d = -c, -d
        quotient = c / d if d else None
        if quotient is not None and quotient * d == c and (float(quotient).is_integer() or float(d).hex().endswith("p+0") or _is_power_of_two(d)):
            c, d = (int(quotient) if isinstance(c, int) and isinstance(d, int) and float(quotient).is_integer() else quotient), 1
        product.coefficient, product.divisor = c, d

    def unspread(self, product: _Product) -> None:
        """Drop the spreading of a factor where another factor has the full shape: broadcasting does the same."""
        for position, factor in enumerate(product.above):
            if not (isinstance(factor, Op) and factor.name == "s2sad.spread"):
                continue
            full = self.shape(factor.operands[1])
            others = [o for k, o in enumerate([*product.above, *product.below]) if k != position]
            if not any(same_shape(self.shape(o), full) for o in others):
                continue
            plain = placed_for_broadcast(factor, self.kinds)
            if plain is None:
                continue
            inner = self.gather(plain) if isinstance(plain, Op) and plain.name in _PRODUCTS else None
            if inner is None:
                if _is_number(plain):
                    product.coefficient *= plain.value  # type: ignore[union-attr]
                    product.above[position : position + 1] = []
                else:
                    product.above[position] = plain
            else:
                product.coefficient *= inner.coefficient
                product.divisor *= inner.divisor
                product.above[position : position + 1] = inner.above
                product.below += inner.below
            self.unspread(product)
            return

    def build(self, product: _Product) -> Expr:
        """coefficient * numbers / numbers * arrays / arrays."""
        numbers = [e for e in product.above if self.shape(e) == ()]
        arrays = [e for e in product.above if self.shape(e) != ()]
        under = [e for e in product.below if self.shape(e) == ()]
        under_arrays = [e for e in product.below if self.shape(e) != ()]
        c = product.coefficient
        everything = [*product.above, *product.below]
        if isinstance(c, float) and c.is_integer() and abs(c) < 2**53 and any(kind_of_expr(e, self.kinds).sort not in ("int", "bool") for e in everything):
            c = int(c)
        elif isinstance(c, int) and not everything:
            pass
        result: Expr | None = None
        negative = False
        divided = bool(under or product.divisor != 1)
        if numbers or not (arrays or under or under_arrays or divided) or c not in (1, -1):
            if c == -1 and numbers:
                negative = True
            elif c != 1 or not numbers:
                result = Const(c)
        elif c == -1:
            if arrays and not divided:
                negative = True
            else:
                result = Const(-1)
        elif not arrays or divided:
            result = Const(1)
        for e in numbers:
            if negative and result is None:
                e, negative = Op("operator.neg", (e,)), False
            result = e if result is None else Op("operator.mul", (result, e))
        below = list(under)
        if product.divisor != 1:
            below.insert(0, Const(product.divisor))
        if below and not (result is None and arrays):
            denominator = below[0]
            for e in below[1:]:
                denominator = Op("operator.mul", (denominator, e))
            result = Op("operator.truediv", (Const(1) if result is None else result, denominator))
            below = []
        if isinstance(result, Op) and result.name == "operator.truediv" and result.operands[0] == Const(1) and arrays and not under_arrays and len(arrays) == 1:
            # a / n reads better than 1 / n * a, and costs the same
            return Op("operator.truediv", (arrays[0], result.operands[1]))
        for e in arrays:
            if negative and result is None:
                e, negative = Op("operator.neg", (e,)), False
            result = e if result is None else Op("operator.mul", (result, e))
        for e in under_arrays:
            result = Op("operator.truediv", (Const(1) if result is None else result, e))
        assert result is not None
        return result


def _is_power_of_two(d: Any) -> bool:
    mantissa = float(d).hex().split("p")[0]
    return mantissa.strip("0x.-") in ("", "1") or mantissa in ("0x1.0000000000000", "-0x1.0000000000000")


def _flip(spelled: str | None) -> str | None:
    return {"add=": "sub=", "sub=": "add="}.get(spelled or "", spelled)
