"""Derivatives of programs with a scalar result along random directions of all arguments at once: arrays, numbers, and
the containers and objects that hold them.

Two runs on dual numbers and some differences say what the slope must be, however many elements there are: a program is
checked for the price of its transformation.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings

import numpy as np
from programs.dual import duplicate
from programs.oracle import Unsuitable, differences, read_only, same_bits
from programs.structures import by_duals, direction_of, dot, floats_of, gradients_of, mapped, with_floats

import s2sad


class Slopes:
    """A function, its arguments, and what its derivatives must be there."""

    def __init__(self, function, args, wrt=None, seed=0):
        self.function, self.args = function, args
        self.wrt = tuple(i for i, a in enumerate(args) if floats_of(a)) if wrt is None else tuple(wrt)
        self.rng = np.random.default_rng(seed)
        self.points = self.flat(args)
        self.single = any(np.asarray(p).dtype == np.float32 for p in self.points)
        self.name = function.__name__
        self.copies = [duplicated(a) for a in args]
        self.leaves = [mapped(lambda v: v, a) for a in args]
        self.value, self.printed = printing(function, *map(duplicated, args))
        assert np.ndim(self.value) == 0
        if not np.isfinite(self.value):
            raise Unsuitable("the value is not finite")

    def flat(self, values):
        """The leaves of the arguments that are differentiated."""
        return [v for i in self.wrt for v in floats_of(values[i])]

    def filled(self, flat):
        """The arguments with other leaves, all of it new."""
        rest, new = iter(flat), [duplicated(a) for a in self.args]
        for i in self.wrt:
            new[i] = with_floats(new[i], list(itertools.islice(rest, len(floats_of(new[i])))))
        return new

    def directions(self):
        """A random direction of each argument: None where it stands still."""
        return [direction_of(self.rng, a) if i in self.wrt else None for i, a in enumerate(self.args)]

    def slope(self, directions, tolerance=1e-5):
        """The slope along directions, by dual numbers and by differences. Raises Unsuitable where they disagree."""
        with contextlib.redirect_stdout(io.StringIO()):
            _, (exact,) = by_duals(self.function, self.args, directions)
            moves = [v for i in self.wrt for v in floats_of(directions[i])]
            (rough,) = differences(lambda *flat: self.function(*self.filled(flat)), self.points, moves)
        exact, rough = float(np.sum(exact)), float(rough)
        if not abs(exact - rough) <= tolerance * (1 + abs(rough)):
            raise Unsuitable(f"differences give {rough}, dual numbers {exact}")
        return exact, rough

    def call(self, transform, *more, order=1):
        """A derivative at the arguments. Fails where it writes into them, or does not print what the function does."""
        derivative = transform(self.function, wrt=self.wrt) if order == 1 else transform
        with read_only(arrays_of(self.args)):
            result, printed = printing(derivative, *self.args, *more)
        what = f"{getattr(transform, '__name__', 'a derivative')} of {self.name}"
        assert order == 2 or printed == self.printed, f"{what} prints {printed!r}, not {self.printed!r}"
        for now, then, held in zip(self.args, self.copies, self.leaves):
            mapped(lambda a, b, c: unchanged(a, b, c, what), now, then, held)
        return result

    def product(self, gradients, directions, what):
        """The product of gradients with directions. Fails where one is not of its argument's structure, or not new."""
        found = [gradients_of(g, self.args[i]) for g, i in zip(gradients, self.wrt, strict=True)]
        own = [v for f in found for v in f if isinstance(v, np.ndarray)]
        shared = [v for v in self.function.__globals__.values() if isinstance(v, np.ndarray)]
        for k, array in enumerate(own):
            for other in [*own[:k], *arrays_of(self.args), *shared]:
                assert not np.shares_memory(array, other), f"{what} of {self.name} shares memory"
        return dot([v for f in found for v in f], [v for i in self.wrt for v in floats_of(directions[i])])

    def near(self, got, want, tolerance, what):
        """Fails where two numbers differ by more than the tolerance, relative to the second (or to 1)."""
        tolerance = 1e-3 if self.single else tolerance
        error = abs(got - want) / (1 + abs(want))
        assert error <= tolerance, f"{what} of {self.name}{self.args}: got {got}, want {want} (error {error:.2e})"


