"""Rules for the distributions of `scipy.stats`: densities, distribution functions and their inverses.

A continuous distribution is said by the derivatives of the logarithm of its standard density, at z, by z and by its
shapes; location and scale follow, z = (x - loc) / scale. Formulas hold within the support.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s2sad.ir.kinds import Kind
from s2sad.rules.registry import Case, elementwise, refuse_parameters, rule
from s2sad.rules.results import Literals, broadcast_kind, numbers, of_rank

_SHAPE = "there is no closed formula for the derivative of the distribution function with respect to a shape"
_COUNT = "a count is an integer"
_INSIDE = "Within the support."


def _kind(*, literals: Literals, **bound: Any) -> Kind:
    """Distributions compute in double precision."""
    kinds = numbers(bound)
    real = all(k.is_python_number or (k.dtype or "?").startswith(("float", "int")) for k in kinds)
    wide = any(k.dtype in ("longdouble", "float128") for k in kinds)
    return broadcast_kind(kinds, "float64" if real and not wide else None)


_STANDARD = ("loc == 0 and scale == 1", "scale == 1", "loc == 0", "")


def _by_location(text: str, shapes: Sequence[str], of: str, by: str) -> list[Case]:
    """The cases of a derivative by a parameter, by what is known of location and scale; its own is not known.

    In the text, `<z>` stands for the standard argument, `<r>` for the argument less the location, `<s>` for a division
    by the scale, and `<args>` for the arguments after the first.
    """
    made = []
    for when in (w for w in _STANDARD if f"{by} ==" not in w):
        located, scaled = "loc == 0" not in when, "scale == 1" not in when
        r = f"({of} - loc)" if located else of
        z = f"({r} / scale)" if scaled else r
        given = [*shapes, *(["loc"] if located else []), *(["scale" if located else "scale=scale"] if scaled else [])]
        args = "".join(f", {a}" for a in given)
        found = text.replace("<z>", z).replace("<r>", r).replace("<s>", " / scale" if scaled else "")
        made.append(Case(when, found.replace("<args>", args)))
    return made


def continuous(
    name: str,
    slope: str,
    shapes: Mapping[str, str] | None = None,
    cdf: Mapping[str, str] | None = None,
    ppf: Mapping[str, str] | None = None,
) -> None:
    """Register a continuous distribution.

    slope: the derivative of the logarithm of the standard density, a text of `<z>` and the shapes, "0" for none.
    shapes: its derivatives by the shapes. cdf, ppf: those of the distribution function and its inverse, where closed.
    """
    shapes = shapes or {}
    own = [*shapes]

    def method(method_name: str, argument: str, texts: Mapping[str, str], of: str, closed: Sequence[str]) -> None:
        full = f"scipy.stats.{name}.{method_name}"
        signature = ", ".join([argument, *own, "loc=0", "scale=1"])
        nothing = [p for p, t in texts.items() if t == "0"]
        partials = {p: _by_location(t, own, of, p) for p, t in texts.items() if t != "0"}
        elementwise(full, signature, kind=_kind, constant=nothing, doc=_INSIDE, **partials)
        refuse_parameters(full, {p: _SHAPE for p in own if p not in closed})

    location = {
        "x": f"({slope})<s>" if slope != "0" else "0",
        "loc": f"-({slope})<s>" if slope != "0" else "0",
        "scale": f"-(1 + <z> * ({slope})) / scale" if slope != "0" else "-1 / scale",
        **shapes,
    }
    method("logpdf", "x", location, "x", own)
    method("pdf", "x", {p: t if t == "0" else f"y * ({t})" for p, t in location.items()}, "x", own)
    here, there = f"scipy.stats.{name}.pdf(x<args>)", f"scipy.stats.{name}.pdf(y<args>)"
    share = f"np.exp(scipy.stats.{name}.logpdf(x<args>) - y)"
    for method_name, text in {"cdf": here, "sf": f"-{here}", "logcdf": share, "logsf": f"-{share}"}.items():
        opposite = f"-{text}".removeprefix("--")
        by_shape = {p: f"{text} * ({t})" for p, t in (cdf or {}).items()}
        method(
            method_name, "x", {"x": text, "loc": opposite, "scale": f"{opposite} * <z>", **by_shape}, "x", [*by_shape]
        )
    for method_name, sign in {"ppf": "", "isf": "-"}.items():
        texts = {"q": f"{sign}1 / {there}", "loc": "1", "scale": "<z>", **(ppf or {})}
        method(method_name, "q", texts, "y", [*(ppf or {})])


continuous("norm", "-<z>")
continuous("expon", "-1")
continuous("laplace", "-np.sign(<z>)")
continuous("logistic", "-np.tanh(<z> / 2)")
continuous("cauchy", "-2 * <z> / (1 + <z> ** 2)")
continuous("uniform", "0")
continuous("halfnorm", "-<z>")
continuous("rayleigh", "1 / <z> - <z>")
continuous("gumbel_r", "np.exp(-<z>) - 1")
continuous("gumbel_l", "1 - np.exp(<z>)")
continuous("gamma", "(a - 1) / <z> - 1", {"a": "np.log(<z>) - special.digamma(a)"})
continuous("invgamma", "1 / <z> ** 2 - (a + 1) / <z>", {"a": "-np.log(<z>) - special.digamma(a)"})
continuous("chi2", "(df / 2 - 1) / <z> - 0.5", {"df": "(np.log(<z> / 2) - special.digamma(df / 2)) / 2"})
continuous(
    "beta",
    "(a - 1) / <z> - (b - 1) / (1 - <z>)",
    {
        "a": "np.log(<z>) - special.digamma(a) + special.digamma(a + b)",
        "b": "np.log1p(-<z>) - special.digamma(b) + special.digamma(a + b)",
    },
)
continuous(
    "t",
    "-(df + 1) * <z> / (df + <z> ** 2)",
    {
        "df": (
            "(special.digamma((df + 1) / 2) - special.digamma(df / 2) - np.log1p(<z> ** 2 / df)"
            " + (<z> ** 2 - 1) / (df + <z> ** 2)) / 2"
        )
    },
)
# The shape of these is a power of the argument: the distribution function has a derivative by it.
continuous(
    "lognorm",
    "-(1 + np.log(<z>) / s ** 2) / <z>",
    {"s": "(np.log(<z>) ** 2 / s ** 2 - 1) / s"},
    cdf={"s": "-<r> * np.log(<z>) / s"},
    ppf={"s": "<r> * np.log(<z>) / s"},
)
continuous(
    "weibull_min",
    "(c - 1) / <z> - c * <z> ** (c - 1)",
    {"c": "1 / c + np.log(<z>) * (1 - <z> ** c)"},
    cdf={"c": "<r> * np.log(<z>) / c"},
    ppf={"c": "-<r> * np.log(<z>) / c"},
)
continuous(
    "pareto",
    "-(b + 1) / <z>",
    {"b": "1 / b - np.log(<z>)"},
    cdf={"b": "<r> * np.log(<z>) / b"},
    ppf={"b": "-<r> * np.log(<z>) / b"},
)


# Discrete distributions, by their parameters; the argument counts
def discrete(
    name: str, parameters: str, slopes: Mapping[str, str], cdf: Mapping[str, str], refused: Sequence[str] = ()
) -> None:
    """Register a discrete distribution by the derivatives of the logarithm of its probabilities, texts of `<k>`.

    cdf: the derivatives of its distribution function.
    """

    def method(method_name: str, texts: Mapping[str, str]) -> None:
        full = f"scipy.stats.{name}.{method_name}"
        partials = {p: [Case("loc == 0", t.replace("<k>", "k")),
                        Case("", t.replace("<k>", "(k - loc)"))]
                    for p, t in texts.items()}  # fmt: skip
        elementwise(full, f"k, {parameters}, loc=0", kind=_kind, constant=("k", "loc"), doc=_INSIDE, **partials)
        names = [p for p in parameters.split(", ") if p not in texts]
        refuse_parameters(full, {p: _COUNT if p in refused else _SHAPE for p in names})

    method("logpmf", slopes)
    method("pmf", {p: f"y * ({t})" for p, t in slopes.items()})
    method("cdf", cdf)
    method("sf", {p: f"-{t}".removeprefix("--") for p, t in cdf.items()})
    method("logcdf", {p: f"{t} / np.exp(y)" for p, t in cdf.items()})
    method("logsf", {p: f"-{t} / np.exp(y)".removeprefix("--") for p, t in cdf.items()})


_AT = "np.floor(<k>)"
discrete("poisson", "mu", {"mu": "<k> / mu - 1"}, {"mu": f"-scipy.stats.poisson.pmf({_AT}, mu)"})
discrete(
    "bernoulli",
    "p",
    {"p": "<k> / p - (1 - <k>) / (1 - p)"},
    {"p": f"-scipy.stats.binom.pmf({_AT}, 0, p)"},
)
discrete(
    "binom",
    "n, p",
    {"p": "<k> / p - (n - <k>) / (1 - p)"},
    {"p": f"-n * scipy.stats.binom.pmf({_AT}, n - 1, p)"},
    refused=["n"],
)
discrete(
    "geom",
    "p",
    {"p": "1 / p - (<k> - 1) / (1 - p)"},
    {"p": f"{_AT} * (1 - p) ** ({_AT} - 1)"},
)
discrete(
    "nbinom",
    "n, p",
    {"n": "special.digamma(<k> + n) - special.digamma(n) + np.log(p)", "p": "n / p - <k> / (1 - p)"},
    {"p": f"p ** (n - 1) * (1 - p) ** {_AT} / special.beta(n, {_AT} + 1)"},
)


# Vectors: scipy reads the lower triangle of the covariance
def _normal_kind(*, literals: Literals, x: Kind, mean: Kind, cov: Kind, **_: Any) -> Kind:
    """Of one x the result is a number; one axis may also hold several numbers, where the covariance is no matrix."""
    if not x.is_array or not isinstance(x.shape, tuple) or cov.rank != 2 or mean.sort not in ("none", "array"):
        return Kind("unknown")
    dtype = "float64" if x.dtype in ("float32", "float64") else None
    return of_rank(x.shape[:-1], dtype) if x.shape else Kind("unknown")


_NORMAL = "x, mean=None, cov=1, allow_singular=False"
for _name, _factor in (("logpdf", "g"), ("pdf", "g * y")):
    _dot = "" if _name == "logpdf" else "y * "
    rule(
        f"scipy.stats.multivariate_normal.{_name}",
        _NORMAL,
        kind=_normal_kind,
        x=[Case("allow_singular == False", f"normal_adjoint_x({_factor}, x, mean, cov)")],
        mean=[Case("allow_singular == False", f"normal_adjoint_mean({_factor}, x, mean, cov)")],
        cov=[Case("allow_singular == False", f"normal_adjoint_cov({_factor}, x, mean, cov)")],
        tangent={
            "x": [Case("allow_singular == False", f"{_dot}normal_tangent_x(x_dot, x, mean, cov)")],
            "mean": [Case("allow_singular == False", f"-{_dot}normal_tangent_x(mean_dot, x, mean, cov)")],
            "cov": [Case("allow_singular == False", f"{_dot}normal_tangent_cov(cov_dot, x, mean, cov)")],
        },
        doc="By the lower triangle of a covariance matrix.",
    )
