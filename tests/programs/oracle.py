"""What a program's derivatives must be, found without s2sad: by dual numbers and by central differences.

`check(function, *args)` compares `grad`, `value_and_grad`, `vjp`, `jvp` and the second derivatives with them and with
each other, and checks that the caller's arrays are as before and that the results are fresh.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from dataclasses import dataclass

import numpy as np
from programs.dual import directional, duplicate, in_double

import s2sad


class Unsuitable(Exception):
    """The program has no derivative at the point that the oracles agree on: a kink, a pole, a number out of range."""


@dataclass
class Point:
    """Where a program is differentiated, and with respect to which positions."""

    function: object
    args: tuple
    wrt: tuple[int, ...]
    single: bool  # whether some argument is in single precision

    @property
    def tolerance(self):
        return 2e-4 if self.single else 1e-10


def is_active(value):
    """Whether an argument is differentiated where nothing is said."""
    return isinstance(value, float) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f")


def leaves(result):
    """The numbers and arrays of a result."""
    return [x for r in result for x in leaves(r)] if isinstance(result, (tuple, list)) else [result]


def wide(value):
    """A float or float array in double precision."""
    return np.asarray(value, float) if np.ndim(value) else float(value)


def random_like(rng, value):
    """A random direction of a value's shape (and dtype)."""
    drawn = rng.uniform(0.5, 1.5, np.shape(value)) * rng.choice([-1.0, 1.0], np.shape(value))
    return drawn.astype(value.dtype) if isinstance(value, np.ndarray) else float(drawn)


def same_bits(a, b):
    """Whether two values are of one type and bit for bit equal."""
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same_bits, a, b))
    if isinstance(a, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (float, np.floating)):
        return type(a) is type(b) and np.float64(a).tobytes() == np.float64(b).tobytes()
    return type(a) is type(b) and a == b


def copied(args):
    """Copies of the arrays, laid out as they are; anything else as it is."""
    return tuple(duplicate(a) if isinstance(a, np.ndarray) else a for a in args)


def shifted(args, directions, step):
    """Arguments in double precision that may be written into, those with a direction moved along it."""

    def shift(a, d):
        if not isinstance(a, np.ndarray):
            return a if d is None else wide(a) + step * wide(d)
        new = duplicate(a, float if a.dtype.kind == "f" else None)
        if d is not None:
            new += step * wide(d)
        return new

    return tuple(map(shift, args, directions))


def differences(run, args, directions, *, tolerance=1e-5):
    """The directional derivative of every leaf of `run(*args)`: central differences, extrapolated, with step control.

    The step shrinks until two extrapolations agree; raises Unsuitable where none do.
    """
    best = None
    with np.errstate(all="ignore"):
        for step in (1e-3, 2.5e-4, 6e-5, 1.5e-5, 4e-6):
            rows = []
            for h in (step, step / 2, step / 4):
                ends = [leaves(run(*shifted(args, directions, s * h))) for s in (1, -1)]
                rows.append([(np.asarray(wide(a)) - np.asarray(wide(b))) / (2 * h) for a, b in zip(*ends)])
            first, second = ([(4 * b - a) / 3 for a, b in zip(*pair)] for pair in (rows[:2], rows[1:]))
            finer = [(16 * b - a) / 15 for a, b in zip(first, second)]
            gaps = [float(np.max(np.abs(a - b), initial=0.0)) for a, b in zip(second, finer)]
            sizes = [float(np.max(np.abs(b), initial=0.0)) for b in finer]
            error = max((gap / (1 + size) for gap, size in zip(gaps, sizes)), default=0.0)
            if np.isfinite(error) and (best is None or error < best[0]):
                best = (error, finer)
            if best is not None and best[0] < 1e-10:
                break
    if best is None or best[0] > tolerance:
        raise Unsuitable("differences at several steps disagree")
    return best[1]


