"""The object that `grad` and its siblings return.

It is callable, with `.source`, `.primal`, `.specialise` and `.specialisations`.

A call goes by the kinds of its arguments. The first call of a kind makes a specialisation, under a lock; from then on
tables lead from the types (and the dtypes and shapes of arrays) straight to its function, as `backend.dispatch` says.
What a specialisation takes for granted is guarded: the meaning of each name that was looked up, and the code of each
function that was read. Where a guard fails, all that was made is dropped.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import linecache
import os
import sys
import threading
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from s2sad.analysis.kinds import kind_of_expr
from s2sad.backend.compilation import Binding, link
from s2sad.backend.dispatch import (
    ABSENT,
    MISSING,
    Guard,
    OfKind,
    make_call,
    make_shape_call,
    shape_key,
    told_by_type,
    type_key,
)
from s2sad.backend.entry import entry_check, weakest
from s2sad.backend.text import Text, with_entry
from s2sad.composition import (
    NOT_SCALAR_HELP,
    Options,
    annotated_kinds,
    assume_scalar_result,
    check_field,
    check_result,
    definition_place,
    description,
    differentiated_kinds,
    no_number,
    request,
    resolve_wrt,
    result_place,
    text_of,
)
from s2sad.differentiate.complexes import power_that_may_be_complex
from s2sad.errors import Place, S2sadError, S2sadWarning
from s2sad.frontend.lower import Lowering
from s2sad.frontend.resolve import LivePrimal, LiveScope, Primal
from s2sad.frontend.source import read_function
from s2sad.ir.kinds import UNKNOWN, Extent, Kind, is_named_tuple, kind_by_parts, kind_of
from s2sad.ir.modules import module_of_arrays
from s2sad.ir.nodes import Var
from s2sad.ir.structures import holds_floats, is_array, parts_of
from s2sad.pipeline import Flat, Watch, collection_paused, specialise, transform
from s2sad.rules import registry
from s2sad.runtime.checks import require_apart, require_distinct

#: How many specialisations a derivative keeps for calls.
LIMIT = 16

#: How many combinations of concrete shapes each table remembers.
KNOWN_SHAPES = 256


@dataclass(eq=False)
class Specialisation:
    """A derivative for arguments of certain kinds: a plain function, its text, and what it takes for granted."""

    function: types.FunctionType
    text: Text
    flat: Flat
    guards: list[Guard] = field(default_factory=list)
    #: What calls of the derivative go to instead of the function: it refuses complex numbers that come out.
    guarded: Callable[..., Any] | None = None

    @property
    def called(self) -> Callable[..., Any]:
        return self.guarded or self.function


class Derivative:
    """A derivative of a Python function, made when it is first needed, for the kinds of the arguments of each call.

    >>> from s2sad import grad
    >>> def square(w):
    ...     return w ** 2
    >>> grad(square)(3.0)
    6.0
    >>> print(grad(square).source.splitlines()[-1])
        return 2 * w
    """

    #: What tells name resolution that this is no function of the user's.
    is_derivative = True

    __name__: str
    __qualname__: str
    __signature__: inspect.Signature

    def __init__(self, primal: Callable[..., Any], options: Options) -> None:
        self.primal = primal
        self.options = options
        self._lock = threading.RLock()
        self._warned: set[str] = set()
        self._parts = take_apart(primal)
        self._bound = self._parts.bound
        self._set_up()
        registry.dependents.add(self)

    def _set_up(self) -> None:
        """All that follows from the primal's code, as it is now."""
        function = self._parts.function
        self._inner: Derivative | None = function if isinstance(function, Derivative) else None
        if self._inner is None:
            self._primal: Primal = LivePrimal(function)
            with collection_paused():
                self._primal.source  # noqa: B018  (a function without source is refused here, where it is named)
        self._set_up_for = self._signed()
        name = self._base_name()
        self._parameters = self._own_parameters()
        names = [p.name for p in self._parameters]
        self._wrt, self._tuple = resolve_wrt(self.options.wrt, names, name, self._place())
        self.__name__ = f"{self.options.prefix}_{name}"
        scope, dot, _ = str(getattr(function, "__qualname__", name)).rpartition(".")
        self.__qualname__ = f"{scope}{dot}{self.__name__}"
        self.__module__ = getattr(function, "__module__", None) or "s2sad"
        self.__wrapped__ = self.primal
        self.__signature__ = self._signature()
        self.__doc__ = description(self.options, name, [names[i] for i in self._wrt])
        self._annotated: Specialisation | None = None
        self._table: dict[Any, Callable[..., Any]] = {}
        self._by_shape: dict[Any, dict[Any, Callable[..., Any]]] = {}
        self._made: dict[tuple[Kind, ...], Specialisation] = {}
        self._guards: dict[tuple[int, str], Guard] = {}
        self._set_call()

    # ---- what it is --------------------------------------------------------------------------------------------

    def _signed(self) -> tuple[Any, ...]:
        """What the signature follows from: the code and the defaults that the user's function has now."""
        if self._inner is not None:
            return self._inner._signed()
        return self._parts.function.__code__, *defaults_of(self._parts.function)

    def _base_name(self) -> str:
        return self._inner.__name__ if self._inner is not None else self._primal.name

    @property
    def primal_name(self) -> str:
        """The name of what this is the derivative of."""
        return self._base_name()

    @property
    def wrt(self) -> tuple[int, ...]:
        """The positions that `wrt` names."""
        return self._wrt

    def checked_arguments(self, *args: Any, **kwargs: Any) -> list[Any]:
        """The arguments of a call in the order of the signature, an int that is differentiated as a float.

        >>> from s2sad import grad
        >>> grad(lambda x, y=3: x * y).checked_arguments(2)
        [2.0, 3]
        """
        return self._checked(self._arguments(args, kwargs))[len(self._bound) :]

    @property
    def base(self) -> Primal:
        """The innermost function: that which this is a derivative of, of whatever order."""
        return self._inner.base if self._inner is not None else self._primal

    def _place(self) -> Place | None:
        """Where the primal is defined."""
        return self._inner._place() if self._inner is not None else definition_place(self._primal.source)

    def _place_of_result(self) -> Place | None:
        return self._inner._place_of_result() if self._inner is not None else result_place(self._primal.source)

    def _own_parameters(self) -> list[inspect.Parameter]:
        """The parameters that a caller gives: those of the function, without what is bound."""
        if self._inner is not None:
            found = list(self._inner.__signature__.parameters.values())
        else:
            found = signature_parameters(self._parts.function)
        positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        bound = len(self._bound)
        if bound > len(positional) and not any(p.kind is p.VAR_POSITIONAL for p in found):
            reason = f"{self._base_name()} takes {len(positional)} positional arguments, and {bound} are bound already"
            raise S2sadError("S402", reason, self._place(), "bind arguments that it has")
        named = dict(self._parts.named)
        made = []
        by_name = False
        for p in found[bound:] if bound <= len(positional) else found[len(positional) :]:
            if p.name in named and p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD):
                p = p.replace(default=named.pop(p.name))
                by_name = True
            # As in the signature of a partial object: what follows a parameter that is given by name is too.
            if by_name and p.kind is p.POSITIONAL_OR_KEYWORD:
                p = p.replace(kind=p.KEYWORD_ONLY)
            made.append(p)
        if named and not any(p.kind is p.VAR_KEYWORD for p in found):
            reason = f"{self._base_name()} takes no argument {next(iter(named))!r} by name"
            raise S2sadError("S402", reason, self._place(), "bind arguments that it has")
        return made

    def _signature(self) -> inspect.Signature:
        made = list(self._parameters)
        extra = self._extra_names()
        if extra:
            plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            made = [p.replace(default=p.empty) if p.kind in plain else p for p in made]
            at = self._place_of_extra()
            made[at:at] = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in extra]
        return inspect.Signature(made)

    def _place_of_extra(self) -> int:
        """Before which of the parameters those stand that the derivative takes beyond the primal's."""
        P = inspect.Parameter
        ends = (P.VAR_POSITIONAL, P.KEYWORD_ONLY, P.VAR_KEYWORD)
        return next((i for i, p in enumerate(self._parameters) if p.kind in ends), len(self._parameters))

    def _extra_names(self) -> list[str]:
        """Names of the trailing parameters that the derivative takes beyond the primal's."""
        if self.options.mode == "forward":
            names = [f"{self._parameters[i].name}_dot" for i in self._wrt]
        else:
            names = ["seed"] if self.options.seed == "given" else []
        taken = {p.name for p in self._parameters}
        made = []
        for name in names:
            while name in taken:
                name += "_"
            taken.add(name)
            made.append(name)
        return made

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.__doc__}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        binding = self._parts.binding
        if binding == "static" or (instance is None and binding == "plain"):
            return self
        if binding == "class":
            return types.MethodType(self, type(instance) if owner is None else owner)
        return types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        name = getattr(self._parts.function, "__qualname__", "")
        if _held_by_module(self.__module__, name) is self:
            return name
        if self._inner is None:
            source = self._primal.source
            if not os.path.isfile(source.file):
                return _remade, (self.primal, self.options, source.file, source.text)
        return _remade, (self.primal, self.options)

    # ---- text --------------------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The text for the annotated kinds. It never changes."""
        with self._lock:
            if self._annotated is None:
                self._annotated = self._make(self._annotated_kinds())
                self._tell(self._annotated)
            return self._annotated.text.text.rstrip("\n")

    @property
    def _tables(self) -> tuple[Any, ...]:
        """The tables of rules that come before the common one: its own, then those of what it is the derivative of."""
        return (*self.options.rules, *(self._inner._tables if self._inner is not None else ()))

    def _annotated_kinds(self) -> list[Kind]:
        """The kinds that annotations promise, of all parameters of the function, bound ones first."""
        with registry.using(self._tables):
            return self._promised_kinds()

    def _promised_kinds(self) -> list[Kind]:
        bound = call_kinds(self._bound)
        if self._inner is not None:
            kinds = self._inner._annotated_kinds()[len(self._inner._bound) :]
            kinds[: len(bound)] = bound
        else:
            kinds = annotated_kinds(self._primal, bound)
            if self.options.seed == "one" and self.options.mode == "reverse":
                kinds = assume_scalar_result(self._primal, kinds)
        at = len(bound) + self._place_of_extra()
        kinds[at:at] = [UNKNOWN] * len(self._extra_names())
        return kinds

    def specialise(self, *examples: Any, checks: bool = True, **named: Any) -> types.FunctionType:
        """The derivative for the kinds of some examples (or for Kinds): a plain function with its own `.source`.

        Its docstring says what its text relies on. Its first statements check that, unless `checks` is False (as for a
        compiler that does not know `isinstance`), so that other arguments raise a TypeError or a ValueError.

        >>> from s2sad import grad
        >>> specialised = grad(lambda x, y: x * y).specialise(1.0, 2.0)
        >>> specialised.__doc__
        'Gradient of lambda_ with respect to x. Takes numbers x and y.'
        >>> print("\\n".join(specialised.source.splitlines()[2:]))
            if not all(isinstance(v, numbers.Real) for v in (x, y)):
                raise TypeError('grad_lambda_ takes numbers x and y')
            return y
        """
        given = self._arguments(examples, named)
        if any(isinstance(e, Kind) for e in given):
            found = [e if isinstance(e, Kind) else kind_of(e, f"a{i}") for i, e in enumerate(given)]
            kinds = [*call_kinds(self._bound), *found]
        else:
            kinds = call_kinds(self._checked(given))
        made = self._make(kinds, checks)
        self._tell(made)
        return made.function

    @property
    def specialisations(self) -> list[types.FunctionType]:
        """The functions that calls made so far. They check nothing: a call goes to the one for its arguments."""
        with self._lock:
            return [s.function for s in self._made.values()]

    def flat(self, kinds: Sequence[Kind], watch: Watch | None = None) -> Flat:
        """The optimised flat IR of the derivative for kinds of all parameters of the function, bound ones first."""
        with registry.using(self._tables):
            return self._flat(kinds, watch)

    def _flat(self, kinds: Sequence[Kind], watch: Watch | None) -> Flat:
        watching = () if watch is None else (watch,)
        kinds, module = _without_modules(kinds, self._place())
        _, seeds = self._own_and_extra(kinds)
        base = self._base(kinds, watch)
        if module is not None:
            base.lowering.use_arrays_of(module, self._place())
        check_result(base, self.options, self._base_name(), self._place_of_result(), seeds)
        offset = len(self._bound) + (0 if self._inner is None else len(self._inner._bound))
        wanted = request(self.options, (i + offset for i in self._wrt), self._tuple, self.__name__)
        made = transform(base, wanted, *watching)
        return replace(made, kinds={**made.kinds, **_kinds_of_seeds(made, seeds)})

    def _base(self, kinds: Sequence[Kind], watch: Watch | None = None) -> Flat:
        """The flat IR of what this is the derivative of."""
        own, _ = self._own_and_extra(kinds)
        if self._inner is not None:
            return self._inner.flat([*call_kinds(self._inner._bound), *own])
        return specialise(self._primal, own, *(() if watch is None else (watch,)))

    def _own_and_extra(self, kinds: Sequence[Kind]) -> tuple[list[Kind], list[Kind]]:
        """The kinds of the primal's parameters, bound ones first, and of those that the derivative takes beyond."""
        at = len(self._bound) + self._place_of_extra()
        until = at + len(self._extra_names())
        wrt = [len(self._bound) + i for i in self._wrt]
        return differentiated_kinds([*kinds[:at], *kinds[until:]], wrt), list(kinds[at:until])

    @collection_paused()
    def _make(self, kinds: Sequence[Kind], checks: bool | None = None) -> Specialisation:
        """A specialisation for kinds of all parameters of the function, bound ones first.

        checks: whether its text checks what it relies on and says so, or (False) says so alone; None: neither.
        """
        with registry.using(self._tables), registry.consulting():
            return self._made_for(kinds, checks)

    def _made_for(self, kinds: Sequence[Kind], checks: bool | None) -> Specialisation:
        try:
            flat = self.flat(kinds)
            text = text_of(flat, self.__doc__ or "")
            guards = guards_of(flat.lowering)
            guards += [g for _, lowering in registry.consulted().values() if lowering for g in guards_of(lowering)]
            if checks is not None:
                text = self._with_entry(flat, text, kinds, checks)
            instead = {
                "s2sad.runtime.checks.scalar_seed": self._scalar_seed,
                "s2sad.runtime.checks.require_apart": self._require(require_apart),
                "s2sad.runtime.checks.require_distinct": self._require(require_distinct),
            }
            power = power_that_may_be_complex(flat.program, flat.kinds)
            function = bind_text(text, instead, {} if power is None else {"float": _real_float})
        except S2sadError as error:
            if error.place is None:
                raise S2sadError(error.code, error.reason, self._place(), error.help) from None
            raise
        except RecursionError:
            reason = f"{self._base_name()} is nested too deeply"
            raise S2sadError("S206", reason, self._place(), "split long expressions over several statements") from None
        if checks is None:
            function.__doc__ = self.__doc__
        function.source = text.text.rstrip("\n")  # type: ignore[attr-defined]
        guarded = None if power is None else _only_real(function, power)
        return Specialisation(function, text, flat, guards, guarded)

    def _with_entry(self, flat: Flat, text: Text, kinds: Sequence[Kind], checks: bool) -> Text:
        """The text of a function that leaves the dispatcher, with what it relies on."""
        params = flat.program.main.params
        names = [p.name for p in params]
        relied_on = weakest(names, kinds, lambda weaker: self._gives(weaker, text.text))
        wrt = [self._parameters[i].name for i in self._wrt]
        tangents = list(zip(self._extra_names(), wrt)) if self.options.mode == "forward" else []
        entry = entry_check(list(zip(names, relied_on)), wrt, tangents)
        return with_entry(text, entry, checks)

    def _gives(self, kinds: Sequence[Kind], wanted: str) -> bool:
        """Whether some kinds give a text that does not rely on more: on a result that is a scalar."""
        try:
            text = text_of(self.flat(kinds), self.__doc__ or "")
        except S2sadError:
            return False
        if text.text != wanted:
            return False
        if self.options.seed != "one" or self.options.mode == "forward" or "scalar_seed" in text.helpers:
            return True
        base = self._base(kinds)
        return kind_of_expr(base.program.main.results.values[0], base.kinds).shape == ()

    def _scalar_seed(self, y: Any) -> float:
        """The adjoint 1.0 of a result; what is no scalar is refused, where only the run tells. Raises S408, S409."""
        kind = kind_of(y)
        name, place = self._base_name(), self._place_of_result()
        if isinstance(y, (tuple, list)) or (is_array(y) and y.ndim):
            what = f"an array of shape {y.shape}" if is_array(y) else f"a {type(y).__name__}"
            raise S2sadError("S408", f"the result of {name} is {what}, not a scalar", place, NOT_SCALAR_HELP)
        check_field(kind, self.options, name, place)
        what = no_number(kind) or ("" if kind.is_number or kind.is_array else f"of type {type(y).__name__}")
        if what:
            reason = f"the result of {name} is {what}, not a real number"
            raise S2sadError("S409", reason, place, "return a real number")
        return 1.0

    def _require(self, check: Callable[..., None]) -> Callable[..., None]:
        """A check that refuses a call whose arguments share what the function writes into. Raises S412."""

        def checked(*things: tuple[Any, ...]) -> None:
            try:
                check(*things)
            except ValueError as error:
                reason = f"{self._base_name()}: {error}"
                raise S2sadError("S412", reason, self._place(), "pass a copy of one of them") from None

        return checked

    def _tell(self, made: Specialisation) -> None:
        """Warn, once, of what was accepted though it is probably not meant; the warning points at the user's call."""
        for reason in made.flat.notes:
            if reason not in self._warned:
                self._warned.add(reason)
                warnings.warn(S2sadWarning(reason), stacklevel=_level_of_user())

    # ---- calls -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._slow((), {}, args, kwargs)

    def _set_call(self) -> None:
        """Give the object a class of its own, whose `__call__` is made for the signature and the guards."""
        parameters = list(self.__signature__.parameters.values())
        guards = list(self._guards.values())
        made = make_call(parameters, self._bound, self._table, guards, Derivative._slow)
        if type(self) is Derivative:
            names = {"__call__": made, "__module__": Derivative.__module__, "__doc__": Derivative.__doc__}
            self.__class__ = type("Derivative", (Derivative,), names)
        else:
            type(self).__call__ = made  # type: ignore[method-assign]

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The arguments in the order of the signature. Raises S402 where they do not fit it."""
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            shown = inspect.Signature([p.replace(annotation=p.empty) for p in self.__signature__.parameters.values()])
            raise S2sadError("S402", f"{self.__name__}{shown}: {error}", self._place(), _CALL_HELP) from None
        bound.apply_defaults()
        return list(bound.arguments.values())

    def _slow(
        self, positional: tuple[Any, ...], keyword: dict[str, Any], more: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """Any call: check the arguments, find or make the specialisation, run it. What was not given is MISSING."""
        if self._signed() != self._set_up_for:
            self._forget()
        order = list(self.__signature__.parameters.values())
        count = next((i for i, v in enumerate(positional) if v is MISSING), len(positional))
        kwargs = {n: v for n, v in keyword.items() if v is not MISSING}
        given = self._arguments((*positional[:count], *more), {**kwargs, **named})
        values = self._checked(given)
        function = self._find(values, [*self._bound, *given])
        bound = len(self._bound)
        places = values[:bound]
        by_name = {}
        for p, value in zip(order, values[bound:]):
            if p.kind is p.KEYWORD_ONLY:
                by_name[p.name] = value
            elif p.kind is p.VAR_KEYWORD:
                by_name.update(value)
            elif p.kind is p.VAR_POSITIONAL:
                places += value
            else:
                places.append(value)
        return function(*places, **by_name)

    def _checked(self, given: Sequence[Any]) -> list[Any]:
        """What is bound and what was given, as it goes to the text: an int that is differentiated as a float."""
        values = list(given)
        order = list(self.__signature__.parameters)
        for i in self._wrt:
            name = self._parameters[i].name
            at = order.index(name)
            values[at] = self._differentiable(values[at], name)
        for k, name in enumerate(self._extra_names()):
            at = order.index(name)
            values[at] = self._differentiable(values[at], name)
            like: Any = None
            if self.options.mode == "forward":
                own = self._parameters[self._wrt[k]].name
                like = values[order.index(own)]
                if not same_structure(like, values[at]):
                    reason = f"{name!r} does not have the shape of {own!r}"
                    raise S2sadError("S402", reason, self._place(), "pass a tangent of the same shape")
                if not same_field(like, values[at]):
                    reason = f"of {name!r} and {own!r} one is real and the other complex"
                    help = "pass a tangent that is complex where its argument is"
                    raise S2sadError("S402", reason, self._place(), help)
                values[at] = _in_dtype_of(like, values[at])
            if isinstance(values[at], np.ndarray) and not values[at].ndim and not isinstance(like, np.ndarray):
                values[at] = values[at][()]  # a number, which `+=` in the text does not write into
        for value, name in zip(values, order):
            if isinstance(value, np.ndarray) and type(value) not in _ARRAYS:
                reason = f"{name!r} is a {type(value).__name__}, whose operations are not those of a plain array"
                raise S2sadError("S407", reason, self._place(), f"pass np.asarray({name})")
        return [*self._bound, *values]

    def _find(self, values: list[Any], given: Sequence[Any]) -> Callable[..., Any]:
        """The function for checked values, made if there is none that is still fresh; the tables learn of it.

        given: the same before the check; where it was changed, the tables do not apply.
        """
        with self._lock:
            if not all(g.holds() for g in self._guards.values()):
                self._forget()
            made = self._specialisation(tuple(call_kinds(values)))
            if all(v is g for v, g in zip(values, given)):
                self._learn(values, made.called)
            return made.called

    def _learn(self, values: list[Any], function: Callable[..., Any]) -> None:
        """Let the tables lead from such values to a function. Tuples and lists always take the long way."""
        varied = [i for i, v in enumerate(values) if not told_by_type(type(v))]
        arrays = [i for i in varied if type(values[i]) is np.ndarray]
        objects = [i for i in varied if i not in arrays]
        if any(isinstance(v, (tuple, list, dict)) or is_array(v) for v in (values[i] for i in objects)):
            return
        key = type_key(values)
        if not varied:
            self._table[key] = function
            return
        if key not in self._table:
            bound = len(self._bound)

            def missed(values: list[Any]) -> Callable[..., Any]:
                return self._find(self._checked(values[bound:]), values)

            self._by_shape[key] = {}
            parameters = list(self.__signature__.parameters.values())
            self._table[key] = make_shape_call(parameters, bound, arrays, objects, self._by_shape[key], missed)
        table = self._by_shape[key]
        if len(table) >= KNOWN_SHAPES:
            table.clear()
        table[shape_key(values, arrays, objects)] = function

    def _specialisation(self, kinds: tuple[Kind, ...]) -> Specialisation:
        """The specialisation for some kinds.

        Beyond LIMIT, arrays of all ranks share a text, and the oldest text goes.
        """
        if kinds in self._made:
            return self._made[kinds]
        if len(self._made) >= LIMIT:
            general = tuple(replace(k, shape=None) if k.is_array else k for k in kinds)
            if general in self._made:
                return self._made[general]
            if general != kinds:
                try:
                    return self._keep(general)
                except S2sadError:
                    pass  # refused for want of a rank, perhaps: the text for the actual kinds tells
        return self._keep(kinds)

    def _keep(self, kinds: tuple[Kind, ...]) -> Specialisation:
        made = self._make(kinds)
        while len(self._made) >= LIMIT:
            oldest = self._made.pop(next(iter(self._made)))
            for table in (self._table, *self._by_shape.values()):
                for key in [k for k, f in table.items() if f is oldest.called]:
                    del table[key]
        self._made[kinds] = made
        new = {g.key: g for g in made.guards if g.key not in self._guards}
        if new:
            self._guards.update(new)
            self._set_call()
        self._tell(made)
        return made

    def _forget(self) -> None:
        """Drop all that was made: something that it took for granted has changed."""
        with self._lock:
            if self._inner is not None:
                self._inner._forget()
            if self._signed() != self._set_up_for:
                self._set_up()
                return
            if self._inner is None:
                self._primal = LivePrimal(self._parts.function)
            self._table, self._by_shape, self._made, self._guards = {}, {}, {}, {}
            self._set_call()

    def forget(self) -> None:
        """Drop all that was made, its text too: the rules have changed."""
        with self._lock:
            self._annotated = None
            self._table.clear()
            self._by_shape.clear()
            self._made.clear()

    def _is_meant(self, value: Any, name: str) -> bool:
        """Whether an object is differentiated on purpose: `self` only where it is named."""
        wanted = self.options.wrt if isinstance(self.options.wrt, (tuple, list)) else (self.options.wrt,)
        return name != "self" or type(value) in (tuple, list, dict) or name in wanted

    def _differentiable(self, value: Any, name: str) -> Any:
        """A differentiated argument, an int as a float. Raises S403 to S407 for what carries no derivative."""
        if type(value) is float or type(value) is complex:
            return value
        if type(value) is int:
            try:
                return float(value)
            except OverflowError:
                reason = f"{name!r} is an int too large for a float"
                raise S2sadError("S407", reason, self._place(), "pass a float") from None
        if is_array(value) and value.dtype.kind in "fc":
            return value
        if parts_of(value) is not None and holds_floats(value) and not _is_odd(value) and self._is_meant(value, name):
            return value
        code, what, help = _why_not(value, name)
        raise S2sadError(code, f"{name!r} {what}, which cannot be differentiated with respect to", self._place(), help)


def _kinds_of_seeds(flat: Flat, given: Sequence[Kind]) -> dict[Var, Kind]:
    """The kinds that seeds really have, whose dtype need not be that of the result that they are for."""
    found: dict[Var, Kind] = {}
    for param, kind in zip((p for p in flat.program.main.params if p.seed), given):
        said = flat.kinds.get(param.var, UNKNOWN)
        if kind.sort in ("float", "scalar") and said.sort in ("float", "scalar"):
            found[param.var] = kind
        elif kind.is_array and said.is_array and kind.dtype is not None:
            found[param.var] = replace(said, dtype=kind.dtype)
    return found


def _in_dtype_of(like: Any, tangent: Any) -> Any:
    """A tangent in the dtype of the argument that it is for."""
    if not (isinstance(like, (np.ndarray, np.generic)) and isinstance(tangent, (np.ndarray, np.generic))):
        return tangent
    return tangent if tangent.dtype == like.dtype else tangent.astype(like.dtype)


_CALL_HELP = "give each parameter without a default one argument, and no others"

_ARRAYS = (np.ndarray, np.memmap)

#: dtype.kind -> code and what an array of it holds.
_NO_FLOATS = {
    "i": ("S403", "integers"),
    "u": ("S403", "integers"),
    "b": ("S404", "booleans"),
    "U": ("S405", "text"),
    "S": ("S405", "text"),
    "O": ("S406", "objects"),
}


def _why_not(value: Any, name: str) -> tuple[str, str, str]:
    """Code, reason and help for an argument that carries no derivative."""
    help = "pass a float or an array of floats"
    if isinstance(value, (np.ndarray, np.generic)):
        kind = value.dtype.kind
        code, what = _NO_FLOATS.get(kind, ("S407", f"values of dtype {value.dtype}"))
        return code, f"holds {what}", f"pass {name}.astype(float)" if kind in "iub" else help
    if isinstance(value, (str, bytes)):
        return "S405", "is text", help
    if parts_of(value) is not None and (name != "self" or type(value) in (tuple, list, dict)):
        sort = type(value).__name__
        what = "holds others than numbers and arrays" if _is_odd(value) else "holds no floats"
        return "S407", f"is a {sort} that {what}", f"pass a {sort} of floats or arrays of floats"
    if name == "self":
        help = "say what to differentiate with respect to, as in @grad(wrt='x')"
    what = "None" if value is None else "a bool" if isinstance(value, bool) else f"of type {type(value).__name__}"
    return "S407", f"is {what}", help


def _is_odd(value: Any) -> bool:
    """Whether a tuple, list or dict holds, at any depth, what no gradient can mirror: odd arrays."""
    if type(value) in (tuple, list, dict) or is_named_tuple(type(value)):
        return any(map(_is_odd, parts_of(value) or ()))
    if isinstance(value, np.ndarray):
        return type(value) not in _ARRAYS or value.dtype.kind not in "fciubOUS"
    return False


def same_structure(a: Any, b: Any) -> bool:
    """Whether a tangent has the shape of its argument: that of an array, or of each part of a container.

    What cannot be differentiated may have any tangent, None say.

    >>> same_structure(1.0, 2.0), same_structure(np.ones(3), 1.0), same_structure((1.0, np.ones(2)), (2.0, np.ones(2)))
    (True, False, True)
    """
    parts = parts_of(a)
    if parts is not None:
        others = parts_of(b)
        same = type(b) is type(a) and others is not None and len(parts) == len(others)
        return same and all(map(same_structure, parts, others or ()))
    if not holds_floats(a):
        return True
    return b is not None and parts_of(b) is None and np.shape(a) == np.shape(b)


def same_field(a: Any, b: Any) -> bool:
    """Whether a tangent is complex where its argument is, in each part of a container.

    >>> same_field(1.0, 2.0), same_field(1j, 2.0), same_field((1.0, 1j), (2.0, 2j))
    (True, False, True)
    """
    parts = parts_of(a)
    if parts is not None:
        return all(map(same_field, parts, parts_of(b) or ()))
    return not holds_floats(a) or np.iscomplexobj(a) == np.iscomplexobj(b)


# ---- callables -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What a callable comes down to: a function (or a derivative), and the arguments that are bound already.

    binding: how it binds as an attribute of a class: "plain", "static" or "class".
    """

    function: Any
    bound: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    binding: str = "plain"


