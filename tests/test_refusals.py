"""Bad input: every refusal has a code, a place with a caret, a reason and a help; none is a bare error of Python."""

import functools
import itertools
import linecache
import math
import pickle
import re
import textwrap
import types

import gast
import numpy as np
import pytest

from s2sad import S2sadError, elementwise_grad, grad, jvp, value_and_grad, vjp
from s2sad.frontend import support
from s2sad.ir.kinds import INT


def module_of(text, name, **names):
    text = textwrap.dedent(text)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module = types.ModuleType("refused")
    vars(module).update(np=np, math=math, functools=functools, **names)
    exec(compile(text, name, "exec", dont_inherit=True), vars(module))
    return module


def refusal(text, *args, transform=grad, name="f.py", **names):
    """What the derivative of the function `f` of a text refuses with, for these arguments."""
    module = module_of(text, name, **names)
    with pytest.raises(S2sadError) as caught:
        transform(module.f)(*args)
    return caught.value


# ---- whole messages -------------------------------------------------------------------------------------------------

MESSAGES = [
    (
        "def f(x):\n    return undefned * x\n", (2.0,), {"undefined": 1.0},
        """
        f.py:2:12: [S202] name 'undefned' is not defined
        2 |     return undefned * x
          |            ^^^^^^^^
        help: did you mean undefined?
        """,
    ),
    (
        "def f(x):\n    return np.logaddexpp(x, x)\n", (2.0,), {},
        """
        f.py:2:12: [S203] numpy has no 'logaddexpp'
        2 |     return np.logaddexpp(x, x)
          |            ^^^^^^^^^^^^^
        help: did you mean numpy.logaddexp or numpy.logaddexp2 or numpy.ldexp?
        """,
    ),
    (
        "def f(x):\n    return math.hypott(x, 1)\n", (2.0,), {},
        """
        f.py:2:12: [S203] math has no 'hypott'
        2 |     return math.hypott(x, 1)
          |            ^^^^^^^^^^^
        help: did you mean math.hypot?
        """,
    ),
    (
        "def f(x):\n    return (math.sin if x > 0 else math.cos)(x)\n", (2.0,), {},
        """
        f.py:2:13: [S204] which function `math.sin if x > 0 else math.cos` is cannot be found out
        2 |     return (math.sin if x > 0 else math.cos)(x)
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        help: call a function by its name
        """,
    ),
    (
        "def f(x):\n    for i in range(3):\n        if x > i:\n            return x, i\n", (2.0,), {},
        """
        f.py:1:1: [S201] this function returns a tuple in one place, and at its end nothing
        1 | def f(x):
          | ^^^^^^^^^
        help: return a tuple at the end as well
        """,
    ),
    (
        "def f(x):\n    with open('f'):\n        return x\n", (2.0,), {},
        """
        f.py:2:10: [S201] `with open('f')` is not supported
        2 |     with open('f'):
          |          ^^^^^^^^^
        help: enter the context around the call of the function, or declare it with `s2sad.inert`
        """,
    ),
    (
        "def f(x, n):\n    match n:\n        case [a, b]:\n            x = x * a\n    return x\n", (2.0, range(2)), {},
        """
        f.py:3:14: [S201] whether this subject is a sequence is not known
        3 |         case [a, b]:
          |              ^^^^^^
        help: test with `if` and `len`
        """,
    ),
    (
        "def f(x):\n    for i in range(3):\n        del x[i]\n    return x\n", (np.ones(3),), {},
        """
        f.py:3:9: [S201] `del` of an item of what is no list or dict of this function is not supported
        3 |         del x[i]
          |         ^^^^^^^^
        help: write it in another way
        """,
    ),
    (
        "def f(x):\n    x.shape = 3\n    return np.sum(x)\n", (np.ones(3),), {},
        """
        f.py:2:5: [S201] a write into an attribute of an array is not supported
        2 |     x.shape = 3
          |     ^^^^^^^^^^^
        help: return the value instead
        """,
    ),
    (
        "def f(x):\n    y = 2.0 * x\n    return y\n", (np.ones((2, 3)),), {},
        """
        f.py:3:12: [S408] the result of f is an array of 2 axes, not a scalar
        3 |     return y
          |            ^
        help: use elementwise_grad, vjp or jacobian for a result with axes, or return a sum
        """,
    ),
    (
        "def f(x):\n    return x, x\n", (2.0,), {},
        """
        f.py:2:12: [S408] the result of f is a tuple, not a scalar
        2 |     return x, x
          |            ^^^^
        help: use elementwise_grad, vjp or jacobian for a result with axes, or return a sum
        """,
    ),
    (
        "def f(x):\n    x = x * x\n", (2.0,), {},
        """
        f.py:1:1: [S409] the result of f is None, not a real number
        1 | def f(x):
          | ^^^^^^^^^
        help: return a real number
        """,
    ),
    (
        "def f(x):\n    return f'{x}'\n", (2.0,), {},
        """
        f.py:2:12: [S409] the result of f is text, not a real number
        2 |     return f'{x}'
          |            ^^^^^^
        help: return a real number
        """,
    ),
    (
        "def f(x, y):\n    return x * y\n", (2.0,), {},
        """
        f.py:1:1: [S402] grad_f(x, y): missing a required argument: 'y'
        1 | def f(x, y):
          | ^^^^^^^^^^^^
        help: give each parameter without a default one argument, and no others
        """,
    ),
    (
        "def f(x, y):\n    return x * y\n", (2.0, 3.0, 4.0), {},
        """
        f.py:1:1: [S402] grad_f(x, y): too many positional arguments
        1 | def f(x, y):
          | ^^^^^^^^^^^^
        help: give each parameter without a default one argument, and no others
        """,
    ),
    (
        "def f(x):\n    return x.sum()\n", (np.arange(3),), {},
        """
        f.py:1:1: [S403] 'x' holds integers, which cannot be differentiated with respect to
        1 | def f(x):
          | ^^^^^^^^^
        help: pass x.astype(float)
        """,
    ),
    (
        "def f(x):\n    return x.sum()\n", (np.array([True]),), {},
        """
        f.py:1:1: [S404] 'x' holds booleans, which cannot be differentiated with respect to
        1 | def f(x):
          | ^^^^^^^^^
        help: pass x.astype(float)
        """,
    ),
    (
        "f = lambda x: x\n", ("text",), {},
        """
        f.py:1:5: [S405] 'x' is text, which cannot be differentiated with respect to
        1 | f = lambda x: x
          |     ^^^^^^^^^^^
        help: pass a float or an array of floats
        """,
    ),
    (
        "def f(x):\n    return x.sum()\n", (np.array([1.0, None]),), {},
        """
        f.py:1:1: [S406] 'x' holds objects, which cannot be differentiated with respect to
        1 | def f(x):
          | ^^^^^^^^^
        help: pass a float or an array of floats
        """,
    ),
    (
        "def f(x):\n    yield x\n", (2.0,), {},
        """
        f.py:1:1: [S105] f is a generator, which cannot be differentiated
        1 | def f(x):
          | ^^^^^^^^^
        help: return a list or an array of what it yields
        """,
    ),
    (
        "async def f(x):\n    return x\n", (2.0,), {},
        """
        f.py:1:1: [S106] f is a coroutine, which cannot be differentiated
        1 | async def f(x):
          | ^^^^^^^^^^^^^^^
        help: put the numerical part in a function that does not await
        """,
    ),
]  # fmt: skip


