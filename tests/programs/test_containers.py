"""Programs on tuples, lists, dicts, named tuples and objects: values, gradients, second order, forward mode.

Those of plain arguments are checked by `oracle.check`, those of containers by `structures.check_structure`.
"""

import functools
import math
from collections import namedtuple
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from programs.oracle import check, refusal
from programs.structures import check_structure

import s2sad

rng = np.random.default_rng(21)
VECTOR = rng.normal(size=4)
POSITIVE = rng.uniform(0.5, 1.5, size=4)
SQUARE = rng.normal(size=(3, 3))
WIDE = rng.normal(size=(2, 3))
NUMBERS = [0.3, -1.2, 0.8]

PLAIN, STRUCTURED = {}, {}


def at(*args):
    """Register a program of numbers and arrays, with the arguments that it is checked at."""
    return _registering(PLAIN, args)


def of(*args):
    """Register a program of containers or objects."""
    return _registering(STRUCTURED, args)


def _registering(programs, args):
    def register(function):
        assert function.__name__ not in programs, function.__name__
        programs[function.__name__] = (function, args)
        return function

    return register


# ---- arguments of calls --------------------------------------------------------------------------------------------


def weighted(x, *weights, offset=0.0, **more):
    total = x * offset
    for k, w in enumerate(weights):
        total = total + w * x ** (k + 1)
    for key in more:
        total = total + more[key] * x
    return total


@at(0.7, 1.3)
def call_of_variadic(x, y):
    return weighted(x, y, x * y, 2.0)


@at(0.7, 1.3)
def call_of_variadic_without_any(x, y):
    return weighted(x, offset=y)


@at(0.7, 1.3)
def call_with_more_keywords(x, y):
    return weighted(x, y, offset=x, a=y * y, b=3.0)


@at(0.7, 1.3)
def call_with_stars(x, y):
    weights = [y, x, x * y]
    return weighted(x, *weights, 2.0, *(y, y))


@at(0.7, 1.3)
def call_with_double_stars(x, y):
    options = {"offset": y, "c": x * x}
    return weighted(x, **options, d=y)


def hypotenuse(a, /, b, *, scale=1.0):
    return scale * math.sqrt(a * a + b * b)


@at(0.7, 1.3)
def positional_only_and_keyword_only(x, y):
    return hypotenuse(x, b=y, scale=x) + hypotenuse(x, y)


@at(0.7, 1.3)
def stars_into_plain_parameters(x, y):
    pair = (x * y, y)
    return hypotenuse(*pair, **{"scale": x})


@at(VECTOR, 1.3)
def stars_into_numpy(x, y):
    args = (x, y)
    return np.sum(np.multiply(*args)) + np.sum(np.stack([*[x, x * y], x]))


def passed_on(*args, **kwargs):
    return weighted(*args, **kwargs)


@at(0.7, 1.3)
def wrappers_pass_all_on(x, y):
    return passed_on(x, y, 2.0, offset=y)


@at(0.7, 1.3, 0.4)
def starred_target(x, y, z):
    a, *b = x, y * z, z
    *c, d = b
    e, *f, g = (a, b[0], c[0], d)
    return a * b[1] + c[0] * d + e * f[1] * g


@at(VECTOR)
def starred_target_of_display(x):
    first, *rest = [x, 2.0 * x, x * x]
    return np.sum(first * rest[0] * rest[1])


DEFAULT = np.array([0.5, -0.3, 0.2, 0.9])


def with_array_default(x, w=DEFAULT, *, v=2.0 * DEFAULT):
    return np.sum(w * x * x) + np.sum(v * x)


@at(VECTOR)
def defaults_that_are_arrays(x):
    return with_array_default(x) * with_array_default(x, x)


@at(0.7)
def defaults_that_are_active(x):
    y = x * x

    def inner(z, scale=y, *, power=x):
        return z * scale + power

    y = 3.0 * y
    return inner(y) + inner(x, power=2.0)


def entry_of_variadic(x, *rest):
    total = np.sum(x)
    for r in rest:
        total = total * r
    return total


@at(0.7)
def display_with_stars(x):
    xs = (x, x * x)
    ys = [*xs, 2.0, *xs]
    zs = (*ys, x)
    return ys[1] * ys[3] + zs[4] * zs[-1] + len(zs)


# ---- lists and tuples of known length ------------------------------------------------------------------------------


@at(0.7, 1.3)
def loop_over_tuple(x, y):
    total = 0.0
    for v in (x, y, x * y):
        total = total + math.sin(v) * v
    return total


