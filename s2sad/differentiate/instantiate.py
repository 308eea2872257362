"""Rule text to IR: a formula becomes an expression once, and is copied with the operands of each use."""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import math  # noqa: F401  (formulas may call it)
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from s2sad.errors import S2sadError
from s2sad.frontend.expressions import BINARY, COMPARE, UNARY
from s2sad.ir.nodes import DISPLAYS, Assign, Const, Expr, Op, Var
from s2sad.rules import registry
from s2sad.rules.binding import bind

#: Operations of the engine that rule texts name plainly.
ENGINE = ("spread", "unspread", "unbroadcast", "rebroadcast")
BUILTINS = (
    "len", "abs", "range", "tuple", "list", "sum", "min", "max", "int", "float", "complex", "bool", "round",
    "isinstance",
)  # fmt: skip


#: The names by which rule texts call modules.
MODULES = {"np": "numpy", "math": "math", "cmath": "cmath", "special": "scipy.special", "scipy": "scipy"}


@functools.cache
def runtime_functions(package: str = "s2sad.runtime") -> dict[str, str]:
    """The public functions of the modules of a package, name -> qualified name."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if not name.startswith("_") and getattr(value, "__module__", None) == module.name:
                found[name] = f"{module.name}.{name}"
    return found


def runtime_function(name: str) -> str | None:
    """The qualified name of a public function of the runtime.

    Those that need SciPy, which only its own rules call, are looked for last: that imports SciPy. Raises S2sadError
    S302 where it is not installed.
    """
    if name in runtime_functions():
        return runtime_functions()[name]
    try:
        return runtime_functions("s2sad.runtime.scipy").get(name)
    except ModuleNotFoundError as error:
        reason = f"a formula calls {name!r}, for which SciPy must be installed"
        raise S2sadError("S302", reason, help="pip install s2sad[scipy]") from error


def callable_names() -> dict[str, str]:
    """What a formula may call by a plain name -> qualified name."""
    return {**{n: f"s2sad.{n}" for n in ENGINE}, **{n: f"builtins.{n}" for n in BUILTINS}, **runtime_functions()}


@functools.lru_cache(maxsize=4096)
def template(text: str) -> tuple[Expr, tuple[tuple[str, Var], ...]]:
    """The nested expression of a formula, and its placeholders by name."""
    names: dict[str, Var] = {}
    tree = _compile(ast.parse(text, mode="eval").body, names)
    return tree, tuple(names.items())


def check_formula(text: str, known: Collection[str], needed: Collection[str]) -> tuple[str, str] | None:
    """What is wrong with a formula, and what to write instead; None if nothing.

    known: the names that it may read. needed: those that it has to read.

    >>> check_formula("g * cos(x)", {"g", "x"}, {"g"})
    ("it calls 'cos', which is not known here", 'write np.cos')
    """
    try:
        tree, names = template(text)
    except SyntaxError:
        return f"`{text}` is not valid Python", "write an expression"
    except S2sadError as error:
        return _unknown_call(text, error)
    for name, _ in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            listed = ", ".join(sorted(known))
            return f"it names {name!r}, which is not known here", (
                f"did you mean {near[0]!r}?" if near else f"it may name {listed}, np and math"
            )
    missing = sorted(set(needed) - {n for n, _ in names})
    if missing:
        return f"it does not read {missing[0]!r}, in which it is linear", f"multiply by {missing[0]}"
    pending: list[Expr] = [tree]
    while pending:
        e = pending.pop()
        if isinstance(e, Op):
            problem = _wrong_operation(e)
            if problem is not None:
                return problem
            pending += [*e.operands, *(v for _, v in e.keywords)]
    return None


def _unknown_call(text: str, error: S2sadError) -> tuple[str, str]:
    called = re.findall(r"calls '(\w+)'", error.reason)
    if not called:
        return error.reason, "write a function, and register that: @adjoint, or custom_vjp"
    name = called[0]
    in_numpy = f"write np.{name}" if hasattr(np, name) else "write a template, @adjoint, which may call any function"
    return f"it calls {name!r}, which is not known here", in_numpy


def _wrong_operation(op: Op) -> tuple[str, str] | None:
    """What is wrong with one operation of a formula: its function is missing, or one of its arguments."""
    module, _, name = op.name.rpartition(".")
    if module == "numpy.ndarray":
        if not hasattr(np.ndarray, name):
            return f"an array has no {name!r}", "look it up in numpy.ndarray"
    elif op.name.startswith(("numpy.", "math.")):
        held: Any = sys.modules.get(op.name.partition(".")[0])
        for part in op.name.split(".")[1:]:
            if not hasattr(held, part):
                shown = getattr(held, "__name__", "numpy")
                near = difflib.get_close_matches(part, dir(held), 1)
                return f"{shown} has no {part!r}", f"did you mean {near[0]}?" if near else "look it up"
            held = getattr(held, part)
    entry = registry.find(op.name)
    if entry is None or op.name in DISPLAYS or op.name.startswith("operator."):
        return None
    try:
        bound = bind(entry, op)
    except S2sadError as error:
        return error.reason, error.help
    for p in entry.parameters:
        if p.default is registry.REQUIRED and p.name not in bound and not p.variadic:
            listed = ", ".join(q.name for q in entry.parameters)
            return f"{op.name.rpartition('.')[2]} lacks its argument {p.name!r}", f"its arguments are {listed}"
    return None


def instantiate(text: str, operands: Mapping[str, Expr]) -> Expr:
    """The expression of a formula with operands for its names. Raises S2sadError S302 for a name without an operand."""
    tree, names = template(text)
    table: dict[Var, Expr] = {}
    for name, var in names:
        if name not in operands:
            raise S2sadError("S302", f"the formula `{text}` names {name!r}, which is not a parameter")
        table[var] = operands[name]

    def change(e: Expr) -> Expr:
        if isinstance(e, Var):
            return table[e]
        if isinstance(e, Op):
            made = Op(e.name, tuple(map(change, e.operands)), tuple((k, change(v)) for k, v in e.keywords), e.spelled)
            if (
                made.name == "operator.getitem"
                and isinstance(made.operands[0], Op)
                and made.operands[0].name in ("tuple", "list")
            ):
                index = made.operands[1]
                if isinstance(index, Const) and isinstance(index.value, int):
                    return made.operands[0].operands[index.value]
            return made
        return e

    return change(tree)


def flatten(expr: Expr, emit: Callable[[Assign], None], hint: str = "t") -> Expr:
    """The operation with atoms as operands; inner operations go to temporaries through `emit`."""
    if not isinstance(expr, Op):
        return expr
    operands = tuple(atom(o, emit, hint) for o in expr.operands)
    keywords = tuple((k, atom(v, emit, hint)) for k, v in expr.keywords)
    return Op(expr.name, operands, keywords, expr.spelled)


def atom(expr: Expr, emit: Callable[[Assign], None], hint: str = "t") -> Expr:
    """The value of an expression as an operand."""
    flat = flatten(expr, emit, hint)
    if isinstance(flat, (Var, Const)) or (isinstance(flat, Op) and flat.name in DISPLAYS):
        return flat
    var = Var(hint, temporary=True)
    emit(Assign(var, flat))
    return var


def _dotted(node: ast.expr) -> str | None:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in MODULES:
        return ".".join([MODULES[node.id], *reversed(parts)])
    return None


def _compile(node: ast.expr, names: dict[str, Var]) -> Expr:
    def sub(n: ast.expr) -> Expr:
        return _compile(n, names)

    if isinstance(node, ast.Name):
        if node.id not in names:
            names[node.id] = Var(node.id)
        return names[node.id]
    if isinstance(node, ast.Constant):
        return Const(node.value)
    if isinstance(node, ast.BinOp):
        return Op(f"operator.{BINARY[type(node.op).__name__]}", (sub(node.left), sub(node.right)))
    if isinstance(node, ast.UnaryOp):
        inner = sub(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(inner, Const):
            return Const(-inner.value)
        return Op(f"operator.{UNARY[type(node.op).__name__]}", (inner,))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return Op(f"operator.{COMPARE[type(node.ops[0]).__name__]}", (sub(node.left), sub(node.comparators[0])))
    if isinstance(node, ast.IfExp):
        return Op("s2sad.select", (sub(node.test), sub(node.body), sub(node.orelse)))
    if isinstance(node, (ast.Tuple, ast.List)):
        return Op("tuple" if isinstance(node, ast.Tuple) else "list", tuple(map(sub, node.elts)))
    if isinstance(node, ast.Slice):
        return Op("slice", tuple(Const(None) if p is None else sub(p) for p in (node.lower, node.upper, node.step)))
    if isinstance(node, ast.Subscript):
        return Op("operator.getitem", (sub(node.value), sub(node.slice)))
    if isinstance(node, ast.Attribute):
        dotted = _dotted(node)
        return Op(dotted) if dotted else Op(f"numpy.ndarray.{node.attr}", (sub(node.value),))
    if isinstance(node, ast.Call):
        keywords = tuple((k.arg, sub(k.value)) for k in node.keywords if k.arg is not None)
        operands = tuple(map(sub, node.args))
        if isinstance(node.func, ast.Name):
            return Op(_function(node.func.id), operands, keywords)
        if isinstance(node.func, ast.Attribute):
            dotted = _dotted(node.func)
            if dotted:
                return Op(dotted, operands, keywords)
            return Op(f"numpy.ndarray.{node.func.attr}", (sub(node.func.value), *operands), keywords)
    raise S2sadError("S302", f"a formula cannot contain `{ast.unparse(node)}`")


def _function(name: str) -> str:
    if name in ENGINE:
        return f"s2sad.{name}"
    if name in BUILTINS:
        return f"builtins.{name}"
    found = runtime_function(name)
    if found is None:
        raise S2sadError("S302", f"a formula calls {name!r}, which is no parameter and no function of s2sad.runtime")
    return found
