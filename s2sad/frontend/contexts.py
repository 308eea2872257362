"""Contexts of `with` that change no value: those of libraries by name, and those that users declare.

A context is entered and left by the derivative as by the primal. Those that only say what is warned of are entered
again where the reverse sweep goes through their body; one that a user declared is entered once. `contextlib.suppress`
is a `try` in other words.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import gast

_Context = TypeVar("_Context")

#: Contexts of libraries that change no value, only what is said of it.
INERT = frozenset({"numpy.errstate", "numpy.printoptions", "warnings.catch_warnings", "contextlib.nullcontext"})

#: The mark of what users declare, and what is declared that cannot be marked, such as a lock.
_MARK = "__s2sad_inert__"
_DECLARED: weakref.WeakSet[Any] = weakref.WeakSet()


def inert(context: _Context) -> _Context:
    """Declare that entering and leaving a context changes no value: a timer, a lock, a profiler. A decorator.

    context: a context manager's class, a function that makes one, or an object that is one.

    >>> import contextlib, math, s2sad
    >>> @s2sad.inert
    ... @contextlib.contextmanager
    ... def reported(name):
    ...     print("enter", name)
    ...     yield
    ...     print("leave", name)
    >>> def f(x):
    ...     with reported("sine"):
    ...         y = math.sin(x)
    ...     return y * y
    >>> s2sad.grad(f)(0.0)
    enter sine
    leave sine
    0.0
    """
    try:
        setattr(context, _MARK, True)
    except (AttributeError, TypeError):
        _DECLARED.add(context)
    return context


def is_declared(held: object) -> bool:
    """Whether a user declared an object, or its class, as an inert context."""
    if any(_MARK in getattr(of, "__dict__", ()) for of in (held, type(held))):
        return True
    try:
        return held in _DECLARED or type(held) in _DECLARED
    except TypeError:  # it cannot be hashed, or referred to weakly
        return False


def without_suppress(body: list[Any], suppresses: Callable[[Any], bool]) -> list[Any]:
    """The block with each `with suppress(E):` in it, of which `suppresses` tells, as `try` and `except E: pass`."""
    made: list[Any] = []
    for node in body:
        if isinstance(node, gast.FunctionDef) or not any(isinstance(n, gast.With) for n in gast.walk(node)):
            made.append(node)
            continue
        new = type(node)(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})
        new = gast.copy_location(new, node)
        for name in ("body", "handlers", "orelse", "finalbody"):
            if isinstance(getattr(new, name, None), list):
                setattr(new, name, without_suppress(getattr(new, name), suppresses))
        made.append(_attempted(new, suppresses) if isinstance(new, gast.With) else new)
    return made


def _attempted(node: Any, suppresses: Callable[[Any], bool]) -> Any:
    """A `with` in whose place a `try` stands from the first context on that drops exceptions."""
    for at, item in enumerate(node.items):
        call = item.context_expr
        if isinstance(call, gast.Call) and item.optional_vars is None and not call.keywords and suppresses(call):
            inner = node.body
            if node.items[at + 1 :]:
                rest = gast.copy_location(gast.With(node.items[at + 1 :], inner, None), node)
                inner = [_attempted(rest, suppresses)]
            types = call.args[0] if len(call.args) == 1 else gast.Tuple(call.args, gast.Load())
            handler = gast.copy_location(gast.ExceptHandler(types, None, [gast.copy_location(gast.Pass(), node)]), node)
            made = gast.copy_location(gast.Try(inner, [handler], [], []), node)
            return gast.copy_location(gast.With(node.items[:at], [made], None), node) if at else made
    return node
