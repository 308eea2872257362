"""What has a rule of its own reads as a careful person writes it."""

import numpy as np
from jaxtyping import Float64


def log_determinant(x: Float64[np.ndarray, "n n"]):
    return np.linalg.slogdet(x)[1]


def variances(x: Float64[np.ndarray, "n m"]):
    return np.sum(np.var(x, axis=0))


def chain(x: Float64[np.ndarray, "n m"], y: Float64[np.ndarray, "m k"], z: Float64[np.ndarray, "k"]):
    return np.sum(np.einsum("ij,jk,k->i", x, y, z))


def steps(x: Float64[np.ndarray, "n"]):
    return np.sum(np.diff(x) ** 2)


random = np.random.default_rng(11)
CASES = {
    "grad(log_determinant)": [(random.normal(size=(3, 3)) + 3 * np.eye(3),)],
    "grad(variances)": [(random.normal(size=(3, 4)),)],
    "grad(chain)": [(random.normal(size=(3, 4)), random.normal(size=(4, 2)), random.normal(size=2))],
    "grad(steps)": [(random.normal(size=5),)],
}


# ---- by hand: grad(log_determinant)
def grad_log_determinant(x):
    return np.linalg.inv(x).T


# ---- by hand: grad(variances)
def grad_variances(x):
    return 2 / len(x) * (x - x.mean(axis=0))


# ---- by hand: grad(chain)
def grad_chain(x, y, z):
    return np.outer(np.ones(len(x)), y @ z)


# ---- emitted: grad(log_determinant)
def grad_log_determinant(x: Float64[np.ndarray, 'n n']):
    """Gradient of log_determinant with respect to x."""
    return np.linalg.inv(x).T


# ---- emitted: grad(variances)
def grad_variances(x: Float64[np.ndarray, 'n m']):
    """Gradient of variances with respect to x."""
    return 2 / len(x) * (x - x.mean(axis=0))


# ---- emitted: grad(chain)
def grad_chain(x: Float64[np.ndarray, 'n m'], y: Float64[np.ndarray, 'm k'], z: Float64[np.ndarray, 'k']):
    """Gradient of chain with respect to x."""
    return np.einsum('i,jk,k->ij', np.ones(len(x)), y, z)


# ---- emitted: grad(steps)
def grad_steps(x: Float64[np.ndarray, 'n']):
    """Gradient of steps with respect to x."""
    return diff_adjoint(2 * np.diff(x), x)
