"""Names of files on disk: what a name means in a file that is read, and never run.

The provider beside `LivePrimal` and `LiveScope` of `resolve`. A file's own imports, definitions and assignments at its
top level say what its names mean; functions imported from other files are followed there. Installed libraries that
have derivative rules (numpy, math, scipy, …) are imported to look up what they hold; no other code runs.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.resolve import (
    LIBRARIES,
    Binding,
    Known,
    Module,
    Primal,
    UserFunction,
    Value,
    attribute,
    binding_of,
    module_names,
    nearest_names,
)
from s2sad.frontend.source import Source, read_file, read_tree
from s2sad.ir.kinds import STR, UNKNOWN, Kind, join, kind_of
from s2sad.rules import registry

#: Decorators that leave the function's values as they are, by the start of their qualified names.
_TRANSPARENT = (
    "s2sad.", "functools.lru_cache", "functools.cache", "numba.", "jaxtyping.", "typing.", "typeguard.", "beartype.",
    "builtins.staticmethod", "builtins.classmethod",
)  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """`import module as …`, or with a name `from module import name as …`; `whole`: `import a.b`, which binds `a`."""

    module: str
    name: str | None = None
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Defined:
    """`def`, or an assignment of a lambda."""

    node: Any


@dataclass(frozen=True, eq=False)
class Assigned:
    """An assignment; `value` is None where it is not the name's alone (a loop variable, an unpacked call)."""

    value: Any = None


Meaning = Imported | Defined | Assigned


@dataclass(frozen=True)
class _Record:
    """One binding of a name at the top level of a file; `settled`: it is made whenever the file runs to its end."""

    meaning: Meaning
    node: Any
    settled: bool


@dataclass(frozen=True)
class _Star:
    """`from module import *`, after `position` records."""

    module: str
    position: int


