"""Rules for NumPy's elementwise functions. The engine sums each adjoint back to its argument's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import BOOL, SOME, Kind
from s2sad.rules.operators import POWER_BASE, POWER_DOC, POWER_EXPONENT, divmod_rule
from s2sad.rules.registry import Case, Formula, alias, elementwise, linear, nondifferentiable, rule
from s2sad.rules.results import (
    Literals,
    array_dtype,
    broadcast_kind,
    numbers,
    promoted_dtype,
    ufunc_kind,
    ufunc_results,
)

_AT_ZERO = "At zero the derivative is zero."
_TIES = "Equal arguments get half the derivative each."


def _ufunc(name: str, signature: str = "x", constant: Sequence[str] = (), doc: str = "", **partials: Formula) -> None:
    kind = ufunc_kind(getattr(np, name))
    elementwise(f"numpy.{name}", signature, kind=kind, constant=constant, doc=doc, **partials)


def _promoted_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of a function that is no ufunc but broadcasts and promotes like one."""
    kinds = numbers(bound)
    return broadcast_kind(kinds, array_dtype(kinds[0]) if len(kinds) == 1 else promoted_dtype(kinds))


def _array_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The same, of a function that gives an array also without axes."""
    made = _promoted_kind(literals=literals, **bound)
    return Kind("array", made.dtype, made.shape) if made.sort == "scalar" else made


def _first_argument_kind(*, literals: Literals, **bound: Any) -> Kind:
    """The kind of a function whose other arguments are options: the shape and dtype of the first."""
    return _promoted_kind(literals=literals, first=next(iter(bound.values())))


# Trigonometric functions
_ufunc("sin", x="np.cos(x)")
_ufunc("cos", x="-np.sin(x)")
_ufunc("tan", x="1 + y ** 2")
_ufunc("arcsin", x="1 / np.sqrt(1 - x ** 2)")
_ufunc("arccos", x="-1 / np.sqrt(1 - x ** 2)")
_ufunc("arctan", x="1 / (1 + x ** 2)")
_ufunc("arctan2", "a, b", a="b / (a ** 2 + b ** 2)", b="-a / (a ** 2 + b ** 2)")
_ufunc("hypot", "a, b", a="a / np.where(y, y, 1)", b="b / np.where(y, y, 1)", doc=_AT_ZERO)
_ufunc("deg2rad", x="np.deg2rad(g)")
_ufunc("rad2deg", x="np.rad2deg(g)")
_ufunc("radians", x="np.radians(g)")
_ufunc("degrees", x="np.degrees(g)")
elementwise(
    "numpy.sinc",
    "x",
    kind=_promoted_kind,
    doc="Near zero by the series, where the quotient would cancel.",
    x="np.where(np.abs(x) < 1e-4, -np.pi ** 2 * x / 3, (np.cos(np.pi * x) - y) / np.where(x, x, 1))",
)

# Hyperbolic functions
_ufunc("sinh", x="np.cosh(x)")
_ufunc("cosh", x="np.sinh(x)")
_ufunc("tanh", x="1 - y ** 2")
_ufunc("arcsinh", x="1 / np.sqrt(x ** 2 + 1)")
_ufunc("arccosh", x="1 / np.sqrt(x ** 2 - 1)")
_ufunc("arctanh", x="1 / (1 - x ** 2)")

# Exponentials and logarithms
_ufunc("exp", x="y")
_ufunc("exp2", x="y * math.log(2)")
_ufunc("expm1", x="np.exp(x)")
_ufunc("log", x="1 / x")
_ufunc("log2", x="1 / (x * math.log(2))")
_ufunc("log10", x="1 / (x * math.log(10))")
_ufunc("log1p", x="1 / (1 + x)")
_ufunc("logaddexp", "a, b", a="np.exp(a - y)", b="np.exp(b - y)")
_ufunc("logaddexp2", "a, b", a="np.exp2(a - y)", b="np.exp2(b - y)")

# Arithmetic
_ufunc("add", "a, b", a="1", b="1")
_ufunc("subtract", "a, b", a="1", b="-1")
_ufunc("multiply", "a, b", a="b", b="a")
_ufunc("divide", "a, b", a="1 / b", b="-a / b ** 2")
_ufunc("remainder", "a, b", a="1", b="-(a // b)")
_ufunc("fmod", "a, b", a="1", b="(y - a) / b")
_ufunc("negative", x="-1")
_ufunc("positive", x="1")
_ufunc("reciprocal", x="-y ** 2")
_ufunc(
    "absolute", doc=_AT_ZERO, x=[Case("x.is_complex", "np.conj(x) / np.where(y, y, 1)"), Case("", "np.sign(x)")]
)
_ufunc("fabs", x="np.sign(x)", doc=_AT_ZERO)
divmod_rule("numpy.divmod", np.divmod)

# Powers and roots. A Python number stays within NumPy, which has its own answers at singular points.
_NUMPY_POWER_BASE = [
    *POWER_BASE[:2],
    Case("p_value == p_value and x.is_python_number", "p * np.power(x, p - 1)"),
    POWER_BASE[2],
    Case("x.is_python_number", "p * np.power(np.where((x == 0) & (p == 0), 1, x), p - 1)"),
    POWER_BASE[-1],
]
_ufunc("power", "x, p", x=_NUMPY_POWER_BASE, p=POWER_EXPONENT, doc=POWER_DOC)
_ufunc("float_power", "x, p", x=_NUMPY_POWER_BASE, p=POWER_EXPONENT, doc=POWER_DOC)
_ufunc("square", x="2 * x")
_ufunc("sqrt", x="0.5 / y", doc="At zero the derivative is infinite.")
_ufunc("cbrt", x="1 / (3 * y ** 2)")


# Choices between arguments
def _extreme(sign: str, item: str, other: str) -> list[Case]:
    """The adjoint of one argument of `maximum` (sign ">") or `minimum` ("<")."""
    difference = f"{item} - {other}" if sign == ">" else f"{other} - {item}"
    finite = f"-1e300 < {other}_value < 1e300"
    at_zero = item if sign == ">" else f"-{item}"
    return [
        Case(f"{other}_value == 0", f"np.heaviside({at_zero}, 0.5)"),
        Case(finite, f"np.heaviside({difference}, 0.5)"),
        Case("", f"np.where({item} {sign} {other}, g, np.where({item} == {other}, g / 2, 0))"),
    ]


def _extreme_of_known(item: str, other: str) -> str:
    return f"np.where({item} == {other}, g / 2, np.where({item} == y, g, 0))"


_ufunc("maximum", "a, b", a=_extreme(">", "a", "b"), b=_extreme(">", "b", "a"), doc=_TIES)
_ufunc("minimum", "a, b", a=_extreme("<", "a", "b"), b=_extreme("<", "b", "a"), doc=_TIES)
_ufunc("fmax", "a, b", a=_extreme_of_known("a", "b"), b=_extreme_of_known("b", "a"), doc=_TIES)
_ufunc("fmin", "a, b", a=_extreme_of_known("a", "b"), b=_extreme_of_known("b", "a"), doc=_TIES)


def _where_kind(*, literals: Literals, condition: Kind, a: Kind, b: Kind) -> Kind:
    if a.sort == "none" and b.sort == "none":
        rank = condition.rank
        return Kind("tuple", items=None if rank is None else (Kind("array", np.dtype(np.intp).name, (SOME,)),) * rank)
    result = broadcast_kind([condition, a, b], promoted_dtype([a, b]))
    return Kind("array", result.dtype, result.shape) if "unknown" not in (condition.sort, a.sort, b.sort) else result


elementwise(
    "numpy.where",
    "condition, a=None, b=None",
    kind=_where_kind,
    constant=("condition",),
    doc="What is infinite where it is not chosen counts as zero; if its adjoint is used twice, NaN, as in JAX.",
    a="np.where(condition, g, 0)",
    b="np.where(condition, 0, g)",
)


def _clip(name: str, low: str, high: str) -> None:
    """Register `clip`: the smaller of `high` and the larger of the argument and `low`."""
    below, above = f"{low} is None", f"{high} is None"
    elementwise(
        name, f"a, {low}=None, {high}=None", kind=_promoted_kind, constant=(),
        doc="At an edge the argument and the edge get half each.",
        **{
            "a": [
                Case(f"{below} and {above}", "1"),
                Case(below, f"np.heaviside({high} - a, 0.5)"),
                Case(above, f"np.heaviside(a - {low}, 0.5)"),
                Case("", f"np.heaviside(a - {low}, 0.5) * np.heaviside({high} - a, 0.5)"),
            ],
            low: [
                Case(above, f"np.heaviside({low} - a, 0.5)"),
                Case("", f"np.heaviside({low} - a, 0.5) * np.heaviside({high} - {low}, 0.5)"),
            ],
            high: [
                Case(below, f"np.heaviside(a - {high}, 0.5)"),
                Case("", f"np.heaviside(np.maximum(a, {low}) - {high}, 0.5)"),
            ],
        },
    )  # fmt: skip


_clip("numpy.clip", "a_min", "a_max")
_clip("numpy.ndarray.clip", "min", "max")

# Signs, steps and special values
_ufunc("copysign", "x, s", x="np.sign(x) * np.sign(y)", constant=("s",), doc=_AT_ZERO)
elementwise("numpy.i0", "x", kind=_array_kind, x="bessel_i(x, 1)", doc="The derivative is the function I1.")
_ufunc("heaviside", "x, h", constant=("x",), h="x == 0")
_ufunc("ldexp", "x, i", x="np.ldexp(g, i)")
_ufunc("nextafter", "x, toward", constant=("toward",), x="1")
elementwise(
    "numpy.nan_to_num",
    "x, copy=True, nan=0.0, posinf=None, neginf=None",
    kind=_first_argument_kind,
    x=[Case("copy == True", "np.where(np.isfinite(x), g, 0)")],
)
rule(
    "numpy.modf",
    "x",
    results=2,
    kind=ufunc_results(np.modf),
    cheap=True,
    x="g0",
    tangent={"x": "(x_dot, np.zeros_like(y1))"},
)
rule(
    "numpy.frexp",
    "x",
    results=2,
    kind=ufunc_results(np.frexp),
    cheap=True,
    x="np.ldexp(g0, -y1)",
    tangent={"x": "(np.ldexp(x_dot, -y1), np.zeros_like(y1))"},
)


linear("numpy.real_if_close", "x, tol=100", kind=_array_kind, views=("x",), cheap=True, x=[
    Case("x.is_array", "g"), Case("", "np.reshape(g, np.shape(x))"),
])  # fmt: skip


# Conversions to one type of number
def _convert(name: str) -> None:
    dtype = np.dtype(name).name

    def kind(*, literals: Literals, x: Kind) -> Kind:
        return broadcast_kind([x], dtype)

    same = f"x.dtype == '{dtype}'" + (" or x.is_python_number" if name == "float64" else "")
    # An array that has the dtype is returned as it is.
    adjoint = [Case(same, "g"), Case("", "cast_back(g, x)")]
    linear(f"numpy.{name}", "x", kind=kind, views=("x",), cheap=True, x=adjoint)


for _name in ("float16", "float32", "float64", "longdouble"):
    _convert(_name)

# Steps: the derivative is zero
for _name in ("floor", "ceil", "rint", "trunc", "sign", "spacing"):
    nondifferentiable(f"numpy.{_name}", signature="x", kind=ufunc_kind(getattr(np, _name)), cheap=True)
nondifferentiable("numpy.fix", signature="x", kind=ufunc_kind(np.trunc), cheap=True)
nondifferentiable("numpy.floor_divide", signature="a, b", kind=ufunc_kind(np.floor_divide), cheap=True)
for _name in ("round", "around", "ndarray.round"):
    nondifferentiable(f"numpy.{_name}", signature="a, decimals=0", kind=_first_argument_kind, cheap=True)

# Tests, comparisons, logic and integers: no derivative
for _name in ("isnan", "isinf", "isfinite", "signbit", "logical_not", "invert"):
    nondifferentiable(f"numpy.{_name}", signature="x", kind=ufunc_kind(getattr(np, _name)), cheap=True)
for _name in (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
    "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm",
):  # fmt: skip
    nondifferentiable(f"numpy.{_name}", signature="a, b", kind=ufunc_kind(getattr(np, _name)), cheap=True)


def _test_kind(*, literals: Literals, a: Kind, b: Kind | None = None, **_: Kind) -> Kind:
    return broadcast_kind([a, b] if b else [a], "bool")


nondifferentiable("numpy.isclose", signature="a, b, rtol=1e-05, atol=1e-08, equal_nan=False", kind=_test_kind)
nondifferentiable("numpy.isposinf", "numpy.isneginf", "numpy.isreal", "numpy.iscomplex", signature="a", kind=_test_kind)
nondifferentiable("numpy.allclose", signature="a, b, rtol=1e-05, atol=1e-08, equal_nan=False", kind=BOOL)
nondifferentiable("numpy.array_equal", signature="a1, a2, equal_nan=False", kind=BOOL)
nondifferentiable("numpy.array_equiv", signature="a1, a2", kind=BOOL)
nondifferentiable("numpy.isscalar", "numpy.isrealobj", "numpy.iscomplexobj", signature="x", kind=BOOL, cheap=True)

# Other names of the same functions
for _name, _of in {
    "abs": "absolute", "true_divide": "divide", "mod": "remainder", "pow": "power",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "bitwise_not": "invert", "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
    "half": "float16", "single": "float32", "double": "float64", "float128": "longdouble",
    "conj": "conjugate", "ndarray.conj": "ndarray.conjugate",
}.items():  # fmt: skip
    alias(f"numpy.{_name}", f"numpy.{_of}")
