"""What the tests of the rule table share: a check of one use of a rule, and of the cases that all uses together cover.

A formula is evaluated as text, with the plain implementations of the engine's operations below, and compared with
central differences. Each use is checked four times: with kinds known or unknown, with literal arguments known or not.
"""

from __future__ import annotations

import ast
import cmath
import importlib
import inspect
import itertools
import math
import pkgutil
import re
import runpy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import scipy
import scipy.special

import s2sad.runtime.scipy
from s2sad.ir.kinds import UNKNOWN, Extent, Kind, kind_of
from s2sad.rules import registry
from s2sad.rules.registry import ARRAY_ATTRIBUTES, REQUIRED, UNKNOWN_LITERAL, Case, Rule, choose


class Wrong(AssertionError):
    """A rule that does not agree with differences."""


@dataclass
class Use:
    """A call of a function that has a rule. `wrt` narrows the parameters that are differentiated."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    wrt: tuple[str, ...] | None = None
    differences: bool = True  # False at singular points, where only the two modes are compared
    tolerance: float = 2e-6  # of differences
    precision: float = 1e-9  # of one mode against the other
    literal_only: bool = False  # a formula that does not know the literal arguments raises an error

    def by(self, *names: str) -> Use:
        """The same use, differentiated by these parameters only."""
        return replace(self, wrt=names)

    def at_singular_point(self) -> Use:
        """The same use, not compared with differences."""
        return replace(self, differences=False)

    def __repr__(self) -> str:
        shown = [show(a) for a in self.args] + [f"{k}={show(v)}" for k, v in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"


def use(name: str, *args: Any, **kwargs: Any) -> Use:
    return Use(name, args, kwargs)


def show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(show(v) for v in value)}]"
    return repr(value) if not isinstance(value, np.generic) else f"{value.dtype}"


# The engine's operations, written plainly
def unbroadcast(x: Any, a: Any) -> Any:
    total = np.zeros(np.shape(a), np.result_type(x))
    for place in np.ndindex(np.shape(x)):
        own = place[len(place) - np.ndim(a) :]
        total[tuple(0 if n == 1 else i for i, n in zip(own, np.shape(a)))] += np.asarray(x)[place]
    return total if np.ndim(a) else total[()]


def rebroadcast(x: Any, a: Any) -> Any:
    return np.zeros(np.shape(a), np.result_type(x)) + x


def _reduced(a: Any, axis: Any) -> set[int]:
    axes = range(np.ndim(a)) if axis is None else np.atleast_1d(axis).tolist()
    return {i % np.ndim(a) for i in axes}


def spread(x: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = np.zeros(np.shape(a), np.result_type(x))
    gone = _reduced(a, axis)
    for place in np.ndindex(np.shape(a)):
        own = tuple(0 if i in gone else n for i, n in enumerate(place) if keepdims or i not in gone)
        total[place] = np.asarray(x)[own]
    return total if np.ndim(a) else total[()]


def unspread(x: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


ENGINE = {f.__name__: f for f in (unbroadcast, rebroadcast, spread, unspread)}


def names_of_runtime() -> dict[str, Any]:
    """The public functions of `s2sad.runtime`."""
    found = {}
    for module in [
        *pkgutil.iter_modules(s2sad.runtime.__path__, "s2sad.runtime."),
        *pkgutil.iter_modules(s2sad.runtime.scipy.__path__, "s2sad.runtime.scipy."),
    ]:
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(value) and value.__module__ == module.name and not name.startswith("_"):
                found[name] = value
    return found


def off(value: Any, factor: float) -> Any:
    """A value, or each item of a list, times a factor."""
    return [off(v, factor) for v in value] if isinstance(value, (list, tuple)) else value * factor


_BUILTINS = (len, abs, range, tuple, list, sum, min, max, int, float, complex, bool, round, isinstance)
BUILTINS = {f.__name__: f for f in _BUILTINS}
MODULES = {"np": np, "math": math, "cmath": cmath, "scipy": scipy, "special": scipy.special}
NAMES: dict[str, Any] = {**names_of_runtime(), **BUILTINS, **ENGINE, **MODULES, "off": off}


def evaluate(text: str, values: dict[str, Any]) -> Any:
    """The value of a formula."""
    with np.errstate(all="ignore"):
        return eval(text, {"__builtins__": {"__import__": __import__}}, {**NAMES, **values})  # NumPy imports lazily


# A use: its function, its bound arguments
UFUNC_METHODS = ("reduce", "accumulate", "outer", "reduceat")


def function_of(name: str) -> Any:
    """The function of a qualified name; None where this version of Python or NumPy has none."""
    if name.startswith("numpy.ndarray."):
        attribute = name.rpartition(".")[2]
        if attribute in ARRAY_ATTRIBUTES:
            return lambda a: getattr(a, attribute)
        return lambda a, *args, **kwargs: getattr(a, attribute)(*args, **kwargs)
    module, _, last = name.rpartition(".")
    if module.startswith("scipy.stats."):  # a method of a distribution
        return getattr(getattr(importlib.import_module("scipy.stats"), module.rpartition(".")[2]), last)
    if last in UFUNC_METHODS and module.startswith("numpy."):
        return getattr(function_of(module), last)
    return getattr(importlib.import_module(module), last, None)


def bind(entry: Rule, u: Use) -> dict[str, Any]:
    """Arguments by parameter name, those of a variadic parameter as a tuple."""
    bound: dict[str, Any] = {}
    rest = list(u.args)
    for p in entry.parameters:
        if p.variadic:
            bound[p.name], rest = tuple(rest), []
        elif rest and not p.keyword_only:
            bound[p.name] = rest.pop(0)
    assert not rest, f"{u}: too many arguments for its rule"
    known = {p.name for p in entry.parameters}
    assert set(u.kwargs) <= known, f"{u}: unknown keywords"
    bound.update(u.kwargs)
    return bound


def is_active(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def active_places(entry: Rule, u: Use) -> list[tuple[str, int | None]]:
    """What can be differentiated: a parameter, or one item of a sequence or variadic parameter."""
    places: list[tuple[str, int | None]] = []
    bound = bind(entry, u)
    for name in u.wrt or entry.differentiable:
        value = bound.get(name)
        if isinstance(value, (tuple, list)):
            places += [(name, k) for k, item in enumerate(value) if is_active(item)]
        elif is_active(value):
            places.append((name, None))
    return places


def get(bound: dict[str, Any], place: tuple[str, int | None]) -> Any:
    name, k = place
    return bound[name] if k is None else bound[name][k]


def put(bound: dict[str, Any], place: tuple[str, int | None], value: Any) -> dict[str, Any]:
    name, k = place
    if k is not None:
        value = type(bound[name])([*bound[name][:k], value, *bound[name][k + 1 :]])
    return {**bound, name: value}


def call(entry: Rule, u: Use, bound: dict[str, Any]) -> Any:
    """The result for bound arguments, given as the use gives them."""
    args: list[Any] = []
    for p in entry.parameters:
        if p.name in bound and p.name not in u.kwargs:
            args += bound[p.name] if p.variadic else [bound[p.name]]
    with np.errstate(all="ignore"):
        return function_of(u.name)(*args, **{n: bound[n] for n in u.kwargs})


def is_literal(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic)


def values_of_cases(entry: Rule, bound: dict[str, Any], place: Any, known: bool, literal: bool) -> dict[str, Any]:
    """What the conditions of cases speak of, as the engine would give it for this use."""
    values: dict[str, Any] = {}
    for p in entry.parameters:
        given = bound.get(p.name)
        shown = UNKNOWN_LITERAL
        if literal and p.name in bound and p.name != place[0] and is_literal(given):
            shown = given
        if p.variadic or p.default is REQUIRED:
            values[p.name] = kind_of(given, p.name) if known else UNKNOWN
            if p.variadic:
                values[p.name] = tuple(kind_of(v, f"{p.name}{i}") if known else UNKNOWN for i, v in enumerate(given))
            values[f"{p.name}_value"] = shown
        else:
            values[p.name] = shown if p.name in bound else p.default
    if place[1] is not None:
        name, k = place
        values.update(item=kind_of(bound[name][k], f"{name}{k}") if known else UNKNOWN, k=k, count=len(bound[name]))
        if not known and isinstance(bound[name], (list, tuple)) and isinstance(values[name], type(UNKNOWN)):
            values[name] = type(UNKNOWN)(type(bound[name]).__name__, items=(UNKNOWN,) * len(bound[name]))
    return values


def chosen(cases: tuple[Case, ...], values: dict[str, Any]) -> tuple[int, str] | None:
    """The position and the text of the first case that holds."""
    for position, case in enumerate(cases):
        text = choose((case,), values)
        if text is not None:
            return position, text
    return None


# Differences
def dot(g: Any, v: Any) -> float:
    if isinstance(v, (tuple, list)):
        return sum(dot(a, b) for a, b in zip(g, v))
    return float(np.sum(np.asarray(g, float) * np.asarray(v, float)))


def random_like(value: Any, rng: np.random.Generator) -> Any:
    """Random numbers of the type and shape of a value; zeros where it holds no floats."""
    if isinstance(value, (tuple, list)):
        return tuple(random_like(v, rng) for v in value)
    if type(value) is float:
        return float(rng.normal())
    made = np.asarray(rng.normal(size=np.shape(value)))
    dtype = np.asarray(value).dtype
    made = made.astype(dtype if dtype.kind == "f" else float) * (1 if dtype.kind == "f" else 0)
    return made if isinstance(value, np.ndarray) else made[()]


def moved(x: Any, by: Any) -> Any:
    return x + by if isinstance(x, np.ndarray) else type(x)(x + by)


def gradient_by_differences(entry: Rule, u: Use, bound: Values, place: Any, g: Any, at: int | None = None) -> Any:
    """The gradient by what stands at a place, or by one item of the list that stands there."""
    whole = get(bound, place)
    x = whole if at is None else whole[at]

    def value(by: Any) -> float:
        new = moved(x, by)
        new = new if at is None else [*whole[:at], new, *whole[at + 1 :]]
        return dot(g, call(entry, u, put(bound, place, new)))

    total = np.zeros(np.shape(x))
    for index in np.ndindex(np.shape(x)):
        unit = np.zeros(np.shape(x))
        unit[index] = h = 1e-6 * max(1.0, abs(float(np.asarray(x)[index])))
        unit = unit if np.ndim(x) else h
        total[index] = (value(unit) - value(-unit)) / (2 * h)
    return total


def agree(found: Any, expected: Any, tolerance: float, what: str) -> None:
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    if found.shape != expected.shape:
        raise Wrong(f"{what}: shape {found.shape}, not {expected.shape}")
    if not np.all(np.abs(found - expected) <= tolerance * scale):
        raise Wrong(f"{what}:\n{found}\nis not\n{expected}")


# The check
Covered = set[tuple[str, str, str, int]]


Values = dict[str, Any]


def tangent_value(entry: Rule, u: Use, bound: Values, place: Any, text: str, x_dot: Any, env: Values) -> Any:
    """The tangent of the result for the tangent of one argument."""
    name, k = place
    if text == "@same":
        if k is None:
            return call(entry, u, {**bound, name: x_dot})
        if name != entry.sequence:  # an operand of `*operands`, each by itself
            return call(entry, u, put(bound, place, x_dot))
        zeros = [x_dot if i == k else item * 0 for i, item in enumerate(bound[name])]
        others = {p: v * 0 for p, v in bound.items() if p != name and is_active(v) and p in entry.tangent}
        return call(entry, u, {**bound, **others, name: type(bound[name])(zeros)})
    dots: dict[str, Any] = {f"{name}_dot": x_dot}
    if k is not None:
        dots = {"item_dot": x_dot, f"{name}_dot": [x_dot if i == k else item * 0 for i, item in enumerate(bound[name])]}
    return evaluate(text, {**env, **dots})


def check(u: Use, covered: Covered | None = None, entry: Rule | None = None) -> int:
    """Check a use of a rule against differences; returns how many formulas were checked."""
    entry = entry or registry.find(u.name)
    assert entry is not None, f"{u.name} has no rule"
    rng = np.random.default_rng(len(repr(u)))
    bound = bind(entry, u)
    y = call(entry, u, bound)
    g = random_like(y, rng)
    done = 0
    if u.differences:
        check_kind(entry, u, bound, y)
    done += check_lists(entry, u, bound, y, g, covered)
    for place in active_places(entry, u):
        name, k = place
        x = get(bound, place)
        x_dot = random_like(x, rng)
        env = environment(entry, bound, y, g)
        if k is not None:
            env.update(item=x, k=k, count=len(bound[name]))
        by_differences = gradient_by_differences(entry, u, bound, place, g) if u.differences else None
        texts = {}
        for known, literal in itertools.product((True, False), (True,) if u.literal_only else (True, False)):
            values = values_of_cases(entry, bound, place, known, literal)
            adjoint, tangent = chosen(entry.adjoint[name], values), chosen(entry.tangent.get(name, ()), values)
            for mode, found in (("adjoint", adjoint), ("tangent", tangent)):
                if found and covered is not None:
                    covered.add((entry.name, name, mode, found[0]))
            texts[adjoint and adjoint[1], tangent and tangent[1]] = None
        for adjoint_text, tangent_text in texts:
            if adjoint_text is None or (name == entry.sequence and k is None and names_an_item(adjoint_text)):
                continue
            what = f"{u}, by {name}{'' if k is None else k}: {adjoint_text}"
            x_bar = evaluate(adjoint_text, env)
            if entry.elementwise:
                x_bar = unbroadcast(rebroadcast(x_bar, y), x)
            if np.shape(x_bar) != np.shape(x):
                raise Wrong(f"{what}: shape {np.shape(x_bar)}, not {np.shape(x)}")
            if by_differences is not None:
                agree(x_bar, by_differences, u.tolerance, what)
            done += 1
            if tangent_text is None:
                continue
            y_dot = tangent_value(entry, u, bound, place, tangent_text, x_dot, env)
            if entry.elementwise:
                y_dot = rebroadcast(y_dot, y)
            if not entry.results and np.shape(y_dot) != np.shape(y):
                raise Wrong(f"{u}, tangent {tangent_text}: shape {np.shape(y_dot)}, not {np.shape(y)}")
            # The dot-product test: the adjoint is the transpose of the tangent.
            both = f"{what}, and tangent {tangent_text}"
            agree(dot(g, y_dot), dot(x_bar, x_dot), u.precision * max(1, np.size(x)), both)
            done += 1
    return done


def check_lists(entry: Rule, u: Use, bound: Values, y: Any, g: Any, covered: Covered | None) -> int:
    """Check a use once more for lists of which only the kind of an item is known; returns how many were checked."""
    rng = np.random.default_rng(len(repr(u)))
    done = 0
    for name in u.wrt or entry.differentiable:
        place = (name, 0) if any(p.name == name and p.variadic for p in entry.parameters) else (name, None)
        if place[1] == 0 and len(bound.get(name, ())) != 1:
            continue
        items = get(bound, place) if name in bound else None
        if not isinstance(items, list) or not items or not all(map(is_active, items)):
            continue
        kinds = [kind_of(v, "item") for v in items]
        if any(k != kinds[0] for k in kinds):
            continue
        values = values_of_cases(entry, bound, place, True, True)
        values["item" if place[1] == 0 else name] = Kind("list", element=kinds[0])
        adjoint, tangent = chosen(entry.adjoint[name], values), chosen(entry.tangent.get(name, ()), values)
        if adjoint is None or names_an_item(adjoint[1]) and place[1] is None:
            continue
        env = {**environment(entry, bound, y, g), "item": items, "k": 0, "count": 1}
        found = evaluate(adjoint[1], env)
        found = list(found) if isinstance(found, tuple) else found
        if not isinstance(found, list):
            continue  # the formula of an array, which the engine does not choose for a list
        if covered is not None:
            covered.add((entry.name, name, "adjoint", adjoint[0]))
        dots = [random_like(v, rng) for v in items]
        for j in range(len(items)) if u.differences else ():
            total = gradient_by_differences(entry, u, bound, place, g, at=j)
            agree(found[j], total, u.tolerance, f"{u}, by the items of a list: {adjoint[1]}")
        if tangent is not None and tangent[1] != "@same":
            if covered is not None:
                covered.add((entry.name, name, "tangent", tangent[0]))
            y_dot = evaluate(tangent[1], {**env, f"{name}_dot": dots, "item_dot": dots})
            agree(dot(g, y_dot), dot(found, dots), u.precision * len(items), f"{u}, tangent of a list: {tangent[1]}")
        done += 1
    return done


def names_an_item(text: str) -> bool:
    """Whether a formula is of one item of a sequence, so that it does not serve for an array in its place."""
    return bool({"item", "k"} & {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)})


def partials(u: Use, by: str) -> list[Any]:
    """The adjoints that all the formulas that may be chosen give for an adjoint of the result of ones."""
    entry = registry.find(u.name)
    assert entry is not None
    bound = bind(entry, u)
    y = call(entry, u, bound)
    env = environment(entry, bound, y, np.ones_like(y)[()])
    found = []
    for known, literal in itertools.product((True, False), repeat=2):
        chosen_one = chosen(entry.adjoint[by], values_of_cases(entry, bound, (by, None), known, literal))
        if chosen_one is not None:
            x_bar = evaluate(chosen_one[1], env)
            found.append(unbroadcast(rebroadcast(x_bar, y), bound[by]) if entry.elementwise else x_bar)
    return found


def environment(entry: Rule, bound: dict[str, Any], y: Any, g: Any) -> dict[str, Any]:
    """What the names of a formula stand for."""
    env = {p.name: p.default for p in entry.parameters if p.default is not REQUIRED}
    env.update(bound)
    if entry.results:
        env.update({f"y{k}": part for k, part in enumerate(y)})
        env.update({f"g{k}": part for k, part in enumerate(g)})
        return env
    return {"y": y, **env, "g": g}


def check_dtype(u: Use) -> int:
    """Check that single precision stays so: where the result is float32, so are adjoints of float32 arguments."""
    entry = registry.find(u.name)
    assert entry is not None
    rng = np.random.default_rng(0)

    def single(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(map(single, value))
        return value.astype("float32") if getattr(value, "dtype", None) == np.float64 else value

    narrow = replace(u, args=tuple(map(single, u.args)), kwargs={n: single(v) for n, v in u.kwargs.items()})
    bound = bind(entry, narrow)
    y = call(entry, narrow, bound)
    if entry.results or getattr(y, "dtype", None) != np.float32:
        return 0
    check_kind(entry, narrow, bound, y)
    g = random_like(y, rng)
    done = 0
    for place in active_places(entry, narrow):
        name, k = place
        x = get(bound, place)
        if getattr(x, "dtype", None) != np.float32:
            continue
        env = environment(entry, bound, y, g)
        if k is not None:
            env.update(item=x, k=k, count=len(bound[name]))
        x_dot = random_like(x, rng)
        for literal in (True,) if u.literal_only else (True, False):
            values = values_of_cases(entry, bound, place, True, literal)
            adjoint, tangent = chosen(entry.adjoint[name], values), chosen(entry.tangent.get(name, ()), values)
            if adjoint is not None and (name != entry.sequence or k is not None or not names_an_item(adjoint[1])):
                found = np.asarray(evaluate(adjoint[1], env)).dtype
                assert found == np.float32, f"{narrow}, by {name}: {adjoint[1]} is {found}"
                done += 1
            if tangent is not None and adjoint is not None:
                made = np.asarray(tangent_value(entry, narrow, bound, place, tangent[1], x_dot, env)).dtype
                assert made == np.float32, f"{narrow}, tangent by {name}: {tangent[1]} is {made}"
    return done


# Kinds
def check_kind(entry: Rule, u: Use, bound: dict[str, Any], y: Any) -> None:
    """Check that what a rule says of its result's kind holds, with literals known and not."""
    if entry.kind is None:
        return
    kinds: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    variadic = {p.name for p in entry.parameters if p.variadic}
    for name, value in bound.items():
        items = value if isinstance(value, (tuple, list)) else ()
        kinds[name] = kind_of(value, name)
        if name in variadic:
            kinds[name] = tuple(kind_of(v, f"{name}{i}") for i, v in enumerate(value))
        for i, v in enumerate(items):
            item_name = f"{name}{'' if name in variadic else '.'}{i}"
            lengths.update({f"{item_name}.{axis}": n for axis, n in enumerate(np.shape(v))})
        if not isinstance(value, (tuple, list)):
            lengths.update({f"{name}.{axis}": n for axis, n in enumerate(np.shape(value))})
    literals = {name: value for name, value in bound.items() if is_literal(value) and not isinstance(value, float)}
    floats = {name: value for name, value in bound.items() if is_literal(value)}
    for known in (literals, floats, {}):
        predicted = registry.kind_of_result(entry, kinds, known)
        holds(predicted, y, lengths, f"{u} with literals {known}: {predicted}")
    unknown = {n: (UNKNOWN,) * len(k) if isinstance(k, tuple) else UNKNOWN for n, k in kinds.items()}
    predicted = registry.kind_of_result(entry, unknown, {})
    holds(predicted, y, lengths, f"{u} of unknown kinds: {predicted}")


