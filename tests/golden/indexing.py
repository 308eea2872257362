"""Reading items, slices, rows and repeated positions."""

import numpy as np
from jaxtyping import Float64, Int64


def pick(x: Float64[np.ndarray, "n"]):
    return x[0] * x[-1]


def rows(X: Float64[np.ndarray, "n d"], i: int):
    return np.sum(X[i] ** 2) + np.sum(X[:, 0])


def lookup(table: Float64[np.ndarray, "n d"], which: Int64[np.ndarray, "m"]):
    return np.sum(table[which] ** 2)


def walk(x: Float64[np.ndarray, "n"]):
    total = 0.0
    for i in range(1, len(x)):
        total += x[i] * x[i - 1]
    return total


def every_item(x: Float64[np.ndarray, "n"], w: Float64[np.ndarray, "n"]):
    total = 0.0
    for a, b in zip(x, w):
        total += b * np.cos(a)
    return total


random = np.random.default_rng(3)
X, x = random.normal(size=(4, 3)), random.normal(size=4)
CASES = {
    "grad(pick)": [(x,)],
    "grad(rows)": [(X, 2)],
    "grad(lookup)": [(X, np.array([0, 2, 2, 1, 0]))],
    "grad(walk)": [(x,)],
    "grad(every_item, wrt=('x', 'w'))": [(x, x + 1)],
}


# ---- emitted: grad(pick)
def grad_pick(x: Float64[np.ndarray, 'n']):
    """Gradient of pick with respect to x."""
    # return x[0] * x[-1]
    x_bar = np.zeros_like(x)
    x_bar[-1] += x[0]
    x_bar[0] += x[-1]
    return x_bar


# ---- emitted: grad(rows)
def grad_rows(X: Float64[np.ndarray, 'n d'], i: int):
    """Gradient of rows with respect to X."""
    # return np.sum(X[i] ** 2) + np.sum(X[:, 0])
    X_bar = np.zeros_like(X)
    X_bar[:, 0] += 1.0
    X_bar[i] += 2 * X[i]
    return X_bar


# ---- emitted: grad(lookup)
def grad_lookup(table: Float64[np.ndarray, 'n d'], which: Int64[np.ndarray, 'm']):
    """Gradient of lookup with respect to table."""
    # return np.sum(table[which] ** 2)
    table_bar = np.zeros_like(table)
    np.add.at(table_bar, which, 2 * table[which])
    return table_bar


# ---- emitted: grad(walk)
def grad_walk(x: Float64[np.ndarray, 'n']):
    """Gradient of walk with respect to x."""
    x_bar = np.zeros_like(x)
    for i in range(len(x) - 1, 0, -1):
        # total += x[i] * x[i - 1]
        x_bar[i - 1] += x[i]
        x_bar[i] += x[i - 1]
    return x_bar


# ---- emitted: grad(every_item, wrt=('x', 'w'))
def grad_every_item(x: Float64[np.ndarray, 'n'], w: Float64[np.ndarray, 'n']):
    """Gradient of every_item with respect to x and w."""
    w_bar = np.zeros_like(w)
    x_bar = np.zeros_like(x)
    for i in range(min(len(x), len(w)) - 1, -1, -1):
        # total += b * np.cos(a)
        a = x[i]
        w_bar[i] += np.cos(a)
        x_bar[i] -= w[i] * np.sin(a)
    return x_bar, w_bar
