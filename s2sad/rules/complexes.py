"""Rules for parts of complex numbers and for the module `cmath`; which other rules hold for complex numbers too.

What is added to the adjoint of a real number is made real by the engine (`differentiate.complexes`), so that the
absolute value, say, has one partial, conj(x) / |x|, for adjoint and tangent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2sad.ir.kinds import BOOL, COMPLEX, FLOAT, SOME_COMPLEX, SOME_FLOAT, UNKNOWN, UNSURE, Kind
from s2sad.rules.registry import Case, Formula, alias, elementwise, for_complex, linear, nondifferentiable, rule
from s2sad.rules.results import Literals, broadcast_kind, fixed, real_dtype, ufunc_kind


# Parts
def _part_kind(name: str) -> Any:
    def kind(*, literals: Literals, **bound: Any) -> Kind:
        given: Kind = bound[name]
        if given.sort == "complex":
            return FLOAT
        if given.sort not in ("float", "int", "bool", "scalar", "array", "unknown"):
            return UNKNOWN
        return given if given.is_real else Kind(given.sort, real_dtype(given.dtype), given.shape)

    return kind


for _name, _parameter in (("numpy.real", "val"), ("numpy.ndarray.real", "a")):
    rule(
        _name, _parameter, kind=_part_kind(_parameter), views=(_parameter,), cheap=True,
        **{_parameter: "g"},  # type: ignore[arg-type]
        tangent={_parameter: [
            Case(f"{_parameter}.sort in ('complex', 'array', 'scalar')", f"{_parameter}_dot.real"),
            Case("", f"np.real({_parameter}_dot)"),
        ]},
    )  # fmt: skip
for _name, _parameter in (("numpy.imag", "val"), ("numpy.ndarray.imag", "a")):
    rule(
        _name, _parameter, kind=_part_kind(_parameter), views=(_parameter,), cheap=True,
        **{_parameter: [Case(f"{_parameter}.is_complex", "-1j * g"), Case("", "0 * g")]},  # type: ignore[arg-type]
        tangent={_parameter: [
            Case(f"{_parameter}.sort in ('complex', 'array', 'scalar')", f"{_parameter}_dot.imag"),
            Case("", f"np.imag({_parameter}_dot)"),
        ]},
    )  # fmt: skip


def _angle_kind(*, literals: Literals, z: Kind, **_: Any) -> Kind:
    dtype = "complex128" if z.sort == "complex" else "float64" if z.is_python_number else z.dtype
    if dtype is None or dtype in UNSURE:
        return broadcast_kind([z], dtype and SOME_FLOAT)
    return broadcast_kind([z], str(np.angle(np.ones(1, dtype)).dtype.name))


elementwise(
    "numpy.angle", "z, deg=False", kind=_angle_kind,
    z=[
        Case("z.is_complex and deg == False", "-1j / z"),
        Case("z.is_complex", "-1j / z * np.where(deg, 180 / np.pi, 1)"),
        Case("", "0 * z"),
    ],
    doc="At zero it has none: NaN.",
)  # fmt: skip


def _conjugate_kind(*, literals: Literals, a: Kind) -> Kind:
    return a


_CONJUGATE = [Case("a.sort == 'complex'", "g.conjugate()"), Case("", "np.conj(g)")]
linear("numpy.conjugate", "a", kind=ufunc_kind(np.conjugate), cheap=True, a="np.conj(g)")
alias("numpy.conj", "numpy.conjugate")
alias("numpy.ndarray.conj", "numpy.ndarray.conjugate")
# Of an array of real numbers this is the array itself.
linear("numpy.ndarray.conjugate", "a", kind=_conjugate_kind, views=("a",), cheap=True, a=_CONJUGATE)

# Conversions
rule(
    "builtins.complex", "real=0, imag=0", kind=fixed(COMPLEX), cheap=True, real="g", imag="1j * g",
    tangent={"real": "complex(real_dot)", "imag": "1j * imag_dot"},
)  # fmt: skip
for _name in ("complex64", "complex128", "csingle", "cdouble", "clongdouble", "complex256"):
    if hasattr(np, _name):
        _dtype = np.dtype(getattr(np, _name)).name
        linear(
            f"numpy.{_name}", "x", views=("x",), cheap=True,
            kind=lambda *, literals, x, dtype=_dtype: broadcast_kind([x], dtype),
            x=[
                Case("x.is_python_number or x.dtype in ('float64', 'complex128') and x.sort != 'unknown'", "g"),
                Case("", "cast_back(g, x)"),
            ],
        )  # fmt: skip


# cmath
def _cmath(name: str, signature: str = "x", doc: str = "", **partials: Formula) -> None:
    elementwise(f"cmath.{name}", signature, kind=fixed(COMPLEX), constant=(), doc=doc, **partials)


_cmath("sin", x="cmath.cos(x)")
_cmath("cos", x="-cmath.sin(x)")
_cmath("tan", x="1 + y * y")
_cmath("asin", x="1 / cmath.sqrt(1 - x * x)")
_cmath("acos", x="-1 / cmath.sqrt(1 - x * x)")
_cmath("atan", x="1 / (1 + x * x)")
_cmath("sinh", x="cmath.cosh(x)")
_cmath("cosh", x="cmath.sinh(x)")
_cmath("tanh", x="1 - y * y")
_cmath("asinh", x="1 / cmath.sqrt(1 + x * x)")
_cmath("acosh", x="1 / (cmath.sqrt(x - 1) * cmath.sqrt(x + 1))")
_cmath("atanh", x="1 / (1 - x * x)")
_cmath("exp", x="y")
_cmath(
    "log", "x, base=None",
    x=[Case("base is None", "1 / x"), Case("", "1 / (x * cmath.log(base))")],
    base="-y / (base * cmath.log(base))",
)  # fmt: skip
_cmath("log10", x="1 / (x * math.log(10))")
_cmath("sqrt", x="0.5 / y")
elementwise("cmath.phase", "x", kind=fixed(FLOAT), x=[Case("x.is_complex", "-1j / x"), Case("", "0.0 * x")])
_POLAR = Kind("tuple", items=(FLOAT, FLOAT))
rule(
    "cmath.polar", "x", kind=fixed(_POLAR), results=2, cheap=True,
    x=[Case("x.is_complex", "(g0 - 1j * g1 / y0) * x.conjugate() / y0"), Case("", "g0 * x / y0")],
    tangent={"x": [
        Case("x.is_complex", "((x_dot * x.conjugate()).real / y0, (x_dot / x).imag)"),
        Case("", "(x_dot * x / y0, 0.0)"),
    ]},
    doc="At zero it has none: a division by zero.",
)  # fmt: skip
elementwise("cmath.rect", "r, phi", kind=fixed(COMPLEX), r="cmath.rect(1, phi)", phi="1j * y")
nondifferentiable("cmath.isclose", signature="a, b, *, rel_tol=1e-09, abs_tol=0.0", kind=BOOL, cheap=True)
nondifferentiable("cmath.isfinite", "cmath.isinf", "cmath.isnan", signature="x", kind=BOOL, cheap=True)


# The rules that hold for complex numbers
def _in(module: str, names: str) -> Sequence[str]:
    return [f"{module}.{name}" for name in names.split()]


for_complex(*_in("numpy", "real ndarray.real conjugate ndarray.conjugate"), holomorphic=False)
for_complex(*_in("numpy", "imag ndarray.imag angle absolute"), same=False, holomorphic=False)
for_complex("operator.abs", "builtins.abs", "cmath.phase", "cmath.polar", same=False, holomorphic=False)
for_complex(*_in("numpy", "complex64 complex128 csingle cdouble clongdouble complex256"), "builtins.complex")
for_complex(*_in("cmath", "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp log log10 sqrt rect"))

for_complex(*_in("operator", "add sub mul truediv neg pos getitem matmul"), *_in("builtins", "sum list"))
for_complex("operator.pow", "builtins.pow", "numpy.power", "numpy.float_power", same=False)
for_complex(*_in(
    "numpy",
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp expm1 log log2 log10 log1p"
    " add subtract multiply divide negative positive reciprocal square sqrt where sinc",
))  # fmt: skip
for_complex(*_in(
    "numpy",
    "sum mean average cumsum nansum prod cumprod take take_along_axis compress extract delete concatenate stack"
    " hstack vstack dstack column_stack append pad copy astype array asarray ascontiguousarray asfortranarray full"
    " full_like linspace reshape ravel transpose matrix_transpose swapaxes moveaxis expand_dims squeeze atleast_1d"
    " atleast_2d atleast_3d broadcast_to tile repeat roll flip fliplr flipud rot90 diag diagonal tril triu trace sort"
    " ndarray.compress ndarray.copy ndarray.astype ndarray.item ndarray.reshape ndarray.flatten ndarray.transpose"
    " ndarray.T ndarray.mT matmul dot inner outer tensordot kron cross einsum",
))  # fmt: skip
for_complex(*_in(
    "numpy",
    "insert resize choose select diagflat rollaxis diff ediff1d gradient trapezoid cumulative_sum cumulative_prod"
    " fft.fftshift fft.ifftshift polyadd polysub polyval vander add.reduce multiply.reduce add.accumulate"
    " multiply.accumulate add.outer subtract.outer multiply.outer divide.outer add.reduceat",
))  # fmt: skip
for_complex(*_in("numpy.linalg", "multi_dot det inv solve matrix_power cross diagonal trace"))
for_complex(*_in("numpy.linalg", "norm slogdet vecdot"), *_in("numpy", "vdot vecdot var std"), same=False,
            holomorphic=False)  # fmt: skip
for_complex(*_in("numpy.linalg", "pinv cholesky eigvalsh eigh"), holomorphic=False)

# What adjoints call
for_complex(*_in("s2sad", "spread unspread unbroadcast rebroadcast returned select"))
for_complex(*_in("s2sad.runtime.containers", "copies_of rows_of repeated_for sums_of"))
for_complex("s2sad.runtime.checks.masked_writes", "s2sad.runtime.complexes.in_field_of")
for_complex(*_in(
    "s2sad.runtime.adjoints",
    "sort_adjoint sort_tangent tile_adjoint repeat_adjoint unpad cast_back cast if_copied copied_part"
    " copy_with_strides diagonal_adjoint trace_adjoint diag_adjoint take_adjoint take_along_axis_adjoint"
    " compress_adjoint part part_adjoint hstack_part hstack_part_adjoint vstack_part vstack_part_adjoint dstack_part"
    " dstack_part_adjoint column_stack_part column_stack_part_adjoint item_adjoint item_at",
))  # fmt: skip
for_complex(*_in("s2sad.runtime.selecting", "gathered gathered_back unroll_axis"))
for_complex(*_in("s2sad.runtime.signals", "along cut uncut gradient_adjoint reduceat_adjoint"))
for_complex("s2sad.runtime.polynomials.slopes_of")
for_complex(*_in(
    "s2sad.runtime.linalg",
    "sum_to matmul_adjoint_a matmul_adjoint_b dot_adjoint_a dot_adjoint_b inner_adjoint_a inner_adjoint_b"
    " kron_adjoint_a kron_adjoint_b tensordot_adjoint_a tensordot_adjoint_b cross_adjoint_a cross_adjoint_b"
    " einsum_adjoint",
))  # fmt: skip
for_complex(*_in(
    "s2sad.runtime.reductions",
    "products_of_others merge_axes unmerge_axes flattened shifted shifted_back accumulate accumulate_back"
    " align_weights align_back",
))  # fmt: skip
nondifferentiable(
    "s2sad.runtime.complexes.complex_zeros_like", signature="a",
    kind=lambda *, literals, a: Kind(a.sort, SOME_COMPLEX, a.shape),
)  # fmt: skip
linear("s2sad.runtime.complexes.in_field_of", "x, a", constant=("a",), x="in_field_of(g, x)", cheap=True)
