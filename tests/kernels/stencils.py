"""Relaxation and diffusion on regular grids, in place."""

import numpy as np

# ---- Jacobi, one dimension: two buffers, filled in turn -------------------------------------------------------------


def relax_line(target, source, forcing):
    """One Jacobi step of -u'' = f on the inner points; the ends keep what they have."""
    n = len(source)
    for i in range(1, n - 1):
        target[i] = 0.5 * (source[i - 1] + source[i + 1] + forcing[i])


def jacobi_1d(u, forcing, steps):
    """The energy of u after `steps` pairs of Jacobi steps."""
    work = u.copy()
    for _ in range(steps):
        relax_line(work, u, forcing)
        relax_line(u, work, forcing)
    return np.sum(u * u)


def jacobi_1d_swapped(u, conductivity, steps):
    """The same with slices, buffers that are swapped, and a conductivity that depends on u."""
    old = u.copy()
    new = u.copy()
    for _ in range(steps):
        flux = conductivity[1:] * (old[1:] - old[:-1]) / (1.0 + old[1:] ** 2)
        new[1:-1] = old[1:-1] + 0.2 * (flux[1:] - flux[:-1])
        old, new = new, old
    return np.sum(old * np.sin(old))


# ---- Jacobi, two dimensions -----------------------------------------------------------------------------------------


def set_walls(p, left, right):
    """Fixed values on two sides, no flux through the two others."""
    p[:, 0] = left
    p[:, -1] = right
    p[0, :] = p[1, :]
    p[-1, :] = p[-2, :]


def jacobi_2d(p, b, left, right, steps):
    """Laplace's equation with sources, a copy of the last iterate, walls set by a function."""
    for _ in range(steps):
        pn = p.copy()
        p[1:-1, 1:-1] = 0.25 * (pn[1:-1, 2:] + pn[1:-1, :-2] + pn[2:, 1:-1] + pn[:-2, 1:-1] - b[1:-1, 1:-1])
        set_walls(p, left, right)
    return np.sum(p**2) + p[2, 2] * p[1, 1]


# ---- Gauss-Seidel ---------------------------------------------------------------------------------------------------


def smooth_once(u, f, h):
    """One sweep over the inner points, each with the newest neighbours, and the largest change."""
    rows, columns = u.shape
    change = 0.0
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            old = u[i, j]
            u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] + h * h * f[i, j] * u[i, j])
            change += (u[i, j] - old) ** 2
    return change


def seidel(u, f, h, sweeps):
    """Gauss-Seidel sweeps of a Helmholtz equation; the changes are part of the result."""
    changes = np.zeros(sweeps)
    for k in range(sweeps):
        changes[k] = smooth_once(u, f, h)
    return np.sum(u * f) + np.sum(np.sqrt(changes))


def red_black(u, f, sweeps):
    """Gauss-Seidel with slices: first the points of one colour, then those of the other."""
    for _ in range(sweeps):
        for first in (1, 2):
            points = slice(first, -1, 2)
            u[points] = 0.5 * (u[first - 1 : -2 : 2] + u[first + 1 :: 2]) + f[points] * u[points]
    return np.sum(u**2)


# ---- heat, three dimensions -----------------------------------------------------------------------------------------


def diffuse(out, a, kappa):
    """One explicit step of the heat equation on the inner points."""
    c = a[1:-1, 1:-1, 1:-1]
    out[1:-1, 1:-1, 1:-1] = c + kappa * (
        (a[2:, 1:-1, 1:-1] - 2.0 * c + a[:-2, 1:-1, 1:-1])
        + (a[1:-1, 2:, 1:-1] - 2.0 * c + a[1:-1, :-2, 1:-1])
        + (a[1:-1, 1:-1, 2:] - 2.0 * c + a[1:-1, 1:-1, :-2])
    )


def heat_3d(a, kappa, steps):
    """Two grids, each computed from the other."""
    b = a.copy()
    for _ in range(1, steps):
        diffuse(b, a, kappa)
        diffuse(a, b, kappa)
    return np.sum(a**2) + np.sum(b[1])


# ---- alternating directions -----------------------------------------------------------------------------------------


def sweep_columns(u, v, p, q, a, b):
    """Solve a tridiagonal system for each column: forward elimination into p and q, then back substitution."""
    n = u.shape[0]
    for i in range(1, n - 1):
        v[0, i] = 1.0
        p[i, 0] = 0.0
        q[i, 0] = v[0, i]
        for j in range(1, n - 1):
            p[i, j] = -b / (b * p[i, j - 1] + a)
            q[i, j] = (u[j, i - 1] + u[j, i + 1] - u[j, i] - b * q[i, j - 1]) / (b * p[i, j - 1] + a)
        v[n - 1, i] = 1.0
        for j in range(n - 2, 0, -1):
            v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]


def adi(u, a, b, steps):
    """Alternating directions: columns of u into v, then, with the transposes, rows of v into u."""
    v = np.zeros_like(u)
    p = np.zeros_like(u)
    q = np.zeros_like(u)
    for _ in range(steps):
        sweep_columns(u, v, p, q, a, b)
        sweep_columns(v.T, u.T, p, q, a, b)
    return np.sum(u**2) + np.sum(v * u)
