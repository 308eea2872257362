"""The command line: what it prints, what it writes, and how it refuses."""

import importlib.util
import os
import stat
import subprocess
import sys

import pytest

from s2sad import grad, transforms
from s2sad.cli import main
from s2sad.cli.target import parse_kind
from s2sad.composition import TRANSFORMS

MODEL = '''\
import numpy as np


def cube(w):
    return w ** 3


def product(x: float, y: float):
    return x * y


def loss(W, b):
    return np.sum((W + b) ** 2)


def words(s: str):
    return 1.0


def ignores(x: float, y: float):
    return 2.0 * y


def looped(x: float, n: int):
    for i in range(n):
        x = x * x
    return x


class Model:
    def energy(self, x: float):
        return self.k * x


def broken(x):
    with x:
        return x
'''


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def run(*arguments):
    """Exit code of a command, argparse's own exits included."""
    try:
        return main(list(arguments))
    except SystemExit as exit:
        return exit.code


def shown(capsys, *arguments):
    assert run(*arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


# ---- show ----


def test_show_prints_the_source_of_the_derivative(model, capsys):
    spec = importlib.util.spec_from_file_location("model", model / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, wrt in (("cube", 0), ("product", "y"), ("looped", 0)):
        text = shown(capsys, "show", f"model.py:{name}", "--wrt", str(wrt))
        assert text == grad(getattr(module, name), wrt=wrt).source + "\n"


def test_wrt(model, capsys):
    assert shown(capsys, "show", "model.py:product", "--wrt", "x,y").endswith("    return y, x\n")
    assert shown(capsys, "show", "model.py:product", "--wrt", "1,0").endswith("    return x, y\n")
    assert shown(capsys, "show", "model.py:product", "--wrt=-1").endswith("    return x\n")
    assert shown(capsys, "show", "model.py:product", "--wrt", "y,").endswith("    return (x,)\n")


def test_types(model, capsys):
    generic = shown(capsys, "show", "model.py:loss")
    named = shown(capsys, "show", "model.py:loss", "--types", "Float64[n h], Float64[h]")
    ranked = shown(capsys, "show", "model.py:loss", "--types", "array(float64, 2), float", "--wrt", "b")
    assert "unbroadcast" in generic
    assert "return 2 * (W + b)" in named and "unbroadcast" not in named
    assert "np.sum" in ranked or ".sum()" in ranked
    assert shown(capsys, "show", "model.py:loss", "--types", "_, _") == generic


@pytest.mark.parametrize("mode", sorted(TRANSFORMS))
def test_modes(mode, model, capsys):
    assert shown(capsys, "show", "model.py:cube", "--mode", mode).startswith(f"def {mode}_cube(w")
    # The command and the function of this name mean the same.
    assert getattr(transforms, mode)(lambda x: x).options == TRANSFORMS[mode]


def test_methods(model, capsys):
    text = shown(capsys, "show", "model.py:Model.energy")
    assert text.startswith("def grad_energy(self, x: float):") and "self.k" in text


def test_stages(model, capsys):
    text = shown(capsys, "show", "model.py:looped", "--stages")
    stages = [line.split()[2] for line in text.splitlines() if line.startswith("# ---- ")]
    line = ["lowered", "specialised", "differentiated", "optimised", "nested"]
    assert stages == ["source", "gast", "desugared", *line, "text"]
    assert "    for i in range(n):" in text and "FunctionDef(" in text
    assert "save #x (x)" in text and "restore #x (x" in text
    assert "def @grad_looped(x: float, n: int)" in text
    assert text.endswith(shown(capsys, "show", "model.py:looped"))
    assert text == shown(capsys, "show", "model.py:looped", "--stages")


def test_colour_only_for_terminals(model, capsys, monkeypatch):
    plain = shown(capsys, "show", "model.py:cube")
    assert "\x1b" not in plain
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    if importlib.util.find_spec("pygments"):
        assert "\x1b" in shown(capsys, "show", "model.py:cube")
    assert shown(capsys, "show", "model.py:cube", "--no-color") == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(capsys, "show", "model.py:cube") == plain
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert shown(capsys, "show", "model.py:cube") == plain


# ---- emit ----


def test_emit_prints_or_writes(model, capsys):
    text = shown(capsys, "emit", "model.py:cube")
    assert "def grad_cube(w):" in text and "raise TypeError" in text
    assert shown(capsys, "emit", "model.py:cube", "-o", "out.py") == ""
    assert (model / "out.py").read_text() == text
    assert sorted(p.name for p in model.iterdir()) == ["model.py", "out.py"]
    assert "raise" not in shown(capsys, "emit", "model.py:cube", "--no-checks")


def test_emit_replaces_a_file_and_keeps_its_permissions(model, capsys):
    out = model / "out.py"
    out.write_text("old")
    out.chmod(0o640)
    (model / "link.py").symlink_to(out)
    assert shown(capsys, "emit", "model.py:cube", "-o", "link.py") == ""
    assert "grad_cube" in out.read_text() and (model / "link.py").is_symlink()
    assert stat.S_IMODE(out.stat().st_mode) == 0o640


def test_new_files_have_the_usual_permissions(model, capsys):
    (model / "usual").write_text("")
    shown(capsys, "emit", "model.py:cube", "-o", "out.py")
    assert (model / "out.py").stat().st_mode == (model / "usual").stat().st_mode


@pytest.mark.parametrize("output", ["no/such/folder/out.py", "folder", "model.py/out.py"])
def test_unwritable_output(output, model, capsys):
    (model / "folder").mkdir()
    before = sorted(model.rglob("*"))
    assert run("emit", "model.py:cube", "-o", output) == 1
    assert "[S502] cannot write" in capsys.readouterr().err
    assert sorted(model.rglob("*")) == before


def test_failed_write_leaves_the_old_file(model, capsys, monkeypatch):
    (model / "out.py").write_text("old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert run("emit", "model.py:cube", "-o", "out.py") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (model / "out.py").read_text() == "old"
    assert sorted(p.name for p in model.iterdir()) == ["model.py", "out.py"]


def test_refused_input_leaves_the_old_file(model, capsys):
    (model / "out.py").write_text("old")
    assert run("emit", "model.py:broken", "-o", "out.py") == 1
    assert (model / "out.py").read_text() == "old"


# ---- what goes wrong ----


@pytest.mark.parametrize("command", ["show", "emit"])
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.py:f"], "S110", "cannot read missing.py"),
        (["model.py:cubed"], "S112", "did you mean 'cube'?"),
        (["model.py:Model"], "S104", "is a class"),
        (["model.py:broken"], "S201", "model.py:36:10"),
        (["model.py:cube", "--wrt", "v"], "S401", "cube has no parameter 'v'"),
        (["model.py:cube", "--wrt", "3"], "S401", "cube has no parameter 3"),
        (["model.py:cube", "--types", "float, float"], "S402", "2 types are given"),
        (["model.py:words"], "S405", "'s' is stated to be text"),
        (["model.py:cube", "--types", "array(int64, 1)"], "S403", "'w' is stated to be integers"),
        (["model.py:cube", "--types", "array(float64, 1)"], "S408", "not a scalar"),
    ],
)
def test_refusals(command, arguments, code, said, model, capsys):
    assert run(command, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and f"[{code}]" in captured.err and said in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["shew"],
        ["show"],
        ["show", "model.py"],
        ["show", "model.py:"],
        ["show", "model.py:1"],
        ["show", ":f"],
        ["show", "model.py:cube", "--wrt", "x,,y"],
        ["show", "model.py:cube", "--types", "flot"],
        ["show", "model.py:cube", "--types", "array(float64, 2, 3)"],
        ["show", "model.py:cube", "--types", "float)("],
        ["show", "model.py:cube", "--mode", "gradient"],
        ["show", "model.py:cube", "--no-such-option"],
        ["show", "model.py:cube", "-o", "x.py"],
    ],
)
def test_wrong_usage(arguments, model, capsys):
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "[S501]" in captured.err and "help: " in captured.err


