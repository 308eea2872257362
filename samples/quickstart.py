"""Four plain functions, the text of their derivatives, and their values beside finite differences."""

from s2sad import grad

EPSILON = 0.001


def square(w):
    return w**2


def cube(w):
    return w**3


def identity(w):
    return w


def reciprocal(w):
    return 1 / w


def forward_difference(f, w):
    return (f(w + EPSILON) - f(w)) / EPSILON


def main():
    for J in (square, cube, identity, reciprocal):
        derivative = grad(J)
        print(derivative.source.strip())
        for w in (2.0, 3.0):
            difference = forward_difference(J, w)
            print(f"    w = {w:g}: derivative {derivative(w):.6f}, finite difference {difference:.6f}")
        print()


if __name__ == "__main__":
    main()
