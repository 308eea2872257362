"""The adjoint of one statement, before it is placed: what it adds to the adjoints of what the statement reads."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from s2sad.analysis.activity import Activity
from s2sad.analysis.indices import is_distinct
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.structure import field_names, part_of, position_of
from s2sad.differentiate.instantiate import instantiate, template
from s2sad.errors import S2sadError
from s2sad.ir.kinds import CONTAINERS, UNKNOWN, Kind, is_named_tuple, same_shape
from s2sad.ir.nodes import DISPLAYS, Assign, Block, Const, Expr, Op, Restore, Save, Stmt, Var, blocks_of
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.arguments import is_one
from s2sad.rules.binding import bind, case_values, rule_name
from s2sad.rules.registry import TEMPLATE, Rule, choose

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
    """The paths of the numbers within a container or object of known contents; the empty path for anything else."""
    parts = kind.parts
    if parts is None:
        yield ()
        return
    for position, item in enumerate(parts):
        if item.carries_derivative and (item.sort != "object" or item.parts is not None):
            for path in leaf_paths(item):
                yield (position, *path)


def kind_at(kind: Kind, path: Path) -> Kind:
    """The kind of what a value of a kind holds at a path."""
    for position in path:
        parts = kind.parts
        kind = parts[position] if parts is not None else UNKNOWN
    return kind


def steps_along(base: Expr, kind: Kind, path: Path) -> Expr:
    """The nested expression of what a value of a kind holds at a path."""
    for position in path:
        base = part_of(base, kind, position)
        kind = kind_at(kind, (position,))
    return base


def like_object(kind: Kind, like: Expr, parts: Sequence[Expr]) -> Op:
    """The display of a named tuple or an object of a kind that holds other values than `like`."""
    name = "s2sad.replaced" if kind.sort == "tuple" else "s2sad.mirrored"
    return Op(name, tuple(parts), (("like", like), ("keys", Const(_attributes(kind)))))


def _attributes(kind: Kind) -> tuple[str, ...]:
    """The names of what a named tuple or an object of a kind holds."""
    return field_names(kind.cls) if kind.sort == "tuple" else tuple(n for n, _ in kind.fields)


def suffix(kind: Kind, path: Path) -> str:
    """What names the adjoint at a path: positions, keys and attributes.

    >>> suffix(Kind("dict", items=(Kind("float"), Kind("float")), keys=("w", "b")), (1,))
    '_b'
    """
    words = []
    for position in path:
        word: Any = position
        if kind.sort == "object":
            word = kind.fields[position][0]
        elif kind.keys is not None:
            word = kind.keys[position]
        elif is_named_tuple(kind.cls):
            word = kind.cls._fields[position]
        words.append(str(word) if re.fullmatch(r"\w+", str(word)) else str(position))
        kind = kind_at(kind, (position,))
    return "".join(f"_{w}" for w in words)


def position_in(op: Op, kind: Kind) -> int | None:
    """At which position of its first operand, a container or object of this kind, an operation finds its value.

    None where it is no literal.
    """
    prefix, _, name = op.name.partition(".")
    if prefix == "field":
        names = _attributes(kind)
        return names.index(name) if name in names else None
    index = op.operands[1] if op.name == "operator.getitem" else None
    if not isinstance(index, Const) or kind.items is None:
        return None
    return position_of(kind, index.value)


def is_of_class(op: Op, kind: Kind) -> bool:
    """Whether an attribute is one that all objects of a class share, which none of them holds itself."""
    name = op.name.partition(".")[2]
    if kind.sort != "object" or not kind.fields or name in dict(kind.fields) or not isinstance(kind.cls, type):
        return False
    return inspect.getattr_static(kind.cls, name, None) is not None


def is_component(op: Op, kind: Kind) -> bool:
    """Whether an operation reads a part of its first operand, which is of this kind."""
    if op.name.startswith("field."):
        return True
    return op.name == "operator.getitem" and kind.sort in CONTAINERS and kind.element is None


class StatementAdjoints:
    """Makes the contributions of assignments of one function. `bar(var, path)` names the adjoint Vars."""

    def __init__(
        self, kinds: Kinds, activity: Activity, bar: Any, definitions: dict[Var, Expr], templates: Any = None
    ) -> None:
        self.kinds = kinds
        self.templates = templates
        #: The statements that come before the contributions of another: the body of a user's template.
        self.preludes: dict[Stmt, Block] = {}
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
        if expr.name == "list" and self.kind(stmt.var).element is not None:
            bar = self.bar(stmt.var)
            items = [(k, v) for k, v in enumerate(expr.operands) if isinstance(v, Var) and v in self.activity]
            return [Contribution(v, (), Op("operator.getitem", (bar, Const(k)))) for k, v in items]
        if expr.name in DISPLAYS:
            return [
                c for k, item in enumerate(expr.operands) if isinstance(item, Var) and item in self.activity
                for c in self._copied(stmt.var, (k,), item)
            ] + self._nested_displays(stmt.var, (), expr)  # fmt: skip
        if expr.name == "s2sad.append":
            return self._appended(stmt, expr)
        if expr.name == "s2sad.shorter":
            values = expr.operands[0]
            assert isinstance(values, Var)
            return [Contribution(values, (), Op("s2sad.append", (self.bar(stmt.var), Const(0.0))))]
        if expr.operands and is_component(expr, self.kind(expr.operands[0])):
            return self._component(stmt, expr)
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

    def _appended(self, stmt: Assign, expr: Op) -> list[Contribution]:
        """The contributions of a list with one more item: the last adjoint is the item's, the others are the list's."""
        values, item = expr.operands
        if any(v in self.activity for v in vars_of(item)) and self.kind(item).parts is not None:
            reason = "a list of unknown length that holds tuples, lists or objects is not supported"
            raise S2sadError("S201", reason, stmt.origin, "use one list for each of what they hold")
        bar = self.bar(stmt.var)
        found = []
        if isinstance(item, Var) and item in self.activity:
            found.append(Contribution(item, (), Op("operator.getitem", (bar, Const(-1)))))
        if isinstance(values, Var) and values in self.activity:
            found.append(Contribution(values, (), Op("s2sad.shorter", (bar,))))
        return found

    def _component(self, stmt: Assign, expr: Op) -> list[Contribution]:
        """The contributions of reading an item of a container or an attribute of an object."""
        base = expr.operands[0]
        if not any(v in self.activity for v in vars_of(base)):
            return []
        kind = self.kind(base)
        k = position_in(expr, kind)
        if is_of_class(expr, kind):
            return []
        if k is None or not isinstance(base, Var):
            raise refused_component(stmt, expr, kind)
        return [Contribution(base, (k, *path), self.bar(stmt.var, path)) for path in leaf_paths(kind_at(kind, (k,)))]

    def _getitem(self, stmt: Assign, expr: Op) -> list[Contribution]:
        base, index = expr.operands
        if not isinstance(base, Var) or base not in self.activity:
            return []
        if self.kind(base).sort == "list" and self.kind(index).sort == "slice":
            raise S2sadError("S201", "a slice of a list that grows is not supported", stmt.origin, "use np.array of it")
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
        by_template: dict[str, Var] = {}
        for name in entry.differentiable:
            operand = bound.get(name)
            if name == entry.sequence or isinstance(operand, tuple):
                found += self._items(stmt, entry, name, operand, values, env)
            elif (
                operand is not None
                and self._holds_several(operand)
                and not self._grows(operand)
                and any(v in self.activity for v in vars_of(operand))
            ):
                reason = f"{entry.name} of a tuple or list cannot be differentiated"
                raise S2sadError("S303", reason, stmt.origin, "use an array, as np.array([...])")
            elif isinstance(operand, Var) and operand in self.activity:
                if self.kind(operand).sort in ("list", "tuple") and not self._grows(operand):
                    raise refused_list(stmt, entry)
                text = self._choose(stmt, entry, name, values)
                if text.startswith(TEMPLATE):
                    by_template[name] = operand
                    continue
                found.append(Contribution(operand, (), self._fit(instantiate(text, env), stmt, entry, operand)))
        if by_template:
            found += self._by_template(stmt, entry, by_template, self.arguments(entry, bound))
        for name, operand in bound.items():
            if name in (*entry.differentiable, *entry.constant) or not entry.adjoint:
                continue
            given = operand if isinstance(operand, tuple) else (operand,)
            if any(v in self.activity and self.kind(v).carries_derivative for e in given for v in vars_of(e)):
                raise refused_parameter(stmt, entry, name)
        return found

    def _by_template(
        self, stmt: Assign, entry: Rule, operands: dict[str, Var], arguments: dict[str, Expr]
    ) -> list[Contribution]:
        """The contributions that a user's template makes to some of its operands."""

        def value(role: tuple[str, Any]) -> Expr:
            what, which = role
            if what in ("argument", "tangent"):  # of a tangent only the shape is read
                return argument_of(stmt, entry, arguments, which)
            return results_of(stmt, entry, which) if what == "result" else self._adjoint_of(stmt, entry, which)

        block, values = self.templates.apply(entry, "adjoint", list(operands), value, own(stmt))
        self.preludes[stmt] = block
        found = []
        for (name, operand), given in zip(operands.items(), values):
            if given is not None:
                check_fit(self.kind(given), self.kind(operand), stmt, f"the adjoint of {name!r} by {entry.name}")
                found.append(Contribution(operand, (), given))
        return found

    def _adjoint_of(self, stmt: Assign, entry: Rule, which: int | None) -> Expr:
        if entry.results and which is None:
            return Op("tuple", tuple(self.bar(stmt.var, (k,)) for k in range(entry.results)))
        bar: Var = self.bar(stmt.var, (which,) if entry.results else ())
        return bar

    def _grows(self, operand: Expr) -> bool:
        """Whether an operand is a list of unknown length whose items are alike."""
        return self.kind(operand).element is not None

    def _holds_several(self, operand: Expr) -> bool:
        return (isinstance(operand, Op) and operand.name in DISPLAYS) or self.kind(operand).sort in (
            "tuple",
            "list",
            "dict",
        )

    def environment(self, stmt: Assign, entry: Rule, bound: dict[str, Any]) -> dict[str, Expr]:
        """What the names of a formula stand for."""
        env = self.arguments(entry, bound)
        env.setdefault("y", stmt.var)
        if entry.results:
            for k in range(entry.results):
                env[f"y{k}"] = Op("operator.getitem", (stmt.var, Const(k)))
                env[f"g{k}"] = self.bar(stmt.var, (k,))
        else:
            env["g"] = self.bar(stmt.var, ())
        return env

    @staticmethod
    def arguments(entry: Rule, bound: dict[str, Any]) -> dict[str, Expr]:
        """What the parameters of a rule stand for: operands, or defaults."""
        env: dict[str, Expr] = {}
        for p in entry.parameters:
            operand = bound.get(p.name)
            if p.variadic:
                env[p.name] = Op("tuple", operand or ())
            elif operand is not None:
                env[p.name] = operand
            elif p.default is not registry.REQUIRED:
                env[p.name] = as_const(p.default)
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
            if kind.sort not in ("list", "tuple") or kind.element is not None:
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
            if isinstance(item, Op) and item.name in DISPLAYS and any(v in self.activity for v in vars_of(item)):
                raise refused_list(stmt, entry)
            if not (isinstance(target, Var) and target in self.activity):
                continue
            if not self.kind(item).carries_derivative:
                continue
            if self.kind(item).sort in ("list", "tuple") and not self._grows(item):
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


