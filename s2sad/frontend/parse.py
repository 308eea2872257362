"""From text to a gast tree.

In: the whole text of a file or a notebook cell, and the name under which users know it.
Out: a ``gast.Module`` that is the same on every supported Python, or an ``S2sadError`` at the place of the mistake.
Nothing here recurses, so a sum of a thousand terms or a long chain of ``elif`` parses like any other text.

Identifiers come out in NFKC, as Python itself looks them up: ``ast`` normalises them. They are not mangled, since
what is mangled depends on the class around: ``mangle`` is for whoever looks a name up.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import gast

from s2sad.errors import Place, S2sadError

# What CPython says when a limit of its parser is met: the text is valid, but deeper than it goes.
_LIMITS = ("too many nested parentheses", "too many levels of indentation", "too many statically nested blocks")
_POSITIONS = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_DEEP_HELP = "split it into several statements, with names for the parts"


def parse_module(text: str, file: str) -> Any:
    """Parse a whole text into a ``gast.Module``.

    >>> gast.dump(parse_module("y = 2", "model.py").body[0].value)
    'Constant(value=2, kind=None)'
    >>> parse_module("y = (2", "model.py")
    Traceback (most recent call last):
    s2sad.errors.S2sadError: model.py:1:5: [S108] '(' was never closed
    1 | y = (2
      |     ^
    help: mend the text: Python cannot read it
    """
    return to_gast(parse_ast(text, file))


def parse_ast(text: str, file: str) -> ast.Module:
    """Parse a whole text with ``ast``, errors as located ones.

    >>> type(parse_ast("y = 2", "model.py").body[0]).__name__
    'Assign'
    """
    with located_syntax_errors(text, file), _without_warnings():
        return ast.parse(text.removeprefix("\ufeff"), filename=file)


def compile_text(text: str | ast.Module, file: str, flags: int, shown: str) -> Any:
    """Compile a whole text, or its tree, as Python did when the module was made; ``shown`` is the text for errors.

    ``flags`` are the ``__future__`` features in force, which a notebook keeps from earlier cells.

    >>> compile_text("y = 2", "model.py", 0, "y = 2").co_names
    ('y',)
    """
    # A notebook cell may await at its top; functions compile to the same code under this flag.
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    source = text.removeprefix("\ufeff") if isinstance(text, str) else text
    with located_syntax_errors(shown, file), _without_warnings():
        return compile(source, file, "exec", flags=flags, dont_inherit=True)


def mangle(name: str, class_name: str | None) -> str:
    """The name under which Python looks up a private name within a class.

    >>> mangle("__weights", "Model"), mangle("__weights", "_Model"), mangle("__weights", None)
    ('_Model__weights', '_Model__weights', '__weights')
    >>> mangle("__init__", "Model"), mangle("_weights", "Model"), mangle("__weights", "__")
    ('__init__', '_weights', '__weights')
    """
    if class_name is None or not name.startswith("__") or name.endswith("__") or "." in name:
        return name
    owner = class_name.lstrip("_")
    return f"_{owner}{name}" if owner else name


def split_lines(text: str) -> list[str]:
    r"""The lines of a text as Python counts them: a form feed or a line separator does not end a line.

    >>> split_lines("a\r\nb\rc\n\x0cd\u2028e")
    ['a', 'b', 'c', '\x0cd\u2028e']
    """
    return re.split("\r\n|\r|\n", text)


def character_column(line: str, offset: int) -> int:
    """The 1-based column, in characters, of an offset in UTF-8 bytes.

    >>> character_column("é = x", 5)
    5
    """
    if line.isascii():
        return offset + 1
    return len(line.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1


def to_gast(node: ast.AST) -> Any:
    """Convert an ``ast`` tree into a new ``gast`` tree, without recursion.

    Guarantees, beyond what ``gast.ast_to_gast`` does:

    1. any depth converts;
    2. fields that only later Pythons have are present: ``type_params`` is ``[]``, ``default_value`` is ``None``;
    3. nodes within an f-string have the f-string's position, since before Python 3.12 their own is wrong;
    4. an f-string has no empty pieces of text, which some releases of Python 3.12 leave in;
    5. the name of an exception handler has the handler's position.

    >>> gast.dump(to_gast(ast.parse("lambda x: x", mode="eval").body.args.args[0]))
    "Name(id='x', ctx=Param(), annotation=None, type_comment=None)"
    """
    return _rebuild(node)


def copy_tree(node: Any) -> Any:
    """Copy a gast tree, positions included, without recursion.

    >>> tree = parse_module("y = x + 1", "model.py")
    >>> copy_tree(tree) is tree, gast.dump(copy_tree(tree)) == gast.dump(tree)
    (False, True)
    """
    return _rebuild(node)


def walk(node: Any) -> Iterator[Any]:
    """The nodes of a gast tree, each before its children and in the order of the text, without recursion.

    >>> [type(n).__name__ for n in walk(parse_module("x + 1", "model.py").body[0].value)]
    ['BinOp', 'Name', 'Load', 'Add', 'Constant']
    """
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(children(node))


def children(node: Any) -> list[Any]:
    """The nodes directly under a node, in the order of its fields.

    >>> [type(n).__name__ for n in children(parse_module("f(x)", "model.py").body[0].value)]
    ['Name', 'Name']
    """
    found: list[Any] = []
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _rebuild(root: Any) -> Any:
    """A gast tree like the given ast or gast tree: first each node's empty shell, then its fields, from the top."""
    new_root = _shell(root)
    pending: list[tuple[Any, Any, Any]] = [(root, new_root, None)]
    while pending:
        old, new, outer = pending.pop()
        # By name: template strings come with Python 3.14.
        if outer is None and type(old).__name__ in ("JoinedStr", "TemplateStr"):
            outer = old
        for position in _POSITIONS:
            if hasattr(old, position):
                setattr(new, position, getattr(outer or old, position))
        fields: dict[str, Any]
        if isinstance(old, ast.arg):
            fields = {"id": old.arg, "annotation": old.annotation, "type_comment": old.type_comment}
            new.ctx = gast.Param()
        else:
            fields = {field: getattr(old, field, [] if field == "type_params" else None) for field in new._fields}
        if isinstance(old, ast.ExceptHandler) and old.name is not None:
            name = gast.Name(old.name, gast.Store(), None, None)
            for position in _POSITIONS:
                setattr(name, position, getattr(outer or old, position))
            fields["name"] = name
        for field, value in fields.items():
            if isinstance(value, list):
                if isinstance(old, ast.JoinedStr):
                    value = [item for item in value if getattr(item, "value", None) != ""]
                made = [_shell(item) if isinstance(item, ast.AST) else item for item in value]
                pending += [(item, shell, outer) for item, shell in zip(value, made) if shell is not item]
                setattr(new, field, made)
            elif isinstance(value, ast.AST):
                shell = _shell(value)
                pending.append((value, shell, outer))
                setattr(new, field, shell)
            else:
                setattr(new, field, value)
    return new_root


def _shell(node: ast.AST) -> Any:
    """A gast node of the kind that stands for this one, its fields not yet set."""
    return gast.Name() if isinstance(node, ast.arg) else getattr(gast, type(node).__name__)()


class _without_warnings:
    """Silence what parsing warns of: the user was told when the module was first made.

    A warning turned into an error would otherwise refuse a function that runs. One thread at a time: the filters are
    the process's, and two threads that put them back in the wrong order would leave every warning silenced.
    """

    _lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *exception: object) -> None:
        self._caught.__exit__(None, None, None)
        self._lock.release()


