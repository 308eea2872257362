"""Rules for `scipy.linalg`: systems of equations, factorisations, functions of matrices, structured matrices.

Matrices are real. What overwrites its argument is refused, for its formulas read it. Formulas are those of Giles,
Collected matrix derivative results (2008), where no other source is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from s2sad.ir.kinds import BOOL, SOME, Kind
from s2sad.rules.arguments import Literals, promote, shape_of
from s2sad.rules.registry import Case, Rule, Text, linear, parse_signature, register, rule
from s2sad.rules.results import array_dtype, reduced_shape

_L = "scipy.linalg"
_HERE = "s2sad.runtime.scipy.linalg"


# Kinds: LAPACK computes in the precision that its operands have in common
def _computed(*kinds: Kind) -> str | None:
    dtypes = [array_dtype(k) for k in kinds]
    return promote(dtypes) if set(dtypes) <= {"float32", "float64"} else None


def _like(of: str, *operands: str) -> Any:
    """The kind function of an array in the shape of parameter `of`, where no other operand is a batch of matrices."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        shape = shape_of(bound[of])
        single = all(bound[p].is_array and (bound[p].rank or 9) <= 2 for p in operands)
        known = isinstance(shape, tuple) and bound[of].is_array and single
        shape = shape if known else None
        return Kind("array" if known else "unknown", _computed(*(bound[p] for p in (of, *operands))), shape)

    return kind


def _rank_of(name: str) -> Any:
    """The kind function of a matrix whose precision is not certain: it may be complex."""

    def kind(*, literals: Literals, **bound: Any) -> Kind:
        shape = shape_of(bound[name])
        return Kind("array", None, shape) if isinstance(shape, tuple) and len(shape) >= 2 else Kind("unknown")

    return kind


def _options(values: Mapping[str, Any], **defaults: Any) -> str:
    """The keyword arguments that a formula passes on, those with their default left out."""
    return "".join(f", {name}={name}" for name, default in defaults.items() if values[name] is not default)


def _outer(left: str, right: str, kind: Kind) -> str:
    """The product of columns with columns: of vectors or of matrices."""
    if kind.rank == 1:
        return f"np.outer({left}, {right})"
    return f"{left} @ {right}.T" if kind.rank == 2 else f"columns_product({left}, {right})"


# Systems of equations
def _det_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return Kind("scalar", _computed(a), ()) if a.rank == 2 and a.is_array else Kind("unknown")


def _of_one(when: str, text: Text, name: str = "a") -> list[Case]:
    """A formula of one matrix. Where its rank is not known an error is raised for several; several are refused."""

    def checked(values: Mapping[str, Any]) -> str | None:
        made = text if isinstance(text, str) else text(values)
        return made and re.sub(rf"\b{name}\b", f"one_matrix({name})", made, count=1)

    also = f" and {when}" if when else ""
    return [Case(f"{name}.rank == 2{also}", text), Case(f"{name}.rank is None{also}", checked)]


linear(f"{_HERE}.one_matrix", "x", views=("x",), cheap=True, x="g")
_TRIANGULAR = "a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True"
_UNWRITTEN = "overwrite_b == False"


def _plain(values: Mapping[str, Any]) -> bool | None:
    """Whether a system is solved as it stands (True) or transposed (False); None where that is not known."""
    trans = values["trans"]
    return True if trans in (0, "N") else False if trans in (1, 2, "T", "C") else None


def _triangular_call(values: Mapping[str, Any], right: str, transposed: bool) -> str:
    trans = ", trans=1" if transposed else ""
    options = _options(values, lower=False, unit_diagonal=False)
    return f"scipy.linalg.solve_triangular(a, {right}{trans}{options})"


def _triangle(values: Mapping[str, Any], of: str) -> str:
    """The part of a matrix that is read."""
    lower, unit = values["lower"], values["unit_diagonal"]
    if isinstance(lower, bool) and isinstance(unit, bool):
        offset = ("" if not unit else ", -1") if lower else ("" if not unit else ", 1")
        return f"np.{'tril' if lower else 'triu'}({of}{offset})"
    return f"triangle({of}, lower, unit_diagonal)"


