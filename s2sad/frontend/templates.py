"""Templates: the functions in which users write the adjoints or tangents of an operation, with `d[name]`.

    @adjoint(zero_out)                  def adjoint_zero_out(y, x, y_bar):
    def _(y, x):                            g = np.zeros_like(x)
        g = np.zeros_like(x)        ->      g[0] = y_bar[0]
        g[0] = d[y][0]                      x_bar = g
        d[x] = g                            return x_bar

In: the function as the user wrote it, and the parameters of the operation. Out: a function like any other, whose
parameters are the results, the arguments, and the derivatives that it reads; refused (S302) where it is none.
"""

from __future__ import annotations

import copy
import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend.parse import parse_module
from s2sad.frontend.resolve import Binding, Known, Module, Primal
from s2sad.frontend.scopes import own_nodes, parameters
from s2sad.frontend.source import Source
from s2sad.rules.registry import Template

#: What derivatives are called in a template.
MARKER = "d"


class TemplatePrimal(Primal):
    """A template as a plain function, of which a text can only contain the body."""

    def __init__(self, template: Primal, source: Source, name: str) -> None:
        super().__init__(name, ("template", template.key), template.scope)
        self.template = template
        self._source = source

    @property
    def source(self) -> Source:
        return self._source


class FormulaScope:
    """What the names of a formula mean: `np`, `math`, the engine's operations, the functions of `s2sad.runtime`."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        self.functions = functions

    def lookup(self, name: str) -> Binding | None:
        if name in _MODULES:
            return Module(_MODULES[name])
        return Known(self.functions[name]) if name in self.functions else None

    def names(self) -> list[str]:
        return [*_MODULES, *self.functions]

    def meaning(self, name: str) -> object:
        return True, id(sys.modules.get(_MODULES.get(name, "")))

    def names_of_module(self, module: str) -> list[str]:
        return [n for n, m in _MODULES.items() if m == module]

    def imports(self, node: Any) -> list[tuple[str, Binding | None]]:
        return []


_MODULES = {"np": "numpy", "math": "math"}


def formula_template(
    formulas: Mapping[str, str], of: str, names: Sequence[str], mode: str, results: int, functions: Mapping[str, str]
) -> Template:
    """The template that formulas, the adjoints by parameter or the tangents, amount to; `read_template` says the rest.

    functions: the qualified names of what formulas may call by a plain name.
    """
    given = [f"y{k}" for k in range(results)] or ["y"]
    if mode == "adjoint":
        seeds = [f"g{k}" for k in range(results)] or ["g"]
        roles: list[tuple[str, Any]] = [("adjoint", k) for k in range(len(given))]
        gives: tuple[Any, ...] = tuple(formulas)
        values = list(formulas.values())
    else:
        seeds = [f"{n}_dot" for n in formulas]
        roles = [("tangent", n) for n in formulas]
        gives = tuple(range(len(given)))
        values = [" + ".join(f"({text})" for text in formulas.values())]
    label = f"{mode}_{of}"
    text = f"def {label}({', '.join([*given, *names, *seeds])}):\n    return {', '.join(values)}\n"
    node = parse_module(text, f"<{mode} of {of}>").body[0]
    source = Source(f"<{mode} of {of}>", text, node, label, label, None)
    whole = Primal(label, ("formulas", text, mode), FormulaScope(functions))
    takes = [*(("result", k) for k in range(len(given))), *(("argument", n) for n in names), *roles]
    return Template(TemplatePrimal(whole, source, label), tuple(takes), gives)


def header(source: Source) -> Place:
    """The line in which a function is defined."""
    place = source.place(source.node)
    line = place.text.split("\n")[0]
    return Place(place.file, place.line, place.column, place.line, len(line.rstrip()) + 1, line)


def read_template(primal: Primal, of: str, names: Sequence[str], mode: str, results: int | None) -> Template:
    """The template that a function is, for the `mode` "adjoint" or "tangent" of an operation.

    of: the operation's plain name. names: its parameters. results: how many it has, None where that is not known.
    Raises S302.
    """
    return _Reading(primal, of, list(names), mode, results).template()


class _Reading:
    def __init__(self, primal: Primal, of: str, names: list[str], mode: str, results: int | None) -> None:
        self.primal = primal
        self.of = of
        self.names = names
        self.mode = mode
        self.source = primal.source
        self.node = copy.deepcopy(self.source.node)
        self.given = self._results(results)
        reads, writes = (self.given, names) if mode == "adjoint" else (names, self.given)
        self.ending = "_bar" if mode == "adjoint" else "_dot"
        self.reads, self.writes = reads, writes
        self.assigned: dict[str, None] = {}
        self.read: dict[str, None] = {}
        taken = {n.id for n in gast.walk(self.node) if isinstance(n, gast.Name)}
        self.derivatives: dict[str, str] = {}
        for name in [*self.given, *names]:
            made = f"{name}{self.ending}"
            while made in taken:
                made += "_"
            self.derivatives[name] = made

    def refuse(self, reason: str, node: Any = None, help: str = "") -> S2sadError:
        place = header(self.source) if node is None else self.source.place(node)
        return S2sadError("S302", reason, place, help)

    def _results(self, expected: int | None) -> list[str]:
        """The names of the results: what stands before the arguments. Raises S302 where the signature is wrong."""
        wanted = ", ".join(["y", *self.names])
        help = f"its parameters are the result, then the arguments: def _({wanted})"
        if isinstance(self.node, gast.Lambda):
            raise self.refuse("a template is a function made by def", self.node, help)
        given = parameters(self.node.args)
        starred = next((p for p in given if p.passing in ("args", "kwargs")), None)
        if starred is not None:
            raise self.refuse(f"a template does not take {starred.name!r}, as many arguments as there are", None, help)
        found = [p.name for p in given]
        count = len(found) - len(self.names)
        missing = [n for n in self.names if n not in found]
        if missing:
            raise self.refuse(f"this {self.mode} of {self.of} has no parameter {missing[0]!r}", None, help)
        if count < 1:
            raise self.refuse(f"this {self.mode} of {self.of} has no parameter for the result", None, help)
        if found[count:] != self.names:
            raise self.refuse(f"the parameters of this {self.mode} of {self.of} stand in another order", None, help)
        if MARKER in found:
            raise self.refuse(f"{MARKER!r} stands for derivatives here", None, "use custom_vjp or custom_jvp")
        if expected is not None and count != expected:
            what = f"{self.of} has {expected} results, and this {self.mode} a parameter for {count}"
            raise self.refuse(what, None, "name each result: def _(y0, y1, ...), then the arguments")
        return found[:count]

    def template(self) -> Template:
        for node in own_nodes(self.node.body):
            self._check(node)
        body = [_Renamed(self).visit(statement) for statement in self.node.body]
        if not self.assigned:
            one = self.writes[0] if self.writes else "x"
            what = "of no argument" if self.mode == "adjoint" else "of no result"
            reason = f"this {self.mode} of {self.of} gives the derivative {what}"
            raise self.refuse(reason, None, f"assign it: {MARKER}[{one}] = ...")
        gives = [n for n in self.writes if n in self.assigned]
        for name in gives:
            if not _surely_bound(body, self.derivatives[name]):
                reason = f"{MARKER}[{name}] is not assigned on every path"
                raise self.refuse(reason, None, "assign it before the branch")
        seeds = [n for n in self.reads if n in self.read]
        if not seeds:
            one = self.reads[0] if self.reads else "x"
            reason = f"this {self.mode} of {self.of} never reads {MARKER}[{one}]"
            raise self.refuse(reason, None, "what it assigns is linear in that")
        values = [_name(self.derivatives[n], gast.Load()) for n in gives]
        ending = gast.Return(values[0] if len(values) == 1 else gast.Tuple(values, gast.Load()))
        params = [*self.given, *self.names, *(self.derivatives[n] for n in seeds)]
        arguments = gast.arguments([_name(n, gast.Param()) for n in params], [], None, [], [], None, [])
        label = f"{self.mode}_{self.of}"
        node = gast.FunctionDef(label, arguments, [*body, ending], [], None, None, [])
        gast.copy_location(node, self.node)
        gast.copy_location(ending, self.node.body[-1])
        gast.fix_missing_locations(node)
        source = Source(self.source.file, self.source.text, node, label, self.source.qualname, self.source.class_name)
        positions = {name: k for k, name in enumerate(self.given)}
        takes: list[tuple[str, Any]] = [("result", k) for k in range(len(self.given))]
        takes += [("argument", n) for n in self.names]
        takes += [("adjoint", positions[n]) if self.mode == "adjoint" else ("tangent", n) for n in seeds]
        given = tuple(gives) if self.mode == "adjoint" else tuple(positions[n] for n in gives)
        if self.mode == "tangent" and len(given) < len(self.given):
            missing = next(n for n in self.given if n not in self.assigned)
            raise self.refuse(f"{MARKER}[{missing}] is not assigned", None, "give the tangent of each result")
        return Template(TemplatePrimal(self.primal, source, label), tuple(takes), given)

    def _check(self, node: Any) -> None:
        if isinstance(node, gast.Return):
            raise self.refuse("a template returns nothing", node, f"assign {MARKER}[{self.writes[0]}] = ...")
        if isinstance(node, (gast.Yield, gast.YieldFrom, gast.Await, gast.Global, gast.Nonlocal)):
            raise self.refuse("a template only calculates", node, "use custom_vjp or custom_jvp")

    def derivative(self, node: Any) -> Any:
        """`d[name]` as a plain name."""
        name = node.slice.id if isinstance(node.slice, gast.Name) else None
        shown = self.source.segment(node)
        if name not in self.derivatives:
            near = difflib.get_close_matches(str(name), self.derivatives, 1) or list(self.derivatives)
            raise self.refuse(
                f"`{shown}` is the derivative of no parameter", node, f"did you mean {MARKER}[{near[0]}]?"
            )
        stored = not isinstance(node.ctx, gast.Load)
        if name in self.reads and stored:
            raise self.refuse(f"`{shown}` is given to this {self.mode}", node, f"assign {MARKER}[{self.writes[0]}]")
        if stored:
            self.assigned[name] = None
        elif name in self.writes and name not in self.assigned:
            raise self.refuse(f"`{shown}` is read before it is assigned", node, f"read {MARKER}[{self.reads[0]}]")
        self.read[name] = None
        return gast.copy_location(_name(self.derivatives[name], node.ctx), node)


class _Renamed(gast.NodeTransformer):
    def __init__(self, reading: _Reading) -> None:
        self.reading = reading

    def visit_Assign(self, node: Any) -> Any:
        # What is assigned is read first.
        node.value = self.visit(node.value)
        node.targets = [self.visit(t) for t in node.targets]
        return node

    def visit_Subscript(self, node: Any) -> Any:
        if isinstance(node.value, gast.Name) and node.value.id == MARKER:
            return self.reading.derivative(node)
        return self.generic_visit(node)

    def visit_Name(self, node: Any) -> Any:
        if node.id == MARKER:
            raise self.reading.refuse(f"{MARKER!r} stands for derivatives here", node, "write d[name]")
        return node


def _surely_bound(body: Sequence[Any], name: str) -> bool:
    """Whether statements bind a name whatever happens."""
    for node in body:
        if isinstance(node, gast.If):
            if _surely_bound(node.body, name) and _surely_bound(node.orelse, name):
                return True
        elif isinstance(node, gast.With):
            if _surely_bound(node.body, name):
                return True
        elif isinstance(node, gast.Raise):
            return True
        elif not isinstance(node, (gast.For, gast.While, gast.FunctionDef, gast.Try)):
            stored = (n for n in gast.walk(node) if isinstance(n, gast.Name) and isinstance(n.ctx, gast.Store))
            if any(n.id == name for n in stored):
                return True
    return False


def _name(name: str, ctx: Any) -> Any:
    return gast.Name(name, ctx, None, None)
