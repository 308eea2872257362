"""Rules for reductions by axis: sums, means, products, extremes, running sums. The methods of arrays are aliases."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.kinds import INT, Kind
from s2sad.rules.registry import Case, alias, linear, nondifferentiable, rule
from s2sad.rules.results import (
    Literals,
    array_dtype,
    cumulative_kind,
    inexact_dtype,
    promoted_dtype,
    reduction_kind,
    sum_dtype,
)

_REDUCTION = "a, axis=None, *, keepdims=False"
_WHOLE = "axis is None and keepdims == False"
_ALL_EQUAL = "Where all elements are equal the derivative is zero."
_TIES = "Equal extremes share the derivative evenly."


def _methods(when: str, text: str) -> list[Case]:
    """Two cases of a text that reads `a.size` and `a.mean(…)`: what may be a Python number has no such attributes."""
    functions = text.replace("a.mean()", "np.mean(a)").replace("a.mean(", "np.mean(a, ").replace("a.size", "np.size(a)")
    is_numpy = "a.sort in ('array', 'scalar')"
    return [Case(f"{is_numpy} and {when}", text), Case(when, functions)] if functions != text else [Case(when, text)]


def _real_dtype(dtype: str | None) -> str | None:
    """The dtype of a variance."""
    inexact = inexact_dtype(dtype)
    return inexact and str(np.zeros(0, inexact).real.dtype.name)


# Sums and means
linear("numpy.sum", _REDUCTION, kind=reduction_kind(sum_dtype), a="spread(g, a, axis, keepdims)")
_MEAN = [
    Case("a.is_python_number", "g"),
    *_methods("axis is None", "spread(g / a.size, a, axis, keepdims)"),
    Case("isinstance(axis, int)", "spread(g / a.shape[axis], a, axis, keepdims)"),
    *_methods("True", "spread(g * y.size / a.size, a, axis, keepdims)"),
]
linear("numpy.mean", _REDUCTION, kind=reduction_kind(inexact_dtype), a=_MEAN)


def _average_kind(*, literals: Literals, a: Kind, weights: Kind, **bound: Any) -> Kind:
    dtype: str | None = None
    if weights.sort == "none":
        dtype = array_dtype(a)
    elif weights.is_array and (a.is_array or a.is_python_number):
        dtype = promoted_dtype([Kind(k.sort, array_dtype(k)) for k in (a, weights)])
    return reduction_kind(lambda _: inexact_dtype(dtype))(literals=literals, a=a, **bound)


rule("numpy.average", "a, axis=None, weights=None, *, keepdims=False", kind=_average_kind, a=[
    *(Case(f"weights is None and {case.when}", case.text) for case in _MEAN),
    Case("axis is None", "g * weights / np.sum(weights)"),
    Case("", "average_adjoint(g, a, weights, axis, keepdims)"),
], weights=[
    Case("axis is None", "g * (a - y) / np.sum(weights)"),
    Case("", "average_weights_adjoint(g, a, weights, y, axis, keepdims)"),
], tangent={
    "a": "np.average(a_dot, axis=axis, weights=weights, keepdims=keepdims)",
    "weights": [
        Case(_WHOLE, "np.sum(weights_dot * (a - y)) / np.sum(weights)"),
        Case("", "average_weights_tangent(weights_dot, a, weights, y, axis, keepdims)"),
    ],
})  # fmt: skip

# Variance and standard deviation
_SPREAD_SIGNATURE = "a, axis=None, *, ddof=0, keepdims=False"
_DEVIATION = "(a - a.mean(axis=axis, keepdims=True))"
rule("numpy.var", _SPREAD_SIGNATURE, kind=reduction_kind(_real_dtype), a=[
    *_methods("axis is None and ddof == 0", "2 * g / a.size * (a - a.mean())"),
    *_methods("axis is None", "2 * g / (a.size - ddof) * (a - a.mean())"),
    Case("isinstance(axis, int) and ddof == 0", f"spread(2 * g / a.shape[axis], a, axis, keepdims) * {_DEVIATION}"),
    Case("isinstance(axis, int)", f"spread(2 * g / (a.shape[axis] - ddof), a, axis, keepdims) * {_DEVIATION}"),
    Case("", "var_adjoint(g, a, axis, ddof, keepdims)"),
], tangent={"a": [
    *_methods(f"{_WHOLE} and ddof == 0", "2 * np.mean((a - a.mean()) * a_dot)"),
    *_methods("ddof == 0", f"2 * np.mean({_DEVIATION} * a_dot, axis=axis, keepdims=keepdims)"),
    Case("", "var_tangent(a_dot, a, axis, ddof, keepdims)"),
]})  # fmt: skip
rule("numpy.std", _SPREAD_SIGNATURE, kind=reduction_kind(_real_dtype), doc=_ALL_EQUAL, a=[
    *_methods(f"{_WHOLE} and ddof == 0", "g / (a.size * (y if y else 1)) * (a - a.mean())"),
    *_methods(_WHOLE, "g / ((a.size - ddof) * (y if y else 1)) * (a - a.mean())"),
    Case("isinstance(axis, int) and ddof == 0",
         f"spread(g / (a.shape[axis] * np.where(y, y, 1)), a, axis, keepdims) * {_DEVIATION}"),
    Case("", "var_adjoint(g / (2 * np.where(y, y, 1)), a, axis, ddof, keepdims)"),
], tangent={"a": [
    *_methods(f"{_WHOLE} and ddof == 0", "np.mean((a - a.mean()) * a_dot) / (y if y else 1)"),
    *_methods("ddof == 0", f"np.mean({_DEVIATION} * a_dot, axis=axis, keepdims=keepdims) / np.where(y, y, 1)"),
    Case("", "var_tangent(a_dot, a, axis, ddof, keepdims) / (2 * np.where(y, y, 1))"),
]})  # fmt: skip

# Extremes
for _name in ("max", "min", "nanmax", "nanmin"):
    rule(f"numpy.{_name}", _REDUCTION, kind=reduction_kind(), doc=_TIES, a=[
        Case("axis is None", "g * (a == y) / np.count_nonzero(a == y)"),
        Case("keepdims == False", "split_ties(g, a, y, axis)"),
        Case("", "split_ties(g, a, y, axis, keepdims)"),
    ], tangent={"a": [
        Case(_WHOLE, "np.sum(a_dot * (a == y)) / np.count_nonzero(a == y)"),
        Case("", "ties_tangent(a_dot, a, y, axis, keepdims)"),
    ]})  # fmt: skip
rule("numpy.ptp", _REDUCTION, kind=reduction_kind(), a=[
    Case(_WHOLE, "ptp_adjoint(g, a)"), Case("", "ptp_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "ptp_tangent(a_dot, a, axis, keepdims)"}, doc=_TIES)  # fmt: skip
rule("numpy.median", _REDUCTION, kind=reduction_kind(inexact_dtype), a=[
    Case(_WHOLE, "median_adjoint(g, a)"), Case("", "median_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "median_tangent(a_dot, a, axis, keepdims)"}, doc="Equal elements keep their order.")  # fmt: skip

# Products
rule("numpy.prod", _REDUCTION, kind=reduction_kind(sum_dtype), a=[
    Case(_WHOLE, "prod_adjoint(g, a)"), Case("", "prod_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "prod_tangent(a_dot, a, axis, keepdims)"})  # fmt: skip

# Reductions that leave out NaN
_NUMBERS = "np.where(np.isnan(a), 0, {})"
rule("numpy.nansum", _REDUCTION, kind=reduction_kind(sum_dtype), a=_NUMBERS.format("spread(g, a, axis, keepdims)"),
     tangent={"a": f"np.sum({_NUMBERS.format('a_dot')}, axis=axis, keepdims=keepdims)"})
rule("numpy.nanmean", _REDUCTION, kind=reduction_kind(inexact_dtype), a=[
    Case("axis is None", _NUMBERS.format("g / np.count_nonzero(~np.isnan(a))")),
    Case("", "nanmean_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "nanmean_tangent(a_dot, a, axis, keepdims)"})  # fmt: skip

# Running sums and products
linear("numpy.cumsum", "a, axis=None", kind=cumulative_kind(), a=[
    Case("a.rank == 1 and (axis is None or axis in (0, -1))", "np.cumsum(g[::-1])[::-1]"),
    Case("axis is None and a.is_array", "np.cumsum(g[::-1])[::-1].reshape(a.shape)"),
    Case("axis is None", "np.reshape(np.cumsum(g[::-1])[::-1], np.shape(a))"),
    Case("", "np.flip(np.cumsum(np.flip(g, axis), axis), axis)"),
])
rule("numpy.cumprod", "a, axis=None", kind=cumulative_kind(), a="cumprod_adjoint(g, a, axis)",
     tangent={"a": "cumprod_tangent(a_dot, a, axis)"})


# Positions, counts and tests: no derivative
def _count_kind(*, literals: Literals, a: Kind, **bound: Any) -> Kind:
    result = reduction_kind(lambda _: np.dtype(np.intp).name)(literals=literals, a=a, **bound)
    whole = literals.get("axis", ...) is None and literals.get("keepdims", ...) is False
    return INT if whole else result


for _name in ("argmax", "argmin", "nanargmax", "nanargmin"):
    nondifferentiable(f"numpy.{_name}", signature=_REDUCTION, kind=reduction_kind(lambda _: np.dtype(np.intp).name))
nondifferentiable("numpy.count_nonzero", signature=_REDUCTION, kind=_count_kind)
nondifferentiable("numpy.any", "numpy.all", signature=_REDUCTION, kind=reduction_kind(lambda _: "bool"))

# Other names of the same functions
alias("numpy.amax", "numpy.max")
alias("numpy.amin", "numpy.min")
for _name in ("sum", "mean", "prod", "var", "std", "max", "min", "cumsum", "cumprod", "argmax", "argmin", "any", "all"):
    alias(f"numpy.ndarray.{_name}", f"numpy.{_name}")
