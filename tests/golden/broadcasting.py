"""Broadcasting: axes by name, an axis of one, and ranks that are not known."""

import numpy as np
from jaxtyping import Float64


def affine(a: Float64[np.ndarray, "d"], b: float, X: Float64[np.ndarray, "n d"]):
    return np.sum(np.sin(X * a + b))


def outer_sum(u: Float64[np.ndarray, "n 1"], v: Float64[np.ndarray, "m"]):
    return np.sum(np.exp(u * v))


def distances(P: Float64[np.ndarray, "n d"], Q: Float64[np.ndarray, "m d"]):
    D = P[:, None, :] - Q[None, :, :]
    return np.sum(np.sqrt(np.sum(D ** 2, axis=2)))


def unknown(a, b):
    return np.sum(a * np.tanh(b))


random = np.random.default_rng(2)
X, a = random.normal(size=(4, 3)), random.normal(size=3)
CASES = {
    "grad(affine, wrt=('a', 'b'))": [(a, 0.3, X)],
    "grad(outer_sum, wrt=('u', 'v'))": [(random.normal(size=(4, 1)), a)],
    "grad(distances, wrt=('P', 'Q'))": [(X, random.normal(size=(2, 3)))],
    "grad(unknown, wrt=('a', 'b'))": [(X, a), (0.5, a), (X, X + 1)],
}


# ---- emitted: grad(affine, wrt=('a', 'b'))
def grad_affine(a: Float64[np.ndarray, 'd'], b: float, X: Float64[np.ndarray, 'n d']):
    """Gradient of affine with respect to a and b."""
    # return np.sum(np.sin(X * a + b))
    t1_bar = np.cos(X * a + b)
    return (t1_bar * X).sum(axis=0), t1_bar.sum()


# ---- emitted: grad(outer_sum, wrt=('u', 'v'))
def grad_outer_sum(u: Float64[np.ndarray, 'n 1'], v: Float64[np.ndarray, 'm']):
    """Gradient of outer_sum with respect to u and v."""
    # return np.sum(np.exp(u * v))
    t1_bar = np.exp(u * v)
    return (t1_bar * v).sum(axis=1, keepdims=True), (t1_bar * u).sum(axis=0)


# ---- emitted: grad(distances, wrt=('P', 'Q'))
def grad_distances(P: Float64[np.ndarray, 'n d'], Q: Float64[np.ndarray, 'm d']):
    """Gradient of distances with respect to P and Q."""
    # Forward sweep
    D = P[:, None, :] - Q[None, :, :]
    # Reverse sweep
    # return np.sum(np.sqrt(np.sum(D ** 2, axis=2)))
    D_bar = D / np.expand_dims(np.sqrt(np.sum(D ** 2, axis=2)), 2)
    # D = P[:, None, :] - Q[None, :, :]
    Q_bar = np.zeros_like(Q)
    Q_bar[None, :, :] -= D_bar.sum(axis=0, keepdims=True)
    P_bar = np.zeros_like(P)
    P_bar[:, None, :] += D_bar.sum(axis=1, keepdims=True)
    return P_bar, Q_bar


# ---- emitted: grad(unknown, wrt=('a', 'b'))
def grad_unknown(a, b):
    """Gradient of unknown with respect to a and b."""
    # Forward sweep
    t1 = np.tanh(b)
    # Reverse sweep
    # return np.sum(a * np.tanh(b))
    t2_bar = spread(1.0, a * t1)
    return unbroadcast(t2_bar * t1, a), unbroadcast(t2_bar * a, b) * (1 - t1 ** 2)