def close(got, want, tolerance, what, point):
    """Fails where two values differ by more than the tolerance, relative to the largest entry."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert got.shape == want.shape, f"{what} of {point.function.__name__}: shape {got.shape}, not {want.shape}"
    scale = 1 + np.max(np.abs(want), initial=0.0)
    error = np.max(np.abs(got - want), initial=0.0) / scale
    name = point.function.__name__
    assert error <= tolerance, f"{what} of {name}{point.args}: got {got}, want {want} (error {error:.2e})"


def dual_gradients(point, seeds):
    """The gradient of <seeds, result> for each wrt, from one run on dual numbers for each element."""
    args = tuple(wide(a) if i in point.wrt or is_active(a) else a for i, a in enumerate(point.args))
    found = []
    for position in point.wrt:
        x = args[position]
        gradient = np.zeros(np.shape(x))
        for index in np.ndindex(np.shape(x)):
            basis = np.zeros(np.shape(x))
            basis[index] = 1.0
            tangents = [None] * len(args)
            tangents[position] = basis if np.ndim(x) else 1.0
            _, moved = directional(point.function, args, tangents)
            gradient[index] = sum(float(np.sum(np.asarray(wide(s)) * t)) for s, t in zip(seeds, leaves(moved)))
        found.append(gradient)
    return found


def along(point, directions):
    """One direction for each argument: None where it stands still."""
    return [directions[point.wrt.index(i)] if i in point.wrt else None for i in range(len(point.args))]


def untouched(point, before, what):
    for kept, now in zip(before, point.args):
        assert same_bits(kept, now), f"{what} of {point.function.__name__} wrote into the caller's argument"


def fresh(point, gradients, what):
    """Each gradient: the argument's shape and dtype, its own memory, writable."""
    arrays = []
    for position, gradient in zip(point.wrt, gradients):
        given = point.args[position]
        assert np.shape(gradient) == np.shape(given), f"{what}: shape {np.shape(gradient)} for {np.shape(given)}"
        if isinstance(given, np.ndarray):
            assert isinstance(gradient, np.ndarray), f"{what}: {type(gradient)} for an array"
            assert gradient.dtype == given.dtype, f"{what}: dtype {gradient.dtype} for {given.dtype}"
            assert gradient.flags.writeable, f"{what}: read-only"
            arrays.append(gradient)
        else:
            assert isinstance(gradient, (float, np.floating)), f"{what}: {type(gradient)} for a number"
    held = [a for a in point.args if isinstance(a, np.ndarray)] + _globals_of(point.function)
    for k, gradient in enumerate(arrays):
        for other in [*arrays[:k], *held]:
            assert not np.shares_memory(gradient, other), f"{what} of {point.function.__name__} shares memory"


def _globals_of(function):
    names = function.__code__.co_names
    return [v for n, v in function.__globals__.items() if n in names and isinstance(v, np.ndarray)]


def mentions_single(code):
    """Whether a function's code, or that of a function in it, names single precision."""
    return "float32" in code.co_names or any(map(mentions_single, filter(inspect.iscode, code.co_consts)))


def check(function, *args, wrt=None, first=True, second=True, seed=0):
    """Compare every derivative of `function` at `args` with the oracles. Raises AssertionError where one is wrong.

    wrt: positions; where not given, every float and array of floats. first: derivatives of the value. second:
    derivatives of the gradient. The function may write into its arguments; its derivatives may not.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        _check(point_of(function, args, wrt), np.random.default_rng(seed), first, second)


def point_of(function, args, wrt=None):
    """The point that these arguments and the function's defaults make."""
    bound = inspect.signature(function).bind(*args)
    bound.apply_defaults()
    args = bound.args
    positions = tuple(i for i, a in enumerate(args) if is_active(a)) if wrt is None else tuple(wrt)
    single = any(isinstance(a, (np.ndarray, np.generic)) and a.dtype == np.float32 for a in args)
    return Point(function, args, positions, single or mentions_single(function.__code__))


