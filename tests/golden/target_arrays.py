"""A network with one hidden layer. Its axes are named, so nothing has to be asked of shapes while it runs."""

import numpy as np
from jaxtyping import Float64


def mlp_loss(
    W1: Float64[np.ndarray, "i h"], b1: Float64[np.ndarray, "h"],
    W2: Float64[np.ndarray, "h o"], b2: Float64[np.ndarray, "o"],
    X: Float64[np.ndarray, "n i"], Y: Float64[np.ndarray, "n o"],
):
    H = np.tanh(X @ W1 + b1)
    R = H @ W2 + b2 - Y
    return np.mean(R ** 2)


random = np.random.default_rng(0)
CASES = {
    "grad(mlp_loss, wrt=('W1', 'b1', 'W2', 'b2'))": [
        tuple(random.normal(size=s) for s in ((5, 7), (7,), (7, 3), (3,), (8, 5), (8, 3)))
    ],
}


# ---- by hand: grad(mlp_loss, wrt=('W1', 'b1', 'W2', 'b2'))
def grad_mlp_loss(W1, b1, W2, b2, X, Y):
    H = np.tanh(X @ W1 + b1)
    R = H @ W2 + b2 - Y
    R_bar = 2 / R.size * R
    b2_bar = R_bar.sum(axis=0)
    H_bar = R_bar @ W2.T
    W2_bar = H.T @ R_bar
    t1_bar = H_bar * (1 - H ** 2)
    b1_bar = t1_bar.sum(axis=0)
    W1_bar = X.T @ t1_bar
    return W1_bar, b1_bar, W2_bar, b2_bar


# ---- emitted: grad(mlp_loss, wrt=('W1', 'b1', 'W2', 'b2'))
def grad_mlp_loss(
    W1: Float64[np.ndarray, 'i h'],
    b1: Float64[np.ndarray, 'h'],
    W2: Float64[np.ndarray, 'h o'],
    b2: Float64[np.ndarray, 'o'],
    X: Float64[np.ndarray, 'n i'],
    Y: Float64[np.ndarray, 'n o'],
):
    """Gradient of mlp_loss with respect to W1, b1, W2 and b2."""
    # Forward sweep
    H = np.tanh(X @ W1 + b1)
    R = H @ W2 + b2 - Y
    # Reverse sweep
    # return np.mean(R ** 2)
    R_bar = 2 / R.size * R
    # H = np.tanh(X @ W1 + b1)
    t1_bar = R_bar @ W2.T * (1 - H ** 2)
    return X.T @ t1_bar, t1_bar.sum(axis=0), H.T @ R_bar, R_bar.sum(axis=0)
