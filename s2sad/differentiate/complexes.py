"""Complex numbers: what is added to the adjoint of a real number is real, to that of a complex one complex.

The convention is that of JAX and autograd. The adjoint of z = x + iy is ∂/∂x - i ∂/∂y of the result, a real number, so
that the real part of the sum of g * y_dot is that of z_bar * z_dot: where there is a complex derivative, adjoints are
products with it, as for real numbers. A real number is a complex one without imaginary part:

    z = x * 1j            x: float64, z: complex128
    x_bar = (z_bar * 1j).real

In a program without complex numbers nothing is added. Rules are used where a number may be complex only if they say so.
"""

from __future__ import annotations

from collections.abc import Iterable

from s2sad.analysis.activity import Activity, ActivityAnalysis, differentiable_operands
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.errors import Place, S2sadError
from s2sad.ir.kinds import PERHAPS_COMPLEX, UNKNOWN, Kind
from s2sad.ir.nodes import DISPLAYS, Assign, Call, Const, Expr, Op, Program, Stmt, walk
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.binding import rule_name


def is_complex(kind: Kind) -> bool:
    """Whether a value is certainly a complex number, or an array of them.

    >>> is_complex(Kind("scalar", "complex64", ())), is_complex(Kind("float", shape=()))
    (True, False)
    """
    return kind.is_complex


_POWERS = ("operator.pow", "builtins.pow")


def power_that_may_be_complex(program: Program, kinds: Kinds) -> Place | None:
    """The place of a power of Python numbers that only the run tells to be real: of a negative number to a fraction.

    None in a program that knows of complex numbers.
    """
    if holds_complex(program, kinds):
        return None
    for function in program.functions.values():
        for stmt in walk(function.body):
            if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name in _POWERS:
                kind = kind_of_expr(stmt.expr, kinds)
                if kind.sort == "unknown" and kind.shape == ():
                    return stmt.origin or function.origin
    return None


def holds_complex(program: Program, kinds: Kinds) -> bool:
    """Whether complex numbers occur in a program: where they do not, what is not known is real."""
    return any(k.is_complex for k in kinds.values()) or any(
        isinstance(e, Const) and type(e.value) is complex
        for function in program.functions.values()
        for stmt in walk(function.body)
        if isinstance(stmt, Assign)
        for e in (stmt.expr, *(stmt.expr.operands if isinstance(stmt.expr, Op) else ()))
    )


# What is added to adjoints and tangents
def in_field(value: Expr, wanted: Kind, of: Expr | None, kinds: Kinds) -> Expr:
    """What is added to the adjoint or tangent of a value `of` the kind `wanted`: real where that is real, else complex.

    Where it is not known what that is, the run tells, if what it is `of` is given.
    """
    if wanted.sort == "list":
        return value
    given = kind_of_expr(value, kinds)
    if wanted.is_real:
        return value if given.is_real else real_part(value, given)
    if wanted.is_complex:
        # Numbers are what they are; into arrays complex numbers may be written.
        surely = given.dtype != PERHAPS_COMPLEX or (wanted.shape == () and not wanted.is_array)
        return value if given.is_complex and surely else Op("operator.add", (value, Const(0j)))
    return value if of is None else Op("s2sad.runtime.complexes.in_field_of", (value, of))


def zeros_like(source: Expr, kind: Kind) -> Op:
    """Zeros in the shape of a value of a kind, complex where that may be."""
    may_be = kind.dtype == PERHAPS_COMPLEX
    return Op("s2sad.runtime.complexes.complex_zeros_like" if may_be else "numpy.zeros_like", (source,))


def real_part(value: Expr, kind: Kind) -> Op:
    """The real part of a value of a kind."""
    return Op("numpy.ndarray.real" if kind.sort in ("complex", "scalar", "array") else "numpy.real", (value,))


# Refusals
def refuse_complex(program: Program, kinds: Kinds, wrt: Iterable[int], holomorphic: bool = False) -> None:
    """Refuse (S207) operations through which a derivative flows that have no rule for complex numbers.

    holomorphic: refuse (S207) those too that have no complex derivative.
    """
    if not holds_complex(program, kinds):
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
            if isinstance(stmt, Assign) and isinstance(stmt.expr, Op):
                _check(stmt, stmt.expr, activity, kinds, holomorphic)
            if isinstance(stmt, Call):
                given = frozenset(i for i, a in enumerate(stmt.args) if any(v in activity for v in vars_of(a)))
                wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in activity)
                called = (stmt.callee, given, wanted)
                if called not in seen:
                    seen.add(called)
                    pending.append(called)


#: Steps of real numbers that have a derivative by complex ones.
_NO_STEPS = ("numpy.sign",)


def _check(stmt: Assign, op: Op, activity: Activity, kinds: Kinds, holomorphic: bool) -> None:
    """Refuse an operation that has no rule for the complex numbers that it may be given or give."""
    entry = registry.find(rule_name(op))
    if entry is not None and entry.name in _NO_STEPS:
        varied = any(v in activity.varied for v in vars_of(op))
        if varied and not all(kind_of_expr(o, kinds).is_real for o in op.operands):
            raise _refusal(stmt, f"{entry.name} of complex numbers has no derivative rule", "write z / abs(z)")
    if stmt.var not in activity or op.name in DISPLAYS or entry is None:
        return
    operands = [o for o in differentiable_operands(op) if any(v in activity for v in vars_of(o))]
    given = [kind_of_expr(o, kinds) for o in operands]
    if not given or (all(map(_is_surely_real, given)) and not kinds.get(stmt.var, UNKNOWN).is_complex):
        return
    held = registry.holds_for_complex(entry)
    if held is None:
        help = "write it with functions that have one: its real and imaginary parts, or its absolute value"
        raise _refusal(stmt, f"{entry.name} of complex numbers has no derivative rule", help)
    same, is_holomorphic = held
    if not same and not all(_is_surely_real(k) or k.is_complex for k in given):
        reason = f"it is not known whether what {entry.name} is given here is complex"
        raise _refusal(stmt, reason, "make it complex, as in `x + 0j`, or real, as in `np.real(x)`")
    if holomorphic and not is_holomorphic and any(k.is_complex for k in given):
        reason = f"{entry.name} has no complex derivative, but the function is said to be holomorphic"
        raise _refusal(stmt, reason, "differentiate a real result without `holomorphic=True`, or use vjp")


def _is_surely_real(kind: Kind) -> bool:
    """Whether a value is certainly real, or holds no others."""
    if kind.element is not None:
        return _is_surely_real(kind.element)
    return kind.is_real or (bool(kind.parts) and all(map(_is_surely_real, kind.parts or ())))


def _refusal(stmt: Stmt, reason: str, help: str) -> S2sadError:
    return S2sadError("S207", reason, stmt.origin, help)
