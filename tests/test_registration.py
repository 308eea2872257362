"""Rules of users: what they give, of both modes and orders; when a derivative is made again; what is refused where."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from s2sad import (
    Rules,
    S2sadError,
    adjoint,
    check_grads,
    custom_jvp,
    custom_vjp,
    d,
    elementwise,
    elementwise_grad,
    grad,
    jvp,
    linear,
    nondifferentiable,
    rule,
    tangent,
    vjp,
)
from s2sad.rules import registry

FACTOR = 2.0


def text_of(derivative, *args):
    """The body of the text that a call makes."""
    derivative(*args)
    return "\n".join(derivative.specialisations[-1].source.splitlines()[2:])


# ---- templates -------------------------------------------------------------------------------------------------------


def zero_out(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    return y


@adjoint(zero_out)
def _(y, x):
    g = np.zeros_like(x)
    g[0] = d[y][0]
    d[x] = g


def squares_of_first(x):
    return np.sum(zero_out(x * x) ** 2)


X = np.array([1.5, 2.0, 3.0])


def test_template_is_part_of_the_text():
    text = text_of(grad(squares_of_first), X)
    assert "g[0] = (2 * zero_out(t1))[0]" in text
    assert "d[" not in text and "adjoint" not in text
    assert grad(squares_of_first)(X) == pytest.approx([4 * 1.5**3, 0, 0])


def test_template_in_both_modes_and_orders():
    check_grads(squares_of_first, X, order=2)
    assert jvp(grad(squares_of_first))(X, np.ones(3))[1] == pytest.approx([12 * 1.5**2, 0, 0])
    assert vjp(grad(squares_of_first))(X, np.ones(3)) == pytest.approx([12 * 1.5**2, 0, 0])


def test_the_tangent_is_the_transpose():
    text = text_of(jvp(lambda x: zero_out(x)), X, np.ones(3))
    assert "x_dot[0]" in text and "_bar" not in text
    assert jvp(zero_out)(X, np.array([5.0, 1.0, 1.0]))[1] == pytest.approx([5, 0, 0])


def test_function_with_a_rule_itself():
    assert vjp(zero_out)(X, np.array([5.0, 1.0, 1.0])) == pytest.approx([5, 0, 0])
    assert text_of(vjp(zero_out), X, X).splitlines()[-1] == "    return g"


def cube(x):
    return x**3


@tangent(cube)
def _(y, x):
    d[y] = 3 * x**2 * d[x]


def test_the_adjoint_is_the_transpose():
    assert text_of(grad(lambda x: cube(x)), 2.0) == "    return 3 * x ** 2"
    assert grad(grad(cube))(2.0) == 12.0
    check_grads(lambda x: cube(x) * x, 1.5, order=2)


def polar(x, y0, *, scale=1.0):
    r = np.sqrt(x * x + y0 * y0) * scale
    return r, np.arctan2(y0, x)


@adjoint(polar)
def _(r, a, x, y0, *, scale):
    g = d[r] * scale**2 / r
    h = 1 / (r / scale) ** 2
    d[x] = g * x - d[a] * y0 * h
    d[y0] = g * y0 + d[a] * x * h


def test_several_results_and_keyword_arguments():
    def both(x, z):
        r, a = polar(x, z, scale=2.0)
        return r * a

    def one(x, z):
        return polar(x, z)[1]

    for f in (both, one):
        check_grads(f, 2.0, 1.0, wrt=(0, 1), order=2)
    assert grad(one, wrt=(0, 1))(2.0, 1.0) == pytest.approx((-0.2, 0.4))


def shrunk(x, axis=None):
    return np.mean(x, axis=axis)


@adjoint(shrunk)
def _(y, x, axis):
    if axis is None:
        d[x] = np.full_like(x, d[y] / x.size)
    else:
        d[x] = np.repeat(np.expand_dims(d[y], axis), x.shape[axis], axis) / x.shape[axis]


def test_literal_arguments_choose_the_branch():
    a = np.arange(6.0).reshape(2, 3)
    assert grad(lambda x: shrunk(x * x))(a) == pytest.approx(a / 3)
    assert grad(lambda x: np.sum(shrunk(x * x, 0) ** 2))(a) == pytest.approx(2 * np.mean(a * a, 0) * a)
    text = text_of(grad(lambda x: shrunk(x * x)), a)
    assert "if" not in text and "np.repeat" not in text


def scaled(x):
    return FACTOR * x


@adjoint(scaled)
def _(y, x):
    d[x] = FACTOR * d[y]


def test_globals_of_a_template_are_read_live(monkeypatch):
    g = grad(lambda x: scaled(x) ** 2)
    assert g(1.0) == 8.0
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert g(1.0) == 18.0


def half(x):
    return x / 2


def softened(x):
    return half(x) * 2


@adjoint(softened)
def _(y, x):
    d[x] = half(d[y]) * 2


def test_template_calls_functions_of_its_module():
    assert "half(" in text_of(grad(lambda x: softened(x) ** 2), 3.0)
    check_grads(lambda x: softened(x) ** 2, 3.0, order=2)


def test_template_of_another_module_reads_its_own_globals(tmp_path, monkeypatch):
    (tmp_path / "rules_elsewhere.py").write_text(
        textwrap.dedent("""
        import numpy
        from s2sad import adjoint, d

        FACTOR = 10.0

        def tenfold(x):
            return FACTOR * x

        def plain(x):
            return numpy.negative(x)

        @adjoint(tenfold)
        def _(y, x):
            d[x] = FACTOR * d[y]

        @adjoint(plain)
        def _(y, x):
            d[x] = numpy.negative(d[y])
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    import rules_elsewhere

    g = grad(lambda x: rules_elsewhere.tenfold(x) * FACTOR)
    assert g(1.0) == 20.0
    # What names no global of its module is part of the text, under the names of this one.
    assert text_of(grad(lambda x: rules_elsewhere.plain(x) * FACTOR), 1.0) == "    return np.negative(FACTOR)"


