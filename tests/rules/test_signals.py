"""Every rule of functions on sampled signals, in every case, against differences."""

from dataclasses import replace

import numpy as np
from rules.harness import (
    checks_of,
    numbers,
    partials,
    rules_of,
    use,
)

from s2sad import grad

NAMES = rules_of("s2sad.rules.signals")

V, M, T = numbers((5,)), numbers((4, 3), seed=1), numbers((2, 1, 5), seed=2)
KNOTS = np.array([-1.5, -0.4, 0.3, 1.1, 2.0])


def uses():
    for a in (V, M, T, M.T, np.asfortranarray(M)):
        yield use("numpy.diff", a)
        for axis in range(-a.ndim, a.ndim):
            yield from (use("numpy.diff", a, n, axis) for n in (0, 1, 2))
            yield use("numpy.diff", a, axis=axis, prepend=0.5)
            yield use("numpy.diff", a, 2, axis, append=a, prepend=a).by("a")
            yield use("numpy.diff", a, axis=axis, append=1.5)
    yield from (use("numpy.diff", numbers((n,))) for n in (0, 1, 2))
    yield use("numpy.diff", numbers((2,)), 3)
    for a in (V, M, numbers((1,)), numbers((0,))):
        yield use("numpy.ediff1d", a)
        yield use("numpy.ediff1d", a, to_begin=0.5)
        yield use("numpy.ediff1d", a, np.array([1.0, 2.0]))
        yield use("numpy.ediff1d", a, 1.5, np.array([1.0, 2.0]))
    for order in (1, 2):
        for n in (3, 4, 5, 7):
            yield use("numpy.gradient", numbers((n,)), edge_order=order)
            yield use("numpy.gradient", numbers((n,)), 0.3, edge_order=order)
            yield use("numpy.gradient", numbers((n,)), np.cumsum(numbers((n,), 0.2, 1)), edge_order=order)
        for axis in (0, 1, -1):
            yield use("numpy.gradient", M, axis=axis, edge_order=order)
            yield use("numpy.gradient", M, np.cumsum(numbers((M.shape[axis],), 0.2, 1)), axis=axis, edge_order=order)
    yield use("numpy.gradient", V)
    yield use("numpy.gradient", numbers((2,)))
    for a in (V, M, T):
        yield use("numpy.trapezoid", a)
        yield use("numpy.trapezoid", a, dx=0.3)
        yield use("numpy.trapezoid", a, numbers((a.shape[-1],)))
        yield use("numpy.trapezoid", a, numbers(a.shape))
        for axis in range(-a.ndim, a.ndim):
            yield use("numpy.trapezoid", a, None, 0.7, axis)
            yield use("numpy.trapezoid", a, numbers((a.shape[axis],)), axis=axis)
            yield use("numpy.trapezoid", a, numbers(a.shape), axis=axis)
    yield use("numpy.trapezoid", numbers((1,)))
    for x in (numbers((3,), -1.4, 1.9), numbers((2, 3), -3, 3), numbers(None, -1, 1), numbers("scalar"), 3.5, -2.5):
        yield use("numpy.interp", x, KNOTS, V)
        yield use("numpy.interp", x, KNOTS, V, 0.5)
        yield use("numpy.interp", x, KNOTS, V, right=0.5)
        yield use("numpy.interp", x, KNOTS, V, 0.25, 0.5)
    yield use("numpy.interp", numbers((4,)), numbers((1,)), numbers((1,)))
    for name in ("convolve", "correlate"):
        for n, m in ((5, 3), (3, 5), (4, 2), (2, 4), (3, 3), (1, 4), (4, 1), (4, 4)):
            yield use(f"numpy.{name}", numbers((n,)), numbers((m,), seed=3))
            for mode in ("full", "same", "valid"):
                yield use(f"numpy.{name}", numbers((n,)), numbers((m,), seed=3), mode)
    for name in ("fftshift", "ifftshift"):
        yield from (use(f"numpy.fft.{name}", a, *axes) for a in (M, T) for axes in ((), (0,), ((0, 1),)))
        yield use(f"numpy.fft.{name}", V)
    for name in ("fftfreq", "rfftfreq"):
        yield from (use(f"numpy.fft.{name}", n, d) for n in (4, 5) for d in (0.5, np.float64(2.5)))
    for M_ in (1, 2, 5, 8):
        yield use("numpy.kaiser", M_, 2.5)
        yield use("numpy.kaiser", M_, np.float64(8.0))
    for a in (V, M, 3 * V):
        yield from (use("numpy.unwrap", a, axis=axis) for axis in range(-a.ndim, a.ndim))
        yield use("numpy.unwrap", a)
        yield use("numpy.unwrap", a, period=2.0)
    for name in ("logspace", "geomspace"):
        low, high = (-1, 1) if name == "logspace" else (0.5, 3)
        for start, stop in ((None, None), ("scalar", None), ((3,), None), ((3,), (2, 1)), ((), (1,))):
            ends = numbers(start, low, high), numbers(stop, low, high, 4)
            yield use(f"numpy.{name}", *ends, 4)
            yield use(f"numpy.{name}", *ends, 3, False)
            yield use(f"numpy.{name}", *ends, num=3, axis=-1)
        yield use(f"numpy.{name}", 0.5, 2.5)
    yield use("numpy.logspace", 0.5, 2.5, 4, base=2.5)
    yield use("numpy.geomspace", -0.5, -2.5, 4)


USES = [replace(u, tolerance=1e-5) if "space" in u.name else u for u in uses()]


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)


def test_texts_end_without_copies():
    """What adjoints without a rule return is known to be new, of the argument's kind."""
    slopes = np.diff(np.diff(V), prepend=0, append=0)
    assert grad(lambda x: np.sum(np.diff(x) ** 2))(V).tolist() == (-2 * slopes).tolist()
    for f in (
        lambda x: np.sum(np.diff(x) ** 2), lambda x: np.trapezoid(x), lambda x: np.sum(np.interp(V, KNOTS, x) ** 2),
        lambda x: np.sum(np.correlate(x, V) ** 2),
    ):  # fmt: skip
        gradient = grad(f)
        gradient(V)
        (specialised,) = gradient.specialisations
        assert "copy" not in specialised.source and "astype" not in specialised.source


def test_interpolation_on_its_points():
    u = use("numpy.interp", np.array([0.0, 1.0, 3.0, 3.5]), np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 8.0]))
    for found in partials(u, "x"):
        np.testing.assert_array_equal(found, [2, 3, 3, 0])