@pytest.mark.parametrize("text, args, names, message", MESSAGES, ids=lambda v: None)
def test_message(text, args, names, message):
    assert str(refusal(text, *args, **names)) == textwrap.dedent(message).strip()


class Slotted:
    """An object of whose attributes nothing is known before they are asked for."""

    __slots__ = ()

    @property
    def inner(self):
        return Summing()


class Summing:
    T = 3.0

    def sum(self, x):
        return 3 * x


def helper_of_complex(x):
    y = x + 1j
    return abs(np.nan_to_num(y))


# ---- constructs -----------------------------------------------------------------------------------------------------

#: A body for each row of the table of refused constructs, and the column of the construct on the line that has it.
CONSTRUCTS = {
    "AsyncFor": None,  # the four of a coroutine: the function is refused as a whole, see below
    "AsyncWith": None,
    "Await": None,
    "AsyncFunctionDef": "async def g():\n    pass\nreturn x",
    "ClassDef": "class A:\n    pass\nreturn x",
    "Global": "global g\nreturn x",
    "Nonlocal": "def g():\n    nonlocal x\n    x = 2.0\ng()\nreturn x",
    "SetComp": "return len({x for i in range(3)}) * x",
    "Set": "return len({x}) * x",
    "TryStar": "try:\n    y = x\nexcept* ValueError:\n    y = 2 * x\nreturn y",
    "Yield": "h = lambda: (yield x)\nreturn x",
    "YieldFrom": "h = lambda: (yield from x)\nreturn x",
}