def test_template_leaves_what_it_is_given_alone():
    def doubled(x):
        return 2 * x

    @adjoint(doubled)
    def _(y, x):
        g = d[y]
        g *= 2
        d[x] = g

    seed = np.ones(2)
    assert vjp(lambda x: doubled(x))(np.ones(2), seed) == pytest.approx([2, 2])
    assert seed == pytest.approx([1, 1])
    # The adjoint of z, which both read, is not changed by one of them.
    assert grad(lambda x: np.sum((doubled(x) + x) * np.array([1.0, 2.0])))(np.ones(2)) == pytest.approx([3, 6])


def test_template_in_a_loop_and_a_branch():
    def f(x):
        total = 0.0
        for _ in range(3):
            x = scaled(x) * x
            if total < 100:
                total = total + cube(x)
        return total

    check_grads(f, 0.7, order=2)


def test_methods():
    class Layer:
        def __init__(self, w):
            self.w = w

        def apply(self, x):
            return self.w * x

    @adjoint(Layer.apply)
    def _(y, self, x):
        d[x] = 100.0 * d[y]

    assert grad(Layer(2.0).apply)(1.0) == 100.0
    layer = Layer(2.0)
    assert grad(lambda x: layer.apply(x) * 2)(1.0) == 200.0


# ---- opaque functions ------------------------------------------------------------------------------------------------


def product(a, b, n=2):
    return a * b**n


@custom_vjp(product)
def product_vjp(g, a, b, n):
    return g * b**n, g * a * n * b ** (n - 1)


@custom_jvp(product)
def product_jvp(a, b, n, a_dot, b_dot):
    return a_dot * b**n + a * n * b ** (n - 1) * b_dot


def test_opaque_functions_are_called():
    def f(a, b):
        return product(a, b, 3) + a

    assert "product_vjp(1.0, a, b, 3)" in text_of(grad(f, wrt=(0, 1)), 2.0, 3.0)
    assert "product_jvp(a, b, 3, a_dot, 0.0)" in text_of(jvp(f), 2.0, 3.0, 1.0)
    check_grads(f, 2.0, 3.0, wrt=(0, 1), order=2)


def test_opaque_of_one_argument():
    def op(x, w):
        return x * w

    @custom_vjp(op, wrt="x")
    def _(g, w):
        return g * w

    assert "op_vjp(2.0, w)" in text_of(grad(lambda x, w: 2 * op(x, w)), 1.0, 3.0)
    with pytest.raises(S2sadError, match="cannot be differentiated with respect to 'w'"):
        grad(lambda x, w: op(x, w), wrt=1)(1.0, 2.0)
    # The tangent is the transpose of the opaque function, which can be read.
    assert jvp(lambda x, w: op(x, w))(1.0, 2.0, 3.0)[1] == 6.0
    with pytest.raises(S2sadError, match="cannot be differentiated with respect to 'w'"):
        jvp(lambda x, w: op(x, w), wrt=1)(1.0, 2.0, 1.0)


