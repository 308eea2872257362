"""Complex numbers carry no derivative yet: where one flows through them, the program is refused.

In: a program with the kinds of its Vars, and the positions of the active parameters of its entry.
Out: nothing, or S2sadError at the first expression through which a derivative would flow:

    z = x * 1j       refused here: z is complex and depends on x
    y = abs(z)
    return y * abs(c)    c complex and not active: fine
"""

from __future__ import annotations

from collections.abc import Iterable

from s2sad.analysis.activity import ActivityAnalysis, differentiable_operands
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.errors import Place, S2sadError
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import Assign, Call, Const, Op, Program, Stmt, walk
from s2sad.ir.walk import defs, vars_of


def is_complex(kind: Kind) -> bool:
    """Whether a value is certainly a complex number, or an array of them.

    >>> is_complex(Kind("scalar", "complex64", ())), is_complex(Kind("float", shape=()))
    (True, False)
    """
    return kind.sort == "complex" or (kind.dtype or "").startswith(("complex", "clongdouble"))


_POWERS = ("operator.pow", "builtins.pow")


def power_that_may_be_complex(program: Program, kinds: Kinds) -> Place | None:
    """The place of a power of Python numbers that only the run tells to be real: of a negative number to a fraction."""
    for function in program.functions.values():
        for stmt in walk(function.body):
            if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name in _POWERS:
                kind = kind_of_expr(stmt.expr, kinds)
                if kind.sort == "unknown" and kind.shape == ():
                    return stmt.origin or function.origin
    return None


def _meets_complex(stmt: Stmt, kinds: Kinds) -> bool:
    """Whether an operation through which a derivative flows has a complex operand, whatever is known of its result."""
    if not (isinstance(stmt, Assign) and isinstance(stmt.expr, Op)):
        return False
    return any(is_complex(kind_of_expr(e, kinds)) for e in differentiable_operands(stmt.expr))


def refuse_complex(program: Program, kinds: Kinds, wrt: Iterable[int]) -> None:
    """Refuse (S207) active complex values, in the entry and in all that it calls."""
    if not any(map(is_complex, kinds.values())) and not any(
        isinstance(e, Const) and type(e.value) is complex
        for function in program.functions.values()
        for stmt in walk(function.body)
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Op)
        for e in stmt.expr.operands
    ):
        return
    analysis = ActivityAnalysis(program, kinds)
    entry = program.entry
    query = (entry, frozenset(wrt), frozenset(range(len(program.main.results.values))))
    analysis.settle(*query)
    pending, seen = [query], {query}
    while pending:
        label, params, results = pending.pop()
        function = program.functions.get(label)
        if function is None:
            continue
        activity = analysis.of(label, params, results)
        for stmt in walk(function.body):
            for var in defs(stmt):
                if var in activity and (is_complex(kinds.get(var, UNKNOWN)) or _meets_complex(stmt, kinds)):
                    reason = "a derivative would flow through complex numbers here, which is not supported"
                    raise S2sadError("S207", reason, stmt.origin, "write it in terms of real and imaginary parts")
            if isinstance(stmt, Call):
                given = frozenset(i for i, a in enumerate(stmt.args) if any(v in activity for v in vars_of(a)))
                wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in activity)
                called = (stmt.callee, given, wanted)
                if called not in seen:
                    seen.add(called)
                    pending.append(called)
