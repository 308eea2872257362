"""A derivative as a file that needs nothing of s2sad: with what it calls copied in, and its imports at the top.

In: the text of a derivative of a function on disk. Out: the whole file. It imports numpy, the standard library and what
the primal's own file imports, as far as the text uses it. Copied in: the functions of `s2sad.runtime` that the text
calls; the user's functions that it calls by name, with all that they call; literals of the primal's file. Any other
global is refused, or imported from the primal's module where that is asked for.
"""

from __future__ import annotations

import copy
import os
import symtable
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import gast

import s2sad.runtime
from s2sad.backend.entry import Entry, name_of_numbers
from s2sad.backend.printer import print_module
from s2sad.backend.text import Text
from s2sad.errors import Place, S2sadError
from s2sad.frontend.files import Assigned, Defined, FileModule, FilePrimal, Files, FileScope, Imported
from s2sad.frontend.resolve import Known, UserFunction, Value
from s2sad.frontend.source import Source, read_file
from s2sad.rules import registry


def standalone(
    text: Text, primal: FilePrimal, entry: Entry, *, checks: bool = True, import_globals: bool = False
) -> str:
    """The file of a derivative.

    entry: what the text relies on; its sentence goes into the docstring, and its statements, with `checks`, to the top
    of the function. import_globals: globals that are no literals are imported from the primal's module.
    """
    return _Assembly(text, primal, import_globals).file(entry, checks)


@dataclass
class _Piece:
    """A definition of the file: `key` tells what it is, `text` its lines; an import has an order among imports."""

    key: tuple[Any, ...]
    text: str = ""
    where: str = ""
    is_import: bool = False
    is_function: bool = False


