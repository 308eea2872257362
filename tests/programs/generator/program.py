"""Random Python functions in the language that s2sad accepts, as source text, drawn by hypothesis so that they shrink.

A program has some functions and one `main`. It has a part of the language or does without it (swarm testing: Groce et
al., ISSTA 2012), so that programs differ from each other more than their statements do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from programs.generator.flow import Flow
from programs.generator.functions import Functions, helper, procedure
from programs.generator.holders import Holders
from programs.generator.writes import Writes

HEADER = """import dataclasses
import functools
import math
from math import sin

import numpy as np

SCALE = 0.7
OFFSETS = np.array([0.3, -0.8, 0.5])


@dataclasses.dataclass
class Record:
    x: float
    u: np.ndarray
"""
#: Functions that programs with functions as values have.
VALUES = """def applied(function, x):
    return function(x) + 0.3 * function(0.5 * x)


def scaled(k, x):
    return math.tanh(k) * x


def scaler(k):
    return lambda x: scaled(k, x) + k


def total(first, *rest, last=1.0):
    return first * last + sum(rest)
"""
#: The statements of every program, each as often as it is likely.
ALWAYS = (
    "assign", "assign", "assign", "alias", "augment", "swap", "branch", "branch", "flagged", "loop", "loop", "loop",
)  # fmt: skip
#: The parts of the language that a program has or does without, and the statements that they bring.
PARTS = {
    "calls": ("several", "procedure"),
    "jumps": ("jump", "jump", "jump", "endless", "walrus", "early_return"),
    "writes": (
        "view", "view", "duplicate", "store", "store", "store", "store_row", "update", "update", "update_item",
        "update_item", "masked", "exchange", "fill_by_function", "ping_pong",
    ),
    "holders": ("hold", "hold", "take_apart", "entries"),
    "values": ("local_function", "function_value", "function_value"),
    "changes": ("collect", "collect", "change", "change"),
}  # fmt: skip
#: Parts that s2sad does not accept yet.
REFUSED = frozenset({"changes"})


class WholeWriter(Flow, Writes, Holders, Functions):
    """Writes a function with everything that its parts bring."""


@dataclass
class Program:
    """Source text, and what `main` takes."""

    source: str
    kinds: str
    flags: int
    seed: int
    single: bool
    parts: frozenset[str]

    def args(self, record):
        """The arguments of `main`: floats, arrays and what holds them, then small integers. `record` is the class."""
        rng = np.random.default_rng(self.seed)

        def drawn(shape=()):
            new = rng.uniform(0.2, 1.3, shape) * rng.choice([-1.0, 1.0], shape)
            return new.astype(np.float32 if self.single else float) if shape else float(new)

        made = {
            "s": lambda: drawn(),
            "v": lambda: drawn((3,)),
            "m": lambda: drawn((3, 3)),
            "p": lambda: (drawn(), drawn((3,))),
            "l": lambda: [drawn((3,)), drawn((3,))],
            "q": lambda: [drawn(), drawn(), drawn()],
            "r": lambda: [drawn(), drawn()],
            "d": lambda: {"a": drawn(), "b": drawn((3,))},
            "o": lambda: record(drawn(), drawn((3,))),
        }
        return (*(made[kind]() for kind in self.kinds), *(int(n) for n in rng.integers(0, 4, self.flags)))


@st.composite
def programs(draw, refused=REFUSED):
    """A whole program, without the parts that are refused."""
    parts = frozenset(part for part in PARTS if part not in refused and draw(st.booleans()))
    statements = (*ALWAYS, *(s for part in PARTS if part in parts for s in PARTS[part]))
    if "writes" not in parts:
        statements = tuple(s for s in statements if s != "procedure")

    def make(known, budget=12):
        return WholeWriter(draw, parts, list(known), statements, budget=budget)

    known, texts = [], [HEADER, VALUES] if "values" in parts else [HEADER]
    holders = "holders" in parts
    if "calls" in parts:
        for number in range(draw(st.integers(1, 3))):
            writes = "writes" in parts and draw(st.booleans())
            text, signature = (procedure if writes else helper)(make, known, number, holders)
            texts.append(text)
            known.append(signature)
    writer = make(known)
    kinds = ["s", "v", "ss", "sv", "vm", "svm", "vv", "m"]
    kinds = writer.pick([*kinds, *(("vl", "sd", "o", "pv", "q") if holders else ())])
    flags = writer.number(0, 2)
    params = [(f"{k}_{i}", k) for i, k in enumerate(kinds)]
    writer.bound.update(params)
    writer.integers += [f"n{i}" for i in range(flags)]
    for _ in range(writer.number(1, 6)):
        writer.statement()
    if draw(st.integers(0, 9)) == 9:
        writer.emit(f'print("at", {writer.atom("s")})')
    writer.emit(f"return {' + '.join(map(read, list(writer.bound.items())[-4:]))} + {writer.result()}")
    names = [*(n for n, _ in params), *(f"n{i}" for i in range(flags))]
    texts.append(f"def main({', '.join(names)}):\n" + "\n".join(writer.lines))
    single = "writes" not in parts and "holders" not in parts and draw(st.integers(0, 9)) == 9
    return Program("\n\n\n".join(texts) + "\n", kinds, flags, draw(st.integers(0, 999)), single, parts)


def read(variable):
    """A number that all of a variable goes into."""
    name, kind = variable
    return {
        "s": name, "v": f"np.sum({name})", "m": f"np.mean({name})", "p": f"{name}[0] * np.sum({name}[1])",
        "l": f"np.sum({name}[0] * {name}[1])", "q": f"sum({name})", "r": f"sum({name})",
        "d": f'{name}["a"] * np.sum({name}["b"])', "o": f"{name}.x * np.sum({name}.u)",
    }[kind]  # fmt: skip
