"""A finished program as text: its functions, callees first, and what they lean on."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.analysis.kinds import Kinds
from s2sad.backend.entry import Entry, name_of_numbers
from s2sad.backend.printer import print_module
from s2sad.backend.raising import Surroundings, global_names, raise_function
from s2sad.backend.tapes import POP
from s2sad.frontend.resolve import Primal
from s2sad.frontend.scopes import parameters
from s2sad.ir.nodes import Function, Label, Op, Program, walk
from s2sad.ir.walk import callees, expressions
from s2sad.rules import registry


@dataclass
class Text:
    """The text of a program's functions.

    primals: the user's functions that are called by name, name -> primal. functions: those in the text, name -> IR.
    helpers: runtime functions that the text calls, name -> qualified name. modules: name -> module.
    """

    text: str
    entry: str
    functions: dict[str, Function]
    primals: dict[str, Primal] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    trees: list[Any] = field(default_factory=list)


def with_entry(text: Text, entry: Entry, checks: bool) -> Text:
    """A text whose entry function says what it relies on, and checks that first if `checks`."""
    at = list(text.functions).index(text.entry)
    trees = list(text.trees)
    trees[at] = copy.deepcopy(trees[at])
    numbers = name_of_numbers(text.text)
    entry.put_into(trees[at], checks, numbers)
    printed = print_module(trees)
    modules = text.modules if numbers not in re.findall(r"\w+", printed) else {**text.modules, numbers: "numbers"}
    return replace(text, text=printed, trees=trees, modules=modules)


def write(
    program: Program,
    kinds: Kinds,
    order: list[Label],
    by_name: Callable[[Label], Primal | None],
    module_name: Callable[[str], str],
    array_module: str | None = None,
) -> Text:
    """Print a program.

    array_module: what the text calls instead of NumPy.

    by_name: the user's function that a label stands for, where the text calls it instead of containing it.
    """
    called = {label: None for f in program.functions.values() for label in callees(f)}
    called.pop(POP, None)
    labels = {**dict.fromkeys(order), **called}
    taken = {name for label in order for name in global_names(program.functions[label])}
    names: dict[Label, str] = {}
    primals: dict[str, Primal] = {}
    used: set[str] = set()
    for label in labels:
        primal = by_name(label)
        if primal is not None:
            same = next((n for n, p in primals.items() if p == primal), None)
            names[label] = same or _free(label.hint, used)
            primals[names[label]] = primal
            used.add(names[label])
    params = {p.name for label in order for p in program.functions[label].params}
    operations: dict[str, str] = {}
    for name, primal in _operations(program, order).items():
        operations[name] = _free(primal.name, used | taken | params)
        primals[operations[name]] = primal
        used.add(operations[name])
    for label in [program.entry, *order]:
        if label not in names:
            names[label] = _free(label.hint, used | taken | params)
            used.add(names[label])
    around = Surroundings(
        module_name,
        names,
        set(used),
        _keyword_only(program, labels, by_name),
        operations=operations,
        array_module=array_module,
    )
    trees = []
    written: dict[str, Function] = {}
    for label in order:
        if label in names and names[label] in primals:
            continue
        function = program.functions[label]
        trees.append(raise_function(function, names[label], kinds, around))
        written[names[label]] = function
    modules = {name: module for name, module in around.modules.items()}
    return Text(print_module(trees), names[program.entry], written, primals, around.helpers, modules, trees)


def _operations(program: Program, order: Iterable[Label]) -> dict[str, Primal]:
    """The user's functions that are single operations, where the text has to find a name for them."""
    found: dict[str, Primal] = {}
    for label in order:
        for stmt in walk(program.functions[label].body):
            pending = list(expressions(stmt))
            while pending:
                e = pending.pop()
                if isinstance(e, Op):
                    pending += [*e.operands, *(v for _, v in e.keywords)]
                    entry = None if e.spelled else registry.find(e.name)
                    if entry is not None and entry.function is not None:
                        found[e.name] = entry.function
    return found


_STARS = {"args": "*", "kwargs": "**"}


def _keyword_only(
    program: Program, labels: Iterable[Label], by_name: Callable[[Label], Primal | None]
) -> dict[Label, dict[int, str]]:
    """For each function the parameters that a call names or unpacks into: position -> name, `*` or `**`."""
    found: dict[Label, dict[int, str]] = {}
    for label in labels:
        primal = by_name(label)
        params = parameters(primal.source.node.args) if primal is not None else program.functions[label].params
        found[label] = {
            k: _STARS.get(p.passing, p.name) for k, p in enumerate(params) if p.passing in ("keyword", *_STARS)
        }
    return found


def _free(hint: str, used: set[str]) -> str:
    name, number = hint, 2
    while name in used:
        name = f"{hint}_{number}"
        number += 1
    return name
