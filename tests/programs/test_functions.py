"""Programs on functions as values: arguments, closures, methods, partial objects, recursion, decorators."""

import functools
import math
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from programs.oracle import check, refusal

import s2sad

rng = np.random.default_rng(22)
VECTOR = rng.normal(size=4)
PROGRAMS = {}


def at(*args):
    """Register a program with the arguments that it is checked at."""

    def register(function):
        assert function.__name__ not in PROGRAMS, function.__name__
        PROGRAMS[function.__name__] = (function, args)
        return function

    return register


# ---- functions as arguments ----------------------------------------------------------------------------------------


def apply(f, x):
    return f(x) * 2.0


def apply_twice(f, x):
    return f(f(x))


def compose(f, g):
    return lambda t: f(g(t))


def squared(x):
    return x * x


def newton_step(f, slope, x):
    return x - f(x) / slope(x)


def integrate(f, a, b, n):
    h = (b - a) / n
    total = 0.0
    for i in range(n):
        total = total + f(a + (i + 0.5) * h) * h
    return total


def runge_kutta(f, y, h, *args):
    k1 = f(y, *args)
    k2 = f(y + 0.5 * h * k1, *args)
    k3 = f(y + 0.5 * h * k2, *args)
    k4 = f(y + h * k3, *args)
    return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def pendulum(y, damping):
    return np.array([y[1], -np.sin(y[0]) - damping * y[1]])


@at(0.7, 1.3)
def lambda_as_argument(x, a):
    return apply(lambda t: t * a, x) + apply(lambda t: t**2, a)


@at(0.7)
def functions_by_name_as_arguments(x):
    return apply(squared, x) * apply(math.sin, x) + apply(np.tanh, x)


@at(0.7, 1.3)
def nested_function_as_argument(x, a):
    scale = a * x

    def inner(t):
        return t * scale + a

    return apply_twice(inner, x) + inner(a)


@at(0.7, 1.3)
def composed(x, a):
    h = compose(squared, lambda t: t * a)
    return h(x) + compose(h, math.cos)(x)


@at(1.3, 2.0)
def newton(x, a):
    for _ in range(4):
        x = newton_step(lambda t: t * t - a, lambda t: 2.0 * t, x)
    return x


@at(0.2, 1.3, 0.4)
def quadrature(a, b, w):
    return integrate(lambda t: math.exp(-w * t * t), a, b, 6)


@at(VECTOR[:2], 0.3)
def ode_solver(y, damping):
    for _ in range(5):
        y = runge_kutta(pendulum, y, 0.1, damping)
    return np.sum(y * y)


@at(0.7, 1.3)
def function_chosen_by_a_branch_of_calls(x, a):
    y = apply(squared, x) if x > a else apply(lambda t: t * a, x)
    return y * a


@at(0.7, 1.3)
def function_given_on(x, a):
    def outer(f, t):
        return apply(f, t) + f(t)

    return outer(lambda t: a * t * t, x)


# ---- variables that functions share --------------------------------------------------------------------------------


@at(VECTOR)
def nonlocal_accumulators(x):
    total = 0.0
    n = 0

    def add(v):
        nonlocal total, n
        total += v * v
        n += 1
        return total

    last = 0.0
    for v in x:
        last = add(v)
    return total * n * last


@at(0.7, 1.3)
def nonlocal_parameter(x, y):
    def scale(k):
        nonlocal x
        x = x * k
        if x > 100:
            x = 100.0

    for i in range(3):
        scale(y)
    return x * y


@at(VECTOR)
def nested_function_that_writes_an_array(x):
    out = np.zeros(4)

    def put(i, v):
        out[i] = v * v

    for i in range(4):
        put(i, x[i])
    return np.sum(out * x)


@at(0.7, 1.3)
def nonlocal_of_two_levels(x, y):
    a = x

    def outer(k):
        def inner(j):
            nonlocal a
            a = a * j + k

        inner(y)
        inner(x)
        return a

    return outer(2.0) * a


@at(VECTOR, 0.4)
def nonlocal_in_a_function_that_is_given_on(x, y):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * y

    def each(f, xs):
        for v in xs:
            f(v)

    each(add, x)
    return total


# ---- functions in containers ---------------------------------------------------------------------------------------


def cosine(x):
    return math.cos(x)


ACTIVATIONS = {"cosine": cosine, "square": squared}
LAYERS = [squared, cosine]


def functions_in_global_containers(x):
    total = ACTIVATIONS["cosine"](x) * ACTIVATIONS["square"](x)
    for f in LAYERS:
        total = f(total) + x
    return total + LAYERS[0](x)


