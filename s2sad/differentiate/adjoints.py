"""The adjoint of one statement, before it is placed: what it adds to the adjoints of what the statement reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from s2sad.analysis.activity import Activity
from s2sad.analysis.indices import is_distinct
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.differentiate.instantiate import instantiate, template
from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN, Kind, same_shape
from s2sad.ir.nodes import DISPLAYS, Assign, Const, Expr, Op, Stmt, Var, blocks_of
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.binding import bind, case_values, rule_name
from s2sad.rules.registry import Rule, choose

Path = tuple[int, ...]


@dataclass(frozen=True)
class Contribution:
    """What a statement adds to the adjoint of `var` (at a path, for tuples): a value, or a value at an index."""

    var: Var
    path: Path
    value: Expr
    index: Expr | None = None
    how: str = "operator.add"


def leaf_paths(kind: Kind) -> Iterator[Path]:
    """The paths of the numbers within a tuple or list of known items; the empty path for anything else."""
    if kind.sort in ("tuple", "list") and kind.items is not None:
        for position, item in enumerate(kind.items):
            for path in leaf_paths(item):
                yield (position, *path)
    else:
        yield ()


def kind_at(kind: Kind, path: Path) -> Kind:
    """The kind of the item at a path."""
    for position in path:
        kind = kind.items[position] if kind.items is not None else UNKNOWN
    return kind


class StatementAdjoints:
    """Makes the contributions of assignments of one function. `bar(var, path)` names the adjoint Vars."""

    def __init__(self, kinds: Kinds, activity: Activity, bar: Any, definitions: dict[Var, Expr]) -> None:
        self.kinds = kinds
        self.activity = activity
        self.bar = bar
        self.definitions = definitions

    def kind(self, expr: Expr) -> Kind:
        return kind_of_expr(expr, self.kinds)

    def assign(self, stmt: Assign) -> list[Contribution]:
        """The contributions of `x = e`, given the adjoint of x."""
        expr = stmt.expr
        if isinstance(expr, Var):
            return self._copied(stmt.var, (), expr)
        if not isinstance(expr, Op):
            return []
        if expr.name in DISPLAYS:
            return [
                c for k, item in enumerate(expr.operands) if isinstance(item, Var) and item in self.activity
                for c in self._copied(stmt.var, (k,), item)
            ] + self._nested_displays(stmt.var, (), expr)  # fmt: skip
        entry = registry.find(rule_name(expr))
        if entry is None:
            raise refused_operation(stmt, expr)
        if entry.name == "operator.getitem":
            return self._getitem(stmt, expr)
        return self._by_rule(stmt, expr, entry)

    def _copied(self, result: Var, at: Path, operand: Var) -> list[Contribution]:
        return [
            Contribution(operand, path, self.bar(result, (*at, *path)))
            for path in leaf_paths(self.kinds.get(operand, UNKNOWN))
        ]

    def _nested_displays(self, result: Var, at: Path, display: Op) -> list[Contribution]:
        found: list[Contribution] = []
        for k, item in enumerate(display.operands):
            if isinstance(item, Op):
                for j, inner in enumerate(item.operands):
                    if isinstance(inner, Var) and inner in self.activity:
                        found += self._copied(result, (*at, k, j), inner)
                found += self._nested_displays(result, (*at, k), item)
        return found

    def _getitem(self, stmt: Assign, expr: Op) -> list[Contribution]:
        base, index = expr.operands
        if not isinstance(base, Var) and any(v in self.activity for v in vars_of(base)):
            raise S2sadError(
                "S201", "an item of a list at a computed index is not supported", stmt.origin, "use an array"
            )
        if not isinstance(base, Var) or base not in self.activity:
            return []
        kind = self.kind(base)
        if kind.sort in ("tuple", "list"):
            if kind.items is not None and isinstance(index, Const) and type(index.value) is int:
                k = index.value % len(kind.items) if kind.items else 0
                return [
                    Contribution(base, (k, *path), self.bar(stmt.var, path)) for path in leaf_paths(kind_at(kind, (k,)))
                ]
            raise S2sadError(
                "S201", f"an item of a {kind.sort} at a computed index is not supported", stmt.origin, "use an array"
            )
        how = "operator.add" if is_distinct(index, self.kinds) else "add.at"
        return [Contribution(base, (), self.bar(stmt.var, ()), index, how)]

    def _by_rule(self, stmt: Assign, op: Op, entry: Rule) -> list[Contribution]:
        try:
            bound = bind(entry, op)
        except S2sadError as error:
            raise S2sadError(error.code, error.reason, stmt.origin, error.help) from None
        values = case_values(entry, bound, self.kind)
        env = self.environment(stmt, entry, bound)
        found: list[Contribution] = []
        for name in entry.differentiable:
            operand = bound.get(name)
            if name == entry.sequence or isinstance(operand, tuple):
                found += self._items(stmt, entry, name, operand, values, env)
            elif (
                operand is not None
                and self._holds_several(operand)
                and any(v in self.activity for v in vars_of(operand))
            ):
                reason = f"{entry.name} of a tuple or list cannot be differentiated"
                raise S2sadError("S303", reason, stmt.origin, "use an array, as np.array([...])")
            elif isinstance(operand, Var) and operand in self.activity:
                if self.kind(operand).sort in ("list", "tuple"):
                    raise refused_list(stmt, entry)
                text = self._choose(stmt, entry, name, values)
                found.append(Contribution(operand, (), self._fit(instantiate(text, env), stmt, entry, operand)))
        for name, operand in bound.items():
            if (
                name not in (*entry.differentiable, *entry.constant)
                and isinstance(operand, Var)
                and operand in self.activity
                and entry.adjoint
            ):
                if not self.kind(operand).carries_derivative:
                    continue
                reason = f"{entry.name} cannot be differentiated with respect to {name!r}"
                raise S2sadError("S303", reason, stmt.origin, OTHER_ARGUMENTS)
        return found

    def _holds_several(self, operand: Expr) -> bool:
        return (isinstance(operand, Op) and operand.name in DISPLAYS) or self.kind(operand).sort in (
            "tuple",
            "list",
            "dict",
        )

    def environment(self, stmt: Assign, entry: Rule, bound: dict[str, Any]) -> dict[str, Expr]:
        """What the names of a formula stand for."""
        env: dict[str, Expr] = {}
        for p in entry.parameters:
            operand = bound.get(p.name)
            if p.variadic:
                env[p.name] = Op("tuple", operand or ())
            elif operand is not None:
                env[p.name] = operand
            elif p.default is not registry.REQUIRED:
                env[p.name] = as_const(p.default)
        env["y"] = stmt.var
        if entry.results:
            for k in range(entry.results):
                env[f"y{k}"] = Op("operator.getitem", (stmt.var, Const(k)))
                env[f"g{k}"] = self.bar(stmt.var, (k,))
        else:
            env["g"] = self.bar(stmt.var, ())
        return env

    def _items(
        self, stmt: Assign, entry: Rule, name: str, operand: Any, values: dict[str, Any], env: dict[str, Expr]
    ) -> list[Contribution]:
        """The contributions to the items of a sequence, or to those of a variadic parameter."""
        if isinstance(operand, Op) and operand.name in DISPLAYS:
            items: list[Expr] = list(operand.operands)
        elif isinstance(operand, tuple):
            items = list(operand)
        elif isinstance(operand, Var) and operand in self.activity:
            kind = self.kind(operand)
            if kind.sort not in ("list", "tuple"):
                text = choose(entry.adjoint[name], values)
                if text is None or {"item", "k", "count"} & dict(template(text)[1]).keys():
                    raise S2sadError(
                        "S303",
                        f"{entry.name} of an array, not a list, is not supported",
                        stmt.origin,
                        "pass a list of its rows",
                    )
                return [Contribution(operand, (), self._fit(instantiate(text, env), stmt, entry, operand))]
            if kind.items is None:
                raise S2sadError(
                    "S303",
                    f"{entry.name} of a list of unknown length is not supported",
                    stmt.origin,
                    "write the list out",
                )
            items = [Op("operator.getitem", (operand, Const(k))) for k in range(len(kind.items))]
        else:
            return []
        found = []
        for k, item in enumerate(items):
            target, path = (operand, (k,)) if isinstance(operand, Var) else (item, ())
            if not (isinstance(target, Var) and target in self.activity):
                continue
            if self.kind(item).sort in ("list", "tuple"):
                raise refused_list(stmt, entry)
            case = {**values, "item": self.kind(item), "k": k, "count": len(items)}
            text = self._choose(stmt, entry, name, case)
            value = instantiate(text, {**env, "item": item, "k": Const(k), "count": Const(len(items))})
            found.append(Contribution(target, path, self._fit(value, stmt, entry, item)))
        return found

    def _choose(self, stmt: Assign, entry: Rule, name: str, values: dict[str, Any]) -> str:
        text = choose(entry.adjoint[name], values)
        if text is None:
            raise S2sadError(
                "S303",
                f"{entry.name} cannot be differentiated with respect to {name!r} for these arguments",
                stmt.origin,
                OTHER_ARGUMENTS,
            )
        return text

    def _fit(self, value: Expr, stmt: Assign, entry: Rule, operand: Expr) -> Expr:
        """The adjoint in the operand's shape; shapes are read from what is likely to be there anyway."""
        if entry.elementwise:
            of, result = self.kind(operand).shape, self.kinds.get(stmt.var, UNKNOWN).shape
            if not same_shape(of, result) and not self._is_alone(stmt, operand):
                value = Op("s2sad.unbroadcast", (value, operand))
        return self.shape_of_stand_ins(value)

    def _is_alone(self, stmt: Assign, operand: Expr) -> bool:
        """Whether all other operands of an elementwise operation are numbers, so that it has this one's shape."""
        if not isinstance(stmt.expr, Op) or not isinstance(operand, Var):
            return False
        others = (*stmt.expr.operands, *(v for _, v in stmt.expr.keywords))
        return all(o is operand or self.kind(o).is_number for o in others)

    def shape_of_stand_ins(self, value: Expr) -> Expr:
        """The expression, reading each shape from a Var that is kept anyway, where there is one of the same shape."""
        if not isinstance(value, Op):
            return value
        operands = tuple(self.shape_of_stand_ins(o) for o in value.operands)
        at = _SHAPE_OPERAND.get(value.name)
        if at is not None and at < len(operands):
            operand = operands[at]
            if isinstance(operand, Var):
                operands = (*operands[:at], self.stand_in(operand), *operands[at + 1 :])
        if value.name in ("s2sad.spread", "s2sad.unspread") and operands[2:] == (Const(None), Const(False)):
            operands = operands[:2]
        return Op(
            value.name, operands, tuple((k, self.shape_of_stand_ins(v)) for k, v in value.keywords), value.spelled
        )

    def stand_in(self, var: Var) -> Var:
        """A Var of the shape and dtype of a temporary: the operand that its elementwise definition took them from."""
        for _ in range(20):
            definition = self.definitions.get(var)
            if not var.temporary or not isinstance(definition, Op):
                return var
            entry = registry.find(rule_name(definition))
            if entry is None or not entry.elementwise:
                return var
            same = [o for o in definition.operands if isinstance(o, Var) and self._is_alike(o, var)]
            if not same:
                return var
            var = same[0]
        return var

    def _is_alike(self, one: Var, other: Var) -> bool:
        """Whether zeros like one are zeros like the other.

        A mask has the shape of what it masks, but holds no floats.
        """
        a, b = self.kinds.get(one, UNKNOWN), self.kinds.get(other, UNKNOWN)
        return same_shape(a.shape, b.shape) and a.dtype == b.dtype and (a.dtype is not None or one in self.activity)


