"""Modules like NumPy: the rules of NumPy serve their functions of the same name, and the text calls these modules."""

import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

from s2sad import S2sadError, adjoint, d, elementwise, grad, jvp, value_and_grad, vjp
from s2sad.composition import TRANSFORMS
from s2sad.frontend.files import open_primal
from s2sad.recipe import recipe

PROGRAMS = '''
def products(w, x):
    return xp.sum(xp.tanh(w @ x) ** 2)

def neighbours(x):
    return xp.sum(x[1:] * x[:-1])

def items(x):
    return x[0] * xp.sin(x[1]) + x[2] ** 3

def dead_branch(x):
    return xp.sum(xp.where(x > 0, xp.sqrt(xp.abs(x)), x))

def variances(w):
    return (xp.std(w, axis=0) * xp.exp(-w.mean(axis=0))).sum()

def joined(w):
    return xp.sum(xp.concatenate([w[0], w[1] * 2]) ** 2)

def einstein(w):
    return xp.einsum("ij,ij->", w, w) ** 2

def of_methods(x):
    return x.sum() ** 2 + xp.sum(x * x.mean())

def norms(w):
    return xp.linalg.norm(w) + xp.sum(xp.dot(w.T, w))

def reshaped(w, x):
    return ((w @ x).reshape((2, 2)).T[0] ** 2).sum()

def running(x):
    return xp.sum(xp.cumsum(x) * xp.dot(x, x))

def looped(x):
    total = 0.0
    for i in range(3):
        total = total + xp.cos(x[i]) * total + x[i]
    return total
'''

RNG = np.random.default_rng(7)
DATA = {"w": RNG.normal(size=(4, 3)), "x": RNG.normal(size=3)}


def programs_for(module):
    """The programs with `xp` bound to a module, in a file of their own."""
    import linecache
    import types

    made = types.ModuleType(f"programs_of_{module.__name__.replace('.', '_')}")
    text = f"import {module.__name__} as xp\n{PROGRAMS}"
    file = f"<{made.__name__}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), vars(made))
    return {n: f for n, f in vars(made).items() if inspect.isfunction(f)}


NUMPY = programs_for(np)


def expected(name):
    names = inspect.signature(NUMPY[name]).parameters
    return [DATA[n] for n in names], grad(NUMPY[name])(*(DATA[n] for n in names))


@pytest.fixture(scope="module")
def jax():
    found = pytest.importorskip("jax")
    found.config.update("jax_enable_x64", True)
    return found


@pytest.fixture(scope="module")
def jnp(jax):
    import jax.numpy

    return jax.numpy


@pytest.mark.parametrize("name", NUMPY)
def test_jax(jax, jnp, name):
    f = programs_for(jnp)[name]
    given, gradient = expected(name)
    arrays = [jnp.array(a) for a in given]
    made = grad(f)
    found = made(*arrays)
    assert isinstance(found, jax.Array)
    assert np.allclose(found, gradient) and np.allclose(found, jax.grad(f)(*arrays))
    text = made.specialisations[-1].source
    assert "np." not in text and "s2sad" not in text
    direction = jnp.ones_like(arrays[0])
    tangent = jax.jvp(lambda a: f(a, *arrays[1:]), (arrays[0],), (direction,))
    assert np.allclose(jvp(f)(*arrays, direction), tangent)
    assert np.allclose(value_and_grad(f)(*arrays)[0], f(*arrays))


def test_jax_compiles_it(jax, jnp):
    f = programs_for(jnp)["items"]
    x = jnp.array(DATA["x"])
    assert np.allclose(jax.jit(grad(f))(x), jax.grad(f)(x))
    assert np.allclose(jax.jit(grad(f).specialise(x))(x), jax.grad(f)(x))


def test_jax_sums_into_new_arrays(jax, jnp):
    def f(x):
        return jnp.sum(x[jnp.array([0, 0, 2])] ** 2)

    made = grad(f)
    assert np.allclose(made(jnp.arange(1.0, 4)), [4, 0, 6])
    assert "x_bar = x_bar.at[t1].add(2 * x[t1])" in made.specialisations[0].source


def test_jax_second_order(jax, jnp):
    f = programs_for(jnp)["neighbours"]
    x, v = jnp.array(DATA["x"]), jnp.ones(3)
    hessian_times_v = jax.jvp(jax.grad(f), (x,), (v,))[1]
    assert np.allclose(jvp(grad(f))(x, v)[1], hessian_times_v)
    assert np.allclose(vjp(grad(f))(x, v), hessian_times_v)


def test_jax_with_rules_of_users(jax, jnp):
    def soft(x):
        return x / (1 + jnp.abs(x))

    def doubled(x):
        return jnp.add(x, x)

    elementwise(soft, x="1 / (1 + np.abs(x))**2")

    @adjoint(doubled)
    def _(y, x):
        d[x] = jnp.add(d[y], d[y])

    made = grad(lambda x: jnp.sum(doubled(soft(x))))
    assert np.allclose(made(jnp.array([0.0, 1.0])), [2, 0.5])
    assert "np.abs(x)" in made.specialisations[0].source.replace("jnp.abs", "np.abs")


