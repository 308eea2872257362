"""Programs of comprehensions, generator expressions consumed at once, and of the functions that run over containers."""

import functools
import math

import numpy as np
import pytest
from programs.oracle import check

rng = np.random.default_rng(41)
VECTOR = rng.normal(size=4)
POSITIVE = rng.uniform(0.5, 1.5, size=4)
SQUARE = rng.normal(size=(3, 3))

PLAIN, STRUCTURED = {}, {}


def at(*args):
    """Register a program with the arguments that it is checked at."""

    def register(function):
        assert function.__name__ not in PLAIN, function.__name__
        PLAIN[function.__name__] = (function, args)
        return function

    return register


@at(SQUARE)
def rows_of_rows(m):
    rows = [[v * v for v in row] for row in (m[0], m[1])]
    return sum([sum(r) * r[0] for r in rows])


@at(VECTOR)
def rows_of_unknown_length(x):
    rows = [[v * w for v in x] for w in (x[0], x[1])]
    return sum(rows[0]) * sum(rows[1])


@at(VECTOR)
def nested_with_conditions(x):
    return sum(a * b for i, a in enumerate(x) if i % 2 == 0 for j, b in enumerate(x) if j > i)


@at(VECTOR)
def condition_on_a_value(x):
    ys = [v * v if v > 0 else -v for v in x if abs(v) < 2.0]
    return sum(ys) + len(ys)


@at(0.7, 1.3)
def dict_of_functions_of_keys(x, y):
    table = {n: x**n for n in range(4)}
    table = {k: v * y for k, v in table.items() if k > 0}
    return sum(table.values()) + table[3]


@at(0.7, 1.3)
def dict_from_zip(x, y):
    d = dict(zip(("a", "b"), (x, y)))
    e = {k: v * 2.0 for k, v in zip("ab", (y, x))} if x < y else d
    return d["a"] * d["b"] + e["a"]


@at(0.7, 1.3)
def dict_swapped(x, y):
    d = {"a": x, "b": y}
    renamed = {k + "2": v for k, v in d.items()}
    return renamed["a2"] * renamed["b2"] * d["a"]


@at(0.7)
def keys_in_a_set(x):
    wanted = {"a", "c"}
    total = 0.0
    for k, name in enumerate(("a", "b", "c")):
        if name in wanted:
            total = total + x ** (k + 1)
    return total * len(wanted)


@at(0.7)
def set_comprehension_of_keys(x):
    odd = {k for k in range(6) if k % 2 == 1}
    seen = set()
    total = 0.0
    for k in range(6):
        if k in odd:
            seen.add(k)
            total = total + x**k
    return total * len(seen)


@at(VECTOR)
def pairs_of_lists(x):
    pairs = [(v, v * v) for v in (x[0], x[1], x[2])]
    return sum(a * b for a, b in pairs) + pairs[0][1]


@at(0.7, 1.3)
def maps_and_filters(x, y):
    xs = list(map(lambda v: v * x, (x, y, 2.0)))
    ys = list(filter(lambda v: v < 10.0, xs))
    return sum(map(math.sin, xs)) * sum(ys) + sum(a * b for a, b in zip(xs, (x, y)))


@at(VECTOR)
def map_of_several(x):
    return sum(map(lambda a, b, c: a * b + c, x, x[::-1], x))


@at(VECTOR)
def enumerated_and_reversed(x):
    total = 0.0
    for k, v in enumerate(reversed(x)):
        total = total + k * v * v
    for k, v in enumerate(x, start=2):
        total = total + v**k
    for a, b in zip(x, reversed(x)):
        total = total + a * b * b
    return total


@at(0.7, 1.3)
def enumerated_list(x, y):
    xs = [x, y, x * y]
    pairs = list(enumerate(xs, 1))
    return sum(k * v for k, v in pairs) + pairs[-1][1]


@at(POSITIVE)
def reduced_with_a_start(x):
    total = functools.reduce(lambda a, b: a * b + 1.0, x, 0.5)
    return total + functools.reduce(max, [x[0], x[1]]) * functools.reduce(lambda a, b: a * b, x)


@at(0.7, 1.3)
def largest_of_values(x, y):
    d = {"a": x, "b": y * y}
    return max(d.values()) * min(d["a"], d["b"], 5.0) + max(x, y)


@at(0.7, 1.3)
def sorted_keys(x, y):
    d = {"b": x, "a": y}
    total = 1.0
    for k, key in enumerate(sorted(d)):
        total = total * d[key] + k
    return total


@at(VECTOR)
def any_and_all(x):
    total = np.sum(x * x)
    if all(v < 100 for v in x) and not any(v > 100 for v in x):
        total = total * 2.0
    if any([v > 0 for v in x]):
        total = total + x[0]
    return total


@at(VECTOR)
def sums_in_sums(x):
    return sum(sum(v * w for w in x) * v for v in x)


@at(VECTOR)
def sum_with_a_start(x):
    return sum((v * v for v in (x[0], x[1])), x[3]) + sum([x[0], x[1]], x[2]) + math.prod(v + 3.0 for v in (x[2], x[3]))


@at(VECTOR)
def tuple_of_generator(x):
    a, b, c, d = (v * v for v in x)
    e = tuple(v + 1.0 for v in (a, b))
    return a * b + c * d + e[0] * e[1]


@at(VECTOR)
def walrus_in_a_comprehension(x):
    ys = [w * w for v in x if (w := v + 1.0) > 0]
    return sum(ys) * w


@at(VECTOR)
def comprehension_over_a_dict_of_arrays(x):
    d = {"a": x, "b": x * x}
    norms = {k: np.sum(v * v) for k, v in d.items()}
    return norms["a"] * norms["b"] + sum(np.sum(v) for v in d.values())


@at(SQUARE)
def matrix_by_comprehension(m):
    p = [[sum(m[i, k] * m[k, j] for k in range(3)) for j in range(3)] for i in range(3)]
    return np.sum(np.array(p)) + p[1][2]


@at(SQUARE)
def transposed_by_zip(m):
    rows = [[m[0, 0], m[0, 1]], [m[1, 0], m[1, 1]]]
    columns = list(zip(*rows))
    return columns[0][1] * columns[1][0] + sum(columns[0])


@at(SQUARE)
def flattened(m):
    rows = [[v for v in row] for row in (m[0], m[1])]
    flat = [v for row in rows for v in row]
    return sum(v * (k + 1) for k, v in enumerate(flat))


@at(VECTOR)
def comprehension_then_writes(x):
    ys = [v * v for v in x]
    ys[0] = ys[1] * x[0]
    ys.append(ys[0])
    ys[-1] *= 2.0
    return sum(ys)


@at(VECTOR)
def cumulative_in_a_list(x):
    sums = [x[0]]
    for v in x[1:]:
        sums.append(sums[-1] + v)
    return sum(s * s for s in sums)


@at(VECTOR)
def list_of_arrays_by_comprehension(x):
    layers = [x * k for k in range(3)]
    return np.sum(sum(layers)) + sum(np.sum(h * h) for h in layers)


@at(VECTOR)
def comprehension_calls_a_function_that_writes(x):
    def bump(d, v):
        d["total"] += v * v
        return d["total"]

    d = {"total": 0.0}
    values = [bump(d, v) for v in x]
    return sum(values) * d["total"]


@pytest.mark.parametrize("name", PLAIN)
def test_program(name):
    function, args = PLAIN[name]
    check(function, *args)
