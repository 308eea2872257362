"""What the syntax of a function binds: its parameters, its locals, and the functions that are defined inside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.frontend.resolve import (
    Primal,
    Scope,
)
from s2sad.frontend.source import Source
from s2sad.ir.nodes import (
    Param,
    Var,
)


@dataclass(frozen=True)
class LocalFunction:
    """A function defined inside the function that is being lowered.

    captured: the names of the enclosing function's locals that it reads. defaults: its parameters whose defaults were
    computed where it is defined, and the hidden names that hold them.
    """

    primal: Primal
    captured: tuple[str, ...]
    defaults: dict[str, str] = field(default_factory=dict)


class LocalPrimal(Primal):
    """A nested `def` or a named lambda: lifted to a function of its own, with what it captures as extra parameters."""

    def __init__(
        self,
        name: str,
        source: Source,
        scope: Scope,
        captured: tuple[str, ...],
        key: object,
        cells: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, key, scope)
        self._source = source
        self.captured = captured
        #: The names among what it captured that it, or another nested function, binds.
        self.cells = cells

    @property
    def source(self) -> Source:
        return self._source


class NestedScope:
    """The scope of a nested function: functions of the enclosing one first, then what the enclosing one sees."""

    def __init__(self, outer: Scope, functions: dict[str, Any]) -> None:
        self.outer = outer
        self.functions = functions

    def lookup(self, name: str) -> Any:
        return self.functions.get(name) or self.outer.lookup(name)

    def meaning(self, name: str) -> object:
        return self.outer.meaning(name)

    def names(self) -> list[str]:
        return [*self.functions, *self.outer.names()]

    def names_of_module(self, module: str) -> Iterable[str]:
        return self.outer.names_of_module(module)

    def imports(self, node: Any) -> Iterable[tuple[str, Any]]:
        return self.outer.imports(node)


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


_COMPREHENSIONS = (gast.ListComp, gast.GeneratorExp, gast.DictComp, gast.SetComp)


def bound_names(body: list[Any]) -> dict[str, None]:
    """The names that a function body binds, nested functions and comprehensions apart."""
    found: dict[str, None] = {}
    inside = {
        id(name) for node in own_nodes(body) if isinstance(node, _COMPREHENSIONS)
        for generator in node.generators for name in gast.walk(generator.target)
    }  # fmt: skip
    for node in own_nodes(body):
        if isinstance(node, gast.Name) and isinstance(node.ctx, gast.Store) and id(node) not in inside:
            found[node.id] = None
        elif isinstance(node, (gast.FunctionDef, gast.MatchAs, gast.MatchStar)) and node.name is not None:
            found[node.name] = None
        elif isinstance(node, gast.MatchMapping) and node.rest is not None:
            found[node.rest] = None
        elif isinstance(node, (gast.Import, gast.ImportFrom)):
            for item in node.names:
                found[item.asname or item.name.partition(".")[0]] = None
    return found


def nonlocal_names(body: list[Any]) -> dict[str, None]:
    """The names of an enclosing function that a function body, nested functions apart, declares that it binds."""
    return {name: None for node in own_nodes(body) if isinstance(node, gast.Nonlocal) for name in node.names}


def shared_names(body: list[Any]) -> dict[str, None]:
    """The names of a function body that functions within it bind."""
    found: dict[str, None] = {}
    for node in own_nodes(body):
        if isinstance(node, gast.FunctionDef):
            own = {n.id for n in gast.walk(node.args) if isinstance(n, gast.Name)}
            inside = {**nonlocal_names(node.body), **shared_names(node.body)}
            plain = {n for n in bound_names(node.body) if n not in nonlocal_names(node.body)}
            found.update({n: None for n in inside if n not in own and n not in plain})
    return found


def own_nodes(body: list[Any]) -> Iterator[Any]:
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
        values = [n.value for n in own_nodes(node.body) if isinstance(n, gast.Return)]
    sizes = {len(v.elts) if isinstance(v, gast.Tuple) else None for v in values}
    return sizes.pop() if len(sizes) == 1 else None


def assigned_in_expressions(body: list[Any]) -> set[str]:
    """The names that assignment expressions bind."""
    return {n.target.id for n in own_nodes(body) if isinstance(n, gast.NamedExpr)}


def names_within(node: Any) -> set[str]:
    return {n.id for n in gast.walk(node) if isinstance(n, gast.Name)}


def bound_inside(node: Any) -> set[str]:
    """Names that a comprehension or lambda within an expression binds."""
    return {n.id for n in gast.walk(node) if isinstance(n, gast.Name) and not isinstance(n.ctx, gast.Load)}
