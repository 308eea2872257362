"""Rules of order statistics, of reductions that leave out NaN, of covariances, and of the array API's running sums."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import SOME, Kind
from s2sad.rules.arguments import Literals, array_of, shape_of
from s2sad.rules.registry import Case, linear, rule
from s2sad.rules.results import array_dtype, cumulative_kind, inexact_dtype, reduction_kind, sum_dtype

_REDUCTION = "a, axis=None, *, keepdims=False"


# Quantiles
def _quantile_kind(*, literals: Literals, a: Kind, q: Kind, **bound: Any) -> Kind:
    made = reduction_kind(inexact_dtype)(literals=literals, a=a, **bound)
    alone = q.is_python_number and made.shape != () and literals.get("method") == "linear"
    return made if alone else Kind("unknown", None, made.shape if q.shape == () else None)


for _name, _by, _per in (("quantile", "q", ""), ("percentile", "q / 100", " / 100")):
    for _nan in ("", "nan"):
        _of = f"a, {_by}"
        rule(
            f"numpy.{_nan}{_name}",
            "a, q, axis=None, *, method='linear', keepdims=False",
            kind=_quantile_kind,
            a=[
                Case("method == 'linear' and axis is None and keepdims == False", f"quantile_adjoint(g, {_of})"),
                Case("method == 'linear'", f"quantile_adjoint(g, {_of}, axis, keepdims)"),
            ],
            q=[Case("method == 'linear'", f"quantile_adjoint_q(g, {_of}, axis, keepdims){_per}")],
            tangent={
                "a": [Case("method == 'linear'", f"quantile_tangent(a_dot, {_of}, axis, keepdims)")],
                "q": [Case("method == 'linear'", f"quantile_tangent_q(q_dot, {_of}, axis, keepdims){_per}")],
            },
            doc="By the method 'linear'. Equal elements keep their order; by q on an element, towards the next one.",
        )
rule(
    "numpy.nanmedian",
    _REDUCTION,
    kind=lambda *, literals, a, **bound: Kind("unknown", None, reduction_kind()(literals=literals, a=a, **bound).shape),
    a="quantile_adjoint(g, a, 0.5, axis, keepdims)",
    tangent={"a": "quantile_tangent(a_dot, a, 0.5, axis, keepdims)"},
    doc="Equal elements keep their order.",
)

# Without NaN
_NUMBERS = "np.where(np.isnan(a), 0, {})"
_ONES = "np.where(np.isnan(a), 1, a)"
rule(
    "numpy.nanprod",
    _REDUCTION,
    kind=reduction_kind(sum_dtype),
    a=_NUMBERS.format(f"spread(g, a, axis, keepdims) * products_of_others({_ONES}, axis)"),
    tangent={
        "a": f"np.sum({_NUMBERS.format(f'a_dot * products_of_others({_ONES}, axis)')}, axis=axis, keepdims=keepdims)"
    },
)
_VARIANCE = "a, axis=None, *, ddof=0, keepdims=False"
rule(
    "numpy.nanvar",
    _VARIANCE,
    kind=reduction_kind(inexact_dtype),
    a="nanvar_adjoint(g, a, axis, ddof, keepdims)",
    tangent={"a": "nanvar_tangent(a_dot, a, axis, ddof, keepdims)"},
)
rule(
    "numpy.nanstd",
    _VARIANCE,
    kind=reduction_kind(inexact_dtype),
    a="nanvar_adjoint(g / (2 * np.where(y, y, 1)), a, axis, ddof, keepdims)",
    tangent={"a": "nanvar_tangent(a_dot, a, axis, ddof, keepdims) / (2 * np.where(y, y, 1))"},
    doc="Where all elements are equal the derivative is zero.",
)
_BACK = "np.flip(np.cumsum(np.flip(g, axis), axis), axis)"
rule(
    "numpy.nancumsum",
    "a, axis=None",
    kind=cumulative_kind(),
    a=[
        Case("axis is None", _NUMBERS.format("np.reshape(np.cumsum(g[::-1])[::-1], np.shape(a))")),
        Case("isinstance(axis, int)", _NUMBERS.format(_BACK)),
        Case("", _NUMBERS.format(f"np.reshape({_BACK}, np.shape(a))")),
    ],
    tangent={"a": f"np.cumsum({_NUMBERS.format('a_dot')}, axis)"},
)
_RUNNING = f"flattened({_ONES}, axis)"
rule(
    "numpy.nancumprod",
    "a, axis=None",
    kind=cumulative_kind(),
    a=_NUMBERS.format(f"np.reshape(shifted(y, axis, 1) * accumulate_back(g, {_RUNNING}, axis), np.shape(a))"),
    tangent={"a": f"accumulate(flattened({_NUMBERS.format('a_dot')}, axis) * shifted(y, axis, 1), {_RUNNING}, axis)"},
)


# Running sums and products of the array API
def _running_kind(*, literals: Literals, a: Kind, axis: Kind, **_: Any) -> Kind:
    if literals.get("include_initial") is not False:
        return Kind("array", None, (SOME,) * a.rank if a.rank else None)
    return array_of(a, shape_of(a), sum_dtype(array_dtype(a)))


linear(
    "numpy.cumulative_sum",
    "a, *, axis=None, include_initial=False",
    kind=_running_kind,
    a=[
        Case("include_initial == False and axis is None", "np.cumsum(g[::-1])[::-1]"),
        Case("include_initial == False", _BACK),
        Case("include_initial == True and axis is None", "np.cumsum(g[:0:-1])[::-1]"),
        Case("include_initial == True", _BACK.replace("(g, axis)", "(np.delete(g, 0, axis), axis)")),
    ],
)
rule(
    "numpy.cumulative_prod",
    "a, *, axis=None, include_initial=False",
    kind=_running_kind,
    a=[Case("include_initial == False", "shifted(y, axis, 1) * accumulate_back(g, a, axis)")],
    tangent={"a": [Case("include_initial == False", "accumulate(a_dot * shifted(y, axis, 1), a, axis)")]},
)


# Covariances
def _cov_kind(*, literals: Literals, m: Kind, y: Kind, **_: Any) -> Kind:
    several = y.sort != "none" or (m.is_array and m.rank == 2 and all(n != 1 for n in m.shape or ()))
    return Kind("array" if several else "unknown", "float64" if m.dtype == "float64" else None,
                (SOME, SOME) if y.sort != "none" else None)  # fmt: skip


_COV = "m, y, rowvar, bias, ddof"
_ROWS = "y is None and rowvar == True and bias == False and ddof is None"
rule(
    "numpy.cov",
    "m, y=None, rowvar=True, bias=False, ddof=None",
    kind=_cov_kind,
    m=[Case(_ROWS, "cov_adjoint(g, 0, m)"), Case("", f"cov_adjoint(g, 0, {_COV})")],
    y=f"cov_adjoint(g, 1, {_COV})",
    tangent={"m": f"cov_tangent(m_dot, 0, {_COV})", "y": f"cov_tangent(y_dot, 1, {_COV})"},
)
rule(
    "numpy.corrcoef",
    "m, y=None, rowvar=True",
    kind=_cov_kind,
    m=[
        Case("y is None and rowvar == True", "corrcoef_adjoint(g, 0, m)"),
        Case("", "corrcoef_adjoint(g, 0, m, y, rowvar)"),
    ],
    y="corrcoef_adjoint(g, 1, m, y, rowvar)",
    tangent={
        "m": "corrcoef_tangent(m_dot, 0, m, y, rowvar)",
        "y": "corrcoef_tangent(y_dot, 1, m, y, rowvar)",
    },
)