def _triangular_b(values: Mapping[str, Any]) -> str | None:
    plain = _plain(values)
    return None if plain is None else _triangular_call(values, "g", plain)


def _triangular_a(values: Mapping[str, Any]) -> str | None:
    plain, b_bar = _plain(values), _triangular_b(values)
    if b_bar is None:
        return None
    product = _outer(b_bar, "y", values["b"]) if plain else _outer("y", b_bar, values["b"])
    return f"-{_triangle(values, product)}"


def _triangular_tangent_a(values: Mapping[str, Any]) -> str | None:
    plain = _plain(values)
    if plain is None:
        return None
    moved = _triangle(values, "a_dot")
    return f"-{_triangular_call(values, f'{moved} @ y' if plain else f'{moved}.T @ y', not plain)}"


def _triangular_tangent_b(values: Mapping[str, Any]) -> str | None:
    plain = _plain(values)
    return None if plain is None else _triangular_call(values, "b_dot", not plain)


rule(
    f"{_L}.solve_triangular",
    _TRIANGULAR,
    kind=_like("b", "a"),
    constant=("trans", "lower", "unit_diagonal", "overwrite_b", "check_finite"),
    a=_of_one(_UNWRITTEN, _triangular_a),
    b=_of_one(_UNWRITTEN, _triangular_b),
    tangent={
        "a": _of_one(_UNWRITTEN, _triangular_tangent_a),
        "b": _of_one(_UNWRITTEN, _triangular_tangent_b),
    },
    doc="With respect to the triangle that is read. Of one matrix.",
)
_SOLVE = "a, b, lower=False, overwrite_a=False, overwrite_b=False, check_finite=True, assume_a=None, transposed=False"
_GENERAL = (
    "overwrite_a == False and overwrite_b == False and transposed == False and (assume_a is None or assume_a == 'gen')"
)
rule(
    f"{_L}.solve",
    _SOLVE,
    kind=_like("b", "a"),
    constant=("lower", "overwrite_a", "overwrite_b", "check_finite"),
    a=_of_one(_GENERAL, lambda v: f"-{_outer('scipy.linalg.solve(a.T, g)', 'y', v['b'])}"),
    b=_of_one(_GENERAL, "scipy.linalg.solve(a.T, g)"),
    tangent={
        "a": _of_one(_GENERAL, "-scipy.linalg.solve(a, a_dot @ y)"),
        "b": _of_one(_GENERAL, "scipy.linalg.solve(a, b_dot)"),
    },
    doc="Of one matrix, general.",
)
rule(
    f"{_L}.inv",
    "a, overwrite_a=False, check_finite=True",
    kind=_like("a"),
    a=[
        Case("overwrite_a == False and a.rank == 2", "-y.T @ g @ y.T"),
        Case("overwrite_a == False", "-y.mT @ g @ y.mT"),
    ],
    tangent={"a": [Case("overwrite_a == False", "-y @ a_dot @ y")]},
)
rule(
    f"{_L}.det",
    "a, overwrite_a=False, check_finite=True",
    kind=_det_kind,
    a=[
        Case("overwrite_a == False and a.rank == 2", "g * y * np.linalg.inv(a).T"),
        Case("overwrite_a == False", "(g * y)[..., None, None] * np.linalg.inv(a).mT"),
    ],
    tangent={
        "a": [
            Case("overwrite_a == False and a.rank == 2", "y * np.trace(np.linalg.solve(a, a_dot))"),
            Case("overwrite_a == False", "y * np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1)"),
        ]
    },
    doc="Of matrices that are not singular.",
)
_UNWRITTEN_BANDS = "overwrite_ab == False and overwrite_b == False"
rule(
    f"{_L}.solve_banded",
    "l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True",
    kind=_like("b", "ab"),
    constant=("l_and_u",),
    ab=_of_one(_UNWRITTEN_BANDS, "-bands_of_product(solve_banded_back(g, l_and_u, ab), y, l_and_u)", "ab"),
    b=_of_one(_UNWRITTEN_BANDS, "solve_banded_back(g, l_and_u, ab)", "ab"),
    tangent={
        "ab": _of_one(
            _UNWRITTEN_BANDS, "-scipy.linalg.solve_banded(l_and_u, ab, banded_product(ab_dot, y, l_and_u))", "ab"
        ),
        "b": _of_one(_UNWRITTEN_BANDS, "scipy.linalg.solve_banded(l_and_u, ab, b_dot)", "ab"),
    },
)
rule(
    f"{_L}.solve_sylvester",
    "a, b, q",
    kind=_like("q", "a", "b"),
    a=_of_one("", "-scipy.linalg.solve_sylvester(a.T, b.T, g) @ y.T"),
    b=_of_one("", "-y.T @ scipy.linalg.solve_sylvester(a.T, b.T, g)"),
    q=_of_one("", "scipy.linalg.solve_sylvester(a.T, b.T, g)"),
    tangent={
        "a": _of_one("", "-scipy.linalg.solve_sylvester(a, b, a_dot @ y)"),
        "b": _of_one("", "-scipy.linalg.solve_sylvester(a, b, y @ b_dot)"),
        "q": _of_one("", "scipy.linalg.solve_sylvester(a, b, q_dot)"),
    },
)
_LYAPUNOV = f"{_L}.solve_continuous_lyapunov"
rule(
    _LYAPUNOV,
    "a, q",
    kind=_like("q", "a"),
    a=_of_one("", f"-{_LYAPUNOV}(a.T, g) @ y.T - {_LYAPUNOV}(a.T, g).T @ y"),
    q=_of_one("", f"{_LYAPUNOV}(a.T, g)"),
    tangent={"a": _of_one("", f"-{_LYAPUNOV}(a, a_dot @ y + y @ a_dot.T)"), "q": _of_one("", f"{_LYAPUNOV}(a, q_dot)")},
)
_DISCRETE = f"{_L}.solve_discrete_lyapunov"
rule(
    _DISCRETE,
    "a, q",
    kind=_like("q", "a"),
    a=_of_one("", f"{_DISCRETE}(a.T, g) @ a @ y.T + {_DISCRETE}(a.T, g).T @ a @ y"),
    q=_of_one("", f"{_DISCRETE}(a.T, g)"),
    tangent={
        "a": _of_one("", f"{_DISCRETE}(a, a_dot @ y @ a.T + a @ y @ a_dot.T)"),
        "q": _of_one("", f"{_DISCRETE}(a, q_dot)"),
    },
)

