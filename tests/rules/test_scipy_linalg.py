"""Every rule of `scipy.linalg`, in every case, against differences, to second order."""

import numpy as np
import pytest
import scipy.linalg
from rules.harness import Wrong, broken, check, check_dtype, function_of, missed, rules_of, unknown_names, use
from rules.orders import check_orders, slope

import s2sad
from s2sad.errors import S2sadError
from s2sad.rules import registry
from s2sad.transforms import jvp, vjp

NAMES = [n for n in rules_of("s2sad.rules.scipy.linalg") if n.startswith("scipy.")]
_random = np.random.default_rng(5)


def some(*shape):
    return _random.normal(size=shape)


V, M, Q = some(3), some(3, 2), some(3, 3)
A, B = some(3, 3) + 3 * np.eye(3), some(2, 2) + 3 * np.eye(2)
POSITIVE = Q @ Q.T + 3 * np.eye(3)
BANDS, TALL_BANDS = some(3, 4) + np.array([[0.0], [4.0], [0.0]]), some(4, 5) + np.array([[0.0], [5.0], [0.0], [0.0]])
FACTORS = {lower: scipy.linalg.cho_factor(POSITIVE, lower) for lower in (False, True)}
LU = scipy.linalg.lu_factor(A[[2, 0, 1]])
SMALL = some(3, 3) / 3
L = "scipy.linalg"

USES = [
    *(
        use(f"{L}.solve_triangular", A, b, trans=trans, lower=lower, unit_diagonal=unit)
        for b in (V, M) for trans in (0, 1, "T") for lower in (False, True) for unit in (False, True)
    ),
    use(f"{L}.solve_triangular", A, V),
    use(f"{L}.solve_triangular", A, M, 0, True),
    *(use(f"{L}.solve", A, b) for b in (V, M)),
    use(f"{L}.solve", A, V, assume_a="gen"),
    *(use(f"{L}.{name}", A) for name in ("inv", "det")),
    *(use(f"{L}.solve_banded", (1, 1), BANDS, b) for b in (some(4), some(4, 2))),
    *(use(f"{L}.solve_banded", (2, 1), TALL_BANDS, b) for b in (some(5), some(5, 2))),
    use(f"{L}.solve_banded", (0, 2), TALL_BANDS[1:] + np.array([[0.0], [0.0], [4.0]]), some(5)),
    use(f"{L}.solve_sylvester", A, B, M),
    use(f"{L}.solve_continuous_lyapunov", A, Q),
    use(f"{L}.solve_discrete_lyapunov", SMALL, Q),
    *(use(f"{L}.cholesky", POSITIVE, lower=lower) for lower in (False, True)),
    use(f"{L}.cholesky", POSITIVE),
    *(use(f"{L}.cho_solve", pair, b) for pair in FACTORS.values() for b in (V, M)),
    *(use(f"{L}.lu_solve", LU, b, trans) for b in (V, M) for trans in (0, 1)),
    use(f"{L}.lu_solve", LU, V),
    *(use(f"{L}.{name}", a) for name in ("lu", "lu_factor") for a in (A, A[[2, 0, 1]])),
    use(f"{L}.expm", SMALL),
    use(f"{L}.expm", A),
    use(f"{L}.expm_frechet", SMALL, Q, compute_expm=False),
    use(f"{L}.sqrtm", POSITIVE),
    use(f"{L}.logm", POSITIVE),
    use(f"{L}.block_diag", Q, M, V[:2]),
    use(f"{L}.block_diag", M),
    use(f"{L}.toeplitz", V),
    use(f"{L}.toeplitz", V, some(4)),
    use(f"{L}.circulant", some(4)),
    *(use(f"{L}.{name}", SMALL) for name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm")),
    # The signs of eigenvectors change from call to call: differences are taken of what does not depend on them.
    *(use(f"{L}.eigh", POSITIVE, lower=lower).at_singular_point() for lower in (True, False)),
    *(use(f"{L}.eigvalsh", POSITIVE, lower=lower) for lower in (True, False)),
    *(use(f"{L}.{name}", POSITIVE) for name in ("eigvalsh", "pinv")),
    use(f"{L}.pinv", M),
    *(use(f"{L}.norm", *rest) for rest in ((V,), (M,), (M, 1), (M, "fro"), (M, None, 1), (M, 2), (V, 3))),
    use(f"{L}.norm", M, keepdims=True),
]  # fmt: skip
#: Factors of which one triangle is what LAPACK left there: checked as part of a solution.
APART = {f"{L}.cho_factor"}


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    if not u.name.endswith("m") or u.name == f"{L}.norm":
        check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed([n for n in NAMES if n not in APART], covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))


FIRST = {}
for _u in USES:
    FIRST.setdefault(_u.name, _u)


