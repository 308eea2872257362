"""Derivatives of programs whose arguments are containers and objects, against dual numbers and differences.

`check_structure(function, *args)` compares `grad`, `value_and_grad`, `vjp`, `jvp` and the second derivatives leaf by
leaf, and checks that a gradient has its argument's structure and dtypes, is fresh, and that arguments stay as they are.
"""

from __future__ import annotations

import copy
import inspect
import warnings

import numpy as np
from programs.dual import Dual, lift_copy, on_duals, part, tangent
from programs.oracle import Unsuitable, differences, leaves, random_like, same_bits, wide

import s2sad


def is_float(value):
    return isinstance(value, float) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f")


def mapped(change, value, *others):
    """A function on each leaf of a structure, and on the leaves at the same places of others like it."""
    if type(value) in (list, tuple):
        return type(value)(mapped(change, *items) for items in zip(value, *others, strict=True))
    if isinstance(value, tuple):
        return type(value)(*(mapped(change, *items) for items in zip(value, *others, strict=True)))
    if isinstance(value, dict):
        assert all(list(o) == list(value) for o in others), "other keys"
        return {k: mapped(change, v, *(o[k] for o in others)) for k, v in value.items()}
    names = attributes_of(value)
    if names:
        made = copy.copy(value)
        for name in names:
            new = mapped(change, getattr(value, name), *(getattr(o, name) for o in others))
            object.__setattr__(made, name, new)
        return made
    return change(value, *others)


def attributes_of(value):
    """The names of what a plain object holds."""
    if callable(value) and inspect.isroutine(value) or isinstance(value, (type, np.ndarray, np.generic, Dual)):
        return []
    if hasattr(value, "__dict__"):
        return list(vars(value))
    return [n for n in getattr(type(value), "__slots__", ()) if hasattr(value, n)]


def floats_of(value):
    """The leaves that can be differentiated, in order."""
    found = []
    mapped(lambda v: found.append(v) if is_float(v) else None, value)
    return found


def with_floats(value, new):
    """The structure with other leaves where it can be differentiated."""
    rest = iter(new)
    return mapped(lambda v: next(rest) if is_float(v) else v, value)


def direction_of(rng, value):
    """A direction in a value's structure: None where it cannot be differentiated."""
    return mapped(lambda v: random_like(rng, v) if is_float(v) else None, value)


def copied(value):
    return mapped(lambda v: v.copy() if isinstance(v, np.ndarray) else v, value)


def gradients_of(gradient, argument):
    """The leaves of a gradient. Fails where its structure, a type or a dtype is not that of the argument."""
    found = []

    def note(given, got):
        if not is_float(given):
            assert got is None, f"{got!r} for a leaf that cannot be differentiated"
            return
        assert np.shape(got) == np.shape(given), f"shape {np.shape(got)} for {np.shape(given)}"
        if isinstance(given, np.ndarray):
            assert isinstance(got, np.ndarray) and got.dtype == given.dtype, f"{type(got)} for {given.dtype}"
            assert got.flags.writeable
        else:
            assert isinstance(got, (float, np.floating)), f"{type(got)} for a number"
        found.append(got)

    def same(a, b):
        assert type(a) is type(b), f"a {type(b).__name__} for a {type(a).__name__}"

    if attributes_of(argument) or isinstance(argument, (list, tuple, dict)):
        same(argument, gradient)
    mapped(note, argument, gradient)
    return found


def by_duals(function, args, directions):
    """The tangent of the result along directions."""

    def moving(value, direction):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            new = lift_copy(value)
            if direction is not None:
                new.tangent[...] = direction
            return new
        return value if direction is None or not is_float(value) else Dual(value, direction)

    def still(value):
        return mapped(lambda v: lift_copy(v) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v, value)

    moved = [still(a) if d is None else mapped(moving, a, d) for a, d in zip(args, directions)]
    result = on_duals(function)(*moved)
    return [part(r) for r in leaves(result)], [tangent(r) for r in leaves(result)]


def dot(a, b):
    return sum(float(np.sum(np.asarray(wide(x)) * wide(y))) for x, y in zip(a, b, strict=True))


def near(got, want, tolerance, what):
    assert abs(got - want) <= tolerance * (1 + abs(want)), f"{what}: {got}, not {want}"


