"""Aim a throw by gradient descent: the gradient runs backwards through a simulated flight."""

import math

from s2sad import value_and_grad

STEPS = 100
RATE = 0.05


def miss(vx: float, vy: float, target_x: float = 20.0, target_y: float = 3.0):
    """Squared distance (m²) to the target after two seconds, for a throw at vx, vy (m/s) against the drag of air."""
    dt = 0.01
    x = 0.0
    y = 0.0
    for _ in range(200):
        drag = 0.02 * math.sqrt(vx * vx + vy * vy)
        vx = vx - dt * drag * vx
        vy = vy - dt * (drag * vy + 9.81)
        x = x + dt * vx
        y = y + dt * vy
    return (x - target_x) ** 2 + (y - target_y) ** 2


def main():
    miss_and_gradient = value_and_grad(miss, wrt=("vx", "vy"))
    vx, vy = 5.0, 5.0
    for step in range(STEPS + 1):
        value, (vx_bar, vy_bar) = miss_and_gradient(vx, vy)
        if step % 20 == 0:
            print(f"step {step:3d}: loss {value:.3e}, vx {vx:.4f}, vy {vy:.4f}")
        vx, vy = vx - RATE * vx_bar, vy - RATE * vy_bar


if __name__ == "__main__":
    main()
