"""From live functions and files to their source: the right text, or a refusal that says why."""

import asyncio
import doctest
import functools
import gc
import importlib.util
import linecache
import os
import subprocess
import sys
import textwrap
import types
import zipfile

import gast
import numpy as np
import pytest

from s2sad.errors import S2sadError
from s2sad.frontend import source as module_under_test
from s2sad.frontend.parse import walk
from s2sad.frontend.source import read_file, read_function


def load(path):
    """Import a file as a module of its own, as an import does."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(tmp_path):
    """Write a text to a file and import it."""

    def make(text, name="model.py", encoding="utf-8", newline="\n"):
        path = tmp_path / name
        path.write_bytes(textwrap.dedent(text).replace("\n", newline).encode(encoding))
        return load(path)

    return make


@pytest.fixture
def cell():
    """Execute a text under a name that linecache knows, as notebooks do."""
    names = []

    def run(text, name="<ipython-input-1-abc>", flags=0, space=None):
        text = textwrap.dedent(text)
        names.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        space = {"__name__": "__main__"} if space is None else space
        exec(compile(text, name, "exec", flags=flags, dont_inherit=True), space)
        return space

    yield run
    for name in names:
        linecache.cache.pop(name, None)


def refused(function, **options):
    with pytest.raises(S2sadError) as caught:
        read_function(function, **options)
    return caught.value


def body_of(source):
    node = source.node
    return source.segment(node.body if isinstance(node, gast.Lambda) else node.body[-1])


# ---- live functions ----


def test_a_plain_function(made):
    f = made("import math\n\ndef f(x):\n    return math.sin(x)\n").f
    source = read_function(f)
    assert source.file == f.__code__.co_filename
    assert source.text == "import math\n\ndef f(x):\n    return math.sin(x)\n"
    assert (source.name, source.qualname, source.class_name) == ("f", "f", None)
    assert isinstance(source.node, gast.FunctionDef) and source.node.lineno == 3
    assert body_of(source) == "return math.sin(x)"
    assert str(source.place(source.node.body[0].value)) == f"{source.file}:4:12"


def test_the_last_of_two_functions_of_one_name(made):
    module = made("def f(x): return x\ng = f\ndef f(x): return 2 * x\n")
    assert body_of(read_function(module.f)) == "return 2 * x"
    assert body_of(read_function(module.g)) == "return x"


NESTED = """\
class Outer:
    class Inner:
        def method(self, x):
            def local(y):
                return y + self.__scale
            return local
        def __private(self, x):
            return -x
if True:
    def chosen(x): return x
else:
    def chosen(x): return -x
def make():
    global shared
    def shared(x): return x * 3
    class Local:
        def m(self): return 1
    return Local.m
try:
    pass
finally:
    def last(x): return x
"""


def test_nesting_gives_names_and_the_class(made):
    module = made(NESTED)
    inner = module.Outer.Inner
    found = {
        "method": inner.method,
        "local": inner().method(1),
        "__private": inner._Inner__private,
        "chosen": module.chosen,
        "m": module.make(),
        "last": module.last,
    }
    found["shared"] = module.shared
    for name, function in found.items():
        source = read_function(function)
        assert source.name == name
        assert source.qualname == function.__qualname__
        assert source.node.lineno == function.__code__.co_firstlineno
    assert read_function(found["local"]).class_name == "Inner"
    assert read_function(found["m"]).class_name == "Local"
    assert read_function(module.chosen).class_name is None
    assert body_of(read_function(module.chosen)) == "return x"


def test_stacked_decorators(made):
    f = made(
        """
        def same(f): return f
        def with_(*more): return same
        @same
        @with_(1,
               lambda x: x)
        # a comment
        @same
        def f(x):
            return x + 1
        """
    ).f
    source = read_function(f)
    assert source.node.lineno == 9 and source.name == "f"
    assert len(source.node.decorator_list) == 3


WRAPPED = """
import functools
def twice(f):
    @functools.wraps(f)
    def outer(*args):
        return 2 * f(*args)
    return outer
