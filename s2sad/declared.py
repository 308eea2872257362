"""Rules that files register, read without running them: `@adjoint(f)`, `elementwise(f, x="…")` at their top level.

In: a file as it was read. Out: a table of the rules that it registers, and those of its project that it imports.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend.files import FileModule, FilePrimal, Imported
from s2sad.frontend.resolve import Known, LivePrimal, UserFunction
from s2sad.frontend.scopes import parameters
from s2sad.frontend.source import Source
from s2sad.registering import Registering
from s2sad.registration import Rules
from s2sad.rules import registry
from s2sad.rules.registry import REQUIRED, Parameter, Table

_LINES = ("elementwise", "linear", "rule", "nondifferentiable")
_DECORATORS = ("adjoint", "tangent", "custom_vjp", "custom_jvp")


def declared_rules(module: FileModule) -> tuple[Table, ...]:
    """The table of the rules that a file and those of its project that it imports register; none if they have none.

    Raises S2sadError S302 where a registration is wrong, or known only when the file runs.
    """
    table = Table()
    read: set[str] = set()
    pending = [module]
    while pending:
        current = pending.pop()
        if current.path not in read:
            read.add(current.path)
            _read(current, table)
            pending += _imported(current)
    return (table,) if table.rules else ()


def _imported(module: FileModule) -> list[FileModule]:
    """The files of the project that a file imports."""
    root = os.path.join(os.path.realpath(module.files.root), "")
    found = []
    for name in module.records:
        meaning = module.record(name)
        if isinstance(meaning, Imported):
            top = meaning.module.partition(".")[0]
            beside = (os.path.join(root, top), os.path.join(root, f"{top}.py"))
            members = module.files.find(meaning.module) if any(map(os.path.exists, beside)) else None
            if members is not None and isinstance(members.members, FileModule):
                found.append(members.members)
    return found


def _read(module: FileModule, table: Table) -> None:
    for node in module.tree.body:
        if isinstance(node, gast.FunctionDef):
            for decorator in reversed(node.decorator_list):
                name = _registered_by(decorator, module, _DECORATORS)
                if name is not None:
                    _Declared(module, decorator, table).register(name)(node)
        elif isinstance(node, (gast.Expr, gast.Assign)):
            name = _registered_by(node.value, module, _LINES)
            if name is not None:
                _Declared(module, node.value, table).register(name)


def _registered_by(call: Any, module: FileModule, names: tuple[str, ...]) -> str | None:
    """The function of s2sad by which a call registers a rule; None for any other expression."""
    qualified = module.qualified(call.func) if isinstance(call, gast.Call) else None
    prefix, _, name = (qualified or "").rpartition(".")
    return name if prefix in ("s2sad", "s2sad.registration") and name in names else None


class _Declared(Rules):
    """The rules of one registration in a file."""

    def __init__(self, module: FileModule, call: Any, table: Table) -> None:
        super().__init__()
        self.module = module
        self.call = call
        self._table = table

    def register(self, name: str) -> Callable[[Any], Any]:
        count = len(self.call.args) if name == "nondifferentiable" else 1
        literals = [self._literal(a) for a in self.call.args[count:]]
        named = {k.arg: self._literal(k.value) for k in self.call.keywords}
        made: Callable[[Any], Any] = getattr(self, name)(*self.call.args[:count], *literals, **named)
        return made

    def _literal(self, node: Any) -> Any:
        try:
            return gast.literal_eval(node)
        except (ValueError, TypeError):
            place = self.module.source.place(node)
            raise S2sadError("S302", "what is registered here is known only when the file runs", place) from None

    def _registering(self, target: Any, signature: str | None, *, required: bool = True) -> Registering:
        return _InFile(self.module, self.call, target, signature, required=required)


class _NamedPrimal(FilePrimal):
    """A function of a file by its syntax: that of its name may be another."""

    def __init__(self, module: FileModule, node: Any) -> None:
        super().__init__(module, node.name)
        self.key = (*self.key, node.lineno)  # type: ignore[misc]
        self._source = Source(module.path, module.text, node, node.name, node.name, None)


class _InFile(Registering):
    """A registration in a file: the operation by the syntax that names it."""

    def __init__(
        self, module: FileModule, call: Any, target: Any, signature: str | None, *, required: bool = True
    ) -> None:
        self.module = module
        self.call = call
        super().__init__(target, signature, required=required)
        self.frame = (module.path, call.lineno)

    def place(self, piece: str = "") -> Place:
        self.frame = (self.module.path, self.call.lineno)
        return super().place(piece)

    def _name(self, target: Any) -> str:
        if isinstance(target, gast.Constant) and isinstance(target.value, str):
            module, _, plain = target.value.rpartition(".")
            found = self.module.files.find(module) if module else None
            if found is None or not isinstance(found.members, FileModule):
                return super()._name(target.value)
            binding = found.members.lookup(plain)
        else:
            binding = self.module.binding(target)
        if isinstance(binding, UserFunction):
            self.function = binding.primal
        elif isinstance(binding, Known):
            known = registry.find(binding.name)
            self.function = known.function if known is not None else None
            if self.function is None:
                return registry.canonical_name(binding.name)
        if isinstance(self.function, FilePrimal):
            return self.function.qualified
        if isinstance(self.function, LivePrimal):
            return super()._name(self.function.function)
        what = self.module.source.segment(target)
        raise self.refuse(f"which function `{what}` is cannot be found out", what, "name a function of the file")

    def actual_parameters(self) -> tuple[Parameter, ...] | None:
        if not isinstance(self.function, FilePrimal):
            return super().actual_parameters()
        made = []
        for p in parameters(self.function.source.node.args):
            if p.passing == "args":
                made.append(Parameter(p.name, (), variadic=True))
            elif p.passing != "kwargs":
                made.append(Parameter(p.name, _default(p.default), keyword_only=p.passing == "keyword"))
        return tuple(made)

    def handle(self, function: Any) -> Any:
        return _NamedPrimal(self.module, function)

    def check_name(self, primal: Any) -> None:
        if len(self.module.records.get(primal.dotted, ())) > 1:
            reason = f"several functions of the file are called {primal.dotted!r}, so that no text could call this one"
            raise S2sadError("S302", reason, primal.source.place(primal.source.node), "give it a name of its own")


def _default(node: Any) -> Any:
    """The default that syntax says; REQUIRED for none, and for one that is no literal."""
    if node is None:
        return REQUIRED
    try:
        return gast.literal_eval(node)
    except (ValueError, TypeError):
        return REQUIRED
