"""Statements: match with patterns of every form, contexts, casts, assignments, annotations, stars, tests of classes.

Each program is checked by `oracle.check`.
"""

import contextlib
import math
import warnings
from collections import namedtuple
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from programs.oracle import check, refusal

import s2sad

rng = np.random.default_rng(29)
V = rng.normal(size=4)
RATE = 1.7
TABLE = {"a": 2.0, "b": 3.0}

PROGRAMS = {}


@dataclass
class Pt:
    x: float
    y: float


@dataclass
class Disc:
    r: float


Q = namedtuple("Q", "u v")


def at(*points):
    """Register a program with the argument tuples that it is checked at; one argument may stand alone."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, [p if isinstance(p, tuple) else (p,) for p in points])
        return function

    return register


@at((0.7, 3))
def loop_const_in_while_true(x, n):
    k = 0
    y = x
    while True:
        for i in range(2):
            z = y * x
            y = 1.0
        y = y * z * x
        k += 1
        if k == n:
            break
    return y


@at((0.7, 3))
def const_overwrites(x, n):
    k = 0
    while True:
        x = x * math.sin(x)
        for i in range(2):
            y = x * x
            x = 2.0
        x = y * x
        k += 1
        if k == n:
            return x * y


@at((0.7, 3))
def const_overwrites2(x, n):
    y = x * 2
    k = 0
    while True:
        for i in range(k):
            y = 1.5
        y = y * x
        k += 1
        if k > n:
            break
    return y * x


@at((0.7, 3))
def const_overwrites3(x, n):
    y = x
    while True:
        j = 0
        while j < 2:
            w = y * y
            y = 0.5
            j += 1
        y = w * x
        n -= 1
        if n == 0:
            break
    return y


# match


@at(
    (np.array([1.0, 2.0]),),
)
def match_seq_array(p):
    match p.shape:
        case (2,):
            y = p[0] * p[1]
        case (n,):
            y = p[0] * n
        case (n, m):
            y = p[0, 0] * m
    return y


@at(
    (0.7, 1.2),
)
def match_seq_tuple_var(x, y):
    p = (x, y)
    match p:
        case (a, b):
            z = a * b
        case _:
            z = x
    return z


@at(
    (0.7, 1.2),
)
def match_seq_list(x, y):
    p = [x, y, x * y]
    match p:
        case []:
            z = 1.0
        case [a]:
            z = a
        case [a, *rest]:
            z = a * rest[0] * len(rest)
    return z


@at(
    (0.7, 1.2),
)
def match_nested(x, y):
    p = ("add", (x, y))
    match p:
        case ("mul", (a, b)):
            z = a * b
        case ("add", (a, b)):
            z = a + b * b
    return z


@at(
    (0.7, 1.2),
)
def match_cls(x, y):
    p = Pt(x, y)
    match p:
        case Pt(x=a, y=b) if a > b:
            z = a
        case Pt(a, b):
            z = a * b
    return z


@at(
    (0.7, 1.2),
)
def match_map(x, y):
    d = {"kind": "mul", "a": x, "b": y}
    match d:
        case {"kind": "add", "a": a, "b": b}:
            z = a + b
        case {"kind": "mul", "a": a, "b": b}:
            z = a * b
    return z


@at(
    (0.7, 1.2),
)
def match_map_rest(x, y):
    d = {"kind": "mul", "a": x, "b": y}
    match d:
        case {"kind": "mul", **rest}:
            z = rest["a"] * rest["b"]
        case _:
            z = x
    return z


@at((0.7, "relu"), (0.7, "tanh"), (0.7, "x"))
def match_str(x, act):
    match act:
        case "relu" | "lin":
            return max(x, 0.0)
        case "tanh":
            return math.tanh(x)
        case str() as other:
            return x * len(other)


@at(
    (0.7, 1.2),
)
def match_or_bind(x, y):
    p = (1, x)
    match p:
        case (0, a) | (1, a):
            z = a * y
        case _:
            z = x
    return z


@at(
    (0.7, 1.2),
)
def match_nt(x, y):
    q = Q(x, y)
    match q:
        case Q(u, v):
            z = u * v * v
    return z


@at((0.7, 1), (0.7, 2), (0.7, 5))
def match_value_attr(x, n):
    match n:
        case 1:
            x = x * 2
        case k if k < 3:
            x = x * k * k
        case _:
            x = x**3
    return x


@at((0.7, None), (0.7, True))
def match_none(x, flag):
    match flag:
        case None:
            y = x
        case True:
            y = x * x
        case False:
            y = 1.0
    return y * x


@at(
    (0.7, 1.2),
)
def match_in_loop(x, y):
    ops = ["mul", "add", "sin"]
    for op in ops:
        match op:
            case "mul":
                x = x * y
            case "add":
                x = x + y
            case "sin":
                x = math.sin(x)
            case _:
                raise ValueError(op)
    return x


# with


@at(V)
def errstate(x):
    with np.errstate(all="ignore"):
        y = np.sqrt(np.abs(x))
    return np.sum(y * x)


@at(V)
def errstate_two(x):
    with np.errstate(divide="ignore"), np.errstate(over="ignore"):
        y = x / (1 + x * x)
    return np.sum(y * x)


@at(V)
def catch_warn(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = x * x
    return np.sum(y)


@at(V)
def return_in_with(x):
    for i in range(3):
        with np.errstate(all="ignore"):
            if i == 1:
                return np.sum(x * i)
            x = x * x
    return np.sum(x)


@at(V)
def nullctx(x):
    with contextlib.nullcontext():
        y = x * x
    return np.sum(y)


@at(V)
def suppress(x):
    y = np.sum(x)
    with contextlib.suppress(ValueError):
        y = y * math.sqrt(-1.0)
    return y * y


@at(V)
def printopts(x):
    with np.printoptions(precision=3):
        y = x * x
    return np.sum(y)


# assert, del, annots


@at((0.7, 2))
def asserts(x, n):
    assert n > 0
    assert isinstance(n, int), f"{n} is no int"
    assert x > 0, "positive"
    y: float = x * n
    z: np.ndarray
    z = y
    w: float | None = z * x
    v: Final[float] = w
    return v


@at((0.7, 2))
def dels(x, n):
    t = x * n
    y = t * t
    del t
    t = y * 2
    del t, n
    return y


@at((2.7, 2))
def casts(x, n):
    k = int(x)
    f = float(n) * x
    r = round(x)
    r2 = round(x, 1)
    return f * k * r * r2 * x


@at((2.7, 2))
def casts_active(x, n):
    y = float(x) * x
    return y + int(y) * x


@at((7.3, 2.2))
def augmod(x, y):
    z = x * x
    z %= y
    z **= 2
    z //= 0.7
    w = x * x
    w -= z
    w /= y
    return w * x


@at((0.7, 2.2))
def global_reads(x, y):
    return x * RATE * TABLE["a"] + y * math.pi


@at((0.7, 2.2))
def chained(x, y):
    a = b = c = x * y
    a, b = b, a * 2
    (p, q), r = (a, b), c
    [s, t] = p, q
    return s * t * r


@at((0.7, 2.2))
def chained_compare(x, y):
    if 0 < x < y < 3:
        return x * y
    return x


@at((0.7, 5))
def walruses(x, n):
    total = 0.0
    while (n := n - 1) > 0:
        total += (t := x * n) * t
    if (s := total * x) > 1 and (r := s * 2) > 2:
        s = s * r
    ys = [(q := x * k) * q for k in range(3)]
    return s + sum(ys) * q


@at((0.7, 5))
def walrus_filter(x, n):
    ys = [y for k in range(n) if (y := x * k) > 1]
    return sum(ys) * y


@at((0.7, 2.2))
def star(x, y):
    a, *b, c = [x, y, x * y, x + y]
    first, *_ = b
    *init, last = (x, y, c)
    f = lambda *args: args[0] * args[-1]
    t = (*b, a)
    xs = [*init, *t]
    return f(*xs) * last * first + sum(xs)


@at((0.7, 2.2))
def star_call(x, y):
    args = (x, y)
    kw = {"c": x}
    return h(*args, **kw)


def h(a, b, *, c=1.0):
    return a * b * c * a


@at((0.7, 2.2))
def ternary(x, y):
    return (x if x > y else y * x) * (1.0 if x else y)


@at((0.7, 2.2))
def boolops(x, y):
    z = x and y
    w = 0.0 or x * y
    return z * w


@at((0.7, 2.2))
def globals_const(x, y):
    ...
    pass
    "doc"
    return x * y


@at((0.7, 2.2))
def raise_guard(x, y):
    if x > 10:
        raise ValueError(f"too large {x}")
    elif y > 10:
        raise RuntimeError from None
    else:
        z = x * y
    if not np.isfinite(z):
        raise ArithmeticError
    return z


# ---- more of match --------------------------------------------------------------------------------------------------


@at((2.7, 2), (2.7, "ab"), (2.7, None))
def match_classes_of_python(x, n):
    match n:
        case int(k) if k > 1:
            return x * k
        case str(text):
            return x ** len(text)
        case _:
            return x * x


@at((0.7, 1.2))
def match_a_guard_that_reads_captures(x, y):
    p = (x, (y, 2.0))
    match p:
        case (a, (b, c)) if a > b:
            z = a * c
        case (a, (b, c)) if b > a:
            z = a * b * c
        case _:
            z = 0.0
    return z * x


@at((0.7, 1.2))
def match_an_object_among_several(x, y):
    total = 0.0
    for shape in [Pt(x, y), Disc(x), Pt(y, 1.0)]:
        match shape:
            case Disc(r):
                total = total + math.pi * r * r
            case Pt(x=a, y=b):
                total = total + a * b
    return total


@at((0.7, 1.2))
def match_a_program(x, y):
    for step in [("mul", y), ("add", x, y), ("sin",)]:
        match step:
            case ("mul", a):
                x = x * a
            case ("add", a, b):
                x = x + a * b
            case ("sin",):
                x = math.sin(x)
    return x


@at((0.7, 1.2))
def match_stars(x, y):
    match [x, y, x * y, 2.0]:
        case [first, *_, last]:
            z = first * last
    match (x, y):
        case (first, second, *rest):
            z = z * first * second + len(rest)
    return z


@at((0.7, 1.2))
def match_whole_and_parts(x, y):
    match (x, (y, x)):
        case (a, (b, _) as pair):
            z = a * b * pair[1]
    return z


@at((0.7, 1.2))
def match_alternatives_that_bind(x, y):
    p = ("y", y, x)
    match p:
        case ("x", a, b) | ("y", b, a):
            z = a * a * b
        case _:
            z = 0.0
    return z


@at((0.7, 1), (0.7, 2), (0.7, 3))
def match_what_is_known_when_it_runs(x, n):
    p = (n, x)
    match p:
        case (1, a):
            z = a * 2
        case (2, a) | (4, a):
            z = a * a
        case (k, a):
            z = a**k
    return z * x


@at((0.7, 0), (0.7, 1), (0.7, 3))
def match_a_list_of_some_length(x, n):
    xs = [x * (i + 1) for i in range(n)]
    match xs:
        case []:
            z = x
        case [a]:
            z = a * a
        case [a, *_]:
            z = a * xs[1] * len(xs)
    return z


@at((0.7, 1.2), (-0.7, 1.2))
def match_in_an_attempt(x, y):
    try:
        match (x, y):
            case (a, b):
                z = math.sqrt(a) * b
    except ValueError:
        z = x * y
    return z


# ---- contexts -------------------------------------------------------------------------------------------------------


ENTERED = []


@s2sad.inert
class Timer:
    """Notes that it was entered and left."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        ENTERED.append(f"enter {self.name}")

    def __exit__(self, *error):
        ENTERED.append(f"leave {self.name}")