def test_opaque_that_cannot_be_read_is_refused_at_second_order_alone():
    def op(x):
        return x * x

    @custom_vjp(op)
    def op_vjp(g, x):
        return eval("2") * x * g

    assert grad(lambda x: op(x))(3.0) == 6.0
    for again in (grad(grad(lambda x: op(x))), jvp(grad(lambda x: op(x)))):
        with pytest.raises(S2sadError, match="`eval` may read any variable"):
            again(*([3.0] if again.options.mode == "reverse" else [3.0, 1.0]))
    with pytest.raises(S2sadError, match="`eval` may read any variable"):
        jvp(lambda x: op(x))(3.0, 1.0)


# ---- one line --------------------------------------------------------------------------------------------------------


def test_elementwise():
    def softsign(x):
        return x / (1 + np.abs(x))

    elementwise(softsign, x="1 / (1 + np.abs(x))**2")
    assert text_of(grad(lambda w: softsign(w)), 2.0) == "    return 1 / (1 + np.abs(w)) ** 2"
    assert elementwise_grad(lambda w: softsign(w))(np.array([1.0, 3.0])) == pytest.approx([1 / 4, 1 / 16])
    check_grads(lambda w: np.sum(softsign(w) * w), np.array([1.0, 3.0]), order=2)


def test_elementwise_sums_over_what_was_broadcast():
    def mul(x, y):
        return np.multiply(x, y)

    elementwise(mul, x="y", y="x")
    check_grads(lambda a, b: np.sum(mul(a, b) ** 2), np.ones((2, 3)), np.arange(3.0), wrt=(0, 1), order=2)


def test_linear_and_its_tangent():
    def backwards(x):
        return x[::-1]

    linear(backwards, x="np.flip(g)")
    check_grads(lambda x: np.sum(backwards(x * x) * np.arange(3.0)), X, order=2)


def test_rule_with_one_of_adjoint_and_tangent():
    def op(x, z):
        return 2 * x * z * np.cos(z)

    rule(op, x="2*g*z*np.cos(z)", tangent={"z": "z_dot * 2*x*(np.cos(z) - z*np.sin(z))"})
    check_grads(lambda x, z: op(x, z) * x, 1.0, 2.0, wrt=(0, 1), order=2)


def test_nondifferentiable():
    def level(x):
        return x // 10

    nondifferentiable(level)
    assert grad(lambda x: x * level(x))(25.0) == 2.0


# ---- tables, freshness -----------------------------------------------------------------------------------------------


def test_rules_of_one_derivative():
    mine = Rules()
    mine.elementwise("numpy.tanh", "x", x="7")

    def f(x):
        return np.tanh(x)

    assert grad(f, rules=mine)(2.0) == 7.0
    assert grad(f)(2.0) == pytest.approx(1 - np.tanh(2.0) ** 2)
    assert jvp(f, rules=mine)(2.0, 1.0)[1] == 7.0
    # A derivative of it goes by the same rules.
    assert grad(grad(lambda x: np.tanh(x) ** 2, rules=mine))(2.0) == pytest.approx(2 * 7 * 7)


def test_check_grads_with_rules_of_its_own():
    mine = Rules()
    mine.elementwise("numpy.tanh", "x", x="1.001 - y**2")
    check_grads(lambda x: np.tanh(x), 0.5)
    with pytest.raises(AssertionError, match="is not that of central differences"):
        check_grads(lambda x: np.tanh(x), 0.5, rules=mine)


def test_rules_of_another_class():
    with pytest.raises(S2sadError, match="rules is a list") as refused:
        grad(squares_of_tanh, rules=[])
    assert refused.value.code == "S302"


def test_listed_by_the_command():
    from s2sad.cli.rules import entry_text

    assert "x_bar = by a function that was registered" in entry_text(registry.named(zero_out))


def test_rule_of_one_derivative_for_a_function():
    def f(x):
        return x * x

    mine = Rules()

    @mine.adjoint(f)
    def _(y, x):
        d[x] = 1.0 * d[y]

    assert grad(lambda x: f(x) * 3, rules=mine)(5.0) == 3.0
    assert grad(lambda x: f(x) * 3)(5.0) == 30.0
    assert grad(f, rules=mine)(5.0) == 1.0
    assert grad(f)(5.0) == 10.0


