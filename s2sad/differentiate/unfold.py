"""What a derivative calls of `s2sad.runtime`, as functions of the program, where the table has no rule for it.

    x_bar = cholesky_adjoint(y_bar, y)          an operation without a rule
    x_bar = @cholesky_adjoint(y_bar, y, False)  a call of a function like the user's, differentiated by its own text

Only calls that read what is active are changed; all others stay single operations.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from typing import Any

from s2sad.analysis.activity import ActivityAnalysis
from s2sad.analysis.kinds import Kinds, Specialiser, kind_of_expr
from s2sad.differentiate.adjoints import as_const
from s2sad.errors import S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.frontend.resolve import LivePrimal
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import Assign, Block, Call, Expr, Label, Op, Program, Stmt, Var, blocks_of, replace
from s2sad.ir.walk import set_blocks, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry

_RUNTIME = "s2sad.runtime."


def unfold(program: Program, kinds: Kinds, lowering: Lowering, wrt: Sequence[int]) -> tuple[Program, Kinds]:
    """The program with each active operation of `s2sad.runtime` without a rule as a call, and the kinds of its Vars."""
    kinds = dict(kinds)
    functions = dict(program.functions)
    varied = ActivityAnalysis(program, kinds).varied(program.entry, frozenset(wrt))[0]

    def block(statements: Block, active: frozenset[Var] | None) -> Block:
        return [made for s in statements for made in statement(s, active)]

    def statement(stmt: Stmt, active: frozenset[Var] | None) -> Block:
        if blocks_of(stmt):
            new: Stmt = replace(stmt)
            set_blocks(new, [block(b, active) for b in blocks_of(stmt)])
            return [new]
        if not (isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name.startswith(_RUNTIME)):
            return [stmt]
        if registry.find(stmt.expr.name) is not None:
            return [stmt]
        if active is not None and not any(v in active for v in vars_of(stmt.expr)):
            return [stmt]
        call = called(stmt.expr)
        if call is None:
            return [stmt]  # refused where it is differentiated
        links: dict[str, Any] = {"origin": stmt.origin, "quote": stmt.quote, "group": stmt.group}
        returned = functions[call[0]].results
        if not returned.packed:
            return [Call((stmt.var,), *call, **links)]
        # A tuple comes as its items.
        items = tuple(Var(stmt.var.hint, temporary=True) for _ in returned.values)
        items_kinds = kinds[stmt.var].items if stmt.var in kinds else None
        kinds.update(zip(items, items_kinds or [UNKNOWN] * len(items)))
        kinds[stmt.var] = Kind("tuple", items=tuple(kinds[v] for v in items))
        return [Call(items, *call, **links), Assign(stmt.var, Op("tuple", items), **links)]

    def called(op: Op) -> tuple[Label, tuple[Expr, ...]] | None:
        module, _, name = op.name.rpartition(".")
        function = getattr(importlib.import_module(module), name)
        bound = inspect.signature(function).bind(*op.operands, **dict(op.keywords))
        params = inspect.signature(function).parameters.values()
        given = [bound.arguments.get(p.name, as_const(p.default)) for p in params]
        kinds_given = [kind_of_expr(e, kinds) for e in given]
        try:
            made, inner = Specialiser(lowering).entry(lowering.label(LivePrimal(function)), kinds_given)
        except S2sadError:
            return None
        if made.entry not in made.functions:
            return None
        kinds.update(inner)
        functions.update(made.functions)
        return made.entry, tuple(given)

    for label, function in program.functions.items():
        active = varied if label is program.entry else None
        functions[label] = replace_function(function, body=block(function.body, active))
    return Program(functions, program.entry), kinds
