"""The object that `grad` and its siblings return: callable, with `.source`, `.primal`, `.specialise` and `.specialisations`."""

from __future__ import annotations

import importlib
import inspect
import threading
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2sad.backend.compilation import Binding, link
from s2sad.backend.text import Text
from s2sad.composition import (
    Options,
    annotated_kinds,
    assume_scalar_result,
    check_result,
    description,
    request,
    resolve_wrt,
    text_of,
)
from s2sad.errors import S2sadError, S2sadWarning
from s2sad.frontend.resolve import LivePrimal, LiveScope, Primal
from s2sad.ir.kinds import UNKNOWN, Extent, Kind, kind_of
from s2sad.pipeline import Flat, Watch, specialise, transform

#: How many specialisations a derivative keeps for calls; further kinds share the generic text.
LIMIT = 16


@dataclass(eq=False)
class Specialisation:
    """A derivative for arguments of certain kinds: a plain function, its text, and the bindings it took for granted."""

    function: types.FunctionType
    text: Text
    flat: Flat
    guards: list[tuple[Any, str, Any]] = field(default_factory=list)

    def is_fresh(self) -> bool:
        """Whether every name still means what it meant when the text was made."""
        return all(_still(holder, name, held) for holder, name, held in self.guards)


def _still(holder: Any, name: str, held: Any) -> bool:
    if isinstance(holder, types.CellType):
        try:
            now = holder.cell_contents
        except ValueError:
            return False
    else:
        now = holder.get(name, held)
    return now is held or (isinstance(held, _OfKind) and (now is held or kind_of(now, name) == held.kind))


@dataclass(frozen=True)
class _OfKind:
    """Stands for any value of a kind."""

    kind: Kind


