"""Text to functions: what stands in the text is what runs.

The text is parsed again, each function of it is compiled inside a factory whose parameters are its siblings, helpers
and modules, and bound to the globals of the primal that it was made from; nothing is written into those globals. The
text is registered with `linecache` under a name made from its content, so that `inspect.getsource`, pdb and tracebacks
show it.
"""

from __future__ import annotations

import ast
import hashlib
import linecache
import sys
import threading
import types
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Binding:
    """How one function of a text is bound: the globals that it reads, and the cells of the primal's closure."""

    globals: dict[str, Any]
    cells: Mapping[str, Any]
    defaults: tuple[Any, ...] | None = None
    keyword_defaults: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None


def link(text: str, entry: str, bindings: Mapping[str, Binding], values: Mapping[str, Any]) -> types.FunctionType:
    """The entry function of a text.

    values: what siblings find under a name that no globals hold: helpers, modules, the user's own functions.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    filename = f"<s2sad {entry} {digest}>"
    tree = ast.parse(text, filename)
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    closures = {name: None for name in [*names, *values, *(c for b in bindings.values() for c in b.cells)]}
    outer = ast.parse("def _factory(): pass")
    factory = outer.body[0]
    assert isinstance(factory, ast.FunctionDef)
    factory.args.args = [ast.arg(name) for name in closures if name not in names]
    factory.body = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    for node in factory.body:
        # Annotations and defaults stand in the text to be read; they were evaluated once, for the primal.
        assert isinstance(node, ast.FunctionDef)
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            argument.annotation = None
        node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
        node.args.kw_defaults = [d and ast.Constant(None) for d in node.args.kw_defaults]
    ast.fix_missing_locations(outer)
    module = compile(outer, filename, "exec")
    inner = next(c for c in module.co_consts if isinstance(c, types.CodeType))
    codes = {c.co_name: _top_level(c) for c in inner.co_consts if isinstance(c, types.CodeType)}
    cells: dict[str, Any] = {name: types.CellType(values.get(name)) for name in closures}
    made: dict[str, types.FunctionType] = {}
    for name in names:
        code, binding = codes[name], bindings[name]
        closure = tuple(binding.cells[n] if n in binding.cells else cells[n] for n in code.co_freevars)
        function = types.FunctionType(code, binding.globals, name, None, closure)
        function.__defaults__ = binding.defaults
        function.__kwdefaults__ = binding.keyword_defaults
        function.__annotations__ = dict(binding.annotations or {})
        function.__module__ = binding.globals.get("__name__", "s2sad")
        function.__doc__ = ast.get_docstring(
            next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
        )
        cells[name].cell_contents = function
        made[name] = function
    result = made[entry]
    register(filename, text, result)
    return result


def _top_level(code: types.CodeType) -> types.CodeType:
    """The code under its own name, without that of the factory."""
    return code.replace(co_qualname=code.co_name) if sys.version_info >= (3, 11) else code


_users: dict[str, int] = {}
_lock = threading.RLock()


def register(filename: str, text: str, user: Any) -> None:
    """Show a text under a file name, for as long as `user` lives.

    Equal texts share a name: the last user takes it away.
    """
    with _lock:
        _users[filename] = _users.get(filename, 0) + 1
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    weakref.finalize(user, _release, filename).atexit = False


def _release(filename: str) -> None:
    with _lock:
        _users[filename] -= 1
        if not _users[filename]:
            del _users[filename]
            linecache.cache.pop(filename, None)