@s2sad.inert
@contextlib.contextmanager
def locked():
    yield


@at((0.7, 2.0))
def declared_contexts(x, y):
    with locked(), Timer("a"):
        z = x * math.sin(y)
    with Timer("b"):
        z = z * z
    return z * x


@at((0.7, 3))
def declared_in_a_loop(x, n):
    for _ in range(n):
        with Timer("trip"):
            x = math.sin(x) * x
            if x < 0.1:
                break
    return x


@at((0.7, 2.0), (0.7, -2.0))
def suppressed_in_a_context(x, y):
    z = x
    with np.errstate(all="ignore"), contextlib.suppress(ValueError, ZeroDivisionError):
        z = z * x
        z = z * math.log(y)
    return z


@at((V,), (-abs(V),))
def suppressed_in_a_loop(x):
    total = 1.0
    for v in x:
        with contextlib.suppress(ValueError):
            total = total + math.sqrt(v)
            if total > 2:
                break
        total = total * v
    return total


# ---- the rest -------------------------------------------------------------------------------------------------------


@at((7.3, 2.2), (-7.3, 2.2))
def quotients_and_rests(x, y):
    z = x // y + x % y * x
    z -= x % 0.7
    return z * z


@at((0.7, 2.2), (0.7, 2))
def asked_for_its_class(x, y):
    if isinstance(y, int):
        return x * y
    if isinstance(x, np.ndarray):
        return x[0]
    return x * y * x


