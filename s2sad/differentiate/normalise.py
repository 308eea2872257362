"""Bring a function to the form that can be differentiated.

After this pass
1. a `while` counts its trips,
2. the target of a `for` is bound by nothing else and read only in its body,
3. a result that its own rule reads stands in a Var that nothing else binds.

    while e > tol:            k = 0
        x = tanh(x)           while e > tol:
                                  k = k + 1
                                  t = tanh(x)
                                  x = t
"""

from __future__ import annotations

import re

from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import INT, UNKNOWN
from s2sad.ir.nodes import Assign, Block, Const, For, Function, Op, Stmt, Var, While, blocks_of, replace, walk
from s2sad.ir.walk import defs, set_blocks, uses, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry
from s2sad.rules.binding import rule_name


def normalise(function: Function, kinds: Kinds) -> tuple[Function, dict[Stmt, Var]]:
    """The function in differentiable form, and the counter of each `while`. The kinds of new Vars are added."""
    counters: dict[Stmt, Var] = {}
    outside = _bound_or_read_outside(function)
    binders: dict[Var, int] = {p.var: 1 for p in function.params}
    for stmt in walk(function.body):
        for var in defs(stmt):
            binders[var] = binders.get(var, 0) + 1

    def copy(block: Block, in_loop: bool) -> Block:
        made: Block = []
        for stmt in block:
            is_loop = isinstance(stmt, (For, While))
            inner = [copy(b, in_loop or is_loop) for b in blocks_of(stmt)]
            if isinstance(stmt, While):
                counter = Var("k", temporary=True)
                kinds[counter] = INT
                made.append(Assign(counter, Const(0)))
                more = Assign(counter, Op("operator.add", (counter, Const(1)), spelled="add="))
                new = replace(stmt, body=[more, *inner[0]])
                counters[new] = counter
                made.append(new)
            elif isinstance(stmt, For) and stmt.target in outside:
                index = Var("i", temporary=True)
                kinds[index] = INT
                made.append(replace(stmt, target=index, body=[Assign(stmt.target, index, origin=stmt.origin), *inner[0]]))
            elif isinstance(stmt, Assign) and _needs_own_result(stmt, in_loop or binders[stmt.var] > 1):
                own = Var("t", temporary=True)
                kinds[own] = kinds.get(stmt.var, UNKNOWN)
                made += [replace(stmt, var=own), replace(stmt, expr=own)]
            else:
                new = replace(stmt)
                if inner:
                    set_blocks(new, inner)
                made.append(new)
        return made

    return replace_function(function, body=copy(function.body, False)), counters


def _needs_own_result(stmt: Assign, rebound: bool) -> bool:
    if not isinstance(stmt.expr, Op):
        return False
    shared = rebound or any(v is stmt.var for v in vars_of(stmt.expr))
    return shared and not stmt.var.temporary and reads_result(stmt.expr)


def reads_result(op: Op) -> bool:
    """Whether some formula of an operation's rule reads the result."""
    entry = registry.find(rule_name(op))
    if entry is None:
        return False
    for table in (entry.adjoint, entry.tangent):
        for cases in table.values():
            for case in cases:
                if not isinstance(case.text, str) or re.search(r"\by\d?\b", case.text):
                    return True
    return False


def _bound_or_read_outside(function: Function) -> set[Var]:
    """Targets of loops that anything but their own loop binds, or reads after it."""
    found: set[Var] = set()
    targets: set[Var] = set()
    for stmt in walk(function.body):
        if isinstance(stmt, For):
            if stmt.target in targets:
                found.add(stmt.target)
            targets.add(stmt.target)
    found.update(p.var for p in function.params if p.var in targets)

    def visit(block: Block, open_loops: frozenset[Var]) -> None:
        for stmt in block:
            if not isinstance(stmt, For):
                found.update(v for v in defs(stmt) if v in targets)
            found.update(v for v in uses(stmt) if v in targets and v not in open_loops)
            inside = open_loops | {stmt.target} if isinstance(stmt, For) else open_loops
            for inner in blocks_of(stmt):
                visit(inner, inside)

    visit(function.body, frozenset())
    return found
