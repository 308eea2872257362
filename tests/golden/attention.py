"""Attention for one head."""

import numpy as np
from jaxtyping import Float64


def attention(
    Q: Float64[np.ndarray, "n d"], K: Float64[np.ndarray, "m d"], V: Float64[np.ndarray, "m e"],
    Y: Float64[np.ndarray, "n e"],
):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    P = np.exp(S - np.max(S, axis=1, keepdims=True))
    P = P / np.sum(P, axis=1, keepdims=True)
    return np.sum((P @ V - Y) ** 2)


random = np.random.default_rng(10)
CASES = {
    "grad(attention, wrt=('Q', 'K', 'V'))": [
        tuple(random.normal(size=s) for s in ((2, 3), (4, 3), (4, 2), (2, 2)))
    ],
}


# ---- emitted: grad(attention, wrt=('Q', 'K', 'V'))
def grad_attention(
    Q: Float64[np.ndarray, 'n d'],
    K: Float64[np.ndarray, 'm d'],
    V: Float64[np.ndarray, 'm e'],
    Y: Float64[np.ndarray, 'n e'],
):
    """Gradient of attention with respect to Q, K and V."""
    # Forward sweep
    t1 = np.sqrt(Q.shape[1])
    S = Q @ K.T / t1
    t2 = np.max(S, axis=1, keepdims=True)
    P = np.exp(S - t2)
    t3 = np.sum(P, axis=1, keepdims=True)
    P2 = P / t3
    # Reverse sweep
    # return np.sum((P @ V - Y) ** 2)
    t4_bar = 2 * (P2 @ V - Y)
    P_bar = t4_bar @ V.T
    # P = np.exp(S - np.max(S, axis=1, keepdims=True))
    S_bar = (P_bar / t3 - (P_bar * P / t3 ** 2).sum(axis=1, keepdims=True)) * P
    # S = Q @ K.T / np.sqrt(Q.shape[1])
    t5_bar = (S_bar + split_ties(-S_bar.sum(axis=1, keepdims=True), S, t2, 1, True)) / t1
    return t5_bar @ K, t5_bar.T @ Q, P2.T @ t4_bar