@dataclass
class _Assembly:
    text: Text
    primal: FilePrimal
    import_globals: bool
    numbers: str = ""
    pieces: dict[str, _Piece] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def file(self, entry: Entry, checks: bool) -> str:
        runtime = os.path.dirname(s2sad.runtime.__file__)
        self.runtime = Files(os.path.dirname(os.path.dirname(runtime)))
        self.own = dict(zip(self.text.functions, self.text.trees))
        for name in self.own:
            self.pieces[name] = _Piece(("derivative", name), is_function=True, where="the derivative")
        for name, tree in self.own.items():
            module = self._module_of(name)
            node = gast.FunctionDef(name, copy.deepcopy(tree.args), list(tree.body), [], None, None, [])
            self._strip_annotations(node, module)
            copied = self._strip_imports(node, module)
            if name == self.text.entry:
                self.numbers = name_of_numbers(self.text.text)
                entry.put_into(node, checks, self.numbers)
            piece = self.pieces[name]
            piece.text = print_module([node])
            for free in _free_names(piece.text):
                if free in copied and free not in self.text.primals:
                    self._user_function(free, copied[free])
                else:
                    self._need_in_derivative(free, self.text.functions[name].primal, module)
            self.order.append(name)
        return self._layout()

    def _layout(self) -> str:
        made = [self.pieces[name] for name in self.order]
        imports = sorted({line for p in made if p.is_import for line in p.text.splitlines()}, key=_import_order)
        text = ""
        for position, line in enumerate(imports):
            if position and _section(line) != _section(imports[position - 1]):
                text += "\n"
            text += f"{line}\n"
        after = "import"
        for piece in made:
            if piece.is_import:
                continue
            if text:
                text += "\n\n" if piece.is_function or after == "function" else "\n" if after == "import" else ""
            text += piece.text
            after = "function" if piece.is_function else "constant"
        return text

    def _module_of(self, name: str) -> FileModule:
        scope: Any = self.text.functions[name].primal.scope
        while not isinstance(scope, FileScope):
            scope = scope.outer
        return scope.module

    # ---- what a name needs -------------------------------------------------------------------------------------

    def _need_in_derivative(self, name: str, user: Any, module: FileModule) -> None:
        """Bring in what a free name of a function of the derivative means."""
        if name in self.text.functions:
            return
        if name in self.text.helpers:
            dotted = self.text.helpers[name]
            found = self.runtime.find(dotted.rpartition(".")[0])
            assert found is not None and isinstance(found.members, FileModule)
            self._function(name, found.members, name)
        elif name in self.text.primals:
            primal = self.text.primals[name]
            assert isinstance(primal, FilePrimal)
            self._user_function(name, primal)
        elif name in self.text.modules:
            self._import(name, self.text.modules[name])
        elif name == self.numbers:
            self._import(name, "numbers")
        else:
            self._need(name, module, user)

    def _need(self, name: str, module: FileModule, primal: Any = None, target: str = "") -> None:
        """Bring in, as `name`, what a global name of a file means: `target`, if it is another."""
        target = target or name
        scope = getattr(primal, "scope", None)
        while scope is not None and not isinstance(scope, FileScope):
            scope = scope.outer
        if scope is not None and name in scope.hidden:
            reason = f"{name!r} is a variable of the function around {self.primal.dotted}"
            raise self._refused(name, reason, primal, "pass it as an argument")
        found = module.lookup(target)
        meaning = module.record(target)
        if found is None or (meaning is None and not isinstance(found, Value)):
            return  # one of Python's own, or a name that is not defined in the primal either
        if isinstance(meaning, Imported):
            self._imported(name, meaning, module, primal)
        elif isinstance(meaning, Defined) and (user := _user_primal(found)) is not None:
            self._user_function(name, user)
        elif isinstance(meaning, Assigned) and self._is_copied(meaning, found):
            piece = self._piece(name, ("global", module.path, target), module.path)
            if piece is not None:
                piece.text = f"{name} = {module.source.segment(meaning.value)}\n"
                self._finish(name, piece, module)
        elif target not in ("__name__", "__file__"):
            self._other_global(name, module, primal, target)

    @staticmethod
    def _is_copied(meaning: Assigned, found: Any) -> bool:
        if isinstance(found, Value):
            return found.held is not None or (isinstance(meaning.value, gast.Constant) and meaning.value.value is None)
        return True  # another name of a function or a module

    def _other_global(self, name: str, module: FileModule, primal: Any, target: str) -> None:
        importable = all(part.isidentifier() for part in module.name.split("."))
        if self.import_globals and importable:
            self._import_from(name, module.name, target)
            return
        reason = f"the global {name!r} is no literal that could be copied into the file"
        help = "pass it as an argument" + (", or import it from the module: --import-globals" if importable else "")
        raise self._refused(name, reason, primal, help)

    def _refused(self, name: str, reason: str, primal: Any, help: str) -> S2sadError:
        return S2sadError("S504", reason, _first_use(name, primal if primal is not None else self.primal), help)

    def _imported(self, name: str, meaning: Imported, module: FileModule, primal: Any) -> None:
        """Bring in what a file imports: what stands in a file beside it is copied, all else imported likewise."""
        found = module.files.find(meaning.module)
        members = None if found is None else found.members
        if meaning.name is None:
            if meaning.whole:
                self._import(name, meaning.module.partition(".")[0], "\n".join(_whole_imports(module, name)))
            else:
                self._import(name, meaning.module)
        elif isinstance(members, FileModule) and self._is_local(members) and members.record(meaning.name) is not None:
            self._need(name, members, primal, meaning.name)
        else:
            self._import_from(name, meaning.module, meaning.name)

    def _is_local(self, module: FileModule) -> bool:
        """Whether a file belongs to the user's project or to the runtime, rather than to an installed package."""
        root = os.path.realpath(module.files.root)
        path = os.path.realpath(module.path)
        return path.startswith(os.path.join(root, "")) and "site-packages" not in path[len(root) :]

    def _import(self, name: str, module: str, line: str = "") -> None:
        parent, _, last = module.rpartition(".")
        if parent and name == last:
            self._import_from(name, parent, last)
        elif name == module:
            self._import_line(name, ("import", module), line or f"import {module}")
        else:
            self._import_line(name, ("import", module), f"import {module} as {name}")

    def _import_from(self, name: str, module: str, target: str) -> None:
        renamed = "" if name == target else f" as {name}"
        self._import_line(name, ("import", module, target), f"from {module} import {target}{renamed}")

    def _import_line(self, name: str, key: tuple[str, ...], line: str) -> None:
        piece = self._piece(name, key, "an import")
        if piece is not None:
            piece.is_import, piece.text = True, f"{line}\n"
            self.order.append(name)

    def _user_function(self, name: str, primal: FilePrimal) -> None:
        if self._is_local(primal.module):
            self._function(name, primal.module, primal.dotted)
        else:
            self._import_from(name, primal.module.name, primal.dotted)

    def _function(self, name: str, module: FileModule, dotted: str) -> None:
        """Copy a function of a file in, under a name, with all that it leans on."""
        piece = self._piece(name, ("function", os.path.realpath(module.path), dotted), module.path)
        if piece is None:
            return
        piece.is_function = True
        source = read_file(module.path, dotted)
        node = source.node
        plain = isinstance(node, gast.FunctionDef) and node.name == name and node.col_offset == 0
        if self._strip_annotations(node, module) or not plain:
            piece.text = print_module([_as_function(node, name, dotted)])
        else:
            lines = source.text.split("\n")[node.lineno - 1 : node.end_lineno]
            piece.text = "\n".join(line.rstrip() for line in lines) + "\n"
            if piece.text.count("'''") + piece.text.count('"""') or "\\\n" in piece.text:
                piece.text = "\n".join(lines) + "\n"
        self._finish(name, piece, module)

    def _finish(self, name: str, piece: _Piece, module: FileModule) -> None:
        for free in _free_names(piece.text):
            if free != name:
                self._need(free, module)
        self.order.append(name)

    def _piece(self, name: str, key: tuple[Any, ...], where: str) -> _Piece | None:
        """A new piece of this name; None if the very same is there; a refusal if another one is."""
        if name not in self.pieces:
            self.pieces[name] = _Piece(key, where=os.path.basename(where))
            return self.pieces[name]
        old = self.pieces[name]
        if old.key == key:
            return None
        other = os.path.basename(where)
        reason = f"{name!r} would mean two things in one file: that of {old.where}, and that of {other}"
        raise S2sadError("S504", reason, _first_use(name, self.primal), "rename one of them")

    def _strip_imports(self, function: Any, module: FileModule) -> dict[str, FilePrimal]:
        """Drop what a function imports from files beside it, for it is copied; give the functions that it named so."""
        copied: dict[str, FilePrimal] = {}
        body: list[Any] = []
        for node in function.body:
            if not isinstance(node, gast.ImportFrom):
                body.append(node)
                continue
            kept = []
            for item, (name, found) in zip(node.names, module.imports(node)):
                primal = _user_primal(found)
                if primal is not None and self._is_local(primal.module):
                    copied[name] = primal
                else:
                    kept.append(item)
            if kept:
                body.append(gast.ImportFrom(node.module, kept, node.level))
        function.body = body
        return copied

    # ---- annotations -------------------------------------------------------------------------------------------

    def _strip_annotations(self, function: Any, module: FileModule) -> bool:
        """Drop annotations that need a package beside numpy and the standard library; tell whether any was dropped."""
        dropped = False
        for node in gast.walk(function):
            if isinstance(node, gast.Name) and not self._is_plain(node.annotation, module):
                node.annotation, dropped = None, True
            elif isinstance(node, gast.FunctionDef) and not self._is_plain(node.returns, module):
                node.returns, dropped = None, True
        return dropped

    def _is_plain(self, annotation: Any, module: FileModule) -> bool:
        for node in [] if annotation is None else gast.walk(annotation):
            if isinstance(node, gast.Name):
                meaning = module.record(node.id)
                top = meaning.module.partition(".")[0] if isinstance(meaning, Imported) else None
                if top is not None and top != "numpy" and top not in sys.stdlib_module_names:
                    return False
                if top is None and not (meaning is None and isinstance(module.lookup(node.id), Known)):
                    return False
        return True


