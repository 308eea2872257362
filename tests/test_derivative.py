"""The object that `grad` returns: what it takes, what it gives back, how it looks, how it travels."""

import copy
import functools
import inspect
import linecache
import math
import multiprocessing
import pdb
import pickle
import subprocess
import sys
import threading
import traceback
import types

import numpy as np
import pytest

import s2sad.derivative
from s2sad import S2sadError, S2sadWarning, elementwise_grad, grad, jvp, value_and_grad, vjp
from s2sad.backend.dispatch import Guard
from s2sad.ir.kinds import FLOAT, array


def product(x, y=2.0, *, z=1.0):
    """x times y times z."""
    return x * y * z


def square(x):
    return x * x


def loss(w, x, y):
    return np.mean((x @ w - y) ** 2)


@grad
def slope(x):
    return math.sin(x)


@grad(wrt=("w", "b"))
def both(w, b):
    return w * w * b


RNG = np.random.default_rng(0)


# ---- wrt and forms --------------------------------------------------------------------------------------------------


def test_wrt():
    assert grad(product)(3.0, 4.0) == 4.0
    assert grad(product, wrt="y")(3.0, 4.0) == 3.0
    assert grad(product, wrt=-1)(3.0, 4.0) == 12.0
    assert grad(product, wrt=np.int64(1))(3.0, 4.0) == 3.0
    assert grad(product, wrt=(1,))(3.0, 4.0) == (3.0,)
    assert grad(product, wrt=["z", 0])(3.0, 4.0) == (12.0, 4.0)


def test_value_and_grad():
    assert value_and_grad(product)(3.0) == (6.0, 2.0)
    assert value_and_grad(product, wrt=("x", "y"))(3.0) == (6.0, (2.0, 3.0))


def test_decorators():
    assert slope(0.0) == 1.0
    assert both(2.0, 3.0) == (12.0, 4.0)


