"""What the commands share: FILE:FUNCTION and the options that say which derivative of it, to a Recipe."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import Any

import gast

from s2sad.composition import TRANSFORMS
from s2sad.errors import S2sadError
from s2sad.frontend.annotations import annotated_kind
from s2sad.frontend.files import open_primal
from s2sad.ir.kinds import UNKNOWN, Extent, Kind, array
from s2sad.recipe import Recipe, recipe

_TYPES_EXAMPLE = '"float, array(float64, 2), Float64[n h], _"'
_TYPES_HELP = f"write types as in --types {_TYPES_EXAMPLE}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments by which a command is told which derivative of which function."""
    parser.add_argument("target", metavar="FILE:FUNCTION", help="as in model.py:loss, or model.py:Model.loss")
    wrt_help = "parameters by name or position; with a comma, the result is a tuple (default: the first)"
    parser.add_argument("--wrt", default="0", metavar="X,Y", help=wrt_help)
    types_help = f"kinds of the parameters in order, in place of the annotations: {_TYPES_EXAMPLE}"
    parser.add_argument("--types", metavar="T,T", help=types_help)
    parser.add_argument("--mode", default="grad", choices=sorted(TRANSFORMS), help="which transform (default: grad)")


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The derivative that the arguments of a command ask for."""
    path, colon, function = arguments.target.rpartition(":")
    if not colon or not path or not all(part.isidentifier() for part in function.split(".")):
        help = "as in model.py:loss, or model.py:Model.loss"
        raise S2sadError("S501", f"{arguments.target!r} is not of the form FILE:FUNCTION", help=help)
    options = replace(TRANSFORMS[arguments.mode], wrt=_wrt(arguments.wrt))
    kinds = None if arguments.types is None else [parse_kind(part, k) for k, part in enumerate(_split(arguments.types))]
    return recipe(open_primal(path, function), options, kinds)


def _wrt(text: str) -> Any:
    """Names and positions: one alone, several between commas as a tuple."""
    items = [item.strip() for item in text.split(",")]
    if len(items) > 1 and not items[-1]:
        items.pop()
    if not all(items):
        raise S2sadError("S501", f"--wrt {text!r} has an empty part", help="as in --wrt x,y")
    found = tuple(int(i) if re.fullmatch(r"-?\d+", i) else i for i in items)
    return found if "," in text else found[0]


def _split(text: str) -> list[str]:
    """The parts between the commas that stand in no bracket and in no string."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    if not parts[-1].strip() and len(parts) > 1:
        parts.pop()
    return [part.strip() for part in parts]


def parse_kind(text: str, position: int = 0) -> Kind | None:
    """The kind that a type of --types stands for; None for `_`, which leaves it to the annotation. Raises S501.

    >>> parse_kind("array(float32, 2)").dtype, parse_kind("Float64[n 3]").shape, parse_kind("_")
    ('float32', (n, 3), None)
    """
    if text == "_":
        return None
    bare = re.fullmatch(r"(\w+)\[([^\],\"']*)\]", text)
    if bare and not re.fullmatch(r"[a-z].*", text):
        text = f"{bare[1]}[ndarray, {bare[2]!r}]"
    try:
        node = gast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        raise S2sadError("S501", f"{text!r} is not a type", help=_TYPES_HELP) from None
    kind = _array_kind(node, f"axis{position}_") if isinstance(node, gast.Call) else annotated_kind(node)
    if kind == UNKNOWN:
        raise S2sadError("S501", f"{text!r} is not a type that is known here", help=_TYPES_HELP)
    return kind


_DTYPES = ("float64", "float32", "float16", "complex64", "complex128", "int64", "int32", "int16", "int8", "bool")


def _array_kind(node: Any, symbol: str) -> Kind:
    """`array(float64, 2)`, `array(2)`, `array(float64)`: a dtype and a number of axes, either of them unknown."""
    if getattr(node.func, "id", None) != "array" or node.keywords or len(node.args) > 2:
        return UNKNOWN
    dtype, rank = None, None
    for argument in node.args:
        if isinstance(argument, gast.Name) and argument.id in _DTYPES and dtype is None:
            dtype = argument.id
        elif isinstance(argument, gast.Constant) and type(argument.value) is int and rank is None:
            rank = argument.value
        else:
            return UNKNOWN
    if rank is None:
        return array(dtype, None)
    return Kind("array", dtype, tuple(Extent(f"{symbol}.{axis}", 0, True) for axis in range(rank)))
