"""Alias classes: which Vars may share memory, by unification over copies, views, containers and calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from s2sad.analysis.indices import makes_copy
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Call,
    Const,
    Do,
    Expr,
    Function,
    Op,
    Raw,
    Restore,
    Save,
    Site,
    Store,
    Var,
    walk,
)
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name
from s2sad.rules.registry import Rule

if TYPE_CHECKING:
    from s2sad.analysis.sharing import Sharing


class Aliases:
    """The classes of one function. `written(v)` tells whether memory that `v` may reach is ever stored into."""

    def __init__(self, parent: dict[Var, Var], stored: set[Var]) -> None:
        self._parent = parent
        self._stored = {self.root(v) for v in stored}

    def root(self, var: Var) -> Var:
        while self._parent.get(var, var) is not var:
            var = self._parent[var]
        return var

    def may_share(self, a: Var, b: Var) -> bool:
        return self.root(a) is self.root(b)

    def written(self, var: Var) -> bool:
        return self.root(var) in self._stored


def shared_operands(expr: Expr, kinds: Kinds | None = None) -> list[Var]:
    """The Vars whose memory the value of an expression may share."""
    if isinstance(expr, Var):
        return [expr]
    if isinstance(expr, Raw):
        return [v for _, v in expr.reads] if expr.kind is UNKNOWN else []
    if not isinstance(expr, Op):
        return []
    if expr.name == "operator.getitem":
        return [] if _reads_copy(expr, kinds) else shared_operands(expr.operands[0], kinds)
    if expr.name in DISPLAYS:
        return [v for e in (*expr.operands, *(e for _, e in expr.keywords)) for v in shared_operands(e, kinds)]
    if expr.name == "s2sad.select":
        return [v for e in expr.operands[1:] for v in shared_operands(e, kinds)]
    if expr.name == "s2sad.returned":
        return shared_operands(expr.operands[0], kinds)
    entry = registry.find(rule_name(expr)) or registry.described(expr.name)
    if entry is None:
        return list(vars_of(expr))
    bound = bind(entry, expr)
    found: list[Var] = []
    for name in views_of(entry, bound):
        operand = bound.get(name)
        for e in operand if isinstance(operand, tuple) else (operand,):
            if e is not None:
                found.extend(shared_operands(e, kinds))
    return found


def views_of(entry: Rule, bound: dict[str, Any]) -> tuple[str, ...]:
    """The parameters with which the result of such a call may share memory; an Einstein sum with its only operand."""
    several = entry.name == "numpy.einsum" and len(bound.get("operands", ())) > 1
    return () if several or _is_copied(entry, bound) else entry.views


def _is_copied(entry: Rule, bound: dict[str, Any]) -> bool:
    """Whether an operation is surely told to copy: `np.array(a)`, `a.astype(float)`."""
    option = next((p for p in entry.parameters if p.name == "copy"), None)
    return option is not None and bound.get("copy", Const(option.default)) == Const(True)


def _reads_copy(expr: Op, kinds: Kinds | None) -> bool:
    """Whether `base[index]` is surely memory of its own: an array at a mask or at an array of positions."""
    return kinds is not None and kind_of_expr(expr.operands[0], kinds).is_array and makes_copy(expr.operands[1], kinds)


def is_fresh(expr: Expr, kinds: Kinds | None = None) -> bool:
    """Whether an expression makes memory that nothing else holds."""
    if not isinstance(expr, Op) or expr.name in ("s2sad.select", "tuple", "list"):
        return False
    if expr.name == "operator.getitem":
        return _reads_copy(expr, kinds)
    entry = registry.find(rule_name(expr)) or registry.described(expr.name)
    if entry is None or (expr.name.startswith("s2sad.") and not expr.name.endswith("_with_strides")):
        return False
    return not entry.views or not views_of(entry, bind(entry, expr))


def alias_classes(function: Function, kinds: Kinds, sharing: Sharing | None = None) -> Aliases:
    """The alias classes of a function's Vars. Numbers and strings share nothing.

    Without the sharing of the functions that it calls, all that a call is given and gives may be one memory.
    """
    parent: dict[Var, Var] = {}

    def find(v: Var) -> Var:
        while parent.get(v, v) is not v:
            parent[v] = parent.get(parent[v], parent[v])
            v = parent[v]
        return v

    def union(vars: Iterable[Var]) -> None:
        members = [v for v in vars if can_share(v, kinds)]
        for other in members[1:]:
            a, b = find(members[0]), find(other)
            if a is not b:
                parent[b] = a

    stored: set[Var] = set()
    sites: dict[Site, tuple[Var, ...]] = {}
    saved: set[Site] = set()
    popped: dict[Site, tuple[Var, ...]] = {}
    for stmt in walk(function.body):
        if isinstance(stmt, Assign):
            union([stmt.var, *shared_operands(stmt.expr, kinds)])
        elif isinstance(stmt, Call):
            if sharing is None:
                union([*stmt.vars, *(v for a in stmt.args for v in vars_of(a))])
            else:
                for group in sharing.of_call(stmt):
                    union(group)
        elif isinstance(stmt, Store):
            stored.add(stmt.base)
            if stmt.how is None and not _is_number_array(stmt.base, kinds):
                union([stmt.base, *vars_of(stmt.expr)])
        elif isinstance(stmt, Do) and isinstance(stmt.expr, Op) and stmt.expr.name == "s2sad.push":
            union(vars_of(stmt.expr))
        elif isinstance(stmt, (Save, Restore)):
            for v, w in zip(sites.setdefault(stmt.site, stmt.vars), stmt.vars):
                union([v, w])
            if isinstance(stmt, Save):
                saved.add(stmt.site)
                if sharing is not None:
                    stored.update(v for k, v in enumerate(stmt.vars) if sharing.is_stored(stmt.site, k))
            else:
                popped[stmt.site] = stmt.vars
    # What another function pushed may be one memory under several names, as it was there.
    ones: dict[object, list[Var]] = {}
    for site, vars in popped.items():
        for k, v in enumerate(vars if site not in saved else ()):
            ones.setdefault(None if sharing is None else sharing.of_pop(site, k), []).append(v)
    for group in ones.values():
        union(group)
    return Aliases(parent, stored)


def can_share(var: Var, kinds: Kinds) -> bool:
    """Whether a Var may stand for anything but a number or text."""
    kind = kinds.get(var, UNKNOWN)
    return not (kind.is_number or kind.sort in ("none", "str", "slice", "range", "ellipsis"))


def _is_number_array(var: Var, kinds: Kinds) -> bool:
    return kinds.get(var, UNKNOWN).is_array
