"""Rules for the distribution functions of `scipy.special`, and for sums and shares of exponentials."""

from __future__ import annotations

from typing import Any

from s2sad.ir.kinds import Kind
from s2sad.rules.registry import Case, rule
from s2sad.rules.results import Literals, array_dtype, broadcast_all, inexact_dtype, promoted_dtype, reduced_shape
from s2sad.rules.scipy.kinds import special_kind
from s2sad.rules.scipy.special import PARAMETER, special

#: Densities as texts of the argument {0}.
_GAMMA = "np.exp(special.xlogy({shape} - 1, {0}) - {0} - special.gammaln({shape}))"


def pair(name: str, complement: str, signature: str, argument: str, derivative: str) -> None:
    """Register a distribution function and its complement by the derivative of the first."""
    refused = {p: PARAMETER for p in signature.split(", ") if p != argument}
    special(name, signature, kind=special_kind, refused=refused, **{argument: derivative})
    opposite = f"-{derivative}".removeprefix("--")
    special(complement, signature, kind=special_kind, refused=refused, **{argument: opposite})


pair(
    "bdtr", "bdtrc", "k, n, p", "p",
    "(np.floor(k) - n) * special.binom(n, np.floor(k)) * p ** np.floor(k) * (1 - p) ** (n - np.floor(k) - 1)",
)  # fmt: skip
pair(
    "nbdtr", "nbdtrc", "k, n, p", "p",
    "p ** (n - 1) * (1 - p) ** np.floor(k) / special.beta(n, np.floor(k) + 1)",
)  # fmt: skip
pair("pdtr", "pdtrc", "k, m", "m", "-np.exp(special.xlogy(np.floor(k), m) - m - special.gammaln(np.floor(k) + 1))")
pair("chdtr", "chdtrc", "v, x", "x", _GAMMA.format("x / 2", shape="v / 2") + " / 2")
_STUDENT = "np.exp(-(df + 1) / 2 * np.log1p({0} ** 2 / df) - special.betaln(df / 2, 0.5)) / np.sqrt(df)"
special("stdtr", "df, t", refused={"df": PARAMETER}, t=_STUDENT.format("t"))
special("stdtrit", "df, p", refused={"df": PARAMETER}, p=f"1 / ({_STUDENT.format('y')})")
_FISHER = (
    "np.exp(special.xlogy(dfn / 2, dfn * {0}) + special.xlogy(dfd / 2, dfd)"
    " - (dfn + dfd) / 2 * np.log(dfd + dfn * {0}) - special.betaln(dfn / 2, dfd / 2)) / {0}"
)
pair("fdtr", "fdtrc", "dfn, dfd, x", "x", _FISHER.format("x"))
special("fdtri", "dfn, dfd, p", refused=dict.fromkeys(["dfn", "dfd"], PARAMETER), p=f"1 / ({_FISHER.format('y')})")
special(
    "chdtri",
    "v, p",
    refused={"v": PARAMETER},
    p="-2 / " + _GAMMA.format("y / 2", shape="v / 2"),
)
_SCALED = _GAMMA.format("a * x", shape="b")
for _name, _sign in (("gdtr", ""), ("gdtrc", "-")):
    special(_name, "a, b, x", refused={"b": PARAMETER}, a=f"{_sign}x * {_SCALED}", x=f"{_sign}a * {_SCALED}")
_AT_RESULT = _GAMMA.format("a * y", shape="b")
special("gdtrix", "a, b, p", refused={"b": PARAMETER}, a="-y / a", p=f"1 / (a * {_AT_RESULT})")
_AT_RESULT = _GAMMA.format("y * x", shape="b")
special("gdtria", "p, b, x", refused={"b": PARAMETER}, p=f"1 / (x * {_AT_RESULT})", x="-y / x")
special(
    "tklmbda",
    "x, lmbda",
    refused={"lmbda": PARAMETER},
    x="np.where((y > 0) & (y < 1), 1 / (y ** (lmbda - 1) + (1 - y) ** (lmbda - 1)), 0)",
)
_INVERSE = "math.sqrt(2 * math.pi) * np.exp(special.ndtri(p) ** 2 / 2)"
special("nrdtrimn", "p, std, x", p=f"-std * {_INVERSE}", std="-special.ndtri(p)", x="1")
special("nrdtrisd", "mn, p, x", mn="-y / (x - mn)", p=f"-y / special.ndtri(p) * {_INVERSE}", x="y / (x - mn)")


