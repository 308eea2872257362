"""Rules of the methods of ufuncs: `reduce`, `accumulate`, `outer`, `reduceat`. What `at` writes stands in `writers`."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.kinds import SOME, Kind
from s2sad.rules.arguments import Literals, shape_of
from s2sad.rules.registry import Case, linear, nondifferentiable, rule
from s2sad.rules.results import broadcast_kind, cumulative_kind, reduction_kind, resolved_dtype, sum_dtype

# Reductions: those of NumPy along axis 0
_REDUCE = "a, axis=0, *, keepdims=False"
linear("numpy.add.reduce", _REDUCE, kind=reduction_kind(sum_dtype), a="spread(g, a, axis, keepdims)")
rule(
    "numpy.multiply.reduce",
    _REDUCE,
    kind=reduction_kind(sum_dtype),
    a="spread(g, a, axis, keepdims) * products_of_others(a, axis)",
    tangent={"a": "np.sum(a_dot * products_of_others(a, axis), axis=axis, keepdims=keepdims)"},
)
for _name in ("maximum", "minimum", "fmax", "fmin"):
    rule(
        f"numpy.{_name}.reduce",
        _REDUCE,
        kind=reduction_kind(),
        a="split_ties(g, a, y, axis, keepdims)",
        tangent={"a": "ties_tangent(a_dot, a, y, axis, keepdims)"},
        doc="Equal extremes share the derivative evenly.",
    )
for _name in ("logical_and", "logical_or", "bitwise_and", "bitwise_or"):
    nondifferentiable(f"numpy.{_name}.reduce", signature=_REDUCE)

# Running sums and products
_ACCUMULATE = "a, axis=0"
linear(
    "numpy.add.accumulate",
    _ACCUMULATE,
    kind=cumulative_kind(),
    a=[Case("a.rank == 1", "np.cumsum(g[::-1])[::-1]"), Case("", "np.flip(np.cumsum(np.flip(g, axis), axis), axis)")],
)
rule(
    "numpy.multiply.accumulate",
    _ACCUMULATE,
    kind=cumulative_kind(),
    a="shifted(y, axis, 1) * accumulate_back(g, a, axis)",
    tangent={"a": "accumulate(a_dot * shifted(y, axis, 1), a, axis)"},
)

# Sums of stretches
linear(
    "numpy.add.reduceat",
    "a, indices, axis=0",
    kind=lambda *, literals, a, **_: Kind("array", sum_dtype(a.dtype), (SOME,) * a.rank if a.rank else None),
    a="reduceat_adjoint(g, a, indices, axis)",
)


# Each element with each
def _outer_kind(ufunc: np.ufunc) -> Any:
    def kind(*, literals: Literals, a: Kind, b: Kind) -> Kind:
        left, right = shape_of(a), shape_of(b)
        dtype = resolved_dtype(ufunc, [a, b])
        if not isinstance(left, tuple) or not isinstance(right, tuple) or a.sort == "unknown" or b.sort == "unknown":
            return Kind("unknown", None, None)
        return broadcast_kind([Kind("array", dtype, (*left, *right))], dtype)

    return kind


_OVER_B, _OVER_A = "np.tensordot(g, {}, np.ndim(b))", "np.tensordot({}, g, np.ndim(a))"
for _name, _sign in (("add", ""), ("subtract", "-")):
    rule(
        f"numpy.{_name}.outer",
        "a, b",
        kind=_outer_kind(getattr(np, _name)),
        a=_OVER_B.format("np.ones_like(b)"),
        b=_sign + _OVER_A.format("np.ones_like(a)"),
        tangent={
            "a": "np.multiply.outer(a_dot, np.ones_like(b))",
            "b": f"{_sign}np.multiply.outer(np.ones_like(a), b_dot)",
        },
    )
linear(
    "numpy.multiply.outer",
    "a, b",
    kind=_outer_kind(np.multiply),
    a=[Case("a.rank == 1 and b.rank == 1", "g @ b"), Case("", _OVER_B.format("b"))],
    b=[Case("a.rank == 1 and b.rank == 1", "a @ g"), Case("", _OVER_A.format("a"))],
)
rule(
    "numpy.divide.outer",
    "a, b",
    kind=_outer_kind(np.divide),
    a=_OVER_B.format("1 / b"),
    b=f"-{_OVER_A.format('a')} / b ** 2",
    tangent={"a": "np.divide.outer(a_dot, b)", "b": "-np.multiply.outer(a, b_dot / b ** 2)"},
)
