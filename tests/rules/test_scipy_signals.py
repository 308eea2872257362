"""Every rule of SciPy's functions on sampled data, in every case, against differences, to second order."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import scipy.sparse.linalg
from rules.harness import Wrong, broken, check, function_of, missed, rules_of, unknown_names, use
from rules.orders import check_orders, slope

import s2sad
from s2sad.errors import S2sadError
from s2sad.rules import registry

NAMES = [n for n in rules_of("s2sad.rules.scipy.signals") if n.startswith("scipy.")]
_random = np.random.default_rng(6)


def some(*shape):
    return _random.normal(size=shape)


V, W, M, N, T = some(5), some(3), some(4, 5), some(2, 3), some(2, 5, 3)
X, XS = np.cumsum(_random.uniform(0.5, 1.5, 5)), np.cumsum(_random.uniform(0.5, 1.5, (4, 5)), axis=1)
WEIGHTS = np.array([[0.1, 0.4, -0.3], [0.2, 0.5, 0.7], [0.3, -0.2, 0.1]])
CONVOLVED = ("convolve", "fftconvolve", "oaconvolve", "correlate")
MODES = ("reflect", "grid-mirror", "constant", "wrap", "grid-wrap")

USES = [
    *(use(f"scipy.signal.{name}", a, b, mode) for name in CONVOLVED for a, b in ((V, W), (M, N), (V, some(4)))
      for mode in ("full", "same", "valid")),
    *(use(f"scipy.signal.{name}", W, V, mode) for name in CONVOLVED for mode in ("full", "same", "valid")),
    *(use(f"scipy.signal.{name}", V, W) for name in CONVOLVED),
    *(use("scipy.signal.lfilter", np.array([0.5, 0.2, -0.1]), np.array([1.1, 0.3]), x, axis)
      for x, axis in ((V, -1), (M, -1), (M, 0))),
    *(use("scipy.signal.detrend", x, axis) for x, axis in ((V, -1), (M, 0))),
    use("scipy.signal.detrend", M, type="constant"),
    *(use(f"scipy.fft.{name}", x, kind, axis=axis, norm=norm) for name in ("dct", "idct", "dst", "idst")
      for kind in (1, 2, 3, 4) for x, axis in ((V, -1), (M, 0)) for norm in (None, "ortho", "forward")),
    *(use(f"scipy.fft.{name}", V) for name in ("dct", "idct", "dst", "idst")),
    *(use(f"scipy.fft.{name}n", M, norm="ortho") for name in ("dct", "idct", "dst", "idst")),
    *(use(f"scipy.integrate.{name}", *rest) for name in ("trapezoid", "cumulative_trapezoid")
      for rest in ((V,), (V, X), (M,), (M, X), (M, XS), (M, X[:4], 1.0, 0), (M, None, 1.0, 0))),
    use("scipy.integrate.trapezoid", V, dx=0.5),
    use("scipy.integrate.cumulative_trapezoid", V, dx=0.5).by("y"),
    use("scipy.integrate.cumulative_trapezoid", M, X, initial=0).by("y", "x"),
    *(use("scipy.integrate.simpson", some(n)) for n in (2, 3, 4, 5, 8)),
    *(use("scipy.integrate.simpson", *rest).by("y")
      for rest in ((V, X), (V[:4], X[:4]), (M, XS), (M, X), (T[..., 0], X))),
    use("scipy.integrate.simpson", M, axis=0, dx=0.5).by("y"),
    use("scipy.integrate.simpson", M, dx=0.5).by("y"),
    *(use("scipy.ndimage.gaussian_filter", x, 0.8, mode=mode) for x in (V, M) for mode in MODES),
    use("scipy.ndimage.gaussian_filter", M, 0.8, mode="constant", cval=2.0).by("input"),
    use("scipy.ndimage.gaussian_filter", M, 0.8).by("input"),
    *(use("scipy.ndimage.gaussian_filter1d", M, 0.8, axis, mode=mode) for axis in (0, -1) for mode in MODES),
    *(use("scipy.ndimage.uniform_filter", M, 3, mode=mode) for mode in MODES),
    *(use(f"scipy.ndimage.{name}", M, WEIGHTS, mode=mode).by("input") for name in ("correlate", "convolve")
      for mode in ("constant", "wrap", "grid-wrap")),
]  # fmt: skip
USES = [u.by("input") if u.name.startswith("scipy.ndimage") else u for u in USES]
SPARSE = {"scipy.sparse.linalg.spsolve"}


@pytest.mark.parametrize("name", [n for n in NAMES if n not in SPARSE])
def test_rule(name):
    covered = set()
    for u in USES:
        if u.name == name:
            u.literal_only = True
            check(u, covered)
    assert not missed([name], covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


FIRST = {}
for _u in USES:
    if _u.wrt is None or _u.name not in FIRST:
        FIRST.setdefault(_u.name, _u)


@pytest.mark.parametrize("name", sorted(FIRST))
def test_orders(name):
    assert not check_orders(FIRST[name])


@pytest.mark.parametrize("name", sorted(FIRST))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(FIRST[name], entry=broken(registry.find(name)))


# Sparse matrices
SYSTEM = scipy.sparse.csc_matrix(np.array([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 5.0]]))


def sparse_solution(b):
    return np.sum(scipy.sparse.linalg.spsolve(SYSTEM, b**2) ** 3)


def sparse_product(x):
    return np.sum((SYSTEM @ np.sin(x)) ** 3)


def product_with_sparse(x):
    return np.sum((x**2 @ SYSTEM) ** 3)


@pytest.mark.parametrize("f", [sparse_solution, sparse_product, product_with_sparse])
def test_sparse_matrices(f):
    d = np.array([0.3, -0.5, 0.8])
    gradient = s2sad.grad(f)
    assert np.isclose(gradient(W) @ d, slope(f, W, d), rtol=1e-6)
    assert np.isclose(s2sad.transforms.jvp(f)(W, d)[1], slope(f, W, d), rtol=1e-6)
    assert np.allclose(s2sad.transforms.jvp(gradient)(W, d)[1], slope(gradient, W, d), rtol=1e-5)
    assert np.allclose(s2sad.transforms.vjp(gradient)(W, d), slope(gradient, W, d), rtol=1e-5)


# Refusals
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(scipy.ndimage.gaussian_filter(a, 1.0, mode="nearest")),
        lambda a: np.sum(scipy.ndimage.uniform_filter(a, 2)),
        lambda a: np.sum(scipy.ndimage.convolve(a, WEIGHTS)),
        lambda a: np.sum(scipy.signal.fftconvolve(a, M, axes=0)),
        lambda a: np.sum(scipy.fft.dct(a, n=3)),
    ],
)
def test_other_arguments_are_refused(f):
    with pytest.raises(S2sadError, match="for these arguments"):
        s2sad.grad(f)(M)


def test_even_weights_are_refused():
    def f(a):
        return np.sum(scipy.ndimage.convolve(a, WEIGHTS[:2], mode="wrap") ** 2)

    with pytest.raises(ValueError, match="odd lengths"):
        s2sad.grad(f)(M)


def test_functions_that_call_functions_are_refused():
    def f(x):
        return scipy.integrate.quad(np.sin, 0.0, x)[0]

    with pytest.raises(S2sadError, match="it calls a function that it is given"):
        s2sad.grad(f)(1.0)
