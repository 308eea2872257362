"""One registration of a user's rule: what it is for, where it stands, and what is wrong with it.

In: what the methods of `registration.Rules` are given. Out: a rule in a table; or a refusal (S302) with its place.
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import alias_classes
from s2sad.analysis.kinds import Kinds, Specialiser, kind_of_expr
from s2sad.differentiate.instantiate import callable_names, check_formula
from s2sad.errors import Place, S2sadError
from s2sad.frontend.lower import Lowering
from s2sad.frontend.resolve import LIBRARIES, LivePrimal, nearest_names, qualified_name
from s2sad.frontend.scopes import parameters, tuple_arity
from s2sad.frontend.templates import formula_template, header, read_template
from s2sad.ir.kinds import UNKNOWN, Kind, kind_of
from s2sad.ir.nodes import Program
from s2sad.ir.walk import vars_of
from s2sad.rules import registry
from s2sad.rules.registry import REQUIRED, TEMPLATE, Case, Parameter, Rule, Table, Template

MODES = ("adjoint", "tangent")


class Registering:
    """One registration: what it is for, and where it stands."""

    def __init__(self, target: Any, signature: str | None, *, required: bool = True) -> None:
        self.frame = frame_of_user()
        self.function: Any = None
        self.live: Any = None
        self.name = self._name(target)
        self.plain = self.name.rpartition(".")[2]
        self.parameters = self._parameters(signature, required)
        self.results = self._results()

    @property
    def names(self) -> list[str]:
        return [p.name for p in self.parameters]

    # ---- places ------------------------------------------------------------------------------------------------

    def place(self, piece: str = "") -> Place:
        """Where a piece of text stands in the registration; its first line where that cannot be found."""
        file, first = self.frame
        for number in range(first, first + 20):
            line = linecache.getline(file, number)
            column = line.find(piece) if piece else -1
            if column >= 0:
                return Place(file, number, column + 1, number, column + 1 + len(piece), line.rstrip("\n"))
        line = linecache.getline(file, first).rstrip("\n")
        start = len(line) - len(line.lstrip())
        return Place(file, first, start + 1, first, len(line) + 1, line)

    def refuse(self, reason: str, piece: str = "", help: str = "") -> S2sadError:
        return S2sadError("S302", reason, self.place(piece), help)

    # ---- the operation -----------------------------------------------------------------------------------------

    def _name(self, target: Any) -> str:
        if isinstance(target, str):
            module, dot, plain = target.rpartition(".")
            if not dot or not all(part.isidentifier() for part in target.split(".")):
                raise self.refuse(f"{target!r} is no qualified name", target, "give the function, or 'module.name'")
            loaded = sys.modules.get(module)
            if loaded is not None:
                if not hasattr(loaded, plain):
                    near = nearest_names(plain, dir(loaded))
                    help = f"did you mean {module}.{near[0]}?" if near else f"look the names of {module} up"
                    raise self.refuse(f"{module} has no {plain!r}", target, help)
                self.live = getattr(loaded, plain)
                if isinstance(self.live, types.FunctionType) and module.partition(".")[0] not in LIBRARIES:
                    self.function = LivePrimal(self.live)
                    return registry.name_of_function(self.live)
            return registry.canonical_name(target)
        self.live = target
        qualified = qualified_name(target)
        if isinstance(target, types.FunctionType):
            if qualified is not None and qualified.partition(".")[0] in LIBRARIES:
                return registry.canonical_name(qualified)
            self.function = LivePrimal(target)
            return registry.name_of_function(target)
        if qualified is None or isinstance(target, type):
            what = getattr(target, "__qualname__", None) or type(target).__qualname__
            raise self.refuse(f"{what} is no function that could have a rule", "", "give a function made by def")
        return registry.canonical_name(qualified)

    def actual_parameters(self) -> tuple[Parameter, ...] | None:
        """The parameters of the function itself; None where they cannot be looked up."""
        return _actual_parameters(self.live)

    def _parameters(self, signature: str | None, required: bool) -> tuple[Parameter, ...]:
        actual = self.actual_parameters()
        if signature is None:
            if actual is None:
                known = registry.find(self.name)
                if known is not None:
                    return known.parameters
                if not required:
                    return ()
                help = 'give them as text, as in elementwise("package.f", "x, y=1", x="...")'
                raise self.refuse(f"the parameters of {self.name} cannot be looked up", "", help)
            return actual
        try:
            given = registry.parse_signature(signature)
        except (SyntaxError, ValueError):
            raise self.refuse(f"`{signature}` is no list of parameters", signature, "write 'a, axis=None'") from None
        if actual is not None:
            self._check_signature(given, actual, signature)
        return given

    def _check_signature(self, given: Sequence[Parameter], actual: Sequence[Parameter], text: str) -> None:
        """Refuse a signature that is not that of the function."""
        real = ", ".join(p.name for p in actual)
        by_name = {p.name: p for p in actual}
        for k, p in enumerate(given):
            if p.variadic or any(q.variadic for q in actual):
                return
            if p.name not in by_name:
                raise self.refuse(f"{self.plain} has no parameter {p.name!r}", text, f"its parameters are {real}")
            if not p.keyword_only and (k >= len(actual) or actual[k].name != p.name):
                raise self.refuse(f"the parameters of {self.plain} stand in another order", text, f"they are {real}")
        required = [p.name for p in actual if p.default is REQUIRED and not p.variadic]
        missing = [n for n in required if n not in {p.name for p in given}]
        if missing:
            reason = f"the signature lacks the parameter {missing[0]!r} of {self.plain}"
            raise self.refuse(reason, text, f"write {real}")

    def _results(self) -> int | None:
        """How many results the operation has: 0 for one that is no tuple; None where that is not known."""
        if self.function is None:
            return None
        try:
            return tuple_arity(self.function.source.node) or 0
        except S2sadError:
            return None

    def check_parameters(self, names: Sequence[str], what: str) -> None:
        for name in names:
            if name not in self.names:
                raise self._no_parameter(name, f" ({what})")

    def _no_parameter(self, name: str, what: str = "") -> S2sadError:
        listed = ", ".join(self.names) or "none"
        return self.refuse(f"{self.plain} has no parameter {name!r}{what}", name, f"its parameters are {listed}")

    # ---- formulas ----------------------------------------------------------------------------------------------

    def check_formulas(
        self, formulas: Mapping[str, Any], mode: str, *, kind: str | None = None, results: int = 0
    ) -> None:
        """Refuse formulas that are no expressions, or name what they cannot know."""
        if kind is not None and not formulas:
            help = f'give one by parameter: {self.names[0]}="..."'
            raise self.refuse(f"no {kind} of {self.plain} is given", "", help)
        reserved = [n for n in self.names if re.fullmatch(r"g|[yg]\d", n)]
        if reserved and formulas:
            reason = f"in a text the parameter {reserved[0]!r} of {self.plain} would be the result or its adjoint"
            raise self.refuse(reason, "", "write a template, @adjoint, or rename it")
        for name, text in formulas.items():
            if name not in self.names:
                raise self._no_parameter(name)
            if not isinstance(text, str):
                raise self.refuse(f"the {kind or mode} by {name!r} is no text", name, 'as in x="1 - y**2"')
            known = {*self.names, "y", *(f"y{k}" for k in range(results))}
            needed: set[str] = set()
            if mode == "tangent":
                needed = {f"{name}_dot"}
            elif results:
                known |= {f"g{k}" for k in range(results)}
            else:
                known.add("g")
                needed = set() if kind else {"g"}
            variadic = any(p.variadic and p.name == name for p in self.parameters)
            known |= {"item", "k", "count"} if variadic else set()
            problem = check_formula(text, known | needed, needed)
            if problem is not None:
                reason, help = problem
                raise self.refuse(f"the {kind or mode} of {self.plain} by {name!r}: {reason}", text, help)

    def with_transposes(self, entry: Rule, adjoints: Mapping[str, str], tangents: Mapping[str, str]) -> Rule:
        """A rule with the tangents of parameters that have adjoints alone, and the adjoints of others."""
        case = (Case("", f"{TEMPLATE} y"),)
        made = dict(entry.templates)
        no_tangent = {n: t for n, t in adjoints.items() if n not in tangents}
        no_adjoint = {n: t for n, t in tangents.items() if n not in adjoints}
        if no_tangent:
            made["transpose for tangent"] = formula_template(
                no_tangent, self.plain, self.names, "adjoint", entry.results, callable_names()
            )
        if no_adjoint and not entry.results:
            made["transpose for adjoint"] = formula_template(
                no_adjoint, self.plain, self.names, "tangent", 0, callable_names()
            )
        else:
            no_adjoint = {}
        return replace(
            entry,
            adjoint={**entry.adjoint, **dict.fromkeys(no_adjoint, case)},
            tangent={**entry.tangent, **dict.fromkeys(no_tangent, case)},
            templates=made,
        )

    # ---- templates and opaque functions ------------------------------------------------------------------------

    def template(self, table: Table, function: Any, mode: str) -> None:
        primal = self.handle(function)
        made = read_template(primal, self.plain, self.names, mode, self._expected())
        lowering = Lowering()
        try:
            lowering.function(lowering.label(made.primal))
        except S2sadError as error:
            raise S2sadError("S302" if error.code == "S202" else error.code, *_rest(error)) from None
        count = sum(what == "result" for what, _ in made.takes)
        self.results = count if count > 1 else 0
        self._add(table, made, mode)

    def _expected(self) -> int | None:
        return None if self.results is None else max(self.results, 1)

    def opaque(self, table: Table, function: Any, mode: str, wrt: str | Sequence[str] | None) -> None:
        primal = self.handle(function)
        kind = "custom_vjp" if mode == "adjoint" else "custom_jvp"

        def refuse(reason: str, help: str) -> S2sadError:
            return S2sadError("S302", reason, header(primal.source), help)

        params = parameters(primal.source.node.args)
        derivatives = {"g": ("adjoint", None)}
        if mode == "tangent":
            derivatives = {f"{n}_dot": ("tangent", n) for n in self.names}  # type: ignore[misc]
        roles: dict[str, tuple[str, Any]] = {n: ("argument", n) for n in self.names}
        roles = {**roles, "y": ("result", None), **derivatives}
        for p in params:
            if p.name not in roles or p.passing in ("args", "kwargs"):
                listed = ", ".join(roles)
                raise refuse(f"this {kind} of {self.plain} has a parameter {p.name!r}", f"it may take {listed}")
        takes = tuple(roles[p.name] for p in params)
        given = [role for p, role in zip(params, takes) if p.name in derivatives]
        if not given:
            one = "g" if mode == "adjoint" else f"{self.names[0]}_dot"
            raise refuse(f"this {kind} of {self.plain} has no parameter {one!r}", "what it returns is linear in that")
        if mode == "adjoint":
            wanted = [wrt] if isinstance(wrt, str) else wrt
            if wanted is None:
                wanted = [p.name for p in self.parameters if p.default is REQUIRED]
            self.check_parameters(wanted, "wrt")
            gives: tuple[Any, ...] = tuple(wanted)
        else:
            gives = tuple(range(max(self.results or 0, 1)))
        self.check_name(primal)
        arity = tuple_arity(primal.source.node)
        if arity is not None and arity != len(gives):
            wanted_count = f"{len(gives)} derivatives" if len(gives) > 1 else "one derivative, which is no tuple"
            what = ", ".join(map(str, gives)) if mode == "adjoint" else self.plain
            raise refuse(f"this {kind} of {self.plain} returns {arity} values", f"return {wanted_count}: of {what}")
        if primal.name == "_":
            primal.name = f"{self.plain}_{'vjp' if mode == 'adjoint' else 'jvp'}"
        self._add(table, Template(primal, takes, gives, opaque=True), mode)

    def check_name(self, primal: Any) -> None:
        """Refuse an opaque function that no text could call by its name."""

    def handle(self, function: Any) -> Any:
        if not isinstance(function, types.FunctionType):
            raise self.refuse("this decorates no function", "", "decorate a function made by def")
        return LivePrimal(function)

    def _add(self, table: Table, made: Any, mode: str) -> None:
        before = table.rules.get(self.name)
        templates = {m: t for m, t in (before.templates if before is not None else {}).items() if m in MODES}
        templates[mode] = made
        by_adjoint = templates.get("adjoint")
        by_tangent = templates.get("tangent")
        if by_tangent is None and by_adjoint is not None:
            templates["transpose for tangent"] = by_adjoint
        if by_adjoint is None and by_tangent is not None:
            templates["transpose for adjoint"] = by_tangent
        case = (Case("", f"{TEMPLATE} y"),)
        takes = [n for what, n in by_tangent.takes if what == "tangent"] if by_tangent else []
        gives = list(by_adjoint.gives) if by_adjoint else takes
        entry = Rule(
            self.name,
            self.parameters,
            adjoint=dict.fromkeys(gives, case),
            tangent=dict.fromkeys(takes or gives, case),
            results=self.results or 0,
            templates=templates,
        )
        self.finish(table, entry)

    def finish(self, table: Table, entry: Rule) -> Rule:
        """Register a rule, with what is known of the operation itself."""
        if self.function is not None:
            views = entry.views or _shared_with_result(self.function, self.names)
            kind = entry.kind if entry.elementwise else _kind_by_body(self.function, self.parameters)
            entry = replace(entry, function=self.function, views=views, kind=kind)
        else:
            known = registry.find(self.name)
            if known is not None:
                entry = replace(
                    entry, kind=known.kind, cheap=known.cheap, views=entry.views or known.views, results=known.results
                )
        return table.add(entry)


def _rest(error: S2sadError) -> tuple[Any, ...]:
    return error.reason, error.place, error.help


_OWN = (__name__, "s2sad.registration")


def frame_of_user() -> tuple[str, int]:
    """The file and the line of the nearest call that is not of this module."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in _OWN:
        frame = frame.f_back
    return ("<unknown>", 1) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def _actual_parameters(function: Any) -> tuple[Parameter, ...] | None:
    """The parameters of a function itself; None where they cannot be looked up."""
    if function is None:
        return None
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    made = []
    for p in found:
        if p.kind is p.VAR_KEYWORD:
            continue
        default = p.default if p.default is not p.empty and _is_literal(p.default) else REQUIRED
        if p.kind is p.VAR_POSITIONAL:
            made.append(Parameter(p.name, (), variadic=True))
        else:
            made.append(Parameter(p.name, default, keyword_only=p.kind is p.KEYWORD_ONLY))
    return tuple(made)


