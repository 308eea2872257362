"""Programs that write into dicts, lists and objects: values, gradients, second order, forward mode; nothing is written
that is the caller's.

Those of functions are checked by `oracle.check`, those with classes by `structures.check_structure`.
"""

import copy
import dataclasses
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from programs.oracle import check, refusal
from programs.structures import check_structure

import s2sad

rng = np.random.default_rng(31)
VECTOR = rng.normal(size=4)
POSITIVE = rng.uniform(0.5, 1.5, size=4)
SQUARE = rng.normal(size=(3, 3))

PLAIN, STRUCTURED = {}, {}


def at(*args):
    """Register a program of functions and plain arguments."""
    return _registering(PLAIN, args)


def of(*args):
    """Register a program with classes, or of containers."""
    return _registering(STRUCTURED, args)


def _registering(programs, args):
    def register(function):
        assert function.__name__ not in programs, function.__name__
        programs[function.__name__] = (function, args)
        return function

    return register


# ---- dicts ---------------------------------------------------------------------------------------------------------


@at(0.7, 1.3)
def dict_filled_key_by_key(x, y):
    d = {}
    d["a"] = x
    d["b"] = x * y
    d["a"] += y
    return d["a"] * d["b"] + len(d)


def writes_an_array_of(d, factor):
    d["b"][0] = 0.4 * factor


@at(VECTOR)
def dict_of_a_number_and_an_array_that_a_callee_writes(v):
    w = v * v
    writes_an_array_of({"a": 0.5, "b": w}, v[1])
    return np.sum(w * v)


@at(VECTOR)
def dict_of_a_number_and_an_argument_that_a_callee_writes(v):
    w = v * 1.0
    scale = 0.5
    writes_an_array_of({"a": scale, "b": w}, scale)
    return np.sum(v * w) + scale


@at(0.7, 1.3)
def dict_written_in_a_loop(x, y):
    d = {"a": x, "b": y}
    for i in range(4):
        d["a"] = d["a"] * x + i
        d["b"] += d["a"]
    return d["a"] * d["b"]


@at(VECTOR)
def dict_written_in_a_loop_over_an_array(x):
    d = {"sum": 0.0, "product": 1.0}
    for v in x:
        d["sum"] += v
        d["product"] *= v
    return d["sum"] * d["product"]


@at(VECTOR, 0.4)
def dict_written_in_a_branch(x, y):
    d = {"low": 0.0, "high": y}
    for v in x:
        if v > y:
            d["high"] += v * v
        else:
            d["low"] += v * y
    return d["low"] * d["high"]


@at(0.7, 1.3)
def dict_with_two_names(x, y):
    d = {"a": x}
    e = d
    e["b"] = y
    d["a"] = d["b"] * x
    e["b"] *= e["a"]
    return d["a"] * d["b"]


@at(0.7, 1.3)
def dict_copied(x, y):
    d = {"a": x, "b": y}
    e = d.copy()
    f = dict(d)
    e["a"] = 2.0 * y
    f["b"] = x * x
    return d["a"] * e["a"] + d["b"] * f["b"] + f["a"]


@at(0.7, 1.3)
def dict_within_a_dict(x, y):
    d = {"in": {"a": x}, "out": y}
    inner = d["in"]
    inner["a"] = inner["a"] * y
    d["in"]["b"] = x
    return d["in"]["a"] * inner["b"] * d["out"]


@at(0.7, 1.3)
def dict_methods_that_write(x, y):
    d = {"a": x}
    d.update({"b": y}, c=x * y)
    e = d.setdefault("a", 5.0) + d.setdefault("e", y * y)
    f = d.pop("b") * d.pop("z", x)
    d.update([("g", f)])
    return e * f + d["c"] * d["e"] + d["g"]


@at(0.7, 1.3)
def dict_items_deleted(x, y):
    d = {"a": x, "b": y, "c": x * y}
    del d["b"]
    total = 0.0
    for key in d:
        total = total + d[key] * len(key)
    return total * len(d)