#: The dtype that a number of Python counts as, where a kind does not tell its sort.
_COUNTED = {"float": "float64", "bool": "bool", "complex": "complex128"}


def holds(predicted: Any, actual: Any, lengths: dict[str, int], what: str) -> None:
    """Check that a predicted kind says nothing false of a value."""
    real = kind_of(actual, "y")
    if predicted.sort == "tuple":
        assert isinstance(actual, tuple), f"{what}; it is a {real.sort}"  # NumPy's named tuples too
    elif predicted.sort == "float":
        assert real.sort in ("float", "int"), f"{what}; it is a {real.sort}"  # "int with float is float"
    elif predicted.sort != "unknown":
        assert predicted.sort == real.sort, f"{what}; it is a {real.sort}"
    if predicted.dtype is not None:
        counted = _COUNTED.get(real.sort, real.dtype) if predicted.sort == "unknown" else real.dtype
        assert predicted.dtype == counted, f"{what}; its dtype is {real.dtype}"
    if isinstance(predicted.shape, tuple) and real.sort not in ("tuple", "list"):
        shape = np.shape(actual)
        assert len(predicted.shape) == len(shape), f"{what}; its shape is {shape}"
        for dim, n in zip(predicted.shape, shape):
            if isinstance(dim, int):
                assert dim == n, f"{what}; its shape is {shape}"
            elif isinstance(dim, Extent):
                assert not (dim.plural and n == 1), f"{what}; its shape is {shape}"
                if dim.symbol in lengths:
                    assert max(lengths[dim.symbol] + dim.offset, 0) == n, f"{what}; its shape is {shape}"
    if predicted.items is not None:
        assert len(predicted.items) == len(actual), what
        for kind, item in zip(predicted.items, actual):
            holds(kind, item, lengths, what)


