"""What may be dropped, repeated or moved: purity of expressions and of whole functions."""

from __future__ import annotations

from s2sad.ir.nodes import DISPLAYS, Call, Do, Expr, Label, Op, Program, Raw, RawStmt, Restore, Save, Stmt, Store, walk
from s2sad.ir.walk import expressions
from s2sad.rules import registry
from s2sad.rules.binding import rule_name

#: Pushes and pops on a tape, calls that stand in expressions, and cutting a tape back to a length.
TAPE_OPS = ("s2sad.push", "s2sad.pop", "s2sad.call", "s2sad.rewind")
#: Numbers that modules hold.
NUMBERS = (
    "math.pi",
    "math.e",
    "math.tau",
    "math.inf",
    "math.nan",
    "numpy.pi",
    "numpy.e",
    "numpy.inf",
    "numpy.nan",
    "numpy.euler_gamma",
)


def is_pure(expr: Expr) -> bool:
    """Whether an expression has no effect and the same value each time."""
    if isinstance(expr, Raw):
        return expr.pure
    if not isinstance(expr, Op):
        return True
    if expr.name in TAPE_OPS:
        return False
    if expr.name not in DISPLAYS:
        entry = registry.find(rule_name(expr))
        if entry is None and not (expr.name.startswith(("s2sad.", "attribute.", "field.")) or expr.name in NUMBERS):
            return False
        if entry is not None and not entry.pure:
            return False
    return all(map(is_pure, expr.operands)) and all(is_pure(v) for _, v in expr.keywords)


def pure_functions(program: Program) -> set[Label]:
    """The functions without an effect that a caller could notice: no raise, no output, no write, no tape."""
    pure = set(program.functions)
    changed = True
    while changed:
        changed = False
        for label in list(pure):
            if any(_has_effect(s, pure) for s in walk(program.functions[label].body)):
                pure.discard(label)
                changed = True
    return pure


def _has_effect(stmt: Stmt, pure: set[Label]) -> bool:
    if isinstance(stmt, (Do, RawStmt, Save, Restore, Store)):
        return not (isinstance(stmt, Do) and is_pure(stmt.expr))
    if isinstance(stmt, Call):
        return stmt.callee not in pure
    return not all(map(is_pure, expressions(stmt)))
