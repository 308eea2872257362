"""The whole line, from a primal and the kinds of its arguments to text: STAGES names its steps in order.

source - lowered - specialised - differentiated - optimised - nested - text
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from s2sad.analysis.certain import without_certain_attempts
from s2sad.analysis.kinds import Kinds, Specialiser
from s2sad.backend.tapes import lay_out_tapes, name_single_saves
from s2sad.differentiate.complexes import refuse_complex
from s2sad.differentiate.forward import ForwardMode
from s2sad.differentiate.merge import merge_writers
from s2sad.differentiate.reverse import ReverseMode
from s2sad.differentiate.unfold import unfold
from s2sad.frontend.lower import Lowering
from s2sad.frontend.resolve import Primal
from s2sad.ir.attempts import cut_attempts
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.ir.nodes import Label, Program, Var
from s2sad.ir.walk import callees
from s2sad.optimise import FINISH, PASSES

#: The steps of the line, in order.
STAGES = ("lowered", "specialised", "differentiated", "optimised", "nested")


@dataclass(frozen=True)
class Request:
    """What to differentiate: which transform, with respect to which positions, returned how."""

    mode: str  # "reverse" or "forward"
    wrt: tuple[int, ...]
    tuple_result: bool = False
    value: bool = False
    seed: str = "one"
    name: str = ""
    holomorphic: bool = False


@dataclass
class Flat:
    """Optimised flat IR: a program that can be differentiated again, with the kinds of its Vars."""

    program: Program
    kinds: Kinds
    lowering: Lowering
    notes: list[str] = field(default_factory=list)


#: Which parameters follow which.
_ORDER = {"args": 1, "keyword": 2, "kwargs": 3}

Watch = Callable[[str, Program, Kinds], None]


def _ignore(stage: str, program: Program, kinds: Kinds) -> None:
    pass


@contextmanager
def collection_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile: a transform makes many objects, and all of them live until it ends.

    Without this the collector walks them again and again, and the time of a transform grows faster than its input.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@collection_paused()
def specialise(primal: Primal, given: Sequence[Kind], watch: Watch = _ignore) -> Flat:
    """The IR of a primal and of all that it calls, for the kinds of its arguments."""
    lowering = Lowering()
    label = lowering.label(primal)
    function = lowering.function(label)
    watch("lowered", Program({label: function}, label), {})
    program, kinds = Specialiser(lowering).entry(label, list(given))
    certain = {label: without_certain_attempts(f, kinds) for label, f in program.functions.items()}
    program = Program(certain, program.entry)
    watch("specialised", program, kinds)
    return Flat(program, kinds, lowering)


@collection_paused()
def transform(flat: Flat, request: Request, watch: Watch = _ignore) -> Flat:
    """The optimised derivative of a program; the result may be transformed again."""
    notes: list[str] = []
    program, kinds = merge_writers(flat.program, flat.kinds, flat.lowering)
    program, kinds = unfold(program, kinds, flat.lowering, request.wrt)
    program = cut_again(program, kinds)
    refuse_complex(program, kinds, request.wrt, request.holomorphic)
    if request.mode == "forward":
        program, kinds = ForwardMode(program, kinds, flat.lowering).tangent(request.wrt, name=request.name)
    else:
        mode = ReverseMode(program, kinds, flat.lowering)
        program, kinds = mode.gradient(
            request.wrt, value=request.value, tuple_result=request.tuple_result, seed=request.seed, name=request.name
        )
        notes = mode.notes
    # Callers see a seed before what is given by name alone.
    program.main.params.sort(key=lambda p: _ORDER.get(p.passing, 0))
    watch("differentiated", program, kinds)
    program = name_single_saves(program, kinds)
    for _, change in PASSES:
        program = change(program, kinds)
    watch("optimised", program, kinds)
    return Flat(program, kinds, flat.lowering, notes)


def cut_again(program: Program, kinds: Kinds) -> Program:
    """The program with bodies of `try` all or nothing again, after what they call was merged into them."""

    def note(new: Var, like: Var) -> None:
        kinds[new] = kinds.get(like, UNKNOWN)

    return Program({label: cut_attempts(f, note) for label, f in program.functions.items()}, program.entry)


@collection_paused()
def finish(flat: Flat, watch: Watch = _ignore) -> tuple[Program, Kinds]:
    """Nested IR without tapes' abstract sites, ready for text."""
    kinds = dict(flat.kinds)
    program = lay_out_tapes(flat.program, kinds)
    for _, change in FINISH:
        program = change(program, kinds)
    watch("nested", program, kinds)
    return program, kinds


def labels_called(program: Program) -> list[Label]:
    """The labels of the functions that the entry reaches, callees first, the entry last."""
    order: dict[Label, None] = {}
    busy: set[Label] = set()

    def visit(label: Label) -> None:
        if label in busy or label not in program.functions:
            return
        busy.add(label)
        for inner in callees(program.functions[label]):
            visit(inner)
        order[label] = None

    visit(program.entry)
    return list(order)
