"""IR to gast: names for Vars, operators for operations, comments for what each part of the reverse sweep undoes."""

from __future__ import annotations

import copy
import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.analysis.lists import CHANGING, LENGTHENING, lists_held_elsewhere
from s2sad.backend.naming import choose_names
from s2sad.backend.printer import Comment
from s2sad.backend.tapes import POP, POP_OP, PUSH_OP, REWIND_OP
from s2sad.errors import S2sadError
from s2sad.frontend.expressions import BINARY, COMPARE, UNARY
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.modules import IMMUTABLE
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
    Op,
    Raw,
    RawStmt,
    Return,
    Stmt,
    Store,
    Try,
    Var,
    While,
    keys_of,
    walk,
)
from s2sad.ir.walk import exits, expressions, uses
from s2sad.rules import registry
from s2sad.rules.binding import rule_name
from s2sad.rules.registry import ARRAY_ATTRIBUTES

_BINARY = {f"operator.{v}": getattr(gast, k) for k, v in BINARY.items()}
_UNARY = {f"operator.{v}": getattr(gast, k) for k, v in UNARY.items()}
_COMPARE = {f"operator.{v}": getattr(gast, k) for k, v in COMPARE.items()}


@dataclass
class Surroundings:
    """What the text of a function leans on: the names of modules and siblings, and what it turned out to use.

    module_name: qualified module -> the name under which the text finds it.
    functions: names of the program's functions. keyword_only: their parameters that go by name, position -> name, and
    those that collect arguments, position -> "*" or "**".
    helpers: runtime functions used, plain name -> qualified name; modules: names used -> qualified module.
    """

    module_name: Callable[[str], str]
    functions: dict[Label, str]
    taken: set[str] = field(default_factory=set)
    keyword_only: dict[Label, dict[int, str]] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    #: The user's functions that are single operations, by these.
    operations: dict[str, str] = field(default_factory=dict)
    #: The module like NumPy that stands for it.
    array_module: str | None = None


def raise_function(function: Function, name: str, kinds: dict[Var, Kind], around: Surroundings) -> Any:
    """The gast FunctionDef of a function."""
    return _Raising(function, kinds, around).function(name)


def global_names(function: Function) -> set[str]:
    """The names that verbatim syntax and the user's own spellings read from outside the function."""
    found: set[str] = set(function.free)
    for stmt in walk(function.body):
        trees: list[Any] = []
        hidden: set[str] = set()
        if isinstance(stmt, RawStmt):
            trees.append(stmt.tree)
            hidden.update(n for n, _ in stmt.reads)
        if isinstance(stmt, (Enter, Try)):
            trees += stmt.contexts if isinstance(stmt, Enter) else [t for t in stmt.types if t is not None]
            hidden.update(n for n, _ in stmt.reads)
        stack = list(expressions(stmt))
        while stack:
            e = stack.pop()
            if isinstance(e, Raw):
                if e.tree is not None:
                    bound = {n for n, _ in e.reads}
                    found.update(n.id for n in gast.walk(e.tree) if isinstance(n, gast.Name) and n.id not in bound)
            elif isinstance(e, Op):
                if e.name.startswith("s2sad.runtime."):
                    found.add(e.name.rpartition(".")[2])
                if e.name == "s2sad.mirrored":
                    found.add("mirrored")
                if e.spelled and e.spelled[0] not in "=" and not e.spelled.endswith("="):
                    found.add(e.spelled.partition(".")[0].partition("(")[0])
                stack += [*e.operands, *(v for _, v in e.keywords)]
        for tree in trees:
            found.update(n.id for n in gast.walk(tree) if isinstance(n, gast.Name) and n.id not in hidden)
    return found