def test_jax_refused_by_name(jax, jnp):
    def writes(x):
        y = jnp.zeros(3)
        y[0] = x[0]
        return jnp.sum(y)

    for f, reason in (
        (writes, "would need a write into an array"),
        (lambda x: jnp.sum(jnp.sort(x) * x), "would need sort_adjoint, a function of s2sad for arrays of NumPy"),
        (lambda x: jnp.sum(jax.nn.relu(x)), "relu has no derivative rule"),
    ):
        with pytest.raises(S2sadError, match=reason) as refused:
            grad(f)(jnp.arange(3.0))
        assert refused.value.place.file == __file__


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", NUMPY)
def test_dask(name):
    da = pytest.importorskip("dask.array")
    f = programs_for(da)[name]
    given, gradient = expected(name)
    arrays = [da.from_array(a, chunks=2) for a in given]
    made = grad(f)
    found = made(*arrays)
    assert isinstance(found, da.Array)
    assert np.allclose(found.compute(), gradient)
    assert all(np.array_equal(a.compute(), b) for a, b in zip(arrays, given))
    text = made.specialisations[-1].source
    assert "np." not in text and "s2sad" not in text


def test_dask_refused_by_name():
    da = pytest.importorskip("dask.array")
    with pytest.raises(S2sadError, match="would need heaviside, which dask.array does not have"):
        grad(lambda x: da.sum(da.maximum(x, 0.0)))(da.ones(3))


def test_two_modules_in_one_program(jnp):
    da = pytest.importorskip("dask.array")
    with pytest.raises(S2sadError, match="arrays of jax.numpy and of dask.array in one call"):
        grad(lambda x, y: x.sum() * y.sum())(jnp.ones(3), da.ones(3))
    with pytest.raises(S2sadError, match="arrays of jax.numpy and of dask.array in one program"):
        grad(lambda x: jnp.sum(x) * da.sum(x))(np.ones(3))


# ---- what holds without the modules: files are read, not run ---------------------------------------------------------


def emitted(folder, module, body, alias="xp"):
    text = f"import {module} as {alias}\nimport numpy as np\n\n\n" + textwrap.dedent(body)
    (folder / "model.py").write_text(text)
    return recipe(open_primal(str(folder / "model.py"), "f"), TRANSFORMS["grad"]).file(checks=False)


@pytest.mark.parametrize("module, alias", [("jax.numpy", "jnp"), ("cupy", "cp"), ("dask.array", "da")])
def test_files(tmp_path, module, alias):
    text = emitted(tmp_path, module, f"""
        def f(w: np.ndarray):
            return {alias}.sum({alias}.tanh(w) ** 2)
    """, alias)  # fmt: skip
    assert f"import {module} as {alias}\n" in text or f"from dask import array as {alias}\n" in text
    assert text.rstrip().endswith(f"t1 = {alias}.tanh(w)\n    return 2 * t1 * (1 - t1 ** 2)")


def test_files_under_another_name(tmp_path):
    text = emitted(tmp_path, "jax.numpy", """
        def f(w: np.ndarray):
            return J.sum(J.sin(w))
    """, "J")  # fmt: skip
    assert text.rstrip().endswith("return J.cos(w)")


def test_sums_into_items(tmp_path):
    body = """
        def f(x: np.ndarray):
            return xp.sum(xp.sin(x[0]))
    """
    texts = [emitted(tmp_path, m, body) for m in ("jax.numpy", "cupy", "dask.array")]
    added = texts[1].partition("x_bar[0] += ")[2].splitlines()[0]
    assert "xp.cos(x[0])" in added
    assert f"x_bar = x_bar.at[0].add({added})" in texts[0] and f"x_bar[0] += {added}" in texts[2]


def test_numbers_are_not_changed_in_place(tmp_path):
    # What is a number in NumPy is an array there, and under two names: `x_bar += ...` would change both.
    text = emitted(tmp_path, "cupy", """
        def f(x: float):
            y = xp.sin(x)
            return y * y + y
    """)  # fmt: skip
    assert "+=" not in text and "*=" not in text


def test_helpers_are_refused(tmp_path):
    with pytest.raises(S2sadError, match="for arrays of cupy would need sort_adjoint"):
        emitted(tmp_path, "cupy", "def f(x: np.ndarray):\n    return xp.sum(xp.sort(x) ** 2)\n")
    with pytest.raises(S2sadError, match="would need a write into an array"):
        emitted(tmp_path, "jax.numpy", "def f(x: np.ndarray):\n    y = xp.zeros(3)\n    y[0] = x[0]\n    return y[0]\n")


def test_readme_shows_the_text(jnp, tmp_path, monkeypatch):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    shown = readme[readme.index("import jax.numpy as jnp\n") :].partition("```")[0]
    model, _, text = shown.partition("grad(loss) of a vector of JAX:\n\n")
    (tmp_path / "model_of_readme.py").write_text(model)
    monkeypatch.syspath_prepend(tmp_path)
    import model_of_readme

    made = grad(model_of_readme.loss)
    made(jnp.ones(2))
    assert f"{made.specialisations[0].source}\n" == text
