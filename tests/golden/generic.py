"""Without annotations: the kinds are found by what is done, or asked of shapes while it runs."""

import numpy as np


def mean_square(x):
    return np.mean(x ** 2)


def dot(x, y):
    return np.dot(x, y)


def logit(p):
    return np.log(p / (1 - p))


def linear_loss(W, b, x, y):
    r = W @ x + b - y
    return np.sum(r ** 2)


random = np.random.default_rng(16)
W, x, y = random.normal(size=(2, 3)), random.normal(size=3), random.normal(size=2)
CASES = {
    "grad(mean_square)": [(x,), (W,)],
    "grad(dot, wrt=('x', 'y'))": [(x, x + 1)],
    "grad(logit)": [(0.3,)],
    "grad(linear_loss, wrt=('W', 'b'))": [(W, y, x, y + 1), (W, 0.5, x, y)],
    "grad(linear_loss, wrt=('W', 'b')).specialise(W, y, x, y)": [(W, y, x, y + 1)],
}


# ---- emitted: grad(mean_square)
def grad_mean_square(x):
    """Gradient of mean_square with respect to x."""
    return 2 / np.size(x) * x


# ---- emitted: grad(dot, wrt=('x', 'y'))
def grad_dot(x, y):
    """Gradient of dot with respect to x and y."""
    result_bar = scalar_seed(np.dot(x, y))
    return dot_adjoint_a(result_bar, x, y), dot_adjoint_b(result_bar, x, y)


# ---- emitted: grad(logit)
def grad_logit(p):
    """Gradient of logit with respect to p."""
    # Forward sweep
    t1 = 1 - p
    # Reverse sweep
    # return np.log(p / (1 - p))
    t2_bar = t1 / p
    return t2_bar / t1 + t2_bar * p / t1 ** 2


# ---- emitted: grad(linear_loss, wrt=('W', 'b'))
def grad_linear_loss(W, b, x, y):
    """Gradient of linear_loss with respect to W and b."""
    # Forward sweep
    t1 = W @ x
    t2 = t1 + b
    # Reverse sweep
    # r = W @ x + b - y
    t3_bar = unbroadcast(2 * (t2 - y), t2)
    return matmul_adjoint_a(unbroadcast(t3_bar, t1), W, x), unbroadcast(t3_bar, b)


# ---- emitted: grad(linear_loss, wrt=('W', 'b')).specialise(W, y, x, y)
def grad_linear_loss(W, b, x, y):
    """Gradient of linear_loss with respect to W and b.

    Takes arrays W [n0 n1], b [n0], x of 1 axis, y [n0] (floats in W and b).
    """
    if [getattr(v, 'ndim', None) for v in (W, b, x, y)] != [2, 1, 1, 1] or not all(v.dtype.kind == 'f' for v in (W, b)) or W.dtype != 'float64' or b.dtype != 'float64' or x.dtype != 'float64' or y.dtype != 'float64':
        raise TypeError('grad_linear_loss takes arrays W [n0 n1], b [n0], x of 1 axis, y [n0] (floats in W and b)')
    if not W.shape[0] == b.shape[0] == y.shape[0]:
        raise ValueError('grad_linear_loss takes arrays W [n0 n1], b [n0], x of 1 axis, y [n0] (floats in W and b)')
    # return np.sum(r ** 2)
    r_bar = 2 * (W @ x + b - y)
    return np.outer(r_bar, x), r_bar
