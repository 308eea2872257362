"""The checker: right gradients pass, wrong ones are told apart and named."""

import math

import numpy as np
import pytest

import s2sad.derivative
from s2sad import S2sadError, check_grads


def poly(x, y):
    return x * x * y + math.sin(y)


def weighted(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


def elementwise(x):
    return np.exp(x) * x


RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(4, 3))


@pytest.mark.parametrize(
    "f, args, options",
    [
        (poly, (2.0, 3.0), {}),
        (poly, (2, 3.0), {"wrt": ("x", "y"), "order": 2}),
        (poly, (np.float64(2.0), 3.0), {"wrt": "y"}),
        (weighted, (RNG.normal(size=3), MATRIX), {"wrt": (0, 1)}),
        (weighted, (RNG.normal(size=3).astype("float32"), MATRIX.astype("float32")), {"wrt": (0, 1)}),
        (elementwise, (RNG.normal(size=(2, 3)),), {}),
        (elementwise, (np.array(1.5),), {}),
        (elementwise, (np.zeros((0, 3)),), {}),
        (lambda pair: pair[0] * pair[1], ((2.0, 3.0),), {}),
        (lambda x: 1.0, (2.0,), {}),
        (lambda x: x**3, (1e6,), {"order": 2}),
    ],
)
def test_right_gradients_pass(f, args, options):
    check_grads(f, *args, **options)


@pytest.fixture
def broken(monkeypatch):
    """Replaces what the texts of one transform compute."""

    def install(prefix, change):
        original = s2sad.derivative.Derivative._make

        def make(self, kinds):
            made = original(self, kinds)
            if self.options.prefix == prefix:
                function = made.function
                made.function = lambda *args: change(function(*args))
            return made

        monkeypatch.setattr(s2sad.derivative.Derivative, "_make", make)

    return install


def test_a_gradient_off_by_a_thousandth_is_caught(broken):
    broken("grad", lambda gs: tuple(g * 1.001 for g in gs))
    with pytest.raises(AssertionError) as failure:
        check_grads(poly, 2.0, 3.0)
    lines = str(failure.value).split("\n")
    assert lines[0] == "the gradient of poly with respect to x is not that of central differences"
    assert lines[1] == "  gradient:   12.011999999999999"
    assert float(lines[2].removeprefix("  difference:")) == pytest.approx(12.0)


def test_one_wrong_element_is_named(broken):
    def change(gs):
        gs[1][2, 1] += 0.01
        return gs

    broken("grad", change)
    with pytest.raises(AssertionError, match=r"weighted with respect to x is not .* differences, at \[2, 1\]"):
        check_grads(weighted, RNG.normal(size=3), MATRIX, wrt=("w", "x"))


def test_a_wrong_shape_is_caught(broken):
    broken("grad", lambda gs: tuple(np.sum(g) for g in gs))
    with pytest.raises(AssertionError, match=r"has shape \(\), where the argument has shape \(3,\)"):
        check_grads(weighted, RNG.normal(size=3), MATRIX)


def test_nan_is_caught(broken):
    broken("grad", lambda gs: tuple(g * math.nan for g in gs))
    with pytest.raises(AssertionError, match="nan"):
        check_grads(poly, 2.0, 3.0)


def test_forward_mode_is_compared(broken):
    broken("jvp", lambda result: (result[0], result[1] * 1.001))
    with pytest.raises(AssertionError, match="reverse and forward mode differ for poly"):
        check_grads(poly, 2.0, 3.0)


def test_the_second_order_is_checked(broken):
    check_grads(poly, 2.0, 3.0)
    original = s2sad.derivative.Derivative._make
    broken("grad", lambda gs: gs)

    def make(self, kinds):
        made = original(self, kinds)
        if self._inner is not None and self.options.prefix == "grad":
            function = made.function
            made.function = lambda *args: tuple(g + 0.1 for g in function(*args))
        return made

    s2sad.derivative.Derivative._make = make  # put back by the fixture
    check_grads(poly, 2.0, 3.0)
    with pytest.raises(AssertionError, match="grad_poly"):
        check_grads(poly, 2.0, 3.0, order=2)


def test_arguments_stay_as_they_are():
    w, x = RNG.normal(size=3), MATRIX.copy()
    w.setflags(write=False)
    before = x.copy()
    check_grads(weighted, w, x, wrt=(0, 1))
    np.testing.assert_array_equal(x, before)


def test_refusals_pass_through():
    with pytest.raises(S2sadError, match="S402"):
        check_grads(poly, 2.0)
    with pytest.raises(S2sadError, match="S403"):
        check_grads(weighted, np.arange(3), MATRIX)
    with pytest.raises(ValueError, match="order"):
        check_grads(poly, 2.0, 3.0, order=0)


def test_complex_arguments_and_results():
    """By real and imaginary parts, in the convention of gradients; a wrong imaginary part is noticed."""
    c, a = np.array([1 + 1j, 2.0, 3j]), np.array([1.0, 2.0, 3.0])
    check_grads(lambda c: abs(c) ** 3 + c.real, 1 + 2j, order=2)
    check_grads(lambda c: np.sum(np.abs(np.fft.fft(c)) ** 2), c)
    check_grads(lambda c, a: np.abs(c * a) ** 3, c, a, wrt=(0, 1))
    check_grads(lambda c: c.conjugate() * c * c, c)
    check_grads(lambda p: np.sum(np.abs(p["c"] * p["a"]) ** 2), {"c": c, "a": a})

    def jump(c):
        return c.imag if c.imag > 1.0 else c.imag - 1.0

    with pytest.raises(AssertionError, match="not that of central differences"):
        check_grads(jump, 1j)