@at(0.7, 1.3)
def dict_tested_for_keys(x, y):
    cache = {}
    for key in ("a", "b", "a", "c"):
        if key not in cache:
            cache[key] = x * y + len(cache)
        else:
            cache[key] = cache[key] * x
    return sum(cache.values())


@at(0.7)
def dict_with_computed_keys(x):
    d = {}
    for i in range(4):
        d[i] = x**i
    for i in range(1, 4):
        d[i] += d[i - 1]
    return d[3] * d[1]


@at(0.7, 1.3)
def dict_iterated_while_values_change(x, y):
    d = {"a": x, "b": y}
    for key, value in d.items():
        d[key] = value * value
    for key in d.keys():
        d[key] += x
    return sum(d.values()) + max(d.values())


@at(0.7, 1.3)
def dict_merged_in_place(x, y):
    d = {"a": x}
    e = d
    d |= {"b": y, "a": x * y}
    f = d | {"c": 2.0 * x}
    return e["a"] * e["b"] + f["c"] * f["b"]


def fill(d, x):
    d["filled"] = x * x
    d["count"] = d.get("count", 0) + 1


@at(0.7, 1.3)
def dict_filled_by_a_function(x, y):
    d = {"filled": y}
    before = d["filled"]
    fill(d, x)
    fill(d, d["filled"] * y)
    return d["filled"] * before + d["count"]


def counts(x):
    return {"value": x, "square": x * x}


@at(0.7, 1.3)
def dict_given_by_a_function(x, y):
    d = counts(x)
    d["value"] = d["value"] * y
    return d["value"] * d["square"]


@at(0.7, 1.3)
def dict_chosen_by_a_branch(x, y):
    d = {"a": x}
    if x > 0.5:
        d = {"a": y * x}
    d["a"] += x
    return d["a"] * y


@at(VECTOR)
def dict_rebuilt_in_a_loop(x):
    state = {"p": 1.0, "v": 0.0}
    for a in x:
        state = {"p": state["p"] + 0.1 * state["v"], "v": state["v"] + 0.1 * a * state["p"]}
    return state["p"] * state["v"]


@at(VECTOR)
def dict_of_arrays_written(x):
    d = {"h": np.zeros(4), "w": x * 2.0}
    for i in range(4):
        d["h"][i] = x[i] * x[i]
    d["h"] += d["w"]
    d["w"][1:] *= d["h"][:-1]
    return np.sum(d["h"] * d["w"])


@at(VECTOR)
def dict_with_lists(x):
    history = {"x": [], "y": []}
    for v in x:
        history["x"].append(v)
        history["y"].append(v * history["x"][0])
    return sum(history["y"]) * history["x"][-1]


@at(VECTOR, 3)
def dict_updated_while(x, n):
    d = {"k": 0, "total": 0.0}
    while d["k"] < n:
        d["total"] += x[d["k"]] ** 2
        d["k"] += 1
    return d["total"] * d["k"]


# ---- lists ---------------------------------------------------------------------------------------------------------


@at(VECTOR)
def list_appended(x):
    xs = []
    for v in x:
        xs.append(v * v)
    return sum(xs) * xs[-1]


@at(VECTOR)
def list_appended_under_a_test(x):
    xs = [1.0]
    for v in x:
        if v > 0:
            xs.append(v * xs[-1])
    return sum(xs) + len(xs)


@at(VECTOR)
def list_appended_to_array(x):
    xs = []
    y = 1.0
    for v in x:
        y = y * v + 0.1
        xs.append(y)
    return np.sum(np.array(xs) * x)


@at(VECTOR)
def list_of_arrays_appended(x):
    rows = []
    h = x
    for _ in range(20):
        h = np.tanh(h * x)
        rows.append(h)
    return np.sum(np.stack(rows)) + np.sum(rows[-1])


@at(0.7, 1.3)
def list_items_written(x, y):
    xs = [x, y, x * y]
    xs[0] = xs[1] * 2.0
    xs[-1] += xs[0]
    xs[1], xs[2] = xs[2], xs[1]
    return xs[0] * xs[1] + xs[2]


