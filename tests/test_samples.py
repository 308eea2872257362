"""Every sample runs as a user would run it, and what it prints is right."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "samples"


def run_sample(name, *arguments, cwd):
    """Standard output of a sample, run in a process of its own."""
    command = [sys.executable, "-X", "utf8", str(SAMPLES / name), *arguments]
    process = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=300)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_every_sample_is_run_here():
    text = Path(__file__).read_text(encoding="utf-8")
    for sample in SAMPLES.glob("*.py"):
        assert f'run_sample("{sample.name}"' in text, sample.name


def test_quickstart(tmp_path):
    output = run_sample("quickstart.py", cwd=tmp_path)
    for name in ("square", "cube", "identity", "reciprocal"):
        assert f"def grad_{name}(w):" in output
    assert "\n    return 2 * w\n" in output

    rows = re.findall(r"w = (\d): derivative (\S+), finite difference (\S+)", output)
    functions = (lambda w: w**2, lambda w: w**3, lambda w: w, lambda w: 1 / w)
    derivatives = (lambda w: 2 * w, lambda w: 3 * w**2, lambda w: 1.0, lambda w: -1 / w**2)
    expected = [
        (w, dJ(w), (J(w + 0.001) - J(w)) / 0.001) for J, dJ in zip(functions, derivatives) for w in (2, 3)
    ]
    assert len(rows) == len(expected)
    for (w, derivative, difference), (w_expected, exact, approximate) in zip(rows, expected):
        assert int(w) == w_expected
        assert float(derivative) == pytest.approx(exact, abs=1e-6)
        assert float(difference) == pytest.approx(approximate, abs=1e-6)


def test_gradient_descent(tmp_path):
    output = run_sample("gradient_descent.py", cwd=tmp_path)
    losses = [float(value) for value in re.findall(r"loss (\S+),", output)]
    assert len(losses) == 6
    assert all(later < earlier for earlier, later in zip(losses, losses[1:]))
    assert losses[-1] < 1e-12
    # Where the descent ends was found apart from s2sad, with finite differences.
    assert output.rstrip().endswith("vx 12.8036, vy 12.8981")


def test_custom_gradient(tmp_path):
    output = run_sample("custom_gradient.py", cwd=tmp_path)
    assert output.count("[12.  0.  0.]\n") == 3
    texts = output.split("[12.  0.  0.]\n")[1:]
    assert texts[0].rstrip().endswith("return np.where(np.arange(len(x)) == 0, 3 * zero_out_by_line(x) ** 2, 0)")
    lines = ["    g = np.zeros_like(x)", "    g[0] = (3 * zero_out(x) ** 2)[0]", "    return g"]
    assert texts[1].rstrip().splitlines()[-3:] == lines
    assert texts[2].rstrip().endswith("return np.copy(zero_out_vjp(3 * zero_out_by_call(x) ** 2, x))")


def test_derivative_plots(tmp_path):
    output = run_sample("derivative_plots.py", "--output", "plot.png", cwd=tmp_path)
    values = [float(value) for value in re.findall(r"at pi/4: (\S+)", output)]
    # sin(x)², then sin(2x), 2 cos(2x), -4 sin(2x)
    x = math.pi / 4
    expected = [math.sin(x) ** 2, math.sin(2 * x), 2 * math.cos(2 * x), -4 * math.sin(2 * x)]
    assert values == pytest.approx(expected, abs=1e-6)
    picture = (tmp_path / "plot.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 20_000


def test_digits(tmp_path):
    output = run_sample("digits.py", cwd=tmp_path)
    accuracies = dict(re.findall(r"(train|test) accuracy: (\S+)", output))
    assert float(accuracies["train"]) >= 0.95
    assert float(accuracies["test"]) >= 0.95
