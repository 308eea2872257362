"""Rules for reductions by axis: sums, means, products, extremes, running sums. The methods of arrays are aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from s2sad.ir.kinds import INT, Kind
from s2sad.rules.arguments import asked_dtype
from s2sad.rules.registry import Case, alias, linear, nondifferentiable, rule
from s2sad.rules.results import (
    KindFunction,
    Literals,
    array_dtype,
    cumulative_kind,
    inexact_dtype,
    promoted_dtype,
    real_dtype,
    reduction_kind,
    sum_dtype,
)

_REDUCTION = "a, axis=None, *, keepdims=False"
_WHOLE = "axis is None and keepdims == False"
_IS_NUMPY = "a.sort in ('array', 'scalar')"
_ALL_EQUAL = "Where all elements are equal the derivative is zero."
_TIES = "Equal extremes share the derivative evenly."


def _methods(when: str, text: str) -> list[Case]:
    """Two cases of a text that reads `a.size` and `a.mean(…)`: what may be a Python number has no such attributes."""
    functions = text.replace("a.mean()", "np.mean(a)").replace("a.mean(", "np.mean(a, ").replace("a.size", "np.size(a)")
    return [Case(f"{_IS_NUMPY} and {when}", text), Case(when, functions)] if functions != text else [Case(when, text)]


def _real_dtype(dtype: str | None) -> str | None:
    """The dtype of a variance."""
    return real_dtype(inexact_dtype(dtype))


def _in_dtype(kind: KindFunction) -> KindFunction:
    """The kind function of a reduction that may be asked for a dtype."""

    def asked(*, literals: Literals, dtype: Kind, **bound: Any) -> Kind:
        made = kind(literals=literals, **bound)
        return Kind(made.sort, asked_dtype(literals, made.dtype), made.shape)

    return asked


def _masked(*cases: Case, where: str = "where == True and dtype is None") -> list[Case]:
    """Cases that hold for whole arrays in their own dtype."""
    return [Case(f"{where} and ({case.when or True})", case.text) for case in cases]


# Sums and means. Where `where` is false an element does not count; a result in another dtype gives its adjoint back.
_SUM = "a, axis=None, dtype=None, *, keepdims=False, initial={}, where=True"
_BACK = "spread(cast_back(g, a, dtype), a, axis, keepdims)"
rule(
    "numpy.sum",
    _SUM.format(0),
    kind=_in_dtype(reduction_kind(sum_dtype)),
    a=[
        *_masked(Case("", "spread(g, a, axis, keepdims)")),
        Case("dtype is None", "np.where(where, spread(g, a, axis, keepdims), 0)"),
        Case("where == True", _BACK),
        Case("", f"np.where(where, {_BACK}, 0)"),
    ],
    initial=[Case("dtype is None", "np.sum(g)")],
    tangent={
        "a": [
            *_masked(Case("initial == 0", "@same")),
            *_masked(Case("", "np.sum(a_dot, axis=axis, keepdims=keepdims)")),
            Case("dtype is None", "np.sum(a_dot, axis=axis, keepdims=keepdims, where=where)"),
            Case("", "cast(np.sum(a_dot, axis=axis, keepdims=keepdims, where=where), dtype)"),
        ],
        "initial": [Case("dtype is None", "np.full(np.shape(y), initial_dot)[()]")],
    },
)


def _mean_over_axes(values: Mapping[str, Any]) -> str | None:
    """The formula for a tuple of axes that are literals."""
    axis = values["axis"]
    if not isinstance(axis, tuple) or not axis:
        return None
    return f"spread(g / ({' * '.join(f'a.shape[{i}]' for i in axis)}), a, axis, keepdims)"


nondifferentiable("s2sad.runtime.reductions.divisor", signature="a, axis=None, ddof=0", kind=INT, cheap=True)
_MEAN = [
    Case("a.is_python_number", "g"),
    *_methods("axis is None", "spread(g / a.size, a, axis, keepdims)"),
    Case("axis == 0", "spread(g / len(a), a, axis, keepdims)"),
    Case("isinstance(axis, int)", "spread(g / a.shape[axis], a, axis, keepdims)"),
    Case(_IS_NUMPY, _mean_over_axes),
    Case("", "spread(g / divisor(a, axis), a, axis, keepdims)"),
]
_COUNT = "np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims, dtype=a.dtype)"
rule(
    "numpy.mean",
    "a, axis=None, dtype=None, *, keepdims=False, where=True",
    kind=_in_dtype(reduction_kind(inexact_dtype)),
    a=[
        *_masked(*_MEAN),
        Case("dtype is None", f"np.where(where, spread(g / {_COUNT}, a, axis, keepdims), 0)"),
        Case("where == True", "spread(cast_back(g, a, dtype) / divisor(a, axis), a, axis, keepdims)"),
    ],
    tangent={
        "a": [
            *_masked(Case("", "@same")),
            Case("dtype is None", "np.mean(a_dot, axis=axis, keepdims=keepdims, where=where)"),
            Case("where == True", "cast(np.mean(a_dot, axis=axis, keepdims=keepdims), dtype)"),
        ]
    },
)


def _average_kind(*, literals: Literals, a: Kind, weights: Kind, **bound: Any) -> Kind:
    dtype: str | None = None
    if weights.sort == "none":
        dtype = array_dtype(a)
    elif weights.is_array and (a.is_array or a.is_python_number):
        dtype = promoted_dtype([Kind(k.sort, array_dtype(k)) for k in (a, weights)])
    return reduction_kind(lambda _: inexact_dtype(dtype))(literals=literals, a=a, **bound)


_ALIGNED = "align_weights(weights, a, axis)"
_TOTAL = f"np.sum({_ALIGNED}, axis=axis, keepdims=True)"
_FROM_MEAN = "(a - spread(y, a, axis, keepdims))"
rule("numpy.average", "a, axis=None, weights=None, *, keepdims=False", kind=_average_kind, a=[
    *(Case(f"weights is None and {case.when or True}", case.text) for case in _MEAN),
    Case("axis is None", "g * weights / np.sum(weights)"),
    Case("", f"spread(g, a, axis, keepdims) * {_ALIGNED} / {_TOTAL}"),
], weights=[
    Case("axis is None", "g * (a - y) / np.sum(weights)"),
    Case("", f"align_back(spread(g, a, axis, keepdims) * {_FROM_MEAN} / {_TOTAL}, weights, axis)"),
], tangent={
    "a": "np.average(a_dot, axis=axis, weights=weights, keepdims=keepdims)",
    "weights": [
        Case(_WHOLE, "np.sum(weights_dot * (a - y)) / np.sum(weights)"),
        Case("", f"np.sum(align_weights(weights_dot, a, axis) * {_FROM_MEAN}, axis=axis, keepdims=keepdims)"
                 f" / {_TOTAL.replace('True', 'keepdims')}"),
    ],
})  # fmt: skip

# Variance and standard deviation
_SPREAD_SIGNATURE = "a, axis=None, *, ddof=0, keepdims=False"
_DEVIATION = "(a - a.mean(axis=axis, keepdims=True))"
_COMPLEX_VAR = "2 * np.sum(np.conj(" + _DEVIATION + ") * a_dot, axis=axis, keepdims=keepdims).real"
rule("numpy.var", _SPREAD_SIGNATURE, kind=reduction_kind(_real_dtype), a=[
    Case("a.is_complex", f"2 * spread(g, a, axis, keepdims) / divisor(a, axis, ddof) * np.conj({_DEVIATION})"),
    *_methods("axis is None and ddof == 0", "2 * g / a.size * (a - a.mean())"),
    *_methods("axis is None", "2 * g / (a.size - ddof) * (a - a.mean())"),
    *_methods("axis == 0 and ddof == 0", "spread(2 * g / len(a), a, axis, keepdims) * (a - a.mean(axis=0))"),
    Case("isinstance(axis, int) and ddof == 0", f"spread(2 * g / a.shape[axis], a, axis, keepdims) * {_DEVIATION}"),
    Case("isinstance(axis, int)", f"spread(2 * g / (a.shape[axis] - ddof), a, axis, keepdims) * {_DEVIATION}"),
    Case("", "var_adjoint(g, a, axis, ddof, keepdims)"),
], tangent={"a": [
    Case("a.is_complex", f"{_COMPLEX_VAR} / divisor(a, axis, ddof)"),
    *_methods(f"{_WHOLE} and ddof == 0", "2 * np.mean((a - a.mean()) * a_dot)"),
    *_methods("ddof == 0", f"2 * np.mean({_DEVIATION} * a_dot, axis=axis, keepdims=keepdims)"),
    Case("", "var_tangent(a_dot, a, axis, ddof, keepdims)"),
]})  # fmt: skip
rule("numpy.std", _SPREAD_SIGNATURE, kind=reduction_kind(_real_dtype), doc=_ALL_EQUAL, a=[
    Case("a.is_complex", "spread(g / np.where(y, y, 1), a, axis, keepdims) / divisor(a, axis, ddof) * np.conj("
                         f"{_DEVIATION})"),
    *_methods(f"{_WHOLE} and ddof == 0", "g / (a.size * (y if y else 1)) * (a - a.mean())"),
    *_methods(_WHOLE, "g / ((a.size - ddof) * (y if y else 1)) * (a - a.mean())"),
    Case("isinstance(axis, int) and ddof == 0",
         f"spread(g / (a.shape[axis] * np.where(y, y, 1)), a, axis, keepdims) * {_DEVIATION}"),
    Case("", "var_adjoint(g / (2 * np.where(y, y, 1)), a, axis, ddof, keepdims)"),
], tangent={"a": [
    Case("a.is_complex", f"{_COMPLEX_VAR} / divisor(a, axis, ddof) / (2 * np.where(y, y, 1))"),
    *_methods(f"{_WHOLE} and ddof == 0", "np.mean((a - a.mean()) * a_dot) / (y if y else 1)"),
    *_methods("ddof == 0", f"np.mean({_DEVIATION} * a_dot, axis=axis, keepdims=keepdims) / np.where(y, y, 1)"),
    Case("", "var_tangent(a_dot, a, axis, ddof, keepdims) / (2 * np.where(y, y, 1))"),
]})  # fmt: skip

# Extremes
_ALL = "initial is None and where == True"
_CHOSEN = "np.where(where, a, np.nan), y, axis, keepdims"
for _name in ("max", "min", "nanmax", "nanmin"):
    rule(
        f"numpy.{_name}",
        "a, axis=None, *, keepdims=False, initial=None, where=True",
        kind=reduction_kind(),
        doc=_TIES,
        a=[
            *_masked(
                Case(f"{_WHOLE} and {_IS_NUMPY}", "g * (a == y) / len(a[a == y])"),
                Case(_WHOLE, "split_ties(g, a, y)"),
                Case("keepdims == False", "split_ties(g, a, y, axis)"),
                Case("", "split_ties(g, a, y, axis, keepdims)"),
                where=_ALL,
            ),
            Case("", f"split_ties(g, {_CHOSEN})"),
        ],
        tangent={
            "a": [
                *_masked(
                    Case(f"{_WHOLE} and {_IS_NUMPY}", "np.mean(a_dot[a == y])"),
                    Case("", "ties_tangent(a_dot, a, y, axis, keepdims)"),
                    where=_ALL,
                ),
                Case("", f"ties_tangent(a_dot, {_CHOSEN})"),
            ]
        },
    )
rule("numpy.ptp", _REDUCTION, kind=reduction_kind(), a=[
    Case(_WHOLE, "ptp_adjoint(g, a)"), Case("", "ptp_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "ptp_tangent(a_dot, a, axis, keepdims)"}, doc=_TIES)  # fmt: skip


def _median_kind(*, literals: Literals, **bound: Any) -> Kind:
    result = reduction_kind(inexact_dtype)(literals=literals, **bound)
    # With keepdims, a number becomes an array without axes.
    is_array = result.shape == () and literals.get("keepdims", ...) is not False
    return Kind("unknown", result.dtype, ()) if is_array else result


rule("numpy.median", _REDUCTION, kind=_median_kind, a=[
    Case(_WHOLE, "median_adjoint(g, a)"), Case("", "median_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "median_tangent(a_dot, a, axis, keepdims)"}, doc="Equal elements keep their order.")  # fmt: skip

# Products
_ONE = "initial == 1 and where == True and dtype is None"
_OTHERS = "products_of_others(np.where(where, a, 1), axis)"
rule(
    "numpy.prod",
    _SUM.format(1),
    kind=_in_dtype(reduction_kind(sum_dtype)),
    a=[
        *_masked(
            Case("axis is None", "g * products_of_others(a)"),
            Case("", "spread(g, a, axis, keepdims) * products_of_others(a, axis)"),
            where=_ONE,
        ),
        Case("dtype is None", f"np.where(where, spread(g * initial, a, axis, keepdims) * {_OTHERS}, 0)"),
    ],
    initial=[Case("dtype is None", "np.sum(g * np.prod(a, axis=axis, keepdims=keepdims, where=where))")],
    tangent={
        "a": [
            *_masked(
                Case(_WHOLE, "np.sum(a_dot * products_of_others(a))"),
                Case("", "np.sum(a_dot * products_of_others(a, axis), axis=axis, keepdims=keepdims)"),
                where=_ONE,
            ),
            Case("dtype is None", f"initial * np.sum(a_dot * {_OTHERS}, axis=axis, keepdims=keepdims, where=where)"),
        ],
        "initial": [Case("dtype is None", "initial_dot * np.prod(a, axis=axis, keepdims=keepdims, where=where)")],
    },
)

# Reductions that leave out NaN
_NUMBERS = "np.where(np.isnan(a), 0, {})"
rule(
    "numpy.nansum",
    _REDUCTION,
    kind=reduction_kind(sum_dtype),
    a=_NUMBERS.format("spread(g, a, axis, keepdims)"),
    tangent={"a": f"np.sum({_NUMBERS.format('a_dot')}, axis=axis, keepdims=keepdims)"},
)
rule("numpy.nanmean", _REDUCTION, kind=reduction_kind(inexact_dtype), a=[
    Case(f"axis is None and {_IS_NUMPY}", _NUMBERS.format("g / len(a[~np.isnan(a)])")),
    Case("", "nanmean_adjoint(g, a, axis, keepdims)"),
], tangent={"a": "nanmean_tangent(a_dot, a, axis, keepdims)"})  # fmt: skip

# Running sums and products
linear(
    "numpy.cumsum",
    "a, axis=None",
    kind=cumulative_kind(),
    a=[
        Case("a.rank == 1 and (axis is None or axis in (0, -1))", "np.cumsum(g[::-1])[::-1]"),
        Case("axis is None and a.is_array", "np.cumsum(g[::-1])[::-1].reshape(a.shape)"),
        Case("axis is None", "np.reshape(np.cumsum(g[::-1])[::-1], np.shape(a))"),
        Case("isinstance(axis, int)", "np.flip(np.cumsum(np.flip(g, axis), axis), axis)"),
        Case("", "np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis), axis), np.shape(a))"),
    ],
)
_ONE_AXIS = "isinstance(axis, int) or (axis is None and a.rank == 1)"
rule("numpy.cumprod", "a, axis=None", kind=cumulative_kind(), a=[
    Case(_ONE_AXIS, "shifted(y, axis, 1) * accumulate_back(g, a, axis)"),
    Case("", "np.reshape(shifted(y, axis, 1) * accumulate_back(g, flattened(a, axis), axis), np.shape(a))"),
], tangent={"a": [
    Case(_ONE_AXIS, "accumulate(a_dot * shifted(y, axis, 1), a, axis)"),
    Case("", "accumulate(flattened(a_dot, axis) * shifted(y, axis, 1), flattened(a, axis), axis)"),
]})  # fmt: skip


# Positions, counts and tests: no derivative
def _count_kind(*, literals: Literals, a: Kind, **bound: Any) -> Kind:
    result = reduction_kind(lambda _: np.dtype(np.intp).name)(literals=literals, a=a, **bound)
    whole = literals.get("axis", ...) is None and literals.get("keepdims", ...) is False
    return INT if whole else result


for _name in ("argmax", "argmin", "nanargmax", "nanargmin"):
    nondifferentiable(f"numpy.{_name}", signature=_REDUCTION, kind=reduction_kind(lambda _: np.dtype(np.intp).name))
nondifferentiable("numpy.count_nonzero", signature=_REDUCTION, kind=_count_kind)
_ANY = f"{_REDUCTION}, where=True"
nondifferentiable("numpy.any", "numpy.all", signature=_ANY, kind=reduction_kind(lambda _: "bool"))

# Other names of the same functions
alias("numpy.amax", "numpy.max")
alias("numpy.amin", "numpy.min")
for _name in ("sum", "mean", "prod", "var", "std", "max", "min", "cumsum", "cumprod", "argmax", "argmin", "any", "all"):
    alias(f"numpy.ndarray.{_name}", f"numpy.{_name}")

# Functions that adjoints call: linear in their first parameter, by piecewise constant weights. No parameter is named
# g or y: in these texts too, those are the adjoint of the result and the result.
_HERE = "s2sad.runtime.reductions"


def _like_a(*, literals: Literals, a: Kind, x: Kind | None = None, **_: Any) -> Kind:
    same = a.carries_derivative and (x is None or array_dtype(x) == a.dtype)
    return Kind("array" if a.is_array and a.rank else "unknown", a.dtype if same else None, a.shape)


def _like_x(*, literals: Literals, x: Kind, **_: Any) -> Kind:
    return Kind("array" if x.is_array and x.rank else "unknown", None, x.shape)


def _pair(adjoint: str, tangent: str, parameters: str, constant: tuple[str, ...] = ("a",)) -> None:
    """Register an adjoint and a tangent that are each other's adjoint."""
    given = ", ".join(p.partition("=")[0] for p in parameters.split(", "))
    linear(f"{_HERE}.{adjoint}", f"x, {parameters}", kind=_like_a, constant=constant, x=f"{tangent}(g, {given})")
    linear(f"{_HERE}.{tangent}", f"x, {parameters}", constant=constant, x=f"{adjoint}(g, {given})")


