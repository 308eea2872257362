"""What calls and tapes share: which parameters, results and pushed values of a function may be one memory.

    def first(x, y):
        return x[:2]

The result of `first` and its `x` may be one memory, `y` is another: a write into `first(a, b)` is none into `b`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from s2sad.analysis.aliases import Aliases, alias_classes, can_share
from s2sad.analysis.kinds import Kinds
from s2sad.ir.nodes import Call, Function, Label, Program, Restore, Save, Site, Var, walk
from s2sad.ir.walk import vars_of

#: A parameter or result by its position, or the value that a tape site pushes at a position.
Point: TypeAlias = tuple[str | Site, int]


class Sharing:
    """The sharing of each function of a program, found from below over circles of calls.

    groups: label -> points of the function that may be one memory, group by group.
    """

    def __init__(self, program: Program, kinds: Kinds) -> None:
        self.kinds = kinds
        self.groups: dict[Label, list[list[Point]]] = {label: [] for label in program.functions}
        #: A point of a tape site -> one that stands for all that may be the same memory where they are pushed.
        self._same: dict[Point, Point] = {}
        self._stored: dict[Point, None] = {}
        self._saves = {label: _saved(f) for label, f in program.functions.items()}
        called = any(isinstance(s, (Call, Restore)) for f in program.functions.values() for s in walk(f.body))
        changed = called
        while changed:
            changed = False
            for label, function in program.functions.items():
                before = self.groups[label], len(self._same), len(self._stored)
                self.groups[label] = self._groups(function)
                changed = changed or before != (self.groups[label], len(self._same), len(self._stored))

    def of_call(self, call: Call) -> Iterable[list[Var]]:
        """The Vars at a call that may be one memory after it, group by group."""
        groups = self.groups.get(call.callee)
        if groups is None:
            yield [*call.vars, *(v for a in call.args for v in vars_of(a))]
            return
        for group in groups:
            found: list[Var] = []
            for what, position in group:
                if what == "result":
                    found += call.vars[position : position + 1]  # a call may give none of its results
                elif what == "parameter":
                    found += vars_of(call.args[position])
            yield found

    def of_pop(self, site: Site, position: int) -> Point:
        """What stands for all that may be the same memory as what is popped at a position of a site."""
        point: Point = (site, position)
        while point in self._same:
            point = self._same[point]
        return point

    def is_stored(self, site: Site, position: int) -> bool:
        """Whether some function writes into what it pops that may be the memory at a position of a site."""
        return any(self.of_pop(*point) == self.of_pop(site, position) for point in self._stored)  # type: ignore[arg-type]

    def _groups(self, function: Function) -> list[list[Point]]:
        aliases = alias_classes(function, self.kinds, self)
        classes: dict[Var, list[Point]] = {}

        def add(var: Var, point: Point) -> None:
            if can_share(var, self.kinds):
                classes.setdefault(aliases.root(var), []).append(point)

        for i, p in enumerate(function.params):
            add(p.var, ("parameter", i))
        for i, value in enumerate(function.results.values):
            for v in vars_of(value):
                add(v, ("result", i))
        for site, vars in self._saves[function.label]:
            for k, v in enumerate(vars):
                add(v, (site, k))
        self._note_pushed(classes.values())
        self._note_stored(function, aliases)
        outside = self._outside(function, aliases)
        everything = [("parameter", i) for i in range(len(function.params))]
        for root, group in classes.items():
            if root in outside and any(what == "result" for what, _ in group):
                group += [p for p in everything if p not in group]
        return [list(dict.fromkeys(group)) for group in classes.values() if len(group) > 1]

    def _note_pushed(self, groups: Iterable[list[Point]]) -> None:
        for group in groups:
            sites = [p for p in group if isinstance(p[0], Site)]
            for point in sites[1:]:
                one, other = self.of_pop(*sites[0]), self.of_pop(*point)  # type: ignore[arg-type]
                if one != other:
                    self._same[other] = one

    def _note_stored(self, function: Function, aliases: Aliases) -> None:
        mine = {site for site, _ in self._saves[function.label]}
        for stmt in walk(function.body):
            if isinstance(stmt, Restore) and stmt.site not in mine:
                self._stored.update({(stmt.site, k): None for k, v in enumerate(stmt.vars) if aliases.written(v)})

    def _outside(self, function: Function, aliases: Aliases) -> set[Var]:
        """The classes of what a function gets neither as an argument nor from a call: of globals, and what it pops."""
        mine = {site for site, _ in self._saves[function.label]}
        popped = [v for s in walk(function.body) if isinstance(s, Restore) and s.site not in mine for v in s.vars]
        return {aliases.root(v) for v in (*function.free.values(), *popped)}


def _saved(function: Function) -> list[tuple[Site, tuple[Var, ...]]]:
    return [(s.site, s.vars) for s in walk(function.body) if isinstance(s, Save)]
