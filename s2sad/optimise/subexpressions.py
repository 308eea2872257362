"""Common subexpressions: the reverse sweep does not compute again what is still there.

An expression of the reverse sweep that an earlier statement computed, from operands not bound or written since,
becomes a copy. The forward sweep's own expressions stay as the user wrote them, but for what has a name anyway, as the
reverse sweep reads it.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.effects import is_pure
from s2sad.analysis.kinds import Kinds
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    Assign,
    Block,
    Call,
    Do,
    Expr,
    For,
    Function,
    Op,
    RawStmt,
    Stmt,
    Store,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, set_blocks, stores_within, uses, vars_of
from s2sad.ir.webs import replace_function


def share_subexpressions(function: Function, kinds: Kinds) -> Function:
    """The function with repeated pure expressions of the reverse sweep replaced by copies."""
    named = {v for s in walk(function.body) if s.group is not None for v in uses(s)}
    return replace_function(
        function,
        body=_Sharing(alias_classes(function, kinds), kinds, named, stores_within(function.body)).block(function.body),
    )


class _Sharing:
    def __init__(self, aliases: Aliases, kinds: Kinds, named: set[Var], bases: dict[Var, None]) -> None:
        self.named = named
        #: What is written into by its own name.
        self.bases = bases
        self.aliases = aliases
        self.kinds = kinds
        self.versions: dict[Var, int] = {}
        #: Copies: Var -> what it is a copy of, and the versions of both for which that holds.
        self.same: dict[Var, tuple[Var, int, int]] = {}
        self.memory: dict[Var, int] = {}
        self.clock = 0
        self.table: dict[object, tuple[Var, int]] = {}
        self.log: list[tuple[object, tuple[Var, int] | None]] = []

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def key(self, expr: Expr) -> object:
        """The value number of an expression: equal keys at two places are equal values."""
        if isinstance(expr, Var):
            same = self.same.get(expr)
            if same is not None and same[1:] == (self.versions.get(expr, 0), self.versions.get(same[0], 0)):
                expr = same[0]
            root = self.aliases.root(expr)
            return (expr, self.versions.get(expr, 0), self.memory.get(root, 0))
        if isinstance(expr, Op):
            return (expr.name, tuple(map(self.key, expr.operands)), tuple((k, self.key(v)) for k, v in expr.keywords))
        return expr

    def bind(self, var: Var) -> None:
        self.versions[var] = self.tick()

    def store(self, var: Var) -> None:
        self.memory[self.aliases.root(var)] = self.tick()

    def put(self, key: object, var: Var) -> None:
        self.log.append((key, self.table.get(key)))
        self.table[key] = (var, self.versions.get(var, 0))

    def rollback(self, mark: int) -> None:
        while len(self.log) > mark:
            key, old = self.log.pop()
            if old is None:
                self.table.pop(key, None)
            else:
                self.table[key] = old

    def block(self, block: Block) -> Block:
        return [self.statement(stmt) for stmt in block]

    def statement(self, stmt: Stmt) -> Stmt:
        if blocks_of(stmt):
            looped = isinstance(stmt, (For, While))
            if looped:
                self.forget([stmt])
            blocks = []
            for inner in blocks_of(stmt):
                mark = len(self.log)
                blocks.append(self.block(inner))
                self.rollback(mark)
                if not looped:
                    self.forget(inner)
            self.forget([stmt])
            new = replace(stmt)
            set_blocks(new, blocks)
            return new
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and is_pure(stmt.expr) and self.may_share(stmt):
            key = self.key(stmt.expr)
            found = self.table.get(key)
            if found is not None and self.versions.get(found[0], 0) == found[1] and self.is_shared(stmt, found[0]):
                made = replace(stmt, expr=found[0])
                self.bind(stmt.var)
                self.same[stmt.var] = (found[0], self.versions[stmt.var], found[1])
                return made
            self.bind(stmt.var)
            if not any(v is stmt.var for v in vars_of(stmt.expr)):
                self.put(key, stmt.var)
            return stmt
        for var in defs(stmt):
            self.bind(var)
        if isinstance(stmt, Store):
            self.store(stmt.base)
        elif isinstance(stmt, (Call, Do, RawStmt)):
            for var in (
                v
                for e in ([*stmt.args] if isinstance(stmt, Call) else [stmt.expr] if isinstance(stmt, Do) else [])
                for v in vars_of(e)
            ):
                if not self.kinds.get(var, UNKNOWN).is_number:
                    self.store(var)
        return stmt

    def is_shared(self, stmt: Assign, found: Var) -> bool:
        """Whether a statement takes the value that is there.

        The reverse sweep does; the forward sweep where both have names.
        """
        both = stmt.var.temporary and stmt.var in self.named and found in self.named
        return found is not stmt.var and (stmt.group is not None or both)

    def may_share(self, stmt: Assign) -> bool:
        """Memory that is written must stay apart; displays and plain views cost nothing."""
        is_view = isinstance(stmt.expr, Op) and stmt.expr.name == "operator.getitem" and stmt.var not in self.bases
        return (
            (is_view or not self.aliases.written(stmt.var))
            and isinstance(stmt.expr, Op)
            and stmt.expr.name not in ("tuple", "list", "slice", "dict")
        )

    def forget(self, block: Block) -> None:
        for var in defs_within(block):
            self.bind(var)
        for var in stores_within(block):
            self.store(var)
