"""Rules that make arrays: copies and conversions, new arrays, ranges of numbers; what an array says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from s2sad.ir.kinds import (
    BOOL,
    INT,
    SOME,
    UNKNOWN,
    UNSURE,
    Dim,
    Kind,
    broadcast_shapes,
    dtype_kind,
)
from s2sad.rules.arguments import (
    NUMERIC,
    KindFunction,
    Literals,
    array_of,
    asked_dtype,
    asked_shape,
    dtype_of,
    named_dtype,
    places,
    promote,
    shape_of,
)
from s2sad.rules.registry import Case, Formula, alias, linear, nondifferentiable, rule, sequence


# Copies and conversions
def _floating(values: Mapping[str, Any]) -> bool | None:
    """Whether the literal `dtype` can carry a derivative; None where it is not known."""
    known = named_dtype(values.get("dtype_value", values.get("dtype")))
    return None if known is None else np.dtype(known).kind in "fc"


def _converted(text: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A formula for a conversion to a dtype that is known to carry derivatives."""
    return lambda values: text if _floating(values) else None


def _astype_kind(*, literals: Literals, a: Kind, dtype: Kind, **_: Any) -> Kind:
    return Kind(a.sort if a.is_array else "unknown", named_dtype(literals.get("dtype")), a.shape)


def _array_kind(name: str) -> KindFunction:
    """The kind function of a conversion of parameter `name` to an array."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        given: Kind = bound[name]
        dtype = asked_dtype(literals, dtype_of(given))
        shape = shape_of(given)
        least = literals.get("ndmin") if "ndmin" in bound else 0
        if least != 0:
            shape = (1,) * (least - len(shape)) + shape if isinstance(least, int) and isinstance(shape, tuple) else None
        return Kind(array_of(given, shape).sort, dtype, shape)

    return kind


def _conversion(name: str, plain: str = "dtype is None") -> Formula:
    """The adjoint of making an array of parameter `name`: of the whole array, or of an item of a list."""
    whole, listed = f"{name}.sort not in ('list', 'tuple')", f"{name}.sort in ('list', 'tuple')"
    if "ndmin" in plain:
        listed += " and ndmin == 0"
    return [
        Case(f"{plain} and {name}.element is not None", "rows_of(g)"),
        Case(f"dtype is None and {listed}", "g[k]"),
        Case(f"{plain} and {name}.is_array", "g"),
        Case("dtype is None", f"np.reshape(g, np.shape({name}))"),
        Case(listed, _converted("g[k]")),
        Case(listed, "cast_back(g[k], item, dtype)"),
        Case(whole, f"np.reshape(cast_back(g, {name}, dtype), np.shape({name}))"),
    ]


def _widened(text: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A formula for a conversion to a dtype that is known to be complex."""

    def formula(values: Mapping[str, Any]) -> str | None:
        known = named_dtype(values.get("dtype_value", values.get("dtype")))
        return text if known is not None and np.dtype(known).kind == "c" else None

    return formula


def _contiguous_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    return Kind(array_of(a, shape).sort, asked_dtype(literals, dtype_of(a)), shape or (None if shape is None else (1,)))


#: The tangent of a conversion is the same conversion, but one to integers has none.
_SAME = [Case("dtype is None", "@same"), Case("", _converted("@same"))]
_ASTYPE = [
    Case("a.is_real", _widened("g.real.astype(a.dtype)")),
    Case("not a.is_complex", _widened("cast_back(g, a)")),
    Case("", _converted("g.astype(a.dtype)")),
    Case("", "cast_back(g, a, dtype)"),
]
_ASTYPE_TANGENT = [Case("", _converted("@same")), Case("", "cast(a_dot, dtype)")]

linear("numpy.copy", "a, order='K', subok=False", kind=lambda *, literals, a, **_: array_of(a, shape_of(a)), a="g")
linear("numpy.ndarray.copy", "a, order='C'", kind=lambda *, literals, a, **_: a, a="g")
rule(
    "numpy.ndarray.astype",
    "a, dtype, order='K', casting='unsafe', subok=True, copy=True",
    kind=_astype_kind,
    views=("a",),
    a=_ASTYPE,
    tangent={"a": _ASTYPE_TANGENT},
)
rule(
    "numpy.astype",
    "a, dtype, *, copy=True, device=None",
    kind=_astype_kind,
    views=("a",),
    a=_ASTYPE,
    tangent={"a": _ASTYPE_TANGENT},
)
sequence(
    "numpy.array",
    "object, dtype=None, *, copy=True, order='K', subok=False, ndmin=0",
    over="object",
    kind=_array_kind("object"),
    views=("object",),
    tangent=_SAME,
    item=_conversion("object", "dtype is None and ndmin == 0"),
)
sequence(
    "numpy.asarray",
    "a, dtype=None, order=None, *, copy=None",
    over="a",
    kind=_array_kind("a"),
    views=("a",),
    tangent=_SAME,
    item=_conversion("a"),
)
alias("numpy.asanyarray", "numpy.asarray")
sequence(
    "numpy.asarray_chkfinite",
    "a, dtype=None, order=None",
    over="a",
    kind=_array_kind("a"),
    views=("a",),
    tangent=_SAME,
    item=_conversion("a"),
)
for _name in ("ascontiguousarray", "asfortranarray"):
    rule(
        f"numpy.{_name}",
        "a, dtype=None",
        views=("a",),
        a=[
            Case("dtype is None and a.rank", "g"),
            Case("dtype is None", "np.reshape(g, np.shape(a))"),
            Case("", "np.reshape(cast_back(g, a, dtype), np.shape(a))"),
        ],
        kind=_contiguous_kind,
        tangent={"a": _SAME},
    )