def test_every_construct_has_an_example():
    assert set(CONSTRUCTS) >= set(support.REFUSED)


def text_of(row):
    return "def f(x):\n" + textwrap.indent(CONSTRUCTS[row], "    ") + "\n"


def is_python(text):
    """Whether this Python's grammar has the text: `except*` came with Python 3.11."""
    try:
        gast.parse(text)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("row", [r for r in sorted(support.REFUSED) if CONSTRUCTS[r] and is_python(text_of(r))])
def test_refused_construct(row):
    text = text_of(row)
    tree = gast.parse(text)
    refused = refusal(text, 2.0)
    assert refused.code == "S201"
    what, instead = support.REFUSED[row]
    assert refused.reason == f"{what} is not supported"
    assert refused.help == instead
    wanted = next(n for n in gast.walk(tree) if type(n).__name__ == row)
    found = refused.place
    assert (found.file, found.line, found.column) == ("f.py", wanted.lineno, wanted.col_offset + 1)


@pytest.mark.parametrize("body", ["async for i in x:\n    pass", "async with x:\n    pass", "await x"])
def test_bodies_of_coroutines(body):
    refused = refusal("async def f(x):\n" + textwrap.indent(body, "    ") + "\n", 2.0)
    assert (refused.code, refused.place.line) == ("S106", 1)


