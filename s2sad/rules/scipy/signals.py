"""Rules for sampled data: `scipy.signal`, real transforms of `scipy.fft`, integrals, filters of `scipy.ndimage`.

Nearly all of it is linear, so that a rule says the transpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2sad.ir.kinds import SOME, Kind
from s2sad.rules.arguments import Literals
from s2sad.rules.registry import Case, linear, refuse, refuse_parameters, rule
from s2sad.rules.results import of_rank, promoted_dtype, reduced_shape

_HERE = "s2sad.runtime.scipy.signals"


def _same(name: str) -> Any:
    """The kind function of an array in the shape of a parameter, whose dtype is not certain."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        of: Kind = bound[name]
        double = of.dtype if of.dtype in ("float32", "float64") else None
        return Kind("array", double, of.shape) if of.is_array and of.rank else Kind("unknown")

    return kind


# Convolution
def _convolved(*, literals: Literals, in1: Kind, in2: Kind, **_: Any) -> Kind:
    rank = in1.rank if in1.is_array and in1.rank == in2.rank else None
    return Kind("array", promoted_dtype([in1, in2]), (SOME,) * rank) if rank else Kind("unknown")


_CONVOLUTIONS = {"convolve": "mode='full', method='auto'", "fftconvolve": "mode='full', axes=None",
                 "oaconvolve": "mode='full', axes=None"}  # fmt: skip
for _name, _options in _CONVOLUTIONS.items():
    _plain = "axes is None" if "axes" in _options else "True"
    linear(
        f"scipy.signal.{_name}",
        f"in1, in2, {_options}",
        kind=_convolved,
        in1=[
            Case(f"mode == 'full' and {_plain}", "scipy.signal.correlate(g, in2, 'valid')"),
            Case(_plain, "scipy.signal.correlate(in_full(g, in1, in2, mode), in2, 'valid')"),
        ],
        in2=[
            Case(f"mode == 'full' and {_plain}", "scipy.signal.correlate(g, in1, 'valid')"),
            Case(_plain, "scipy.signal.correlate(in_full(g, in1, in2, mode), in1, 'valid')"),
        ],
    )
linear(
    "scipy.signal.correlate",
    "in1, in2, mode='full', method='auto'",
    kind=_convolved,
    in1=[
        Case("mode == 'full'", "scipy.signal.convolve(g, in2, 'valid')"),
        Case("", "scipy.signal.convolve(in_full(g, in1, in2, mode), in2, 'valid')"),
    ],
    in2=[
        Case("mode == 'full'", "np.flip(scipy.signal.correlate(g, in1, 'valid'))"),
        Case("", "np.flip(scipy.signal.correlate(in_full(g, in1, in2, mode), in1, 'valid'))"),
    ],
)
linear(f"{_HERE}.in_full", "x, a, v, mode", constant=("a", "v"), x="out_of_full(g, a, v, mode)")
linear(f"{_HERE}.out_of_full", "x, a, v, mode", constant=("a", "v"), x="in_full(g, a, v, mode)")

# Filters
_BACK = "np.flip(scipy.signal.lfilter({0}, a, np.flip(g, axis), axis), axis)"
rule(
    "scipy.signal.lfilter",
    "b, a, x, axis=-1, zi=None",
    kind=_same("x"),
    b=[Case("zi is None", f"lags({_BACK.format('[1.0]')}, x, b, axis)")],
    a=[Case("zi is None", f"-lags({_BACK.format('[1.0]')}, y, a, axis)")],
    x=[Case("zi is None", _BACK.format("b"))],
    tangent={
        "b": [Case("zi is None", "scipy.signal.lfilter(b_dot, a, x, axis)")],
        "a": [Case("zi is None", "-scipy.signal.lfilter([1.0], a, scipy.signal.lfilter(a_dot, [1.0], y, axis), axis)")],
        "x": [Case("zi is None", "scipy.signal.lfilter(b, a, x_dot, axis)")],
    },
)
linear(
    "scipy.signal.detrend",
    "data, axis=-1, type='linear', bp=0, overwrite_data=False",
    kind=_same("data"),
    data=[Case("overwrite_data == False", "scipy.signal.detrend(g, axis, type, bp)")],
    doc="A projection, which is its own transpose.",
)

