"""Activity: which Vars carry a derivative that matters. varied (depends on an active parameter) ∩ useful (reaches a result).

Facts are per Var; a call is followed into its callee, whose activity is keyed by its active parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


#: What is asked: a function and positions of its parameters or results. What is found: Vars, and positions of the others.
_Query = tuple[Label, frozenset[int]]
_Found = tuple[frozenset[Var], frozenset[int]]
_NOTHING: _Found = (frozenset(), frozenset())


class ActivityAnalysis:
    """Activity of all functions of a program, on demand."""

    def __init__(self, program: Program, kinds: Kinds) -> None:
        self.program = program
        self.kinds = kinds
        self._tables: dict[str, dict[_Query, _Found]] = {"varied": {}, "useful": {}}
        self._final: set[tuple[str, _Query]] = set()
        self._round: dict[tuple[str, _Query], bool] = {}  # whether a query of this round is still being computed
        self._changed = self._circular = False

    def of(self, label: Label, params: frozenset[int], results: frozenset[int]) -> Activity:
        """The activity of a function for the active parameters and results at these positions."""
        varied, _ = self.varied(label, params)
        useful, _ = self.useful(label, results)
        return Activity(varied, varied & useful)

    def varied(self, label: Label, params: frozenset[int]) -> tuple[frozenset[Var], frozenset[int]]:
        """The Vars that depend on these parameters, and the positions of the results that do."""
        function = self.program.functions.get(label)
        if function is None:
            return frozenset(), frozenset({0}) if params else frozenset()

        def once() -> _Found:
            found = self._varied_once(function, params)
            return found, frozenset(i for i, v in enumerate(function.results.values) if any(w in found for w in vars_of(v)))

        return self._least("varied", (label, params), once)

    def _least(self, table: str, query: _Query, once: Callable[[], _Found]) -> _Found:
        """The least fixpoint of a query over all queries that it reaches: functions may call each other in circles.

        In a round each query is computed once, and one that is asked again gives what is known so far. The query that
        began the round repeats it until nothing changes; only then is any of them final.
        """
        found = self._tables[table]
        key = (table, query)
        if key in self._final:
            return found[query]
        if key in self._round:
            self._circular = self._circular or self._round[key]
            return found.get(query, _NOTHING)
        outermost = not self._round
        while True:
            if outermost:
                self._changed = self._circular = False
            self._round[key] = True
            new = once()
            self._round[key] = False
            if new != found.get(query, _NOTHING):
                self._changed = True
            found[query] = new
            if not outermost:
                return new
            if not (self._changed and self._circular):
                self._final.update(self._round)
                self._round = {}
                return new
            self._round = {}

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
        function = self.program.functions.get(label)
        if function is None:
            return frozenset(), frozenset(range(1000))

        def once() -> _Found:
            found = self._useful_once(function, results)
            return found, frozenset(i for i, p in enumerate(function.params) if p.var in found)

        return self._least("useful", (label, results), once)

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