@pytest.mark.parametrize(
    "body, code, at",
    [
        ("return g(x, 1, 2)", "S402", "g(x, 1, 2)"),
        ("return g(x, z=1)", "S402", "g(x, z=1)"),
        ("return g()", "S402", "g()"),
        ("return math.sin(x, x)", "S303", "math.sin(x, x)"),
        ("return np.sum(x, axs=0)", "S303", "np.sum(x, axs=0)"),
        ("return np.roots(x)", "S301", "np.roots(x)"),
        ("return np.add(x, x, out=x)", "S201", "np.add(x, x, out=x)"),
        ("return np.matrix(x).sum()", "S301", "np.matrix(x)"),
        ("return x.summ()", "S203", "x.summ()"),
        ("return x.shap", "S203", "x.shap"),
        ("return number(x)", "S204", "number"),
        ("return math(x)", "S204", "math"),
        ("return getattr(math, 'sin')(x)", "S201", "math"),
        ("return eval('x')", "S201", "eval('x')"),
        ("exec('y = x')\nreturn x", "S201", "exec('y = x')"),
        ("return len(locals()) * x", "S201", "locals()"),
        ("return derived(x)", "S201", "derived(x)"),
        ("m = math\nreturn m.sin(x)", "S201", "math"),
        ("y.append(x)\nreturn x", "S201", "y.append(x)"),
        ("number.real = x\nreturn x", "S201", "number.real"),
        ("z = w * x\nw = 2.0\nreturn z", "S202", "w"),
        ("a, b = x, x, x\nreturn a", "S201", "a, b"),
        ("from math import sinn\nreturn sinn(x)", "S203", "from math import sinn"),
        ("from . import sinn\nreturn sinn(x)", "S201", "from . import sinn"),
        ("@functools.cache\ndef h(y):\n    return y\nreturn h(x)", "S201", None),
        ("return x * 1j", "S409", "x * 1j"),
        ("return x > 1", "S409", "x > 1"),
        ("return [x]", "S408", "[x]"),
        # complex numbers in the middle
        ("return abs(np.maximum(x * 1j, 0))", "S207", "np.maximum(x * 1j, 0)"),
        ("return np.sign(x * 1j).imag", "S207", "np.sign(x * 1j)"),
        ("return helper_of_complex(x)", "S207", None),
        ("z = np.array([2j, x])\nreturn np.linalg.norm(z, 1)", "S303", "np.linalg.norm(z, 1)"),
        # what a number does not have
        ("return x[0]", "S303", "x[0]"),
        ("return x[0] * 2", "S303", "x[0]"),
        ("return x.T", "S203", "x.T"),
        ("return x.shape[0] * 2.0", "S203", "x.shape"),
        ("return x.summ()", "S203", "x.summ()"),
        ("return len(x) * x", "S303", "len(x)"),
        ("y = 0.0\nfor v in x:\n    y = y + v\nreturn y", "S303", None),
        # loops over what has no items by position
        ("for k in {1}:\n    x = x * k\nreturn x", "S201", None),
        ("for k in names:\n    x = x * k\nreturn x", "S201", "names"),
        ("for k in itertools.chain((1,), (2,)):\n    x = x * k\nreturn x", "S201", "itertools.chain((1,), (2,))"),
        ("for k in set((1, 2)):\n    x = x * k\nreturn x", "S201", "set((1, 2))"),
        # methods of what is not known
    ],
)  # fmt: skip
def test_refused_with_place(body, code, at):
    text = "def f(x):\n" + textwrap.indent(body, "    ") + "\n"
    names = {"g": lambda a, b=2.0: a * b, "number": 3.0, "y": [], "derived": grad(lambda x: x * x)}
    names.update(table={0: 2.0}, names={1, 2}, slotted=Slotted(), itertools=itertools)
    names.update(helper_of_complex=helper_of_complex)
    refused = refusal(text, 2.0, **names)
    if body == "return helper_of_complex(x)":
        assert refused.code == code and refused.place.text.strip() == "return abs(np.nan_to_num(y))"
        return
    assert refused.code == code, refused
    place = refused.place
    assert place.file == "f.py"
    line = text.split("\n")[place.line - 1]
    assert place.text.split("\n")[0] == line
    if at is not None:
        assert line[place.column - 1 : place.end_column - 1] == at
    assert refused.help
    shown = str(refused).split("\n")
    assert re.fullmatch(r"f\.py:\d+:\d+: \[S\d\d\d\] .+", shown[0])
    assert "^" in shown[2]


@pytest.mark.parametrize("transform", [grad, vjp, jvp, elementwise_grad])
@pytest.mark.parametrize(
    "body",
    [
        "return holder.sum(x)",
        "return eval('x')",
    ],
)
def test_no_transform_loses_a_derivative(body, transform):
    """What flows through a list, an unknown method or hidden code is refused by every transform, never made zero."""

    class Holder:
        def __getattr__(self, name):
            return lambda x: 5 * x

    text = "def f(x):\n" + textwrap.indent(body, "    ") + "\n"
    extra = (1.0,) if transform in (vjp, jvp) else ()
    refused = refusal(text, 2.0, *extra, transform=transform, holder=Holder())
    assert refused.code in ("S201", "S301", "S303")
    assert refused.place.line > 1


