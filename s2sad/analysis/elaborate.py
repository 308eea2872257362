"""Settle what only kinds can tell: which function a call calls, how many items a container has, what an attribute is.

Lowering writes a call of a value as `s2sad.call`, an unpacked argument as `s2sad.star`, a comprehension as a loop that
appends. Once the kinds are known:

    f = s2sad.function(bump, width)       a call of bump with x and what f captured
    y = s2sad.call_value(f, x)       ->   y = bump(x, width)

    for i in range(len(layers)):          the body once for each item, where the items are known
        W = layers[i]                ->   W = layers[0]; ...; W = layers[1]; ...

`elaborate` makes one round of such changes, after which the kinds are inferred again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from s2sad.analysis import patterns
from s2sad.analysis.lists import REPEATED
from s2sad.analysis.literals import NOTHING, KindOf
from s2sad.analysis.structure import Partial, part_of, position_of
from s2sad.analysis.value_calls import ValueCalls
from s2sad.frontend.calls import FUNCTION, STAR, VALUE_CALL
from s2sad.frontend.lower import Lowering
from s2sad.ir.nodes import (
    Assign,
    Block,
    Const,
    Expr,
    For,
    Function,
    If,
    Op,
    Stmt,
    Var,
    blocks_of,
    dict_display,
    replace,
)
from s2sad.ir.walk import defs, rewrite_block, set_blocks, vars_of
from s2sad.ir.webs import replace_function, split_webs


def elaborate(function: Function, kind: KindOf, lowering: Lowering) -> Function | None:
    """The function after one round of changes; None where nothing is left to change."""
    round = _Elaborator(function, kind, lowering)
    changed = round.run()
    if changed is None and round.postponed:
        return _Elaborator(function, kind, lowering, last=True).run()
    return changed


class _Elaborator(ValueCalls):
    def run(self) -> Function | None:
        body = self.block(self.function.body)
        if not self.changed:
            return None
        if self.instead:
            body = rewrite_block(body, self.settled, lambda v: v)
        function = replace_function(self.function, body=body)
        return split_webs(function)[0] if self.unrolled else function

    def settled(self, var: Var) -> Expr:
        while var in self.instead:
            new = self.instead[var]
            if not isinstance(new, Var):
                return new
            var = new
        return var

    def block(self, old: Block) -> Block:
        outside = dict(self.bound_here)
        made = self.changed_block(old)
        self.bound_here = outside
        return made

    def changed_block(self, old: Block) -> Block:
        made: Block = []
        for stmt in old:
            outer, self.out, self.stmt = self.out, made, stmt
            if isinstance(stmt, For) and not self.unrolled and (trips := self.trips_to_unroll(stmt)) is not None:
                self.unroll(stmt, trips)
                self.changed = self.unrolled = True
            elif isinstance(stmt, Assign) and isinstance(stmt.expr, Op):
                self.assign(stmt, stmt.expr)
            elif isinstance(stmt, If) and (taken := self.branch_taken(stmt)) is not None:
                made += taken
                self.changed = self.unrolled = True
            elif blocks_of(stmt):
                new = replace(stmt)
                set_blocks(new, [self.block(b) for b in blocks_of(stmt)])
                made.append(new)
            else:
                made.append(stmt)
            self.out = outer
            for var in defs(stmt):
                self.bound_here[var] = len(self.bound_here)
        return made

    def assign(self, stmt: Assign, op: Op) -> None:
        before = len(self.out)
        new = self.operation(stmt, op)
        if new is None:
            del self.out[before:]
            self.out.append(stmt)
            return
        self.changed = True
        if stmt.var in self.instead:
            return
        self.out.append(new if isinstance(new, Stmt) else replace(stmt, expr=new))

    def operation(self, stmt: Assign, op: Op) -> Expr | Stmt | None:
        """What an operation comes down to; None where it stays as it is."""
        if any(isinstance(o, Op) and o.name == STAR for o in op.operands) or any(k == "**" for k, _ in op.keywords):
            return self.without_stars(op)
        prefix, _, name = op.name.partition(".")
        if op.name == VALUE_CALL:
            return self.call_value(stmt, op)
        if op.name == "s2sad.sequence":
            return self.sequence(stmt, op.operands[0])
        if prefix == "method":
            return self.method(stmt, op, name)
        if prefix == "attribute":
            return self.attribute(stmt, op, name)
        handler = _HANDLERS.get(op.name)
        return handler(self, stmt, op) if handler is not None else None

    def sequence(self, stmt: Assign, operand: Expr) -> Stmt | None:
        """What a loop runs over: the keys of a dict, anything else itself."""
        kind = self.assumed_kind(operand)
        if kind is None:
            return None
        if kind.sort == "dict":
            if kind.items is None:
                raise self.refuse("S201", "a loop over a dict whose keys are not known is not supported", "use a list")
            return replace(stmt, expr=Op("tuple", tuple(Const(k) for k in kind.keys or ())))
        self.instead[stmt.var] = operand
        return stmt

    # ---- what built-in functions make of containers ------------------------------------------------------------

    def listed(self, stmt: Assign, op: Op) -> Expr | None:
        """`list(xs)` and `tuple(xs)`."""
        if len(op.operands) > 1 or op.keywords:
            return None
        items = self.items(op.operands[0]) if op.operands else []
        return None if items is None else Op(op.name.partition(".")[2], tuple(items))

    def of_items(self, stmt: Assign, op: Op) -> Expr | None:
        """`sum(xs)`, `max(xs)` of a container by name as those of its items."""
        if not op.operands or not isinstance(op.operands[0], Var):
            return None
        if op.name != "builtins.sum" and len(op.operands) > 1:
            return None
        items = self.items(op.operands[0])
        if items is None:
            return None
        return Op(op.name, (Op("list", tuple(items)), *op.operands[1:]), op.keywords, op.spelled)

    def zipped(self, stmt: Assign, op: Op) -> Expr | None:
        rows = [self.items(o) for o in op.operands]
        if op.keywords or any(r is None for r in rows):
            return None
        return Op("tuple", tuple(Op("tuple", row) for row in zip(*[r for r in rows if r is not None])))

    def enumerated(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        start = self.value(dict(op.keywords).get("start", op.operands[1] if len(op.operands) > 1 else Const(0)))
        if items is None or type(start) is not int:
            return None
        return Op("tuple", tuple(Op("tuple", (Const(start + k), item)) for k, item in enumerate(items)))

    def ordered(self, stmt: Assign, op: Op) -> Expr | None:
        """`sorted(keys)` of literals."""
        items = self.items(op.operands[0])
        keys = [self.value(i) for i in items or [Var("t")]]
        if op.keywords or not (all(type(k) is str for k in keys) or all(type(k) is int for k in keys)):
            return None
        return Op("list", tuple(Const(k) for k in sorted(keys)))

    def mirrored(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        return None if items is None else Op("tuple", tuple(items[::-1]))

    def dict_of(self, stmt: Assign, op: Op) -> Expr | None:
        """`dict(d, a=x)` and `dict(pairs)`."""
        given: dict[Any, Expr] = {}
        for operand in op.operands:
            kind = self.kind(operand)
            if kind.items is None:
                return None
            if kind.sort == "dict":
                given.update({key: self.part(operand, kind, k) for k, key in enumerate(kind.keys or ())})
                continue
            for k, item in enumerate(kind.items):
                pair = self.part(operand, kind, k)
                parts = self.items(pair)
                key = self.value(parts[0]) if parts is not None and len(parts) == 2 else NOTHING
                if key is NOTHING or parts is None or item.sort not in ("tuple", "list"):
                    return None
                given[key] = parts[1]
        given.update(dict(op.keywords))
        return dict_display(given)

    def getitem(self, stmt: Assign, op: Op) -> Expr | None:
        base, index = op.operands
        kind = self.kind(base)
        if kind.sort not in ("tuple", "list", "dict") or kind.items is None:
            return None
        place = self.value(index)
        if place is NOTHING:
            return None
        if isinstance(place, slice) and kind.sort != "dict":
            try:
                cut = range(len(kind.items))[place]
            except (TypeError, ValueError):
                return None
            return Op(kind.sort, tuple(self.part(base, kind, k) for k in cut))
        at = position_of(kind, place)
        if at is None:
            return None
        if isinstance(base, Var) and not isinstance(index, Const):
            return part_of(base, kind, at)
        return self.known_part(base, at)

    def added(self, stmt: Assign, op: Op) -> Expr | None:
        """`xs + ys` of tuples or lists."""
        sorts = {self.kind(o).sort for o in op.operands}
        if len(sorts) != 1 or not sorts <= {"tuple", "list"} or not self.holds_active(op.operands):
            return None
        items = [self.items(o) for o in op.operands]
        if any(i is None for i in items):
            return None
        return Op(sorts.pop(), tuple(e for i in items for e in i or ()))

    def repeated(self, stmt: Assign, op: Op) -> Expr | None:
        """`xs * 3` of a tuple or list."""
        for xs, count in (op.operands, op.operands[::-1]):
            kind, times = self.kind(xs), self.value(count)
            if kind.sort in ("tuple", "list") and type(times) is int and self.holds_active((xs,)) and times <= 100:
                items = self.items(xs)
                return None if items is None else Op(kind.sort, tuple(items * times))
            if kind.sort == "list" and times is NOTHING and kind.items is not None and len(kind.items) == 1:
                trips = self.emit(Op("builtins.range", (count,)))
                items = self.items(xs)
                return None if items is None else Op(REPEATED, (*items, trips))
        return None

    def holds_active(self, operands: Sequence[Expr]) -> bool:
        return any(self.kind(o).carries_derivative for o in operands) and any(vars_of(o) for o in operands)

    def appended(self, stmt: Assign, op: Op) -> Expr | None:
        items = self.items(op.operands[0])
        return None if items is None else Op("list", (*items, op.operands[1]))

    def put(self, stmt: Assign, op: Op) -> Expr | None:
        """A dict with one more item."""
        base, index, value = op.operands
        kind, key = self.kind(base), self.value(index)
        if kind.sort != "dict" or kind.items is None or key is NOTHING:
            return None
        given: dict[Any, Expr] = {k: self.part(base, kind, i) for i, k in enumerate(kind.keys or ())}
        given[key] = value
        return dict_display(given)

    def joined(self, stmt: Assign, op: Op) -> Expr | None:
        """`[a, *xs, b]` as a display, once nothing in it is a star."""
        return Op(op.name.partition("_")[2], op.operands)

    def partial(self, stmt: Assign, op: Op) -> Expr | None:
        function = self.kind_or_none(op.operands[0])
        if function is None or function.sort != "function":
            return None
        names = tuple(n for n, _ in op.keywords)
        identity = Partial(function, len(op.operands) - 1, names)
        return Op(FUNCTION, (Const(identity), *op.operands, *(v for _, v in op.keywords)))


_HANDLERS: dict[str, Callable[[_Elaborator, Assign, Op], Expr | None]] = {
    "builtins.list": _Elaborator.listed,
    "builtins.tuple": _Elaborator.listed,
    "builtins.sum": _Elaborator.of_items,
    "builtins.min": _Elaborator.of_items,
    "builtins.max": _Elaborator.of_items,
    "math.fsum": _Elaborator.of_items,
    "math.prod": _Elaborator.of_items,
    "builtins.zip": _Elaborator.zipped,
    "builtins.enumerate": _Elaborator.enumerated,
    "builtins.reversed": _Elaborator.mirrored,
    "builtins.sorted": _Elaborator.ordered,
    "builtins.dict": _Elaborator.dict_of,
    "operator.getitem": _Elaborator.getitem,
    "operator.add": _Elaborator.added,
    "operator.mul": _Elaborator.repeated,
    "s2sad.append": _Elaborator.appended,
    "s2sad.display_tuple": _Elaborator.joined,
    "s2sad.display_list": _Elaborator.joined,
    "s2sad.put": _Elaborator.put,
    "s2sad.is_sequence": patterns.is_sequence,
    "s2sad.has_keys": patterns.has_keys,
    "s2sad.is_instance": patterns.is_instance,
    "s2sad.positional": patterns.positional,
    "s2sad.rest_of": patterns.rest_of,
    "functools.partial": _Elaborator.partial,
}