def test_a_rule_that_comes_later_counts():
    def f(x):
        return x * x

    def g(x):
        return f(x) * 3

    made, second = grad(g), grad(grad(g))
    assert (made(5.0), second(5.0)) == (30.0, 6.0)
    before = made.source

    @adjoint(f)
    def _(y, x):
        d[x] = 100.0 * x * d[y]

    assert (made(5.0), second(5.0)) == (1500.0, 300.0)
    assert made.source != before


def first(x):
    return x[0]


def picked(x):
    return first(x)


@adjoint(picked)
def _(y, x):
    g = np.zeros_like(x)
    if np.ndim(y) == 0:
        g[0] = d[y]
    else:
        g[:] = d[y]
    d[x] = g


def test_what_the_function_itself_calls_is_noticed(monkeypatch):
    made = grad(lambda x: np.sum(picked(x * x)))
    assert made(X) == pytest.approx([3, 0, 0])
    # The result has another shape now, on which the text of the derivative relied.
    monkeypatch.setitem(globals(), "first", lambda x: x * 1.0)
    assert made(X) == pytest.approx(2 * X)


def test_results_that_are_views_and_those_that_are_not():
    def square(x):
        return x * x

    def backwards(x):
        return x[::-1]

    adjoint(square)(square_adjoint)
    linear(backwards, x="np.flip(g)")
    assert (registry.find(registry.named(square)).views, registry.find(registry.named(backwards)).views) == ((), ("x",))

    def f(x):
        a = x * 1.0
        b = square(a)
        a[0] = 7.0
        return np.sum(b * a)

    check_grads(f, X, order=2)

    def g(x):
        a = x * 1.0
        b = backwards(a)
        a[0] = 7.0
        return np.sum(b * a)

    with pytest.raises(S2sadError, match="shares memory"):
        grad(g)(X)


def square_adjoint(y, x):
    d[x] = 2 * x * d[y]


def test_two_functions_of_one_name():
    def make(factor):
        def f(x):
            return x * factor

        return f

    one, two = make(1.0), make(2.0)
    elementwise(one, x="10.0")
    elementwise(two, x="20.0")
    assert (grad(lambda x: one(x))(1.0), grad(lambda x: two(x))(1.0)) == (10.0, 20.0)


def test_rule_of_a_library_by_its_name(monkeypatch):
    monkeypatch.setattr(registry.COMMON, "rules", dict(registry.COMMON.rules))
    rule("numpy.ma.masked_values", "x, value, rtol=0.1", x="g * 2")
    assert registry.find("numpy.ma.masked_values").differentiable == ("x",)


def test_overriding_a_rule_for_all(monkeypatch):
    monkeypatch.setattr(registry.COMMON, "rules", {})
    made = grad(lambda x: np.sinc(x))
    before = made(0.3)
    elementwise("numpy.sinc", "x", x="5.0")
    assert made(0.3) == 5.0
    registry.COMMON.rules.clear()
    assert grad(lambda x: np.sinc(x))(0.3) == before


def test_derivative_with_rules_of_text_pickles():
    mine = Rules()
    mine.elementwise("numpy.tanh", "x", x="7")
    again = pickle.loads(pickle.dumps(grad(squares_of_tanh, rules=mine)))
    assert again(2.0) == 14 * np.tanh(2.0)


def squares_of_tanh(x):
    return np.tanh(x) ** 2


def test_entry_points(tmp_path):
    package = tmp_path / "shapes_of_things"
    package.mkdir()
    (package / "__init__.py").write_text("def area(r):\n    return 3 * r * r\n")
    (package / "rules.py").write_text(
        "from s2sad import elementwise\n\ndef register():\n"
        "    elementwise('shapes_of_things.area', 'r', r='1000 * r')\n"
    )
    meta = tmp_path / "shapes_of_things-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: shapes-of-things\nVersion: 1.0\n")
    points = "[s2sad.rules]\nshapes = shapes_of_things.rules:register\nwrong = shapes_of_things.missing\n"
    (meta / "entry_points.txt").write_text(points)
    (tmp_path / "use.py").write_text(
        "import shapes_of_things\nfrom s2sad import grad\n\ndef f(r):\n    return shapes_of_things.area(r)\n\n"
        "print(grad(f)(2.0))\n"
    )
    run = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.stdout == "2000.0\n", run.stderr
    assert "the entry point wrong = shapes_of_things.missing" in run.stderr


# ---- refusals --------------------------------------------------------------------------------------------------------