@at(0.7, 1.3)
def list_items_written_in_a_loop(x, y):
    xs = [x, y, 1.0]
    for i in range(3):
        xs[i] = xs[i] * xs[i - 1]
    return sum(xs) * xs[0]


@at(0.7, 40)
def list_items_written_at_unknown_places(x, n):
    xs = [0.0] * n
    for i in range(n):
        xs[i] = x * i
    for i in range(1, n):
        xs[i] += xs[i - 1] * 0.1
    return sum(xs) * xs[3]


@at(0.7, 6)
def recurrence_in_a_list(x, n):
    f = [1.0, x]
    for i in range(2, n):
        f.append(f[i - 1] * x - f[i - 2])
    return f[-1]


@at(0.7, 1.3)
def list_with_two_names(x, y):
    xs = [x]
    ys = xs
    ys.append(y)
    xs[0] = xs[1] * x
    zs = xs[:]
    zs[0] = 5.0
    return ys[0] * ys[1] + zs[0] * zs[1]


@at(0.7, 1.3)
def list_methods(x, y):
    xs = [x, y]
    xs.extend([x * y, 2.0 * x])
    xs.insert(1, y * y)
    first = xs.pop(0)
    last = xs.pop()
    xs.reverse()
    xs += [first]
    del xs[0]
    return sum(v * (k + 1) for k, v in enumerate(xs)) * last + len(xs)


@at(0.7, 1.3)
def list_slices_written(x, y):
    xs = [x, y, x * y, y * y]
    xs[1:3] = [x * x]
    xs[:1] = [y, x, 2.0]
    del xs[2:4]
    return sum(v * (k + 1) for k, v in enumerate(xs)) + len(xs)


@at(VECTOR)
def stack_machine(x):
    stack = []
    for v in x:
        stack.append(v)
    total = 1.0
    while len(stack) > 1:
        a = stack.pop()
        b = stack.pop()
        stack.append(a * b + a)
        total = total * a
    return total + stack[0]


@at(0.7, 1.3)
def stack_emptied(x, y):
    stack = [x, y, x * y]
    total = 0.0
    while stack:
        total = total * 0.5 + stack.pop() ** 2
    return total


@at(0.7, 1.3)
def lists_swapped_in_a_loop(x, y):
    a = [x, y]
    b = [y * y, x]
    for _ in range(5):
        a, b = b, a
        a[0] = a[0] * b[1]
    return a[0] + 2.0 * b[0]


@at(0.7, 1.3)
def list_within_a_list(x, y):
    rows = [[x, y], [y, x]]
    row = rows[0]
    row[1] = x * x
    rows[1].append(row[1] * y)
    for r in rows:
        r[0] = r[0] * 2.0
    return rows[0][0] * rows[0][1] + rows[1][2] * rows[1][0]


@at(0.7)
def matrix_of_lists(x):
    n = 3
    m = [[0.0 for _ in range(n)] for _ in range(n)]
    for i in range(n):
        for j in range(n):
            m[i][j] = x ** (i + j)
    total = 0.0
    for i in range(n):
        m[i][i] += total
        total = total + m[i][i] * m[i][(i + 1) % n]
    return total


@at(0.7)
def one_row_three_times(x):
    row = [x, 1.0]
    m = [row] * 3
    m[0][1] = x * x
    return m[1][1] + m[2][0] * row[1]


def push(xs, v):
    xs.append(v)
    return xs


@at(VECTOR)
def list_filled_by_a_function(x):
    xs = []
    for v in x:
        ys = push(xs, v * v)
        ys[-1] = ys[-1] * 2.0
    return sum(xs) * xs[0]


@at(VECTOR)
def list_shifted(x):
    window = [0.0, 0.0, 0.0]
    total = 0.0
    for v in x:
        window.pop(0)
        window.append(v)
        total = total + window[0] * window[1] * window[2] + window[2]
    return total


