"""Kind functions that the rule files share: what is certain of a result, from the kinds of the arguments.

A kind function is called with a Kind for each bound parameter (a tuple of Kinds for a variadic one) and `literals`, the
values of literal arguments. dtypes follow NumPy 2: a Python number is weak, it takes the dtype of what it meets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from s2sad.ir.kinds import (
    BOOL,
    FLOAT,
    INT,
    PERHAPS_COMPLEX,
    SOME,
    SOME_COMPLEX,
    SOME_FLOAT,
    STR,
    UNKNOWN,
    UNSURE,
    Dim,
    Kind,
    Shape,
    broadcast_shapes,
)

KindFunction = Callable[..., Kind]
Literals = Mapping[str, Any]

_PYTHON_ORDER = ("bool", "int", "float", "complex")
_WEAK: dict[str, Any] = {"bool": np.dtype(bool), "int": int, "float": float, "complex": complex}
_BROADCAST = frozenset({*_PYTHON_ORDER, "scalar", "array", "unknown"})


# Shapes and sorts
def broadcast_kind(kinds: Sequence[Kind], dtype: str | None) -> Kind:
    """The result of a NumPy function that broadcasts its arguments: an array, or a scalar where there are no axes."""
    if any(k.sort not in _BROADCAST for k in kinds):
        return UNKNOWN
    shape = broadcast_all(kinds)
    if shape == () and any(k.sort == "unknown" for k in kinds):
        return Kind("unknown", dtype, shape)  # what has no axes may be an array or a number
    return of_rank(shape, dtype)


def broadcast_all(kinds: Sequence[Kind]) -> Shape:
    """The broadcast of the shapes of several arguments."""
    shape: Shape = ()
    for kind in kinds:
        shape = broadcast_shapes(shape, kind.shape)
    return shape


def of_rank(shape: Shape, dtype: str | None) -> Kind:
    """What NumPy returns for a shape: a scalar for no axes, an array for some; unknown where the rank is."""
    if not isinstance(shape, tuple):
        return Kind("unknown", dtype, shape)
    return Kind("array" if shape else "scalar", dtype, shape)


def numbers(kinds: Mapping[str, Any]) -> list[Kind]:
    """The arguments in order, those of variadic parameters one by one, without those that are None."""
    flat: list[Kind] = []
    for k in kinds.values():
        flat += k if isinstance(k, tuple) else (k,)
    return [k for k in flat if k.sort != "none"]


def first_kind(*, literals: Literals, **bound: Any) -> Kind:
    """A result of the same kind as the first argument."""
    return cast(Kind, next(iter(bound.values())))


def same_kind(name: str = "a") -> KindFunction:
    """The kind function of a result of the same kind as the argument `name`."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        return cast(Kind, bound[name])

    return kind


