"""Writes into arrays: cells that are replaced, added to, scaled, and read after they were written."""

import math

import numpy as np


def diffused(u, k):
    u = u.copy()
    for _ in range(3):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u ** 2)


def doubled(x):
    x = x.copy()
    x *= 2
    return np.sum(x ** 3)


def smoothed(x, alpha):
    y = np.empty_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = alpha * x[i] + (1 - alpha) * y[i - 1]
    return np.sum(y ** 2)


def squared_between(y, a):
    y = y * a
    y[1:3] = y[1:3] ** 2
    return np.sum(y)


def running_sum(x):
    x = x.copy()
    for i in range(1, len(x)):
        x[i] += x[i - 1]
    return np.sum(x ** 2)


def clamped(x):
    y = x * 2
    y[0] = 0.0
    y[y < 0] = 0.0
    return np.sum(y ** 2)


def unit_rows(A):
    B = A.copy()
    B /= np.sqrt(np.sum(B ** 2, axis=1, keepdims=True))
    return np.sum(B ** 3)


def sines(x, n: int):
    out = np.zeros(n)
    for i in range(n):
        out[i] = math.sin(x * i)
    return np.sum(out ** 2)


X = np.array([0.3, -0.8, 1.1, 0.6])
A = np.array([[1.0, 2.0, 0.5], [0.3, -0.7, 1.2]])
CASES = {
    "grad(diffused, wrt=('u', 'k')).specialise(X, 0.1)": [(X, 0.1)],
    "grad(doubled).specialise(X)": [(X,)],
    "grad(smoothed, wrt=('x', 'alpha')).specialise(X, 0.3)": [(X, 0.3)],
    "grad(squared_between, wrt=('y', 'a')).specialise(X, 2.0)": [(X, 2.0)],
    "grad(running_sum).specialise(X)": [(X,)],
    "grad(clamped).specialise(X)": [(X,)],
    "grad(unit_rows).specialise(A)": [(A,)],
    "grad(sines).specialise(0.5, 4)": [(0.5, 4)],
}


# ---- emitted: grad(diffused, wrt=('u', 'k')).specialise(X, 0.1)
def grad_diffused(u, k):
    """Gradient of diffused with respect to u and k. Takes a number k; an array u [n0] of floats."""
    if not isinstance(k, numbers.Real) or getattr(u, 'ndim', None) != 1 or u.dtype.kind != 'f' or u.dtype != 'float64':
        raise TypeError('grad_diffused takes a number k; an array u [n0] of floats')
    # Forward sweep
    u = u.copy()
    u_tape = []
    for _ in range(3):
        u_tape.append(np.copy(u[1:-1]))
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    # Reverse sweep
    # return np.sum(u ** 2)
    u_bar = 2 * u
    k_bar = 0.0
    for _ in range(2, -1, -1):
        u[1:-1] = u_tape.pop()
        # u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
        t1_bar = np.copy(u_bar[1:-1])
        k_bar += (t1_bar * (u[2:] - 2 * u[1:-1] + u[:-2])).sum()
        t2_bar = k * t1_bar
        u_bar[:-2] += t2_bar
        u_bar[1:-1] -= 2 * t2_bar
        u_bar[2:] += t2_bar
    return u_bar, k_bar


# ---- emitted: grad(doubled).specialise(X)
def grad_doubled(x):
    """Gradient of doubled with respect to x. Takes an array x [n0] of floats."""
    if getattr(x, 'ndim', None) != 1 or x.dtype.kind != 'f':
        raise TypeError('grad_doubled takes an array x [n0] of floats')
    # Forward sweep
    x = x.copy()
    x *= 2
    # Reverse sweep
    # return np.sum(x ** 3)
    x_bar = 3 * x ** 2
    # x *= 2
    x_bar *= 2
    return x_bar


# ---- emitted: grad(smoothed, wrt=('x', 'alpha')).specialise(X, 0.3)
def grad_smoothed(x, alpha):
    """Gradient of smoothed with respect to x and alpha. Takes a number alpha; an array x of 1 axis of floats."""
    if not isinstance(alpha, numbers.Real) or getattr(x, 'ndim', None) != 1 or x.dtype.kind != 'f' or x.dtype != 'float64':
        raise TypeError('grad_smoothed takes a number alpha; an array x of 1 axis of floats')
    # Forward sweep
    y = np.empty_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = alpha * x[i] + (1 - alpha) * y[i - 1]
    # Reverse sweep
    # return np.sum(y ** 2)
    y_bar = 2 * y
    alpha_bar = 0.0
    x_bar = np.zeros_like(x)
    for i in range(len(x) - 1, 0, -1):
        # y[i] = alpha * x[i] + (1 - alpha) * y[i - 1]
        t1_bar = y_bar[i]
        t2_bar = y_bar[i] * y[i - 1]
        y_bar[i - 1] += y_bar[i] * (1 - alpha)
        alpha_bar = alpha_bar - t2_bar + t1_bar * x[i]
        x_bar[i] += t1_bar * alpha
    # y[0] = x[0]
    x_bar[0] += y_bar[0]
    return x_bar, alpha_bar


