"""gast to IR: one function at a time, every operand an atom, every name a Var.

What it guarantees: operands are Vars, Consts or displays of these; a result that its own rule reads has a Var of its
own; tests and loop bounds stand in Vars that the body does not write; the one Return is last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend import desugar, support
from s2sad.frontend.calls import CELL
from s2sad.frontend.resolve import (
    Primal,
)
from s2sad.frontend.scopes import parameters
from s2sad.frontend.statements import Statements
from s2sad.ir.attempts import cut_attempts
from s2sad.ir.kinds import Kind
from s2sad.ir.nodes import (
    Assign,
    Block,
    Const,
    Expr,
    Function,
    Label,
    Op,
    Return,
    Var,
)
from s2sad.ir.webs import split_webs


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

    #: The module like NumPy that the program uses instead of it.
    array_module: str | None = None

    #: The one function that is read although it has a rule.
    by_body: Primal | None = None

    #: The functions that take or give function values with what these captured, of which the user's own know nothing.
    written_out: set[Label] = field(default_factory=set)

    def use_arrays_of(self, module: str, place: Place | None = None) -> None:
        """Note the module like NumPy whose arrays a program works on. Raises S201 for a second one."""
        if self.array_module not in (None, module):
            reason = f"arrays of {self.array_module} and of {module} in one program are not supported"
            raise S2sadError("S201", reason, place, "use one of them")
        self.array_module = module

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
            rule = None if primal == self.by_body else primal.rule_name
            try:
                if rule is not None:
                    self.functions[label] = as_operation(primal, label, rule)
                else:
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
    return split_webs(cut_attempts(function))[0]


def as_operation(primal: Primal, label: Label, name: str) -> Function:
    """The IR of a user function that has a rule: the one operation that it is."""
    params = parameters(primal.source.node.args)
    starred = next((p for p in params if p.passing in ("args", "kwargs")), None)
    if starred is not None:
        place = primal.source.place(primal.source.node)
        reason = f"{primal.name} has a rule, and takes {starred.name!r}, as many arguments as there are"
        raise S2sadError("S303", reason, place, "call it in a function")
    operands = tuple(p.var for p in params if p.passing != "keyword")
    keywords = tuple((p.name, p.var) for p in params if p.passing == "keyword")
    result = Var("result", temporary=True)
    origin = primal.source.place(primal.source.node)
    body: Block = [Assign(result, Op(name, operands, keywords), origin=origin), Return((result,), origin=origin)]
    return Function(label, params, body, {}, origin=origin, primal=primal, annotations=FunctionFacts({}, []))


class _Lowerer(Statements):
    """A whole function."""

    def function(self) -> Function:
        body = desugar.one_exit(list(self.body), self.source, self.suppresses)
        for node in body:
            gast.fix_missing_locations(node)
        self.make_cells()
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

    def suppresses(self, call: Any) -> bool:
        """Whether a call makes the context that drops exceptions."""
        root = call.func
        while isinstance(root, gast.Attribute):
            root = root.value
        is_global = isinstance(root, gast.Name) and root.id not in self.local_names
        return is_global and self.is_call_of(call, "contextlib.suppress")

    def make_cells(self) -> None:
        """A cell for each name that functions within this one bind."""
        for name in self.shared:
            cell = Var(name)
            self.emit(Assign(cell, Op(CELL, (self.env.get(name, Const(None)), Const(name)))))
            self.env[name] = cell

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
        elif isinstance(last, gast.With):
            self.within(last, self.tail)
        elif isinstance(last, gast.Try):
            self.attempt(last, self.tail)
        elif last is not None:
            self.statement(last)
            if not isinstance(last, gast.Raise):
                self.returns(None)
        else:
            self.returns(None)

    def returns(self, node: Any) -> None:
        value = node.value if node is not None else None
        if self.arity is not None:
            if value is None:
                reason = "this function returns a tuple in one place, and at its end nothing"
                raise self.refuse("S201", reason, self.source.node, "return a tuple at the end as well")
            values: list[Expr] = [self.expression(v) for v in value.elts]
        else:
            values = [Const(None) if value is None else self.expression(value)]
        if self.result_vars is None:
            hints = [f"result{k}" for k in range(len(values))] if self.arity is not None else ["result"]
            self.result_vars = [Var(hint, temporary=True) for hint in hints]
        for var, result in zip(self.result_vars, [self.as_atom(v) if len(values) > 1 else v for v in values]):
            self.assign(var, result)


@dataclass
class FunctionFacts:
    """What lowering learned beside the body: the kinds of the globals read, and the imports made inside."""

    free_kinds: dict[Var, Kind]
    imports: list[Any]
