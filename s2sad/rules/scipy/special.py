"""Rules for the elementwise functions of `scipy.special`: gamma and error functions, information, integrals.

Derivatives are written with functions that have rules themselves, so that every order follows, and with those among
several formulas that hold at removable singular points (hypergeometric functions, Carlson's integrals). Formulas are
those of the NIST Digital Library of Mathematical Functions (DLMF), by chapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from s2sad.rules.registry import Case, Formula, alias, elementwise, nondifferentiable, refuse_parameters, rule
from s2sad.rules.results import KindFunction
from s2sad.rules.scipy.kinds import broadcast_only, special_kind, special_kinds

ORDER = "there is no closed formula for the derivative with respect to an order"
PARAMETER = "there is no closed formula for the derivative with respect to this parameter"


def special(
    name: str,
    signature: str = "x",
    *,
    kind: KindFunction = special_kind,
    refused: Mapping[str, str] | None = None,
    constant: Sequence[str] = (),
    doc: str = "",
    **partials: Formula,
) -> None:
    """Register an elementwise function of `scipy.special` by its partial derivatives.

    refused: the parameters that have none, with the reason.
    """
    elementwise(f"scipy.special.{name}", signature, kind=kind, constant=constant, doc=doc, **partials)
    refuse_parameters(f"scipy.special.{name}", refused or {})


# Gamma functions (DLMF 5)
special("gamma", x="y * special.digamma(x)")
special("gammaln", x="special.digamma(x)")
special("loggamma", x="special.digamma(x)", doc="Of real numbers; NaN for negative ones.")
special("rgamma", x="-y * special.digamma(x)", doc="NaN at the poles of the gamma function.")
special("psi", x="special.zeta(2, x)")
alias("scipy.special.digamma", "scipy.special.psi")
special(
    "polygamma",
    "n, x",
    kind=broadcast_only,
    refused={"n": ORDER},
    x="special.polygamma(n + 1, x)",
)
special(
    "zeta",
    "x, q=None",
    kind=lambda *, literals, x, q=None: special_kind(literals=literals, x=x, **({} if q is None else {"q": q})),
    refused={"x": ORDER},
    doc="By the second argument, of Hurwitz's function (DLMF 25.11.17).",
    q="-x * special.zeta(x + 1, q)",
)
rule(
    "scipy.special.multigammaln",
    "a, d",
    constant=("d",),
    a="g * multidigamma(a, d)",
    tangent={"a": "a_dot * multidigamma(a, d)"},
)
special(
    "beta",
    "a, b",
    a="y * (special.digamma(a) - special.digamma(a + b))",
    b="y * (special.digamma(b) - special.digamma(a + b))",
)
special(
    "betaln",
    "a, b",
    a="special.digamma(a) - special.digamma(a + b)",
    b="special.digamma(b) - special.digamma(a + b)",
)
special(
    "binom",
    "n, k",
    n="y * (special.digamma(n + 1) - special.digamma(n - k + 1))",
    k="y * (special.digamma(n - k + 1) - special.digamma(k + 1))",
)
special(
    "poch",
    "z, m",
    z="y * (special.digamma(z + m) - special.digamma(z))",
    m="y * special.digamma(z + m)",
)
special(
    "factorial",
    "n, exact=False, extend='zero'",
    kind=broadcast_only,
    doc="Of floats.",
    n=[Case("exact == False", "y * special.digamma(n + 1)")],
)
_GAMMA_DENSITY = "np.exp(special.xlogy(a - 1, {0}) - {0} - special.gammaln(a))"
_GAMMA_INVERSE = "np.exp({0} - special.xlogy(a - 1, {0}) + special.gammaln(a))"
special("gammainc", "a, x", refused={"a": ORDER}, x=_GAMMA_DENSITY.format("x"))
special("gammaincc", "a, x", refused={"a": ORDER}, x="-" + _GAMMA_DENSITY.format("x"))
special("gammaincinv", "a, p", refused={"a": ORDER}, p=_GAMMA_INVERSE.format("y"))
special("gammainccinv", "a, p", refused={"a": ORDER}, p="-" + _GAMMA_INVERSE.format("y"))
_BETA_DENSITY = "np.exp(special.xlogy(a - 1, {0}) + special.xlog1py(b - 1, -{0}) - special.betaln(a, b))"
_BETA_INVERSE = "np.exp(special.betaln(a, b) - special.xlogy(a - 1, {0}) - special.xlog1py(b - 1, -{0}))"
_BETA_REFUSED = {"a": ORDER, "b": ORDER}
special("betainc", "a, b, x", refused=_BETA_REFUSED, x=_BETA_DENSITY.format("x"))
special("betaincc", "a, b, x", refused=_BETA_REFUSED, x="-" + _BETA_DENSITY.format("x"))
special("betaincinv", "a, b, p", refused=_BETA_REFUSED, p=_BETA_INVERSE.format("y"))
special("betainccinv", "a, b, p", refused=_BETA_REFUSED, p="-" + _BETA_INVERSE.format("y"))

# Error functions (DLMF 7)
_ROOT = "math.sqrt(math.pi)"
special("erf", x=f"2 / {_ROOT} * np.exp(-x ** 2)")
special("erfc", x=f"-2 / {_ROOT} * np.exp(-x ** 2)")
special("erfcx", x=f"2 * x * y - 2 / {_ROOT}")
special("erfi", x=f"2 / {_ROOT} * np.exp(x ** 2)")
special("dawsn", x="1 - 2 * x * y")
special("erfinv", x=f"{_ROOT} / 2 * np.exp(y ** 2)")
special("erfcinv", x=f"-{_ROOT} / 2 * np.exp(y ** 2)")
special("ndtr", x="np.exp(-x ** 2 / 2) / math.sqrt(2 * math.pi)")
special("log_ndtr", x="math.sqrt(2 / math.pi) / special.erfcx(-x / math.sqrt(2))")
special("ndtri", x="math.sqrt(2 * math.pi) * np.exp(y ** 2 / 2)")
special("ndtri_exp", x="math.sqrt(math.pi / 2) * special.erfcx(-y / math.sqrt(2))")
special(
    "owens_t",
    "h, a",
    h="-np.exp(-h ** 2 / 2) * special.erf(a * h / math.sqrt(2)) / math.sqrt(8 * math.pi)",
    a="np.exp(-h ** 2 * (1 + a ** 2) / 2) / (2 * math.pi * (1 + a ** 2))",
    doc="Owen, Tables for computing bivariate normal probabilities, 1956.",
)

# Logistic functions and information
special("expit", x="y * (1 - y)")
special("logit", x="1 / (x * (1 - x))")
special("log_expit", x="special.expit(-x)")
special("softplus", "x", kind=broadcast_only, x="special.expit(x)")
special("entr", x="-np.log(x) - 1")
special("rel_entr", "a, b", a="np.log(a / b) + 1", b="-a / b")
special("kl_div", "a, b", a="np.log(a / b)", b="1 - a / b")
_AT_ZERO = "Where the first argument and that of the logarithm are zero, the derivative by the second is zero."
special("xlogy", "a, b", doc=_AT_ZERO, a="np.log(b)", b="a / np.where((a == 0) & (b == 0), 1, b)")
special("xlog1py", "a, b", doc=_AT_ZERO, a="np.log1p(b)", b="a / np.where((a == 0) & (b == -1), 1, 1 + b)")
special("huber", "delta, r", delta="np.maximum(np.abs(r) - delta, 0)", r="np.clip(r, -delta, delta)")
special(
    "pseudo_huber",
    "delta, r",
    delta="2 * y / delta - r ** 2 / np.hypot(delta, r)",
    r="r / np.sqrt(1 + (r / delta) ** 2)",
)

# Powers, exponentials and angles
special("cbrt", x="1 / (3 * y ** 2)")
special("exp2", x="y * math.log(2)")
special("exp10", x="y * math.log(10)")
special("expm1", x="np.exp(x)")
special("exprel", x="special.hyp1f1(2, 3, x) / 2")
special("log1p", x="1 / (1 + x)")
special("powm1", "a, p", a="p * a ** (p - 1)", p="np.log(a) * (y + 1)")
special("cosm1", x="-np.sin(x)")
special("sindg", x="np.deg2rad(special.cosdg(x))")
special("cosdg", x="-np.deg2rad(special.sindg(x))")
special("tandg", x="np.deg2rad(1 + y ** 2)")
special("cotdg", x="-np.deg2rad(1 + y ** 2)")
special("radian", "d, m, s", d="math.pi / 180", m="math.pi / 10800", s="math.pi / 648000")
_BY_POWER = "np.{0}({1}) ** 2 * special.hyp1f1(2, 3, p * np.{0}({1})) / 2"
special("boxcox", "x, p", x="x ** (p - 1)", p=_BY_POWER.format("log", "x"))
special("boxcox1p", "x, p", x="(1 + x) ** (p - 1)", p=_BY_POWER.format("log1p", "x"))
special("inv_boxcox", "x, p", x="y ** (1 - p)", p=f"-{_BY_POWER.format('log', 'y')} * y ** (1 - p)")
special("inv_boxcox1p", "x, p", x="(1 + y) ** (1 - p)", p=f"-{_BY_POWER.format('log1p', 'y')} * (1 + y) ** (1 - p)")
special("wrightomega", x="y / (1 + y)", doc="Of real numbers.")

# Integrals of elementary functions (DLMF 6, 7, 8, 25.12)
special("exp1", x="-np.exp(-x) / x")
special("expi", x="np.exp(x) / x")
special("expn", "n, x", refused={"n": ORDER}, x="-special.expn(n - 1, x)", doc="For n of 1 or more; NaN for 0.")
special("spence", x="-special.hyp2f1(1, 1, 2, 1 - x)")


def several(name: str, *derivatives: str) -> None:
    """Register a function of one argument with several results by the derivative of each."""
    terms = [f"g{k} * {text}" for k, text in enumerate(derivatives)]
    dots = [f"x_dot * {text}" for text in derivatives]
    rule(
        f"scipy.special.{name}",
        "x",
        results=len(derivatives),
        kind=special_kinds(len(derivatives)),
        cheap=True,
        x=" + ".join(terms),
        tangent={"x": f"({', '.join(dots)})"},
    )


several("fresnel", "np.sin(math.pi / 2 * x ** 2)", "np.cos(math.pi / 2 * x ** 2)")
several("sici", "np.sinc(x / math.pi)", "np.cos(x) / x")
several("shichi", "special.spherical_in(0, x)", "np.cosh(x) / x")

# Hypergeometric functions (DLMF 13, 15)
special("hyp0f1", "v, z", refused={"v": PARAMETER}, z="special.hyp0f1(v + 1, z) / v")
special("hyp1f1", "a, b, z", refused=dict.fromkeys("ab", PARAMETER), z="a / b * special.hyp1f1(a + 1, b + 1, z)")
special(
    "hyp2f1",
    "a, b, c, z",
    refused=dict.fromkeys("abc", PARAMETER),
    z="a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)",
)
special("hyperu", "a, b, x", refused=dict.fromkeys("ab", PARAMETER), x="-a * special.hyperu(a + 1, b + 1, x)")
_WRIGHT = dict.fromkeys("ab", PARAMETER)
special("wright_bessel", "a, b, x", refused=_WRIGHT, x="special.wright_bessel(a, a + b, x)")
special("log_wright_bessel", "a, b, x", refused=_WRIGHT, x="np.exp(special.log_wright_bessel(a, a + b, x) - y)")

# Elliptic integrals (DLMF 19)
special("ellipk", "m", m="math.pi / 8 * special.hyp2f1(1.5, 1.5, 2, m)")
special("ellipe", "m", m="-math.pi / 8 * special.hyp2f1(0.5, 1.5, 2, m)")
special("ellipkm1", "p", p="-special.elliprd(0, 1, p) / 6")
special(
    "ellipkinc",
    "phi, m",
    phi="1 / np.sqrt(1 - m * np.sin(phi) ** 2)",
    m="ellipkinc_by_m(phi, m)",
)
special(
    "ellipeinc",
    "phi, m",
    phi="np.sqrt(1 - m * np.sin(phi) ** 2)",
    m="ellipeinc_by_m(phi, m)",
)
special("elliprc", "a, b", a="-special.elliprd(b, b, a) / 6", b="-special.elliprd(a, b, b) / 3")
special(
    "elliprf",
    "a, b, c",
    a="-special.elliprd(b, c, a) / 6",
    b="-special.elliprd(a, c, b) / 6",
    c="-special.elliprd(a, b, c) / 6",
)
special(
    "elliprg",
    "a, b, c",
    a="(special.elliprf(a, b, c) - a / 3 * special.elliprd(b, c, a)) / 4",
    b="(special.elliprf(a, b, c) - b / 3 * special.elliprd(a, c, b)) / 4",
    c="(special.elliprf(a, b, c) - c / 3 * special.elliprd(a, b, c)) / 4",
)
special(
    "agm",
    "a, b",
    a="2 / (3 * math.pi) * a * y ** 2 * special.elliprd(0, b ** 2, a ** 2)",
    b="2 / (3 * math.pi) * b * y ** 2 * special.elliprd(0, a ** 2, b ** 2)",
    doc="Of positive numbers.",
)
# The amplitude y3 solves u = F(y3, m), so that its derivative by m is -F_m dn.
_AMPLITUDE = "ellipkinc_by_m(y3, m) * y2"
rule(
    "scipy.special.ellipj",
    "u, m",
    results=4,
    kind=special_kinds(4),
    u="unbroadcast((g0 * y1 - g1 * y0) * y2 - g2 * m * y0 * y1 + g3 * y2, u)",
    m=(
        f"unbroadcast((g1 * y0 - g0 * y1) * {_AMPLITUDE} - g3 * {_AMPLITUDE}"
        f" + g2 * (2 * m * y0 * y1 * {_AMPLITUDE} - y0 ** 2) / (2 * y2), m)"
    ),
    tangent={
        "u": "(u_dot * y1 * y2, -u_dot * y0 * y2, -u_dot * m * y0 * y1, u_dot * y2)",
        "m": (
            f"(-m_dot * y1 * {_AMPLITUDE}, m_dot * y0 * {_AMPLITUDE},"
            f" m_dot * (2 * m * y0 * y1 * {_AMPLITUDE} - y0 ** 2) / (2 * y2), -m_dot * {_AMPLITUDE})"
        ),
    },
)


# Orthogonal polynomials by their argument (DLMF 18.9)
def _polynomial(name: str, parameters: str, derivative: str) -> None:
    refused = dict.fromkeys(["n", *filter(None, parameters.split(", "))], PARAMETER)
    special(f"eval_{name}", ", ".join(["n", *filter(None, parameters.split(", ")), "x"]), refused=refused, x=derivative)


_polynomial("jacobi", "a, b", "(n + a + b + 1) / 2 * special.eval_jacobi(n - 1, a + 1, b + 1, x)")
_polynomial("legendre", "", "(n + 1) / 2 * special.eval_jacobi(n - 1, 1, 1, x)")
_polynomial("chebyt", "", "n * special.eval_chebyu(n - 1, x)")
_polynomial("chebyu", "", "2 * special.eval_gegenbauer(n - 1, 2, x)")
_polynomial("chebyc", "", "n * special.eval_chebyu(n - 1, x / 2)")
_polynomial("chebys", "", "special.eval_gegenbauer(n - 1, 2, x / 2)")
_polynomial("gegenbauer", "a", "2 * a * special.eval_gegenbauer(n - 1, a + 1, x)")
_polynomial("hermite", "", "2 * n * special.eval_hermite(abs(n - 1), x)")
_polynomial("hermitenorm", "", "n * special.eval_hermitenorm(abs(n - 1), x)")
_polynomial("laguerre", "", "-special.eval_genlaguerre(n - 1, 1, x)")
_polynomial("genlaguerre", "a", "-special.eval_genlaguerre(n - 1, a + 1, x)")
_polynomial("sh_legendre", "", "(n + 1) * special.eval_jacobi(n - 1, 1, 1, 2 * x - 1)")
_polynomial("sh_chebyt", "", "2 * n * special.eval_chebyu(n - 1, 2 * x - 1)")
_polynomial("sh_chebyu", "", "4 * special.eval_gegenbauer(n - 1, 2, 2 * x - 1)")
_polynomial("sh_jacobi", "p, q", "n * special.eval_sh_jacobi(abs(n - 1), p + 2, q + 1, x)")
special(
    "assoc_laguerre",
    "x, n, k=0.0",
    kind=broadcast_only,
    refused=dict.fromkeys("nk", PARAMETER),
    x="-special.eval_genlaguerre(n - 1, k + 1, x)",
)
special(
    "lpmv",
    "m, v, x",
    refused=dict.fromkeys("mv", ORDER),
    x="(v * x * y - (v + m) * special.lpmv(m, v - 1, x)) / (x ** 2 - 1)",
    doc="NaN at -1 and 1.",
)

# Steps and signs, and a function of NumPy
alias("scipy.special.sinc", "numpy.sinc")
for _name in ("round", "gammasgn"):
    nondifferentiable(f"scipy.special.{_name}", signature="x", kind=special_kind, cheap=True)
