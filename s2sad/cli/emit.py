"""`s2sad emit FILE:FUNCTION`: write a derivative to a file that does not import s2sad."""

from __future__ import annotations

import argparse
import os
import stat
import sys
import tempfile
from typing import Any

from s2sad.cli.target import add_arguments, recipe_of
from s2sad.errors import S2sadError


def register(commands: argparse._SubParsersAction[Any]) -> None:
    parser = commands.add_parser("emit", help="write a derivative to a file that stands alone", description=__doc__)
    add_arguments(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="the file to write (default: print it)")
    parser.add_argument("--no-checks", action="store_true", help="leave out the check of the arguments")
    parser.add_argument(
        "--import-globals", action="store_true", help="import globals that are no literals from the function's module"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> str:
    """The text to print: nothing where it went to a file."""
    recipe = recipe_of(arguments)
    text = recipe.file(checks=not arguments.no_checks, import_globals=arguments.import_globals)
    for note in recipe.notes:
        print(f"warning: {note}", file=sys.stderr)
    if arguments.output is None:
        return text
    write_file(arguments.output, text)
    return ""


def write_file(path: str, text: str) -> None:
    """Write a whole file, or leave what was there as it is. Raises S502."""
    target = os.path.realpath(path)
    temporary = None
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            if os.path.isdir(target):
                raise IsADirectoryError(21, "Is a directory")
            with open(target, "w", encoding="utf-8", newline="\n") as stream:  # a device or a pipe
                stream.write(text)
            return
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".s2sad-", suffix=".py")
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        reason = f"cannot write {path}: {error.strerror or error}"
        raise S2sadError("S502", reason, help="name a file in a folder that exists and can be written to") from None


def _umask() -> int:
    """The permissions that new files do without; there is no way to ask but to set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
