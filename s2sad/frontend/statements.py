"""Lowering of statements: a handler for each class of gast node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from s2sad.frontend.contexts import INERT, is_declared
from s2sad.frontend.expressions import BINARY, Expressions, is_display, is_starred
from s2sad.frontend.resolve import (
    Known,
    UserFunction,
    Value,
)
from s2sad.frontend.scopes import LocalFunction, bound_names, own_nodes, tuple_arity
from s2sad.ir.kinds import UNKNOWN
from s2sad.ir.nodes import (
    Assign,
    Break,
    Const,
    Do,
    Enter,
    Expr,
    For,
    If,
    Leave,
    Op,
    Stmt,
    Store,
    Try,
    Var,
    While,
)
from s2sad.ir.walk import breaks, exits, substitute


class Statements(Expressions):
    """`visit_…` for each class of statement, and the binding of targets."""

    def statements(self, body: list[Any]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: Any) -> None:
        self.node = node
        handler = getattr(self, f"visit_{type(node).__name__}", None)
        if handler is None:
            raise self.refuse("S201", f"`{type(node).__name__}` is not supported", node, "write it in another way")
        handler(node)

    def visit_Pass(self, node: Any) -> None:
        pass

    def visit_Expr(self, node: Any) -> None:
        value = node.value
        if isinstance(value, gast.Constant):
            return
        if isinstance(value, gast.Call):
            callee = self.callee(value.func)
            if isinstance(callee, (UserFunction, LocalFunction)) and not is_starred(value):
                arity = tuple_arity(callee.primal.source.node) if self.readable(callee.primal) else None
                self.call(value, callee, self.temporaries(arity or 1))
                return
            sets = isinstance(callee, Known) and callee.name in ("builtins.setattr", "builtins.delattr")
            if sets or self.may_write(value) or (callee is None and not isinstance(value.func, gast.Attribute)):
                self.temporary(self.expression(value))
                return
            method = value.func.attr if isinstance(value.func, gast.Attribute) else ""
            if callee is None and method not in _REPORTING and self.is_of_function(value.func.value):
                self.temporary(self.expression(value))
                return
            self.emit(Do(self.raw(value, pure=False), may_write=callee is None and method not in _REPORTING))
            return
        self.emit(Do(self.raw(value, pure=False)))

    def is_of_function(self, node: Any) -> bool:
        """Whether an expression starts at what this function holds itself."""
        while isinstance(node, (gast.Attribute, gast.Subscript)):
            node = node.value
        return not isinstance(node, gast.Name) or isinstance(self.binding(node), Var)

    def visit_Assert(self, node: Any) -> None:
        self.emit(self.raw_statement(node))

    def visit_Raise(self, node: Any) -> None:
        self.emit(self.raw_statement(node, exits=True))

    def visit_Import(self, node: Any) -> None:
        for name, found in self.primal.scope.imports(node):
            if found is None:
                help = f"look the names of {node.module} up"
                raise self.refuse("S203", f"module {node.module} has no {name!r}", node, help)
            self.local_bindings[name] = found
        self.imports.append(node)

    def visit_ImportFrom(self, node: Any) -> None:
        if node.level or node.module is None:
            reason = "a relative import in a function is not supported"
            raise self.refuse("S201", reason, node, "import at the top of the module")
        self.visit_Import(node)

    def visit_Nonlocal(self, node: Any) -> None:
        outside = next((n for n in node.names if n not in self.cells), None)
        if outside is not None:
            reason = f"writing {outside!r}, of an enclosing function that is not differentiated, is not supported"
            raise self.refuse("S201", reason, node, "return the value")

    def visit_FunctionDef(self, node: Any) -> None:
        self.define_local(node.name, node)

    def visit_Assign(self, node: Any) -> None:
        if isinstance(node.value, gast.Lambda) and len(node.targets) == 1 and isinstance(node.targets[0], gast.Name):
            self.define_local(node.targets[0].id, node.value)
            return
        if len(node.targets) == 1 and self.renames(node.targets[0], node.value):
            return
        if len(node.targets) == 1:
            self.assign_target(node.targets[0], node.value)
            return
        value = self.unwritten(self.atom(node.value), bound_names(node.targets))
        for target in node.targets:
            self.bind_target(target, value)

    def renames(self, target: Any, value: Any) -> bool:
        """`put = np.put`: a second name of a function, if it is bound once and only called. Notes it."""
        if not isinstance(target, gast.Name) or target.id in (*self.env, *self.local_bindings):
            return False
        found = self.callee(value)
        if found is None or (isinstance(found, Known) and found.kind != UNKNOWN):
            return False
        inside = [n for stmt in self.body for n in gast.walk(stmt)]
        called = [n.func for n in inside if isinstance(n, gast.Call)]
        uses = [n for n in inside if isinstance(n, gast.Name) and n.id == target.id and n is not target]
        if any(not isinstance(n.ctx, gast.Load) or all(n is not f for f in called) for n in uses):
            return False
        self.local_bindings[target.id] = found
        self.renamed[target.id] = value
        return True

    def visit_AnnAssign(self, node: Any) -> None:
        if node.value is not None:
            self.assign_target(node.target, node.value)

    def visit_AugAssign(self, node: Any) -> None:
        name = type(node.op).__name__
        if isinstance(node.target, gast.Subscript):
            self.write(node.target, lambda: self.atom(node.value), f"operator.{BINARY[name]}")
            return
        if isinstance(node.target, gast.Attribute):
            self.write_attribute(node.target, lambda: self.atom(node.value), f"operator.{BINARY[name]}")
            return
        if node.target.id in self.cells:
            held = self.temporary(self.expression(node.target))
            value = self.atom(node.value)
            self.emit(Assign(held, Op(f"operator.i{BINARY[name].rstrip('_')}", (held, value), spelled=BINARY[name])))
            self.bind_name(node.target, held)
            return
        target = self.variable(node.target)
        value = self.atom(node.value)
        self.assign(target, Op(f"operator.i{BINARY[name].rstrip('_')}", (target, value), spelled=BINARY[name]))

    def assign_target(self, target: Any, value: Any) -> None:
        if isinstance(target, gast.Name) and target.id in self.cells:
            self.bind_name(target, self.expression(value))
        elif isinstance(target, gast.Name):
            callee = self.callee(value.func) if isinstance(value, gast.Call) else None
            if (
                isinstance(callee, (UserFunction, LocalFunction))
                and not is_starred(value)
                and self.readable(callee.primal)
                and tuple_arity(callee.primal.source.node) is None
            ):
                self.call(value, callee, [self.variable(target)])
                return
            self.assign(self.variable(target), self.expression(value))
        elif isinstance(target, (gast.Tuple, gast.List)):
            starred = any(isinstance(e, gast.Starred) for e in (*getattr(value, "elts", ()), *target.elts))
            if starred:
                self.bind_target(target, self.atom(value))
                return
            if isinstance(value, (gast.Tuple, gast.List)) and len(value.elts) == len(target.elts):
                self.assign_several(target.elts, [self.atom(v) for v in value.elts])
                return
            if isinstance(value, gast.Call):
                callee = self.callee(value.func)
                if (
                    isinstance(callee, (UserFunction, LocalFunction))
                    and not is_starred(value)
                    and self.readable(callee.primal)
                    and tuple_arity(callee.primal.source.node) == len(target.elts)
                ):
                    if all(isinstance(t, gast.Name) and t.id not in self.cells for t in target.elts):
                        self.call(value, callee, [self.variable(t) for t in target.elts])
                        return
                    results = self.call(value, callee, self.temporaries(len(target.elts)))
                    self.assign_several(target.elts, list(results))
                    return
            self.bind_target(target, self.atom(value))
        else:
            self.bind_target(target, self.atom(value))

    def assign_several(self, targets: list[Any], values: list[Expr]) -> None:
        """`a, b = b, a`: every value is taken before the first target is bound."""
        written = bound_names(targets)
        safe: list[Expr] = []
        for position, value in enumerate(values):
            clash = (
                isinstance(value, Var)
                and not value.temporary
                and value.hint in written
                and value is not self.env.get(getattr(targets[position], "id", ""))
            )
            if is_display(value):
                value = self.unwritten(value, written)
            safe.append(self.temporary(value) if clash else value)
        for target, value in zip(targets, safe):
            self.bind_target(target, value)

    def bind_target(self, target: Any, value: Expr | None) -> None:
        if value is not None and is_display(value) and isinstance(target, (gast.Tuple, gast.List)):
            value = self.unwritten(value, bound_names([target]))
        if isinstance(target, gast.Name) and value is not None:
            self.bind_name(target, value)
        elif isinstance(target, (gast.Tuple, gast.List)) and any(isinstance(t, gast.Starred) for t in target.elts):
            self.bind_starred(target, value)
        elif isinstance(target, (gast.Tuple, gast.List)) and value is not None:
            count = len(target.elts)
            if is_display(value) and len(value.operands) != count:
                raise self.refuse("S201", f"{len(value.operands)} values for {count} names", target, "name each value")
            items = [self.as_atom(self.item(value, Const(k))) for k in range(count)]
            for inner, item in zip(target.elts, items):
                self.bind_target(inner, item)
        elif isinstance(target, gast.Subscript) and value is not None:
            self.write(target, lambda: self.as_atom(value))
        elif isinstance(target, gast.Attribute) and value is not None:
            self.write_attribute(target, lambda: self.as_atom(value))
        else:
            raise self.refuse("S201", "an in-place write is not supported", target, "build a new value instead")

    def write_attribute(self, target: Any, value: Callable[[], Expr], how: str | None = None) -> None:
        """`base.name = value`, or with `how` `base.name op= value`; what it comes down to the kinds tell."""
        if self.binding(target.value) is not None and not isinstance(self.binding(target.value), Var):
            what = self.source.segment(target.value)
            reason = f"a write into an attribute of the global or enclosing variable {what!r} is not supported"
            raise self.refuse("S201", reason, target, "pass it as an argument, and return it")
        base = self.atom(target.value)
        more = () if how is None else (Const(how),)
        self.temporary(Op("s2sad.set_attribute", (base, Const(target.attr), value(), *more)))

    def write(self, target: Any, value: Callable[[], Expr], how: str | None = None) -> None:
        """`base[index] = value`, or with `how` `base[index] op= value`; the value is asked for last."""
        if isinstance(target.value, gast.Attribute) and target.value.attr == "flat" and not self.binding(target.value):
            inner = gast.copy_location(gast.Subscript(target.value.value, target.slice, target.ctx), target)
            base, index = self.written(inner)
            more = () if how is None else (Const(how),)
            self.temporary(Op("s2sad.set_flat", (base, index, value(), *more), spelled="flat"))
            return
        base, index = self.written(target)
        self.emit(Store(base, index, value(), how))

    def written(self, target: Any) -> tuple[Var, Expr]:
        """The array and the index of a subscript that is written."""
        base = self.expression(target.value)
        if not isinstance(base, Var):
            base = self.temporary(base)
        if base in self.free.values():
            reason = f"a write into the global or enclosing variable {base.hint!r} is not supported"
            raise self.refuse("S201", reason, target, "pass it as an argument, and return it")
        return base, self.atom(target.slice)

    def bind_starred(self, target: Any, value: Expr | None) -> None:
        """`a, *b, c = xs`: b is the list of what the others leave."""
        if value is None:
            raise self.refuse("S201", "an in-place write is not supported", target, "build a new value instead")
        at = next(k for k, t in enumerate(target.elts) if isinstance(t, gast.Starred))
        after = len(target.elts) - at - 1
        if is_display(value):
            rest: Expr = Op("list", value.operands[at : len(value.operands) - after])
        else:
            value = value if isinstance(value, Var) else self.temporary(value)
            cut = Op("slice", (Const(at), Const(-after if after else None), Const(None)))
            rest = self.as_atom(Op("builtins.list", (self.temporary(Op("operator.getitem", (value, cut))),)))
        for k, inner in enumerate(target.elts):
            if k == at:
                self.bind_target(inner.value, rest)
            else:
                self.bind_target(inner, self.as_atom(self.item(value, Const(k if k < at else k - len(target.elts)))))

    def assign(self, var: Var, expr: Expr) -> None:
        self.emit(Assign(var, expr))

    def visit_If(self, node: Any) -> None:
        self.branch(node, self.statements)

    def branch(self, node: Any, lower_block: Any) -> None:
        test = self.test(node.test)
        outer = self.block
        made = If(test, [], [], origin=self.place(node.test), quote=self.head(node))
        outer.append(made)
        for inner, nodes in ((made.body, node.body), (made.orelse, node.orelse)):
            self.block = inner
            lower_block(nodes)
        self.block = outer
        self.node = node

    def head(self, node: Any) -> str | None:
        word = {"If": "if", "While": "while"}.get(type(node).__name__, "for")
        if getattr(node, "lineno", None) is None or (word != "for" and getattr(node.test, "lineno", None) is None):
            return None
        if word == "for":
            return f"for {self.source.segment(node.target)} in {self.source.segment(node.iter)}:"
        return f"{word} {self.source.segment(node.test)}:"

    def visit_While(self, node: Any) -> None:
        endless = isinstance(node.test, gast.Constant)
        test = Const(bool(node.test.value)) if endless else self.raw(node.test)
        made = While(test, [], origin=self.place(node.test), quote=self.head(node))
        outer = self.block
        outer.append(made)
        self.block = made.body
        self.statements(node.body)
        self.block = outer
        self.node = node

    def visit_Break(self, node: Any) -> None:
        self.block.append(Break(origin=self.place(node)))

    def visit_With(self, node: Any) -> None:
        self.within(node, self.statements)

    def within(self, node: Any, lower_block: Any) -> None:
        """A `with` whose contexts change no value; one with another context is refused."""
        reads: dict[str, Var] = {}
        contexts = tuple(item.context_expr for item in node.items)
        once = False
        for item in node.items:
            made = item.context_expr
            maker = made.func if isinstance(made, gast.Call) else made
            found = self.binding(maker)
            known = isinstance(made, gast.Call) and isinstance(found, Known) and found.name in INERT
            held = found.held if isinstance(found, Value) else None
            if isinstance(found, UserFunction):
                held = getattr(found.primal, "function", None)
            declared = is_declared(held)
            once = once or declared
            if not (known or declared) or item.optional_vars is not None:
                reason = f"`with {self.source.segment(made)}` is not supported"
                help = "enter the context around the call of the function, or declare it with `s2sad.inert`"
                raise self.refuse("S201", reason, made, help)
            read = self.raw(made, pure=True)
            reads.update((name, var) for name, var in read.reads if not declared or var not in self.free.values())
        self.block.append(Enter(contexts, tuple(reads.items()), once, origin=self.place(node)))
        lower_block(node.body)
        self.block.append(Leave(contexts, tuple(reads.items()), once, origin=self.place(node)))
        self.node = node

    def visit_Try(self, node: Any) -> None:
        self.attempt(node, self.statements)

    def attempt(self, node: Any, lower_block: Any) -> None:
        """A `try` of which the desugared handler says what it catches; both its ends are those of `lower_block`."""
        (handler,) = node.handlers
        reads: dict[str, Var] = {}
        for caught in handler.types:
            if caught is not None:
                reads.update(self.raw(caught).reads)
        self.refuse_carried(handler)
        for inner in own_nodes(node.body):
            if isinstance(inner, (gast.Import, gast.ImportFrom)):
                help = "import at the top of the module"
                raise self.refuse("S201", "an import in the body of `try` is not supported", inner, help)
        outer = self.block
        flag = self.variable(_name(handler.flag))
        made = Try(flag, [], [], tuple(handler.types), tuple(reads.items()), origin=self.place(node))
        outer.append(made)
        self.block = made.body
        self.statements(node.body)
        made.error = None if handler.name is None else self.variable(handler.name)
        self.block = caught_block = list[Stmt]()
        lower_block(handler.body)
        self.block = otherwise = list[Stmt]()
        lower_block(node.orelse)
        self.block = outer
        if (otherwise and not exits(caught_block)) or breaks(caught_block):
            outer.append(If(flag, caught_block, otherwise, origin=made.origin))
        else:
            made.handler = caught_block
            outer += otherwise
        self.node = node

    def refuse_carried(self, handler: Any) -> None:
        """Refuse (S201) a handler that takes a value out of the exception: what it carries has no derivative."""
        if handler.name is None:
            return
        held = {handler.name.id}
        inside = [n for stmt in handler.body for n in gast.walk(stmt)]
        for node in inside:
            if isinstance(node, gast.Assign) and getattr(node.value, "id", None) in held:
                held.update(t.id for t in node.targets if isinstance(t, gast.Name))
        found = [v for node in handler.body for v in _values_of(node, held)]
        found += [v for node in self.body for v in _values_of(node, held - {handler.name.id})]
        if found:
            help = "bind what the handler needs to a name before `raise`"
            raise self.refuse("S201", "a value that an exception carries is not followed", found[0], help)

    def visit_Delete(self, node: Any) -> None:
        """A local name that is deleted is never read again, so it may as well stay."""
        for target in node.targets:
            if isinstance(target, gast.Subscript):
                self.temporary(Op("s2sad.delete_item", self.written(target)))
                continue
            if isinstance(target, gast.Attribute):
                self.temporary(Op("s2sad.delete_attribute", (self.atom(target.value), Const(target.attr))))
                continue
            if not isinstance(target, gast.Name) or target.id not in self.env:
                raise self.refuse("S201", "`del` of anything but a local name is not supported", target, "leave it out")

    def visit_For(self, node: Any) -> None:
        written = bound_names(node.body)
        rebound = bound_names([node.target, *node.body])
        iterable = node.iter
        mirror = False
        if self.is_call_of(iterable, "builtins.reversed") and self.is_call_of(iterable.args[0], "builtins.range"):
            mirror, iterable = True, iterable.args[0]
        if self.is_call_of(iterable, "builtins.range") and not iterable.keywords and 1 <= len(iterable.args) <= 3:
            bounds = tuple(self.unwritten(self.atom(a), rebound) for a in iterable.args)
            index = None
            if isinstance(node.target, gast.Name) and node.target.id not in {*written, *self.cells}:
                index = self.variable(node.target)
            self.loop(node, index, Op("builtins.range", bounds), [], mirror)
            return
        self.loop_over(node, iterable, written)

    def loop_over(self, node: Any, iterable: Any, written: dict[str, None]) -> None:
        """A loop over a sequence, by its index; `enumerate` and `zip` of sequences likewise."""
        rebound = {**written, **bound_names([node.target])}
        start: Expr | None = None
        counted = None
        target = node.target
        if self.is_call_of(iterable, "builtins.enumerate"):
            if not (isinstance(target, gast.Tuple) and len(target.elts) == 2):
                raise self.refuse(
                    "S201", "`enumerate` needs two loop variables", target, "write `for i, x in enumerate(...)`"
                )
            given = [*iterable.args[1:], *(k.value for k in iterable.keywords)]
            start = self.unwritten(self.atom(given[0]), rebound) if given else Const(0)
            counted, target = target.elts
            iterable = iterable.args[0]
        if self.is_call_of(iterable, "builtins.zip") and not iterable.keywords:
            if not (isinstance(target, (gast.Tuple, gast.List)) and len(target.elts) == len(iterable.args)):
                raise self.refuse(
                    "S201", "`zip` needs one loop variable a sequence", target, "write `for x, y in zip(xs, ys)`"
                )
            pairs = list(zip(target.elts, iterable.args))
        else:
            pairs = [(target, iterable)]
        mirrored = [self.is_call_of(s, "builtins.reversed") for _, s in pairs]
        sequences: list[Expr] = []
        for (_, sequence), backwards in zip(pairs, mirrored):
            node_of = sequence.args[0] if backwards else sequence
            sequences.append(self.sequence(self.unwritten(self.atom(node_of), rebound)))
        lengths: list[Expr] = [self.temporary(Op("builtins.len", (s,))) for s in sequences]
        count = lengths[0] if len(lengths) == 1 else self.temporary(Op("builtins.min", tuple(lengths)))
        bindings: list[tuple[Any, Any]] = []
        for (item, _), sequence, length, backwards in zip(pairs, sequences, lengths, mirrored):
            bindings.append((item, (sequence, length if backwards else None)))
        index = None
        bound = {*written, *self.cells}
        if counted is not None and start == Const(0) and isinstance(counted, gast.Name) and counted.id not in bound:
            index = self.variable(counted)
        elif counted is not None:
            bindings.append((counted, start))
        self.loop(node, index, Op("builtins.range", (count,)), bindings, False)

    def sequence(self, value: Expr) -> Expr:
        """What a loop runs over by position: the keys of a dict, which only kinds tell, anything else itself."""
        return self.temporary(Op("s2sad.sequence", (value,))) if isinstance(value, Var) else value

    def loop(self, node: Any, index: Var | None, iterable: Op, bindings: list[tuple[Any, Any]], mirror: bool) -> None:
        """A For over a hidden or a user's index; `bindings` are what the top of the body binds."""
        outer = self.block
        own = index is None
        counter = Var("i", temporary=True) if index is None else index
        made = For(counter, iterable, [], mirror, origin=self.place(node.iter), quote=self.head(node))
        outer.append(made)
        self.block = made.body
        if own and not bindings:
            self.bind_target(node.target, counter)
        for target, source in bindings:
            self.node = node
            if isinstance(source, tuple):
                sequence, length = source
                at: Expr = counter
                if length is not None:
                    last = self.temporary(Op("operator.sub", (length, Const(1))))
                    at = self.temporary(Op("operator.sub", (last, counter)))
                item: Expr = Op("operator.getitem", (sequence, at))
                if not isinstance(target, gast.Name):
                    item = self.temporary(item)
                self.bind_target(target, item)
            else:
                self.bind_target(target, Op("operator.add", (source, counter)))
        self.statements(node.body)
        self.block = outer
        self.node = node

    def unwritten(self, operand: Expr, written: dict[str, None]) -> Expr:
        """An operand that still holds its value when the loop is over: a copy of a Var that the body binds."""
        if isinstance(operand, Op):
            return substitute(operand, lambda v: self.unwritten(v, written))
        if isinstance(operand, Var) and not operand.temporary and operand.hint in written:
            return self.temporary(operand)
        return operand