@at(0.7, 1.3)
def functions_in_local_containers(x, a):
    fs = [lambda t: t * a, squared, math.cos]
    table = {"f": fs[1], "g": lambda t: t + a}
    total = x
    for f in fs:
        total = f(total)
    return total * table["f"](x) + table["g"](total)


@at(0.7, 1.3)
def functions_in_tuples_with_values(x, a):
    steps = ((squared, x), (math.sin, a), (lambda t: a * t, 2.0))
    return sum(f(v) for f, v in steps)


# ---- partial objects -----------------------------------------------------------------------------------------------


def scaled(x, factor, offset=0.0):
    return x * factor + offset


@at(0.7, 1.3)
def partial_objects(x, a):
    f = functools.partial(scaled, x)
    g = functools.partial(scaled, factor=a, offset=x)
    h = functools.partial(f, offset=a)
    return f(a) * g(2.0) + h(a * a)


@at(0.7, 1.3)
def partial_as_argument(x, a):
    return apply(functools.partial(scaled, factor=a), x)


# ---- closures ------------------------------------------------------------------------------------------------------


@at(0.7, 1.3)
def closure_sees_the_present_value(x, a):
    def inner(t):
        return t * a

    before = inner(x)
    a = a * x
    return before + inner(x)


@at(0.7, 1.3)
def closures_in_closures(x, a):
    def outer(t):
        def inner(s):
            return s * t * a

        return inner(t) + inner(x)

    return outer(x) * outer(a)


def scaler(a):
    return lambda t: a * t


def power(n):
    def raised(t):
        return t**n

    return raised


@at(0.7, 1.3)
def functions_that_return_functions(x, a):
    double = scaler(a)
    return double(x) * scaler(x)(a) + power(3)(x)


@at(0.7)
def lambda_called_at_once(x):
    return (lambda t, s=x: t * s)(x * x)


@at(VECTOR)
def closure_in_a_loop_used_at_once(x):
    total = 0.0
    for i in range(4):
        w = x[i]
        total = total + apply(lambda t: t * w, total + w)  # noqa: B023
    return total


@at(VECTOR)
def closure_in_a_comprehension(x):
    return sum(apply(lambda t: t * v, 2.0) for v in x)  # noqa: B023


@at(0.7, 1.3)
def default_holds_the_value_of_its_time(x, a):
    fs = [lambda t, w=a * k: t * w for k in (1, 2)]
    return fs[0](x) + fs[1](x) * fs[0](a)


# ---- methods, properties, calls of objects -------------------------------------------------------------------------


class Shape:
    unit = 2.0
    made = 0

    def __init__(self, scale):
        self.scale = scale
        self.activation = np.tanh

    def area(self, r):
        return self.scale * self.factor * r * r * self.unit

    @property
    def factor(self):
        return self.scale + 1.0

    @staticmethod
    def shifted(r, by=1.0):
        return r + by

    @classmethod
    def doubled(cls, r):
        return cls.shifted(r) * cls.unit

    def both(self, r):
        return self.area(r), r * self.scale

    def __call__(self, r):
        a, b = self.both(self.shifted(r))
        return self.activation(a) + b


class Disc(Shape):
    def area(self, r):
        return np.pi * Shape.area(self, r)

    @property
    def factor(self):
        return 3.0


SHAPE, DISC = Shape(0.4), Disc(0.7)


@at(0.7)
def methods_of_all_sorts(r):
    return SHAPE.area(r) + SHAPE.shifted(r, by=r) + Shape.doubled(r) + SHAPE.doubled(r) + Shape.shifted(r)


@at(0.7)
def objects_that_are_called(r):
    return SHAPE(r) + DISC(r * r)


@at(0.7)
def inheritance(r):
    return DISC.area(r) * DISC.factor


@at(0.7)
def methods_as_values(r):
    f = DISC.area
    return f(r) + apply(SHAPE.area, r) + apply(SHAPE, r)


State = namedtuple("State", "position speed")


@dataclass
class Pair:
    a: float
    b: float = 2.0

    def times(self, h):
        return Pair(self.a * h, self.b + h)

    def total(self):
        return self.a * self.b


def stepped(state, h):
    return State(state.position + h * state.speed, state.speed - h * math.sin(state.position))


@at(0.7, 0.1)
def state_in_a_named_tuple(x, h):
    state = State(x, speed=1.0)
    for _ in range(4):
        state = stepped(state, h)
    return state.position * state._replace(speed=x).speed + state.speed


