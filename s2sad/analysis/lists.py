"""Lists that are made longer or shorter: which of them nothing else holds, so that text may change them in place.

In the IR `xs = s2sad.append(xs, e)` and `xs = s2sad.shorter(xs)` make new lists, as a value that is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2sad.ir.nodes import Assign, Expr, Function, Op, Raw, Return, Stmt, Var, walk
from s2sad.ir.walk import defs, expressions, uses, vars_of

#: The operations that make a list that is longer by an item, or shorter.
LENGTHENING = ("s2sad.append", "s2sad.shorter")
#: Those and the operations that make a list with another item at an index.
CHANGING = (*LENGTHENING, "s2sad.runtime.containers.with_item", "s2sad.runtime.containers.without_item")

#: What makes a list that holds one value several times.
REPEATED = "s2sad.runtime.containers.repeated_for"

#: What reads a list and holds on to nothing but its items.
_READS = (
    "operator.getitem", "builtins.len", "builtins.sum", "builtins.min", "builtins.max", "builtins.list", *CHANGING,
)  # fmt: skip


def lists_held_elsewhere(function: Function, names: Mapping[Var, str]) -> set[Var]:
    """The lists that something beside their own name may hold.

    names: what each Var is called in the text. A copy of a list under its own name holds nothing more, nor does one
    after which the other name is not read again.
    """
    parent: dict[Var, Var] = {}

    def find(var: Var) -> Var:
        while parent.get(var, var) is not var:
            var = parent[var]
        return var

    lists: dict[Var, None] = {}
    moved = {s for s in function.body if isinstance(s, Assign) and isinstance(s.expr, Var)}
    last_read: dict[Var, int] = {}
    places: dict[Stmt, int] = {}
    for place, stmt in enumerate(walk(function.body)):
        places[stmt] = place
        last_read.update(dict.fromkeys(uses(stmt), place))
    for stmt in walk(function.body):
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Var):
            same = names.get(stmt.expr) == names.get(stmt.var)
            if same or (stmt in moved and last_read[stmt.expr] == places[stmt]):
                moved.add(stmt)
                parent[find(stmt.expr)] = find(stmt.var)
            else:
                moved.discard(stmt)
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name in CHANGING:
            lists[stmt.var] = None
            lists.update(dict.fromkeys(v for v in vars_of(stmt.expr.operands[0])))
            for var in vars_of(stmt.expr.operands[0]):
                parent[find(var)] = find(stmt.var)
    if not lists:
        return set()
    held = {find(p.var) for p in function.params} | {find(v) for v in function.free.values()}

    def hold(expr: Expr, reader: str = "") -> None:
        """Note the lists that the value of an expression may hold."""
        if isinstance(expr, Var):
            if not (reader in _READS or reader.startswith(("numpy.", "s2sad.runtime."))):
                held.add(find(expr))
            return
        for position, operand in enumerate(expr.operands if isinstance(expr, Op) else ()):
            assert isinstance(expr, Op)
            hold(operand, "" if expr.name in CHANGING and position else expr.name)
        for _, value in expr.keywords if isinstance(expr, Op) else ():
            hold(value)
        if isinstance(expr, Raw) and not expr.pure:
            held.update(find(v) for _, v in expr.reads)

    for stmt in walk(function.body):
        if isinstance(stmt, Return):
            continue
        if not isinstance(stmt, Assign):
            held.update(find(v) for v in defs(stmt))
        elif isinstance(stmt.expr, Var) and stmt in moved:
            continue
        elif not (isinstance(stmt.expr, Op) and (stmt.expr.name in CHANGING or _is_new(stmt.expr))):
            held.add(find(stmt.var))
        for expr in expressions(stmt):
            hold(expr)
    return {v for v in lists if find(v) in held}


def _is_new(op: Op) -> bool:
    """Whether an operation makes a list that nothing else holds."""
    return op.name in ("list", "builtins.list") or op.name.startswith("s2sad.runtime.containers.")