@at(VECTOR, SQUARE[0])
def loop_over_arrays_of_different_shapes(a, b):
    total = 0.0
    for v in [a, b, 2.0]:
        total = total + np.sum(v * v)
    return total


@at(0.7, 1.3)
def loops_over_zip_and_enumerate(x, y):
    total = 0.0
    for k, (a, b) in enumerate(zip((x, y), [y, x * x])):
        total = total + a * b**k
    for a, b in zip(reversed((x, y)), (2.0, 3.0)):
        total = total + a * b
    return total


@at(0.7, 1.3)
def index_computed_from_literals(x, y):
    xs = [x, y, x * y, y * y]
    total = 0.0
    for i in range(len(xs) - 1):
        total = total + xs[i] * xs[i + 1] + xs[-1 - i]
    for i in range(0, 4, 2):
        total = total * xs[i // 2]
    return total


@at(0.7, 1.3)
def slices_of_known_lists(x, y):
    xs = [x, y, x * y]
    return sum(xs[1:]) * xs[::-1][0] + sum(xs[:-1])


@at(0.7, 1.3)
def sums_of_lists(x, y):
    xs = [x, y] + [x * y]
    ys = [y] * 3 + xs
    return sum(ys) * max(ys) + min(ys) * sum(xs, 2.0)


@at(0.7, 1.3)
def lists_of_lists(x, y):
    rows = [[x, y], [x * y, 2.0]]
    total = 0.0
    for row in rows:
        for v in row:
            total = total + v * v
    return total + rows[1][0] * rows[0][1]


@at(0.7, 1.3)
def swapped_in_a_list(x, y):
    pair = [x, y]
    for _ in range(3):
        a, b = pair
        pair = [b, a * b]
    return pair[0] * pair[1]


@at(0.7, 1.3)
def item_rebound_after_it_was_stored(x, y):
    xs = (x, y)
    x = x * y
    total = xs[0] * x
    for v in xs:
        x = x + v
        total = total + x * xs[0]
    return total


@at(0.7, 1.3, 0.4)
def stored_in_some_trips_alone(x, y, limit):
    d = (x, y)
    z = x
    for i in range(4):
        z = z * y + i
        if i % 2 == 0:
            d = (z, x)
        y = y + d[0] * limit
    return y * d[0] + d[1]


# ---- comprehensions ------------------------------------------------------------------------------------------------


@at(VECTOR)
def sum_of_generator(x):
    return sum(v * v * math.sin(v) for v in x)


@at(VECTOR)
def sum_of_list(x):
    return sum([v**3 for v in x])


@at(1.3, 4)
def array_of_powers(x, n):
    return np.sum(np.array([x**i for i in range(n)]) ** 2)


@at(VECTOR)
def filtered(x):
    return sum(v * v for v in x if v > 0 if v < 10) + sum(v for v in x if v <= 0)


@at(SQUARE)
def nested_generators(m):
    return sum(a * b for row in m for a in row for b in row if a > b)


@at(SQUARE)
def stacked_rows(m):
    rows = np.stack([r * r[0] for r in m])
    return np.sum(rows * m)


@at(SQUARE)
def array_of_rows(m):
    return np.sum(np.array([np.sin(r) for r in m])[1:])


@at(VECTOR)
def largest_and_least(x):
    return max(math.exp(v) for v in x) * min(v * v + 2.0 for v in x)


@at(VECTOR)
def zipped_generator(x):
    return sum(a * b for a, b in zip(x, x[1:])) + sum(i * v for i, v in enumerate(x))


@at(0.7, 1.3)
def comprehension_of_tuple(x, y):
    ys = [v * w for v in (x, y) for w in (x, 2.0)]
    return ys[0] * ys[1] + ys[2] * ys[3] + sum(ys)


@at(0.7)
def comprehension_of_short_range(x):
    ys = [x * i for i in range(4)]
    return ys[1] * ys[3] + math.prod(ys[1:])


@at(VECTOR)
def list_read_by_index(x):
    ys = [v * v for v in x]
    total = ys[-1]
    for i, y in enumerate(ys):
        total = total + y * ys[i] * ys[0]
    return total


@at(VECTOR)
def list_used_twice(x):
    ys = [math.sin(v) for v in x]
    return sum(ys) * np.sum(np.array(ys) ** 2) + len(ys)


@at(VECTOR)
def list_used_by_numpy(x):
    ys = [v * v for v in x]
    return np.dot(ys, x) + np.mean(ys) + np.sum(np.exp(ys))


@at(VECTOR, 0.4)
def comprehension_reads_outer_names(x, scale):
    v = 3.0
    ys = [v * scale for v in x]
    return v * sum(ys)


@at(VECTOR)
def comprehension_within_a_loop(x):
    total = 0.0
    for i in range(3):
        total = total + sum(v**i * total for v in x) + i
    return total


@at(VECTOR)
def conditional_items(x):
    return sum(v * v if v > 0 else 2.0 * v for v in x)


@at(VECTOR)
def dict_comprehension(x):
    table = {k: f * x[0] for k, f in zip(("a", "b"), (x[1], x[2]))}
    doubled = {k: v * v for k, v in table.items() if k != "z"}
    return doubled["a"] * table["b"] + len(doubled)


@at(VECTOR)
def any_and_all(x):
    total = np.sum(x * x)
    if any(v > 100 for v in x) or all(v < 100 for v in x):
        total = total * 2.0
    return total


@at(SQUARE.astype(np.float32))
def sequence_rebound_by_its_own_loop(m):
    total = 0.0
    for row in m:
        m = np.outer(np.cumsum(row), np.arange(3.0))
        total = total + np.mean(m * m)
    return total + np.mean(m)


# ---- map, filter, reduce -------------------------------------------------------------------------------------------


def cubed(x):
    return x * x * x


@at(VECTOR)
def mapped_function(x):
    return sum(map(cubed, x)) + sum(map(math.sin, x))


@at(VECTOR)
def mapped_over_two(x):
    return sum(map(lambda a, b: a * b, x, x[::-1]))


@at(VECTOR)
def filtered_by_function(x):
    return sum(filter(lambda v: v > 0, x)) + sum(list(filter(None, x)))


@at(POSITIVE)
def reduced(x):
    return functools.reduce(lambda a, b: a * b + a, x) + functools.reduce(lambda a, b: a + b * b, x, 2.0)


@at(0.7, 1.3)
def reduced_over_tuple(x, y):
    return functools.reduce(lambda a, b: a * b, (x, y, x))


# ---- dicts ---------------------------------------------------------------------------------------------------------


@at(0.7, 1.3)
def dict_written_out(x, y):
    p = {"a": x, "b": {"c": y, "d": x * y}}
    return p["a"] * p["b"]["c"] + p["b"]["d"]


@at(0.7, 1.3)
def dict_methods(x, y):
    p = {"a": x, "b": y}
    total = p.get("a", 0.0) * p.get("z", 2.0)
    for key, value in p.items():
        total = total + value * len(key)
    q = dict(p, c=x * y)
    for value in q.values():
        total = total * value
    return total + q["c"]


@at(0.7, 1.3)
def merged_dicts(x, y):
    p = {"a": x, "b": y}
    q = {**p, "b": x * y, 3: 2.0}
    return sum(q.values()) * q["b"] * q[3]


@of({"w": VECTOR, "b": 0.3, "n": 3, "name": "linear"}, VECTOR)
def model_in_a_dict(p, x):
    return np.sum(np.tanh(p["w"] * x + p["b"])) * p["n"]


@of({"w": VECTOR, "b": np.float64(0.3)})
def norm_of_all_parameters(p):
    total = 0.0
    for key, value in p.items():
        total = total + np.sum(value**2)
    for key in p:
        total = total + np.sum(p[key])
    return total + (1.0 if "w" in p else 0.0)


@of({"layers": [{"W": SQUARE, "b": SQUARE[0]}, {"W": WIDE, "b": WIDE[:, 0]}], "scale": 0.4}, SQUARE[1])
def network_in_a_dict(p, x):
    for layer in p["layers"]:
        x = np.tanh(layer["W"] @ x + layer["b"])
    return p["scale"] * np.sum(x)


@of({1: 0.4, (2, 3): VECTOR, None: "x"})
def keys_of_all_sorts(p):
    return p[1] * np.sum(p[2, 3])


def regularised(p, strength=0.1):
    return strength * sum(np.sum(v * v) for v in p.values())


@of({"a": VECTOR, "b": 0.7})
def dict_given_to_a_helper(p):
    return regularised(p) + regularised({**p, "b": p["b"] * p["b"]}, strength=p["b"])


@of({"a": VECTOR, "b": 0.7}, 0.4)
def dict_as_keywords(p, x):
    return keyword_helper(x, **p)


def keyword_helper(x, a, b):
    return np.sum(a) * b * x


TABLE = {0: 2.0, 3: 0.5}


@at(0.7)
def global_dict(x):
    total = x
    for k in TABLE:
        total = total * x + k
    for v in TABLE.values():
        total = total * v
    for i, k in enumerate(TABLE):
        total = total + x * k * i
    for i, (k, v) in enumerate(TABLE.items()):
        total = total * x + k * v + i
    for k, v in zip(TABLE, (1, 2)):
        total = total + x * k * v
    for k in map(float, (1, 2)):
        total = total * (x + k)
    return total * TABLE[3]


# ---- tuples, lists, named tuples as arguments ----------------------------------------------------------------------

Point = namedtuple("Point", "x y")


class Body(NamedTuple):
    mass: float
    position: np.ndarray
    label: str = "body"

    def kinetic(self, v):
        return 0.5 * self.mass * np.sum(v * v)

    @property
    def weight(self):
        return 9.81 * self.mass


@of([(SQUARE, SQUARE[0]), (WIDE, WIDE[:, 1])], SQUARE[2])
def network_of_tuples(layers, x):
    for W, b in layers:
        x = np.tanh(W @ x + b)
    return np.sum(x)


@of([(SQUARE, SQUARE[0]), (WIDE, WIDE[:, 1])], SQUARE[2])
def network_without_last_activation(layers, x):
    *hidden, (W, b) = layers
    for V, c in hidden:
        x = np.tanh(V @ x + c)
    return np.sum((W @ x + b) ** 2)


@of(Point(0.4, 1.3))
def named_tuple(p):
    return p.x * p.y + p[0] * math.sin(p.y)


@of([Point(0.4, 1.3), Point(0.1, -0.7), Point(1.1, 0.9)])
def list_of_named_tuples(ps):
    return sum(p.x * p.y for p in ps) + max(p.x for p in ps)


@of(Body(0.4, VECTOR), POSITIVE)
def named_tuple_with_methods(body, v):
    x, y, _ = body
    return body.kinetic(v) * body.weight + x * np.sum(y * v)


@of((0.4, [VECTOR, 3, None, "text", True], {"a": ()}))
def leaves_of_all_sorts(p):
    return p[0] * np.sum(p[1][0]) * p[1][1]


@of([np.float32(0.5), VECTOR.astype(np.float32)])
def single_precision(p):
    return np.sum(p[0] * p[1] * p[1])


@of([VECTOR, VECTOR])
def same_array_twice(p):
    return np.sum(p[0] * p[1] * p[1])


@of(NUMBERS)
def list_of_numbers(xs):
    total = 0.0
    for i, x in enumerate(xs):
        total = total + (i + 1) * x * xs[-1]
    return total + max(xs) * sum(xs)


@of([0.1 * i for i in range(40)])
def long_list(xs):
    return sum(x * x for x in xs) * sum(xs)


# ---- objects -------------------------------------------------------------------------------------------------------


@dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray
    activation: str = "tanh"

    def __call__(self, x):
        return np.tanh(self.W @ x + self.b)


@dataclass(frozen=True)
class Spring:
    stiffness: float
    length: float
    steps: int = 3

    @property
    def period(self):
        return 1.0 / math.sqrt(self.stiffness)

    def energy(self, x):
        return 0.5 * self.stiffness * (x - self.length) ** 2


@dataclass
class Slotted:
    __slots__ = ("a", "b")
    a: float
    b: np.ndarray


class Model:
    scale = 2.0

    def __init__(self, layers, gain):
        self.layers = layers
        self.gain = gain
        self.history = {}

    def loss(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.total(x) * self.scale

    def total(self, x):
        return self.gain * np.sum(x)


class Doubled(Model):
    def total(self, x):
        return 2.0 * Model.total(self, x) + self.gain


@of(Layer(SQUARE, SQUARE[0]), SQUARE[1])
def dataclass_argument(layer, x):
    return np.sum(layer(x) * layer.b)


@of(Spring(1.4, 0.3), 0.9)
def frozen_dataclass(spring, x):
    return spring.energy(x) * spring.period * spring.steps


@of(Slotted(0.4, VECTOR))
def slotted_object(s):
    return s.a * np.sum(s.b * s.b)


@of(Model([Layer(SQUARE, SQUARE[0]), Layer(WIDE, WIDE[:, 0])], 0.7), SQUARE[1])
def object_of_objects(model, x):
    return model.loss(x)


@of(Doubled([Layer(SQUARE, SQUARE[0])], 0.7), SQUARE[1])
def inherited_methods(model, x):
    return model.loss(x)


@of([Spring(1.4, 0.3), Spring(0.5, 0.1)], 0.9)
def list_of_objects(springs, x):
    return sum(s.energy(x) for s in springs) * springs[0].period


@of({"spring": Spring(1.4, 0.3), "points": (Point(0.1, 0.2), Point(0.3, 0.4))})
def everything_at_once(p):
    spring, points = p["spring"], p["points"]
    return sum(spring.energy(q.x) * q.y for q in points)


# ---- the checks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
def test_program(name):
    function, args = PLAIN[name]
    check(function, *args)


@pytest.mark.parametrize("name", STRUCTURED)
def test_structure(name):
    function, args = STRUCTURED[name]
    check_structure(function, *args)


def test_no_class_code_runs_for_a_gradient():
    class Counted:
        made = 0

        def __init__(self, a):
            self.a = a
            type(self).made += 1

    counted = Counted(2.0)
    gradient = s2sad.grad(lambda c: c.a**3)(counted)
    assert type(gradient) is Counted and gradient.a == 12.0 and Counted.made == 1


def test_adjoint_of_a_gradient_that_has_a_structure():
    """The seed of a gradient with respect to a container is given in its structure, and reaches what it is made of."""
    gradient = s2sad.grad(lambda p, y: p[0] * p[1] * p[1] + y * p[0], wrt=0)
    assert s2sad.vjp(gradient, wrt=0)((0.5, 3.0), 2.0, (1.0, 10.0)) == (60.0, 6.0 + 10.0)
    gradient = s2sad.grad(lambda p, y: p["a"] * y * p["b"], wrt="p")
    assert s2sad.vjp(gradient, wrt=(0, 1))({"a": 2.0, "b": 3.0}, 5.0, {"a": 1.0, "b": 10.0}) == (
        {"a": 50.0, "b": 5.0}, 3.0 + 20.0,
    )  # fmt: skip


def test_entry_of_variadic():
    gradient = s2sad.grad(entry_of_variadic)
    np.testing.assert_allclose(gradient(VECTOR, 2.0, 3.0), np.full(4, 6.0))
    np.testing.assert_allclose(gradient(VECTOR), np.ones(4))
    rest = s2sad.grad(entry_of_variadic, wrt="rest")(VECTOR, 2.0, 3.0)
    np.testing.assert_allclose(rest, np.sum(VECTOR) * np.array([3.0, 2.0]))
    assert isinstance(rest, tuple)
    np.testing.assert_allclose(s2sad.vjp(entry_of_variadic)(VECTOR, 2.0, 2.0, 3.0), np.full(4, 12.0))


def test_entry_with_keywords():
    value, (of_x, of_more) = s2sad.value_and_grad(weighted, wrt=("x", "more"))(0.7, 2.0, offset=1.5, a=3.0, b=2)
    assert value == weighted(0.7, 2.0, offset=1.5, a=3.0, b=2)
    assert of_x == 1.5 + 2.0 + 5.0 and of_more == {"a": 0.7, "b": None}


def test_check_grads_of_structures():
    s2sad.check_grads(model_in_a_dict, {"w": VECTOR, "b": 0.3, "n": 3, "name": "linear"}, VECTOR)
    s2sad.check_grads(frozen_dataclass, Spring(1.4, 0.3), 0.9)


# ---- refused -------------------------------------------------------------------------------------------------------


def escaping_generator(x):
    squares = (v * v for v in x)
    return sum(squares) + sum(squares)


def unknown_stars(x):
    return weighted(*x)


def computed_key(p, k):
    return p[k] * 2.0


def set_comprehension(x):
    return sum({v * v for v in x})


def list_of_pairs(x):
    pairs = [(v, v * v) for v in x]
    return sum(a * b for a, b in pairs)


def number_beside_memory_of_several_names(x, s):
    u, w = x * 2.0, x * s
    pair = (s * x[1], u)
    if s > 0.3:
        pair = (s * s, w)
    pair[1][0] = s
    return np.sum(u * w) * pair[0]


@pytest.mark.parametrize("function, args", [
    (number_beside_memory_of_several_names, (VECTOR, 0.7)),
    (unknown_stars, (VECTOR,)), (computed_key, ({"a": 1.0}, "a")), (set_comprehension, (VECTOR,)),
    (list_of_pairs, (VECTOR,)),
])  # fmt: skip
@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.vjp], ids=["grad", "vjp"])
def test_refused_with_a_place(function, args, transform):
    error = refusal(function, *args, *([1.0] if transform is s2sad.vjp else []), transform=transform)
    assert error.help