# Real transforms. An orthogonal one has its inverse for a transpose.
_TRANSFORM = "x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None"
_PLAIN = "n is None and overwrite_x == False and orthogonalize is None"
for _name, _inverse in (("dct", "idct"), ("idct", "dct"), ("dst", "idst"), ("idst", "dst")):
    linear(
        f"scipy.fft.{_name}",
        _TRANSFORM,
        kind=_same("x"),
        x=[
            Case(
                f"{_PLAIN} and norm == 'ortho' and type == 2 and axis == -1",
                f"scipy.fft.{_inverse}(g, norm='ortho')",
            ),
            Case(f"{_PLAIN} and norm == 'ortho'", f"scipy.fft.{_inverse}(g, type, axis=axis, norm='ortho')"),
            Case(_PLAIN, f"{_name}_adjoint(g, type, axis, norm)"),
        ],
    )
    linear(
        f"{_HERE}.{_name}_adjoint",
        "x, type=2, axis=-1, norm=None",
        kind=_same("x"),
        x=f"scipy.fft.{_name}(g, type, axis=axis, norm=norm)",
    )
    linear(
        f"scipy.fft.{_name}n",
        "x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, orthogonalize=None",
        kind=_same("x"),
        x=[
            Case(
                "s is None and overwrite_x == False and orthogonalize is None and norm == 'ortho'",
                f"scipy.fft.{_inverse}n(g, type, axes=axes, norm='ortho')",
            )
        ],
        doc="Of orthogonal transforms.",
    )


# Integrals of samples
def _integral(*, literals: Literals, y: Kind, axis: Kind, **_: Any) -> Kind:
    """Of a vector an integral is a number; its dtype is that of the samples."""
    if not y.is_array or y.dtype not in ("float32", "float64"):
        return Kind("unknown")
    shape = reduced_shape(y, literals.get("axis", ...), axis, False)
    return of_rank(shape, y.dtype if y.dtype == "float64" else None) if isinstance(shape, tuple) else Kind("unknown")


rule(
    "scipy.integrate.trapezoid",
    "y, x=None, dx=1.0, axis=-1",
    kind=_integral,
    y=[
        Case("x is None and dx == 1.0 and axis == -1", "trapezoid_adjoint(g, y)"),
        Case("axis == -1 and dx == 1.0", "trapezoid_adjoint(g, y, x)"),
        Case("", "trapezoid_adjoint(g, y, x, dx, axis)"),
    ],
    x="trapezoid_adjoint_x(g, y, x, axis)",
    dx=[Case("x is None", "np.sum(g * np.trapezoid(y, axis=axis))")],
    tangent={
        "y": "np.trapezoid(y_dot, x, dx, axis)",
        "x": "np.trapezoid(y, x_dot, axis=axis)",
        "dx": [Case("x is None", "dx_dot * np.trapezoid(y, axis=axis)")],
    },
)
rule(
    "scipy.integrate.cumulative_trapezoid",
    "y, x=None, dx=1.0, axis=-1, initial=None",
    y=[
        Case("x is None and dx == 1.0 and axis == -1 and initial is None", "cumulative_adjoint(g, y)"),
        Case("", "cumulative_adjoint(g, y, x, dx, axis, initial)"),
    ],
    x="cumulative_adjoint_x(g, y, x, axis, initial)",
    tangent={
        "y": "scipy.integrate.cumulative_trapezoid(y_dot, x, dx, axis, initial)",
        "x": "scipy.integrate.cumulative_trapezoid(y, x_dot, axis=axis, initial=initial)",
    },
)
rule(
    "scipy.integrate.simpson",
    "y, x=None, *, dx=1.0, axis=-1",
    kind=_integral,
    y=[
        Case("x is None and axis == -1", "np.expand_dims(g, -1) * simpson_weights(np.shape(y)[-1], dx=dx)"),
        Case("", "simpson_adjoint(g, y, x, dx, axis)"),
    ],
    tangent={"y": "scipy.integrate.simpson(y_dot, x=x, dx=dx, axis=axis)"},
)
_SAMPLES = "the weights depend on it; use trapezoid"
refuse_parameters("scipy.integrate.simpson", {"x": _SAMPLES, "dx": _SAMPLES})
refuse_parameters("scipy.integrate.cumulative_trapezoid", {"dx": "multiply the result by the width"})
linear(
    f"{_HERE}.simpson_adjoint",
    "x, a, points=None, dx=1.0, axis=-1",
    constant=("a",),
    x="scipy.integrate.simpson(g, x=points, dx=dx, axis=axis)",
)

# Filters of images: symmetric ones, at boundaries that keep them so
_SYMMETRIC = "mode in ('reflect', 'grid-mirror', 'constant', 'wrap', 'grid-wrap') and output is None"


def _modes(**options: Any) -> Any:
    """The options of a filter that a formula passes on, those with their default left out."""

    def given(values: Mapping[str, Any]) -> str:
        return "".join(f", {name}={name}" for name, default in options.items() if values[name] != default)

    return given


