"""Every rule of `scipy.stats`, in every case, against differences, to second order."""

import numpy as np
import pytest
import scipy.stats
from rules.harness import Wrong, broken, check, function_of, missed, numbers, rules_of, unknown_names, use
from rules.orders import check_orders, slope
from scipy.stats import norm

import s2sad
from s2sad.errors import S2sadError
from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.scipy.stats")
#: The shapes of a distribution.
SHAPES = {"gamma": [1.7], "invgamma": [1.7], "chi2": [3.4], "beta": [1.7, 2.4], "t": [3.4], "lognorm": [0.7],
          "weibull_min": [1.7], "pareto": [1.7], "poisson": [2.3], "bernoulli": [0.4], "binom": [5, 0.4],
          "geom": [0.4], "nbinom": [3.5, 0.4]}  # fmt: skip
COUNTS = {"poisson", "bernoulli", "binom", "geom", "nbinom"}
INTEGERS = {"binom": [True, False], "nbinom": [False, False]}


def argument_of(distribution, method, shape, seed):
    if distribution in COUNTS:
        low = 1 if distribution == "geom" else 0
        high = 1 if (distribution, method) == ("bernoulli", "logsf") else 2 if distribution == "bernoulli" else 4
        return np.random.default_rng(seed).integers(low, high, shape or ())
    if method in ("ppf", "isf"):
        return numbers(shape, 0.2, 0.8, seed)
    return numbers(shape, 1.1, 2, seed) if distribution == "pareto" else numbers(shape, 0.2, 0.8, seed)


def shapes_of(distribution, like):
    given = SHAPES.get(distribution, [])
    kept = INTEGERS.get(distribution, [False] * len(given))
    return [v if keep or like is None else np.full(like, v) + 0.01 * numbers(like) for v, keep in zip(given, kept)]


def uses_of(name):
    _, _, distribution, method = name.split(".")
    if distribution == "multivariate_normal":
        return
    for seed, shape in enumerate([None, "scalar", (3,), (2, 3), (0,)]):
        x = argument_of(distribution, method, shape if shape != "scalar" else None, seed)
        yield use(name, x, *shapes_of(distribution, None))
    x = argument_of(distribution, method, (2, 3), 5)
    yield use(name, x, *shapes_of(distribution, (3,)))
    if distribution in COUNTS:
        yield use(name, x + 1, *shapes_of(distribution, (2, 1)), loc=1)
        return
    loc, scale = numbers((3,), -0.2, 0.1), numbers((2, 1), 1, 1.2)
    if method in ("ppf", "isf"):
        yield use(name, x, *shapes_of(distribution, (3,)), loc, scale)
    elif distribution == "pareto":
        yield use(name, x * 1.5, *shapes_of(distribution, (3,)), loc, scale)
    else:
        yield use(name, x + 0.1, *shapes_of(distribution, (3,)), loc, scale)
    yield use(name, x + 0.05 * (method not in ("ppf", "isf")), *shapes_of(distribution, None), loc=-0.02)
    beyond = distribution == "pareto" and method not in ("ppf", "isf")
    yield use(name, x * (1.5 if beyond else 1), *shapes_of(distribution, None), scale=1.2)


POINTS, MEAN = numbers((4, 3)), numbers((3,))
COVARIANCE = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]])
NORMALS = [
    use(f"scipy.stats.multivariate_normal.{method}", *arguments)
    for method in ("logpdf", "pdf")
    for arguments in (
        (POINTS, MEAN, COVARIANCE), (POINTS[0], MEAN, COVARIANCE), (POINTS, None, COVARIANCE),
        (numbers((2, 2, 3)), MEAN, COVARIANCE),
    )
]  # fmt: skip

USES = {name: list(uses_of(name)) for name in NAMES}
USES["scipy.stats.multivariate_normal.logpdf"] = NORMALS[:4]
USES["scipy.stats.multivariate_normal.pdf"] = NORMALS[4:]


@pytest.mark.parametrize("name", NAMES)
def test_rule(name):
    covered = set()
    for u in USES[name]:
        check(u, covered)
    assert not missed([name] if registry.find(name).differentiable else [], covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


@pytest.mark.parametrize("name", NAMES)
def test_orders(name):
    vague = [u for u in USES[name] if np.shape(u.args[0])[:1] == (2,)] or USES[name]
    for reason in check_orders(vague[-3 if len(vague) > 3 else 0]):
        assert "no closed formula" in reason


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        for u in USES[name]:
            check(u, entry=broken(registry.find(name)))


# Programs
DATA = np.array([0.3, 1.1, -0.4])


def likelihood(mean, deviation):
    return np.sum(norm.logpdf(DATA, mean, deviation))


def test_a_likelihood():
    gradient = s2sad.grad(likelihood, wrt=(0, 1))
    found = gradient(0.1, 1.3)
    z = (DATA - 0.1) / 1.3
    assert np.allclose(found, [np.sum(z) / 1.3, np.sum(z**2 - 1) / 1.3])


def frozen(x):
    return norm(x[0], scale=x[1]).logpdf(x[2]) + np.sum(scipy.stats.gamma(x[0]).sf(x) * norm().cdf(x))


def frozen_of_vectors(x):
    return scipy.stats.multivariate_normal(x, COVARIANCE * x[0]).logpdf(MEAN)


@pytest.mark.parametrize("f", [frozen, frozen_of_vectors])
def test_frozen_distributions(f):
    x, d = np.array([0.7, 1.2, 0.4]), np.array([0.3, -0.5, 0.8])
    if f is frozen:
        with pytest.raises(S2sadError, match="respect to 'a': there is no closed formula"):
            s2sad.grad(f)(x)
        f = frozen_by_location
    gradient = s2sad.grad(f)
    assert np.isclose(gradient(x) @ d, slope(f, x, d), rtol=1e-6)
    assert np.isclose(s2sad.transforms.jvp(f)(x, d)[1], slope(f, x, d), rtol=1e-6)
    assert np.allclose(s2sad.transforms.vjp(gradient)(x, d), slope(gradient, x, d), rtol=1e-5)


def frozen_by_location(x):
    return norm(x[0], scale=x[1]).logpdf(x[2]) + np.sum(scipy.stats.gamma(1.5, x[0] / 9).sf(x) * norm().cdf(x))


def test_text_of_a_frozen_distribution():
    def f(x):
        return np.sum(norm(0.5, scale=2.0).cdf(x))

    gradient = s2sad.grad(f)
    gradient(DATA)
    assert gradient.specialisations[0].source.endswith("    return stats.norm.pdf(x, 0.5, 2.0)")


def test_shapes_of_distribution_functions_are_refused():
    def f(a):
        return scipy.stats.gamma.cdf(1.0, a)

    for transform, arguments in ((s2sad.grad, (1.5,)), (s2sad.transforms.jvp, (1.5, 1.0))):
        with pytest.raises(S2sadError, match="respect to 'a': there is no closed formula"):
            transform(f)(*arguments)