def take_apart(given: Any) -> Parts:
    """A function, method, partial object or callable object as a function and what is bound. Raises S1xx for others.

    >>> parts = take_apart(functools.partial(take_apart, 3))
    >>> parts.function is take_apart, parts.bound
    (True, (3,))
    """
    bound: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    binding = "plain"
    wrappers = 0
    while not isinstance(given, (Derivative, types.FunctionType)):
        wrappers += 1
        if isinstance(given, types.MethodType):
            bound, given = (given.__self__, *bound), given.__func__
        elif isinstance(given, functools.partial):
            if any(type(a).__name__ == "_PlaceholderType" for a in given.args):
                raise S2sadError("S109", "a partial object with placeholders is not supported", help="use a lambda")
            bound, named, given = (*given.args, *bound), {**given.keywords, **named}, given.func
        elif isinstance(given, (staticmethod, classmethod)):
            binding, given = "static" if isinstance(given, staticmethod) else "class", given.__func__
        else:
            call = None if isinstance(given, type) else getattr(type(given), "__call__", None)  # noqa: B004
            library = type(given).__module__.partition(".")[0] in ("numpy", "scipy", "functools")
            if not isinstance(call, (Derivative, types.FunctionType)) or library or wrappers > _MOST_WRAPPERS:
                read_function(given)
                reason = f"an object of type {type(given).__qualname__} is not a Python function"
                raise S2sadError("S109", reason, help="give a function made by def or lambda")
            bound, given = (given, *bound), call
    return Parts(given, bound, named, binding)