@at(VECTOR)
def list_of_lists_appended(x):
    groups = [[], []]
    for v in x:
        if v > 0:
            groups[0].append(v * v)
        else:
            groups[1].append(v)
    return sum(groups[0]) * sum(groups[1]) + len(groups[0])


@at(VECTOR)
def list_of_length_that_shrinks(x):
    xs = [v for v in x]
    total = 0.0
    while len(xs) > 2:
        total = total + xs.pop() * xs[0]
    return total * len(xs)


@at(VECTOR)
def list_of_arrays_written(x):
    rows = [x * 2.0, x * x]
    rows[0][1] = x[0]
    a = rows[1]
    a *= rows[0]
    rows[0] = rows[0] + a
    return np.sum(rows[0] * rows[1])


@at(VECTOR)
def list_cleared(x):
    xs = []
    total = 0.0
    for v in x:
        xs.append(v)
        if len(xs) == 2:
            total = total + xs[0] * xs[1]
            xs.clear()
    return total


@at(VECTOR)
def tuple_of_lists(x):
    pair = ([0.0], [1.0])
    for v in x:
        pair[0][0] += v
        pair[1][0] *= v
    a, b = pair
    return a[0] * b[0]


@at(0.7, 1.3)
def list_twice_in_a_list(x, y):
    a = [x, y]
    b = [a, a]
    b[0][0] = x * y
    b[1] = [y, x]
    b[1][0] += a[0]
    return a[0] * b[0][0] + b[1][0] * b[1][1]


@at(0.7, 1.3)
def list_handed_from_dict_to_dict(x, y):
    d = {"l": [x]}
    for i in range(3):
        e = {"l": d["l"]}
        e["l"].append(y * i)
        d = e
    return sum(d["l"]) * len(d["l"])


@at(VECTOR[:3])
def one_array_three_times_in_a_list(x):
    buf = np.zeros(3)
    rows = []
    for i in range(3):
        buf[i] = x[i] * x[i]
        rows.append(buf)
    return np.sum(rows[0] * rows[2] * x)


@at(0.7, 1.3)
def one_of_two_lists_read(x, y):
    p = [x, y]
    q = p if x > y else [y, x]
    z = q[0] * q[1]
    p[0] = z
    return p[0] * p[1] + z


@at(0.7, 3)
def lists_swapped_while(x, n):
    a = [x, 1.0]
    b = [2.0, x]
    while n > 0:
        a, b = b, a
        a[0] = a[0] * b[1] + n
        n -= 1
    return a[0] * b[0] + a[1]


@at(VECTOR)
def array_under_two_keys(x):
    a = x * 2.0
    d = {"a": a}
    d["a"] += x
    d["b"] = d["a"]
    d["a"] = d["a"] + 1.0
    a[0] = 5.0
    return np.sum(d["a"] * d["b"] * a)


# ---- objects -------------------------------------------------------------------------------------------------------


class Cell:
    """A recurrent cell with a state."""

    def __init__(self, w, h=0.0):
        self.w = w
        self.h = h
        self.calls = 0

    def step(self, v):
        self.h = math.tanh(self.w * self.h + v)
        self.calls += 1
        return self.h

    def reset(self):
        self.h = 0.0


class Leaky(Cell):
    def __init__(self, w, leak):
        super().__init__(w, 0.1)
        self.leak = leak

    def step(self, v):
        before = self.h
        super().step(v)
        self.h = self.leak * before + (1.0 - self.leak) * self.h
        return self.h


class Particle:
    def __init__(self, x, v, m=1.0):
        self.x, self.v = x, v
        self.m = m

    def kick(self, f, dt):
        self.v = self.v + f / self.m * dt

    def drift(self, dt):
        self.x = self.x + self.v * dt

    @property
    def energy(self):
        return 0.5 * self.m * self.v * self.v

    @property
    def speed(self):
        return self.v

    @speed.setter
    def speed(self, value):
        self.v = value


@dataclass
class State:
    position: float
    velocity: float
    history: list = field(default_factory=list)
    count: int = 0


