"""What a name means: names and attributes to bindings, from live objects or from files on disk.

Nothing after this module touches a live object. A binding is one of

    Module("numpy")           a module
    Known("numpy.sin")        something of a library, by its qualified name
    UserFunction(primal)      a Python function whose source can be read
    Derived(primal)           a derivative of one
    Value(kind)               anything else that a global or closure variable holds, read live by the emitted text
"""

from __future__ import annotations

import builtins
import contextlib
import difflib
import functools
import importlib
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import gast
import numpy as np

from s2sad.frontend.source import Source, read_function
from s2sad.ir.kinds import UNKNOWN, Kind, kind_of, said_dtype
from s2sad.rules import registry


@dataclass(frozen=True)
class Module:
    """A module; `members` says what its names mean where it is a file that is not imported."""

    name: str
    members: Scope | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Known:
    name: str
    kind: Kind = UNKNOWN


@dataclass(frozen=True)
class UserFunction:
    primal: Primal


@dataclass(frozen=True)
class Value:
    kind: Kind
    held: Any = None


@dataclass(frozen=True)
class Derived:
    """A derivative that s2sad made; `primal` is the function that it is the derivative of."""

    primal: Primal


Binding = Module | Known | UserFunction | Value | Derived


class Scope(Protocol):
    """Where names that are not local to a function are looked up."""

    def lookup(self, name: str) -> Binding | None: ...

    def names(self) -> Iterable[str]: ...

    def meaning(self, name: str) -> object:
        """Equal for two scopes in which a name means the same thing."""
        ...

    def names_of_module(self, module: str) -> Iterable[str]:
        """The global names that hold a module."""
        ...

    def imports(self, node: Any) -> Iterable[tuple[str, Binding | None]]:
        """The names that an import statement within a function binds, and what they mean; None for no such name."""
        ...


class Primal:
    """A user's function, by live object or by file: its name, its source, the scope of its free names, its defaults.

    `has_name`: a text can call it by a global name, rather than only contain it.
    """

    has_name = False

    def __init__(self, name: str, key: object, scope: Scope) -> None:
        self.name = name
        self.key = key
        self.scope = scope

    @property
    def rule_name(self) -> str | None:
        """The name under which the function itself has a rule; None where it has none."""
        return None

    @property
    def source(self) -> Source:
        raise NotImplementedError

    def default_of(self, name: str) -> object:
        """The value of a parameter's default, where it is known; otherwise the Primal itself."""
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Primal) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class LivePrimal(Primal):
    """A function object."""

    has_name = True

    def __init__(self, function: types.FunctionType) -> None:
        super().__init__(function.__name__, ("live", id(function)), LiveScope(function))
        self.function = function
        self._source: Source | None = None
        if not function.__name__.isidentifier():
            self.name = self.source.name

    @property
    def rule_name(self) -> str | None:
        return registry.named(self.function)

    def default_of(self, name: str) -> object:
        code = self.function.__code__
        names = code.co_varnames[: code.co_argcount]
        defaults = self.function.__defaults__ or ()
        values = dict(zip(names[len(names) - len(defaults) :], defaults))
        values.update(self.function.__kwdefaults__ or {})
        return values.get(name, self)

    @property
    def source(self) -> Source:
        if self._source is None:
            self._source = read_function(self.function)
        return self._source


class LiveScope:
    """The globals, closure and builtins of a function object, as they are now."""

    def __init__(self, function: types.FunctionType) -> None:
        self.function = function
        cells = function.__closure__ or ()
        self.cells = dict(zip(function.__code__.co_freevars, cells))
        #: What was looked up: name -> object, so that a later rebinding can be noticed.
        self.seen: dict[str, object] = {}

    def held(self, name: str) -> tuple[bool, object]:
        if name in self.cells:
            try:
                return True, self.cells[name].cell_contents
            except ValueError:
                return False, None
        if name in self.function.__globals__:
            return True, self.function.__globals__[name]
        if hasattr(builtins, name):
            return True, getattr(builtins, name)
        return False, None

    def meaning(self, name: str) -> object:
        found, held = self.held(name)
        return found, id(held)

    def lookup(self, name: str) -> Binding | None:
        found, held = self.held(name)
        if not found:
            return None
        self.seen[name] = held
        return binding_of(held, name)

    def names(self) -> Iterable[str]:
        return sorted({*self.cells, *self.function.__globals__, *dir(builtins)})

    def names_of_module(self, module: str) -> Iterable[str]:
        held = sys.modules.get(module)
        return [n for n, v in self.function.__globals__.items() if v is held and not n.startswith("_")] if held else []

    def imports(self, node: Any) -> Iterable[tuple[str, Binding | None]]:
        modules = [item.name for item in node.names] if isinstance(node, gast.Import) else [node.module]
        for module in modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        for item in node.names:
            if isinstance(node, gast.ImportFrom):
                yield item.asname or item.name, attribute(Module(node.module), item.name)
            else:
                top = item.name.partition(".")[0]
                yield item.asname or top, Module(item.name if item.asname else top)


