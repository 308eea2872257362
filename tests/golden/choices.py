"""where, clip, maximum, minimum."""

import numpy as np
from jaxtyping import Float64


def relu_sum(x: Float64[np.ndarray, "n"]):
    return np.sum(np.maximum(x, 0))


def hinge(w: Float64[np.ndarray, "d"], X: Float64[np.ndarray, "n d"], y: Float64[np.ndarray, "n"]):
    return np.mean(np.maximum(1 - y * (X @ w), 0)) + 0.01 * w @ w


def masked(x: Float64[np.ndarray, "n"]):
    return np.sum(np.where(x > 0, x ** 2, -x))


def clipped(x: Float64[np.ndarray, "n"], low: float, high: float):
    return np.sum(np.clip(x, low, high) ** 2)


random = np.random.default_rng(4)
X, x = random.normal(size=(4, 3)), random.normal(size=5)
CASES = {
    "grad(relu_sum)": [(x,)],
    "grad(hinge)": [(X[0], X, np.array([1.0, -1.0, 1.0, -1.0]))],
    "grad(masked)": [(x,)],
    "grad(clipped)": [(x, -0.5, 0.5)],
}


# ---- emitted: grad(relu_sum)
def grad_relu_sum(x: Float64[np.ndarray, 'n']):
    """Gradient of relu_sum with respect to x."""
    return np.heaviside(x, 0.5)


# ---- emitted: grad(hinge)
def grad_hinge(w: Float64[np.ndarray, 'd'], X: Float64[np.ndarray, 'n d'], y: Float64[np.ndarray, 'n']):
    """Gradient of hinge with respect to w."""
    return 0.02 * w - X.T @ (1 / y.size * np.heaviside(1 - y * (X @ w), 0.5) * y)


# ---- emitted: grad(masked)
def grad_masked(x: Float64[np.ndarray, 'n']):
    """Gradient of masked with respect to x."""
    return np.where(x > 0, 2 * x, -1.0)


# ---- emitted: grad(clipped)
def grad_clipped(x: Float64[np.ndarray, 'n'], low: float, high: float):
    """Gradient of clipped with respect to x."""
    return 2 * np.clip(x, low, high) * np.heaviside(x - low, 0.5) * np.heaviside(high - x, 0.5)