# Factorisations
_FACTORED = "overwrite_a == False"
rule(
    f"{_L}.cholesky",
    "a, lower=False, overwrite_a=False, check_finite=True",
    kind=_like("a"),
    a=[
        Case(f"{_FACTORED} and lower == True", "cholesky_adjoint(g, y)"),
        Case(f"{_FACTORED} and lower == False", "cholesky_adjoint(g, y, True)"),
    ],
    tangent={
        "a": [
            Case(f"{_FACTORED} and lower == True", "cholesky_tangent(a_dot, y)"),
            Case(f"{_FACTORED} and lower == False", "cholesky_tangent(a_dot, y, True)"),
        ]
    },
    doc="With respect to the triangle that is read.",
)


def _cho_factor_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return Kind("tuple", items=(_like("a")(literals=literals, a=a), BOOL))


rule(
    f"{_L}.cho_factor",
    "a, lower=False, overwrite_a=False, check_finite=True",
    kind=_cho_factor_kind,
    results=2,
    a=[
        Case(f"{_FACTORED} and lower == True", "cholesky_adjoint(np.tril(g0), np.tril(y0))"),
        Case(f"{_FACTORED} and lower == False", "cholesky_adjoint(np.triu(g0), np.triu(y0), True)"),
    ],
    tangent={
        "a": [
            Case(f"{_FACTORED} and lower == True", "(cholesky_tangent(a_dot, np.tril(y0)), 0.0)"),
            Case(f"{_FACTORED} and lower == False", "(cholesky_tangent(a_dot, np.triu(y0), True), 0.0)"),
        ]
    },
    doc="With respect to the triangle that is read; the other one of the result is no number of interest.",
)


