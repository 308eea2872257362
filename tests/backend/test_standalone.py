"""Emitted files run where s2sad cannot be imported, give the right numbers, and are the same bytes everywhere."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2sad import S2sadError
from s2sad.composition import TRANSFORMS
from s2sad.frontend.files import open_primal
from s2sad.recipe import recipe

ROOT = Path(__file__).parent.parent.parent

#: Interpreters that must emit the same bytes: this one, and those that S2SAD_PYTHONS lists.
PYTHONS = [sys.executable, *filter(None, os.environ.get("S2SAD_PYTHONS", "").split(os.pathsep))]

PRIMALS = '''\
import math
import numpy as np
from jaxtyping import Float64

def square(w):
    return w ** 2

def cube(w):
    return w ** 3

def reciprocal(w):
    return 1 / w

def sine_squared(x):
    return np.sin(x) ** 2

def piecewise(x: float):
    if x > 2:
        return x ** 2
    y = np.sin(x)
    return y * x

def power(x: float, y: float):
    output = 1.0
    for i in range(int(y)):
        output = output * x
    return output

def mlp_loss(
    W1: Float64[np.ndarray, "i h"], b1: Float64[np.ndarray, "h"],
    W2: Float64[np.ndarray, "h o"], b2: Float64[np.ndarray, "o"],
    X: Float64[np.ndarray, "n i"], Y: Float64[np.ndarray, "n o"],
):
    H = np.tanh(X @ W1 + b1)
    R = H @ W2 + b2 - Y
    return np.mean(R ** 2)

def step(y: float, k: float, dt: float):
    return y + dt * k * math.sin(y)

def simulate(y: float, k: float, n: int):
    for i in range(n):
        y = step(y, k, 0.1)
    return y * y

def recursive_power(x: float, n: int):
    if n == 0:
        return 1.0
    return x * recursive_power(x, n - 1)

def unknown_ranks(x, y):
    return np.sum(np.exp(x) * y)
'''

_r = np.random.default_rng(0)
MATRICES = tuple(_r.normal(size=s) for s in ((5, 7), (7,), (7, 3), (3,), (8, 5), (8, 3)))
CASES = [
    ("square", (3.0,), (0,)),
    ("cube", (2.0,), (0,)),
    ("reciprocal", (2.0,), (0,)),
    ("sine_squared", (0.7,), (0,)),
    ("piecewise", (0.7,), (0,)),
    ("piecewise", (2.5,), (0,)),
    ("power", (3.0, 2), (0,)),
    ("power", (1.5, 0), (0,)),
    ("mlp_loss", MATRICES, (0, 1, 2, 3)),
    ("simulate", (0.5, 2.0, 9), (0, 1)),
    ("recursive_power", (1.7, 6), (0,)),
    ("recursive_power", (1.7, 0), (0,)),
    ("unknown_ranks", (_r.normal(size=(3, 1)), _r.normal(size=(3, 4))), (0, 1)),
    ("unknown_ranks", (0.5, _r.normal(size=4)), (0, 1)),
]

#: Runs an emitted file with s2sad, its own dependencies and jaxtyping out of reach; arguments and results as JSON.
RUNNER = """
import json, sys
for name in ("s2sad", "gast", "astunparse", "jaxtyping"):
    sys.modules[name] = None
