"""The oracles catch what goes wrong with writes in place, whatever the transformer can do.

Faults are planted in an adjoint that is written by hand, and in the dual numbers.
"""

import numpy as np
import pytest
from programs.dual import Dual, directional, duplicate, lift
from programs.oracle import Unsuitable, check, check_along, oracles_agree

import s2sad

VECTOR = np.array([0.7, -1.2, 0.4, 1.1, 0.9])


def recurrence(x):
    """Writes of every sort: items in a loop, an alias, a view, a repeated index."""
    y = x.copy()
    for i in range(1, len(y)):
        y[i] = y[i] * y[i - 1]
    z = y
    z += x
    v = y[1:]
    v *= v
    y[[0, 0, 2]] = x[1:4]
    return np.sum(y * y)


FAULTS = (
    "no restore", "restored after the adjoint", "adjoint not cleared", "wrong direction", "alias missed", "view missed",
    "first of the repeated writes", "all of the repeated writes", "caller's array written", "caller's array returned",
    "value after the reverse sweep",
)  # fmt: skip


def adjoint(x, fault=None):
    """The value of `recurrence` and its gradient by hand, with a fault."""
    given = x
    y = x.copy()
    if fault == "caller's array written":
        given.flags.writeable = True
        y = given
    kept = []
    for i in range(1, len(y)):
        kept.append(y[i])
        y[i] = y[i] * y[i - 1]
    y += x
    squared = y[1:].copy()
    y[1:] *= y[1:]
    first = y[0]
    y[[0, 0, 2]] = x[1:4]
    value = np.sum(y * y)

    y_bar = 2 * y
    x_bar = np.zeros_like(x)
    if fault == "first of the repeated writes":
        x_bar[[1, 3]] += y_bar[[0, 2]]
    elif fault == "all of the repeated writes":
        x_bar[1:4] += y_bar[[0, 0, 2]]
    else:
        x_bar[[2, 3]] += y_bar[[0, 2]]
    y_bar[[0, 2]] = 0
    if fault != "view missed":
        y_bar[1:] *= 2 * squared
    y[0] = first
    y[1:] = squared
    if fault != "alias missed":
        x_bar += y_bar
        y -= x
    steps = range(1, len(y)) if fault == "wrong direction" else range(len(y) - 1, 0, -1)
    for i in steps:
        old = kept[i - 1]
        if fault not in ("no restore", "restored after the adjoint"):
            y[i] = old
        g = y_bar[i]
        if fault != "adjoint not cleared":
            y_bar[i] = 0
        y_bar[i] += g * y[i - 1]
        y_bar[i - 1] += g * y[i]
        if fault == "restored after the adjoint":
            y[i] = old
    x_bar += y_bar
    if fault == "value after the reverse sweep":
        value = np.sum(y * y)
    if fault == "caller's array returned":
        given.flags.writeable = True
        given[...] = x_bar
        x_bar = given
    return value, x_bar


def by_hand(monkeypatch, fault):
    """Have `recurrence` differentiated by hand."""

    def pair(x):
        value, gradient = adjoint(x, fault)
        return value, (gradient,)

    def grad(function, wrt):
        return lambda x: pair(x)[1] if type(wrt) is tuple else pair(x)[1][0]

    monkeypatch.setattr(s2sad, "grad", grad)
    monkeypatch.setattr(s2sad, "value_and_grad", lambda function, wrt: pair)
    monkeypatch.setattr(s2sad, "vjp", lambda function, wrt: lambda x, seed: pair(x)[1])
    monkeypatch.setattr(s2sad, "jvp", lambda function, wrt: lambda x, d: directional(function, (x,), (d,)))


@pytest.mark.parametrize("checked", [lambda f, x: check(f, x, second=False), check_along], ids=["check", "check_along"])
def test_the_adjoint_by_hand_is_right(monkeypatch, checked):
    by_hand(monkeypatch, None)
    checked(recurrence, VECTOR.copy())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("checked", [lambda f, x: check(f, x, second=False), check_along], ids=["check", "check_along"])
def test_faults_of_adjoints_are_caught(monkeypatch, fault, checked):
    by_hand(monkeypatch, fault)
    with pytest.raises(AssertionError):
        checked(recurrence, VECTOR.copy())


def writes_tangents_elsewhere(monkeypatch):
    monkeypatch.setattr(Dual, "__setitem__", lambda self, index, value: self.value.__setitem__(index, value.value))


def reads_copies_of_tangents(monkeypatch):
    monkeypatch.setattr(Dual, "__getitem__", lambda self, index: Dual(self.value[index], self.tangent[index].copy()))


def rebinds_instead_of_writing(monkeypatch):
    monkeypatch.delattr(Dual, "__iadd__")


def adds_to_the_value_alone(monkeypatch):
    def add(self, other):
        self.value += other.value
        return self

    monkeypatch.setattr(Dual, "__iadd__", add)


@pytest.mark.parametrize(
    "fault",
    [writes_tangents_elsewhere, reads_copies_of_tangents, rebinds_instead_of_writing, adds_to_the_value_alone],
)
def test_faults_of_dual_numbers_are_caught(monkeypatch, fault):
    oracles_agree(recurrence, VECTOR)
    fault(monkeypatch)
    with pytest.raises(Unsuitable):
        oracles_agree(recurrence, VECTOR)


LAYOUTS = {
    "plain": np.arange(12.0).reshape(3, 4),
    "transposed": np.arange(12.0).reshape(4, 3).T,
    "every other column": np.arange(24.0).reshape(3, 8)[:, ::2],
    "backwards": np.arange(12.0).reshape(3, 4)[::-1, ::-1],
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "single": np.arange(12, dtype=np.float32).reshape(4, 3).T,
}


@pytest.mark.parametrize("array", LAYOUTS.values(), ids=LAYOUTS)
def test_copies_keep_the_layout(array):
    copy = duplicate(array)
    assert copy.strides == array.strides and (copy == array).all()
    assert not np.shares_memory(copy, array)
    copy[...] = 0.0
    assert array.any()


@pytest.mark.parametrize("array", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "view",
    [
        np.ravel, np.transpose, lambda a: a.reshape(2, 6), lambda a: a.T.ravel(), lambda a: a[1:, ::2].reshape(4),
        lambda a: a[:, None, ::-1], lambda a: np.swapaxes(a, 0, 1)[1:], lambda a: a[[0, 1]], lambda a: a + 0,
        lambda a: (a * 2).T.ravel(),
    ],
)  # fmt: skip
def test_tangents_are_views_where_values_are(array, view):
    """A function of an array shares memory with it, in a Dual as in NumPy, in the value as in the tangent."""
    dual = lift(duplicate(array))
    seen = view(dual)
    shared = np.shares_memory(array, view(array))
    assert np.shares_memory(dual.value, seen.value) == shared
    assert np.shares_memory(dual.tangent, seen.tangent) == shared


def test_integers_take_no_tangents():
    def counts(x):
        k = np.zeros(3, dtype=int)
        k[:] = x
        k[0] = x[1]
        return np.sum(x * k)

    value, slope = directional(counts, (np.array([1.2, 2.7, 3.1]),), (np.array([1.0, 10.0, 100.0]),))
    assert value == 2 * 1.2 + 2 * 2.7 + 3 * 3.1
    assert slope == 2 + 20 + 300
