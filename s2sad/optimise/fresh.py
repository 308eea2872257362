"""Make what a derivative returns fresh: its own memory, writable, of the argument's type and dtype.

`s2sad.returned(g, x)` stands where the gradient of `x` is returned. It keeps its place while expressions are nested and
simplified, and is settled by what `g` has become: it goes where that is plainly the caller's own and of the type and
dtype of `x`; else it becomes a copy or a conversion.

    return returned(x_bar, x)         ->  return x_bar
    return returned(g, x)             ->  return np.copy(g)                 g: the caller's seed
    return returned(w * 2, x)         ->  return (w * 2).astype(x.dtype)    w: float64, x: float32
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2sad.analysis.aliases import Aliases, alias_classes, shared_operands, views_of
from s2sad.analysis.effects import TAPE_OPS
from s2sad.analysis.kinds import Kinds, infer, kind_of_expr, reached_kind
from s2sad.ir.kinds import UNKNOWN, Kind, join
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Expr,
    Function,
    Label,
    Op,
    Program,
    Restore,
    Return,
    Stmt,
    Var,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import change_expressions, defs, expressions, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name

RETURNED = "s2sad.returned"
POP_OP = TAPE_OPS[1]


# Bringing the question to the answer
def ask_at_return(function: Function) -> Function:
    """The function with each `t = returned(g, x)` that only its last Return reads within that Return."""
    body = list(function.body)
    if not body or not isinstance(body[-1], Return):
        return function
    counts: dict[Var, int] = {}
    for stmt in walk(body):
        for v in uses(stmt):
            counts[v] = counts.get(v, 0) + 1
    asked: dict[Var, Expr] = {}
    bound_since: set[Var] = set()
    kept: Block = []
    for stmt in reversed(body[:-1]):
        if not isinstance(stmt, Assign):
            break
        only = _is_asked(stmt.expr) and counts.get(stmt.var) == 1 and stmt.var in uses(body[-1])
        if only and not any(v in bound_since for v in vars_of(stmt.expr)):
            asked[stmt.var] = stmt.expr
            continue
        bound_since.add(stmt.var)
        kept.append(stmt)
    if not asked:
        return function
    before = body[: len(body) - 1 - len(kept) - len(asked)]

    def place(expr: Expr) -> Expr:
        if isinstance(expr, Var):
            return asked.get(expr, expr)
        if isinstance(expr, Op) and expr.name in DISPLAYS:
            return replace(expr, operands=tuple(map(place, expr.operands)))
        return expr

    last = replace(body[-1], values=tuple(map(place, body[-1].values)))
    return replace_function(function, body=[*before, *reversed(kept), last])


def _is_asked(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name == RETURNED


# Settling it
def make_fresh(program: Program, kinds: Kinds) -> Program:
    """The program with every `s2sad.returned` settled."""
    actual = ActualKinds(program, kinds)
    functions = {}
    for label, function in program.functions.items():
        if any(_holds_asked(e) for s in walk(function.body) for e in expressions(s)):
            function = _Settling(function, kinds, actual).run()
        functions[label] = function
    return Program(functions, program.entry)


def _holds_asked(expr: Expr) -> bool:
    return isinstance(expr, Op) and (_is_asked(expr) or any(map(_holds_asked, expr.operands)))


class _Settling:
    """The settling of one function."""

    def __init__(self, function: Function, kinds: Kinds, actual: ActualKinds) -> None:
        self.function = function
        self.kinds = kinds
        self.kind_of = actual.evaluator(function)
        self.aliases: Aliases = alias_classes(function, kinds)
        self.sure = _surely_floats(function)
        #: Classes with memory that is not this function's, or whose cells may stand for the same memory.
        self.borrowed = {self.aliases.root(v) for v in (*(p.var for p in function.params), *function.free.values())}
        #: How often a class is given out.
        self.given: dict[Var, int] = {}
        for stmt in walk(function.body):
            if isinstance(stmt, (Call, Restore)):
                self.borrowed.update(self.aliases.root(v) for v in stmt.vars)
            elif isinstance(stmt, Assign) and not (_is_asked(stmt.expr) or self.is_made_of(stmt.expr, _any)):
                self.borrowed.add(self.aliases.root(stmt.var))
            for expr in expressions(stmt):
                for v in self.given_out(expr, isinstance(stmt, Return)):
                    self.given[self.aliases.root(v)] = self.given.get(self.aliases.root(v), 0) + 1

    def run(self) -> Function:
        return replace_function(self.function, body=[self.statement(s) for s in self.function.body])

    def statement(self, stmt: Stmt) -> Stmt:
        if any(map(_holds_asked, expressions(stmt))):
            stmt = change_expressions(stmt, self.settle)
        if blocks_of(stmt):
            new = replace(stmt)
            set_blocks(new, [[self.statement(s) for s in b] for b in blocks_of(stmt)])
            return new
        return stmt

    def settle(self, expr: Expr) -> Expr:
        if not isinstance(expr, Op):
            return expr
        if expr.name != RETURNED:
            return replace(
                expr,
                operands=tuple(map(self.settle, expr.operands)),
                keywords=tuple((k, self.settle(v)) for k, v in expr.keywords),
            )
        g, x = self.settle(expr.operands[0]), expr.operands[1]
        wanted = kind_of_expr(x, self.kinds)
        if wanted.is_array and wanted.shape == ():
            return self.array_without_axes(g, x, wanted)
        if wanted.shape == ():
            return self.number(g, wanted)
        return self.array(g, x, wanted)

    def array(self, g: Expr, x: Expr, wanted: Kind) -> Expr:
        """A gradient of an array, or of what may be one."""
        kind = self.kind_of(g)
        if isinstance(g, Const):
            return Op("numpy.full_like", (x, g))
        if wanted.dtype is not None and kind.dtype != wanted.dtype:
            return Op("numpy.ndarray.astype", (g, Op("numpy.ndarray.dtype", (x,))))
        if (kind.shape == () and not kind.is_array) or self.is_own(g):
            return g
        return Op("numpy.copy", (g,))

    def array_without_axes(self, g: Expr, x: Expr, wanted: Kind) -> Expr:
        """A gradient of an array without axes: arithmetic makes NumPy scalars of those."""
        kind = self.kind_of(g)
        dtype = "float64" if isinstance(g, Const) and type(g.value) is float else kind.dtype
        if dtype == wanted.dtype:
            return g if kind.is_array and self.is_own(g) else Op("numpy.array", (g,))
        return Op("numpy.array", (g, Op("numpy.ndarray.dtype", (x,))))

    def number(self, g: Expr, wanted: Kind) -> Expr:
        """A gradient of a number: np.float64 is a float, but no float is a np.float64."""
        kind = self.kind_of(g)
        if wanted.sort == "scalar" and wanted.dtype is not None:
            same = kind.sort == "scalar" and kind.dtype == wanted.dtype
            return g if same else Op(f"numpy.{_portable(wanted.dtype)}", (g,))
        if wanted.sort == "float" and not self.sure(g, self.kind_of):
            return Const(float(g.value)) if isinstance(g, Const) else Op("builtins.float", (g,))
        if wanted.sort == "complex" and not (kind.sort == "complex" or (kind.sort, kind.dtype) == _COMPLEX):
            return Const(complex(g.value)) if isinstance(g, Const) else Op("builtins.complex", (g,))
        return g

    # ---- memory ------------------------------------------------------------------------------------------------

    def is_own(self, g: Expr) -> bool:
        """Whether a value has memory that nothing else holds, writable, each cell its own."""

        def is_only_given(v: Var) -> bool:
            root = self.aliases.root(v)
            return root not in self.borrowed and self.given.get(root, 0) == 1

        return self.is_made_of(g, is_only_given)

    def is_made_of(self, expr: Expr, of: Callable[[Var], bool]) -> bool:
        """Whether a value is in new memory, writable, each cell its own, or in that of such a Var as `of` tells."""
        if isinstance(expr, Var):
            return of(expr)
        if not isinstance(expr, Op) or expr.name in REPEATED:
            return False
        if expr.name == "s2sad.select":
            return all(self.is_made_of(e, of) for e in expr.operands[1:])
        entry = registry.find(rule_name(expr)) or registry.described(expr.name)
        if entry is None or (expr.name == "numpy.diag" and self.kind_of(expr.operands[0]).rank != 1):
            return False
        bound = bind(entry, expr)
        seen = [bound[name] for name in views_of(entry, bound) if name in bound]
        return all(self.is_made_of(e, of) for part in seen for e in (part if isinstance(part, tuple) else (part,)))

    def given_out(self, expr: Expr, is_returned: bool) -> list[Var]:
        """The Vars whose memory a value that is returned, or asked for, may share."""
        if isinstance(expr, Op) and (_is_asked(expr) or expr.name in DISPLAYS):
            parts = expr.operands[:1] if _is_asked(expr) else expr.operands
            return [v for e in parts for v in self.given_out(e, is_returned or _is_asked(expr))]
        if is_returned:
            return list(dict.fromkeys(shared_operands(expr)))
        return [v for e in (expr.operands if isinstance(expr, Op) else ()) for v in self.given_out(e, False)]


#: np.complex128 is a complex.
_COMPLEX = ("scalar", "complex128")


def _any(var: Var) -> bool:
    return True


def _portable(dtype: str) -> str:
    return "longdouble" if dtype == np.dtype(np.longdouble).name != "float64" else dtype


REPEATED = frozenset({
    "s2sad.spread", "s2sad.rebroadcast", "numpy.broadcast_to", "numpy.diagonal", "numpy.ndarray.diagonal",
    "numpy.linalg.diagonal", "numpy.imag", "numpy.ndarray.imag",
    "s2sad.runtime.adjoints.diag_adjoint", "s2sad.runtime.linalg.einsum_adjoint", "operator.getitem",
})  # fmt: skip
"""What makes arrays whose cells may be the same memory or read-only, and items, which may be anything."""


# Kinds as they really are
class ActualKinds:
    """The kinds that values really have: an adjoint may be of a wider dtype than its primal, by whose kind it goes."""

    def __init__(self, program: Program, kinds: Kinds) -> None:
        self.program = program
        self.kinds = kinds
        self._results: dict[tuple[Label, tuple[Kind, ...]], list[Kind | None]] = {}
        self._busy: dict[tuple[Label, tuple[Kind, ...]], bool] = {}

    def evaluator(self, function: Function) -> Callable[[Expr], Kind]:
        """What gives the kinds of expressions of a function whose arguments are what they are said to be."""
        given = {p.var: self.kinds[p.var] for p in function.params if p.var in self.kinds}
        actual = self._infer(function, given)
        return lambda expr: kind_of_expr(expr, actual, self._call)

    def _infer(self, function: Function, given: Kinds) -> Kinds:
        outside = dict(given)
        popped = [s.var for s in walk(function.body) if isinstance(s, Assign) and _is_op(s.expr, POP_OP)]
        outside.update((v, self.kinds[v]) for v in (*function.free.values(), *popped) if v in self.kinds)
        return infer(function, outside, lambda call, args: self._of(call.callee, args, call.vars), self._call)

    def _call(self, call: Op, arguments: list[Kind]) -> Kind | None:
        """The kind of a call within an expression."""
        callee = call.operands[0]
        assert isinstance(callee, Const)
        return self._of(callee.value, arguments, ())[0]

    def _of(self, label: Label, arguments: list[Kind], vars: tuple[Var, ...]) -> list[Kind | None]:
        """The kinds of a callee's results for arguments of these kinds; None while that is being found."""
        key = (label, tuple(arguments))
        function = self.program.functions.get(label)
        deep = sum(other is label for other, _ in self._busy)
        if function is None or (key not in self._results and deep > _DEEPEST):
            return [self.kinds.get(v, UNKNOWN) for v in vars] or [UNKNOWN]
        if key in self._busy:
            self._busy[key] = True
        elif key not in self._results:
            self._results[key] = []
            given = dict(zip((p.var for p in function.params), arguments))
            while True:
                self._busy[key] = False
                found = self._returned(function, self._infer(function, given))
                again = self._busy.pop(key) and found != self._results[key]
                self._results[key] = found
                if not again:
                    break
        known = self._results[key]
        return known if known else [None] * max(len(vars), 1)

    def _returned(self, function: Function, actual: Kinds) -> list[Kind | None]:
        results: list[Kind | None] = []
        for stmt in walk(function.body):
            if not isinstance(stmt, Return):
                continue
            values = [self._known(v, actual) for v in stmt.values]
            if not results:
                results = values
            else:
                pairs = zip(results, values)
                results = [b if a is None else a if b is None else join(a, b) for a, b in pairs]
        return results

    def _known(self, expr: Expr, actual: Kinds) -> Kind | None:
        return reached_kind(expr, actual.get, self._call)