@at((0.7, 2.2))
def hints_of_any_form(x: "float", y: Any = 1.0) -> "float | None":
    table: dict[str, list[int]] = {"a": [1]}
    z: Final = x * y
    w: undefined.name = z * len(table)  # noqa: F821
    (v): float = w * x
    return v


@at((0.7, 4))
def assigned_in_conditions(x, n):
    total = 0.0
    while (total := total + x) < 2 and (n := n - 1):
        x = x * total
    if not (done := total > 2):
        total = total * x
    return total * (y := x * 2) + y * done


@at((0.7, 1.2))
def display_looped_over(x, y):
    """The list is made once, of the x from before the loop."""
    for a, b in [(y, 1.0), (x, 2.0)]:
        x = x * a + b
    for v in (x, y, x * y):
        y = y * v
    return x * y


@at((0.7, 1.2))
def displays_zipped(x, y):
    for u, v in zip([x, y], (y, x)):
        x, y = y * u, x * v
    return x * y


@at((0.7, 1.2))
def nested_swaps(x, y):
    (x, y), z = (y, x * y), x
    [x, (y, z)] = z, (x, y)
    x, y = [y, x]
    x, *rest = y, x
    a = y = (y, rest[0])
    return x * x * y[0] * z * a[1]


@at((0.7, 1.2))
def displays_kept(x, y):
    t = (x, [y, x])
    x = y * 2.0
    y = 3.0
    return t[0] * t[1][0] * x + t[1][1] * y