def _first(text: str) -> Any:
    """A formula of the first item of a pair; the second are integers or a bool."""
    return lambda values: text if values.get("k") == 0 else None


def _of_right_side(pair: str) -> Any:
    """The kind function of a solution: in the shape of the right side, where the factors are those of one matrix."""

    def kind(*, literals: Literals, b: Kind, **bound: Any) -> Kind:
        factors: Kind = bound[pair]
        single = factors.items is not None and len(factors.items) == 2 and factors.items[0].rank == 2
        return Kind("array", None, b.shape) if single and b.is_array and b.rank else Kind("unknown")

    return kind


def _of_factors(name: str, pair: str, further: str, adjoint: str, tangent: str, b: str, b_tangent: str) -> None:
    """Register the solution of a system by its factors, the first of a pair."""
    register(
        Rule(
            f"{_L}.{name}",
            parse_signature(f"{pair}, b, {further}overwrite_b=False, check_finite=True"),
            adjoint={
                pair: (Case(_UNWRITTEN, _first(adjoint)),),
                "b": (Case(_UNWRITTEN, b),),
            },
            tangent={
                pair: (Case(_UNWRITTEN, _first(tangent)),),
                "b": (Case(_UNWRITTEN, b_tangent),),
            },
            kind=_of_right_side(pair),
            constant=("trans",),
            sequence=pair,
        )
    )


_CHO = "scipy.linalg.cho_solve(c_and_lower, {0})"
_of_factors(
    "cho_solve",
    "c_and_lower",
    "",
    f"cho_solve_adjoint({_CHO.format('g')}, y, c_and_lower)",
    f"-{_CHO.format('cho_product(item_dot, c_and_lower, y)')}",
    _CHO.format("g"),
    _CHO.format("b_dot"),
)
_LU = "lu_and_piv, {0}, {1}"
_of_factors(
    "lu_solve",
    "lu_and_piv",
    "trans=0, ",
    "lu_solve_adjoint(scipy.linalg.lu_solve(lu_and_piv, g, 1 - trans), y, lu_and_piv, trans)",
    "-scipy.linalg.lu_solve(lu_and_piv, lu_product(item_dot, lu_and_piv, y, trans), trans)",
    "scipy.linalg.lu_solve(lu_and_piv, g, 1 - trans)",
    "scipy.linalg.lu_solve(lu_and_piv, b_dot, trans)",
)


def _lu_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    one = _like("a")(literals=literals, a=a)
    square = Kind(one.sort, one.dtype, (SOME, SOME) if a.rank == 2 else None)
    plain = literals.get("permute_l") is False and literals.get("p_indices") is False
    return Kind("tuple", items=(square, square, square)) if plain else Kind("unknown")


def _lu_factor_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return Kind("tuple", items=(_like("a")(literals=literals, a=a), Kind("array", "int32", (SOME,))))


_WHOLE_LU = f"{_FACTORED} and permute_l == False and p_indices == False"
rule(
    f"{_L}.lu",
    "a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False",
    kind=_lu_kind,
    results=3,
    a=[Case(_WHOLE_LU, "lu_adjoint(g1, g2, y0, y1, y2)")],
    tangent={"a": [Case(_WHOLE_LU, "lu_tangent(a_dot, y0, y1, y2)")]},
    doc="Of a square matrix that is not singular, by the permutation used (de Hoog, Anderssen, Lukas, 2011).",
)
rule(
    f"{_L}.lu_factor",
    "a, overwrite_a=False, check_finite=True",
    kind=_lu_factor_kind,
    results=2,
    a=[Case(_FACTORED, "lu_factor_adjoint(g0, y0, y1)")],
    tangent={"a": [Case(_FACTORED, "(lu_factor_tangent(a_dot, y0, y1), 0.0)")]},
    doc="Of a square matrix that is not singular, by the permutation used.",
)

_PLAIN_EIGH = (
    "b is None and overwrite_a == False and overwrite_b == False and type == 1 and subset_by_index is None"
    " and subset_by_value is None"
)