class Layer:
    """Holds an object with a method of an array's name, and arrays deep within."""

    def __init__(self):
        self.head, self.body = Summing(), types.SimpleNamespace(inner=types.SimpleNamespace(w=np.ones((2, 3))))

    def loss(self, x):
        return np.sum(self.head.sum(x) * np.sum(self.body.inner.w.T @ np.ones(2)))


def test_methods_of_objects_within_objects():
    np.testing.assert_array_equal(grad(Layer().loss)(np.ones(2)), [18.0, 18.0])


def test_complex_numbers_that_carry_no_derivative():
    z = 3 + 4j

    def f(x, c):
        return x * abs(z) + np.sum(np.abs(c)) * x

    assert grad(f)(2.0, np.array([1j, 2.0])) == 8.0


@pytest.mark.parametrize("body", ["abs(x * 1j)", "abs(1j + x)", "np.sum(np.abs(np.exp(x * 2j)))"])
def test_complex_numbers_without_kinds(body):
    """Whether a number is complex is known where the kinds of arguments are not: no rule of real numbers is taken."""
    f = module_of(f"def f(x):\n    return {body}\n", "unknown.py").f
    assert "sign" not in grad(f).source and "conj" in grad(f).source
    f = module_of(f"def f(x):\n    return {body} + np.sign(1j * x).real\n", "unknown.py").f
    with pytest.raises(S2sadError, match="S207"):
        grad(f).source  # noqa: B018


@pytest.mark.parametrize(
    "body",
    [
        "abs((-x) ** 0.5)", "(-x) ** 0.5", "pow(-x, 0.5)", "((-x) ** 0.5) ** 2", "max((-x) ** 0.5, 1.0)",
        "np.abs((-x) ** 0.5)", "np.exp((-x) ** 1.5)", "math.exp((-x) ** 0.5)",
    ],
)  # fmt: skip
def test_powers_that_only_the_run_tells_to_be_real(body):
    f = module_of(f"def f(x):\n    return {body}\n", "powers.py").f
    for transform, more in ((grad, ()), (value_and_grad, ()), (jvp, (1.0,))):
        with pytest.raises(S2sadError, match=r"powers.py:2:\d+: \[S207\]"):
            transform(f)(2.0, *more)
    assert type(grad(lambda x: (-x) ** 0.5)(-4.0)) is float and grad(lambda x: abs((-x) ** 0.5))(-4.0) == -0.25


@pytest.mark.parametrize("body", ["(-2.0) ** x", "pow(-2.0, x)", "math.pow(-2.0, x)", "np.power(-2.0, x)"])
def test_powers_of_a_negative_literal(body):
    error = refusal(f"def f(x):\n    return {body}\n", 2.0)
    assert error.code == "S303" and error.place.line == 2


def test_a_function_of_a_module_that_is_not_there():
    error = refusal("def f(x):\n    import nowhere\n    return nowhere.g(x)\n", 1.0)
    assert error.code == "S301" and "no module named nowhere" in error.help


def test_wrt_that_cannot_be_a_position():
    for wrt in (np.array([0, 1]), 1.0, None, True, {"x"}, slice(0, 1), (("x",),)):
        with pytest.raises(S2sadError, match="S401"):
            grad(lambda x, y: x * y, wrt=wrt)


def test_an_int_stands_for_a_float():
    def f(x: int, n: int):
        return x * x * n

    assert grad(f).source.endswith("return 2 * n * x")
    assert grad(f).specialise(INT, INT)(3.0, 2) == 12.0


def test_what_a_number_does_not_have_where_it_is_not_asked_for():
    def f(x):
        if isinstance(x, np.ndarray):
            return x[0] * len(x) * x.shape[0]
        return x * x

    assert grad(f)(3.0) == 6.0
    np.testing.assert_array_equal(grad(f)(np.ones(2)), [4.0, 0.0])