class Files:
    """The modules that files import, each read once. `root` is the folder from which absolute imports are looked up."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.modules: dict[str, FileModule] = {}

    def open(self, path: str, name: str) -> FileModule:
        key = os.path.realpath(path)
        if key not in self.modules:
            self.modules[key] = FileModule(self, path, name)
        return self.modules[key]

    def find(self, name: str) -> Module | None:
        """The module of an absolute name: a library, or a file with its members; None if it is not installed."""
        top, *rest = name.split(".")
        if top in LIBRARIES or top in sys.builtin_module_names:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
            return Module(name) if name in sys.modules else None
        found = _descend([self.root], [top, *rest])
        if found is None and top in sys.stdlib_module_names:
            return Module(name)
        if found is None:
            spec = None
            with contextlib.suppress(ImportError, ValueError):
                spec = importlib.util.find_spec(top)
            if spec is None:
                return None
            origin = spec.origin if spec.has_location else None
            if rest:
                found = _descend(list(spec.submodule_search_locations or ()), rest)
            elif origin is not None:
                found = origin
            if found is None or not found.endswith(".py"):
                return Module(name)
        return Module(name, self.open(found, name))


def _descend(folders: list[str], parts: list[str]) -> str | None:
    """The file of a dotted name under some folders; an empty path stands for a folder without `__init__.py`."""
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        packages = [os.path.join(f, part) for f in folders if os.path.isdir(os.path.join(f, part))]
        regular = [os.path.join(p, "__init__.py") for p in packages]
        files = [f for f in regular if os.path.isfile(f)]
        if not files:
            files = [m for m in (os.path.join(f, f"{part}.py") for f in folders) if os.path.isfile(m)]
        if last:
            return files[0] if files else None
        folders = packages
    return None


class FileModule:
    """A file as a scope: its names at the top level, then Python's own."""

    def __init__(self, files: Files, path: str, name: str) -> None:
        self.files = files
        self.path = path
        self.name = name
        self.text, self.tree = read_tree(path)
        self.is_package = os.path.basename(path) == "__init__.py"
        self.records: dict[str, list[tuple[int, _Record]]] = {}
        self.stars: list[_Star] = []
        self.script: dict[str, _Record] = {}
        self.rebound: set[str] = set()
        for node in gast.walk(self.tree):
            if isinstance(node, gast.Global):
                self.rebound.update(node.names)
        self._count = 0
        self._read(self.tree.body, True, False)
        self._found: dict[str, Binding | None] = {}

    # ---- what the file binds -----------------------------------------------------------------------------------

    def _bind(self, name: str, meaning: Meaning, node: Any, settled: bool, script: bool) -> None:
        record = _Record(meaning, node, settled)
        if script:
            self.script[name] = record
        else:
            self._count += 1
            self.records.setdefault(name, []).append((self._count, record))

    def _read(self, body: list[Any], settled: bool, script: bool) -> None:
        """Note what statements bind. `script`: they run only where the file is run as a program."""
        for node in body:
            if isinstance(node, gast.Import):
                for item in node.names:
                    meaning = Imported(item.name, None, whole=not item.asname and "." in item.name)
                    self._bind(item.asname or item.name.partition(".")[0], meaning, node, settled, script)
            elif isinstance(node, gast.ImportFrom):
                for item in node.names:
                    if item.name == "*":
                        self.stars.append(_Star(self.absolute(node), self._count))
                    else:
                        meaning = Imported(self.absolute(node), item.name)
                        self._bind(item.asname or item.name, meaning, node, settled, script)
            elif isinstance(node, gast.FunctionDef):
                self._bind(node.name, Defined(node), node, settled, script)
            elif isinstance(node, (gast.AsyncFunctionDef, gast.ClassDef)):
                self._bind(node.name, Assigned(), node, settled, script)
            elif isinstance(node, (gast.Assign, gast.AnnAssign)):
                if node.value is not None:
                    for target in node.targets if isinstance(node, gast.Assign) else [node.target]:
                        self._assign(target, node.value, node, settled, script)
            elif isinstance(node, gast.If):
                kind = _kind_of_test(node.test)
                if kind != "types":
                    self._read(node.body, False, script or kind == "script")
                self._read(node.orelse, settled and kind is not None, script)
            elif isinstance(node, gast.Try) and all(isinstance(n, (gast.Import, gast.ImportFrom)) for n in node.body):
                works = all(self._is_there(n) for n in node.body)
                self._read([*node.body, *node.orelse] if works else node.handlers[0].body, settled, script)
                self._read(node.finalbody, settled, script)
            elif isinstance(node, gast.With):
                self._others(node, settled, script)
                self._read(node.body, settled, script)
            else:
                self._others(node, settled, script)
                for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                    inner = getattr(node, field, [])
                    blocks = [i.body for i in inner] if field in ("handlers", "cases") else [inner]
                    for block in blocks:
                        self._read(block, settled and field == "finalbody", script)

    def _others(self, node: Any, settled: bool, script: bool) -> None:
        """The names that a statement binds by its own expressions: loop variables, `with … as`, `:=`, `del`, `+=`."""
        blocks = ("body", "handlers", "cases", "orelse", "finalbody")
        for field, part in gast.iter_fields(node):
            for piece in part if isinstance(part, list) else [part]:
                if field not in blocks and isinstance(piece, gast.AST):
                    for inner in gast.walk(piece):
                        if isinstance(inner, gast.Name) and not isinstance(inner.ctx, gast.Load):
                            self._bind(inner.id, Assigned(), node, settled, script)

    def _assign(self, target: Any, value: Any, node: Any, settled: bool, script: bool) -> None:
        if isinstance(target, gast.Name):
            meaning: Meaning = Defined(value) if isinstance(value, gast.Lambda) else Assigned(value)
            self._bind(target.id, meaning, node, settled, script)
        elif isinstance(target, (gast.Tuple, gast.List)):
            parts = value.elts if isinstance(value, (gast.Tuple, gast.List)) else []
            starred = any(isinstance(t, gast.Starred) for t in [*target.elts, *parts])
            paired = len(parts) == len(target.elts) and not starred
            for position, inner in enumerate(target.elts):
                self._assign(
                    getattr(inner, "value", inner) if isinstance(inner, gast.Starred) else inner,
                    parts[position] if paired else None,
                    node,
                    settled,
                    script,
                )

    def absolute(self, node: Any) -> str:
        """The module that `from … import` names, without leading dots."""
        if not node.level:
            return str(node.module)
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        if node.level > len(package):
            raise S2sadError("S503", "a relative import beyond the top-level package", self.source.place(node))
        return ".".join([*kept, node.module] if node.module else kept)

    def _is_there(self, node: Any) -> bool:
        names = [i.name for i in node.names] if isinstance(node, gast.Import) else [self.absolute(node)]
        return all(self.files.find(n) is not None for n in names)

    @property
    def source(self) -> Source:
        """The file as a Source, for places and pieces of text."""
        return Source(self.path, self.text, self.tree, "", "", None)

    # ---- what a name means -------------------------------------------------------------------------------------

    def record(self, name: str) -> Meaning | None:
        """How the file binds a name; None where it does not, or where several values are possible."""
        found = self._records(name)
        if len(found) > 1 and isinstance(self.lookup(name), Value):
            return None
        return found[-1].meaning if found else None

    def _single(self, name: str) -> Meaning | None:
        """How the file binds a name, where it does so in one way."""
        meanings = dict.fromkeys(r.meaning for r in self._records(name))
        return next(iter(meanings)) if len(meanings) == 1 else None

    def _records(self, name: str) -> list[_Record]:
        """The bindings of a name that may hold when the file has run: the last settled one, and later ones."""
        found = list(self.records.get(name, ()))
        for star in self.stars:
            if name in self._names_of_star(star.module):
                found.append((star.position, _Record(Imported(star.module, name), None, True)))
        found.sort(key=lambda pair: pair[0])
        settled = [k for k, (_, r) in enumerate(found) if r.settled]
        kept = [r for _, r in found[settled[-1] if settled else 0 :]]
        if not kept and name in self.script:
            return [self.script[name]]
        return kept

    def _names_of_star(self, name: str) -> Iterable[str]:
        module = self.files.find(name)
        if module is None:
            raise S2sadError("S503", f"`from {name} import *`: there is no such module", help="import names one by one")
        if module.members is None and name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        return getattr(sys.modules.get(name), "__all__", None) or module_names(module)

    def meaning(self, name: str) -> object:
        return self.path

    def lookup(self, name: str) -> Binding | None:
        if name not in self._found:
            self._found[name] = Value(UNKNOWN)  # what a name means to a definition that goes round in a circle
            try:
                self._found[name] = self._lookup(name)
            except S2sadError:
                del self._found[name]
                raise
        found = self._found[name]
        rule = found.primal.rule_name if isinstance(found, UserFunction) else None
        return found if rule is None else Known(rule)

    def _lookup(self, name: str) -> Binding | None:
        records = self._records(name)
        if not records:
            if self.is_package and _descend([os.path.dirname(self.path)], [name]):
                return self.files.find(f"{self.name}.{name}")
            if name in ("__name__", "__file__"):
                return Value(STR)
            return binding_of(getattr(builtins, name), name) if hasattr(builtins, name) else None
        found = [self._binding(name, r) for r in records]
        if all(isinstance(b, Value) for b in found):
            kinds = [b.kind for b in found if isinstance(b, Value)]
            single = found[0].held if len(found) == 1 and isinstance(found[0], Value) else None
            return Value(reduce(join, kinds), single)
        if any(b != found[0] for b in found):
            reason = f"{name!r} is bound in several places, and which one counts is known only when the file runs"
            raise S2sadError("S113", reason, self.source.place(records[-1].node), "bind it in one place")
        return found[0]

    def _binding(self, name: str, record: _Record) -> Binding:
        meaning = record.meaning
        if isinstance(meaning, Imported):
            return self._imported(meaning, record.node)
        if isinstance(meaning, Defined):
            # What a decorator makes of a function is known only when the file runs.
            decorated = getattr(meaning.node, "decorator_list", None)
            return Value(Kind("object")) if decorated else UserFunction(FilePrimal(self, name))
        if name in self.rebound or meaning.value is None:
            return Value(UNKNOWN)
        if isinstance(meaning.value, (gast.Name, gast.Attribute)):
            same = self.binding(meaning.value)
            if same is not None and not isinstance(same, Value):
                return same
        held = self.constant(meaning.value)
        if isinstance(held, list) and not self._only_read(name):
            return Value(UNKNOWN)
        return Value(UNKNOWN) if held is NotImplemented else Value(kind_of(held), held)

    def _only_read(self, name: str) -> bool:
        """Whether a list of the file is nowhere written, handed on or given another name."""
        named = [n for n in gast.walk(self.tree) if isinstance(n, gast.Name) and n.id == name]
        loads = sum(isinstance(n.ctx, gast.Load) for n in named)
        safe = 0
        for node in gast.walk(self.tree):
            places: list[Any] = []
            if isinstance(node, gast.Subscript) and isinstance(node.ctx, gast.Load):
                places = [node.value]
            elif isinstance(node, (gast.For, gast.comprehension)):
                places = [node.iter]
            elif isinstance(node, gast.Call) and self.qualified(node.func) in _READERS:
                places = node.args
            safe += sum(isinstance(p, gast.Name) and p.id == name for p in places)
        return safe == loads

    def _imported(self, meaning: Imported, node: Any) -> Binding:
        module = self.files.find(meaning.module)
        if meaning.name is None:
            if meaning.whole:
                top = meaning.module.partition(".")[0]
                self.files.find(meaning.module)
                return self.files.find(top) or Module(top)
            return module or Module(meaning.module)
        if module is None:
            inner = self.files.find(f"{meaning.module}.{meaning.name}")
            return inner or Known(f"{meaning.module}.{meaning.name}")
        found = attribute(module, meaning.name)
        if found is None and module.members is None:
            # A submodule that nothing has imported yet.
            found = self.files.find(f"{meaning.module}.{meaning.name}")
        if found is None:
            near = nearest_names(meaning.name, module_names(module))
            help = f"did you mean {' or '.join(near)}?" if near else ""
            place = None if node is None else self.source.place(node)
            raise S2sadError("S203", f"module {meaning.module} has no {meaning.name!r}", place, help)
        return found

    def binding(self, node: Any) -> Binding | None:
        """What a name or dotted name means here; None for any other expression."""
        if isinstance(node, gast.Name):
            return self.lookup(node.id)
        if isinstance(node, gast.Attribute):
            base = self.binding(node.value)
            if isinstance(base, (Module, Known)):
                return attribute(base, node.attr)
        return None

    def qualified(self, node: Any) -> str | None:
        """The dotted name by which a name or dotted name was imported, without looking at what it holds."""
        if isinstance(node, gast.Attribute):
            base = self.qualified(node.value)
            return None if base is None else f"{base}.{node.attr}"
        if not isinstance(node, gast.Name):
            return None
        meaning = self._single(node.id)
        if isinstance(meaning, Imported):
            if meaning.whole:
                return str(node.id)
            return str(meaning.module if meaning.name is None else f"{meaning.module}.{meaning.name}")
        return f"builtins.{node.id}" if not self._records(node.id) and hasattr(builtins, node.id) else None

    def constant(self, node: Any) -> Any:
        """The value of a literal, or of arithmetic with literals and constants of libraries; else NotImplemented."""
        if isinstance(node, gast.Constant):
            return node.value
        if isinstance(node, (gast.Tuple, gast.List)):
            items = [self.constant(e) for e in node.elts]
            if any(i is NotImplemented for i in items):
                return NotImplemented
            return tuple(items) if isinstance(node, gast.Tuple) else items
        if isinstance(node, (gast.UnaryOp, gast.BinOp)) and type(node.op).__name__ in _ARITHMETIC:
            operands = [node.operand] if isinstance(node, gast.UnaryOp) else [node.left, node.right]
            values = [self.constant(o) for o in operands]
            if not all(type(v) in (int, float, complex) for v in values):
                return NotImplemented
            if isinstance(node.op, gast.Pow) and (abs(values[0]) > 1e6 or abs(values[1]) > 100):
                return NotImplemented
            with contextlib.suppress(ArithmeticError, ValueError):
                return _ARITHMETIC[type(node.op).__name__](*values)
            return NotImplemented
        if isinstance(node, (gast.Name, gast.Attribute)):
            found = self.binding(node)
            if isinstance(found, Value) and type(found.held) in (int, float, complex):
                return found.held
            if isinstance(found, Known) and found.kind != UNKNOWN:
                module, _, last = found.name.rpartition(".")
                held = getattr(sys.modules.get(module), last, NotImplemented)
                return held if type(held) in (int, float, complex) else NotImplemented
        return NotImplemented

    def names(self) -> Iterable[str]:
        starred = [n for star in self.stars for n in self._names_of_star(star.module)]
        return sorted({*self.records, *self.script, *starred, *dir(builtins)})

    def names_of_module(self, module: str) -> Iterable[str]:
        for name in self.records:
            meaning = self._single(name)
            if isinstance(meaning, Imported) and not meaning.whole:
                found = meaning.module if meaning.name is None else f"{meaning.module}.{meaning.name}"
                if found == module:
                    yield name

    def imports(self, node: Any) -> Iterator[tuple[str, Binding]]:
        """The names that an import statement within a function binds, and what they mean."""
        for item in node.names:
            if isinstance(node, gast.Import):
                meaning = Imported(item.name, None, whole=not item.asname and "." in item.name)
                yield item.asname or item.name.partition(".")[0], self._imported(meaning, node)
            else:
                yield item.asname or item.name, self._imported(Imported(self.absolute(node), item.name), node)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "USub": operator.neg, "UAdd": operator.pos, "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul,
    "Div": operator.truediv, "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow,
}  # fmt: skip

