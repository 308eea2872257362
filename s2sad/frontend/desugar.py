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

4. there is no `match`: see `patterns`;

5. a `try` has no `finally` and one handler, and none of its body's statements jumps out of it: see `attempts`.

Where only some paths through an `if` jump, what follows runs under a test of a flag.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from s2sad.frontend.attempts import Attempts
from s2sad.frontend.contexts import without_suppress
from s2sad.frontend.jumps import RETURNED, Jumps, assign, blocks_in, name_of, unless, with_blocks, within
from s2sad.frontend.patterns import without_match
from s2sad.frontend.scopes import tuple_arity
from s2sad.frontend.source import Source


def one_exit(body: list[Any], source: Source, suppresses: Callable[[Any], bool] = lambda call: False) -> list[Any]:
    """The block with returns only in tail position, and structured loops.

    suppresses: whether a call of a `with` makes the context `contextlib.suppress`.
    """
    arity = tuple_arity(source.node)
    body = without_suppress(without_match(body, source), suppresses)
    return _Returns(arity).tail(_Loops(arity, source).block(body, 1))


class _Returns(Jumps):
    """The returns of a function's body; those in loops have become breaks."""

    kinds = (gast.Return,)
    flag = RETURNED

    def jump(self, node: Any) -> list[Any]:
        return [node]

    def flagged_jump(self, node: Any) -> list[Any]:
        return self.keep_result(node)

    def after(self, node: Any, rest: list[Any]) -> Any:
        return gast.If(name_of(RETURNED, gast.Load()), [self.kept_result(node)], self.tail(rest))


class _Trips(Jumps):
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
            made.append(assign(node, self.broken, gast.Constant(True, None)))
        return [*made, gast.copy_location(gast.Break(), node)]

    def flagged_jump(self, node: Any) -> list[Any]:
        return [assign(node, self.flag, gast.Constant(True, None)), *self.jump(node)]

    def after(self, node: Any, rest: list[Any]) -> Any:
        return unless(self.flag, self.tail(rest))


class _Loops:
    """Structures the loops of a block, inner ones first."""

    def __init__(self, arity: int | None, source: Source) -> None:
        self.arity = arity
        self.attempts = Attempts(arity, source)

    def block(self, block: list[Any], depth: int) -> list[Any]:
        """The block with structured loops; `depth` is that of a loop in it."""
        made: list[Any] = []
        for node in block:
            if isinstance(node, (gast.For, gast.While)):
                made += self.loop(node, depth)
            elif isinstance(node, gast.Try):
                made += self.attempts.attempt(node, lambda b: self.block(b, depth))
            elif blocks_in(node):
                made.append(with_blocks(node, [self.block(b, depth) for b in blocks_in(node)]))
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
        jumps = [n for n in within(body) if isinstance(n, (gast.Break, gast.Return))]
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
            made.append(gast.copy_location(gast.If(name_of(RETURNED, gast.Load()), [value], []), node))
        if broken is not None:
            flags.append(broken)
            made.append(gast.copy_location(unless(broken, orelse), node))
        elif not endless or jumps:
            made += orelse
        return [*(assign(node, flag, gast.Constant(False, None)) for flag in flags), *made]