def test_self_reference():
    text = "@grad\ndef power(x, n):\n    return 1.0 if n == 0 else x * power(x, n - 1)\nf = power\n"
    module = module_of(text, "power.py", grad=grad)
    with pytest.raises(S2sadError) as caught:
        module.f(2.0, 3)
    assert str(caught.value) == textwrap.dedent(
        """\
        power.py:3:38: [S411] 'power' is the name of the derivative of the function that calls it
        3 |     return 1.0 if n == 0 else x * power(x, n - 1)
          |                                   ^^^^^
        help: leave power as it is, and write power_grad = grad(power)"""
    ).replace("3:38", f"3:{text.splitlines()[2].index('power(') + 1}")


def test_self_reference_by_way_of_another():
    text = """
        @grad
        def f(x):
            return helper(x)

        def helper(x):
            return x if x < 1.0 else f(x - 1.0)
        """
    module = module_of(text, "mutual.py", grad=grad)
    with pytest.raises(S2sadError, match=r"S411"):
        module.f(2.0)


# ---- what is no function --------------------------------------------------------------------------------------------


class Model:
    def loss(self, x):
        return x * x


@pytest.mark.parametrize(
    "given, code",
    [
        (len, "S102"),
        (math.sin, "S102"),
        (np.sin, "S102"),
        (np.linalg.norm, None),
        (np.vectorize(math.sin), "S102"),
        (functools.partial(math.sin), "S102"),
        (functools.partial(Model), "S104"),
        (functools.lru_cache(lambda x: x), "S109"),
        (Model, "S104"),
        (Model(), "S109"),
        (float, "S104"),
        (3, "S109"),
        ("x", "S109"),
        ([], "S109"),
        (property(len), "S109"),
        (str.upper, "S102"),
    ],
)
def test_no_function(given, code):
    with pytest.raises(S2sadError) as caught:
        grad(given)(2.0)
    if code:
        assert caught.value.code == code
    assert caught.value.help or caught.value.place


def test_source_not_found():
    namespace = {}
    exec("def f(x):\n    return x * x\n", namespace)
    with pytest.raises(S2sadError) as caught:
        grad(namespace["f"])
    assert caught.value.code == "S101"
    assert caught.value.help


def test_edited_file(tmp_path):
    path = tmp_path / "edited.py"
    path.write_text("def f(x):\n    return x * x\n")
    module = types.ModuleType("edited")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    path.write_text("def f(x):\n    return x * x * x\n")
    with pytest.raises(S2sadError) as caught:
        grad(module.f)
    assert caught.value.code == "S103"


# ---- arguments ------------------------------------------------------------------------------------------------------


def product(x, y=2.0, *, z=1.0):
    return x * y * z


@pytest.mark.parametrize(
    "wrt", ["w", 3, -4, 1.5, None, True, (), ("x", "x"), (0, "x"), ["x", 9], {"x"}, b"x", ("x", None)]
)
def test_wrong_wrt(wrt):
    for transform in (grad, vjp, jvp, elementwise_grad):
        with pytest.raises(S2sadError) as caught:
            transform(product, wrt=wrt)
        assert caught.value.code == "S401"
        assert caught.value.place.line == product.__code__.co_firstlineno


def test_wrt_of_a_function_without_parameters():
    with pytest.raises(S2sadError, match="S401"):
        grad(lambda: 1.0)


def test_near_name_in_wrt():
    with pytest.raises(S2sadError, match="did you mean 'weights'"):
        grad(lambda weights, bias: weights, wrt="weight")


@pytest.mark.parametrize(
    "args, named",
    [
        ((), {}),
        ((1.0, 2.0, 3.0), {}),
        ((1.0,), {"q": 1.0}),
        ((1.0,), {"x": 1.0}),
        ((1.0, 2.0), {"y": 1.0}),
        ((), {"y": 1.0}),
        ((1.0, 2.0, 3.0), {"z": 1.0}),
    ],
)
def test_wrong_arguments(args, named):
    derivative = grad(product)
    derivative(1.0)
    for transform in (derivative, derivative.specialise):
        with pytest.raises(S2sadError) as caught:
            transform(*args, **named)
        assert caught.value.code == "S402"