@dataclass(frozen=True)
class Pair:
    a: float
    b: float = 2.0


@dataclass
class Weights:
    w: np.ndarray
    b: float
    n: int = 2


class Line(NamedTuple):
    a: float
    b: float


class Accumulator:
    total = 0.0

    def add(self, v):
        self.total += v
        return self

    def __call__(self, v):
        self.add(v * v)
        return self.total


class Model:
    def __init__(self, cells):
        self.cells = cells
        self.outputs = []

    def run(self, x):
        for v in x:
            for cell in self.cells:
                v = cell.step(v)
            self.outputs.append(v)
        return sum(self.outputs)


class Vec:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


@of(VECTOR, 0.5)
def object_made_here(x, w):
    cell = Cell(w)
    total = 0.0
    for v in x:
        total = total + cell.step(v)
    return total * cell.h + cell.calls


@of(VECTOR, 0.5, 0.3)
def object_of_a_subclass(x, w, leak):
    cell = Leaky(w, leak)
    for v in x:
        cell.step(v)
    return cell.h * cell.w


@of(Cell(0.5, 0.1), VECTOR)
def object_of_the_caller(cell, x):
    for v in x:
        cell.step(v)
    return cell.h * cell.w + cell.calls


@of([Cell(0.5, 0.1), Cell(0.3, 0.2)], VECTOR)
def objects_in_a_list(cells, x):
    for v in x:
        for cell in cells:
            v = cell.step(v)
    return cells[0].h * cells[1].h


@of({"cell": Cell(0.5, 0.1), "scale": 2.0}, VECTOR)
def object_in_a_dict(p, x):
    cell = p["cell"]
    for v in x:
        cell.step(v)
        p["scale"] *= p["cell"].h
    return p["scale"]


@of(0.3, 0.4)
def attributes_written(x, v):
    p = Particle(x, v)
    p.x = p.x * 2.0
    p.v += p.x
    p.m, p.x = p.v * p.v, x
    p.extra = p.m * x
    return p.energy + p.extra


@of(0.3, 0.4)
def leapfrog(x, v):
    p = Particle(x, v, 2.0)
    for _ in range(10):
        p.kick(-p.x, 0.05)
        p.drift(0.1)
        p.kick(-p.x, 0.05)
    return p.x + p.energy


@of([Particle(0.3, 0.4), Particle(1.3, -0.4, 2.0)])
def two_bodies(ps):
    for _ in range(5):
        f = ps[1].x - ps[0].x
        ps[0].kick(f, 0.1)
        ps[1].kick(-f, 0.1)
        for p in ps:
            p.drift(0.1)
    return sum(p.energy for p in ps) + ps[0].x * ps[1].x


@of(0.3, 0.4)
def property_with_a_setter(x, v):
    p = Particle(x, v)
    p.speed = p.speed * x
    p.speed += x
    return p.energy * p.speed


@of(0.3, 0.4)
def object_with_two_names(x, v):
    p = Particle(x, v)
    q = p
    q.x = x * v
    p.v = q.x + p.v
    return q.v * p.x + (1.0 if p is q else 0.0)


@of(0.3, 0.4)
def dataclass_made_here(x, v):
    s = State(x, v)
    for _ in range(6):
        s.velocity -= 0.1 * s.position
        s.position += 0.1 * s.velocity
        s.history.append(s.position)
        s.count += 1
    return sum(s.history) * s.velocity + s.count


@of(State(0.3, 0.4, [1.0, 2.0]))
def dataclass_of_the_caller(s):
    s.position = s.position * s.velocity
    s.history[0] += s.position
    s.history.append(s.history[0] * s.velocity)
    s.count += 1
    return sum(s.history) * s.position + s.count


@of(0.3, 0.4)
def dataclass_replaced(x, v):
    s = Pair(x, v)
    t = dataclasses.replace(s, b=x * v)
    u = dataclasses.replace(t, a=t.b)
    return s.a * t.b + u.a * u.b + s.b