@twice
@twice
def f(x):
    return x + 1
@functools.lru_cache
def g(x):
    return x + 1
"""


def test_wrapped_functions(made):
    module = made(WRAPPED)
    assert body_of(read_function(module.f)) == "return 2 * f(*args)"
    assert read_function(module.f).qualname == "twice.<locals>.outer"
    assert body_of(read_function(module.f, unwrap=True)) == "return x + 1"
    assert read_function(module.f, unwrap=True).name == "f"
    assert body_of(read_function(module.g, unwrap=True)) == "return x + 1"
    error = refused(module.g)
    assert error.code == "S109" and "g.__wrapped__" in error.help
    assert "def g(x)" in error.place.text


def test_a_circle_of_wrappers_ends(made):
    f = made("def f(x): return x\n").f
    f.__wrapped__ = f
    assert read_function(f, unwrap=True).name == "f"


def test_tabs_form_feeds_and_line_ends(made):
    text = "# a\n\x0c\nx = '\x0c\x1c\u2028'\nif x:\n\tdef f(é):\n\t\tα = é  \n\t\treturn α + 'ß'.find(\n\t\t\t'ü')\n"
    for newline in ("\n", "\r\n", "\r"):
        f = made(text, name=f"m{len(newline)}{ord(newline[0])}.py", newline=newline).f
        source = read_function(f)
        assert source.node.lineno == 5
        assert body_of(source) == "return α + 'ß'.find('ü')"
        place = source.place(source.node.body[-1].value.right)
        assert (place.line, place.column, place.end_line, place.end_column) == (7, 14, 8, 8)
        assert place.text == "\t\treturn α + 'ß'.find(\n\t\t\t'ü')"


def test_encodings(made):
    text = "# -*- coding: latin-1 -*-\ndef f(x):\n    é = x; return é\n"
    source = read_function(made(text, encoding="latin-1").f)
    assert "é = x" in source.text
    place = source.place(source.node.body[1])
    assert (place.column, place.end_column) == (12, 20)
    source = read_function(made("def f(x): return x\n", name="bom.py", encoding="utf-8-sig").f)
    assert source.place(source.node).column == 1


def test_normalised_names(made):
    f = made("def 𝑓(𝑥): return 𝑥\n").f
    source = read_function(f)
    assert source.name == "f"
    assert source.segment(source.node.body[0].value) == "𝑥"


def test_a_docstring_and_constants_that_are_hard_to_compare(made):
    f = made(
        """
        def f(x):
            "Doc."
            if x in {"a", "b", 1.0, -0.0}: return (1, 1.0, True, None, ...)
            return -0.0, 1e999 - 1e999, b"x", 1j, [y for y in (lambda: x)()]
        """
    ).f
    assert read_function(f).name == "f"


def test_future_annotations_of_the_file_and_of_an_earlier_cell(made, cell):
    import __future__

    assert read_function(made("from __future__ import annotations\ndef f(x: Unknown): return x\n").f).name == "f"
    space = cell(
        "def make():\n    y: Unknown = 1\n    def f(x: Unknown) -> Unknown: return x\n    return f\nf = make()",
        flags=__future__.annotations.compiler_flag,
    )
    assert read_function(space["make"]).name == "make"
    assert read_function(space["f"]).name == "f"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
def test_type_parameters(made):
    source = read_function(made("class C[U]:\n    def f[T](self, x: T) -> T: return x\n").C.f)
    assert (source.qualname, source.class_name) == ("C.f", "C")


# ---- lambdas ----


def test_lambdas_are_named_by_what_they_are_assigned_to(made):
    module = made(
        """
        f = g = lambda x: x
        h: object = lambda x: x + 1
        a, (b, c) = lambda x: x + 2, (lambda x: x + 3, 4)
        (w := lambda x: x + 4)
        class S: pass
        S.attr = lambda x: x + 5
        listed = [lambda x: x + 6]
        def outer(): return lambda x: x + 7
        """
    )
    functions = [module.f, module.h, module.a, module.b, module.w, module.S.attr, module.listed[0], module.outer()]
    sources = [read_function(f) for f in functions]
    assert [s.name for s in sources] == ["f", "h", "a", "b", "w", "attr", "lambda_", "lambda_"]
    assert [s.qualname for s in sources] == [f.__qualname__ for f in functions]
    assert body_of(sources[3]) == "x + 3"


def test_lambdas_of_one_line_are_told_apart(made):
    module = made(
        """
        k = 1
        fs = [lambda x: x + 1, lambda x: x + 2, lambda y: y + 1, lambda x: (lambda x: x + 3), lambda x, k=k: x + 1]
        def make(a, b): return (lambda x: x * a), (lambda x: x * b)
        gs = make(1, 2)
        def spread(f): return f
        h = spread(lambda x:
            x + 1); i = lambda x: x - 1
        """
    )
    assert [body_of(read_function(f)) for f in module.fs] == ["x + 1", "x + 2", "y + 1", "lambda x: x + 3", "x + 1"]
    assert len(read_function(module.fs[4]).node.args.args) == 2
    assert body_of(read_function(module.fs[3](0))) == "x + 3"
    assert [body_of(read_function(g)) for g in module.gs] == ["x * a", "x * b"]
    assert body_of(read_function(module.h)) == "x + 1"


def test_equal_lambdas_of_one_line(made):
    module = made("f, g = lambda x: x * 6, lambda x: x * 6\na, b = lambda x, n=1: x + n, lambda x, n=2: x + n\n")
    assert body_of(read_function(module.f)) == body_of(read_function(module.g)) == "x * 6"
    if sys.version_info >= (3, 11):
        assert read_function(module.b).node.args.defaults[0].value == 2
        assert read_function(module.a).name == "a"
    else:
        error = refused(module.b)
        assert error.code == "S113" and (error.place.line, error.place.column) == (2, 8)


def test_without_columns_lambdas_that_compile_alike_are_refused(made):
    # Python 3.10 has no columns; later ones can leave them out.
    path = made("").__file__
    path = os.path.join(os.path.dirname(path), "alike.py")
    with open(path, "w") as stream:
        stream.write("a, b = lambda x, n=1: x + n, lambda x, n=2: x + n\nc, d = lambda x: x + 1, lambda x: x + 2\n")
    script = f"""
