"""Jumps in blocks of statements: which there are, and how they come to stand at the ends of blocks.

Where only some paths through a branch jump, what follows runs under a test of a flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast

#: The hidden names of the flag and the value of an early return; no user's name has a dot.
RETURNED, RESULT = ".returned", ".result"


def blocks_in(node: Any) -> list[list[Any]]:
    """The blocks of a statement from which control goes on to what follows it: those of an `if`, not of a loop."""
    if isinstance(node, gast.With):
        return [node.body]
    if isinstance(node, gast.Try):
        return [node.handlers[0].body, node.orelse]
    return [node.body, node.orelse] if isinstance(node, gast.If) else []


def with_blocks(node: Any, blocks: list[list[Any]]) -> Any:
    if isinstance(node, gast.With):
        return gast.copy_location(gast.With(node.items, *blocks, None), node)
    if isinstance(node, gast.Try):
        return attempt(node, node.body, node.handlers[0], *blocks)
    return gast.copy_location(gast.If(node.test, *blocks), node)


def attempt(node: Any, body: list[Any], handler: Any, caught: list[Any], orelse: list[Any]) -> Any:
    """A `try` with one handler like `handler`, which has the `types` that it catches, and the name of a `flag`."""
    handler = gast.copy_location(Handler(handler.type, handler.name, caught, handler.types, handler.flag), handler)
    return gast.copy_location(gast.Try(body, [handler], orelse, []), node)


class Handler(gast.ExceptHandler):
    """What runs where the body of a `try` raises an exception of one of `types`, None being any.

    flag: a name that is then bound to True, or with several types to the number of the first that fits.
    """

    def __init__(
        self, type: Any = None, name: Any = None, body: Any = None, types: list[Any] | None = None, flag: str = ""
    ) -> None:
        super().__init__(type, name, body)
        self.types = types or []
        self.flag = flag


def within(block: list[Any]) -> Iterator[Any]:
    """The statements of a block and of the branches in it, those of loops apart."""
    for node in block:
        yield node
        for inner in blocks_in(node):
            yield from within(inner)


class Jumps:
    """Brings the jumps of one level, of a function or of a loop's body, to tail position."""

    kinds: tuple[Any, ...]
    flag: str

    def __init__(self, arity: int | None) -> None:
        self.arity = arity

    def jump(self, node: Any) -> list[Any]:
        """What a jump in tail position becomes."""
        raise NotImplementedError

    def flagged_jump(self, node: Any) -> list[Any]:
        """What a jump becomes that has to set the flag."""
        raise NotImplementedError

    def after(self, node: Any, rest: list[Any]) -> Any:
        """The test of the flag, and under it what follows, in tail position."""
        raise NotImplementedError

    def may_jump(self, node: Any) -> bool:
        return any(isinstance(n, self.kinds) for n in within([node]))

    def ends(self, block: list[Any]) -> bool:
        """Whether every path through a block jumps or raises."""
        last = block[-1] if block else None
        if isinstance(last, (*self.kinds, gast.Raise)):
            return True
        return bool(blocks_in(last)) and all(map(self.ends, blocks_in(last)))

    def tail(self, block: list[Any]) -> list[Any]:
        """A block in tail position."""
        made: list[Any] = []
        for position, node in enumerate(block):
            if isinstance(node, self.kinds):
                return [*made, *self.jump(node)]
            if isinstance(node, gast.Raise):
                return [*made, node]
            if not self.may_jump(node):
                made.append(node)
                continue
            rest = block[position + 1 :]
            blocks = blocks_in(node)
            going_on = [k for k, b in enumerate(blocks) if not self.ends(b)]
            if not rest or not going_on or (isinstance(node, (gast.If, gast.Try)) and len(going_on) == 1):
                # What follows belongs to the one branch that goes on.
                blocks = [[*b, *rest] if k in going_on else b for k, b in enumerate(blocks)]
                return [*made, with_blocks(node, [self.tail(b) for b in blocks])]
            made.append(assign(node, self.flag, gast.Constant(False, None)))
            made.extend(self.flagged([node]))
            return [*made, gast.copy_location(self.after(node, rest), node)]
        return made

    def flagged(self, block: list[Any]) -> list[Any]:
        """A block that is not in tail position: a jump sets the flag, what follows it tests the flag."""
        made: list[Any] = []
        for position, node in enumerate(block):
            if isinstance(node, self.kinds):
                return [*made, *self.flagged_jump(node)]
            if not self.may_jump(node):
                made.append(node)
                continue
            made.append(with_blocks(node, [self.flagged(b) for b in blocks_in(node)]))
            rest = block[position + 1 :]
            if rest:
                made.append(gast.copy_location(unless(self.flag, self.flagged(rest)), node))
            return made
        return made

    def keep_result(self, node: Any) -> list[Any]:
        """Bind what a `return` returns, and the flag."""
        if getattr(node, "kept", False):
            return []
        value = node.value if node.value is not None else gast.Constant(None, None)
        made = assign(node, RESULT, value)
        if self.arity is not None:
            targets = gast.Tuple([name_of(f"{RESULT}{k}", gast.Store()) for k in range(self.arity)], gast.Store())
            made = gast.copy_location(gast.Assign([targets], value, None), node)
        return [made, assign(node, RETURNED, gast.Constant(True, None))]

    def kept_result(self, node: Any) -> Any:
        """The `return` of what was bound."""
        value: Any = name_of(RESULT, gast.Load())
        if self.arity is not None:
            value = gast.Tuple([name_of(f"{RESULT}{k}", gast.Load()) for k in range(self.arity)], gast.Load())
        made = gast.copy_location(gast.Return(value), node)
        made.kept = True
        return made


def name_of(name: str, ctx: Any) -> Any:
    return gast.Name(name, ctx, None, None)


def unless(flag: str, body: list[Any]) -> Any:
    """What runs where a flag is not set; the test is the flag itself, so that it needs no name of its own."""
    return gast.If(name_of(flag, gast.Load()), [gast.Pass()], body)


def assign(node: Any, name: str, value: Any) -> Any:
    made = gast.Assign([name_of(name, gast.Store())], value, None)
    return gast.copy_location(made, node)