class Number(float):
    pass


@pytest.mark.parametrize(
    "value, code",
    [
        (None, "S407"),
        (True, "S407"),
        (np.True_, "S404"),
        (np.int64(3), "S403"),
        (np.arange(3, dtype="u1"), "S403"),
        ("x", "S405"),
        (b"x", "S405"),
        (np.array(["a"]), "S405"),
        (np.array([b"a"]), "S405"),
        (np.array([1.0, None]), "S406"),
        (np.array(["2020-01-01"], "M8[D]"), "S407"),
        (np.zeros(2, [("a", float)]), "S407"),
        (10**400, "S407"),
        ({}, "S407"),
        ({1.0}, "S407"),
        (Model(), "S407"),
        (Model, "S407"),
        (len, "S407"),
        (Number(2.0), "S407"),
        (range(3), "S407"),
        ((), "S407"),
        ((1, 2), "S407"),
        (np.matrix([[1.0]]), "S407"),
        (np.ma.masked_array([1.0]), "S407"),
    ],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_wrong_argument(value, code):
    derivative = grad(product)
    for _ in range(2):
        with pytest.raises(S2sadError) as caught:
            derivative(value)
        assert caught.value.code == code
        assert caught.value.place is not None and caught.value.help


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_array_classes_are_refused_wherever_they_stand():
    with pytest.raises(S2sadError, match=r"S407.* 'y' is a matrix"):
        grad(lambda x, y: (y * x).sum())(np.ones((2, 2)), np.matrix(np.ones((2, 2))))


def test_tangents_and_seeds_of_the_wrong_shape():
    def double(x):
        return 2.0 * x

    for bad in (1.0, np.ones(1), np.ones((3, 1)), np.ones(4), [1.0, 2.0, 3.0]):
        with pytest.raises(S2sadError) as caught:
            jvp(double)(np.ones(3), bad)
        assert caught.value.code in ("S402", "S407")
    for bad in (1.0, np.ones(1), np.ones((3, 1)), np.ones((1, 3))):
        with pytest.raises(S2sadError, match="S402"):
            vjp(double)(np.ones(3), bad)
    with pytest.raises(S2sadError, match="S403"):
        vjp(double)(np.ones(3), np.arange(3))


def test_result_known_only_at_run_time():
    class Box:
        pass

    box, inner = Box(), Box()
    box.inner = inner

    def f(x):
        return box.inner.value * x

    derivative = grad(f)
    inner.value = 2.0
    assert derivative(3.0) == 2.0
    for value, code in ((np.ones(3), "S408"), (1j, "S409")):
        inner.value = value
        with pytest.raises(S2sadError) as caught:
            derivative(3.0)
        assert caught.value.code == code
        assert caught.value.place.text.strip() == "return box.inner.value * x"


@pytest.mark.parametrize("expression", ["-" * 700 + "x", "x" + ".T" * 700, "**".join(["x"] * 700)])
def test_too_deep(expression):
    refused = refusal(f"def f(x):\n    return {expression}\n", 2.0, name="deep.py")
    assert (refused.code, refused.place.file, refused.place.line) == ("S206", "deep.py", 1)
    assert refused.help == "split long expressions over several statements"


def test_deep_but_fine():
    text = "def f(x):\n    return " + "(" * 50 + "x" + " * x)" * 50 + "\n"
    assert grad(module_of(text, "deep50.py").f)(1.0) == 51.0
    long = "def f(x):\n    return " + " + ".join(["x"] * 900) + "\n"
    assert grad(module_of(long, "long.py").f)(1.0) == 900.0


def test_refusals_cross_processes():
    refused = refusal("def f(x):\n    return undefined_name\n", 2.0)
    assert str(pickle.loads(pickle.dumps(refused))) == str(refused)
