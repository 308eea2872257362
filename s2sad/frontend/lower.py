"""gast to IR: one function at a time, every operand an atom, every name a Var.

What it guarantees: operands are Vars, Consts or displays of these; a result that its own rule reads has a Var of its
own; tests and loop bounds stand in Vars that the body does not write; the one Return is last.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend import desugar, support
from s2sad.frontend.resolve import (
    LIBRARIES,
    Binding,
    Derived,
    Known,
    Module,
    Primal,
    Scope,
    UserFunction,
    Value,
    attribute,
    module_names,
    nearest_names,
)
from s2sad.frontend.source import Source
from s2sad.ir.kinds import BOOL, STR, UNKNOWN, Kind
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Do,
    Expr,
    For,
    Function,
    If,
    Label,
    Op,
    Param,
    Raw,
    RawStmt,
    Return,
    Var,
    While,
)
from s2sad.ir.webs import split_webs
from s2sad.rules import registry

BINARY = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul", "LShift": "lshift", "RShift": "rshift", "BitOr": "or_", "BitXor": "xor", "BitAnd": "and_",
}  # fmt: skip
UNARY = {"USub": "neg", "UAdd": "pos", "Not": "not_", "Invert": "invert"}
COMPARE = {
    "Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge", "Is": "is_", "IsNot": "is_not",
    "In": "contains", "NotIn": "not_contains",
}  # fmt: skip


@dataclass(frozen=True)
class LocalFunction:
    """A function defined inside the function that is being lowered.

    captured: the names of the enclosing function's locals that it reads.
    """

    primal: Primal
    captured: tuple[str, ...]


class LocalPrimal(Primal):
    """A nested `def` or a named lambda: lifted to a function of its own, with what it captures as extra parameters."""

    def __init__(self, name: str, source: Source, scope: Scope, captured: tuple[str, ...], key: object) -> None:
        super().__init__(name, key, scope)
        self._source = source
        self.captured = captured

    @property
    def source(self) -> Source:
        return self._source


@dataclass
class Lowering:
    """All user functions of one program, lowered when first asked for: labels by primal, functions by label."""

    labels: dict[Primal, Label] = field(default_factory=dict)
    primals: dict[Label, Primal] = field(default_factory=dict)
    functions: dict[Label, Function | S2sadError] = field(default_factory=dict)
    #: What attributes of the user's own modules meant: (module, name) -> the object.
    attributes: dict[tuple[str, str], object] = field(default_factory=dict)
    #: What methods were called: (class, name) -> the function found there.
    methods: dict[tuple[type, str], object] = field(default_factory=dict)

    def label(self, primal: Primal) -> Label:
        if primal not in self.labels:
            label = Label(primal.name)
            self.labels[primal] = label
            self.primals[label] = primal
        return self.labels[primal]

    def function(self, label: Label) -> Function:
        """The generic IR of a user function; its refusal is raised each time that it is asked for."""
        if label not in self.functions:
            primal = self.primals[label]
            try:
                support.check(primal.source)
                self.functions[label] = lower(primal, label, self)
            except S2sadError as error:
                self.functions[label] = error
        found = self.functions[label]
        if isinstance(found, S2sadError):
            raise found
        return found

    def signature(self, label: Label) -> gast.arguments:
        return self.primals[label].source.node.args


def lower(primal: Primal, label: Label, lowering: Lowering) -> Function:
    """The IR of one user function, its webs split."""
    function = _Lowerer(primal, label, lowering).function()
    return split_webs(function)[0]


def parameters(arguments: gast.arguments) -> list[Param]:
    """The parameters of a function's `arguments`, in order."""
    made = []
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for position, (name, default) in enumerate(zip(positional, defaults)):
        passing = "positional" if position < len(arguments.posonlyargs) else "either"
        made.append(Param(Var(name.id), name.id, default, name.annotation, passing))
    if arguments.vararg is not None:
        made.append(Param(Var(arguments.vararg.id), arguments.vararg.id, None, arguments.vararg.annotation, "args"))
    for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        made.append(Param(Var(name.id), name.id, default, name.annotation, "keyword"))
    if arguments.kwarg is not None:
        made.append(Param(Var(arguments.kwarg.id), arguments.kwarg.id, None, arguments.kwarg.annotation, "kwargs"))
    return made


def bound_names(body: list[Any]) -> dict[str, None]:
    """The names that a function body binds, nested functions apart."""
    found: dict[str, None] = {}
    for node in _own_nodes(body):
        if isinstance(node, gast.Name) and isinstance(node.ctx, gast.Store):
            found[node.id] = None
        elif isinstance(node, gast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, (gast.Import, gast.ImportFrom)):
            for item in node.names:
                found[item.asname or item.name.partition(".")[0]] = None
    return found


def _own_nodes(body: list[Any]) -> Iterator[Any]:
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (gast.FunctionDef, gast.Lambda)):
            stack.extend(reversed(list(gast.iter_child_nodes(node))))


