"""Rewrite `try`: gast statement in, gast statements out, without `finally` and without jumps out of its body.

    try:                          try:                          (the flag is `failed`)
        return f(x)                   result = f(x)
    except KeyError:              except KeyError, ValueError:
        y = 1.0            ->         if failed == 1:
    except ValueError:                    y = 1.0
        raise                         else:
    return y                              raise error
                                  else:
                                      return result
                                  return y

What `finally` runs stands twice: behind the statement, and in a handler of any exception that raises it again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.jumps import RETURNED, Handler, Jumps, assign, attempt, blocks_in, name_of, within
from s2sad.frontend.source import Source

_JUMPS = (gast.Return, gast.Break, gast.Continue)
_Lower = Callable[[list[Any]], list[Any]]


class Attempts:
    """Rewrites the `try` statements of one function."""

    def __init__(self, arity: int | None, source: Source) -> None:
        self.arity = arity
        self.source = source
        self.count = 0

    def attempt(self, node: Any, block: _Lower) -> list[Any]:
        """The statements for a `try`; `block` structures the blocks in it."""
        body = self.caught(node, block) if node.handlers else block(node.body)
        return self.followed(node, body, block(node.finalbody)) if node.finalbody else body

    def caught(self, node: Any, block: _Lower) -> list[Any]:
        """`try` and `except`, and `else`."""
        self.count += 1
        flag, error = "." * self.count + "failed", "." * self.count + "error"
        start, body, jumps = self.without_jumps(block(node.body))
        several = len(node.handlers) > 1
        cases: list[Any] = []
        named = name_of(error, gast.Store())
        for number, handler in reversed(list(enumerate(node.handlers, 1))):
            held = handler.name.id if handler.name is not None else error
            case = _raising_again(block(handler.body), held)
            if several and handler.name is not None:
                case = [assign(handler, held, name_of(error, gast.Load())), *case]
            elif handler.name is not None:
                named = handler.name
            if number < len(node.handlers):
                test = gast.Compare(name_of(flag, gast.Load()), [gast.Eq()], [gast.Constant(number, None)])
                case = [gast.copy_location(gast.If(test, case, cases), handler)]
            cases = case
        is_named = any(isinstance(n, gast.Name) and n.id == named.id for c in cases for n in gast.walk(c))
        types = [h.type for h in node.handlers]
        handler = gast.copy_location(Handler(None, named if is_named else None, [], types, flag), node.handlers[0])
        return [*start, attempt(node, body, handler, cases, [*jumps, *block(node.orelse)])]

    def followed(self, node: Any, body: list[Any], final: list[Any]) -> list[Any]:
        """`try` and `finally`."""
        self.count += 1
        flag, error = "." * self.count + "failed", "." * self.count + "error"
        jump = next((n for n in within(final) if isinstance(n, _JUMPS)), None)
        if jump is not None:
            reason = "a jump out of `finally`, which would drop an exception, is not supported"
            raise S2sadError("S201", reason, self.source.place(jump), "jump after the `try` statement")
        start, body, jumps = self.without_jumps(body)
        again = gast.copy_location(gast.Raise(name_of(error, gast.Load()), None), node)
        handler = gast.copy_location(Handler(None, name_of(error, gast.Store()), [], [None], flag), node)
        made = attempt(node, body, handler, [*map(copy.deepcopy, final), again], [])
        return [*start, made, *final, *jumps]

    def without_jumps(self, body: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """What runs before a body, the body without jumps out of it, and the jumps that follow where it succeeded."""
        jumps: dict[type[Any], Any] = {type(n): n for n in within(body) if isinstance(n, _JUMPS)}
        if not jumps:
            return [], body, []
        out = _Out(self.arity, "." * self.count, list(jumps), body)
        start = [assign(node, flag, gast.Constant(False, None)) for node in jumps.values() for flag in out.set_by(node)]
        after: list[Any] = []
        for kind, node in jumps.items():
            jump = [gast.copy_location(kind(), node)]
            if kind is gast.Return:
                jump = [assign(node, RETURNED, gast.Constant(True, None)), out.kept_result(node)]
            if out.always:
                after += jump
            else:
                after.append(gast.copy_location(gast.If(name_of(out.flags[kind], gast.Load()), jump, []), node))
        return start, out.flagged(body), after


class _Out(Jumps):
    """The jumps out of the body of a `try`: each sets the flag of its kind, and where there are several one for all."""

    kinds = _JUMPS

    def __init__(self, arity: int | None, dots: str, kinds: list[type[Any]], body: list[Any]) -> None:
        super().__init__(arity)
        hints = {gast.Return: "leaves", gast.Break: "breaks", gast.Continue: "continues"}
        self.flags = {kind: dots + hints[kind] for kind in kinds}
        self.flag = self.flags[kinds[0]] if len(kinds) == 1 else dots + "left"
        #: Whether the body always jumps, and in one way, so that no flag is needed.
        self.always = len(kinds) == 1 and self.is_last(body)

    def is_last(self, block: list[Any]) -> bool:
        """Whether every path through a block jumps or raises, at its end."""
        last = block[-1] if block else None
        inner = blocks_in(last)
        at_end = isinstance(last, (*_JUMPS, gast.Raise)) or (bool(inner) and all(map(self.is_last, inner)))
        return at_end and not any(map(self.may_jump, block[:-1]))

    def set_by(self, node: Any) -> list[str]:
        """The flags that a jump sets."""
        return [] if self.always else list(dict.fromkeys([self.flags[type(node)], self.flag]))

    def flagged_jump(self, node: Any) -> list[Any]:
        kept = self.keep_result(node)[:1] if isinstance(node, gast.Return) else []
        return [*kept, *(assign(node, flag, gast.Constant(True, None)) for flag in self.set_by(node))]


def _raising_again(block: list[Any], error: str) -> list[Any]:
    """The statements of a handler in which a bare `raise` names what it raises."""
    if any(isinstance(n, gast.Raise) and n.exc is None for n in _own(block)):
        block = copy.deepcopy(block)
        for node in _own(block):
            if isinstance(node, gast.Raise) and node.exc is None:
                node.exc = gast.copy_location(name_of(error, gast.Load()), node)
    return block


def _own(block: list[Any]) -> list[Any]:
    """The statements of a block, and of those in them."""
    found: list[Any] = []
    work = list(block)
    while work:
        node = work.pop()
        found.append(node)
        if not isinstance(node, gast.FunctionDef):
            for name in ("body", "handlers", "orelse"):
                work += getattr(node, name, [])
    return found
