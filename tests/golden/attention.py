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
    t1 = K.T
    t2 = np.sqrt(Q.shape[1])
    S = Q @ t1 / t2
    t3 = np.max(S, axis=1, keepdims=True)
    P = np.exp(S - t3)
    t4 = np.sum(P, axis=1, keepdims=True)
    P2 = P / t4
    # Reverse sweep
    # return np.sum((P @ V - Y) ** 2)
    t5_bar = 2 * (P2 @ V - Y)
    P_bar = t5_bar @ V.T
    # P = P / np.sum(P, axis=1, keepdims=True)
    P2_bar = P_bar / t4
    P2_bar -= (P_bar * P / t4 ** 2).sum(axis=1, keepdims=True)
    # P = np.exp(S - np.max(S, axis=1, keepdims=True))
    S_bar = P2_bar * P
    # S = Q @ K.T / np.sqrt(Q.shape[1])
    t6_bar = (S_bar + split_ties(-S_bar.sum(axis=1, keepdims=True), S, t3, 1, True)) / t2
    return t6_bar @ t1.T, (Q.T @ t6_bar).T, P2.T @ t5_bar
