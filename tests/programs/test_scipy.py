"""Programs that call SciPy: in loops, branches, tuples and functions, by every way of naming a function."""

import numpy as np
import pytest
import scipy.linalg as la
import scipy.special
import scipy.stats
from rules.harness import agree
from rules.orders import slope
from scipy import special as sp
from scipy.linalg import cho_factor, cho_solve, expm, solve_triangular
from scipy.special import expit, logsumexp
from scipy.stats import gamma, norm

import s2sad
from s2sad.transforms import jvp, vjp

X = np.array([0.3, 1.1, 0.7])


def names(x):
    return np.sum(scipy.special.erf(x) * sp.gammaln(1.0 + x) * expit(x)) + logsumexp(x) * norm.cdf(x[0])


def series(x):
    total = 0.0
    for n in range(4):
        total = total + np.sum(sp.jv(n, x) * sp.eval_legendre(n, x / 2))
    return total


def recurrence(x):
    h = np.zeros(3)
    for i in range(3):
        h = expit(h + x[i] * sp.entr(x))
        if h[0] > 0.45:
            h[1] += sp.log_expit(h[2])
        else:
            h[1:] *= sp.xlogy(x[i], 2.0)
    return np.sum(h**2)


def overwritten(x):
    y = np.empty(3)
    for i in range(3):
        y[i] = sp.gamma(1.0 + x[i] + (y[i - 1] if i else 0.0))
    y *= sp.softmax(y)
    return norm.logpdf(y[0], y[1], 1.0 + y[2])


def several(x):
    ai, aip, bi, bip = sp.airy(x)
    s, c = sp.fresnel(ai * bip)
    sn = sp.ellipj(x, 0.4)[0]
    return np.sum(s * c + aip * bi * sn)


def density(value, shape, scale):
    return gamma.logpdf(value, shape, scale=scale)


def likelihood(x):
    return np.sum([density(d, 1.0 + x[0], x[1] + x[2] ** 2) for d in (0.4, 1.7, 2.2)])


def process(x):
    points = np.arange(3.0)
    distances = (points[:, None] - points) ** 2
    covariance = x[0] * np.exp(-distances / x[1]) + x[2] * np.eye(3)
    factors = cho_factor(covariance, lower=True)
    residual = np.sin(points)
    fit = residual @ cho_solve(factors, residual) / 2
    return fit + np.sum(np.log(np.diag(factors[0]))) + scipy.stats.norm.logsf(x[0])


def flow(x):
    a = np.outer(x, np.sin(x)) - np.eye(3)
    state = x
    for _ in range(2):
        state = expm(a / 4) @ state
    return np.sum(solve_triangular(np.eye(3) + np.tril(a, -1), state, lower=True)) + la.det(a)


def until(x):
    y, steps = x, 0
    while np.sum(y) > 1.0 and steps < 5:
        y = sp.erf(y) * 0.9
        steps += 1
    return sp.logsumexp(y, axis=0, b=x)


PROGRAMS = [names, series, recurrence, overwritten, several, likelihood, process, flow, until]


@pytest.mark.parametrize("f", PROGRAMS)
def test_orders(f):
    d, kept = np.array([0.4, -0.7, 1.1]), X.copy()
    gradient = s2sad.grad(f)
    expected = slope(f, X, d)
    agree(gradient(X) @ d, expected, 1e-7, f.__name__)
    agree(jvp(f)(X, d)[1], expected, 1e-7, f.__name__)
    agree(gradient.specialise(s2sad.ir.kinds.UNKNOWN)(X), gradient(X), 1e-12, f.__name__)
    agree(s2sad.value_and_grad(f)(X)[0], f(X), 1e-14, f.__name__)
    second = slope(gradient, X, d)
    agree(jvp(gradient)(X, d)[1], second, 1e-6, f.__name__)
    agree(vjp(gradient)(X, d), second, 1e-6, f.__name__)
    assert np.array_equal(X, kept)