def test_transforms_of_each_other():
    assert grad(grad(lambda x: x**3))(2.0) == 12.0
    assert jvp(grad(lambda x: x**3))(2.0, 1.0) == (12.0, 12.0)
    assert grad(grad(product, wrt="x"), wrt="y")(3.0, 4.0) == 1.0
    np.testing.assert_array_equal(elementwise_grad(square)(np.arange(3.0)), [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(vjp(square)(np.arange(3.0), np.ones(3)), [0.0, 2.0, 4.0])


# ---- signatures and calls -------------------------------------------------------------------------------------------


def test_ways_to_call():
    derivative = grad(product, wrt="x")
    for _ in range(2):  # the first call of a kind takes another way than the next
        assert derivative(3.0) == 2.0
        assert derivative(3.0, 5.0) == 5.0
        assert derivative(3.0, y=5.0) == 5.0
        assert derivative(y=5.0, x=3.0) == 5.0
        assert derivative(3.0, z=4.0) == 8.0
        assert derivative(x=3.0, z=4.0) == 8.0


def test_positional_only_and_awkward_names():
    def f(self, table, more=2.0, /, f=3.0, *, missing=1.0, slow=1.0):
        return self * table * more * f * missing * slow

    derivative = grad(f, wrt="more")
    for _ in range(2):
        assert derivative(2.0, 3.0) == 18.0
        assert derivative(2.0, 3.0, 1.0, 5.0, missing=2.0) == 60.0
        assert derivative(2.0, 3.0, f=5.0) == 30.0
    with pytest.raises(S2sadError, match="S402"):
        derivative(2.0, table=3.0)


def test_signature():
    assert str(inspect.signature(grad(product))) == "(x, y=2.0, *, z=1.0)"
    assert str(inspect.signature(vjp(product))) == "(x, y, seed, *, z=1.0)"
    assert str(inspect.signature(jvp(product, wrt=("x", "y")))) == "(x, y, x_dot, y_dot, *, z=1.0)"
    assert str(inspect.signature(jvp(lambda x, x_dot: x * x_dot))) == "(x, x_dot, x_dot_)"


def test_int_is_taken_as_float():
    result = grad(lambda x: x * x)(3)
    assert result == 6.0 and type(result) is float
    # `1 // 2` and `1 / 2` differ between int and float: the derivative goes by the float.
    assert grad(lambda x: x if x / 2 == 0.5 else 2.0 * x)(1) == 1.0
    assert type(value_and_grad(square)(3)[0]) is float


def test_unhashable_and_odd_arguments_beside():
    def f(x, how, what=None):
        return x * len(how)

    derivative = grad(f)
    for _ in range(2):
        assert derivative(2.0, [1, 2, 3]) == 3
        assert derivative(2.0, "ab", what={}) == 2
        assert derivative(2.0, (), np.ones(3)) == 0


# ---- tables ---------------------------------------------------------------------------------------------------------


def test_array_calls_go_by_kind():
    derivative = grad(lambda x, y: np.sum(x * y))
    x, y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    pairs = [(x, y), (x[:1], y), (x, y[:, :1]), (x[0], y), (x[:, :1], y[:1]), (x, 2.0), (2.0, y), (x[:2], y[:2])]
    for a, b in pairs * 2:
        got = derivative(a, b)
        assert np.shape(got) == np.shape(a)
        expected = np.broadcast_to(b, np.broadcast_shapes(np.shape(a), np.shape(b)))
        for axis in reversed(range(expected.ndim)):
            at = axis - (expected.ndim - np.ndim(a))
            if at < 0:
                expected = expected.sum(axis=axis)
            elif np.shape(a)[at] == 1:
                expected = expected.sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(got, expected)
    # The last differs from the first by lengths alone: no text of its own.
    assert len(derivative.specialisations) == 7


def test_equal_lengths_are_part_of_the_kind():
    """A text made for a square matrix serves no other."""
    derivative = grad(lambda a, b: np.sum(a @ b))
    for shapes in (((3, 3), (3, 3)), ((2, 3), (3, 4)), ((3,), (3, 3)), ((1, 3), (3, 1))):
        a, b = (RNG.normal(size=s) for s in shapes)
        np.testing.assert_allclose(derivative(a, b), np.broadcast_to(b.reshape(b.shape[0], -1).sum(axis=1), a.shape))


def test_at_most_sixteen_specialisations():
    derivative = grad(lambda x: np.sum(np.ones(3) * x))
    for _ in range(2):
        for rank in range(20):
            for last in (1, 3):
                x = np.ones((1,) * rank + (last,))
                assert derivative(x).shape == x.shape
                assert derivative(x).sum() == 3.0
                assert len(derivative.specialisations) <= 16
    assert derivative(2.0) == 3.0


def test_many_shapes_of_one_kind(monkeypatch):
    monkeypatch.setattr(s2sad.derivative, "KNOWN_SHAPES", 4)
    derivative = grad(lambda x: np.sum(x * x))
    for n in range(2, 20):
        np.testing.assert_array_equal(derivative(np.ones(n)), np.full(n, 2.0))
    assert len(derivative.specialisations) == 1
    assert all(len(t) <= 4 for t in derivative._by_shape.values())


def test_guards_hold_the_fast_way_too(monkeypatch):
    """The text of a guard and its method say the same: a call whose guards fail takes the long way."""
    derivative = grad(square)
    derivative(2.0)
    monkeypatch.setattr(Guard, "holds", lambda self: pytest.fail("the long way was taken"))
    assert derivative(3.0) == 6.0


# ---- gradients ------------------------------------------------------------------------------------------------------


def leaves(value):
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, np.ndarray):
        yield value


def base_of(x):
    while x.base is not None:
        x = x.base
    return x


@pytest.mark.parametrize(
    "f, args",
    [
        (lambda x: x.sum(), (np.ones((2, 3)),)),
        (lambda x, y: (x * y).sum(), (np.ones(3), np.ones(3))),
        (lambda x, y: (x + y).sum() + x.sum(), (np.ones(3), np.ones(3))),
        (lambda x, y: (x.T * y).sum(), (np.ones((3, 2)), np.ones((2, 3)))),
        (lambda x, y: x[0] * y[1], (np.ones(3), np.ones(3))),
        (lambda x, y: np.sum(np.broadcast_to(x, (4, 3))) + y[0], (np.ones(3), np.ones(3))),
        (lambda pair: (pair[0] * pair[1]).sum(), ((np.ones(3), np.ones(3)),)),
        (lambda pair: (pair[0] + pair[1]).sum(), ([np.ones(3), np.ones(3)],)),
        (lambda x: 1.0, (np.ones(3),)),
    ],
)
@pytest.mark.filterwarnings("ignore::s2sad.S2sadWarning")
def test_gradients_are_fresh_and_writable(f, args):
    derivative = value_and_grad(f, wrt=tuple(range(len(args))))
    for given in leaves(args):
        given.setflags(write=False)
    found = list(leaves(derivative(*args)[1]))
    again = list(leaves(derivative(*args)[1]))
    assert len(found) == len(list(leaves(args)))
    for k, g in enumerate(found):
        others = [*leaves(args), *again, *found[:k]]
        assert not any(np.shares_memory(g, other) for other in others)
        assert g.flags.writeable and not (0 in g.strides and g.size > 1)
        g[...] = 7.0
    for first, second in zip(again, leaves(derivative(*args)[1])):
        np.testing.assert_array_equal(first, second)


def test_structure_of_gradients():
    def f(p):
        return p[0] * p[1][0] + p[2].sum()

    x = (2.0, [3.0, "label", None], np.ones(2), 4)
    (a, (b, label, none), c, n) = grad(f)(x)
    assert (a, b, label, none, n) == (3.0, 2.0, None, None, None)
    np.testing.assert_array_equal(c, [1.0, 1.0])
    assert type(grad(f)(x)[1]) is list


def test_unconnected_argument():
    derivative = grad(lambda x, y: y, wrt=("x", "y"))
    with pytest.warns(S2sadWarning, match=r"test_derivative\.py:\d+:\d+: .* does not depend on 'x'") as caught:
        x_bar, y_bar = derivative(np.ones((2, 3)), 2.0)
        derivative(np.ones((2, 3)), 2.0)
        derivative(1.0, 2.0)
    assert len(caught) == 1
    np.testing.assert_array_equal(x_bar, np.zeros((2, 3)))
    assert y_bar == 1.0


# ---- how it looks ---------------------------------------------------------------------------------------------------


def test_texts():
    derivative = grad(product)
    assert derivative.source.startswith("def grad_product(x, y=2.0, *, z=1.0):\n")
    derivative(3.0)
    (function,) = derivative.specialisations
    assert inspect.getsource(function) == function.source + "\n"
    assert function.__name__ == function.__qualname__ == "grad_product"
    assert function.__doc__ == derivative.__doc__ == "Gradient of product with respect to x."
    assert str(inspect.signature(function)) == "(x, y=2.0, *, z=1.0)"
    assert function.__module__ == __name__
    assert function(3.0, z=2.0) == 4.0
    assert derivative.primal is product and derivative.__wrapped__ is product
    assert repr(derivative) == "<grad_product: Gradient of product with respect to x.>"
    assert derivative.__name__ == "grad_product"


def test_seeds_and_tangents_before_keyword_only_parameters():
    def f(x, *, k=2.0):
        return x * k

    ones = np.ones(3)
    np.testing.assert_array_equal(vjp(f)(ones, ones, k=3.0), 3 * ones)
    np.testing.assert_array_equal(jvp(f)(ones, ones, k=3.0)[1], 3 * ones)
    assert [grad(vjp(f), wrt=name)(2.0, 3.0, k=7.0) for name in ("seed", "k")] == [7.0, 3.0]
    assert jvp(vjp(f), wrt=("seed", "k"))(2.0, 3.0, 1.0, 0.0, k=7.0) == (21.0, 7.0)
    assert grad(vjp(f), wrt="k").source.splitlines()[0] == "def grad_vjp_f(x, seed, *, k=2.0):"


def test_annotations_of_specialisations():
    def f(x: float, n: int = 2) -> float:
        return x * n

    function = grad(f).specialise(2.0, 3)
    assert function.__annotations__ == {"x": float, "n": int}
    assert function.__defaults__ == (2,)


def test_specialise():
    derivative = grad(loss)
    by_example = derivative.specialise(np.ones(3), np.ones((4, 3)), np.ones(4))
    by_kind = derivative.specialise(array("float64", 1, "w"), array("float64", 2, "x"), array("float64", 1, "y"))
    assert derivative.specialisations == []
    w, x, y = RNG.normal(size=3), RNG.normal(size=(4, 3)), RNG.normal(size=4)
    expected = 2 / 4 * x.T @ (x @ w - y)
    for function in (by_example, by_kind):
        assert type(function) is types.FunctionType
        np.testing.assert_allclose(function(w, x, y), expected)
    assert grad(square).specialise(FLOAT).source == grad(square).specialise(1.0).source


class Layer:
    def __init__(self, w, scale=2.0):
        self.w, self.scale, self.name = w, scale, "layer"

    def loss(self, x):
        return np.sum(np.tanh(self.w @ x)) * self.scale


def test_specialisations_that_leave_check_their_arguments():
    w, x, y = np.ones(3), np.ones((4, 3)), np.ones(4)
    function = grad(loss).specialise(w, x, y)
    assert function.__doc__.startswith("Gradient of loss with respect to w.")
    assert "Takes arrays w of 1 axis, x [n1 n0], y [n1] (floats in w)." in function.__doc__
    assert inspect.getsource(function).rstrip() == function.source
    assert "raise TypeError" in function.source
    assert "raise" not in grad(loss).source
    for wrong in ((np.ones((3, 1)), x, y), (w, x[0], y), (w.astype(int), x, y), (1.0, x, y), ([1.0] * 3, x, y)):
        with pytest.raises(TypeError, match="^grad_loss takes"):
            function(*wrong)
    with pytest.raises(ValueError, match="^grad_loss takes"):
        function(w, x, np.ones(1))
    trusting = grad(loss).specialise(w, x, y, checks=False)
    assert trusting.__doc__ == function.__doc__
    assert "raise" not in trusting.source
    np.testing.assert_array_equal(trusting(w, x, y), function(w, x, y))


def test_calls_need_no_check():
    derivative = grad(loss)
    derivative(np.ones(3), np.ones((4, 3)), np.ones(4))
    assert ["raise" in f.source for f in derivative.specialisations] == [False]


def test_checks_of_items_and_attributes():
    by_item = grad(lambda p: np.sum(p[0] * p[1])).specialise((np.ones(3), np.ones(3)))
    np.testing.assert_array_equal(by_item((np.ones(2), np.full(2, 3.0)))[0], [3.0, 3.0])
    for wrong in (1.0, (np.ones(3),), [np.ones(3), np.ones(3)], (np.ones(3), 2.0), (np.ones(3, int), np.ones(3))):
        with pytest.raises(TypeError, match="takes a tuple p of 2 items"):
            by_item(wrong)
    with pytest.raises(ValueError, match="takes a tuple p of 2 items"):
        by_item((np.ones(3), np.ones(1)))

    class Other:
        loss, scale, w = Layer.loss, 2.0, np.ones((2, 3))

    for function in (grad(Layer(np.ones((2, 3))).loss).specialise(np.ones(3)),
                     grad(Layer.loss, wrt="x").specialise(Layer(np.ones((2, 3))), np.ones(3))):  # fmt: skip
        right = function(Layer(np.full((4, 3), 0.1), 5.0), np.ones(3))
        np.testing.assert_allclose(right, 4 * 5.0 * 0.1 * (1 - np.tanh(0.3) ** 2))
        for wrong in (Layer(np.ones(3)), Layer(np.ones((2, 3)), np.ones(2)), Layer(2.0)):
            with pytest.raises(TypeError, match="self.w"):
                function(wrong, np.ones(3))


def test_check_beside_a_name_of_the_user():
    assert grad(total_of_numbers).specialise(np.ones(2))(np.ones(2)).tolist() == [2.0, 3.0]
    with pytest.raises(TypeError):
        grad(total_of_numbers).specialise(np.ones(2))(np.ones((2, 2)))


numbers = np.array([2.0, 3.0])


def total_of_numbers(x):
    return x @ numbers


def test_wrong_annotation_never_gives_a_wrong_gradient():
    def f(x: float, y: np.ndarray):
        return np.sum(x * y)

    derivative = grad(f)
    text = derivative.source
    x = RNG.normal(size=(2, 3))
    np.testing.assert_array_equal(derivative(x, 2.0), np.full((2, 3), 2.0))
    assert derivative.source == text


def test_traceback_shows_the_emitted_line():
    def f(x):
        y = math.log(x)
        return y * y

    derivative = grad(f)
    derivative(1.0)
    with pytest.raises(ValueError) as caught:
        derivative(-1.0)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.name == "grad_f"
    assert "math.log(x)" in last.line
    assert last.line == linecache.getline(last.filename, last.lineno).strip()


def test_debugger_shows_the_emitted_lines():
    import io

    output = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("next\nnext\nlist\ncontinue\n"), stdout=output, nosigint=True)
    function = grad(square).specialise(2.0)
    debugger.runcall(function, 2.0)
    assert "return 2 * x" in output.getvalue()


