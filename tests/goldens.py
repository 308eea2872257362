"""The golden files of tests/golden: what each says, and what s2sad emits for it now.

A golden file is a module: primals first, with `CASES`, a dict from a derivative, as an expression, to the argument
tuples that it is tried on. After it come sections:

    # ---- by hand: grad(square)        a person's own text, which the emitted one may not exceed in size
    # ---- emitted: grad(square)        what s2sad emits, kept up to date by `pytest --update-golden`

Run as a script, it prints all that is emitted, for comparing interpreters and hash seeds.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import numbers
import sys
import types
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import s2sad
from s2sad.differentiate.instantiate import runtime_functions

FOLDER = Path(__file__).parent / "golden"
MARK = "# ---- "
TRANSFORMS = {name: getattr(s2sad, name) for name in s2sad.__all__ if name[0].islower()}


@dataclass
class Golden:
    """One golden file: its text before the sections, and the sections by their title (`emitted: grad(square)`)."""

    path: Path
    head: str
    sections: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Golden:
        head, *parts = path.read_text(encoding="utf-8").split(f"\n{MARK}")
        sections = {}
        for part in parts:
            title, _, text = part.partition("\n")
            sections[title.strip()] = text.strip("\n") + "\n"
        return cls(path, head.rstrip("\n") + "\n", sections)

    def write(self, emitted: dict[str, str]) -> None:
        """Replace the emitted sections."""
        kept = {t: s for t, s in self.sections.items() if not t.startswith("emitted: ")}
        parts = [self.head, *(f"\n\n{MARK}{t}\n{s}" for t, s in {**kept, **emitted}.items())]
        self.path.write_text("".join(parts), encoding="utf-8")

    def load(self) -> types.ModuleType:
        """The module: the primals are found by their source in the file."""
        spec = importlib.util.spec_from_file_location(f"golden_{self.path.stem}", self.path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def emitted(self, module: types.ModuleType) -> dict[str, str]:
        """What s2sad emits now, by the title of its section."""
        return {f"emitted: {case}": made(case, module).source.strip("\n") + "\n" for case in module.CASES}


def all_goldens() -> list[Golden]:
    return [Golden.read(path) for path in sorted(FOLDER.glob("*.py"))]


def made(case: str, module: types.ModuleType) -> Any:
    """The derivative that the expression of a case stands for."""
    return eval(case, {**vars(module), **TRANSFORMS})


def run_text(text: str, module: types.ModuleType, derivative: Any) -> Callable[..., Any]:
    """The last function of a section's text, compiled as it stands, with what the primal's closure holds in reach."""
    helpers = {}
    for name, qualified in runtime_functions().items():
        helpers[name] = getattr(sys.modules[qualified.rpartition(".")[0]], name)
    primal = derivative.primal
    while hasattr(primal, "primal"):
        primal = primal.primal
    namespace = {**helpers, "np": np, "numbers": numbers, **vars(module), **inspect.getclosurevars(primal).nonlocals}
    exec(compile(text, "<golden>", "exec"), namespace)
    last = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)][-1]
    function: Callable[..., Any] = namespace[last.name]
    return functools.partial(function, *derivative._bound)


def size(text: str) -> Counter[str]:
    """Counts that a text is judged by: statements, calls, operators, and what it calls or sets up beyond arithmetic.

    Docstrings, imports and `def` lines are no statements. An augmented assignment is a statement and an operator.
    """
    found: Counter[str] = Counter(statements=0, calls=0, operators=0, helpers=0, tapes=0, buffers=0)
    for node in ast.walk(ast.parse(text)):
        documented = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        skipped = isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Module)) or documented
        found["statements"] += isinstance(node, ast.stmt) and not skipped
        found["operators"] += isinstance(node, (ast.BinOp, ast.AugAssign))
        found["tapes"] += isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and not node.value.elts
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            found["calls"] += 1
            found["helpers"] += called in runtime_functions()
            found["buffers"] += called.startswith(("np.zeros", "np.ones", "np.full")) or called.endswith("copy")
    return found


def leaves(value: Any) -> list[np.ndarray]:
    """The arrays in a result, in order."""
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(value, float)]


def expected(derivative: Any, args: tuple[Any, ...]) -> list[np.ndarray]:
    """The leaves of what a derivative should give, by central differences of what it was made from."""
    options, primal = derivative.options, derivative.primal
    wrt = derivative._wrt
    extra = len(derivative._extra_names())
    args, seeds = args[: len(args) - extra], args[len(args) - extra :]
    value = leaves(primal(*fresh(args)))
    partials = [differences(primal, args, k) for k in wrt]  # partials[k][leaf]: leaf's axes, then the argument's axes
    if options.mode == "forward":
        total = [np.zeros_like(v) for v in value]
        for at, seed in zip(partials, seeds):
            total = [t + np.tensordot(p, seed, np.ndim(seed)) for t, p in zip(total, at)]
        return [*value, *total]
    seed = [np.asarray(s, float) for s in seeds] if options.seed == "given" else [np.ones_like(v) for v in value]
    gradients = [sum(np.tensordot(s, p, s.ndim) for s, p in zip(seed, at)) for at in partials]
    return [*(value if options.value else ()), *map(np.asarray, gradients)]


def differences(primal: Callable[..., Any], args: tuple[Any, ...], k: int, h: float = 1e-5) -> list[np.ndarray]:
    """For each leaf of the result its derivative with respect to argument k, by central differences of fourth order."""
    x = np.asarray(args[k], float)
    columns = []
    for i in np.ndindex(x.shape):
        total: list[np.ndarray] = []
        for step, weight in ((2 * h, -1), (h, 8), (-h, -8), (-2 * h, 1)):
            moved = x.copy()
            moved[i] += step
            call = list(fresh(args))
            call[k] = moved if x.ndim else float(moved)
            ends = [weight / (12 * h) * leaf for leaf in leaves(primal(*call))]
            total = [a + b for a, b in zip(total, ends)] if total else ends
        columns.append(total)
    return [np.stack([c[j] for c in columns], axis=-1).reshape(v.shape + x.shape) for j, v in enumerate(columns[0])]


def fresh(args: tuple[Any, ...]) -> list[Any]:
    return [a.copy() if isinstance(a, np.ndarray) else a for a in args]


def print_all() -> None:
    """Print every emitted text under its file and title."""
    for golden in all_goldens():
        for title, text in golden.emitted(golden.load()).items():
            print(f"{golden.path.name} {title}\n{text}")


if __name__ == "__main__":
    print_all()