import sys; sys.path[:0] = {[os.path.dirname(path), *sys.path]!r}
import alike
from s2sad.errors import S2sadError
from s2sad.frontend.source import read_function
print(read_function(alike.d).node.body.right.value)
try:
    read_function(alike.b)
except S2sadError as error:
    print(error.code, error.place.line, error.place.column)
"""
    run = subprocess.run([sys.executable, "-X", "no_debug_ranges", "-B", "-c", script], capture_output=True, text=True)
    assert run.stdout.split() == ["2", "S113", "1", "8"], run.stderr


# ---- files that changed ----


@pytest.mark.parametrize(
    "before, after",
    [
        ("def f(x):\n    return x + 1\n", "def f(x):\n    return x - 1\n"),
        ("def f(x):\n    return x + 1\n", "def f(x):\n    return x + 2\n"),
        ("def f(x):\n    return x + 1\n", "def f(x):\n    return x + 1.0\n"),
        ("def f(x):\n    return x * 0.0\n", "def f(x):\n    return x * -0.0\n"),
        ("def f(x):\n    return x + y\n", "def f(x):\n    return x + z\n"),
        ("def f(x, y):\n    return x + y\n", "def f(y, x):\n    return x + y\n"),
        ("def f(x, y):\n    return x\n", "def f(z, y):\n    return z\n"),
        ("def f(x):\n    return x\n", "\ndef f(x):\n    return x\n"),
        ("def f(x):\n    return x\n", "def g(x):\n    return x\n"),
        ("def f(x):\n    return [y + 1 for y in x]\n", "def f(x):\n    return [y + 2 for y in x]\n"),
        ("def f(x):\n    return lambda: 1\n", "def f(x):\n    return lambda: 2\n"),
        ("f = lambda x: x\n", "f = lambda x: -x\n"),
        ("f, g = lambda x: x, lambda x: 2\n", "f, g = lambda x: -x, lambda x: 2\n"),
        ("def f(x):\n    return x\n", ""),
    ],
)
def test_an_edited_file_is_refused(made, before, after):
    f = made(before).f
    assert read_function(f).text == before
    with open(f.__code__.co_filename, "w") as stream:
        stream.write(after)
    error = refused(f)
    assert error.code == "S103" and "reload" in error.help
    assert error.place is None or error.place.line == 1


def test_an_edit_elsewhere_or_of_a_comment_does_not_matter(made):
    f = made("def f(x):\n    return x\ng = 1\n").f
    with open(f.__code__.co_filename, "w") as stream:
        stream.write("def f(x):  # new\n\n    return x\ng = 2\n")
    assert read_function(f).node.body[0].lineno == 3


def test_a_file_that_no_longer_parses_is_refused_with_the_place(made):
    f = made("def f(x):\n    return x\n").f
    with open(f.__code__.co_filename, "w") as stream:
        stream.write("def f(x):\n    return x\ny = (\n")
    error = refused(f)
    assert error.code == "S108" and error.place.line == 3
    with open(f.__code__.co_filename, "w") as stream:
        stream.write("def f(x):\n    return x\nreturn 1\n")
    error = refused(f)
    assert error.code == "S108" and error.place.line == 3


def test_a_file_that_is_gone_is_refused(made):
    f = made("def f(x): return x\n").f
    os.remove(f.__code__.co_filename)
    linecache.clearcache()
    error = refused(f)
    assert error.code == "S101" and f.__code__.co_filename in error.reason


# ---- modules whose asserts pytest rewrote: this one, and others ----


def asserting(x, y=2):
    assert x > 0, f"{x} must be positive"
    z = x * y
    for i in range(3):
        assert z == x * y and isinstance(i, int), "same"
        z = z + np.sin(i)
    if z > 1:
        assert [v for v in (1, 2) if v]
    return z


def not_asserting(x):
    return x + 1


def outer_of_asserting(k):
    def inner(x):
        if x:
            assert x != k
        return x - k

    return inner


def only_assert(x): assert x  # fmt: skip


def test_functions_of_a_rewritten_module():
    assert any(name.startswith("@py") for name in asserting.__code__.co_varnames), "pytest rewrites this module"
    for function in (asserting, not_asserting, outer_of_asserting, outer_of_asserting(1), only_assert):
        source = read_function(function)
        assert source.qualname == function.__qualname__
        assert source.node.lineno == function.__code__.co_firstlineno


REWRITTEN = """\
def f(x, y=2):
    assert x > 0
    z = x * y + 1
    w = abs(z)
    return w
