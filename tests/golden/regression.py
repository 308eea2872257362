"""Ridge and logistic regression."""

import numpy as np
from jaxtyping import Float64


def ridge(w: Float64[np.ndarray, "d"], X: Float64[np.ndarray, "n d"], y: Float64[np.ndarray, "n"], penalty: float):
    r = X @ w - y
    return np.mean(r ** 2) + penalty * np.sum(w ** 2)


def logistic(w: Float64[np.ndarray, "d"], b: float, X: Float64[np.ndarray, "n d"], y: Float64[np.ndarray, "n"]):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


random = np.random.default_rng(13)
X, w = random.normal(size=(5, 3)), random.normal(size=3)
CASES = {
    "grad(ridge)": [(w, X, random.normal(size=5), 0.1)],
    "grad(logistic, wrt=('w', 'b'))": [(w, 0.2, X, np.array([0.0, 1.0, 1.0, 0.0, 1.0]))],
}


# ---- emitted: grad(ridge)
def grad_ridge(
    w: Float64[np.ndarray, 'd'],
    X: Float64[np.ndarray, 'n d'],
    y: Float64[np.ndarray, 'n'],
    penalty: float,
):
    """Gradient of ridge with respect to w."""
    r = X @ w - y
    return 2 * penalty * w + X.T @ (2 / r.size * r)


# ---- emitted: grad(logistic, wrt=('w', 'b'))
def grad_logistic(
    w: Float64[np.ndarray, 'd'],
    b: float,
    X: Float64[np.ndarray, 'n d'],
    y: Float64[np.ndarray, 'n'],
):
    """Gradient of logistic with respect to w and b."""
    # Forward sweep
    t1 = np.exp(-(X @ w + b))
    t2 = 1 + t1
    p = 1 / t2
    # Reverse sweep
    # return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    t3 = -1 / y.size
    p_bar = t3 * y / p - t3 * (1 - y) / (1 - p)
    # p = 1 / (1 + np.exp(-(X @ w + b)))
    t4_bar = p_bar * t1 / t2 ** 2
    return X.T @ t4_bar, t4_bar.sum()