class _Raising:
    def __init__(self, function: Function, kinds: dict[Var, Kind], around: Surroundings) -> None:
        self.f = function
        self.kinds = kinds
        self.around = around
        self.names = choose_names(function, {*around.taken, *global_names(function)})
        self.commented: object = None
        #: How often each Var is read, and the exceptions whose handlers are around.
        self.reads = Counter(v for s in walk(function.body) for v in uses(s))
        self.caught: list[Var | None] = []
        self.held_lists = lists_held_elsewhere(function, self.names)

    # ---- the function ------------------------------------------------------------------------------------------

    def function(self, name: str) -> Any:
        body = self.body(self.f.body)
        if self.f.annotations is not None:
            body = [*map(copy.deepcopy, self.f.annotations.imports), *body]
        if self.f.doc:
            body.insert(0, gast.Expr(gast.Constant(self.f.doc, None)))
        return gast.FunctionDef(name, self.arguments(), body, [], None, None, [])

    def arguments(self) -> Any:
        posonly: list[Any] = []
        either: list[Any] = []
        keyword: list[Any] = []
        defaults: list[Any] = []
        keyword_defaults: list[Any] = []
        vararg = kwarg = None
        for p in self.f.params:
            made = gast.Name(
                p.name if not p.seed else self.names[p.var], gast.Param(), copy.deepcopy(p.annotation), None
            )
            default = copy.deepcopy(p.default)
            if p.passing == "keyword":
                keyword.append(made)
                keyword_defaults.append(default)
            elif p.passing == "args":
                vararg = made
            elif p.passing == "kwargs":
                kwarg = made
            else:
                if default is not None:
                    defaults.append(default)
                elif defaults:
                    # A tape or an adjoint after a parameter with a default: none of them is left out in calls.
                    defaults.clear()
                (posonly if p.passing == "positional" else either).append(made)
        return gast.arguments(either, posonly, vararg, keyword, keyword_defaults, kwarg, defaults)

    def body(self, block: Block) -> list[Any]:
        """The statements of the whole function, its sweeps under a heading where there are two."""
        first = _first_of_reverse(block)
        swept = first is not None and any(s.group is None and not isinstance(s, Return) for s in block[:first])
        if not swept or first is None:
            return self.block(block) or [gast.Pass()]
        return [
            Comment("Forward sweep"),
            *self.block(block[:first]),
            Comment("Reverse sweep"),
            *self.block(block[first:]),
        ]

    def block(self, block: Block, trip: bool = False) -> list[Any]:
        """The statements of a block; `trip`: its end is the end of a trip of a loop."""
        made: list[Any] = []
        lonely = all(isinstance(s, Return) for s in block)
        for position, stmt in enumerate(block):
            if (
                stmt.group is not None
                and stmt.quote
                and stmt.quote != self.commented
                and not isinstance(stmt, (If, For, While, Return))
                and not lonely
            ):
                made.append(Comment(stmt.quote.strip().split("\n")[0]))
                self.commented = stmt.quote
            rest = block[position + 1 :]
            if isinstance(stmt, Enter):
                length = _length(rest)
                inside = self.block(rest[:length])
                if inside:
                    items = [gast.withitem(self.renamed(c, stmt.reads), None) for c in stmt.contexts]
                    made.append(gast.With(items, inside, None))
                return [*made, *self.block(rest[length + 1 :], trip)]
            if isinstance(stmt, Try):
                attempted, left = self.attempt(stmt, rest)
                return [*made, *attempted, *self.block(left, trip)]
            if isinstance(stmt, If) and stmt.body and _leaves(stmt.body) and stmt.orelse:
                made += self.statement(If(stmt.test, stmt.body, [], origin=stmt.origin))
                return [*made, *self.block([*stmt.orelse, *rest], trip)]
            if isinstance(stmt, If) and trip and not rest:
                if not stmt.body and stmt.orelse and stmt.group is None:
                    made.append(gast.If(self.expr(stmt.test), [gast.Continue()], []))
                    return [*made, *self.block(stmt.orelse, trip)]
                made += self.branch(stmt, trip)
                continue
            if position and made and (popped := self.popped(block[position - 1], stmt)) is not None:
                made[-1] = popped
                continue
            made += self.statement(stmt)
        return made

    def popped(self, before: Stmt, stmt: Stmt) -> Any:
        """`x = xs.pop()` for the two statements `x = xs[-1]; xs.pop()`."""
        if not (isinstance(before, Assign) and isinstance(stmt, Assign) and isinstance(stmt.expr, Op)):
            return None
        last = Op("operator.getitem", (stmt.expr.operands[0], Const(-1))) if stmt.expr.operands else None
        if stmt.expr.name != "s2sad.shorter" or before.expr != last or before.var is stmt.var:
            return None
        pop = self.changed_in_place(stmt)
        return None if pop is None else gast.Assign([self.name(before.var, gast.Store())], pop.value, None)

    # ---- statements --------------------------------------------------------------------------------------------

    def statement(self, stmt: Stmt) -> list[Any]:
        if isinstance(stmt, Assign):
            return self.assign(stmt)
        if isinstance(stmt, Store):
            return self.store(stmt)
        if isinstance(stmt, Call):
            return self.call(stmt)
        if isinstance(stmt, Do) and isinstance(stmt.expr, Op) and stmt.expr.name == REWIND_OP:
            tape, length = map(self.expr, stmt.expr.operands)
            return [gast.Delete([gast.Subscript(tape, gast.Slice(length, None, None), gast.Del())])]
        if isinstance(stmt, Do):
            return [gast.Expr(self.expr(stmt.expr))]
        if isinstance(stmt, RawStmt):
            if self.caught and isinstance(stmt.tree, gast.Raise) and stmt.tree.cause is None:
                name = getattr(stmt.tree.exc, "id", None)
                if name is not None and dict(stmt.reads).get(name, stmt) is self.caught[-1]:
                    return [gast.Raise(None, None)]
            return [self.renamed(stmt.tree, stmt.reads)]
        if isinstance(stmt, If):
            return self.branch(stmt, False)
        if isinstance(stmt, Break):
            return [gast.Break()]
        if isinstance(stmt, For):
            return [
                gast.For(
                    self.name(stmt.target, gast.Store()),
                    self.iterable(stmt),
                    self.block(stmt.body, True) or [gast.Pass()],
                    [],
                    None,
                )
            ]
        if isinstance(stmt, While):
            return [gast.While(self.expr(stmt.test), self.block(stmt.body, True) or [gast.Pass()], [])]
        if isinstance(stmt, Return):
            values = [self.expr(v) for v in stmt.values]
            if stmt.packed:
                return [gast.Return(gast.Tuple(values, gast.Load()))]
            if stmt.values in ((), (Const(None),)):
                return []
            return [gast.Return(values[0])]
        raise TypeError(f"no text for {type(stmt).__name__}")

    def attempt(self, stmt: Try, rest: Block) -> tuple[list[Any], Block]:
        """A `try` with the branch on its flag that follows it as its clauses, and what of the rest is left."""
        read = self.reads[stmt.flag]
        handler, otherwise = stmt.handler, list[Stmt]()
        if rest and isinstance(rest[0], If) and rest[0].test is stmt.flag:
            handler, otherwise = [*handler, *rest[0].body], rest[0].orelse
            rest, read = rest[1:], read - 1
        clauses = [handler]
        if len(stmt.types) > 1:
            cases = [_case(handler, stmt.flag, k + 1) for k in range(len(stmt.types))]
            known = [c for c in cases if c is not None]
            if len(known) == len(cases):
                clauses, read = known, read - sum(u is stmt.flag for s in walk(handler) for u in uses(s))
            else:
                # Which clause it was is asked again behind the statement.
                rest = [If(stmt.flag, handler, otherwise, origin=stmt.origin), *rest]
                clauses, otherwise, read = [[] for _ in cases], [], read + 1
        made: list[Any] = []
        if read:
            made.append(gast.Assign([self.name(stmt.flag, gast.Store())], gast.Constant(False, None), None))
        handlers = []
        for number, (caught, clause) in enumerate(zip(stmt.types, clauses), 1):
            value = number if len(stmt.types) > 1 else True
            flag = gast.Assign([self.name(stmt.flag, gast.Store())], gast.Constant(value, None), None)
            handlers.append(self.clause(stmt, caught, clause, [flag] if read else []))
        body = self.block(stmt.body) or [gast.Pass()]
        if otherwise and all(map(_leaves, clauses)):
            rest, otherwise = [*otherwise, *rest], []
        if all(len(h.body) == 1 and isinstance(h.body[0], gast.Raise) and h.body[0].exc is None for h in handlers):
            return [*made, *body], rest  # what is only raised again need not be caught
        return [*made, gast.Try(body, handlers, self.block(otherwise), [])], rest

    def clause(self, stmt: Try, caught: Any, block: Block, start: list[Any]) -> Any:
        """An `except`. Python forgets the name of the exception at its end, so what is read later has another."""
        self.caught.append(stmt.error)
        body = [*start, *self.block(block)]
        self.caught.pop()
        type_ = None if caught is None else self.renamed(caught, stmt.reads)
        name = None
        if stmt.error is not None:
            name = self.names[stmt.error]
            inside = sum(v is stmt.error for s in walk(block) for v in uses(s))
            if inside < self.reads[stmt.error]:
                taken = {*self.names.values(), *self.around.taken, *global_names(self.f)}
                held = next(n for n in (f"{name}{k}" for k in range(2, len(taken) + 3)) if n not in taken)
                read = gast.Name(held, gast.Load(), None, None)
                body, name = [gast.Assign([self.name(stmt.error, gast.Store())], read, None), *body], held
            elif not any(isinstance(n, gast.Name) and n.id == name for b in body for n in gast.walk(b)):
                name = None
        if name is not None and type_ is None:
            type_ = gast.Name("BaseException", gast.Load(), None, None)
        named = None if name is None else gast.Name(name, gast.Store(), None, None)
        return gast.ExceptHandler(type_, named, body or [gast.Pass()])

    def branch(self, stmt: If, trip: bool) -> list[Any]:
        body, orelse = self.block(stmt.body, trip), self.block(stmt.orelse, trip)
        if not body and orelse:
            return [gast.If(self.negated(stmt.test), orelse, [])]
        return [gast.If(self.expr(stmt.test), body or [gast.Pass()], orelse)]

    def assign(self, stmt: Assign) -> list[Any]:
        if isinstance(stmt.expr, Var) and self.names[stmt.expr] == self.names[stmt.var]:
            return []
        in_place = self.changed_in_place(stmt)
        if in_place is not None:
            return [in_place]
        target = self.name(stmt.var, gast.Store())
        short = self.augmented(stmt)
        if short is not None:
            op, value = short
            return [gast.AugAssign(target, op(), self.expr(value))]
        return [gast.Assign([target], self.expr(stmt.expr), None)]

    def changed_in_place(self, stmt: Assign) -> Any:
        """`xs.append(e)` or `xs.pop()` for a list that nothing else holds and that has the same name after."""
        expr = stmt.expr
        if not (isinstance(expr, Op) and expr.name in CHANGING and isinstance(expr.operands[0], Var)):
            return None
        old = expr.operands[0]
        if self.names[old] != self.names[stmt.var] or old in self.held_lists or stmt.var in self.held_lists:
            return None
        list_ = self.name(old, gast.Load())
        if expr.name not in LENGTHENING:
            is_number = (self.kinds.get(old, UNKNOWN).element or UNKNOWN).shape == ()
            if len(expr.operands) == 2 and not is_number:
                return None
            value = self.expr(expr.operands[2] if len(expr.operands) == 3 else Const(0.0))
            item = gast.Subscript(list_, self.index_value(expr.operands[1]), gast.Store())
            return gast.Assign([item], value, None)
        method = "append" if expr.name == "s2sad.append" else "pop"
        items = [self.expr(o) for o in expr.operands[1:]]
        return gast.Expr(gast.Call(gast.Attribute(list_, method, gast.Load()), items, []))

    def augmented(self, stmt: Assign) -> tuple[Any, Expr] | None:
        """The operator and operand of `x op= e`, for a number: in the reverse sweep, or where the user wrote it so."""
        expr = stmt.expr
        if not (isinstance(expr, Op) and expr.name in _BINARY and expr.operands):
            return None
        if self.kinds.get(stmt.var, UNKNOWN).shape != ():
            return None
        if stmt.group is None and not (expr.spelled or "").endswith("="):
            return None
        if self.around.array_module is not None and not self.kinds.get(stmt.var, UNKNOWN).is_python_number:
            # There, what has no axes is an array too, which other names may stand for.
            if stmt.group is None and self.around.array_module == "cupy":
                raise self.lacking("an in-place operator on an array of no axes")
            return None
        left, right = expr.operands
        if isinstance(left, Var) and self.names[left] == self.names[stmt.var]:
            return _BINARY[expr.name], right
        # A leading factor of a product may stand anywhere in it.
        if expr.name == "operator.mul" and isinstance(right, Var) and self.names[right] == self.names[stmt.var]:
            return _BINARY[expr.name], left
        if expr.name in ("operator.mul", "operator.add") and stmt.group is not None:
            chain = [right]
            inner: Expr = left
            while isinstance(inner, Op) and inner.name == expr.name:
                chain.append(inner.operands[1])
                inner = inner.operands[0]
            if isinstance(inner, Var) and self.names[inner] == self.names[stmt.var]:
                value = chain[-1]
                for e in reversed(chain[:-1]):
                    value = Op(expr.name, (value, e))
                return _BINARY[expr.name], value
        return None

    def store(self, stmt: Store) -> list[Any]:
        if self.around.array_module is not None and stmt.index is not None:
            self.check_write(stmt)
            if self.around.array_module in IMMUTABLE:
                return [self.new_array(stmt, stmt.index)]
        base = self.expr(stmt.base)
        if stmt.how == "add.at":
            assert stmt.index is not None
            at = self.dotted("numpy.add.at")
            return [gast.Expr(gast.Call(at, [base, self.index_value(stmt.index), self.expr(stmt.expr)], []))]
        if stmt.index is None:
            target = self.name(stmt.base, gast.Store())
        else:
            target = gast.Subscript(base, self.expr(stmt.index), gast.Store())
        value = stmt.expr
        how = stmt.how
        if how is None:
            return [gast.Assign([target], self.expr(value), None)]
        if how == "operator.add" and isinstance(value, Op) and value.name == "operator.neg":
            how, value = "operator.sub", value.operands[0]
        return [gast.AugAssign(target, _BINARY[how](), self.expr(value))]

    def check_write(self, stmt: Store) -> None:
        """Refuse a write that only arrays of NumPy, or of CuPy, allow: all but sums into buffers of its own."""
        if self.around.array_module == "cupy":
            return
        views = {s.var for s in walk(self.f.body) if isinstance(s, Assign) and _is_part(s.expr)}
        known = (None, "operator.add", "operator.sub", *(["add.at"] if self.around.array_module in IMMUTABLE else []))
        if not stmt.own or stmt.base in views or stmt.how not in known:
            raise self.lacking("a write into an array")

    def new_array(self, stmt: Store, index: Expr) -> Any:
        """A write into a buffer of the derivative's own as a new array: `x_bar = x_bar.at[i].add(g)`."""
        method = "set" if stmt.how is None else "add"
        at = gast.Subscript(gast.Attribute(self.expr(stmt.base), "at", gast.Load()), self.expr(index), gast.Load())
        added = Op("operator.neg", (stmt.expr,)) if stmt.how == "operator.sub" else stmt.expr
        value = gast.Call(gast.Attribute(at, method, gast.Load()), [self.expr(added)], [])
        return gast.Assign([self.name(stmt.base, gast.Store())], value, None)

    def call_arguments(self, label: Label, args: Sequence[Expr]) -> tuple[list[Any], list[Any]]:
        """The positional and the keyword arguments of a call, one a parameter."""
        by_name = self.around.keyword_only.get(label, {})
        positional: list[Any] = []
        named: list[Any] = []
        for k, a in enumerate(args):
            name = by_name.get(k)
            if name is None:
                positional.append(self.expr(a))
            elif name == "*":
                is_written = isinstance(a, Op) and a.name == "tuple"
                items = map(self.expr, a.operands) if is_written else [gast.Starred(self.expr(a), gast.Load())]  # type: ignore[union-attr]
                positional += items
            elif name == "**" and isinstance(a, Op) and a.name == "dict":
                named += [gast.keyword(key, self.expr(v)) for key, v in zip(keys_of(a), a.operands)]
            else:
                named.append(gast.keyword(None if name == "**" else name, self.expr(a)))
        return positional, named

    def index_value(self, index: Expr) -> Any:
        """An index outside of brackets, where a slice is written as a call."""
        if isinstance(index, Op) and index.name == "tuple":
            return gast.Tuple([self.index_value(part) for part in index.operands], gast.Load())
        if isinstance(index, Op) and index.name == "slice":
            parts = list(index.operands)
            if parts[2] == Const(None):
                parts.pop()
            return gast.Call(gast.Name("slice", gast.Load(), None, None), [self.expr(p) for p in parts], [])
        return self.expr(index)

    def call(self, stmt: Call) -> list[Any]:
        if stmt.callee is POP:
            value = self.expr(Op(POP_OP, stmt.args))
        else:
            callee: Any = gast.Name(self.around.functions[stmt.callee], gast.Load(), None, None)
            value = gast.Call(callee, *self.call_arguments(stmt.callee, stmt.args))
        if not stmt.vars:
            return [gast.Expr(value)]
        targets = [self.name(v, gast.Store()) for v in stmt.vars]
        target = targets[0] if len(targets) == 1 else gast.Tuple(targets, gast.Store())
        return [gast.Assign([target], value, None)]

    def iterable(self, stmt: For) -> Any:
        if not stmt.mirror:
            return self.expr(stmt.iter)
        assert isinstance(stmt.iter, Op)
        bounds = stmt.iter.operands
        start = Const(0) if len(bounds) == 1 else bounds[0]
        stop = bounds[0] if len(bounds) == 1 else bounds[1]
        step = bounds[2] if len(bounds) == 3 else Const(1)
        if isinstance(step, Const) and step.value in (1, -1):
            by = step.value
            first = _shifted(stop, -by)
            last = _shifted(start, -by)
            if by == 1:
                return self.expr(Op("builtins.range", (first, last, Const(-1))))
            return self.expr(Op("builtins.range", (last,) if first == Const(0) else (first, last)))
        return gast.Call(gast.Name("reversed", gast.Load(), None, None), [self.expr(stmt.iter)], [])

    def negated(self, test: Expr) -> Any:
        if isinstance(test, Op) and test.name == "operator.not_":
            return self.expr(test.operands[0])
        return gast.UnaryOp(gast.Not(), self.expr(test))

    # ---- expressions -------------------------------------------------------------------------------------------

    def name(self, var: Var, ctx: Any) -> Any:
        return gast.Name(self.names[var], ctx, None, None)

    def expr(self, expr: Expr) -> Any:
        if isinstance(expr, Var):
            return self.name(expr, gast.Load())
        if isinstance(expr, Const):
            return _constant(expr.value)
        if isinstance(expr, Raw):
            return self.renamed(expr.tree, expr.reads)
        return self.operation(expr)

    def operation(self, op: Op) -> Any:
        if self.around.array_module is not None and op.name in _BROADCASTS and len(op.operands) == 2:
            x, a = op.operands
            op = Op("numpy.broadcast_to", (x, Op("numpy.shape", (a,))))
        name = op.name
        if name in _BINARY and len(op.operands) == 2:
            chain = []
            node: Expr = op
            while isinstance(node, Op) and node.name in _BINARY and len(node.operands) == 2:
                chain.append(node)
                node = node.operands[0]
            value = self.expr(node)
            for link in reversed(chain):
                value = gast.BinOp(value, _BINARY[link.name](), self.expr(link.operands[1]))
            return value
        if name == CALL:
            label = op.operands[0]
            assert isinstance(label, Const)
            made = gast.Name(self.around.functions[label.value], gast.Load(), None, None)
            return gast.Call(made, *self.call_arguments(label.value, op.operands[1:]))
        inside = name in ("operator.getitem", "tuple", "slice")
        args = [self.expr(o) if inside else self.index_value(o) for o in op.operands]
        if name in _UNARY:
            return gast.UnaryOp(_UNARY[name](), args[0])
        if name in _COMPARE:
            return gast.Compare(args[0], [_COMPARE[name]()], args[1:])
        if name == "operator.getitem":
            return gast.Subscript(args[0], args[1], gast.Load())
        if name == "tuple":
            return gast.Tuple(args, gast.Load())
        if name == "list":
            return gast.List(args, gast.Load())
        if name == "s2sad.append":
            return gast.List([gast.Starred(args[0], gast.Load()), *args[1:]], gast.Load())
        if name == "s2sad.shorter":
            return gast.Subscript(args[0], gast.Slice(None, _constant(-1), None), gast.Load())
        if name == "dict":
            keys: list[Any] = [gast.parse(repr(k), mode="eval").body for k in keys_of(op)]
            return gast.Dict(keys, args)
        if name == "s2sad.object":
            return gast.Call(self.expr(dict(op.keywords)["class"]), args, [])
        if name in ("s2sad.replaced", "s2sad.mirrored"):
            like = self.expr(dict(op.keywords)["like"])
            named = [gast.keyword(k, a) for k, a in zip(keys_of(op), args)]
            if name == "s2sad.replaced":
                return gast.Call(gast.Attribute(like, "_replace", gast.Load()), [], named)
            return gast.Call(self.dotted("s2sad.runtime.containers.mirrored"), [like], named)
        if name == "slice":
            return gast.Slice(*(None if o == Const(None) else a for o, a in zip(op.operands, args)))
        if name == "s2sad.select":
            return gast.IfExp(*args)
        if name == PUSH_OP:
            return gast.Call(gast.Attribute(args[0], "append", gast.Load()), args[1:], [])
        if name == POP_OP:
            return gast.Call(gast.Attribute(args[0], "pop", gast.Load()), [], [])
        keywords = [gast.keyword(k, self.expr(v)) for k, v in op.keywords]
        prefix, _, rest = name.rpartition(".")
        if prefix in ("numpy.ndarray", "method", "attribute", "field", "object_method"):
            if (prefix == "numpy.ndarray" and rest in ARRAY_ATTRIBUTES) or prefix in ("attribute", "field"):
                return gast.Attribute(args[0], rest, gast.Load())
            return gast.Call(gast.Attribute(args[0], rest, gast.Load()), args[1:], keywords)
        if op.spelled and not op.spelled.endswith("="):
            callee: Any = gast.parse(op.spelled, mode="eval").body
        else:
            callee = self.dotted(name)
        if not args and not keywords and not op.spelled and not callable(_held(name)):
            return callee
        return gast.Call(callee, args, keywords)

    def dotted(self, name: str) -> Any:
        """The text that finds a library function, or a user's that has a rule."""
        if name in self.around.operations:
            return gast.Name(self.around.operations[name], gast.Load(), None, None)
        if name.startswith("builtins."):
            return gast.Name(name.partition(".")[2], gast.Load(), None, None)
        if name.startswith("s2sad.runtime."):
            plain = name.rpartition(".")[2]
            if self.around.array_module is not None and plain not in _FOR_ALL_ARRAYS:
                raise self.lacking(f"{plain}, a function of s2sad for arrays of NumPy")
            self.around.helpers[plain] = name
            return gast.Name(plain, gast.Load(), None, None)
        module, path = _split_module(name)
        if module == "numpy" and self.around.array_module is not None:
            module = self.around.array_module
            if not _has(module, path):
                raise self.lacking(f"{path[-1]}, which {module} does not have")
        alias = self.around.module_name(module)
        self.around.modules[alias] = module
        node: Any = gast.Name(alias, gast.Load(), None, None)
        for part in path:
            node = gast.Attribute(node, part, gast.Load())
        return node

    def lacking(self, what: str) -> S2sadError:
        """The refusal of a derivative that needs what there is for arrays of NumPy alone."""
        reason = f"the derivative for arrays of {self.around.array_module} would need {what}"
        return S2sadError("S303", reason, self.f.origin, "pass arrays of NumPy, or write it in another way")

    def renamed(self, tree: Any, reads: tuple[tuple[str, Var], ...]) -> Any:
        table = {name: self.names[var] for name, var in reads}
        made = copy.deepcopy(tree)
        for node in gast.walk(made):
            if isinstance(node, gast.Name) and node.id in table:
                node.id = table[node.id]
        return made


