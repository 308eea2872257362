"""Rules for numpy.fft. A discrete Fourier transform is symmetric: its adjoint is the same transform.

Where a transform is given a length, it cuts its argument or fills it up with zeros first, and so does its adjoint last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.kinds import SOME, SOME_COMPLEX, SOME_FLOAT, UNSURE, Dim, Kind
from s2sad.rules.arguments import array_of, dtype_of, places, shape_of
from s2sad.rules.registry import Case, for_complex, linear, nondifferentiable
from s2sad.rules.results import Literals

_HERE = "s2sad.runtime.fft"
_SIGNATURES = {1: "a, n=None, axis=-1, norm=None", 2: "a, s=None, axes=(-2, -1), norm=None",
               3: "a, s=None, axes=None, norm=None"}  # fmt: skip


# Kinds
def _dtype(kind: Kind, is_real: bool) -> str | None:
    """The dtype of a transform, real or complex, of what has a dtype: of the same precision, at least single."""
    name = dtype_of(kind)
    if name is None or name in UNSURE:
        return SOME_FLOAT if is_real else SOME_COMPLEX
    found = np.fft.fft(np.zeros(1, name))
    return str((found.real if is_real else found).dtype.name)


def _transform_kind(length: Callable[[Dim], Dim], is_real: bool = False) -> Callable[..., Kind]:
    """The kind function of a transform, which fits the last of its axes to a length."""

    def kind(*, literals: Literals, a: Kind, n: Kind | None = None, s: Kind | None = None, **_: Any) -> Kind:
        shape = shape_of(a)
        fitted = literals.get("n", ...) if s is None else literals.get("s", ...)
        said = literals.get("axis", ...) if s is None else literals.get("axes", ...)
        if isinstance(shape, tuple):
            axes = tuple(range(len(shape))) if said is None and fitted is None else said
            over = places(axes, len(shape))
            if over is None or (fitted is not None and not _all_ints(fitted)):
                shape = (SOME,) * len(shape)
            else:
                dims = list(shape)
                if fitted is not None:
                    for axis, m in zip(over, (fitted,) if isinstance(fitted, int) else fitted):
                        dims[axis] = m if m != -1 else dims[axis]
                if over:
                    given = fitted is not None and is_real
                    dims[over[-1]] = dims[over[-1]] if given else length(dims[over[-1]])
                shape = tuple(dims)
        made = array_of(a, shape)
        return Kind(made.sort if isinstance(shape, tuple) else "unknown", _dtype(a, is_real), shape)

    return kind


def _all_ints(fitted: Any) -> bool:
    return isinstance(fitted, int) or (isinstance(fitted, tuple) and all(isinstance(m, int) for m in fitted))


def _same(dim: Dim) -> Dim:
    return dim


def _half(dim: Dim) -> Dim:
    return dim // 2 + 1 if isinstance(dim, int) else SOME


def _double(dim: Dim) -> Dim:
    return 2 * (dim - 1) if isinstance(dim, int) else SOME


# Transforms
for _name in ("fft", "ifft"):
    linear(f"numpy.fft.{_name}", _SIGNATURES[1], kind=_transform_kind(_same), a=[
        Case("n is None and axis == -1 and norm is None", f"np.fft.{_name}(g)"),
        Case("n is None", f"np.fft.{_name}(g, axis=axis, norm=norm)"),
        Case("", f"fitted(np.fft.{_name}(g, axis=axis, norm=norm), a)"),
    ])  # fmt: skip
    linear(f"numpy.fft.{_name}2", _SIGNATURES[2], kind=_transform_kind(_same), a=[
        Case("s is None and axes == (-2, -1) and norm is None", f"np.fft.{_name}2(g)"),
        Case("s is None", f"np.fft.{_name}2(g, axes=axes, norm=norm)"),
        Case("", f"{_name}n_adjoint(g, a, s, axes, norm)"),
    ])  # fmt: skip
    linear(f"numpy.fft.{_name}n", _SIGNATURES[3], kind=_transform_kind(_same), a=[
        Case("s is None and axes is None and norm is None", f"np.fft.{_name}n(g)"),
        Case("s is None", f"np.fft.{_name}n(g, axes=axes, norm=norm)"),
        Case("", f"{_name}n_adjoint(g, a, s, axes, norm)"),
    ])  # fmt: skip

_DEFAULTS = "n is None and axis == -1 and norm is None"
linear("numpy.fft.rfft", _SIGNATURES[1], kind=_transform_kind(_half), a=[
    Case(_DEFAULTS, "np.fft.fft(g, a.shape[-1]).real"),
    Case("n is None", "np.fft.fft(g, a.shape[axis], axis, norm).real"),
    Case("", "rfft_adjoint(g, a, n, axis, norm)"),
])  # fmt: skip
linear("numpy.fft.irfft", _SIGNATURES[1], kind=_transform_kind(_double, is_real=True), a=[
    Case(_DEFAULTS, "irfft_adjoint(g, a)"), Case("", "irfft_adjoint(g, a, n, axis, norm)"),
])  # fmt: skip
linear("numpy.fft.hfft", _SIGNATURES[1], kind=_transform_kind(_double, is_real=True),
       a="np.conj(irfft_adjoint(g, a, n, axis, dual_norm(norm)))")  # fmt: skip
linear("numpy.fft.ihfft", _SIGNATURES[1], kind=_transform_kind(_half),
       a="rfft_adjoint(np.conj(g), a, n, axis, dual_norm(norm))")  # fmt: skip
for _end, _signature in (("2", _SIGNATURES[2]), ("n", _SIGNATURES[3])):
    linear(f"numpy.fft.rfft{_end}", _signature, kind=_transform_kind(_half), a="rfftn_adjoint(g, a, s, axes, norm)")
    linear(f"numpy.fft.irfft{_end}", _signature, kind=_transform_kind(_double, is_real=True),
           a="irfftn_adjoint(g, a, s, axes, norm)")  # fmt: skip


# Functions that adjoints call
nondifferentiable(f"{_HERE}.dual_norm", signature="norm")


def _like_a(is_real: bool) -> Callable[..., Kind]:
    def kind(*, literals: Literals, x: Kind, a: Kind, **_: Any) -> Kind:
        return Kind("array" if a.is_array and a.rank else "unknown", _dtype(x, is_real or a.is_real), a.shape)

    return kind


linear(f"{_HERE}.fitted", "x, like", constant=("like",), x="fitted(g, x)", kind=lambda *, literals, x, like: Kind(
    "array" if like.is_array and like.rank else "unknown", dtype_of(x), like.shape
))  # fmt: skip
for _name, _by, _real in (
    ("rfft", "np.fft.rfft(g, n, axis, norm)", True), ("irfft", "np.fft.irfft(g, np.shape(x)[axis], axis, norm)", False),
):  # fmt: skip
    linear(f"{_HERE}.{_name}_adjoint", "x, a, n=None, axis=-1, norm=None", constant=("a",), kind=_like_a(_real), x=_by)
for _name, _back in (("fftn", "fftn"), ("ifftn", "ifftn"), ("rfftn", "rfftn"), ("irfftn", "irfftn_again")):
    _by = "irfftn_again(g, x, s, axes, norm)" if _name == "irfftn" else f"np.fft.{_name}(g, s, axes, norm)"
    linear(f"{_HERE}.{_name}_adjoint", "x, a, s=None, axes=None, norm=None", constant=("a",),
           kind=_like_a(_name == "rfftn"), x=_by)  # fmt: skip
linear(f"{_HERE}.irfftn_again", "x, like, s=None, axes=None, norm=None", constant=("like",),
       x="irfftn_adjoint(g, x, s, axes, norm)")  # fmt: skip

_ALL = [f"{_kind}fft{_end}" for _kind in ("", "i", "r", "ir") for _end in ("", "2", "n")]
for_complex(*(f"numpy.fft.{_name}" for _name in (*_ALL, "fftshift", "ifftshift")))
for_complex("numpy.fft.hfft", "numpy.fft.ihfft", holomorphic=False)
for_complex(*(f"numpy.fft.{_name}" for _name in _ALL if "r" in _name), holomorphic=False)
for_complex(*(
    f"{_HERE}.{_name}" for _name in (
        "fitted", "rfft_adjoint", "irfft_adjoint", "fftn_adjoint", "ifftn_adjoint", "rfftn_adjoint", "irfftn_adjoint",
        "irfftn_again",
    )
))  # fmt: skip
