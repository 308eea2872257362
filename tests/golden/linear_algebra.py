"""Determinants, inverses, solves, norms."""

import numpy as np
from jaxtyping import Float64


def determinant(A: Float64[np.ndarray, "n n"]):
    return np.linalg.det(A)


def log_determinant(A: Float64[np.ndarray, "n n"]):
    return np.linalg.slogdet(A)[1]


def trace_of_inverse(A: Float64[np.ndarray, "n n"]):
    return np.trace(np.linalg.inv(A))


def energy(A: Float64[np.ndarray, "n n"], b: Float64[np.ndarray, "n"]):
    return b @ np.linalg.solve(A, b)


def length(x: Float64[np.ndarray, "n"]):
    return np.linalg.norm(x)


def quadratic_form(x: Float64[np.ndarray, "n"], A: Float64[np.ndarray, "n n"]):
    return x @ A @ x


random = np.random.default_rng(6)
A, b = random.normal(size=(3, 3)) + 3 * np.eye(3), random.normal(size=3)
CASES = {
    "grad(determinant)": [(A,)],
    "grad(log_determinant)": [(A,)],
    "grad(trace_of_inverse)": [(A,)],
    "grad(energy, wrt=('A', 'b'))": [(A, b)],
    "grad(length)": [(b,)],
    "grad(quadratic_form, wrt=('x', 'A'))": [(b, A)],
}


# ---- emitted: grad(determinant)
def grad_determinant(A: Float64[np.ndarray, 'n n']):
    """Gradient of determinant with respect to A."""
    return np.linalg.det(A) * np.linalg.inv(A).T


# ---- emitted: grad(log_determinant)
def grad_log_determinant(A: Float64[np.ndarray, 'n n']):
    """Gradient of log_determinant with respect to A."""
    return np.linalg.inv(A).T


# ---- emitted: grad(trace_of_inverse)
def grad_trace_of_inverse(A: Float64[np.ndarray, 'n n']):
    """Gradient of trace_of_inverse with respect to A."""
    t1 = np.linalg.inv(A)
    return -t1.T @ np.eye(t1.shape[0], t1.shape[1]) @ t1.T


# ---- emitted: grad(energy, wrt=('A', 'b'))
def grad_energy(A: Float64[np.ndarray, 'n n'], b: Float64[np.ndarray, 'n']):
    """Gradient of energy with respect to A and b."""
    # Forward sweep
    t1 = np.linalg.solve(A, b)
    # Reverse sweep
    # return b @ np.linalg.solve(A, b)
    t2 = np.linalg.solve(A.T, b)
    return -np.outer(t2, t1), t1 + t2


# ---- emitted: grad(length)
def grad_length(x: Float64[np.ndarray, 'n']):
    """Gradient of length with respect to x."""
    result = np.linalg.norm(x)
    return x / (result if result else 1.0)


# ---- emitted: grad(quadratic_form, wrt=('x', 'A'))
def grad_quadratic_form(x: Float64[np.ndarray, 'n'], A: Float64[np.ndarray, 'n n']):
    """Gradient of quadratic_form with respect to x and A."""
    return x @ A + A @ x, np.outer(x, x)