def g(x):
    assert all(v for v in x), [1]
    return lambda y: y + 1
"""


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("f", "x * y", "x - y"),
        ("f", "+ 1", "+ 3"),
        ("f", "abs", "int"),
        ("f", "w = abs(z)", "v = abs(z)"),
        ("f", "y=2", "*, y=2"),
        ("f", "return w\n", "return w\n    return z\n"),
        ("f", "    w = abs(z)\n", "    w = abs(z); w = w[0]\n"),
        ("g", "y + 1", "y * 1"),
        (None, "", ""),
    ],
)
def test_an_edit_outside_of_rewritten_asserts_is_seen(tmp_path, name, old, new):
    rewrite = pytest.importorskip("_pytest.assertion.rewrite")
    import ast

    path = tmp_path / "rewritten.py"
    path.write_text(REWRITTEN)
    tree = ast.parse(REWRITTEN)
    rewrite.rewrite_asserts(tree, REWRITTEN.encode())
    space = {}
    exec(compile(tree, str(path), "exec", dont_inherit=True), space)
    assert "@pytest_ar" in space
    assert read_function(space["f"]).name == "f" and read_function(space["g"]).name == "g"
    if name is None:
        return
    assert old in REWRITTEN
    path.write_text(REWRITTEN.replace(old, new))
    if new == "return w\n    return z\n":
        # Dead code compiles to nothing.
        assert read_function(space[name]).name == "f"
    else:
        assert refused(space[name]).code == "S103"


# ---- texts that are no files ----


def test_notebook_cells(cell):
    space = cell("k = 2\ndef f(x):\n    return k * x\n")
    source = read_function(space["f"])
    assert source.file == "<ipython-input-1-abc>" and source.node.lineno == 2
    # The next cell redefines it; the first one is still known.
    old = space["f"]
    cell("def f(x):\n    return -x\n", name="<ipython-input-2-abc>", space=space)
    assert body_of(read_function(space["f"])) == "return -x"
    assert body_of(read_function(old)) == "return k * x"


def test_a_cell_that_awaits_at_its_top(cell):
    import ast

    text = "def f(x):\n    return x\nasync def none(): pass\nawait none()\n"
    linecache.cache["<cell>"] = (len(text), None, text.splitlines(True), "<cell>")
    space = {}
    code = compile(text, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    asyncio.run(eval(code, space))
    assert read_function(space["f"]).name == "f"
    linecache.cache.pop("<cell>")


def test_a_cell_run_again_with_other_text_under_the_same_name(cell):
    f = cell("def f(x):\n    return x\n")["f"]
    assert read_function(f).name == "f"
    cell("def f(x):\n    return -x\n")
    assert refused(f).code == "S103"


def test_text_executed_without_a_trace():
    space = {}
    exec("def f(x): return x\ndef g(x): yield x", space)
    error = refused(space["f"])
    assert error.code == "S101" and "linecache" in error.help and error.place is None
    assert refused(space["g"]).code == "S105"
    exec(compile("def f(x): return x", "<stdin>", "exec"), space)
    assert refused(space["f"]).code == "S101"


def test_doctest_examples():
    text = """
    >>> def f(x):
    ...     return x + 1
    >>> read_function(f).segment(read_function(f).node.body[0])
    'return x + 1'
    >>> read_function(lambda x: x + 2).node.body.right.value
    2
    """
    test = doctest.DocTestParser().get_doctest(text, {"read_function": read_function}, "example", None, 0)
    said = []
    results = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert results == (0, 3), "".join(said)


def test_modules_within_a_zip_file(tmp_path, monkeypatch):
    path = tmp_path / "lib.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zipped_model.py", "x = 1\n\x0c\ndef f(x):\n    return x\n")
    monkeypatch.syspath_prepend(str(path))
    import zipped_model

    source = read_function(zipped_model.f)
    assert source.node.lineno == 3 and source.file.endswith("zipped_model.py")


@pytest.mark.skipif(sys.version_info < (3, 13), reason="earlier Pythons do not keep the text")
def test_python_dash_c():
    script = "from s2sad.frontend.source import read_function\ndef f(x): return x\nprint(read_function(f).name)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "f" or "S101" in run.stderr


# ---- what is not a function that can be differentiated ----


@pytest.mark.parametrize("what", [len, np.sin, np.sum, np.dot, str.upper, "a".upper, np.ndarray.sum, "a".__add__])
def test_functions_in_c(what):
    error = refused(what)
    assert error.code == "S102" and "lambda x:" in error.help and error.place is None


@pytest.mark.parametrize("what", [int, np.ndarray, types.FunctionType, doctest.DocTest])
def test_classes(what):
    assert refused(what).code == "S104"


class Callable:
    def __call__(self, x):
        return x

    def method(self, x):
        return x


@pytest.mark.parametrize(
    "what", [1, "f", None, Callable(), Callable().method, functools.partial(max, 1), staticmethod(max)]
)
def test_what_is_no_function(what):
    error = refused(what)
    assert error.code == "S109" and type(what).__name__ in error.reason


KINDS = """
def generator(x):
    yield x
