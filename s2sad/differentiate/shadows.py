"""Shadows: the adjoint buffers of memory whose names change hands, bound in the forward sweep beside the names.

    b = np.zeros_like(a)        b = np.zeros_like(a)
                                b_bar = np.zeros_like(b)
    a, b = b, a                 a, b = b, a
                                a_bar, b_bar = b_bar, a_bar

The reverse sweep gets the shadow that a name had at a statement back as it gets any value of the forward sweep, and
adds to its cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from s2sad.analysis.kinds import Kinds
from s2sad.analysis.memory import Memory, held_by, may_be_copy
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Expr,
    For,
    Function,
    Op,
    Restore,
    Save,
    Site,
    Stmt,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, set_blocks, substitute
from s2sad.ir.webs import replace_function


class TapesOfShadows(Protocol):
    """What the functions of one program share: the sites on which shadows are pushed, and what else passes there."""

    passed: dict[Site, tuple[int, ...]]

    def pass_shadows(self, site: Site, positions: tuple[int, ...]) -> None:
        """Have the functions that push on a site shadow what they push at these positions."""

    def shadow_site(self, site: Site) -> Site:
        """The site at which the shadows of what another site saves are saved."""


class Shadows:
    """Binds the shadows of one function."""

    def __init__(
        self,
        memory: Memory,
        bar: Callable[[Var], Var],
        kinds: Kinds,
        counters: dict[Stmt, Var],
        tapes: TapesOfShadows,
    ) -> None:
        self.shadowed = memory.shadowed
        self.bar = bar
        self.kinds = kinds
        self.counters = counters
        self.tapes = tapes
        #: Names of their own for what is made under a name that is bound again.
        self.made: list[Var] = []
        #: For each name under which memory is made: what binds its shadow.
        self.binding: dict[Var, Stmt] = {}
        #: What may be a view or a copy: statement -> what it is made of.
        self.perhaps: dict[Stmt, Var] = {}

    def bind(self, function: Function) -> Function:
        """The function with the adjoint of each shadowed name bound beside it; new loops get their counters."""
        self.binders: dict[Var, int] = {p.var: 1 for p in function.params}
        for stmt in walk(function.body):
            for var in defs(stmt):
                self.binders[var] = self.binders.get(var, 0) + 1
        self.sites = self._sites(function)
        starts: Block = [
            self._zeros(p.var, {"origin": function.origin}) for p in function.params if p.var in self.shadowed
        ]
        return replace_function(function, body=[*starts, *self._block(function.body, False)])

    def _block(self, stmts: Block, in_loop: bool) -> Block:
        made: Block = []
        for stmt in stmts:
            new = stmt
            if blocks_of(stmt):
                new = replace(stmt)
                set_blocks(new, [self._block(b, in_loop or isinstance(stmt, (For, While))) for b in blocks_of(stmt)])
                if stmt in self.counters:
                    self.counters[new] = self.counters[stmt]
            made += self._beside(new, in_loop)
        return made

    def _beside(self, stmt: Stmt, in_loop: bool) -> Block:
        """A statement, and what binds the shadows of the names that it binds."""
        links: dict[str, Any] = {"origin": stmt.origin}
        if isinstance(stmt, Assign) and stmt.var in self.shadowed:
            held = [v for v in held_by(stmt.expr, self.kinds) if v in self.shadowed]
            if held and not may_be_copy(stmt.expr):
                return [stmt, Assign(self.bar(stmt.var), self._shadow_of(stmt.expr), **links)]
            own, renamed = self._own(stmt.var, in_loop, links)
            new = replace(stmt, var=own)
            if held:
                self.binding[own] = Assign(self.bar(own), self._shadow_of(stmt.expr), **links)
                self.perhaps[new] = held[0]
            else:
                gaps = isinstance(stmt.expr, Op) and stmt.expr.name.endswith("_with_strides")
                self._zeros(own, links, "s2sad.runtime.adjoints.zeros_with_strides" if gaps else "numpy.zeros_like")
            return [new, self.binding[own], *renamed]
        if isinstance(stmt, Call) and any(v in self.shadowed for v in stmt.vars):
            names = [(self._own(v, in_loop, links) if v in self.shadowed else (v, [])) for v in stmt.vars]
            zeros = [self._zeros(v, links) for v, _ in names if v in self.shadowed]
            return [replace(stmt, vars=tuple(v for v, _ in names)), *zeros, *(s for _, more in names for s in more)]
        if isinstance(stmt, (Save, Restore)) and self.sites.get(stmt.site):
            passed = tuple(self.bar(stmt.vars[k]) for k in self.sites[stmt.site])
            site = self.tapes.shadow_site(stmt.site)
            return [stmt, Save(site, passed, **links) if isinstance(stmt, Save) else Restore(site, passed, **links)]
        return [stmt]

    def _zeros(self, var: Var, links: dict[str, Any], zeros: str = "numpy.zeros_like") -> Stmt:
        self.binding[var] = Assign(self.bar(var), Op(zeros, (var,)), **links)
        return self.binding[var]

    def _own(self, var: Var, in_loop: bool, links: dict[str, Any]) -> tuple[Var, Block]:
        """A name that is bound only here, for what is made under a name that stands for other memory later."""
        if self.binders[var] == 1 and not in_loop:
            return var, []
        own = Var(var.hint, temporary=True)
        self.kinds[own] = self.kinds.get(var, UNKNOWN)
        self.shadowed[own] = None
        self.made.append(own)
        return own, [Assign(var, own, **links), Assign(self.bar(var), self.bar(own), **links)]

    def _shadow_of(self, expr: Expr) -> Expr:
        if isinstance(expr, Var):
            return self.bar(expr) if expr in self.shadowed else Const(None)
        if not isinstance(expr, Op):
            return Const(None)  # a literal that stands in a display
        if expr.name in DISPLAYS:
            return replace(expr, operands=tuple(map(self._shadow_of, expr.operands)))
        return substitute(expr, lambda v: self.bar(v) if v in self.shadowed else v)

    def _sites(self, function: Function) -> dict[Site, tuple[int, ...]]:
        """The positions of tape sites at which memory is pushed whose shadow the name that pops it needs.

        Where the memory is pushed by a name without a shadow, perhaps in another function, that name has to get one.
        """
        saved: dict[Site, tuple[Var, ...]] = {s.site: s.vars for s in walk(function.body) if isinstance(s, Save)}
        for stmt in walk(function.body):
            if isinstance(stmt, Restore) and any(v in self.shadowed for v in stmt.vars):
                positions = tuple(k for k, v in enumerate(stmt.vars) if v in self.shadowed)
                if stmt.site not in saved or any(saved[stmt.site][k] not in self.shadowed for k in positions):
                    self.tapes.pass_shadows(stmt.site, positions)
                else:
                    self.tapes.passed[stmt.site] = positions
        sites = dict.fromkeys(s.site for s in walk(function.body) if isinstance(s, (Save, Restore)))
        return {site: self.tapes.passed[site] for site in sites if site in self.tapes.passed}
