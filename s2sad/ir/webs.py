"""Split every Var into its live-range webs: definitions that share a use share a Var, all others get one of their own.

    x = a          x = a
    y = sin(x)     y = sin(x)
    x = b          x' = b          (printed with another name only if both are needed at once)
    z = cos(x)     z = cos(x')

After this pass a straight-line redefinition is a new Var, so that the reverse sweep finds the old value still there.
"""

from __future__ import annotations

from collections.abc import Iterable

from s2sad.ir.nodes import COMPOUND, Block, For, Function, If, Stmt, Try, Var, While, blocks_of, replace
from s2sad.ir.walk import defs, defs_within, exits, rewrite, set_blocks, uses


class _Webs:
    """Definitions and merge points are elements of a union-find; a merge point joins its sources only if it is used."""

    def __init__(self) -> None:
        self.parent: list[int] = []
        self.hint: list[Var] = []
        self.sources: list[list[int] | None] = []
        self.used: list[bool] = []
        #: The elements that a statement binds, in the order of `defs`, and that of each Var that it reads.
        self.defined: dict[Stmt, list[int]] = {}
        self.read: dict[Stmt, dict[Var, int]] = {}
        self.env: dict[Var, int] = {}
        self.log: list[tuple[Var, int | None]] = []
        self.made: dict[int, Var] = {}

    def element(self, var: Var, sources: list[int] | None = None) -> int:
        self.parent.append(len(self.parent))
        self.hint.append(var)
        self.sources.append(sources)
        self.used.append(False)
        return len(self.parent) - 1

    def bind(self, var: Var, element: int) -> None:
        self.log.append((var, self.env.get(var)))
        self.env[var] = element

    def find(self, e: int) -> int:
        while self.parent[e] != e:
            self.parent[e] = self.parent[self.parent[e]]
            e = self.parent[e]
        return e

    def use(self, stmt: Stmt, variables: Iterable[Var]) -> None:
        read = self.read[stmt] = {v: self.env[v] for v in variables if v in self.env}
        for element in read.values():
            self.used[element] = True

    def rollback(self, mark: int) -> dict[Var, int]:
        """Undo the binds since `mark`; give the bindings that were in force."""
        ends: dict[Var, int] = {}
        while len(self.log) > mark:
            var, old = self.log.pop()
            ends.setdefault(var, self.env[var])
            if old is None:
                self.env.pop(var)
            else:
                self.env[var] = old
        return ends

    def block(self, block: Block) -> None:
        for stmt in block:
            self.statement(stmt)

    def statement(self, stmt: Stmt) -> None:
        if isinstance(stmt, (If, Try)):
            self.simple(stmt)
            ends = []
            for inner in blocks_of(stmt):
                mark = len(self.log)
                self.block(inner)
                end = self.rollback(mark)
                ends.append(None if exits(inner) else end)
            reaching = [e for e in ends if e is not None]
            for var in {v: None for e in ends if e is not None for v in e}:
                sources = [e[var] if var in e else self.env.get(var) for e in reaching]
                known = list(dict.fromkeys(s for s in sources if s is not None))
                self.bind(var, known[0] if len(known) == 1 and len(sources) == 1 else self.element(var, known))
        elif isinstance(stmt, (For, While)):
            if isinstance(stmt, For):
                self.use(stmt, uses(stmt))
            heads: dict[Var, int] = {}
            written = defs_within(stmt.body)
            if isinstance(stmt, For):
                written[stmt.target] = None
            for var in written:
                heads[var] = self.element(var, [self.env[var]] if var in self.env else [])
                self.bind(var, heads[var])
            if isinstance(stmt, While):
                self.use(stmt, uses(stmt))
            mark = len(self.log)
            if isinstance(stmt, For):
                element = self.element(stmt.target)
                self.defined[stmt] = [element]
                self.bind(stmt.target, element)
            self.block(stmt.body)
            for var, last in self.rollback(mark).items():
                joined = self.sources[heads[var]]
                assert joined is not None
                joined.append(last)
        else:
            self.simple(stmt)

    def simple(self, stmt: Stmt) -> None:
        """What a statement reads and binds itself."""
        self.use(stmt, uses(stmt))
        made = self.defined[stmt] = [self.element(var) for var in defs(stmt)]
        for var, element in zip(defs(stmt), made):
            self.bind(var, element)

    def settle(self) -> None:
        """Join every used merge point with its sources, transitively."""
        work = [e for e, used in enumerate(self.used) if used]
        while work:
            e = work.pop()
            for source in self.sources[e] or ():
                self.parent[self.find(source)] = self.find(e)
                if not self.used[source]:
                    self.used[source] = True
                    work.append(source)

    # ---- the function again ------------------------------------------------------------------------------------

    def var_of(self, element: int) -> Var:
        """The Var of the web that an element belongs to."""
        root = self.find(element)
        if root not in self.made:
            old = self.hint[root]
            self.made[root] = Var(old.hint, old.temporary)
        return self.made[root]

    def copy(self, block: Block) -> Block:
        made = []
        for stmt in block:
            new = self.copied(stmt)
            if isinstance(stmt, COMPOUND):
                set_blocks(new, [self.copy(b) for b in blocks_of(stmt)])
            made.append(new)
        return made

    def copied(self, stmt: Stmt) -> Stmt:
        read, bound = self.read.get(stmt, {}), iter(self.defined.get(stmt, ()))
        return rewrite(stmt, lambda v: self.var_of(read[v]) if v in read else v, lambda v: self.var_of(next(bound)))


def split_webs(function: Function) -> tuple[Function, dict[Var, Var]]:
    """The function with one Var a web, and a map from each new Var to the Var that it was split from."""
    webs = _Webs()
    outer: dict[Var, int] = {}
    for var in [*(p.var for p in function.params), *function.free.values()]:
        outer[var] = webs.element(var)
        webs.env[var] = outer[var]
    webs.block(function.body)
    webs.settle()
    params = [replace(p, var=webs.var_of(outer[p.var])) for p in function.params]
    free = {name: webs.var_of(outer[v]) for name, v in function.free.items()}
    body = webs.copy(function.body)
    origin = {new: webs.hint[root] for root, new in webs.made.items()}
    return replace_function(function, params=params, free=free, body=body), origin


def replace_function(function: Function, **changes: object) -> Function:
    """A new Function like `function` with some fields changed."""
    return replace(function, **changes)