@at((0.7, 1.2))
def assigned_in_a_comprehension(x, y):
    z = [(x := x * v) + y for v in (x, y, x)]
    return sum(z) * x


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    function, points = PROGRAMS[name]
    for args in points:
        check(function, *args)


def test_there_are_enough():
    assert len(PROGRAMS) >= 55


def test_divmod():
    def both(x, y):
        q, r = divmod(x, y)
        return r * r + q * x

    # r = x - q y, q = 3
    assert s2sad.grad(both, wrt=(0, 1))(7.3, 2.2) == pytest.approx((2 * 0.7 + 3, -2 * 0.7 * 3))


def test_a_declared_context_is_entered_once():
    ENTERED.clear()
    s2sad.value_and_grad(declared_contexts, wrt=(0, 1))(0.7, 2.0)
    assert ENTERED == ["enter a", "leave a", "enter b", "leave b"]
    ENTERED.clear()
    s2sad.grad(declared_in_a_loop)(0.7, 3)
    assert ENTERED == ["enter trip", "leave trip"] * 3


def test_what_a_subject_is_made_of_is_settled_before():
    text = s2sad.grad(match_a_program, wrt=(0, 1)).specialise(0.7, 1.2).source
    assert "matched" not in text and text.count("if ") == 1  # the check of the arguments


class Unknown:
    """A context that nothing is known of."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def unknown_context(x):
    with Unknown():
        y = x * x
    return y


def named_context(x):
    with np.errstate(all="ignore") as old:
        y = x * len(old)
    return y


def unknown_subject(x, thing):
    match thing:
        case (a, b):
            return x * a * b
    return x


@pytest.mark.parametrize("function, args", [(unknown_context, (0.7,)), (named_context, (0.7,))])
def test_refused(function, args):
    assert refusal(function, *args).code == "S201"


def test_a_subject_that_is_not_known_is_refused():
    assert refusal(unknown_subject, 0.7, range(2)).code == "S201"