def check_along(function, *args, wrt=None, seed=0):
    """Compare the derivatives of a function with a scalar result along two random directions, all arguments at once.

    Fails where a product of gradient and direction is further than 1e-6, relative, from the slope by differences, or
    1e-9 from the slope by dual numbers; where the value is not the primal's; where an argument is not as before.
    """
    point = point_of(function, args, wrt)
    args = point.args
    value = function(*copied(args))
    assert np.ndim(value) == 0 and np.isfinite(value)
    rng = np.random.default_rng(seed)
    before = copied(args)
    with read_only(args), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, gradients = s2sad.value_and_grad(function, wrt=point.wrt)(*args)
        assert same_bits(got, value), f"value_and_grad of {function.__name__}: value {got!r}, not {value!r}"
        fresh(point, gradients, "value_and_grad")
        for alone, gradient in zip(s2sad.grad(function, wrt=point.wrt)(*args), gradients):
            close(alone, gradient, 1e-12, "grad beside value_and_grad", point)
        for _ in range(2):
            directions = [random_like(rng, args[i]) for i in point.wrt]
            exact, rough = slopes(point, directions)
            product = sum(float(np.sum(g * d)) for g, d in zip(gradients, directions))
            nearly(product, rough, 1e-6, "gradient against differences", point)
            nearly(product, exact, 1e-9, "gradient against dual numbers", point)
            got, slope = s2sad.jvp(function, wrt=point.wrt)(*args, *directions)
            assert same_bits(got, value), f"jvp of {function.__name__}: value {got!r}, not {value!r}"
            nearly(slope, exact, 1e-9, "jvp against dual numbers", point)
    untouched(point, before, "a derivative")


def slopes(point, directions):
    """The slope of a scalar function along directions, by dual numbers and by differences, which agree."""
    moving = along(point, directions)
    exact = float(directional(point.function, point.args, moving)[1])
    rough = float(differences(point.function, point.args, moving)[0])
    if abs(exact - rough) > 1e-6 * abs(exact):
        raise Unsuitable(f"differences give {rough}, dual numbers {exact}")
    return exact, rough


def nearly(got, want, tolerance, what, point):
    """Fails where two numbers differ by more than the tolerance, relative to the second."""
    error = abs(got - want) / abs(want)
    assert error <= tolerance, f"{what} of {point.function.__name__}: got {got}, want {want} (error {error:.2e})"


@contextlib.contextmanager
def read_only(args):
    """Arrays that nobody may write into meanwhile."""
    arrays = [a for a in args if isinstance(a, np.ndarray)]
    for a in arrays:
        a.flags.writeable = False
    try:
        yield
    finally:
        for a in arrays:
            a.flags.writeable = True


def oracles_agree(function, *args, seed=0):
    """Raise Unsuitable where dual numbers and differences disagree about a function, without s2sad."""
    point = point_of(function, args)
    with np.errstate(all="ignore"):
        value = function(*copied(point.args))
        _expected(point, np.random.default_rng(seed), value, leaves(value))


def _check(point, rng, first, second):
    function, args = point.function, point.args
    value = function(*copied(args))
    outputs = leaves(value)
    if not all(np.all(np.isfinite(wide(v))) for v in outputs):
        raise Unsuitable("the value is not finite")
    before = copied(args)
    with read_only(args):
        if first:
            _first_order(point, rng, value, outputs)
            untouched(point, before, "a derivative")
        if second and not isinstance(value, (tuple, list)) and np.ndim(value) == 0:
            _second_order(point, rng)
            untouched(point, before, "a second derivative")


def _expected(point, rng, value, outputs):
    """Seeds, directions, the gradients by dual numbers, and their product with the directions (by differences)."""
    function, args = point.function, point.args
    directions = [random_like(rng, args[i]) for i in point.wrt]
    scalar = not isinstance(value, (tuple, list)) and np.ndim(value) == 0
    seeds = [1.0] if scalar else [random_like(rng, v) for v in outputs]
    wants = dual_gradients(point, seeds)
    plain = in_double(function) if mentions_single(function.__code__) else function
    slopes = differences(plain, args, along(point, directions))
    slope = sum(float(np.sum(np.asarray(wide(s)) * d)) for s, d in zip(seeds, slopes))
    by_duals = sum(float(np.sum(w * d)) for w, d in zip(wants, directions))
    if abs(slope - by_duals) > 1e-5 * (1 + abs(slope)):
        raise Unsuitable(f"differences give {slope}, dual numbers {by_duals}")
    return seeds, directions, wants, by_duals