_READERS = frozenset({"builtins.len", "builtins.sum", "builtins.enumerate", "builtins.zip", "builtins.reversed"})


def _kind_of_test(test: Any) -> str | None:
    """ "types" for `if TYPE_CHECKING`, "script" for `if __name__ == "__main__"`, None for any other test."""
    if (getattr(test, "id", None) or getattr(test, "attr", None)) == "TYPE_CHECKING":
        return "types"
    if isinstance(test, gast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], gast.Eq):
        sides = [test.left, test.comparators[0]]
        if any(getattr(s, "id", None) == "__name__" for s in sides):
            return "script" if any(getattr(s, "value", None) == "__main__" for s in sides) else None
    return None


class FileScope:
    """The scope of a function of a file: the locals of functions around it, of unknown kinds, then the file."""

    def __init__(self, module: FileModule, hidden: Iterable[str] = ()) -> None:
        self.module = module
        self.hidden = frozenset(hidden)

    def lookup(self, name: str) -> Binding | None:
        return Value(UNKNOWN) if name in self.hidden else self.module.lookup(name)

    def meaning(self, name: str) -> object:
        return self.module.meaning(name), name in self.hidden

    def names(self) -> Iterable[str]:
        return sorted({*self.hidden, *self.module.names()})

    def names_of_module(self, module: str) -> Iterable[str]:
        return [n for n in self.module.names_of_module(module) if n not in self.hidden]

    def imports(self, node: Any) -> Iterator[tuple[str, Binding]]:
        return self.module.imports(node)