#: More wrappers around a function than anyone means.
_MOST_WRAPPERS = 100


def signature_parameters(function: types.FunctionType) -> list[inspect.Parameter]:
    """The parameters of a function itself, whatever it wraps and whatever signature it claims to have.

    >>> [str(p) for p in signature_parameters(lambda x, /, y=2, *, z: x)]
    ['x', 'y=2', 'z']
    """
    code = function.__code__
    names = code.co_varnames
    count, only, keywords = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    try:
        annotations = dict(function.__annotations__)
    except Exception:  # Python 3.14 evaluates them when first asked for, and they may name what does not exist
        annotations = {}
    given = function.__defaults__ or ()
    defaults = {**dict(zip(names[count - len(given) : count], given)), **(function.__kwdefaults__ or {})}
    P = inspect.Parameter
    kinds: list[tuple[str, Any]]
    kinds = [(n, P.POSITIONAL_ONLY if i < only else P.POSITIONAL_OR_KEYWORD) for i, n in enumerate(names[:count])]
    rest = count + keywords
    if code.co_flags & inspect.CO_VARARGS:
        kinds.append((names[rest], P.VAR_POSITIONAL))
        rest += 1
    kinds += [(n, P.KEYWORD_ONLY) for n in names[count : count + keywords]]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kinds.append((names[rest], P.VAR_KEYWORD))
    return [P(n, kind, default=defaults.get(n, P.empty), annotation=annotations.get(n, P.empty)) for n, kind in kinds]


