"""What the patterns of `match` ask of a subject, settled by its kind: is it a sequence, has it these keys, this class.

    s2sad.is_sequence(p, 2, False)      True        p is a tuple of two
    s2sad.is_sequence(xs, 2, True)      len(xs) >= 2, xs a list of unknown length
    s2sad.positional(p, 0)              p.x         p is an object of a class with `__match_args__ = ("x", "y")`
"""

from __future__ import annotations

from typing import Any

from s2sad.analysis.literals import Literals
from s2sad.ir.kinds import Kind
from s2sad.ir.nodes import Assign, Const, Expr, Op, dict_display

#: Sorts of what is no sequence to a pattern, an array among them.
_NO_SEQUENCE = ("none", "bool", "int", "float", "complex", "scalar", "str", "array", "dict", "function", "class")
_CLASSES: dict[str, type] = {"tuple": tuple, "list": list, "dict": dict, "str": str, "none": type(None)}


def is_sequence(self: Literals, stmt: Assign, op: Op) -> Expr | None:
    """Whether a subject is a sequence of so many items, or of as many at least."""
    subject, count, at_least = op.operands
    kind = self.kind_or_none(subject)
    if kind is None:
        return None
    assert isinstance(count, Const) and isinstance(at_least, Const)
    if kind.sort in ("tuple", "list"):
        if kind.items is not None:
            size = len(kind.items)
            return Const(size >= count.value if at_least.value else size == count.value)
        length = self.emit(Op("builtins.len", (subject,)))
        return Op("operator.ge" if at_least.value else "operator.eq", (length, count))
    if kind.sort in _NO_SEQUENCE or _is_plain_object(kind):
        return Const(False)
    raise self.refuse("S201", "whether this subject is a sequence is not known", "test with `if` and `len`")


def has_keys(self: Literals, stmt: Assign, op: Op) -> Expr | None:
    """Whether a subject is a dict with certain keys."""
    subject, keys = op.operands
    kind = self.kind_or_none(subject)
    if kind is None:
        return None
    assert isinstance(keys, Const)
    if kind.sort == "dict" and kind.keys is not None:
        return Const(all(k in kind.keys for k in keys.value))
    if (kind.sort in (*_NO_SEQUENCE, "tuple", "list") and kind.sort != "dict") or _is_plain_object(kind):
        return Const(False)
    raise self.refuse("S201", "whether this subject has these keys is not known", "test with `if` and `in`")


def is_instance(self: Literals, stmt: Assign, op: Op) -> Expr | None:
    """Whether a subject is of a class: by its kind where that tells, else asked when the program runs."""
    subject, cls = op.operands
    kind, asked = self.kind_or_none(subject), self.kind_or_none(cls)
    if kind is None or asked is None:
        return None
    held = _class_of(kind)
    if asked.sort == "class" and isinstance(asked.cls, type) and held is not None:
        return Const(issubclass(held, asked.cls))
    return Op("builtins.isinstance", (subject, cls), spelled="isinstance")


def positional(self: Literals, stmt: Assign, op: Op) -> Expr | None:
    """What a class pattern means by its k-th positional part."""
    subject, position = op.operands
    kind = self.kind_or_none(subject)
    if kind is None:
        return None
    assert isinstance(position, Const)
    names = getattr(kind.cls, "__match_args__", ()) if isinstance(kind.cls, type) else ()
    if position.value >= len(names):
        raise self.refuse("S201", "which attribute this pattern is for is not known", "name it, as in `Point(x=a)`")
    return Op(f"attribute.{names[position.value]}", (subject,))


def rest_of(self: Literals, stmt: Assign, op: Op) -> Expr | None:
    """The dict of what a mapping pattern did not name."""
    subject, keys = op.operands
    kind = self.kind_or_none(subject)
    if kind is None or kind.keys is None:
        return None
    assert isinstance(keys, Const)
    left = {k: self.part(subject, kind, i) for i, k in enumerate(kind.keys) if k not in keys.value}
    return dict_display(left)


def _class_of(kind: Kind) -> Any:
    """The class of a container or object of a kind; None for numbers and arrays, of which a kind covers several."""
    if kind.sort in ("object", "tuple") and isinstance(kind.cls, type):
        return kind.cls
    return _CLASSES.get(kind.sort)


def _is_plain_object(kind: Kind) -> bool:
    """Whether a kind is that of objects of a class that is no sequence and no mapping."""
    return kind.sort == "object" and isinstance(kind.cls, type) and not hasattr(kind.cls, "__getitem__")
