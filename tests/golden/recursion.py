"""Functions that call themselves."""

import math


def continued(x: float, n: int):
    if n == 0:
        return x
    return x + 1 / continued(x, n - 1)


def tree(x: float, n: int):
    if n == 0:
        return math.sin(x)
    return tree(0.5 * x, n - 1) * tree(x, n - 1)


CASES = {"grad(continued)": [(1.3, 4)], "grad(tree)": [(0.8, 3)]}


# ---- emitted: grad(continued)
def forward_continued(x: float, n: int, tape: list):
    if n == 0:
        return x
    t1 = forward_continued(x, n - 1, tape)
    tape.append(t1)
    return x + 1 / t1


def reverse_continued(n: int, tape: list, continued_bar: float):
    if n == 0:
        return continued_bar
    t1 = tape.pop()
    return continued_bar + reverse_continued(n - 1, tape, -continued_bar / t1 ** 2)


def grad_continued(x: float, n: int):
    """Gradient of continued with respect to x."""
    tape = []
    forward_continued(x, n, tape)
    return reverse_continued(n, tape, 1.0)


# ---- emitted: grad(tree)
def forward_tree(x: float, n: int, tape: list):
    if n == 0:
        return math.sin(x)
    t1 = forward_tree(0.5 * x, n - 1, tape)
    t2 = forward_tree(x, n - 1, tape)
    tape.append((t1, t2))
    return t1 * t2


def reverse_tree(x: float, n: int, tape: list, tree_bar: float):
    if n == 0:
        return tree_bar * math.cos(x)
    t1, t2 = tape.pop()
    # return tree(0.5 * x, n - 1) * tree(x, n - 1)
    x_bar = reverse_tree(x, n - 1, tape, tree_bar * t1)
    return x_bar + 0.5 * reverse_tree(0.5 * x, n - 1, tape, tree_bar * t2)


def grad_tree(x: float, n: int):
    """Gradient of tree with respect to x."""
    tape = []
    forward_tree(x, n, tape)
    return reverse_tree(x, n, tape, 1.0)