def results_of(stmt: Assign, entry: Rule, which: int | None) -> Expr:
    """The result of an operation, or one of several."""
    if entry.results and which is not None:
        return Op("operator.getitem", (stmt.var, Const(which)))
    return stmt.var


def argument_of(stmt: Stmt, entry: Rule, arguments: dict[str, Expr], name: str) -> Expr:
    """What is given for a parameter. Raises S303 for one that is left to a default that cannot be written down."""
    if name not in arguments:
        reason = f"the default of {name!r} of {entry.name} is no literal, which its rule would need"
        raise S2sadError("S303", reason, stmt.origin, f"give {name} in the call")
    return arguments[name]


def check_fit(given: Kind, wanted: Kind, stmt: Stmt, what: str) -> None:
    """Refuse (S303) a derivative that a user's rule gives in another shape than what it is the derivative of."""
    ranks = [len(k.shape) if isinstance(k.shape, tuple) else None for k in (given, wanted)]
    if None not in ranks and ranks[0] != ranks[1]:
        axes = "a number" if not ranks[0] else f"an array of {ranks[0]} axes"
        asked = "a number" if not ranks[1] else f"an array of {ranks[1]} axes"
        help = "give it in the shape of what it is the derivative of"
        raise S2sadError("S303", f"{what} is {axes}, where {asked} is wanted", stmt.origin, help)
    if isinstance(given.shape, tuple) and isinstance(wanted.shape, tuple):
        ones = [{is_one(a), is_one(b)} for a, b in zip(given.shape, wanted.shape)]
        if {True, False} in ones:
            help = "sum it over the axes that were broadcast"
            raise S2sadError("S303", f"{what} is longer along an axis, or shorter", stmt.origin, help)