# The table
def rules_of(*modules: str) -> list[str]:
    """The names of the rules that rule files register, aliases left out."""
    registry.load()
    saved, saved_aliases = dict(registry._rules), dict(registry._aliases)
    registry._rules.clear()
    try:
        for module in modules:
            runpy.run_path(importlib.import_module(module).__file__ or "")
        return sorted(registry._rules)
    finally:
        registry._rules.clear()
        registry._rules.update(saved)
        registry._aliases.update(saved_aliases)


OF_COMPLEX = re.compile(r"\.is_complex|\.is_real|'complex'")


def missed(names: list[str], covered: Covered) -> list[str]:
    """The cases of rules that no use came to."""
    found = []
    for name in names:
        entry = registry._rules[name]
        if function_of(name) is None:
            continue
        for mode, table in (("adjoint", entry.adjoint), ("tangent", entry.tangent)):
            for parameter, cases in table.items():
                for position, case in enumerate(cases):
                    # What is of complex numbers is covered by the tests of those.
                    if not OF_COMPLEX.search(case.when) and (name, parameter, mode, position) not in covered:
                        found.append(f"{name}, {mode} by {parameter}, case {position}: {case.when!r} {case.text}")
    return found


def broken(entry: Rule, factor: float = 1.001) -> Rule:
    """A rule whose adjoints and tangents are a little off, which a check must notice."""

    def spoil(cases: tuple[Case, ...]) -> tuple[Case, ...]:
        made = []
        for case in cases:
            if isinstance(case.text, str) and case.text != "@same":
                made.append(Case(case.when, f"off({case.text}, {factor})"))
            elif callable(case.text):
                made.append(Case(case.when, lambda v, t=case.text: None if t(v) is None else f"off({t(v)}, {factor})"))
            else:
                made.append(case)
        return tuple(made)

    return replace(entry, adjoint={p: spoil(c) for p, c in entry.adjoint.items()})