# ---- emitted: grad(squared_between, wrt=('y', 'a')).specialise(X, 2.0)
def grad_squared_between(y, a):
    """Gradient of squared_between with respect to y and a. Takes a number a; an array y of 1 axis of floats."""
    if not isinstance(a, numbers.Real) or getattr(y, 'ndim', None) != 1 or y.dtype.kind != 'f' or y.dtype != 'float64':
        raise TypeError('grad_squared_between takes a number a; an array y of 1 axis of floats')
    # Forward sweep
    y2 = y * a
    t1 = y2[1:3]
    t2 = t1 ** 2
    y3 = np.copy(y2[1:3])
    y2[1:3] = t2
    # Reverse sweep
    # return np.sum(y)
    y_bar = np.broadcast_to(1.0, y2.shape)
    y2[1:3] = y3
    # y[1:3] = y[1:3] ** 2
    y_bar = np.copy(y_bar)
    y_bar[1:3] = 2 * unbroadcast(np.copy(y_bar[1:3]), t2) * t1
    return a * y_bar, (y_bar * y).sum()


# ---- emitted: grad(running_sum).specialise(X)
def grad_running_sum(x):
    """Gradient of running_sum with respect to x. Takes an array x of 1 axis of floats."""
    if getattr(x, 'ndim', None) != 1 or x.dtype.kind != 'f':
        raise TypeError('grad_running_sum takes an array x of 1 axis of floats')
    # Forward sweep
    x = x.copy()
    t1 = len(x)
    for i in range(1, t1):
        x[i] += x[i - 1]
    # Reverse sweep
    # return np.sum(x ** 2)
    x_bar = 2 * x
    for i in range(t1 - 1, 0, -1):
        # x[i] += x[i - 1]
        x_bar[i - 1] += x_bar[i]
    return x_bar


# ---- emitted: grad(clamped).specialise(X)
def grad_clamped(x):
    """Gradient of clamped with respect to x. Takes floats in x."""
    if not (isinstance(x, numbers.Real) or getattr(getattr(x, 'dtype', None), 'kind', '') == 'f'):
        raise TypeError('grad_clamped takes floats in x')
    # Forward sweep
    y = x * 2
    y[0] = 0.0
    t1 = y < 0
    y[t1] = 0.0
    # Reverse sweep
    # return np.sum(y ** 2)
    y_bar = 2 * y
    # y[y < 0] = 0.0
    y_bar[t1] = 0
    # y[0] = 0.0
    y_bar[0] = 0
    return 2 * y_bar


# ---- emitted: grad(unit_rows).specialise(A)
def grad_unit_rows(A):
    """Gradient of unit_rows with respect to A. Takes an array A [n0 n1] of floats, with no axis of length 1 in A."""
    if getattr(A, 'ndim', None) != 2 or A.dtype.kind != 'f':
        raise TypeError('grad_unit_rows takes an array A [n0 n1] of floats, with no axis of length 1 in A')
    if 1 in (A.shape[1],):
        raise ValueError('grad_unit_rows takes an array A [n0 n1] of floats, with no axis of length 1 in A')
    # Forward sweep
    B = A.copy()
    t1 = np.sqrt(np.sum(B ** 2, axis=1, keepdims=True))
    B2 = np.copy(B[...])
    B /= t1
    # Reverse sweep
    # return np.sum(B ** 3)
    B_bar = 3 * B ** 2
    B[...] = B2
    # B /= np.sqrt(np.sum(B ** 2, axis=1, keepdims=True))
    t2_bar = np.copy(B_bar[...])
    B_bar[...] = t2_bar / t1
    B_bar -= (t2_bar * B / t1 ** 2).sum(axis=1, keepdims=True) * B / t1
    return B_bar


# ---- emitted: grad(sines).specialise(0.5, 4)
def grad_sines(x, n: int):
    """Gradient of sines with respect to x. Takes numbers x and n."""
    if not all(isinstance(v, numbers.Real) for v in (x, n)):
        raise TypeError('grad_sines takes numbers x and n')
    # Forward sweep
    out = np.zeros(n)
    for i in range(n):
        out[i] = math.sin(x * i)
    # Reverse sweep
    x_bar = 0.0
    # return np.sum(out ** 2)
    out_bar = 2 * out
    for i in range(n - 1, -1, -1):
        # out[i] = math.sin(x * i)
        x_bar += out_bar[i] * math.cos(x * i) * i
    return x_bar
