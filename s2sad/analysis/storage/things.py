"""What names stand for while writes into containers and objects are followed: values, and the things they refer to.

A *thing* is a list, dict or object of the program that may be written into, with an identity of its own. Its parts are
Vars, so that a write into a thing is an assignment to a Var; two names of one thing are two references to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s2sad.ir.kinds import Kind
from s2sad.ir.nodes import Const, Expr, Op, Var


@dataclass(frozen=True)
class Plain:
    """A number, an array, or anything else that holds no thing: an operand of the text."""

    expr: Expr


@dataclass(frozen=True)
class Ref:
    """A reference to a thing."""

    at: int


@dataclass(frozen=True)
class Group:
    """A tuple, a function with what it captured, or any other display that holds things and is never written into."""

    like: Op
    parts: tuple[Value, ...]


@dataclass(frozen=True)
class Lost:
    """What cannot be followed, and why; to use it is refused."""

    reason: str


@dataclass(frozen=True)
class Initial:
    """A part of an argument that nothing has written yet; it is read at the start of the function, if at all."""


Value = Plain | Ref | Group | Lost | Initial


@dataclass(frozen=True)
class Thing:
    """A list, dict, set of keys, object or cell: what it holds now.

    grown: the Var that holds a list of unknown length. kind: of an argument or global, as it was given. outer: it is
    the caller's. frozen: why it may not be written into. watched: the things of which it is a copy that is right only
    as long as they are not written into. maker: the expression of the class of an object made here.
    """

    sort: str
    parts: Mapping[Any, Value]
    hint: str = "t"
    cls: Any = None
    grown: Var | None = None
    kind: Kind | None = None
    outer: bool = False
    frozen: str = ""
    changed: bool = False
    watched: frozenset[int] = frozenset()
    stale: bool = False
    maker: Expr | None = None


@dataclass
class State:
    """What is known at a point of the program: what Vars stand for that is more than themselves, and the things."""

    env: dict[Var, Value] = field(default_factory=dict)
    heap: dict[int, Thing] = field(default_factory=dict)

    def copy(self) -> State:
        return State(dict(self.env), dict(self.heap))


def name_of_part(thing_hint: str, key: Any) -> str:
    """A name for the Var that holds a part.

    >>> name_of_part("cell", "h"), name_of_part("xs", 2), name_of_part("d", (1, 2))
    ('h', 'xs2', 'd_')
    """
    if isinstance(key, str) and key.isidentifier():
        return key
    return f"{thing_hint}{key}" if type(key) is int and key >= 0 else f"{thing_hint}_"


def is_small_constant(value: Value) -> bool:
    """Whether a value is a literal that tests and keys may depend on."""
    return isinstance(value, Plain) and isinstance(value.expr, Const) and _is_known(value.expr.value)


def _is_known(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_known, value))
    return type(value) in (int, str, bool, type(None))