class FilePrimal(Primal):
    """A function of a file, by its dotted name. `is_method`: its first argument is an instance, or a class."""

    has_name = True

    def __init__(self, module: FileModule, dotted: str) -> None:
        around = _around(module, dotted)
        hidden = [n for node in around if isinstance(node, gast.FunctionDef) for n in _names_in(node)]
        key = ("file", os.path.realpath(module.path), dotted)
        super().__init__(dotted.rpartition(".")[2], key, FileScope(module, hidden))
        self.module = module
        self.dotted = dotted
        self.in_class = bool(around) and isinstance(around[-1], gast.ClassDef)
        self._source: Source | None = None

    @property
    def qualified(self) -> str:
        """The name under which the function can have a rule."""
        return f"{self.module.name}.{self.dotted}"

    @property
    def rule_name(self) -> str | None:
        return self.qualified if registry.is_of_user(self.qualified) else None

    @property
    def source(self) -> Source:
        if self._source is None:
            self._source = read_file(self.module.path, self.dotted)
        return self._source

    @property
    def is_method(self) -> bool:
        decorators = [self.module.qualified(d) for d in getattr(self.source.node, "decorator_list", [])]
        return self.in_class and "builtins.staticmethod" not in decorators and bool(_positional(self.source.node))


def open_primal(path: str, dotted: str) -> FilePrimal:
    """A function of a file on disk, nothing of which runs. Raises S110 to S113 where there is no such function.

    >>> open_primal(__file__, "open_primal").name
    'open_primal'
    """
    folder, stem = os.path.split(os.path.abspath(path))
    parts = [] if stem == "__init__.py" else [stem.removesuffix(".py")]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, part = os.path.split(folder)
        parts.insert(0, part)
    primal = FilePrimal(Files(folder).open(path, ".".join(parts)), dotted)
    source = primal.source
    for decorator in getattr(source.node, "decorator_list", []):
        name = primal.module.qualified(decorator.func if isinstance(decorator, gast.Call) else decorator)
        if name is None or not name.startswith(_TRANSPARENT):
            reason = f"the decorator `{source.segment(decorator)}` may change what {dotted} gives"
            raise S2sadError("S201", reason, source.place(decorator), "name a function without it")
    return primal


def _around(module: FileModule, dotted: str) -> list[Any]:
    """The classes and functions around a function, from the outside in."""
    found: list[Any] = []
    body = module.tree.body
    for part in dotted.split(".")[:-1]:
        inner = [n for n in body if isinstance(n, (gast.ClassDef, gast.FunctionDef)) and n.name == part]
        if not inner:
            break
        found.append(inner[-1])
        body = inner[-1].body
    return found


def _names_in(function: Any) -> Iterator[str]:
    """Every name that a function, or what stands in it, may bind."""
    for node in gast.walk(function):
        if isinstance(node, gast.Name) and not isinstance(node.ctx, gast.Load):
            yield node.id
        elif isinstance(node, (gast.FunctionDef, gast.ClassDef)) and node is not function:
            yield node.name
        elif isinstance(node, (gast.Import, gast.ImportFrom)):
            yield from (i.asname or i.name.partition(".")[0] for i in node.names)


def _positional(node: Any) -> list[Any]:
    return [*node.args.posonlyargs, *node.args.args]
