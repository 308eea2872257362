"""Nest expressions: a temporary with one use moves into that use; a short named value too, in the reverse sweep.

The forward sweep prints again as the user wrote it. An expression moves only over statements that neither bind what it
reads nor write into memory that it reads, and never into a loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.analysis.aliases import Aliases, alias_classes
from s2sad.analysis.effects import TAPE_OPS, is_pure
from s2sad.analysis.kinds import Kinds, kind_of_expr
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    CALL,
    Assign,
    Block,
    Call,
    Const,
    Do,
    Enter,
    Expr,
    For,
    Function,
    If,
    Leave,
    Op,
    Raw,
    RawStmt,
    Return,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    replace,
    walk,
)
from s2sad.ir.walk import defs, defs_within, expressions, rewrite, set_blocks, stores_within, uses, uses_within, vars_of
from s2sad.ir.webs import replace_function

#: Named values move into their use while the expression stays within this many operations.
SHORT = 9
#: Nothing moves into an expression deeper than this.
DEEP = 40


@dataclass
class _Pending:
    stmt: Assign
    expr: Expr
    reads: dict[Var, None]
    loads: bool
    size: int
    depth: int


def size_of(expr: Expr) -> int:
    """The number of operations in an expression."""
    if not isinstance(expr, Op):
        return 2 if isinstance(expr, Raw) else 0
    return 1 + sum(map(size_of, expr.operands)) + sum(size_of(v) for _, v in expr.keywords)


def _depth(expr: Expr) -> int:
    if not isinstance(expr, Op):
        return 0
    return 1 + max(map(_depth, (*expr.operands, *(v for _, v in expr.keywords))), default=0)


def nest_expressions(function: Function, kinds: Kinds) -> Function:
    """The function with single-use values in the place of their use."""
    return replace_function(function, body=_Nesting(function, kinds).run())


class _Nesting:
    def __init__(self, function: Function, kinds: Kinds) -> None:
        self.function = function
        self.kinds = kinds
        self.aliases: Aliases = alias_classes(function, kinds)
        self.counts: dict[Var, int] = {}
        self.bound: dict[Var, int] = {p.var: 1 for p in function.params}
        self.fixed: set[Var] = set()
        self.targets: set[Var] = set()
        #: Vars read other than as terms and factors.
        self.whole: set[Var] = set()
        for stmt in walk(function.body):
            for v in uses(stmt):
                self.counts[v] = self.counts.get(v, 0) + 1
            for v in defs(stmt):
                self.bound[v] = self.bound.get(v, 0) + 1
            if isinstance(stmt, For):
                self.targets.add(stmt.target)
            self.fixed.update(_var_only(stmt))
            self.whole.update(v for e in expressions(stmt) for v in _read_whole(e))
        #: Vars read in a loop that they are bound outside of: nothing moves into a loop, so these are written out.
        self.held: set[Var] = set()
        self.note_held(function.body)
        self.left = dict(self.counts)
        self.pending: dict[Var, _Pending] = {}
        self.readers: dict[Var, dict[Var, None]] = {}

    def note_held(self, block: Block) -> None:
        for stmt in block:
            for inner in blocks_of(stmt):
                if isinstance(stmt, (For, While)):
                    self.held |= uses_within(inner).keys() - defs_within(inner).keys()
                self.note_held(inner)

    def run(self) -> Block:
        out: Block = []
        self.block(self.function.body, out)
        self.flush(list(self.pending), out)
        return out

    def block(self, block: Block, out: Block) -> None:
        position = 0
        while position < len(block):
            stmt = block[position]
            position += 1
            if isinstance(stmt, (Call, Assign)) and position < len(block) and self.joins(stmt, block[position]):
                # A call's result that only the next statement reads stands in it.
                new = self.nested_use(stmt, out)
                call = Op(CALL, (Const(new.callee), *new.args)) if isinstance(new, Call) else new.expr  # type: ignore[attr-defined]
                var = defs(stmt)[0]
                block = [*block]
                following = block[position]
                block[position] = rewrite(following, lambda v, var=var, call=call: call if v is var else v, lambda v: v)  # type: ignore[misc]
                set_blocks(block[position], list(blocks_of(following)))
                continue
            self.statement(stmt, out)

    def joins(self, stmt: Call | Assign, following: Stmt) -> bool:
        var = defs(stmt)[0] if len(defs(stmt)) == 1 else None
        if isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name == "s2sad.pop":
            return isinstance(following, Store) and following.expr is var and self.counts.get(following.expr) == 1
        if isinstance(stmt, Assign) and not (isinstance(following, Return) and _has_call(stmt.expr)):
            return False
        if (
            var is None
            or not (var.temporary or isinstance(following, Return))
            or self.counts.get(var) != 1
            or self.bound.get(var) != 1
            or var in self.fixed
        ):
            return False
        if not isinstance(following, (Assign, Return, Call)) or var not in uses(following):
            return False
        if isinstance(following, Call) and (isinstance(stmt, Assign) or var not in following.args):
            return False
        return all(is_pure(e) for e in expressions(following))

    # ---- pending expressions -----------------------------------------------------------------------------------

    def flush(self, variables: list[Var], out: Block) -> None:
        """Write pending assignments out, those that a pending one reads first."""
        for var in variables:
            item = self.pending.pop(var, None)
            if item is not None:
                for read in item.reads:
                    self.readers.get(read, {}).pop(var, None)
                if not self.left.get(var):
                    continue
                out.append(replace(item.stmt, expr=item.expr))

    def before_binding(self, variables: list[Var], out: Block) -> None:
        for var in variables:
            self.flush(list(self.readers.get(var, ())), out)

    def before_writing(self, bases: list[Var], out: Block) -> None:
        if not bases:
            return
        hit = [
            v
            for v, item in self.pending.items()
            if item.loads and any(self.aliases.may_share(b, r) for b in bases for r in item.reads)
        ]
        self.flush(hit, out)

    def take(self, var: Var, room: int, deep: int, named: bool) -> Expr:
        item = self.pending.get(var)
        if item is None or item.depth + deep > DEEP:
            return var
        if not var.temporary and (not named or item.size > room):
            return var
        self.left[var] -= 1
        if self.left[var]:
            return item.expr
        del self.pending[var]
        for read in item.reads:
            self.readers.get(read, {}).pop(var, None)
        return item.expr

    # ---- statements --------------------------------------------------------------------------------------------

    def statement(self, stmt: Stmt, out: Block) -> None:
        if isinstance(stmt, (For, While, Try)):
            new = self.nested_use(stmt, out) if isinstance(stmt, For) else replace(stmt)
            inside = list(uses_within([stmt]))
            self.flush([v for v in inside if v in self.pending], out)
            self.before_binding(list(defs_within([stmt])), out)
            self.before_writing(self.written_in(stmt), out)
            held, self.pending = self.pending, {}
            readers, self.readers = self.readers, {}
            blocks: list[Block] = []
            for inner in blocks_of(stmt):
                blocks.append([])
                self.block(inner, blocks[-1])
                self.flush(list(self.pending), blocks[-1])
            self.pending, self.readers = held, readers
            set_blocks(new, blocks)
            out.append(new)
            return
        if isinstance(stmt, If):
            new = self.nested_use(stmt, out)
            self.before_binding(list(defs_within([stmt])), out)
            self.before_writing(self.written_in(stmt), out)
            blocks = list[Block]()
            for inner in blocks_of(stmt):
                wanted = uses_within(inner)
                other = {v: i for v, i in self.pending.items() if v not in wanted}
                repeated = {v: i for v, i in self.pending.items() if v in wanted and self.counts[v] > 1}
                self.pending = {v: i for v, i in self.pending.items() if v in wanted}
                made: Block = []
                self.block(inner, made)
                self.flush([v for v in self.pending if v not in repeated], made)
                other.update({v: i for v, i in self.pending.items() if self.left[v]})
                self.pending = other
                blocks.append(made)
            set_blocks(new, blocks)
            out.append(new)
            return
        if isinstance(stmt, (Enter, Leave)):
            # Nothing that may warn moves into a context or out of it.
            self.flush([v for v in self.pending if self.kinds.get(v, UNKNOWN).sort not in ("int", "bool")], out)
        new = self.nested_use(stmt, out)
        self.before_binding(list(defs(stmt)), out)
        if isinstance(stmt, Store):
            self.before_writing([stmt.base], out)
        elif isinstance(stmt, (Call, Do)):
            arguments = stmt.args if isinstance(stmt, Call) else (stmt.expr,)
            if not (
                isinstance(stmt, Do)
                and (is_pure(stmt.expr) or (isinstance(stmt.expr, Op) and stmt.expr.name in TAPE_OPS))
            ):
                self.before_writing(
                    [v for a in arguments for v in vars_of(a) if not self.kinds.get(v, UNKNOWN).is_number], out
                )
        if isinstance(new, Assign) and self.movable(new):
            reads = dict.fromkeys(vars_of(new.expr))
            loads = any(not self.kinds.get(v, UNKNOWN).is_number for v in reads)
            self.pending[new.var] = _Pending(new, new.expr, reads, loads, size_of(new.expr), _depth(new.expr))
            for read in reads:
                self.readers.setdefault(read, {})[new.var] = None
            return
        out.append(new)

    def written_in(self, stmt: Stmt) -> list[Var]:
        bases = list(stores_within([stmt]))
        for inner in walk([stmt]):
            if isinstance(inner, Call):
                bases += [v for a in inner.args for v in vars_of(a) if not self.kinds.get(v, UNKNOWN).is_number]
        return bases

    def movable(self, stmt: Assign) -> bool:
        var = stmt.var
        if self.bound.get(var) != 1 or var in self.fixed or not is_pure(stmt.expr):
            return False
        if self.counts.get(var) != 1 and not self.repeatable(stmt):
            return False
        if isinstance(stmt.expr, Op) and stmt.expr.name == "operator.getitem":
            return True  # an item, or a view that nothing writes through
        return not self.aliases.written(var) or not self.has_memory(var)

    def repeatable(self, stmt: Assign) -> bool:
        """Whether an expression is so short that it is rather written twice than named.

        That is one of integers, a test, a plain view or item, a length, a minus; none whose operands change meanwhile.
        """
        if isinstance(stmt.expr, Op) and stmt.expr.name == "s2sad.spread" and len(stmt.expr.operands) == 2:
            # Its uses drop it where broadcasting does the same.
            number, like = stmt.expr.operands
            short = not isinstance(number, Op) and (isinstance(like, Var) or _is_view(like, self.targets))
            return short and isinstance(kind_of_expr(like, self.kinds).shape, tuple) and stmt.var not in self.whole
        steady = [self.bound.get(v, 0) <= 1 or v in self.targets for v in vars_of(stmt.expr)]
        if not stmt.var.temporary or stmt.var in self.held or not all(steady):
            return False
        if _is_view(stmt.expr, self.targets) or (
            isinstance(stmt.expr, Op)
            and stmt.expr.name == "operator.neg"
            and isinstance(stmt.expr.operands[0], Var)
            and self.is_number(stmt.var)
        ):
            is_item = stmt.expr.name == "operator.getitem" and self.is_number(stmt.var)  # type: ignore[union-attr]
            return is_item or not any(self.aliases.written(v) for v in vars_of(stmt.expr))
        kind = self.kinds.get(stmt.var, UNKNOWN)
        return kind.sort in ("int", "bool") and size_of(stmt.expr) <= 2 and all(map(self.is_number, vars_of(stmt.expr)))

    def is_number(self, var: Var) -> bool:
        return self.kinds.get(var, UNKNOWN).shape == ()

    def has_memory(self, var: Var) -> bool:
        return not self.kinds.get(var, UNKNOWN).is_number

    def nested_use(self, stmt: Stmt, out: Block) -> Stmt:
        """The statement with pending values in the place of their use."""
        reverse = stmt.group is not None or isinstance(stmt, Return)
        # A value that is all that is returned may be as long as it likes.
        room = (
            SHORT
            if not (isinstance(stmt, Return) and len(stmt.values) == 1 and _is_all(stmt.values[0]))
            else 10 * SHORT
        )

        def use(v: Var) -> Expr:
            nonlocal room
            named = reverse
            if isinstance(stmt, (If, For)):
                named = False
            found = self.take(v, room, 1, named)
            if found is not v:
                room -= size_of(found)
            return found

        if isinstance(stmt, (Assign, Store, Call)):
            room -= sum(size_of(e) for e in ([stmt.expr] if not isinstance(stmt, Call) else stmt.args))
        spread = isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name == "s2sad.spread"
        if spread and self.counts.get(stmt.var, 0) > 1:  # type: ignore[attr-defined]
            # What is spread keeps a name, so that each use may drop the spreading.
            new = stmt
        else:
            new = rewrite(stmt, use, lambda v: v)
        # What was too long to move in is written out before.
        self.flush([v for v in uses(new) if v in self.pending], out)
        return new


def _is_all(value: Expr) -> bool:
    """Whether a returned value is one Var, or the gradient that it holds."""
    return isinstance(value, Var) or (
        isinstance(value, Op) and value.name == "s2sad.returned" and isinstance(value.operands[0], Var)
    )


def _is_view(expr: Expr, targets: set[Var]) -> bool:
    """Whether an expression is `a.T`, `a.shape`, `a.size`, `len(a)`, or an item or slice of `a` at a short index."""
    if not isinstance(expr, Op) or not expr.operands or not isinstance(expr.operands[0], Var):
        return False
    if expr.name in ("numpy.ndarray.T", "numpy.ndarray.shape", "numpy.ndarray.size", "builtins.len"):
        return len(expr.operands) == 1
    if expr.name != "operator.getitem":
        return False
    parts = [expr.operands[1]]
    for part in parts:
        if isinstance(part, Op) and part.name in ("tuple", "slice"):
            parts += part.operands
    return (
        all(isinstance(p, (Const, Op)) or p in targets for p in parts)
        and size_of(expr) <= 6
        and not any(isinstance(p, Op) and p.name not in ("tuple", "slice") for p in parts)
    )


_ELEMENTWISE = ("operator.add", "operator.sub", "operator.mul", "operator.truediv", "operator.neg", "numpy.where")


def _read_whole(expr: Expr) -> list[Var]:
    """The Vars that an expression reads other than as terms and factors."""
    if not isinstance(expr, Op):
        return list(vars_of(expr))
    inside = (*expr.operands, *(v for _, v in expr.keywords))
    if expr.name in _ELEMENTWISE:
        return [v for e in inside if isinstance(e, Op) for v in _read_whole(e)]
    return [v for e in inside for v in _read_whole(e)]


def _has_call(expr: Expr) -> bool:
    return isinstance(expr, Op) and (expr.name == CALL or any(map(_has_call, expr.operands)))


def _var_only(stmt: Stmt) -> list[Var]:
    if isinstance(stmt, Store):
        return [stmt.base]
    if isinstance(stmt, RawStmt):
        return [v for _, v in stmt.reads]
    found: list[Var] = []
    stack: list[Expr] = []
    if isinstance(stmt, (Assign, Do)):
        stack = [stmt.expr]
    elif isinstance(stmt, (If, While)):
        stack = [stmt.test]
    elif isinstance(stmt, Call):
        stack = list(stmt.args)
    elif isinstance(stmt, Return):
        stack = list(stmt.values)
    while stack:
        e = stack.pop()
        if isinstance(e, Raw):
            found += [v for _, v in e.reads]
        elif isinstance(e, Op):
            stack += [*e.operands, *(v for _, v in e.keywords)]
    return found
