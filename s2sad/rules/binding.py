"""Bind an operation's operands to its rule's parameters; tell literals from values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s2sad.errors import S2sadError
from s2sad.ir.kinds import UNKNOWN, Kind, is_named_tuple, said_dtype
from s2sad.ir.nodes import Const, Expr, Op, keys_of
from s2sad.rules.registry import REQUIRED, UNKNOWN_LITERAL, Rule

#: Marks an expression that is not a literal.
NOT_LITERAL: Any = object()


#: In-place operators, and the plain ones that they apply.
IN_PLACE = {
    f"operator.i{n.rstrip('_')}": f"operator.{n}" for n in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "xor", "or_", "and_",
    )
}  # fmt: skip


def rule_name(op: Op) -> str:
    """The name under which an operation stands in the rule table: methods and attributes are those of arrays.

    An in-place operator gives the same number as the plain one.
    """
    if op.name in IN_PLACE:
        return IN_PLACE[op.name]
    prefix, _, rest = op.name.partition(".")
    return f"numpy.ndarray.{rest}" if prefix in ("method", "attribute") else op.name


def bind(rule: Rule, op: Op) -> dict[str, Any]:
    """Operands by parameter name; a variadic parameter gets a tuple. Parameters left to their default are absent.

    Raises S2sadError S303 where an operand fits no parameter.
    """
    bound: dict[str, Any] = {}
    help = f"its arguments are {', '.join(p.name for p in rule.parameters)}"
    positional = [p for p in rule.parameters if not p.keyword_only and not p.variadic]
    rest = next((p for p in rule.parameters if p.variadic), None)
    before = positional
    if rest is not None:
        index = rule.parameters.index(rest)
        before = [p for p in rule.parameters[:index] if not p.keyword_only]
    for parameter, operand in zip(before, op.operands):
        bound[parameter.name] = operand
    extra = op.operands[len(before) :]
    if rest is not None:
        bound[rest.name] = tuple(extra)
    elif extra:
        reason = f"the rule of {rule.name} takes {len(before)} positional arguments, not {len(op.operands)}"
        raise S2sadError("S303", reason, help=help)
    known = {p.name for p in rule.parameters}
    for name, operand in op.keywords:
        if name not in known or name in bound:
            raise S2sadError("S303", f"the rule of {rule.name} has no argument {name!r}", help=help)
        bound[name] = operand
    return bound


def literal(expr: Any) -> Any:
    """The Python value of a literal operand, displays included; NOT_LITERAL for any other."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, tuple):
        parts = [literal(e) for e in expr]
        return NOT_LITERAL if any(p is NOT_LITERAL for p in parts) else tuple(parts)
    if isinstance(expr, Op) and expr.name in ("tuple", "list", "slice"):
        parts = [literal(e) for e in expr.operands]
        if any(p is NOT_LITERAL for p in parts):
            return NOT_LITERAL
        return {"tuple": tuple, "list": list, "slice": lambda p: slice(*p)}[expr.name](parts)  # type: ignore[operator]
    return NOT_LITERAL


def literals(bound: Mapping[str, Any]) -> dict[str, Any]:
    """The literal values among bound operands. In an index that is a tuple, UNKNOWN_LITERAL stands for other parts."""
    found = {name: literal(e) for name, e in bound.items()}
    index = bound.get("index")
    if found.get("index") is NOT_LITERAL and isinstance(index, Op) and index.name == "tuple":
        parts = [literal(e) for e in index.operands]
        found["index"] = tuple(UNKNOWN_LITERAL if p is NOT_LITERAL else p for p in parts)
    return {name: value for name, value in found.items() if value is not NOT_LITERAL}


def case_values(rule: Rule, bound: Mapping[str, Any], kind: Callable[[Expr], Kind]) -> dict[str, Any]:
    """What the conditions of a rule's cases may speak of; an argument that says a known dtype counts as its name."""
    values: dict[str, Any] = {}
    known = literals(bound)
    for name, operand in bound.items():
        if name not in known and not isinstance(operand, tuple) and (said := said_dtype(kind(operand))) is not None:
            known[name] = said
    for p in rule.parameters:
        if p.default is REQUIRED:
            operand = bound.get(p.name)
            if isinstance(operand, tuple):
                values[p.name] = tuple(kind(o) for o in operand)
            else:
                values[p.name] = UNKNOWN if operand is None else kind(operand)
            values[f"{p.name}_value"] = known.get(p.name, UNKNOWN_LITERAL)
        elif p.variadic:
            values[p.name] = tuple(kind(o) for o in bound.get(p.name, ()))
            values[f"{p.name}_value"] = known.get(p.name, UNKNOWN_LITERAL)
        elif p.name in bound:
            values[p.name] = known.get(p.name, UNKNOWN_LITERAL)
        else:
            values[p.name] = p.default
    return values


def display_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind:
    """The kind of a display."""
    if op.name in ("tuple", "list"):
        return Kind(op.name, items=tuple(kind(o) for o in op.operands))
    if op.name == "slice":
        return Kind("slice")
    parts = tuple(kind(o) for o in op.operands)
    if op.name == "dict":
        return Kind("dict", items=parts, keys=keys_of(op))
    if op.name == "s2sad.object":
        cls = kind(dict(op.keywords)["class"]).cls
        if is_named_tuple(cls):
            return Kind("tuple", items=parts, cls=cls)
        return Kind("object", cls=cls, fields=tuple(zip(keys_of(op), parts)))
    return kind(dict(op.keywords)["like"]).with_parts(parts)