def _held_by_module(module: str, name: str) -> Any:
    """What a module holds under a dotted name; None if nothing."""
    held: Any = sys.modules.get(module)
    for part in name.split("."):
        held = getattr(held, part, None)
    return held


def _remade(primal: Callable[..., Any], options: Options, file: str = "", text: str = "") -> Derivative:
    """A derivative from its recipe. The text of a notebook cell comes along: other processes cannot look it up."""
    if file and not linecache.getlines(file):
        linecache.cache[file] = (len(text), None, [line + "\n" for line in text.split("\n")], file)
    return Derivative(primal, options)


def _level_of_user() -> int:
    """The stack level, as the caller gives it to `warnings.warn`, of the nearest frame that is not of s2sad."""
    frame: types.FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] != "s2sad" and not frame.f_code.co_filename.startswith("<s2sad dispatch"):
            break
        frame = frame.f_back
        level += 1
    return level


# ---- kinds, guards and bindings --------------------------------------------------------------------------------


def call_kinds(given: Sequence[Any]) -> list[Kind]:
    """The kinds of actual arguments. Axes of equal length share a symbol, those of length one are one."""
    sizes: dict[int, str] = {}

    def of_array(array: np.ndarray, place: str) -> Kind:
        if type(array) not in _ARRAYS and module_of_arrays(type(array)) is None:
            return kind_of(array)
        dims = tuple(1 if n == 1 else Extent(sizes.setdefault(n, f"n{len(sizes)}"), 0, True) for n in array.shape)
        return Kind("array", array.dtype.name, dims)

    return [kind_by_parts(v, of_array) for v in given]