def tuple_arity(node: Any) -> int | None:
    """How many values a function returns, where every `return` is a tuple display of one length; else None."""
    if isinstance(node, gast.Lambda):
        values = [node.body]
    else:
        values = [n.value for n in _own_nodes(node.body) if isinstance(n, gast.Return)]
    sizes = {len(v.elts) if isinstance(v, gast.Tuple) else None for v in values}
    return sizes.pop() if len(sizes) == 1 else None


class _Lowerer:
    def __init__(self, primal: Primal, label: Label, lowering: Lowering) -> None:
        self.primal = primal
        self.label = label
        self.lowering = lowering
        self.source = primal.source
        node = self.source.node
        self.body: list[Any] = (
            node.body if isinstance(node.body, list) else [gast.copy_location(gast.Return(node.body), node.body)]
        )
        self.arity = tuple_arity(node)
        self.params = parameters(node.args)
        self.captured = list(getattr(primal, "captured", ()))
        self.env: dict[str, Var] = {p.name: p.var for p in self.params}
        for name in self.captured:
            param = Param(Var(name), name)
            self.params.append(param)
            self.env[name] = param.var
        self.local_names = {**{p.name: None for p in self.params}, **bound_names(self.body)}
        self.local_bindings: dict[str, Binding | LocalFunction] = {}
        self.free: dict[str, Var] = {}
        self.free_kinds: dict[Var, Kind] = {}
        self.imports: list[Any] = []
        self.block: Block = []
        self.node: Any = node
        self.result_vars: list[Var] | None = None
        #: The expression that an operation was lowered from, by the operation's identity.
        self.nodes: dict[int, tuple[Op, Any]] = {}

    # ---- places and emission -----------------------------------------------------------------------------------

    def place(self, node: Any) -> Place | None:
        return self.source.place(node) if getattr(node, "lineno", None) else None

    def refuse(self, code: str, reason: str, node: Any, help: str = "") -> S2sadError:
        return S2sadError(code, reason, self.place(node), help)

    def emit(self, stmt: Any) -> None:
        _, node = self.nodes.get(id(getattr(stmt, "expr", None)), (None, self.node))
        stmt.origin = self.place(node)
        if stmt.quote is None:
            stmt.quote = self.quote(self.node)
        self.block.append(stmt)

    def quote(self, node: Any) -> str | None:
        if getattr(node, "lineno", None) is None or isinstance(
            node, (gast.If, gast.For, gast.While, gast.FunctionDef, gast.Lambda)
        ):
            return None
        return self.source.segment(node)

    def temporary(self, expr: Expr, hint: str = "t") -> Var:
        var = Var(hint, temporary=True)
        self.emit(Assign(var, expr))
        return var

    def atom(self, node: Any) -> Expr:
        """The value of an expression as an operand."""
        return self.as_atom(self.expression(node))

    def as_atom(self, expr: Expr) -> Expr:
        if isinstance(expr, (Var, Const)) or (isinstance(expr, Op) and expr.name in DISPLAYS):
            return expr
        return self.temporary(expr)

    # ---- the function ------------------------------------------------------------------------------------------

    def function(self) -> Function:
        for param in self.params:
            if param.passing in ("args", "kwargs"):
                star = "*" if param.passing == "args" else "**"
                raise self.refuse(
                    "S201", f"`{star}{param.name}` is not supported", self.source.node, "name the parameters"
                )
        body = desugar.one_exit(list(self.body), self.source)
        for node in body:
            gast.fix_missing_locations(node)
        self.tail(body)
        if self.result_vars is None:
            self.block.append(Return((Const(None),)))
        else:
            packed = self.arity is not None
            quote = self.return_quote(body)
            self.block.append(Return(tuple(self.result_vars), packed, origin=self.place(self.source.node), quote=quote))
        return Function(
            self.label,
            self.params,
            self.block,
            self.free,
            origin=self.place(self.source.node),
            primal=self.primal,
            annotations=FunctionFacts(self.free_kinds, self.imports),
        )

    @staticmethod
    def return_quote(body: list[Any]) -> str | None:
        return None

    def tail(self, body: list[Any]) -> None:
        """A block at whose end the function returns."""
        for node in body[:-1]:
            self.statement(node)
        last = body[-1] if body else None
        self.node = last if last is not None else self.source.node
        if isinstance(last, gast.Return):
            self.returns(last)
        elif isinstance(last, gast.If):
            self.branch(last, self.tail)
        elif last is not None:
            self.statement(last)
            if not isinstance(last, gast.Raise):
                self.returns(None)
        else:
            self.returns(None)

    def returns(self, node: Any) -> None:
        value = node.value if node is not None else None
        if self.arity is not None:
            assert value is not None, "every return of such a function gives a tuple"
            values: list[Expr] = [self.expression(v) for v in value.elts]
        else:
            values = [Const(None) if value is None else self.expression(value)]
        if self.result_vars is None:
            hints = [f"result{k}" for k in range(len(values))] if self.arity is not None else ["result"]
            self.result_vars = [Var(hint, temporary=True) for hint in hints]
        for var, result in zip(self.result_vars, [self.as_atom(v) if len(values) > 1 else v for v in values]):
            self.assign(var, result)

    # ---- statements --------------------------------------------------------------------------------------------

    def statements(self, body: list[Any]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: Any) -> None:
        self.node = node
        handler = getattr(self, f"visit_{type(node).__name__}", None)
        if handler is None:
            raise self.refuse("S201", f"`{type(node).__name__}` is not supported", node)
        handler(node)

    def visit_Pass(self, node: Any) -> None:
        pass

    def visit_Expr(self, node: Any) -> None:
        value = node.value
        if isinstance(value, gast.Constant):
            return
        if isinstance(value, gast.Call):
            callee = self.callee(value.func)
            if isinstance(callee, (UserFunction, LocalFunction)):
                arity = tuple_arity(callee.primal.source.node) if self.readable(callee.primal) else None
                self.call(value, callee, self.temporaries(arity or 1))
                return
        self.emit(Do(self.raw(value, pure=False)))

    def visit_Assert(self, node: Any) -> None:
        self.emit(self.raw_statement(node))

    def visit_Raise(self, node: Any) -> None:
        self.emit(self.raw_statement(node, exits=True))

    def visit_Import(self, node: Any) -> None:
        for name, found in self.primal.scope.imports(node):
            if found is None:
                raise self.refuse("S203", f"module {node.module} has no {name!r}", node)
            self.local_bindings[name] = found
        self.imports.append(node)

    def visit_ImportFrom(self, node: Any) -> None:
        if node.level or node.module is None:
            reason = "a relative import in a function is not supported"
            raise self.refuse("S201", reason, node, "import at the top of the module")
        self.visit_Import(node)

    def visit_FunctionDef(self, node: Any) -> None:
        self.define_local(node.name, node)

    def visit_Assign(self, node: Any) -> None:
        if isinstance(node.value, gast.Lambda) and len(node.targets) == 1 and isinstance(node.targets[0], gast.Name):
            self.define_local(node.targets[0].id, node.value)
            return
        if len(node.targets) == 1:
            self.assign_target(node.targets[0], node.value)
            return
        value = self.atom(node.value)
        for target in node.targets:
            self.bind_target(target, value)

    def visit_AnnAssign(self, node: Any) -> None:
        if node.value is not None:
            self.assign_target(node.target, node.value)

    def visit_AugAssign(self, node: Any) -> None:
        if not isinstance(node.target, gast.Name):
            raise self.refuse("S201", "an in-place write is not supported", node, "build a new array instead")
        name = type(node.op).__name__
        target = self.variable(node.target)
        value = self.atom(node.value)
        self.assign(target, Op(f"operator.i{BINARY[name].rstrip('_')}", (target, value), spelled=BINARY[name]))

    def assign_target(self, target: Any, value: Any) -> None:
        if isinstance(target, gast.Name):
            callee = self.callee(value.func) if isinstance(value, gast.Call) else None
            if (
                isinstance(callee, (UserFunction, LocalFunction))
                and self.readable(callee.primal)
                and tuple_arity(callee.primal.source.node) is None
            ):
                self.call(value, callee, [self.variable(target)])
                return
            self.assign(self.variable(target), self.expression(value))
        elif isinstance(target, (gast.Tuple, gast.List)):
            if isinstance(value, (gast.Tuple, gast.List)) and len(value.elts) == len(target.elts):
                self.assign_several(target.elts, [self.atom(v) for v in value.elts])
                return
            if isinstance(value, gast.Call):
                callee = self.callee(value.func)
                if (
                    isinstance(callee, (UserFunction, LocalFunction))
                    and self.readable(callee.primal)
                    and tuple_arity(callee.primal.source.node) == len(target.elts)
                ):
                    if all(isinstance(t, gast.Name) for t in target.elts):
                        self.call(value, callee, [self.variable(t) for t in target.elts])
                        return
                    results = self.call(value, callee, self.temporaries(len(target.elts)))
                    self.assign_several(target.elts, list(results))
                    return
            self.bind_target(target, self.atom(value))
        else:
            self.bind_target(target, None)

    def assign_several(self, targets: list[Any], values: list[Expr]) -> None:
        """`a, b = b, a`: every value is taken before the first target is bound."""
        written = {t.id for t in targets if isinstance(t, gast.Name)}
        safe = []
        for position, value in enumerate(values):
            clash = (
                isinstance(value, Var)
                and not value.temporary
                and value.hint in written
                and value is not self.env.get(getattr(targets[position], "id", ""))
            )
            safe.append(self.temporary(value) if clash else value)
        for target, value in zip(targets, safe):
            self.bind_target(target, value)

    def bind_target(self, target: Any, value: Expr | None) -> None:
        if isinstance(target, gast.Name) and value is not None:
            self.assign(self.variable(target), value)
        elif isinstance(target, (gast.Tuple, gast.List)) and value is not None:
            count = len(target.elts)
            if _is_display(value) and len(value.operands) != count:
                raise self.refuse("S201", f"{len(value.operands)} values for {count} names", target, "name each value")
            items = [self.as_atom(self.item(value, Const(k))) for k in range(count)]
            for inner, item in zip(target.elts, items):
                self.bind_target(inner, item)
        else:
            raise self.refuse("S201", "an in-place write is not supported", target, "build a new value instead")

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
            if lower_block == self.tail or nodes:
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

    def test(self, node: Any) -> Expr:
        """A test in a Var of its own, so that it still stands when the branches have changed what it reads."""
        value = self.expression(node)
        return value if isinstance(value, Const) else self.temporary(value)

    def visit_While(self, node: Any) -> None:
        made = While(self.raw(node.test), [], origin=self.place(node.test), quote=self.head(node))
        outer = self.block
        outer.append(made)
        self.block = made.body
        self.statements(node.body)
        self.block = outer
        self.node = node

    def visit_For(self, node: Any) -> None:
        written = bound_names(node.body)
        iterable = node.iter
        mirror = False
        if self.is_call_of(iterable, "builtins.reversed") and self.is_call_of(iterable.args[0], "builtins.range"):
            mirror, iterable = True, iterable.args[0]
        if self.is_call_of(iterable, "builtins.range") and not iterable.keywords and 1 <= len(iterable.args) <= 3:
            bounds = tuple(self.unwritten(self.atom(a), written) for a in iterable.args)
            index = None
            if isinstance(node.target, gast.Name) and node.target.id not in written:
                index = self.variable(node.target)
            self.loop(node, index, Op("builtins.range", bounds), [], mirror)
            return
        self.loop_over(node, iterable, written)

    def loop_over(self, node: Any, iterable: Any, written: dict[str, None]) -> None:
        """A loop over a sequence, by its index; `enumerate` and `zip` of sequences likewise."""
        start: Expr | None = None
        counted = None
        target = node.target
        if self.is_call_of(iterable, "builtins.enumerate"):
            if not (isinstance(target, gast.Tuple) and len(target.elts) == 2):
                raise self.refuse(
                    "S201", "`enumerate` needs two loop variables", target, "write `for i, x in enumerate(...)`"
                )
            given = [*iterable.args[1:], *(k.value for k in iterable.keywords)]
            start = self.unwritten(self.atom(given[0]), written) if given else Const(0)
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
            sequences.append(self.unwritten(self.atom(node_of), written))
        lengths: list[Expr] = [self.temporary(Op("builtins.len", (s,))) for s in sequences]
        count = lengths[0] if len(lengths) == 1 else self.temporary(Op("builtins.min", tuple(lengths)))
        bindings: list[tuple[Any, Any]] = []
        for (item, _), sequence, length, backwards in zip(pairs, sequences, lengths, mirrored):
            bindings.append((item, (sequence, length if backwards else None)))
        index = None
        if counted is not None and start == Const(0) and isinstance(counted, gast.Name) and counted.id not in written:
            index = self.variable(counted)
        elif counted is not None:
            bindings.append((counted, start))
        self.loop(node, index, Op("builtins.range", (count,)), bindings, False)

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
        if isinstance(operand, Var) and not operand.temporary and operand.hint in written:
            return self.temporary(operand)
        return operand

    # ---- names -------------------------------------------------------------------------------------------------

    def variable(self, node: Any) -> Var:
        if node.id in self.local_bindings:
            raise self.refuse(
                "S201", f"{node.id!r} is bound to a function or module and to a value", node, "use two names"
            )
        if node.id not in self.env:
            self.env[node.id] = Var(
                node.id.lstrip(".") if node.id.startswith(".") else node.id, temporary=node.id.startswith(".")
            )
        return self.env[node.id]

    def binding(self, node: Any) -> Binding | LocalFunction | Var | None:
        """What a name or dotted name means; None for any other expression."""
        if isinstance(node, gast.Name):
            if node.id in self.local_bindings:
                return self.local_bindings[node.id]
            if node.id in self.local_names or node.id.startswith("."):
                if node.id not in self.env:
                    raise self.refuse("S202", f"{node.id!r} is read before it is assigned", node)
                return self.env[node.id]
            found = self.primal.scope.lookup(node.id)
            if found is None:
                near = nearest_names(node.id, [*self.local_names, *self.primal.scope.names()])
                help = f"did you mean {' or '.join(near)}?" if near else "define it, or pass it as an argument"
                raise self.refuse("S202", f"name {node.id!r} is not defined", node, help)
            if isinstance(found, Derived):
                self.refuse_derivative(node, found)
            return found
        if isinstance(node, gast.Attribute):
            base = self.binding(node.value)
            if isinstance(base, (Module, Known)):
                inner = attribute(base, node.attr)
                if inner is None:
                    near = nearest_names(node.attr, module_names(base))
                    help = f"did you mean {' or '.join(f'{base.name}.{n}' for n in near)}?" if near else ""
                    raise self.refuse("S203", f"{base.name} has no {node.attr!r}", node, help)
                self.note_attribute(base, node.attr)
                return inner
        return None

    def refuse_derivative(self, node: Any, found: Derived) -> None:
        """A derivative that the text calls cannot be differentiated yet; one of this function never makes sense."""
        name = node.id
        if any(found.primal == p for p in self.lowering.labels):
            raise self.refuse(
                "S411",
                f"{name!r} is the name of the derivative of the function that calls it",
                node,
                f"leave {name} as it is, and write {name}_grad = grad({name})",
            )

    def note_attribute(self, base: Module | Known, name: str) -> None:
        """Remember what a module's attribute means now, if it may come to mean something else."""
        module = sys.modules.get(base.name)
        if isinstance(base, Module) and base.name.partition(".")[0] not in LIBRARIES and name in vars(module or object):
            self.lowering.attributes[base.name, name] = vars(module)[name]

    def callee(self, node: Any) -> Binding | LocalFunction | None:
        """The function that an expression names; None where only its value could tell."""
        if isinstance(node, (gast.Name, gast.Attribute)):
            found = self.binding(node)
            if isinstance(found, (Known, UserFunction, LocalFunction)):
                return found
        return None

    def is_call_of(self, node: Any, name: str) -> bool:
        if not isinstance(node, gast.Call):
            return False
        found = self.callee(node.func)
        return isinstance(found, Known) and found.name == name

    def global_value(self, name: str, value: Value) -> Var:
        """A global or closure variable that holds a value: read live, under its own name."""
        if name not in self.free:
            self.free[name] = Var(name)
            self.free_kinds[self.free[name]] = value.kind
        return self.free[name]

    def define_local(self, name: str, node: Any) -> None:
        """A nested function: its free names that are locals here become what it captures."""
        if name in self.env or name in self.local_bindings:
            raise self.refuse("S201", f"{name!r} is bound twice, once to a function", node, "use two names")
        if getattr(node, "decorator_list", None):
            raise self.refuse(
                "S201", "a decorator on a nested function is not supported", node, "decorate a function of the module"
            )
        body = node.body if isinstance(node.body, list) else [node.body]
        own = {**{p.name: None for p in parameters(node.args)}, **bound_names(body)}
        captured: dict[str, None] = {}
        functions: dict[str, Binding | LocalFunction] = {}
        for inner in gast.walk(gast.Module(body, [])):
            if (
                isinstance(inner, gast.Name)
                and isinstance(inner.ctx, gast.Load)
                and inner.id not in own
                and inner.id != name
            ):
                if inner.id in self.local_bindings:
                    found = self.local_bindings[inner.id]
                    functions[inner.id] = found
                    if isinstance(found, LocalFunction):
                        captured.update(dict.fromkeys(found.captured))
                elif inner.id in self.local_names:
                    captured[inner.id] = None
        source = Source(
            self.source.file, self.source.text, node, name, f"{self.source.qualname}.{name}", self.source.class_name
        )
        scope = _NestedScope(self.primal.scope, functions)
        primal = LocalPrimal(
            name, source, scope, tuple(captured), ("local", self.primal.key, node.lineno, node.col_offset)
        )
        local = LocalFunction(primal, tuple(captured))
        functions[name] = local
        self.local_bindings[name] = local

    # ---- expressions -------------------------------------------------------------------------------------------

    def expression(self, node: Any) -> Expr:
        handler = getattr(self, f"expr_{type(node).__name__}", None)
        if handler is None:
            raise self.refuse("S201", f"`{type(node).__name__}` is not supported", node)
        result: Expr = handler(node)
        if isinstance(result, Op) and getattr(node, "lineno", None):
            self.nodes.setdefault(id(result), (result, node))
        return result

    def expr_Constant(self, node: Any) -> Expr:
        return Const(node.value)

    def expr_Name(self, node: Any) -> Expr:
        found = self.binding(node)
        if isinstance(found, Var):
            return found
        if isinstance(found, Value):
            return self.global_value(node.id, found)
        if isinstance(found, Known) and found.kind != UNKNOWN:
            return Raw(node, (), True, found.kind)
        if isinstance(found, Known):
            return Raw(node, (), True, Kind("object"))
        raise self.refuse(
            "S201",
            f"{node.id!r} is a {'module' if isinstance(found, Module) else 'function'} used as a value",
            node,
            "call it here by its name",
        )

    def expr_Attribute(self, node: Any) -> Expr:
        found = self.binding(node)
        if isinstance(found, Known):
            return Raw(node, (), True, found.kind if found.kind != UNKNOWN else Kind("object"))
        if isinstance(found, Value):
            return Raw(node, (), True, found.kind)
        if found is not None:
            raise self.refuse(
                "S201", f"{self.source.segment(node)} is a function used as a value", node, "call it here by its name"
            )
        value = self.atom(node.value)
        return Op(f"attribute.{node.attr}", (value,))

    def expr_BinOp(self, node: Any) -> Expr:
        chain = []
        while isinstance(node, gast.BinOp):
            chain.append(node)
            node = node.left
        value = self.expression(node)
        for link in reversed(chain):
            left = self.as_atom(value)
            right = self.atom(link.right)
            value = Op(f"operator.{BINARY[type(link.op).__name__]}", (left, right))
        return value

    def expr_UnaryOp(self, node: Any) -> Expr:
        name = UNARY[type(node.op).__name__]
        operand = self.atom(node.operand)
        if name == "neg" and isinstance(operand, Const) and type(operand.value) in (int, float, complex):
            return Const(-operand.value)
        return Op(f"operator.{name}", (operand,))

    def expr_Compare(self, node: Any) -> Expr:
        if len(node.ops) > 1:
            return self.raw(node, kind=BOOL)
        name = COMPARE[type(node.ops[0]).__name__]
        if name in ("contains", "not_contains"):
            return self.raw(node, kind=BOOL)
        return Op(f"operator.{name}", (self.atom(node.left), self.atom(node.comparators[0])))

    def expr_BoolOp(self, node: Any) -> Expr:
        if all(self.is_truth(v) for v in node.values):
            return self.raw(node, kind=BOOL)
        result = Var("t", temporary=True)
        self.emit(Assign(result, self.expression(node.values[0])))
        outer = self.block
        for value in node.values[1:]:
            made = If(self.temporary(result), [], [], origin=self.place(node))
            self.block.append(made)
            self.block = made.body if isinstance(node.op, gast.And) else made.orelse
            self.emit(Assign(result, self.expression(value)))
        self.block = outer
        return result

    def is_truth(self, node: Any) -> bool:
        """Whether an expression can only give a bool."""
        if isinstance(node, gast.Compare):
            return True
        if isinstance(node, gast.BoolOp):
            return all(self.is_truth(v) for v in node.values)
        if isinstance(node, gast.UnaryOp):
            return isinstance(node.op, gast.Not)
        if isinstance(node, gast.Constant):
            return isinstance(node.value, bool)
        if isinstance(node, gast.Call):
            found = self.callee(node.func)
            return isinstance(found, Known) and found.name in _TRUTHS
        return False

    def expr_IfExp(self, node: Any) -> Expr:
        test = self.test(node.test)
        result = Var("t", temporary=True)
        outer = self.block
        made = If(test, [], [], origin=self.place(node))
        outer.append(made)
        for block, value in ((made.body, node.body), (made.orelse, node.orelse)):
            self.block = block
            self.emit(Assign(result, self.expression(value)))
        self.block = outer
        return result

    def expr_Tuple(self, node: Any) -> Expr:
        return Op("tuple", tuple(self.atom(e) for e in node.elts))

    def expr_List(self, node: Any) -> Expr:
        return Op("list", tuple(self.atom(e) for e in node.elts))

    def expr_Slice(self, node: Any) -> Expr:
        parts = [Const(None) if p is None else self.atom(p) for p in (node.lower, node.upper, node.step)]
        return Op("slice", tuple(parts))

    def expr_Subscript(self, node: Any) -> Expr:
        return self.item(self.atom(node.value), self.atom(node.slice))

    def item(self, base: Expr, index: Expr) -> Expr:
        """`base[index]`; of a tuple or list that is written out, the item itself."""
        if _is_display(base):
            if (
                isinstance(index, Const)
                and type(index.value) is int
                and -len(base.operands) <= index.value < len(base.operands)
            ):
                return base.operands[index.value]
            base = self.temporary(base)
        return Op("operator.getitem", (base, index))

    def expr_JoinedStr(self, node: Any) -> Expr:
        return self.raw(node, kind=STR)

    def expr_Lambda(self, node: Any) -> Expr:
        raise self.refuse("S201", "a lambda used as a value is not supported", node, "give it a name and call it here")

    def refuse_writes(self, node: Any) -> None:
        """Refuse a call that writes into an array or another object of its caller."""
        help = "build a new value instead"
        for keyword in node.keywords:
            if keyword.arg == "out" and not (isinstance(keyword.value, gast.Constant) and keyword.value.value is None):
                raise self.refuse("S201", "`out=` writes into an array, which is not supported", node, "use the result")
        found = self.callee(node.func)
        if isinstance(found, Known) and (found.name in _STORING or found.name.endswith(".at")):
            what = self.source.segment(node.func)
            raise self.refuse("S201", f"`{what}` writes into an array, which is not supported", node, help)
        if found is None and isinstance(node.func, gast.Attribute) and node.func.attr in _WRITERS:
            receiver = self.binding(node.func.value)
            if receiver is None or isinstance(receiver, (Var, Value)):
                reason = f"`{node.func.attr}` writes into its object, which is not supported"
                raise self.refuse("S201", reason, node, help)

    def expr_Call(self, node: Any) -> Expr:
        self.refuse_writes(node)
        found = self.callee(node.func)
        if isinstance(found, (UserFunction, LocalFunction)):
            arity = tuple_arity(found.primal.source.node) if self.readable(found.primal) else None
            results = self.call(node, found, self.temporaries(arity or 1))
            return Op("tuple", results) if arity is not None else results[0]
        for argument in node.args:
            if isinstance(argument, gast.Starred):
                raise self.refuse("S201", "a starred argument is not supported", argument, "write the arguments out")
        if isinstance(found, Known):
            if found.name in _HIDDEN_READERS:
                raise self.refuse(
                    "S201",
                    f"`{found.name.rpartition('.')[2]}` may read any variable, which is not supported",
                    node,
                    "write out what it does",
                )
            operands = tuple(self.atom(a) for a in node.args)
            keywords = tuple((k.arg, self.atom(k.value)) for k in node.keywords)
            return Op(found.name, operands, keywords, spelled=self.source.segment(node.func))
        if isinstance(node.func, gast.Attribute):
            base = self.binding(node.func.value)
            if base is None or isinstance(base, (Var, Value)):
                receiver = self.atom(node.func.value)
                operands = (receiver, *(self.atom(a) for a in node.args))
                keywords = tuple((k.arg, self.atom(k.value)) for k in node.keywords)
                return Op(f"method.{node.func.attr}", operands, keywords)
        what = self.source.segment(node.func)
        if isinstance(self.binding(node.func), Derived):
            raise self.refuse(
                "S201",
                f"`{what}` is a derivative, whose calls are not differentiated",
                node,
                "use grad(grad(f)), or pass its value",
            )
        raise self.refuse(
            "S204", f"which function `{what}` is cannot be found out", node.func, "call a function by its name"
        )

    @staticmethod
    def readable(primal: Primal) -> bool:
        try:
            return primal.source is not None
        except S2sadError:
            return False

    @staticmethod
    def temporaries(count: int) -> list[Var]:
        return [Var("t", temporary=True) for _ in range(count)]

    def call(self, node: Any, found: UserFunction | LocalFunction, results: list[Var]) -> tuple[Var, ...]:
        """A call of a user function, with one argument a parameter, that binds `results`."""
        label = self.lowering.label(found.primal)
        try:
            params = parameters(found.primal.source.node.args)
        except S2sadError as error:
            reason = f"`{self.source.segment(node.func)}` cannot be differentiated: {error.reason}"
            raise self.refuse(error.code, reason, node, error.help) from None
        if any(isinstance(a, gast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self.refuse("S201", "a starred argument is not supported", node, "write the arguments out")
        positional = [self.atom(a) for a in node.args]
        named = [(k.arg, self.atom(k.value)) for k in node.keywords]
        arguments = bind_arguments(found.primal, params, positional, named, self.place(node))
        if isinstance(found, LocalFunction):
            for name in found.captured:
                arguments.append(self.atom(gast.copy_location(gast.Name(name, gast.Load(), None, None), node)))
        self.emit(Call(tuple(results), label, tuple(arguments)))
        return tuple(results)

    # ---- verbatim syntax ---------------------------------------------------------------------------------------

    def raw(self, node: Any, kind: Kind = UNKNOWN, pure: bool | None = None) -> Raw:
        """Syntax whose value carries no derivative, passed through as the user wrote it."""
        reads: dict[str, Var] = {}
        is_pure = True
        hidden = _bound_inside(node)
        for inner in gast.walk(node):
            if isinstance(inner, gast.Call) and not hidden & _names_within(inner.func):
                self.refuse_writes(inner)
            if isinstance(inner, gast.Name) and isinstance(inner.ctx, gast.Load) and inner.id not in hidden:
                found = self.binding(inner)
                if isinstance(found, Var):
                    reads[inner.id] = found
                elif isinstance(found, Value):
                    reads[inner.id] = self.global_value(inner.id, found)
                elif isinstance(found, LocalFunction):
                    raise self.refuse(
                        "S201",
                        f"the nested function {inner.id!r} cannot be called here",
                        node,
                        "assign its result to a name first",
                    )
            elif isinstance(inner, gast.Call) and hidden & _names_within(inner.func):
                is_pure = False
            elif isinstance(inner, gast.Call) and is_pure:
                callee = self.callee(inner.func)
                if isinstance(callee, Known) and callee.name in _HIDDEN_READERS:
                    raise self.refuse(
                        "S201",
                        f"`{callee.name.rpartition('.')[2]}` may read any variable, which is not supported",
                        inner,
                        "write out what it does",
                    )
                entry = registry.find(callee.name) if isinstance(callee, Known) else None
                is_method = (
                    callee is None
                    and isinstance(inner.func, gast.Attribute)
                    and registry.find(f"numpy.ndarray.{inner.func.attr}")
                )
                if not (entry is not None and entry.pure) and not is_method:
                    is_pure = False
        return Raw(node, tuple(reads.items()), is_pure if pure is None else pure, kind)

    def raw_statement(self, node: Any, exits: bool = False) -> RawStmt:
        reads: dict[str, Var] = {}
        for part in gast.iter_child_nodes(node):
            reads.update(self.raw(part).reads)
        return RawStmt(node, tuple(reads.items()), exits)


def bind_arguments(
    primal: Primal,
    params: list[Param],
    positional: Sequence[Expr],
    named: Sequence[tuple[str, Expr]],
    place: Place | None,
) -> list[Expr]:
    """The arguments of a call, one a parameter.

    Raises S402 where they do not fit, S201 for a default that cannot be written down.
    """
    given: dict[str, Expr] = {}
    names = [p.name for p in params if p.passing in ("positional", "either")]
    if len(positional) > len(names):
        raise S2sadError("S402", f"{primal.name} takes {len(names)} positional arguments, not {len(positional)}", place)
    given.update(zip(names, positional))
    for name, value in named:
        if name not in [p.name for p in params if p.passing != "positional"] or name in given:
            raise S2sadError("S402", f"{primal.name} does not take {name!r} here", place)
        given[name] = value
    arguments: list[Expr] = []
    for param in params:
        if param.name in given:
            arguments.append(given[param.name])
        elif param.default is None:
            raise S2sadError("S402", f"{primal.name} misses its argument {param.name!r}", place)
        else:
            arguments.append(_default(primal, param, place))
    return arguments


def _default(primal: Primal, param: Param, place: Place | None) -> Expr:
    """A parameter's default, which was evaluated at the definition: a number, text or None is written down."""
    held = primal.default_of(param.name)
    if type(held) in (int, float, complex, bool, str, type(None)):
        return Const(held)
    try:
        return Const(gast.literal_eval(param.default))
    except (ValueError, TypeError):
        reason = f"the default of {param.name!r} in {primal.name} is neither a number nor a literal"
        raise S2sadError("S201", reason, place, f"pass {param.name!r} explicitly") from None


def _is_display(expr: Expr) -> TypeGuard[Op]:
    """Whether an operand is a tuple or list that is written out."""
    return isinstance(expr, Op) and expr.name in ("tuple", "list")


@dataclass
class FunctionFacts:
    """What lowering learned beside the body: the kinds of the globals read, and the imports made inside."""

    free_kinds: dict[Var, Kind]
    imports: list[Any]


class _NestedScope:
    """The scope of a nested function: functions of the enclosing one first, then what the enclosing one sees."""

    def __init__(self, outer: Scope, functions: dict[str, Any]) -> None:
        self.outer = outer
        self.functions = functions

    def lookup(self, name: str) -> Any:
        return self.functions.get(name) or self.outer.lookup(name)

    def names(self) -> list[str]:
        return [*self.functions, *self.outer.names()]

    def names_of_module(self, module: str) -> Iterable[str]:
        return self.outer.names_of_module(module)

    def imports(self, node: Any) -> Iterable[tuple[str, Any]]:
        return self.outer.imports(node)


def _names_within(node: Any) -> set[str]:
    return {n.id for n in gast.walk(node) if isinstance(n, gast.Name)}


def _bound_inside(node: Any) -> set[str]:
    """Names that a comprehension or lambda within an expression binds."""
    return {n.id for n in gast.walk(node) if isinstance(n, gast.Name) and not isinstance(n.ctx, gast.Load)}


_WRITERS = frozenset([
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "fill", "put", "itemset", "resize",
    "partition", "update", "setdefault", "setflags", "add", "discard",
])  # fmt: skip
#: Functions that write into an array that they are given.
_STORING = frozenset({
    "numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask", "numpy.fill_diagonal", "numpy.put_along_axis",
    "numpy.random.shuffle", "random.shuffle", "builtins.setattr", "builtins.delattr", "builtins.next",
    "operator.setitem", "operator.delitem", "operator.iadd", "operator.isub", "operator.imul", "operator.itruediv",
    "operator.ipow", "operator.imatmul", "operator.ifloordiv", "operator.imod",
})  # fmt: skip
#: Functions that read or write variables which their arguments do not name.
_HIDDEN_READERS = frozenset(
    {"builtins.eval", "builtins.exec", "builtins.locals", "builtins.vars", "builtins.dir", "builtins.globals"}
)
_TRUTHS = frozenset(
    {
        "builtins.isinstance",
        "builtins.bool",
        "builtins.callable",
        "builtins.hasattr",
        "builtins.any",
        "builtins.all",
        "math.isnan",
        "math.isinf",
        "math.isfinite",
        "math.isclose",
    }
)
