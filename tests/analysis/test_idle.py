"""Loops of the forward sweep that are not run, and those that look like it and are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from programs import oracle

import s2sad

POINTS = np.array([[0.3, 1.2], [-0.4, 0.8], [1.1, -0.7], [2.0, 0.1]])


def pair_energy(pos: Any) -> Any:
    energy = 0.0
    for i in range(len(pos)):
        for j in range(i + 1, len(pos)):
            r = pos[i] - pos[j]
            energy += 1 / math.sqrt(r @ r)
    return energy


def in_a_branch(pos: Any) -> Any:
    total = 0.0
    if len(pos) > 2:
        for p in pos:
            total += math.exp(math.sin(p[0]))
    return total


def two_loops(pos: Any) -> Any:
    total = 0.0
    for p in pos:
        total += np.tanh(p @ p)
    for p in pos:
        total -= np.tanh(p[0]) ** 2
    return total


def carries(pos: Any) -> Any:
    total = 1.0
    for p in pos:
        total *= math.sqrt(p @ p)
    return total


def leaves_its_last(pos: Any) -> Any:
    total, length = 0.0, 0.0
    for p in pos:
        length = math.sqrt(p @ p)
        total += length**2
    return total * length


def read_by_a_test(pos: Any) -> Any:
    total = 0.0
    for p in pos:
        total += math.sqrt(p @ p)
    if total > 1.0:
        return 2 * pos[0, 0] ** 2
    return pos[0, 0]


def read_by_the_next(pos: Any) -> Any:
    total, product = 0.0, 1.0
    for p in pos:
        total += math.sqrt(p @ p)
    for p in pos:
        product *= total * p[0]
    return product


def stops(pos: Any) -> Any:
    total = 0.0
    for p in pos:
        length = math.sqrt(p @ p)
        if length > 2.0:
            break
        total += length**3
    return total


def writes(pos: Any) -> Any:
    out = np.zeros(len(pos))
    for i in range(len(pos)):
        out[i] = math.sqrt(pos[i] @ pos[i])
    return out @ out


def loops(f: Callable[..., Any], transform: Callable[..., Any] = s2sad.grad) -> int:
    """How many loops a derivative has: one of each pair for the forward sweep, where it runs."""
    derivative = transform(f)
    derivative(POINTS)
    source = derivative.specialisations[-1].source
    return sum(line.lstrip().startswith(("for ", "while ")) for line in source.splitlines())


LOOPS = {
    **{pair_energy: 2, in_a_branch: 1, two_loops: 2},
    **{carries: 2, leaves_its_last: 2, read_by_a_test: 1, read_by_the_next: 4, stops: 2, writes: 2},
}


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_loops(f: Callable[..., Any]) -> None:
    oracle.check(f, POINTS, second=True)
    assert loops(f) == LOOPS[f]


def test_run_for_the_value() -> None:
    assert loops(pair_energy, s2sad.value_and_grad) == 4