def _without_modules(kinds: Sequence[Kind], place: Place | None) -> tuple[list[Kind], str | None]:
    """Kinds of arguments whatever module their arrays are of, and the one that is not NumPy. Raises S201 for two."""
    found: dict[str, None] = {}

    def plain(kind: Kind) -> Kind:
        if kind.is_array and isinstance(kind.cls, str):
            found[kind.cls] = None
            return replace(kind, cls=None)
        items = None if kind.items is None else tuple(map(plain, kind.items))
        fields = tuple((n, plain(k)) for n, k in kind.fields)
        return replace(kind, items=items, fields=fields) if items or fields else kind

    made = [plain(k) for k in kinds]
    if len(found) > 1:
        reason = f"arrays of {' and of '.join(found)} in one call are not supported"
        raise S2sadError("S201", reason, place, "use one of them")
    return made, next(iter(found), None)


def defaults_of(function: types.FunctionType) -> tuple[tuple[int, ...], tuple[tuple[str, int], ...]]:
    """Which defaults a function has now, by their identities: of its last positional parameters, and by name."""
    by_name = (function.__kwdefaults__ or {}).items()
    return tuple(map(id, function.__defaults__ or ())), tuple((name, id(value)) for name, value in by_name)


def guards_of(lowering: Lowering) -> list[Guard]:
    """What a text takes for granted: what each name that was looked up means, and the code of each function read."""
    guards: list[Guard] = []

    def taken(held: Any) -> Any:
        return held if callable(held) or isinstance(held, types.ModuleType) else OfKind(kind_of(held))

    for primal in lowering.labels:
        if isinstance(primal, LivePrimal):
            guards.append(Guard(primal.function, "__code__", primal.function.__code__))
            given = {n: getattr(primal.function, n) for n in ("__defaults__", "__kwdefaults__")}
            guards += [Guard(primal.function, n, held) for n, held in given.items() if held is not None]
        scope = primal.scope
        if not isinstance(scope, LiveScope):
            continue
        for name, held in scope.seen.items():
            if name in scope.cells:
                guards.append(Guard(scope.cells[name], name, taken(held)))
            elif name in scope.function.__globals__:
                guards.append(Guard(scope.function.__globals__, name, taken(held)))
            else:
                guards.append(Guard(scope.function.__globals__, name, ABSENT))
    for (module, name), held in lowering.attributes.items():
        guards.append(Guard(vars(sys.modules[module]), name, taken(held)))
    for (cls, name), held in lowering.methods.items():
        for holder in cls.__mro__:
            guards.append(Guard(holder, name, held if name in vars(holder) else ABSENT))
            if name in vars(holder):
                break
    return guards