def test_no_command_prints_help(capsys):
    assert run() == 2
    assert "show" in capsys.readouterr().out


def test_version(capsys):
    import s2sad

    assert run("--version") == 0
    assert capsys.readouterr().out == f"s2sad {s2sad.__version__}\n"


def test_a_result_that_does_not_depend_is_warned_of(model, capsys):
    assert run("show", "model.py:ignores", "--wrt", "x") == 0
    captured = capsys.readouterr()
    assert "return 0.0" in captured.out and captured.err.startswith("warning: ") and captured.err.count("\n") == 1


def test_python_m(model):
    command = [sys.executable, "-m", "s2sad", "show", "model.py:cube"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=model)
    assert process.returncode == 0 and process.stdout.endswith("    return 3 * w ** 2\n")
    command[-1] = "model.py:cub"
    process = subprocess.run(command, capture_output=True, text=True, cwd=model)
    assert process.returncode == 1 and process.stderr.startswith("[S112]")


def test_a_closed_pipe_is_no_error(model):
    command = [sys.executable, "-m", "s2sad", "show", "model.py:cube"]
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=model)
    os.close(write)
    assert process.stderr == ""


def test_output_is_utf_8_whatever_the_locale(tmp_path):
    (tmp_path / "model.py").write_text("def f(α: float):\n    return α * α\n", encoding="utf-8")
    environment = dict(os.environ, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    command = [sys.executable, "-m", "s2sad", "emit", "model.py:f"]
    process = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment)
    assert process.returncode == 0 and "return 2 * α" in process.stdout.decode("utf-8")


# ---- types ----


@pytest.mark.parametrize(
    ("text", "sort", "dtype", "rank"),
    [
        ("float", "float", None, 0),
        ("int", "int", None, 0),
        ("array(float64, 2)", "array", "float64", 2),
        ("array(2)", "array", None, 2),
        ("array(float32)", "array", "float32", None),
        ("array(float64, 0)", "array", "float64", 0),
        ("Float64[n h]", "array", "float64", 2),
        ('Float32[np.ndarray, "n h 3"]', "array", "float32", 3),
        ("Float[...]", "array", None, None),
        ("np.ndarray", "array", None, None),
        ("str", "str", None, None),
        ("tuple[float, float]", "tuple", None, None),
    ],
)
def test_types_are_parsed(text, sort, dtype, rank):
    kind = parse_kind(text)
    assert (kind.sort, kind.dtype, kind.rank) == (sort, dtype, rank)
