"""Small systems in time: Lorenz, a Runge-Kutta step, a pendulum, a filter."""

import math

import numpy as np
from jaxtyping import Float64


def lorenz(x: float, y: float, z: float, rho: float, n: int):
    for i in range(n):
        dx = 10.0 * (y - x)
        dy = x * (rho - z) - y
        dz = x * y - 8 / 3 * z
        x, y, z = x + 0.01 * dx, y + 0.01 * dy, z + 0.01 * dz
    return x


def decay(y: float, k: float):
    return -k * y * y


def runge_kutta(y: float, k: float, h: float):
    k1 = decay(y, k)
    k2 = decay(y + 0.5 * h * k1, k)
    k3 = decay(y + 0.5 * h * k2, k)
    k4 = decay(y + h * k3, k)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def pendulum(theta: float, omega: float, n: int, h: float):
    for i in range(n):
        omega = omega - h * math.sin(theta)
        theta = theta + h * omega
    return 0.5 * omega ** 2 - math.cos(theta)


def filtered(z: Float64[np.ndarray, "n"], q: float, r: float):
    x = 0.0
    p = 1.0
    loss = 0.0
    for i in range(len(z)):
        p = p + q
        gain = p / (p + r)
        error = z[i] - x
        loss += error ** 2 / (p + r)
        x = x + gain * error
        p = (1 - gain) * p
    return loss


CASES = {
    "grad(lorenz, wrt=('x', 'rho'))": [(1.0, 2.0, 3.0, 28.0, 5)],
    "grad(runge_kutta, wrt=('y', 'k'))": [(1.0, 0.5, 0.1)],
    "grad(pendulum, wrt=('theta', 'omega'))": [(0.5, 0.1, 4, 0.1)],
    "grad(filtered, wrt=('q', 'r'))": [(np.array([0.3, 0.5, 0.2, 0.9]), 0.1, 0.5)],
}


# ---- emitted: grad(lorenz, wrt=('x', 'rho'))
def grad_lorenz(x: float, y: float, z: float, rho: float, n: int):
    """Gradient of lorenz with respect to x and rho."""
    # Forward sweep
    x_tape = []
    y_tape = []
    t_tape = []
    for i in range(n):
        t1 = rho - z
        dz = x * y - 8 / 3 * z
        z = z + 0.01 * dz
        x_tape.append(x)
        dx = 10.0 * (y - x)
        dy = x * t1 - y
        x = x + 0.01 * dx
        y_tape.append(y)
        y = y + 0.01 * dy
        t_tape.append(t1)
    # Reverse sweep
    x_bar = 1.0
    y_bar = 0.0
    rho_bar = 0.0
    z_bar = 0.0
    for i in range(n - 1, -1, -1):
        t2 = t_tape.pop()
        # x, y, z = x + 0.01 * dx, y + 0.01 * dy, z + 0.01 * dz
        y = y_tape.pop()
        x = x_tape.pop()
        dz_bar = 0.01 * z_bar
        dy_bar = 0.01 * y_bar
        # dy = x * (rho - z) - y
        t3_bar = dy_bar * x
        rho_bar += t3_bar
        z_bar = z_bar - 8 * dz_bar / 3 - t3_bar
        # dx = 10.0 * (y - x)
        t4_bar = 0.1 * x_bar
        y_bar = y_bar + dz_bar * x - dy_bar + t4_bar
        x_bar = x_bar + dz_bar * y + dy_bar * t2 - t4_bar
    return x_bar, rho_bar


# ---- emitted: grad(runge_kutta, wrt=('y', 'k'))
def reverse_decay(y: float, k: float, decay_bar: float):
    # return -k * y * y
    t1_bar = decay_bar * y
    return -decay_bar * k * y - t1_bar * k, -t1_bar * y


def grad_runge_kutta(y: float, k: float, h: float):
    """Gradient of runge_kutta with respect to y and k."""
    # Forward sweep
    k1 = decay(y, k)
    t1 = 0.5 * h
    t2 = y + t1 * k1
    k2 = decay(t2, k)
    t3 = y + t1 * k2
    k3 = decay(t3, k)
    # Reverse sweep
    # return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    k4_bar = h / 6
    k3_bar = 2 * k4_bar
    # k4 = decay(y + h * k3, k)
    t4_bar, k_bar = reverse_decay(y + h * k3, k, k4_bar)
    # k3 = decay(y + 0.5 * h * k2, k)
    t5_bar, t6_bar = reverse_decay(t3, k, k3_bar + t4_bar * h)
    # k2 = decay(y + 0.5 * h * k1, k)
    t7_bar, t8_bar = reverse_decay(t2, k, k3_bar + t5_bar * t1)
    # k1 = decay(y, k)
    t9_bar, t10_bar = reverse_decay(y, k, k4_bar + t7_bar * t1)
    return 1.0 + t4_bar + t5_bar + t7_bar + t9_bar, k_bar + t6_bar + t8_bar + t10_bar


# ---- emitted: grad(pendulum, wrt=('theta', 'omega'))
def grad_pendulum(theta: float, omega: float, n: int, h: float):
    """Gradient of pendulum with respect to theta and omega."""
    # Forward sweep
    theta_tape = []
    for i in range(n):
        omega = omega - h * math.sin(theta)
        theta_tape.append(theta)
        theta = theta + h * omega
    # Reverse sweep
    # return 0.5 * omega ** 2 - math.cos(theta)
    theta_bar = math.sin(theta)
    omega_bar = omega
    for i in range(n - 1, -1, -1):
        # theta = theta + h * omega
        theta = theta_tape.pop()
        omega_bar += theta_bar * h
        # omega = omega - h * math.sin(theta)
        theta_bar -= omega_bar * h * math.cos(theta)
    return theta_bar, omega_bar


# ---- emitted: grad(filtered, wrt=('q', 'r'))
def grad_filtered(z: Float64[np.ndarray, 'n'], q: float, r: float):
    """Gradient of filtered with respect to q and r."""
    # Forward sweep
    x = 0.0
    p = 1.0
    p_tape = []
    for i in range(len(z)):
        p2 = p + q
        gain = p2 / (p2 + r)
        error = z[i] - x
        x = x + gain * error
        p = (1 - gain) * p2
        p_tape.append((p2, error))
    # Reverse sweep
    r_bar = 0.0
    x_bar = 0.0
    p_bar = 0.0
    q_bar = 0.0
    for i in range(len(z) - 1, -1, -1):
        p, error = p_tape.pop()
        # p = (1 - gain) * p
        t1 = p + r
        gain = p / t1
        # x = x + gain * error
        gain_bar = -p_bar * p + x_bar * error
        # loss += error ** 2 / (p + r)
        t2 = 1 / t1
        t3 = t1 ** 2
        t4_bar = -error ** 2 / t3
        # error = z[i] - x
        x_bar -= x_bar * gain + 2 * t2 * error
        # gain = p / (p + r)
        t5_bar = -gain_bar * p / t3
        p2_bar = p_bar * (1 - gain) + t4_bar + gain_bar * t2 + t5_bar
        r_bar += t4_bar + t5_bar
        # p = p + q
        p_bar = p2_bar
        q_bar += p2_bar
    return q_bar, r_bar
