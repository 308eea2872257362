"""Rules of functions on sampled signals: differences, slopes, integrals, interpolation, convolution, windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2sad.ir.kinds import SOME, Kind, broadcast_shapes, shift
from s2sad.rules.arguments import Literals, array_of, dtype_of, places, same, shape_of
from s2sad.rules.registry import Case, linear, rule
from s2sad.rules.results import broadcast_kind, inexact_dtype, promoted_dtype, reduction_kind


# Differences and slopes
def _diff_kind(*, literals: Literals, a: Kind, prepend: Kind, append: Kind, **_: Any) -> Kind:
    shape, n = shape_of(a), literals.get("n")
    place = places(literals.get("axis"), len(shape)) if isinstance(shape, tuple) else None
    if place is None or not isinstance(shape, tuple):
        return array_of(a, None)
    alone = prepend.sort == append.sort == "none"
    changed = shift(shape[place[0]], -n) if isinstance(n, int) and n >= 0 and alone else SOME
    dtype = dtype_of(a) if alone else None
    made = tuple(changed if k == place[0] else dim for k, dim in enumerate(shape))
    return Kind(array_of(a, made).sort, dtype, made)


rule(
    "numpy.diff",
    "a, n=1, axis=-1, prepend=None, append=None",
    kind=_diff_kind,
    a=[
        Case("prepend is None and n == 1 and axis == -1", "diff_adjoint(g, a)"),
        Case("prepend is None", "diff_adjoint(g, a, n, axis)"),
        Case("", "diff_adjoint(g, a, n, axis, prepend)"),
    ],
    tangent={
        "a": [
            Case("prepend is None and append is None", "np.diff(a_dot, n, axis)"),
            Case("append is None", "np.diff(a_dot, n, axis, np.zeros_like(prepend))"),
            Case("prepend is None", "np.diff(a_dot, n, axis, append=np.zeros_like(append))"),
            Case("", "np.diff(a_dot, n, axis, np.zeros_like(prepend), np.zeros_like(append))"),
        ]
    },
)


def _trapezoid_kind(*, literals: Literals, a: Kind, x: Kind, dx: Kind, axis: Kind) -> Kind:
    made = reduction_kind(inexact_dtype)(literals={"axis": literals.get("axis", ...), "keepdims": False}, a=a)
    step = dx if x.sort == "none" else x
    if step.sort not in ("float", "array") or not a.is_array:
        return Kind("unknown", None, made.shape)
    return Kind(made.sort, inexact_dtype(promoted_dtype([a, step])), made.shape)


def _interp_kind(*, literals: Literals, x: Kind, **_: Any) -> Kind:
    return broadcast_kind([x], "float64") if x.sort not in ("list", "tuple") else Kind("unknown")


def _convolve_kind(*, literals: Literals, a: Kind, v: Kind, **_: Any) -> Kind:
    return Kind("array", promoted_dtype([a, v]) if a.is_array and v.is_array else None, (SOME,))


_ALONE = "to_begin is None and to_end is None"
rule(
    "numpy.ediff1d",
    "a, to_end=None, to_begin=None",
    kind=lambda *, literals, a, **_: array_of(a, (SOME,)),
    a=[Case("to_begin is None", "ediff1d_adjoint(g, a)"), Case("", "ediff1d_adjoint(g, a, np.size(to_begin))")],
    tangent={
        "a": [
            Case(_ALONE, "np.ediff1d(a_dot)"),
            Case("to_begin is None", "np.ediff1d(a_dot, np.zeros_like(to_end))"),
            Case("to_end is None", "np.ediff1d(a_dot, None, np.zeros_like(to_begin))"),
            Case("", "np.ediff1d(a_dot, np.zeros_like(to_end), np.zeros_like(to_begin))"),
        ]
    },
)


def _gradient_kind(*, literals: Literals, a: Kind, spacing: tuple[Kind, ...], axis: Kind, **_: Any) -> Kind:
    one = a.rank == 1 or axis.sort == "int"
    dtype = inexact_dtype(promoted_dtype([a, *spacing]))
    return Kind("array", dtype, a.shape) if one and a.is_array else Kind("unknown")


def _gradient(values: Mapping[str, Any]) -> str | None:
    """The adjoint of slopes along one axis."""
    a, axis, spacing, order = values["a"], values["axis"], values["spacing"], values["edge_order"]
    along = "-1" if axis is None and isinstance(a, Kind) and a.rank == 1 else "axis" if isinstance(axis, int) else None
    if along is None or len(spacing) > 1:
        return None
    given = ["g", "spacing[0]" if spacing else "1.0", along, "edge_order"]
    while len(given) > 1 and given[-1] == {1: "1.0", 2: "-1", 3: "edge_order" if order == 1 else ""}[len(given) - 1]:
        given.pop()
    return f"gradient_adjoint({', '.join(given)})"


linear(
    "numpy.gradient",
    "a, *spacing, axis=None, edge_order=1",
    kind=_gradient_kind,
    a=_gradient,
    doc="Along one axis: that of a vector, or `axis`.",
)


# Integrals
rule(
    "numpy.trapezoid",
    "a, x=None, dx=1.0, axis=-1",
    kind=_trapezoid_kind,
    a=[
        Case("x is None and dx == 1.0 and axis == -1", "trapezoid_adjoint(g, a)"),
        Case("x is None and axis == -1", "trapezoid_adjoint(g, a, None, dx)"),
        Case("axis == -1", "trapezoid_adjoint(g, a, x)"),
        Case("", "trapezoid_adjoint(g, a, x, dx, axis)"),
    ],
    x="trapezoid_adjoint_x(g, a, x, axis)",
    dx=[
        Case("x is None", "np.sum(g * np.trapezoid(a, axis=axis))"),
        Case("", "np.sum(g * np.trapezoid(a, axis=axis)) * (x is None)"),
    ],
    tangent={
        "a": "np.trapezoid(a_dot, x, dx, axis)",
        "x": "np.trapezoid(a, x_dot, axis=axis)",
        "dx": [
            Case("x is None", "dx_dot * np.trapezoid(a, axis=axis)"),
            Case("", "dx_dot * np.trapezoid(a, axis=axis) * (x is None)"),
        ],
    },
)


# Interpolation
rule(
    "numpy.interp",
    "x, xp, fp, left=None, right=None",
    kind=_interp_kind,
    x="g * interp_slope(x, xp, fp)",
    xp="interp_adjoint_xp(g, x, xp, fp)",
    fp=[
        Case("left is None and right is None", "interp_adjoint_fp(g, x, xp)"),
        Case("", "interp_adjoint_fp(g, x, xp, left, right)"),
    ],
    left="np.sum(np.where(x < xp[0], g, 0))",
    right="np.sum(np.where(x > xp[-1], g, 0))",
    tangent={
        "x": "x_dot * interp_slope(x, xp, fp)",
        "xp": "-interp_slope(x, xp, fp) * np.interp(x, xp, xp_dot)",
        "fp": [
            Case("left is None and right is None", "np.interp(x, xp, fp_dot)"),
            Case("right is None", "np.interp(x, xp, fp_dot, 0.0)"),
            Case("left is None", "np.interp(x, xp, fp_dot, right=0.0)"),
            Case("", "np.interp(x, xp, fp_dot, 0.0, 0.0)"),
        ],
        "left": "np.where(x < xp[0], left_dot, 0)[()]",
        "right": "np.where(x > xp[-1], right_dot, 0)[()]",
    },
    doc="On a point, the slope of the cell after it; on the last one, of that before it; beyond the ends none.",
)


# Convolution
linear(
    "numpy.convolve",
    "a, v, mode='full'",
    kind=_convolve_kind,
    a=[Case("mode == 'full'", "np.correlate(g, v, 'valid')"), Case("", "convolve_adjoint(g, a, v, mode)")],
    v=[Case("mode == 'full'", "np.correlate(g, a, 'valid')"), Case("", "convolve_adjoint(g, v, a, mode)")],
)
linear(
    "numpy.correlate",
    "a, v, mode='valid'",
    kind=_convolve_kind,
    a="correlate_adjoint_a(g, a, v, mode)",
    v="correlate_adjoint_v(g, a, v, mode)",
)

# Frequencies
for _name in ("fftshift", "ifftshift"):
    _back = "ifftshift" if _name == "fftshift" else "fftshift"
    linear(f"numpy.fft.{_name}", "a, axes=None", kind=same("a"), a=f"np.fft.{_back}(g, axes)")
for _name in ("fftfreq", "rfftfreq"):
    rule(
        f"numpy.fft.{_name}",
        "n, d=1.0, device=None",
        kind=lambda *, literals, **_: Kind("array", None, (SOME,)),
        d="-np.sum(g * y) / d",
        tangent={"d": "-d_dot / d * y"},
    )

# Windows and phases
rule(
    "numpy.kaiser",
    "M, beta",
    kind=lambda *, literals, **_: Kind("array", "float64", (SOME,)),
    beta="np.sum(g * kaiser_slope(M, beta))",
    tangent={"beta": "beta_dot * kaiser_slope(M, beta)"},
)
rule(
    "numpy.unwrap",
    "p, discont=None, axis=-1, *, period=6.283185307179586",
    kind=same("p"),
    p="g",
    tangent={"p": "p_dot"},
    doc="What is added are multiples of the period, which are steps.",
)


# Numbers between two ends
def _between_kind(*, literals: Literals, start: Kind, stop: Kind, num: Kind, **_: Any) -> Kind:
    ends = broadcast_shapes(shape_of(start), shape_of(stop))
    count = literals.get("num")
    rank = len(ends) + 1 if isinstance(ends, tuple) else None
    shape = (count if isinstance(count, int) else SOME,) if rank == 1 else None if rank is None else (SOME,) * rank
    natural = all(kind.sort in ("bool", "int", "float") for kind in (start, stop))
    return Kind("array", "float64" if natural else None, shape)


def _from_ends(seed: str, end: str) -> str:
    return f"unbroadcast(between_adjoint({seed}, num, endpoint, {int(end == 'stop')}, axis), {end})"


def _by_log(text: str) -> list[Case]:
    """Two cases of a text with the logarithm of the base: that of a literal leaves single precision as it is."""
    literal, other = "dtype is None and base == base", "dtype is None"
    return [Case(literal, text.replace("LOG", "math.log(base)")), Case(other, text.replace("LOG", "np.log(base)"))]


rule(
    "numpy.logspace",
    "start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0",
    kind=_between_kind,
    start=_by_log(_from_ends("g * y * LOG", "start")),
    stop=_by_log(_from_ends("g * y * LOG", "stop")),
    base=[Case("dtype is None", "np.sum(g * y * np.linspace(start, stop, num, endpoint, axis=axis)) / base")],
    tangent={
        "start": _by_log("y * LOG * np.linspace(start_dot, 0 * stop, num, endpoint, axis=axis)"),
        "stop": _by_log("y * LOG * np.linspace(0 * start, stop_dot, num, endpoint, axis=axis)"),
        "base": [Case("dtype is None", "base_dot * y * np.linspace(start, stop, num, endpoint, axis=axis) / base")],
    },
)
rule(
    "numpy.geomspace",
    "start, stop, num=50, endpoint=True, dtype=None, axis=0",
    kind=_between_kind,
    start=[Case("dtype is None", _from_ends("g * y", "start") + " / start")],
    stop=[Case("dtype is None", _from_ends("g * y", "stop") + " / stop")],
    tangent={
        "start": [Case("dtype is None", "y * np.linspace(start_dot / start, 0 * stop, num, endpoint, axis=axis)")],
        "stop": [Case("dtype is None", "y * np.linspace(0 * start, stop_dot / stop, num, endpoint, axis=axis)")],
    },
)
