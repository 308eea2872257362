"""Adjoints and tangents of linear algebra, where they are longer than a line or kinds are unknown.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. Matrices
may be stacked along leading axes, which broadcast. The formulas are those of Giles (2008), "An extended collection of
matrix derivative results for forward and reverse mode algorithmic differentiation", where no other source is named.
"""

from typing import Any

import numpy as np


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over the axes along which an array of this shape was stretched.

    >>> sum_to(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    if np.shape(g) == shape:
        return g
    if not shape:
        return np.sum(g)
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 != g.shape[i]]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)


# Products
def matmul_adjoint_a(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `a @ b` with respect to a, for any ranks: g bᵀ, and an outer product where b is a vector.

    b may be a sparse matrix of SciPy.
    """
    if hasattr(b, "tocsr"):
        return g @ b.T
    if np.ndim(b) == 1:
        return sum_to(np.multiply.outer(g, b), np.shape(a))
    if np.ndim(a) == 1:
        return sum_to((b @ g[..., None])[..., 0], np.shape(a))
    return sum_to(g @ b.mT, np.shape(a))


def matmul_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `a @ b` with respect to b, for any ranks: aᵀ g, and an outer product where a is a vector.

    a may be a sparse matrix of SciPy.
    """
    if hasattr(a, "tocsr"):
        return a.T @ g
    if np.ndim(b) == 1:
        return np.tensordot(g, a, np.ndim(g))
    if np.ndim(a) == 1:
        return sum_to(a[:, None] * g[..., None, :], np.shape(b))
    return sum_to(a.mT @ g, np.shape(b))


def dot_adjoint_a(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.dot(a, b)`, the sum over the last axis of a and the last but one of b, with respect to a."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return sum_to(g * b, np.shape(a))
    if np.ndim(b) == 1:
        return np.multiply.outer(g, b)
    return np.tensordot(g, np.swapaxes(b, -1, -2), np.ndim(b) - 1)


def dot_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.dot(a, b)`, the sum over the last axis of a and the last but one of b, with respect to b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return sum_to(g * a, np.shape(b))
    shared = list(range(np.ndim(a) - 1))
    product = np.tensordot(a, g, (shared, shared))
    return product if np.ndim(b) == 1 else np.moveaxis(product, 0, -2)


def inner_adjoint_a(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.inner(a, b)`, the sum over the last axes, with respect to a."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return sum_to(g * b, np.shape(a))
    return np.tensordot(g, b, np.ndim(b) - 1)


def inner_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.inner(a, b)`, the sum over the last axes, with respect to b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return sum_to(g * a, np.shape(b))
    shared = list(range(np.ndim(a) - 1))
    return np.tensordot(g, a, (shared, shared))


def contracted_axes(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The axes of a and of b, in pairs, over which `np.tensordot(a, b, axes)` sums.

    >>> contracted_axes(np.ones((2, 3)), np.ones((3, 4)), 1)
    ([1], [0])
    """
    if np.ndim(axes) == 0:
        return list(range(np.ndim(a) - int(axes), np.ndim(a))), list(range(int(axes)))
    of_a, of_b = (list(part) if np.ndim(part) else [part] for part in axes)
    return [axis % np.ndim(a) for axis in of_a], [axis % np.ndim(b) for axis in of_b]


def tensordot_adjoint_a(g: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    """The adjoint of `np.tensordot(a, b, axes)` with respect to a: g and b contracted over the axes that b kept."""
    of_a, of_b = contracted_axes(a, b, axes)
    kept_a = [axis for axis in range(np.ndim(a)) if axis not in of_a]
    kept_b = [axis for axis in range(np.ndim(b)) if axis not in of_b]
    product = np.tensordot(g, b, (list(range(len(kept_a), np.ndim(g))), kept_b))
    order = kept_a + [axis for _, axis in sorted(zip(of_b, of_a))]
    return np.transpose(product, [order.index(axis) for axis in range(len(order))])


def tensordot_adjoint_b(g: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    """The adjoint of `np.tensordot(a, b, axes)` with respect to b: g and a contracted over the axes that a kept."""
    of_a, of_b = contracted_axes(a, b, axes)
    kept_a = [axis for axis in range(np.ndim(a)) if axis not in of_a]
    kept_b = [axis for axis in range(np.ndim(b)) if axis not in of_b]
    product = np.tensordot(g, a, (list(range(len(kept_a))), kept_a))
    order = kept_b + [axis for _, axis in sorted(zip(of_a, of_b))]
    return np.transpose(product, [order.index(axis) for axis in range(len(order))])


def kron_adjoint_a(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.kron(a, b)` with respect to a: each block of g times b, summed over the block."""
    rank = max(np.ndim(a), np.ndim(b))
    outer = (1,) * (rank - np.ndim(a)) + np.shape(a)
    inner = (1,) * (rank - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(g, [n for pair in zip(outer, inner) for n in pair])
    spaced = np.reshape(b, [n for m in inner for n in (1, m)])
    return np.reshape((blocks * spaced).sum(axis=tuple(range(1, 2 * rank, 2))), np.shape(a))


def kron_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.kron(a, b)` with respect to b: the sum of the blocks of g, each times its element of a."""
    rank = max(np.ndim(a), np.ndim(b))
    outer = (1,) * (rank - np.ndim(a)) + np.shape(a)
    inner = (1,) * (rank - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(g, [n for pair in zip(outer, inner) for n in pair])
    spaced = np.reshape(a, [n for m in outer for n in (m, 1)])
    return np.reshape((blocks * spaced).sum(axis=tuple(range(0, 2 * rank, 2))), np.shape(b))


def cross_adjoint_a(g: Any, a: Any, b: Any, axis: int | None = None) -> Any:
    """The adjoint of `np.cross(a, b, axis=axis)` with respect to a: b × g. Vectors have three components."""
    axis = -1 if axis is None else axis
    if not np.shape(a)[axis] == np.shape(b)[axis] == 3:
        raise ValueError("the adjoint of numpy.cross needs vectors of three components")
    return sum_to(np.cross(b, g, axis=axis), np.shape(a))


def cross_adjoint_b(g: Any, a: Any, b: Any, axis: int | None = None) -> Any:
    """The adjoint of `np.cross(a, b, axis=axis)` with respect to b: g × a. Vectors have three components."""
    axis = -1 if axis is None else axis
    if not np.shape(a)[axis] == np.shape(b)[axis] == 3:
        raise ValueError("the adjoint of numpy.cross needs vectors of three components")
    return sum_to(np.cross(g, a, axis=axis), np.shape(b))


def matrix_power_adjoint(g: Any, a: Any, n: int) -> Any:
    """The adjoint of `np.linalg.matrix_power(a, n)`: the sum over i of (aᵀ)ⁱ g (aᵀ)ⁿ⁻¹⁻ⁱ."""
    if n < 0:
        inverse = np.linalg.inv(a)
        return -inverse.mT @ matrix_power_adjoint(g, inverse, -n) @ inverse.mT
    total = np.zeros_like(a)
    after = np.linalg.matrix_power(a.mT, 0)
    for _ in range(n):
        # Horner's scheme: total = aᵀ total + g (aᵀ)ⁱ
        total = a.mT @ total + g @ after
        after = after @ a.mT
    return total


def matrix_power_tangent(a_dot: Any, a: Any, n: int) -> Any:
    """The tangent of `np.linalg.matrix_power(a, n)`: the sum over i of aⁱ ȧ aⁿ⁻¹⁻ⁱ."""
    return matrix_power_adjoint(a_dot, a.mT, n)


def multi_dot_adjoint(g: Any, arrays: Any, k: int) -> Any:
    """The adjoint of `np.linalg.multi_dot(arrays)` with respect to arrays[k]: (before)ᵀ g (after)ᵀ."""
    g = np.reshape(g, (np.shape(arrays[0])[0] if np.ndim(arrays[0]) == 2 else 1, -1))
    before = [a if np.ndim(a) == 2 else np.reshape(a, (1, -1)) for a in arrays[:k]]
    after = [a if np.ndim(a) == 2 else np.reshape(a, (-1, 1)) for a in arrays[k + 1 :]]
    for a in before:
        g = a.T @ g
    for a in reversed(after):
        g = g @ a.T
    return np.reshape(g, np.shape(arrays[k]))


# Einstein sums
def einsum_adjoint(g: Any, shape: Any, k: int, subscripts: str, *others: Any) -> Any:
    """The adjoint of operand k of `np.einsum`, of that shape, beside the others, for all that subscripts may say.

    It is an Einstein sum itself: g takes the place of the operand. An ellipsis becomes letters of its own, a letter
    that only this operand has is spread, an operand with repeated letters gets its adjoint on that diagonal.

    >>> einsum_adjoint(np.array([1.0, 2.0]), (2, 2), 0, "ii->i")
    array([[1., 0.],
           [0., 2.]])
    """
    shapes = [*map(np.shape, others[:k]), tuple(shape), *map(np.shape, others[k:])]
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in subscripts]
    most = 0
    for i, term in enumerate(terms):
        if "..." in term:
            count = len(shapes[i]) - len(term) + 3
            most = max(most, count)
            terms[i] = term.replace("...", "".join(free[:count][::-1]))
    if "->" in subscripts:
        output = output.replace("...", "".join(free[:most][::-1]))
    else:
        letters = "".join(terms)
        once = sorted(c for c in set(letters) - set(free[:most]) if letters.count(c) == 1)
        output = "".join(free[:most][::-1] + once)
    own, beside = "".join(dict.fromkeys(terms[k])), terms[:k] + terms[k + 1 :]
    reached = [c for c in own if c in output or any(c in term for term in beside)]
    part = np.einsum(",".join([output, *beside]) + "->" + "".join(reached), g, *others)
    sizes = tuple(max(n for c, n in zip(terms[k], shapes[k]) if c == letter) for letter in own)
    stretched = tuple(i for i, letter in enumerate(reached) if sizes[own.index(letter)] == 1)
    part = part.sum(axis=stretched, keepdims=True) if stretched else part
    lone = tuple(i for i, letter in enumerate(own) if letter not in reached)
    part = np.broadcast_to(np.expand_dims(part, lone), sizes)
    if own == terms[k]:
        return part
    total = np.zeros(shapes[k], part.dtype)
    np.einsum(f"{terms[k]}->{own}", total)[...] = part
    return total


# Solving and decomposing
def solve_adjoint_a(g: Any, a: Any, b: Any, y: Any) -> Any:
    """The adjoint of `y = np.linalg.solve(a, b)` for a: -(a⁻ᵀ g) yᵀ. b is a vector where it has one axis."""
    if np.ndim(b) == 1:
        return -sum_to(np.linalg.solve(a.mT, g[..., None]) * y[..., None, :], np.shape(a))
    return -sum_to(np.linalg.solve(a.mT, g) @ y.mT, np.shape(a))


def solve_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of `np.linalg.solve(a, b)` with respect to b: a⁻ᵀ g. b is a vector where it has one axis."""
    if np.ndim(b) == 1:
        return sum_to(np.linalg.solve(a.mT, g[..., None])[..., 0], np.shape(b))
    return sum_to(np.linalg.solve(a.mT, g), np.shape(b))


def solve_tangent_a(a_dot: Any, a: Any, b: Any, y: Any) -> Any:
    """The tangent of `y = np.linalg.solve(a, b)` for a: -a⁻¹ (ȧ y). b is a vector where it has one axis."""
    if np.ndim(b) == 1:
        return -np.linalg.solve(a, a_dot @ y[..., None])[..., 0]
    return -np.linalg.solve(a, a_dot @ y)


def cholesky_adjoint(g: Any, y: Any, upper: bool = False) -> Any:
    """The adjoint of `y = np.linalg.cholesky(a)`, on the triangle of a that numpy reads, zero on the other.

    Murray (2016), "Differentiation of the Cholesky decomposition": s = y⁻ᵀ Φ(yᵀ g) y⁻¹, where Φ takes the lower
    triangle and half the diagonal.
    """
    if upper:
        return cholesky_adjoint(g.mT, y.mT).mT
    halves = np.tril(np.ones_like(y)) - 0.5 * np.eye(y.shape[-1], dtype=y.dtype)
    inner = halves * (y.mT @ np.tril(g))
    s = np.linalg.solve(y.mT, np.linalg.solve(y.mT.conj(), inner.mT).mT)
    return halves * (s + s.mT.conj())


def cholesky_tangent(a_dot: Any, y: Any, upper: bool = False) -> Any:
    """The tangent of `y = np.linalg.cholesky(a)`: y Φ(y⁻¹ ȧ y⁻ᵀ), from the triangle of ȧ that numpy reads of a."""
    if upper:
        return cholesky_tangent(a_dot.mT, y.mT).mT
    halves = np.tril(np.ones_like(y)) - 0.5 * np.eye(y.shape[-1], dtype=y.dtype)
    lower = halves * a_dot
    half = np.linalg.solve(y, lower + lower.mT.conj())
    return y @ (halves * np.linalg.solve(y, half.mT.conj()).mT.conj())


def by_gaps(m: Any, y0: Any) -> Any:
    """m[i, j] / (y0[j] - y0[i]) off the diagonal, zero on it.

    Eigenvectors of equal eigenvalues are not determined, so they have no derivative: NaN, where m asks for one.
    """
    gaps = y0[..., None, :] - y0[..., :, None]
    lost = (gaps == 0) & ((m != 0) | (m.mT != 0))
    ratio = np.where(lost, np.nan, m / np.where(gaps == 0, 1, gaps))
    return np.where(np.eye(m.shape[-1], dtype=bool), 0, ratio)


def require_no_phases(m: Any) -> None:
    """Raise a ValueError where a result depends on the phases of eigenvectors, which are not determined.

    The diagonal of m = y1ᵀ g1 is then not real.
    """
    phases = np.abs(np.diagonal(m, 0, -2, -1).imag)
    if np.any(phases > 1e3 * np.finfo(m.dtype).eps * np.max(np.abs(m), initial=1.0)):
        raise ValueError("the result depends on the phases of complex eigenvectors, which are not determined")


def eigh_adjoint(g0: Any, g1: Any, y0: Any, y1: Any, UPLO: Any = "L") -> Any:
    """The adjoint of `y0, y1 = np.linalg.eigh(a, UPLO)`, on the triangle that numpy reads, zero on the other.

    conj(y1) (diag(g0) + F ∘ (y1ᵀ g1)) y1ᵀ with F = 1 / (y0[j] - y0[i]). Of complex eigenvectors the phases
    must not matter.
    """
    m = y1.mT @ g1
    require_no_phases(m)
    inner = by_gaps(m, y0)
    s = (y1 * g0[..., None, :] + y1 @ inner.conj()).conj() @ y1.mT
    halves = np.tril(np.ones_like(y1)) - 0.5 * np.eye(y1.shape[-1], dtype=y1.dtype)
    return (halves if UPLO.upper() == "L" else halves.mT) * (s + s.mT.conj())


def eigvalsh_adjoint(g: Any, a: Any, UPLO: Any = "L") -> Any:
    """The adjoint of `np.linalg.eigvalsh(a, UPLO)`, on the triangle that numpy reads: conj(v) diag(g) vᵀ."""
    v = np.linalg.eigh(a, UPLO)[1]
    s = (v * g[..., None, :]).conj() @ v.mT
    halves = np.tril(np.ones_like(v)) - 0.5 * np.eye(v.shape[-1], dtype=v.dtype)
    return (halves if UPLO.upper() == "L" else halves.mT) * (s + s.mT.conj())


def eigh_tangent(a_dot: Any, y0: Any, y1: Any, UPLO: Any = "L") -> Any:
    """The tangents of `y0, y1 = np.linalg.eigh(a, UPLO)`: the diagonal of m = y1ᴴ ȧ y1, and y1 (F ∘ m)."""
    halves = np.tril(np.ones_like(y1)) - 0.5 * np.eye(y1.shape[-1], dtype=y1.dtype)
    half = (halves if UPLO.upper() == "L" else halves.mT) * a_dot
    inner = y1.mT.conj() @ (half + half.mT.conj()) @ y1
    return np.diagonal(inner, 0, -2, -1).real, y1 @ by_gaps(inner, y0)


def eigvalsh_tangent(a_dot: Any, a: Any, UPLO: Any = "L") -> Any:
    """The tangent of `np.linalg.eigvalsh(a, UPLO)`: the diagonal of vᴴ ȧ v."""
    y0, y1 = np.linalg.eigh(a, UPLO)
    return eigh_tangent(a_dot, y0, y1, UPLO)[0]


def pinv_adjoint(g: Any, a: Any, y: Any) -> Any:
    """The adjoint of `y = np.linalg.pinv(a)` where the rank of a does not change.

    Golub and Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares problems", transposed.
    """
    left = np.eye(a.shape[-2], dtype=a.dtype) - a @ y
    right = np.eye(a.shape[-1], dtype=a.dtype) - y @ a
    least = left @ g.mT @ y @ y.mT.conj() + y.mT.conj() @ y @ g.mT @ right
    return -y.mT @ g @ y.mT + least.conj()


# Norms
def norm_axes(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes that `np.linalg.norm(x, axis=axis)` works on, all of them for None, counted from the front."""
    axes = range(np.ndim(x)) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    return tuple(int(k) % np.ndim(x) for k in axes)


def vector_norm_gradient(x: Any, ord: Any, axis: Any = None) -> Any:
    """The gradient of every norm `np.linalg.norm(x, ord, axis)` of vectors along an axis, the only one for None."""
    axis = axis or 0
    if ord is None or ord == 2:
        y = np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
        return x / np.where(y, y, 1)
    if ord == 0:
        return np.zeros_like(x)
    if ord == 1:
        return np.sign(x)
    size = np.abs(x)
    if np.isinf(ord):
        largest, smallest = np.max(size, axis=axis, keepdims=True), np.min(size, axis=axis, keepdims=True)
        chosen = (size == (largest if ord > 0 else smallest)).astype(x.dtype)
        return np.sign(x) * chosen / np.sum(chosen, axis=axis, keepdims=True)
    y = np.linalg.norm(x, ord, axis=axis, keepdims=True)
    ratio = size / np.where(y == 0, 1, y)
    return np.where(ratio > 0, np.sign(x) * np.where(ratio > 0, ratio, 1) ** (ord - 1), 0)


def vector_norm_adjoint(g: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of `np.linalg.norm(x, ord, axis, keepdims)` of vectors along an axis, the only one for None."""
    g = g if keepdims else np.expand_dims(g, axis or 0)
    return g * vector_norm_gradient(x, ord, axis)


def vector_norm_tangent(x_dot: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.linalg.norm(x, ord, axis, keepdims)` of vectors along an axis, the only one for None."""
    return np.sum(vector_norm_gradient(x, ord, axis) * x_dot, axis=axis or 0, keepdims=keepdims)


def norm_gradient(x: Any, ord: Any = None, axis: Any = None) -> Any:
    """The gradient of every norm that `np.linalg.norm(x, ord, axis)` gives with respect to x, in the shape of x.

    Zero where the norm is zero. Ties (the largest of ord inf, equal singular values) are split evenly.
    """
    axes = norm_axes(x, axis)
    if ord is None or ord == "fro":
        y = np.sqrt(np.sum(x * x, axis=axes, keepdims=True))
        return x / np.where(y, y, 1)
    if len(axes) == 1:
        return vector_norm_gradient(x, ord, axes[0])
    x = np.asarray(x)
    size = np.abs(x)
    if ord in (1, -1, np.inf, -np.inf):
        rows, columns = axes if ord in (1, -1) else axes[::-1]
        sums = np.sum(size, axis=rows, keepdims=True)
        extreme = np.max(sums, axis=columns, keepdims=True) if ord > 0 else np.min(sums, axis=columns, keepdims=True)
        chosen = (sums == extreme).astype(x.dtype)
        return np.sign(x) * chosen / np.sum(chosen, axis=columns, keepdims=True)
    u, s, vt = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    return np.moveaxis((u * singular_weights(s, ord, x.shape)[..., None, :]) @ vt, (-2, -1), axes)


def singular_weights(s: Any, ord: Any, shape: Any) -> Any:
    """The derivative of the norm `ord` (2, -2 or "nuc") of a matrix in an array of this shape by its singular values.

    >>> singular_weights(np.array([3.0, 3.0, 1.0]), 2, (3, 3))
    array([0.5, 0.5, 0. ])
    """
    if ord == "nuc":
        weights: Any = (s > np.finfo(s.dtype).eps * s[..., :1] * max(shape)).astype(s.dtype)
        return weights
    extreme = s[..., :1] if ord == 2 else s[..., -1:]
    weights = ((s == extreme) & (s > 0)).astype(s.dtype)
    return weights / np.maximum(np.sum(weights, axis=-1, keepdims=True), 1)


def singular_curvature(d: Any, x: Any, ord: Any) -> Any:
    """The tangent of u diag(w) vᵀ for d, where x = u diag(s) vᵀ are stacked matrices and w depends on s by steps.

    Noferini (2017), "A formula for the Fréchet derivative of a generalized matrix function", theorem 3.4: with
    e = uᵀ d v, the symmetric part of e times (w[i] - w[j]) / (s[i] - s[j]), the other part times
    (w[i] + w[j]) / (s[i] + s[j]), and what is outside u and v times w / s. Zero where a denominator is.
    """
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    w = singular_weights(s, ord, x.shape)
    e = u.mT @ d @ vt.mT
    less, more = s[..., :, None] - s[..., None, :], s[..., :, None] + s[..., None, :]
    symmetric = np.where(less == 0, 0, (w[..., :, None] - w[..., None, :]) / np.where(less == 0, 1, less))
    other = np.where(more == 0, 0, (w[..., :, None] + w[..., None, :]) / np.where(more == 0, 1, more))
    inner = u @ ((symmetric * (e + e.mT) + other * (e - e.mT)) / 2) @ vt
    outer = np.where(s == 0, 0, w / np.where(s == 0, 1, s))[..., None, :]
    left = (d - u @ (u.mT @ d)) @ (vt.mT * outer) @ vt
    return inner + left + (u * outer) @ u.mT @ (d - d @ vt.mT @ vt)


def norm_curvature(x: Any, d: Any, a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """x times the tangent of `norm_gradient(a, ord, axis)` for d; x has the shape of the norm.

    Second derivatives are symmetric, so that it serves for adjoints too. Zero where the norm is zero.
    """
    axes = norm_axes(a, axis)
    x = x if keepdims else np.expand_dims(x, axes)
    is_euclidean = ord is None or ord == "fro" or (len(axes) == 1 and ord == 2)
    if not is_euclidean and len(axes) == 2:
        if ord in (2, -2, "nuc"):
            moved = singular_curvature(np.moveaxis(d, axes, (-2, -1)), np.moveaxis(a, axes, (-2, -1)), ord)
            return x * np.moveaxis(moved, (-2, -1), axes)
        return x * np.zeros_like(a)
    if not is_euclidean and (ord in (0, 1) or np.isinf(ord)):
        return x * np.zeros_like(a)
    # Vectors of length |a|_p: (p - 1) / |a|_p (r^(p - 2) d - v (v · d)) with r = |a| / |a|_p and the gradient v.
    p, size = 2 if is_euclidean else ord, np.abs(a)
    y = np.sqrt(np.sum(a * a, axis=axes, keepdims=True)) if is_euclidean else np.linalg.norm(a, ord, axes[0], True)
    v = norm_gradient(a, ord, axis)
    ratio = size / np.where(y == 0, 1, y)
    power = np.where(ratio > 0, np.where(ratio > 0, ratio, 1) ** (p - 2), p == 2).astype(v.dtype)
    bent = (p - 1) * (power * d - v * np.sum(v * d, axis=axes, keepdims=True))
    return x * np.where(y == 0, 0, bent / np.where(y == 0, 1, y))


def norm_second_tangent(x: Any, d: Any, a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The second derivative of `np.linalg.norm(a, ord, axis, keepdims)` in the directions x and d, of a's shape."""
    axes = norm_axes(a, axis)
    ones = np.ones([1 if k in axes else n for k, n in enumerate(np.shape(a))], np.result_type(a))
    return np.sum(x * norm_curvature(ones, d, a, ord, axis, True), axis=axes, keepdims=keepdims)


def norm_adjoint(g: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of `np.linalg.norm(x, ord, axis, keepdims)`: g times the gradient, zero where the norm is zero."""
    g = g if keepdims else np.expand_dims(g, norm_axes(x, axis))
    return g * norm_gradient(x, ord, axis)


def norm_tangent(x_dot: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.linalg.norm(x, ord, axis, keepdims)`: gradient times x_dot, zero where the norm is zero."""
    return np.sum(norm_gradient(x, ord, axis) * x_dot, axis=norm_axes(x, axis), keepdims=keepdims)
