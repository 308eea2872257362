"""Located errors, each with a stable code.

In: a code from ``CODES``, a reason, and where it is known the place in the user's text and what to write instead.
Out: an exception whose text shows ``file:line:column``, the line itself with carets under the expression, and the help.
Codes never change their meaning; a new cause gets the next free number of its family.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

CODES: dict[str, str] = {
    # S1xx: from a function or a file to its source
    "S101": "the source of the function was not found",
    "S102": "the function is written in C and has no Python source",
    "S103": "the file has changed since the function was made",
    "S104": "a class was given where a function is wanted",
    "S105": "the function is a generator",
    "S106": "the function is a coroutine",
    "S107": "the function is an asynchronous generator",
    "S108": "the source is not valid Python",
    "S109": "the object is not a function",
    "S110": "the file cannot be read",
    "S111": "the bytes of the file do not fit its encoding",
    "S112": "the file has no function of this name",
    "S113": "several functions in the source fit, and nothing tells them apart",
    # S2xx: the language
    "S201": "this construct is not supported",
    "S202": "the name is not defined",
    "S203": "the module or object has no function of this name",
    "S204": "which function is called cannot be found out",
    "S205": "whether two names share memory cannot be proved",
    "S206": "the code is too deeply nested",
    "S207": "a derivative would flow through complex numbers",
    # S3xx: rules
    "S301": "the function has no derivative rule",
    "S302": "the registration of the rule is wrong",
    "S303": "the rule does not support this argument",
    # S4xx: arguments, when transforming or calling
    "S401": "wrt does not name a parameter",
    "S402": "the number of arguments is wrong",
    "S403": "an array of integers cannot be differentiated with respect to",
    "S404": "an array of booleans cannot be differentiated with respect to",
    "S405": "a string cannot be differentiated with respect to",
    "S406": "an array of objects cannot be differentiated with respect to",
    "S407": "an argument of this type cannot be differentiated with respect to",
    "S408": "the result is not a scalar",
    "S409": "the result is not a number",
    "S410": "the arguments are not of the kinds that this text was made for",
    "S411": "the function calls itself under the name of its own derivative",
    "S412": "an argument that is written into shares memory with another",
    # S5xx: command line and files
    "S501": "the arguments of the command are wrong",
    "S502": "the file cannot be written",
    "S503": "the module cannot be imported",
    "S504": "the file would not stand alone",
    # S6xx: extras
    "S601": "an optional package is not installed",
    "S602": "the installed version of an optional package is not supported",
}

# Wider than any line that a person writes, narrower than a generated sum of a thousand terms.
_MAX_COLUMNS = 160
_TAB = 4


@dataclass(frozen=True)
class Place:
    """A span of the user's text: lines and columns count from 1, columns count characters, the end is exclusive.

    ``text`` holds the full source lines from ``line`` to ``end_line``.

    >>> str(Place("model.py", 3, 12, 3, 17, "    return x @ y"))
    'model.py:3:12'
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class S2sadError(Exception):
    """What s2sad refuses, with its code, reason, place and help.

    >>> place = Place("model.py", 3, 12, 3, 17, "    return x @ y")
    >>> print(S2sadError("S303", "x has no known rank", place, help="annotate x"))
    model.py:3:12: [S303] x has no known rank
    3 |     return x @ y
      |            ^^^^^
    help: annotate x
    >>> print(S2sadError("S401", "f has no parameter 'z'"))
    [S401] f has no parameter 'z'
    """

    def __init__(self, code: str, reason: str, place: Place | None = None, help: str = "") -> None:
        if code not in CODES:
            # Not an assert statement: it must hold under python -O too.
            raise AssertionError(f"{code!r} is not a code of s2sad; add it to s2sad.errors.CODES")
        super().__init__(code, reason, place, help)
        self.code = code
        self.reason = reason
        self.place = place
        self.help = help

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.reason}"]
        if self.place is not None:
            lines[0] = f"{self.place}: {lines[0]}"
            lines += _excerpt(self.place)
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # By attributes, so that it crosses process pools; the state carries notes that were added on the way.
        return type(self), (self.code, self.reason, self.place, self.help), self.__dict__


class S2sadWarning(UserWarning):
    """What s2sad accepts, though it is probably not meant: a result that no argument reaches, for example."""


def _excerpt(place: Place) -> list[str]:
    """The first line of a place behind its number, and carets under its span."""
    # Not splitlines(): to Python a form feed or a line separator is a character within a line.
    line = place.text.split("\n")[0]
    cells = _cells(line)
    start = min(max(place.column - 1, 0), len(cells))
    stop = len(line.rstrip()) if place.end_line > place.line else place.end_column - 1
    stop = min(max(stop, start), len(cells))
    before, marked, after = cells[:start], cells[start:stop], cells[stop:]
    cut_left, before = _clip_left(before, _MAX_COLUMNS // 2)
    cut_marked, marked = _clip_right(marked, _MAX_COLUMNS - _columns(before))
    cut_right, after = (False, []) if cut_marked else _clip_right(after, _MAX_COLUMNS - _columns(before + marked))
    shown = "…" * cut_left + "".join(before + marked + after).rstrip() + "…" * (cut_marked or cut_right)
    indent = " " * (_columns(before) + cut_left)
    carets = "^" * max(_columns(marked), 1)
    number = str(place.line)
    return [f"{number} | {shown}".rstrip(), f"{' ' * len(number)} | {indent}{carets}"]


def _cells(line: str) -> list[str]:
    """What a terminal shows for each character: tabs as spaces, control characters and line ends as one space."""
    cells: list[str] = []
    column = 0
    for character in line:
        if character == "\t":
            cell = " " * (_TAB - column % _TAB)
        elif unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            cell = " "
        else:
            cell = character
        cells.append(cell)
        column += _columns([cell])
    return cells


def _columns(cells: list[str]) -> int:
    """How many columns of a fixed-width terminal the cells fill: wide characters two, combining ones none.

    >>> _columns(["x", "漢", "e", "\N{COMBINING ACUTE ACCENT}", "    "])
    8
    """
    count = 0
    for cell in cells:
        for character in cell:
            if unicodedata.category(character) in ("Mn", "Me", "Cf"):
                continue
            count += 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
    return count


def _clip_left(cells: list[str], columns: int) -> tuple[bool, list[str]]:
    """The last cells that fit, and whether some were left out."""
    cut, kept = _clip_right(cells[::-1], columns)
    return cut, kept[::-1]


def _clip_right(cells: list[str], columns: int) -> tuple[bool, list[str]]:
    """The first cells that fit, and whether some were left out."""
    filled = 0
    for index, cell in enumerate(cells):
        filled += _columns([cell])
        if filled > columns:
            return True, cells[:index]
    return False, cells
