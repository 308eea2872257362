"""Settle what only kinds can tell: which function a call calls, how many items a container has, what an attribute is.

Lowering writes a call of a value as `s2sad.call`, an unpacked argument as `s2sad.star`, a comprehension as a loop that
appends. Once the kinds are known:

    f = s2sad.function(bump, width)       a call of bump with x and what f captured
    y = s2sad.call_value(f, x)       ->   y = bump(x, width)

    for i in range(len(layers)):          the body once for each item, where the items are known
        W = layers[i]                ->   W = layers[0]; ...; W = layers[1]; ...

`elaborate` makes one round of such changes, after which the kinds are inferred again.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from s2sad.errors import S2sadError
from s2sad.frontend.calls import FUNCTION, STAR, VALUE_CALL, Captured, bind_arguments, writes
from s2sad.frontend.expressions import WRITERS
from s2sad.frontend.lower import Lowering
from s2sad.frontend.resolve import Known, LivePrimal, Primal, UserFunction, binding_of
from s2sad.frontend.scopes import parameters, tuple_arity
from s2sad.ir.kinds import CONTAINERS, UNKNOWN, Kind, is_named_tuple
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Break,
    Call,
    Const,
    Expr,
    For,
    Function,
    If,
    Op,
    Raw,
    Stmt,
    Var,
    blocks_of,
    dict_display,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, expressions, may_break, rewrite_block, set_blocks, vars_of
from s2sad.ir.webs import replace_function, split_webs

KindOf = Callable[[Expr], Kind | None]

#: A loop is written out up to this many statements.
_MOST_STATEMENTS = 3000
#: A loop that may break is written out, each trip within the one before, up to this many trips.
_MOST_NESTED = 20
#: A loop that only builds a list is written out up to this many trips.
_FEW_TRIPS = 8


@dataclass(frozen=True)
class Partial:
    """A function with its first arguments given, and some by name: the identity of a `functools.partial`."""

    function: Kind
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """A function bound to its first argument."""

    primal: Primal


def elaborate(function: Function, kind: KindOf, lowering: Lowering) -> Function | None:
    """The function after one round of changes; None where nothing is left to change."""
    return _Elaborator(function, kind, lowering).run()


class _Elaborator:
    def __init__(self, function: Function, kind: KindOf, lowering: Lowering) -> None:
        self.function = function
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

    def run(self) -> Function | None:
        body = self.block(self.function.body)
        if not self.changed:
            return None
        if self.instead:
            body = rewrite_block(body, self.settled, lambda v: v)
        function = replace_function(self.function, body=body)
        return split_webs(function)[0] if self.unrolled else function

    def settled(self, var: Var) -> Expr:
        while var in self.instead:
            new = self.instead[var]
            if not isinstance(new, Var):
                return new
            var = new
        return var

    def kind_or_none(self, expr: Expr) -> Kind | None:
        """The kind of an operand; None while something that may change it is not settled."""
        return None if any(v in self.pending for v in vars_of(expr)) else self.present_kind(expr)

    def assumed_kind(self, expr: Expr) -> Kind | None:
        """The kind of an operand as far as it is known, of which a change later on is refused."""
        kind = self.present_kind(expr)
        if kind is not None and any(v in self.pending for v in vars_of(expr)):
            self.emit(Op(ASSUMED, (expr, Const(form_of(kind)))))
        return kind

    def kind(self, expr: Expr) -> Kind:
        return self.kind_or_none(expr) or UNKNOWN

    # ---- blocks ------------------------------------------------------------------------------------------------

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

    def block(self, old: Block) -> Block:
        outside = dict(self.bound_here)
        made = self.changed_block(old)
        self.bound_here = outside
        return made

    def changed_block(self, old: Block) -> Block:
        made: Block = []
        for stmt in old:
            outer, self.out, self.stmt = self.out, made, stmt
            if isinstance(stmt, For) and not self.unrolled and (trips := self.trips_to_unroll(stmt)) is not None:
                self.unroll(stmt, trips)
                self.changed = self.unrolled = True
            elif isinstance(stmt, Assign) and isinstance(stmt.expr, Op):
                self.assign(stmt, stmt.expr)
            elif isinstance(stmt, If) and (taken := self.branch_taken(stmt)) is not None:
                made += taken
                self.changed = self.unrolled = True
            elif blocks_of(stmt):
                new = replace(stmt)
                set_blocks(new, [self.block(b) for b in blocks_of(stmt)])
                made.append(new)
            else:
                made.append(stmt)
            self.out = outer
            for var in defs(stmt):
                self.bound_here[var] = len(self.bound_here)
        return made

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
        if kind is None or kind.items is None or kind.sort not in ("tuple", "list", "dict"):
            return None
        if kind.sort == "dict":
            return [Const(k) for k in kind.keys or ()]
        return [self.part(base, kind, k) for k in range(len(kind.items))]

    # ---- literals ----------------------------------------------------------------------------------------------

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

    # ---- loops -------------------------------------------------------------------------------------------------

    def trips_to_unroll(self, loop: For) -> Sequence[int] | None:
        """The values of a loop's index, where its body indexes containers of known contents with it."""
        if not (isinstance(loop.iter, Op) and loop.iter.name == "builtins.range"):
            return None
        bounds = [self.value(o) for o in loop.iter.operands]
        if not all(type(b) is int for b in bounds) or (len(bounds) == 3 and bounds[2] == 0):
            return None
        trips = range(*bounds)
        size = sum(1 for _ in walk(loop.body))
        if len(trips) * size > _MOST_STATEMENTS or (may_break(loop) and len(trips) > _MOST_NESTED):
            return None
        wanted = any(self.wants_trips(e, len(trips)) for s in walk(loop.body) for e in expressions(s))
        if not wanted:
            return None
        return trips[::-1] if loop.mirror else trips

    def wants_trips(self, expr: Expr, count: int) -> bool:
        if not isinstance(expr, Op):
            return False
        if expr.name == "operator.getitem":
            kind = self.kind(expr.operands[0])
            known = kind.items is not None and kind.sort in ("tuple", "list", "dict")
            return known and kind_needs_place(kind) and self.value(expr.operands[1]) is NOTHING
        if expr.name == "s2sad.put":
            return True
        if expr.name == "s2sad.append":
            kind = self.kind(expr.operands[1])
            return count <= _FEW_TRIPS or kind.sort in ("tuple", "list", "dict", "function", "object")
        return False

    def unroll(self, loop: For, trips: Sequence[int]) -> None:
        rebound = loop.target in defs_within(loop.body)
        stopped = Var("stopped", temporary=True) if may_break(loop) else None
        block = self.out
        if stopped is not None:
            block.append(Assign(stopped, Const(False), origin=loop.origin))
        for position, k in enumerate(trips):
            if stopped is not None and position:
                rest: Block = []
                test = Var("t", temporary=True)
                block += [Assign(test, stopped, origin=loop.origin), If(test, [], rest, origin=loop.origin)]
                block = rest
            block.append(Assign(loop.target, Const(k), origin=loop.origin))

            def use(var: Var, k: int = k) -> Expr:
                return Const(k) if var is loop.target and not rebound else var

            trip = rewrite_block(loop.body, use, lambda v: v)
            block += trip if stopped is None else _with_flag(trip, stopped)

    # ---- assignments -------------------------------------------------------------------------------------------

    def assign(self, stmt: Assign, op: Op) -> None:
        before = len(self.out)
        new = self.operation(stmt, op)
        if new is None:
            del self.out[before:]
            self.out.append(stmt)
            return
        self.changed = True
        if stmt.var in self.instead:
            return
        self.out.append(new if isinstance(new, Stmt) else replace(stmt, expr=new))

    def operation(self, stmt: Assign, op: Op) -> Expr | Stmt | None:
        """What an operation comes down to; None where it stays as it is."""
        if any(isinstance(o, Op) and o.name == STAR for o in op.operands) or any(k == "**" for k, _ in op.keywords):
            return self.without_stars(op)
        prefix, _, name = op.name.partition(".")
        if op.name == VALUE_CALL:
            return self.call_value(stmt, op)
        if op.name == "s2sad.sequence":
            return self.sequence(stmt, op.operands[0])
        if prefix == "method":
            return self.method(stmt, op, name)
        if prefix == "attribute":
            return self.attribute(stmt, op, name)
        handler = _HANDLERS.get(op.name)
        return handler(self, stmt, op) if handler is not None else None

    def without_stars(self, op: Op) -> Expr | None:
        operands: list[Expr] = []
        for operand in op.operands:
            if not (isinstance(operand, Op) and operand.name == STAR):
                operands.append(operand)
                continue
            if self.kind_or_none(operand.operands[0]) is None:
                return None
            items = self.items(operand.operands[0])
            if items is None:
                return None
            operands += items
        keywords: list[tuple[str, Expr]] = []
        for key, value in op.keywords:
            if key != "**":
                keywords.append((key, value))
                continue
            kind = self.kind_or_none(value)
            known = kind is not None and kind.sort == "dict" and kind.items is not None
            if kind is None or not known or not all(type(k) is str for k in kind.keys or ()):
                return None
            keywords += [(name, self.part(value, kind, k)) for k, name in enumerate(kind.keys or ())]
        names = [k for k, _ in keywords]
        twice = next((k for k in names if names.count(k) > 1), None)
        if twice is not None and op.name != "builtins.dict":
            raise self.refuse("S402", f"the argument {twice!r} is given twice")
        return self.library_call(Op(op.name, tuple(operands), tuple(dict(keywords).items()), op.spelled))

    def library_call(self, op: Op) -> Op:
        """An operation of which only now is known what it is given; one that writes into that is refused."""
        stars = any(isinstance(o, Op) and o.name == STAR for o in op.operands) or "**" in dict(op.keywords)
        if not stars and op.name != VALUE_CALL and writes(op.name, op.operands, op.keywords):
            what = f"`{op.spelled or op.name}` writes into an array that it is given here"
            raise self.refuse("S201", f"{what}, which is not supported", "call it by its name, without stars")
        if not stars and op.name.startswith("method.") and op.name.partition(".")[2] in WRITERS:
            raise self.refuse("S201", "a method that writes is not supported with stars", "write the arguments out")
        return op

    def sequence(self, stmt: Assign, operand: Expr) -> Stmt | None:
        """What a loop runs over: the keys of a dict, anything else itself."""
        kind = self.assumed_kind(operand)
        if kind is None:
            return None
        if kind.sort == "dict":
            if kind.items is None:
                raise self.refuse("S201", "a loop over a dict whose keys are not known is not supported", "use a list")
            return replace(stmt, expr=Op("tuple", tuple(Const(k) for k in kind.keys or ())))
        self.instead[stmt.var] = operand
        return stmt

    # ---- calls -------------------------------------------------------------------------------------------------

    def call_value(self, stmt: Assign, op: Op) -> Expr | Stmt | None:
        callee, *arguments = op.operands
        kind = self.assumed_kind(callee)
        if kind is None:
            return None
        if kind.sort == "object":
            is_user_made = isinstance(kind.cls, type) and isinstance(
                inspect.getattr_static(kind.cls, "__call__", None), types.FunctionType
            )
            return Op("method.__call__", op.operands, op.keywords) if is_user_made else None
        if kind.sort == "class":
            values = fields_given(kind.cls, arguments, op.keywords)
            return None if values is None else like_class(kind.cls, callee, values)
        if kind.sort != "function":
            return None
        identity = kind.cls
        if isinstance(identity, Partial):
            given = [self.part(callee, kind, k) for k in range(len(kind.items or ()))]
            inner, first, named = given[0], given[1 : 1 + identity.count], given[1 + identity.count :]
            keywords = {**dict(zip(identity.names, named)), **dict(op.keywords)}
            return Op(VALUE_CALL, (inner, *first, *arguments), tuple(keywords.items()))
        if isinstance(identity, Method):
            self_ = self.part(callee, kind, 0)
            return self.call(stmt, identity.primal, [self_, *arguments], op.keywords)
        found = Known(identity) if isinstance(identity, str) else identity
        if not isinstance(found, (Known, Primal, Captured)):
            found = binding_of(found)
        if isinstance(found, UserFunction):
            found = found.primal
        if isinstance(found, Known):
            return self.library_call(Op(found.name, tuple(arguments), op.keywords))
        if isinstance(found, Captured):
            captured = [self.part(callee, kind, k) for k in range(len(kind.items or ()))]
            return self.call(stmt, found.primal, arguments, op.keywords, captured, found)
        if isinstance(found, Primal):
            return self.call(stmt, found, arguments, op.keywords)
        return None

    def call(
        self,
        stmt: Assign,
        primal: Primal,
        positional: Sequence[Expr],
        named: Sequence[tuple[str, Expr]],
        captured: Sequence[Expr] = (),
        closure: Captured | None = None,
    ) -> Stmt:
        """A call of a user function that binds what `stmt` binds."""
        params = parameters(primal.source.node.args)
        defaults = closure.defaults_from(captured) if closure is not None else {}
        arguments = bind_arguments(primal, params, positional, named, stmt.origin, defaults)
        if closure is not None:
            arguments += closure.captures_from(captured)
        arguments = [self.emit(a) if isinstance(a, Raw) else a for a in arguments]
        arity = tuple_arity(primal.source.node)
        results = tuple(Var("t", temporary=True) for _ in range(arity)) if arity is not None else (stmt.var,)
        made = Call(results, self.lowering.label(primal), tuple(arguments))
        made.origin, made.quote, made.group = stmt.origin, stmt.quote, stmt.group
        if arity is None:
            return made
        self.out.append(made)
        return replace(stmt, expr=Op("tuple", results))

    # ---- methods and attributes --------------------------------------------------------------------------------

    def method(self, stmt: Assign, op: Op, name: str) -> Expr | Stmt | None:
        receiver = self.assumed_kind(op.operands[0])
        if receiver is None:
            return None
        if receiver.sort in ("dict", "list") and self.kind_or_none(op.operands[0]) is None:
            return None
        if receiver.sort == "dict":
            return self.dict_method(op, name, receiver)
        if receiver.sort == "list" and name == "copy" and receiver.items is not None:
            return Op("builtins.list", op.operands)
        cls = receiver.cls
        if receiver.sort == "class":
            held = inspect.getattr_static(cls, name, None)
            function = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held
            if not isinstance(function, types.FunctionType):
                return None
            self.note(cls, name)
            first = [op.operands[0]] if isinstance(held, classmethod) else []
            return self.call(stmt, LivePrimal(function), [*first, *op.operands[1:]], op.keywords)
        named_tuple = receiver.sort == "tuple" and is_named_tuple(cls)
        if not isinstance(cls, type) or not (receiver.sort == "object" or named_tuple):
            return None
        if name in dict(receiver.fields):
            # What the object itself holds under this name hides the method.
            function = self.emit(Op(f"attribute.{name}", op.operands[:1]))
            return Op(VALUE_CALL, (function, *op.operands[1:]), op.keywords)
        if named_tuple and name == "_replace":
            values = {n: self.part(op.operands[0], receiver, k) for k, n in enumerate(field_names(cls))}
            values.update(dict(op.keywords))
            if len(op.operands) > 1 or len(values) > len(field_names(cls)):
                return None
            keys = ("keys", Const(tuple(values)))
            return Op("s2sad.replaced", tuple(values.values()), (("like", op.operands[0]), keys))
        held = inspect.getattr_static(cls, name, None)
        if isinstance(held, property):
            function = self.emit(Op(f"attribute.{name}", op.operands[:1]))
            return Op(VALUE_CALL, (function, *op.operands[1:]), op.keywords)
        if isinstance(held, staticmethod):
            held, operands = held.__func__, op.operands[1:]
        elif isinstance(held, classmethod):
            held, operands = held.__func__, (self.emit(Op("builtins.type", op.operands[:1])), *op.operands[1:])
        else:
            operands = op.operands
        if not isinstance(held, types.FunctionType):
            return None
        self.note(cls, name)
        return self.call(stmt, LivePrimal(held), operands, op.keywords)

    def note(self, cls: type, name: str) -> None:
        self.lowering.methods[cls, name] = inspect.getattr_static(cls, name)

    def dict_method(self, op: Op, name: str, receiver: Kind) -> Expr | None:
        if receiver.items is None:
            return None
        base = op.operands[0]
        if name == "keys" and len(op.operands) == 1:
            return Op("tuple", tuple(Const(k) for k in receiver.keys or ()))
        if name == "values" and len(op.operands) == 1:
            return Op("tuple", tuple(self.part(base, receiver, k) for k in range(len(receiver.items))))
        if name == "items" and len(op.operands) == 1:
            pairs = [(Const(key), self.part(base, receiver, k)) for k, key in enumerate(receiver.keys or ())]
            return Op("tuple", tuple(Op("tuple", pair) for pair in pairs))
        if name == "get" and 2 <= len(op.operands) <= 3 and not op.keywords:
            key = self.value(op.operands[1])
            if key is NOTHING:
                return None
            if key in (receiver.keys or ()):
                return self.part(base, receiver, (receiver.keys or ()).index(key))
            return op.operands[2] if len(op.operands) == 3 else Const(None)
        if name == "copy" and len(op.operands) == 1:
            parts = [self.part(base, receiver, k) for k in range(len(receiver.items))]
            return dict_display(dict(zip(receiver.keys or (), parts)))
        return None

    def attribute(self, stmt: Assign, op: Op, name: str) -> Expr | Stmt | None:
        receiver = self.assumed_kind(op.operands[0])
        cls = None if receiver is None else receiver.cls
        if receiver is None or not isinstance(cls, type) or receiver.sort not in ("object", "tuple", "class"):
            return None
        if name in dict(receiver.fields) or (is_named_tuple(cls) and name in field_names(cls)):
            return None
        held = inspect.getattr_static(cls, name, None)
        if isinstance(held, property) and isinstance(held.fget, types.FunctionType) and receiver.sort != "class":
            self.note(cls, name)
            return self.call(stmt, LivePrimal(held.fget), op.operands, ())
        if isinstance(held, types.FunctionType) and receiver.sort != "class":
            self.note(cls, name)
            return Op(FUNCTION, (Const(Method(LivePrimal(held))), op.operands[0]))
        if held is not None:
            self.note(cls, name)  # a number or array of the class
        return None

    # ---- what built-in functions make of containers ------------------------------------------------------------

    def listed(self, stmt: Assign, op: Op) -> Expr | None:
        """`list(xs)` and `tuple(xs)`."""
        if len(op.operands) > 1 or op.keywords:
            return None
        items = self.items(op.operands[0]) if op.operands else []
        return None if items is None else Op(op.name.partition(".")[2], tuple(items))

    def of_items(self, stmt: Assign, op: Op) -> Expr | None:
        """`sum(xs)`, `max(xs)` of a container by name as those of its items."""
        if not op.operands or not isinstance(op.operands[0], Var):
            return None
        if op.name != "builtins.sum" and len(op.operands) > 1:
            return None
        items = self.items(op.operands[0])
        if items is None:
            return None
        return Op(op.name, (Op("list", tuple(items)), *op.operands[1:]), op.keywords, op.spelled)

    def zipped(self, stmt: Assign, op: Op) -> Expr | None:
        rows = [self.items(o) for o in op.operands]
        if op.keywords or any(r is None for r in rows):
            return None
        return Op("tuple", tuple(Op("tuple", row) for row in zip(*[r for r in rows if r is not None])))

    def enumerated(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        start = self.value(dict(op.keywords).get("start", op.operands[1] if len(op.operands) > 1 else Const(0)))
        if items is None or type(start) is not int:
            return None
        return Op("tuple", tuple(Op("tuple", (Const(start + k), item)) for k, item in enumerate(items)))

    def mirrored(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        return None if items is None else Op("tuple", tuple(items[::-1]))

    def dict_of(self, stmt: Assign, op: Op) -> Expr | None:
        """`dict(d, a=x)` and `dict(pairs)`."""
        given: dict[Any, Expr] = {}
        for operand in op.operands:
            kind = self.kind(operand)
            if kind.items is None:
                return None
            if kind.sort == "dict":
                given.update({key: self.part(operand, kind, k) for k, key in enumerate(kind.keys or ())})
                continue
            for k, item in enumerate(kind.items):
                pair = self.part(operand, kind, k)
                parts = self.items(pair)
                key = self.value(parts[0]) if parts is not None and len(parts) == 2 else NOTHING
                if key is NOTHING or parts is None or item.sort not in ("tuple", "list"):
                    return None
                given[key] = parts[1]
        given.update(dict(op.keywords))
        return dict_display(given)

    def getitem(self, stmt: Assign, op: Op) -> Expr | None:
        base, index = op.operands
        kind = self.kind(base)
        if kind.sort not in ("tuple", "list", "dict") or kind.items is None:
            return None
        place = self.value(index)
        if place is NOTHING:
            return None
        if isinstance(place, slice) and kind.sort != "dict":
            try:
                cut = range(len(kind.items))[place]
            except (TypeError, ValueError):
                return None
            return Op(kind.sort, tuple(self.part(base, kind, k) for k in cut))
        at = position_of(kind, place)
        if at is None:
            return None
        if isinstance(base, Var) and not isinstance(index, Const):
            return part_of(base, kind, at)
        return self.known_part(base, at)

    def added(self, stmt: Assign, op: Op) -> Expr | None:
        """`xs + ys` of tuples or lists."""
        sorts = {self.kind(o).sort for o in op.operands}
        if len(sorts) != 1 or not sorts <= {"tuple", "list"} or not self.holds_active(op.operands):
            return None
        items = [self.items(o) for o in op.operands]
        if any(i is None for i in items):
            return None
        return Op(sorts.pop(), tuple(e for i in items for e in i or ()))

    def repeated(self, stmt: Assign, op: Op) -> Expr | None:
        """`xs * 3` of a tuple or list."""
        for xs, count in (op.operands, op.operands[::-1]):
            kind, times = self.kind(xs), self.value(count)
            if kind.sort in ("tuple", "list") and type(times) is int and self.holds_active((xs,)) and times <= 100:
                items = self.items(xs)
                return None if items is None else Op(kind.sort, tuple(items * times))
        return None

    def holds_active(self, operands: Sequence[Expr]) -> bool:
        return any(self.kind(o).carries_derivative for o in operands) and any(vars_of(o) for o in operands)

    def appended(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        return None if items is None else Op("list", (*items, op.operands[1]))

    def put(self, stmt: Assign, op: Op) -> Expr | None:
        """A dict with one more item."""
        base, index, value = op.operands
        kind, key = self.kind(base), self.value(index)
        if kind.sort != "dict" or kind.items is None or key is NOTHING:
            return None
        given: dict[Any, Expr] = {k: self.part(base, kind, i) for i, k in enumerate(kind.keys or ())}
        given[key] = value
        return dict_display(given)

    def joined(self, stmt: Assign, op: Op) -> Expr | None:
        """`[a, *xs, b]` as a display, once nothing in it is a star."""
        return Op(op.name.partition("_")[2], op.operands)

    def partial(self, stmt: Assign, op: Op) -> Expr | None:
        function = self.kind_or_none(op.operands[0])
        if function is None or function.sort != "function":
            return None
        names = tuple(n for n, _ in op.keywords)
        identity = Partial(function, len(op.operands) - 1, names)
        return Op(FUNCTION, (Const(identity), *op.operands, *(v for _, v in op.keywords)))


_HANDLERS: dict[str, Callable[[_Elaborator, Assign, Op], Expr | None]] = {
    "builtins.list": _Elaborator.listed,
    "builtins.tuple": _Elaborator.listed,
    "builtins.sum": _Elaborator.of_items,
    "builtins.min": _Elaborator.of_items,
    "builtins.max": _Elaborator.of_items,
    "math.fsum": _Elaborator.of_items,
    "math.prod": _Elaborator.of_items,
    "builtins.zip": _Elaborator.zipped,
    "builtins.enumerate": _Elaborator.enumerated,
    "builtins.reversed": _Elaborator.mirrored,
    "builtins.dict": _Elaborator.dict_of,
    "operator.getitem": _Elaborator.getitem,
    "operator.add": _Elaborator.added,
    "operator.mul": _Elaborator.repeated,
    "s2sad.append": _Elaborator.appended,
    "s2sad.display_tuple": _Elaborator.joined,
    "s2sad.display_list": _Elaborator.joined,
    "s2sad.put": _Elaborator.put,
    "functools.partial": _Elaborator.partial,
}

#: Arithmetic on literals that index containers.
_LITERALS: dict[str, Callable[..., Any]] = {
    "operator.add": operator.add, "operator.sub": operator.sub, "operator.mul": operator.mul,
    "operator.floordiv": operator.floordiv, "operator.mod": operator.mod, "operator.neg": operator.neg,
    "builtins.min": min, "builtins.max": max, "builtins.int": int, "builtins.abs": abs,
}  # fmt: skip

_COMPARISONS: dict[str, Callable[..., Any]] = {
    "operator.eq": operator.eq, "operator.ne": operator.ne, "operator.not_": operator.not_,
}  # fmt: skip


def _with_flag(block: Block, stopped: Var) -> Block:
    """A trip of a loop that sets a flag where the loop is over after it."""
    made: Block = []
    for stmt in block:
        if isinstance(stmt, Break):
            made.append(Assign(stopped, Const(True), origin=stmt.origin))
            continue
        if isinstance(stmt, If):
            stmt = replace(stmt, body=_with_flag(stmt.body, stopped), orelse=_with_flag(stmt.orelse, stopped))
        made.append(stmt)
    return made


#: Stands for the value of what is no literal.
NOTHING: Any = object()


def fields_given(cls: Any, positional: Sequence[Expr], named: Sequence[tuple[str, Expr]]) -> list[Expr] | None:
    """The values of the fields of a named tuple or dataclass from the arguments of its class.

    None for other classes, for those whose making runs code of the user's, and for arguments that do not fit.
    """
    if is_named_tuple(cls):
        names, defaults = field_names(cls), dict(cls._field_defaults)
        if not cls.__new__.__module__.startswith("namedtuple_") or "__init__" in vars(cls):
            return None
    elif dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        if hasattr(cls, "__post_init__") or any(not f.init or f.kw_only for f in fields):
            return None
        if _is_written(cls):
            return None
        names = tuple(f.name for f in fields)
        defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    else:
        return None
    values: dict[str, Expr] = dict(zip(names, positional))
    if len(positional) > len(names) or any(n not in names or n in values for n, _ in named):
        return None
    values.update(named)
    for name in names:
        if name not in values:
            if type(defaults.get(name, ...)) not in (int, float, bool, str, type(None)):
                return None
            values[name] = Const(defaults[name])
    return [values[n] for n in names]


def _is_written(cls: Any) -> bool:
    """Whether the `__init__` of a class stands in a file, rather than being made by `dataclass`."""
    code = getattr(inspect.getattr_static(cls, "__init__"), "__code__", None)
    return code is None or code.co_filename != "<string>" or cls.__new__ is not object.__new__


def will_be_called(receiver: Kind, name: str) -> bool:
    """Whether an attribute or method, `attribute.x` or `method.x`, of a value is a call of a user's function.

    Its kind is that of the call's result, which is not known before.
    """
    prefix, _, name = name.partition(".")
    if prefix == "method" and receiver.sort == "dict" and receiver.items is not None:
        return name in ("keys", "values", "items", "copy", "get")
    cls = receiver.cls
    if not isinstance(cls, type) or receiver.sort not in ("object", "tuple", "class") or name in dict(receiver.fields):
        return False
    if is_named_tuple(cls) and (name in field_names(cls) or name == "_replace"):
        return name == "_replace"
    held = inspect.getattr_static(cls, name, None)
    if isinstance(held, property):
        return isinstance(held.fget, types.FunctionType) and receiver.sort != "class"
    if isinstance(held, (staticmethod, classmethod)):
        held = held.__func__
    return isinstance(held, types.FunctionType) and (prefix == "method" or receiver.sort != "class")


#: Notes that a value is taken to be of a form, from when all that it may be was not known yet.
ASSUMED = "s2sad.assumed"


def form_of(kind: Kind) -> tuple[Any, ...]:
    """What calls of a value rely on: its class or which function it is, and what it holds."""
    parts = tuple(map(form_of, kind.parts)) if kind.parts is not None else None
    if kind.sort in ("object", "function", "class", *CONTAINERS):
        return kind.sort, kind.cls, kind.keys, tuple(n for n, _ in kind.fields), parts
    return ("value",)


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


def hands_captures(kinds: Sequence[Kind]) -> bool:
    """Whether a function takes or gives a function value that is not the function itself, but what it captured."""

    def holds(kind: Kind) -> bool:
        return isinstance(kind.cls, (Captured, Partial, Method)) or any(map(holds, kind.parts or ()))

    return any(map(holds, kinds))


def is_transient(kind: Kind) -> bool:
    """Whether a value holds a function that is right only as long as the call that it was handed to lasts."""
    if isinstance(kind.cls, Partial) and is_transient(kind.cls.function):
        return True
    return (isinstance(kind.cls, Captured) and kind.cls.transient) or any(map(is_transient, kind.parts or ()))


def position_of(kind: Kind, place: Any) -> int | None:
    """The position of an item in a container, from its index or key; None where there is no such item."""
    if kind.keys is not None:
        return kind.keys.index(place) if place in kind.keys else None
    items = kind.items or ()
    return place % len(items) if type(place) is int and -len(items) <= place < len(items) else None


def like_class(cls: Any, callee: Expr, values: Sequence[Expr]) -> Op:
    """The display of an object of a class, which `callee` names, from the values of its fields."""
    names = field_names(cls) if is_named_tuple(cls) else tuple(f.name for f in dataclasses.fields(cls))
    return Op("s2sad.object", tuple(values), (("class", callee), ("keys", Const(names))))


def field_names(cls: Any) -> tuple[str, ...]:
    """The names of the fields of a named tuple's class."""
    return tuple(cls._fields)


def part_of(base: Expr, kind: Kind, k: int) -> Op:
    """The expression of the k-th thing that a value of a kind holds: an item, the value of a key, an attribute.

    >>> part_of(Var("p"), Kind("dict", items=(Kind("int"), Kind("int")), keys=("w", "b")), 1)
    operator.getitem(p, 'b')
    """
    if kind.sort == "object":
        return Op(f"field.{kind.fields[k][0]}", (base,))
    if kind.sort == "tuple" and is_named_tuple(kind.cls):
        return Op(f"field.{kind.cls._fields[k]}", (base,))
    return Op("operator.getitem", (base, Const(kind.keys[k] if kind.keys is not None else k)))


def kind_needs_place(kind: Kind) -> bool:
    """Whether items of a container have to be told apart: they carry a derivative, or hold others."""
    return kind.carries_derivative or any(k.parts is not None or k.sort == "function" for k in kind.items or ())
