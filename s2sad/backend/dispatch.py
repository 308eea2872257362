"""Calls made for a signature: text that checks what was taken for granted, looks the arguments' types up, and calls.

In: the parameters of a function, a table from types to functions, and guards.
Out: a `__call__` like this one, for `def f(x, y=1.0)` that reads the module `math` and a global number `scale`:

    def __call__(self, x=missing, y=missing, /, *more, **named):
        if more or named:
            return slow(self, (x, y), {}, more, named)
        if y is missing:
            y = default
        try:
            f = table[type(x), type(y)] if g0['math'] is h0 and type(g0['scale']) is h1 else None
        except (KeyError, ValueError, TypeError):
            f = None
        if f is None:
            return slow(self, (x, y), {}, more, named)
        return f(x, y)
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.ir.kinds import Kind, kind_of


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


#: Stands for an argument that was not given.
MISSING: Any = _Missing()

#: Stands for a name that no globals hold, so that the builtin of this name is meant.
ABSENT: Any = _Missing()


@dataclass(frozen=True)
class OfKind:
    """Stands for any value of a kind: numbers and arrays are read live, only their kind is taken for granted."""

    kind: Kind


@dataclass(frozen=True, eq=False)
class Guard:
    """Something that a text takes for granted: what a name means, or what code a function has.

    holder: a dictionary of names, a cell, a class, or a function whose code `held` is. held: the object itself, an
    `OfKind`, or ABSENT.
    """

    holder: Any
    name: str
    held: Any

    @property
    def key(self) -> tuple[int, str]:
        return id(self.holder), self.name

    def holds(self) -> bool:
        """Whether what was taken for granted is still so.

        >>> names = {"scale": 2.0}
        >>> guard = Guard(names, "scale", OfKind(kind_of(2.0)))
        >>> names["scale"] = 3.0
        >>> guard.holds()
        True
        >>> names["scale"] = "three"
        >>> guard.holds()
        False
        """
        if self.held is ABSENT:
            return self.name not in self._names()
        now = self.now()
        return is_of_kind(now, self.held.kind) if isinstance(self.held, OfKind) else now is self.held

    def now(self) -> Any:
        """What is held now; MISSING if nothing is."""
        if isinstance(self.holder, types.CellType):
            try:
                return self.holder.cell_contents
            except ValueError:
                return MISSING
        if isinstance(self.holder, types.FunctionType):
            return self.holder.__code__
        return self._names().get(self.name, MISSING)

    def _names(self) -> Mapping[str, Any]:
        return vars(self.holder) if isinstance(self.holder, type) else self.holder

    def test(self, bind: Callable[[str, Any], str]) -> str:
        """The same as an expression; `bind` gives a name to an object. KeyError and ValueError mean that it fails."""
        holder = bind("g", self.holder) + (".__dict__" if isinstance(self.holder, type) else "")
        if self.held is ABSENT:
            return f"{self.name!r} not in {holder}"
        if isinstance(self.holder, types.CellType):
            value = f"{holder}.cell_contents"
        elif isinstance(self.holder, types.FunctionType):
            value = f"{holder}.__code__"
        else:
            value = f"{holder}[{self.name!r}]"
        if not isinstance(self.held, OfKind):
            return f"{value} is {bind('h', self.held)}"
        now, kind = self.now(), self.held.kind
        if told_by_type(type(now)) and is_of_kind(now, kind):
            return f"type({value}) is {bind('h', type(now))}"
        same = f"{bind('is_of_kind', is_of_kind)}({value}, {bind('h', kind)})"
        if type(now) is np.ndarray:
            parts = (
                f"type({value}) is {bind('h', np.ndarray)}",
                f"{value}.shape == {bind('h', now.shape)}",
                f"{value}.dtype == {bind('h', now.dtype)}",
            )
            return f"({' and '.join(parts)} or {same})"
        return same


def is_of_kind(value: Any, kind: Kind) -> bool:
    """Whether a value that a name holds (MISSING, if none) is of a kind."""
    return value is not MISSING and kind_of(value) == kind


_PLAIN = frozenset({float, int, bool, complex, str, bytes, type(None), range, types.ModuleType})


def told_by_type(cls: type) -> bool:
    """Whether the type of a value tells its kind.

    >>> told_by_type(float), told_by_type(np.float32), told_by_type(tuple), told_by_type(np.ndarray)
    (True, True, False, False)
    """
    return cls in _PLAIN or (issubclass(cls, (np.number, np.bool_)) and cls.__module__ == "numpy")


def make_call(
    parameters: Sequence[inspect.Parameter],
    bound: Sequence[Any],
    table: Mapping[Any, Callable[..., Any]],
    guards: Sequence[Guard],
    slow: Callable[..., Any],
) -> Callable[..., Any]:
    """A `__call__` for a signature.

    bound: values that go before the arguments. table: from the types of `bound` and of the arguments (alone, if there
    is one) to what is called with all of them. slow: called with (self, positional, keywords, more, named) otherwise.
    """
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):

        def call(*more: Any, **named: Any) -> Any:
            return slow(more[0], (), {}, more[1:], named)

        return call
    scope = _Scope(parameters)
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    me, more, named, f = (scope.unused(n) for n in ("self", "more", "named", "f"))
    # Positional alone: what is given by position and by name reaches `slow`, instead of an error without a place.
    missing = scope.bind("missing", MISSING)
    head = [me, *(f"{p.name}={missing}" for p in positional), "/"]
    head.append(f"*{more}")
    head += [f"{p.name}={missing}" for p in keyword]
    head.append(f"**{named}")
    fixed = [scope.bind("bound", value) for value in bound]
    # A default has a name of its own, so that `slow` is told what was not given: defaults may have changed.
    own = {p.name: p.name if p.default is p.empty else scope.unused(f"{p.name}_given") for p in parameters}
    names = [*fixed, *(own[p.name] for p in positional), *(own[p.name] for p in keyword)]
    key = ", ".join(f"{scope.builtin('type')}({n})" for n in names)
    slowly = f"return {scope.bind('slow', slow)}({me}, ({''.join(f'{p.name}, ' for p in positional)}), "
    slowly += f"{{{', '.join(f'{p.name!r}: {p.name}' for p in keyword)}}}, {more}, {named})"
    lines = [f"def __call__({', '.join(head)}):", f"    if {more} or {named}:", f"        {slowly}"]
    for p in parameters:
        if p.default is not p.empty:
            default = scope.bind("default", p.default)
            lines.append(f"    {own[p.name]} = {default} if {p.name} is {missing} else {p.name}")
    found = f"{scope.bind('table', table)}[{key or '()'}]"
    tests = " and ".join(g.test(scope.bind) for g in guards)
    errors = ", ".join(map(scope.builtin, ("KeyError", "ValueError", "TypeError")))
    lines += [
        "    try:",
        f"        {f} = {found} if {tests} else None" if tests else f"        {f} = {found}",
        f"    except ({errors}):",
        f"        {f} = None",
        f"    if {f} is None:",
        f"        {slowly}",
        f"    return {f}({_arguments(fixed, positional, keyword, own)})",
    ]
    return scope.function("__call__", lines)


def make_shape_call(
    parameters: Sequence[inspect.Parameter],
    bound: int,
    arrays: Sequence[int],
    objects: Sequence[int],
    table: Mapping[Any, Callable[..., Any]],
    missed: Callable[..., Any],
) -> Callable[..., Any]:
    """What a table of types leads to where some arguments are arrays or objects: the next table goes by the dtypes and
    shapes of arrays and the kinds of objects.

    bound: how many values go before the arguments. arrays, objects: which of all these are such. missed: called with
    the list of all values where the table has no entry; gives the function to call.
    """
    scope = _Scope(parameters)
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    fixed = [scope.unused(f"bound{i}") for i in range(bound)]
    f = scope.unused("f")
    names = [*fixed, *(p.name for p in positional), *(p.name for p in keyword)]
    head = [*fixed, *(p.name for p in positional), *(["*", *(p.name for p in keyword)] if keyword else [])]
    parts = [f"{names[i]}.dtype, {names[i]}.shape" for i in arrays]
    parts += [f"{scope.bind('kind_of', kind_of)}({names[i]})" for i in objects]
    key = ", ".join(parts) + ","
    lines = [
        f"def by_shape({', '.join(head)}):",
        f"    {f} = {scope.bind('table', table)}.get(({key}))",
        f"    if {f} is None:",
        f"        {f} = {scope.bind('missed', missed)}([{', '.join(names)}])",
        f"    return {f}({_arguments(fixed, positional, keyword, {p.name: p.name for p in parameters})})",
    ]
    return scope.function("by_shape", lines)


def type_key(values: Sequence[Any]) -> Any:
    """The key of values in a table of types."""
    found = tuple(map(type, values))
    return found[0] if len(found) == 1 else found


def shape_key(values: Sequence[Any], arrays: Sequence[int], objects: Sequence[int]) -> Any:
    """The key of values in a table of dtypes, shapes and kinds."""
    of_arrays = [part for i in arrays for part in (values[i].dtype, values[i].shape)]
    return (*of_arrays, *(kind_of(values[i]) for i in objects))


def _arguments(
    fixed: Sequence[str],
    positional: Sequence[inspect.Parameter],
    keyword: Sequence[inspect.Parameter],
    own: Mapping[str, str],
) -> str:
    """The arguments of a call; own: by which name the value of each parameter goes."""
    return ", ".join([*fixed, *(own[p.name] for p in positional), *(f"{p.name}={own[p.name]}" for p in keyword)])


class _Scope:
    """Names for objects that a generated function reads; none is that of a parameter."""

    def __init__(self, parameters: Sequence[inspect.Parameter]) -> None:
        self.taken = {p.name for p in parameters}
        self.objects: dict[str, Any] = {}
        self.names: dict[int, str] = {}

    def unused(self, hint: str) -> str:
        name = hint
        while name in self.taken:
            name = f"{name}_"
        self.taken.add(name)
        return name

    def bind(self, hint: str, value: Any) -> str:
        if id(value) not in self.names:
            name = self.unused(f"{hint}{len(self.objects)}")
            self.names[id(value)] = name
            self.objects[name] = value
        return self.names[id(value)]

    def builtin(self, name: str) -> str:
        import builtins

        return self.bind(name, getattr(builtins, name))

    def function(self, name: str, lines: Sequence[str]) -> Callable[..., Any]:
        """The function that a text defines, its names bound as cells: they are found faster than globals."""
        text = [f"def factory({', '.join(self.objects)}):", *(f"    {line}" for line in lines), f"    return {name}"]
        namespace: dict[str, Any] = {}
        exec(compile("\n".join(text), "<s2sad dispatch>", "exec"), namespace)
        made: Callable[..., Any] = namespace["factory"](*self.objects.values())
        return made
