"""From a primal, live or on disk, to the text of a derivative: what `Derivative` and the command line share."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gast

from s2sad.analysis.kinds import kind_of_expr
from s2sad.backend.raising import global_names
from s2sad.backend.text import Text, write
from s2sad.errors import Place, S2sadError
from s2sad.frontend.annotations import annotated_kind
from s2sad.frontend.parse import children
from s2sad.frontend.resolve import Primal, Scope
from s2sad.frontend.scopes import parameters
from s2sad.frontend.source import Source
from s2sad.ir.kinds import FLOAT, UNKNOWN, Kind, Shape
from s2sad.ir.modules import ARRAY_MODULES
from s2sad.ir.nodes import Label, Program, walk
from s2sad.ir.walk import defs
from s2sad.pipeline import Flat, Request, Watch, finish, labels_called, specialise


@dataclass(frozen=True)
class Options:
    """Which derivative: the transform and what it is with respect to. Two equal Options give equal text."""

    mode: str = "reverse"
    wrt: Any = 0
    value: bool = False
    seed: str = "one"
    prefix: str = "grad"
    holomorphic: bool = False
    #: Tables of rules that come before all others, for this derivative alone.
    rules: tuple[Any, ...] = ()


#: The transforms by name, each with respect to the first parameter.
TRANSFORMS: Mapping[str, Options] = {
    "grad": Options(),
    "value_and_grad": Options(value=True, prefix="value_and_grad"),
    "jvp": Options(mode="forward", prefix="jvp"),
    "vjp": Options(seed="given", prefix="vjp"),
    "elementwise_grad": Options(seed="ones", prefix="elementwise_grad"),
}

_WHAT = {
    "grad": "Gradient",
    "value_and_grad": "Value and gradient",
    "jvp": "Value and directional derivative",
    "vjp": "Adjoint for a seed",
    "elementwise_grad": "Elementwise derivative",
}


def description(options: Options, function: str, names: Sequence[str]) -> str:
    """What a derivative is, in a sentence; `names` are those of the parameters in `wrt`.

    >>> description(TRANSFORMS["grad"], "f", ["x", "y", "z"])
    'Gradient of f with respect to x, y and z.'
    """
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
    return f"{_WHAT[options.prefix]} of {function} with respect to {listed}."


def resolve_wrt(wrt: Any, names: list[str], function: str, place: Place | None) -> tuple[tuple[int, ...], bool]:
    """Positions of what `wrt` names, and whether the result is a tuple. Raises S401.

    >>> resolve_wrt(("y", 0), ["x", "y"], "f", None), resolve_wrt(-1, ["x", "y"], "f", None)
    (((1, 0), True), ((1,), False))
    """
    is_tuple = isinstance(wrt, (tuple, list))
    positions = []
    for item in wrt if is_tuple else (wrt,):
        if isinstance(item, str) and item in names:
            positions.append(names.index(item))
        elif (position := _index(item)) is not None and -len(names) <= position < len(names):
            positions.append(position % len(names))
        else:
            near = difflib.get_close_matches(str(item), names, 1)
            help = f"did you mean {near[0]!r}?" if near else f"its parameters are {', '.join(names) or 'none'}"
            raise S2sadError("S401", f"{function} has no parameter {item!r}", place, help)
    if not positions:
        raise S2sadError("S401", "wrt names no parameter", place, f"its parameters are {', '.join(names) or 'none'}")
    twice = next((names[p] for k, p in enumerate(positions) if p in positions[:k]), None)
    if twice is not None:
        raise S2sadError("S401", f"wrt names {twice!r} twice", place, "name each parameter once")
    return tuple(positions), is_tuple


def _index(item: Any) -> int | None:
    """What may be a position as an int; None for all else, a bool among it."""
    try:
        return None if isinstance(item, bool) else operator.index(item)
    except TypeError:
        return None


def differentiated_kinds(kinds: Iterable[Kind], positions: Collection[int]) -> list[Kind]:
    """Kinds of parameters, where an int stands for a float at positions with respect to which is differentiated.

    >>> [k.sort for k in differentiated_kinds([Kind("int"), Kind("int")], [1])]
    ['int', 'float']
    """
    return [FLOAT if i in positions and k.sort == "int" else k for i, k in enumerate(kinds)]


def annotated_kinds(primal: Primal, bound: Sequence[Kind] = ()) -> list[Kind]:
    """The kinds that a primal's annotations promise, after those of the arguments that are already bound to it."""
    kinds = list(bound)
    for p in parameters(primal.source.node.args)[len(kinds) :]:
        kind = annotated_kind(p.annotation)
        kinds.append(Kind("unknown", None, frozenset({p.name})) if kind == UNKNOWN else kind)
    return kinds


