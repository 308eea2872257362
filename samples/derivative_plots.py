"""Plot sin(x)² and its first three derivatives, each the derivative of the one before."""

import argparse
import math
from pathlib import Path

import numpy as np

from s2sad import grad

LABELS = ("sin(x)²", "first derivative", "second derivative", "third derivative")


def sine_squared(x: float):
    return math.sin(x) ** 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("derivatives.png"), help="the PNG file to write")
    output = parser.parse_args().output

    first = grad(sine_squared)
    second = grad(first)
    third = grad(second)
    curves = dict(zip(LABELS, (sine_squared, first, second, third)))
    for label, curve in curves.items():
        print(f"{label} at pi/4: {curve(math.pi / 4):.6f}")
    save_plot(curves, output)
    print(f"saved {output}")


def save_plot(curves, output):
    """Draw each curve over 100 points from -2π to 2π, and save the picture."""
    # Imported here, so that `s2sad show` can read this file where only s2sad is installed.
    from matplotlib.figure import Figure

    points = np.linspace(-2 * math.pi, 2 * math.pi, 100).tolist()
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for label, curve in curves.items():
        axes.plot(points, [curve(x) for x in points], label=label)
    axes.set_xlabel("x")
    axes.legend()
    figure.savefig(output, format="png")


if __name__ == "__main__":
    main()
