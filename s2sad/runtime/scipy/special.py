"""Derivatives of special functions that are longer than a line.

Every function stands alone: it uses numpy, scipy and other functions of this file only, so that an emitted file can
carry its source.
"""

from typing import Any

import numpy as np
from scipy import special


def multidigamma(a: Any, d: int) -> Any:
    """The derivative of `scipy.special.multigammaln`: the sum of digamma(a - j / 2) for j from 0 to d - 1.

    >>> bool(np.isclose(multidigamma(3.0, 2), special.digamma(3.0) + special.digamma(2.5)))
    True
    """
    total = special.digamma(a)
    for j in range(1, d):
        total = total + special.digamma(a - j / 2)
    return total


def ellipkinc_by_m(phi: Any, m: Any) -> Any:
    """The derivative of Legendre's F(phi, m) by the parameter m, by Carlson's R_D, which is not singular at m = 0.

    For |phi| <= pi / 2 it is sin(phi)³ R_D(cos(phi)², 1, 1 - m sin(phi)²) / 6 (DLMF 19.25.5 with 19.18.1); each further
    half period adds the complete one.

    >>> float(round(ellipkinc_by_m(np.pi / 2, 0.0), 12)) == round(np.pi / 8, 12)
    True
    """
    periods = np.round(phi / np.pi)
    s = np.sin(phi - periods * np.pi)
    part = s**3 * special.elliprd(1 - s**2, 1, 1 - m * s**2)
    return (part + 2 * periods * special.elliprd(0, 1, 1 - m)) / 6


def ellipeinc_by_m(phi: Any, m: Any) -> Any:
    """The derivative of Legendre's E(phi, m) by the parameter m, by Carlson's R_D (DLMF 19.25.9 with 19.4.2).

    >>> float(round(ellipeinc_by_m(np.pi / 2, 0.0), 12)) == round(-np.pi / 8, 12)
    True
    """
    periods = np.round(phi / np.pi)
    s = np.sin(phi - periods * np.pi)
    part = s**3 * special.elliprd(1 - s**2, 1 - m * s**2, 1)
    return -(part + 2 * periods * special.elliprd(0, 1 - m, 1)) / 6
