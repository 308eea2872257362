"""Make what a derivative returns fresh: its own memory, writable, of the argument's dtype.

`s2sad.returned(g, x)` stands where the gradient of `x` is returned. It goes where `g` is plainly fresh; else it
becomes a copy.
"""

from __future__ import annotations

from s2sad.analysis.aliases import alias_classes, shared_operands
from s2sad.analysis.kinds import Kinds, infer, kind_of_expr
from s2sad.ir.kinds import Kind
from s2sad.ir.nodes import Assign, Block, Call, Const, Expr, Function, Op, Restore, Stmt, Var, blocks_of, replace, walk
from s2sad.ir.walk import set_blocks, vars_of
from s2sad.ir.webs import replace_function
from s2sad.optimise.effects import TAPE_OPS

RETURNED = "s2sad.returned"
POP_OP = TAPE_OPS[1]


def make_fresh(function: Function, kinds: Kinds) -> Function:
    """The function with every `s2sad.returned` settled."""
    asked = [
        s for s in walk(function.body) if isinstance(s, Assign) and isinstance(s.expr, Op) and s.expr.name == RETURNED
    ]
    if not asked:
        return function
    actual = actual_kinds(function, kinds)
    aliases = alias_classes(function, kinds)
    outside = {aliases.root(v) for v in (*(p.var for p in function.params), *function.free.values())}
    members: dict[Var, int] = {}
    borrowed: set[Var] = set()
    for stmt in walk(function.body):
        if isinstance(stmt, (Call, Restore)):
            borrowed.update(aliases.root(v) for v in stmt.vars)
        if not isinstance(stmt, Assign):
            continue
        root = aliases.root(stmt.var)
        if isinstance(stmt.expr, Op) and stmt.expr.name == RETURNED:
            continue
        if isinstance(stmt.expr, Const) or (isinstance(stmt.expr, Op) and _is_repeated(stmt.expr, kinds)):
            borrowed.add(root)
        elif not shared_operands(stmt.expr):
            members[root] = members.get(root, 0)
    for stmt in asked:
        assert isinstance(stmt.expr, Op)
        for v in vars_of(stmt.expr.operands[0]):
            members[aliases.root(v)] = members.get(aliases.root(v), 0) + 1

    def settle(stmt: Stmt) -> Stmt:
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name == RETURNED:
            g, x = stmt.expr.operands
            wanted = kind_of_expr(x, kinds)
            if wanted.shape == ():
                return replace(stmt, expr=_number_like(g, kind_of_expr(g, actual), x, wanted))
            if not isinstance(g, Var):
                return replace(stmt, expr=Op("numpy.full_like", (x, g)))
            root = aliases.root(g)
            kind = kind_of_expr(g, actual)
            if wanted.is_array and wanted.dtype is not None and kind.dtype != wanted.dtype and (
                kind.dtype is not None or wanted.dtype != "float64"
            ):
                return replace(stmt, expr=Op("numpy.ndarray.astype", (g, Op("numpy.ndarray.dtype", (x,)))))
            if kind.shape == () or (root not in outside and root not in borrowed and members.get(root) == 1):
                return replace(stmt, expr=g)
            return replace(stmt, expr=Op("numpy.copy", (g,)))
        if blocks_of(stmt):
            new = replace(stmt)
            set_blocks(new, [[settle(s) for s in b] for b in blocks_of(stmt)])
            return new
        return stmt

    body: Block = [settle(s) for s in function.body]
    return replace_function(function, body=body)


def actual_kinds(function: Function, kinds: Kinds) -> Kinds:
    """The kinds that the values of a function really have: an adjoint may be of a wider dtype than its primal."""
    given = [*(p.var for p in function.params), *function.free.values()]
    assigns = [s for s in walk(function.body) if isinstance(s, Assign)]
    given += [s.var for s in assigns if isinstance(s.expr, Op) and s.expr.name == POP_OP]
    outside = {v: kinds[v] for v in given if v in kinds}
    return infer(function, outside, lambda call, _: [kinds.get(v) for v in call.vars])


def _number_like(g: Expr, kind: Kind, x: Expr, wanted: Kind) -> Expr:
    """A gradient of a number as a number of the same sort."""
    if wanted.is_array:
        return g if kind.is_array else Op("numpy.asarray", (g,))
    if wanted.sort == "scalar" and wanted.dtype != "float64":
        same = kind.sort == "scalar" and kind.dtype == wanted.dtype
        return g if same else Op("numpy.ndarray.astype", (Op("numpy.float64", (g,)), Op("numpy.ndarray.dtype", (x,))))
    if wanted.sort in ("float", "scalar") and (kind.sort in ("int", "bool", "array") or kind.shape != ()):
        return Op("builtins.float", (g,))
    return g


def _is_repeated(expr: Op, kinds: Kinds) -> bool:
    """Whether the cells of a result may stand for the same memory, or be read-only."""
    if expr.name == "numpy.diag":
        return kind_of_expr(expr.operands[0], kinds).rank != 1
    return expr.name in _REPEATED or expr.name.startswith("s2sad.runtime.")


_REPEATED = frozenset({
    "s2sad.spread", "s2sad.rebroadcast", "s2sad.unspread", "numpy.broadcast_to", "numpy.diagonal", "s2sad.select",
    "operator.getitem",
})  # fmt: skip