#: What broadcasts its first operand to the shape of the second.
_BROADCASTS = ("s2sad.runtime.adjoints.rebroadcast", "s2sad.runtime.adjoints.spread")

#: The runtime functions that work on arrays of all modules.
_FOR_ALL_ARRAYS = ("scalar_seed",)


def _has(module: str, path: Sequence[str]) -> bool:
    """Whether a module has an attribute; taken for granted where the module is not installed."""
    try:
        held: Any = importlib.import_module(module)
    except ImportError:
        return True
    for part in path:
        if not hasattr(held, part):
            return False
        held = getattr(held, part)
    return True


def _is_part(expr: Expr) -> bool:
    """Whether an expression may be a view, or another name, of an array."""
    if isinstance(expr, Op):
        entry = registry.find(rule_name(expr))
        return expr.name == "operator.getitem" or (entry is not None and bool(entry.views))
    return isinstance(expr, Var)


def _constant(value: Any) -> Any:
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and (value < 0 or (value == 0 and str(value).startswith("-")))
    ):
        return gast.UnaryOp(gast.USub(), gast.Constant(-value, None))
    return gast.Constant(value, None)


def _first_of_reverse(block: Block) -> int | None:
    """The position of the first statement that was made for another's adjoint, or of the context that it stands in."""
    entered: list[int] = []
    for position, stmt in enumerate(block):
        if isinstance(stmt, Leave):
            entered = entered[:-1]
        elif isinstance(stmt, Enter):
            entered.append(position)
        if stmt.group is not None and not isinstance(stmt, Return):
            return entered[0] if entered else position
    return None


