"""Print a gast tree as Python source.

What comes in is a gast tree: a module, a list of statements, or one expression.  It may hold ``Comment`` statements,
which Python's own trees have no room for, and nodes made by hand, such as a ``Constant`` with a negative number.
What goes out is source text for Python 3.10 and later, with no parentheses but those the grammar asks for.

The law: for every source text ``src`` that parses, ::

    gast.dump(gast.parse(print_module(gast.parse(src)))) == gast.dump(gast.parse(src))

and the text depends on the tree alone, not on the Python that prints it.  Syntax newer than Python 3.10 is written only
for trees that no older syntax can express.

Statements are printed by recursion, since Python allows only a hundred levels of indentation.  Expressions are not:
while the method of an expression runs, ``write`` and ``dispatch`` only note down what is to follow, and one loop works
the notes off in order.  So an expression may be nested as deep as memory allows, as derivative code often is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from io import StringIO
from itertools import groupby
from math import copysign, isinf, isnan
from typing import Any, ClassVar, TextIO

import gast
from astunparse import Unparser

__all__ = ["Comment", "Printer", "print_expression", "print_module"]

LONGEST_DEF = 110

# Decimal integers of more digits than an interpreter may be told to refuse (640 is the lowest such limit) are written
# in base sixteen, to which no limit applies.
_LONGEST_DECIMAL_BITS = 2000

_QUOTES = ("'", '"', "'''", '"""')

# Characters that a reader would not see or that the tokeniser would not keep.  str.isprintable is no use here: its
# answer changes with the Unicode tables of each Python version, and the text must not.
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# What cannot stand in a string literal that has no escapes.
_NEVER_RAW = re.compile(r"[\\\r\x00\ud800-\udfff]")


class Comment(gast.stmt):
    """A comment on lines of its own, printed at the indentation of the statements around it.

    >>> print(print_module([Comment("one line\\nand another"), gast.Pass()]), end="")
    # one line
    # and another
    pass
    """

    _fields = ("text",)
    _field_types: ClassVar[dict[str, type]] = {"text": str}
    _attributes = ("lineno", "col_offset", "end_lineno", "end_col_offset")

    # The default is for copy.deepcopy, which makes an empty node first.
    def __init__(self, text: str = "", **attributes: Any) -> None:
        self.text = text
        self.__dict__.update(attributes)


class Level(IntEnum):
    """How tightly an expression binds, from loosest to tightest; each is also a place that takes such or tighter."""

    GENERATOR = 0
    YIELD = 1
    TUPLE = 2
    NAMED = 3
    TEST = 4
    OR = 5
    AND = 6
    NOT = 7
    COMPARE = 8
    BIT_OR = 9
    BIT_XOR = 10
    BIT_AND = 11
    SHIFT = 12
    SUM = 13
    PRODUCT = 14
    UNARY = 15
    POWER = 16
    AWAIT = 17
    PRIMARY = 18
    ATOM = 19

    # The two kinds of pattern that are not closed; a closed pattern is PRIMARY.
    PATTERN_AS = 20
    PATTERN_OR = 21
    PATTERN_CLOSED = 22

    def tighter(self) -> Level:
        """The next level up, for the operand on the side to which an operator does not associate."""
        return Level(self + 1)


_LEVELS: dict[type, Level] = {
    gast.GeneratorExp: Level.GENERATOR,
    gast.Yield: Level.YIELD,
    gast.YieldFrom: Level.YIELD,
    gast.Tuple: Level.TUPLE,
    gast.NamedExpr: Level.NAMED,
    gast.Lambda: Level.TEST,
    gast.IfExp: Level.TEST,
    gast.Compare: Level.COMPARE,
    gast.Await: Level.AWAIT,
    gast.MatchAs: Level.PATTERN_AS,
    gast.MatchOr: Level.PATTERN_OR,
}

_OPERATOR_LEVELS: dict[type, Level] = {
    gast.Or: Level.OR,
    gast.And: Level.AND,
    gast.Not: Level.NOT,
    gast.BitOr: Level.BIT_OR,
    gast.BitXor: Level.BIT_XOR,
    gast.BitAnd: Level.BIT_AND,
    gast.LShift: Level.SHIFT,
    gast.RShift: Level.SHIFT,
    gast.Add: Level.SUM,
    gast.Sub: Level.SUM,
    gast.Mult: Level.PRODUCT,
    gast.MatMult: Level.PRODUCT,
    gast.Div: Level.PRODUCT,
    gast.FloorDiv: Level.PRODUCT,
    gast.Mod: Level.PRODUCT,
    gast.Invert: Level.UNARY,
    gast.UAdd: Level.UNARY,
    gast.USub: Level.UNARY,
    gast.Pow: Level.POWER,
}

_DEFINITIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef)

# Nodes printed at once; all others may stand inside an expression and are noted down.
_IMMEDIATE = (gast.mod, gast.stmt, gast.excepthandler, gast.match_case)

# gast keeps these from Python 2, and astunparse would print them so.
_OBSOLETE = (gast.Print, gast.Exec, gast.Repr)


class _Inexpressible(Exception):
    """A string cannot be written in the place at hand without the f-string syntax of Python 3.12."""


def print_module(tree: Any) -> str:
    """Return the source of a ``gast.Module`` or of a list of statements, ending in one newline.

    >>> print(print_module(gast.parse("def f(x):  return ((x*2))")), end="")
    def f(x):
        return x * 2
    """
    module = gast.Module(body=tree, type_ignores=[]) if isinstance(tree, list) else tree
    if not module.body:
        return ""
    file = StringIO()
    Printer(module, file)
    return file.getvalue()


def print_expression(node: Any) -> str:
    """Return the source of one expression, fit for any place that takes an expression, such as a call's argument.

    >>> print_expression(gast.parse("a = (-1) / (w ** 2)").body[0].value)
    '-1 / w ** 2'
    >>> print_expression(gast.parse("a = b, c").body[0].value)
    '(b, c)'
    """
    file = StringIO()
    Printer(node, file)
    return file.getvalue()[:-1]


