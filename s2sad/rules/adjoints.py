"""Rules of the functions that adjoints call, so that a derivative can be differentiated again.

Each is linear in the adjoint that it is given, its first parameter. That is named x here: in these texts too, `g` is
the adjoint of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s2sad.ir.kinds import Kind
from s2sad.rules.registry import Case, describe, elementwise, linear, nondifferentiable, rule
from s2sad.rules.results import array_dtype


def _like(name: str, *sources: str) -> Callable[..., Kind]:
    """The kind function of an array in the shape of parameter `name`, made of what the `sources` hold.

    Its dtype is theirs, where they have one in common that carries derivatives.
    """

    def kind(*, literals: Mapping[str, Any], **bound: Any) -> Kind:
        of: Kind = bound[name]
        dtypes = {array_dtype(bound[source]) if bound[source].carries_derivative else None for source in sources}
        dtype = dtypes.pop() if len(dtypes) == 1 else None
        return Kind("array" if of.is_array and of.rank else "unknown", dtype, of.shape)

    return kind


def _cast_kind(*, literals: Mapping[str, Any], x: Kind, a: Kind, **_: Any) -> Kind:
    return Kind("array" if x.is_array and x.rank else "unknown", array_dtype(a), x.shape)


# Order, repetition, padding, conversion
_HERE = "s2sad.runtime.adjoints"

nondifferentiable(f"{_HERE}.inverse_permutation", signature="axes")


def _linear(name: str, signature: str, x: str, *, source: str = "x", views: tuple[str, ...] = ()) -> None:
    """Register a function of that file that reads no more than the shape of `a`, and has the dtype of `source`."""
    linear(f"{_HERE}.{name}", signature, kind=_like("a", source), constant=("a",), views=views, x=x)


_linear("sort_adjoint", "x, a, axis=-1", "sort_tangent(g, a, axis)")
linear(f"{_HERE}.sort_tangent", "x, a, axis=-1", constant=("a",), x="sort_adjoint(g, a, axis)")
_linear("tile_adjoint", "x, a, reps", "np.tile(g, reps)")
_linear("repeat_adjoint", "x, a, repeats, axis=None", "np.repeat(g, repeats, axis)")
_linear("unpad", "x, a, pad_width", "np.pad(g, pad_width)", views=("x",))
linear(f"{_HERE}.cast_back", "x, a, dtype=None", kind=_cast_kind, constant=("a",), x="cast_back(g, x, dtype)")
linear(f"{_HERE}.cast", "x, dtype", x="cast_back(g, x, dtype)")

# Views that may be copies
linear(
    f"{_HERE}.if_copied",
    "x, part, a",
    kind=_like("a", "x"),
    constant=("part", "a"),
    views=("x",),
    x="copied_part(g, part, a)",
)
linear(
    f"{_HERE}.copied_part",
    "x, part, a",
    kind=_like("part", "x"),
    constant=("part", "a"),
    views=("x",),
    x="if_copied(g, part, a)",
)
linear(f"{_HERE}.copy_with_strides", "x, like", kind=_like("x", "x"), constant=("like",), x="g")
nondifferentiable(f"{_HERE}.zeros_with_strides", kind=_like("x", "x"), signature="x")

# Diagonals
_linear("diagonal_adjoint", "x, a, offset=0, axis1=0, axis2=1", "np.diagonal(g, offset, axis1, axis2)")
_linear("trace_adjoint", "x, a, offset=0, axis1=0, axis2=1", "np.trace(g, offset, axis1, axis2)")
_linear("diag_adjoint", "x, a, k=0", "np.diag(g, k)", views=("x",))

# Taking and joining
_linear("take_adjoint", "x, a, indices, axis=None", "np.take(g, indices, axis)")
_linear("take_along_axis_adjoint", "x, a, indices, axis=-1", "np.take_along_axis(g, indices, axis)")
_linear("compress_adjoint", "x, a, condition, axis=None", "np.compress(condition, g, axis)")
linear(
    f"{_HERE}.part",
    "x, arrays, k, axis=0",
    constant=("arrays",),
    views=("x",),
    cheap=True,
    x="part_adjoint(g, x, arrays, k, axis)",
)
linear(
    f"{_HERE}.part_adjoint", "x, whole, arrays, k, axis=0", constant=("whole", "arrays"), x="part(g, arrays, k, axis)"
)
for _name in ("hstack", "vstack", "dstack", "column_stack"):
    linear(
        f"{_HERE}.{_name}_part",
        "x, arrays, k",
        constant=("arrays",),
        views=("x",),
        x=f"{_name}_part_adjoint(g, x, arrays, k)",
    )
    linear(
        f"{_HERE}.{_name}_part_adjoint",
        "x, whole, arrays, k",
        constant=("whole", "arrays"),
        x=f"{_name}_part(g, arrays, k)",
    )
_linear("item_adjoint", "x, a, place=()", "item_at(g, place)", source="a")
_selecting = "s2sad.runtime.selecting"
nondifferentiable(f"{_selecting}.positions", f"{_selecting}.first_places", signature="a")
linear(f"{_selecting}.gathered", "x, places", x="gathered_back(g, x, places)")
linear(f"{_selecting}.gathered_back", "x, a, places", kind=_like("a", "x"), constant=("a",), x="gathered(g, places)")
linear(f"{_selecting}.unroll_axis", "x, axis, start=0", views=("x",), x="np.rollaxis(g, axis, start)")
linear(f"{_HERE}.item_at", "x, place=()", x="item_adjoint(g, x, place)")


# Products: linear in the adjoint and in the other factor
def _product(name: str, call: str, option: str = "") -> None:
    """Register both adjoints of a product; `option` is a further parameter with its default."""
    further = f", {option}" if option else ""
    given = f", {option.partition('=')[0]}" if option else ""
    named = f", {given[2:]}={given[2:]}" if option else ""
    linear(
        f"s2sad.runtime.linalg.{name}_adjoint_a",
        f"x, a, b{further}",
        kind=_like("a", "x", "b"),
        constant=("a",),
        x=f"{call}(g, b{named})",
        b=f"{name}_adjoint_b(x, g, b{given})",
    )
    linear(
        f"s2sad.runtime.linalg.{name}_adjoint_b",
        f"x, a, b{further}",
        kind=_like("b", "x", "a"),
        constant=("b",),
        x=f"{call}(a, g{named})",
        a=f"{name}_adjoint_a(x, a, g{given})",
    )


linear("s2sad.runtime.linalg.sum_to", "x, shape", views=("x",), x="np.broadcast_to(g, np.shape(x))")
_product("matmul", "np.matmul")
_product("dot", "np.dot")
_product("inner", "np.inner")
_product("kron", "np.kron")
_product("tensordot", "np.tensordot", "axes=2")
_product("cross", "np.cross", "axis=None")


# Einstein sums: the adjoint of operand `place`, linear in the adjoint x and in every other operand
def _einsum_operands(values: Mapping[str, Any]) -> list[str] | None:
    """All operands in order, g in its place; None where the place is not known."""
    place, others = values["place_value"], values["others"]
    if not isinstance(place, int) or not isinstance(others, tuple):
        return None
    operands = [f"others[{j}]" for j in range(len(others))]
    return [*operands[:place], "g", *operands[place:]]


def _einsum_of_g(values: Mapping[str, Any]) -> str | None:
    """By the adjoint x: the Einstein sum itself, of g and the others."""
    operands = _einsum_operands(values)
    return None if operands is None else f"np.einsum(subscripts, {', '.join(operands)})"


def _einsum_other(values: Mapping[str, Any]) -> str | None:
    """By another operand, at position k of `others`: its adjoint in the Einstein sum of g and the others."""
    operands, place, k = _einsum_operands(values), values["place_value"], values.get("k")
    if operands is None or not isinstance(k, int):
        return None
    own = k if k < place else k + 1
    beside = ", ".join(operands[:own] + operands[own + 1 :])
    return f"einsum_adjoint(x, np.shape(item), {own}, subscripts, {beside})"


def _einsum_kind(*, literals: Mapping[str, Any], shape: Kind, **_: Any) -> Kind:
    return Kind("array" if shape.sort == "tuple" and shape.items else "unknown")


linear(
    "s2sad.runtime.linalg.einsum_adjoint",
    "x, shape, place, subscripts, *others",
    kind=_einsum_kind,
    views=("x",),
    x=_einsum_of_g,
    others=_einsum_other,
)


# Norms: linear in x, and in d where there is one; the derivative by a needs the next order, and ends at the second
_NORM = "a, ord=None, axis=None, keepdims=False"
_OF_NORM = "a, ord, axis, keepdims"
_linalg = "s2sad.runtime.linalg"
_STRAIGHT = "ord in (1, 1e999, -1e999)"  # the gradient goes by steps
rule(
    f"{_linalg}.norm_adjoint",
    f"x, {_NORM}",
    kind=_like("a", "x", "a"),
    x=f"norm_tangent(g, {_OF_NORM})",
    a=f"norm_curvature(x, g, {_OF_NORM})",
    tangent={"x": f"norm_adjoint(x_dot, {_OF_NORM})", "a": f"norm_curvature(x, a_dot, {_OF_NORM})"},
)
rule(
    f"{_linalg}.norm_tangent",
    f"x, {_NORM}",
    x=f"norm_adjoint(g, {_OF_NORM})",
    a=f"norm_curvature(g, x, {_OF_NORM})",
    tangent={"x": f"norm_tangent(x_dot, {_OF_NORM})", "a": f"norm_second_tangent(a_dot, x, {_OF_NORM})"},
)
rule(
    f"{_linalg}.norm_curvature",
    f"x, d, {_NORM}",
    kind=_like("a", "x", "d", "a"),
    a=[Case(_STRAIGHT, "np.zeros_like(a)")],
    x=f"norm_second_tangent(d, g, {_OF_NORM})",
    d=f"norm_curvature(x, g, {_OF_NORM})",
    tangent={
        "x": f"norm_curvature(x_dot, d, {_OF_NORM})",
        "d": f"norm_curvature(x, d_dot, {_OF_NORM})",
        "a": [Case(_STRAIGHT, "np.zeros_like(y)")],
    },
)
rule(
    f"{_linalg}.norm_second_tangent",
    f"x, d, {_NORM}",
    a=[Case(_STRAIGHT, "np.zeros_like(a)")],
    x=f"norm_curvature(g, d, {_OF_NORM})",
    d=f"norm_curvature(g, x, {_OF_NORM})",
    tangent={
        "x": f"norm_second_tangent(x_dot, d, {_OF_NORM})",
        "d": f"norm_second_tangent(x, d_dot, {_OF_NORM})",
        "a": [Case(_STRAIGHT, "np.zeros_like(y)")],
    },
)


# Special functions of arrays
elementwise(
    "s2sad.runtime.signals.bessel_i", "x, n", constant=("n",), x="(bessel_i(x, n - 1) + bessel_i(x, n + 1)) / 2"
)
_signals = "s2sad.runtime.signals"
linear(f"{_signals}.along", "x, a, axis", constant=("a",), views=("x",), x="np.reshape(g, np.shape(x))")
linear(f"{_signals}.uncut", "x, n, axis, start, stop", x="cut(g, axis, start, stop)")
linear(
    f"{_signals}.cut",
    "x, axis, start, stop",
    views=("x",),
    cheap=True,
    x="uncut(g, np.shape(x)[axis], axis, start, stop)",
)
linear(
    f"{_signals}.reduceat_adjoint",
    "x, a, indices, axis=0",
    kind=_like("a", "x"),
    constant=("a",),
    x="np.add.reduceat(g, indices, axis)",
)
linear(
    f"{_signals}.gradient_adjoint",
    "x, spacing=1.0, axis=-1, edge_order=1",
    kind=_like("x", "x"),
    x="np.gradient(g, spacing, axis=axis, edge_order=edge_order)",
)


# Order statistics, which are linear between steps
_statistics = "s2sad.runtime.statistics"
_OF_QUANTILE = "x, a, q, axis=None, keepdims=False"
linear(
    f"{_statistics}.quantile_adjoint",
    _OF_QUANTILE,
    kind=_like("a", "x"),
    constant=("a",),
    x="quantile_tangent(g, a, q, axis, keepdims)",
)
linear(
    f"{_statistics}.quantile_tangent", _OF_QUANTILE, constant=("a",), x="quantile_adjoint(g, a, q, axis, keepdims)"
)


# Adjoints that have no rule, for they are differentiated by their own text
def _alike(name: str) -> Callable[..., Kind]:
    """The kind function of an array in the shape of parameter `name`, in its dtype where all others have that too."""

    def kind(*, literals: Mapping[str, Any], **bound: Any) -> Kind:
        of: Kind = bound[name]
        given = [k for k in bound.values() if isinstance(k, Kind) and k.carries_derivative and k.sort != "none"]
        same = of.dtype is not None and all(array_dtype(k) == of.dtype for k in given)
        return Kind("array" if of.is_array and of.rank else "unknown", of.dtype if same else None, of.shape)

    return kind


for _function, _signature in {
    "diff_adjoint": "g, a, n=1, axis=-1, prepend=None",
    "ediff1d_adjoint": "g, a, before=0",
    "trapezoid_adjoint": "g, a, x=None, dx=1.0, axis=-1",
    "convolve_adjoint": "g, a, v, mode='full'",
    "correlate_adjoint_a": "g, a, v, mode='valid'",
}.items():
    describe(f"{_signals}.{_function}", _signature, _alike("a"))
describe(f"{_signals}.trapezoid_adjoint_x", "g, a, x, axis=-1", _alike("x"))
describe(f"{_signals}.correlate_adjoint_v", "g, a, v, mode='valid'", _alike("v"))
describe(f"{_signals}.interp_adjoint_xp", "g, x, xp, fp", _alike("xp"))
describe(f"{_signals}.interp_adjoint_fp", "g, x, xp, left=None, right=None", _alike("xp"))
describe(f"{_statistics}.nanvar_adjoint", "g, a, axis=None, ddof=0, keepdims=False", _alike("a"))


def _of_variable(*, literals: Mapping[str, Any], which: Kind, **bound: Any) -> Kind:
    """The kind of the adjoint of m or y by a covariance."""
    name = {0: "m", 1: "y"}.get(literals.get("which", -1))
    return _alike(name)(literals=literals, **bound) if name else Kind("unknown")


describe(f"{_statistics}.cov_adjoint", "g, which, m, y=None, rowvar=True, bias=False, ddof=None", _of_variable)
describe(f"{_statistics}.corrcoef_adjoint", "g, which, m, y=None, rowvar=True", _of_variable)

_decompositions = "s2sad.runtime.decompositions"
for _function, _signature in {
    "svdvals_adjoint": "g, a",
    "qr_adjoint": "g0, g1, a, q, r",
    "lstsq_adjoint_a": "g0, g1, g3, a, b, x",
    "tensorsolve_adjoint_a": "g, a, b, y",
    "tensorinv_adjoint": "g, a, y",
    "extreme_ratio_adjoint": "g, a, smallest=False",
}.items():
    describe(f"{_decompositions}.{_function}", _signature, _alike("a"))


def _of_factors(*, u: Kind, vh: Kind, **bound: Any) -> Kind:
    """The kind of the adjoint of a matrix by its singular vectors."""
    if not isinstance(u.shape, tuple) or not isinstance(vh.shape, tuple) or not u.shape or not vh.shape:
        return Kind("unknown")
    a = Kind("array", u.dtype, (*u.shape[:-1], vh.shape[-1]))
    return _alike("a")(a=a, u=u, vh=vh, **bound)


describe(f"{_decompositions}.svd_adjoint", "g0, g1, g2, u, s, vh", _of_factors)

_polynomials = "s2sad.runtime.polynomials"
linear(f"{_polynomials}.slopes_of", "p", p="polyder_adjoint(g, p)")
for _function, _signature, _as in (
    ("polyder_adjoint", "g, p", "p"),
    ("polymul_adjoint", "g, a, b", "a"),
    ("vander_adjoint", "g, x, increasing=False", "x"),
    ("polyfit_adjoint_x", "g, x, y, deg", "x"),
    ("poly_adjoint", "g, roots", "roots"),
):
    describe(f"{_polynomials}.{_function}", _signature, _alike(_as))
