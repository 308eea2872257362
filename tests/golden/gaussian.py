"""Log-densities of Gaussians: of a number, and of an array with a covariance."""

import math

import numpy as np
from jaxtyping import Float64


def log_density(x: float, mean: float, sigma: float):
    z = (x - mean) / sigma
    return -0.5 * z * z - math.log(sigma) - 0.5 * math.log(2 * math.pi)


def multivariate(x: Float64[np.ndarray, "n"], mean: Float64[np.ndarray, "n"], C: Float64[np.ndarray, "n n"]):
    r = x - mean
    return -0.5 * (r @ np.linalg.solve(C, r) + np.log(np.linalg.det(C)) + len(x) * np.log(2 * np.pi))


random = np.random.default_rng(11)
A = random.normal(size=(3, 3))
CASES = {
    "grad(log_density, wrt=('x', 'mean', 'sigma'))": [(0.3, 0.5, 1.7)],
    "grad(multivariate, wrt=('mean', 'C'))": [(random.normal(size=3), random.normal(size=3), A @ A.T + np.eye(3))],
}


# ---- emitted: grad(log_density, wrt=('x', 'mean', 'sigma'))
def grad_log_density(x: float, mean: float, sigma: float):
    """Gradient of log_density with respect to x, mean and sigma."""
    # Forward sweep
    t1 = x - mean
    # Reverse sweep
    # return -0.5 * z * z - math.log(sigma) - 0.5 * math.log(2 * math.pi)
    t2 = 1 / sigma
    z_bar = -t1 / sigma
    # z = (x - mean) / sigma
    x_bar = z_bar * t2
    return x_bar, -x_bar, -t2 - z_bar * t1 / sigma ** 2


# ---- emitted: grad(multivariate, wrt=('mean', 'C'))
def grad_multivariate(
    x: Float64[np.ndarray, 'n'],
    mean: Float64[np.ndarray, 'n'],
    C: Float64[np.ndarray, 'n n'],
):
    """Gradient of multivariate with respect to mean and C."""
    # Forward sweep
    r = x - mean
    t1 = np.linalg.solve(C, r)
    t2 = np.linalg.det(C)
    # Reverse sweep
    # return -0.5 * (r @ np.linalg.solve(C, r) + np.log(np.linalg.det(C)) + len(x) * np.log(2 * np.pi))
    t3 = np.linalg.solve(C.T, -0.5 * r)
    return -(t3 - 0.5 * t1), -0.5 * t2 / t2 * np.linalg.inv(C).T - np.outer(t3, t1)