class Printer(Unparser):
    """An ``astunparse.Unparser`` for gast trees: one method for each kind of node, named ``_`` and the node's name."""

    def __init__(self, tree: Any, file: TextIO) -> None:
        # astunparse's, untyped; and whether nothing has been written yet.
        self.f: Any = file
        self._blank = True
        self._docstring: Any = None
        # What the running method of an expression has noted down so far; None while a statement is printed.
        self._notes: list[str | tuple[Any, Level]] | None = None
        # Whether parentheses were put round the expression whose method runs.
        self._enclosed = False
        # The quotes of the f-strings around the expression at hand, none of which its text may contain.
        self._quotes: tuple[str, ...] = ()
        super().__init__(tree, file)

    # ------------------------------------------------------------------------------------------------ the machinery

    def write(self, text: str) -> None:
        """Write text, or note it down while the method of an expression runs."""
        if self._notes is None:
            self.f.write(text)
        else:
            self._notes.append(text)

    def fill(self, text: str = "") -> None:
        """Begin a new line at the current indentation."""
        if not self._blank:
            self.write("\n")
        self._blank = False
        self.write("    " * self._indent + text)

    def dispatch(self, tree: Any, level: Level = Level.TEST) -> None:
        """Print a node; if it is an expression, as the place needs it that takes expressions of this level."""
        if self._notes is not None:
            self._notes.append((tree, level))
        elif isinstance(tree, _IMMEDIATE):
            self._method(tree)(tree)
        else:
            self._work_off(tree, level)

    def _work_off(self, tree: Any, level: Level) -> None:
        pending: list[str | tuple[Any, Level]] = [(tree, level)]
        while pending:
            item = pending.pop()
            if isinstance(item, str):
                self.f.write(item)
                continue
            self._notes = []
            try:
                self._visit(*item)
                pending.extend(reversed(self._notes))
            finally:
                self._notes = None

    def _visit(self, tree: Any, level: Level) -> None:
        method = self._method(tree)
        self._enclosed = self._needs_parentheses(tree, level)
        if self._enclosed:
            self.write("(")
            method(tree)
            self.write(")")
        else:
            method(tree)

    def _method(self, tree: Any) -> Callable[[Any], None]:
        method: Callable[[Any], None] | None = getattr(self, "_" + type(tree).__name__, None)
        if method is None or isinstance(tree, _OBSOLETE):
            raise TypeError(f"no Python syntax for {tree!r}")
        return method

    def _needs_parentheses(self, tree: Any, level: Level) -> bool:
        if isinstance(tree, gast.NamedExpr):
            # A statement takes a bare tuple and a bare yield, but not the tighter `:=`.
            return level != Level.NAMED
        if isinstance(tree, gast.Tuple) and (not tree.elts or _holds(tree, gast.Slice)):
            return False
        return level > _level(tree)

    def _render(self, tree: Any, level: Level = Level.TEST) -> str:
        """The text of an expression, at once, whatever is being printed."""
        notes, enclosed, file = self._notes, self._enclosed, self.f
        self._notes, self.f = None, StringIO()
        try:
            self._work_off(tree, level)
            return str(self.f.getvalue())
        finally:
            self._notes, self._enclosed, self.f = notes, enclosed, file

    def _list(self, nodes: Iterable[Any], level: Level = Level.TEST, separator: str = ", ") -> None:
        for position, node in enumerate(nodes):
            if position:
                self.write(separator)
            self.dispatch(node, level)

    # ------------------------------------------------------------------------------------------ modules and suites

    def _Module(self, tree: Any) -> None:
        self._document(tree.body)
        self._statements(tree.body)

    def _statements(self, body: Sequence[Any]) -> None:
        for position, statement in enumerate(body):
            if position and _set_apart(body, position):
                self.write("\n" if self._indent else "\n\n")
            self.dispatch(statement)

    def _suite(self, body: Sequence[Any]) -> None:
        self.enter()
        self._statements(body)
        if all(isinstance(statement, Comment) for statement in body):
            self.fill("pass")
        self.leave()

    def _document(self, body: Sequence[Any]) -> None:
        """Mark the docstring of a body, if it has one, to be printed as such."""
        statement = next((statement for statement in body if not isinstance(statement, Comment)), None)
        value = statement.value if isinstance(statement, gast.Expr) else None
        if isinstance(value, gast.Constant) and isinstance(value.value, str):
            self._docstring = statement

    def _else(self, word: str, body: Sequence[Any]) -> None:
        if body:
            self.fill(word)
            self._suite(body)

    def _Comment(self, tree: Comment) -> None:
        for line in tree.text.splitlines() or [""]:
            self.fill(f"# {line}".rstrip())

    # ------------------------------------------------------------------------------------------- simple statements

    def _Expr(self, tree: Any) -> None:
        self.fill()
        if tree is self._docstring:
            self.write(_docstring(tree.value))
        else:
            self.dispatch(tree.value, Level.YIELD)

    def _Assign(self, tree: Any) -> None:
        self.fill()
        for target in tree.targets:
            self.dispatch(target, Level.TUPLE)
            self.write(" = ")
        self.dispatch(tree.value, Level.YIELD)

    def _AugAssign(self, tree: Any) -> None:
        self.fill()
        self.dispatch(tree.target)
        self.write(f" {self.binop[type(tree.op).__name__]}= ")
        self.dispatch(tree.value, Level.YIELD)

    def _AnnAssign(self, tree: Any) -> None:
        self.fill()
        bare = tree.simple or not isinstance(tree.target, gast.Name)
        self.write(self._render(tree.target) if bare else f"({tree.target.id})")
        self.write(": ")
        self.dispatch(tree.annotation)
        if tree.value is not None:
            self.write(" = ")
            self.dispatch(tree.value, Level.YIELD)

    def _TypeAlias(self, tree: Any) -> None:
        self.fill("type ")
        self.dispatch(tree.name)
        self.write(self._type_parameters(tree))
        self.write(" = ")
        self.dispatch(tree.value)

    def _Return(self, tree: Any) -> None:
        self.fill("return")
        if tree.value is not None:
            self.write(" ")
            # A bare comma at the end of a line is easily missed.
            single = isinstance(tree.value, gast.Tuple) and len(tree.value.elts) == 1
            self.dispatch(tree.value, Level.TEST if single else Level.TUPLE)

    def _Delete(self, tree: Any) -> None:
        self.fill("del ")
        self._list(tree.targets)

    def _Assert(self, tree: Any) -> None:
        self.fill("assert ")
        self._list([tree.test] if tree.msg is None else [tree.test, tree.msg])

    def _Raise(self, tree: Any) -> None:
        self.fill("raise")
        if tree.exc is not None:
            self.write(" ")
            self.dispatch(tree.exc)
        if tree.cause is not None:
            self.write(" from ")
            self.dispatch(tree.cause)

    def _Import(self, tree: Any) -> None:
        self.fill("import ")
        self._list(tree.names)

    def _ImportFrom(self, tree: Any) -> None:
        self.fill(f"from {'.' * (tree.level or 0)}{tree.module or ''} import ")
        self._list(tree.names)

    def _Global(self, tree: Any) -> None:
        self.fill("global " + ", ".join(tree.names))

    def _Nonlocal(self, tree: Any) -> None:
        self.fill("nonlocal " + ", ".join(tree.names))

    # ----------------------------------------------------------------------------------------- compound statements

    def _If(self, tree: Any) -> None:
        word = "if "
        while True:
            self.fill(word)
            self.dispatch(tree.test, Level.NAMED)
            self._suite(tree.body)
            if len(tree.orelse) != 1 or not isinstance(tree.orelse[0], gast.If):
                break
            tree, word = tree.orelse[0], "elif "
        self._else("else", tree.orelse)

    def _While(self, tree: Any) -> None:
        self.fill("while ")
        self.dispatch(tree.test, Level.NAMED)
        self._suite(tree.body)
        self._else("else", tree.orelse)

    def _For(self, tree: Any, word: str = "for ") -> None:
        self.fill(word)
        self.dispatch(tree.target, Level.TUPLE)
        self.write(" in ")
        self.dispatch(tree.iter, Level.TUPLE)
        self._suite(tree.body)
        self._else("else", tree.orelse)

    def _AsyncFor(self, tree: Any) -> None:
        self._For(tree, "async for ")

    def _With(self, tree: Any, word: str = "with ") -> None:
        self.fill(word)
        first = tree.items[0]
        if len(tree.items) == 1 and first.optional_vars is None and isinstance(first.context_expr, gast.Tuple):
            # The parser would take the tuple's own parentheses for those round a list of items.
            self.write(f"({self._render(first.context_expr)})")
        else:
            self._list(tree.items)
        self._suite(tree.body)

    def _AsyncWith(self, tree: Any) -> None:
        self._With(tree, "async with ")

    def _withitem(self, tree: Any) -> None:
        self.dispatch(tree.context_expr)
        if tree.optional_vars is not None:
            self.write(" as ")
            self.dispatch(tree.optional_vars)

    def _Try(self, tree: Any, word: str = "except") -> None:
        self.fill("try")
        self._suite(tree.body)
        for handler in tree.handlers:
            self._ExceptHandler(handler, word)
        self._else("else", tree.orelse)
        self._else("finally", tree.finalbody)

    def _TryStar(self, tree: Any) -> None:
        self._Try(tree, "except*")

    def _ExceptHandler(self, tree: Any, word: str = "except") -> None:
        self.fill(word)
        if tree.type is not None:
            self.write(" ")
            self.dispatch(tree.type)
        if tree.name is not None:
            # gast has a Name here where ast has a string.
            self.write(f" as {getattr(tree.name, 'id', tree.name)}")
        self._suite(tree.body)

    def _FunctionDef(self, tree: Any, word: str = "def") -> None:
        self._decorators(tree)
        head = f"{word} {tree.name}{self._type_parameters(tree)}("
        parameters = self._parameters(tree.args)
        returns = getattr(tree, "returns", None)
        tail = ")" if returns is None else f") -> {self._render(returns)}"
        line = head + ", ".join(parameters) + tail
        if parameters and 4 * self._indent + len(line) + 1 > LONGEST_DEF:
            self.fill(head)
            self._indent += 1
            for parameter in parameters:
                self.fill(parameter + ",")
            self._indent -= 1
            self.fill(tail)
        else:
            self.fill(line)
        self._document(tree.body)
        self._suite(tree.body)

    def _AsyncFunctionDef(self, tree: Any) -> None:
        self._FunctionDef(tree, "async def")

    def _ClassDef(self, tree: Any) -> None:
        self._decorators(tree)
        self.fill(f"class {tree.name}{self._type_parameters(tree)}")
        if tree.bases or tree.keywords:
            self._call_arguments(tree.bases, tree.keywords)
        self._document(tree.body)
        self._suite(tree.body)

    def _decorators(self, tree: Any) -> None:
        for decorator in tree.decorator_list:
            self.fill("@")
            self.dispatch(decorator, Level.NAMED)

    def _parameters(self, tree: Any) -> list[str]:
        """The texts of a function's parameters, with ``/`` and ``*`` among them."""
        positional = [*tree.posonlyargs, *tree.args]
        defaults = [None] * (len(positional) - len(tree.defaults)) + tree.defaults
        texts = list(map(self._parameter, positional, defaults))
        if tree.posonlyargs:
            texts.insert(len(tree.posonlyargs), "/")
        if tree.vararg is not None:
            texts.append("*" + self._parameter(tree.vararg))
        elif tree.kwonlyargs:
            texts.append("*")
        texts += map(self._parameter, tree.kwonlyargs, tree.kw_defaults)
        if tree.kwarg is not None:
            texts.append("**" + self._parameter(tree.kwarg))
        return texts

    def _parameter(self, name: Any, default: Any = None) -> str:
        annotation = getattr(name, "annotation", None)
        text = str(name.id)
        if annotation is not None:
            text += f": {self._render(annotation)}"
        if default is not None:
            text += ("=" if annotation is None else " = ") + self._render(default)
        return text

    def _arguments(self, tree: Any) -> None:
        self.write(", ".join(self._parameters(tree)))

    def _type_parameters(self, tree: Any) -> str:
        parameters = getattr(tree, "type_params", None)
        return f"[{', '.join(map(self._render, parameters))}]" if parameters else ""

    def _TypeVar(self, tree: Any, stars: str = "") -> None:
        self.write(stars + tree.name)
        for sign, part in ((": ", getattr(tree, "bound", None)), (" = ", getattr(tree, "default_value", None))):
            if part is not None:
                self.write(sign)
                self.dispatch(part)

    def _TypeVarTuple(self, tree: Any) -> None:
        self._TypeVar(tree, "*")

    def _ParamSpec(self, tree: Any) -> None:
        self._TypeVar(tree, "**")

    # ---------------------------------------------------------------------------------------------------- patterns

    def _Match(self, tree: Any) -> None:
        self.fill("match ")
        self.dispatch(tree.subject, Level.TUPLE if isinstance(tree.subject, gast.Tuple) else Level.NAMED)
        self.enter()
        for case in tree.cases:
            self.dispatch(case)
        self.leave()

    def _match_case(self, tree: Any) -> None:
        self.fill("case ")
        self.dispatch(tree.pattern, Level.PATTERN_AS)
        if tree.guard is not None:
            self.write(" if ")
            self.dispatch(tree.guard, Level.NAMED)
        self._suite(tree.body)

    def _MatchValue(self, tree: Any) -> None:
        self.dispatch(tree.value)

    def _MatchSingleton(self, tree: Any) -> None:
        self.write(repr(tree.value))

    def _MatchSequence(self, tree: Any) -> None:
        self.write("[")
        self._list(tree.patterns, Level.PATTERN_AS)
        self.write("]")

    def _MatchStar(self, tree: Any) -> None:
        self.write(f"*{tree.name or '_'}")

    def _MatchMapping(self, tree: Any) -> None:
        self.write("{")
        for position, (key, pattern) in enumerate(zip(tree.keys, tree.patterns, strict=True)):
            self.write(", " if position else "")
            self.dispatch(key)
            self.write(": ")
            self.dispatch(pattern, Level.PATTERN_AS)
        if tree.rest is not None:
            self.write(f"{', ' if tree.keys else ''}**{tree.rest}")
        self.write("}")

    def _MatchClass(self, tree: Any) -> None:
        self.dispatch(tree.cls, Level.PRIMARY)
        self.write("(")
        self._list(tree.patterns, Level.PATTERN_AS)
        for position, (name, pattern) in enumerate(zip(tree.kwd_attrs, tree.kwd_patterns, strict=True)):
            self.write(f"{', ' if position or tree.patterns else ''}{name}=")
            self.dispatch(pattern, Level.PATTERN_AS)
        self.write(")")

    def _MatchAs(self, tree: Any) -> None:
        if tree.pattern is not None:
            self.dispatch(tree.pattern, Level.PATTERN_OR)
            self.write(" as ")
        self.write(tree.name or "_")

    def _MatchOr(self, tree: Any) -> None:
        self._list(tree.patterns, Level.PATTERN_CLOSED, " | ")

    # --------------------------------------------------------------------------------------------------- operators

    def _BoolOp(self, tree: Any) -> None:
        self._list(tree.values, _level(tree).tighter(), " and " if isinstance(tree.op, gast.And) else " or ")

    def _BinOp(self, tree: Any) -> None:
        level = _level(tree)
        power = level == Level.POWER
        self.dispatch(tree.left, Level.AWAIT if power else level)
        self.write(f" {self.binop[type(tree.op).__name__]} ")
        self.dispatch(tree.right, Level.UNARY if power else level.tighter())

    def _UnaryOp(self, tree: Any) -> None:
        sign = self.unop[type(tree.op).__name__]
        self.write("not " if sign == "not" else sign)
        self.dispatch(tree.operand, _level(tree))

    def _Compare(self, tree: Any) -> None:
        self.dispatch(tree.left, Level.BIT_OR)
        for operator, comparator in zip(tree.ops, tree.comparators, strict=True):
            self.write(f" {self.cmpops[type(operator).__name__]} ")
            self.dispatch(comparator, Level.BIT_OR)

    def _NamedExpr(self, tree: Any) -> None:
        self.dispatch(tree.target)
        self.write(" := ")
        self.dispatch(tree.value)

    def _IfExp(self, tree: Any) -> None:
        self.dispatch(tree.body, Level.OR)
        self.write(" if ")
        self.dispatch(tree.test, Level.OR)
        self.write(" else ")
        self.dispatch(tree.orelse)

    def _Lambda(self, tree: Any) -> None:
        parameters = ", ".join(self._parameters(tree.args))
        self.write(f"lambda {parameters}: " if parameters else "lambda: ")
        self.dispatch(tree.body)

    def _Await(self, tree: Any) -> None:
        self.write("await ")
        self.dispatch(tree.value, Level.PRIMARY)

    def _Yield(self, tree: Any) -> None:
        self.write("yield")
        if tree.value is not None:
            self.write(" ")
            self.dispatch(tree.value, Level.TUPLE)

    def _YieldFrom(self, tree: Any) -> None:
        self.write("yield from ")
        self.dispatch(tree.value)

    # ---------------------------------------------------------------------------------- calls, indices, attributes

    def _Attribute(self, tree: Any) -> None:
        # In `1.real` the dot would be the number's.
        integer = isinstance(tree.value, gast.Constant) and type(tree.value.value) is not bool
        integer = integer and isinstance(tree.value.value, int)
        self.dispatch(tree.value, Level.ATOM if integer else Level.PRIMARY)
        self.write(f".{tree.attr}")

    def _Call(self, tree: Any) -> None:
        self.dispatch(tree.func, Level.PRIMARY)
        if len(tree.args) == 1 and not tree.keywords and isinstance(tree.args[0], gast.GeneratorExp):
            self.write("(")
            self.dispatch(tree.args[0], Level.GENERATOR)
            self.write(")")
        else:
            self._call_arguments(tree.args, tree.keywords)

    def _call_arguments(self, arguments: Sequence[Any], keywords: Sequence[Any]) -> None:
        self.write("(")
        for position, argument in enumerate([*arguments, *keywords]):
            self.write(", " if position else "")
            if isinstance(argument, gast.Starred):
                # Here a star may stand before any expression; elsewhere only before one of BIT_OR or tighter.
                self.write("*")
                self.dispatch(argument.value)
            else:
                self.dispatch(argument, Level.NAMED)
        self.write(")")

    def _keyword(self, tree: Any) -> None:
        self.write("**" if tree.arg is None else f"{tree.arg}=")
        self.dispatch(tree.value)

    def _Subscript(self, tree: Any) -> None:
        self.dispatch(tree.value, Level.PRIMARY)
        self.write("[")
        bare = isinstance(tree.slice, gast.Tuple) and bool(tree.slice.elts)
        # Python 3.10 takes a star in an index only within a tuple's parentheses, where in turn no slice can stand.
        if bare and (_holds(tree.slice, gast.Slice) or not _holds(tree.slice, gast.Starred)):
            self._elements(tree.slice, Level.NAMED)
        else:
            self.dispatch(tree.slice, Level.NAMED)
        self.write("]")

    def _Slice(self, tree: Any) -> None:
        if tree.lower is not None:
            self.dispatch(tree.lower)
        self.write(":")
        if tree.upper is not None:
            self.dispatch(tree.upper)
        if tree.step is not None:
            self.write(":")
            self.dispatch(tree.step)

    def _Starred(self, tree: Any) -> None:
        self.write("*")
        self.dispatch(tree.value, Level.BIT_OR)

    # --------------------------------------------------------------------------------- displays and comprehensions

    def _Tuple(self, tree: Any) -> None:
        if tree.elts:
            self._elements(tree, Level.NAMED if self._enclosed else Level.TEST)
        else:
            self.write("()")

    def _elements(self, tree: Any, level: Level) -> None:
        self._list(tree.elts, level)
        if len(tree.elts) == 1:
            self.write(",")

    def _List(self, tree: Any) -> None:
        self.write("[")
        self._list(tree.elts, Level.NAMED)
        self.write("]")

    def _Set(self, tree: Any) -> None:
        self.write("{")
        self._list(tree.elts, Level.NAMED)
        # There is no literal for the empty set; this is the shortest text without a name that could be shadowed.
        self.write("}" if tree.elts else "*()}")

    def _Dict(self, tree: Any) -> None:
        self.write("{")
        for position, (key, value) in enumerate(zip(tree.keys, tree.values, strict=True)):
            self.write(", " if position else "")
            if key is None:
                self.write("**")
                self.dispatch(value, Level.BIT_OR)
            else:
                self.dispatch(key)
                self.write(": ")
                self.dispatch(value)
        self.write("}")

    def _GeneratorExp(self, tree: Any) -> None:
        self.dispatch(tree.elt, Level.NAMED)
        self._list(tree.generators, separator="")

    def _ListComp(self, tree: Any) -> None:
        self.write("[")
        self._GeneratorExp(tree)
        self.write("]")

    def _SetComp(self, tree: Any) -> None:
        self.write("{")
        self._GeneratorExp(tree)
        self.write("}")

    def _DictComp(self, tree: Any) -> None:
        self.write("{")
        self.dispatch(tree.key)
        self.write(": ")
        self.dispatch(tree.value)
        self._list(tree.generators, separator="")
        self.write("}")

    def _comprehension(self, tree: Any) -> None:
        self.write(" async for " if tree.is_async else " for ")
        self.dispatch(tree.target, Level.TUPLE)
        self.write(" in ")
        self.dispatch(tree.iter, Level.OR)
        for condition in tree.ifs:
            self.write(" if ")
            self.dispatch(condition, Level.OR)

    # ---------------------------------------------------------------------------------------- constants, f-strings

    def _Constant(self, tree: Any) -> None:
        value = tree.value
        if isinstance(value, str):
            self.write(self._string("u" if _is_u_string(tree) else "", value))
        elif isinstance(value, bytes):
            self.write(self._bytes(value))
        elif isinstance(value, tuple):
            constants = gast.Tuple([gast.Constant(element, None) for element in value], gast.Load())
            self.dispatch(constants, Level.TEST)
        elif value is Ellipsis:
            self.write("...")
        elif value is None or isinstance(value, bool):
            self.write(repr(value))
        elif isinstance(value, (int, float, complex)):
            self.write(_number(value)[0])
        else:
            raise TypeError(f"no Python syntax for a constant {value!r}")

    def _string(self, prefix: str, text: str) -> str:
        if self._quotes:
            return self._unescaped(prefix, text)
        return prefix + _literal(text)

    def _bytes(self, value: bytes) -> str:
        if not self._quotes:
            return repr(value)
        if not value.isascii():
            raise _Inexpressible
        return self._unescaped("b", value.decode("ascii"))

    def _unescaped(self, prefix: str, text: str) -> str:
        """A literal for the inside of an f-string, where up to Python 3.11 no backslash may stand."""
        for quote in _QUOTES:
            literal = prefix + quote + text + quote
            if quote not in text and not text.endswith(quote[0]) and self._fits(text, quote) and self._fits(literal):
                return literal
        raise _Inexpressible

    def _fits(self, text: str, *quotes: str) -> bool:
        """Whether a text may stand in the f-strings around it, and between these quotes, as it is."""
        quotes += self._quotes
        return (
            _NEVER_RAW.search(text) is None
            and not any(quote in text for quote in quotes)
            and ("\n" not in text or all(len(quote) == 3 for quote in quotes))
        )

    def _JoinedStr(self, tree: Any) -> None:
        runs = [(old, list(run)) for old, run in groupby(tree.values, _is_u_string)]
        if not any(old for old, _ in runs):
            self.write(self._f_string("f", tree.values))
            return
        # Some of the constants were u-strings that stood beside the f-string.
        texts = [
            self._string("u", "".join(value.value for value in run)) if old else self._f_string("f", run)
            for old, run in runs
        ]
        if not runs[0][0]:
            # Up to Python 3.11, the prefix of the first literal counts for all.
            texts.insert(0, self._string("u", ""))
        if all(old for old, _ in runs):
            texts.append(self._f_string("f", []))
        self.write(" ".join(texts))

    def _TemplateStr(self, tree: Any) -> None:
        self.write(self._f_string("t", tree.values))

    def _FormattedValue(self, tree: Any) -> None:
        # Only trees made by hand have it outside of a JoinedStr.
        self.write(self._f_string("f", [tree]))

    def _Interpolation(self, tree: Any) -> None:
        self.write(self._f_string("t", [tree]))

    def _f_string(self, prefix: str, values: Sequence[Any]) -> str:
        outer = self._quotes
        text = "".join(value.value for value in values if isinstance(value, gast.Constant))
        best = _quote(text)
        for quote in sorted(_QUOTES, key=lambda quote: quote != best and len(quote)):
            self._quotes = (*outer, quote)
            try:
                body = self._pieces(values, quote, bool(outer))
            except _Inexpressible:
                continue
            finally:
                self._quotes = outer
            literal = prefix + quote + body + quote
            # Within another f-string the body has no escapes, not even of a last quote.
            if not outer or (self._fits(literal) and not body.endswith(quote[0])):
                return literal
        if outer:
            raise _Inexpressible
        # From Python 3.12 on, what stands in braces is free.
        return prefix + best + self._pieces(values, best, False) + best

    def _pieces(self, values: Sequence[Any], quote: str, unescaped: bool, in_format: bool = False) -> str:
        pieces = []
        for value in values:
            if isinstance(value, (gast.FormattedValue, gast.Interpolation)):
                pieces.append(self._field(value, quote, unescaped))
                continue
            if isinstance(value, gast.JoinedStr):
                pieces.append(self._pieces(value.values, quote, unescaped, in_format))
                continue
            text = value.value
            if unescaped:
                if not self._fits(text) or (in_format and ("{" in text or "}" in text)):
                    raise _Inexpressible
            else:
                text = _escape(text, quote[0])
            # In a format, doubled braces do not stand for single ones.
            opening, closing = (r"\x7b", r"\x7d") if in_format else ("{{", "}}")
            pieces.append(text.replace("{", opening).replace("}", closing))
        return "".join(pieces)

    def _field(self, tree: Any, quote: str, unescaped: bool) -> str:
        text = getattr(tree, "str", None)
        if text is None:
            text = self._render(tree.value)
            if _ends_in_lambda(tree.value):
                # Its colon would begin the format.
                text = f"({text})"
        if self._quotes and not self._fits(text):
            raise _Inexpressible
        text = "{ " + text if text.startswith("{") else "{" + text
        if tree.conversion not in (None, -1):
            text += "!" + chr(tree.conversion)
        if tree.format_spec is not None:
            text += ":" + self._pieces([tree.format_spec], quote, unescaped, in_format=True)
        return text + "}"