# ---- callables of all kinds -----------------------------------------------------------------------------------------


class Spring:
    def __init__(self, k=2.0):
        self.k = k

    def energy(self, x):
        return self.k * x * x

    def __call__(self, x):
        return self.k * x**3

    @grad(wrt="x")
    def force(self, x):
        return self.k * x * x

    @grad
    @staticmethod
    def static(x):
        return x * x

    @staticmethod
    @grad
    def static_outside(x):
        return x * x

    @grad(wrt="x")
    @classmethod
    def of_class(cls, x):
        return x * x

    @classmethod
    @grad(wrt="x")
    def of_class_outside(cls, x):
        return x * x

    @grad
    def about_self(self, x):
        return x


def test_methods():
    spring = Spring()
    assert grad(spring.energy)(3.0) == 12.0
    assert grad(Spring.energy, wrt="x")(spring, 3.0) == 12.0
    assert grad(spring)(3.0) == 54.0
    assert spring.force(3.0) == 12.0
    assert Spring.force(Spring(5.0), 3.0) == 30.0
    assert grad(spring.force)(3.0) == 4.0
    assert str(inspect.signature(grad(spring.energy))) == "(x)"
    for owner in (Spring, spring):
        assert owner.static(3.0) == owner.static_outside(3.0) == 6.0
        assert owner.of_class(3.0) == owner.of_class_outside(3.0) == 6.0
    with pytest.raises(S2sadError, match="S407") as caught:
        spring.about_self(2.0)
    assert caught.value.help == "say what to differentiate with respect to, as in @grad(wrt='x')"


