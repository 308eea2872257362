"""Annotations to kinds, read from the syntax.

Known are `float`, `np.ndarray`, jaxtyping's `Float64[np.ndarray, "n d"]` and their like, and strings of these.
"""

from __future__ import annotations

from typing import Any

import gast

from s2sad.ir.kinds import BOOL, COMPLEX, FLOAT, INT, NONE, STR, UNKNOWN, Dim, Extent, Kind, Shape

_PLAIN = {
    "float": FLOAT, "int": INT, "bool": BOOL, "complex": COMPLEX, "str": STR, "None": NONE, "ndarray": Kind("array"),
    "dict": Kind("dict"), "float64": Kind("scalar", "float64", ()), "float32": Kind("scalar", "float32", ()),
}  # fmt: skip
_DTYPES = {
    "Float64": "float64", "Float32": "float32", "Float16": "float16", "Complex64": "complex64",
    "Complex128": "complex128", "Bool": "bool", "Int64": "int64", "Int32": "int32", "Int16": "int16", "Int8": "int8",
    "UInt8": "uint8", "UInt16": "uint16", "UInt32": "uint32", "UInt64": "uint64",
    "Float": None, "Num": None, "Shaped": None, "Inexact": None, "Complex": None, "Real": None,
}  # fmt: skip


def annotated_kind(annotation: Any) -> Kind:
    """The kind that an annotation promises; UNKNOWN for what says nothing.

    >>> annotated_kind(gast.parse("Float64[np.ndarray, 'n 3']", mode="eval").body).shape
    (n, 3)
    """
    if annotation is None:
        return UNKNOWN
    if isinstance(annotation, gast.Constant):
        if annotation.value is None:
            return NONE
        if isinstance(annotation.value, str):
            try:
                return annotated_kind(gast.parse(annotation.value, mode="eval").body)
            except SyntaxError:
                return UNKNOWN
        return UNKNOWN
    if isinstance(annotation, (gast.Name, gast.Attribute)):
        return _PLAIN.get(annotation.id if isinstance(annotation, gast.Name) else annotation.attr, UNKNOWN)
    if isinstance(annotation, gast.Subscript):
        return _subscript(annotation)
    return UNKNOWN


def _subscript(annotation: Any) -> Kind:
    head = annotation.value
    name = head.id if isinstance(head, gast.Name) else getattr(head, "attr", "")
    parts = annotation.slice.elts if isinstance(annotation.slice, gast.Tuple) else [annotation.slice]
    if name in _DTYPES and len(parts) == 2 and isinstance(parts[1], gast.Constant) and isinstance(parts[1].value, str):
        shape = _axes(parts[1].value)
        if shape == ():
            return Kind("unknown", _DTYPES[name], ())
        return Kind("array", _DTYPES[name], shape)
    if name == "NDArray" or name == "ndarray":
        return Kind("array", _scalar_dtype(parts[-1]))
    if name in ("tuple", "Tuple") and parts and not any(isinstance(p, gast.Constant) and p.value is ... for p in parts):
        return Kind("tuple", items=tuple(annotated_kind(p) for p in parts))
    if name in ("list", "List", "Sequence", "tuple", "Tuple"):
        return Kind("list" if name in ("list", "List") else "unknown")
    if name in ("dict", "Dict"):
        return Kind("dict")
    if name in ("Final", "Annotated"):
        return annotated_kind(parts[0])
    return UNKNOWN


def _scalar_dtype(node: Any) -> str | None:
    name = node.attr if isinstance(node, gast.Attribute) else getattr(node, "id", None)
    return (
        name if name in ("float64", "float32", "float16", "complex64", "complex128", "int64", "int32", "bool") else None
    )


def _axes(text: str) -> Shape:
    """The shape that jaxtyping's axis names say; None where a name stands for any number of axes."""
    dims: list[Dim] = []
    for position, word in enumerate(text.split()):
        if word.startswith("*") or word == "...":
            return None
        if word.startswith("#"):
            dims.append(Extent("?"))
        elif word.lstrip("+-").isdigit():
            dims.append(int(word))
        elif word == "_" or word.startswith("_"):
            dims.append(Extent(f"axis {position} of {text}", 0, True))
        elif word.isidentifier():
            dims.append(Extent(word, 0, True))
        elif "=" in word and word.partition("=")[2].isidentifier():
            dims.append(Extent(word.partition("=")[2], 0, True))
        else:
            dims.append(Extent("?"))
    return tuple(dims)