def _eigh_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    if literals.get("eigvals_only") is not False:
        return Kind("unknown")
    whole = literals.get("subset_by_index", ...) is None and literals.get("subset_by_value", ...) is None
    if not whole or a.rank != 2 or not isinstance(a.shape, tuple):
        return Kind("tuple", items=(Kind("unknown"), Kind("unknown")))
    dtype = _computed(a)
    return Kind("tuple", items=(Kind("array", dtype, a.shape[:1]), Kind("array", dtype, a.shape)))


def _eigvalsh_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    return Kind("array", _computed(a), (SOME,)) if a.rank == 2 and a.is_array else Kind("unknown")


def _pinv_kind(*, literals: Literals, a: Kind, **_: Any) -> Kind:
    if a.rank != 2 or not a.is_array or literals.get("return_rank") is not False:
        return Kind("unknown")
    return Kind("array", _computed(a), a.shape[::-1] if isinstance(a.shape, tuple) else None)


def _norm_kind(*, literals: Literals, a: Kind, axis: Kind, **_: Any) -> Kind:
    shape = reduced_shape(a, literals.get("axis", ...), axis, literals.get("keepdims", ...))
    if not a.is_array or not isinstance(shape, tuple):
        return Kind("unknown")
    return Kind("array" if shape else "unknown", _computed(a), shape)  # a number of Python or of NumPy


def _by_triangle(text: str, when: str) -> list[Case]:
    return [
        Case(f"{when} and lower == True", text),
        Case(f"{when} and lower == False", f"{text[:-1]}, 'U')"),
    ]


_EIGH = (
    "a, b=None, *, lower=True{0}, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,"
    " subset_by_index=None, subset_by_value=None, driver=None"
)
_TRIANGLE = "With respect to the triangle that is read."
rule(
    f"{_L}.eigh",
    _EIGH.format(", eigvals_only=False"),
    kind=_eigh_kind,
    results=2,
    a=_by_triangle("eigh_adjoint(g0, g1, y0, y1)", f"{_PLAIN_EIGH} and eigvals_only == False"),
    tangent={"a": _by_triangle("eigh_tangent(a_dot, y0, y1)", f"{_PLAIN_EIGH} and eigvals_only == False")},
    doc=f"{_TRIANGLE} Eigenvectors of equal eigenvalues have none: NaN.",
)
rule(
    f"{_L}.eigvalsh",
    _EIGH.format(""),
    kind=_eigvalsh_kind,
    a=_by_triangle("eigvalsh_adjoint(g, a)", _PLAIN_EIGH),
    tangent={"a": _by_triangle("eigvalsh_tangent(a_dot, a)", _PLAIN_EIGH)},
    doc=_TRIANGLE,
)
_PLAIN_PINV = "atol is None and rtol is None and return_rank == False"
rule(
    f"{_L}.pinv",
    "a, *, atol=None, rtol=None, return_rank=False, check_finite=True",
    kind=_pinv_kind,
    a=_of_one(_PLAIN_PINV, "pinv_adjoint(g, a, y)"),
    tangent={"a": _of_one(_PLAIN_PINV, "pinv_adjoint(a_dot, a.T, y.T)")},
    doc="Where the rank does not change.",
)
_LENGTH = "ord is None and axis is None"
rule(
    f"{_L}.norm",
    "a, ord=None, axis=None, keepdims=False, check_finite=True",
    kind=_norm_kind,
    a=[
        Case(_LENGTH, "g / (y if y else 1.0) * a"),
        Case("", "norm_adjoint(g, a, ord, axis, keepdims)"),
    ],
    tangent={
        "a": [
            Case(f"{_LENGTH} and keepdims == False", "np.sum(a * a_dot) / (y if y else 1.0)"),
            Case("", "norm_tangent(a_dot, a, ord, axis, keepdims)"),
        ]
    },
    doc="Zero where the norm is zero; ties are split evenly.",
)

