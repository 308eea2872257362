"""Loops that are left early, and trips that are cut short."""

import math

import numpy as np
from jaxtyping import Float64


def newton(x: float, a: float, tol: float):
    for i in range(50):
        r = x * x - a
        if abs(r) < tol:
            break
        x = x - r / (2 * x)
    return x


def relax(u: Float64[np.ndarray, "n"], f: Float64[np.ndarray, "n"], h2: float, tol: float, maxit: int):
    """Relax -u'' = f exp(u), each time into a new array."""
    k = 0
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * f[1:-1] * np.exp(u[1:-1]))
        r = np.max(np.abs(new - u[1:-1]))
        u = np.concatenate([u[:1], new, u[-1:]])
        k += 1
        if r < tol:
            break
    return np.sum(u**2)


def odd_sines(x: float, n: int):
    s = 1.0
    for i in range(n):
        if i % 2 == 0:
            continue
        s = s * math.sin(x * i)
    return s


def first_above(x: float, limit: float, n: int):
    for i in range(n):
        for j in range(i):
            x = x * 1.3
            if x > limit:
                return x * j
    return x


def settle(x: float, n: int):
    for i in range(n):
        x = math.sin(x)
        if x < 0.1:
            break
    else:
        x = x * x
    return x * i


def two_exits(x: float, low: float, high: float):
    while True:
        x = x * x
        if x > high:
            break
        if x < low:
            return x + 1
        x = x * 1.4
    return 2 * x


def fixed_point(x: float, tol: float):
    while (step := math.cos(x) - x) > tol:
        x = x + 0.6 * step
    return x


def chosen(x: float, n: int):
    with np.errstate(all="ignore"):
        match n:
            case 0:
                return x
            case 1 | 2:
                return x**n
            case k if k > 5:
                x = math.sin(x)
    return x * x


CASES = {
    "grad(newton, wrt=('x', 'a'))": [(1.3, 2.0, 1e-2), (1.3, 2.0, 5.0)],
    "grad(relax, wrt=('u', 'f'))": [
        (np.sin(np.linspace(0, 3, 6)), np.cos(np.linspace(0, 3, 6)), 0.01, 1e-2, 9),
        (np.sin(np.linspace(0, 3, 6)), np.cos(np.linspace(0, 3, 6)), 0.01, 1e-2, 0),
    ],
    "grad(odd_sines)": [(0.7, 5), (0.7, 0)],
    "grad(first_above)": [(0.7, 2.0, 4), (0.7, 90.0, 4)],
    "grad(settle)": [(0.7, 3), (0.05, 3)],
    "grad(two_exits)": [(0.9, 0.1, 3.0), (1.1, 0.1, 3.0)],
    "grad(fixed_point)": [(0.1, 0.05), (0.1, 5.0)],
    "grad(chosen)": [(0.7, 0), (0.7, 2), (0.7, 4), (0.7, 7)],
    "jvp(newton)": [(1.3, 2.0, 1e-2, 0.7)],
}


# ---- emitted: grad(newton, wrt=('x', 'a'))
def grad_newton(x: float, a: float, tol: float):
    """Gradient of newton with respect to x and a."""
    # Forward sweep
    x_tape = []
    for i in range(50):
        r = x * x - a
        if abs(r) < tol:
            break
        x_tape.append(x)
        x = x - r / (2 * x)
    # Reverse sweep
    x_bar = 1.0
    a_bar = 0.0
    while x_tape:
        # x = x - r / (2 * x)
        x = x_tape.pop()
        t1_bar = -x_bar
        t2 = 2 * x
        r_bar = t1_bar / t2
        # r = x * x - a
        a_bar -= r_bar
        x_bar = x_bar - 2 * t1_bar * (x * x - a) / t2 ** 2 + 2 * r_bar * x
    return x_bar, a_bar


# ---- emitted: grad(relax, wrt=('u', 'f'))
def grad_relax(u: Float64[np.ndarray, 'n'], f: Float64[np.ndarray, 'n'], h2: float, tol: float, maxit: int):
    """Gradient of relax with respect to u and f."""
    # Forward sweep
    k = 0
    u_tape = []
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * f[1:-1] * np.exp(u[1:-1]))
        u_tape.append(u)
        r = np.max(np.abs(new - u[1:-1]))
        u = np.concatenate([u[:1], new, u[-1:]])
        k += 1
        if r < tol:
            break
    # Reverse sweep
    # return np.sum(u**2)
    u_bar = 2 * u
    f_bar = np.zeros_like(f)
    while u_tape:
        # u = np.concatenate([u[:1], new, u[-1:]])
        u = u_tape.pop()
        t1 = u[:-2] + u[2:]
        t2 = h2 * f[1:-1]
        t3 = np.exp(u[1:-1])
        t4 = t2 * t3
        t5 = len(u[:1])
        t6 = t5 + len(0.5 * (t1 + t4))
        t7_bar = u_bar[:t5]
        new_bar = u_bar[t5:t6]
        t8_bar = u_bar[t6:]
        u_bar = np.zeros_like(u)
        u_bar[-1:] += t8_bar
        u_bar[:1] += t7_bar
        # new = 0.5 * (u[:-2] + u[2:] + h2 * f[1:-1] * np.exp(u[1:-1]))
        t9_bar = 0.5 * new_bar
        t10_bar = unbroadcast(t9_bar, t1)
        t11_bar = unbroadcast(t9_bar, t4)
        u_bar[1:-1] += unbroadcast(t11_bar * t2, t3) * t3
        f_bar[1:-1] += h2 * unbroadcast(t11_bar * t3, f[1:-1])
        u_bar[2:] += unbroadcast(t10_bar, u[2:])
        u_bar[:-2] += unbroadcast(t10_bar, u[:-2])
    return np.copy(u_bar), f_bar


