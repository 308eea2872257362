"""Every rule of `scipy.special`, in every case, against differences, to second order."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
from rules.harness import (
    Wrong,
    broken,
    check,
    check_dtype,
    function_of,
    missed,
    numbers,
    partials,
    rules_of,
    unknown_names,
    use,
)
from rules.orders import check_orders
from scipy import special

import s2sad
from s2sad.cli import main as cli_main
from s2sad.differentiate import instantiate
from s2sad.errors import S2sadError
from s2sad.rules import registry
from s2sad.rules.coverage import public_functions, status

FILES = [f"s2sad.rules.scipy.{name}" for name in ("special", "bessel", "distributions")]  # complex ones are apart
NAMES = rules_of(*FILES)

SHAPES = [None, "scalar", (), (3,), (2, 3), (1, 3), (0,)]

#: The arguments of a function: bounds between which it is smooth, or a number that is held.
ARGUMENTS = {
    "polygamma": [2, (0.5, 3)], "zeta": [2.5, (0.5, 3)], "multigammaln": [(2, 4), 3], "binom": [(3, 5), (0.3, 2.5)],
    "gammainc": [1.7, (0.3, 3)], "gammaincc": [1.7, (0.3, 3)], "gammaincinv": [1.7, (0.2, 0.8)],
    "gammainccinv": [1.7, (0.2, 0.8)], "betainc": [1.7, 2.4, (0.2, 0.8)], "betaincc": [1.7, 2.4, (0.2, 0.8)],
    "betaincinv": [1.7, 2.4, (0.2, 0.8)], "betainccinv": [1.7, 2.4, (0.2, 0.8)], "erfinv": [(-0.9, 0.9)],
    "erfcinv": [(0.2, 1.8)], "ndtri": [(0.1, 0.9)], "ndtri_exp": [(-2, -0.3)], "logit": [(0.1, 0.9)],
    "xlog1py": [(0.3, 2), (-0.5, 2)], "huber": [(0.5, 1), (1.1, 2)], "expm1": [(-1, 1)], "exprel": [(-1, 1)],
    "boxcox": [(0.5, 2), (-1, 1)], "inv_boxcox": [(0.2, 0.6), (-0.9, 1)], "inv_boxcox1p": [(0.2, 0.6), (-0.9, 1)],
    "boxcox1p": [(0.5, 2), (-1, 1)], "expn": [3, (0.3, 2)], "hyp0f1": [1.5, (-1, 2)], "hyp1f1": [0.7, 1.6, (-1, 2)],
    "hyp2f1": [0.7, 1.2, 1.9, (-2, 0.7)], "hyperu": [0.7, 1.6, (0.4, 2)], "wright_bessel": [0.6, 1.2, (0.3, 2)],
    "log_wright_bessel": [0.6, 1.2, (0.3, 2)], "ellipk": [(-2, 0.8)], "ellipe": [(-2, 0.8)], "ellipkm1": [(0.1, 2)],
    "ellipkinc": [(-4, 4), (-2, 0.8)], "ellipeinc": [(-4, 4), (-2, 0.8)], "ellipj": [(-2, 2), (0.1, 0.8)],
    "eval_jacobi": [3, 0.5, 1.5, (-0.9, 0.9)], "eval_gegenbauer": [3, 0.7, (-0.9, 0.9)],
    "eval_genlaguerre": [3, 0.7, (0.2, 2)], "eval_sh_jacobi": [3, 2.5, 1.5, (0.1, 0.9)],
    "assoc_laguerre": [(0.2, 2), 3, 0.7], "lpmv": [1, 3, (-0.8, 0.8)], "spherical_in": [2, (0.3, 2)],
    "stdtr": [3.5, (-2, 2)], "stdtrit": [3.5, (0.2, 0.8)], "fdtr": [3.5, 4.5, (0.3, 2)], "fdtrc": [3.5, 4.5, (0.3, 2)],
    "fdtri": [3.5, 4.5, (0.2, 0.8)], "chdtr": [3.5, (0.3, 3)], "chdtrc": [3.5, (0.3, 3)], "chdtri": [3.5, (0.2, 0.8)],
    "bdtr": [2, 5, (0.2, 0.8)], "bdtrc": [2, 5, (0.2, 0.8)], "nbdtr": [2, 5, (0.2, 0.8)], "nbdtrc": [2, 5, (0.2, 0.8)],
    "pdtr": [2, (0.3, 3)], "pdtrc": [2, (0.3, 3)], "gdtr": [(0.5, 2), 1.7, (0.5, 2)],
    "gdtrc": [(0.5, 2), 1.7, (0.5, 2)],
    "gdtrix": [(0.5, 2), 1.7, (0.2, 0.8)], "gdtria": [(0.2, 0.8), 1.7, (0.5, 2)], "tklmbda": [(-1, 1), 0.4],
    "nrdtrimn": [(0.2, 0.4), (0.5, 2), (-1, 1)], "nrdtrisd": [(-1, 0), (0.6, 0.9), (1, 2)],
    "besselpoly": [(0.3, 1), 1.2, 1.5], "airye": [(0.3, 2)], "log_ndtr": [(-4, 2)], "round": [(0.6, 1.4)],
    "gammasgn": [(0.6, 1.4)], "tandg": [(10, 60)], "cotdg": [(10, 60)],
    **{f"eval_{n}": [3, (-0.9, 0.9)] for n in (
        "legendre", "chebyt", "chebyu", "chebyc", "chebys", "hermite", "hermitenorm", "laguerre", "sh_legendre",
        "sh_chebyt", "sh_chebyu")},
    **{n: [1.5, (0.5, 3)] for n in ("jv", "yv", "iv", "kv", "jve", "yve", "ive", "kve", "jvp", "yvp", "ivp", "kvp")},
    **{n: [2, (0.5, 3)] for n in ("yn", "kn", "struve", "modstruve", "spherical_jn", "spherical_yn", "spherical_in",
                                  "spherical_kn")},
}  # fmt: skip
#: These take lists of numbers in their own ways, and have uses of their own.
APART = {"logsumexp", "softmax", "log_softmax"}
#: Where a derivative calls a function that SciPy has in double precision only, or of parameters that are numbers.
DOUBLE = set(
    "ellipk ellipe spence polygamma yn kn multigammaln bdtr bdtrc nbdtr nbdtrc betainc betaincc betaincinv betainccinv"
    " huber boxcox boxcox1p chdtr chdtrc chdtri fdtr fdtrc fdtri gdtr gdtrc gdtria gdtrix it2struve0 itstruve0"
    " itmodstruve0 nrdtrimn pdtr pdtrc powm1 stdtr stdtrit".split()
)


def arguments_of(own, shape, seed):
    entry = registry.find(f"scipy.special.{own}")
    required = [p for p in entry.parameters if p.default is registry.REQUIRED]
    given = ARGUMENTS.get(own, [(0.5, 2)] * len(required))
    return [numbers(shape, *a, seed + k) if isinstance(a, tuple) else a for k, a in enumerate(given)]


def uses_of(name):
    own = name.rpartition(".")[2]
    for seed, shape in enumerate(SHAPES):
        yield use(name, *arguments_of(own, shape, seed))
    given = arguments_of(own, (2, 3), 7)
    if sum(isinstance(a, np.ndarray) for a in given) > 1:  # each against the others' shapes
        row, column = arguments_of(own, (3,), 8), arguments_of(own, (2, 1), 9)
        for k in range(len(given)):
            yield use(name, *(row[i] if i == k else column[i] for i in range(len(given))))
            yield use(name, *(arguments_of(own, None, 10)[i] if i == k else given[i] for i in range(len(given))))


def uses():
    for name in NAMES:
        if name.rpartition(".")[2] not in APART and registry.find(name).differentiable:
            yield from uses_of(name)
    for n in (0, 1):
        for name in ("hermite", "hermitenorm", "legendre", "chebyt", "chebyu", "laguerre", "sh_legendre"):
            yield use(f"scipy.special.eval_{name}", n, numbers((3,), 0.2, 0.8))
        yield use("scipy.special.eval_sh_jacobi", n, 2.5, 1.5, numbers((3,), 0.2, 0.8))
        yield use("scipy.special.eval_jacobi", n, 2.5, 1.5, numbers((3,), 0.2, 0.8))
        for name in ("jn", "yn", "in", "kn"):
            yield use(f"scipy.special.spherical_{name}", n, numbers((3,), 0.5, 2))
            yield use(f"scipy.special.spherical_{name}", n, numbers((3,), 0.5, 2), derivative=True)
            yield use(f"scipy.special.{name[0].replace('i', 'j')}v", n, numbers((3,), 0.5, 2))
    for name in ("jvp", "yvp", "ivp", "kvp"):
        yield use(f"scipy.special.{name}", 1, numbers((3,), 0.5, 2), 2)
    yield use("scipy.special.zeta", 2, numbers((3,), 0.5, 2))
    yield use("scipy.special.polygamma", 0, numbers((3,), 0.5, 2))
    a, b = numbers((2, 3)), numbers((2, 3), 0.5, 2)
    for axis in (None, 0, -1, (0, 1)):
        for keepdims in (False, True):
            yield use("scipy.special.logsumexp", a, axis=axis, keepdims=keepdims)
            yield use("scipy.special.logsumexp", a, axis, b, keepdims)
            yield use("scipy.special.logsumexp", a, axis, b[:1], keepdims)
            yield use("scipy.special.logsumexp", a[:, :1], axis, b, keepdims)
        yield use("scipy.special.softmax", a, axis)
        yield use("scipy.special.log_softmax", a, axis=axis)
    for x in (numbers((4,)), numbers((2, 3)), numbers((2, 3, 2)), numbers((1, 3))):
        yield use("scipy.special.logsumexp", x)
        yield use("scipy.special.softmax", x)
        yield use("scipy.special.log_softmax", x)


USES = list(uses())


@pytest.mark.parametrize("name", NAMES)
def test_rule(name):
    own = name.rpartition(".")[2]
    tolerance = {"gdtrix": 1e-5, "stdtrit": 1e-5, "fdtri": 1e-5}.get(own, 2e-6)
    for u in USES:
        if u.name == name:
            check(replace(u, tolerance=tolerance))
            if own not in DOUBLE:
                check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(replace(u, tolerance=1e-5), covered)
    assert not missed([n for n in NAMES if registry.find(n).differentiable], covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


def vectors():
    """One use of each rule, of vectors where it takes them."""
    found = {}
    for u in USES:
        if any(np.shape(a) == (3,) for a in u.args) or u.name.rpartition(".")[2] in APART:
            found.setdefault(u.name, u)
    return found


VECTORS = vectors()
#: Of second order by an argument of a derivative that has no rule.
FIRST_ONLY = {"ellipkm1", "ellipkinc", "ellipeinc", "ellipj", "elliprc", "elliprf", "elliprg", "agm"}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_orders(name):
    refused = check_orders(VECTORS[name])
    if name.rpartition(".")[2] in FIRST_ONLY:
        assert refused and all("scipy.special.elliprd has no derivative rule" in reason for reason in refused)
    else:
        assert not refused


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(VECTORS[name], entry=broken(registry.find(name)))


# The table
def test_every_public_function_is_classified():
    assert [n for n in public_functions("scipy.special") if status(n) is None] == []


def test_parameters_without_a_formula_say_why():
    """Every parameter of a rule is differentiated, constant, an option, or refused with a reason."""
    for name in NAMES:
        entry = registry.find(name)
        for p in entry.parameters:
            option = p.default is not registry.REQUIRED
            known = p.name in (*entry.differentiable, *entry.constant, *entry.refused) or option
            assert known or not entry.differentiable, f"{name}: {p.name}"


def by_order(v):
    return scipy.special.jv(v, 2.0)


def by_argument(x):
    return scipy.special.voigt_profile(x, 1.0, 1.0)


@pytest.mark.parametrize("transform", [s2sad.grad, s2sad.transforms.jvp])
def test_refusals(transform):
    arguments = (1.5,) if transform is s2sad.grad else (1.5, 1.0)
    with pytest.raises(S2sadError, match="respect to 'v': there is no closed formula") as refusal:
        transform(by_order)(*arguments)
    assert refusal.value.code == "S303"
    with pytest.raises(S2sadError, match="it needs the complex error function"):
        transform(by_argument)(*arguments)


def test_where_scipy_is_missing_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(instantiate, "runtime_functions", instantiate.runtime_functions.__wrapped__)
    for name in [n for n in sys.modules if n.partition(".")[0] == "scipy" or n.startswith("s2sad.runtime.scipy.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert instantiate.runtime_function("digamma") == "s2sad.runtime.special.digamma"
    with pytest.raises(S2sadError, match="SciPy must be installed") as refusal:
        instantiate.runtime_function("ellipkinc_by_m")
    assert refusal.value.help == "pip install s2sad[scipy]"


def test_rules_do_not_import_scipy():
    script = (
        "import sys, s2sad\n"
        "from s2sad.rules import registry\n"
        "registry.find('numpy.sin'), registry.canonical_name('numpy.abs'), registry.is_of_user('numpy.sin')\n"
        "assert 's2sad.rules.scipy.table' not in sys.modules\n"
        "assert registry.find('scipy.special.erf') and registry.find('scipy.stats.norm.pdf')\n"
        "assert 'scipy' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_files_carry_what_needs_scipy(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("from scipy import special\n\n\ndef f(m: float) -> float:\n    return special.ellipkinc(0.7, m)\n")
    assert cli_main(["emit", f"{path}:f", "-o", str(tmp_path / "made.py")]) == 0
    namespace = {}
    text = (tmp_path / "made.py").read_text()
    exec(text, namespace)
    assert "import s2sad" not in text and "from scipy import special\n" in text
    by_differences = (special.ellipkinc(0.7, 0.3 + 1e-6) - special.ellipkinc(0.7, 0.3 - 1e-6)) / 2e-6
    assert np.isclose(namespace["grad_f"](0.3), by_differences)


# Texts
def log_partition(x):
    return special.logsumexp(x)


def rows(x):
    return np.sum(special.logsumexp(x, axis=1) ** 2)


def entropy(x):
    return np.sum(special.entr(special.softmax(x)))


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (log_partition, "    return np.exp(x - special.logsumexp(x))"),
        (
            rows,
            "    t1 = special.logsumexp(x, axis=1)\n"
            "    return 2 * np.expand_dims(t1, 1) * np.exp(x - np.expand_dims(t1, 1))",
        ),
        (
            entropy,
            "    # Forward sweep\n    t1 = special.softmax(x)\n    # Reverse sweep\n"
            "    # return np.sum(special.entr(special.softmax(x)))\n    t2_bar = -np.log(t1) - 1\n"
            "    return t1 * (t2_bar - np.sum(t2_bar * t1))",
        ),
    ],
)
def test_texts_of_sums_of_exponentials(f, text):
    derivative = s2sad.grad(f)
    derivative(np.ones((2, 3)))
    found = derivative.specialisations[0].source
    assert found.split('"""')[2].strip("\n") == text