def test_partial_objects():
    partial = functools.partial
    assert grad(partial(product, 3.0))(4.0) == 3.0
    assert grad(partial(product, y=4.0))(3.0) == 4.0
    assert grad(partial(product, y=4.0))(3.0, y=5.0) == 5.0
    assert str(inspect.signature(grad(partial(product, y=4.0)))) == str(inspect.signature(partial(product, y=4.0)))
    assert grad(partial(partial(product, z=2.0), 3.0))(4.0) == 6.0
    assert grad(partial(grad(product, wrt="x"), z=3.0), wrt="y")(3.0, y=1.0) == 3.0
    assert grad(partial(Spring().energy))(3.0) == 12.0
    with pytest.raises(S2sadError, match="S402"):
        grad(partial(product, w=1.0))
    with pytest.raises(S2sadError, match="S402"):
        grad(partial(square, 1.0, 2.0))


def test_wrappers_stand_for_themselves():
    """A function that wraps another is what is called: its own text is differentiated."""

    def doubled(f):
        @functools.wraps(f)
        def outer(x):
            return 2.0 * f(x)

        return outer

    assert grad(doubled(square))(3.0) == 12.0

    @functools.wraps(square)
    def any_arguments(*args):
        return square(*args)

    assert grad(any_arguments)(3.0) == (6.0,)


