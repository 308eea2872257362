"""Lists and dicts while writes into things are followed: items, methods, what functions make of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from typing import Any

from s2sad.analysis.lists import REPEATED
from s2sad.analysis.literals import NOTHING
from s2sad.analysis.storage.flow import Flow
from s2sad.analysis.storage.joins import NeedsTrips
from s2sad.analysis.storage.things import Group, Plain, Ref, Thing, Value
from s2sad.analysis.structure import part_of
from s2sad.frontend.calls import STAR
from s2sad.ir.kinds import is_named_tuple
from s2sad.ir.nodes import Const, Op, Store, Var
from s2sad.rules.binding import IN_PLACE

#: The methods of lists and dicts that are followed.
LIST_METHODS = ("append", "extend", "insert", "pop", "remove", "clear", "reverse", "copy", "index", "count", "sort")
DICT_METHODS = ("get", "pop", "setdefault", "update", "keys", "values", "items", "copy", "clear", "popitem")
#: Those that write.
WRITING_METHODS = frozenset({
    "append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "setdefault", "update", "popitem",
})  # fmt: skip

_FOLDED: dict[str, Callable[..., Any]] = {
    "operator.add": operator.add, "operator.sub": operator.sub, "operator.mul": operator.mul,
    "operator.floordiv": operator.floordiv, "operator.mod": operator.mod, "operator.neg": operator.neg,
    "operator.eq": operator.eq, "operator.ne": operator.ne, "operator.lt": operator.lt, "operator.le": operator.le,
    "operator.gt": operator.gt, "operator.ge": operator.ge, "operator.not_": operator.not_, "builtins.int": int,
    "operator.getitem": operator.getitem, "builtins.len": len, "builtins.min": min, "builtins.max": max,
    "builtins.abs": abs, "builtins.bool": bool, "builtins.str": str,
}  # fmt: skip

_NONE = Plain(Const(None))


class Containers(Flow):
    """Operations on lists, dicts and tuples that hold things."""

    def folded(self, op: Op, values: Sequence[Value]) -> Value | None:
        """The value of an operation on literals."""
        if op.name not in _FOLDED or op.keywords:
            return None
        known = [self.literal(v) for v in values]
        if not known or any(type(k) not in (int, str, bool, type(None)) for k in known):
            return None
        try:
            return Plain(Const(_FOLDED[op.name](*known)))
        except (ArithmeticError, ValueError, TypeError):
            return None

    def contents(self, value: Value) -> list[Value] | None:
        """What iterating over a value gives, where that is known."""
        if isinstance(value, Ref):
            thing = self.thing(value)
            if thing.sort == "set":
                raise self.refuse("S201", "to run over a set is not supported: its order is not known", "sort it first")
            if thing.sort == "dict":
                return [Plain(Const(k)) for k in thing.parts]
            if thing.sort != "list" or thing.grown is not None:
                return None
            return [self.read(value.at, k) for k in thing.parts]
        group = self.items_of_group(value)
        if group is not None:
            return group
        if isinstance(value, Plain):
            kind = self.kind(value.expr)
            if kind is not None and kind.sort == "tuple" and kind.items is not None and not is_named_tuple(kind.cls):
                return [self.value(self.temporary(part_of(value.expr, kind, k))) for k in range(len(kind.items))]
            if kind is not None and kind.sort == "dict" and kind.items is not None:
                return [Plain(Const(k)) for k in kind.keys or ()]
        return None

    # ---- items -------------------------------------------------------------------------------------------------

    def place(self, thing: Thing, key: Any) -> Any:
        """The key under which a part stands; NOTHING where there is none."""
        if thing.sort == "list":
            count = len(thing.parts)
            return key % count if type(key) is int and -count <= key < count else NOTHING
        try:
            return key if key in thing.parts else NOTHING
        except TypeError:
            return NOTHING

    def missing(self, thing: Thing, key: Any) -> Exception:
        reason = f"as far as can be followed, this {thing.sort} has no item {key!r} here"
        return self.refuse("S201", reason, "make it as long as it gets before the loop, or use an array")

    def getitem(self, base: Value, index: Value) -> Value | None:
        """`base[index]`; None where the operation stays as it is."""
        key = self.literal(index)
        items = self.items_of_group(base)
        if items is not None and key is not NOTHING:
            try:
                found = items[key]
            except (IndexError, TypeError):
                return None
            return self.group(Op("tuple"), found) if isinstance(found, list) else found
        if isinstance(base, Group) and base.like.name == "tuple":
            return self.without_place(base, index)
        if not isinstance(base, Ref):
            return None
        thing = self.thing(base)
        if thing.grown is not None:
            if isinstance(key, slice) or self.is_slice(index):
                return self.adopt(self.temporary(Op("operator.getitem", (thing.grown, self.atom(index)))), thing.hint)
            return Plain(Op("operator.getitem", (thing.grown, self.atom(index))))
        if isinstance(key, slice) and thing.sort == "list":
            return self.new("list", dict(enumerate([self.read(base.at, k) for k in range(len(thing.parts))[key]])))
        if key is NOTHING:
            return self.without_place(base, index)
        at = self.place(thing, key)
        if at is NOTHING:
            raise self.missing(thing, key)
        return self.read(base.at, at)

    @staticmethod
    def is_slice(index: Value) -> bool:
        return isinstance(index, Plain) and isinstance(index.expr, Op) and index.expr.name == "slice"

    def without_place(self, base: Value, index: Value) -> Value:
        """An item at an index that is not known: a loop is written out, or the list is read as a whole."""
        if self.unrollable:
            raise NeedsTrips
        things = isinstance(base, Group) or any(isinstance(p, Ref | Group) for p in self.thing(base).parts.values())  # type: ignore[arg-type]
        if things or (isinstance(base, Ref) and self.thing(base).sort != "list"):
            raise self.refuse("S201", "which item this is cannot be found out", "use a literal index, or an array")
        return Plain(Op("operator.getitem", (self.display(base), self.atom(index))))

    def setitem(self, base: Value, index: Value, value: Value, how: str | None = None) -> None:
        """`base[index] = value`, or with `how` an operation with what was there."""
        assert isinstance(base, Ref)
        thing = self.thing(base)
        key = self.literal(index)
        if isinstance(key, slice) or self.is_slice(index):
            self.set_slice(base.at, thing, key, value, how)
            return
        if thing.grown is None and key is NOTHING:
            if self.unrollable:
                raise NeedsTrips
            if thing.sort != "list":
                raise self.refuse("S201", "a dict whose keys are not literals is not supported", "use a list")
            self.grow(base.at)
            thing = self.thing(base)
        if thing.grown is not None:
            self.set_in_grown(base.at, index, value, how)
            return
        at = self.place(thing, key)
        if at is NOTHING:
            if thing.sort == "list" or how is not None:
                raise self.missing(thing, key)
            at = key
        if how is not None:
            value = self.updated(self.read(base.at, at), value, how)
        self.set_part(base.at, at, value)

    def updated(self, old: Value, value: Value, how: str) -> Value:
        """`old op= value`: a new number, or the array itself, written into."""
        self.settle()
        inplace = "operator.i" + how.partition(".")[2].rstrip("_")
        if isinstance(old, Ref):
            return self.inplace(inplace, old, value)
        kind = self.kind_of(old)
        target = self.atom(old)
        if kind is not None and kind.is_array and kind.rank != 0 and isinstance(target, Var):
            self.put(Store(target, None, self.atom(value), how))
            return old
        if kind is not None and kind.shape == ():
            return Plain(Op(how, (target, self.atom(value))))
        var = self.temporary(target)
        self.assign(var, Op(inplace, (var, self.atom(value)), spelled=how.partition(".")[2]))
        return Plain(var)

    def set_in_grown(self, at: int, index: Value, value: Value, how: str | None) -> None:
        grown = self.before_write(at).grown
        assert grown is not None
        place = self.atom(index)
        if how is not None:
            value = self.updated(Plain(self.temporary(Op("operator.getitem", (grown, place)))), value, how)
        item = self.atom(value)
        self.settle(grown)
        self.assign(grown, Op("s2sad.runtime.containers.with_item", (grown, place, item)))

    def set_slice(self, at: int, thing: Thing, key: Any, value: Value, how: str | None) -> None:
        items = self.contents(value)
        if thing.sort != "list" or thing.grown is not None or key is NOTHING or items is None or how is not None:
            raise self.refuse(
                "S201", "this write into a slice of a list is not supported", "write its items one by one"
            )
        held = [self.read(at, k) for k in thing.parts]
        count = len(held)
        held[key] = [self.held(v) for v in items]
        if len(held) != count:
            self.check_not_iterated(at)
        self.refill(at, held)

    def refill(self, at: int, values: Sequence[Value]) -> None:
        """A list with other contents; values that it holds already stay in their Vars."""
        thing = self.before_write(at)
        own = {p.expr for p in thing.parts.values() if isinstance(p, Plain) and isinstance(p.expr, Var)}
        parts: dict[Any, Value] = {}
        for k, value in enumerate(values):
            if isinstance(value, Plain) and not isinstance(value.expr, Const):
                if isinstance(value.expr, Var) and value.expr in own:
                    own.discard(value.expr)
                else:
                    value = Plain(self.temporary(value.expr, f"{thing.hint}{k}"))
            parts[k] = value
        self.set_parts(at, parts)

    def delete(self, base: Value, index: Value) -> None:
        """`del base[index]`"""
        if not isinstance(base, Ref):
            raise self.refuse("S201", "`del` of an item of what is no list or dict of this function is not supported")
        thing = self.thing(base)
        key = self.literal(index)
        if thing.grown is not None and key == -1:
            self.pop(base.at, [])
            return
        if key is NOTHING and self.unrollable:
            raise NeedsTrips
        if thing.grown is not None or key is NOTHING:
            raise self.refuse("S201", "`del` of an item that is not known is not supported", "build a new list")
        self.check_not_iterated(base.at)
        if isinstance(key, slice):
            held = [self.read(base.at, k) for k in thing.parts]
            del held[key]
            self.refill(base.at, held)
            return
        at = self.place(thing, key)
        if at is NOTHING:
            raise self.missing(thing, key)
        self.before_write(base.at)
        left = [(k, p) for k, p in thing.parts.items() if k != at]
        self.set_parts(base.at, dict(enumerate(p for _, p in left)) if thing.sort == "list" else dict(left))

    # ---- sets ------------------------------------------------------------------------------------------------------

    def new_set(self, values: Sequence[Value] | None) -> Value:
        if values is None:
            raise self.refuse("S201", "a set of what is not known is not supported", "use a list")
        made = self.new("set", {})
        for value in values:
            self.add(made.at, value)
        return made

    def add(self, at: int, value: Value) -> None:
        key = self.literal(value)
        if key is NOTHING:
            if self.unrollable:
                raise NeedsTrips
            raise self.refuse("S201", "a set of what is no literal is not supported", "use a list")
        self.set_part(at, key, _NONE)

    def set_method(self, at: int, name: str, given: list[Value]) -> Value:
        if name == "add":
            self.add(at, given[0])
        elif name in ("discard", "remove"):
            key = self.literal(given[0])
            if key in self.thing(Ref(at)).parts:
                self.delete(Ref(at), given[0])
            elif key is NOTHING or name == "remove":
                raise self.missing(self.thing(Ref(at)), key)
        elif name == "clear":
            self.clear(at, given)
        else:
            raise self.refuse("S201", f"the method {name!r} of a set is not supported here", "use a list")
        return _NONE

    # ---- methods -----------------------------------------------------------------------------------------------

    def list_method(self, at: int, name: str, given: list[Value], named: dict[str, Value]) -> Value:
        if name not in LIST_METHODS or named:
            raise self.refuse("S201", f"the method {name!r} of a list is not supported here", "write it as a loop")
        handler: Callable[[int, list[Value]], Value] = getattr(self, name if name != "index" else "index_of")
        return handler(at, given)

    def append(self, at: int, given: list[Value]) -> Value:
        self.check_not_iterated(at)
        thing = self.before_write(at)
        (value,) = given
        if thing.grown is not None:
            if not isinstance(value, Plain):
                return self.no_room()
            item = self.atom(value)
            self.settle(thing.grown)
            self.assign(thing.grown, Op("s2sad.append", (thing.grown, item)))
        else:
            self.set_part(at, len(thing.parts), value)
        return _NONE

    def no_room(self) -> Value:
        if self.unrollable:
            raise NeedsTrips
        reason = "a list of unknown length that holds tuples, lists or objects is not supported"
        raise self.refuse("S201", reason, "use one list for each of what they hold")

    def extend(self, at: int, given: list[Value]) -> Value:
        self.check_not_iterated(at)
        items = self.contents(given[0])
        if items is None:
            if self.unrollable:
                raise NeedsTrips
            var = self.grow(at)
            self.before_write(at)
            self.assign(var, Op("operator.add", (var, Op("builtins.list", (self.display(given[0]),)))))
            raise self.refuse("S201", "to extend a list by one of unknown length is not supported", "append in a loop")
        for item in items:
            self.append(at, [self.held(item)])
        return _NONE

    def insert(self, at: int, given: list[Value]) -> Value:
        self.check_not_iterated(at)
        where = self.literal(given[0])
        thing = self.thing(Ref(at))
        if type(where) is not int or thing.grown is not None:
            if self.unrollable:
                raise NeedsTrips
            raise self.refuse("S201", "`insert` into a list of unknown length is not supported", "use append")
        held = [self.read(at, k) for k in thing.parts]
        held.insert(where, given[1])
        self.refill(at, held)
        return _NONE

    def pop(self, at: int, given: list[Value]) -> Value:
        self.check_not_iterated(at)
        thing = self.thing(Ref(at))
        where = self.literal(given[0]) if given else -1
        if thing.grown is not None:
            if where != -1:
                if self.unrollable:
                    raise NeedsTrips
                raise self.refuse("S201", "`pop` of another than the last item of such a list is not supported")
            self.before_write(at)
            last = self.temporary(Op("operator.getitem", (thing.grown, Const(-1))))
            self.settle(thing.grown)
            self.assign(thing.grown, Op("s2sad.shorter", (thing.grown,)))
            return Plain(last)
        key = self.place(thing, where)
        if key is NOTHING:
            if self.unrollable:
                raise NeedsTrips
            if where is NOTHING:
                raise self.refuse("S201", "which item `pop` takes cannot be found out", "use an array")
            raise self.missing(thing, where)
        value = self.held(self.read(at, key))
        self.delete(Ref(at), Plain(Const(key)))
        return value

    def remove(self, at: int, given: list[Value]) -> Value:
        raise self.refuse("S201", "`remove` from a list is not supported", "use del with an index")

    def clear(self, at: int, given: list[Value]) -> Value:
        self.check_not_iterated(at)
        self.state.heap[at] = changed(self.before_write(at), parts={}, grown=None)
        return _NONE

    def reverse(self, at: int, given: list[Value]) -> Value:
        if self.thing(Ref(at)).grown is not None:
            raise self.refuse("S201", "`reverse` of a list of unknown length is not supported", "use xs[::-1]")
        self.refill(at, [self.read(at, k) for k in self.thing(Ref(at)).parts][::-1])
        return _NONE

    def copy(self, at: int, given: list[Value]) -> Value:
        thing = self.thing(Ref(at))
        if thing.grown is not None:
            return self.adopt(self.temporary(thing.grown, thing.hint), thing.hint)
        parts = {k: self.read(at, k) for k in thing.parts}
        return self.new(thing.sort, parts, thing.hint)

    def index_of(self, at: int, given: list[Value]) -> Value:
        return Plain(Op("method.index", (self.display(Ref(at)), *map(self.atom, given))))

    def count_of(self, at: int, given: list[Value]) -> Value:
        return Plain(Op("method.count", (self.display(Ref(at)), *map(self.atom, given))))

    def sort(self, at: int, given: list[Value]) -> Value:
        thing = self.thing(Ref(at))
        if thing.grown is None and not all(isinstance(p, Plain) for p in (self.read(at, k) for k in thing.parts)):
            raise self.refuse("S201", "`sort` of a list of lists or objects is not supported", "use an array")
        made = self.temporary(Op("builtins.sorted", (self.display(Ref(at)),)), thing.hint)
        copied = self.adopt(made, thing.hint)
        if not isinstance(copied, Ref):
            raise self.refuse("S201", "`sort` of this list is not supported", "use an array")
        self.before_write(at)
        new = self.state.heap[copied.at]
        self.state.heap[at] = changed(self.state.heap[at], parts=new.parts, grown=new.grown)
        return _NONE

    def dict_method(self, at: int, name: str, given: list[Value], named: dict[str, Value]) -> Value:
        thing = self.thing(Ref(at))
        if name in ("keys", "values", "items") and not given:
            rows: list[Value] = []
            for key in thing.parts:
                k: Value = Plain(Const(key))
                if name == "values":
                    rows.append(self.read(at, key))
                elif name == "keys":
                    rows.append(k)
                else:
                    rows.append(self.group(Op("tuple"), [k, self.held(self.read(at, key))]))
            return self.group(Op("tuple"), rows)
        if name == "copy":
            return self.copy(at, given)
        if name == "clear":
            return self.clear(at, given)
        if name == "update":
            self.update(at, given, named)
            return _NONE
        if name == "popitem":
            if not thing.parts:
                raise self.missing(thing, "")
            last = list(thing.parts)[-1]
            pair = [Plain(Const(last)), self.held(self.read(at, last))]
            self.delete(Ref(at), Plain(Const(last)))
            return self.group(Op("tuple"), pair)
        if name not in ("get", "pop", "setdefault") or not 1 <= len(given) <= 2 or named:
            raise self.refuse("S201", f"the method {name!r} of a dict is not supported here", "write it as a loop")
        key = self.literal(given[0])
        if key is NOTHING:
            if self.unrollable:
                raise NeedsTrips
            raise self.refuse("S201", "a dict whose keys are not literals is not supported", "use a list")
        default = given[1] if len(given) == 2 else _NONE
        if self.place(thing, key) is NOTHING:
            if name == "pop" and len(given) == 1:
                raise self.missing(thing, key)
            if name == "setdefault":
                self.set_part(at, key, default)
                return self.read(at, key)
            return default
        value = self.read(at, key)
        if name == "pop":
            value = self.held(value)
            self.delete(Ref(at), Plain(Const(key)))
        return value

    def update(self, at: int, given: list[Value], named: dict[str, Value]) -> None:
        for source in given:
            for key, value in self.pairs(source).items():
                self.set_part(at, key, value)
        for name, value in named.items():
            self.set_part(at, name, value)

    def pairs(self, source: Value) -> dict[Any, Value]:
        """What a dict, or a sequence of pairs, says."""
        if isinstance(source, Ref) and self.thing(source).sort == "dict":
            return {k: self.held(self.read(source.at, k)) for k in self.thing(source).parts}
        kind = self.kind_of(source)
        if isinstance(source, Plain) and kind is not None and kind.sort == "dict" and kind.items is not None:
            parts = enumerate(kind.keys or ())
            return {key: Plain(self.temporary(part_of(source.expr, kind, k))) for k, key in parts}
        found: dict[Any, Value] = {}
        for row in self.contents(source) or []:
            pair = self.contents(row)
            key = self.literal(pair[0]) if pair else NOTHING
            if pair is None or len(pair) != 2 or key is NOTHING:
                break
            found[key] = pair[1]
        else:
            if self.contents(source) is not None:
                return found
        raise self.refuse("S201", "a dict whose keys are not literals is not supported", "use a list")

    # ---- what functions make of them ---------------------------------------------------------------------------

    def made(self, op: Op, values: list[Value], named: dict[str, Value]) -> Value | None:
        """What a function or operator of Python gives where it takes or makes things; None where it stays as it is."""
        name = op.name
        if name in ("builtins.list", "builtins.tuple"):
            if not values:
                return self.new("list", {}) if name == "builtins.list" else None
            items = self.contents(values[0])
            if items is None:
                return None
            if name == "builtins.tuple":
                return self.group(Op("tuple"), items)
            return self.new("list", dict(enumerate(items)))
        if name == "builtins.dict":
            given = dict(self.pairs(values[0])) if values else {}
            return self.new("dict", {**given, **named})
        if name == "builtins.set" and not named:
            return self.new_set(self.contents(values[0]) if values else [])
        if name == "builtins.sorted" and not named:
            if isinstance(values[0], Ref) and self.thing(values[0]).sort == "set":
                values = [self.group(Op("tuple"), [Plain(Const(k)) for k in self.thing(values[0]).parts])]
            keys = [self.literal(v) for v in self.contents(values[0]) or [Plain(Var("t"))]]
            if all(type(k) is str for k in keys) or all(type(k) is int for k in keys):
                return self.new("list", {k: Plain(Const(key)) for k, key in enumerate(sorted(keys))})
        if name in ("builtins.enumerate", "builtins.zip", "builtins.reversed"):
            return self.paired(name, values, named)
        if name in ("operator.add", "operator.mul"):
            return self.joined_lists(name, values)
        if name == "operator.or_" and any(isinstance(v, Ref) for v in values):
            return self.new("dict", {**self.pairs(values[0]), **self.pairs(values[1])})
        if name in ("operator.is_", "operator.is_not"):
            return self.identical(name, *values)
        if name == "operator.not_":
            held = self.truth(values[0])
            if held is not NOTHING:
                return Plain(Const(not held))
            if isinstance(values[0], Ref):
                return Plain(
                    Op("operator.eq", (self.temporary(Op("builtins.len", (self.display(values[0]),))), Const(0)))
                )
        if name in IN_PLACE and isinstance(values[0], Ref):
            return self.inplace(name, values[0], values[1])
        return None

    def paired(self, name: str, values: list[Value], named: dict[str, Value]) -> Value | None:
        rows = [self.contents(v) for v in (values[:1] if name == "builtins.enumerate" else values)]
        if any(r is None for r in rows):
            return None
        known = [r for r in rows if r is not None]
        if name == "builtins.reversed":
            return self.group(Op("tuple"), known[0][::-1])
        if name == "builtins.zip":
            return self.group(Op("tuple"), [self.group(Op("tuple"), row) for row in zip(*known)])
        start = self.literal(named.get("start", values[1] if len(values) > 1 else Plain(Const(0))))
        if type(start) is not int:
            return None
        pairs = [[Plain(Const(start + k)), item] for k, item in enumerate(known[0])]
        return self.group(Op("tuple"), [self.group(Op("tuple"), p) for p in pairs])

    def joined_lists(self, name: str, values: list[Value]) -> Value | None:
        """`xs + ys` and `xs * 3`."""
        sequences = [v for v in values if isinstance(v, Ref) or self.items_of_group(v) is not None]
        if not sequences or any(isinstance(v, Ref) and self.thing(v).sort != "list" for v in sequences):
            return None
        sort = "list" if any(isinstance(v, Ref) for v in sequences) else "tuple"
        if name == "operator.mul":
            times = next((self.literal(v) for v in values if v is not sequences[0] and isinstance(v, Plain)), NOTHING)
            items = self.contents(sequences[0])
            if items is not None and len(items) == 1 and isinstance(items[0], Plain) and sort == "list":
                counts = [v for v in values if v is not sequences[0]]
                if type(times) is not int or times > 64:
                    trips = self.temporary(Op("builtins.range", (self.display(counts[0]),)))
                    return self.adopt(Op(REPEATED, (items[0].expr, trips)), self.naming)
            if items is None or type(times) is not int or len(items) * times > 64:
                return None
            items = items * times
        else:
            rows = [self.contents(v) for v in values]
            if any(r is None for r in rows):
                return None
            items = [v for r in rows for v in r or ()]
        if sort == "tuple":
            return self.group(Op("tuple"), items)
        return self.new("list", dict(enumerate(items)))

    def identical(self, name: str, x: Value, y: Value) -> Value | None:
        """`x is y`"""
        same: bool | None = None
        if isinstance(x, Ref) and isinstance(y, Ref):
            if not (self.thing(x).watched or self.thing(y).watched):
                same = x.at == y.at
        elif isinstance(x, Ref) or isinstance(y, Ref):
            same = False
        elif isinstance(x, Plain) and isinstance(y, Plain) and self.literal(y) is None:
            kind = self.kind(x.expr)
            if kind is not None and kind.sort == "none":
                same = True
            elif kind is not None and kind.sort != "unknown":
                same = False
        return None if same is None else Plain(Const(same == (name == "operator.is_")))

    def inplace(self, name: str, target: Ref, value: Value) -> Value:
        """`xs += ys`, `d |= e`: the same list or dict, written into."""
        thing = self.thing(target)
        if thing.sort == "list" and name == "operator.iadd":
            self.extend(target.at, [value])
        elif thing.sort == "dict" and name == "operator.ior":
            self.update(target.at, [value], {})
        else:
            raise self.refuse("S201", f"this in-place operator on a {thing.sort} is not supported", "write it out")
        return target

    def unstarred(self, op: Op) -> tuple[list[Value], dict[str, Value]] | None:
        """The arguments of an operation, what is unpacked item by item; None where that is not known."""
        values: list[Value] = []
        for operand in op.operands:
            if not (isinstance(operand, Op) and operand.name == STAR):
                values.append(self.value(operand))
                continue
            items = self.contents(self.value(operand.operands[0]))
            if items is None:
                return None
            values += items
        named: dict[str, Value] = {}
        for key, expr in op.keywords:
            if key != "**":
                given: dict[Any, Value] = {key: self.value(expr)}
            else:
                given = self.pairs(self.value(expr))
            if op.name != "builtins.dict" and (twice := next((k for k in given if k in named), None)) is not None:
                raise self.refuse("S402", f"the argument {twice!r} is given twice")
            named.update(given)
        return values, named