# ---- emitted: grad(odd_sines)
def grad_odd_sines(x: float, n: int):
    """Gradient of odd_sines with respect to x."""
    # Forward sweep
    s = 1.0
    s_tape = []
    for i in range(n):
        if i % 2 == 0:
            continue
        s_tape.append(s)
        s = s * math.sin(x * i)
    # Reverse sweep
    s_bar = 1.0
    x_bar = 0.0
    for i in range(n - 1, -1, -1):
        if not i % 2 == 0:
            # s = s * math.sin(x * i)
            s = s_tape.pop()
            t1 = x * i
            t2_bar = s_bar * s
            s_bar *= math.sin(t1)
            x_bar += t2_bar * math.cos(t1) * i
    return x_bar


# ---- emitted: grad(first_above)
def grad_first_above(x: float, limit: float, n: int):
    """Gradient of first_above with respect to x."""
    # Forward sweep
    returned = False
    t_tape = []
    k_tape = []
    for i in range(n):
        k = 0
        for j in range(i):
            k += 1
            x = x * 1.3
            t1 = x > limit
            t_tape.append(t1)
            if t1:
                returned = True
                break
        k_tape.append(k)
        if returned:
            break
    # Reverse sweep
    if returned:
        result_bar = 1.0
        x_bar = 0.0
    else:
        # return x
        x_bar = 1.0
        result_bar = 0.0
    while k_tape:
        k = k_tape.pop()
        for j in range(k - 1, -1, -1):
            t2 = t_tape.pop()
            if t2:
                # return x * j
                x_bar += result_bar * j
                result_bar = 0.0
            # x = x * 1.3
            x_bar *= 1.3
    return x_bar


# ---- emitted: grad(settle)
def grad_settle(x: float, n: int):
    """Gradient of settle with respect to x."""
    # Forward sweep
    broken = False
    x_tape = []
    for i in range(n):
        x_tape.append(x)
        x = math.sin(x)
        if x < 0.1:
            broken = True
            break
    # Reverse sweep
    # return x * i
    x_bar = 1.0 * i
    if not broken:
        # x = x * x
        x_bar = 2 * x_bar * x
    while x_tape:
        # x = math.sin(x)
        x = x_tape.pop()
        x_bar *= math.cos(x)
    return x_bar


# ---- emitted: grad(two_exits)
def grad_two_exits(x: float, low: float, high: float):
    """Gradient of two_exits with respect to x."""
    # Forward sweep
    returned = False
    x_tape = []
    t_tape = []
    t2_tape = []
    while True:
        x_tape.append(x)
        x = x * x
        t1 = x > high
        if t1:
            t2_tape.append(t1)
            break
        t2 = x < low
        t_tape.append(t2)
        if t2:
            returned = True
            t2_tape.append(t1)
            break
        x = x * 1.4
        t2_tape.append(t1)
    # Reverse sweep
    if returned:
        result_bar = 1.0
        x_bar = 0.0
    else:
        # return 2 * x
        x_bar = 2.0
        result_bar = 0.0
    while x_tape:
        t3 = t2_tape.pop()
        if not t3:
            t4 = t_tape.pop()
            if t4:
                # return x + 1
                x_bar += result_bar
                result_bar = 0.0
            else:
                # x = x * 1.4
                x_bar *= 1.4
        # x = x * x
        x = x_tape.pop()
        x_bar = 2 * x_bar * x
    return x_bar


# ---- emitted: grad(fixed_point)
def grad_fixed_point(x: float, tol: float):
    """Gradient of fixed_point with respect to x."""
    # Forward sweep
    x_tape = []
    while True:
        step = math.cos(x) - x
        if not step > tol:
            break
        x_tape.append(x)
        x = x + 0.6 * step
    # Reverse sweep
    x_bar = 1.0
    while x_tape:
        # x = x + 0.6 * step
        x = x_tape.pop()
        step_bar = 0.6 * x_bar
        x_bar = x_bar - step_bar - step_bar * math.sin(x)
    return x_bar


# ---- emitted: grad(chosen)
def grad_chosen(x: float, n: int):
    """Gradient of chosen with respect to x."""
    # Forward sweep
    returned = False
    with np.errstate(all='ignore'):
        if n == 0:
            returned = True
        else:
            if n == 1 or n == 2:
                returned = True
            else:
                if n > 5:
                    x2 = x
                    x = math.sin(x)
                t1 = n > 5
            t2 = n == 1 or n == 2
    # Reverse sweep
    if returned:
        result_bar = 1.0
        x_bar = 0.0
    else:
        # return x * x
        x_bar = 2 * x
        result_bar = 0.0
    with np.errstate(all='ignore'):
        if n == 0:
            # return x
            x_bar += result_bar
        elif t2:
            # return x**n
            x_bar += result_bar * n * (1 if (x, n) == (0, 0) else x) ** (n - 1)
        elif t1:
            # x = math.sin(x)
            x = x2
            x_bar *= math.cos(x)
    return x_bar


# ---- emitted: jvp(newton)
def jvp_newton(x: float, a: float, tol: float, x_dot):
    """Value and directional derivative of newton with respect to x."""
    for i in range(50):
        r = x * x - a
        # r = x * x - a
        t1 = x_dot * x
        if abs(r) < tol:
            break
        t2 = 2 * x
        # x = x - r / (2 * x)
        x_dot -= 2 * t1 / t2 - 2 * x_dot * r / t2 ** 2
        x = x - r / t2
    return x, x_dot
