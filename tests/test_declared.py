"""Rules that files register count for what is written to a file, and nothing of these files runs."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from s2sad import S2sadError
from s2sad.composition import TRANSFORMS
from s2sad.frontend.files import open_primal
from s2sad.recipe import recipe


def project(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def emitted(folder, function="f", transform="grad", file="model", **options):
    made = recipe(open_primal(str(folder / f"{file}.py"), function), TRANSFORMS[transform])
    return made.file(**options)


def run(text, call):
    """The value of a call of what an emitted text defines, in a process that does not know s2sad."""
    program = f"import sys\nsys.modules['s2sad'] = None\n{text}\nprint({call})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


RUNS = "raise RuntimeError('this file runs')\n"

TEMPLATE = """
    import numpy as np
    from s2sad import adjoint, d

    FACTOR = 7.0

    def zero_out(x):
        y = np.zeros_like(x)
        y[0] = x[0]
        return y

    @adjoint(zero_out)
    def _(y, x):
        g = np.zeros_like(x)
        g[0] = FACTOR * d[y][0]
        d[x] = g

    def f(x):
        return np.sum(zero_out(x) ** 2)

    raise RuntimeError('this file runs')
"""


def test_template_beside_the_function(tmp_path):
    text = emitted(project(tmp_path, model=TEMPLATE))
    assert "FACTOR * (2 * zero_out(x))[0]" in text and "FACTOR = 7.0\n" in text
    assert "s2sad" not in text and "d[" not in text
    assert run(text, "grad_f(np.array([2.0, 3.0]))") == "[28.  0.]"


def test_forward_mode(tmp_path):
    text = emitted(project(tmp_path, model=TEMPLATE), transform="jvp")
    assert run(text, "jvp_f(np.array([2.0, 3.0]), np.ones(2))[1].item()") == "28.0"


def test_rules_of_another_file(tmp_path):
    rules = TEMPLATE.replace("    raise RuntimeError('this file runs')", "")
    model = """
        import numpy as np
        from operations import zero_out
        import rules_of_mine

        FACTOR = 2.0

        def g(x):
            return FACTOR * np.sum(zero_out(x) ** 2)
    """
    operations = """
        import numpy as np

        def zero_out(x):
            y = np.zeros_like(x)
            y[0] = x[0]
            return y
    """
    rules_of_mine = """
        import s2sad
        import numpy
        from s2sad import d
        from operations import zero_out

        @s2sad.adjoint(zero_out)
        def _(y, x):
            g = numpy.zeros_like(x)
            g[0] = 5 * d[y][0]
            d[x] = g
    """
    folder = project(tmp_path, model=model, operations=operations, rules_of_mine=rules_of_mine)
    text = emitted(folder, "g")
    assert "5 * (2 * FACTOR * zero_out(x))[0]" in text and "import numpy\n" not in text
    assert run(text, "grad_g(np.array([2.0, 3.0]))") == "[40.  0.]"
    # A global of the rules' own file is not mistaken for that of the model.
    other = model.replace("from operations", "from rules").replace("import rules_of_mine\n", "")
    project(tmp_path, model=other, rules=rules)
    with pytest.raises(S2sadError, match="'FACTOR' would mean two things in one file"):
        emitted(folder, "g")
    project(tmp_path, model=other.replace("FACTOR", "WEIGHT"))
    text = emitted(folder, "g")
    assert "def adjoint_zero_out(x, y_bar):" in text
    assert run(text, "grad_g(np.array([2.0, 3.0]))") == "[56.  0.]"


def test_opaque_function_is_copied(tmp_path):
    model = """
        import math
        from s2sad import custom_vjp, custom_jvp

        def f(x: float):
            return 3 * op(x)

        def op(x, n=2):
            return x ** n

        @custom_vjp(op)
        def _(g, x, n):
            return slope(x, n) * g

        def slope(x, n):
            return n * x ** (n - 1)
    """
    text = emitted(project(tmp_path, model=model))
    assert "def op_vjp(g, x, n):" in text and "def slope(x, n):" in text
    assert "return op_vjp(3.0, x, 2)" in text
    assert run(text, "grad_f(5.0)") == "30.0"


def test_lines(tmp_path):
    model = """
        import numpy as np
        import s2sad

        def f(x: float, y: float):
            return sign(x) * softsign(x) * np.tanh(y)

        def softsign(x):
            return x / (1 + abs(x))

        def sign(x):
            return np.sign(x)

        s2sad.elementwise(softsign, x="1 / (1 + abs(x)) ** 2")
        rounded = s2sad.elementwise("numpy.tanh", "x", x="100.0")
        s2sad.nondifferentiable(sign)
    """
    folder = project(tmp_path, model=model)
    assert run(emitted(folder), "grad_f(1.0, 0.0)") == "0.0"
    assert float(run(emitted(folder), "grad_f(1.0, 1.0)")) == pytest.approx(np.tanh(1) / 4)
    made = recipe(open_primal(str(folder / "model.py"), "f"), TRANSFORMS["grad"])
    assert "100.0" not in made.text().text
    # Only what this file says holds there: the rule of tanh is its own in this process.
    from s2sad import grad

    assert grad(lambda y: np.tanh(y))(0.0) == 1.0


def test_function_with_a_rule_itself(tmp_path):
    model = """
        from s2sad import custom_vjp

        def f(x: float):
            return x * x

        @custom_vjp(f)
        def f_vjp(g, x):
            return 9.0 * g
    """
    assert run(emitted(project(tmp_path, model=model)), "grad_f(5.0)") == "9.0"


REFUSED = {
    "the name": ("@adjoint(op)\ndef _(y, x):\n    d[x] = cosine(d[y])\n", "'cosine' is not defined", "cosine(d[y])"),
    "the argument": ("@adjoint(op)\ndef _(y):\n    d[x] = d[y]\n", "no parameter 'x'", "def _(y):"),
    "the text": ("elementwise(op, x='np.cosine(x)')\n", "numpy has no 'cosine'", "elementwise("),
    "not literal": ("elementwise(op, x='1' * 2)\n", "known only when the file runs", "elementwise("),
    "no function": ("elementwise(N, x='1')\n", "cannot be found out", "elementwise("),
    "two of a name": (
        "@custom_vjp(op)\ndef _(g):\n    return g\n\n@custom_vjp(f)\ndef _(g):\n    return g\n",
        "several functions of the file are called '_'", "def _(g):",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_its_place(tmp_path, case):
    wrong, reason, line = REFUSED[case]
    head = "import numpy as np\nfrom s2sad import adjoint, custom_vjp, d, elementwise\n\nN = 3\n\n"
    functions = "def op(x):\n    return x\n\ndef f(x):\n    return op(x)\n\n"
    (tmp_path / "model.py").write_text(head + functions + wrong)
    with pytest.raises(S2sadError) as refused:
        emitted(tmp_path)
    error = refused.value
    assert error.code == "S302" and reason in error.reason
    assert error.place.file == str(tmp_path / "model.py") and line in error.place.text
