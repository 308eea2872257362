"""A program as text to be read: for `s2sad show --stages`, and for whoever works on a pass.

    def @grad_square(w: float)
        t: float = operator.mul(2, w)
        return t

A Var prints as its hint; where several of one function share a hint, the second is x.2, the third x.3. A kind follows
the colon where a Var is bound. `save #x (x)` and `restore #x (x)` are the two ends of a tape site.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import gast

from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import (
    CALL,
    Assign,
    Block,
    Break,
    Call,
    Const,
    Do,
    Enter,
    Expr,
    For,
    Function,
    If,
    Label,
    Leave,
    Program,
    Raw,
    RawStmt,
    Restore,
    Return,
    Save,
    Site,
    Stmt,
    Store,
    Try,
    Var,
    While,
)


def dump(program: Program, kinds: Mapping[Var, Kind] | None = None) -> str:
    """The functions of a program, the entry first; the same program gives the same text.

    >>> from s2sad.ir.nodes import Op, Param
    >>> x, other = Var("x"), Var("x")
    >>> body = [Assign(other, Op("math.sin", (x,))), Return((other,))]
    >>> label = Label("f")
    >>> program = Program({label: Function(label, [Param(x, "x")], body)}, label)
    >>> print(dump(program, {x: Kind("float", shape=())}), end="")
    def @f(x: float)
        x.2 = math.sin(x)
        return x.2
    """
    labels = _Names()
    order = [program.entry, *(label for label in program.functions if label is not program.entry)]
    for label in order:
        labels.of(label, label.hint)
    return "\n".join(_Dump(program.functions[label], labels, kinds or {}).text() for label in order)


def kind_text(kind: Kind) -> str:
    """A kind in brief; nothing for one that is unknown.

    >>> from s2sad.ir.kinds import Extent
    >>> kind_text(Kind("array", "float64", (Extent("n", 0, True), 3))), kind_text(Kind("tuple", items=(Kind("int"),)))
    ('array(float64)[n 3]', 'tuple(int)')
    """
    if kind == UNKNOWN:
        return ""
    text = kind.sort
    if kind.items is not None:
        text += f"({', '.join(kind_text(k) or 'unknown' for k in kind.items)})"
    elif kind.dtype is not None:
        text += f"({kind.dtype})"
    elif kind.cls is not None:
        text += f"({getattr(kind.cls, '__name__', kind.cls)})"
    if isinstance(kind.shape, frozenset):
        text += f"[like {' '.join(sorted(kind.shape))}]"
    elif kind.sort in ("array", "unknown") and kind.shape is not None:
        text += f"[{' '.join(map(repr, kind.shape))}]"
    return text


class _Names:
    """Names for identities: the hint, and a number after a dot from the second of one hint on."""

    def __init__(self) -> None:
        self.found: dict[Hashable, str] = {}
        self.count: dict[str, int] = {}

    def of(self, identity: Hashable, hint: str) -> str:
        if identity not in self.found:
            self.count[hint] = self.count.get(hint, 0) + 1
            number = self.count[hint]
            self.found[identity] = hint if number == 1 else f"{hint}.{number}"
        return self.found[identity]


class _Dump:
    def __init__(self, function: Function, labels: _Names, kinds: Mapping[Var, Kind]) -> None:
        self.f = function
        self.labels = labels
        self.kinds = kinds
        self.vars = _Names()
        self.sites = _Names()

    def text(self) -> str:
        params = [self.bound(p.var) + (" (seed)" if p.seed else "") for p in self.f.params]
        lines = [f"def {self.label(self.f.label)}({', '.join(params)})"]
        if self.f.free:
            lines.append(f"    free {', '.join(self.bound(v) for v in self.f.free.values())}")
        lines += self.block(self.f.body, "    ")
        return "\n".join(lines) + "\n"

    def block(self, block: Block, indent: str) -> Iterator[str]:
        if not block:
            yield f"{indent}pass"
        for stmt in block:
            yield from (indent + line for line in self.statement(stmt))

    def statement(self, stmt: Stmt) -> Iterator[str]:
        if isinstance(stmt, If):
            yield f"if {self.expr(stmt.test)}:"
            yield from self.block(stmt.body, "    ")
            if stmt.orelse:
                yield "else:"
                yield from self.block(stmt.orelse, "    ")
        elif isinstance(stmt, For):
            mirror = "mirror " if stmt.mirror else ""
            yield f"for {self.bound(stmt.target)} in {mirror}{self.expr(stmt.iter)}:"
            yield from self.block(stmt.body, "    ")
        elif isinstance(stmt, While):
            yield f"while {self.expr(stmt.test)}:"
            yield from self.block(stmt.body, "    ")
        elif isinstance(stmt, Try):
            types = ", ".join("any" if t is None else self.raw(t, stmt.reads) for t in stmt.types)
            error = "" if stmt.error is None else f" as {self.bound(stmt.error)}"
            yield f"try, {self.bound(stmt.flag)}:"
            yield from self.block(stmt.body, "    ")
            yield f"except {types}{error}:"
            yield from self.block(stmt.handler, "    ")
        else:
            yield self.line(stmt)

    def line(self, stmt: Stmt) -> str:
        if isinstance(stmt, Assign):
            value = self.expr(stmt.expr)
            return f"{self.bound(stmt.var)} = {value}"
        if isinstance(stmt, Store):
            place = self.var(stmt.base) + ("" if stmt.index is None else f"[{self.expr(stmt.index)}]")
            how = "" if stmt.how is None else f"{stmt.how.removeprefix('operator.')} "
            return f"store {place} {how}= {self.expr(stmt.expr)}"
        if isinstance(stmt, Call):
            call = f"{self.label(stmt.callee)}({', '.join(map(self.expr, stmt.args))})"
            return f"{', '.join(map(self.bound, stmt.vars))} = {call}" if stmt.vars else f"call {call}"
        if isinstance(stmt, Do):
            return f"do {self.expr(stmt.expr)}"
        if isinstance(stmt, RawStmt):
            return f"raw {self.raw(stmt.tree, stmt.reads)}" + (" (exits)" if stmt.exits else "")
        if isinstance(stmt, Save):
            return f"save {self.site(stmt.site)} ({', '.join(map(self.var, stmt.vars))})"
        if isinstance(stmt, Restore):
            return f"restore {self.site(stmt.site)} ({', '.join(map(self.bound, stmt.vars))})"
        if isinstance(stmt, Enter):
            return f"enter {', '.join(self.raw(c, stmt.reads) for c in stmt.contexts)}"
        if isinstance(stmt, Leave):
            return "leave"
        if isinstance(stmt, Break):
            return "break"
        if isinstance(stmt, Return):
            values = ", ".join(map(self.expr, stmt.values))
            return f"return ({values})" if stmt.packed else f"return {values}"
        raise TypeError(f"no text for {type(stmt).__name__}")

    # ---- names -------------------------------------------------------------------------------------------------

    def var(self, var: Var) -> str:
        return self.vars.of(var, var.hint)

    def bound(self, var: Var) -> str:
        """A Var where it is bound, with its kind."""
        kind = kind_text(self.kinds.get(var, UNKNOWN))
        return self.var(var) + (f": {kind}" if kind else "")

    def label(self, label: Label) -> str:
        return f"@{self.labels.of(label, label.hint)}"

    def site(self, site: Site) -> str:
        return f"#{self.sites.of(site, site.hint)}"

    # ---- expressions -------------------------------------------------------------------------------------------

    def expr(self, expr: Expr) -> str:
        if isinstance(expr, Var):
            return self.var(expr)
        if isinstance(expr, Const):
            return self.label(expr.value) if isinstance(expr.value, Label) else repr(expr.value)
        if isinstance(expr, Raw):
            return f"raw {self.raw(expr.tree, expr.reads)}"
        operands, name = list(expr.operands), expr.name
        if name == CALL:
            name, operands = self.expr(operands[0]), operands[1:]
        inside = [*map(self.expr, operands), *(f"{k}={self.expr(v)}" for k, v in expr.keywords)]
        return f"{name}({', '.join(inside)})"

    def raw(self, tree: Any, reads: tuple[tuple[str, Var], ...]) -> str:
        """Verbatim syntax between backticks, and which Vars its names stand for where that is not plain."""
        text = "…" if tree is None else ast.unparse(gast.gast_to_ast(tree))
        renamed = [f"{name}={self.var(var)}" for name, var in reads if self.var(var) != name]
        return f"`{text}`" + (f" with {', '.join(renamed)}" if renamed else "")