def _is_literal(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_literal, value))
    return value is None or type(value) in (bool, int, float, complex, str)


def _kind_by_body(primal: Any, parameters: Sequence[Parameter]) -> Callable[..., Any]:
    """The kind function of a user's function: what its own text gives for the kinds of the arguments.

    What that text was read from is kept with what was found, so that a derivative can notice when it changes.
    """

    def kind(*, literals: Mapping[str, Any], **bound: Any) -> Kind:
        given = tuple(bound.get(p.name, kind_of(p.default)) for p in parameters)
        found = registry.consulted()
        key = (primal, given)
        if key not in found:
            found[key] = UNKNOWN, None  # what a function that calls itself gives to itself
            found[key] = _result_kind(primal, given)
        made: Kind = found[key][0]
        return made

    return kind


def _read(primal: Any, given: Sequence[Kind]) -> tuple[Lowering, Program | None, Kinds]:
    """A user's function for arguments of some kinds, although it has a rule; None for one that cannot be read."""
    fresh = LivePrimal(primal.function) if isinstance(primal, LivePrimal) else primal
    lowering = Lowering(by_body=fresh)
    try:
        program, kinds = Specialiser(lowering).entry(lowering.label(fresh), list(given))
    except (S2sadError, RecursionError):
        return lowering, None, {}
    return lowering, program if program.entry in program.functions else None, kinds


def _result_kind(primal: Any, given: Sequence[Kind]) -> tuple[Kind, Lowering]:
    lowering, program, kinds = _read(primal, given)
    if program is None:
        return UNKNOWN, lowering
    returned = program.main.results
    found = [kind_of_expr(e, kinds) for e in returned.values]
    return Kind("tuple", items=tuple(found)) if returned.packed else found[0], lowering


def _shared_with_result(primal: Any, names: Sequence[str]) -> tuple[str, ...]:
    """The parameters with which a function's result may share memory: all, unless its text alone says otherwise."""
    with registry.consulting():
        _, program, kinds = _read(primal, [UNKNOWN] * len(names))
    if program is None or len(program.functions) > 1:
        return tuple(names)
    function = program.main
    aliases = alias_classes(function, kinds)
    returned = [v for e in function.results.values for v in vars_of(e)]
    if any(aliases.may_share(v, w) for v in returned for w in function.free.values()):
        return tuple(names)
    return tuple(p.name for p in function.params if any(aliases.may_share(p.var, v) for v in returned))