# New arrays
def _made_kind(default: str | None = "float64") -> KindFunction:
    def kind(*, literals: Literals, shape: Kind, **bound: Any) -> Kind:
        return Kind("array", asked_dtype(literals, default), asked_shape(literals.get("shape"), shape))

    return kind


def _full_kind(*, literals: Literals, shape: Kind, fill_value: Kind, dtype: Kind, **_: Any) -> Kind:
    return Kind("array", asked_dtype(literals, dtype_of(fill_value)), asked_shape(literals.get("shape"), shape))


def _like_kind(*, literals: Literals, a: Kind, dtype: Kind, shape: Kind, **_: Any) -> Kind:
    own = "shape" in literals and literals["shape"] is None
    asked = shape_of(a) if own else asked_shape(literals.get("shape"), shape)
    return Kind(array_of(a, asked).sort, asked_dtype(literals, dtype_of(a)), asked)


def _eye_kind(*, literals: Literals, dtype: Kind, **bound: Any) -> Kind:
    rows = asked_shape(literals.get("N"), bound["N"]) or (SOME,)
    columns = rows if literals.get("M", SOME) is None else asked_shape(literals.get("M"), bound["M"]) or (SOME,)
    dims = (*rows, *columns) if isinstance(rows, tuple) and isinstance(columns, tuple) else (SOME, SOME)
    return Kind("array", asked_dtype(literals, "float64"), dims)


def _identity_kind(*, literals: Literals, n: Kind, dtype: Kind, **_: Any) -> Kind:
    return _eye_kind(literals={**literals, "N": literals.get("n"), "M": None}, N=n, M=UNKNOWN, dtype=dtype)


_FLOATING_LIKE = "dtype is None and (a.sort == 'float' or (a.dtype is not None and a.carries_derivative))"


def _fill(like: bool) -> Formula:
    """The adjoint of a fill value; where the array's dtype is not known, it may hold integers."""
    if not like:
        return [
            Case("dtype is None", "unbroadcast(g, fill_value)"),
            Case("", _converted("unbroadcast(g, fill_value)")),
            Case("", "unbroadcast(cast_back(g, fill_value, dtype), fill_value)"),
        ]
    return [
        Case(_FLOATING_LIKE, "unbroadcast(g, fill_value)"),
        Case("", _converted("unbroadcast(g, fill_value)")),
        Case("dtype is None", "unbroadcast(cast_back(g, fill_value, np.result_type(a)), fill_value)"),
        Case("", "unbroadcast(cast_back(g, fill_value, dtype), fill_value)"),
    ]


_LIKE_OPTIONS = "dtype=None, order='K', subok=True, shape=None"

for _name in ("zeros", "ones", "empty"):
    nondifferentiable(f"numpy.{_name}", signature="shape, dtype=None, order='C'", kind=_made_kind())
    nondifferentiable(f"numpy.{_name}_like", signature=f"a, {_LIKE_OPTIONS}", kind=_like_kind)
rule(
    "numpy.full",
    "shape, fill_value, dtype=None, order='C'",
    kind=_full_kind,
    fill_value=_fill(like=False),
    tangent={"fill_value": _SAME},
)
rule(
    "numpy.full_like",
    f"a, fill_value, {_LIKE_OPTIONS}",
    kind=_like_kind,
    constant=("a",),
    fill_value=_fill(like=True),
    tangent={
        "fill_value": [
            Case(_FLOATING_LIKE, "@same"),
            Case("", _converted("@same")),
            Case("dtype is None", "np.full(np.shape(y), cast_back(fill_value_dot, fill_value, np.result_type(a)))"),
        ]
    },
)
nondifferentiable("numpy.eye", signature="N, M=None, k=0, dtype=None, order='C'", kind=_eye_kind)
nondifferentiable("numpy.identity", signature="n, dtype=None", kind=_identity_kind)


# Ranges of numbers
def _arange_kind(*, literals: Literals, start: Kind, stop: Kind, step: Kind, dtype: Kind) -> Kind:
    used = (start, step) if stop.sort == "none" else (start, stop, step)
    natural = promote([dtype_of(kind) if kind.sort in NUMERIC else None for kind in used])
    length: Dim = SOME
    values = [literals.get(name) for name in ("start", "stop", "step")]
    if isinstance(values[0], int) and "stop" in literals and isinstance(values[2], int) and values[2]:
        if values[1] is None:
            length = len(range(0, values[0], values[2]))
        elif isinstance(values[1], int):
            length = len(range(values[0], values[1], values[2]))
    return Kind("array", asked_dtype(literals, natural), (length,))