#: Operations that read only the shape of an operand, and at which position it stands.
_SHAPE_OPERAND = {
    "s2sad.spread": 1, "s2sad.unspread": 1, "s2sad.unbroadcast": 1, "s2sad.rebroadcast": 1, "numpy.ndarray.shape": 0,
    "numpy.ndarray.size": 0, "numpy.ndarray.ndim": 0, "numpy.shape": 0, "numpy.size": 0, "numpy.ndim": 0,
}  # fmt: skip


#: What to do about a rule that does not fit the arguments.
OTHER_ARGUMENTS = "call it with other arguments, or write it with functions that have a rule for these"


def refused_operation(stmt: Stmt, op: Op) -> S2sadError:
    """The refusal of an operation without a rule, with the names of rules like it."""
    near = registry.nearest(op.name)
    help = f"rules exist for {', '.join(near)}" if near else "register a rule, or write it with functions that have one"
    shown = op.name.removeprefix("object_").removeprefix("method.").removeprefix("attribute.")
    top = op.name.partition(".")[0]
    if op.name == shown and "." in shown and top.isidentifier() and top not in sys.modules and find_spec(top) is None:
        help = f"no module named {top} can be found here; install it, or write this without it"
    return S2sadError("S301", f"{shown} has no derivative rule", stmt.origin, help)


def refused_list(stmt: Stmt, entry: Rule) -> S2sadError:
    """The refusal of a list where a rule speaks of an array or a number."""
    what = f"{entry.name} of a list that holds what is differentiated is not supported"
    return S2sadError("S303", what, stmt.origin, "make an array of it first: np.array(...)")


def read_cells(expr: Expr) -> list[Var]:
    """The Vars of an expression whose values are read, not only their shapes."""
    if isinstance(expr, Var):
        return [expr]
    if not isinstance(expr, Op):
        return list(vars_of(expr))
    shape = _SHAPE_OPERAND.get(expr.name)
    operands = [o for k, o in enumerate(expr.operands) if k != shape]
    return [v for o in (*operands, *(e for _, e in expr.keywords)) for v in read_cells(o)]


def as_const(value: Any) -> Expr:
    """A default value as an operand."""
    if isinstance(value, (tuple, list)):
        return Op("tuple" if isinstance(value, tuple) else "list", tuple(as_const(v) for v in value))
    return Const(value)


def own(stmt: Stmt) -> dict[str, Any]:
    """The keyword arguments that tie a made statement to the primal statement that it was made for."""
    return {"origin": stmt.origin, "quote": None if blocks_of(stmt) else stmt.quote, "group": stmt}