def total(x, axis=None):
    return np.sum(x, axis=axis)


def pair(x):
    return x, x


def missing_argument():
    @adjoint(total)
    def _(y, x):
        d[x] = d[y]


def no_result():
    @adjoint(total)
    def _(x, axis):
        d[x] = x


def other_order():
    @adjoint(total)
    def _(y, axis, x):
        d[x] = d[y]


def undefined_name():
    @adjoint(total)
    def _(y, x, axis):
        d[x] = d[y] * cosine(x)  # noqa: F821


def unknown_derivative():
    @adjoint(total)
    def _(y, x, axis):
        d[z] = d[y]  # noqa: F821


def returning():
    @adjoint(total)
    def _(y, x, axis):
        return d[y]


def on_one_path():
    @adjoint(total)
    def _(y, x, axis):
        if axis is None:
            d[x] = d[y]


def wrong_way():
    @adjoint(total)
    def _(y, x, axis):
        d[x] = d[y]
        d[y] = d[x]


def marker_alone():
    @adjoint(total)
    def _(y, x, axis):
        d[x] = d


def not_linear():
    @adjoint(total)
    def _(y, x, axis):
        d[x] = np.ones_like(x)


def one_of_two():
    @adjoint(pair)
    def _(y, x):
        d[x] = d[y][0]


def tangent_of_one_of_two():
    @tangent(pair)
    def _(y0, y1, x):
        d[y0] = d[x]


def unknown_parameter():
    @custom_vjp(total)
    def _(g, y, z):
        return g


def without_adjoint():
    @custom_vjp(total)
    def _(y, x):
        return y


def too_many():
    @custom_vjp(total)
    def _(g, x):
        return g, g


def no_tangents():
    @custom_jvp(total)
    def _(x):
        return x


TEMPLATES = [
    (missing_argument, "no parameter 'axis'", "def _(y, x):"),
    (no_result, "no parameter for the result", "def _(x, axis):"),
    (other_order, "stand in another order", "def _(y, axis, x):"),
    (undefined_name, "'cosine' is not defined", "d[x] = d[y] * cosine(x)"),
    (unknown_derivative, "`d[z]` is the derivative of no parameter", "d[z] = d[y]"),
    (returning, "returns nothing", "return d[y]"),
    (on_one_path, "d[x] is not assigned on every path", "def _(y, x, axis):"),
    (wrong_way, "`d[y]` is given to this adjoint", "d[y] = d[x]"),
    (marker_alone, "'d' stands for derivatives here", "d[x] = d"),
    (not_linear, "never reads d[y]", "def _(y, x, axis):"),
    (one_of_two, "pair has 2 results", "def _(y, x):"),
    (tangent_of_one_of_two, "d[y1] is not assigned", "def _(y0, y1, x):"),
    (unknown_parameter, "has a parameter 'z'", "def _(g, y, z):"),
    (without_adjoint, "no parameter 'g'", "def _(y, x):"),
    (too_many, "returns 2 values", "def _(g, x):"),
    (no_tangents, "no parameter 'x_dot'", "def _(x):"),
]


@pytest.mark.parametrize("register, reason, line", TEMPLATES, ids=[t[0].__name__ for t in TEMPLATES])
def test_templates_are_checked_when_registered(register, reason, line):
    before = dict(registry.COMMON.rules)
    with pytest.raises(S2sadError) as refused:
        register()
    error = refused.value
    assert error.code == "S302" and reason in error.reason and error.help
    assert error.place.file == __file__ and error.place.text.strip().startswith(line)
    assert error.place.text[error.place.column - 1 : error.place.end_column - 1].strip()
    assert registry.COMMON.rules == before


