"""Reverse mode: a program in, the program of its gradient out.

A program is a function and those that it calls; each is differentiated once for each set of active parameters and
results (`build`), recursive ones in rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from s2sad.analysis.activity import ActivityAnalysis
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.analysis.sharing import Sharing
from s2sad.differentiate.adjoints import Path
from s2sad.differentiate.build import Build
from s2sad.differentiate.complexes import holds_complex
from s2sad.differentiate.halves import Halves
from s2sad.differentiate.normalise import normalise, with_steady_arguments
from s2sad.differentiate.ownership import with_own_arguments
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    Call,
    Function,
    Label,
    Program,
    Return,
    Site,
    Stack,
    Stmt,
    Var,
    replace,
    walk,
)
from s2sad.ir.walk import callees


class ReverseMode:
    """Makes the gradient of a program's entry, and the halves of the functions that it calls."""

    def __init__(self, program: Program, kinds: Kinds, lowering: Lowering | None = None) -> None:
        self.lowering = lowering or Lowering()
        self.kinds: Kinds = dict(kinds)
        self.sharing = Sharing(program, self.kinds)
        self.counters: dict[Stmt, Var] = {}
        functions = {}
        called = {label for f in program.functions.values() for label in callees(f)}
        for label, function in program.functions.items():
            if label is program.entry:
                function = with_own_arguments(function, self.kinds, self.sharing)
            function = with_steady_arguments(function, self.kinds, shapes_only=label not in called)
            functions[label], counters = normalise(function, self.kinds)
            self.counters.update(counters)
        self.primals = program.functions
        self.program = Program(functions, program.entry)
        self.is_complex = holds_complex(program, self.kinds)
        self.activity = ActivityAnalysis(self.program, self.kinds, self.sharing)
        self.halves: dict[tuple[Label, frozenset[int], frozenset[int]], Halves] = {}
        self.made: dict[Label, Function] = {}
        # What is known of a circle of calls grows in rounds: whether each callee of this round is still being built.
        self._round: dict[tuple[Label, frozenset[int], frozenset[int]], bool] = {}
        self._changed = self._circular = False
        self.calls_stack = Stack()
        self.notes: list[str] = []
        self._adjoint_sites: dict[Site, Site] = {}
        self._shadow_sites: dict[Site, Site] = {}
        #: Positions of tape sites at which memory is pushed whose shadow is pushed too.
        self.passed: dict[Site, tuple[int, ...]] = {}
        self._more_passed = False
        self._adjoint_stacks: dict[Stack, Stack] = {}
        #: The paths of what tape sites carry, by site and position.
        self.leaves: dict[tuple[Site, int], list[Path]] = {}

    def gradient(
        self, wrt: Sequence[int], *, value: bool = False, tuple_result: bool = False, seed: str = "one", name: str = ""
    ) -> tuple[Program, Kinds]:
        """The program that returns the gradient with respect to the parameters at `wrt`, after the value if `value`.

        seed: "one" for a scalar result, "ones" for an elementwise one, "given" for a trailing parameter.
        """
        main = self.program.main
        results = frozenset(range(len(main.results.values)))
        if self._recursive(main, frozenset(wrt)):
            main = self._wrapper(main)
        self.activity.settle(main.label, frozenset(wrt), results)
        while True:
            build = Build(self, main, frozenset(wrt), results, framed=False, value=value)
            function = build.gradient(list(wrt), value=value, tuple_result=tuple_result, seed=seed, name=name)
            if not self._more_passed:
                break
            self._more_passed = False
            for table in (self.halves, self.made, self.leaves):
                table.clear()
            self.notes.clear()
        functions = {
            label: f for label, f in self.primals.items() if label is not self.program.entry or self._calls_itself()
        }
        functions.update(self.made)
        functions[function.label] = function
        return Program(functions, function.label), self.kinds

    def pass_shadows(self, site: Site, positions: tuple[int, ...]) -> None:
        """Have the functions that push on a site shadow what they push at these positions, when all is built again."""
        known = self.passed.get(site, ())
        if not set(positions) <= set(known):
            self.passed[site] = tuple(sorted({*known, *positions}))
            self._more_passed = True

    def adjoint_site(self, site: Site) -> Site:
        """The site at which the adjoints of what another site saves are saved, on a stack of its own."""
        if site not in self._adjoint_sites:
            stack = self._adjoint_stacks.setdefault(site.stack, Stack(f"{site.stack.hint}_bar"))
            self._adjoint_sites[site] = Site(f"{site.hint}_bar", stack)
        return self._adjoint_sites[site]

    def shadow_site(self, site: Site) -> Site:
        """The site at which the shadows of what another site saves are saved, on a stack of its own."""
        if site not in self._shadow_sites:
            self._shadow_sites[site] = Site(f"{site.hint}_shadow", Stack(f"{site.stack.hint}_shadow"))
        return self._shadow_sites[site]

    def _calls_itself(self) -> bool:
        called = (
            s.callee for f in [*self.primals.values(), *self.made.values()] for s in walk(f.body) if isinstance(s, Call)
        )
        return any(label is self.program.entry for label in called)

    def _recursive(self, main: Function, params: frozenset[int]) -> bool:
        """Whether a function reaches an active call of itself."""
        seen: set[Label] = set()
        work = [main]
        while work:
            for stmt in walk(work.pop().body):
                if isinstance(stmt, Call):
                    if stmt.callee is main.label:
                        return True
                    if stmt.callee not in seen and stmt.callee in self.program.functions:
                        seen.add(stmt.callee)
                        work.append(self.program.functions[stmt.callee])
        return False

    def _wrapper(self, main: Function) -> Function:
        """A function that only calls `main`: a recursive function's gradient is a call of its halves."""
        params = [replace(p, var=Var(p.name)) for p in main.params]
        for new, old in zip(params, main.params):
            self.kinds[new.var] = self.kinds.get(old.var, UNKNOWN)
        results = tuple(
            Var("result" if len(main.results.values) == 1 else f"result{k}", True)
            for k in range(len(main.results.values))
        )
        for new_result, old_result in zip(results, main.results.values):
            self.kinds[new_result] = kind_of_expr(old_result, self.kinds)
        call = Call(results, main.label, tuple(p.var for p in params), origin=main.origin)
        made = replace(
            main,
            label=Label(main.label.hint),
            params=params,
            body=[call, Return(results, main.results.packed)],
            free={},
        )
        self.program = Program({**self.program.functions, made.label: made}, made.label)
        self.activity = ActivityAnalysis(self.program, self.kinds, self.sharing)
        return made

    def halves_of(self, label: Label, params: frozenset[int], results: frozenset[int]) -> Halves:
        """The halves of a callee.

        Recursive ones are built again, all of the circle, until what they read and save no longer changes.
        """
        key = (label, params, results)
        if key in self.halves and (not self.halves[key].busy or key in self._round):
            self._circular = self._circular or self._round.get(key, False)
            return self.halves[key]
        if key not in self.halves:
            self.halves[key] = Halves(
                Label(f"forward_{label.hint}"),
                Label(f"reverse_{label.hint}"),
                tuple(sorted(params)),
                tuple(sorted(results)),
                primal=label,
            )
        halves = self.halves[key]
        outermost = not self._round
        while True:
            if outermost:
                self._changed = self._circular = False
            self._round[key] = True
            before = halves.facts
            forward, reverse = Build(self, self.program.functions[label], params, results, framed=True).halves(halves)
            self.made[halves.forward] = forward
            self.made[halves.reverse] = reverse
            self._round[key] = False
            self._changed = self._changed or halves.facts != before
            if not outermost:
                return halves
            if not (self._changed and self._circular):
                for finished in self._round:
                    self.halves[finished].busy = False
                self._round = {}
                return halves
            self._round = {}
