"""Reductions: over all, over an axis, with the axis kept."""

import numpy as np
from jaxtyping import Float64


def sum_of_squares(x: Float64[np.ndarray, "n"]):
    return np.sum(x ** 2)


def variance(x: Float64[np.ndarray, "n"]):
    return np.mean((x - np.mean(x)) ** 2)


def row_norms(X: Float64[np.ndarray, "n d"]):
    return np.sum(np.sqrt(np.sum(X ** 2, axis=1)))


def product(x: Float64[np.ndarray, "n"]):
    return np.prod(x)


def spread_of_columns(X: Float64[np.ndarray, "n d"]):
    return np.std(X, axis=0).sum()


def worst(X: Float64[np.ndarray, "n d"]):
    return np.max(np.abs(X).sum(axis=1))


random = np.random.default_rng(1)
X, x = random.normal(size=(4, 3)), random.normal(size=4)
CASES = {
    "grad(sum_of_squares)": [(x,)],
    "grad(variance)": [(x,)],
    "grad(row_norms)": [(X,)],
    "grad(product)": [(x,)],
    "grad(spread_of_columns)": [(X,)],
    "grad(worst)": [(X,)],
}


# ---- emitted: grad(sum_of_squares)
def grad_sum_of_squares(x: Float64[np.ndarray, 'n']):
    """Gradient of sum_of_squares with respect to x."""
    return 2 * x


# ---- emitted: grad(variance)
def grad_variance(x: Float64[np.ndarray, 'n']):
    """Gradient of variance with respect to x."""
    # return np.mean((x - np.mean(x)) ** 2)
    x_bar = 2 / x.size * (x - np.mean(x))
    return x_bar - x_bar.sum() / x.size


# ---- emitted: grad(row_norms)
def grad_row_norms(X: Float64[np.ndarray, 'n d']):
    """Gradient of row_norms with respect to X."""
    return X / np.expand_dims(np.sqrt(np.sum(X ** 2, axis=1)), 1)


# ---- emitted: grad(product)
def grad_product(x: Float64[np.ndarray, 'n']):
    """Gradient of product with respect to x."""
    return products_of_others(x)


# ---- emitted: grad(spread_of_columns)
def grad_spread_of_columns(X: Float64[np.ndarray, 'n d']):
    """Gradient of spread_of_columns with respect to X."""
    t1 = np.std(X, axis=0)
    return 1 / X.shape[0] * (X - X.mean(axis=0, keepdims=True)) / np.where(t1, t1, 1)


# ---- emitted: grad(worst)
def grad_worst(X: Float64[np.ndarray, 'n d']):
    """Gradient of worst with respect to X."""
    # Forward sweep
    t1 = np.abs(X).sum(axis=1)
    # Reverse sweep
    # return np.max(np.abs(X).sum(axis=1))
    t2 = t1 == np.max(t1)
    return np.expand_dims(t2 / len(t1[t2]), 1) * np.sign(X)