_pair("split_ties", "ties_tangent", "a, extreme, axis=None, keepdims=False", constant=("a", "extreme"))
_pair("ptp_adjoint", "ptp_tangent", "a, axis=None, keepdims=False")
_pair("median_adjoint", "median_tangent", "a, axis=None, keepdims=False")
_pair("nanmean_adjoint", "nanmean_tangent", "a, axis=None, keepdims=False")

# Products and variances depend on the elements.
rule(
    f"{_HERE}.products_of_others",
    "a, axis=None",
    kind=_like_a,
    a="products_of_others_tangent(g, a, axis)",
    tangent={"a": "products_of_others_tangent(a_dot, a, axis)"},
)
# Where its tangent is differentiated in turn, that goes by its own text.
linear(f"{_HERE}.merge_axes", "x, axis", views=("x",), x="unmerge_axes(g, x, axis)")
linear(f"{_HERE}.unmerge_axes", "x, a, axis", kind=_like_a, constant=("a",), views=("x",), x="merge_axes(g, axis)")
_SPREAD = "axis, ddof, keepdims"
linear(
    f"{_HERE}.var_adjoint",
    "x, a, axis=None, ddof=0, keepdims=False",
    kind=_like_a,
    x=f"var_tangent(g, a, {_SPREAD})",
    a=f"var_adjoint(x, g, {_SPREAD})",
)
linear(
    f"{_HERE}.var_tangent",
    "x, a, axis=None, ddof=0, keepdims=False",
    x=f"var_adjoint(g, a, {_SPREAD})",
    a=f"var_adjoint(g, x, {_SPREAD})",
)

