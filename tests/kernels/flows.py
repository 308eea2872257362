"""Fluids, waves and transport on staggered and layered grids, in place."""

import numpy as np

# ---- electromagnetic waves ------------------------------------------------------------------------------------------


def fdtd_2d(ex, ey, hz, source, coefficient):
    """Yee's scheme: two components of the electric field and one of the magnetic, a source on one edge."""
    for t in range(len(source)):
        ey[0, :] = source[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= coefficient * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return np.sum(hz**2) + np.sum(ex * ey)


def update_magnetic(h, e, c):
    """Half a step of the magnetic field."""
    for i in range(len(h) - 1):
        h[i] = h[i] + c * (e[i + 1] - e[i])


def update_electric(e, h, c, loss):
    """Half a step of the electric field in a lossy medium."""
    for i in range(1, len(e)):
        e[i] = loss[i] * e[i] + c * (h[i] - h[i - 1]) / (1.0 + 0.1 * e[i] ** 2)


def fdtd_1d(e, loss, c, steps):
    """Waves on a line in a medium with loss and saturation, with a record of one point."""
    h = np.zeros(len(e))
    seen = np.zeros(steps)
    for t in range(steps):
        update_magnetic(h, e, c)
        update_electric(e, h, c, loss)
        e[0] = e[1]
        seen[t] = e[2]
    return np.sum(seen**2) + np.sum(h * e)


# ---- cavity flow ----------------------------------------------------------------------------------------------------


def build_up_b(b, rho, dt, u, v, dx, dy):
    """The right side of the pressure equation."""
    b[1:-1, 1:-1] = rho * (
        1.0 / dt * ((u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx) + (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy))
        - ((u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)) ** 2
        - 2.0 * ((u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx))
        - ((v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy)) ** 2
    )


def pressure(p, dx, dy, b, iterations):
    """Iterations of the pressure equation; p is zero on the lid, and has no gradient at the other walls."""
    pn = np.empty_like(p)
    for _ in range(iterations):
        pn[:] = p
        p[1:-1, 1:-1] = ((pn[1:-1, 2:] + pn[1:-1, :-2]) * dy**2 + (pn[2:, 1:-1] + pn[:-2, 1:-1]) * dx**2) / (
            2 * (dx**2 + dy**2)
        ) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


def advance(w, wn, u, v, slope, dt, dx, dy, nu):
    """One step of one component of the velocity: advection, pressure, viscosity."""
    c = wn[1:-1, 1:-1]
    w[1:-1, 1:-1] = (
        c
        - u[1:-1, 1:-1] * dt / dx * (c - wn[1:-1, :-2])
        - v[1:-1, 1:-1] * dt / dy * (c - wn[:-2, 1:-1])
        - slope
        + nu * dt / dx**2 * (wn[1:-1, 2:] - 2 * c + wn[1:-1, :-2])
        + nu * dt / dy**2 * (wn[2:, 1:-1] - 2 * c + wn[:-2, 1:-1])
    )


def cavity_flow(u, v, p, lid, rho, nu, steps):
    """The kinetic energy in a box of fluid that is dragged along by its lid."""
    rows, columns = u.shape
    dx = 2.0 / (columns - 1)
    dy = 2.0 / (rows - 1)
    dt = 0.01
    b = np.zeros((rows, columns))
    for _ in range(steps):
        un = u.copy()
        vn = v.copy()
        build_up_b(b, rho, dt, u, v, dx, dy)
        pressure(p, dx, dy, b, 3)
        along_x = dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
        along_y = dt / (2 * rho * dy) * (p[2:, 1:-1] - p[:-2, 1:-1])
        advance(u, un, un, vn, along_x, dt, dx, dy, nu)
        advance(v, vn, un, vn, along_y, dt, dx, dy, nu)
        u[0, :] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1, :] = lid
        v[0, :] = v[-1, :] = 0
        v[:, 0] = 0
        v[:, -1] = 0
    return 0.5 * np.sum(u * u + v * v)


# ---- vertical advection ---------------------------------------------------------------------------------------------


def eliminate(ccol, dcol, wcon, u, dt):
    """Forward elimination of the implicit scheme, from the lowest layer up."""
    layers = u.shape[2]
    for k in range(layers):
        if k == 0:
            gcv = 0.25 * (wcon[1:, :, 1] + wcon[:-1, :, 1])
            ccol[:, :, 0] = gcv * 0.5
            bcol = dt - ccol[:, :, 0]
            dcol[:, :, 0] = dt * u[:, :, 0] - gcv * 0.5 * (u[:, :, 1] - u[:, :, 0])
            divided = 1.0 / bcol
            ccol[:, :, 0] = ccol[:, :, 0] * divided
            dcol[:, :, 0] = dcol[:, :, 0] * divided
        elif k < layers - 1:
            gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
            gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
            acol = gav * 0.5
            ccol[:, :, k] = gcv * 0.5
            bcol = dt - acol - ccol[:, :, k]
            dcol[:, :, k] = dt * u[:, :, k] + gav * 0.5 * (u[:, :, k - 1] - u[:, :, k])
            dcol[:, :, k] -= gcv * 0.5 * (u[:, :, k + 1] - u[:, :, k])
            divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
            ccol[:, :, k] *= divided
            dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
        else:
            gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
            acol = gav * 0.5
            bcol = dt - acol
            dcol[:, :, k] = dt * u[:, :, k] + gav * 0.5 * (u[:, :, k - 1] - u[:, :, k])
            divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
            dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided


def substitute_back(tendency, ccol, dcol, u, dt):
    """Back substitution, from the uppermost layer down; the tendency is written."""
    layers = u.shape[2]
    datacol = np.empty(u.shape[:2])
    for k in range(layers - 1, -1, -1):
        if k == layers - 1:
            datacol[:] = dcol[:, :, k]
        else:
            datacol[:] = dcol[:, :, k] - ccol[:, :, k] * datacol
        tendency[:, :, k] = dt * (datacol - u[:, :, k])


def vertical_advection(u, wcon, dt):
    """The sum of squares of the tendency that implicit advection through layers gives."""
    ccol = np.zeros(u.shape)
    dcol = np.zeros(u.shape)
    tendency = np.zeros(u.shape)
    eliminate(ccol, dcol, wcon, u, dt)
    substitute_back(tendency, ccol, dcol, u, dt)
    return np.sum(tendency**2)
