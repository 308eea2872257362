"""From a live function, or a file and a name, to the function's source.

In: a Python function object, or a path and a dotted name.
Out: a ``Source``: the whole text of its file or cell, the gast node of the function in it, and its names.

A live function is believed to stem from a text only if compiling that text gives the same bytecode: a file edited
after its import would otherwise be differentiated in place of what runs.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import functools
import io
import linecache
import os
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gast

from s2sad.errors import Place, S2sadError
from s2sad.frontend.parse import (
    character_column,
    children,
    compile_text,
    copy_tree,
    parse_ast,
    parse_module,
    split_lines,
    walk,
)

# Flags below this are about a single code object (nested, generator, …), not about the text.
_FUTURE_FLAGS = 0
for _feature in __future__.all_feature_names:
    _flag = getattr(__future__, _feature).compiler_flag
    _FUTURE_FLAGS |= _flag if _flag > 0xFFFF else 0
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
_ITERABLE_COROUTINE = 0x100
_HEAP_TYPE = 1 << 9
_BRANCHES = (gast.If, gast.For, gast.AsyncFor, gast.While, gast.Try, gast.TryStar, gast.Match)
_FUNCTIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda)
_KEPT_FILES = 32

_KINDS = {
    "S105": ("a generator", "return a list or an array of what it yields"),
    "S106": ("a coroutine", "put the numerical part in a function that does not await"),
    "S107": ("an asynchronous generator", "put the numerical part in a function that neither awaits nor yields"),
}


@dataclass(frozen=True)
class Source:
    """A function in its text.

    ``node`` is the caller's own copy and may be changed; its positions (``col_offset`` in UTF-8 bytes) refer to
    ``text``, whose lines all end in a newline character alone. ``name`` of a lambda is what it is assigned to, or
    ``lambda_``. ``class_name`` is the innermost class around, also across functions, as private names need it.

    >>> source = read_file(__file__, "Source.place")
    >>> source.name, source.qualname, source.class_name
    ('place', 'Source.place', 'Source')
    """

    file: str
    text: str
    node: gast.FunctionDef | gast.Lambda
    name: str
    qualname: str
    class_name: str | None

    def place(self, node: Any) -> Place:
        """Where a node of this text stands.

        >>> source = Source("model.py", "é = x", parse_module("é = x", "model.py"), "", "", None)
        >>> source.place(source.node.body[0].value)
        Place(file='model.py', line=1, column=5, end_line=1, end_column=6, text='é = x')
        """
        return _place(self.file, self.text, node)

    def segment(self, node: Any) -> str:
        r"""The user's text of a node: expressions and simple statements on one line, a block dedented.

        What spans lines is joined without its comments, unless a string in it spans lines.

        >>> text = "if x:\n    y = f(  # once\n        x,\n        2,\n    )\n"
        >>> source = Source("model.py", text, parse_module(text, "model.py"), "", "", None)
        >>> source.segment(source.node.body[0].body[0])
        'y = f(x, 2)'
        >>> print(source.segment(source.node.body[0]).splitlines()[0])
        if x:
        """
        place = self.place(node)
        lines = place.text.split("\n")
        if len(lines) == 1:
            return lines[0][place.column - 1 : place.end_column - 1]
        margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
        lines[-1] = lines[-1][: place.end_column - 1]
        lines[0] = lines[0][place.column - 1 :]
        dedented = "\n".join([lines[0], *(line.removeprefix(margin) for line in lines[1:])])
        if isinstance(getattr(node, "body", None), list) or isinstance(node, gast.Match):
            return dedented
        return _on_one_line("\n".join(lines)) or dedented


def read_function(function: Any, *, unwrap: bool = False) -> Source:
    """The source of a live Python function.

    With ``unwrap``, a function wrapped by decorators that set ``__wrapped__`` (as ``functools.wraps`` does) stands for
    the innermost one. Bound methods, partial objects and callable instances are for the caller to take apart.

    >>> read_function(mangle_example := lambda x: 2 * x).name
    'mangle_example'
    """
    function = _python_function(function, unwrap)
    code = function.__code__
    kind = _kind_by_flags(code.co_flags)
    try:
        file, text = _text_of(function)
        flags = code.co_flags & _FUTURE_FLAGS
        entry = _entry_of(code, file, text, flags)
    except S2sadError:
        if kind:
            raise _refused_kind(kind, function.__qualname__, None) from None
        raise
    except RecursionError:
        reason = f"{function.__qualname__} is nested too deeply to be compiled again"
        raise S2sadError("S206", reason, help="split it up") from None
    if kind:
        raise _refused_kind(kind, entry.qualname, _header(file, text, entry.node))
    return _source(file, text, entry)


def read_file(path: str | os.PathLike[str], name: str) -> Source:
    """The source of a function in a file that is not imported; the name may be dotted.

    Where a scope defines the name again and again, the last definition counts, as in Python.

    >>> read_file(__file__, "read_file").node.lineno > 1
    True
    >>> read_file(__file__, "Source.plaice")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    s2sad.errors.S2sadError: [S112] ... has no function 'Source.plaice'
    help: did you mean 'Source.place'?
    """
    file = os.fspath(path)
    text = _read_text(file)
    module, entries = _index(file, text)
    found = [entry for entry in entries if entry.dotted == name]
    if not found:
        raise _no_such_name(file, text, module, name, [entry.dotted for entry in entries if entry.dotted])
    entry = found[-1]
    if len(found) > 1 and (not entry.settled or any(_is_accessor(other.node) for other in found)):
        reason = f"{name} is defined {len(found)} times, and which one counts is known only when the file runs"
        raise S2sadError(
            "S113", reason, _header(file, text, entry.node), help="give them different names, or import the module"
        )
    kind = _kind_by_syntax(entry.node)
    if kind:
        raise _refused_kind(kind, entry.qualname, _header(file, text, entry.node))
    return _source(file, text, entry)


def read_tree(path: str | os.PathLike[str]) -> tuple[str, Any]:
    """The text of a file that is not imported, and its gast tree, which is shared: not to be changed.

    >>> read_tree(__file__)[0].count("def read_tree")
    2
    """
    file = os.fspath(path)
    text = _read_text(file)
    return text, _index(file, text)[0]


# ---- what is not a Python function ----


def _python_function(function: Any, unwrap: bool) -> types.FunctionType:
    seen: set[int] = set()
    while unwrap and hasattr(function, "__wrapped__") and id(function) not in seen:
        seen.add(id(function))
        function = function.__wrapped__
    if isinstance(function, types.FunctionType):
        return function
    if isinstance(function, type):
        raise S2sadError(
            "S104",
            f"{function.__qualname__} is a class, not a function",
            help="give a method of it, or a function that makes an instance and calls it",
        )
    kind = type(function)
    if isinstance(getattr(function, "__wrapped__", None), types.FunctionType) and not _is_of_numpy(function):
        name = function.__wrapped__.__qualname__
        place = None
        with contextlib.suppress(S2sadError):
            inner = read_function(function.__wrapped__)
            place = _header(inner.file, inner.text, inner.node)
        raise S2sadError(
            "S109",
            f"{name} is wrapped in an object of type {kind.__qualname__}, which is not a Python function",
            place,
            help=f"give what it wraps: {name}.__wrapped__",
        )
    wrapped_by_python = isinstance(function, (types.MethodType, staticmethod, classmethod))
    if callable(function) and not wrapped_by_python and (not kind.__flags__ & _HEAP_TYPE or _is_of_numpy(function)):
        name = getattr(function, "__name__", kind.__qualname__)
        raise S2sadError(
            "S102",
            f"{name} has no Python source: it is of type {kind.__qualname__}, which is written in C",
            help=f"call it from a function: lambda x: {name}(x)",
        )
    raise S2sadError(
        "S109",
        f"an object of type {kind.__qualname__} is not a Python function",
        help="give a function made by def or lambda" if not wrapped_by_python else "give its __func__",
    )


def _is_of_numpy(function: Any) -> bool:
    """Whether this is a ufunc or a dispatcher, told without importing numpy."""
    return type(function).__module__.partition(".")[0] == "numpy"


def _kind_by_flags(flags: int) -> str | None:
    if flags & _ASYNC_GENERATOR:
        return "S107"
    if flags & _COROUTINE:
        return "S106"
    return "S105" if flags & _GENERATOR else None


def _kind_by_syntax(node: Any) -> str | None:
    yields = False
    pending = list(node.body) if isinstance(node.body, list) else [node.body]
    while pending and not yields:
        inner = pending.pop()
        yields = isinstance(inner, (gast.Yield, gast.YieldFrom))
        if not isinstance(inner, (*_FUNCTIONS, gast.ClassDef)):
            pending += children(inner)
    if isinstance(node, gast.AsyncFunctionDef):
        return "S107" if yields else "S106"
    return "S105" if yields else None


def _refused_kind(code: str, name: str, place: Place | None) -> S2sadError:
    what, help = _KINDS[code]
    return S2sadError(code, f"{name} is {what}, which cannot be differentiated", place, help=help)


# ---- the text ----


def _text_of(function: types.FunctionType) -> tuple[str, str]:
    """The file of a function as users see it, and its whole text."""
    code = function.__code__
    file = code.co_filename
    if os.path.isfile(file):
        return file, _read_text(file)
    spec: Any = function.__globals__.get("__spec__")
    if getattr(spec, "origin", None) == file and hasattr(getattr(spec, "loader", None), "get_source"):
        # Within a zip file. linecache would do, but it splits lines at form feeds.
        try:
            text = spec.loader.get_source(spec.name)
        except (ImportError, OSError, SyntaxError, UnicodeDecodeError):
            text = None
        if text is not None:
            return file, "\n".join(split_lines(text))
    linecache.checkcache(file)
    lines = linecache.getlines(file, function.__globals__)
    if not lines:
        # Python 3.13 and later keep the text of `python -c` by code object.
        by_code = getattr(linecache, "_getlines_from_code", None)
        lines = by_code(code) if by_code is not None else []
    if lines:
        return file, "".join(lines)
    if file.startswith("<"):
        reason = (
            f"the source of {function.__qualname__} is not kept anywhere: it was typed in or executed from a string"
        )
        help = "define it in a file or a notebook, or register its text in linecache"
    else:
        reason = f"the source of {function.__qualname__} was not found: there is no file {file}"
        help = "ship the .py files, or define the function in a file that is there"
    raise S2sadError("S101", reason, help=help)


def _read_text(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except (OSError, ValueError) as error:
        # A null byte in a path is a ValueError.
        reason = getattr(error, "strerror", None) or str(error)
        raise S2sadError("S110", f"cannot read {file}: {reason}", help="give the path of a Python file") from None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, LookupError, UnicodeDecodeError) as error:
        reason = (error.msg if isinstance(error, SyntaxError) else str(error)) or "unknown encoding"
        raise S2sadError(
            "S111",
            f"cannot decode {file}: {reason}",
            help="save it as UTF-8, or name its encoding in the first line: # -*- coding: latin-1 -*-",
        ) from None
    return "\n".join(split_lines(text))


# ---- the functions of a text ----


@dataclass(frozen=True)
class _Entry:
    """A function of a text: ``line`` and ``code_name`` are its code object's, ``dotted`` is for ``read_file``."""

    node: Any
    line: int
    code_name: str
    name: str
    qualname: str
    class_name: str | None
    dotted: str | None
    settled: bool


