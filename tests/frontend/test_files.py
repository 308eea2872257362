"""Names of files that are not imported mean what they would mean if they were."""

import sys

import pytest

from s2sad.errors import S2sadError
from s2sad.frontend.files import FilePrimal, open_primal
from s2sad.frontend.resolve import Known, LivePrimal, LiveScope, Module, UserFunction, Value

MAIN = '''\
import math
import numpy as np
import os.path
import scipy.special
import scipy.linalg as la
from math import cos as cosine, tau
from numpy.linalg import *
from . import sibling
from .sibling import helper, LIMIT as limit
from .deeper.inner import inside
import package.deeper.inner
import package.sibling as same
try:
    import numpy as maybe
except ImportError:
    maybe = None
try:
    import no_such_module_at_all as fast
except ImportError:
    fast = None

if TYPE_CHECKING:
    from nowhere import Thing

COUNT: int = 3
RATE = -0.5
HALF, WHOLE = 0.5, 1
TURN = 2 * math.pi * WHOLE
PAIR = (1.0, 2)
TEXT = "text"
NOTHING = None
TABLE = [1.0, 2.0]
CHANGED = [1.0]
CHANGED.append(2.0)
GIVEN = [1.0]
math.fsum(GIVEN)
ARRAY = np.zeros(3)
TOTAL = 1
TOTAL += 1
sine = np.sin
twice = lambda x: 2 * x
for LOOPED in range(3):
    pass
with open(__file__) as STREAM:
    INSIDE = 1.0


def plain(x):
    return x


def redefined(x):
    return x


def redefined(x, y):
    return x * y


@np.vectorize
def decorated(x):
    return x


def writes():
    global WRITTEN
    WRITTEN = 2.0


WRITTEN = 1.0

if COUNT > 2:
    def conditional(x):
        return x
    EITHER = 1
else:
    EITHER = 2.0
    sine_or_cosine = np.sin

if COUNT > 3:
    sine_or_cosine = np.cos


class Model:
    size = 3

    def method(self, x):
        return x

    @staticmethod
    def static(x):
        return x

    def outer(self, k):
        def inner(x):
            return k * x * WRITTEN
        return inner


if __name__ == "__main__":
    SCRIPT = 1.0
    RATE = 100
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    package = root / "package"
    (package / "deeper").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "main.py").write_text(MAIN)
    (package / "sibling.py").write_text("LIMIT = 7\n\ndef helper(x):\n    return x\n\nfrom .deeper import inner\n")
    (package / "deeper" / "__init__.py").write_text("from .inner import inside\n")
    inner = "from ..sibling import LIMIT\n\ndef inside(x):\n    return x * LIMIT\n"
    (package / "deeper" / "inner.py").write_text(inner)
    script = "import beside\nfrom package.main import plain\nfrom beside import *\n\ndef f(x):\n    return x\n"
    (root / "script.py").write_text(script)
    (root / "beside.py").write_text("A = 1.0\n_B = 2.0\n\ndef near(x):\n    return x\n")
    return root


@pytest.fixture(scope="module")
def scope(folder):
    return open_primal(str(folder / "package" / "main.py"), "plain").scope


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("math", "math"), ("np", "numpy"), ("os", "os"), ("scipy", "scipy"), ("la", "scipy.linalg"), ("maybe", "numpy"),
        ("sibling", "package.sibling"), ("same", "package.sibling"), ("package", "package"),
    ],
)  # fmt: skip
def test_modules(name, meaning, scope):
    found = scope.lookup(name)
    assert isinstance(found, Module) and found.name == meaning


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("cosine", "math.cos"), ("sine", "numpy.sin"), ("norm", "numpy.linalg.norm"), ("len", "builtins.len"),
    ],
)  # fmt: skip
def test_functions_of_libraries(name, meaning, scope):
    found = scope.lookup(name)
    assert isinstance(found, Known) and found.name == meaning


@pytest.mark.parametrize(
    ("name", "file", "dotted"),
    [
        ("plain", "main.py", "plain"), ("twice", "main.py", "twice"), ("redefined", "main.py", "redefined"),
        ("helper", "sibling.py", "helper"), ("inside", "inner.py", "inside"),
    ],
)  # fmt: skip
def test_functions_of_files(name, file, dotted, scope):
    found = scope.lookup(name)
    assert isinstance(found, UserFunction) and isinstance(found.primal, FilePrimal)
    assert found.primal.module.path.endswith(file) and found.primal.dotted == dotted
    assert found.primal.source.name == dotted


def test_the_last_definition_counts(scope):
    assert len(scope.lookup("redefined").primal.source.node.args.args) == 2


@pytest.mark.parametrize(
    ("name", "sort", "held"),
    [
        ("COUNT", "int", 3), ("RATE", "float", -0.5), ("HALF", "float", 0.5), ("WHOLE", "int", 1),
        ("TURN", "float", 6.283185307179586), ("PAIR", "tuple", (1.0, 2)), ("TEXT", "str", "text"),
        ("NOTHING", "none", None), ("INSIDE", "float", 1.0), ("SCRIPT", "float", 1.0),
        ("TABLE", "list", [1.0, 2.0]), ("limit", "int", 7), ("EITHER", "float", None),
    ],
)  # fmt: skip
def test_literals(name, sort, held, scope):
    found = scope.lookup(name)
    assert isinstance(found, Value) and found.kind.sort == sort
    assert type(found.held) is type(held) and found.held == held


@pytest.mark.parametrize("name", ["CHANGED", "GIVEN", "ARRAY", "TOTAL", "LOOPED", "STREAM", "WRITTEN"])
def test_what_is_no_literal_is_unknown(name, scope):
    found = scope.lookup(name)
    assert isinstance(found, Value) and found.kind.sort == "unknown" and found.held is None


@pytest.mark.parametrize("name", ["decorated", "Model"])
def test_objects(name, scope):
    assert isinstance(scope.lookup(name), Value)


@pytest.mark.parametrize("name", ["undefined", "Thing", "size", "method", "x"])
def test_names_that_are_not_there(name, scope):
    assert scope.lookup(name) is None


@pytest.mark.parametrize("name", ["sine_or_cosine"])
def test_what_only_running_the_file_tells_is_refused(name, scope):
    with pytest.raises(S2sadError) as caught:
        scope.lookup(name)
    assert caught.value.code == "S113" and caught.value.place.line > 1


def test_a_function_with_one_definition_may_stand_in_a_branch(scope):
    assert scope.lookup("conditional").primal.source.name == "conditional"


def test_names_of_modules(scope):
    assert list(scope.names_of_module("numpy")) == ["np", "maybe"]
    assert list(scope.names_of_module("scipy.linalg")) == ["la"]
    assert list(scope.names_of_module("cmath")) == []
    assert {"np", "RATE", "len"} <= set(scope.names())


def test_scripts_see_what_stands_beside_them(folder):
    scope = open_primal(str(folder / "script.py"), "f").scope
    assert scope.lookup("plain").primal.module.name == "package.main"
    assert scope.lookup("near").primal.module.name == "beside"
    assert scope.lookup("A").held == 1.0
    assert scope.lookup("_B") is None


def test_nothing_was_imported(scope, folder):
    assert not {"package", "package.main", "beside", "script"} & set(sys.modules)


def test_methods(folder):
    path = str(folder / "package" / "main.py")
    assert open_primal(path, "Model.method").is_method
    assert not open_primal(path, "Model.static").is_method
    assert not open_primal(path, "plain").is_method
    inner = open_primal(path, "Model.outer.inner")
    assert not inner.is_method
    assert inner.scope.lookup("k").kind.sort == "unknown"
    assert inner.scope.lookup("size") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@other\ndef f(x):\n    return x\n", "S201"),
        ("import functools\n@functools.partial(print)\ndef f(x):\n    return x\n", "S201"),
        ("if x:\n    def f(x):\n        return x\nelse:\n    def f(x):\n        return 2 * x\n", "S113"),
        ("f = 1\n", "S112"),
    ],
)
def test_functions_that_may_be_another_are_refused(text, code, tmp_path):
    (tmp_path / "model.py").write_text(text)
    with pytest.raises(S2sadError) as caught:
        open_primal(str(tmp_path / "model.py"), "f")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "line",
    ["import s2sad\n@s2sad.grad", "from s2sad import grad as g\n@g(wrt=0)", "from functools import cache\n@cache"],
)
def test_decorators_that_change_no_value(line, tmp_path):
    (tmp_path / "model.py").write_text(f"{line}\ndef f(x):\n    return x\n")
    assert open_primal(str(tmp_path / "model.py"), "f").name == "f"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("from math import sinus", "S203"),
        ("from nowhere_at_all import *", "S503"),
        ("from beside import nothing", "S203"),
        ("from .. import up", "S503"),
    ],
)
def test_imports_that_fail(text, code, tmp_path):
    (tmp_path / "beside.py").write_text("A = 1\n")
    (tmp_path / "model.py").write_text(f"{text}\n\ndef f(x):\n    return x\n")
    with pytest.raises(S2sadError) as caught:
        scope = open_primal(str(tmp_path / "model.py"), "f").scope
        for name in ("sinus", "nothing"):
            scope.lookup(name)
    assert caught.value.code == code


def test_a_definition_that_goes_round_in_a_circle(tmp_path):
    (tmp_path / "a.py").write_text("from b import g\n\ndef f(x):\n    return g(x)\n\nA = B\nB = A\n")
    (tmp_path / "b.py").write_text("from a import f\n\ndef g(x):\n    return f(x)\n")
    scope = open_primal(str(tmp_path / "a.py"), "f").scope
    assert isinstance(scope.lookup("A"), Value)
    assert scope.lookup("g").primal.scope.lookup("f").primal == scope.lookup("f").primal


def test_the_two_providers_agree(tmp_path, monkeypatch):
    """What a file's names mean on disk is what they mean once it is imported."""
    text = (
        "import math\nimport numpy as np\nfrom numpy import exp as e\nimport scipy.special\nA = 2.5\nB = (1, 2.0)\n"
        "C = 3 * math.pi\ns = np.sin\n\ndef g(x):\n    return x\n\ndef f(x):\n    return x\n"
    )
    (tmp_path / "agreeing.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    disk = open_primal(str(tmp_path / "agreeing.py"), "f").scope
    import agreeing

    try:
        live = LiveScope(agreeing.f)
        for name in ("math", "np", "e", "scipy", "A", "B", "C", "s", "len", "undefined"):
            assert disk.lookup(name) == live.lookup(name), name
        assert isinstance(live.lookup("g").primal, LivePrimal) and disk.lookup("g").primal.name == "g"
        assert list(disk.names_of_module("numpy")) == list(live.names_of_module("numpy")) == ["np"]
    finally:
        del sys.modules["agreeing"]
