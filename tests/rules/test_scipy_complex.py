"""Functions of `scipy.special` of complex numbers, or with complex results, against differences by both parts."""

import numpy as np
import pytest
import scipy.special
from rules.harness import numbers
from scipy import special

import s2sad
from s2sad.errors import S2sadError
from s2sad.rules import registry
from s2sad.transforms import jvp, vjp

#: The arguments before the complex one.
BEFORE = {"jv": "1.5, ", "yv": "1.5, ", "iv": "1.5, ", "kv": "1.5, ", "hankel1": "1.5, ", "hankel2": "1.5, ",
          "hyp0f1": "1.4, ", "hyp1f1": "0.7, 1.6, ", "hyp2f1": "0.7, 1.2, 1.9, ", "eval_jacobi": "3, 0.5, 1.5, ",
          "eval_gegenbauer": "3, 0.7, ", "eval_genlaguerre": "3, 0.7, ",
          **{f"eval_{n}": "3, " for n in ("legendre", "chebyt", "chebyu", "laguerre")}}  # fmt: skip
registry.load()
NAMES = sorted(n.rpartition(".")[2] for n in registry._for_complex if n.startswith("scipy.special."))
FROM_REAL = ["hankel1", "hankel2", "lambertw", "wofz"]
#: Of second order by a function of which there is no complex one.
FIRST_ONLY = {"gamma", "loggamma", "rgamma"}
Z = numbers((3,), 0.3, 0.7) + 1j * numbers((3,), 0.2, 0.5, 1)


def program(name, tmp_path):
    path = tmp_path / f"of_{name}.py"
    body = f"y = special.{name}({BEFORE.get(name, '')}z)\n    return np.sum(np.abs(y - 0.5j) ** 2)"
    path.write_text(f"import numpy as np\nfrom scipy import special\n\n\ndef f(z):\n    {body}\n")
    namespace = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace["f"]


def by_differences(f, z, h=1e-6):
    """∂/∂x - i ∂/∂y, for each element."""
    total = np.zeros(z.shape, complex)
    for k in range(z.size):
        e = np.zeros(z.shape)
        e[k] = h
        total[k] = (f(z + e) - f(z - e) - 1j * (f(z + 1j * e) - f(z - 1j * e))) / (2 * h)
    return total


@pytest.mark.parametrize("name", NAMES)
def test_of_complex_numbers(name, tmp_path):
    f, d = program(name, tmp_path), np.array([0.3 - 0.2j, 0.5j, -0.4])
    gradient = s2sad.grad(f)
    found = gradient(Z)
    assert np.allclose(found, by_differences(f, Z), rtol=1e-5, atol=1e-6)
    assert np.isclose(jvp(f)(Z, d)[1], np.sum(found * d).real, rtol=1e-10)
    if name in FIRST_ONLY:
        with pytest.raises(S2sadError):
            jvp(gradient)(Z, d)
    else:
        slope = (gradient(Z + 1e-6 * d) - gradient(Z - 1e-6 * d)) / 2e-6
        assert np.allclose(jvp(gradient)(Z, d)[1], slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FROM_REAL)
def test_of_real_numbers(name, tmp_path):
    f, x, d = program(name, tmp_path), Z.real, np.array([0.3, -0.5, 0.8])
    gradient = s2sad.grad(f)
    assert gradient(x).dtype == np.float64
    assert np.isclose(gradient(x) @ d, (f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6, rtol=1e-6)
    slope = (gradient(x + 1e-6 * d) - gradient(x - 1e-6 * d)) / 2e-6
    assert np.allclose(vjp(gradient)(x, d), slope, rtol=1e-5)


def test_functions_of_real_numbers_are_refused():
    def f(z):
        return np.sum(np.abs(special.xlogy(z, z)))

    with pytest.raises(S2sadError, match="of complex numbers has no derivative rule"):
        s2sad.grad(f)(Z)


def test_names_exist():
    assert all(hasattr(scipy.special, name) for name in NAMES)