# Sums and shares of exponentials
def _logsumexp_kind(*, literals: Literals, a: Kind, axis: Kind, b: Kind, **_: Any) -> Kind:
    if literals.get("return_sign", ...) is not False:
        return Kind("unknown")
    kinds = [a] if b.sort == "none" else [a, b]
    terms = Kind("array", None, broadcast_all(kinds))
    shape = reduced_shape(terms, literals.get("axis", ...), axis, literals.get("keepdims", ...))
    dtype = promoted_dtype(kinds) if len(kinds) > 1 else array_dtype(a)
    dtype = inexact_dtype(dtype) if dtype in ("float32", "float64", "int64") else None
    known = isinstance(shape, tuple) and all(k.is_array or k.is_number for k in kinds)
    return Kind(("array" if shape else "scalar") if known else "unknown", dtype, shape)


def _same_kind(*, literals: Literals, x: Kind, **_: Any) -> Kind:
    dtype = array_dtype(x)
    dtype = inexact_dtype(dtype) if dtype in ("float32", "float64", "int64") else None
    known = (x.is_array or x.is_number) and isinstance(x.shape, tuple)
    return Kind(("array" if x.shape else "unknown") if known else "unknown", dtype if x.shape else None, x.shape)


_PLAIN = "b is None and return_sign == False"
_WEIGHTED = "return_sign == False"
_WHOLE = "axis is None and keepdims == False"
_SHARES = "np.exp(a - spread(y, a, axis, keepdims))"
_TERMS = "spread(g, a + b, axis, keepdims) * {0}np.exp(a - spread(y, a + b, axis, keepdims))"
rule(
    "scipy.special.logsumexp",
    "a, axis=None, b=None, keepdims=False, return_sign=False",
    kind=_logsumexp_kind,
    a=[
        Case(f"{_PLAIN} and {_WHOLE}", "g * np.exp(a - y)"),
        Case(_PLAIN, f"spread(g, a, axis, keepdims) * {_SHARES}"),
        Case(f"{_WEIGHTED} and {_WHOLE}", "unbroadcast(g * b * np.exp(a - y), a)"),
        Case(_WEIGHTED, f"unbroadcast({_TERMS.format('b * ')}, a)"),
    ],
    b=[
        Case(f"{_WEIGHTED} and {_WHOLE}", "unbroadcast(rebroadcast(g * np.exp(a - y), a + b), b)"),
        Case(_WEIGHTED, f"unbroadcast({_TERMS.format('')}, b)"),
    ],
    tangent={
        "a": [
            Case(f"{_PLAIN} and {_WHOLE}", "np.sum(a_dot * np.exp(a - y))"),
            Case(f"{_PLAIN} and keepdims == False", f"np.sum(a_dot * {_SHARES}, axis=axis)"),
            Case(_PLAIN, f"np.sum(a_dot * {_SHARES}, axis=axis, keepdims=keepdims)"),
            Case(f"{_WEIGHTED} and {_WHOLE}", "np.sum(a_dot * b * np.exp(a - y))"),
            Case(
                _WEIGHTED,
                "np.sum(a_dot * b * np.exp(a - spread(y, a + b, axis, keepdims)), axis=axis, keepdims=keepdims)",
            ),
        ],
        "b": [
            Case(f"{_WEIGHTED} and {_WHOLE}", "np.sum(b_dot * np.exp(a - y))"),
            Case(
                _WEIGHTED,
                "np.sum(b_dot * np.exp(a - spread(y, a + b, axis, keepdims)), axis=axis, keepdims=keepdims)",
            ),
        ],
    },
    doc="Of all -inf: NaN.",
)
rule(
    "scipy.special.softmax",
    "x, axis=None",
    kind=_same_kind,
    x=[
        Case("axis is None", "y * (g - np.sum(g * y))"),
        Case("", "y * (g - np.sum(g * y, axis=axis, keepdims=True))"),
    ],
    tangent={
        "x": [
            Case("axis is None", "y * (x_dot - np.sum(x_dot * y))"),
            Case("", "y * (x_dot - np.sum(x_dot * y, axis=axis, keepdims=True))"),
        ]
    },
)
rule(
    "scipy.special.log_softmax",
    "x, axis=None",
    kind=_same_kind,
    x=[
        Case("axis is None", "g - np.exp(y) * np.sum(g)"),
        Case("", "g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)"),
    ],
    tangent={
        "x": [
            Case("axis is None", "x_dot - np.sum(x_dot * np.exp(y))"),
            Case("", "x_dot - np.sum(x_dot * np.exp(y), axis=axis, keepdims=True)"),
        ]
    },
)
