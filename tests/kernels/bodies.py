"""Particles that attract, collide and leave, in place."""

import numpy as np

# ---- n bodies -------------------------------------------------------------------------------------------------------


def accelerations(position, mass, softening):
    """The acceleration of each body by all the others."""
    acceleration = np.zeros_like(position)
    n = len(mass)
    for i in range(n):
        for j in range(i + 1, n):
            away = position[j] - position[i]
            inverse = (np.sum(away**2) + softening**2) ** -1.5
            acceleration[i] += mass[j] * inverse * away
            acceleration[j] -= mass[i] * inverse * away
    return acceleration


def n_body(position, velocity, mass, softening, dt, steps):
    """Leapfrog steps; the result is the total energy's kinetic part and a distance."""
    acceleration = accelerations(position, mass, softening)
    for _ in range(steps):
        velocity += acceleration * dt / 2.0
        position += velocity * dt
        acceleration = accelerations(position, mass, softening)
        velocity += acceleration * dt / 2.0
    energy = 0.5 * np.sum(mass * np.sum(velocity**2, axis=1))
    return energy + np.sqrt(np.sum((position[0] - position[1]) ** 2))


def pull(force, position, mass, softening):
    """The same force with arrays of pairs, written into an array of the caller."""
    x = position[:, 0:1]
    y = position[:, 1:2]
    dx = x.T - x
    dy = y.T - y
    inverse = (dx**2 + dy**2 + softening**2) ** -1.5
    force[:, 0:1] = (dx * inverse) @ mass
    force[:, 1:2] = (dy * inverse) @ mass


def n_body_pairs(position, velocity, mass, softening, dt, steps):
    """Bodies in a plane, with momentum taken out first and energies recorded."""
    force = np.zeros_like(position)
    energies = np.zeros(steps + 1)
    velocity -= np.mean(mass * velocity, axis=0) / np.mean(mass)
    pull(force, position, mass, softening)
    for step in range(steps):
        energies[step] = 0.5 * np.sum(mass * velocity**2)
        velocity += force * dt
        position += velocity * dt
        pull(force, position, mass, softening)
    energies[steps] = 0.5 * np.sum(mass * velocity**2)
    return np.sum(energies * energies)


# ---- particles that leave a box -------------------------------------------------------------------------------------


def drift(x, v, drag, dt):
    """Move all particles, slowed by drag."""
    for i in range(len(x)):
        v[i] *= 1.0 - drag * np.abs(v[i]) * dt
        x[i] += v[i] * dt


def bounce(x, v, wall, loss):
    """Particles beyond a wall come back, slower."""
    out = x > wall
    x[out] = 2.0 * wall - x[out]
    v[out] *= -loss


def particles(x, v, drag, wall, loss, steps):
    """Particles in a channel until the first one leaves through the open end, or time is up."""
    dt = 0.1
    travelled = np.zeros_like(x)
    for step in range(steps):
        before = x.copy()
        drift(x, v, drag, dt)
        bounce(x, v, wall, loss)
        travelled += (x - before) ** 2
        if np.min(x) < 0.0:
            break
    return np.sum(travelled) + np.sum(x * v) + 0.01 * step


def shower(start, speed, gravity, ground, steps):
    """One particle after the other, each until it meets the ground; where and how fast it arrives is kept."""
    arrival = np.zeros((len(start), 2))
    dt = 0.05
    for k in range(len(start)):
        height = start[k]
        fall = speed[k]
        for step in range(steps):
            fall = fall + (gravity - 0.3 * fall * np.abs(fall)) * dt
            lower = height - fall * dt
            if lower < ground:
                fraction = (height - ground) / (height - lower)
                arrival[k, 0] = (step + fraction) * dt
                arrival[k, 1] = fall
                break
            height = lower
        else:
            arrival[k, 0] = height
    return np.sum(arrival[:, 0] * arrival[:, 1]) + np.sum(arrival**2)