def _length(block: Block) -> int:
    """How many statements of a block stand in the context that was entered before it."""
    entered = 1
    for position, stmt in enumerate(block):
        entered += isinstance(stmt, Enter) - isinstance(stmt, Leave)
        if not entered:
            return position
    return len(block)


def _leaves(block: Block) -> bool:
    """Whether control never reaches the end of a block."""
    last = block[-1] if block else None
    if isinstance(last, (Return, Break)):
        return True
    if isinstance(last, If):
        return _leaves(last.body) and _leaves(last.orelse)
    if isinstance(last, Try):
        return _leaves(last.body) and _leaves(last.handler)
    return exits(block)


def _case(block: Block, flag: Var, number: int) -> Block | None:
    """What of a handler runs where the flag has a number; None where the handler is not a chain of tests of it."""
    if not any(v is flag for s in walk(block) for v in uses(s)):
        return block
    test = block[0].test if len(block) == 1 and isinstance(block[0], If) else None
    for k in range(1, number + 1):
        if test == Op("operator.eq", (flag, Const(k))):
            assert isinstance(block[0], If)
            return block[0].body if k == number else _case(block[0].orelse, flag, number)
    return None


def _shifted(expr: Expr, by: int) -> Expr:
    """expr + by, the numbers folded."""
    if isinstance(expr, Const):
        return Const(expr.value + by)
    if isinstance(expr, Op) and expr.name in ("operator.add", "operator.sub") and isinstance(expr.operands[1], Const):
        value = expr.operands[1].value
        if type(value) is int:
            total = (value if expr.name == "operator.add" else -value) + by
            if total == 0:
                return expr.operands[0]
            return Op("operator.add" if total > 0 else "operator.sub", (expr.operands[0], Const(abs(total))))
    return Op("operator.add" if by > 0 else "operator.sub", (expr, Const(abs(by))))


def _split_module(name: str) -> tuple[str, list[str]]:
    """The importable root of a qualified name, and the attributes after it."""
    root, *path = name.split(".")
    if root == "scipy" and path:
        return f"{root}.{path[0]}", path[1:]
    return root, path


def _held(name: str) -> Any:
    module, path = _split_module(name)
    try:
        held: Any = importlib.import_module(module)
        for part in path:
            held = getattr(held, part)
    except (ImportError, AttributeError):
        return print
    return held
