"""The oracles catch what they are for: each test hands `check` a derivative that is wrong in one way."""

import math

import numpy as np
import pytest
from programs.dual import Dual, directional
from programs.oracle import Unsuitable, check, differences, refusal

import s2sad

VECTOR = np.array([0.3, -0.8, 0.5])


def energy(x, k):
    return np.sum(np.sin(x) * x) * k


def wrong(monkeypatch, name, change):
    """Make one transform of s2sad give results that `change` alters; it is handed the arguments too."""
    right = getattr(s2sad, name)

    def transform(function, **options):
        derivative = right(function, **options)
        if not callable(getattr(function, "__code__", None)) and not hasattr(function, "__code__"):
            return derivative
        return lambda *args: change(derivative(*args), args)

    monkeypatch.setattr(s2sad, name, transform)


def test_right_derivatives_pass():
    check(energy, VECTOR.copy(), 0.7)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("grad", lambda r, a: (r[0] * (1 + 1e-6), *r[1:]) if isinstance(r, tuple) else r),
        ("grad", lambda r, a: (r[0].astype(np.float32).astype(float), *r[1:]) if isinstance(r, tuple) else r),
        ("grad", lambda r, a: (r[0].reshape(1, 3), *r[1:]) if isinstance(r, tuple) else r),
        ("grad", lambda r, a: (np.broadcast_to(r[0], (3,)), *r[1:]) if isinstance(r, tuple) else r),
        ("value_and_grad", lambda r, a: (np.nextafter(r[0], 9.0), r[1])),
        ("value_and_grad", lambda r, a: (float(r[0]), r[1])),
        ("value_and_grad", lambda r, a: (r[0], (r[1][0], r[1][1] + 1e-6))),
        ("vjp", lambda r, a: tuple(-x for x in r)),
        ("jvp", lambda r, a: (r[0], r[1] * (1 + 1e-6))),
        ("jvp", lambda r, a: (r[0] + 1e-12, r[1])),
    ],
)
def test_wrong_derivatives_are_caught(monkeypatch, name, change):
    wrong(monkeypatch, name, change)
    with pytest.raises(AssertionError):
        check(energy, VECTOR.copy(), 0.7, second=False)


def test_a_result_that_is_the_argument_is_caught(monkeypatch):
    wrong(monkeypatch, "grad", lambda r, a: (a[0], *r[1:]) if isinstance(r, tuple) else r)

    def half_square(x, k):
        return np.sum(x * x) / 2 + k

    with pytest.raises(AssertionError):
        check(half_square, VECTOR.copy(), 0.7)


def test_two_results_in_one_memory_are_caught(monkeypatch):
    wrong(monkeypatch, "grad", lambda r, a: (r[0], r[0]) if isinstance(r, tuple) else r)

    def total(x, y):
        return np.sum(np.sin(x + y))

    with pytest.raises(AssertionError, match="shares memory"):
        check(total, VECTOR.copy(), VECTOR * 2)


def test_a_write_into_an_argument_is_caught(monkeypatch):
    def spoil(result, args):
        args[0].flags.writeable = True
        args[0][0] = 7.0
        return result

    wrong(monkeypatch, "jvp", spoil)
    with pytest.raises(AssertionError):
        check(energy, VECTOR.copy(), 0.7, second=False)


def test_second_derivatives_are_compared(monkeypatch):
    right = s2sad.jvp

    def transform(function, **options):
        derivative = right(function, **options)
        if hasattr(function, "__code__"):
            return derivative
        return lambda *args: (derivative(*args)[0], derivative(*args)[1] * 1.001)

    monkeypatch.setattr(s2sad, "jvp", transform)
    with pytest.raises(AssertionError, match="jvp of grad"):
        check(energy, VECTOR.copy(), 0.7)


def bent(x):
    return x if x > 0 else 2 * x


def test_a_kink_is_no_place_to_check():
    with pytest.raises(Unsuitable):
        check(bent, 0.0)


def test_differences_are_exact_enough():
    slope = differences(lambda x: math.exp(math.sin(x)), (0.7,), [1.0])[0]
    assert abs(slope - math.exp(math.sin(0.7)) * math.cos(0.7)) < 1e-11


def test_dual_numbers_run_a_primal_and_what_it_calls():
    value, slope = directional(outer, (0.7,), (1.0,))
    assert value == outer(0.7)
    assert slope == pytest.approx(2 * math.sin(0.7) * math.cos(0.7) * 3, rel=1e-15)


def inner(x):
    return math.sin(x)


def outer(x):
    return inner(x) ** 2 * 3


def test_a_dual_is_never_taken_as_a_plain_number():
    with pytest.raises(TypeError):
        math.sin(Dual(0.7, 1.0))


def test_refusals_must_have_a_place():
    with pytest.raises(AssertionError, match="was not refused"):
        refusal(inner, 0.7)