def assume_scalar_result(primal: Primal, kinds: list[Kind]) -> list[Kind]:
    """Unknown arguments whose shapes the result broadcasts are numbers, as the result of what has a gradient is one."""
    flat = specialise(primal, kinds)
    returned = flat.program.main.results
    if returned.packed:
        return kinds
    shape = kind_of_expr(returned.values[0], flat.kinds).shape
    if not isinstance(shape, frozenset):
        return kinds
    return [Kind("unknown", None, ()) if isinstance(k.shape, frozenset) and k.shape <= shape else k for k in kinds]


def definition_place(source: Source) -> Place:
    """The first line of a function's definition; a lambda whole."""
    place = source.place(source.node)
    if isinstance(source.node, gast.Lambda):
        return place
    line = place.text.split("\n")[0]
    return Place(place.file, place.line, place.column, place.line, len(line.rstrip()) + 1, line)


def result_place(source: Source) -> Place:
    """The first expression that a function returns; its definition, if it returns none."""
    if isinstance(source.node, gast.Lambda):
        return source.place(source.node.body)
    pending = list(reversed(source.node.body))
    while pending:
        node = pending.pop()
        if isinstance(node, gast.Return):
            return source.place(node if node.value is None else node.value)
        if not isinstance(node, (gast.FunctionDef, gast.Lambda, gast.ClassDef)):
            pending += reversed(children(node))
    return definition_place(source)


NOT_SCALAR_HELP = "use elementwise_grad, vjp or jacobian for a result with axes, or return a sum"

_NO_NUMBER = {"none": "None", "str": "text", "dict": "a dict", "bool": "a bool"}


def no_number(kind: Kind) -> str | None:
    """What a result is that is certainly neither a number nor holds any; None where it may be one.

    >>> no_number(Kind("none")), no_number(Kind("scalar", "complex128", ())), no_number(Kind("float"))
    ('None', None, None)
    """
    return _NO_NUMBER.get(kind.sort)


def check_result(base: Flat, options: Options, function: str, place: Place | None, seeds: Sequence[Kind] = ()) -> None:
    """Refuse (S402, S408, S409) the result of a primal that has no such derivative, for the kinds it is specialised to.

    seeds: the kinds of what a derivative takes beyond the primal's arguments.
    """
    returned = base.program.main.results
    kinds = tuple(kind_of_expr(v, base.kinds) for v in returned.values)
    kind = Kind("tuple", items=kinds) if returned.packed else kinds[0]
    what = no_number(kind)
    if what is not None and not (kind.parts is not None and kind.carries_derivative):
        reason = f"the result of {function} is {what}, not a real number"
        raise S2sadError("S409", reason, place, "return a real number")
    if options.mode == "forward":
        return
    if options.seed != "given":
        check_field(kind, options, function, place)
    is_whole = kind.sort in ("tuple", "list") or kind.parts is not None
    if options.seed == "one" and (is_whole or (kind.is_array and kind.rank)):
        axes = "1 axis" if kind.rank == 1 else f"{kind.rank} axes"
        what = f"an array of {axes}" if kind.is_array else f"a {kind.sort}"
        raise S2sadError("S408", f"the result of {function} is {what}, not a scalar", place, NOT_SCALAR_HELP)
    if options.seed != "one" and is_whole and not (options.seed == "given" and _has_form(kind)):
        raise S2sadError("S408", f"the result of {function} is a {kind.sort}, not an array", place, "return one array")
    if options.seed == "given" and _differ(kind.shape, seeds[0].shape):
        reason = f"the seed does not have the shape of the result of {function}"
        raise S2sadError("S402", reason, place, "pass a seed of the same shape")
    if options.seed == "given" and {_field(kind), _field(seeds[0])} == {"real", "complex"}:
        reason = f"the seed is {_field(seeds[0])}, but the result of {function} is {_field(kind)}"
        raise S2sadError("S402", reason, place, f"pass a {_field(kind)} seed")