@of(Weights(VECTOR, 0.3), 0.1)
def arrays_of_an_object_written(p, rate):
    for i in range(3):
        p.w[i] = p.w[i] * p.b
        p.w -= rate * p.w
    p.b = np.sum(p.w)
    return p.b * p.w[0] * p.n


@of(VECTOR)
def array_attribute_made_here(x):
    p = Weights(np.zeros(4), 0.0)
    for i in range(4):
        p.w[i] = x[i] * x[i]
        p.b += p.w[i]
    w = p.w
    w[0] = 3.0 * x[1]
    return p.b * np.sum(p.w)


@of(VECTOR)
def class_attribute_as_a_start(x):
    acc = Accumulator()
    for v in x:
        acc.add(v).add(v * v)
    return acc.total * acc(x[0])


@of(VECTOR, 0.5)
def object_of_objects(x, w):
    model = Model([Cell(w), Leaky(w, 0.3)])
    return model.run(x) * model.cells[1].h + len(model.outputs)


@of(Model([Cell(0.5, 0.1), Leaky(0.3, 0.2)]), VECTOR)
def object_of_objects_of_the_caller(model, x):
    return model.run(x) * model.cells[0].calls


@of(0.3, 0.4)
def operators_of_a_class(x, y):
    a = Vec(x, y)
    b = Vec(y, 2.0)
    c = a + b * x
    for _ in range(3):
        c = c + a
    return c.dot(b)


@of(0.3, 0.4)
def object_rebuilt_in_a_loop(x, y):
    p = Vec(x, y)
    for i in range(4):
        p = Vec(p.x * p.y + i, p.x)
    return p.x * p.y


@of(0.3, 0.4)
def object_chosen_by_a_branch(x, y):
    p = Vec(x, y)
    if x < y:
        p = Vec(y, x * x)
    p.x += y
    return p.x * p.y


@of(VECTOR)
def best_of_objects(x):
    ps = [Particle(v, v * v) for v in (x[0], x[1], x[2])]
    best = ps[0]
    for p in ps:
        if p.x < best.x:
            best = p
    return best.v * best.x + ps[0].v


def advance(p, dt):
    p.drift(dt)
    p.kick(-p.x, dt)
    return p


@of(0.3, 0.4)
def object_given_to_a_function(x, v):
    p = Particle(x, v)
    for _ in range(3):
        p = advance(p, 0.1)
    q = advance(p, 0.2)
    return q.x * p.v


@of(0.3, 0.4)
def named_tuple_of_lists(x, y):
    p = Line(x, y)
    q = p._replace(a=p.b * x)
    return q.a * q.b + p.a


@of(0.3, 0.4)
def copies_of_objects(x, v):
    p = State(x, v, [x])
    q = copy.copy(p)
    r = copy.deepcopy(p)
    q.position = v
    q.history.append(v * v)
    r.history.append(5.0 * x)
    return p.position * q.position + sum(p.history) * sum(r.history)


@of(0.3, 0.4)
def attributes_by_name(x, v):
    p = Particle(x, v)
    for name in ("x", "v"):
        setattr(p, name, getattr(p, name) * x)
    total = p.x * p.v
    if hasattr(p, "mass"):
        total = total * 100.0
    return total + getattr(p, "mass", 3.0)


@of(VECTOR)
def cache_in_an_object(x):
    model = Model([])
    model.cache = {}
    total = 0.0
    for v in (x[0], x[1], x[2]):
        if "norm" not in model.cache:
            model.cache["norm"] = np.sum(x * x)
        total = total + v * model.cache["norm"]
    return total


@of(Cell(0.5, 0.1), 3)
def early_end(cell, n):
    for i in range(n):
        if cell.step(0.1 * i) > 0.15:
            break
    return cell.h * cell.calls


