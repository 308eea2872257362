"""Adjoints and tangents of `scipy.stats` that are longer than a line.

Every function stands alone: it uses numpy and other functions of this file only, so that an emitted file can carry its
source. The normal distribution of vectors: x has them along its last axis; the covariance is a matrix.
"""

from typing import Any

import numpy as np


def normal_residuals(x: Any, mean: Any, cov: Any) -> Any:
    """x less the mean. Raises ValueError for a covariance that is no matrix."""
    if np.ndim(cov) != 2:
        raise ValueError("the covariance must be a matrix, for a derivative")
    return x if mean is None else x - mean


def normal_weighted(x: Any, mean: Any, cov: Any) -> Any:
    """The residuals times the inverse covariance: less the derivative of the logarithm of the density by x."""
    residuals = normal_residuals(x, mean, cov)
    lower = np.tril(cov)
    whole = lower + np.tril(cov, -1).T
    return np.linalg.solve(whole, np.reshape(residuals, (-1, np.shape(cov)[0])).T).T.reshape(np.shape(residuals))


def normal_adjoint_x(g: Any, x: Any, mean: Any, cov: Any) -> Any:
    """The adjoint of x in the logarithm of the density of a normal distribution."""
    return -np.asarray(g)[..., None] * normal_weighted(x, mean, cov)


def normal_adjoint_mean(g: Any, x: Any, mean: Any, cov: Any) -> Any:
    """The adjoint of the mean in the logarithm of the density of a normal distribution."""
    n = np.shape(cov)[0]
    return np.sum(np.reshape(np.asarray(g)[..., None] * normal_weighted(x, mean, cov), (-1, n)), axis=0)


def normal_adjoint_cov(g: Any, x: Any, mean: Any, cov: Any) -> Any:
    """The adjoint of the covariance, on its lower triangle, in the logarithm of the density.

    (w wᵀ - C⁻¹) / 2 for each x, w being the weighted residuals (Petersen and Pedersen, The Matrix Cookbook, 2012, 8.1).
    """
    n = np.shape(cov)[0]
    weighted = np.reshape(normal_weighted(x, mean, cov), (-1, n))
    weights = np.reshape(g, (-1, 1))
    whole = np.tril(cov) + np.tril(cov, -1).T
    symmetric = (weighted * weights).T @ weighted - np.sum(weights) * np.linalg.inv(whole)
    return np.tril(symmetric) - 0.5 * np.diag(np.diag(symmetric))


def normal_tangent_x(x_dot: Any, x: Any, mean: Any, cov: Any) -> Any:
    """The tangent of the logarithm of the density for that of x."""
    return -np.sum(x_dot * normal_weighted(x, mean, cov), axis=-1)


def normal_tangent_cov(cov_dot: Any, x: Any, mean: Any, cov: Any) -> Any:
    """The tangent of the logarithm of the density for that of the covariance, of which the lower triangle counts."""
    whole = np.tril(cov) + np.tril(cov, -1).T
    whole_dot = np.tril(cov_dot) + np.tril(cov_dot, -1).T
    weighted = normal_weighted(x, mean, cov)
    return (np.sum((weighted @ whole_dot) * weighted, axis=-1) - np.trace(np.linalg.solve(whole, whole_dot))) / 2