def fixed(result: Kind) -> KindFunction:
    """The kind function of a result that is always of one kind."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        return result

    return kind


# dtypes
def resolved_dtype(ufunc: np.ufunc, kinds: Sequence[Kind], output: int = 0) -> str | None:
    """The name of the dtype that a ufunc gives for arguments of these kinds; None where that is not certain.

    >>> resolved_dtype(np.add, [Kind("array", "float32", None), FLOAT])
    'float32'
    """
    if all(t.endswith("->?") for t in ufunc.types if "O" not in t):
        return "bool"
    if len(kinds) != ufunc.nin:
        return None
    if any(not k.is_python_number and (k.dtype is None or k.dtype in UNSURE) for k in kinds):
        return _unsure_dtype(lambda *dtypes: ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))[-1], kinds)
    given = [_WEAK[k.sort] if k.is_python_number else np.dtype(k.dtype) for k in kinds]
    weak = [float if _may_be_weak(k) else g for k, g in zip(kinds, given)]
    try:
        found = {
            str(ufunc.resolve_dtypes((*types, *[None] * ufunc.nout))[ufunc.nin + output].name)
            for types in ([given, weak] if any(map(_may_be_weak, kinds)) else [given])
        }
    except TypeError:
        return None
    return found.pop() if len(found) == 1 else None


def _unsure_dtype(resolve: Callable[..., Any], kinds: Sequence[Kind]) -> str | None:
    """What is known of a dtype where that of some argument is not: it is complex where one of these makes it so."""
    if not any(k.is_complex or k.dtype in UNSURE for k in kinds):
        return None
    try:
        found = np.dtype(resolve(*(np.dtype(complex if k.is_complex else float) for k in kinds))).kind
    except TypeError:
        return None
    if found == "c":
        return SOME_COMPLEX if any(k.is_complex and k.dtype != PERHAPS_COMPLEX for k in kinds) else PERHAPS_COMPLEX
    return SOME_FLOAT if found == "f" and all(k.is_real or k.is_complex for k in kinds) else None


def _may_be_weak(kind: Kind) -> bool:
    """Whether what is known to be of double precision may be a Python float as well as a NumPy number."""
    return kind.sort == "unknown" and kind.shape == () and kind.dtype == "float64"


def promoted_dtype(kinds: Sequence[Kind]) -> str | None:
    """The dtype that arguments of these kinds have in common; None where that is not certain.

    >>> promoted_dtype([Kind("array", "float32", None), INT])
    'float32'
    """
    if any(not k.is_python_number and (k.dtype is None or k.dtype in UNSURE) for k in kinds):
        return _unsure_dtype(np.result_type, kinds)
    if not kinds:
        return None
    samples = [{"bool": False, "int": 0, "float": 0.0, "complex": 0j}.get(k.sort, np.dtype(k.dtype)) for k in kinds]
    weak = [0.0 if _may_be_weak(k) else s for k, s in zip(kinds, samples)]
    try:
        found = {str(np.result_type(*some).name) for some in (samples, weak)}
    except TypeError:
        return None
    return found.pop() if len(found) == 1 else None


def inexact_dtype(dtype: str | None) -> str | None:
    """The dtype in which NumPy averages: float64 for integers, otherwise unchanged."""
    return "float64" if dtype is not None and dtype not in UNSURE and np.dtype(dtype).kind in "biu" else dtype


def sum_dtype(dtype: str | None) -> str | None:
    """The dtype in which NumPy sums and multiplies: int64 for short integers, otherwise unchanged.

    >>> sum_dtype("bool"), sum_dtype("float32")
    ('int64', 'float32')
    """
    if dtype is None or dtype in UNSURE:
        return dtype
    try:
        return cast(str, np.add.reduce(np.zeros(0, dtype)).dtype.name)
    except TypeError:
        return None


def real_dtype(dtype: str | None) -> str | None:
    """The dtype of the parts of complex numbers of a dtype.

    >>> real_dtype("complex64"), real_dtype("float16"), real_dtype(None)
    ('float32', 'float16', None)
    """
    if dtype is None or dtype in UNSURE:
        return dtype and SOME_FLOAT
    return str(np.zeros(0, dtype).real.dtype.name)


# Elementwise operations
def elementwise_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of an elementwise operation of which no more is known: the shapes and inexact dtypes broadcast."""
    kinds = numbers(bound)
    dtype = promoted_dtype(kinds)
    if dtype is None or dtype in UNSURE or np.dtype(dtype).kind not in "fc":
        dtype = None
    result = broadcast_kind(kinds, dtype)
    # A user's function of numbers may return a Python number or a NumPy one.
    return Kind("unknown", None, ()) if result.shape == () else result


def ufunc_kind(ufunc: np.ufunc) -> KindFunction:
    """The kind function of a ufunc with one result; the dtype is what the ufunc itself says."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        kinds = numbers(bound)
        return broadcast_kind(kinds, resolved_dtype(ufunc, kinds))

    return kind


def ufunc_results(ufunc: np.ufunc) -> KindFunction:
    """The kind function of a ufunc with several results: a tuple."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        kinds = numbers(bound)
        dtypes = [resolved_dtype(ufunc, kinds, k) for k in range(ufunc.nout)]
        return Kind("tuple", items=tuple(broadcast_kind(kinds, dtype) for dtype in dtypes))

    return kind


