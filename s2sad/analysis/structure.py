"""What a container or object holds and where: positions, fields, the classes and functions that values stand for."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from s2sad.frontend.calls import Captured
from s2sad.frontend.resolve import Primal
from s2sad.ir.kinds import CONTAINERS, Kind, is_named_tuple
from s2sad.ir.nodes import Const, Expr, Op


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


#: Notes that a value is taken to be of a form, from when all that it may be was not known yet.
ASSUMED = "s2sad.assumed"


def form_of(kind: Kind) -> tuple[Any, ...]:
    """What calls of a value rely on: its class or which function it is, and what it holds."""
    parts = tuple(map(form_of, kind.parts)) if kind.parts is not None else None
    if kind.sort in ("object", "function", "class", *CONTAINERS):
        return kind.sort, kind.cls, kind.keys, tuple(n for n, _ in kind.fields), parts
    return ("value",)


def position_of(kind: Kind, place: Any) -> int | None:
    """The position of an item in a container, from its index or key; None where there is no such item."""
    if kind.keys is not None:
        return kind.keys.index(place) if place in kind.keys else None
    items = kind.items or ()
    return place % len(items) if type(place) is int and -len(items) <= place < len(items) else None


def part_of(base: Expr, kind: Kind, k: int) -> Op:
    """The expression of the k-th thing that a value of a kind holds: an item, the value of a key, an attribute.

    >>> from s2sad.ir.nodes import Var
    >>> part_of(Var("p"), Kind("dict", items=(Kind("int"), Kind("int")), keys=("w", "b")), 1)
    operator.getitem(p, 'b')
    """
    if kind.sort == "object":
        return Op(f"field.{kind.fields[k][0]}", (base,))
    if kind.sort == "tuple" and is_named_tuple(kind.cls):
        return Op(f"field.{kind.cls._fields[k]}", (base,))
    return Op("operator.getitem", (base, Const(kind.keys[k] if kind.keys is not None else k)))


def field_names(cls: Any) -> tuple[str, ...]:
    """The names of the fields of a named tuple's class."""
    return tuple(cls._fields)


def like_class(cls: Any, callee: Expr, values: Sequence[Expr]) -> Op:
    """The display of an object of a class, which `callee` names, from the values of its fields."""
    names = field_names(cls) if is_named_tuple(cls) else tuple(f.name for f in dataclasses.fields(cls))
    return Op("s2sad.object", tuple(values), (("class", callee), ("keys", Const(names))))


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


def kind_needs_place(kind: Kind) -> bool:
    """Whether items of a container have to be told apart: they carry a derivative, or hold others."""
    return kind.carries_derivative or any(k.parts is not None or k.sort == "function" for k in kind.items or ())