@dataclass(frozen=True)
class _Scope:
    qualname: str
    dotted: str | None
    class_name: str | None
    is_function: bool
    # Names that the scope declares global: a function defined under one is known by that name alone.
    globals: set[str]


@functools.lru_cache(maxsize=_KEPT_FILES)
def _index(file: str, text: str) -> tuple[Any, tuple[_Entry, ...]]:
    """The tree of a text and its functions in order. Kept, so that the functions of one file parse it once."""
    module = parse_module(text, file)
    entries: list[_Entry] = []
    targets: dict[int, Any] = {}
    pending: list[tuple[Any, _Scope, bool]] = [(module, _Scope("", "", None, False, set()), True)]
    while pending:
        node, scope, settled = pending.pop()
        if isinstance(node, gast.Global):
            scope.globals.update(node.names)
        elif isinstance(node, gast.Assign):
            targets.update((id(made), target) for made, target in _assigned_lambdas(node.targets[0], node.value))
        elif isinstance(node, (gast.AnnAssign, gast.NamedExpr)) and node.value is not None:
            targets.update((id(made), target) for made, target in _assigned_lambdas(node.target, node.value))
        inner = scope
        if isinstance(node, _FUNCTIONS):
            entry = _entry(node, scope, targets.get(id(node)), settled)
            entries.append(entry)
            inner = _Scope(f"{entry.qualname}.<locals>", entry.dotted, scope.class_name, True, set())
        elif isinstance(node, gast.ClassDef):
            dotted = None if scope.dotted is None else _join(scope.dotted, node.name)
            inner = _Scope(_qualname(node.name, scope), dotted, node.name, False, set())
        # Decorators, defaults, annotations and bases belong to the scope around.
        body = node.body if isinstance(getattr(node, "body", None), list) else [getattr(node, "body", None)]
        in_body = {id(child) for child in body} if inner is not scope else set()
        for child in reversed(children(node)):
            if id(child) in in_body:
                pending.append((child, inner, True))
            else:
                pending.append((child, scope, settled and not isinstance(node, _BRANCHES)))
    return module, tuple(entries)