def test_lambdas():
    derivatives = [grad(lambda x: x * x), grad(lambda x: x * x * x)]
    assert [d(2.0) for d in derivatives] == [4.0, 12.0]
    first, second = grad(lambda x: 2.0 * x), grad(lambda x: 3.0 * x)
    assert (first(1.0), second(1.0)) == (2.0, 3.0)


# ---- workers --------------------------------------------------------------------------------------------------------


def test_pickling():
    by_name = pickle.loads(pickle.dumps(slope))
    assert by_name is slope
    assert pickle.loads(pickle.dumps(Spring.force)) is Spring.force
    pair = value_and_grad(product, wrt=("x", "y"))
    for derivative in (grad(product), pair, grad(grad(square)), grad(Spring(3.0).energy)):
        again = pickle.loads(pickle.dumps(derivative))
        assert again is not derivative
        assert again.options == derivative.options
        assert again(3.0) == derivative(3.0)
        assert copy.copy(derivative)(3.0) == derivative(3.0)
        assert copy.deepcopy(derivative)(3.0) == derivative(3.0)


def test_deep_copies_follow_the_object():
    spring = Spring(2.0)
    derivative = grad(spring.energy)
    copied = copy.deepcopy(derivative)
    spring.k = 100.0
    assert (derivative(1.0), copied(1.0)) == (200.0, 4.0)