def texts_of(entry: Rule) -> list[str]:
    """The texts of a rule that are plain."""
    tables = [*entry.adjoint.values(), *entry.tangent.values()]
    return [c.text for cases in tables for c in cases if isinstance(c.text, str) and not c.text.startswith("@")]


def unknown_names(entry: Rule) -> list[str]:
    """Names in a rule's texts that are no parameter, no result, and nothing that formulas may call."""
    parameters = {p.name for p in entry.parameters}
    own = {*parameters, *(f"{p}_dot" for p in parameters), "item", "item_dot", "k", "count"}
    own |= {f"{n}{k}" for n in "yg" for k in range(entry.results)} if entry.results else {"y", "g"}
    used = {n.id for text in texts_of(entry) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    found = used - own - set(NAMES)
    for text in texts_of(entry):
        for node in ast.walk(ast.parse(text)):
            root = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else None
            if root in ("np", "math", "special"):
                if not hasattr(NAMES[root], node.attr):
                    found.add(f"{root}.{node.attr}")
    return sorted(found)


def checks_of(uses: list[Use], names: list[str]) -> tuple[Any, Any, Any]:
    """The tests that a file of rules has: of each use, of all cases together, of the names that the rules read."""

    @pytest.mark.parametrize("u", uses, ids=repr)
    def test_rule(u: Use) -> None:
        check(u)
        check_dtype(u)

    def test_every_case_is_checked() -> None:
        covered: Covered = set()
        for u in uses:
            check(u, covered)
        assert not missed(names, covered)

    @pytest.mark.parametrize("name", names)
    def test_names_exist(name: str) -> None:
        assert function_of(name) is not None
        entry = registry.find(name)
        assert entry is not None
        assert not unknown_names(entry)

    return test_rule, test_every_case_is_checked, test_names_exist


# Arguments
def numbers(shape: Any, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Any:
    """Random numbers between bounds, of a shape; a Python number for the shape None, a NumPy one for "scalar"."""
    rng = np.random.default_rng([seed, 7])
    if shape is None:
        return float(rng.uniform(low, high))
    if shape == "scalar":
        return np.float64(rng.uniform(low, high))
    return rng.uniform(low, high, size=shape)


def is_exact(u: Use) -> bool:
    """Whether a rule says all of its result's sort, dtype and rank, for known kinds and literals."""
    entry = registry.find(u.name)
    assert entry is not None
    kinds = {name: kind_of(value, name) for name, value in bind(entry, u).items()}
    known = {name: value for name, value in bind(entry, u).items() if is_literal(value)}
    found = registry.kind_of_result(entry, kinds, known)
    parts = found.items if found.sort == "tuple" else (found,)
    return parts is not None and all(
        k.sort in ("float", "int") or (k.sort in ("array", "scalar") and k.dtype is not None and k.rank is not None)
        for k in parts
    )