def check_structure(function, *args, wrt=None, second=True, seed=0):
    """Compare every derivative of `function`, whose result is a scalar, with the oracles.

    wrt: positions; where not given, all that holds floats.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        _check(function, args, wrt, second, np.random.default_rng(seed))


def _check(function, args, wrt, second, rng):
    wrt = tuple(i for i, a in enumerate(args) if floats_of(a)) if wrt is None else tuple(wrt)
    before = [copied(a) for a in args]
    flags = [v for a in args for v in floats_of(a) if isinstance(v, np.ndarray)]
    for array in flags:
        array.flags.writeable = False
    value = function(*[copied(a) for a in args])
    directions = [direction_of(rng, a) if i in wrt else None for i, a in enumerate(args)]
    given = [directions[i] for i in wrt]

    def run(*flat):
        rest = list(flat)
        new = []
        for i, a in enumerate(args):
            count = len(floats_of(a)) if i in wrt else 0
            new.append(with_floats(a, rest[:count]) if i in wrt else a)
            rest = rest[count:]
        return function(*new)

    points = [v for i in wrt for v in floats_of(args[i])]
    moves = [v for d in given for v in floats_of(d)]
    (slope,) = differences(run, points, moves)
    try:
        _, tangents = by_duals(function, args, directions)
        want, tolerance = float(np.sum(tangents[0])), 1e-9
    except TypeError:  # methods of classes read modules that dual numbers do not replace
        want, tolerance = float(slope), 1e-6
    if abs(want - float(slope)) > 1e-5 * (1 + abs(want)):
        raise Unsuitable(f"differences give {slope}, dual numbers {want}")
    single = any(np.asarray(p).dtype == np.float32 for p in points)
    tolerance = 1e-3 if single else tolerance

    gradients = s2sad.grad(function, wrt=wrt)(*args)
    found = [gradients_of(g, args[i]) for g, i in zip(gradients, wrt, strict=True)]
    near(dot([v for f in found for v in f], moves), want, tolerance, "grad")
    for k, leaf in enumerate(points):  # each leaf alone
        alone = [m if j == k else np.zeros_like(m) if np.ndim(m) else 0.0 for j, m in enumerate(moves)]
        (slope,) = differences(run, points, alone)
        near(dot([v for f in found for v in f], alone), float(slope), 1e-3 if single else 1e-6, f"grad, leaf {k}")
        del leaf
    got, again = s2sad.value_and_grad(function, wrt=wrt)(*args)
    assert same_bits(got, value), f"value {got!r}, not {value!r}"
    leaves_again = [v for g, i in zip(again, wrt) for v in gradients_of(g, args[i])]
    near(dot(leaves_again, moves), want, tolerance, "value_and_grad")
    adjoints = s2sad.vjp(function, wrt=wrt)(*args, 2.0)
    near(dot([v for g, i in zip(adjoints, wrt) for v in gradients_of(g, args[i])], moves), 2 * want, tolerance, "vjp")
    got, moved = s2sad.jvp(function, wrt=wrt)(*args, *given)
    assert same_bits(got, value), f"jvp: value {got!r}, not {value!r}"
    near(float(moved), want, tolerance * 10, "jvp")
    held = [v for a in args for v in floats_of(a) if isinstance(v, np.ndarray)]
    arrays = [v for f in found for v in f if isinstance(v, np.ndarray)]
    for k, array in enumerate(arrays):
        assert not any(np.shares_memory(array, o) for o in [*arrays[:k], *held]), "shared memory"
    if second:
        _check_second(function, args, wrt, given, run, points, moves)
    for array in flags:
        array.flags.writeable = True
    for now, then in zip(args, before):
        mapped(lambda a, b: same_bits(a, b) or pytest_fail("an argument was written"), now, then)


def _check_second(function, args, wrt, given, run, points, moves):
    for i in wrt[:2]:
        gradient = s2sad.grad(function, wrt=i)
        _, tangents = s2sad.jvp(gradient, wrt=wrt)(*args, *given)
        got = gradients_of(tangents, args[i])

        def flat(*leaves_, i=i, gradient=gradient):
            rest = list(leaves_)
            new = list(args)
            for j in wrt:
                count = len(floats_of(args[j]))
                new[j], rest = with_floats(args[j], rest[:count]), rest[count:]
            return floats_of(gradient(*new))

        try:
            wants = differences(flat, points, moves)
        except Unsuitable:
            continue
        for a, b in zip(got, wants, strict=True):
            np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=3e-5, atol=3e-5)


def pytest_fail(reason):
    raise AssertionError(reason)
