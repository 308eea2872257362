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
    t1 = Z.T
    # Reverse sweep
    # return np.sum(Z @ Z.T)
    t2_bar = np.broadcast_to(1.0, (Z @ t1).shape)
    Z_bar = t2_bar @ t1.T
    Z_bar += (t1 @ t2_bar).T
    # Z = np.stack([x, y * y])
    x_bar = Z_bar[0]
    t3_bar = Z_bar[1]
    return np.copy(x_bar), 2 * t3_bar * y


# ---- emitted: grad(joined, wrt=('x', 'y'))
def grad_joined(x: Float64[np.ndarray, 'n'], y: Float64[np.ndarray, 'm']):
    """Gradient of joined with respect to x and y."""
    # Forward sweep
    z = np.concatenate([x, y])
    # Reverse sweep
    # return np.sum(np.cumsum(z) ** 2)
    z_bar = np.cumsum((2 * np.cumsum(z))[::-1])[::-1]
    # z = np.concatenate([x, y])
    t1 = len(x)
    return np.copy(z_bar[:t1]), np.copy(z_bar[t1:])


# ---- emitted: grad(turned)
def grad_turned(X: Float64[np.ndarray, 'n d']):
    """Gradient of turned with respect to X."""
    # Forward sweep
    t1 = X.T
    t2 = t1.reshape(-1)
    t3 = np.sin(t2)
    t4 = np.arange(X.size)
    # Reverse sweep
    # return np.sum(np.sin(X.T.reshape(-1)) * np.arange(X.size))
    X_bar = (np.broadcast_to(1.0, (t3 * t4).shape) * t4 * np.cos(t2)).reshape(t1.shape).T
    return X_bar