@pytest.mark.parametrize("name", sorted(set(FIRST) - {f"{L}.eigh"}))
def test_orders(name):
    assert not check_orders(FIRST[name])


@pytest.mark.parametrize("name", sorted(set(FIRST) - {f"{L}.toeplitz"}))
def test_a_rule_that_is_a_little_off_is_caught(name):
    with pytest.raises(Wrong):
        check(FIRST[name], entry=broken(registry.find(name)))


# Factors within a solution
def by_factors(a):
    return np.sum(scipy.linalg.cho_solve(scipy.linalg.cho_factor(a @ a.T + np.eye(3)), V) ** 3)


def by_lower_factors(a):
    factors = scipy.linalg.cho_factor(a @ a.T + np.eye(3), lower=True)
    return V @ scipy.linalg.cho_solve(factors, a @ V)


def by_pivoted_factors(a):
    factors = scipy.linalg.lu_factor(a + 2 * np.eye(3))
    return np.sum(scipy.linalg.lu_solve(factors, a[0]) * scipy.linalg.lu_solve(factors, V, trans=1))


def blocks(a):
    return np.sum(scipy.linalg.expm(scipy.linalg.block_diag(a, a[:2, :2] * a[0, 0])))


def by_spectrum(a):
    values, vectors = scipy.linalg.eigh(a @ a.T + np.diag([1.0, 2.0, 4.0]))
    return np.sum((vectors * values**2) @ vectors.T) + np.sum(vectors**4)


def by_upper_spectrum(a):
    values, vectors = scipy.linalg.eigh(a + a.T, lower=False)
    return values[0] * np.sum(vectors**4)


PROGRAMS = [by_spectrum, by_upper_spectrum, by_factors, by_lower_factors, by_pivoted_factors, blocks]


@pytest.mark.parametrize("f", PROGRAMS)
def test_programs(f):
    d = np.sin(np.arange(9.0)).reshape(3, 3)
    gradient = s2sad.grad(f)
    assert np.isclose(np.sum(gradient(Q) * d), slope(f, Q, d), rtol=1e-6)
    assert np.isclose(jvp(f)(Q, d)[1], slope(f, Q, d), rtol=1e-6)
    expected = slope(gradient, Q, d)
    assert np.allclose(jvp(gradient)(Q, d)[1], expected, rtol=1e-5, atol=1e-5)
    assert np.allclose(vjp(gradient)(Q, d), expected, rtol=1e-5, atol=1e-5)


# Refusals
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sum(scipy.linalg.solve_triangular(a, V, overwrite_b=True)),
        lambda a: np.sum(scipy.linalg.solve(a, V, assume_a="pos")),
        lambda a: np.sum(scipy.linalg.inv(a, overwrite_a=True)),
    ],
)
def test_other_arguments_are_refused(f):
    with pytest.raises(S2sadError, match="for these arguments"):
        s2sad.grad(f)(POSITIVE)


def several_right_sides(b):
    return np.sum(scipy.linalg.solve(STACKED, b) ** 2)


def several_systems(a):
    return np.sum(scipy.linalg.solve(a, V[:, None]) ** 2)


def diagonal_of_several(a):
    return np.sum(scipy.linalg.block_diag(a, a) ** 3)


STACKED = np.stack([A, A + np.eye(3)])


@pytest.mark.parametrize("f", [several_right_sides, several_systems, diagonal_of_several])
def test_several_matrices_are_refused(f):
    """SciPy solves for several at once from 1.15 on; before, it raises an error itself."""
    with pytest.raises((S2sadError, ValueError)):
        s2sad.grad(f)(M if f is several_right_sides else STACKED)


def test_complex_results_are_refused():
    def f(a):
        return np.sum(np.abs(scipy.linalg.sqrtm(a)))

    with pytest.raises(ValueError, match="complex"):
        s2sad.grad(f)(-POSITIVE)


# Texts
def triangular(a, b):
    return np.sum(scipy.linalg.solve_triangular(a, b, lower=True))


def test_text_of_a_triangular_solution():
    derivative = s2sad.grad(triangular, wrt=(0, 1))
    derivative(A, V)
    assert derivative.specialisations[0].source.split('"""')[2].strip("\n") == (
        "    # Forward sweep\n"
        "    t1 = scipy.linalg.solve_triangular(a, b, lower=True)\n"
        "    # Reverse sweep\n"
        "    # return np.sum(scipy.linalg.solve_triangular(a, b, lower=True))\n"
        "    b_bar = linalg.solve_triangular(a, np.broadcast_to(1.0, t1.shape), trans=1, lower=True)\n"
        "    return -np.tril(np.outer(b_bar, t1)), b_bar"
    )