def test_recipe_carries_the_text_of_a_cell():
    text = "def f(x):\n    return x * x\n"
    name = "<a cell that other processes do not know>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module = types.ModuleType("s2sad_test_cell")
    exec(compile(text, name, "exec"), vars(module))
    make, recipe = grad(module.f).__reduce__()
    del linecache.cache[name]
    assert make(*recipe)(3.0) == 6.0


def test_worker_processes(tmp_path):
    """A fresh process, as a pool spawns it, finds the derivative by its name or by its recipe."""
    (tmp_path / "s2sad_jobs.py").write_text(
        "from s2sad import grad\n\n@grad\ndef by_name(x):\n    return x * x\n\n"
        "def cube(x):\n    return x ** 3\n\nby_recipe = grad(cube)\n"
    )
    script = (
        "import multiprocessing, s2sad_jobs\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(s2sad_jobs.by_name, [1.0, 2.0]), pool.map(s2sad_jobs.by_recipe, [1.0, 2.0]))\n"
    )
    (tmp_path / "run.py").write_text(script)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[2.0, 4.0] [3.0, 12.0]", done.stderr
    assert "spawn" in multiprocessing.get_all_start_methods()


def test_calls_in_threads():
    derivative = grad(loss)
    w, x, y = RNG.normal(size=3), RNG.normal(size=(4, 3)), RNG.normal(size=4)
    expected = derivative(w, x, y)
    wrong = []

    def work(n):
        for k in range(50):
            m = 2 + (n + k) % 5
            got = derivative(w, np.tile(x, (m, 1)), np.tile(y, m))
            if not np.allclose(got, expected):
                wrong.append(got)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_seed_without_axes_is_not_written_into():
    def power(x, n):
        y = x
        for _ in range(n):
            y = y * x
        return y

    seed = np.array(1.0)
    assert s2sad.vjp(power)(2.0, 2, seed) == 12.0
    assert seed == 1.0

    def doubled(x, n):
        for _ in range(n):
            x *= 2.0
        return x * x

    tangent = np.array(1.0)
    assert s2sad.jvp(doubled)(2.0, 2, tangent) == (64.0, 64.0)
    assert tangent == 1.0