#: Operations that read only the shape of an operand, and at which position it stands.
_SHAPE_OPERAND = {
    "s2sad.spread": 1, "s2sad.unspread": 1, "s2sad.unbroadcast": 1, "s2sad.rebroadcast": 1, "numpy.ndarray.shape": 0,
    "numpy.ndarray.size": 0, "numpy.ndarray.ndim": 0, "numpy.shape": 0, "numpy.size": 0, "numpy.ndim": 0,
}  # fmt: skip


#: What to do about a rule that does not fit the arguments.
OTHER_ARGUMENTS = "call it with other arguments, or write it with functions that have a rule for these"


def refused_parameter(stmt: Stmt, entry: Rule, name: str) -> S2sadError:
    """The refusal of a parameter by which a rule has no formula."""
    reason = f"{entry.name} cannot be differentiated with respect to {name!r}"
    if name in entry.refused:
        reason += f": {entry.refused[name]}"
    return S2sadError("S303", reason, stmt.origin, OTHER_ARGUMENTS)


def refused_operation(stmt: Stmt, op: Op) -> S2sadError:
    """The refusal of an operation without a rule, with the names of rules like it."""
    known = registry.refusal(rule_name(op))
    if known is not None:
        return S2sadError("S301", f"{op.name} has no derivative rule: it {known.reason}", stmt.origin, known.help)
    near = registry.nearest(op.name)
    help = f"rules exist for {', '.join(near)}" if near else "register a rule, or write it with functions that have one"
    shown = op.name.removeprefix("object_").removeprefix("method.").removeprefix("attribute.")
    top = op.name.partition(".")[0]
    if op.name == shown and "." in shown and top.isidentifier() and top not in sys.modules and find_spec(top) is None:
        help = f"no module named {top} can be found here; install it, or write this without it"
    return S2sadError("S301", f"{shown} has no derivative rule", stmt.origin, help)


def total_of(kind: Kind, a: Expr, b: Expr) -> Op:
    """The sum of two adjoints or tangents of a value of a kind."""
    return Op("s2sad.runtime.containers.sums_of" if kind.sort == "list" else "operator.add", (a, b))


def same_leaves(known: dict[Any, list[Path]], stmt: Save | Restore, position: int, kind: Kind) -> list[Path]:
    """The paths of what a tape site carries at a position: pushes and pops have to agree."""
    paths = list(leaf_paths(kind))
    if known.setdefault((stmt.site, position), paths) != paths:
        reason = "a container that changes its form in a loop is not supported here"
        raise S2sadError("S201", reason, stmt.origin, "use an array, or a container that keeps its form")
    return paths


def refused_component(stmt: Stmt, op: Op, kind: Kind) -> S2sadError:
    """The refusal of reading a part of a container or object where it cannot be told which."""
    if op.name.startswith("field."):
        what = f"the attribute {op.name.partition('.')[2]!r} of an object of which nothing is known"
        return S2sadError("S201", f"{what} is not supported", stmt.origin, "pass its value as an argument")
    reason = f"an item of a {kind.sort} at a computed index is not supported"
    return S2sadError("S201", reason, stmt.origin, "use an array")


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