class Derivative:
    """A derivative of a Python function, made when it is first needed, for the kinds of the arguments of each call.

    >>> from s2sad import grad
    >>> def square(w):
    ...     return w ** 2
    >>> grad(square)(3.0)
    6.0
    >>> print(grad(square).source.splitlines()[-1])
        return 2 * w
    """

    def __init__(self, primal: Callable[..., Any], options: Options) -> None:
        self.primal = primal
        self.options = options
        self._bound: tuple[Any, ...] = ()
        function: Any = primal
        if isinstance(function, types.MethodType):
            self._bound = (function.__self__,)
            function = function.__func__
        if isinstance(function, staticmethod):
            function = function.__func__
        self._inner = function if isinstance(function, Derivative) else None
        self._function = function
        self._lock = threading.RLock()
        self._table: dict[Any, Specialisation] = {}
        self._generic: Specialisation | None = None
        self._warned: set[str] = set()
        if self._inner is None:
            if not isinstance(function, types.FunctionType):
                from s2sad.frontend.source import read_function

                read_function(function)
                raise S2sadError("S109", f"{primal!r} is not a function")
            self._primal: Primal = LivePrimal(function)
            self._primal.source  # noqa: B018  (a function without source is refused here, where it is named)
        self.__name__ = f"{options.prefix}_{self._base_name()}"
        self.__qualname__ = self.__name__
        self.__module__ = getattr(function, "__module__", "s2sad")
        self.__wrapped__ = primal
        self._parameters = self._own_parameters()
        self._wrt, self._tuple = resolve_wrt(options.wrt, [p.name for p in self._parameters], self._base_name(), self._place())
        self.__signature__ = self._signature()
        self.__doc__ = description(options, self._base_name(), [self._parameters[i].name for i in self._wrt])
        self._call = _make_call(self)

    # ---- what it is --------------------------------------------------------------------------------------------

    def _base_name(self) -> str:
        return self._inner.__name__ if self._inner is not None else self._primal.name

    def _place(self) -> Any:
        return None if self._inner is not None else self._primal.source.place(self._primal.source.node)

    def _own_parameters(self) -> list[inspect.Parameter]:
        if self._inner is not None:
            return list(self._inner.__signature__.parameters.values())
        found = list(inspect.signature(self._function).parameters.values())
        return found[len(self._bound) :]

    def _signature(self) -> inspect.Signature:
        made = list(self._parameters)
        extra = self._extra_names()
        if extra:
            made = [p.replace(default=inspect.Parameter.empty) if p.kind is not inspect.Parameter.KEYWORD_ONLY else p for p in made]
            at = next((i for i, p in enumerate(made) if p.kind is inspect.Parameter.KEYWORD_ONLY), len(made))
            made[at:at] = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in extra]
        return inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in made] if extra else made)

    def _extra_names(self) -> list[str]:
        """Names of the trailing parameters that the derivative takes beyond the primal's."""
        if self.options.mode == "forward":
            return [f"{self._parameters[i].name}_dot" for i in self._wrt]
        return ["seed"] if self.options.seed == "given" else []

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.__doc__}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        return (Derivative, (self.primal, self.options))

    # ---- text --------------------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The text for the annotated kinds. It never changes."""
        return self._annotated().text.text

    def _annotated(self) -> Specialisation:
        with self._lock:
            if self._generic is None:
                self._generic = self._make(self._annotated_kinds())
            return self._generic

    def _annotated_kinds(self) -> list[Kind]:
        if self._inner is not None:
            return self._inner._annotated_kinds() + [UNKNOWN] * len(self._inner._extra_names())
        kinds = annotated_kinds(self._primal, [kind_of(b) for b in self._bound])
        if self.options.seed == "one" and self.options.mode == "reverse":
            kinds = assume_scalar_result(self._primal, kinds)
        return kinds[len(self._bound) :]

    def specialise(self, *examples: Any) -> types.FunctionType:
        """The derivative for the kinds of some example arguments (or for Kinds): a plain function with its own `.source`."""
        given = list(examples)
        if any(isinstance(e, Kind) for e in given):
            kinds = [e if isinstance(e, Kind) else kind_of(e, f"a{i}") for i, e in enumerate(given)]
        else:
            kinds = call_kinds([_as_float(e) if i in self._wrt else e for i, e in enumerate(given)])
        made = self._make(kinds)
        made.function.source = made.text.text  # type: ignore[attr-defined]
        return made.function

    @property
    def specialisations(self) -> list[types.FunctionType]:
        """The functions that calls made so far, by kinds of arguments."""
        return [s.function for s in dict.fromkeys(self._table.values())]

    def flat(self, kinds: Sequence[Kind], watch: Watch | None = None) -> Flat:
        """The optimised flat IR of the derivative for kinds of its arguments."""
        extra = len(self._extra_names())
        own = list(kinds)[: len(kinds) - extra] if extra else list(kinds)
        watching = () if watch is None else (watch,)
        if self._inner is not None:
            base = self._inner.flat(own)
            offset = 0
        else:
            base = specialise(self._primal, [*map(kind_of, self._bound), *own], *watching)
            offset = len(self._bound)
        check_result(base, self.options, self._base_name(), self._place())
        wanted = request(self.options, (i + offset for i in self._wrt), self._tuple, self.__name__)
        return transform(base, wanted, *watching)

    def _make(self, kinds: Sequence[Kind]) -> Specialisation:
        flat = self.flat(kinds)
        text, guards = compose(flat, self.__doc__ or "")
        for reason in flat.notes:
            if reason not in self._warned:
                self._warned.add(reason)
                warnings.warn(S2sadWarning(reason), stacklevel=5)
        return Specialisation(bind_text(text), text, flat, guards)

    # ---- calls -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The arguments in the order of the signature. Raises S402 where they do not fit it."""
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise S2sadError("S402", f"{self.__name__}{self.__signature__}: {error}", self._place()) from None
        bound.apply_defaults()
        return list(bound.arguments.values())

    def _slow(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Any call: check the arguments, find or make the specialisation, run it."""
        given = self._arguments(args, kwargs)
        for i in self._wrt:
            given[i] = self._differentiable(given[i], self._parameters[i].name)
        function = self.find(given).function
        order = [p.kind for p in self.__signature__.parameters.values()]
        positional = [v for v, k in zip(given, order) if k is not inspect.Parameter.KEYWORD_ONLY]
        named = {p.name: v for p, v in zip(self.__signature__.parameters.values(), given) if p.kind is inspect.Parameter.KEYWORD_ONLY}
        return function(*self._bound, *positional, **named)

    def find(self, given: Sequence[Any]) -> Specialisation:
        """The specialisation for these arguments, made if there is none that is still fresh."""
        key = tuple(call_kinds(given))
        found = self._table.get(key)
        if found is None or not found.is_fresh():
            with self._lock:
                found = self._table.get(key)
                if found is None or not found.is_fresh():
                    if found is None and len(self._table) >= LIMIT:
                        self._table.pop(next(iter(self._table)))
                    found = self._make(key)
                    self._table[key] = found
        return found

    def _differentiable(self, value: Any, name: str) -> Any:
        """A differentiated argument, an int as a float. Raises S403 to S407 for what carries no derivative."""
        if type(value) is float:
            return value
        if type(value) is int:
            return float(value)
        place = self._place()
        if isinstance(value, np.ndarray) or isinstance(value, np.generic):
            kind = value.dtype.kind
            if kind in "fc":
                return value
            code, what = {"i": ("S403", "integers"), "u": ("S403", "integers"), "b": ("S404", "booleans"), "O": ("S406", "objects")}.get(kind, ("S405", "text"))
            help = f"pass {name}.astype(float)" if kind in "iub" else "pass an array of floats"
            raise S2sadError(code, f"{name!r} holds {what}, which cannot be differentiated with respect to", place, help)
        if isinstance(value, (complex, np.ndarray)) or kind_of(value).carries_derivative:
            return value
        code = "S405" if isinstance(value, (str, bytes)) else "S407"
        raise S2sadError(code, f"{name!r} is a {type(value).__name__}, which cannot be differentiated with respect to", place, "pass a float or an array of floats")


def _as_float(value: Any) -> Any:
    return float(value) if type(value) is int else value


def call_kinds(given: Sequence[Any]) -> list[Kind]:
    """The kinds of actual arguments. Axes of equal length share a symbol, those of length one are one."""
    sizes: dict[int, str] = {}

    def of(value: Any) -> Kind:
        if isinstance(value, np.ndarray):
            dims = tuple(1 if n == 1 else Extent(sizes.setdefault(n, f"n{len(sizes)}"), 0, True) for n in value.shape)
            return Kind("array", value.dtype.name, dims)
        if type(value) in (tuple, list):
            return Kind(type(value).__name__, items=tuple(map(of, value)))
        return kind_of(value)

    return [of(v) for v in given]


def compose(flat: Flat, doc: str = "", watch: Watch | None = None) -> tuple[Text, list[tuple[Any, str, Any]]]:
    """The text of a derivative, and the bindings that it took for granted."""
    text = text_of(flat, doc, watch)
    scopes = [p.scope for p in flat.lowering.labels if isinstance(p.scope, LiveScope)]
    guards: list[tuple[Any, str, Any]] = []
    for scope in scopes:
        for name, held in scope.seen.items():
            value = held if callable(held) or isinstance(held, types.ModuleType) else _OfKind(kind_of(held, name))
            guards.append((scope.cells.get(name, scope.function.__globals__), name, value))
    return text, guards


def bind_text(text: Text) -> types.FunctionType:
    """The entry function of a text, bound to live objects."""
    values: dict[str, Any] = {}
    for name, qualified in text.helpers.items():
        module, _, plain = qualified.rpartition(".")
        values[name] = getattr(importlib.import_module(module), plain)
    for name, module in text.modules.items():
        values[name] = importlib.import_module(module)
    for name, primal in text.primals.items():
        assert isinstance(primal, LivePrimal)
        values[name] = primal.function
    bindings: dict[str, Binding] = {}
    for name, function in text.functions.items():
        scope = _live_scope(function.primal)
        defaults = keyword_defaults = None
        if name == text.entry and isinstance(function.primal, LivePrimal) and not any(p.seed for p in function.params):
            defaults, keyword_defaults = function.primal.function.__defaults__, function.primal.function.__kwdefaults__
        bindings[name] = Binding(scope.function.__globals__, scope.cells, defaults, keyword_defaults)
    return link(text.text, text.entry, bindings, values)


def _live_scope(primal: Primal) -> LiveScope:
    scope: Any = primal.scope
    while not isinstance(scope, LiveScope):
        scope = scope.outer
    return scope


def _make_call(derivative: Derivative) -> Callable[..., Any]:
    """A call made for the signature: types are looked up, and only what is not found there takes the long way."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return derivative._slow(args, kwargs)

    return call

