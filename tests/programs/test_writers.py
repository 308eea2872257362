"""Functions and methods that write into what they are given: right at first and second order, or refused with a place.

The programs here go further than those of `test_in_place` for the same functions: repeats, broadcasting, memory order,
`where`, several results, and calls that might write without saying so.
"""

import functools
import operator

import numpy as np
import pytest
from programs.oracle import differences, same_bits
from programs.test_in_place import SQUARE, VECTOR, WEIGHTS, WIDE

import s2sad

G = np.zeros(4)
L = [np.zeros(4)]
RIGHT, REFUSED = {}, {}
DIRECTIONS = np.random.default_rng(3)


def right(point):
    return lambda function: RIGHT.setdefault(function.__name__, (function, point)) and function


def refused(point):
    return lambda function: REFUSED.setdefault(function.__name__, (function, point)) and function


class Stepper:
    """An object whose methods write into their arguments."""

    def step(self, y):
        y[0] = 2.0

    def fill(self, y):
        y[:] = y * y


OBJ = Stepper()
FN = [np.copyto]
ap = functools.partial(np.copyto)


def helper_out(x, out=None):
    np.multiply(x, x, out=out)
    return np.sin(x, out)


def hl(x):
    L[0][:2] = x[:2]
    G.fill(3.0)


@right(VECTOR)
def put_repeats_values(x):
    y = x * x
    np.put(y, [0, 3, 0, -2], x[1:3] * 2)
    return np.sum(y * y * x)


@right(SQUARE)
def put_flat_matrix(m):
    y = m * m
    np.put(y, [0, 4, -1], m[1] * 2)
    y.put([1, 1], m[0, :2])
    return np.sum(y * y * m)


@right(SQUARE)
def put_one(m):
    y = m * m
    np.put(y, 4, m[0])
    return np.sum(y * y * m)


@right(VECTOR)
def place_repeats(x):
    y = x * x
    np.place(y, y > 0.0, x[:2] * 3)
    return np.sum(y * y * x)


@right(SQUARE)
def putmask_repeats(m):
    y = m * m
    np.putmask(y, m > 0.0, m[1, :2])
    np.putmask(y, m > 0.5, 2.0)
    return np.sum(y * y * m)


@right(SQUARE)
def copyto_broadcast(m):
    y = m * m
    np.copyto(y, m[0], where=np.array([True, False, True]))
    np.copyto(y[0], 3.0, where=[True, False, False])
    return np.sum(y * y * m)


@right(VECTOR)
def divide_where(x):
    y = x * 3
    np.divide(2.0, x, out=y, where=x > 0)
    np.sqrt(x, out=y, where=x > 0.2)
    return np.sum(y * y)


@right(SQUARE)
def method_out(m):
    y = np.zeros(3)
    m.sum(axis=0, out=y)
    z = np.zeros(3)
    m.dot(y, z)
    m.max(1, y)
    m.clip(-0.5, 0.5, out=m)
    return np.sum(y * z) + np.sum(m * m)


@right(VECTOR)
def modf_out(x):
    a, b = np.zeros(4), np.zeros(4)
    r = np.modf(x * 3, out=(a, b))
    r2 = np.divmod(x, 0.3, a, b)
    return np.sum(a * x) + np.sum(r[0] * r2[1])


@right(VECTOR)
def out_none(x):
    y = np.multiply(x, x, out=None)
    y = np.sin(y, None)
    return np.sum(y)


@right(VECTOR)
def user_out(x):
    y = np.zeros(4)
    helper_out(x, y)
    z = helper_out(x, out=y)
    return np.sum(y * x) + np.sum(z)


@right(VECTOR)
def user_out_none(x):
    z = helper_out(x)
    return np.sum(z)


@right(VECTOR)
def loop_writes(x):
    y = np.zeros(4)
    t = np.zeros(4)
    for i in range(3):
        np.multiply(x, i + 1.0, out=t)
        np.add(y, np.sin(t), out=y)
        np.add.at(y, [0, 0, i], t[:3])
        y[1:].fill(y[0])
        y.flat[i] *= x[i]
    return np.sum(y * y)


@right(VECTOR)
def branch_writes(x):
    y = x * x
    if x[0] > 0:
        np.exp(y, out=y)
    else:
        y.sort()
    np.put(y, [1], y[0])
    return np.sum(y * x)


@right(SQUARE)
def add_at_tuple(m):
    y = m * m
    np.add.at(y, ([0, 0, 1], [1, 1, 2]), m[0])
    np.add.at(y, (slice(None), [0, 0]), m[:, :2])
    np.subtract.at(y, 1, m[2])
    np.multiply.at(y, [0, 0], m[:2])
    np.divide.at(y, [1, 1], m[0] + 3)
    np.power.at(y, [2, 2], 2)
    return np.sum(y * y)


@right(SQUARE)
def setitems(m):
    y = m * m
    y.__setitem__((0, 1), m[1, 1])
    y.__setitem__(slice(1, None), m[:2] * y[1:])
    operator.setitem(y, 2, m[0])
    operator.imul(y, m)
    y.__isub__(m)
    np.ndarray.__setitem__(y, 0, m[1])
    np.ndarray.sort(y, 0)
    return np.sum(y * y * m)


@right(WIDE)
def flat_more(m):
    y = m * m
    y.flat[[0, 5]] = m[1, :2]
    y.flat[1:5] = m[0]
    y.flat[-1] = m[0, 0]
    y.flat[::2] *= m[0]
    y.T.flat[1] = m[1, 1]
    return np.sum(y * y * m)


