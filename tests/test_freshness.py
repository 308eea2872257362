"""Fresh derivatives: what a text took for granted may change, and the next call goes by what holds then."""

import gc
import importlib
import linecache
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest

import s2sad.derivative
from s2sad import S2sadError, S2sadWarning, grad, value_and_grad


def cell(name, text, **names):
    """Run a text as a notebook cell: a namespace of its own, the text found through linecache."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module = types.ModuleType("cell")
    vars(module).update(names)
    exec(compile(text, name, "exec"), vars(module))
    return module


@pytest.fixture
def transforms(monkeypatch):
    """Counts how often a derivative was made."""
    made = []
    original = s2sad.derivative.transform
    monkeypatch.setattr(s2sad.derivative, "transform", lambda *given: made.append(1) or original(*given))
    return made


USES_SCALE = "def f(x):\n    return scale * x * x\n"
CALLS_HELPER = "def f(x):\n    return helper(x) + x\n"


# ---- equal text, different meaning ----


def test_equal_text_in_two_cells():
    """Two cells with the same text and file name differ in their globals."""
    first = cell("<cell 1>", USES_SCALE, scale=1.0)
    second = cell("<cell 1>", USES_SCALE, scale=10.0)
    assert grad(first.f)(3.0) == 6.0
    assert grad(second.f)(3.0) == 60.0
    assert grad(first.f)(3.0) == 6.0


def test_equal_text_with_different_helpers():
    first = cell("<cell 2>", CALLS_HELPER, helper=lambda x: x**2)
    second = cell("<cell 2>", CALLS_HELPER, helper=lambda x: x**3)
    derivatives = grad(first.f), grad(second.f)
    assert [d(2.0) for d in derivatives] == [5.0, 13.0]
    assert [d(2.0) for d in derivatives] == [5.0, 13.0]


def square(x):
    return x * x


def cube(x):
    return x * x * x


def twice(inner):
    def outer(x):
        return 2.0 * inner(x)

    return outer


def test_factory_over_different_helpers():
    """Two closures share their code and differ in what they captured."""
    first, second = grad(twice(square)), grad(twice(cube))
    assert (first(3.0), second(3.0), first(3.0)) == (12.0, 54.0, 12.0)


def test_closure_over_a_number():
    def scaled(factor):
        return lambda x: factor * x * x

    assert [grad(scaled(k))(1.0) for k in (1.0, 2.0, 5.0)] == [2.0, 4.0, 10.0]


# ---- redefinition after the first call ----


def test_helper_redefined():
    module = cell("<cell 3>", "def helper(x):\n    return x * x\n\n" + CALLS_HELPER)
    derivative = grad(module.f)
    assert derivative(3.0) == 7.0
    exec(compile("helper = lambda x: 5.0 * x", "<cell 4>", "exec"), vars(module))
    linecache.cache["<cell 4>"] = (0, None, ["helper = lambda x: 5.0 * x\n"], "<cell 4>")
    assert derivative(3.0) == 6.0


def test_helper_of_a_helper_redefined():
    text = "def inner(x):\n    return x * x\n\ndef helper(x):\n    return inner(x)\n\n" + CALLS_HELPER
    module = cell("<cell 5>", text)
    derivative = grad(module.f)
    assert derivative(3.0) == 7.0
    module.inner = cube
    assert derivative(3.0) == 28.0


def test_code_of_a_helper_replaced():
    """Reloading in notebooks puts new code into the old function."""
    module = cell("<cell 6>", "def helper(x):\n    return x * x\n\n" + CALLS_HELPER)
    derivative = grad(module.f)
    assert derivative(3.0) == 7.0
    module.helper.__code__ = cube.__code__
    assert derivative(3.0) == 28.0


def test_code_of_the_function_replaced():
    module = cell("<cell 7>", "def f(x):\n    return x * x\n")
    derivative = grad(module.f)
    assert derivative(3.0) == 6.0
    module.f.__code__ = cube.__code__
    assert derivative(3.0) == 27.0
    assert derivative.source.endswith(grad(cube).source.rpartition("\n    return")[2])


def test_code_of_the_function_replaced_below_a_second_derivative():
    module = cell("<cell 8>", "def f(x):\n    return x * x\n")
    second = grad(grad(module.f))
    assert second(3.0) == 2.0
    module.f.__code__ = cube.__code__
    assert second(3.0) == 18.0


def test_captured_function_rebound():
    def outer():
        inner = square

        def f(x):
            return inner(x)

        def rebind(new):
            nonlocal inner
            inner = new

        return f, rebind

    f, rebind = outer()
    derivative = grad(f)
    assert derivative(3.0) == 6.0
    rebind(cube)
    assert derivative(3.0) == 27.0


def test_function_of_another_module_rebound(tmp_path, monkeypatch):
    (tmp_path / "s2sad_gains.py").write_text("GAIN = 2.0\n\ndef shape(x):\n    return x * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    gains = importlib.import_module("s2sad_gains")
    text = "import s2sad_gains\n\ndef f(x):\n    return s2sad_gains.GAIN * s2sad_gains.shape(x)\n"
    derivative = grad(cell("<cell 9>", text).f)
    try:
        assert derivative(3.0) == 12.0
        gains.GAIN = 5.0
        assert derivative(3.0) == 30.0
        gains.shape = cube
        assert derivative(3.0) == 135.0
        gains.GAIN = np.array(2.0)
        assert derivative(3.0) == 54.0
    finally:
        del sys.modules["s2sad_gains"]


def test_builtin_shadowed_later():
    module = cell("<cell 10>", "def f(x):\n    return abs(x) * x\n")
    derivative = grad(module.f)
    assert derivative(-3.0) == 6.0
    module.abs = square
    assert derivative(-3.0) == 27.0
    del module.abs
    assert derivative(-3.0) == 6.0


def test_method_redefined(transforms):
    class Spring:
        def energy(self, x):
            return self.shape(x)

        def shape(self, x):
            return x * x

    class Stiff(Spring):
        pass

    derivative = grad(Stiff().energy)
    assert derivative(3.0) == derivative(3.0) == 6.0
    assert len(transforms) == 1
    Spring.shape = lambda self, x: x * x * x
    assert derivative(3.0) == 27.0
    Stiff.shape = lambda self, x: 4.0 * x
    assert derivative(3.0) == 4.0


# ---- globals that hold values ----


def test_global_number_is_live(transforms):
    module = cell("<cell 11>", USES_SCALE, scale=1.0)
    derivative = grad(module.f)
    assert derivative(3.0) == 6.0
    module.scale = 7.0
    assert derivative(3.0) == 42.0
    assert len(transforms) == 1


def test_global_array_is_live(transforms):
    module = cell("<cell 12>", "def f(x):\n    return (W * x).sum()\n", W=np.ones(3))
    derivative = grad(module.f)
    assert derivative(2.0) == 3.0
    module.W[:] = 5.0
    assert derivative(2.0) == 15.0
    module.W = np.full(4, 2.0)
    assert derivative(2.0) == 8.0
    assert len(transforms) == 1


def test_global_changes_kind(transforms):
    module = cell("<cell 13>", "import numpy as np\n\ndef f(x):\n    return np.sum(scale * x)\n", scale=2)
    derivative = grad(module.f)
    x = np.ones(3)
    np.testing.assert_array_equal(derivative(x), [2.0, 2.0, 2.0])
    module.scale = 2.5
    np.testing.assert_array_equal(derivative(x), [2.5, 2.5, 2.5])
    module.scale = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(derivative(x), [3.0, 5.0, 7.0])
    module.scale = np.arange(2.0).reshape(2, 1)
    np.testing.assert_array_equal(derivative(x), [1.0, 1.0, 1.0])
    module.scale = 3.0
    np.testing.assert_array_equal(derivative(x), [3.0, 3.0, 3.0])
    assert len(transforms) == 5


def test_value_becomes_a_function():
    module = cell("<cell 14>", "def f(x):\n    return x * k\n", k=2.0)
    derivative = grad(module.f)
    assert derivative(1.0) == 2.0
    module.k = square
    with pytest.raises(S2sadError, match="S201"):
        derivative(1.0)
    module.k = 4.0
    assert derivative(1.0) == 4.0


@pytest.mark.parametrize("name, value", [("helper", square), ("scale", 2.0)])
def test_name_deleted_and_defined_again(name, value):
    text = CALLS_HELPER if name == "helper" else USES_SCALE
    module = cell("<cell 15>", text, **{name: value})
    derivative = grad(module.f)
    expected = derivative(3.0)
    delattr(module, name)
    with pytest.raises(S2sadError, match=f"name '{name}' is not defined") as refusal:
        derivative(3.0)
    assert refusal.value.code == "S202"
    setattr(module, name, value)
    assert derivative(3.0) == expected


def test_captured_variable_emptied():
    def outer():
        k = 2.0

        def f(x):
            return k * x

        def empty():
            nonlocal k
            del k

        return f, empty

    f, empty = outer()
    derivative = grad(f)
    assert derivative(1.0) == 2.0
    empty()
    with pytest.raises(S2sadError, match="S202"):
        derivative(1.0)


def test_attributes_of_bound_objects_are_live():
    class Spring:
        def __init__(self):
            self.k = 2.0

        def energy(self, x):
            return np.sum(self.k * x * x)

    spring = Spring()
    derivative = grad(spring.energy)
    assert derivative(3.0) == 12.0
    spring.k = 5.0
    assert derivative(3.0) == 30.0
    spring.k = np.array([1.0, 2.0])
    assert derivative(3.0) == 18.0


def test_bound_array_that_changes_shape():
    import functools

    def f(w, x):
        return np.sum(w * x)

    w = np.arange(4.0)
    derivative = grad(functools.partial(f, w))
    assert derivative(1.0) == 6.0
    w.shape = (4, 1)
    np.testing.assert_array_equal(derivative(np.ones(2)), [6.0, 6.0])


# ---- the caller's side ----


def test_text_of_source_never_changes():
    module = cell("<cell 16>", CALLS_HELPER, helper=square)
    derivative = grad(module.f)
    before = derivative.source
    module.helper = cube
    assert derivative(3.0) == 28.0
    assert derivative.source == before


def test_nothing_is_written_into_the_globals():
    text = "import numpy as np\n\ndef f(x):\n    return np.sum(x * x) * helper(1.0)\n"
    module = cell("<cell 17>", text, helper=square)
    before = dict(vars(module))
    value_and_grad(module.f)(np.ones(3))
    assert vars(module) == before


def test_threads_transform_once(transforms, monkeypatch):
    slow = s2sad.derivative.transform
    monkeypatch.setattr(s2sad.derivative, "transform", lambda *given: time.sleep(0.05) or slow(*given))
    derivative = grad(lambda x: x * x)
    barrier = threading.Barrier(8)
    results = []

    def call():
        barrier.wait()
        results.append(derivative(3.0))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [6.0] * 8
    assert len(transforms) == 1


def test_threads_and_redefinition():
    """While one thread redefines a helper, each call of another gives one of the two derivatives."""
    module = cell("<cell 18>", CALLS_HELPER, helper=square)
    derivative = grad(module.f)
    derivative(3.0)
    stop = threading.Event()

    def redefine():
        while not stop.is_set():
            module.helper = cube
            module.helper = square

    thread = threading.Thread(target=redefine)
    thread.start()
    try:
        seen = {derivative(3.0) for _ in range(50)}
    finally:
        stop.set()
        thread.join()
    assert seen <= {7.0, 28.0}


# ---- what is kept ----


def test_registered_texts_go_with_the_derivative():
    def registered():
        return {name for name in linecache.cache if name.startswith("<s2sad")}

    gc.collect()
    before = registered()
    derivative = grad(square)
    derivative(1.0)
    assert len(registered() - before) == 1
    del derivative
    gc.collect()
    assert registered() == before


def test_equal_texts_are_kept_until_the_last_goes():
    first, second = grad(square), grad(square)
    first(1.0), second(1.0)
    (function,) = second.specialisations
    del first
    gc.collect()
    assert linecache.getlines(function.__code__.co_filename)


def test_a_specialisation_keeps_its_text():
    function = grad(cube).specialise(1.0)
    gc.collect()
    assert "".join(linecache.getlines(function.__code__.co_filename)).rstrip("\n") == function.source


def test_no_leak_in_a_loop():
    gc.collect()
    before = len(linecache.cache)
    gone = []
    for k in range(1000):
        derivative = grad(twice(square))
        if k % 50 == 0:
            derivative(1.0)
        gone.append(weakref.ref(derivative))
    del derivative
    gc.collect()
    assert len(linecache.cache) <= before
    assert not [r for r in gone if r() is not None]


def test_warnings_once():
    derivative = grad(lambda x, y: y * y)
    with pytest.warns(S2sadWarning) as caught:
        assert derivative(1.0, 2.0) == 0.0
        assert derivative(np.float64(1.0), 2.0) == 0.0
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_defaults_change():
    def f(x, k=2.0, *, m=1.0):
        return k * m * x * x

    first, both, second = grad(f), value_and_grad(f), grad(grad(f))

    def slopes(*args, **kwargs):
        return first(*args, **kwargs), both(*args, **kwargs)[1], second(*args, **kwargs)

    assert slopes(1.0) == (4.0, 4.0, 4.0)
    f.__defaults__ = (5.0,)
    assert slopes(1.0) == (10.0, 10.0, 10.0)
    f.__kwdefaults__ = {"m": 3.0}
    assert slopes(1.0) == (30.0, 30.0, 30.0)
    assert slopes(1.0, 2.0, m=1.0) == (4.0, 4.0, 4.0)
    f.__defaults__ = None
    with pytest.raises(S2sadError, match="S402"):
        first(1.0)


def test_a_default_is_given_where_there_was_none():
    def f(x, k):
        return k * x * x

    derivative = grad(f)
    assert derivative(1.0, 2.0) == 4.0
    f.__defaults__ = (7.0,)
    assert derivative(1.0) == 14.0