def operator_kind(name: str, ufunc: np.ufunc) -> KindFunction:
    """The kind function of a Python operator: Python's own for Python numbers, else that of the ufunc it stands for."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        kinds = numbers(bound)
        if len(kinds) < len(bound):
            return BOOL if name in ("eq", "ne") else UNKNOWN  # one is None: no number comes of it
        if all(k.is_python_number for k in kinds):
            return python_operator_kind(name, kinds, [literals.get(p) for p in bound])
        if all(k.sort not in _BROADCAST for k in kinds):
            return _structures_kind(name, kinds)
        if kinds[0].sort == "str":
            return STR if name in ("mod", "mul") else UNKNOWN
        if kinds[0].sort == "complex" and (kinds[-1].sort, kinds[-1].dtype) == ("scalar", "float64"):
            return kinds[0]  # np.float64 is a float, which complex numbers of Python take first
        return broadcast_kind(kinds, resolved_dtype(ufunc, kinds))

    return kind


def python_operator_kind(name: str, kinds: Sequence[Kind], values: Sequence[Any]) -> Kind:
    """The kind that an operator gives on Python numbers; `values` are the literal ones among them, or None."""
    if name in ("lt", "le", "gt", "ge", "eq", "ne"):
        return BOOL
    widest = max(kinds, key=lambda k: _PYTHON_ORDER.index(k.sort))
    if name in ("and_", "or_", "xor"):
        return widest
    if widest.sort == "bool":
        widest = INT
    if name == "truediv":
        return FLOAT if widest.sort == "int" else widest
    if name == "pow":
        return _python_power_kind(kinds, values)
    if name == "abs" and widest.sort == "complex":
        return FLOAT
    return widest


def _python_power_kind(kinds: Sequence[Kind], values: Sequence[Any]) -> Kind:
    """A negative number to a fraction is complex, an int to a negative int a float."""
    base, exponent = kinds
    x, p = values
    if "complex" in (base.sort, exponent.sort):
        return Kind("complex", shape=())
    if exponent.sort != "float":
        if base.sort == "float":
            return FLOAT
        return Kind("unknown", None, ()) if p is None else INT if p >= 0 else FLOAT
    if (p is not None and p == int(p)) or (x is not None and x >= 0):
        return FLOAT
    return Kind("unknown", None, ())


def _structures_kind(name: str, kinds: Sequence[Kind]) -> Kind:
    """What operators give on strings, tuples and lists."""
    sorts = {k.sort for k in kinds}
    if name in ("lt", "le", "gt", "ge", "eq", "ne") and sorts <= {"str", "tuple", "list"}:
        return BOOL
    if name == "add" and sorts == {"str"}:
        return STR
    if name == "add" and (sorts == {"tuple"} or sorts == {"list"}):
        a, b = kinds
        return Kind(a.sort, items=None if a.items is None or b.items is None else a.items + b.items)
    return STR if name == "mod" and kinds[0].sort == "str" else UNKNOWN


# Reductions
def reduced_shape(a: Kind, axis: Any, axis_kind: Kind | None, keepdims: Any) -> Shape:
    """The shape after a reduction of `a`; `axis` and `keepdims` are literal values, or `...` where they are not.

    >>> reduced_shape(Kind("array", None, (2, 3)), -1, None, True)
    (2, 1)
    """
    shape = a.shape
    if axis is None and keepdims is False:
        return ()
    if not isinstance(shape, tuple):
        return None
    rank = len(shape)
    axes = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if isinstance(axes, (tuple, list)) and all(isinstance(i, int) and -rank <= i < rank for i in axes):
        gone = {i % rank for i in axes}
        if keepdims is False:
            return tuple(n for i, n in enumerate(shape) if i not in gone)
        if keepdims is True:
            return tuple(1 if i in gone else n for i, n in enumerate(shape))
        return None
    if keepdims is True:
        return (SOME,) * rank
    if keepdims is False and axis_kind is not None:
        if axis_kind.sort == "int" and rank:
            return (SOME,) * (rank - 1)
        if axis_kind.sort == "tuple" and axis_kind.items is not None and len(axis_kind.items) <= rank:
            return (SOME,) * (rank - len(axis_kind.items))
    return None


def reduction_kind(dtype: Callable[[str | None], str | None] = lambda dtype: dtype) -> KindFunction:
    """The kind function of a reduction of `a` over `axis`; `dtype` maps the argument's dtype to the result's."""

    def kind(*, literals: Literals, a: Kind, axis: Kind | None = None, **bound: Any) -> Kind:
        keepdims = literals.get("keepdims", ... if "keepdims" in bound else False)
        shape = reduced_shape(a, literals.get("axis", ...), axis, keepdims)
        if a.sort not in _BROADCAST or a.sort == "unknown":
            return Kind("unknown", dtype(a.dtype) if a.dtype in UNSURE else None, shape)
        return of_rank(shape, dtype(array_dtype(a)))

    return kind


def array_dtype(kind: Kind) -> str | None:
    """The dtype that a number or array has as an array.

    >>> array_dtype(FLOAT)
    'float64'
    """
    return np.dtype(_WEAK[kind.sort]).name if kind.is_python_number else kind.dtype


def cumulative_kind(dtype: Callable[[str | None], str | None] = sum_dtype) -> KindFunction:
    """The kind function of a running sum or product of `a` along `axis`; without an axis `a` is flattened."""

    def kind(*, literals: Literals, a: Kind, axis: Kind | None = None, **_: Any) -> Kind:
        if a.sort not in _BROADCAST:
            return UNKNOWN
        shape: Shape = None
        if literals.get("axis", ...) is None:
            shape = (flat_length(a.shape),)
        elif axis is not None and axis.sort in ("int", "scalar"):
            shape = (1,) if a.shape == () else a.shape
        if a.sort == "unknown":
            return Kind("unknown", dtype(a.dtype) if a.dtype in UNSURE else None, shape)
        return Kind("array", dtype(array_dtype(a)), shape)

    return kind


def flat_length(shape: Shape) -> Dim:
    """The number of elements of a shape, where it is that of one axis or all are known."""
    if not isinstance(shape, tuple):
        return SOME
    long = [n for n in shape if n != 1]
    if len(long) == 1:
        return long[0]
    if all(isinstance(n, int) for n in long):
        return int(np.prod(np.array(long, dtype=int)))
    return SOME
