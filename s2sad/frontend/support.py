"""The table of Python constructs: which are accepted, and why the others are refused and what to write instead.

`check` walks a function once, before anything else, so that a refusal names the first construct that stands in the way.
"""

from __future__ import annotations

import gast

from s2sad.errors import S2sadError
from s2sad.frontend.source import Source

#: Constructs that are refused: node class -> (what it is, what to write instead).
REFUSED: dict[str, tuple[str, str]] = {
    "AsyncFor": ("an asynchronous loop", "use a plain `for`"),
    "AsyncFunctionDef": ("an asynchronous function", "use a plain `def`"),
    "AsyncWith": ("an asynchronous context", "use a plain `with`"),
    "Await": ("`await`", "compute the value outside and pass it in"),
    "ClassDef": ("a class definition in a function", "define the class at the top of the module"),
    "Global": ("writing a global variable", "return the value"),
    "TryStar": ("`try` with `except*`", "test for the condition with `if`"),
    "Yield": ("`yield`", "return the values in an array"),
    "YieldFrom": ("`yield from`", "return the values in an array"),
}


def check(source: Source) -> None:
    """Refuse, at its place, the first construct in a function that cannot be transformed."""
    body = source.node.body if isinstance(source.node.body, list) else [source.node.body]
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        name = type(node).__name__
        if name in REFUSED:
            what, instead = REFUSED[name]
            raise S2sadError("S201", f"{what} is not supported", source.place(node), help=instead)
        if name in ("Assert", "Raise", "JoinedStr"):
            continue  # these pass through as they are
        stack.extend(reversed(list(gast.iter_child_nodes(node))))
