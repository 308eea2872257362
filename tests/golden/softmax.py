"""Softmax, log-sum-exp, cross entropy."""

import numpy as np
from jaxtyping import Float64


def log_sum_exp(x: Float64[np.ndarray, "n"]):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def expected_value(x: Float64[np.ndarray, "n"], v: Float64[np.ndarray, "n"]):
    e = np.exp(x)
    p = e / np.sum(e)
    return p @ v


def cross_entropy(Z: Float64[np.ndarray, "n k"], Y: Float64[np.ndarray, "n k"]):
    logits = Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))
    return -np.sum(Y * logits) / len(Z)


random = np.random.default_rng(8)
CASES = {
    "grad(log_sum_exp)": [(random.normal(size=4),)],
    "grad(expected_value, wrt=('x', 'v'))": [(random.normal(size=4), random.normal(size=4))],
    "grad(cross_entropy)": [(random.normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 0]])],
}


# ---- emitted: grad(log_sum_exp)
def grad_log_sum_exp(x: Float64[np.ndarray, 'n']):
    """Gradient of log_sum_exp with respect to x."""
    # Forward sweep
    m = np.max(x)
    t1 = np.exp(x - m)
    # Reverse sweep
    # return m + np.log(np.sum(np.exp(x - m)))
    x_bar = t1 / np.sum(t1)
    # m = np.max(x)
    t2 = x == m
    return x_bar + (1.0 - x_bar.sum()) / len(x[t2]) * t2


# ---- emitted: grad(expected_value, wrt=('x', 'v'))
def grad_expected_value(x: Float64[np.ndarray, 'n'], v: Float64[np.ndarray, 'n']):
    """Gradient of expected_value with respect to x and v."""
    e = np.exp(x)
    t1 = np.sum(e)
    return (v / t1 - (1 / t1 ** 2 * v * e).sum()) * e, e / t1


# ---- emitted: grad(cross_entropy)
def grad_cross_entropy(Z: Float64[np.ndarray, 'n k'], Y: Float64[np.ndarray, 'n k']):
    """Gradient of cross_entropy with respect to Z."""
    # Forward sweep
    t1 = np.exp(Z)
    # Reverse sweep
    # return -np.sum(Y * logits) / len(Z)
    logits_bar = -1 / len(Z) * Y
    return logits_bar - logits_bar.sum(axis=1, keepdims=True) * t1 / np.sum(t1, axis=1, keepdims=True)