def _user_primal(found: Any) -> FilePrimal | None:
    """The function of a file that a binding stands for, one that has a rule too."""
    if isinstance(found, Known):
        entry = registry.find(found.name)
        found = None if entry is None or entry.function is None else UserFunction(entry.function)
    primal = found.primal if isinstance(found, UserFunction) else None
    return primal if isinstance(primal, FilePrimal) else None


def _as_function(node: Any, name: str, dotted: str) -> Any:
    """A function as a plain `def` of another name; its calls of itself follow."""
    old = dotted.rpartition(".")[2]
    for inner in gast.walk(node):
        if isinstance(inner, gast.Name) and isinstance(inner.ctx, gast.Load) and inner.id == old:
            inner.id = name
    if isinstance(node, gast.Lambda):
        return gast.FunctionDef(name, node.args, [gast.Return(node.body)], [], None, None, [])
    node.name = name
    node.decorator_list = []
    return node


def _free_names(text: str) -> list[str]:
    """The global names that a piece of text reads, in alphabetical order."""
    table = symtable.symtable(text, "<derivative>", "exec")
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    pending = list(table.get_children())
    while pending:
        inner = pending.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        pending += inner.get_children()
    return sorted(found)


def _first_use(name: str, primal: Any) -> Place | None:
    source: Source = primal.source
    node = next((n for n in gast.walk(source.node) if isinstance(n, gast.Name) and n.id == name), source.node)
    return source.place(node)


def _whole_imports(module: FileModule, top: str) -> Iterator[str]:
    """Every `import a.b` of a file that binds `a`."""
    for node in gast.walk(module.tree):
        if isinstance(node, gast.Import):
            for item in node.names:
                if not item.asname and item.name.partition(".")[0] == top:
                    yield f"import {item.name}"


def _section(line: str) -> int:
    """0 for the standard library, 1 for all else."""
    return int(line.split()[1].partition(".")[0] not in sys.stdlib_module_names)


def _import_order(line: str) -> tuple[int, bool, str]:
    return _section(line), line.startswith("from "), line
