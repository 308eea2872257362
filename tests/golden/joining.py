"""stack, concatenate, reshape, transpose."""

import numpy as np
from jaxtyping import Float64


def stacked(x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"]):
    Z = np.stack([x, y * y])
    return np.sum(Z @ Z.T)


def joined(x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "m"]):
    z = np.concatenate([x, y])
    return np.sum(np.cumsum(z) ** 2)


def turned(X: Float64[np.ndarray, "n d"]):
    return np.sum(np.sin(X.T.reshape(-1)) * np.arange(X.size))


random = np.random.default_rng(5)
x, y = random.normal(size=3), random.normal(size=3)
CASES = {
    "grad(stacked, wrt=('x', 'y'))": [(x, y)],
    "grad(joined, wrt=('x', 'y'))": [(x, y[:2])],
    "grad(turned)": [(random.normal(size=(3, 2)),)],
}


# ---- emitted: grad(stacked, wrt=('x', 'y'))
def grad_stacked(x: Float64[np.ndarray, 'n'], y: Float64[np.ndarray, 'n']):
    """Gradient of stacked with respect to x and y."""
    # Forward sweep
    Z = np.stack([x, y * y])
    # Reverse sweep
    # return np.sum(Z @ Z.T)
    t1_bar = np.ones((2, 2))
    Z_bar = t1_bar @ Z + t1_bar.T @ Z
    return np.copy(Z_bar[0]), 2 * Z_bar[1] * y


# ---- emitted: grad(joined, wrt=('x', 'y'))
def grad_joined(x: Float64[np.ndarray, 'n'], y: Float64[np.ndarray, 'm']):
    """Gradient of joined with respect to x and y."""
    # return np.sum(np.cumsum(z) ** 2)
    z_bar = np.cumsum((2 * np.cumsum(np.concatenate([x, y])))[::-1])[::-1]
    return np.copy(z_bar[:len(x)]), np.copy(z_bar[len(x):])


# ---- emitted: grad(turned)
def grad_turned(X: Float64[np.ndarray, 'n d']):
    """Gradient of turned with respect to X."""
    t1 = X.T.reshape(-1)
    t2 = np.arange(X.size)
    return (np.broadcast_to(1.0, (np.sin(t1) * t2).shape) * t2 * np.cos(t1)).reshape(X.T.shape).T
