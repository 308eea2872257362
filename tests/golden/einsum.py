"""Sums over named indices."""

import numpy as np
from jaxtyping import Float64


def bilinear(x: Float64[np.ndarray, "n"], A: Float64[np.ndarray, "n m"], y: Float64[np.ndarray, "m"]):
    return np.einsum("i,ij,j->", x, A, y)


def batch(A: Float64[np.ndarray, "b n m"], B: Float64[np.ndarray, "b m k"]):
    return np.sum(np.einsum("bij,bjk->bik", A, B) ** 2)


random = np.random.default_rng(7)
CASES = {
    "grad(bilinear, wrt=('x', 'A', 'y'))": [(random.normal(size=3), random.normal(size=(3, 2)), random.normal(size=2))],
    "grad(batch, wrt=('A', 'B'))": [(random.normal(size=(2, 3, 2)), random.normal(size=(2, 2, 4)))],
}


# ---- emitted: grad(bilinear, wrt=('x', 'A', 'y'))
def grad_bilinear(x: Float64[np.ndarray, 'n'], A: Float64[np.ndarray, 'n m'], y: Float64[np.ndarray, 'm']):
    """Gradient of bilinear with respect to x, A and y."""
    return np.einsum(',ij,j->i', 1.0, A, y), np.einsum(',i,j->ij', 1.0, x, y), np.einsum(',i,ij->j', 1.0, x, A)


# ---- emitted: grad(batch, wrt=('A', 'B'))
def grad_batch(A: Float64[np.ndarray, 'b n m'], B: Float64[np.ndarray, 'b m k']):
    """Gradient of batch with respect to A and B."""
    # return np.sum(np.einsum("bij,bjk->bik", A, B) ** 2)
    t1_bar = 2 * np.einsum('bij,bjk->bik', A, B)
    return np.einsum('bik,bjk->bij', t1_bar, B), np.einsum('bik,bij->bjk', t1_bar, A)