def _filter(name: str, signature: str, argument: str, when: str, **options: Any) -> None:
    """Register a filter that is its own transpose; cval adds what does not depend on the image."""
    given = _modes(**options)

    def text(of: str) -> Any:
        return lambda values: f"scipy.ndimage.{name}({of}, {argument}{given(values)})"

    rule(
        f"scipy.ndimage.{name}",
        signature,
        kind=_same("input"),
        input=[Case(f"{_SYMMETRIC} and {when}", text("g"))],
        tangent={"input": [Case(f"{_SYMMETRIC} and {when}", text("input_dot"))]},
        doc="With boundaries that leave it symmetric: reflect, constant and wrap.",
    )


_filter(
    "gaussian_filter",
    "input, sigma, order=0, output=None, mode='reflect', cval=0.0, truncate=4.0, *, radius=None, axes=None",
    "sigma",
    "order == 0",
    mode="reflect",
    truncate=4.0,
    radius=None,
    axes=None,
)
_filter(
    "gaussian_filter1d",
    "input, sigma, axis=-1, order=0, output=None, mode='reflect', cval=0.0, truncate=4.0, *, radius=None",
    "sigma",
    "order == 0",
    axis=-1,
    mode="reflect",
    truncate=4.0,
    radius=None,
)
_filter(
    "uniform_filter",
    "input, size=3, output=None, mode='reflect', cval=0.0, origin=0, *, axes=None",
    "size",
    "isinstance(size, int) and size % 2 == 1 and origin == 0",
    mode="reflect",
    axes=None,
)
for _name, _back in (("correlate", "convolve"), ("convolve", "correlate")):
    rule(
        f"scipy.ndimage.{_name}",
        "input, weights, output=None, mode='reflect', cval=0.0, origin=0, *, axes=None",
        kind=_same("input"),
        input=[
            Case(
                "mode in ('constant', 'wrap', 'grid-wrap') and output is None and origin == 0 and axes is None",
                f"scipy.ndimage.{_back}(g, odd_sizes(weights), mode=mode)",
            )
        ],
        tangent={
            "input": [
                Case(
                    "mode in ('constant', 'wrap', 'grid-wrap') and output is None and origin == 0 and axes is None",
                    f"scipy.ndimage.{_name}(input_dot, weights, mode=mode)",
                )
            ]
        },
        doc="With weights of odd lengths, and constant or wrapped boundaries.",
    )
    refuse_parameters(f"scipy.ndimage.{_name}", {"weights": "use scipy.signal.convolve or correlate"})
linear(f"{_HERE}.odd_sizes", "x", views=("x",), cheap=True, x="g")

# Systems with a sparse matrix, which is held
_SPARSE = "permc_spec is None and use_umfpack == True"
rule(
    "scipy.sparse.linalg.spsolve",
    "A, b, permc_spec=None, use_umfpack=True",
    b=[Case(_SPARSE, "scipy.sparse.linalg.spsolve(A.T.tocsc(), g)")],
    tangent={"b": [Case(_SPARSE, "scipy.sparse.linalg.spsolve(A, b_dot)")]},
)
refuse_parameters("scipy.sparse.linalg.spsolve", {"A": "a sparse matrix is held"})

# Refused
_WRITE = "write the steps as a loop, which is differentiated"
refuse(
    *(f"scipy.integrate.{name}" for name in (
        "odeint", "solve_ivp", "quad", "dblquad", "tplquad", "nquad", "quad_vec", "fixed_quad", "solve_bvp", "ode",
    )),
    reason="calls a function that it is given, as often as it likes",
    help=_WRITE,
)  # fmt: skip
refuse(
    *(f"scipy.optimize.{name}" for name in (
        "root", "root_scalar", "brentq", "brenth", "bisect", "ridder", "newton", "fixed_point", "fsolve", "toms748",
        "minimize", "minimize_scalar", "least_squares", "curve_fit", "leastsq", "fmin", "fmin_bfgs",
    )),
    reason="calls a function that it is given, until it converges",
    help="solve outside, and take one step of Newton's method inside: x - f(x) / slope",
)  # fmt: skip
refuse(
    *(f"scipy.interpolate.{name}" for name in (
        "CubicSpline", "interp1d", "PchipInterpolator", "Akima1DInterpolator", "BSpline", "make_interp_spline",
        "RBFInterpolator", "RegularGridInterpolator", "UnivariateSpline", "CubicHermiteSpline",
        "BarycentricInterpolator",
    )),
    reason="makes an object that holds what it computed",
    help="use numpy.interp, or solve for the coefficients with scipy.linalg.solve_banded",
)  # fmt: skip