#: How many calls of one function may wait for each other before what is known of its results counts.
_DEEPEST = 6


def _is_op(expr: Expr, name: str) -> bool:
    return isinstance(expr, Op) and expr.name == name


# Floats for sure
#: Of ints all but the quotient make ints.
_ARITHMETIC = (
    *(f"operator.{name}" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "pos")),
    "s2sad.unbroadcast", "s2sad.spread", "builtins.abs",
)  # fmt: skip


def _surely_floats(function: Function) -> Callable[[Expr, Callable[[Expr], Kind]], bool]:
    """What tells whether a number is a float (np.float64 is one): no int that counts as one, no array without axes.

    A Var is where all that it is bound to is.
    """
    bound: dict[Var, list[Expr | None]] = {}

    def is_sure(expr: Expr, floats: dict[Var, bool], kind_of: Callable[[Expr], Kind]) -> bool:
        if isinstance(expr, Const):
            return type(expr.value) is float
        if isinstance(expr, Var):
            return floats[expr]
        if isinstance(expr, Op) and expr.name == "s2sad.select":
            return all(is_sure(e, floats, kind_of) for e in expr.operands[1:])
        kind = kind_of(expr)
        if kind.sort == "scalar":
            return kind.dtype == "float64"
        if isinstance(expr, Op) and expr.name in _ARITHMETIC:
            is_double = kind.sort == "float" or (kind.sort == "unknown" and kind.dtype == "float64")
            if is_double and expr.name == "operator.truediv":
                return True
            parts = expr.operands[:1] if expr.name.startswith("s2sad.") else expr.operands
            enough = any if is_double else all
            return kind.shape == () and not kind.is_array and enough(is_sure(e, floats, kind_of) for e in parts)
        return kind.sort == "float"

    def sure(expr: Expr, kind_of: Callable[[Expr], Kind]) -> bool:
        if not bound:
            for stmt in walk(function.body):
                for v in defs(stmt):
                    known = isinstance(stmt, Assign) and not _is_op(stmt.expr, POP_OP)
                    bound.setdefault(v, []).append(stmt.expr if known else None)  # type: ignore[attr-defined]
        floats = dict.fromkeys(vars_of(expr), True)
        for v in (reached := list(floats)):
            for e in bound.get(v, ()):
                new = [w for w in dict.fromkeys(vars_of(e) if e is not None else ()) if w not in floats]
                floats.update(dict.fromkeys(new, True))
                reached += new
        changed = True
        while changed:
            changed = False
            for v in reached:
                given = kind_of(v)
                is_double = given.shape == () and given.dtype == "float64" and not given.is_array
                is_float = given.sort == "float" or is_double
                held = all(is_float if e is None else is_sure(e, floats, kind_of) for e in bound.get(v, (None,)))
                if floats[v] and not held:
                    floats[v], changed = False, True
        return is_sure(expr, floats, kind_of)

    return sure
