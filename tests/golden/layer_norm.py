"""Layer normalisation of a batch of rows."""

import numpy as np
from jaxtyping import Float64


def layer_norm(
    X: Float64[np.ndarray, "n d"], gain: Float64[np.ndarray, "d"], shift: Float64[np.ndarray, "d"],
    Y: Float64[np.ndarray, "n d"],
):
    mean = np.mean(X, axis=1, keepdims=True)
    centred = X - mean
    scale = np.sqrt(np.mean(centred ** 2, axis=1, keepdims=True) + 1e-5)
    Z = centred / scale * gain + shift
    return np.sum((Z - Y) ** 2)


random = np.random.default_rng(9)
CASES = {
    "grad(layer_norm, wrt=('X', 'gain', 'shift'))": [
        tuple(random.normal(size=s) for s in ((4, 3), (3,), (3,), (4, 3)))
    ],
}


# ---- emitted: grad(layer_norm, wrt=('X', 'gain', 'shift'))
def grad_layer_norm(
    X: Float64[np.ndarray, 'n d'],
    gain: Float64[np.ndarray, 'd'],
    shift: Float64[np.ndarray, 'd'],
    Y: Float64[np.ndarray, 'n d'],
):
    """Gradient of layer_norm with respect to X, gain and shift."""
    # Forward sweep
    mean = np.mean(X, axis=1, keepdims=True)
    centred = X - mean
    scale = np.sqrt(np.mean(centred ** 2, axis=1, keepdims=True) + 1e-05)
    t1 = centred / scale
    # Reverse sweep
    # return np.sum((Z - Y) ** 2)
    Z_bar = 2 * (t1 * gain + shift - Y)
    # Z = centred / scale * gain + shift
    t2_bar = Z_bar * gain
    # scale = np.sqrt(np.mean(centred ** 2, axis=1, keepdims=True) + 1e-5)
    centred_bar = t2_bar / scale - 1 / centred.shape[1] * (t2_bar * centred / scale ** 2).sum(axis=1, keepdims=True) * centred / scale
    return centred_bar - centred_bar.sum(axis=1, keepdims=True) / X.shape[1], (Z_bar * t1).sum(axis=0), Z_bar.sum(axis=0)