@right(SQUARE)
def diag_more(m):
    y = m * m
    np.fill_diagonal(y, m[0])
    np.fill_diagonal(y[:, :2], m[1, :2])
    np.fill_diagonal(y, 2.0)
    np.fill_diagonal(y.T, m[2, :2])
    return np.sum(y * y * m)


@right(WIDE)
def along_more(m):
    y = m * m
    np.put_along_axis(y, np.argsort(m, axis=-1), m * 3, -1)
    np.put_along_axis(y, np.array([[0, 0, 1]]), m[:1], 0)
    np.put_along_axis(y, np.array([0, 4]), m[0, 0], None)
    return np.sum(y * y * m)


@right(VECTOR)
def nan_to_num_now(x):
    y = x * x
    y[0] = np.nan
    z = np.nan_to_num(y, copy=False)
    z[1] = x[0]
    return np.sum(y * z * x)


@right(VECTOR)
def argument_written(x):
    np.multiply(x, x, out=x)
    x.sort()
    return np.sum(x * WEIGHTS)


@right(VECTOR)
def captured_list(x):
    rows = [x * x, x * 2]

    def write(v):
        rows[0][:2] = v[:2]
        rows[1].fill(v[0])

    write(x)
    return np.sum(rows[0] * rows[1])


@right(VECTOR)
def by_object_fill(x):
    y = x * x
    OBJ.fill(y)
    return np.sum(y * x)


@right(VECTOR)
def written_through_a_temporary_view(x):
    y = x * x
    np.asarray(y).fill(x[0])
    y.reshape(2, 2).sort()
    return np.sum(y * x)


@right(VECTOR)
def reduce_out(x):
    y = np.zeros(2)
    np.add.reduce(x.reshape(2, 2), 0, None, y)
    np.add.accumulate(y, out=y)
    np.cumsum(y, 0, None, y)
    return np.sum(y * y)


@refused(VECTOR)
def sum_in_single(x):
    z = np.zeros(1, dtype=np.float32)
    np.sum(x.reshape(4, 1), axis=0, out=z)
    return np.sum(z)


@refused(VECTOR)
def out_int(x):
    y = np.zeros(4, dtype=int)
    np.multiply(x, x, out=y, casting="unsafe")
    return np.sum(y * x)


@refused(VECTOR)
def global_put(x):
    np.put(G, [0, 1], x[:2])
    return np.sum(G * x)


@refused(VECTOR)
def global_out(x):
    np.multiply(x, x, out=G)
    return np.sum(G * x)


@refused(VECTOR)
def global_view(x):
    g = G[1:]
    g[:] = x[1:]
    return np.sum(G * x)


@refused(VECTOR)
def global_view2(x):
    G[1:][0] = x[1]
    return np.sum(G * x)


@refused(VECTOR)
def global_list(x):
    L[0][1] = x[1]
    return np.sum(L[0] * x)


@refused(VECTOR)
def global_alias(x):
    g = np.asarray(G)
    g += x
    return np.sum(G * x)


@refused(VECTOR)
def callee_list(x):
    hl(x)
    return np.sum(L[0] * x * G)


@refused(VECTOR)
def mapped(x):
    y = x * x
    assert [y.fill(x[0])]
    return np.sum(y * x)


@refused(VECTOR)
def shuffled(x):
    y = x * x
    np.random.default_rng(0).shuffle(y)
    return np.sum(y * x)


@refused(VECTOR)
def rng_out(x):
    y = x * x
    np.random.default_rng(0).random(out=y)
    return np.sum(y * x)


@refused(VECTOR)
def by_partial(x):
    y = x * x
    ap(y, x)
    return np.sum(y * x)


@refused(VECTOR)
def by_object(x):
    y = x * x
    OBJ.step(y)
    return np.sum(y * x)


@refused(VECTOR)
def by_param(x):
    y = x * x
    for cb in (np.copyto, np.put):
        cb(y, x)
    return np.sum(y * x)


@refused(VECTOR)
def by_list(x):
    y = x * x
    FN[0](y, x)
    return np.sum(y * x)


@refused(VECTOR)
def by_getattr(x):
    y = x * x
    getattr(y, "fill")(x[0])
    return np.sum(y * x)


@pytest.mark.parametrize("name", RIGHT)
def test_derivatives(name):
    function, point = RIGHT[name]
    direction = DIRECTIONS.normal(size=point.shape)
    x = point.copy()
    value, gradient = s2sad.value_and_grad(function)(x)
    assert same_bits(value, function(point.copy()))
    slope = differences(function, (point,), (direction,))[0]
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-6, abs=1e-8)
    assert s2sad.jvp(function)(x, direction)[1] == pytest.approx(slope, rel=1e-6, abs=1e-8)
    gradient_of = s2sad.grad(function)
    second = differences(gradient_of, (point,), (direction,))[0]
    assert s2sad.jvp(gradient_of)(x, direction)[1] == pytest.approx(second, rel=1e-5, abs=1e-7)
    assert s2sad.vjp(gradient_of)(x, direction) == pytest.approx(second, rel=1e-5, abs=1e-7)
    assert same_bits(x, point)


@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.jvp], ids=["grad", "jvp"])
@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, transform):
    function, point = REFUSED[name]
    x = point.copy()
    with pytest.raises(s2sad.S2sadError) as caught:
        transform(function)(*([x] if transform is s2sad.grad else [x, x]))
    assert caught.value.help
    assert same_bits(x, point)
