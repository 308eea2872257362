"""Rules of eigenvalues and eigenvectors of any square matrix.

Of a real matrix they are real numbers, which are complex ones without imaginary part, or complex ones: by their kinds
they are complex.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2sad.ir.kinds import PERHAPS_COMPLEX, Kind, Shape
from s2sad.rules.arguments import shape_of
from s2sad.rules.linalg import floating
from s2sad.rules.registry import for_complex, nondifferentiable, rule

Literals = Mapping[str, Any]


def _eigenvalues(a: Kind, shape: Shape) -> Kind:
    return Kind("array" if a.is_array else "unknown", floating(a) if a.is_complex else PERHAPS_COMPLEX, shape)


def _eigvals_kind(*, literals: Literals, a: Kind) -> Kind:
    shape = shape_of(a)
    return _eigenvalues(a, shape[:-1] if isinstance(shape, tuple) and len(shape) >= 2 else None)


def _eig_kind(*, literals: Literals, a: Kind) -> Kind:
    return Kind("tuple", items=(_eigvals_kind(literals=literals, a=a), _eigenvalues(a, shape_of(a))))


rule(
    "numpy.linalg.eig",
    "a",
    results=2,
    kind=_eig_kind,
    a="eig_adjoint(g0, g1, y0, y1)",
    tangent={"a": "eig_tangent(a_dot, y0, y1)"},
    doc="Vectors of equal eigenvalues are not determined: NaN.",
)
rule(
    "numpy.linalg.eigvals",
    "a",
    kind=_eigvals_kind,
    a="eigvals_adjoint(g, a, y)",
    tangent={"a": "eigvals_tangent(a_dot, a, y)"},
)
nondifferentiable(
    "s2sad.runtime.eigenvalues.largest", signature="v", kind=lambda *, literals, v: Kind("array", "bool", v.shape)
)

# An eigenvector keeps its length and phase, which is no complex derivative.
for_complex("numpy.linalg.eig", holomorphic=False)
for_complex("numpy.linalg.eigvals")
