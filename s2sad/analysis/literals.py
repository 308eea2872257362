"""What is known of operands before the program runs: literals after all, items that containers were made of."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from s2sad.analysis.structure import ASSUMED, form_of, part_of
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import DISPLAYS, Assign, Block, Call, Const, Expr, Function, If, Op, Stmt, Var, walk
from s2sad.ir.walk import defs, defs_within, vars_of

KindOf = Callable[[Expr], Kind | None]

#: Stands for the value of what is no literal.
NOTHING: Any = object()

#: Arithmetic on literals that index containers.
_LITERALS: dict[str, Callable[..., Any]] = {
    "operator.add": operator.add, "operator.sub": operator.sub, "operator.mul": operator.mul,
    "operator.floordiv": operator.floordiv, "operator.mod": operator.mod, "operator.neg": operator.neg,
    "builtins.min": min, "builtins.max": max, "builtins.int": int, "builtins.abs": abs,
}  # fmt: skip

_COMPARISONS: dict[str, Callable[..., Any]] = {
    "operator.eq": operator.eq, "operator.ne": operator.ne, "operator.not_": operator.not_,
}  # fmt: skip


class Literals:
    """A function while it is elaborated: the definitions of its Vars, the block that statements go to."""

    def __init__(self, function: Function, kind: KindOf, lowering: Lowering, *, last: bool = False) -> None:
        self.function = function
        #: Whether nothing else is left to change, so that what is not known yet will not be.
        self.last = last
        self.postponed = False
        self.present_kind = kind
        self.pending = _pending(function, kind)
        self.lowering = lowering
        self.changed = self.unrolled = False
        self.instead: dict[Var, Expr] = {}
        self.definitions: dict[Var, Expr | None] = {p.var: None for p in function.params}
        for stmt in walk(function.body):
            for var in defs(stmt):
                once = isinstance(stmt, Assign) and var not in self.definitions
                self.definitions[var] = stmt.expr if once and isinstance(stmt, Assign) else None
        #: The parameters that nothing else binds, and in which order what surely is bound here was bound.
        self.params = {p.var for p in function.params} - set(defs_within(function.body))
        self.bound_here: dict[Var, int] = {v: k for k, v in enumerate([*self.params, *function.free.values()])}
        self.out: Block = []
        self.stmt: Stmt | None = None

    def kind_or_none(self, expr: Expr) -> Kind | None:
        """The kind of an operand; None while something that may change it is not settled."""
        return None if any(v in self.pending for v in vars_of(expr)) else self.present_kind(expr)

    def assumed_kind(self, expr: Expr) -> Kind | None:
        """The kind of an operand as far as it is known, of which a change later on is refused."""
        kind = self.present_kind(expr)
        if kind is not None and kind.sort == "unknown" and not self.last:
            self.postponed = True
            return None
        if kind is not None and any(v in self.pending for v in vars_of(expr)):
            self.emit(Op(ASSUMED, (expr, Const(form_of(kind)))))
        return kind

    def kind(self, expr: Expr) -> Kind:
        return self.kind_or_none(expr) or UNKNOWN

    def still_holds(self, item: Var, display: Var) -> bool:
        """Whether an item is what it was when it was put into a container: nothing can have bound it since.

        Both are bound once, the item first, and the container on every way that leads here.
        """
        if self.definitions.get(display) is None or display not in self.bound_here:
            return False
        if item not in self.definitions:
            return True
        once = self.definitions[item] is not None or item in self.params
        return once and item in self.bound_here and self.bound_here[item] < self.bound_here[display]

    def emit(self, expr: Expr, var: Var | None = None) -> Var:
        assert self.stmt is not None
        var = var or Var("t", temporary=True)
        origin, quote, group = self.stmt.origin, self.stmt.quote, self.stmt.group
        self.out.append(Assign(var, expr, origin=origin, quote=quote, group=group))
        return var

    def refuse(self, code: str, reason: str, help: str = "") -> S2sadError:
        return S2sadError(code, reason, self.stmt.origin if self.stmt is not None else None, help)

    def part(self, base: Expr, kind: Kind, k: int) -> Expr:
        """The k-th thing that a container holds, as an operand."""
        return self.known_part(base, k) or self.emit(part_of(base, kind, k))

    def known_part(self, base: Expr, k: int) -> Expr | None:
        """The same, where the container is written out and its item is at hand."""
        while isinstance(base, Var):
            definition = self.definitions.get(base)
            if definition is None or not self.still_hold(definition, base):
                return None
            base = definition
        return base.operands[k] if isinstance(base, Op) and base.name in DISPLAYS else None

    def still_hold(self, expr: Expr, display: Var) -> bool:
        """Whether an atom has the value that it had when `display` was bound to it, or to what holds it."""
        if isinstance(expr, Op) and expr.name in DISPLAYS:
            return all(self.still_hold(o, display) for o in expr.operands)
        return isinstance(expr, Const) or (isinstance(expr, Var) and self.still_holds(expr, display))

    def items(self, base: Expr) -> list[Expr] | None:
        """What iterating over a container gives, as operands; None where it is not known."""
        kind = self.kind_or_none(base)
        return None if kind is None else self.items_of(base, kind)

    def items_of(self, base: Expr, kind: Kind) -> list[Expr] | None:
        """The same of a container of a kind."""
        if kind.items is None or kind.sort not in ("tuple", "list", "dict"):
            return None
        if kind.sort == "dict":
            return [Const(k) for k in kind.keys or ()]
        return [self.part(base, kind, k) for k in range(len(kind.items))]

    def value(self, expr: Expr | None, depth: int = 0) -> Any:
        """The Python value of an operand where it is a literal after all; NOTHING where it is not."""
        if isinstance(expr, Const):
            return expr.value
        if isinstance(expr, Var) and depth < 50:
            return self.value(self.definitions.get(expr), depth + 1)
        if not isinstance(expr, Op) or expr.keywords:
            return NOTHING
        if expr.name == "builtins.len":
            kind = self.kind(expr.operands[0])
            return len(kind.items) if kind.items is not None and kind.sort in ("tuple", "list", "dict") else NOTHING
        if expr.name == "operator.getitem" and isinstance(expr.operands[0], Var):
            base, index = self.definitions.get(expr.operands[0]), self.value(expr.operands[1], depth + 1)
            written = isinstance(base, Op) and base.name in ("tuple", "list") and type(index) is int
            if written and -len(base.operands) <= index < len(base.operands):  # type: ignore[union-attr]
                return self.value(base.operands[index], depth + 1)  # type: ignore[union-attr]
            return NOTHING
        if expr.name not in _LITERALS and expr.name not in _COMPARISONS and expr.name not in ("slice", "tuple"):
            return NOTHING
        values = [self.value(o, depth + 1) for o in expr.operands]
        if any(v is NOTHING for v in values):
            return NOTHING
        if expr.name in ("slice", "tuple"):
            return slice(*values) if expr.name == "slice" else tuple(values)
        if expr.name in _COMPARISONS:
            return _COMPARISONS[expr.name](*values)
        if not all(type(v) is int for v in values):
            return NOTHING
        try:
            return _LITERALS[expr.name](*values)
        except (ArithmeticError, ValueError):
            return NOTHING

    def branch_taken(self, stmt: If) -> Block | None:
        """The branch that a test by a literal takes, as in what a loop over the keys of a dict is written out to."""
        test = self.value(stmt.test)
        if test is NOTHING:
            return None
        return stmt.body if test else stmt.orelse


def _pending(function: Function, kind: KindOf) -> set[Var]:
    """The Vars that something may still be bound to of which the kind is not known yet."""
    found: set[Var] = set()
    while True:
        size = len(found)
        for stmt in walk(function.body):
            if isinstance(stmt, Assign):
                waits = kind(stmt.expr) is None or any(v in found for v in vars_of(stmt.expr))
            else:
                waits = isinstance(stmt, Call) and any(v in found for a in stmt.args for v in vars_of(a))
                waits = waits or (isinstance(stmt, Call) and any(kind(v) is None for v in stmt.vars))
            if waits:
                found.update(defs(stmt))
        if len(found) == size:
            return found