@of(VECTOR, 0.05)
def adam(x, rate):
    state = {"m": np.zeros(4), "v": np.zeros(4), "t": 0}
    w = x
    for _ in range(4):
        g = 2.0 * w
        state["t"] += 1
        state["m"] = 0.9 * state["m"] + 0.1 * g
        state["v"] = 0.99 * state["v"] + 0.01 * g * g
        m = state["m"] / (1.0 - 0.9 ** state["t"])
        v = state["v"] / (1.0 - 0.99 ** state["t"])
        w = w - rate * m / (np.sqrt(v) + 1e-3)
    return np.sum(w * w)


# ---- the checks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
def test_program(name):
    function, args = PLAIN[name]
    check(function, *args)


@pytest.mark.parametrize("name", STRUCTURED)
def test_structure(name):
    function, args = STRUCTURED[name]
    check_structure(function, *args)


# ---- what is the caller's ------------------------------------------------------------------------------------------


def scale_all(cells, k):
    for cell in cells:
        cell.h = cell.h * k
    return cells[0].h * cells[1].h


def test_one_object_in_two_places_is_refused():
    gradient = s2sad.grad(scale_all, wrt=(0, 1))
    cells, k = gradient([Cell(0.5, 1.0), Cell(0.5, 2.0)], 3.0)
    assert [c.h for c in cells] == [18.0, 9.0] and k == 12.0
    cell = Cell(0.5, 2.0)
    with pytest.raises(s2sad.S2sadError) as caught:
        gradient([cell, cell], 3.0)
    assert caught.value.code == "S412" and cell.h == 2.0


def double_both(p, q):
    p.w *= 2.0
    return np.sum(p.w * q.w)


def test_one_array_of_two_objects_is_refused():
    gradient = s2sad.grad(double_both)
    assert np.array_equal(gradient(Weights(np.ones(2), 0.0), Weights(np.full(2, 3.0), 0.0)).w, [6.0, 6.0])
    w = np.ones(2)
    with pytest.raises(s2sad.S2sadError) as caught:
        gradient(Weights(w, 0.0), Weights(w, 0.0))
    assert caught.value.code == "S412" and np.array_equal(w, np.ones(2))


def test_state_of_the_caller_is_as_it_was():
    model = Model([Cell(0.5, 0.1), Leaky(0.3, 0.2)])
    before = copy.deepcopy(vars(model.cells[0])), copy.deepcopy(vars(model.cells[1]))
    s2sad.value_and_grad(object_of_objects_of_the_caller)(model, VECTOR)
    assert (vars(model.cells[0]), vars(model.cells[1])) == before and model.outputs == []


STATE = {"calls": 0}


def writes_a_global(x):
    STATE["calls"] += 1
    return x * x


def writes_a_nested_global(x):
    d = STATE
    d["calls"] = x
    return d["calls"] * x


def adds_to_what_it_runs_over(x):
    xs = [x, 2.0]
    for v in xs:
        xs.append(v)
    return sum(xs)


def key_that_is_not_known(x, k):
    d = {"a": x}
    d[k] = x * x
    return d["a"]


def key_that_is_not_there(x):
    d = {"a": x}
    d["b"] += x
    return d["b"]


def frozen_object(x):
    p = Pair(x)
    p.a = x * x
    return p.a


def one_of_two_written(x, y):
    p, q = Vec(x, y), Vec(y, x)
    r = p
    if x > y:
        r = q
    r.x = x * y
    return p.x * q.x


def stale_choice(x, y):
    p, q = Vec(x, y), Vec(y, x)
    r = p
    if x > y:
        r = q
    p.x = x * y
    return r.x * q.x


@pytest.mark.parametrize("function, args", [
    (writes_a_global, (0.7,)), (writes_a_nested_global, (0.7,)), (adds_to_what_it_runs_over, (0.7,)),
    (key_that_is_not_known, (0.7, "a")), (key_that_is_not_there, (0.7,)), (frozen_object, (0.7,)),
    (one_of_two_written, (0.7, 1.3)), (stale_choice, (0.7, 1.3)),
])  # fmt: skip
def test_refused_with_a_place(function, args):
    assert refusal(function, *args).help
    assert STATE == {"calls": 0}