import numpy as np
path, function, arguments = sys.argv[1:]
scope = {"__name__": "emitted"}
exec(compile(open(path, encoding="utf-8").read(), path, "exec"), scope)
given = [np.array(a["array"]) if isinstance(a, dict) else a for a in json.loads(arguments)]
results = scope[function](*given)
print(json.dumps([np.asarray(r).tolist() for r in (results if isinstance(results, tuple) else (results,))]))
"""


@pytest.fixture(scope="module")
def primals(tmp_path_factory):
    path = tmp_path_factory.mktemp("primals") / "primals.py"
    path.write_text(PRIMALS)
    return path


def emitted(path, function, wrt=0, mode="grad", kinds=None, **options):
    return recipe(open_primal(str(path), function), replace(TRANSFORMS[mode], wrt=wrt), kinds).file(**options)


def run_emitted(text, function, arguments, folder):
    """What a function of an emitted file gives in an interpreter that cannot import s2sad."""
    file = folder / "emitted.py"
    file.write_text(text, encoding="utf-8")
    passed = json.dumps([{"array": a.tolist()} if isinstance(a, np.ndarray) else a for a in arguments])
    command = [sys.executable, "-I", "-c", RUNNER, str(file), function, passed]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    assert process.returncode == 0, process.stderr + text
    return [np.array(r) for r in json.loads(process.stdout)]


def difference(f, arguments, k, h=1e-6):
    x = np.asarray(arguments[k], float)
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ends = []
        for s in (h, -h):
            moved = x.copy()
            moved[i] += s
            ends.append(f(*arguments[:k], moved if x.ndim else float(moved), *arguments[k + 1 :]))
        g[i] = (ends[0] - ends[1]) / (2 * h)
    return g


def load(text):
    scope = {"__name__": "loaded"}
    exec(text, scope)
    return scope


@pytest.mark.parametrize(("name", "arguments", "wrt"), CASES, ids=[f"{c[0]}-{k}" for k, c in enumerate(CASES)])
def test_right_numbers_without_s2sad(name, arguments, wrt, primals, tmp_path):
    text = emitted(primals, name, wrt)
    assert "s2sad" not in text
    results = run_emitted(text, f"grad_{name}", arguments, tmp_path)
    assert len(results) == len(wrt)
    f = load(PRIMALS)[name]
    for k, got in zip(wrt, results):
        want = difference(f, arguments, k)
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", sorted(TRANSFORMS))
def test_every_mode(mode, primals, tmp_path):
    text = emitted(primals, "sine_squared", 0, mode)
    results = run_emitted(text, f"{mode}_sine_squared", [0.7, 2.0] if mode in ("vjp", "jvp") else [0.7], tmp_path)
    value, slope = np.sin(0.7) ** 2, np.sin(1.4)
    expected = {"grad": [slope], "elementwise_grad": [slope], "value_and_grad": [value, slope], "vjp": [2 * slope]}
    np.testing.assert_allclose(results, expected.get(mode, [value, 2 * slope]))


def test_the_text_is_what_a_person_would_write(primals):
    assert emitted(primals, "square") == (
        "import numbers\n"
        "\n"
        "\n"
        "def grad_square(w):\n"
        '    """Gradient of square with respect to w. Takes a number w."""\n'
        "    if not isinstance(w, numbers.Real):\n"
        "        raise TypeError('grad_square takes a number w')\n"
        "    return 2 * w\n"
    )
    assert emitted(primals, "sine_squared", checks=False) == (
        "import numpy as np\n"
        "\n"
        "\n"
        "def grad_sine_squared(x):\n"
        '    """Gradient of sine_squared with respect to x. Takes a number x."""\n'
        "    return 2 * np.sin(x) * np.cos(x)\n"
    )


def test_checks_refuse_what_the_text_would_get_wrong(primals):
    grad_square = load(emitted(primals, "square"))["grad_square"]
    assert grad_square(3.0) == 6.0
    for bad in (np.ones(2), [1.0], "1"):
        with pytest.raises(TypeError, match="grad_square takes a number w"):
            grad_square(bad)
    # A gradient of what is no scalar: without checks the text goes on.
    assert load(emitted(primals, "square", checks=False))["grad_square"](np.ones(2)).shape == (2,)

    grad_mlp_loss = load(emitted(primals, "mlp_loss", (0, 1, 2, 3)))["grad_mlp_loss"]
    one_row = [*MATRICES[:4], MATRICES[4][:1], MATRICES[5][:1]]
    assert len(grad_mlp_loss(*one_row)) == 4  # a batch of one is no broadcasting
    for k, wrong in ((1, np.ones(1)), (1, np.ones((1, 7))), (5, np.ones((1, 3))), (0, np.ones((5, 7), int))):
        given = list(MATRICES)
        given[k] = wrong
        with pytest.raises((TypeError, ValueError), match=r"takes arrays W1 \[i h\], b1 \[h\], W2 \[h o\]"):
            grad_mlp_loss(*given)


def test_axes_that_would_be_stretched(tmp_path):
    """The check is about no more than what the text relies on: b may be stretched here, a may not."""
    path = tmp_path / "model.py"
    path.write_text(
        "import numpy as np\n"
        'def f(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "m"]):\n'
        "    return np.sum(a * b ** 2)\n"
    )
    grad_f = load(emitted(path, "f"))["grad_f"]
    np.testing.assert_allclose(grad_f(np.ones(3), np.full(3, 2.0)), np.full(3, 4.0))
    np.testing.assert_allclose(grad_f(np.ones(3), np.full(1, 2.0)), np.full(3, 4.0))
    with pytest.raises(ValueError, match="no axis of length 1 in a"):
        grad_f(np.ones(1), np.ones(3))


PROJECT = {
    "model.py": '''\
raise SystemExit("a file that is emitted from is never run")
import os.path
import numpy as np
from math import *
import other
from other import RATE as R0, decay
from other import square as sq, slow
try:
    import no_such_package as fast
except ImportError:
    fast = None
TAU = 2 * pi
N, M = 3, 4
W = np.array([1.0, 2.0])
TABLE = [1.0, 2.0]
mysin = np.sin
grown = [1.0]
grown.append(2.0)


def constants(x):
    return TAU * mysin(x) + R0 * N * x


def calls(x: float):
    y = sq(x)
    z = y * decay(y) + other.decay(x, 3.0)
    return z * y


def table(x: float):
    s = 0.0
    for t in TABLE:
        s = s + t * sin(x) * R0
    return s


def asserts(x: float):
    assert x > 0, f"bad {os.path.sep}"
    return x * x * x


def local_import(x: float):
    from other import decay as d
    assert d(x) > 0
    y = d(x)
    return y * y


def grows(x: float):
    return x * grown[1]


def weights(x: float):
    return np.sum(W * x)


def nothing(x: float):
    if fast is None:
        return x * x
    return x


def outer(k):
    def inner(x):
        return k * x * x
    return inner


def shadowed(x: float, math: float):
    return sin(x) * math


def numbered(numbers: float):
    return numbers * numbers


class Model:
    def loss(self, x: float):
        return self.k * x ** 2

    @staticmethod
    def cost(x):
        return x ** 3
''',
    "other.py": '''\
from math import exp
RATE = 0.25


def decay(x: float, k: float = 2.0):
    """exp(-k x)."""
    return fade(-k * x)  # a comment


def fade(x: float) -> float:
    return exp(x)


square = lambda x: x * x


def slow(x):
    return x


TAU = 1.0


def tau_of_other(x: float):
    return x * x * TAU
''',
    "clash.py": '''\
from other import tau_of_other
TAU = 2.0


def clash(x: float):
    y = tau_of_other(x) * TAU
    return tau_of_other(y) * y
''',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def live(project):
    """The functions of the project, run."""
    runnable = PROJECT["model.py"].split("\n", 1)[1]
    program = compile(runnable, str(project / "model.py"), "exec")
    sys.path.insert(0, str(project))
    try:
        scope = {"__name__": "model"}
        exec(program, scope)
        yield scope
    finally:
        sys.path.remove(str(project))
        sys.modules.pop("other", None)


@pytest.mark.parametrize(
    "name", ["constants", "calls", "table", "asserts", "local_import", "nothing", "numbered"]
)
def test_globals_and_callees_are_copied(name, project, live, tmp_path):
    text = emitted(project / "model.py", name)
    assert "import other" not in text and "from other" not in text and "model" not in text
    (got,) = run_emitted(text, f"grad_{name}", (0.7,), tmp_path)
    np.testing.assert_allclose(got, difference(live[name], (0.7,), 0), rtol=1e-6)


def test_a_module_is_found_under_another_name_where_a_parameter_has_its_own(project, live, tmp_path):
    text = emitted(project / "model.py", "shadowed")
    (got,) = run_emitted(text, "grad_shadowed", (0.7, 3.0), tmp_path)
    np.testing.assert_allclose(got, 3 * np.cos(0.7))


def test_callees_keep_their_text_and_comments(project):
    text = emitted(project / "model.py", "calls")
    assert '    """exp(-k x)."""\n    return fade(-k * x)  # a comment\n' in text
    assert text.count("def decay(") == text.count("def fade(") == 1


def test_methods(project):
    scope = load(emitted(project / "model.py", "Model.loss"))
    assert scope["grad_loss"](type("Model", (), {"k": 5.0})(), 3.0) == 30.0
    assert load(emitted(project / "model.py", "Model.cost"))["grad_cost"](2.0) == 12.0


@pytest.mark.parametrize(
    ("name", "line", "column", "reason"),
    [
        ("grows", 51, 16, "the global 'grown' is no literal"),
        ("weights", 55, 19, "the global 'W' is no literal"),
        ("outer.inner", 66, 16, "'k' is a variable of the function around outer.inner"),
    ],
)
def test_what_cannot_be_copied_is_refused(name, line, column, reason, project):
    with pytest.raises(S2sadError) as caught:
        emitted(project / "model.py", name)
    error = caught.value
    assert error.code == "S504" and reason in error.reason and error.help
    assert (error.place.line, error.place.column) == (line, column)


def test_globals_can_be_imported(project):
    text = emitted(project / "model.py", "weights", import_globals=True)
    assert "\nfrom model import W\n" in text


def test_one_name_with_two_meanings_is_refused(project):
    with pytest.raises(S2sadError, match="'TAU' would mean two things in one file") as caught:
        emitted(project / "clash.py", "clash")
    assert caught.value.code == "S504" and caught.value.place.line == 6


def everything(folder):
    """All that the tests emit, as one text."""
    made = [emitted(folder / "primals.py", name, wrt) for name, _, wrt in CASES]
    names = ["constants", "calls", "table", "asserts", "local_import", "nothing", "shadowed", "Model.loss"]
    return "\n".join([*made, *(emitted(folder / "model.py", name) for name in names)])


def test_same_bytes_everywhere(primals, project):
    (project / "primals.py").write_text(PRIMALS)
    program = (
        "import importlib.util, pathlib, sys\n"
        "spec = importlib.util.spec_from_file_location('tests_of_files', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['pytest'] = sys.modules.get('pytest') or __import__('unittest.mock').mock.MagicMock()\n"
        "spec.loader.exec_module(module)\n"
        "sys.stdout.buffer.write(module.everything(pathlib.Path(sys.argv[2])).encode())\n"
    )
    texts = {}
    for python in PYTHONS:
        for seed in ("1", "2"):
            environment = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=str(ROOT))
            command = [python, "-c", program, __file__, str(project)]
            process = subprocess.run(command, env=environment, capture_output=True, timeout=120)
            assert process.returncode == 0, process.stderr.decode()
            texts[python, seed] = process.stdout
    first = everything(project).encode()
    assert len(first) > 5000
    for key, text in texts.items():
        assert text == first, key


def test_emitted_files_are_clean(primals, project, tmp_path):
    ours = [(primals, case[0]) for case in CASES]
    theirs = [(project / "model.py", name) for name in ("constants", "calls", "local_import")]
    for k, (path, name) in enumerate(ours + theirs):
        text = emitted(path, name)
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert all(line == line.rstrip() for line in text.split("\n"))
        (tmp_path / f"emitted_{k}.py").write_text(text)
    usual = ["--isolated", "--no-cache", "--select", "E4,E7,E9,F"]
    command = [sys.executable, "-m", "ruff", "check", *usual, str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
