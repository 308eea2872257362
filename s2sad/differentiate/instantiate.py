"""Rule text to IR: a formula becomes an expression once, and is copied with the operands of each use."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping

from s2sad.errors import S2sadError
from s2sad.frontend.expressions import BINARY, COMPARE, UNARY
from s2sad.ir.nodes import DISPLAYS, Assign, Const, Expr, Op, Var

#: Operations of the engine that rule texts name plainly.
ENGINE = ("spread", "unspread", "unbroadcast", "rebroadcast")
BUILTINS = ("len", "abs", "range", "tuple", "list", "sum", "min", "max", "int", "float", "bool", "round", "isinstance")


#: The names by which rule texts call modules.
MODULES = {"np": "numpy", "math": "math", "special": "scipy.special", "scipy": "scipy"}


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


@functools.lru_cache(maxsize=4096)
def template(text: str) -> tuple[Expr, tuple[tuple[str, Var], ...]]:
    """The nested expression of a formula, and its placeholders by name."""
    names: dict[str, Var] = {}
    tree = _compile(ast.parse(text, mode="eval").body, names)
    return tree, tuple(names.items())


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
