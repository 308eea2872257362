"""Tuples on tapes, item by item, so that a derivative of the derivative can give each item a tangent or an adjoint.

tape.push(t)       t_0 = t[0]; t_1 = t[1]; tape.push(t_0, t_1)
t = tape.pop()     t_0, t_1 = tape.pop(); t = (t_0, t_1)
"""

from __future__ import annotations

from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import Assign, Block, Const, Expr, Op, Program, Restore, Save, Site, Stmt, Var, blocks_of, replace
from s2sad.ir.nodes import walk as statements_of
from s2sad.ir.walk import set_blocks
from s2sad.ir.webs import replace_function


def save_items(program: Program, kinds: Kinds) -> tuple[Program, Kinds]:
    """The program with each tuple or list of known items as its items on the tape, and the kinds of its Vars."""
    kinds = dict(kinds)
    # What is popped has the kind of what was pushed, in whichever function.
    pushed: dict[tuple[Site, int], Kind] = {}
    for function in program.functions.values():
        for stmt in statements_of(function.body):
            if isinstance(stmt, Save):
                pushed.update({(stmt.site, k): kinds.get(v, UNKNOWN) for k, v in enumerate(stmt.vars)})
    if not any(_is_open(kind) for kind in pushed.values()):
        return program, kinds

    def item_of(var: Var, position: int, kind: Kind) -> Var:
        item = Var(f"{var.hint}_{position}", temporary=var.temporary)
        kinds[item] = kind
        return item

    def take(var: Var, kind: Kind, before: Block) -> list[Var]:
        if not _is_open(kind):
            return [var]
        taken: list[Var] = []
        for position, of in enumerate(kind.items or ()):
            item = item_of(var, position, of)
            before.append(Assign(item, Op("operator.getitem", (var, Const(position)))))
            taken += take(item, of, before)
        return taken

    def give(var: Var, kind: Kind, after: Block) -> list[Var]:
        if not _is_open(kind):
            return [var]
        kinds[var] = kind
        items = [item_of(var, position, of) for position, of in enumerate(kind.items or ())]
        given = [v for item, of in zip(items, kind.items or ()) for v in give(item, of, after)]
        display: tuple[Expr, ...] = tuple(items)
        after.append(Assign(var, Op(kind.sort, display)))
        return given

    def statement(stmt: Stmt) -> Block:
        around: Block = []
        if isinstance(stmt, Save):
            taken = [v for k, var in enumerate(stmt.vars) for v in take(var, pushed[stmt.site, k], around)]
            return [*around, replace(stmt, vars=tuple(taken))]
        if isinstance(stmt, Restore):
            given = [
                v for k, var in enumerate(stmt.vars) for v in give(var, pushed.get((stmt.site, k), UNKNOWN), around)
            ]
            return [replace(stmt, vars=tuple(given)), *around]
        if blocks_of(stmt):
            new: Stmt = replace(stmt)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            return [new]
        return [stmt]

    def block(statements: Block) -> Block:
        return [made for s in statements for made in statement(s)]

    functions = {label: replace_function(f, body=block(f.body)) for label, f in program.functions.items()}
    return Program(functions, program.entry), kinds


def _is_open(kind: Kind) -> bool:
    return kind.sort in ("tuple", "list") and kind.items is not None
