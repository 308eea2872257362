"""The passes, in order. Each is a function from a function (or a program) and the kinds of its Vars to a new one."""

from __future__ import annotations

from collections.abc import Callable

from s2sad.analysis.kinds import Kinds
from s2sad.ir.nodes import Function, Program
from s2sad.ir.webs import split_webs
from s2sad.optimise.accumulate import sum_up
from s2sad.optimise.breaks import leave_at_breaks
from s2sad.optimise.conditionals import choose_values
from s2sad.optimise.constants import fold_constants
from s2sad.optimise.copies import propagate_copies
from s2sad.optimise.dead import eliminate_dead_program
from s2sad.optimise.delay import delay_rebinding
from s2sad.optimise.expand import expand_engine
from s2sad.optimise.fresh import ask_at_return, make_fresh
from s2sad.optimise.fuse import fuse_branches
from s2sad.optimise.inline import nest_expressions
from s2sad.optimise.rejoin import rejoin
from s2sad.optimise.returns import sink_returns
from s2sad.optimise.simplify import simplify
from s2sad.optimise.subexpressions import share_subexpressions
from s2sad.optimise.targets import bind_targets
from s2sad.optimise.writes import shorten_writes

Pass = Callable[[Program, Kinds], Program]


def _each(change: Callable[..., Function], *, with_kinds: bool = False) -> Pass:
    """A pass over a program from one over a function."""

    def run(program: Program, kinds: Kinds) -> Program:
        functions = {}
        for label, function in program.functions.items():
            functions[label] = change(function, kinds) if with_kinds else change(function)
        return Program(functions, program.entry)

    run.__name__ = change.__name__
    return run


def split(program: Program, kinds: Kinds) -> Program:
    """Split all Vars into webs; the new Vars' kinds are added."""
    functions = {}
    for label, function in program.functions.items():
        functions[label], origin = split_webs(function)
        for new, old in origin.items():
            if old in kinds:
                kinds[new] = kinds[old]
    return Program(functions, program.entry)


#: On flat IR; what comes out can be differentiated again.
PASSES: tuple[tuple[str, Pass], ...] = (
    ("webs", split),
    ("copies", _each(propagate_copies)),
    ("constants", _each(fold_constants, with_kinds=True)),
    ("dead", eliminate_dead_program),
    ("subexpressions", _each(share_subexpressions, with_kinds=True)),
    ("copies again", _each(propagate_copies)),
    ("fuse", _each(fuse_branches)),
    ("dead again", eliminate_dead_program),
)

#: Towards the text: nested expressions.
FINISH: tuple[tuple[str, Pass], ...] = (
    ("asked", _each(ask_at_return)),
    ("targets", _each(bind_targets)),
    ("delay", _each(delay_rebinding, with_kinds=True)),
    ("copies", _each(propagate_copies)),
    ("returns", _each(sink_returns)),
    ("webs", split),
    ("nest", _each(nest_expressions, with_kinds=True)),
    ("conditionals", _each(choose_values)),
    ("simplify", _each(simplify, with_kinds=True)),
    ("copies again", _each(propagate_copies)),
    ("sums", _each(sum_up, with_kinds=True)),
    ("dead", eliminate_dead_program),
    ("writes", _each(shorten_writes, with_kinds=True)),
    ("nest again", _each(nest_expressions, with_kinds=True)),
    ("simplify again", _each(simplify, with_kinds=True)),
    ("fresh", make_fresh),
    ("expand", _each(expand_engine, with_kinds=True)),
    ("nest last", _each(nest_expressions, with_kinds=True)),
    ("writes again", _each(shorten_writes, with_kinds=True)),
    ("rejoin", _each(rejoin)),
    ("breaks", _each(leave_at_breaks)),
)
