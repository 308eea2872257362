"""Objects and calls while writes into things are followed: attributes, methods, classes, functions given things.

A function that is given a thing, or gives one back, is written into its caller: what it does to the thing depends on
which other names of the caller stand for it.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Sequence
from dataclasses import replace as changed
from typing import Any

import gast

from s2sad.analysis.storage.containers import Containers
from s2sad.analysis.storage.machine import holds_things
from s2sad.analysis.storage.things import Group, Plain, Ref, Thing, Value
from s2sad.analysis.structure import Method, Partial, field_names, fields_given, part_of
from s2sad.errors import S2sadError
from s2sad.frontend.calls import FUNCTION, VALUE_CALL, Captured, bind_arguments
from s2sad.frontend.resolve import Known, LivePrimal, Primal, UserFunction, binding_of
from s2sad.frontend.scopes import parameters, tuple_arity
from s2sad.ir.kinds import UNKNOWN, is_named_tuple
from s2sad.ir.nodes import Block, Call, Const, Expr, Function, Label, Op, Var, blocks_of
from s2sad.ir.walk import rewrite, set_blocks, vars_of

#: How deep functions are written into each other.
_DEEPEST = 24

SUPER = "s2sad.super"

_NEW = inspect.getattr_static(object, "__new__")


class Objects(Containers):
    """Attributes, methods, making of objects, and the calls of functions that are given things."""

    def handle(self, value: Value, hint: str = "t") -> Var:
        """A Var that stands for a value, to pass on as an operand."""
        var = Var(hint, temporary=True)
        self.bind(var, value)
        return var

    def class_of(self, value: Value) -> tuple[str, Any]:
        """Whether a value is an object, a class or a named tuple, and of which class."""
        if isinstance(value, Ref):
            thing = self.thing(value)
            return thing.sort, thing.cls
        if isinstance(value, Group) and value.like.name == SUPER:
            return "super", None
        if isinstance(value, Group) and value.like.name == FUNCTION:
            identity = value.like.operands[0]
            return "function", identity.value if isinstance(identity, Const) else None
        kind = self.kind_of(value) or UNKNOWN
        return kind.sort, kind.cls

    # ---- attributes --------------------------------------------------------------------------------------------

    def attribute(self, value: Value, name: str) -> Value | None:
        """`value.name`; None where the operation stays as it is."""
        sort, cls = self.class_of(value)
        if isinstance(value, Group) and value.like.name == "s2sad.object" and name in field_names(cls):
            return value.parts[field_names(cls).index(name)]
        if sort == "super":
            held, self_ = self.inherited(value, name)
            if isinstance(held, property):
                return self.call_function(held.fget, [self_], {})
            return self.bound_method(held, self_, name)
        if sort != "object" or not isinstance(value, Ref):
            return None
        thing = self.thing(value)
        if name in thing.parts:
            return self.read(value.at, name)
        if name == "__class__":
            return None
        held = inspect.getattr_static(cls, name, None)
        if isinstance(held, property):
            return self.call_function(held.fget, [value], {})
        if isinstance(held, (types.FunctionType, staticmethod, classmethod)):
            return self.bound_method(held, value, name)
        if held is None:
            raise self.refuse(
                "S201", f"this {cls.__name__} has no attribute {name!r} here", "the function itself raises"
            )
        self.note(cls, name)
        if type(held) in (int, float, bool, str, type(None)):
            return Plain(Const(held))
        return None

    @staticmethod
    def class_constant(cls: Any, name: str) -> Value | None:
        """A number or text that a class holds for all its objects."""
        held = inspect.getattr_static(cls, name, None)
        return Plain(Const(held)) if type(held) in (int, float, bool, str) else None

    def note(self, cls: type, name: str) -> None:
        self.lowering.methods[cls, name] = inspect.getattr_static(cls, name)

    def bound_method(self, held: Any, value: Value, name: str) -> Value:
        if not isinstance(held, types.FunctionType):
            raise self.refuse("S201", f"the method {name!r} as a value is not supported here", "call it")
        return Group(Op(FUNCTION, (Const(Method(LivePrimal(held))),)), (Plain(Const(Method(LivePrimal(held)))), value))

    def inherited(self, value: Value, name: str) -> tuple[Any, Value]:
        """What `super().name` is, and of which object."""
        assert isinstance(value, Group) and isinstance(value.like.operands[0], Const)
        after, self_ = value.like.operands[0].value, value.parts[1]
        _, cls = self.class_of(self_)
        line = cls.__mro__ if isinstance(cls, type) else ()
        for base in line[line.index(after) + 1 :] if after in line else ():
            if name in vars(base):
                self.note(base, name)
                return vars(base)[name], self_
        raise self.refuse("S201", f"no class above this one has {name!r}", "the function itself raises here")

    def set_attribute(self, base: Value, name: str, value: Value, how: str | None) -> None:
        """`base.name = value`, or with `how` an operation with what was there."""
        sort, cls = self.class_of(base)
        if not isinstance(base, Ref) or sort != "object":
            what = {"class": "a class", "module": "a module", "array": "an array"}.get(sort, "what is not known")
            raise self.refuse(
                "S201", f"a write into an attribute of {what} is not supported", "return the value instead"
            )
        if how is not None:
            old = self.attribute(base, name)
            if old is None:
                old = Plain(self.temporary(Op(f"attribute.{name}", (self.display(base),))))
            value = self.updated(old, value, how)
        held = inspect.getattr_static(cls, name, None)
        if isinstance(held, property) and isinstance(held.fset, types.FunctionType):
            self.note(cls, name)
            self.call_function(held.fset, [base, value], {})
            return
        if cls.__setattr__ is not object.__setattr__ or (inspect.isdatadescriptor(held) and not _is_slot(held)):
            reason = f"a write into the attribute {name!r} of a {cls.__name__} runs code of its class"
            raise self.refuse("S201", reason, "make a new object instead")
        self.set_part(base.at, name, value)

    def display_of_object(self, at: int, thing: Thing, parts: list[Expr]) -> Expr:
        names = tuple(thing.parts)
        if at in self.bases or at in self.parents:
            base = self.base_of(at)
            given = tuple(n for n, _ in self.kinds[base].fields)
            if set(given) == set(names):
                values = dict(zip(names, parts))
                keys = ("keys", Const(given))
                return Op("s2sad.replaced", tuple(values[n] for n in given), (("like", base), keys))
        elif thing.maker is not None and dataclasses.is_dataclass(thing.cls):
            fields = tuple(f.name for f in dataclasses.fields(thing.cls))
            if set(fields) == set(names) and fields_given(thing.cls, parts, ()) is not None:
                values = dict(zip(names, parts))
                made = tuple(values[n] for n in fields)
                return Op("s2sad.object", made, (("class", thing.maker), ("keys", Const(fields))))
        reason = (
            f"an object of class {thing.cls.__name__} that is made or given attributes here cannot be used as a whole"
        )
        raise self.refuse("S201", reason, "use its attributes, or make it outside")

    # ---- methods -----------------------------------------------------------------------------------------------

    def method(self, name: str, values: list[Value], named: dict[str, Value]) -> Value | None:
        """`values[0].name(…)`; None where the operation stays as it is."""
        base, *given = values
        sort, cls = self.class_of(base)
        if isinstance(base, Ref) and sort == "list":
            return self.list_method(base.at, name, given, named)
        if isinstance(base, Ref) and sort == "set":
            return self.set_method(base.at, name, given)
        if isinstance(base, Ref) and sort == "dict":
            return self.dict_method(base.at, name, given, named)
        if sort == "super":
            held, self_ = self.inherited(base, name)
            if name == "__init__" and not isinstance(held, types.FunctionType):
                return Plain(Const(None))
            return self.call_held(held, self_, name, given, named)
        if sort == "class":
            held = inspect.getattr_static(cls, name, None)
            function = held.__func__ if isinstance(held, (staticmethod, classmethod)) else held
            if not isinstance(function, types.FunctionType):
                return None
            self.note(cls, name)
            first = [base] if isinstance(held, classmethod) else []
            return self.call_function(function, [*first, *given], named)
        if not isinstance(cls, type) or not (sort == "object" or (sort == "tuple" and is_named_tuple(cls))):
            return None
        if isinstance(base, Ref) and name in self.thing(base).parts:
            return self.call_value(self.read(base.at, name), given, named)
        held = inspect.getattr_static(cls, name, None)
        if isinstance(held, property):
            function = self.attribute(base, name)
            return None if function is None else self.call_value(function, given, named)
        if not isinstance(held, (types.FunctionType, staticmethod, classmethod)):
            if isinstance(base, Ref):
                raise self.refuse("S201", f"the method {name!r} of a {cls.__name__} cannot be followed", "write it out")
            return None
        self.note(cls, name)
        return self.call_held(held, base, name, given, named)

    def call_held(self, held: Any, base: Value, name: str, given: list[Value], named: dict[str, Value]) -> Value | None:
        if isinstance(held, staticmethod):
            return self.call_function(held.__func__, given, named)
        if isinstance(held, classmethod):
            cls = (
                Plain(self.temporary(Op("builtins.type", (self.display(base),)))) if not isinstance(base, Ref) else None
            )
            return self.call_function(held.__func__, [cls or self.class_value(base), *given], named)
        if not isinstance(held, types.FunctionType):
            raise self.refuse("S201", f"the method {name!r} cannot be followed", "write it out")
        return self.call_function(held, [base, *given], named)

    def class_value(self, base: Value) -> Value:
        assert isinstance(base, Ref)
        thing = self.thing(base)
        if thing.maker is not None:
            return Plain(thing.maker)
        return Plain(self.temporary(Op("builtins.type", (self.base_of(base.at),))))

    # ---- calls -------------------------------------------------------------------------------------------------

    def call_function(self, function: Any, given: Sequence[Value], named: dict[str, Value]) -> Value:
        if not isinstance(function, types.FunctionType):
            raise self.refuse(
                "S204", "which function is called here cannot be found out", "call a function by its name"
            )
        return self.call_primal(LivePrimal(function), given, named)

    def call_primal(
        self, primal: Primal, given: Sequence[Value], named: dict[str, Value], captured: Sequence[Value] = (),
        closure: Captured | None = None,
    ) -> Value:  # fmt: skip
        """The value of a call of a user's function."""
        assert self.stmt is not None
        params = parameters(primal.source.node.args)
        held = [self.handle(v) for v in captured]
        defaults = closure.defaults_from(held) if closure is not None else {}
        positional = [self.handle(v) for v in given]
        by_name = [(n, self.handle(v)) for n, v in named.items()]
        arguments = bind_arguments(primal, params, positional, by_name, self.stmt.origin, defaults)
        if closure is not None:
            arguments += closure.captures_from(held)
        arity = tuple_arity(primal.source.node)
        results = [Var("t", temporary=True) for _ in range(arity if arity is not None else 1)]
        self.user_call(self.lowering.label(primal), [self.value(a) for a in arguments], results)
        values = [self.value(r) for r in results]
        return values[0] if arity is None else self.group(Op("tuple"), values)

    def call_value(self, callee: Value, given: list[Value], named: dict[str, Value]) -> Value | None:
        """A call of a value; None where it stays as it is."""
        sort, cls = self.class_of(callee)
        if isinstance(callee, Ref) and sort == "object":
            return self.method("__call__", [callee, *given], named)
        if sort == "class":
            return self.make(callee, cls, given, named)
        if sort != "function":
            return None
        if isinstance(callee, Group):
            parts = list(callee.parts[1:])
        else:
            kind = self.kind_of(callee) or UNKNOWN
            base = self.display(callee)
            parts = [Plain(self.temporary(part_of(base, kind, k))) for k in range(len(kind.items or ()))]
        if isinstance(cls, Partial):
            first, bound = parts[1 : 1 + cls.count], parts[1 + cls.count :]
            return self.call_or_leave(parts[0], [*first, *given], {**dict(zip(cls.names, bound)), **named})
        if isinstance(cls, Method):
            return self.call_primal(cls.primal, [parts[0], *given], named)
        found = Known(cls) if isinstance(cls, str) else cls
        if not isinstance(found, (Known, Primal, Captured)):
            found = binding_of(found)
        if isinstance(found, UserFunction):
            found = found.primal
        if isinstance(found, Known):
            return self.library(Op(found.name), list(given), named)
        if isinstance(found, Captured):
            return self.call_primal(found.primal, given, named, parts, found)
        return self.call_primal(found, given, named) if isinstance(found, Primal) else None

    def call_or_leave(self, callee: Value, given: list[Value], named: dict[str, Value]) -> Value:
        found = self.call_value(callee, given, named)
        if found is None:
            keywords = tuple((n, self.display(v)) for n, v in named.items())
            return Plain(Op(VALUE_CALL, (self.display(callee), *map(self.atom, given)), keywords))
        return found

    def library(self, op: Op, values: list[Value], named: dict[str, Value]) -> Value:
        raise NotImplementedError

    def make(self, callee: Value, cls: Any, given: list[Value], named: dict[str, Value]) -> Value | None:
        """A new object of a class."""
        maker = self.display(callee)
        hint = cls.__name__.lower()
        if is_named_tuple(cls):
            held = [self.handle(v) for v in given]
            values = fields_given(cls, held, [(n, self.handle(v)) for n, v in named.items()])
            if values is None:
                return None
            like = Op("s2sad.object", tuple(values), (("class", maker), ("keys", Const(field_names(cls)))))
            return self.group(like, [self.value(v) for v in values])
        if type(cls) is not type or inspect.getattr_static(cls, "__new__", None) is not _NEW:
            raise self.unmade(cls)
        init = inspect.getattr_static(cls, "__init__", None)
        is_generated = dataclasses.is_dataclass(cls) and getattr(init, "__code__", None) is not None
        if is_generated and init.__code__.co_filename == "<string>":
            made = self.new("object", {}, hint, cls, maker)
            self.fill_fields(made, cls, given, named)
            post = inspect.getattr_static(cls, "__post_init__", None)
            if post is not None:
                self.note(cls, "__post_init__")
                self.call_function(post, [made], {})
            return made
        made = self.new("object", {}, hint, cls, maker)
        if isinstance(init, types.FunctionType):
            self.note(cls, "__init__")
            self.call_function(init, [made, *given], named)
        elif init is not object.__init__ or given or named:
            raise self.unmade(cls)
        return made

    def unmade(self, cls: type) -> S2sadError:
        return self.refuse(
            "S201", f"the making of a {cls.__name__} cannot be followed", "make it outside, and pass it in"
        )

    def fill_fields(self, made: Ref, cls: Any, given: list[Value], named: dict[str, Value]) -> None:
        """What the `__init__` that `dataclass` made does."""
        fields = dataclasses.fields(cls)
        positional = [f.name for f in fields if f.init and not f.kw_only]
        values = dict(zip(positional, given))
        names = {f.name for f in fields if f.init}
        wrong = next((n for n in named if n not in names or n in values), None)
        if len(given) > len(positional) or wrong is not None:
            raise self.refuse("S402", f"{cls.__name__} does not take these arguments", "the function raises here")
        values.update(named)
        for f in fields:
            if f.name in values:
                value = values[f.name]
            elif f.default_factory in (list, dict):
                value = self.new("list" if f.default_factory is list else "dict", {}, f.name)
            elif type(f.default) in (int, float, bool, str, type(None)):
                value = Plain(Const(f.default))
            else:
                reason = f"the field {f.name!r} of {cls.__name__} has no value here that can be written down"
                raise self.refuse("S201", reason, f"pass {f.name!r}")
            self.set_part(made.at, f.name, value)

    def replaced(self, value: Value, named: dict[str, Value]) -> Value | None:
        """`dataclasses.replace(x, a=…)`"""
        if not isinstance(value, Ref):
            return None
        thing = self.thing(value)
        if thing.sort != "object" or not dataclasses.is_dataclass(thing.cls):
            return None
        fields = [f.name for f in dataclasses.fields(thing.cls) if f.init]
        values = {n: named[n] if n in named else self.read(value.at, n) for n in fields}
        if any(n not in values for n in named):
            raise self.refuse("S402", "this object does not take these arguments")
        return self.make(self.class_value(value), thing.cls, [], values)

    # ---- functions written into their callers ------------------------------------------------------------------

    def user_call(self, label: Any, arguments: Sequence[Any], results: list[Var]) -> None:
        assert isinstance(label, Label) and self.stmt is not None
        things = any(not isinstance(a, Plain) for a in arguments)
        open_calls = sum(label is inner for inner, _ in self.frames) + (label is self.function.label)
        if not things or open_calls:
            operands = tuple(self.atom(a) for a in arguments)
            stmt = Call(tuple(results), label, operands)
            stmt.origin, stmt.quote, stmt.group = self.stmt.origin, self.stmt.quote, self.stmt.group
            kinds, writes = self.calls(stmt, [self.kind(o) or UNKNOWN for o in operands])
            gives = any(k is not None and holds_things(k) for k in kinds)
            if open_calls > _DEEPEST and (writes or gives):
                reason = (
                    f"{label.hint} writes into lists or objects and calls itself; where this ends cannot be found out"
                )
                raise self.refuse("S201", reason, "return new values instead")
            if not writes and not gives:
                for var, kind in zip(results, kinds):
                    self.define(var, kind)
                self.out.append(stmt)
                return
        self.write_in(label, arguments, results)

    def write_in(self, label: Label, arguments: Sequence[Any], results: list[Var]) -> None:
        """The body of a function in place of its call."""
        callee = self.own_copy(self.lowering.function(label))
        self.count_reads(callee.body)
        for param, value in zip(callee.params, arguments):
            self.bind(param.var, value)
        first = callee.params[0].var if callee.params else None
        self.frames.append((label, first))
        outer = self.stmt
        returned = callee.results.values
        live = {v for v in self.state.env} | {v for e in returned for v in vars_of(e)}
        self.block(callee.body[:-1], live)
        self.stmt = outer
        self.frames.pop()
        for var, expr in zip(results, returned):
            self.bind(var, self.value(expr))

    def own_copy(self, function: Function) -> Function:
        """A function with Vars of its own, but for the globals, which are those of the caller."""
        own: dict[Var, Var] = {}
        if not same_names(self.function, function):
            name = function.label.hint
            reason = f"{name}, of another module, is given or gives lists or objects that are written into"
            raise self.refuse("S201", f"{reason}, which cannot be followed", "let it return new values")
        for name, var in function.free.items():
            own[var] = self.free.setdefault(name, var)
            if own[var] is var:
                kind = function.annotations.free_kinds.get(var, UNKNOWN)
                self.free_kinds[var] = self.kinds[var] = kind
        self.imports += [i for i in function.annotations.imports if i not in self.imports]

        def change(var: Var) -> Var:
            if var not in own:
                own[var] = Var(var.hint, var.temporary)
            return own[var]

        def block(old: Block) -> Block:
            made = []
            for stmt in old:
                new = rewrite(stmt, change, change)
                set_blocks(new, [block(b) for b in blocks_of(stmt)])
                made.append(new)
            return made

        params = [dataclasses.replace(p, var=change(p.var)) for p in function.params]
        return changed(function, params=params, body=block(function.body))


def _is_slot(held: Any) -> bool:
    return isinstance(held, types.MemberDescriptorType)


def same_names(caller: Function, callee: Function) -> bool:
    """Whether all names in the text of a callee mean in its caller what they mean in it."""
    if callee.primal is None or caller.primal is None:
        return callee.primal is caller.primal
    inside, outside = callee.primal.scope, caller.primal.scope
    names = dict.fromkeys(n.id for n in gast.walk(callee.primal.source.node) if isinstance(n, gast.Name))
    own = {p.name for p in callee.params}
    return all(inside.meaning(n) == outside.meaning(n) for n in names if n not in own)
