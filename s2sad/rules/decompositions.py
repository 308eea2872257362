"""Rules of decompositions of matrices, of least squares, of condition numbers, and of equations of several axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2sad.ir.kinds import SOME, Dim, Kind
from s2sad.rules.arguments import shape_of
from s2sad.rules.linalg import floating, real_kind, result
from s2sad.rules.registry import Case, for_complex, nondifferentiable, rule

Literals = Mapping[str, Any]


def _least(shape: tuple[Dim, ...]) -> Dim:
    """The number of singular values of matrices of a shape."""
    rows, columns = shape[-2:]
    if isinstance(rows, int) and isinstance(columns, int):
        return min(rows, columns)
    return rows if rows == columns and rows != SOME else SOME


def _svd_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    if not isinstance(shape, tuple) or len(shape) < 2:
        return Kind("tuple", items=(result((a,), None),) * 3)
    k, full = _least(shape), literals.get("full_matrices")
    u = shape[-2] if full is True else k if full is False else SOME
    v = shape[-1] if full is True else k if full is False else SOME
    shapes = ((*shape[:-1], u), (*shape[:-2], k), (*shape[:-2], v, shape[-1]))
    u_kind, s_kind, v_kind = (result((a,), s, floating(a)) for s in shapes)
    return Kind("tuple", items=(u_kind, real_kind(s_kind), v_kind))


def _svdvals_kind(*, literals: Literals, a: Kind) -> Kind:
    shape = shape_of(a)
    known = isinstance(shape, tuple) and len(shape) >= 2
    values = (*shape[:-2], _least(shape)) if known and isinstance(shape, tuple) else None
    return real_kind(result((a,), values, floating(a)))


_EQUAL = "Vectors of equal singular values are not determined: NaN."
rule(
    "numpy.linalg.svd",
    "a, full_matrices=True",
    results=3,
    kind=_svd_kind,
    a=[
        Case("a.is_complex", "complex_svd_adjoint(g0, g1, g2, y0, y1, y2)"),
        Case("", "svd_adjoint(g0, g1, g2, y0, y1, y2)"),
    ],
    tangent={"a": [
        Case("a.is_complex", "complex_svd_tangent(a_dot, y0, y1, y2)"), Case("", "svd_tangent(a_dot, y0, y1, y2)"),
    ]},
    doc=f"{_EQUAL} A matrix that is not square needs full_matrices=False.",
)
rule(
    "numpy.linalg.svdvals",
    "a",
    kind=_svdvals_kind,
    a="svdvals_adjoint(g, a)",
    tangent={"a": "svdvals_tangent(a_dot, a)"},
)


def _qr_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    shape = shape_of(a)
    if literals.get("mode") != "reduced":
        return Kind("unknown")
    if not isinstance(shape, tuple) or len(shape) < 2:
        return Kind("tuple", items=(result((a,), None),) * 2)
    k = _least(shape)
    shapes = ((*shape[:-1], k), (*shape[:-2], k, shape[-1]))
    return Kind("tuple", items=tuple(result((a,), s, floating(a)) for s in shapes))


rule(
    "numpy.linalg.qr",
    "a, mode='reduced'",
    results=2,
    kind=_qr_kind,
    a=[
        Case("a.is_complex and mode == 'reduced'", "complex_qr_adjoint(g0, g1, a, y0, y1)"),
        Case("not a.is_complex and mode == 'reduced'", "qr_adjoint(g0, g1, a, y0, y1)"),
    ],
    tangent={"a": [
        Case("a.is_complex and mode == 'reduced'", "complex_qr_tangent(a_dot, a, y0, y1)"),
        Case("not a.is_complex and mode == 'reduced'", "qr_tangent(a_dot, a, y0, y1)"),
    ]},
    doc="Of full rank, by the mode 'reduced'.",
)


def _lstsq_kind(*, literals: Literals, a: Kind, b: Kind, **_: Any) -> Kind:
    left, right = shape_of(a), shape_of(b)
    x = (left[1], *right[1:]) if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == 2 else None
    dtype = floating(a) if floating(a) == floating(b) else None
    vague = Kind("array", dtype, (SOME,))
    return Kind("tuple", items=(result((a, b), x, dtype), vague, Kind("unknown", None, ()), vague))


rule(
    "numpy.linalg.lstsq",
    "a, b, rcond=None",
    results=4,
    kind=_lstsq_kind,
    a="lstsq_adjoint_a(g0, g1, g3, a, b, y0)",
    b="lstsq_adjoint_b(g0, g1, a, b, y0)",
    tangent={"a": "lstsq_tangent_a(a_dot, a, b, y0, y1)", "b": "lstsq_tangent_b(b_dot, a, b, y0, y1)"},
    doc="Where the rank does not change.",
)
rule(
    "numpy.linalg.tensorsolve",
    "a, b",
    kind=lambda *, literals, a, b: Kind("unknown"),
    a="tensorsolve_adjoint_a(g, a, b, y)",
    b="tensorsolve_adjoint_b(g, a, b)",
    tangent={"a": "tensorsolve_tangent_a(a_dot, a, b, y)", "b": "np.linalg.tensorsolve(a, b_dot)"},
)
rule(
    "numpy.linalg.tensorinv",
    "a, ind=2",
    kind=lambda *, literals, a, ind: result((a,), (SOME,) * a.rank if a.rank else None, floating(a)),
    a="tensorinv_adjoint(g, a, y)",
    tangent={"a": "tensorinv_tangent(a_dot, a, y)"},
)


def _cond_kind(*, literals: Literals, x: Kind, **_: Any) -> Kind:
    shape = shape_of(x)
    return real_kind(result((x,), shape[:-2] if isinstance(shape, tuple) and len(shape) >= 2 else None, floating(x)))


_PLACE = "(-2, -1)"
_INVERSE = "np.linalg.inv(x)"
_BY_X = f"norm_adjoint(g * np.linalg.norm({_INVERSE}, p, {_PLACE}), x, p, {_PLACE})"
_OF_INVERSE = f"norm_adjoint(g * np.linalg.norm(x, p, {_PLACE}), {_INVERSE}, p, {_PLACE})"
_BY_INVERSE = f"{_INVERSE}.mT @ {_OF_INVERSE} @ {_INVERSE}.mT"
_COND = {
    "p is None or p == 2": "extreme_ratio_adjoint({g}, x)",
    "p == -2": "extreme_ratio_adjoint({g}, x, True)",
    "p == p": f"{_BY_X} - {_BY_INVERSE}".replace("(g *", "({g} *"),
}
rule(
    "numpy.linalg.cond",
    "x, p=None",
    kind=_cond_kind,
    x=[Case(when, text.format(g="g")) for when, text in _COND.items()],
    tangent={
        "x": [
            Case(when, f"np.sum({text.format(g='np.ones_like(y)')} * x_dot, axis={_PLACE})" if "ratio" in text
                 else f"np.sum(({text.format(g='np.ones_like(y)')}) * x_dot, axis={_PLACE})")
            for when, text in _COND.items()
        ]
    },
    doc="Equal singular values: by the vectors that NumPy gives first.",
)  # fmt: skip

nondifferentiable("s2sad.runtime.factors.require_free_of_phases", signature="turned, u, vh", pure=False)
for_complex("numpy.linalg.svd", "numpy.linalg.qr", same=False, holomorphic=False)
for_complex("numpy.linalg.svdvals", holomorphic=False)
