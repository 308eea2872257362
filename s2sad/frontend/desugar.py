"""Rewrite jumps to structure: gast block in, gast block out.

After this pass
1. a `return` stands only at the end of a block in tail position:

       if x > 2:                     if x > 2:
           return x ** 2                 return x ** 2
       y = sin(x)                    else:
       return y * x                      y = sin(x)
                                         return y * x

2. there is no `continue`, and what follows a `break` in the body of its loop does nothing: the rest of the body
   stands in the other branch;

       for i in range(n):            for i in range(n):
           if c(i):                      if c(i):
               break                         break
           x = sin(x)                    else:
                                             x = sin(x)

3. a loop has no `else`; a loop that returns breaks, and the test of a flag after it returns; no test of a `while`
   binds a name.

4. there is no `match`: see `patterns`.

Where only some paths through an `if` jump, what follows runs under a test of a flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast

from s2sad.frontend.patterns import without_match
from s2sad.frontend.scopes import tuple_arity
from s2sad.frontend.source import Source

#: The hidden names of the flag and the value of an early return; no user's name has a dot.
RETURNED, RESULT = ".returned", ".result"


def one_exit(body: list[Any], source: Source) -> list[Any]:
    """The block with returns only in tail position, and structured loops."""
    arity = tuple_arity(source.node)
    return _Returns(arity).tail(_Loops(arity).block(without_match(body, source), 1))


def _blocks(node: Any) -> list[list[Any]]:
    """The blocks of a statement from which control goes on to what follows it: those of an `if`, not of a loop."""
    if isinstance(node, gast.With):
        return [node.body]
    return [node.body, node.orelse] if isinstance(node, gast.If) else []


def _with_blocks(node: Any, blocks: list[list[Any]]) -> Any:
    if isinstance(node, gast.With):
        return gast.copy_location(gast.With(node.items, *blocks, None), node)
    return gast.copy_location(gast.If(node.test, *blocks), node)


def _within(block: list[Any]) -> Iterator[Any]:
    """The statements of a block and of the branches in it, those of loops apart."""
    for node in block:
        yield node
        for inner in _blocks(node):
            yield from _within(inner)


class _Jumps:
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
        return any(isinstance(n, self.kinds) for n in _within([node]))

    def ends(self, block: list[Any]) -> bool:
        """Whether every path through a block jumps or raises."""
        last = block[-1] if block else None
        if isinstance(last, (*self.kinds, gast.Raise)):
            return True
        return bool(_blocks(last)) and all(map(self.ends, _blocks(last)))

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
            blocks = _blocks(node)
            going_on = [k for k, b in enumerate(blocks) if not self.ends(b)]
            if not rest or not going_on or (isinstance(node, gast.If) and len(going_on) == 1):
                # What follows belongs to the one branch that goes on.
                blocks = [[*b, *rest] if k in going_on else b for k, b in enumerate(blocks)]
                return [*made, _with_blocks(node, [self.tail(b) for b in blocks])]
            made.append(_assign(node, self.flag, gast.Constant(False, None)))
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
            made.append(_with_blocks(node, [self.flagged(b) for b in _blocks(node)]))
            rest = block[position + 1 :]
            if rest:
                made.append(gast.copy_location(_unless(self.flag, self.flagged(rest)), node))
            return made
        return made

    def keep_result(self, node: Any) -> list[Any]:
        """Bind what a `return` returns, and the flag."""
        if getattr(node, "kept", False):
            return []
        value = node.value if node.value is not None else gast.Constant(None, None)
        made = _assign(node, RESULT, value)
        if self.arity is not None:
            targets = gast.Tuple([_name(f"{RESULT}{k}", gast.Store()) for k in range(self.arity)], gast.Store())
            made = gast.copy_location(gast.Assign([targets], value, None), node)
        return [made, _assign(node, RETURNED, gast.Constant(True, None))]

    def kept_result(self, node: Any) -> Any:
        """The `return` of what was bound."""
        value: Any = _name(RESULT, gast.Load())
        if self.arity is not None:
            value = gast.Tuple([_name(f"{RESULT}{k}", gast.Load()) for k in range(self.arity)], gast.Load())
        made = gast.copy_location(gast.Return(value), node)
        made.kept = True
        return made


class _Returns(_Jumps):
    """The returns of a function's body; those in loops have become breaks."""

    kinds = (gast.Return,)
    flag = RETURNED

    def jump(self, node: Any) -> list[Any]:
        return [node]

    def flagged_jump(self, node: Any) -> list[Any]:
        return self.keep_result(node)

    def after(self, node: Any, rest: list[Any]) -> Any:
        return gast.If(_name(RETURNED, gast.Load()), [self.kept_result(node)], self.tail(rest))


