"""The table of derivative rules: what `elementwise`, `linear`, `rule`, `sequence` and `nondifferentiable` register.

A rule's formulas are Python text over the rule's own parameter names, `y` (the result; `y0, y1, …` for several), `g`
(the adjoint of the result; `g0, g1, …`), `np` (the array module), `math`, and the engine's operations (`spread`,
`unbroadcast`, …). In a tangent, `x_dot` is the tangent of parameter `x`. The text is what gets emitted.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import re
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.errors import S2sadWarning
from s2sad.ir.kinds import UNKNOWN, Kind, kind_of, said_dtype


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"

    def __reduce__(self) -> str:
        return "REQUIRED"


#: Marks a parameter without a default.
REQUIRED: Any = _Required()


@dataclass(frozen=True)
class Case:
    """A formula that holds where `when` holds.

    `when` is Python text. A parameter without a default stands for its Kind (`a.rank == 2`), and `<name>_value` for its
    literal value where it is one (`p_value == 2`). A parameter with a default stands for its literal value
    (`axis is None`). No comparison holds for a value that is not a literal. Empty text always holds. In the formula of
    a sequence or of `*args`, `item` stands for the item's Kind, `k` for its position and `count` for how many there
    are.

    `text` may be a function of those same values (einsum's adjoint is made from its subscripts); where it returns None,
    the next case is tried.
    """

    when: str
    text: Text


Text = str | Callable[[Mapping[str, Any]], str | None]
Formula = Text | Sequence[Case]


@dataclass(frozen=True)
class Parameter:
    name: str
    default: Any = REQUIRED  # a literal value
    variadic: bool = False  # *args
    keyword_only: bool = False


#: The text of a formula that a template stands for.
TEMPLATE = "@template"


@dataclass(frozen=True)
class Template:
    """A user's function that gives all adjoints, or all tangents, of an operation at once.

    primal: the frontend's handle of it.
    takes: what each of its parameters stands for: ("result", 0), ("argument", "x"), and the derivative of such a one,
        ("adjoint", 0) or ("tangent", "x"). Without a position, ("result", None) is all results.
    gives: what its results are the derivatives of: parameters for an adjoint, positions of results for a tangent.
    opaque: it is called by its name; otherwise its body becomes part of the derivative.
    """

    primal: Any
    takes: tuple[tuple[str, Any], ...]
    gives: tuple[Any, ...]
    opaque: bool = False


@dataclass(frozen=True)
class Rule:
    """What is known of one operation.

    adjoint: parameter -> formula of its adjoint given `g`.
    tangent: parameter -> formula of the result's tangent given `<parameter>_dot`.
    kind: a function of the bound arguments (a dict of Kinds; literals stand in `literals`) to the result's kind.
    constant: further parameters by which the derivative is zero: no more than their shape or type is read.
    views: parameters with which the result may share memory.
    pure: it has no effect and the same arguments give the same result; only such a call is dropped or repeated.
    cheap: recomputing the result costs no more than storing it (elementwise, views, shapes).
    elementwise: the result has the broadcast shape of the parameters; the engine unbroadcasts.
    sequence: the parameter that is a sequence of arrays; its formula is per `item`, at position `k`. So is the formula
        of a variadic parameter (`*operands`); both may read another item by a literal position, `operands[0]`.
    results: number of results, 0 for a single one that is not a tuple.
    refused: parameters by which there is a derivative but no formula, with the reason that is said.
    templates: what stands for "@template" in the "adjoint" or the "tangent", or is its transpose, as "transpose for
        tangent".
    function: the frontend's handle of the operation, where that is a user's function.
    """

    name: str
    parameters: tuple[Parameter, ...]
    adjoint: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)
    tangent: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)
    kind: Callable[..., Kind] | None = None
    constant: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    pure: bool = True
    cheap: bool = False
    elementwise: bool = False
    sequence: str | None = None
    results: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    doc: str = ""
    templates: Mapping[str, Template] = field(default_factory=dict)
    function: Any = None

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The parameters that have an adjoint, in the order of the signature."""
        return tuple(p.name for p in self.parameters if p.name in self.adjoint)


@dataclass(frozen=True)
class Refusal:
    """Why an operation has no rule although what it computes may depend on its arguments, and what to use instead."""

    reason: str
    help: str


#: What has to be made again when a rule is registered.
dependents: weakref.WeakSet[Any] = weakref.WeakSet()


class Table:
    """Rules by qualified name. Those of a derivative's own tables come before those of the common one."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        #: What made it, for another process: a function and its arguments.
        self.recipe: tuple[Any, ...] | None = None

    def __reduce__(self) -> Any:
        return object.__reduce__(self) if self.recipe is None else self.recipe

    def add(self, entry: Rule) -> Rule:
        """Register a rule, instead of what this table had under its name; what was derived before is made again."""
        self.rules[entry.name] = entry
        for derivative in list(dependents):
            derivative.forget()
        return entry


_rules: dict[str, Rule] = {}
_described: dict[str, Rule] = {}
#: Rules that hold for complex numbers: whether by the same formulas, whether with a complex derivative.
_for_complex: dict[str, tuple[bool, bool]] = {}
_aliases: dict[str, str] = {}
#: The users' rules for all derivatives.
COMMON = Table()
#: The tables that come before the common one, the first first.
_own_tables: ContextVar[tuple[Table, ...]] = ContextVar("own_tables", default=())
#: The names under which users' functions have rules.
_function_names: weakref.WeakKeyDictionary[types.FunctionType, str] = weakref.WeakKeyDictionary()
_refusals: dict[str, Refusal] = {}


def parse_signature(text: str) -> tuple[Parameter, ...]:
    """Parse "a, axis=None, *, keepdims=False" to parameters; defaults are literals.

    >>> [p.name for p in parse_signature("a, axis=None, *rest")]
    ['a', 'axis', 'rest']
    """
    import ast

    arguments = ast.parse(f"def f({text}): 0").body[0].args  # type: ignore[attr-defined]
    parameters = []
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    defaults = [REQUIRED] * required + [ast.literal_eval(d) for d in arguments.defaults]
    for argument, default in zip(positional, defaults):
        parameters.append(Parameter(argument.arg, default))
    if arguments.vararg:
        parameters.append(Parameter(arguments.vararg.arg, (), variadic=True))
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        value = REQUIRED if keyword_default is None else ast.literal_eval(keyword_default)
        parameters.append(Parameter(argument.arg, value, keyword_only=True))
    return tuple(parameters)


def _cases(formula: Formula) -> tuple[Case, ...]:
    return (Case("", formula),) if isinstance(formula, str) or callable(formula) else tuple(formula)


#: The attributes of arrays; every other `numpy.ndarray.<name>` is a method.
ARRAY_ATTRIBUTES = frozenset([
    "T", "mT", "shape", "size", "ndim", "dtype", "real", "imag", "flat", "itemsize", "nbytes", "strides", "base",
    "flags",
])  # fmt: skip


def register(entry: Rule) -> Rule:
    _rules[entry.name] = entry
    return entry


def elementwise(
    name: str,
    signature: str,
    *,
    kind: Callable[..., Kind] | None = None,
    constant: Sequence[str] = (),
    doc: str = "",
    **partials: Formula,
) -> Rule:
    """Register an elementwise operation by its partial derivatives; each gives the adjoint and the tangent.

    A partial of "1" or "-1" passes `g` on. A text that names `g` stands for the whole adjoint, linear in `g`, where a
    product would not do (`np.where(c, g, 0)`). The engine sums the adjoint back to the parameter's shape.
    """
    return register(elementwise_rule(name, parse_signature(signature), partials, kind=kind, constant=constant, doc=doc))


def elementwise_rule(
    name: str,
    parameters: tuple[Parameter, ...],
    partials: Mapping[str, Formula],
    *,
    kind: Callable[..., Kind] | None = None,
    constant: Sequence[str] = (),
    doc: str = "",
) -> Rule:
    """The rule of an elementwise operation, unregistered."""
    from s2sad.rules.results import elementwise_kind

    def times(cases: Formula, factor: str) -> tuple[Case, ...]:
        made = []
        for case in _cases(cases):
            assert isinstance(case.text, str), "a partial is plain text"
            text = {"1": factor, "-1": f"-{factor}"}.get(case.text, f"{factor} * ({case.text})")
            if re.search(r"\bg\b", case.text):
                text = re.sub(r"\bg\b", factor, case.text)
            made.append(Case(case.when, text))
        return tuple(made)

    return Rule(
        name,
        parameters,
        adjoint={p: times(c, "g") for p, c in partials.items()},
        tangent={p: times(c, f"{p}_dot") for p, c in partials.items()},
        kind=kind or elementwise_kind,
        constant=tuple(constant),
        cheap=True,
        elementwise=True,
        doc=doc,
    )


def text_rule(
    name: str, parameters: tuple[Parameter, ...], adjoints: Mapping[str, Formula], tangents: Mapping[str, Formula],
    *, constant: Sequence[str] = (), views: Sequence[str] = (), results: int = 0,
) -> Rule:
    """A rule by its adjoints and tangents, unregistered."""
    return Rule(
        name,
        parameters,
        adjoint={p: _cases(f) for p, f in adjoints.items()},
        tangent={p: _cases(f) for p, f in tangents.items()},
        constant=tuple(constant),
        views=tuple(views),
        results=results,
    )


def linear(
    name: str,
    signature: str,
    *,
    kind: Callable[..., Kind] | None = None,
    constant: Sequence[str] = (),
    views: Sequence[str] = (),
    cheap: bool = False,
    doc: str = "",
    **adjoints: Formula,
) -> Rule:
    """Register an operation that is linear in each parameter named, by its adjoints.

    The tangent for a parameter is the operation itself, with that parameter replaced by its tangent; for `*args`, with
    one of them replaced.
    """
    parameters = parse_signature(signature)
    tangent = {p: (Case("", "@same"),) for p in adjoints}
    return register(
        Rule(
            name,
            parameters,
            adjoint={p: _cases(f) for p, f in adjoints.items()},
            tangent=tangent,
            kind=kind,
            constant=tuple(constant),
            views=tuple(views),
            cheap=cheap,
            doc=doc,
        )
    )


def rule(
    name: str,
    signature: str,
    *,
    tangent: Mapping[str, Formula] | None = None,
    kind: Callable[..., Kind] | None = None,
    constant: Sequence[str] = (),
    views: Sequence[str] = (),
    cheap: bool = False,
    results: int = 0,
    doc: str = "",
    **adjoints: Formula,
) -> Rule:
    """Register an operation by its adjoints and, in `tangent`, its tangents, each a formula by parameter."""
    return register(
        Rule(
            name,
            parse_signature(signature),
            adjoint={p: _cases(f) for p, f in adjoints.items()},
            tangent={p: _cases(f) for p, f in (tangent or {}).items()},
            kind=kind,
            constant=tuple(constant),
            views=tuple(views),
            cheap=cheap,
            results=results,
            doc=doc,
        )
    )


def sequence(
    name: str,
    signature: str,
    *,
    over: str,
    item: Formula,
    tangent: Formula = "@same",
    kind: Callable[..., Kind] | None = None,
    views: Sequence[str] = (),
    doc: str = "",
) -> Rule:
    """Register an operation on a sequence of arrays, parameter `over`.

    `item` is the adjoint of one `item` of the sequence at position `k` (a literal). The tangent is the operation itself
    on the sequence of tangents ("@same"; zeros stand for items without one), or a text of `item_dot`.
    """
    return register(
        Rule(
            name,
            parse_signature(signature),
            adjoint={over: _cases(item)},
            tangent={over: _cases(tangent)},
            kind=kind,
            sequence=over,
            views=tuple(views),
            doc=doc,
        )
    )


def nondifferentiable(
    *names: str,
    kind: Callable[..., Kind] | Kind | None = None,
    pure: bool = True,
    cheap: bool = False,
    signature: str = "*args",
    doc: str = "",
) -> None:
    """Register operations whose results carry no derivative (integers, booleans, shapes), or have derivative zero."""
    for name in names:
        result = (lambda k: lambda **_: k)(kind) if isinstance(kind, Kind) else kind
        register(Rule(name, parse_signature(signature), kind=result, pure=pure, cheap=cheap, doc=doc))


def describe(name: str, signature: str, kind: Callable[..., Kind]) -> None:
    """Say of what kind the new array is that a function of `s2sad.runtime` gives which has no rule.

    It is differentiated by its own text.
    """
    _described[name] = Rule(name, parse_signature(signature), kind=kind)


def described(name: str) -> Rule | None:
    """What is said of the result of an operation that has no rule, or None."""
    load_for(name)
    return _described.get(name)


def refuse(*names: str, reason: str, help: str) -> None:
    """Register operations that are not differentiated; the reason is said where a derivative would flow through one."""
    for name in names:
        _refusals[name] = Refusal(reason, help)


def refuse_parameters(name: str, reasons: Mapping[str, str]) -> None:
    """Say why a rule has no formula for some of its parameters; the reason is said where one is active."""
    _rules[name] = replace(_rules[name], refused=reasons)


def for_complex(*names: str, same: bool = True, holomorphic: bool = True) -> None:
    """Let rules be used where a number may be complex. No other rule is.

    A formula gives the adjoint for `g`, the derivative of a real number by real and imaginary part as ∂/∂x - i ∂/∂y:
    the product with the complex derivative where there is one, without a conjugation. What belongs to a real number is
    made real by the engine.

    same: whether the formulas are those of real numbers. Otherwise their cases ask whether a kind `is_complex`.
    holomorphic: whether the operation has a complex derivative.
    """
    _for_complex.update(dict.fromkeys(names, (same, holomorphic)))


def holds_for_complex(entry: Rule) -> tuple[bool, bool] | None:
    """Whether a rule holds for complex numbers by the same formulas, and has a complex derivative; None: it does not.

    A rule of the user's that stands in place of one does not.

    >>> [holds_for_complex(find(f"{name}")) for name in ("numpy.sin", "numpy.abs", "math.sin")]
    [(True, True), (False, False), None]
    """
    load("numpy")
    return _for_complex.get(entry.name) if _rules.get(entry.name) is entry else None


def alias(name: str, of: str) -> None:
    """Make `name` another name of a rule: a method or attribute, or a second export of the same function."""
    _aliases[name] = of


def find(name: str) -> Rule | None:
    """The rule of a qualified name, or None.

    >>> find("numpy.sin").differentiable
    ('x',)
    """
    load_for(name)
    name = _aliases.get(name, name)
    for table in (*_own_tables.get(), COMMON):
        if name in table.rules:
            return table.rules[name]
    return _rules.get(name)


#: What was found out of users' functions for one derivative: a key -> what was found, and what it was read from.
_consulted: ContextVar[dict[Any, tuple[Any, Any]] | None] = ContextVar("consulted", default=None)


@contextmanager
def consulting() -> Iterator[dict[Any, tuple[Any, Any]]]:
    """Keep what is found out of the users' functions that have rules, in this thread, meanwhile."""
    found = _consulted.get()
    token = _consulted.set({} if found is None else found)
    try:
        yield consulted()
    finally:
        _consulted.reset(token)


def consulted() -> dict[Any, tuple[Any, Any]]:
    """What was found out so far; nothing that lasts outside of `consulting`."""
    found = _consulted.get()
    return {} if found is None else found


@contextmanager
def using(tables: tuple[Table, ...]) -> Iterator[None]:
    """Let these tables come before all others, in this thread, meanwhile."""
    token = _own_tables.set((*tables, *_own_tables.get()))
    try:
        yield
    finally:
        _own_tables.reset(token)


def canonical_name(name: str) -> str:
    """The name under which the rule of a name stands.

    >>> canonical_name("numpy.ndarray.sum")
    'numpy.sum'
    """
    load_for(name)
    return _aliases.get(name, name)


def name_of_function(function: types.FunctionType) -> str:
    """The name under which a user's function can have a rule: of two with the same qualified name the second counts."""
    found = _function_names.get(function)
    if found is None:
        found = plain = f"{function.__module__}.{function.__qualname__}"
        number = 2
        while found in _function_names.values():
            found, number = f"{plain}#{number}", number + 1
        _function_names[function] = found
    return found


def named(function: object) -> str | None:
    """The name under which a function has a rule of a user's here, or None."""
    if not isinstance(function, types.FunctionType):
        return None
    name = _function_names.get(function)
    if name is None:
        name = f"{function.__module__}.{function.__qualname__}"
        if not is_of_user(name) or _held(name) is not function:
            return None
    return name if is_of_user(name) else None


def is_of_user(name: str) -> bool:
    """Whether a user's rule stands under a name here."""
    load_for(name)
    return any(name in table.rules for table in (*_own_tables.get(), COMMON))


def _held(name: str) -> object:
    """What a loaded module holds under a qualified name; None if nothing."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        held: Any = sys.modules.get(".".join(parts[:count]))
        if held is not None:
            for part in parts[count:]:
                held = getattr(held, part, None)
            return held
    return None


def refusal(name: str) -> Refusal | None:
    """Why an operation is refused by its name, or None.

    >>> refusal("numpy.frombuffer").help
    'use arrays and their views'
    """
    load_for(name)
    return _refusals.get(name)


def names() -> list[str]:
    """All qualified names that have a rule, sorted."""
    load()
    return sorted({*_rules, *_aliases, *COMMON.rules})


def refused_names() -> list[str]:
    """All qualified names that are refused, sorted."""
    load()
    return sorted(_refusals)


def nearest(name: str, count: int = 3) -> list[str]:
    """The registered names most like an unknown one, for error messages."""
    load()
    module = name.rpartition(".")[0]
    same_module = [n for n in names() if n.rpartition(".")[0] == module]
    found = difflib.get_close_matches(name, same_module, count, 0.6)
    return found or difflib.get_close_matches(name, names(), count, 0.75)


#: What holds the rule files, by the library that a program must use for them to be of interest.
_TABLES = {"numpy": "s2sad.rules.table", "scipy": "s2sad.rules.scipy.table"}
_loaded: set[str] = set()
_begun: set[str] = set()
_loading = threading.RLock()


def load(*libraries: str) -> None:
    """Import the rule files, once, when first asked for a rule; those of every library unless some are named.

    A table is data: none imports the library that it speaks of. After that of NumPy come the rules of entry points.
    """
    wanted = dict.fromkeys(["numpy", *(libraries or _TABLES)])
    if all(library in _loaded for library in wanted):
        return
    with _loading:
        for library in wanted:
            if library not in _begun:
                _begun.add(library)
                importlib.import_module(_TABLES[library])
                if library == "numpy":
                    load_entry_points()
                _loaded.add(library)


#: The group of entry points under which a package names its rules.
ENTRY_POINTS = "s2sad.rules"


def load_for(name: str) -> None:
    """Import the rule files of the library that a qualified name is of."""
    load("scipy" if "scipy." in name else "numpy")


def load_entry_points() -> None:
    """Load what installed packages name as their rules: modules that register them, or functions to be called.

    One that fails is warned of, and its rules are missing.
    """
    from importlib.metadata import entry_points  # not before it is needed: it imports much

    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: (p.name, p.value)):
        try:
            found = point.load()
            if callable(found):
                found()
        except Exception as error:
            reason = f"the rules that the entry point {point.name} = {point.value} names cannot be loaded: {error}"
            warnings.warn(S2sadWarning(reason), stacklevel=2)


class Unknown:
    """Stands in a case's condition for a literal that is not known: no comparison holds."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return False

    def __lt__(self, other: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return False


UNKNOWN_LITERAL = Unknown()


_CONDITION_NAMES = {"len": len, "isinstance": isinstance, "int": int, "tuple": tuple, "all": all}


@functools.cache
def _condition(text: str) -> types.CodeType:
    """A case's condition, compiled once."""
    return compile(text, "<condition>", "eval")


def choose(cases: Sequence[Case], values: Mapping[str, Any]) -> str | None:
    """The text of the first case whose condition holds for these kinds and literals; None if none does."""
    for case in cases:
        if not case.when or eval(_condition(case.when), {"__builtins__": _CONDITION_NAMES}, dict(values)):
            text = case.text if isinstance(case.text, str) else case.text(values)
            if text is not None:
                return text
    return None


def kind_of_result(entry: Rule, bound: Mapping[str, Any], literals: Mapping[str, Any]) -> Kind:
    """The result's kind for arguments' kinds by parameter name; `literals` holds the values of literal arguments.

    A parameter that is not bound takes its default.
    """
    if entry.kind is None:
        return UNKNOWN
    bound, literals = dict(bound), dict(literals)
    for p in entry.parameters:
        if p.name not in bound and p.default is not REQUIRED:
            bound[p.name] = () if p.variadic else kind_of(p.default)
            literals[p.name] = p.default
        elif p.name not in literals and (said := said_dtype(bound.get(p.name))) is not None:
            literals[p.name] = said
    return entry.kind(literals=literals, **bound)