def _real_float(x: Any = 0.0) -> float:
    """`float`, which of a complex number of NumPy only warns."""
    if isinstance(x, complex):
        raise TypeError("a float cannot be made of a complex number")
    return float(x)


def _only_real(function: Callable[..., Any], power: Place) -> Callable[..., Any]:
    """A function that refuses the complex numbers that a power at this place led to. Raises S207."""

    def refusal() -> S2sadError:
        reason = "this power of a negative number is complex here, and a derivative would flow through it"
        return S2sadError("S207", reason, power, "keep what is raised to a fraction positive")

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            found = function(*args, **kwargs)
        except TypeError as error:
            if "complex" in str(error):
                raise refusal() from error
            raise
        if isinstance(found, complex) or (type(found) is tuple and _has_complex(found)):
            raise refusal()
        return found

    return call


def _has_complex(values: tuple[Any, ...]) -> bool:
    return any(isinstance(v, complex) or (isinstance(v, (tuple, list)) and _has_complex(tuple(v))) for v in values)


def bind_text(
    text: Text, instead: Mapping[str, Any] | None = None, builtins: Mapping[str, Any] | None = None
) -> types.FunctionType:
    """The entry function of a text, bound to live objects.

    instead: stand-ins for runtime functions. builtins: for builtin functions that the text calls.
    """
    values: dict[str, Any] = dict(builtins or {})
    for name, qualified in text.helpers.items():
        module, _, plain = qualified.rpartition(".")
        values[name] = (instead or {}).get(qualified) or getattr(importlib.import_module(module), plain)
    for name, module in text.modules.items():
        values[name] = importlib.import_module(module)
    for name, primal in text.primals.items():
        assert isinstance(primal, LivePrimal)
        values[name] = primal.function
    bindings: dict[str, Binding] = {}
    for name, function in text.functions.items():
        scope = _live_scope(function.primal)
        binding = Binding(scope.function.__globals__, scope.cells)
        if name == text.entry and isinstance(function.primal, LivePrimal):
            primal = function.primal
            parameters = {p.name: p for p in signature_parameters(primal.function)}
            kept = {p.name for p in function.params}
            binding.annotations = {
                n: p.annotation for n, p in parameters.items() if p.annotation is not p.empty and n in kept
            }
            if not any(p.seed for p in function.params):
                binding.defaults = primal.function.__defaults__
            binding.keyword_defaults = primal.function.__kwdefaults__
        bindings[name] = binding
    return link(text.text, text.entry, bindings, values)


def _live_scope(primal: Primal) -> LiveScope:
    scope: Any = primal.scope
    while not isinstance(scope, LiveScope):
        scope = scope.outer
    return scope
