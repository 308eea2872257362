"""Random programs: every derivative of each agrees with the oracles, or is refused with a place for a reason we list.

S2SAD_PROGRAMS says how many are drawn, S2SAD_SEED which. A failure prints the program, already reduced by hypothesis;
`run_generated.py` checks many more and goes on after a failure.
"""

import collections
import inspect
import os

import hypothesis
import numpy as np
import pytest
from hypothesis import Phase
from programs.generated import became, draw, is_allowed, verify
from programs.generator.program import PARTS, REFUSED, Program

import s2sad

COUNT = int(os.environ.get("S2SAD_PROGRAMS", "200"))
SEED = int(os.environ.get("S2SAD_SEED", "0"))
SHARES = 20


@pytest.mark.parametrize("share", range(SHARES))
def test_programs(share, tmp_path):
    def visit(program):
        hypothesis.note(f"{program.source}\n# {program}")
        what, error = became(program, tmp_path)
        if error is not None and not is_allowed(error):
            raise error
        hypothesis.event(what)

    count = COUNT // SHARES + (share < COUNT % SHARES)
    if count:
        draw(count, SEED * SHARES + share, visit, phases=(Phase.generate, Phase.shrink))


def test_the_same_seed_draws_the_same_programs():
    drawn = []
    for seed in (3, 3, 4):
        drawn.append([])
        draw(20, seed, lambda program: drawn[-1].append(program.source))
    assert drawn[0] == drawn[1] != drawn[2]


def test_programs_are_worth_their_time():
    """Programs have every part that is accepted, and its statements; few have no derivative to compare."""
    parts, words = collections.Counter(), collections.Counter()
    marks = (
        "while", "break", "continue", "else:", ":=", "for ", "] = ", "] += ", "out=", ".T", "reshape", " > 0.1] ",
        "[0, 0]] ", "def writer", "def helper", "lambda", "functools.partial", "Record(", ".items()", "print(",
    )  # fmt: skip

    def count(program):
        parts.update(program.parts)
        words.update(mark for mark in marks if mark in program.source.partition("u: np.ndarray")[2])

    draw(300, 1, count)
    assert set(parts) == set(PARTS) - REFUSED and min(parts.values()) >= 60, parts
    assert all(words[mark] >= 3 for mark in marks), words


# ---- the check is checked ------------------------------------------------------------------------------------------

SOURCE = """import dataclasses
import numpy as np

@dataclasses.dataclass
class Record:
    x: float
    u: np.ndarray

def main(v_0, l_1, n0):
    print("at", v_0[0])
    w = v_0 * l_1[1]
    w[0] += v_0[1] ** 2
    return np.sum(w)
"""


def program(seed=0):
    return Program(SOURCE, "vl", 1, seed, False, frozenset())


def broken(name, change):
    """A transform whose derivative's result is changed."""
    whole = getattr(s2sad, name)

    def transform(function, **options):
        derivative = whole(function, **options)
        return lambda *args: change(derivative(*args), args)

    return transform


def turned(result, args):
    value, (of_v, of_l) = result
    return value, (of_v[::-1].copy(), of_l)


def printed_again(result, args):
    print("at", args[0][0])
    return result


def other_list(result, args):
    args[1][0] = args[1][0].copy()
    return result


def shared(result, args):
    value, (of_v, of_l) = result
    of_l[0], of_l[1] = of_l[1], of_l[1]
    return value, (of_v, of_l)


@pytest.mark.parametrize("seed", range(8))
def test_a_right_program_passes(seed, tmp_path):
    assert verify(program(seed), tmp_path) == "checked"


@pytest.mark.parametrize("name, change", [
    ("value_and_grad", turned), ("value_and_grad", printed_again), ("value_and_grad", other_list),
    ("value_and_grad", shared), ("value_and_grad", lambda r, _: (np.nextafter(r[0], 9.0), r[1])),
    ("value_and_grad", lambda r, _: (r[0], (r[1][0], tuple(r[1][1])))), ("jvp", lambda r, _: (r[0], r[1] * 1.001)),
    ("jvp", printed_again),
])  # fmt: skip
def test_a_wrong_derivative_is_noticed(monkeypatch, tmp_path, name, change):
    monkeypatch.setattr(s2sad, name, broken(name, change))
    assert became(program(), tmp_path)[0] == "wrong"


@pytest.mark.parametrize("seed, name", [(1, "grad"), (1, "vjp"), (3, "jvp"), (3, "vjp")])
def test_a_wrong_transform_is_noticed(monkeypatch, tmp_path, seed, name):
    """Second order, and the transforms that every fourth program is checked with."""
    whole, first = getattr(s2sad, name), name == "jvp"
    change = broken(name, lambda r, _: (r[0], 1.01 * r[1]) if first else (1.01 * r[0], r[1]))

    def transform(function, **options):
        """Wrong for a function, or (seed 3) for a gradient alone."""
        return (whole if seed == 3 and inspect.isfunction(function) else change)(function, **options)

    monkeypatch.setattr(s2sad, name, transform)
    assert became(program(seed), tmp_path)[0] == "wrong"