def printing(run, *args):
    """What a call gives, and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text, quiet():
        return run(*args), text.getvalue()


@contextlib.contextmanager
def quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def duplicated(value):
    """A copy, whose arrays are laid out as they are."""
    return mapped(lambda v: duplicate(v) if isinstance(v, np.ndarray) else v, value)


def arrays_of(value):
    """The arrays in arguments."""
    found = []
    for item in value:
        mapped(lambda v: found.append(v) if isinstance(v, np.ndarray) else None, item)
    return found


def unchanged(now, then, held, what):
    assert now is held and same_bits(now, then), f"{what} changed an argument"


def check_along(function, *args, wrt=None, seed=0, tolerance=1e-9, times=2):
    """Compare the derivatives of a function with a scalar result along random directions, all arguments at once.

    Fails where a product of gradient and direction is further than 1e-6 from the slope by differences, or than
    `tolerance` from the slope by dual numbers; where a value is not the primal's, bit for bit; where something is
    printed more than once; where an argument is not as before.
    """
    with quiet():
        slopes = Slopes(function, args, wrt, seed)
        moves = [slopes.directions() for _ in range(times)]
        wanted = [slopes.slope(m) for m in moves]
        first_order(slopes, moves, wanted, tolerance)
        gradients = slopes.call(s2sad.grad)
        for directions, (exact, _) in zip(moves, wanted):
            slopes.near(slopes.product(gradients, directions, "grad"), exact, tolerance, "grad")


def first_order(slopes, moves, wanted, tolerance=1e-9):
    """`value_and_grad` and `jvp` along directions whose slopes are known."""
    value, gradients = slopes.call(s2sad.value_and_grad)
    assert same_bits(value, slopes.value), f"value_and_grad of {slopes.name}: {value!r}, not {slopes.value!r}"
    for directions, (exact, rough) in zip(moves, wanted):
        got = slopes.product(gradients, directions, "value_and_grad")
        slopes.near(got, exact, tolerance, "value_and_grad against dual numbers")
        slopes.near(got, rough, max(1e-6, 10 * abs(exact - rough) / (1 + abs(rough))), "value_and_grad")
        value, moved = slopes.call(s2sad.jvp, *(directions[i] for i in slopes.wrt))
        assert same_bits(value, slopes.value), f"jvp of {slopes.name}: {value!r}, not {slopes.value!r}"
        slopes.near(float(moved), exact, 10 * tolerance, "jvp")


def other_transforms(slopes, directions, exact):
    """`grad` and `vjp`, which must agree with the slope too."""
    for what, gradients, factor in (("grad", slopes.call(s2sad.grad), 1), ("vjp", slopes.call(s2sad.vjp, 2.0), 2)):
        slopes.near(slopes.product(gradients, directions, what), factor * exact, 1e-8, what)


def second_order(slopes, directions, backward=False):
    """The derivative of a gradient along directions, against differences of it; `backward`, by `vjp` too."""
    position = slopes.wrt[0]
    gradient = s2sad.grad(slopes.function, wrt=position)
    given = [directions[i] for i in slopes.wrt]
    moves = [v for d in given for v in floats_of(d)]
    run = lambda *flat: floats_of(gradient(*slopes.filled(flat)))
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            wants = differences(run, slopes.points, moves)
        except Unsuitable:
            return
    _, moved = slopes.call(s2sad.jvp(gradient, wrt=slopes.wrt), *given, order=2)
    size = 1 + max(float(np.max(np.abs(w), initial=0.0)) for w in wants)
    for got, want in zip(gradients_of(moved, slopes.args[position]), wants, strict=True):
        error = float(np.max(np.abs(np.asarray(got, float) - want), initial=0.0)) / size
        slopes.near(error, 0.0, 2e-5, "jvp of grad")
    if backward:
        seed = direction_of(slopes.rng, slopes.args[position])
        products = slopes.call(s2sad.vjp(gradient, wrt=slopes.wrt), seed, order=2)
        want = dot(wants, floats_of(seed))
        slopes.near(slopes.product(products, directions, "vjp of grad"), want, 2e-4, "vjp of grad")

