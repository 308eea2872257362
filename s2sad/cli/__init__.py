"""The command line: `s2sad show`, `s2sad emit` and `s2sad rules`, one file a command.

Exit codes: 0, done; 1, refused, with the reason on standard error; 2, the command itself was wrong.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from s2sad.cli import emit, rules, show
from s2sad.errors import S2sadError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise S2sadError("S501", message, help=f"{self.prog} --help tells what it takes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give its exit code.

    >>> main(["show", "no_such_file.py:f"])
    1
    """
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except S2sadError as error:
        print(error, file=sys.stderr)
        return 2 if error.code == "S501" else 1
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: list[str]) -> int:
    parser = _Parser(prog="s2sad", description="Write the derivative of a Python function as Python source.")
    parser.add_argument("--version", action="version", version=f"s2sad {importlib.metadata.version('s2sad')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    show.register(commands)
    emit.register(commands)
    rules.register(commands)
    if not arguments:
        print(parser.format_help(), end="")
        return 2
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.error("no command is given")
    text = parsed.run(parsed)
    if not sys.stdout.isatty() and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # as Python reads source
    print(text, end="", flush=True)
    return 0
