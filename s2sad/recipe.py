"""One derivative of a function in a file: its text for stated kinds, and which of these kinds the text relies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from s2sad.analysis.kinds import kind_of_expr
from s2sad.backend.entry import Entry, entry_check, weakest
from s2sad.backend.standalone import standalone
from s2sad.backend.text import Text
from s2sad.composition import (
    Options,
    annotated_kinds,
    assume_scalar_result,
    check_result,
    definition_place,
    description,
    differentiated_kinds,
    request,
    resolve_wrt,
    result_place,
    text_of,
)
from s2sad.declared import declared_rules
from s2sad.errors import S2sadError
from s2sad.frontend.files import FilePrimal
from s2sad.frontend.scopes import parameters
from s2sad.ir.kinds import UNKNOWN, Kind
from s2sad.pipeline import Flat, Watch, specialise, transform
from s2sad.rules import registry
from s2sad.rules.registry import Table


@dataclass(frozen=True)
class Recipe:
    """What to differentiate, and how. `names` and `kinds` are of all parameters, `self` included."""

    primal: FilePrimal
    options: Options
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    positions: tuple[int, ...]
    is_tuple: bool
    #: The rules that the file registers.
    tables: tuple[Table, ...] = ()

    @property
    def name(self) -> str:
        """The name of the derivative."""
        return f"{self.options.prefix}_{self.primal.name}"

    @property
    def wrt(self) -> list[str]:
        return [self.names[i] for i in self.positions]

    def flat(self, watch: Watch | None = None) -> Flat:
        with registry.using(self.tables), registry.consulting():
            return self._flat(watch)

    def _flat(self, watch: Watch | None) -> Flat:
        watching = () if watch is None else (watch,)
        base = specialise(self.primal, self.kinds, *watching)
        seeds = [UNKNOWN] * len(self.positions)
        check_result(base, self.options, self.primal.name, result_place(self.primal.source), seeds)
        return transform(base, request(self.options, self.positions, self.is_tuple, self.name), *watching)

    def text(self, watch: Watch | None = None) -> Text:
        """The text of the derivative."""
        with registry.using(self.tables), registry.consulting():
            return text_of(self.flat(watch), description(self.options, self.primal.name, self.wrt), watch)

    @property
    def notes(self) -> list[str]:
        """What is probably not meant, such as a result that no argument reaches."""
        return self.flat().notes

    def file(self, *, checks: bool = True, import_globals: bool = False) -> str:
        """The text as a file that stands alone."""
        with registry.using(self.tables):
            return standalone(self.text(), self.primal, self.entry(), checks=checks, import_globals=import_globals)

    def entry(self) -> Entry:
        """What the text relies on: of each kind no more than without which the text would be another."""
        params = list(zip(self.names, self.relied_on()))
        if self.options.mode != "forward":
            return entry_check(params, self.wrt)
        seeds = [p.name for p in self.flat().program.main.params if p.seed]
        return entry_check(params, self.wrt, list(zip(seeds, self.wrt)))

    def relied_on(self) -> list[Kind]:
        """The weakest kinds that give the same text: it is right for all that is of these, so no more is relied on.

        A gradient relies on a scalar result besides, unless its text checks that.
        """
        wanted = self.text().text
        return list(weakest(self.names, self.kinds, lambda kinds: self._gives(kinds, wanted)))

    def _gives(self, kinds: tuple[Kind, ...], text: str) -> bool:
        weaker = replace(self, kinds=kinds)
        try:
            made = weaker.text()
        except S2sadError:
            return False
        return made.text == text and ("scalar_seed" in made.helpers or weaker.has_scalar_result())

    def has_scalar_result(self) -> bool:
        """Whether the primal's result certainly has no axes, or need not be a scalar."""
        if self.options.seed != "one" or self.options.mode == "forward":
            return True
        with registry.using(self.tables):
            base = specialise(self.primal, self.kinds)
            return kind_of_expr(base.program.main.results.values[0], base.kinds).shape == ()


def recipe(primal: FilePrimal, options: Options, kinds: Sequence[Kind | None] | None = None) -> Recipe:
    """A recipe for a function of a file: kinds that are not given (None) are those of its annotations.

    >>> from s2sad.composition import TRANSFORMS
    >>> from s2sad.frontend.files import open_primal
    >>> from s2sad.runtime import special
    >>> recipe(open_primal(special.__file__, "digamma"), TRANSFORMS["grad"]).name
    'grad_digamma'
    """
    tables = declared_rules(primal.module)
    source = primal.source
    names = [p.name for p in parameters(source.node.args)]
    bound = int(primal.is_method)
    place = definition_place(source)
    positions, is_tuple = resolve_wrt(options.wrt, names[bound:], primal.name, place)
    found = annotated_kinds(primal, [Kind("object")] * bound)
    given = list(kinds or ())
    if len(given) > len(names) - bound:
        listed = ", ".join(names[bound:]) or "nothing"
        raise S2sadError("S402", f"{len(given)} types are given, but {primal.name} takes {listed}", place, _TYPES_HELP)
    for position, kind in enumerate(given, bound):
        found[position] = found[position] if kind is None else kind
    if options.seed == "one" and options.mode == "reverse":
        with registry.using(tables):
            found = assume_scalar_result(primal, found)
    for position in positions:
        _check_differentiable(primal, names[position + bound], found[position + bound])
    positions = tuple(p + bound for p in positions)
    found = differentiated_kinds(found, positions)
    return Recipe(primal, options, tuple(names), tuple(found), positions, is_tuple, tables)


_TYPES_HELP = "give one type a parameter, or fewer"

_NOT_FLOATS = {"i": ("S403", "integers"), "u": ("S403", "integers"), "b": ("S404", "booleans")}


def _check_differentiable(primal: FilePrimal, name: str, kind: Kind) -> None:
    """Refuse to differentiate with respect to what carries no derivative. An int stands for a float."""
    if kind.sort == "int" or kind.carries_derivative:
        return
    what = {"none": "None", "str": "text"}.get(kind.sort, f"a {kind.sort}")
    code = "S405" if kind.sort == "str" else "S407"
    if kind.sort in ("array", "scalar"):
        code, what = _NOT_FLOATS.get((kind.dtype or "")[:1], ("S407", kind.dtype or kind.sort))
    reason = f"{name!r} is stated to be {what}, which cannot be differentiated with respect to"
    raise S2sadError(code, reason, definition_place(primal.source), "state floats, or name other parameters: --wrt")