def _name(name: str) -> Any:
    return gast.Name(name, gast.Store(), None, None)


#: What may be asked of an exception: text, and whether it is this or that.
_ASKED = frozenset({"str", "repr", "print", "isinstance", "type", "format", "len"})


def _values_of(node: Any, names: set[str]) -> list[Any]:
    """The places at which an exception is read for a value: not where it is raised, printed, or asked for its class."""
    if isinstance(node, (gast.Raise, gast.JoinedStr, gast.Assert)):
        return []
    if isinstance(node, gast.Assign) and getattr(node.value, "id", None) in names:
        return []
    if isinstance(node, gast.Compare) and isinstance(node.ops[0], (gast.Is, gast.IsNot)):
        return []
    if isinstance(node, gast.Call) and isinstance(node.func, gast.Name) and node.func.id in _ASKED:
        return []
    if isinstance(node, gast.Expr) and isinstance(node.value, gast.Call):
        return []  # it reports the exception
    if isinstance(node, gast.Name) and node.id in names and isinstance(node.ctx, gast.Load):
        return [node]
    return [v for inner in gast.iter_child_nodes(node) for v in _values_of(inner, names)]


#: Methods, of loggers and files, that only read what they are given.
_REPORTING = frozenset(
    {"info", "debug", "warning", "warn", "error", "critical", "exception", "log", "write", "writelines", "flush"}
)