def _first_order(point, rng, value, outputs):
    function, args = point.function, point.args
    seeds, directions, wants, by_duals = _expected(point, rng, value, outputs)
    if not isinstance(value, (tuple, list)) and np.ndim(value) == 0:
        gradients = s2sad.grad(function, wrt=point.wrt)(*args)
        both = s2sad.value_and_grad(function, wrt=point.wrt)(*args)
        assert same_bits(both[0], value), f"value_and_grad of {function.__name__}: value {both[0]!r}, not {value!r}"
        for got, again, want in zip(gradients, both[1], wants):
            close(got, want, point.tolerance, "grad", point)
            close(again, want, point.tolerance, "value_and_grad", point)
        fresh(point, gradients, "grad")
        fresh(point, both[1], "value_and_grad")
        one = s2sad.grad(function, wrt=point.wrt[0])(*args)
        close(one, wants[0], point.tolerance, "grad with one wrt", point)
    if not isinstance(value, (tuple, list)):
        adjoints = s2sad.vjp(function, wrt=point.wrt)(*args, seeds[0])
        for got, want in zip(adjoints, wants):
            close(got, want, point.tolerance, "vjp", point)
        fresh(point, adjoints, "vjp")
    result, tangents = s2sad.jvp(function, wrt=point.wrt)(*args, *directions)
    assert same_bits(result, value), f"jvp of {function.__name__}: value {result!r}, not {value!r}"
    got = sum(float(np.sum(np.asarray(wide(s)) * t)) for s, t in zip(seeds, leaves(tangents)))
    close(got, by_duals, point.tolerance * 10, "jvp", point)


def _second_order(point, rng):
    """The derivative of each gradient along a random direction, forward and backward, against differences of it."""
    function, args = point.function, point.args
    directions = [random_like(rng, args[i]) for i in point.wrt]
    tolerance = 1e-3 if point.single else 2e-5
    for position in point.wrt[:2]:
        gradient = s2sad.grad(function, wrt=position)
        try:
            slope = differences(lambda *a: gradient(*a), args, along(point, directions))[0]
        except Unsuitable:
            continue
        _, tangent = s2sad.jvp(gradient, wrt=point.wrt)(*args, *directions)
        close(tangent, slope, tolerance, f"jvp of grad (wrt {position})", point)
        seed = random_like(rng, args[position])
        adjoints = s2sad.vjp(gradient, wrt=point.wrt)(*args, seed)
        fresh(point, adjoints, "vjp of grad")
        got = sum(float(np.sum(np.asarray(wide(a)) * wide(d))) for a, d in zip(adjoints, directions))
        want = float(np.sum(np.asarray(slope) * wide(seed)))
        close(got, want, tolerance * 10, f"vjp of grad (wrt {position})", point)
        if not np.ndim(args[position]):
            twice = s2sad.grad(gradient, wrt=point.wrt)(*args)
            got = sum(float(np.sum(np.asarray(wide(a)) * wide(d))) for a, d in zip(twice, directions))
            close(got, float(slope), tolerance, f"grad of grad (wrt {position})", point)


def refusal(function, *args, transform=s2sad.grad, **options):
    """The S2sadError that a derivative of `function` raises at `args`; it must say where."""
    try:
        transform(function, **options)(*args)
    except s2sad.S2sadError as error:
        assert error.place is not None, f"{error.code} without a place"
        first = function.__code__.co_firstlineno
        lines = len(inspect.getsource(function).splitlines())
        line = error.place.line
        assert first <= line < first + lines, f"{error.code} at line {line}, outside {function.__name__}"
        return error
    raise AssertionError(f"{function.__name__} was not refused")