class located_syntax_errors:
    """Turn what parsing or compiling a text raises into an ``S2sadError`` at its place in the text.

    >>> with located_syntax_errors("return", "model.py"):
    ...     code = compile("return", "model.py", "exec")
    Traceback (most recent call last):
    s2sad.errors.S2sadError: model.py:1:1: [S108] 'return' outside function
    1 | return
      | ^^^^^^
    help: mend the text: Python cannot read it
    """

    def __init__(self, text: str, file: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SyntaxError):
            message = error.msg or "invalid syntax"
            # A null byte has no position in a SyntaxError, or is a ValueError below: it depends on the release.
            place = self._character(max(self.text.find("\0"), 0)) if "null byte" in message else self._place(error)
            if message.startswith(_LIMITS):
                raise S2sadError("S206", message, place, help=_DEEP_HELP) from None
            raise S2sadError("S108", message, place, "mend the text: Python cannot read it") from None
        if isinstance(error, (RecursionError, MemoryError)):
            # A parser that runs out of stack reports either, and no position.
            reason = "the code is nested too deeply for Python's own parser"
            raise S2sadError("S206", reason, self._longest_statement(), help=_DEEP_HELP) from None
        if isinstance(error, UnicodeEncodeError):
            place = self._character(error.start)
            raise S2sadError("S108", "the text holds a lone surrogate, which is not a character", place) from None
        if isinstance(error, ValueError):
            raise S2sadError("S108", str(error), self._character(max(self.text.find("\0"), 0))) from None

    def _character(self, index: int) -> Place:
        before = split_lines(self.text[:index])
        line, column = len(before), len(before[-1]) + 1
        # A surrogate cannot be printed as it is.
        shown = split_lines(self.text)[line - 1].encode("utf-8", "backslashreplace").decode("utf-8")
        return Place(self.file, line, column, line, column + 1, shown)

    def _place(self, error: SyntaxError) -> Place:
        lines = split_lines(self.text)
        # At the end of the text the line may be one too many, or missing.
        line = min(max(error.lineno or 1, 1), len(lines))
        column = min(max(error.offset or 1, 1), len(lines[line - 1]) + 1)
        if isinstance(error, IndentationError):
            # Releases differ in what they point at; the first word of the line is what stands wrong.
            column = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
        end_line = min(max(error.end_lineno or line, line), len(lines))
        end_column = error.end_offset or 0
        if end_line == line:
            end_column = min(max(end_column, column + 1), len(lines[line - 1]) + 1)
        text = "\n".join(lines[line - 1 : end_line])
        return Place(self.file, line, column, end_line, max(end_column, 1), text)

    def _longest_statement(self) -> Place:
        """The logical line of most tokens: nesting deep enough to fail is long."""
        import io
        import tokenize

        longest = count = 0
        line = first = 1
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
                if token.type in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
                    continue
                if count == 0:
                    first = token.start[0]
                count += 1
                if count > longest:
                    longest, line = count, first
                if token.type == tokenize.NEWLINE:
                    count = 0
        except (tokenize.TokenError, SyntaxError):
            # The rest of the text does not count; the longest line so far is the best guess.
            pass
        lines = split_lines(self.text)
        shown = lines[min(line, len(lines)) - 1]
        indent = len(shown) - len(shown.lstrip())
        return Place(self.file, line, indent + 1, line, len(shown.rstrip()) + 1, shown)
