"""Rules of functions on the coefficients of polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.kinds import SOME, Dim, Kind, shift
from s2sad.rules.arguments import Literals, array_of
from s2sad.rules.registry import Case, linear, rule
from s2sad.rules.results import broadcast_kind, inexact_dtype, promoted_dtype


def _length(kind: Kind, by: int = 0) -> Dim:
    """The number of coefficients, and some more or less."""
    return shift(kind.shape[0], by) if isinstance(kind.shape, tuple) and len(kind.shape) == 1 else SOME


def _polyval_kind(*, literals: Literals, p: Kind, x: Kind) -> Kind:
    made = broadcast_kind([x], promoted_dtype([p, x]))
    return made if p.is_array and x.is_array else Kind("unknown", None, made.shape)


def _by_place(seed: str) -> list[Case]:
    """A seed times the slope; `np.polyder` gives double precision."""
    return [
        Case("p.dtype == 'float64'", f"{seed} * np.polyval(np.polyder(p), x)"),
        Case("", f"{seed} * np.polyval(slopes_of(p), x)"),
    ]


rule(
    "numpy.polyval",
    "p, x",
    kind=_polyval_kind,
    p=[
        Case("x.rank == 1 and x.dtype == 'float64'", "g @ np.vander(x, len(p))"),
        Case("", "np.ravel(g) @ np.vander(np.ravel(x), len(p)).astype(np.result_type(g))"),
    ],
    x=_by_place("g"),
    tangent={"p": "np.polyval(p_dot, x)", "x": _by_place("x_dot")},
)
linear(
    "numpy.polyder",
    "p, m=1",
    kind=lambda *, literals, p, **_: Kind("array", None, (SOME,)),
    p=[Case("m == 1", "polyder_adjoint(g, p)")],
)
linear(
    "numpy.polyint",
    "p, m=1",
    kind=lambda *, literals, p, **_: array_of(p, (_length(p, 1) if literals.get("m") == 1 else SOME,), p.dtype),
    p=[Case("m == 1", "g[:-1] / np.arange(len(p), 0, -1, dtype=g.dtype)")],
)
for _name, _sign in (("polyadd", ""), ("polysub", "-")):
    rule(
        f"numpy.{_name}",
        "a, b",
        kind=lambda *, literals, a, b: Kind("array", promoted_dtype([a, b]), (SOME,)),
        a="g[len(g) - len(a):]",
        b=f"{_sign}g[len(g) - len(b):]",
        tangent={"a": "np.polyadd(a_dot, np.zeros_like(b))", "b": f"np.{_name}(np.zeros_like(a), b_dot)"},
    )
rule(
    "numpy.polymul",
    "a, b",
    kind=lambda *, literals, a, b: Kind("array", promoted_dtype([a, b]), (SOME,)),
    a="polymul_adjoint(g, a, b)",
    b="polymul_adjoint(g, b, a)",
    tangent={"a": "np.convolve(a_dot, b)[-len(y):]", "b": "np.convolve(a, b_dot)[-len(y):]"},
    doc="Leading zeros are left out.",
)


def _vander_kind(*, literals: Literals, x: Kind, N: Kind, **_: Any) -> Kind:
    count = literals.get("N", SOME)
    rows = _length(x)
    dtype = np.promote_types(x.dtype, int).name if x.is_array and x.dtype else None
    return Kind("array", dtype, (rows, rows if count is None else SOME))


rule(
    "numpy.vander",
    "x, N=None, increasing=False",
    kind=_vander_kind,
    x=[Case("increasing == False", "vander_adjoint(g, x)"), Case("", "vander_adjoint(g, x, increasing)")],
    tangent={"x": "vander_tangent(x_dot, x, y.shape[1], increasing)"},
)
rule(
    "numpy.polyfit",
    "x, y, deg",
    kind=lambda *, literals, x, y, deg: Kind("array", inexact_dtype(x.dtype) if x.dtype == y.dtype else None, (
        (SOME,) if y.rank == 1 else None
    )),
    x="polyfit_adjoint_x(g, x, y, deg)",
    y="np.linalg.pinv(np.vander(x, deg + 1)).T @ g",
    tangent={"x": "polyfit_tangent_x(x_dot, x, y, deg)", "y": "np.polyfit(x, y_dot, deg)"},
)  # fmt: skip
rule(
    "numpy.poly",
    "roots",
    kind=lambda *, literals, roots: Kind("array", None, (SOME,)),
    roots=[Case("roots.rank == 1", "poly_adjoint(g, roots)")],
    tangent={"roots": [Case("roots.rank == 1", "poly_tangent(roots_dot, roots)")]},
    doc="Of roots; not of a matrix.",
)