# Singular points
@pytest.mark.parametrize(
    ("u", "by", "expected"),
    [
        (use("scipy.special.j1", np.zeros(1)), "x", [0.5]),
        (use("scipy.special.jv", 1, np.zeros(1)), "z", [0.5]),
        (use("scipy.special.i1", np.zeros(1)), "x", [0.5]),
        (use("scipy.special.spherical_jn", 1, np.zeros(1)), "z", [1 / 3]),
        (use("scipy.special.ellipk", np.zeros(1)), "m", [np.pi / 8]),
        (use("scipy.special.ellipe", np.zeros(1)), "m", [-np.pi / 8]),
        (use("scipy.special.exprel", np.zeros(1)), "x", [0.5]),
        (use("scipy.special.spence", np.ones(1)), "x", [-1]),
        (use("scipy.special.boxcox", np.full(1, np.e), np.zeros(1)), "p", [0.5]),
        (use("scipy.special.agm", np.ones(1), np.ones(1)), "a", [0.5]),
        (use("scipy.special.xlogy", np.zeros(1), np.zeros(1)), "b", [0]),
        (use("scipy.special.xlog1py", np.zeros(1), np.full(1, -1.0)), "b", [0]),
        (use("scipy.special.log_ndtr", np.full(1, -1e8)), "x", [1e8]),
        (use("scipy.special.ndtri_exp", np.full(1, -1e8)), "x", [7.0710677e-05]),
        (use("scipy.special.eval_legendre", 3, np.array([-1.0, 1.0])), "x", [6, 6]),
        (use("scipy.special.tklmbda", np.array([-3.0, 0.0, 3.0]), 1.0), "x", [0, 0.5, 0]),
    ],
    ids=repr,
)
def test_singular_points(u, by, expected):
    for found in partials(u, by):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)