def _level(tree: Any) -> Level:
    """How tightly an expression binds as it is printed."""
    if isinstance(tree, (gast.BinOp, gast.BoolOp, gast.UnaryOp)):
        return _OPERATOR_LEVELS[type(tree.op)]
    if isinstance(tree, gast.Constant):
        value = tree.value
        if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
            return _number(value)[1]
        return Level.ATOM
    if isinstance(tree, gast.MatchAs) and tree.pattern is None:
        return Level.PATTERN_CLOSED
    if isinstance(tree, gast.pattern):
        return _LEVELS.get(type(tree), Level.PATTERN_CLOSED)
    return _LEVELS.get(type(tree), Level.PRIMARY)


def _holds(tree: Any, kind: type) -> bool:
    return any(isinstance(element, kind) for element in tree.elts)


def _is_u_string(tree: Any) -> bool:
    return getattr(tree, "kind", None) == "u"


def _set_apart(body: Sequence[Any], position: int) -> bool:
    """Whether blank lines go before a statement that is not the first: those round definitions and their comments."""
    before = body[position - 1]
    if isinstance(before, _DEFINITIONS):
        return True
    if isinstance(before, Comment):
        return False
    while position < len(body) and isinstance(body[position], Comment):
        position += 1
    return position < len(body) and isinstance(body[position], _DEFINITIONS)