def _field(kind: Kind) -> str:
    """Whether a value is real or complex; nothing where that is not known."""
    return "real" if kind.is_real else "complex" if kind.is_complex else ""


HOLOMORPHIC_HELP = "return its real part or its absolute value, or say `holomorphic=True` of a holomorphic function"


def check_field(kind: Kind, options: Options, function: str, place: Place | None) -> None:
    """Refuse (S409) a complex result without `holomorphic=True`, and a real one with it."""
    if kind.is_complex and not options.holomorphic:
        raise S2sadError("S409", f"the result of {function} is complex, not a real number", place, HOLOMORPHIC_HELP)
    if kind.is_real and options.holomorphic:
        reason = f"the result of {function} is real, so that it is not holomorphic"
        raise S2sadError("S409", reason, place, "leave `holomorphic=True` out")


def _has_form(kind: Kind) -> bool:
    """Whether a seed for results of a kind can be given in their structure: all their leaves are known."""
    return kind.parts is not None and all(k.parts is None or _has_form(k) for k in kind.parts)


def _differ(a: Shape, b: Shape) -> bool:
    """Whether two shapes of one call are certainly different."""
    if not isinstance(a, tuple) or not isinstance(b, tuple):
        return False
    plural = [d != 1 if isinstance(d, int) else d.plural and d.offset == 0 for d in (*a, *b)]
    pairs = zip(a, b, plural, plural[len(a) :])
    return len(a) != len(b) or any({x, y} & {1} and x != y and (p or q) for x, y, p, q in pairs)


def request(options: Options, positions: Iterable[int], is_tuple: bool, name: str) -> Request:
    """What the pipeline is asked for: the transform of these options with respect to these positions."""
    return Request(options.mode, tuple(positions), is_tuple, options.value, options.seed, name, options.holomorphic)


def text_of(flat: Flat, doc: str = "", watch: Watch | None = None) -> Text:
    """The text of a derivative. The user's functions that it calls unchanged are called by name."""
    program, kinds = finish(flat, *(() if watch is None else (watch,)))
    program.main.doc = doc
    lowering = flat.lowering

    def by_name(label: Label) -> Primal | None:
        primal = lowering.primals.get(label)
        called = primal is not None and primal.has_name and label is not program.entry
        return primal if called and label not in lowering.written_out else None

    scopes = [p.scope for p in lowering.labels if p.has_name]
    order = [label for label in labels_called(program) if by_name(label) is None]
    aliases = _aliases(scopes[0], program, order)
    return write(program, kinds, order, by_name, aliases, lowering.array_module)


def _aliases(scope: Scope, program: Program, order: Sequence[Label]) -> Callable[[str], str]:
    """How the text calls a module: as the user's own globals do, else by its usual name, or one that is not in use."""
    local: set[str] = set()
    read: set[str] = set()
    for label in order:
        function = program.functions[label]
        read |= global_names(function)
        local |= {p.name for p in function.params} | {v.hint for s in walk(function.body) for v in defs(s)}

    def alias(module: str) -> str:
        usual = _USUAL.get(module, module.rpartition(".")[2])
        held = [name for name in scope.names_of_module(module) if name not in local]
        if usual in held:
            return usual
        return held[0] if held else next(n for n in _spare(usual) if n not in local | read)

    return alias


def _spare(name: str) -> Iterable[str]:
    while True:
        yield name
        name += "_"


_USUAL = {**ARRAY_MODULES, "numpy": "np", "math": "math", "scipy.special": "special"}
