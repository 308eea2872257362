"""Algebra on nested expressions of the reverse sweep: products, signs, powers, seeds of one.

    1.0 * (3 * x ** (3 - 1))        ->  3 * x ** 2
    spread(1 / R.size, R) * (2 * R) ->  2 / R.size * R
    x_bar + -(a * b)                ->  x_bar - a * b

Products of numbers are gathered before arrays; sums of arrays keep their order; nothing is ever assumed of zero.
The forward sweep, and the value that is returned, are never rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeGuard

from s2sad.analysis.aliases import alias_classes, is_fresh, shared_operands
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN, same_shape
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    DerivedResult,
    Expr,
    Function,
    Op,
    Return,
    Stmt,
    Store,
    Var,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import set_blocks
from s2sad.ir.webs import replace_function
from s2sad.optimise.expand import placed_for_broadcast
from s2sad.rules import registry
from s2sad.rules.binding import rule_name

_PRODUCTS = ("operator.mul", "operator.truediv", "operator.neg")
#: Sums of what they are given: a minus may as well stand before them.
_REDUCTIONS = ("numpy.ndarray.sum", "s2sad.unbroadcast", "s2sad.unspread")
#: Linear in each operand: a minus may move out of them, where a sum takes it in.
_LINEAR = ("operator.matmul", "numpy.outer", "numpy.ndarray.T", "numpy.expand_dims")
#: Views that may be written if what they show may.
_VIEWS = ("numpy.ndarray.T", "numpy.ndarray.reshape", "numpy.reshape", "numpy.transpose", "numpy.expand_dims")


def simplify(function: Function, kinds: Kinds) -> Function:
    """The function with the expressions of its reverse sweep simplified."""
    algebra = Algebra(kinds)
    aliases = alias_classes(function, kinds)
    returned = {
        aliases.root(v) for s in walk(function.body) if isinstance(s, Return) for e in s.values for v in _given_out(e)
    }

    def kept_fresh(old: Expr, demanded: bool) -> Expr:
        """The simplified expression; where its own buffer is demanded, or `a` is written, 1 * a is a copy of a."""
        new = algebra.simplify(old)
        if isinstance(old, Op) and old.name in DISPLAYS and old.name != "slice":
            return Op(old.name, tuple(kept_fresh(o, demanded) for o in old.operands), old.keywords)
        before = shared_operands(old, kinds)
        shared_now = any(aliases.written(v) and v not in before for v in shared_operands(new, kinds))
        if (
            (shared_now or (demanded and _is_own(old)))
            and not _is_own(new)
            and not isinstance(new, Const)
            and kind_of_expr(new, kinds).shape != ()
        ):
            return Op("numpy.copy", (new,))
        return new

    def statement(stmt: Stmt) -> Stmt:
        if blocks_of(stmt):
            new: Stmt = replace(stmt)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            return new
        if isinstance(stmt, Return):
            kept = stmt.group.primal if isinstance(stmt.group, DerivedResult) else len(stmt.values)
            return replace(stmt, values=(*stmt.values[:kept], *(kept_fresh(v, True) for v in stmt.values[kept:])))
        if stmt.group is None:
            return stmt
        if isinstance(stmt, Assign):
            of_number = kinds.get(stmt.var, UNKNOWN).shape == ()
            demanded = not of_number and (aliases.written(stmt.var) or aliases.root(stmt.var) in returned)
            return replace(stmt, expr=kept_fresh(stmt.expr, demanded))
        if isinstance(stmt, Store):
            return algebra.store(stmt)
        if hasattr(stmt, "expr"):
            return replace(stmt, expr=algebra.simplify(stmt.expr))
        if isinstance(stmt, Call):
            given = stmt.args[stmt.primal :]
            return replace(stmt, args=(*stmt.args[: stmt.primal], *(algebra.simplify(a) for a in given)))
        return stmt

    def block(old: Block) -> Block:
        return [statement(s) for s in old]

    return replace_function(function, body=block(function.body))


def _given_out(expr: Expr) -> list[Var]:
    """The Vars whose memory a returned value may share."""
    if isinstance(expr, Op) and expr.name in DISPLAYS:
        return [v for o in expr.operands for v in _given_out(o)]
    return shared_operands(expr)


def _is_own(expr: Expr) -> bool:
    """Whether an expression makes memory that nothing else holds, or shows the whole of such memory."""
    if is_fresh(expr):
        return True
    if not isinstance(expr, Op):
        return False
    if expr.name == "numpy.einsum":
        return len(expr.operands) > 2
    return expr.name in _VIEWS and isinstance(expr.operands[0], Op) and _is_own(expr.operands[0])


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
        if expr.name == "numpy.where" and len(operands) == 3 and not keywords:
            return Op(
                expr.name,
                (operands[0], *(self.unspread_beside(o, operands[0]) for o in operands[1:])),
                (),
                expr.spelled,
            )
        if expr.name in ("numpy.ndarray.real", "numpy.real") and _is_widened(operands[0]):
            return operands[0].operands[0]
        if expr.name == "numpy.ndarray.T" and isinstance(operands[0], Op):
            return self.transposed(expr, operands[0])
        if expr.name in _REDUCTIONS:
            positive = self.without_minus(operands[0])
            if positive is not None:
                return Op("operator.neg", (self.simplify(Op(expr.name, (positive, *operands[1:]), keywords)),))
        if expr.name == "s2sad.select" and isinstance(operands[0], Const):
            return operands[1] if operands[0].value else operands[2]
        if expr.name == "s2sad.unbroadcast" and self.alike(operands[0], operands[1]):
            return operands[0]
        if expr.name == "s2sad.spread" and isinstance(operands[0], Op) and operands[0].name == "s2sad.spread":
            inner = operands[0].operands[0]
            return Op(expr.name, (inner, operands[1])) if self.shape(inner) == () else expr
        if (
            expr.name in ("s2sad.spread", "s2sad.unbroadcast", "s2sad.unspread")
            and self.shape(operands[1]) == ()
            and self.shape(operands[0]) == ()
        ):
            return operands[0]
        return expr

    def transposed(self, whole: Op, inner: Op) -> Expr:
        """a.T.T as a; (a.T @ b).T, of matrices, as b.T @ a."""
        if inner.name == "numpy.ndarray.T":
            return inner.operands[0]
        turned = [isinstance(o, Op) and o.name == "numpy.ndarray.T" for o in inner.operands]
        matrices = all(kind_of_expr(o, self.kinds).rank == 2 for o in inner.operands)
        if inner.name == "operator.matmul" and any(turned) and matrices:
            left, right = (
                o.operands[0] if isinstance(o, Op) and is_turned else Op(whole.name, (o,))
                for o, is_turned in zip(inner.operands, turned)
            )
            return Op(inner.name, (right, left))
        return whole

    # ---- shapes ------------------------------------------------------------------------------------------------

    def alike(self, a: Expr, b: Expr) -> bool:
        """Whether two expressions surely have the same shape, by their kinds or by how they are made."""
        return same_shape(self.shape(a), self.shape(b)) or self.shape_giver(a) == self.shape_giver(b)

    def shape_giver(self, expr: Expr) -> Expr:
        """The operand that an elementwise expression of it and of numbers takes its shape from."""
        while isinstance(expr, Op):
            entry = registry.find(rule_name(expr))
            givers = [o for o in expr.operands if self.shape(o) != ()]
            if entry is None or not entry.elementwise or len(givers) != 1 or expr.keywords:
                break
            expr = givers[0]
        return expr

    def unspread_beside(self, expr: Expr, full: Expr) -> Expr:
        """The expression without a spreading that broadcasting against `full` does as well."""
        if isinstance(expr, Op) and expr.name == "s2sad.spread" and self.alike(full, expr.operands[1]):
            plain = placed_for_broadcast(expr, self.kinds)
            return expr if plain is None else plain
        return expr

    def store(self, stmt: Store) -> Store:
        """A store of a simplified value: what is added with a minus is subtracted."""
        value = self.simplify(stmt.expr)
        if stmt.how in (None, "operator.add", "operator.sub"):
            cells = stmt.base if stmt.index is None else Op("operator.getitem", (stmt.base, stmt.index))
            value = self.unspread_beside(value, cells)
        positive = self.without_minus(value) if stmt.how in ("operator.add", "operator.sub") else None
        if positive is None:
            return replace(stmt, expr=value)
        how = "operator.sub" if stmt.how == "operator.add" else "operator.add"
        return replace(stmt, expr=positive, how=how)

    # ---- sums --------------------------------------------------------------------------------------------------

    def sum(self, expr: Op) -> Expr:
        left, right = expr.operands
        if right != Const(0j) and (_is_widened(left) or _is_widened(right)):
            # The sum is complex anyway.
            plain = tuple(o.operands[0] if _is_widened(o) else o for o in expr.operands)
            if any(kind_of_expr(o, self.kinds).is_complex for o in plain):
                return self.sum(replace(expr, operands=plain))
        lighter = (self.unspread_beside(left, right), self.unspread_beside(right, left))
        if lighter != expr.operands and not (lighter[0] is not left and lighter[1] is not right):
            return self.sum(Op(expr.name, lighter, (), expr.spelled))
        merged = self.masks_merged(expr) or self.like_terms(expr)
        if merged is not None:
            return merged
        if _is_number(left) and _is_number(right):
            a, b = left.value, right.value  # type: ignore[union-attr]
            return Const(a + b if expr.name == "operator.add" else a - b)
        positive = self.without_minus(right)
        if positive is not None:
            other = "operator.sub" if expr.name == "operator.add" else "operator.add"
            return Op(other, (left, positive), (), _flip(expr.spelled))
        if expr.name == "operator.add":
            first = self.without_minus(left)
            if first is not None and not expr.spelled:
                return Op("operator.sub", (right, first))
        return expr

    def like_terms(self, expr: Op) -> Expr | None:
        """c*a + d*a as (c + d)*a; never where that is nothing."""
        one, other = map(self.gather, expr.operands)
        if (one.above, one.below, one.divisor) != (other.above, other.below, other.divisor) or not one.above:
            return None
        total = one.coefficient + (other.coefficient if expr.name == "operator.add" else -other.coefficient)
        if not total:
            return None
        one.coefficient = total
        self.reduce(one)
        return self.build(one)

    def masks_merged(self, expr: Op) -> Expr | None:
        """where(c, a, 0) + where(c, 0, b) as where(c, a, b)."""
        left, right = expr.operands
        if (
            expr.name != "operator.add"
            or not (_is_mask(left) and _is_mask(right))
            or left.operands[0] != right.operands[0]
        ):
            return None
        kept = [
            next((o for o in pair if not _is_zero(o)), pair[0]) for pair in zip(left.operands[1:], right.operands[1:])
        ]
        if any(not _is_zero(a) and not _is_zero(b) for a, b in zip(left.operands[1:], right.operands[1:])):
            return None
        return Op(left.name, (left.operands[0], *kept), (), left.spelled)

    def without_minus(self, expr: Expr) -> Expr | None:
        """The negated expression, where that only drops a minus."""
        if _is_number(expr) and expr.value < 0:  # type: ignore[union-attr]
            return Const(-expr.value)  # type: ignore[union-attr]
        if isinstance(expr, Op) and expr.name in _PRODUCTS:
            product = self.gather(expr)
            if product.coefficient < 0:
                product.coefficient = -product.coefficient
                return self.build(product)
        if isinstance(expr, Op) and expr.name in _LINEAR:
            for position, operand in enumerate(expr.operands):
                positive = self.without_minus(operand) if isinstance(operand, Op) else None
                if positive is not None:
                    operands = (*expr.operands[:position], positive, *expr.operands[position + 1 :])
                    return Op(expr.name, operands, expr.keywords, expr.spelled)
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
        product = self.gather(expr)
        self.narrow(product)
        return self.within_spread(product) or self.within_mask(product) or self.build(product)

    def within_spread(self, product: _Product) -> Expr | None:
        """n * spread(g, a) as spread(n * g, a), where all else are numbers."""
        wide = [e for e in (*product.above, *product.below) if self.shape(e) != ()]
        if (
            len(wide) != 1
            or not isinstance(wide[0], Op)
            or wide[0].name != "s2sad.spread"
            or wide[0] not in product.above
        ):
            return None
        spread = wide[0]
        inner = Op("operator.mul", (spread.operands[0], self.build(_without(product, spread))))
        return Op(spread.name, (self.product(inner), *spread.operands[1:]), spread.keywords)

    def within_mask(self, product: _Product) -> Expr | None:
        """where(c, g, 0) * p as where(c, g * p, 0), so that what is masked out is never multiplied."""
        masks = [e for e in product.above if _is_mask(e)]
        rest = [e for e in (*product.above, *product.below) if not any(e is m for m in masks)]
        if len(masks) != 1 or not all(self.shape(e) == () or self.alike(e, masks[0]) for e in rest):
            return None
        if not rest and product.coefficient == product.divisor == 1:
            return None
        mask = masks[0]
        factor = self.build(_without(product, mask))
        chosen = (o if _is_zero(o) else self.product(Op("operator.mul", (o, factor))) for o in mask.operands[1:])
        return Op(mask.name, (mask.operands[0], *chosen), (), mask.spelled)

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
            elif (
                isinstance(e, Op)
                and e.name == "numpy.expand_dims"
                and not inverse
                and isinstance(e.operands[0], Op)
                and e.operands[0].name in _PRODUCTS
            ):
                inner = self.gather(e.operands[0])
                product.coefficient, inner.coefficient = product.coefficient * inner.coefficient, 1
                if not inner.above and len(inner.below) == 1 and inner.divisor == 1:
                    product.below.append(replace(e, operands=(inner.below[0], *e.operands[1:])))
                else:
                    product.above.append(replace(e, operands=(self.build(inner), *e.operands[1:])))
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

    def narrow(self, product: _Product) -> None:
        """Real factors as real numbers, where another factor is complex."""
        for position, factor in enumerate(product.above):
            is_real = isinstance(factor, Const) and type(factor.value) is complex and factor.value.imag == 0
            others = [*product.above[:position], *product.above[position + 1 :], *product.below]
            if not (is_real or _is_widened(factor)) or not any(kind_of_expr(o, self.kinds).is_complex for o in others):
                continue
            if isinstance(factor, Const):
                product.coefficient *= factor.value.real
                del product.above[position]
            elif isinstance(factor, Op):
                product.above[position] = factor.operands[0]
            self.narrow(product)
            return

    @staticmethod
    def reduce(product: _Product) -> None:
        """Divide the numbers where that is exact."""
        c, d = product.coefficient, product.divisor
        if d < 0:
            c, d = -c, -d
        quotient = c / d if d else None
        if (
            quotient is not None
            and quotient * d == c
            and (float(quotient).is_integer() or float(d).hex().endswith("p+0") or _is_power_of_two(d))
        ):
            c, d = (
                (
                    int(quotient)
                    if isinstance(c, int) and isinstance(d, int) and float(quotient).is_integer()
                    else quotient
                ),
                1,
            )
        product.coefficient, product.divisor = c, d

    def unspread(self, product: _Product) -> None:
        """Drop the spreading of a factor where another factor has the full shape: broadcasting does the same."""
        for position, factor in enumerate(product.above):
            if not (isinstance(factor, Op) and factor.name == "s2sad.spread"):
                continue
            others = [o for k, o in enumerate([*product.above, *product.below]) if k != position]
            if not any(self.alike(o, factor.operands[1]) for o in others):
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
        if (
            isinstance(c, float)
            and c.is_integer()
            and abs(c) < 2**53
            and any(kind_of_expr(e, self.kinds).carries_derivative for e in everything)
        ):
            c = int(c)
        negative = False
        divided = bool(under or product.divisor != 1)
        if isinstance(c, float) and c.is_integer() and divided:
            c = int(c)
        # 1.0 * n is a float where n is an int.
        result: Expr | None = Const(c) if isinstance(c, float) and everything else None
        if result is not None:
            pass
        elif numbers or not (arrays or under or under_arrays or divided) or c not in (1, -1):
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
        if (
            isinstance(result, Op)
            and result.name == "operator.truediv"
            and result.operands[0] == Const(1)
            and arrays
            and not under_arrays
            and len(arrays) == 1
        ):
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


def _without(product: _Product, factor: Expr) -> _Product:
    """The product but for one of its factors."""
    at = next(k for k, e in enumerate(product.above) if e is factor)
    above = [*product.above[:at], *product.above[at + 1 :]]
    return _Product(product.coefficient, above, list(product.below), product.divisor)


def _is_zero(expr: Expr) -> bool:
    return isinstance(expr, Const) and type(expr.value) in (int, float) and expr.value == 0


def _is_widened(expr: Expr) -> TypeGuard[Op]:
    """Whether an expression only makes a real number complex: `x + 0j`."""
    return isinstance(expr, Op) and expr.name == "operator.add" and expr.operands[1] == Const(0j)


def _is_mask(expr: Expr) -> TypeGuard[Op]:
    """Whether an expression is `np.where(c, a, 0)` or `np.where(c, 0, a)`."""
    return (
        isinstance(expr, Op)
        and expr.name == "numpy.where"
        and len(expr.operands) == 3
        and not expr.keywords
        and sum(map(_is_zero, expr.operands[1:])) == 1
    )


def _is_power_of_two(d: Any) -> bool:
    mantissa = float(d).hex().split("p")[0]
    return mantissa.strip("0x.-") in ("", "1") or mantissa in ("0x1.0000000000000", "-0x1.0000000000000")


def _flip(spelled: str | None) -> str | None:
    return {"add=": "sub=", "sub=": "add="}.get(spelled or "", spelled)
