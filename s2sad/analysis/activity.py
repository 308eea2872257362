"""Activity: which Vars carry a derivative that matters. varied (depends on an active parameter) ∩ useful (reaches a result).

Facts are per Var; a call is followed into its callee, whose activity is keyed by its active parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import DISPLAYS, Assign, Call, Expr, For, Function, Label, Op, Program, Restore, Save, Site, Stmt, Store, Var, While, walk
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name


@dataclass(frozen=True)
class Activity:
    """The active Vars of a function, for some active parameters and active results (positions)."""

    varied: frozenset[Var]
    active: frozenset[Var]

    def __contains__(self, var: object) -> bool:
        return var in self.active


def differentiable_operands(op: Op) -> list[Expr]:
    """The operands through which a derivative flows."""
    if op.name in DISPLAYS:
        return list(op.operands) if op.name != "slice" else []
    entry = registry.find(rule_name(op))
    if entry is None:
        return [*op.operands, *(v for _, v in op.keywords)]
    bound = bind(entry, op)
    found: list[Expr] = []
    for name in entry.differentiable:
        operand = bound.get(name)
        if isinstance(operand, tuple):
            found.extend(operand)
        elif operand is not None:
            found.append(operand)
    return found


def flows(expr: Expr) -> list[Var]:
    """The Vars of an expression through which a derivative flows."""
    if isinstance(expr, Var):
        return [expr]
    if isinstance(expr, Op):
        return [v for operand in differentiable_operands(expr) for v in _operand_vars(operand)]
    return []


def _operand_vars(operand: Expr) -> Iterable[Var]:
    return vars_of(operand)


class ActivityAnalysis:
    """Activity of all functions of a program, on demand."""

    def __init__(self, program: Program, kinds: Kinds) -> None:
        self.program = program
        self.kinds = kinds
        self._varied: dict[tuple[Label, frozenset[int]], tuple[frozenset[Var], frozenset[int]]] = {}
        self._busy: set[tuple[Label, frozenset[int]]] = set()
        self._useful: dict[tuple[Label, frozenset[int]], tuple[frozenset[Var], frozenset[int]]] = {}

    def of(self, label: Label, params: frozenset[int], results: frozenset[int]) -> Activity:
        """The activity of a function for the active parameters and results at these positions."""
        varied, _ = self.varied(label, params)
        useful, _ = self.useful(label, results)
        return Activity(varied, varied & useful)

    def varied(self, label: Label, params: frozenset[int]) -> tuple[frozenset[Var], frozenset[int]]:
        """The Vars that depend on these parameters, and the positions of the results that do."""
        key = (label, params)
        function = self.program.functions.get(label)
        if function is None:
            return frozenset(), frozenset({0}) if params else frozenset()
        if key in self._busy or (key in self._varied and key not in self._busy):
            return self._varied.get(key, (frozenset(), frozenset()))
        self._busy.add(key)
        while True:
            before = self._varied.get(key, (frozenset(), frozenset()))
            found = self._varied_once(function, params)
            positions = frozenset(i for i, v in enumerate(function.results.values) if any(w in found for w in vars_of(v)))
            self._varied[key] = (found, positions)
            if self._varied[key] == before:
                break
        self._busy.discard(key)
        return self._varied[key]

    def _carries(self, var: Var) -> bool:
        return self.kinds.get(var, UNKNOWN).carries_derivative

    def _varied_once(self, function: Function, params: frozenset[int]) -> frozenset[Var]:
        varied = {function.params[i].var for i in params}
        sites: dict[Site, set[int]] = {}
        changed = True
        loops = any(isinstance(s, (For, While)) for s in walk(function.body))
        while changed:
            size = len(varied) + sum(map(len, sites.values()))
            for stmt in walk(function.body):
                for var in self._varied_by(stmt, varied, sites):
                    if self._carries(var):
                        varied.add(var)
            changed = loops and len(varied) + sum(map(len, sites.values())) != size
        return frozenset(varied)

    def _varied_by(self, stmt: Stmt, varied: set[Var], sites: dict[Site, set[int]]) -> Iterable[Var]:
        if isinstance(stmt, Assign):
            return [stmt.var] if any(v in varied for v in flows(stmt.expr)) else []
        if isinstance(stmt, Store):
            return [stmt.base] if any(v in varied for v in flows(stmt.expr)) else []
        if isinstance(stmt, Call):
            given = frozenset(i for i, a in enumerate(stmt.args) if any(v in varied for v in vars_of(a)))
            if not given:
                return []
            _, results = self.varied(stmt.callee, given)
            return [v for i, v in enumerate(stmt.vars) if i in results]
        if isinstance(stmt, Save):
            sites.setdefault(stmt.site, set()).update(i for i, v in enumerate(stmt.vars) if v in varied)
        if isinstance(stmt, Restore):
            return [v for i, v in enumerate(stmt.vars) if i in sites.get(stmt.site, ())]
        return []

    def useful(self, label: Label, results: frozenset[int]) -> tuple[frozenset[Var], frozenset[int]]:
        """The Vars that reach these results, and the positions of the parameters that do."""
        key = (label, results)
        function = self.program.functions.get(label)
        if function is None:
            return frozenset(), frozenset(range(1000))
        busy = ("useful", *key)
        if busy in self._busy or key in self._useful:
            return self._useful.get(key, (frozenset(), frozenset()))
        self._busy.add(busy)  # type: ignore[arg-type]
        while True:
            before = self._useful.get(key, (frozenset(), frozenset()))
            found = self._useful_once(function, results)
            positions = frozenset(i for i, p in enumerate(function.params) if p.var in found)
            self._useful[key] = (found, positions)
            if self._useful[key] == before:
                break
        self._busy.discard(busy)  # type: ignore[arg-type]
        return self._useful[key]

    def _useful_once(self, function: Function, results: frozenset[int]) -> frozenset[Var]:
        useful = {v for i in results for v in vars_of(function.results.values[i])}
        sites: dict[Site, set[int]] = {}
        order = list(walk(function.body))
        order.reverse()
        loops = any(isinstance(s, (For, While)) for s in order)
        changed = True
        while changed:
            size = len(useful) + sum(map(len, sites.values()))
            for stmt in order:
                if isinstance(stmt, Assign) and stmt.var in useful:
                    useful.update(flows(stmt.expr))
                elif isinstance(stmt, Store) and stmt.base in useful:
                    useful.update(flows(stmt.expr))
                elif isinstance(stmt, Call):
                    wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in useful)
                    if wanted:
                        _, positions = self.useful(stmt.callee, wanted)
                        useful.update(v for i, a in enumerate(stmt.args) if i in positions for v in vars_of(a))
                elif isinstance(stmt, Restore):
                    sites.setdefault(stmt.site, set()).update(i for i, v in enumerate(stmt.vars) if v in useful)
                elif isinstance(stmt, Save):
                    useful.update(v for i, v in enumerate(stmt.vars) if i in sites.get(stmt.site, ()))
            changed = loops and len(useful) + sum(map(len, sites.values())) != size
        return frozenset(useful)