async def coroutine(x):
    return x
async def both(x):
    yield x
import types
@types.coroutine
def old(x):
    y = yield x
    return y
def fine(x):
    def inner(): yield x
    return [lambda: (yield), inner]
"""


def test_generators_and_coroutines(made):
    module = made(KINDS)
    for name, code, line in [
        ("generator", "S105", 2),
        ("coroutine", "S106", 4),
        ("both", "S107", 6),
        ("old", "S105", 10),
    ]:
        for error in (refused(getattr(module, name)), refused_in(module.__file__, name)):
            assert error.code == code
            assert error.place.line == line and error.place.column == 1
            assert name in error.reason and error.help
    assert read_function(module.fine).name == read_file(module.__file__, "fine").name == "fine"
    assert refused(module.fine(1)[0]).code == "S105"


# ---- depth ----


def test_a_long_sum(made):
    f = made("def f(a):\n    return " + " + ".join(["a"] * 1000) + "\n").f
    source = read_function(f)
    assert sum(isinstance(node, gast.BinOp) for node in walk(source.node)) == 999


def test_a_sum_that_python_does_not_compile_is_refused(tmp_path):
    path = tmp_path / "deep.py"
    path.write_text("def f(a):\n    return " + "-" * 20_000 + "a\n")
    error = refused_in(path, "f")
    assert error.code == "S206" and error.place.line == 2


# ---- the file provider ----


def refused_in(path, name):
    with pytest.raises(S2sadError) as caught:
        read_file(path, name)
    return caught.value


@pytest.mark.parametrize(
    "name, line, qualname, class_name",
    [
        ("Outer.Inner.method", 3, "Outer.Inner.method", "Inner"),
        ("Outer.Inner.method.local", 4, "Outer.Inner.method.<locals>.local", "Inner"),
        ("Outer.Inner.__private", 7, "Outer.Inner.__private", "Inner"),
        ("make", 13, "make", None),
        ("make.shared", 15, "shared", None),
        ("make.Local.m", 17, "make.<locals>.Local.m", "Local"),
        ("last", 22, "last", None),
    ],
)
def test_names_in_a_file(tmp_path, name, line, qualname, class_name):
    path = tmp_path / "model.py"
    path.write_text(NESTED)
    source = read_file(path, name)
    assert source.node.lineno == line
    assert (source.qualname, source.class_name) == (qualname, class_name)
    assert source.file == str(path)


def test_a_lambda_in_a_file(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("f, g = lambda x: x, lambda x: 2 * x\nclass C:\n    h = lambda self: 1\n")
    assert body_of(read_file(path, "g")) == "2 * x"
    assert body_of(read_file(path, "C.h")) == "1"


def test_redefinitions_in_a_file(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        textwrap.dedent(
            """
            def f(x): return 1
            def f(x): return 2
            if f:
                def g(x): return 1
            else:
                def g(x): return 2
            try:
                def h(x): return 1
            except E:
                def h(x): return 2
            def h(x): return 3
            class C:
                @property
                def p(self): return 1
                @p.setter
                def p(self, x): pass
            """
        )
    )
    assert body_of(read_file(path, "f")) == "return 2"
    assert body_of(read_file(path, "h")) == "return 3"
    error = refused_in(path, "g")
    assert error.code == "S113" and error.place.line == 7
    assert refused_in(path, "C.p").code == "S113"


def test_what_a_file_does_not_have(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def energy(x): return x\nclass Model:\n    def energy(self): return 1\n")
    error = refused_in(path, "enrgy")
    assert error.code == "S112" and "'energy'" in error.help
    error = refused_in(path, "Model")
    assert error.code == "S104" and error.place.line == 2
    assert refused_in(path, "Model.").code == "S112"
    assert refused_in(path, "").code == "S112"


def test_files_that_cannot_be_read(tmp_path):
    assert refused_in(tmp_path / "none.py", "f").code == "S110"
    assert refused_in(tmp_path, "f").code == "S110"
    assert refused_in("nu\0ll.py", "f").code == "S110"
    path = tmp_path / "bytes.py"
    path.write_bytes(b"x = '\xff'\n")
    assert refused_in(path, "f").code == "S111"
    path.write_bytes(b"x = 1\n\n\ny = '\xff'\n")
    assert refused_in(path, "f").code == "S111"
    path.write_bytes(b"# coding: no-such-code\n")
    assert refused_in(path, "f").code == "S111"


# ---- pieces of text ----


def piece(text, choose=lambda module: module.body[0]):
    from s2sad.frontend.parse import parse_module
    from s2sad.frontend.source import Source

    tree = parse_module(text, "f.py")
    return Source("f.py", text, tree, "", "", None).segment(choose(tree))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("x  =  1 ; y = 2", "x  =  1"),
        ("x = f(\n    a,  # first\n    b,\n)", "x = f(a, b)"),
        ("x = f(\n    (a,\n    ),\n)", "x = f((a,))"),
        ("x = a[\n    1,\n]", "x = a[1,]"),
        ("x = a + \\\n    b", "x = a + b"),
        ("x = (a\n     + b)", "x = (a + b)"),
        ("x = '#' + f(\n  '''a\n  b''')", "x = '#' + f(\n  '''a\n  b''')"),
        ("x = ['#', # no\n  1]", "x = ['#', 1]"),
        ("if x:\n    y\n    # why\n    z", "if x:\n    y\n    # why\n    z"),
        ("x = {\n    'é': 1,\n}; y", "x = {'é': 1}"),
    ],
)
def test_a_segment(text, expected):
    assert piece(text) == expected


def test_a_segment_of_an_expression_over_lines_and_of_an_inner_block():
    assert piece("x = (a\n     + b)", lambda m: m.body[0].value) == "a + b"
    block = "def f():\n    for i in x:\n        y\n\n        z\n"
    assert piece(block, lambda m: m.body[0].body[0]) == "for i in x:\n    y\n\n    z"


# ---- the caches ----


def test_a_file_is_parsed_once_for_all_its_functions(made, monkeypatch):
    module = made("".join(f"def f{n}(x): return {n}\n" for n in range(20)))
    calls = []
    parse = module_under_test.parse_module
    monkeypatch.setattr(module_under_test, "parse_module", lambda *a: calls.append(a) or parse(*a))
    for n in range(20):
        assert read_function(getattr(module, f"f{n}")).node.body[0].value.value == n
    assert len(calls) == 1


def test_what_a_caller_does_to_a_node_stays_with_it(made):
    f = made("def f(x): return x\n").f
    read_function(f).node.body.clear()
    assert len(read_function(f).node.body) == 1


def test_the_caches_are_bounded(cell):
    for n in range(100):
        read_function(cell(f"def f(x): return {n}\n", name=f"<cell {n}>")["f"])
    gc.collect()
    for cache in (module_under_test._index, module_under_test._compiled):
        assert cache.cache_info().currsize <= 32


def test_many_threads(made):
    from concurrent.futures import ThreadPoolExecutor

    f = made("def f(x): return x\n").f
    with ThreadPoolExecutor(8) as pool:
        assert {s.qualname for s in pool.map(lambda _: read_function(f), range(64))} == {"f"}


def test_the_import_is_light():
    script = (
        "import numpy, sys; before = set(sys.modules)\nimport s2sad.frontend.source\n"
        "print(sorted({'unittest', 'doctest', 'difflib'} & (set(sys.modules) - before)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "[]", run.stderr
