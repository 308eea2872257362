"""Calls of values, methods, attributes and properties as calls of the functions that the kinds say they are."""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence

from s2sad.analysis.literals import NOTHING
from s2sad.analysis.structure import Method, Partial, field_names, fields_given, like_class
from s2sad.analysis.unrolling import Unrolling
from s2sad.frontend.calls import FUNCTION, STAR, VALUE_CALL, Captured, bind_arguments, writes
from s2sad.frontend.expressions import WRITERS
from s2sad.frontend.resolve import Known, LivePrimal, Primal, UserFunction, binding_of
from s2sad.frontend.scopes import parameters, tuple_arity
from s2sad.ir.kinds import Kind, is_named_tuple
from s2sad.ir.nodes import Assign, Call, Const, Expr, Op, Raw, Stmt, Var, dict_display, replace


class ValueCalls(Unrolling):
    """What is called, from what is known of the value that is called or that has the method."""

    def without_stars(self, op: Op) -> Expr | None:
        operands: list[Expr] = []
        for operand in op.operands:
            if not (isinstance(operand, Op) and operand.name == STAR):
                operands.append(operand)
                continue
            kind = self.assumed_kind(operand.operands[0])
            items = None if kind is None else self.items_of(operand.operands[0], kind)
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
