"""Names for Vars, chosen last. Vars with the same hint share a name where they are never in use at once.

Temporaries are t1, t2, … in the order of the text, their adjoints t1_bar, … . A name that is taken gets a number.
"""

from __future__ import annotations

import builtins
import heapq
import keyword
from collections.abc import Iterable

from s2sad.ir.nodes import Block, For, Function, Stmt, Var, While, blocks_of
from s2sad.ir.walk import defs, exposed_reads, uses, vars_of


class _Intervals:
    """For each Var the stretch of the text, as positions, over which it may be in use."""

    def __init__(self, function: Function) -> None:
        self.position = 0
        self.start: dict[Var, int] = {}
        self.stop: dict[Var, int] = {}
        self.around: dict[Var, dict[Stmt, None]] = {}
        self.spans: dict[Stmt, tuple[int, int]] = {}
        self.order: list[Var] = []
        for p in function.params:
            self.note(p.var, 0, ())
        for v in function.free.values():
            self.note(v, 0, ())
        self.visit(function.body, ())
        last = self.position
        for v in (*(p.var for p in function.params), *function.free.values()):
            self.stop[v] = max(self.stop[v], 1)
        for v in function.free.values():
            self.stop[v] = 2 * last + 2
        self.extend()

    def note(self, var: Var, at: int, loops: tuple[Stmt, ...]) -> None:
        if var not in self.start:
            self.start[var] = at
            self.stop[var] = at
            self.order.append(var)
        self.start[var] = min(self.start[var], at)
        self.stop[var] = max(self.stop[var], at)
        self.around.setdefault(var, {}).update(dict.fromkeys(reversed(loops)))

    def visit(self, block: Block, loops: tuple[Stmt, ...]) -> None:
        for stmt in block:
            self.position += 1
            read, bind = 2 * self.position, 2 * self.position + 1
            begin = read
            inside = (*loops, stmt) if isinstance(stmt, (For, While)) else loops
            for v in uses(stmt):
                self.note(v, read, inside if isinstance(stmt, While) else loops)
            for v in defs(stmt):
                self.note(v, bind, inside if isinstance(stmt, For) else loops)
            for inner in blocks_of(stmt):
                self.visit(inner, inside)
            if isinstance(stmt, (For, While)):
                self.spans[stmt] = (begin, 2 * self.position + 1)

    def extend(self) -> None:
        """A Var that is in use across a trip of a loop is in use over the whole loop."""
        exposed: dict[Stmt, set[Var]] = {}
        for loop in self.spans:
            assert isinstance(loop, (For, While))
            exposed[loop] = set(vars_of(loop.test)) if isinstance(loop, While) else set()
            exposed_reads(loop.body, {loop.target} if isinstance(loop, For) else set(), exposed[loop])
        for var, around in self.around.items():
            for loop in around:
                begin, end = self.spans[loop]
                if self.start[var] < begin or self.stop[var] > end or var in exposed[loop]:
                    self.start[var] = min(self.start[var], begin)
                    self.stop[var] = max(self.stop[var], end)


def choose_names(function: Function, taken: Iterable[str] = ()) -> dict[Var, str]:
    """A name for every Var of a function, none of them in `taken` (the globals and helpers that its text reads)."""
    intervals = _Intervals(function)
    names: dict[Var, str] = {}
    # An interactive prompt keeps its last value as the builtin `_`, which must not change what is printed.
    builtin_names = [name for name in dir(builtins) if name != "_"]
    reserved = {*taken, *keyword.kwlist, *builtin_names, *function.free}
    ends: dict[str, int] = {}
    for name, var in function.free.items():
        names[var] = name
    # Users' own parameters keep their names; a seed that would have the same (x_dot beside x_dot) gives way.
    for p in sorted(function.params, key=lambda p: p.seed):
        name = p.name
        while p.seed and name in ends:
            name += "_"
        names[p.var] = name
        ends[name] = intervals.stop[p.var]
    params = {names[p.var] for p in function.params}
    hints = {_split(var)[0] for var in intervals.order if not var.temporary}
    in_use: dict[tuple[str, str], _Numbers] = {}
    temporaries = 0
    for var in sorted(intervals.order, key=lambda v: intervals.start[v]):
        if var in names:
            continue
        start, stop = intervals.start[var], intervals.stop[var]
        base, suffix = _split(var)
        if base == "t" and var.temporary:
            while True:
                temporaries += 1
                name = f"t{temporaries}{suffix}"
                if name not in reserved and name not in params and name not in ends:
                    break
        else:
            numbers = in_use.setdefault((base, suffix), _Numbers())
            while True:
                number = numbers.take(start)
                name = _numbered(base, suffix, number)
                if name in reserved and name not in params:
                    continue
                if suffix and number > 1 and _numbered(base, "", number) in hints:
                    continue  # the adjoint of `k` is not named as that of `k2`
                if ends.get(name, -1) <= start:
                    break
                numbers.keep(number, ends[name])
            numbers.keep(number, max(ends.get(name, -1), stop))
        names[var] = name
        ends[name] = max(ends.get(name, -1), stop)
    return names


def _split(var: Var) -> tuple[str, str]:
    for suffix in ("_bar", "_dot", "_tape"):
        if var.hint.endswith(suffix) and len(var.hint) > len(suffix):
            base, inner = var.hint[: -len(suffix)], suffix
            return base, inner
    return var.hint, ""


def _numbered(base: str, suffix: str, number: int) -> str:
    """The first name of a hint is the hint itself; then come `y2`, `y3`."""
    joint = "_" if base[-1:].isdigit() else ""
    return f"{base}{suffix}" if number == 1 else f"{base}{joint}{number}{suffix}"


class _Numbers:
    """The numbers of one hint: which are free, and until when the others are not. Each step costs a logarithm.

    >>> numbers = _Numbers()
    >>> first, second = numbers.take(0), numbers.take(0)
    >>> numbers.keep(first, 5), numbers.keep(second, 3)
    (None, None)
    >>> numbers.take(4), numbers.take(4)
    (2, 3)
    """

    def __init__(self) -> None:
        self.free: list[int] = []
        self.kept: list[tuple[int, int]] = []
        self.next = 1

    def take(self, start: int) -> int:
        """The least number that is free from a start on; starts never fall."""
        while self.kept and self.kept[0][0] <= start:
            heapq.heappush(self.free, heapq.heappop(self.kept)[1])
        if self.free:
            return heapq.heappop(self.free)
        self.next += 1
        return self.next - 1

    def keep(self, number: int, stop: int) -> None:
        """A number is in use until a stop."""
        heapq.heappush(self.kept, (stop, number))