@at(0.7, 1.3)
def dataclass_made_inside(x, h):
    pair = Pair(x)
    for _ in range(3):
        pair = pair.times(h)
    return pair.total() + Pair(b=x, a=h).total()


# ---- recursion and decorators --------------------------------------------------------------------------------------


def even(x, n):
    return x if n == 0 else odd(x * 1.1, n - 1)


def odd(x, n):
    return x if n == 0 else even(math.sin(x), n - 1)


@at(0.7)
def mutual_recursion(x):
    return even(x, 5) + odd(x, 2)


def total_of(xs):
    if len(xs) == 0:
        return 0.0
    first, *rest = xs
    return first * first + total_of(rest)


@at(0.7, 1.3)
def recursion_over_a_list(x, a):
    return total_of([x, a, x * a])


def traced(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        result = f(*args, **kwargs)
        return result

    return wrapper


def scaled_by(factor):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args):
            return factor * f(*args)

        return wrapper

    return decorate


@traced
def decorated(x, a=2.0):
    return x * x * a


@scaled_by(3.0)
@traced
def decorated_twice(x):
    return math.sin(x)


@at(0.7, 1.3)
def decorated_functions(x, a):
    return decorated(x, a=a) + decorated(a) * decorated_twice(x)


def square_and_more(x, b, c):
    return x * x + (b + c)


@at(0.7, 1.3)
def adjoints_of_a_call_that_are_one(x, a):
    for _ in range(2):
        x = square_and_more(x, a, x * a)
    return x


def weighted(first, *rest, last=1.0):
    return first * last + sum(rest)


@at(0.7, 1.3)
def dict_of_what_its_loop_changes(x, a):
    table = dict(a=x, b=a * x)
    for key in table:
        x += table[key] * x
    return x


@at(0.7, 1.3)
def stars_over_what_a_loop_changes(x, a):
    for _ in range(2):
        x = weighted(*(x, a), x * a, last=x)
    if x > 0.0:
        x = weighted(*[x, 2.0 * x], last=a)
    return x


@at(0.7, 1.3)
def hints_of_any_form(x: "float | None", a: "list[int] | Undefined" = 2.0) -> "Nothing[that, exists]":  # noqa: F821
    y: "also undefined" = x * a  # noqa: F722
    z: float
    z = y * y
    return z + x


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    function, args = PROGRAMS[name]
    check(function, *args)


def test_functions_in_global_containers():
    s2sad.check_grads(functions_in_global_containers, 0.7, order=2)


def test_functions_as_arguments_of_the_derivative():
    gradient = s2sad.grad(apply, wrt="x")
    assert gradient(squared, 3.0) == 12.0
    assert gradient(math.sin, 0.0) == 2.0
    assert gradient(lambda t: t**3, 2.0) == 24.0
    assert gradient(squared, 3.0) == 12.0


def test_cached_functions():
    @functools.lru_cache
    def cached(x):
        return x * x * x

    assert s2sad.value_and_grad(lambda x: cached(x) * x)(2.0) == (16.0, 32.0)


def with_a_default(x, k=2.0):
    return k * x * x


def test_a_default_of_a_callee_that_is_changed():
    gradient = s2sad.grad(lambda x: with_a_default(x))
    assert gradient(1.0) == 4.0
    with_a_default.__defaults__ = (5.0,)
    try:
        assert gradient(1.0) == 10.0
    finally:
        with_a_default.__defaults__ = (2.0,)


# ---- refused -------------------------------------------------------------------------------------------------------


def chosen_at_run_time(x):
    f = math.sin if x > 0.5 else math.cos
    return f(x)


def late_binding(x):
    fs = [lambda t: t * w for w in (x, 2.0)]  # noqa: B023
    return fs[0](x)


def bound_again_later(x):
    w = x
    f = lambda t: t * w  # noqa: E731
    g = [f]
    w = 2.0 * x
    return g[0](x) * w


def kept_by_its_callee(x):
    total = 0.0
    for i in range(2):
        w = x * i
        f = compose(lambda t: t * w, math.sin)  # noqa: B023
        total = total + f(x)
    return total


@pytest.mark.parametrize("function", [chosen_at_run_time, late_binding, bound_again_later, kept_by_its_callee])
@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.jvp], ids=["grad", "jvp"])
def test_refused_with_a_place(function, transform):
    error = refusal(function, *([0.7] if transform is s2sad.grad else [0.7, 1.0]), transform=transform)
    assert error.help