# Running products
linear(f"{_HERE}.flattened", "a, axis=None", views=("a",), cheap=True, a="np.reshape(g, np.shape(a))")
rule(
    f"{_HERE}.shifted",
    "x, axis=None, first=0",
    kind=_like_x,
    x="shifted_back(g, axis)",
    tangent={"x": "shifted(x_dot, axis)"},
)
linear(f"{_HERE}.shifted_back", "x, axis=None", kind=_like_x, x="shifted(g, axis)")
rule(
    f"{_HERE}.accumulate",
    "x, a, axis=None",
    kind=_like_x,
    x="accumulate_back(g, a, axis)",
    a="accumulate_back(g, a, axis) * shifted(y, axis)",
    tangent={"x": "accumulate(x_dot, a, axis)", "a": "accumulate(a_dot * shifted(y, axis), a, axis)"},
)
rule(
    f"{_HERE}.accumulate_back",
    "x, a, axis=None",
    kind=_like_x,
    x="accumulate(g, a, axis)",
    a="shifted(accumulate(g, a, axis), axis) * y",
    tangent={"x": "accumulate_back(x_dot, a, axis)", "a": "accumulate_back(shifted_back(a_dot * y, axis), a, axis)"},
)

# Weights
linear(
    f"{_HERE}.align_weights",
    "weights, a, axis=None",
    constant=("a",),
    views=("weights",),
    weights="align_back(g, weights, axis)",
)
linear(
    f"{_HERE}.align_back",
    "x, weights, axis=None",
    constant=("weights",),
    views=("x",),
    x="np.broadcast_to(align_weights(g, x, axis), np.shape(x))",
)