def _entry(node: Any, scope: _Scope, target: Any, settled: bool) -> _Entry:
    line = node.lineno
    if isinstance(node, gast.Lambda):
        code_name = "<lambda>"
        name = "lambda_" if target is None else getattr(target, "id", None) or target.attr
        named = isinstance(target, gast.Name)
    else:
        code_name = name = node.name
        named = True
        if node.decorator_list:
            line = node.decorator_list[0].lineno
    dotted = _join(scope.dotted, name) if named and scope.dotted is not None else None
    return _Entry(node, line, code_name, name, _qualname(code_name, scope), scope.class_name, dotted, settled)


def _qualname(name: str, scope: _Scope) -> str:
    return name if name in scope.globals else _join(scope.qualname, name)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _assigned_lambdas(target: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """The lambdas of an assignment, each with the name or attribute that it goes to."""
    pending = [(target, value)]
    while pending:
        target, value = pending.pop()
        if isinstance(value, gast.Lambda) and isinstance(target, (gast.Name, gast.Attribute)):
            yield value, target
        elif isinstance(value, (gast.Tuple, gast.List)) and isinstance(target, (gast.Tuple, gast.List)):
            starred = any(isinstance(item, gast.Starred) for item in (*value.elts, *target.elts))
            if not starred and len(value.elts) == len(target.elts):
                pending += zip(target.elts, value.elts)


def _is_accessor(node: Any) -> bool:
    """Whether a decorator, as of a property, keeps the earlier functions of the same name in use."""
    return any(
        isinstance(decorator, gast.Attribute) and decorator.attr in ("getter", "setter", "deleter", "register")
        for decorator in getattr(node, "decorator_list", [])
    )


def _no_such_name(file: str, text: str, module: Any, name: str, known: list[str]) -> S2sadError:
    scope = module
    for part in name.split("."):
        body = [] if scope is None else scope.body
        scope = next((node for node in body if isinstance(node, gast.ClassDef) and node.name == part), None)
    if scope is not None:
        help = f"name a method of it, as {name}.method"
        return S2sadError("S104", f"{name} is a class, not a function", _header(file, text, scope), help=help)
    import difflib

    near = difflib.get_close_matches(name, known, n=3)
    likely = " or ".join(repr(other) for other in near)
    help = f"did you mean {likely}?" if likely else "name a function that is defined there"
    return S2sadError("S112", f"{file} has no function {name!r}", help=help)


def _source(file: str, text: str, entry: _Entry) -> Source:
    return Source(file, text, copy_tree(entry.node), entry.name, entry.qualname, entry.class_name)


# ---- the function of a code object ----


def _entry_of(code: types.CodeType, file: str, text: str, flags: int) -> _Entry:
    """The function of a text whose compiled code is this one."""
    _, entries = _index(file, text)
    compiled = _compiled(file, text, flags)
    found = [entry for entry in entries if (entry.line, entry.code_name) == (code.co_firstlineno, code.co_name)]
    if len(found) > 1:
        made = _codes_on_own_lines(found, file, text, flags)
    else:
        made = {id(entry): compiled.get((entry.line, entry.code_name), []) for entry in found}
    # A body of a `finally` is compiled twice, hence several codes for one function.
    fits = [entry for entry in found if any(_same(code, other, entry.node) for other in made[id(entry)])]
    if not fits:
        raise S2sadError(
            "S103",
            f"{code.co_name} at {file}:{code.co_firstlineno} is not what the file holds now",
            _header(file, text, found[0].node) if found else None,
            help="reload the module, or run the cell again; an import hook that rewrites code also causes this",
        )
    if len(fits) > 1:
        fits = [entry for entry in fits if _stands_in(code, entry.node.body)] or fits
    if len(fits) > 1 and len({_on_one_line(_segment(text, entry.node)) for entry in fits}) > 1:
        raise S2sadError(
            "S113",
            f"{len(fits)} lambdas on this line compile to the same code",
            _place(file, text, fits[0].node),
            help="put each on a line of its own, or use def",
        )
    return fits[0]


@functools.lru_cache(maxsize=_KEPT_FILES)
def _compiled(file: str, text: str, flags: int) -> dict[tuple[int, str], list[types.CodeType]]:
    """The code objects of a text by first line and name."""
    codes: dict[tuple[int, str], list[types.CodeType]] = {}
    for code in _nested(compile_text(text, file, flags, text)):
        codes.setdefault((code.co_firstlineno, code.co_name), []).append(code)
    return codes


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    pending = [code]
    while pending:
        code = pending.pop()
        yield code
        pending += [constant for constant in reversed(code.co_consts) if isinstance(constant, types.CodeType)]


def _codes_on_own_lines(found: list[_Entry], file: str, text: str, flags: int) -> dict[int, list[types.CodeType]]:
    """The code of each of several lambdas on one line.

    Neither Python 3.10, which has no columns, nor a constant that two equal lambdas share tells them apart. So each
    is compiled as if it stood on a line of its own, past the end of the text; its code is then known by that line.
    """
    tree = parse_ast(text, file)
    past = text.count("\n") + 2
    wanted = {_span(entry.node): index for index, entry in enumerate(found)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and _span(node) in wanted:
            node.lineno = node.end_lineno = past + wanted[_span(node)]
            node.col_offset = node.end_col_offset = 0
    made: dict[int, list[types.CodeType]] = {id(entry): [] for entry in found}
    for code in _nested(compile_text(tree, file, flags, text)):
        if code.co_firstlineno >= past:
            made[id(found[code.co_firstlineno - past])].append(code)
    return made


def _span(node: Any) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _stands_in(code: types.CodeType, body: Any) -> bool:
    """Whether the instructions of a code have positions, and all within this expression."""
    if not hasattr(code, "co_positions"):
        return False
    # Those at columns (0, 0) stand for the function as a whole.
    spans = [span for span in code.co_positions() if None not in span and span[2:] != (0, 0)]
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return bool(spans) and all(start <= (s[0], s[2]) and (s[1], s[3]) <= end for s in spans)


def _same(live: types.CodeType, fresh: types.CodeType, node: Any) -> bool:
    if _same_code(live, fresh):
        return True
    if any(_is_rewritten(code) for code in _nested(live)):
        asserts = {line for inner in walk(node) if isinstance(inner, gast.Assert) for line in _lines(inner)}
        return _same_but_for_asserts(live, fresh, asserts)
    return False


def _same_code(live: types.CodeType, fresh: types.CodeType) -> bool:
    """Whether two codes do the same, wherever they stand."""
    return (
        _signature(live) == _signature(fresh)
        and live.co_code == fresh.co_code
        and live.co_names == fresh.co_names
        and live.co_varnames == fresh.co_varnames
        and _same_constant(live.co_consts, fresh.co_consts)
    )


def _signature(code: types.CodeType) -> tuple[Any, ...]:
    return (
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        # types.coroutine sets this one afterwards.
        code.co_flags & ~_ITERABLE_COROUTINE,
        code.co_freevars,
        code.co_cellvars,
    )


def _same_constant(live: Any, fresh: Any) -> bool:
    if type(live) is not type(fresh):
        return False
    if isinstance(live, types.CodeType):
        return _same_code(live, fresh)
    if isinstance(live, tuple):
        return len(live) == len(fresh) and all(map(_same_constant, live, fresh))
    if isinstance(live, frozenset):
        return {(type(item), repr(item)) for item in live} == {(type(item), repr(item)) for item in fresh}
    # By repr: 0.0 and -0.0 are equal and differ, nan is not equal to itself.
    return repr(live) == repr(fresh)


# pytest rewrites the asserts of test modules before it compiles them. The rest of such a function is compared.


def _is_rewritten(code: types.CodeType) -> bool:
    return any(name.startswith("@py") for name in (*code.co_names, *code.co_varnames))


def _lines(node: Any) -> range:
    return range(node.lineno, node.end_lineno + 1)


def _same_but_for_asserts(live: types.CodeType, fresh: types.CodeType, asserts: set[int]) -> bool:
    """Whether two codes do the same on the lines without an assert, as far as rewriting leaves that to be seen."""
    live_nested = [constant for constant in live.co_consts if isinstance(constant, types.CodeType)]
    fresh_nested = [constant for constant in fresh.co_consts if isinstance(constant, types.CodeType)]
    live_numbers = {repr(number) for number in live.co_consts if isinstance(number, (int, float, complex))}
    fresh_numbers = {repr(number) for number in fresh.co_consts if isinstance(number, (int, float, complex))}
    return (
        _signature(live) == _signature(fresh)
        and tuple(name for name in live.co_varnames if not name.startswith("@py")) == fresh.co_varnames
        and set(fresh.co_names) - {"AssertionError"} <= set(live.co_names)
        and fresh_numbers <= live_numbers
        and _operations(live, asserts) == _operations(fresh, asserts)
        and len(live_nested) == len(fresh_nested)
        and all(_same_but_for_asserts(*pair, asserts) for pair in zip(live_nested, fresh_nested))
    )


def _operations(code: types.CodeType, left_out: set[int]) -> dict[int, set[tuple[int, int]]]:
    """The operations on each line. Rewriting renumbers names and constants and moves jumps: those are left out."""
    import opcode

    renumbered = {0, opcode.EXTENDED_ARG, opcode.opmap["NOP"]}
    for group in ("hasname", "haslocal", "hasconst", "hasfree", "hasjrel", "hasjabs"):
        renumbered.update(getattr(opcode, group))
    operations: dict[int, set[tuple[int, int]]] = {}
    for start, end, line in code.co_lines():
        if line is None or line in left_out:
            continue
        pairs = zip(code.co_code[start:end:2], code.co_code[start + 1 : end : 2])
        operations.setdefault(line, set()).update(pair for pair in pairs if pair[0] not in renumbered)
    return operations


# ---- places and pieces of text ----


@functools.lru_cache(maxsize=_KEPT_FILES)
def _lines_of(text: str) -> tuple[str, ...]:
    return tuple(split_lines(text))


def _place(file: str, text: str, node: Any) -> Place:
    lines = _lines_of(text)
    line = min(node.lineno, len(lines))
    end_line = getattr(node, "end_lineno", None) or line
    end_line = min(max(end_line, line), len(lines))
    column = character_column(lines[line - 1], node.col_offset)
    end_offset = getattr(node, "end_col_offset", None)
    last = lines[end_line - 1]
    end_column = len(last) + 1 if end_offset is None else character_column(last, end_offset)
    return Place(file, line, column, end_line, end_column, "\n".join(lines[line - 1 : end_line]))


def _header(file: str, text: str, node: Any) -> Place:
    """The place of a definition: its first line, from `def` on; a lambda whole."""
    place = _place(file, text, node)
    if isinstance(node, gast.Lambda):
        return place
    line = place.text.split("\n")[0]
    return Place(file, place.line, place.column, place.line, len(line.rstrip()) + 1, line)


def _segment(text: str, node: Any) -> str:
    place = _place("", text, node)
    lines = place.text.split("\n")
    lines[-1] = lines[-1][: place.end_column - 1]
    lines[0] = lines[0][place.column - 1 :]
    return "\n".join(lines)


def _on_one_line(text: str) -> str:
    """A piece of text on one line, without comments; nothing if a string in it spans lines.

    >>> _on_one_line("f(  # once\\n    x,\\n    (2,\\n    ),\\n)")
    'f(x, (2,))'
    """
    if "\n" not in text:
        return text
    comments: dict[int, int] = {}
    try:
        # In parentheses, so that no line break ends a statement.
        for token in tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = token.start[1]
            elif token.start[0] != token.end[0] and token.type not in (tokenize.NEWLINE, tokenize.NL):
                return ""
    except (tokenize.TokenError, SyntaxError):
        return ""
    joined = ""
    # The commas that stood at the end of a line before a closing bracket.
    commas: list[int] = []
    for row, line in enumerate(f"({text}".split("\n"), start=1):
        piece = line[: comments.get(row)].strip().removesuffix("\\").rstrip()
        if joined.endswith(",") and piece.startswith((")", "]", "}")):
            commas.append(len(joined) - 1)
        elif joined and piece and not joined.endswith(("(", "[", "{")) and not piece.startswith((")", "]", "}")):
            joined += " "
        joined += piece
    for comma in reversed(commas):
        shorter = joined[:comma] + joined[comma + 1 :]
        if _means_the_same(joined[1:], shorter[1:]):
            joined = shorter
    return joined[1:]


def _means_the_same(text: str, other: str) -> bool:
    """Whether two texts parse to the same tree; not, if one is no statement by itself."""
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))
    except (SyntaxError, RecursionError, MemoryError):
        return False