def _linspace_kind(*, literals: Literals, start: Kind, stop: Kind, dtype: Kind, **_: Any) -> Kind:
    if literals.get("retstep", SOME) is not False:
        return UNKNOWN
    inner, axis, num = broadcast_shapes(shape_of(start), shape_of(stop)), literals.get("axis"), literals.get("num")
    natural = "float64" if all(kind.sort in ("bool", "int", "float") for kind in (start, stop)) else None
    if start.is_complex or stop.is_complex:
        natural = promote([dtype_of(start), dtype_of(stop)])
    asked = asked_dtype(literals, natural)
    if not isinstance(inner, tuple):
        return Kind("array", asked)
    place = places(axis, len(inner) + 1)
    if place is None:
        return Kind("array", asked, (SOME,) * (len(inner) + 1))
    dims = list(inner)
    dims.insert(place[0], num if isinstance(num, int) else SOME)
    return Kind("array", asked, tuple(dims))


_ONE_RESULT = "retstep == False and dtype is None"


def _linspace_cases(weights: str, name: str) -> Formula:
    ends = f"{_ONE_RESULT} and start.is_number and stop.is_number"
    double = "start.dtype in (None, 'float64') and stop.dtype in (None, 'float64')"
    points = f"np.linspace({weights}, num, endpoint, dtype=g.dtype)"
    return [
        Case(f"{ends} and {double} and endpoint == True", f"g @ np.linspace({weights}, num)"),
        Case(ends, f"g @ {points}"),
        Case(f"{_ONE_RESULT} and axis == 0", f"unbroadcast(np.tensordot({points}, g, 1), {name})"),
        Case(_ONE_RESULT, f"unbroadcast(np.tensordot({points}, np.moveaxis(g, axis, 0), 1), {name})"),
    ]


rule(
    "numpy.arange",
    "start, stop=None, step=1, dtype=None",
    kind=_arange_kind,
    start=[Case("stop is None", "0.0"), Case("dtype is None", "np.sum(g)")],
    stop=[Case("dtype is None", "0.0")],
    step=[Case("dtype is None", "g @ np.arange(len(g))")],
    tangent={
        "start": [Case("stop is None", "np.zeros(len(y))"), Case("dtype is None", "np.full(len(y), start_dot)")],
        "stop": [Case("dtype is None", "np.zeros(len(y))")],
        "step": [Case("dtype is None", "step_dot * np.arange(len(y))")],
    },
    doc="The number of elements counts as constant.",
)
rule(
    "numpy.linspace",
    "start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0",
    kind=_linspace_kind,
    start=_linspace_cases("1, 0", "start"),
    stop=_linspace_cases("0, 1", "stop"),
    tangent={
        "start": [Case(_ONE_RESULT, "np.linspace(start_dot, 0 * stop, num, endpoint, axis=axis)")],
        "stop": [Case(_ONE_RESULT, "np.linspace(0 * start, stop_dot, num, endpoint, axis=axis)")],
    },
)


# Sizes and single elements
def _shape_kind(*, literals: Literals, a: Kind) -> Kind:
    rank = a.rank
    return Kind("tuple", items=None if rank is None else (INT,) * rank)


def _item_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    if a.dtype is None or a.dtype in ("longdouble", "clongdouble", "float128", "complex256", *UNSURE):
        return Kind("unknown", a.dtype if a.dtype in UNSURE else None, ())
    try:
        sort = {"f": "float", "c": "complex", "i": "int", "u": "int", "b": "bool"}.get(np.dtype(a.dtype).kind)
    except TypeError:
        sort = None
    return Kind(sort, shape=()) if sort else UNKNOWN


nondifferentiable("numpy.shape", "numpy.ndarray.shape", signature="a", kind=_shape_kind, cheap=True)
nondifferentiable("numpy.ndarray.strides", signature="a", kind=Kind("tuple"), cheap=True)
for _name in ("numpy.ndim", *(f"numpy.ndarray.{name}" for name in ("ndim", "size", "itemsize", "nbytes"))):
    nondifferentiable(_name, signature="a", kind=INT, cheap=True)
nondifferentiable("numpy.size", signature="a, axis=None", kind=INT, cheap=True)
nondifferentiable(
    "numpy.ndarray.dtype",
    signature="a",
    cheap=True,
    kind=lambda *, literals, a: dtype_kind(a.dtype if a.sort in ("array", "scalar") else None),
)
nondifferentiable("numpy.may_share_memory", "numpy.shares_memory", signature="a, b, max_work=None", kind=BOOL)
linear(
    "numpy.ndarray.item",
    "a, *place",
    kind=_item_kind,
    cheap=True,
    a=[
        Case("len(place) == 0", "np.full_like(a, g)"),
        Case("", "item_adjoint(g, a, place)"),
    ],
)
