"""Time what users wait for: `python tests/benchmarks/run.py`.

Times are medians of interleaved rounds; the last column is the target. It ends with status 1 if a target is missed.
Times vary with the machine, so no test asserts them.
"""

from __future__ import annotations

import gc
import linecache
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from s2sad import grad


def straight_line(statements: int) -> str:
    """A function of so many statements, each of which the result depends on."""
    lines = ["import math", "def f(x):", "    y = x"]
    forms = ("y = y * x + {k}.5", "y = math.sin(y) + x", "z = y - 0.5 * x", "y = z / (1.0 + y * y)", "y = y + z")
    lines += [f"    {forms[k % len(forms)].format(k=k)}" for k in range(statements)]
    return "\n".join([*lines, "    return y", ""])


def function_of(text: str, name: str) -> Callable[..., float]:
    """The function `f` of a text that can be found again by its file name."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, object] = {"__name__": name}
    exec(compile(text, name, "exec"), namespace)
    return namespace["f"]  # type: ignore[return-value]


def seconds(run: Callable[[], object]) -> float:
    """The processor time of a run."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def medians(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each, measured in turn, so that what slows the machine for a while slows all of them."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return {name: statistics.median(times) for name, times in found.items()}


def transform_time(statements: int, rounds: int) -> Callable[[], float]:
    """A timer of the first call of a derivative of a new function of so many statements."""
    fresh = iter(range(rounds + 1))

    def run() -> float:
        f = function_of(straight_line(statements), f"<benchmark {statements} {next(fresh)}>")
        return seconds(lambda: grad(f)(0.3))

    return run


def import_time(modules: str) -> float:
    """The processor time of a new process that imports modules."""
    program = f"import {modules}, time; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def calls(f: Callable[[float], float], count: int = 100_000) -> Callable[[], float]:
    """A timer of one call."""

    def run() -> float:
        start = time.process_time()
        for _ in range(count):
            f(0.3)
        return (time.process_time() - start) / count

    return run


def sine_squared(x: float) -> float:
    return math.sin(x) ** 2


def by_hand(x: float) -> float:
    return 2 * math.sin(x) * math.cos(x)


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    return np.mean((x @ w - y) ** 2)


def smoothed(x: np.ndarray, n: int) -> float:
    y = x * x
    for i in range(n):
        y[i % 10] = y[i % 7] * 0.5 + y[0]
    return np.sum(y)


def write_time(elements: int) -> Callable[[], float]:
    """A timer of one scalar write, there and back, into an array of so many elements."""
    x = np.ones(elements)
    derivative = grad(smoothed)
    derivative(x, 10)

    def run() -> float:
        few, many = (seconds(lambda n=n: derivative(x, n)) for n in (100, 5_100))
        return (many - few) / 5_000

    return run


def main() -> int:
    missed = 0

    def report(what: str, value: float, unit: str, target: float) -> None:
        nonlocal missed
        missed += value > target
        print(f"{what:64} {value:9.2f} {unit:3} (target {target:g}){'' if value <= target else '  MISSED'}", flush=True)

    transform_time(50, 1)()
    fifty = medians({"50": transform_time(50, 15)}, 15)
    report("transform of a function of 50 statements, warm", fifty["50"] * 1e3, "ms", 100)

    found = medians({m: lambda m=m: import_time(m) for m in ("numpy", "numpy, s2sad")}, 15)
    report("import of s2sad beyond numpy's", (found["numpy, s2sad"] - found["numpy"]) * 1e3, "ms", 60)

    derivative = grad(sine_squared)
    derivative(0.3)
    found = medians({"derivative": calls(derivative), "by hand": calls(by_hand)}, 15)
    beyond = (found["derivative"] - found["by hand"]) * 1e6
    report("call of grad(sin(x)**2) beyond the hand-written one's", beyond, "µs", 0.5)

    two = grad(lambda x, y: x * y)
    two(0.3, 0.5)
    (plain,) = two.specialisations
    found = medians({"call": calls(lambda x: two(x, 0.5)), "plain": calls(lambda x: plain(x, 0.5))}, 15)
    report("call for two floats beyond the specialised function's", (found["call"] - found["plain"]) * 1e6, "µs", 0.3)

    found = medians({str(n): write_time(n) for n in (1_000, 10_000_000)}, 9)
    report("in-place write into 10,000,000 elements over one into 1,000", found["10000000"] / found["1000"], "x", 3)

    found = medians({str(n): transform_time(n, 3) for n in (1_000, 10_000)}, 3)
    report("transform of 10,000 statements over that of 1,000", found["10000"] / found["1000"], "x", 12)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
