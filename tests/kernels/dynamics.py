"""Differential equations and filters over time, with histories that are filled in place."""

import numpy as np

# ---- Runge and Kutta ------------------------------------------------------------------------------------------------


def predator_prey(state, rates, slope):
    """The slope of Lotka and Volterra's equations, into an array of the caller."""
    slope[0] = rates[0] * state[0] - rates[1] * state[0] * state[1]
    slope[1] = rates[2] * state[0] * state[1] - rates[3] * state[1]


def rk4_step(state, rates, h, k, trial):
    """One classical step in place; the rows of k hold the four slopes."""
    predator_prey(state, rates, k[0])
    trial[:] = state + 0.5 * h * k[0]
    predator_prey(trial, rates, k[1])
    trial[:] = state + 0.5 * h * k[1]
    predator_prey(trial, rates, k[2])
    trial[:] = state + h * k[2]
    predator_prey(trial, rates, k[3])
    state += h / 6.0 * (k[0] + 2.0 * k[1] + 2.0 * k[2] + k[3])


def rk4(state, rates, data, h):
    """Squared distance of a trajectory from data."""
    k = np.zeros((4, 2))
    trial = np.zeros(2)
    misfit = 0.0
    for row in data:
        rk4_step(state, rates, h, k, trial)
        misfit += np.sum((state - row) ** 2)
    return misfit


# ---- Lorenz ---------------------------------------------------------------------------------------------------------


def lorenz(start, sigma, rho, beta, h, steps):
    """A trajectory of Lorenz's equations by Euler's method, and its mean height."""
    path = np.empty((steps + 1, 3))
    path[0] = start
    for t in range(steps):
        x, y, z = path[t]
        path[t + 1, 0] = x + h * sigma * (y - x)
        path[t + 1, 1] = y + h * (x * (rho - z) - y)
        path[t + 1, 2] = z + h * (x * y - beta * z)
    return np.mean(path[:, 2]) + np.sum(path[-1] ** 2)


def lorenz_96(x, forcing, h, steps):
    """Lorenz's model of weather on a circle, wrapped indices, midpoint rule in place."""
    n = len(x)
    slope = np.zeros(n)
    middle = np.zeros(n)
    for _ in range(steps):
        for i in range(n):
            slope[i] = (x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + forcing
        middle[:] = x + 0.5 * h * slope
        for i in range(n):
            slope[i] = (middle[(i + 1) % n] - middle[i - 2]) * middle[i - 1] - middle[i] + forcing
        x += h * slope
    return np.sum(x**2)


# ---- Kalman filter --------------------------------------------------------------------------------------------------


def predict(x, p, f, q):
    """State and covariance one step later, in place."""
    x[:] = f @ x
    p[:, :] = f @ p @ f.T + q


def update(x, p, h, r, z):
    """State and covariance given a measurement, in place; the measurement's log likelihood."""
    innovation = z - h @ x
    s = h @ p @ h.T + r
    gain = np.linalg.solve(s, h @ p).T
    x += gain @ innovation
    p -= gain @ h @ p
    return -0.5 * (innovation @ np.linalg.solve(s, innovation) + np.log(np.linalg.det(s)))


def kalman(x, p, f, q, h, r, measured):
    """The log likelihood of measurements, and the last state."""
    total = 0.0
    states = np.zeros((len(measured), len(x)))
    for k, z in enumerate(measured):
        predict(x, p, f, q)
        total += update(x, p, h, r, z)
        states[k] = x
    return total + np.sum(states[-1] * states[0]) + p[0, 1]
