"""Operations that the engine itself emits and rule texts may use; they are rules too, in both modes.

`spread(g, a, axis, keepdims)` undoes a reduction's loss of axes: `g` repeated over the axes of `a` that were reduced.
`unbroadcast(g, a)` undoes broadcasting: `g` summed over the axes along which `a` was stretched, in the shape of `a`.
Both read only the shape of `a`. The pass `optimise.expand` writes them as plain NumPy where the kinds are known.
"""

from s2sad.ir.kinds import FLOAT, Kind, join
from s2sad.rules.registry import linear, nondifferentiable, rule
from s2sad.rules.results import array_dtype


def _like_a(*, x: Kind, a: Kind, literals: object, **_: Kind) -> Kind:
    dtype = array_dtype(x)
    if a.is_number or (a.is_array and a.shape == ()):
        # Without axes on either side x stays as it is; an array is summed to a NumPy scalar.
        return x if x.shape == () else Kind("scalar" if x.is_array and x.rank else "unknown", dtype, ())
    return Kind("array" if a.is_array else a.sort, dtype, a.shape)


def _returned_kind(*, x: Kind, a: Kind, literals: object) -> Kind:
    if a.sort == "float":
        return x if x.sort == "float" or (x.sort, x.dtype) == ("scalar", "float64") else Kind("unknown", "float64", ())
    return a if a.dtype is not None else _like_a(x=x, a=a, literals=literals)


# The first parameter is not named g: in an adjoint, that is the adjoint of the result.
linear(
    "s2sad.spread",
    "x, a, axis=None, keepdims=False",
    kind=_like_a,
    constant=("a",),
    cheap=True,
    views=("x",),
    x="unspread(g, a, axis, keepdims)",
)
linear("s2sad.unspread", "x, a, axis=None, keepdims=False", constant=("a",), x="spread(g, a, axis, keepdims)")
linear("s2sad.unbroadcast", "x, a", x="rebroadcast(g, x)", kind=_like_a, constant=("a",), views=("x",))
linear("s2sad.rebroadcast", "x, a", x="unbroadcast(g, x)", kind=_like_a, constant=("a",), cheap=True, views=("x",))
# The gradient of the second argument as it is returned: fresh, of its dtype.
linear("s2sad.returned", "x, a", x="g", kind=_returned_kind, views=("x",), constant=("a",))
# `a if test else b` within a formula, of numbers.
rule(
    "s2sad.select",
    "test, a, b",
    kind=lambda *, literals, test, a, b: join(a, b),
    constant=("test",),
    cheap=True,
    views=("a", "b"),
    a="g if test else 0.0",
    b="0.0 if test else g",
    tangent={"a": "a_dot if test else 0.0", "b": "0.0 if test else b_dot"},
)
nondifferentiable("s2sad.runtime.checks.scalar_seed", kind=FLOAT, signature="y")
nondifferentiable("s2sad.runtime.checks.require_apart", signature="written, others", pure=False)
nondifferentiable("s2sad.runtime.checks.require_distinct", signature="things", pure=False)
linear("s2sad.runtime.checks.masked_writes", "x, a, index", x="masked_writes(g, a, index)", constant=("a",))
