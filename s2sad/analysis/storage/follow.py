"""`follow_writes`: each operation of a function as what it comes down to where things are followed."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import gast

from s2sad.analysis.literals import NOTHING
from s2sad.analysis.storage.containers import WRITING_METHODS
from s2sad.analysis.storage.joins import NeedsTrips
from s2sad.analysis.storage.machine import Calls
from s2sad.analysis.storage.objects import SUPER, Objects
from s2sad.analysis.storage.things import Group, Plain, Ref, Value
from s2sad.analysis.structure import Partial, fields_given
from s2sad.frontend.calls import CELL, CELL_READ, CELL_WRITE, FUNCTION, SET, VALUE_CALL
from s2sad.frontend.lower import FunctionFacts, Lowering
from s2sad.ir.kinds import Kind
from s2sad.ir.nodes import (
    Assign,
    Const,
    Do,
    Enter,
    Expr,
    Function,
    Leave,
    Op,
    Raw,
    RawStmt,
    Stmt,
    Store,
    Var,
    replace,
    walk,
)
from s2sad.ir.webs import replace_function, split_webs
from s2sad.rules.binding import IN_PLACE

#: Writes into attributes and items that no array has.
SET_ATTRIBUTE, DELETE_ITEM, DELETE_ATTRIBUTE = "s2sad.set_attribute", "s2sad.delete_item", "s2sad.delete_attribute"

KindBy = Callable[[Expr, Callable[[Var], Kind | None]], Kind | None]


def follow_writes(
    function: Function, given: Sequence[Kind], lowering: Lowering, calls: Calls, kind: KindBy
) -> tuple[Function, bool]:
    """The function without writes into lists, dicts and objects, and whether it writes into its arguments.

    given: the kinds of the arguments. calls: the kinds of a call's results, and whether it writes into its arguments.
    Raises S2sadError S201, S205 at a write that cannot be followed.
    """
    return _Following(function, given, lowering, calls, kind).run()


def has_writes(function: Function, kind: Callable[[Expr], Kind | None]) -> bool:
    """Whether a function surely writes into a list, dict or object, or makes an object whose class runs code for it."""
    arguments = {p.var for p in function.params}
    held = set(arguments)
    for stmt in walk(function.body):
        if isinstance(stmt, Store) and stmt.base in held - arguments:
            return True
        if isinstance(stmt, Store):
            found = kind(stmt.base)
            if found is not None and found.sort in ("list", "dict", "object"):
                return True
        if not isinstance(stmt, Assign) or not isinstance(stmt.expr, Op):
            continue
        op = stmt.expr
        prefix, _, name = op.name.partition(".")
        if op.name in (SET_ATTRIBUTE, DELETE_ITEM, DELETE_ATTRIBUTE, CELL, SET, *_MAKERS):
            return True
        if (op.name == "operator.getitem" or prefix == "attribute") and isinstance(op.operands[0], Var):
            of = kind(op.operands[0])
            if op.operands[0] in held and of is not None and of.sort in ("list", "dict", "object", "tuple"):
                held.add(stmt.var)
        if op.name == "builtins.set" and not op.operands:
            return True
        receiver = kind(op.operands[0]) if op.operands and not _is_star(op.operands[0]) else None
        if receiver is None:
            continue
        if prefix == "method" and name in WRITING_METHODS and receiver.sort in ("list", "dict"):
            return True
        if op.name in IN_PLACE and receiver.sort in ("list", "dict", "object"):
            return True
        if op.name == VALUE_CALL and receiver.sort == "class" and isinstance(receiver.cls, type):
            return not has_stars(op) and fields_given(receiver.cls, op.operands[1:], op.keywords) is None
    return False


#: What is followed wherever it stands.
_MAKERS = (
    "builtins.super",
    "builtins.setattr",
    "builtins.getattr",
    "dataclasses.replace",
    "copy.copy",
    "copy.deepcopy",
)


def has_stars(op: Op) -> bool:
    """Whether a call unpacks arguments."""
    return any(map(_is_star, op.operands)) or any(k == "**" for k, _ in op.keywords)


def _is_star(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name == "s2sad.star"


class _Following(Objects):
    def run(self) -> tuple[Function, bool]:
        try:
            self.block(self.function.body, ())
        except NeedsTrips:
            raise self.refuse("S201", "an index here cannot be found out", "use an array") from None
        self.check_distinct()
        body = [*self.prologue, *self.out]
        facts = FunctionFacts(self.free_kinds, self.imports)
        made = replace(replace_function(self.function, body=body), free=self.free, annotations=facts)
        return split_webs(made)[0], bool(self.written_outside)

    def check_distinct(self) -> None:
        """Let a call refuse arguments in which one object that is written stands in two places."""
        outer = [at for at in (*self.bases, *self.parents) if self.outside_things[at].outer]
        sorts = {at: (self.outside_things[at].sort, self.outside_things[at].cls) for at in outer}
        for sort in dict.fromkeys(sorts[at] for at in sorted(self.written_outside)):
            alike = sorted(at for at in sorts if sorts[at] == sort)
            if len(alike) > 1:
                bases = Op("tuple", tuple(self.base_of(at) for at in alike))
                check = Op("s2sad.runtime.checks.require_distinct", (bases,))
                self.prologue.append(Do(check, origin=self.function.origin))

    # ---- assignments -------------------------------------------------------------------------------------------

    def assignment(self, stmt: Assign) -> None:
        expr = stmt.expr
        if not isinstance(expr, Op):
            self.bind(stmt.var, self.value(expr))
            return
        outer, self.naming = self.naming, "t" if stmt.var.temporary and stmt.var.hint == "t" else stmt.var.hint
        value = self.operation(expr)
        self.naming = outer
        is_part = expr.name in ("operator.getitem", CELL_READ) or expr.name.startswith("attribute.")
        if is_part and stmt.var.temporary and isinstance(value, Plain) and isinstance(value.expr, Var):
            self.repeat(stmt.var, value.expr)
        else:
            self.bind(stmt.var, value)
        if expr.name == "s2sad.sequence":
            self.sequences.add(stmt.var)

    def operation(self, op: Op) -> Value:
        """The value of an operation."""
        if op.name in ("list", "dict", "tuple", "slice"):
            return self.value(op)
        unstarred = self.unstarred(op)
        if unstarred is None:
            return Plain(self.as_it_is(op))
        values, named = unstarred
        prefix, _, name = op.name.partition(".")
        folded = self.folded(op, values)
        if folded is not None:
            return folded
        if op.name == "s2sad.sequence":
            return self.run_over(values[0], op)
        if op.name in ("s2sad.display_list", "s2sad.display_tuple"):
            if op.name == "s2sad.display_list":
                return self.new("list", dict(enumerate(values)))
            return self.group(Op("tuple"), values)
        if op.name == "operator.getitem":
            found = self.getitem(values[0], values[1])
        elif op.name == "builtins.len":
            found = self.length(values[0])
        elif prefix == "attribute":
            found = self.attribute(values[0], name)
        elif prefix == "method":
            found = self.method(name, values, named)
        elif op.name == VALUE_CALL:
            found = self.call_value(values[0], values[1:], named)
        elif op.name == FUNCTION:
            found = self.group(op, values)
        elif op.name == "functools.partial":
            found = self.partial(values, named)
        elif op.name == "s2sad.append":
            assert isinstance(values[0], Ref)
            self.append(values[0].at, values[1:])
            found = values[0]
        elif op.name == "s2sad.put":
            self.setitem(values[0], values[1], values[2])
            found = values[0]
        elif op.name == SET:
            found = self.new_set(values)
        elif op.name == "s2sad.add":
            assert isinstance(values[0], Ref)
            self.add(values[0].at, values[1])
            found = values[0]
        elif op.name == CELL:
            found = self.new("cell", {self.literal(values[1]): values[0]})
        elif op.name in (CELL_READ, CELL_WRITE):
            assert isinstance(values[0], Ref)
            name = self.literal(values[1])
            if op.name == CELL_WRITE:
                self.set_part(values[0].at, name, values[2])
            found = self.read(values[0].at, name)
        elif op.name in (SET_ATTRIBUTE, DELETE_ITEM, DELETE_ATTRIBUTE):
            found = self.written_part(op.name, values)
        else:
            return self.library(op, values, named)
        if found is None:
            return self.left(op, values, named)
        return found

    def written_part(self, name: str, values: list[Value]) -> Value:
        if name == DELETE_ITEM:
            self.delete(values[0], values[1])
        elif name == DELETE_ATTRIBUTE:
            attribute = self.literal(values[1])
            if not isinstance(values[0], Ref) or attribute not in self.thing(values[0]).parts:
                raise self.refuse("S201", "this `del` of an attribute is not supported", "leave it out")
            thing = self.before_write(values[0].at)
            self.set_parts(values[0].at, {k: p for k, p in thing.parts.items() if k != attribute})
        else:
            how = self.literal(values[3]) if len(values) > 3 else None
            self.set_attribute(values[0], self.literal(values[1]), values[2], how)
        return Plain(Const(None))

    def run_over(self, value: Value, op: Op) -> Value:
        """What a loop runs over by position."""
        if isinstance(value, Ref) and self.thing(value).sort in ("dict", "set"):
            return self.group(Op("tuple"), self.contents(value) or [])
        if isinstance(value, Plain):
            kind = self.kind(value.expr)
            if kind is None or kind.sort == "dict":
                return self.left(op, [value], {})
        return value

    def length(self, value: Value) -> Value | None:
        if isinstance(value, Ref) and self.thing(value).sort == "object":
            return self.method("__len__", [value], {})
        if isinstance(value, Ref) and self.thing(value).grown is None:
            return Plain(Const(len(self.thing(value).parts)))
        items = self.items_of_group(value)
        if items is not None:
            return Plain(Const(len(items)))
        kind = self.kind_of(value)
        if kind is not None and kind.sort in ("tuple", "dict") and kind.items is not None:
            return Plain(Const(len(kind.items)))
        return None

    def partial(self, values: list[Value], named: dict[str, Value]) -> Value | None:
        kind = self.kind_of(values[0])
        if kind is None or kind.sort != "function":
            return None
        identity = Const(Partial(kind, len(values) - 1, tuple(named)))
        return self.group(Op(FUNCTION, (identity,)), [Plain(identity), *values, *named.values()])

    def library(self, op: Op, values: list[Value], named: dict[str, Value]) -> Value:
        """An operation of Python or of a library."""
        if op.name == "builtins.super":
            return self.superclass(values)
        if op.name == "dataclasses.replace":
            found = self.replaced(values[0], named)
        elif op.name in ("copy.copy", "copy.deepcopy"):
            found = self.copied(values[0], op.name == "copy.deepcopy")
        elif op.name == "s2sad.is_instance":
            found = self.looked_up("builtins.isinstance", values)
        elif op.name in ("builtins.isinstance", "builtins.hasattr", "builtins.getattr", "builtins.setattr"):
            found = self.looked_up(op.name, values)
        else:
            found = self.of_object(op, values) or self.made(op, values, named)
        return self.left(op, values, named) if found is None else found

    def of_object(self, op: Op, values: list[Value]) -> Value | None:
        """An operator whose first operand is an object of a class that says what it does."""
        if op.name not in _OPERATORS or not values or not isinstance(values[0], Ref):
            return None
        thing = self.thing(values[0])
        name = _OPERATORS[op.name]
        if thing.sort != "object" or not hasattr(thing.cls, name):
            return None
        return self.method(name, values, {})

    def looked_up(self, name: str, values: list[Value]) -> Value | None:
        if not values or not isinstance(values[0], Ref):
            return None
        thing = self.thing(values[0])
        if name == "builtins.isinstance":
            kind = self.kind_of(values[1])
            if thing.sort == "object" and kind is not None and kind.sort == "class":
                return Plain(Const(issubclass(thing.cls, kind.cls)))
            return None
        attribute = self.literal(values[1])
        if thing.sort == "object" and attribute is NOTHING and self.unrollable:
            raise NeedsTrips
        if thing.sort != "object" or not isinstance(attribute, str):
            return None
        if name == "builtins.setattr":
            self.set_attribute(values[0], attribute, values[2], None)
            return Plain(Const(None))
        there = attribute in thing.parts or inspect.getattr_static(thing.cls, attribute, None) is not None
        if name == "builtins.hasattr":
            return Plain(Const(there))
        if not there and len(values) == 3:
            return values[2]
        return self.attribute(values[0], attribute)

    def copied(self, value: Value, deep: bool, known: dict[int, Ref] | None = None) -> Value | None:
        """`copy.copy` and `copy.deepcopy` of a thing."""
        known = {} if known is None else known
        if isinstance(value, Ref):
            if value.at in known:
                return known[value.at]
            thing = self.thing(value)
            if thing.grown is not None:
                return self.copy(value.at, [])
            made = self.new(thing.sort, {}, thing.hint, thing.cls, thing.maker)
            known[value.at] = made
            for key in thing.parts:
                part = self.read(value.at, key)
                self.set_part(made.at, key, self.copied(part, True, known) or part if deep else part)
            return made
        if deep and isinstance(value, Group) and value.like.name == "tuple":
            return Group(value.like, tuple(self.copied(p, True, known) or p for p in value.parts))
        if deep and isinstance(value, Plain):
            kind = self.kind(value.expr)
            if kind is not None and kind.is_array:
                return Plain(self.temporary(Op("numpy.ndarray.copy", (value.expr,))))
            if kind is None or kind.sort == "unknown":
                raise self.refuse("S201", "a deep copy of what is not known is not supported", "copy it yourself")
        return value if deep else None

    def superclass(self, values: list[Value]) -> Value:
        """`super()` in a method."""
        label, first = self.frames[-1] if self.frames else (self.function.label, None)
        if first is None and self.function.params:
            first = self.function.params[0].var
        primal = self.lowering.primals.get(label) or self.function.primal
        function = getattr(primal, "function", None)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ())) if function is not None else {}
        if "__class__" not in cells or values or first is None:
            raise self.refuse("S201", "`super` is supported without arguments in a method alone", "name the class")
        identity = Const(cells["__class__"].cell_contents)
        return Group(Op(SUPER, (identity,)), (Plain(identity), self.value(first)))

    def left(self, op: Op, values: list[Value], named: dict[str, Value]) -> Value:
        """An operation that stays, of things as they are now; a list that it gives is a new one."""
        operands = tuple(map(self.atom, values))
        keywords = tuple((n, self.atom(v)) for n, v in named.items())
        new = Op(op.name, operands, keywords, op.spelled)
        if op.name in IN_PLACE:
            return Plain(new)
        kind = self.kind(new)
        if kind is not None and kind.sort in ("list", "dict"):
            return self.adopt(self.temporary(new), "t")
        return Plain(new)

    def as_it_is(self, op: Op) -> Op:
        """An operation with what it unpacks left to be unpacked."""

        def change(expr: Expr) -> Expr:
            if isinstance(expr, Op) and expr.name == "s2sad.star":
                return Op(expr.name, tuple(map(self.plain, expr.operands)))
            return self.plain(expr)

        return Op(op.name, tuple(map(change, op.operands)), tuple((k, change(v)) for k, v in op.keywords), op.spelled)

    def store(self, base: Var, index: Expr | None, expr: Expr, how: str | None) -> None:
        target = self.value(base)
        if isinstance(target, Ref):
            if self.thing(target).sort == "object":
                name = "__setitem__"
                if how is not None:
                    old = self.method("__getitem__", [target, self.value(index or Const(None))], {})
                    assert old is not None
                    self.method(
                        name, [target, self.value(index or Const(None)), self.updated(old, self.value(expr), how)], {}
                    )
                    return
                self.method(name, [target, self.value(index or Const(None)), self.value(expr)], {})
                return
            self.setitem(target, self.value(index or Const(None)), self.value(expr), how)
            return
        if isinstance(target, Group):
            raise self.refuse(
                "S201", "an in-place write into a tuple is not supported", "the function itself raises here"
            )
        kind = self.kind(base)
        if kind is not None and kind.sort in ("list", "dict", "object"):
            reason = f"a write into this {kind.sort}, of which nothing is known, is not supported"
            raise self.refuse("S201", reason, "make it here, or pass it as an argument")
        place, value = None if index is None else self.plain(index), self.plain(expr)
        array = self.display(target)
        self.put(Store(array if isinstance(array, Var) else self.temporary(array), place, value, how))

    # ---- syntax that is passed through -------------------------------------------------------------------------

    def raw(self, expr: Raw) -> Raw:
        for _, var in expr.reads:
            if var in self.repeated:
                self.settle(self.repeated[var][0])
        if not any(v in self.state.env for _, v in expr.reads):
            return expr
        held = {n: v for n, v in expr.reads if not isinstance(self.state.env.get(v, Plain(v)), Plain)}
        rewriting = _Reading(self, {n: v for n, v in expr.reads})
        tree = rewriting.visit(copy.deepcopy(expr.tree))
        names = {n.id for n in gast.walk(tree) if isinstance(n, gast.Name)}
        kept = [(n, v) for n, v in expr.reads if n in names and n not in held]
        for name in held:
            if name in names:
                kept.append((name, self.temporary(self.display(self.value(dict(expr.reads)[name])))))
        return Raw(tree, (*kept, *rewriting.reads.items()), expr.pure, expr.kind)

    def raw_statement(self, stmt: RawStmt | Enter | Leave) -> Stmt:
        if isinstance(stmt, RawStmt):
            held = self.raw(Raw(stmt.tree, stmt.reads, False))
            return replace(stmt, tree=held.tree, reads=held.reads)
        return replace(stmt)


#: The methods that say what operators do with objects.
_OPERATORS = {
    "operator.add": "__add__", "operator.sub": "__sub__", "operator.mul": "__mul__", "operator.truediv": "__truediv__",
    "operator.neg": "__neg__", "operator.pow": "__pow__", "operator.matmul": "__matmul__",
    "operator.getitem": "__getitem__", "operator.eq": "__eq__", "operator.lt": "__lt__", "operator.gt": "__gt__",
}  # fmt: skip


class _Reading(gast.NodeTransformer):  # type: ignore[misc]
    """Replaces in syntax what is read of things by names of the Vars that hold it."""

    def __init__(self, machine: _Following, reads: dict[str, Var]) -> None:
        self.machine = machine
        self.names = reads
        self.reads: dict[str, Var] = {}

    def value_of(self, node: Any) -> Value | None:
        """The value of a chain of attributes and literal items of a name."""
        machine = self.machine
        if isinstance(node, gast.Name) and node.id in self.names:
            held = machine.value(self.names[node.id])
            is_cell = isinstance(held, Ref) and machine.thing(held).sort == "cell"
            return machine.read(held.at, node.id) if is_cell and isinstance(held, Ref) else held
        if isinstance(node, gast.Attribute):
            base = self.value_of(node.value)
            if isinstance(base, Ref) and node.attr in machine.thing(base).parts:
                return machine.read(base.at, node.attr)
        if isinstance(node, gast.Subscript):
            base = self.value_of(node.value)
            try:
                key = gast.literal_eval(node.slice)
            except (ValueError, TypeError):
                found = self.value_of(node.slice)
                key = NOTHING if found is None else machine.literal(found)
            if isinstance(base, Ref) and machine.thing(base).grown is None and key is not NOTHING:
                at = machine.place(machine.thing(base), key)
                return None if at is NOTHING else machine.read(base.at, at)
        return None

    def replaced(self, node: Any) -> Any:
        found = self.value_of(node)
        if isinstance(found, Plain):
            return self.name_for(found.expr, node)
        return self.generic_visit(node)

    visit_Attribute = visit_Subscript = replaced

    def visit_Name(self, node: Any) -> Any:
        known = self.machine.literal(self.names[node.id]) if node.id in self.names else NOTHING
        if type(known) in (int, str, bool, type(None)):
            return gast.copy_location(gast.Constant(known, None), node)
        value = self.value_of(node)
        if isinstance(value, Plain) and self.is_cell(node.id):
            return self.name_for(value.expr, node)
        if isinstance(value, Ref) and self.machine.thing(value).grown is not None:
            return self.name_for(self.machine.display(value), node)
        return node

    def is_cell(self, name: str) -> bool:
        found = self.machine.value(self.names[name]) if name in self.names else None
        return isinstance(found, Ref) and self.machine.thing(found).sort == "cell"

    def visit_Call(self, node: Any) -> Any:
        is_len = isinstance(node.func, gast.Name) and node.func.id == "len" and len(node.args) == 1
        if is_len and isinstance(value := self.value_of(node.args[0]), Ref):
            thing = self.machine.thing(value)
            if thing.grown is None and thing.sort != "object":
                return gast.copy_location(gast.Constant(len(thing.parts), None), node)
        return self.generic_visit(node)

    def visit_Compare(self, node: Any) -> Any:
        if len(node.ops) == 1 and isinstance(node.ops[0], (gast.In, gast.NotIn)):
            base = self.value_of(node.comparators[0])
            inner = self.value_of(node.left)
            key = node.left.value if isinstance(node.left, gast.Constant) else NOTHING
            if inner is not None:
                key = self.machine.literal(inner)
            keys = self.keys_of(base)
            is_thing = isinstance(base, Ref) and self.machine.thing(base).sort in ("set", "dict")
            if key is NOTHING and is_thing and self.machine.unrollable:
                raise NeedsTrips
            if key is not NOTHING and keys is not None and not any(k is NOTHING for k in keys):
                there = key in keys
                known = there == isinstance(node.ops[0], gast.In)
                return gast.copy_location(gast.Constant(known, None), node)
        return self.generic_visit(node)

    def keys_of(self, base: Value | None) -> list[Any] | None:
        """What a test of membership compares with."""
        if base is None:
            return None
        if isinstance(base, Ref) and self.machine.thing(base).sort in ("set", "dict"):
            return list(self.machine.thing(base).parts)
        among = self.machine.contents(base)
        return None if among is None else [self.machine.literal(v) for v in among]

    def visit_UnaryOp(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if isinstance(node.op, gast.Not) and isinstance(node.operand, gast.Constant):
            return gast.copy_location(gast.Constant(not node.operand.value, None), node)
        return node

    def visit_BoolOp(self, node: Any) -> Any:
        """`and` and `or` of tests, without those whose value is known."""
        decisive = isinstance(node.op, gast.Or)
        left = []
        for value in map(self.visit, node.values):
            if isinstance(value, gast.Constant) and type(value.value) is bool:
                if value.value is decisive:
                    left.append(value)
                    break
            else:
                left.append(value)
        if not left:
            return gast.copy_location(gast.Constant(not decisive, None), node)
        return left[0] if len(left) == 1 else gast.copy_location(gast.BoolOp(node.op, left), node)

    def name_for(self, expr: Expr, node: Any) -> Any:
        if isinstance(expr, Const) and type(expr.value) in (int, float, bool, str, type(None)):
            return gast.copy_location(gast.Constant(expr.value, None), node)
        var = expr if isinstance(expr, Var) else self.machine.temporary(expr)
        name = next((n for n, v in self.reads.items() if v is var), f".part{len(self.reads)}")
        self.reads[name] = var
        return gast.copy_location(gast.Name(name, gast.Load(), None, None), node)