class _Trips(_Jumps):
    """The jumps of a loop's body. `broken` is the flag that a break sets for the loop's `else`, or None."""

    kinds = (gast.Break, gast.Continue, gast.Return)

    def __init__(self, arity: int | None, depth: int, broken: str | None) -> None:
        super().__init__(arity)
        self.flag = "." * depth + "skipped"
        self.broken = broken

    def jump(self, node: Any) -> list[Any]:
        if isinstance(node, gast.Continue):
            return []
        made = self.keep_result(node) if isinstance(node, gast.Return) else []
        if self.broken is not None and not getattr(node, "by_test", False):
            made.append(_assign(node, self.broken, gast.Constant(True, None)))
        return [*made, gast.copy_location(gast.Break(), node)]

    def flagged_jump(self, node: Any) -> list[Any]:
        return [_assign(node, self.flag, gast.Constant(True, None)), *self.jump(node)]

    def after(self, node: Any, rest: list[Any]) -> Any:
        return _unless(self.flag, self.tail(rest))


class _Loops:
    """Structures the loops of a block, inner ones first."""

    def __init__(self, arity: int | None) -> None:
        self.arity = arity

    def block(self, block: list[Any], depth: int) -> list[Any]:
        """The block with structured loops; `depth` is that of a loop in it."""
        made: list[Any] = []
        for node in block:
            if isinstance(node, (gast.For, gast.While)):
                made += self.loop(node, depth)
            elif _blocks(node):
                made.append(_with_blocks(node, [self.block(b, depth) for b in _blocks(node)]))
            else:
                made.append(node)
        return made

    def loop(self, node: Any, depth: int) -> list[Any]:
        """The statements for a loop: its flags, the loop, the tests of the flags."""
        body, orelse = self.block(node.body, depth + 1), self.block(node.orelse, depth)
        test = getattr(node, "test", None)
        if test is not None and any(isinstance(n, gast.NamedExpr) for n in gast.walk(test)):
            over = gast.copy_location(gast.Break(), test)
            over.by_test = True
            body = [gast.copy_location(gast.If(gast.UnaryOp(gast.Not(), test), [over], []), node), *body]
            test = gast.copy_location(gast.Constant(True, None), test)
        jumps = [n for n in _within(body) if isinstance(n, (gast.Break, gast.Return))]
        returns = [n for n in jumps if isinstance(n, gast.Return)]
        broken = "." * depth + "broken" if orelse and any(not getattr(n, "by_test", False) for n in jumps) else None
        endless = isinstance(test, gast.Constant) and bool(test.value)
        body = _Trips(self.arity, depth, broken).tail(body) or [gast.Pass()]
        if isinstance(node, gast.For):
            loop = gast.For(node.target, node.iter, body, [], None)
        else:
            loop = gast.While(test, body, [])
        made = [gast.copy_location(loop, node)]
        flags = []
        if returns:
            value = _Returns(self.arity).kept_result(returns[0])
            if endless and len(jumps) == len(returns):
                return [*made, value]
            if depth == 1:
                flags.append(RETURNED)
            made.append(gast.copy_location(gast.If(_name(RETURNED, gast.Load()), [value], []), node))
        if broken is not None:
            flags.append(broken)
            made.append(gast.copy_location(_unless(broken, orelse), node))
        elif not endless or jumps:
            made += orelse
        return [*(_assign(node, flag, gast.Constant(False, None)) for flag in flags), *made]


def _name(name: str, ctx: Any) -> Any:
    return gast.Name(name, ctx, None, None)


def _unless(flag: str, body: list[Any]) -> Any:
    """What runs where a flag is not set; the test is the flag itself, so that it needs no name of its own."""
    return gast.If(_name(flag, gast.Load()), [gast.Pass()], body)


def _assign(node: Any, name: str, value: Any) -> Any:
    made = gast.Assign([_name(name, gast.Store())], value, None)
    return gast.copy_location(made, node)
