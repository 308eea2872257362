"""`s2sad show FILE:FUNCTION`: print a derivative, or each stage on the way to it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import Any

import gast

from s2sad.analysis.kinds import Kinds
from s2sad.backend.printer import print_module
from s2sad.cli.target import add_arguments, recipe_of
from s2sad.frontend import desugar
from s2sad.frontend.parse import copy_tree
from s2sad.ir.dump import dump
from s2sad.ir.nodes import Program
from s2sad.recipe import Recipe


def register(commands: argparse._SubParsersAction[Any]) -> None:
    parser = commands.add_parser("show", help="print the source of a derivative", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--stages", action="store_true", help="print every stage of the line")
    parser.add_argument("--no-color", action="store_true", help="never colour the text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> str:
    """The text to print."""
    recipe = recipe_of(arguments)
    for note in recipe.notes:
        print(f"warning: {note}", file=sys.stderr)
    text = stages(recipe) if arguments.stages else recipe.text().text
    return text if arguments.no_color or not sys.stdout.isatty() else coloured(text)


def stages(recipe: Recipe) -> str:
    """Every stage from the source to the text, each under its name."""
    source = recipe.primal.source
    made = [("source", source.segment(source.node)), ("gast", gast.dump(source.node, indent=2))]
    if isinstance(source.node.body, list):
        made.append(("desugared", print_module(desugar.one_exit(copy_tree(source.node).body, source))))

    def watch(stage: str, program: Program, kinds: Kinds) -> None:
        made.append((stage, dump(program, kinds)))

    made.append(("text", recipe.text(watch).text))
    return "\n".join(f"# ---- {name} {'-' * (70 - len(name))}\n\n{text.rstrip()}\n" for name, text in made)


def coloured(text: str) -> str:
    """Python text with the colours of a terminal, if pygments is installed and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or importlib.util.find_spec("pygments") is None:
        return text
    from pygments import highlight
    from pygments.formatters import TerminalFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(text, PythonLexer(), TerminalFormatter()))
