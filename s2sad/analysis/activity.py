"""Activity: which Vars carry a derivative that matters.

They are varied (depend on an active parameter) and useful (reach a result).
Facts are per Var; a call is followed into its callee, whose activity is keyed by its active parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from s2sad.analysis.aliases import alias_classes
from s2sad.analysis.kinds import Kinds
from s2sad.analysis.sharing import Sharing
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Call,
    Expr,
    For,
    Function,
    Label,
    Op,
    Program,
    Restore,
    Save,
    Site,
    Stmt,
    Store,
    Var,
    While,
    walk,
)
from s2sad.ir.walk import defs, vars_of
from s2sad.rules import registry
from s2sad.rules.binding import bind, rule_name


@dataclass(frozen=True)
class Activity:
    """The active Vars of a function, for some active parameters and active results (positions)."""

    varied: frozenset[Var]
    active: frozenset[Var]

    def __contains__(self, var: object) -> bool:
        return var in self.active

    def joined(self, more: Iterable[Var]) -> Activity:
        """The activity with these Vars active too."""
        return Activity(self.varied.union(more), self.active.union(more))


def differentiable_operands(op: Op) -> list[Expr]:
    """The operands through which a derivative flows, or would if the rule did not refuse them."""
    if op.name in DISPLAYS:
        return list(op.operands) if op.name != "slice" else []
    entry = registry.find(rule_name(op))
    if entry is None:
        return [*op.operands, *(v for _, v in op.keywords)]
    bound = bind(entry, op)
    found: list[Expr] = []
    for name in (p.name for p in entry.parameters if entry.adjoint and p.name not in entry.constant):
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


#: What is asked: a function and positions of its parameters or results. What is found: Vars, and positions of the
#: others.
_Query = tuple[Label, frozenset[int]]
_Found = tuple[frozenset[Var], frozenset[int]]
_NOTHING: _Found = (frozenset(), frozenset())


class ActivityAnalysis:
    """Activity of all functions of a program, on demand."""

    def __init__(self, program: Program, kinds: Kinds, sharing: Sharing | None = None) -> None:
        self.program = program
        self.kinds = kinds
        self.sharing = sharing
        self._classes: dict[Label, dict[Var, list[Var]]] = {}
        self._tables: dict[str, dict[_Query, _Found]] = {"varied": {}, "useful": {}}
        #: Which values of a tape site are varied, and which useful, wherever in the program they are pushed or popped.
        self._pushed: dict[Site, set[int]] = {}
        self._popped: dict[Site, set[int]] = {}
        self._touching = _touching_tapes(program)
        self._final: set[tuple[str, _Query]] = set()
        self._round: dict[tuple[str, _Query], bool] = {}  # whether a query of this round is still being computed
        self._changed = self._circular = False

    def of(self, label: Label, params: frozenset[int], results: frozenset[int]) -> Activity:
        """The activity of a function for the active parameters and results at these positions."""
        varied, _ = self.varied(label, params)
        useful, _ = self.useful(label, results)
        return Activity(varied, varied & useful)

    def touches_tape(self, label: Label) -> bool:
        """Whether a function, or one that it calls, pushes on a tape or pops from it."""
        return label in self._touching

    def positions(self, site: Site) -> tuple[int, ...]:
        """Which values of a tape site carry a derivative that matters."""
        return tuple(sorted(self._pushed.get(site, set()) & self._popped.get(site, set())))

    def settle(self, label: Label, params: frozenset[int], results: frozenset[int], *, callees: bool = False) -> None:
        """Find what tape sites carry, for an entry function: a push in one function is popped in another.

        callees: all results of the functions that it calls will be asked for, not those alone that matter to it.
        """
        whole = [f for f in self.program.functions.values() if callees and f.label in self._touching]
        while self._touching:
            size = self._size()
            for table in self._tables.values():
                table.clear()
            self._final.clear()
            self.varied(label, params)
            self.useful(label, results)
            for function in whole:
                self.useful(function.label, frozenset(range(len(function.results.values))))
            if self._size() == size:
                break

    def _size(self) -> int:
        return sum(map(len, self._pushed.values())) + sum(map(len, self._popped.values()))

    def varied(self, label: Label, params: frozenset[int]) -> tuple[frozenset[Var], frozenset[int]]:
        """The Vars that depend on these parameters, and the positions of the results that do."""
        function = self.program.functions.get(label)
        if function is None:
            return frozenset(), frozenset({0}) if params else frozenset()

        def once() -> _Found:
            found = self._varied_once(function, params)
            return found, frozenset(
                i for i, v in enumerate(function.results.values) if any(w in found for w in vars_of(v))
            )

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

    def _shared(self, function: Function) -> dict[Var, list[Var]]:
        """For each Var of memory that is written, all names that may reach the same memory."""
        if function.label not in self._classes:
            found: dict[Var, list[Var]] = {}
            if any(isinstance(s, Store) for s in walk(function.body)):
                aliases = alias_classes(function, self.kinds, self.sharing)
                members: dict[Var, dict[Var, None]] = {}
                names = [*(p.var for p in function.params), *(v for s in walk(function.body) for v in defs(s))]
                for v in names:
                    if aliases.written(v) and self.kinds.get(v, UNKNOWN).shape != ():
                        members.setdefault(aliases.root(v), {})[v] = None
                found = {v: list(group) for group in members.values() for v in group}
            self._classes[function.label] = found
        return self._classes[function.label]

    def _carries(self, var: Var) -> bool:
        return self.kinds.get(var, UNKNOWN).carries_derivative

    def _varied_once(self, function: Function, params: frozenset[int]) -> frozenset[Var]:
        varied = {function.params[i].var for i in params}
        before = self._size()
        changed = True
        shared = self._shared(function)
        loops = bool(shared) or any(isinstance(s, (For, While)) for s in walk(function.body))
        while changed:
            size = len(varied) + self._size()
            for stmt in walk(function.body):
                for var in self._varied_by(stmt, varied):
                    varied.update(v for v in shared.get(var, (var,)) if self._carries(v))
            changed = loops and len(varied) + self._size() != size
        self._changed = self._changed or self._size() != before
        return frozenset(varied)

    def _varied_by(self, stmt: Stmt, varied: set[Var]) -> Iterable[Var]:
        if isinstance(stmt, Assign):
            return [stmt.var] if any(v in varied for v in flows(stmt.expr)) else []
        if isinstance(stmt, Store):
            return [stmt.base] if any(v in varied for v in flows(stmt.expr)) else []
        if isinstance(stmt, Call):
            given = frozenset(i for i, a in enumerate(stmt.args) if any(v in varied for v in vars_of(a)))
            if not given and not self.touches_tape(stmt.callee):
                return []
            _, results = self.varied(stmt.callee, given)
            return [v for i, v in enumerate(stmt.vars) if i in results]
        if isinstance(stmt, (Save, Restore)):
            return self._carried(stmt, varied, self._pushed.setdefault(stmt.site, set()), Save)
        return []

    def _carried(self, stmt: Save | Restore, found: set[Var], on_tape: set[int], source: type[Stmt]) -> list[Var]:
        """Note which values of a tape site are among what is found, at its `source`; give those at its other end.

        Memory that is written into when it is popped has no source: all of its names are found where one is.
        """
        written = self._written_where_popped(stmt)
        on_tape.update(i for i, v in enumerate(stmt.vars) if v in found and (isinstance(stmt, source) or i in written))
        return [v for i, v in enumerate(stmt.vars) if i in on_tape and (not isinstance(stmt, source) or i in written)]

    def _written_where_popped(self, stmt: Save | Restore) -> set[int]:
        if self.sharing is None:
            return set()
        return {i for i in range(len(stmt.vars)) if self.sharing.is_stored(stmt.site, i)}

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
        before = self._size()
        order = list(walk(function.body))
        order.reverse()
        shared = self._shared(function)
        loops = bool(shared) or any(isinstance(s, (For, While)) for s in order)
        changed = True
        while changed:
            size = len(useful) + self._size()
            if shared:
                useful.update([w for v in list(useful) for w in shared.get(v, ())])
            for stmt in order:
                if (isinstance(stmt, Assign) and stmt.var in useful) or (
                    isinstance(stmt, Store) and stmt.base in useful
                ):
                    useful.update(flows(stmt.expr))
                elif isinstance(stmt, Call):
                    wanted = frozenset(i for i, v in enumerate(stmt.vars) if v in useful)
                    if wanted or self.touches_tape(stmt.callee):
                        _, positions = self.useful(stmt.callee, wanted)
                        useful.update(v for i, a in enumerate(stmt.args) if i in positions for v in vars_of(a))
                elif isinstance(stmt, (Save, Restore)):
                    popped = self._popped.setdefault(stmt.site, set())
                    useful.update(self._carried(stmt, useful, popped, Restore))
            changed = loops and len(useful) + self._size() != size
        self._changed = self._changed or self._size() != before
        return frozenset(useful)


def _touching_tapes(program: Program) -> set[Label]:
    """The functions that push or pop, or call one that does."""
    found = {
        label for label, f in program.functions.items() if any(isinstance(s, (Save, Restore)) for s in walk(f.body))
    }
    changed = bool(found)
    while changed:
        more = {
            label for label, f in program.functions.items()
            if label not in found and any(isinstance(s, Call) and s.callee in found for s in walk(f.body))
        }  # fmt: skip
        found |= more
        changed = bool(more)
    return found
