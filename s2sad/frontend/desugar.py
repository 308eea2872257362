"""Rewrite early returns to one exit: gast block in, gast block out.

After this pass a `return` stands only at the end of a block in tail position:

    if x > 2:                     if x > 2:
        return x ** 2                 return x ** 2
    y = sin(x)                    else:
    return y * x                      y = sin(x)
                                      return y * x

Where only some paths through an `if` return, what follows runs under a test of a flag.
"""

from __future__ import annotations

from typing import Any

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.source import Source

#: The hidden names of the flag and the value of an early return; no user's name has a dot.
RETURNED, RESULT = ".returned", ".result"


def one_exit(body: list[Any], source: Source) -> list[Any]:
    """The block with returns only in tail position."""
    for node in body:
        _refuse_in_loops(node, source)
    return _Returns().tail(body)


def _refuse_in_loops(node: Any, source: Source) -> None:
    for inner in gast.walk(node) if isinstance(node, (gast.For, gast.While)) else ():
        if isinstance(inner, gast.Return):
            raise S2sadError(
                "S201", "`return` inside a loop is not supported", source.place(inner), help="return after the loop"
            )
    if isinstance(node, gast.If):
        for child in (*node.body, *node.orelse):
            _refuse_in_loops(child, source)


def _ends(block: list[Any]) -> bool:
    """Whether every path through a block returns or raises."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, (gast.Return, gast.Raise)):
        return True
    return isinstance(last, gast.If) and _ends(last.body) and _ends(last.orelse)


def _may_return(node: Any) -> bool:
    if isinstance(node, gast.Return):
        return True
    return isinstance(node, gast.If) and any(map(_may_return, (*node.body, *node.orelse)))


class _Returns:
    def tail(self, block: list[Any]) -> list[Any]:
        """A block in tail position."""
        made: list[Any] = []
        for position, node in enumerate(block):
            if isinstance(node, (gast.Return, gast.Raise)):
                return [*made, node]
            if not _may_return(node):
                made.append(node)
                continue
            rest = block[position + 1 :]
            if _ends(node.body):
                return [*made, self._if(node, self.tail(node.body), self.tail([*node.orelse, *rest]))]
            if _ends(node.orelse):
                return [*made, self._if(node, self.tail([*node.body, *rest]), self.tail(node.orelse))]
            if not rest:
                return [*made, self._if(node, self.tail(node.body), self.tail(node.orelse))]
            made.append(_assign(node, RETURNED, gast.Constant(False, None)))
            made.extend(self.flagged([node]))
            value = gast.Return(_name(RESULT, gast.Load()))
            test = gast.If(_name(RETURNED, gast.Load()), [gast.copy_location(value, node)], self.tail(rest))
            return [*made, gast.copy_location(test, node)]
        return made

    def flagged(self, block: list[Any]) -> list[Any]:
        """A block that is not in tail position: a return sets the flag, what follows it tests the flag."""
        made: list[Any] = []
        for position, node in enumerate(block):
            if isinstance(node, gast.Return):
                value = node.value if node.value is not None else gast.Constant(None, None)
                return [*made, _assign(node, RESULT, value), _assign(node, RETURNED, gast.Constant(True, None))]
            if not _may_return(node):
                made.append(node)
                continue
            made.append(self._if(node, self.flagged(node.body), self.flagged(node.orelse)))
            rest = block[position + 1 :]
            if rest:
                unless = gast.UnaryOp(gast.Not(), _name(RETURNED, gast.Load()))
                made.append(gast.copy_location(gast.If(unless, self.flagged(rest), []), node))
            return made
        return made

    @staticmethod
    def _if(node: Any, body: list[Any], orelse: list[Any]) -> Any:
        return gast.copy_location(gast.If(node.test, body, orelse), node)


def _name(name: str, ctx: Any) -> Any:
    return gast.Name(name, ctx, None, None)


def _assign(node: Any, name: str, value: Any) -> Any:
    made = gast.Assign([_name(name, gast.Store())], value, None)
    return gast.copy_location(made, node)