def _ends_in_lambda(tree: Any) -> bool:
    while isinstance(tree, gast.IfExp):
        tree = tree.orelse
    return isinstance(tree, gast.Lambda)


def _literal(text: str) -> str:
    quote = _quote(text)
    return quote + _escape(text, quote) + quote


def _quote(text: str) -> str:
    return '"' if "'" in text and '"' not in text else "'"


def _escape(text: str, quote: str) -> str:
    text = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return _HIDDEN.sub(_escape_character, text)


def _escape_character(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _docstring(tree: Any) -> str:
    """The literal of a docstring: over as many lines as it has, unless it holds what a reader would not see."""
    prefix = "u" if _is_u_string(tree) else ""
    text = tree.value
    if _HIDDEN.search(text.replace("\n", "").replace("\t", "")):
        return prefix + _literal(text)
    text = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    if text.endswith('"'):
        text = text[:-1] + r"\""
    return f'{prefix}"""{text}"""'


def _number(value: complex) -> tuple[str, Level]:
    """The text of a number, and how tightly that binds: negative numbers are a sign and a number."""
    if isinstance(value, int):
        text = hex(value) if value.bit_length() > _LONGEST_DECIMAL_BITS else int.__repr__(value)
    elif isinstance(value, float):
        if isnan(value):
            return "1e309 - 1e309", Level.SUM
        # No float is that large, so the literal reads as infinity.
        text = float.__repr__(value).replace("inf", "1e309")
    else:
        return _complex(value.real, value.imag)
    return text, Level.UNARY if text.startswith("-") else Level.PRIMARY


def _complex(real: float, imaginary: float) -> tuple[str, Level]:
    size = "1e309" if isinf(imaginary) else repr(abs(imaginary))
    unit = f"{size.removesuffix('.0')}j"
    negative = copysign(1.0, imaginary) < 0
    if not isnan(imaginary) and real == 0 and negative == (copysign(1.0, real) < 0):
        # The minus goes for both parts: -2j has the real part -0.0.
        return (f"-{unit}", Level.UNARY) if negative else (unit, Level.PRIMARY)
    if real and imaginary and not isnan(real) and not isnan(imaginary):
        return f"{_number(real)[0]} {'-' if negative else '+'} {unit}", Level.SUM
    # A sum would lose the sign of a zero, or make two parts undefined out of one.
    return f"complex({_number(real)[0]}, {_number(imaginary)[0]})", Level.PRIMARY
