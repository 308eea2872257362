"""An operation of one's own with its gradient, registered in three forms: a line, a template, an opaque function.

The operation keeps the first element of a vector, and zeroes the rest. So does its gradient.
"""

import numpy as np

from s2sad import adjoint, custom_vjp, d, grad, linear


def zero_out(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    return y


def zero_out_by_line(x):
    return zero_out(x)


def zero_out_by_call(x):
    return zero_out(x)


# One line: the adjoint as text over the adjoint `g` of the result.
linear(zero_out_by_line, x="np.where(np.arange(len(x)) == 0, g, 0)")


# A template: its body becomes part of the gradient. `d[y]` is the adjoint of the result, `d[x]` that of the argument.
@adjoint(zero_out)
def _(y, x):
    g = np.zeros_like(x)
    g[0] = d[y][0]
    d[x] = g


# An opaque function, which the gradient calls.
@custom_vjp(zero_out_by_call)
def zero_out_vjp(g, x):
    found = np.zeros_like(x)
    found[0] = g[0]
    return found


def loss_by_line(x: np.ndarray):
    return np.sum(zero_out_by_line(x) ** 3)


def loss_by_template(x: np.ndarray):
    return np.sum(zero_out(x) ** 3)


def loss_by_call(x: np.ndarray):
    return np.sum(zero_out_by_call(x) ** 3)


def main():
    x = np.array([2.0, 3.0, 5.0])
    for loss in (loss_by_line, loss_by_template, loss_by_call):
        gradient = grad(loss)
        print(gradient(x))
        print(gradient.specialisations[0].source, end="\n\n")


if __name__ == "__main__":
    main()
