"""What the kinds and literal values of arguments say of arrays, as the rules for shapes and linear algebra need it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import (
    PERHAPS_COMPLEX,
    SOME,
    SOME_COMPLEX,
    SOME_FLOAT,
    UNSURE,
    Dim,
    Extent,
    Kind,
    Shape,
    join_shapes,
    shift,
)

KindFunction = Callable[..., Kind]
Literals = Mapping[str, Any]

PLURAL = Extent("?", 0, True)
NUMERIC = frozenset(["bool", "int", "float", "complex", "scalar", "array"])
_PYTHON_DTYPES = {"bool": "bool", "int": np.dtype(int).name, "float": "float64", "complex": "complex128"}


# What is known of an array argument
def promote(names: Sequence[str | None]) -> str | None:
    """The dtype that covers arrays of these dtypes, None where one is unknown."""
    given = [name or "" for name in names]
    if any(name in UNSURE for name in given) or ("" in given and any(name.startswith("complex") for name in given)):
        if any(name.startswith("complex") for name in given):
            surely = any(name.startswith("complex") and name != PERHAPS_COMPLEX for name in given)
            return SOME_COMPLEX if surely else PERHAPS_COMPLEX
        return SOME_FLOAT if all(given) else None
    try:
        return np.result_type(*[np.dtype(name) for name in names if name]).name if all(names) and names else None
    except TypeError:
        return None


def dtype_of(kind: Kind) -> str | None:
    """The dtype that NumPy gives an argument of this kind when it makes an array of it."""
    if kind.element is not None:
        return dtype_of(kind.element) if dtype_of(kind.element) == "float64" else None
    if kind.sort in ("tuple", "list"):
        if not kind.items:
            return None if kind.items is None else "float64"
        return promote([dtype_of(item) for item in kind.items])
    return _PYTHON_DTYPES.get(kind.sort, kind.dtype)


def shape_of(kind: Kind) -> Shape:
    """The shape that an argument of this kind has as an array."""
    if kind.element is not None:
        inner = shape_of(kind.element)
        # Of no rows at all an array has one axis.
        return (SOME, *inner) if inner == () else None
    if kind.sort in ("tuple", "list"):
        if not kind.items:
            return None if kind.items is None else (0,)
        inner = shape_of(kind.items[0])
        for item in kind.items[1:]:
            inner = join_shapes(inner, shape_of(item))
        return (len(kind.items), *inner) if isinstance(inner, tuple) else None
    return kind.shape


def array_of(kind: Kind, shape: Shape, dtype: str | None = None) -> Kind:
    """The kind of an array of this shape that a NumPy function makes of an argument of `kind`."""
    sure = kind.sort in NUMERIC or kind.sort in ("tuple", "list")
    return Kind("array" if sure else "unknown", dtype or dtype_of(kind), shape)


def named_dtype(literal: Any) -> str | None:
    """The name of the dtype that a literal `dtype` argument says: a string, a dtype or a type of numbers."""
    number = isinstance(literal, type) and issubclass(literal, (bool, int, float, complex, np.generic))
    try:
        return np.dtype(literal).name if number or isinstance(literal, (str, np.dtype)) else None
    except TypeError:
        return None


def asked_dtype(literals: Literals, otherwise: str | None) -> str | None:
    """The dtype by an optional `dtype` argument, `otherwise` where that is None."""
    if "dtype" in literals and literals["dtype"] is None:
        return otherwise
    return named_dtype(literals.get("dtype"))


def asked_shape(literal: Any, kind: Kind) -> Shape:
    """The shape that a `shape` argument says; -1 stands for an unknown length."""
    if isinstance(literal, int):
        return (literal if literal >= 0 else SOME,)
    if isinstance(literal, (tuple, list)):
        return tuple(n if isinstance(n, int) and n >= 0 else SOME for n in literal)
    if kind.sort in ("int", "bool") or (kind.sort == "scalar" and kind.shape == ()):
        return (SOME,)
    if kind.sort in ("tuple", "list") and kind.items is not None:
        return (SOME,) * len(kind.items)
    return None


def is_one(dim: Dim) -> bool | None:
    """Whether an axis has length one, None where unknown."""
    if isinstance(dim, int):
        return dim == 1
    return False if dim.plural else None


def product(shape: Shape) -> Dim:
    """The number of elements of an array of this shape."""
    if not isinstance(shape, tuple):
        return SOME
    several = [dim for dim in shape if dim != 1]
    if len(several) <= 1:
        return several[0] if several else 1
    numbers = [dim for dim in several if isinstance(dim, int)]
    if len(numbers) == len(several):
        return math.prod(numbers)
    if 0 in numbers:
        return 0
    return PLURAL if any(is_one(dim) is False for dim in several) else SOME


def total(dims: list[Dim]) -> Dim:
    """The sum of axis lengths."""
    numbers = [dim for dim in dims if isinstance(dim, int)]
    others = [dim for dim in dims if not isinstance(dim, int)]
    if not others:
        return sum(numbers)
    # A length such as n - 1 is cut off at zero, so that adding to it says nothing certain.
    if len(others) == 1 and others[0].offset >= 0:
        return shift(others[0], sum(numbers)) if sum(numbers) else others[0]
    return SOME


def same(name: str) -> KindFunction:
    """The kind function of an operation that keeps the shape and dtype of parameter `name`."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        given: Kind = bound[name]
        result = array_of(given, shape_of(given))
        return result if result.rank else Kind("unknown", result.dtype, result.shape)

    return kind


def places(axes: Any, rank: int) -> tuple[int, ...] | None:
    """Literal axes counted from the front; None where they are unknown or out of range."""
    axes = (axes,) if isinstance(axes, int) else axes
    if not isinstance(axes, (tuple, list)) or not all(isinstance(axis, int) and -rank <= axis < rank for axis in axes):
        return None
    return tuple(axis % rank for axis in axes)


def item_kinds(kind: Kind) -> tuple[Kind, ...] | None:
    """The kinds of the arrays of a sequence argument, None where unknown."""
    return kind.items if kind.sort in ("tuple", "list") else None