def binding_of(held: Any, name: str = "") -> Binding:
    """The binding of a live object."""
    if isinstance(held, types.ModuleType):
        return Module(held.__name__)
    if callable(held):
        if getattr(type(held), "is_derivative", False):
            return Derived(held.base)
        qualified = qualified_name(held)
        if qualified is not None:
            return Known(qualified, _said(held))
        if isinstance(held, types.FunctionType):
            return UserFunction(LivePrimal(held))
        if isinstance(held, functools._lru_cache_wrapper) and isinstance(held.__wrapped__, types.FunctionType):
            return UserFunction(LivePrimal(held.__wrapped__))
    return Value(kind_of(held), held)


def qualified_name(held: Any) -> str | None:
    """The library name of a function, ufunc or type: where a module of that name holds this very object.

    >>> import math
    >>> qualified_name(math.sin), qualified_name(np.sin), qualified_name(np.linalg.norm), qualified_name(len)
    ('math.sin', 'numpy.sin', 'numpy.linalg.norm', 'builtins.len')
    """
    own = registry.named(held)
    if own is not None:
        return own
    # A distribution of scipy.stats is the one object of its class: norm, of norm_gen.
    name = getattr(held, "__name__", type(held).__name__.removesuffix("_gen"))
    if not isinstance(name, str):
        return None
    module = getattr(held, "__module__", None)
    # What stands in a module with an underscore people take from a public one: math from _math, scipy.fft._basic.
    candidates = [module.lstrip("_").partition("._")[0], module] if isinstance(module, str) else []
    if isinstance(held, np.ufunc):
        candidates += ["numpy", "scipy.special"]
    for candidate in candidates:
        found = sys.modules.get(candidate)
        if found is not None and getattr(found, name, None) is held:
            qualified = f"{candidate}.{name}"
            library = not isinstance(held, (types.FunctionType, type)) or candidate.partition(".")[0] in LIBRARIES
            if library or registry.find(qualified) is not None:
                return qualified
    return None


#: Packages whose functions are never read as user code: they have a rule or are refused.
LIBRARIES = frozenset([
    "numpy", "scipy", "math", "cmath", "builtins", "operator", "functools", "itertools", "warnings", "jax", "dask",
    "cupy", "dataclasses", "copy",
])  # fmt: skip


def _said(held: Any) -> Kind:
    """The kind of a type of numbers used as a value, which says a dtype; UNKNOWN for anything else."""
    kind = kind_of(held)
    return kind if said_dtype(kind) is not None else UNKNOWN


def attribute(binding: Module | Known, name: str) -> Binding | None:
    """The binding of an attribute of a module (or of a class of a library); None if it has no such attribute."""
    if isinstance(binding, Module) and binding.members is not None:
        return binding.members.lookup(name)
    qualified = f"{binding.name}.{name}"
    module = sys.modules.get(binding.name)
    if module is not None:
        if not hasattr(module, name):
            return None
        held = getattr(module, name)
        if isinstance(held, types.ModuleType):
            return Module(held.__name__)
        if callable(held):
            if getattr(type(held), "is_derivative", False):
                return Derived(held.base)
            canonical = qualified_name(held)
            if canonical is None and isinstance(held, types.FunctionType):
                return UserFunction(LivePrimal(held))
            return Known(canonical or qualified, _said(held))
        return Known(qualified, kind_of(held))
    return Known(qualified)


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """The names most like one that was not found, for error messages."""
    return difflib.get_close_matches(name, list(known), 3, 0.6)


def module_names(binding: Module | Known) -> list[str]:
    """The public names of a module."""
    if isinstance(binding, Module) and binding.members is not None:
        return [n for n in binding.members.names() if not n.startswith("_")]
    module = sys.modules.get(binding.name)
    return [] if module is None else [n for n in dir(module) if not n.startswith("_")]
