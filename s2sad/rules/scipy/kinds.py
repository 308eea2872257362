"""What is certain of the results of SciPy's functions, without asking SciPy."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import Kind
from s2sad.rules.results import Literals, broadcast_kind, numbers, promoted_dtype

_PLAIN = frozenset({"float32", "float64", "int64"})


_DOUBLE = frozenset({"float64", "int64", "complex128"})


def special_dtype(kinds: list[Kind]) -> str | None:
    """The dtype that a ufunc of `scipy.special` gives; which of its loops a mixture of dtypes takes is not certain.

    >>> special_dtype([Kind("array", "float32", None)]), special_dtype([Kind("int"), Kind("float")])
    ('float32', 'float64')
    """
    if any(k.is_complex for k in kinds):
        return complex_dtype(kinds)
    if all(k.is_python_number for k in kinds):
        return "float64" if all(k.sort in ("bool", "int", "float") for k in kinds) else None
    if any(not k.is_python_number and k.dtype not in _PLAIN for k in kinds):
        return None
    dtypes = {k.dtype for k in kinds}
    if dtypes == {"float32"}:
        return "float32"
    return "float64" if promoted_dtype(kinds) in ("float64", "int64") else None


def complex_dtype(kinds: list[Kind]) -> str | None:
    """The dtype of a complex result, where arguments are in double precision."""
    return "complex128" if all(k.is_python_number or k.dtype in _DOUBLE for k in kinds) else None


def complex_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of an elementwise function whose result is complex, of real numbers too."""
    kinds = [k for name, k in bound.items() if name not in ("k", "tol")]
    return broadcast_kind(kinds, complex_dtype(kinds))


def special_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of an elementwise function of `scipy.special` with one result."""
    kinds = numbers(bound)
    return broadcast_kind(kinds, special_dtype(kinds))


def special_kinds(count: int) -> Any:
    """The kind function of an elementwise function with several results: a tuple."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        return Kind("tuple", items=(special_kind(literals=literals, **bound),) * count)

    return kind


def broadcast_only(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of a function that broadcasts, of which neither dtype nor sort is certain."""
    kinds = [k for k in numbers(bound) if k.sort not in ("bool", "str")]
    made = broadcast_kind(kinds, None)
    return Kind("unknown", None, made.shape) if made.shape == () else made
