"""Arguments of calls: which parameter gets which, what defaults stand for, what a function value captured.

In: the parameters of a function, the operands given by position and by name.
Out: one operand a parameter; what `*args` and `**kwargs` collect stands in a tuple and a dict.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gast
import numpy as np

from s2sad.errors import Place, S2sadError
from s2sad.frontend.resolve import Primal
from s2sad.ir.kinds import kind_of
from s2sad.ir.nodes import Const, Expr, Op, Param, Raw, dict_display

#: A function as a value, from what it captured; a call of such a value; an argument that is unpacked.
FUNCTION, VALUE_CALL, STAR = "s2sad.function", "s2sad.call_value", "s2sad.star"

#: A variable that several functions share: its cell, what reads that, what writes it.
CELL, CELL_READ, CELL_WRITE = "s2sad.cell", "s2sad.cell_read", "s2sad.cell_write"

#: A set that is written out.
SET = "s2sad.set"


#: Functions that write into an array that they are given.
STORING = frozenset({
    "numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask", "numpy.fill_diagonal", "numpy.put_along_axis",
    "numpy.random.shuffle", "random.shuffle", "builtins.setattr", "builtins.delattr", "builtins.next",
    "operator.setitem", "operator.delitem", "operator.iadd", "operator.isub", "operator.imul", "operator.itruediv",
    "operator.ipow", "operator.imatmul", "operator.ifloordiv", "operator.imod",
})  # fmt: skip


def writes(name: str, operands: Sequence[Expr], keywords: Sequence[tuple[str, Expr]]) -> bool:
    """Whether a call of a library's function may write into what it is given: it is one that does, or has an `out`.

    >>> x = Const(None)
    >>> writes("numpy.copyto", (x, x), ()), writes("numpy.sin", (x,), ()), writes("numpy.sin", (x, Const(1)), ())
    (True, False, True)
    """
    if name in STORING or name.endswith(".at") or dict(keywords).get("out", Const(None)) != Const(None):
        return True
    module, _, plain = name.rpartition(".")
    held = getattr(sys.modules.get(module), plain, None)
    if isinstance(held, np.ufunc):
        return len(operands) > held.nin
    try:
        given = inspect.signature(held).bind(*operands, **dict(keywords)).arguments  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return given.get("out", Const(None)) not in (Const(None), None)


@dataclass(frozen=True)
class Captured:
    """Which nested function a value is: what it holds are the values of the names, then of the defaults.

    transient: a name that it captured may be bound again, so that it is right only as long as the call that it is
    handed to lasts.
    """

    primal: Primal
    names: tuple[str, ...]
    defaults: tuple[str, ...] = ()
    transient: bool = False

    def captures_from(self, held: Sequence[Expr]) -> list[Expr]:
        return list(held[: len(self.names)])

    def defaults_from(self, held: Sequence[Expr]) -> dict[str, Expr]:
        return dict(zip(self.defaults, held[len(self.names) :]))


def bind_arguments(
    primal: Primal,
    params: list[Param],
    positional: Sequence[Expr],
    named: Sequence[tuple[str, Expr]],
    place: Place | None,
    defaults: Mapping[str, Expr] | None = None,
    spelled: Any = None,
) -> list[Expr]:
    """The arguments of a call, one a parameter.

    defaults: values of defaults that were computed where the function was defined. spelled: the syntax of the callee.
    Raises S402 where they do not fit, S201 for a default that cannot be written down.
    """
    given: dict[str, Expr] = {}
    help = f"its parameters are {', '.join(p.name for p in params) or 'none'}"
    names = [p.name for p in params if p.passing in ("positional", "either")]
    args = next((p for p in params if p.passing == "args"), None)
    kwargs = next((p for p in params if p.passing == "kwargs"), None)
    if len(positional) > len(names) and args is None:
        reason = f"{primal.name} takes {len(names)} positional arguments, not {len(positional)}"
        raise S2sadError("S402", reason, place, help)
    given.update(zip(names, positional))
    more: dict[str, Expr] = {}
    by_name = [p.name for p in params if p.passing in ("either", "keyword")]
    for name, value in named:
        if name in by_name and name not in given:
            given[name] = value
        elif kwargs is not None and name not in by_name and name not in more:
            more[name] = value
        else:
            raise S2sadError("S402", f"{primal.name} does not take {name!r} here", place, help)
    arguments: list[Expr] = []
    for param in params:
        if param.name in given:
            arguments.append(given[param.name])
        elif param is args:
            arguments.append(Op("tuple", tuple(positional[len(names) :])))
        elif param is kwargs:
            arguments.append(dict_display(more))
        elif defaults is not None and param.name in defaults:
            arguments.append(defaults[param.name])
        elif param.default is None:
            raise S2sadError("S402", f"{primal.name} misses its argument {param.name!r}", place, help)
        else:
            arguments.append(_default(primal, params, param, place, spelled))
    return arguments


def _default(primal: Primal, params: list[Param], param: Param, place: Place | None, spelled: Any) -> Expr:
    """A parameter's default, which was evaluated at the definition.

    A number, text or None is written down; anything else is read from the function, if that has a name here.
    """
    held = primal.default_of(param.name)
    if type(held) in (int, float, complex, bool, str, type(None)):
        return Const(held)
    if held is not primal and isinstance(spelled, (gast.Name, gast.Attribute)) and _only_reads(primal, param.name):
        if param.passing == "keyword":
            attribute, index = "__kwdefaults__", gast.Constant(param.name, None)
        else:
            among = [p.name for p in params if p.default is not None and p.passing in ("positional", "either")]
            attribute, index = "__defaults__", gast.Constant(among.index(param.name), None)
        tree = gast.Subscript(gast.Attribute(spelled, attribute, gast.Load()), index, gast.Load())
        return Raw(gast.fix_missing_locations(gast.copy_location(tree, spelled)), (), True, kind_of(held))
    try:
        return Const(gast.literal_eval(param.default))
    except (ValueError, TypeError):
        reason = f"the default of {param.name!r} in {primal.name} is neither a number nor a literal"
        raise S2sadError("S201", reason, place, f"pass {param.name!r} explicitly") from None


def _only_reads(primal: Primal, name: str) -> bool:
    """Whether a function surely does not write into what its parameter holds: it writes nowhere, and hands it to none.

    A default is one object for all calls, which outlives them.
    """
    for node in gast.walk(primal.source.node):
        if isinstance(node, gast.AugAssign):
            return False
        if isinstance(node, (gast.Subscript, gast.Attribute)) and not isinstance(node.ctx, gast.Load):
            return False
        if isinstance(node, gast.Call):
            is_method = isinstance(node.func, gast.Attribute) and _is_name(node.func.value, name)
            handed = any(_is_name(a, name) for a in (*node.args, *(k.value for k in node.keywords)))
            if any(k.arg in ("out", None) for k in node.keywords) or is_method:
                return False
            if handed and not (isinstance(node.func, gast.Attribute) and _is_name(node.func.value, "np")):
                return False
    return True


def _is_name(node: Any, name: str) -> bool:
    return isinstance(node, gast.Name) and node.id == name