# Functions of matrices: Higham, Functions of Matrices, 2008, 3.16 and 10.6
_EXPM = "scipy.linalg.expm_frechet({0}, {1}, compute_expm=False)"
rule(
    f"{_L}.expm",
    "A",
    kind=_rank_of("A"),
    A=[Case("A.rank == 2", _EXPM.format("A.T", "g")), Case("", "expm_derivative(A.mT, g)")],
    tangent={"A": [Case("A.rank == 2", _EXPM.format("A", "A_dot")), Case("", "expm_derivative(A, A_dot)")]},
)
rule(
    f"{_L}.expm_frechet",
    "A, E, method=None, compute_expm=True, check_finite=True",
    A=[Case("compute_expm == False", "expm_frechet_adjoint(g, A, E)")],
    E=[Case("compute_expm == False", _EXPM.format("A.T", "g"))],
    tangent={
        "A": [Case("compute_expm == False", "expm_second_derivative(A, E, A_dot)")],
        "E": [Case("compute_expm == False", _EXPM.format("A", "E_dot"))],
    },
)
for _name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm"):
    _along = f"scipy.linalg.{_name}(with_direction({{0}}, {{1}}))[:A.shape[0], A.shape[0]:]"
    rule(
        f"{_L}.{_name}",
        "A",
        kind=_rank_of("A"),
        A=_of_one("", _along.format("A.T", "g"), "A"),
        tangent={"A": _of_one("", _along.format("A", "A_dot"), "A")},
    )
_REAL = "Of matrices whose result is real: an error is raised for others."
rule(
    f"{_L}.sqrtm",
    "A",
    kind=_rank_of("A"),
    A="sqrtm_derivative(y.T, g)",
    tangent={"A": "sqrtm_derivative(y, A_dot)"},
    doc=_REAL,
)
rule(
    f"{_L}.logm",
    "A",
    kind=_rank_of("A"),
    A="logm_derivative(A.T, g)",
    tangent={"A": "logm_derivative(A, A_dot)"},
    doc=_REAL,
)


# Structured matrices
def _block_kind(*, literals: Literals, arrs: tuple[Kind, ...]) -> Kind:
    if any(not k.is_array or k.rank is None or k.rank > 2 for k in arrs):
        return Kind("unknown")
    return Kind("array", promote([array_dtype(k) for k in arrs]), (SOME, SOME))


rule(
    f"{_L}.block_diag",
    "*arrs",
    kind=_block_kind,
    arrs="block_of(g, arrs, k)",
    tangent={"arrs": "block_back(item_dot, y, arrs, k)"},
)
linear(f"{_HERE}.block_of", "x, arrs, k", constant=("arrs",), x="block_back(g, x, arrs, k)")
linear(f"{_HERE}.block_back", "x, block, arrs, k", constant=("block", "arrs"), x="block_of(g, arrs, k)")
rule(
    f"{_L}.toeplitz",
    "c, r=None",
    kind=lambda *, literals, c, r: Kind("array", promote([array_dtype(k) for k in (c, r) if k.sort != "none"]), None),
    c=[
        Case("r is None", "lower_sums(g) + upper_sums(g)"),
        Case("", "lower_sums(g)"),
    ],
    r="upper_sums(g)",
    tangent={
        "c": [
            Case("r is None", "scipy.linalg.toeplitz(c_dot)"),
            Case("", "scipy.linalg.toeplitz(c_dot, np.zeros_like(r))"),
        ],
        "r": "scipy.linalg.toeplitz(np.zeros_like(c), r_dot)",
    },
    doc="Of vectors.",
)
linear(
    f"{_L}.circulant",
    "c",
    kind=lambda *, literals, c: Kind("array", array_dtype(c), (SOME, SOME)) if c.rank == 1 else Kind("unknown"),
    c="lower_sums(g) + np.roll(np.flip(upper_sums(g)), 1)",
    doc="Of a vector.",
)
linear(f"{_HERE}.lower_sums", "x", x="scipy.linalg.toeplitz(g, np.zeros(np.shape(x)[1]))")
linear(f"{_HERE}.upper_sums", "x", x="scipy.linalg.toeplitz(np.zeros(np.shape(x)[0]), g)")