LINES = [
    (lambda: elementwise(total, x="cos(x)"), "calls 'cos'", "cos(x)"),
    (lambda: elementwise(total, z="np.cos(x)"), "no parameter 'z'", "z"),
    (lambda: elementwise(total, x="np.cosine(x)"), "numpy has no 'cosine'", "np.cosine(x)"),
    (lambda: elementwise(total, x="np.cos(q)"), "names 'q'", "np.cos(q)"),
    (lambda: elementwise(total, x="np.cos("), "not valid Python", "np.cos("),
    (lambda: elementwise(total, x="np.arctan2(x)"), "arctan2 lacks its argument", "np.arctan2(x)"),
    (lambda: elementwise(total, "x, ax", x="x"), "no parameter 'ax'", "x, ax"),
    (lambda: elementwise(total, "axis, x", x="x"), "another order", "axis, x"),
    (lambda: elementwise(total, "axis=None", axis="axis"), "another order", "axis=None"),
    (lambda: elementwise(total, "x, (", x="x"), "no list of parameters", "x, ("),
    (lambda: elementwise("numpy.tann", "x", x="x"), "numpy has no 'tann'", "numpy.tann"),
    (lambda: elementwise("tan", "x", x="x"), "no qualified name", "tan"),
    (lambda: elementwise(total), "no partial derivative", ""),
    (lambda: elementwise(total, x=lambda x: x), "is no text", "x"),
    (lambda: elementwise(3, x="x"), "int is no function", ""),
    (lambda: rule(total, x="np.ones_like(x)"), "does not read 'g'", "np.ones_like(x)"),
    (lambda: rule(total, x="spread(g)"), "spread lacks its argument 'a'", "spread(g)"),
    (lambda: rule(total, x="x.flip(g)"), "an array has no 'flip'", "x.flip(g)"),
    (lambda: rule(total, tangent={"x": "np.sum(x)"}), "does not read 'x_dot'", "np.sum(x)"),
    (lambda: linear(total, x="g", views=["z"]), "no parameter 'z'", "z"),
]


@pytest.mark.parametrize("register, reason, piece", LINES, ids=[line[1] for line in LINES])
def test_lines_are_checked_when_registered(register, reason, piece):
    with pytest.raises(S2sadError) as refused:
        register()
    error = refused.value
    assert error.code == "S302" and reason in error.reason and error.help
    assert error.place.file == __file__ and error.place.line >= register.__code__.co_firstlineno
    shown = error.place.text[error.place.column - 1 : error.place.end_column - 1]
    assert shown == piece if piece else "elementwise(" in shown


NOT_LINEAR = [
    "np.clip(d[y], -1, 1)", "np.sign(d[y])", "1.0 if d[y] > 0 else -1.0", "d[y] * d[y]", "np.where(d[y] > 0, d[y], 0)",
    "np.copysign(d[y], d[y])", "np.maximum(d[y], 0)", "abs(d[y])", "np.abs(d[y])", "d[y] / (1 + d[y])",
    "max(d[y], 1.0)", "np.floor(d[y])",
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_LINEAR)
def test_adjoint_that_is_not_linear_has_no_tangent(body, tmp_path, monkeypatch):
    name = f"not_linear_{NOT_LINEAR.index(body)}"
    (tmp_path / f"{name}.py").write_text(
        "import numpy as np\nfrom s2sad import adjoint, d\n\ndef f(x):\n    return 2 * x\n\n"
        f"@adjoint(f)\ndef _(y, x):\n    d[x] = {body}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)
    grad(lambda x: module.f(x))(1.0)
    with pytest.raises(S2sadError, match="f has no tangent: its adjoint is not linear") as refused:
        jvp(lambda x: module.f(x))(1.0, 1.0)
    assert refused.value.place.file == module.__file__


def test_adjoint_in_another_shape():
    def f(x):
        return np.sum(x)

    @adjoint(f)
    def _(y, x):
        d[x] = d[y]

    with pytest.raises(S2sadError, match="the adjoint of 'x' by .* is a number, where an array of 1 axes"):
        grad(lambda x: f(x) * 2)(np.ones(3))


def test_adjoint_that_is_not_summed_over_what_was_broadcast():
    def f(a, b):
        return a + b

    @adjoint(f)
    def _(y, a, b):
        d[a] = d[y]
        d[b] = d[y]

    made = grad(lambda b: np.sum(f(np.ones((2, 3)), b)))
    assert made(np.ones((2, 3))).shape == (2, 3)
    for short in (np.ones((1, 3)), np.ones(3), 1.0):
        with pytest.raises(S2sadError, match="the adjoint of 'b' by .* is "):
            made(short)


def test_opaque_function_that_writes_into_what_it_is_given():
    def f(x):
        return 2 * x

    @custom_vjp(f)
    def f_vjp(g):
        g *= 2
        return g

    with pytest.raises(S2sadError, match="f_vjp writes into what it is given") as refused:
        grad(lambda x: np.sum((f(x) + x) * np.array([1.0, 2.0])))(np.ones(2))
    assert refused.value.place.text.strip() == "g *= 2"


def test_d_has_no_meaning_elsewhere():
    with pytest.raises(TypeError, match="only in a template"):
        d["x"]
