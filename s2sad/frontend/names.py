"""Lowering, the ground floor: the block under construction, places and refusals, and what each name means."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend.resolve import (
    LIBRARIES,
    Binding,
    Derived,
    Known,
    Module,
    Primal,
    UserFunction,
    Value,
    attribute,
    module_names,
    nearest_names,
)
from s2sad.frontend.scopes import (
    LocalFunction,
    LocalPrimal,
    NestedScope,
    assigned_in_expressions,
    bound_names,
    nonlocal_names,
    parameters,
    shared_names,
    tuple_arity,
)
from s2sad.frontend.source import Source
from s2sad.ir.kinds import Kind
from s2sad.ir.modules import numpy_names
from s2sad.ir.nodes import (
    DISPLAYS,
    Assign,
    Block,
    Const,
    Expr,
    Label,
    Op,
    Param,
    Var,
)
from s2sad.rules import registry

if TYPE_CHECKING:
    from s2sad.frontend.lower import Lowering


#: What lowering calls by hidden names.
_HIDDEN = {
    ".append": Known("s2sad.append"),
    ".put": Known("s2sad.put"),
    ".add": Known("s2sad.add"),
    ".zip": Known("builtins.zip"),
    ".list": Known("builtins.list"),
    **{f".{n}": Known(f"s2sad.{n}") for n in ("is_sequence", "has_keys", "is_instance", "positional", "rest_of")},
}


class Names:
    """One function while it is lowered: its names, its places, the block that statements go to."""

    if TYPE_CHECKING:

        def expression(self, node: Any) -> Expr: ...

        def statement(self, node: Any) -> None: ...

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
        #: The names that functions within, or this one as one of them, bind: each stands for a cell.
        self.shared = [n for n in shared_names(self.body) if n not in getattr(primal, "cells", ())]
        self.cells = {*self.shared, *getattr(primal, "cells", ())}
        self.local_names = {**{p.name: None for p in self.params}, **bound_names(self.body)}
        #: The names that an expression may bind while it is evaluated.
        self.rebound = assigned_in_expressions(self.body)
        self.local_bindings: dict[str, Binding | LocalFunction] = {}
        #: Second names of functions, and the expressions that they stand for.
        self.renamed: dict[str, Any] = {}
        self.free: dict[str, Var] = {}
        self.free_kinds: dict[Var, Kind] = {}
        self.imports: list[Any] = []
        self.block: Block = []
        self.node: Any = node
        self.result_vars: list[Var] | None = None
        self.hidden_count = 0
        #: The names that the comprehensions around bind.
        self.comprehended: frozenset[str] = frozenset()
        #: The expression that an operation was lowered from, by the operation's identity.
        self.nodes: dict[int, tuple[Op, Any]] = {}

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
        if (
            getattr(node, "lineno", None) is None
            or getattr(node, "kept", False)
            or isinstance(node, (gast.If, gast.For, gast.While, gast.FunctionDef, gast.Lambda))
        ):
            return None
        return self.source.segment(node)

    def temporary(self, expr: Expr, hint: str = "t") -> Var:
        var = Var(hint, temporary=True)
        self.emit(Assign(var, expr))
        return var

    def as_atom(self, expr: Expr) -> Expr:
        if isinstance(expr, (Var, Const)) or (isinstance(expr, Op) and expr.name in DISPLAYS):
            return expr
        return self.temporary(expr)

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
        """What a name or dotted name means, a function of a module like NumPy as that of NumPy; else None."""
        found = self.binding_as_written(node)
        names = numpy_names(found.name) if isinstance(found, Known) else None
        if names is None or not isinstance(found, Known):
            return found
        module, candidates = names
        known = next((n for n in candidates if registry.find(n) or registry.refusal(n)), None)
        if known is None:
            return found
        self.lowering.use_arrays_of(module, self.place(node))
        return Known(known, found.kind)

    def binding_as_written(self, node: Any) -> Binding | LocalFunction | Var | None:
        """What a name or dotted name means; None for any other expression."""
        if isinstance(node, gast.Name):
            if node.id in _HIDDEN:
                return _HIDDEN[node.id]
            if node.id in self.local_bindings:
                return self.local_bindings[node.id]
            if node.id in self.local_names or node.id.startswith("."):
                if node.id not in self.env:
                    raise self.refuse("S202", f"{node.id!r} is read before it is assigned", node, "assign it first")
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
            base = self.binding_as_written(node.value)
            if isinstance(base, (Module, Known)):
                inner = attribute(base, node.attr)
                if inner is None:
                    near = nearest_names(node.attr, module_names(base))
                    likely = " or ".join(f"{base.name}.{n}" for n in near)
                    help = f"did you mean {likely}?" if likely else f"look the names of {base.name} up"
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

    def by_first_names(self, node: Any) -> Any:
        """Syntax with second names of functions as the expressions that they stand for."""
        if not any(isinstance(n, gast.Name) and n.id in self.renamed for n in gast.walk(node)):
            return node
        return _FirstNames(self.renamed).visit(copy.deepcopy(node))

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

    @staticmethod
    def readable(primal: Primal) -> bool:
        try:
            return primal.source is not None
        except S2sadError:
            return False

    @staticmethod
    def temporaries(count: int) -> list[Var]:
        return [Var("t", temporary=True) for _ in range(count)]

    def computed_defaults(self, name: str, node: Any) -> dict[str, str]:
        """The defaults of a nested function that are no literals, each under a hidden name."""
        found: dict[str, str] = {}
        for param in parameters(node.args):
            if param.default is None:
                continue
            try:
                gast.literal_eval(param.default)
            except (ValueError, TypeError):
                hidden = f".{name}.{param.name}"
                self.env[hidden] = self.temporary(self.expression(param.default), param.name)
                found[param.name] = hidden
        return found

    def define_local(self, name: str, node: Any, hint: str = "") -> None:
        """A nested function: its free names that are locals here become what it captures."""
        if name in self.env or name in self.local_bindings:
            raise self.refuse("S201", f"{name!r} is bound twice, once to a function", node, "use two names")
        if getattr(node, "decorator_list", None):
            raise self.refuse(
                "S201", "a decorator on a nested function is not supported", node, "decorate a function of the module"
            )
        body = node.body if isinstance(node.body, list) else [node.body]
        written = nonlocal_names(body)
        names = {**{p.name: None for p in parameters(node.args)}, **bound_names(body)}
        own = {n: None for n in names if n not in written}
        captured: dict[str, None] = {n: None for n in written if n in self.local_names or n in self.cells}
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
        hint = hint or name
        source = Source(
            self.source.file, self.source.text, node, hint, f"{self.source.qualname}.{hint}", self.source.class_name
        )
        scope = NestedScope(self.primal.scope, functions)
        primal = LocalPrimal(
            hint, source, scope, tuple(captured), ("local", self.primal.key, node.lineno, node.col_offset),
            tuple(n for n in captured if n in self.cells),
        )
        local = LocalFunction(primal, tuple(captured), self.computed_defaults(name, node))
        functions[name] = local
        self.local_bindings[name] = local


class _FirstNames(gast.NodeTransformer):
    def __init__(self, renamed: dict[str, Any]) -> None:
        self.renamed = renamed

    def visit_Name(self, node: Any) -> Any:
        return copy.deepcopy(self.renamed[node.id]) if node.id in self.renamed else node
