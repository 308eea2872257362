"""The ground floor of following writes: statements as they are written out, operands as values, parts of things."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace as changed
from typing import Any

import gast

from s2sad.analysis.literals import NOTHING
from s2sad.analysis.storage.joins import NeedsTrips
from s2sad.analysis.storage.things import (
    Group,
    Initial,
    Lost,
    Plain,
    Ref,
    State,
    Thing,
    Value,
    is_small_constant,
    name_of_part,
)
from s2sad.analysis.structure import part_of
from s2sad.errors import S2sadError
from s2sad.frontend.calls import FUNCTION
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN, Kind, is_named_tuple, join
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Expr,
    Function,
    Op,
    Raw,
    Stmt,
    Var,
    dict_display,
    keys_of,
    walk,
)
from s2sad.ir.walk import uses

#: What has an identity and may be written into.
SORTS = ("list", "dict", "object")

#: Gives the kinds of a call's results, and whether it writes into its arguments.
Calls = Callable[[Call, list[Kind]], tuple[list[Kind | None], bool]]


class Machine:
    """One function while it is rewritten without writes into things."""

    def __init__(
        self,
        function: Function,
        given: Sequence[Kind],
        lowering: Lowering,
        calls: Calls,
        kind: Callable[[Expr, Callable[[Var], Kind | None]], Kind | None],
    ) -> None:
        self.function = function
        self.lowering = lowering
        self.calls = calls
        self.kind_by = kind
        self.kinds: dict[Var, Kind] = {}
        self.free = dict(function.free)
        self.imports: list[Any] = list(function.annotations.imports)
        self.free_kinds: dict[Var, Kind] = dict(function.annotations.free_kinds)
        self.state = State()
        self.count = 0
        self.prologue: Block = []
        self.out: Block = []
        self.stmt: Stmt | None = None
        self.bases: dict[int, Var] = {}
        self.parents: dict[int, tuple[int, int]] = {}
        self.initials: dict[tuple[int, Any], Var] = {}
        self.globals: dict[Var, Value] = {}
        #: How many loops around may be written out; the lists that loops around run over.
        self.unrollable = self.short = 0
        self.iterated: list[int] = []
        self.sequences: set[Var] = set()
        #: The functions that are being written into this one: what each was called with first.
        self.frames: list[tuple[Any, Expr | None]] = []
        #: The caller's things that are written.
        self.written_outside: set[int] = set()
        #: The things that were written since the last `try` began.
        self.written: set[int] = set()
        self.outside_things: dict[int, Thing] = {}
        #: What new things are called; the Vars that only repeat what a part holds, and whether each was read.
        self.naming = "t"
        self.repeated: dict[Var, tuple[Var, bool]] = {}
        self.reads: dict[Var, int] = {}
        self.count_reads(function.body)
        by_name = {v.hint: k for v, k in self.free_kinds.items()}
        for name, var in function.free.items():
            self.kinds[var] = by_name.get(name, UNKNOWN)
        for param, kind_ in zip(function.params, given):
            self.kinds[param.var] = kind_
            value = self.outside(param.var, kind_, "")
            if not isinstance(value, Plain):
                self.state.env[param.var] = value

    def count_reads(self, body: Block) -> None:
        for stmt in walk(body):
            for var in uses(stmt):
                if var.temporary:
                    self.reads[var] = self.reads.get(var, 0) + 1

    # ---- what comes from outside -------------------------------------------------------------------------------

    def new_identity(self) -> int:
        self.count += 1
        return self.count

    def outside(self, base: Var, kind: Kind, frozen: str) -> Value:
        """The value of an argument or global."""
        value = self.outside_value(kind, base.hint, frozen)
        if isinstance(value, Ref):
            self.bases[value.at] = base
        elif isinstance(value, Group):
            for k, part in enumerate(value.parts):
                if not isinstance(part, Plain) or isinstance(part.expr, Var):
                    self.base_parts(part, base, kind, k)
        return value

    def base_parts(self, part: Value, base: Var, kind: Kind, k: int) -> None:
        """Read the part of a tuple that comes from outside at the start of the function."""
        parts = kind.parts or ()
        if isinstance(part, Plain):
            assert isinstance(part.expr, Var)
            var = part.expr
        else:
            var = Var(base.hint, temporary=True)
        self.kinds[var] = parts[k]
        self.prologue.append(Assign(var, part_of(base, kind, k), origin=self.function.origin))
        if isinstance(part, Ref):
            self.bases[part.at] = var
        elif isinstance(part, Group):
            for j, inner in enumerate(part.parts):
                if not isinstance(inner, Plain) or isinstance(inner.expr, Var):
                    self.base_parts(inner, var, parts[k], j)

    def outside_value(self, kind: Kind, hint: str, frozen: str) -> Value:
        if not holds_things(kind):
            return Plain(Var(hint))
        parts = kind.parts or ()
        if kind.sort == "tuple":
            values = tuple(self.outside_value(k, hint, frozen) for k in parts)
            if is_named_tuple(kind.cls):
                raise self.refuse(
                    "S201", "a named tuple that holds lists or objects is not supported here", "use a tuple"
                )
            return Group(Op("tuple"), values)
        made = self.new_identity()
        if kind.sort == "dict":
            keys: Sequence[Any] = kind.keys or ()
        else:
            keys = [n for n, _ in kind.fields] if kind.sort == "object" else range(len(parts))
        held: dict[Any, Value] = {}
        for k, key in enumerate(keys):
            inner = self.outside_value(parts[k], name_of_part(hint, key), frozen)
            held[key] = Initial() if isinstance(inner, Plain) else inner
            if isinstance(inner, Ref):
                self.parents[inner.at] = (made, k)
            elif isinstance(inner, Group):
                var = Var(name_of_part(hint, key), temporary=True)
                held[key] = Lost("a tuple that holds lists or objects is not supported within an argument")
                del var
        thing = Thing(kind.sort, held, hint, kind.cls, kind=kind, outer=not frozen, frozen=frozen)
        self.state.heap[made] = self.outside_things[made] = thing
        return Ref(made)

    def base_of(self, at: int) -> Var:
        """The caller's own list, dict or object."""
        if at not in self.bases:
            parent, k = self.parents[at]
            base = self.base_of(parent)
            kind = self.kinds[base]
            var = Var(self.state.heap[at].hint, temporary=True) if at in self.state.heap else Var("t", temporary=True)
            self.kinds[var] = (kind.parts or ())[k]
            self.prologue.append(Assign(var, part_of(base, kind, k), origin=self.function.origin))
            self.bases[at] = var
        return self.bases[at]

    def initial(self, at: int, key: Any) -> Var:
        """The Var that holds a part of an argument as it was given."""
        if (at, key) not in self.initials:
            base = self.base_of(at)
            kind = self.kinds[base]
            names = kind.keys if kind.sort == "dict" else tuple(n for n, _ in kind.fields)
            k = key if kind.sort == "list" else (names or ()).index(key)
            var = Var(name_of_part(base.hint, key))
            self.kinds[var] = (kind.parts or ())[k]
            self.prologue.append(Assign(var, part_of(base, kind, k), origin=self.function.origin))
            self.initials[at, key] = var
        return self.initials[at, key]

    # ---- text --------------------------------------------------------------------------------------------------

    def refuse(self, code: str, reason: str, help: str = "write it in another way") -> S2sadError:
        origin = self.stmt.origin if self.stmt is not None else self.function.origin
        return S2sadError(code, reason, origin or self.function.origin, help)

    def put(self, stmt: Stmt) -> None:
        """A statement of the new text, in the place of the present one."""
        if self.stmt is not None:
            stmt.origin, stmt.quote, stmt.group = self.stmt.origin, self.stmt.quote, self.stmt.group
        self.out.append(stmt)

    def repeat(self, var: Var, part: Var) -> None:
        """Let a Var stand for a part as long as nothing is written into that."""
        self.define(var, self.kinds.get(part))
        self.state.env.pop(var, None)
        self.repeated[var] = (part, False)

    def settle(self, part: Var | None = None) -> None:
        """Bind the Vars that repeat a part, or any, that may be read again."""
        for var, (held, was_read) in list(self.repeated.items()):
            if part is None or held is part:
                del self.repeated[var]
                if not was_read or self.reads.get(var, 2) > 1:
                    self.put(Assign(var, held))

    def define(self, var: Var, kind: Kind | None) -> None:
        if kind is not None:
            self.kinds[var] = join(self.kinds[var], kind) if var in self.kinds else kind

    def assign(self, var: Var, expr: Expr) -> None:
        self.define(var, self.kind(expr))
        self.put(Assign(var, expr))

    def temporary(self, expr: Expr, hint: str = "t") -> Var:
        var = Var(hint, temporary=True)
        self.assign(var, expr)
        return var

    def kind(self, expr: Expr) -> Kind | None:
        return self.kind_by(expr, self.kinds.get)

    def kind_of(self, value: Value) -> Kind | None:
        """The kind of a value, things as they are now."""
        if isinstance(value, Plain):
            return self.kind(value.expr)
        if isinstance(value, Ref):
            thing = self.thing(value)
            if thing.grown is not None:
                return self.kinds.get(thing.grown)
            inner = [
                UNKNOWN if isinstance(p, Lost) else self.kind_of(self.read(value.at, k)) for k, p in thing.parts.items()
            ]
            kinds = tuple(k or UNKNOWN for k in inner)
            if thing.sort == "object":
                return Kind("object", cls=thing.cls, fields=tuple(zip(thing.parts, kinds)))
            return Kind(thing.sort, items=kinds, keys=tuple(thing.parts) if thing.sort == "dict" else None)
        if isinstance(value, Group) and value.like.name in (FUNCTION, "tuple"):
            parts = tuple(self.kind_of(p) or UNKNOWN for p in value.parts)
            if value.like.name == "tuple":
                return Kind("tuple", items=parts)
            identity = value.like.operands[0]
            return Kind("function", cls=identity.value if isinstance(identity, Const) else None, items=parts[1:])
        return self.kind(self.display(value))

    def bind(self, var: Var, value: Value) -> None:
        """Let a Var stand for a value."""
        self.repeated.pop(var, None)
        value = self.spread(value)
        if isinstance(value, Plain):
            self.assign(var, value.expr)
            self.state.env.pop(var, None)
            if (known := self.literal(value)) is not NOTHING and is_small_constant(Plain(Const(known))):
                self.state.env[var] = Plain(Const(known))
        else:
            self.state.env[var] = value

    # ---- operands ----------------------------------------------------------------------------------------------

    def value(self, expr: Expr) -> Value:
        """What an operand stands for; a list or dict that is written out is a new thing."""
        if isinstance(expr, Var):
            if expr in self.repeated:
                part = self.repeated[expr][0]
                self.repeated[expr] = (part, True)
                return Plain(part)
            found = self.state.env.get(expr)
            if isinstance(found, Lost):
                raise self.lost(found)
            if found is not None and not isinstance(found, Plain):
                return found
            if expr in self.free_kinds and holds_things(self.free_kinds[expr]):
                if expr not in self.globals:
                    why = f"a write into the global or enclosing variable {expr.hint!r} is not supported"
                    self.globals[expr] = self.outside(expr, self.free_kinds[expr], why)
                return self.globals[expr]
            return Plain(expr)
        if isinstance(expr, Op) and expr.name in ("list", "dict"):
            values = [self.value(o) for o in expr.operands]
            keys: Sequence[Any] = keys_of(expr) if expr.name == "dict" else range(len(values))
            return self.new(expr.name, dict(zip(keys, values)))
        if isinstance(expr, Op) and expr.name == "tuple":
            return self.group(expr, [self.value(o) for o in expr.operands])
        if isinstance(expr, Raw):
            raw = self.raw(expr)
            return Plain(Const(raw.tree.value) if isinstance(raw.tree, gast.Constant) else raw)
        return Plain(expr)

    def raw(self, expr: Raw) -> Raw:
        raise NotImplementedError

    def group(self, like: Op, values: Sequence[Value]) -> Value:
        """A display of values: an operand where it holds no thing."""
        if all(isinstance(v, Plain) for v in values):
            operands = tuple(v.expr for v in values if isinstance(v, Plain))
            return Plain(Op(like.name, operands, like.keywords, like.spelled))
        return Group(like, tuple(self.held(v) for v in values))

    def held(self, value: Value) -> Value:
        """A value that stays what it is when the Var that holds it now is bound again."""
        if isinstance(value, Plain) and not isinstance(value.expr, Const):
            return Plain(self.temporary(value.expr))
        return value

    def items_of_group(self, value: Value) -> list[Value] | None:
        """What a tuple holds, where it is written out."""
        if isinstance(value, Group) and value.like.name == "tuple":
            return list(value.parts)
        if isinstance(value, Plain) and isinstance(value.expr, Op) and value.expr.name == "tuple":
            return [self.value(o) for o in value.expr.operands]
        return None

    def literal(self, value: Value | Expr) -> Any:
        """The Python value where it is known; NOTHING where it is not."""
        if isinstance(value, Plain):
            value = value.expr
        if isinstance(value, Group):
            parts = [self.literal(p) for p in value.parts] if value.like.name == "tuple" else [NOTHING]
            return NOTHING if any(p is NOTHING for p in parts) else tuple(parts)
        if isinstance(value, Const):
            return value.value
        if isinstance(value, Var):
            found = self.state.env.get(value)
            known = isinstance(found, Plain) and isinstance(found.expr, Const)
            return found.expr.value if known else NOTHING  # type: ignore[union-attr]
        if isinstance(value, Op) and value.name in ("tuple", "slice") and not value.keywords:
            parts = [self.literal(o) for o in value.operands]
            if any(p is NOTHING for p in parts):
                return NOTHING
            return tuple(parts) if value.name == "tuple" else slice(*parts)
        return NOTHING

    def plain(self, expr: Expr) -> Expr:
        """An operand of the new text, things as the displays of what they hold."""
        return self.display(self.value(expr))

    def atom(self, value: Value) -> Expr:
        """A value as an operand."""
        expr = self.display(value)
        return self.temporary(expr) if isinstance(expr, Op) and expr.name not in DISPLAYS else expr

    def display(self, value: Value) -> Expr:
        if isinstance(value, Plain):
            return value.expr
        if isinstance(value, Group):
            return Op(value.like.name, tuple(map(self.display, value.parts)), value.like.keywords, value.like.spelled)
        if isinstance(value, Ref):
            return self.display_of_thing(value.at)
        raise self.refuse("S205", value.reason if isinstance(value, Lost) else "this is not known")

    def display_of_thing(self, at: int) -> Expr:
        thing = self.thing(Ref(at))
        if thing.grown is not None:
            return thing.grown
        if self.is_as_given(at):
            return self.base_of(at)
        parts = [self.display(self.read(at, k)) for k in thing.parts]
        if thing.sort == "list":
            return Op("list", tuple(parts))
        if thing.sort == "dict":
            return dict_display(dict(zip(thing.parts, parts)))
        if thing.sort == "object":
            return self.display_of_object(at, thing, parts)
        raise self.refuse("S201", f"a {thing.sort} as a whole is not supported here", "use what it holds")

    def display_of_object(self, at: int, thing: Thing, parts: list[Expr]) -> Expr:
        raise NotImplementedError

    def is_as_given(self, at: int) -> bool:
        """Whether a thing is the caller's and nothing in it was written."""
        thing = self.state.heap[at]
        if thing.changed or (at not in self.bases and at not in self.parents):
            return False
        return all(self.is_as_given(p.at) for p in thing.parts.values() if isinstance(p, Ref))

    def lost(self, value: Lost) -> Exception:
        """The refusal of what cannot be followed; where a loop around may be written out, that comes first."""
        if self.unrollable:
            return NeedsTrips()
        return self.refuse("S205", value.reason, "bind it to one object on every path")

    # ---- things ------------------------------------------------------------------------------------------------

    def thing(self, ref: Ref) -> Thing:
        found = self.state.heap[ref.at]
        if found.stale:
            reason = "which of several objects this is depends on the path, and one of them was written since"
            raise self.refuse("S205", reason, "bind it to one object on every path")
        return found

    def new(
        self, sort: str, parts: dict[Any, Value], hint: str = "", cls: Any = None, maker: Expr | None = None
    ) -> Ref:
        at = self.new_identity()
        self.state.heap[at] = Thing(sort, {}, hint or self.naming, cls, changed=True, maker=maker)
        for key, value in parts.items():
            self.set_part(at, key, value)
        return Ref(at)

    def adopt(self, expr: Expr, hint: str) -> Value:
        """A new list or dict that an operation of a library gave, as a thing."""
        kind = self.kind(expr)
        if kind is None or kind.sort not in ("list", "dict"):
            return Plain(expr)
        if kind.sort == "dict" and kind.items is None:
            return Plain(expr)
        var = expr if isinstance(expr, Var) else self.temporary(expr, hint)
        if kind.items is None:
            at = self.new_identity()
            self.state.heap[at] = Thing("list", {}, hint, grown=var, changed=True)
            return Ref(at)
        keys: Sequence[Any] = kind.keys or () if kind.sort == "dict" else range(len(kind.items))
        values: dict[Any, Value] = {}
        for k, key in enumerate(keys):
            part = Plain(self.temporary(part_of(var, kind, k)))
            values[key] = self.adopt(part.expr, hint) if holds_things(kind.items[k]) else part
        return self.new(kind.sort, values, hint)

    def read(self, at: int, key: Any) -> Value:
        """A part of a thing."""
        part = self.thing(Ref(at)).parts[key]
        if isinstance(part, Initial):
            part = Plain(self.initial(at, key))
            thing = self.state.heap[at]
            self.state.heap[at] = changed(thing, parts={**thing.parts, key: part})
        if isinstance(part, Lost):
            raise self.lost(part)
        return part

    def before_write(self, at: int) -> Thing:
        """The thing, once it may be written into."""
        thing = self.thing(Ref(at))
        if thing.frozen:
            raise self.refuse(
                "S205" if "path" in thing.frozen else "S201", thing.frozen, "pass it as an argument, or copy it"
            )
        self.written.add(at)
        if thing.outer:
            self.written_outside.add(at)
        for other, held in self.state.heap.items():
            if at in held.watched:
                self.state.heap[other] = changed(held, stale=True)
        thing = changed(thing, changed=True)
        self.state.heap[at] = thing
        return thing

    def set_part(self, at: int, key: Any, value: Value) -> None:
        """Write a part of a thing."""
        value = self.spread(value)
        thing = self.before_write(at)
        if key not in thing.parts:
            self.check_not_iterated(at)
        if isinstance(value, Plain) and not isinstance(value.expr, Const):
            present = thing.parts.get(key)
            if isinstance(present, Initial):
                present = Plain(self.initial(at, key))
            var = present.expr if isinstance(present, Plain) and isinstance(present.expr, Var) else None
            if var is None:
                var = Var(name_of_part(thing.hint, key))
            if var is not value.expr:
                self.settle(var)
                self.assign(var, value.expr)
            value = Plain(var)
        self.set_parts(at, {**self.state.heap[at].parts, key: value})

    def spread(self, value: Value) -> Value:
        """A display as a thing of its own, or as a tuple whose items are known."""
        if isinstance(value, Plain) and isinstance(value.expr, Op) and value.expr.name in ("list", "dict"):
            return self.value(value.expr)
        if isinstance(value, Plain) and isinstance(value.expr, Op) and value.expr.name == "tuple":
            parts = [self.spread(Plain(o)) for o in value.expr.operands]
            return Group(Op("tuple"), tuple(map(self.held, parts)))
        return value

    def set_parts(self, at: int, parts: dict[Any, Value]) -> None:
        self.state.heap[at] = changed(self.state.heap[at], parts=parts)

    def check_not_iterated(self, at: int) -> None:
        if at in self.iterated:
            sort = self.state.heap[at].sort
            reason = f"a loop over this {sort} adds to it or takes from it, which is not supported"
            raise self.refuse("S201", reason, "loop over a copy")

    def grow(self, at: int) -> Var:
        """A list as one of unknown length, in one Var."""
        thing = self.thing(Ref(at))
        if thing.grown is not None:
            return thing.grown
        parts = [self.read(at, k) for k in thing.parts]
        if not all(isinstance(p, Plain) for p in parts):
            if self.unrollable:
                raise NeedsTrips
            reason = "a list of unknown length that holds lists, dicts or objects which may be written is not supported"
            raise self.refuse("S201", reason, "use one list for each of what they hold, or an array")
        var = Var(thing.hint)
        self.assign(var, Op("list", tuple(p.expr for p in parts if isinstance(p, Plain))))
        self.state.heap[at] = changed(self.state.heap[at], parts={}, grown=var, changed=True)
        return var

    def keep_live(self, live: Collection[Var]) -> None:
        self.state.env = {v: x for v, x in self.state.env.items() if v in live}


def holds_things(kind: Kind) -> bool:
    """Whether a value is, or holds, a list, dict or object of known contents."""
    if kind.sort in SORTS:
        return kind.parts is not None or (kind.sort == "object" and _is_of_user(kind.cls))
    return kind.sort == "tuple" and any(map(holds_things, kind.items or ()))


def _is_of_user(cls: Any) -> bool:
    """Whether an object without attributes may get some."""
    return isinstance(cls, type) and cls.__module__.partition(".")[0] not in (
        "builtins",
        "numpy",
        "itertools",
        "collections",
    )
