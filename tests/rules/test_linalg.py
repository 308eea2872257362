"""Every rule for linear algebra, in every case, against differences; singular points."""

import numpy as np
import pytest
import scipy.sparse
from rules.harness import (
    Wrong,
    broken,
    check,
    checks_of,
    chosen,
    evaluate,
    function_of,
    kind_of,
    rules_of,
    use,
)

from s2sad.ir.kinds import UNKNOWN, Kind, array
from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.linalg")

_random = np.random.default_rng(12)


def some(*shape):
    return _random.normal(size=shape)


V, W, M, N, T, Q = some(3), some(3), some(2, 3), some(3, 2), some(2, 3, 4), some(3, 3)
ROW, COLUMN, ONE, EMPTY = some(1, 3), some(3, 1), some(1), some(0, 3)
ZERO_D, SCALAR = np.array(1.5), np.float64(0.7)
SQUARE = some(3, 3) + 2 * np.eye(3)
SQUARES = some(2, 3, 3) + 2 * np.eye(3)
POSITIVE = Q @ Q.T + 3 * np.eye(3)
POSITIVES = np.stack([POSITIVE, POSITIVE + np.diag([1.0, 2.0, 4.0])])

PRODUCTS = [
    (M, N),
    (M, V),
    (V, N),
    (V, W),
    (T, some(4, 2)),
    (T, some(4)),
    (T, some(2, 4, 2)),
    (T, some(1, 4, 2)),
    (M, some(4, 3, 2)),
    (V, some(4, 3, 2)),
    (ROW, N),
    (EMPTY, N),
    (T, some(5, 1, 4, 2)),
    (N, ROW[:, :2].T),
]

EINSUMS = [
    ("ij,jk->ik", M, N),
    ("ij,jk", M, N),
    ("i,i->", V, W),
    ("i,i", V, W),
    ("ij->i", M),
    ("ij->j", M),
    ("ij->", M),
    ("ij->ji", M),
    ("i->i", V),
    ("ij,ij->ij", M, ROW),
    ("ij, ij -> i", M, M),
    ("ij,kl->il", M, N),
    ("ijk,k->j", T, some(4)),
    ("i,j->ij", V, W),
    ("i,ij,j->", some(2), M, V),
    ("bi,bj->bij", M, M),
    ("ij,jk->", M, N),
    ("i,->i", V, 1.5),
    ("ijk,ijk->ik", T, T),
    ("ba", M),
    # Axes of length one that stretch, on either side
    ("ij,ij->", M, ROW),
    ("ij,kj->k", M, ROW),
    ("ij,j->ij", COLUMN, ONE),
    ("ij,ik->jk", ROW, M),
    ("ij,i->", M, ONE),
    ("ij,jk->ik", M, some(1, 2)),
    # Ellipses and diagonals
    ("...i,i->...", M, V),
    ("...ij,...jk->...ik", T, some(2, 4, 2)),
    ("...ij,...jk", T, some(4, 2)),
    ("...->...", M),
    ("i...->...", T),
    ("...i,...i->...", T, some(1, 4)),
    ("i...,i...", T, some(2, 1, 4)),
    ("ii->i", Q),
    ("ii", Q),
    ("ii,i->", Q, V),
    ("iij->j", some(2, 2, 3)),
]

NORMS = [
    *((a,) for a in (V, M, T, 1.5, ZERO_D, SCALAR)),
    (V, 2),
    (M, "fro"),
    (M, "fro", (0, 1)),
    (M, None, 1),
    (T, 2, 1),
    (M, "fro", (1, 0)),
    *((V, order) for order in (1, 3, np.inf, -np.inf, 0.5, -1, 0, 2.5)),
    *((M, order, 0) for order in (1, 3, np.inf)),
    *((M, order) for order in (1, -1, 2, -2, np.inf, -np.inf, "nuc")),
    *((T, order, axes) for axes in ((0, 2), (2, 0), (-1, 1)) for order in (None, 1, -1, 2, "nuc", "fro", np.inf)),
]

USES = [
    *(use(name, a, b) for name in ("numpy.matmul", "operator.matmul") for a, b in PRODUCTS),
    use("numpy.linalg.matmul", M, N),
    *(use("operator.matmul", scipy.sparse.csr_array(M), b) for b in (V, N)),
    *(use("operator.matmul", a, scipy.sparse.csr_array(M)) for a in (some(2), N)),
    *(
        use("numpy.dot", a, b)
        for a, b in (
            *PRODUCTS[:6],
            (T, some(5, 4, 2)),
            (V, some(4, 3, 2)),
            (M, some(4, 3, 2)),
            (1.5, V),
            (V, 1.5),
            (1.5, 2.5),
            (SCALAR, M),
            (M, ZERO_D),
        )
    ),
    use("numpy.ndarray.dot", M, N),
    use("numpy.ndarray.dot", V, W),
    *(use("numpy.vdot", a, b) for a, b in ((V, W), (M, M), (1.5, 2.5), (M, N))),
    *(
        use("numpy.inner", a, b)
        for a, b in (
            (V, W),
            (M, M),
            (M, V),
            (V, M),
            (T, some(5, 4)),
            (1.5, V),
            (V, 1.5),
            (T, some(4)),
            (some(4), T),
            (1.5, 2.5),
        )
    ),
    *(use("numpy.outer", a, b) for a, b in ((V, W), (M, V), (1.5, V), (V, 1.5), (1.5, 2.5), (M, N))),
    use("numpy.tensordot", M, N, 1),
    use("numpy.tensordot", M, M),
    use("numpy.tensordot", M, M, 2),
    use("numpy.tensordot", V, W, 0),
    use("numpy.tensordot", V, W, 1),
    use("numpy.tensordot", T, T, axes=([0, 2], [0, 2])),
    use("numpy.tensordot", T, N, axes=(1, 0)),
    *(use("numpy.tensordot", T, some(3, 2, 5), axes=axes) for axes in (((1, 0), (0, 1)), ((0, -2), (1, 0)))),
    use("numpy.tensordot", T, some(4, 3, 2), ([2, 0, 1], [0, 2, 1])),
    *(use("numpy.kron", a, b) for a, b in ((V, W), (M, N), (V, M), (M, V), (T, N))),
    *(use("numpy.cross", a, b) for a, b in ((V, W), (M, V), (V, M), (M, M), (ROW, M))),
    use("numpy.cross", N, N, axis=0),
    *(use("numpy.einsum", *rest) for rest in EINSUMS),
    use("numpy.einsum", "ij,jk,kl->il", M, N, M, optimize=True),
    *(
        use("numpy.linalg.multi_dot", items)
        for items in ([M, N, M], [V, N], [M, V], [V, Q, W], [V, W], [M, N], (M, N, M, N))
    ),
    *(use("numpy.trace", a) for a in (Q, M, T)),
    use("numpy.trace", M, 1),
    use("numpy.trace", Q, -1),
    use("numpy.trace", Q, offset=-5),
    use("numpy.trace", T, 0, 1, 2),
    use("numpy.trace", T, 1, -1, 0),
    use("numpy.ndarray.trace", Q),
    *(use(f"numpy.linalg.{name}", a) for name in ("det", "slogdet", "inv") for a in (SQUARE, SQUARES)),
    use("numpy.linalg.det", np.ones((0, 0))),
    *(use("numpy.linalg.pinv", a) for a in (SQUARE, M, N, T)),
    *(use("numpy.linalg.solve", SQUARE, b) for b in (V, N, some(4, 3, 2), np.zeros((3, 0)))),
    *(use("numpy.linalg.solve", SQUARES, b) for b in (V, N, some(2, 3, 1), some(2, 3, 3))),
    *(use("numpy.linalg.matrix_power", SQUARE, n) for n in (0, 1, 2, 3, 5, -1, -2)),
    *(use("numpy.linalg.matrix_power", SQUARES, n) for n in (2, 3)),
    use("numpy.linalg.cholesky", POSITIVE),
    use("numpy.linalg.cholesky", POSITIVES),
    use("numpy.linalg.cholesky", POSITIVE, upper=True),
    *(
        use(f"numpy.linalg.{name}", *rest)
        for name in ("eigh", "eigvalsh")
        for rest in ((POSITIVE,), (POSITIVES,), (POSITIVE, "U"))
    ),
    use("numpy.linalg.matrix_rank", Q),
    *(use("numpy.linalg.norm", *rest) for rest in NORMS),
    use("numpy.linalg.norm", M, axis=1, keepdims=True),
    use("numpy.linalg.norm", V, keepdims=True),
    use("numpy.linalg.norm", M, keepdims=True),
    use("numpy.linalg.norm", M, axis=(0, 1)),
    use("numpy.linalg.norm", M, 3, axis=1, keepdims=True),
    use("numpy.linalg.norm", M, "nuc", keepdims=True),
    *(
        use("numpy.linalg.vector_norm", x, axis=axis, keepdims=keepdims, ord=order)
        for x in (V, M, T)
        for axis in (None, 0, -1, (0, -1))
        if not (axis == (0, -1) and x is V)
        for keepdims in (False, True)
        for order in (2, 1, 3, np.inf, -np.inf, 0.5, 0)
    ),
    *(use("numpy.linalg.vector_norm", x) for x in (V, M, ROW, ONE)),
    *(use("numpy.linalg.vector_norm", M, axis=axis) for axis in (0, 1, (0, 1))),
    *(
        use("numpy.linalg.matrix_norm", x, keepdims=keepdims, ord=order)
        for x in (M, T)
        for keepdims in (False, True)
        for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    use("numpy.linalg.matrix_norm", M),
    use("numpy.linalg.matrix_norm", T),
    *(use("numpy.linalg.cross", *rest) for rest in ((V, W), (some(2, 3), W), (V, some(2, 3)), (Q, some(2, 3, 3)))),
    *(use("numpy.linalg.cross", some(3, 2), some(3, 2), axis=axis) for axis in (0, -2)),
    *(use("numpy.linalg.diagonal", x) for x in (M, T, N, Q)),
    *(use("numpy.linalg.diagonal", x, offset=k) for x in (M, T) for k in (1, -1)),
    *(use("numpy.linalg.trace", x) for x in (M, T, Q)),
    *(use("numpy.linalg.trace", x, offset=k) for x in (M, T) for k in (1, -1)),
    *(
        use(f"numpy.{name}", *rest)
        for name in ("vecdot", "linalg.vecdot")
        for rest in ((V, W), (M, V), (V, some(4, 1, 3)), (some(2, 1, 3), M), (EMPTY, V), (ONE, V)[:1] * 2)
    ),
    *(use(f"numpy.{name}", N, N + 1, axis=axis) for name in ("vecdot", "linalg.vecdot") for axis in (0, -2, 1)),
    *(use("numpy.matvec", *rest) for rest in ((M, V), (T, some(4)), (M, some(5, 3)), (T, some(2, 4)), (ROW, V))),
    *(use("numpy.vecmat", *rest) for rest in ((V, N), (V, some(4, 3, 2)), (some(5, 3), N), (some(2, 3), T))),
]
USES = [u for u in USES if function_of(u.name) is not None]


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)


@pytest.mark.parametrize(
    "u",
    [
        use("numpy.matmul", M, N),
        use("numpy.einsum", "ij,jk->ik", M, N),
        use("numpy.linalg.inv", SQUARE),
        use("numpy.linalg.norm", V),
    ],
    ids=repr,
)
def test_check_notices_a_rule_that_is_off(u):
    with pytest.raises(Wrong):
        check(u, entry=broken(registry.find(u.name)))


# Texts
def text(name, parameter, **values):
    entry = registry.find(name)
    given = {p.name: p.default for p in entry.parameters if p.default is not registry.REQUIRED}
    return chosen(entry.adjoint[parameter], {**given, **values})[1]


@pytest.mark.parametrize(
    "ranks, by_a, by_b",
    [
        ((2, 2), "g @ b.T", "a.T @ g"),
        ((2, 1), "np.outer(g, b)", "a.T @ g"),
        ((1, 2), "b @ g", "np.outer(a, g)"),
        ((1, 1), "g * b", "g * a"),
        ((3, 2), "g @ b.T", "unbroadcast(a.mT @ g, b)"),
        ((None, 2), "matmul_adjoint_a(g, a, b)", "matmul_adjoint_b(g, a, b)"),
    ],
)
def test_texts_of_products(ranks, by_a, by_b):
    kinds = {"a": array("float64", ranks[0], "a"), "b": array("float64", ranks[1], "b")}
    assert text("operator.matmul", "a", **kinds) == by_a
    assert text("operator.matmul", "b", **kinds) == by_b


def einsum_texts(subscripts, *operands):
    values = {"subscripts": kind_of(subscripts), "subscripts_value": subscripts, "count": len(operands)}
    kinds = tuple(o if isinstance(o, Kind) else kind_of(o, f"o{k}") for k, o in enumerate(operands))
    return [
        text("numpy.einsum", "operands", **values, operands=kinds, item=kinds[k], k=k) for k in range(len(operands))
    ]


def test_texts_of_einsum():
    assert einsum_texts("ij,jk->ik", M, N) == [
        "np.einsum('ik,jk->ij', g, operands[1])",
        "np.einsum('ik,ij->jk', g, operands[0])",
    ]
    assert einsum_texts("i,i->", V, W) == ["g * operands[1]", "g * operands[0]"]
    assert einsum_texts("ij->i", M) == ["spread(g, item, 1)"]
    assert einsum_texts("ij->ji", M) == ["np.einsum('ji->ij', g)"]
    assert einsum_texts("ij->", M) == ["spread(g, item)"]
    assert einsum_texts("ii->i", Q) == ["einsum_adjoint(g, np.shape(item), 0, subscripts)"]
    assert einsum_texts("...i->...", M) == ["einsum_adjoint(g, np.shape(item), 0, subscripts)"]
    assert einsum_texts("ij,j->i", UNKNOWN, UNKNOWN) == [
        "einsum_adjoint(g, np.shape(item), 0, subscripts, operands[1])",
        "einsum_adjoint(g, np.shape(item), 1, subscripts, operands[0])",
    ]


# Singular points and refusals
@pytest.mark.parametrize("rest", [(), (2,), (1,), (3,), (0.5,), (np.inf,), (-np.inf,), (None, 0), (2, 0)], ids=repr)
def test_norm_at_zero_has_gradient_zero(rest):
    values = {"x": kind_of(V), "ord": None, "axis": None, "keepdims": False, **dict(zip(("ord", "axis"), rest))}
    given = {"x": np.zeros(3), "ord": None, "axis": None, "keepdims": False, **dict(zip(("ord", "axis"), rest))}
    found = evaluate(text("numpy.linalg.norm", "x", **values), {**given, "y": np.float64(0.0), "g": 1.0})
    assert np.array_equal(found, np.zeros(3))


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norm_at_zero_has_gradient_zero(order):
    found = evaluate("norm_adjoint(g, x, order)", {"x": np.zeros((2, 3)), "g": 1.0, "order": order})
    assert np.array_equal(found, np.zeros((2, 3)))


def test_ties_of_norms_are_split_evenly():
    gradient = "norm_gradient(x, order)"
    assert evaluate(gradient, {"x": np.array([2.0, -2.0, 1.0]), "order": np.inf}).tolist() == [0.5, -0.5, 0.0]
    assert np.allclose(evaluate(gradient, {"x": np.eye(2), "order": 2}), np.eye(2) / 2)
    assert np.allclose(evaluate(gradient, {"x": np.eye(2), "order": 1}), np.eye(2) / 2)


def test_eigenvectors_of_equal_eigenvalues_have_no_derivative():
    y0, y1 = np.linalg.eigh(np.diag([2.0, 2.0, 3.0]))
    adjoint = "eigh_adjoint(g0, g1, y0, y1)"
    by_values = evaluate(adjoint, {"g0": np.ones(3), "g1": np.zeros((3, 3)), "y0": y0, "y1": y1})
    assert np.allclose(by_values, np.eye(3))
    assert np.isnan(evaluate(adjoint, {"g0": np.ones(3), "g1": np.ones((3, 3)), "y0": y0, "y1": y1})).any()
    tangent = "eigh_tangent(a_dot, y0, y1)[1]"
    assert np.isnan(evaluate(tangent, {"a_dot": np.ones((3, 3)), "y0": y0, "y1": y1})).any()
    assert np.allclose(evaluate(tangent, {"a_dot": np.eye(3), "y0": y0, "y1": y1}), 0)


def test_cross_of_vectors_of_two_components_is_refused():
    values = {"a": some(4, 2), "b": some(4, 2), "g": some(4)}
    for which in "ab":
        with pytest.raises(ValueError, match="three components"):
            evaluate(f"cross_adjoint_{which}(g, a, b)", values)


def test_cholesky_of_a_symmetric_product():
    """Through a symmetric argument, the triangle's adjoint gives the derivative of the whole."""

    def loss(b):
        return np.sum(np.linalg.cholesky(b @ b.T + np.eye(3)) * Q)

    y = np.linalg.cholesky(Q @ Q.T + np.eye(3))
    s = evaluate("cholesky_adjoint(g, y)", {"g": Q, "y": y})
    step = some(3, 3)
    slope = (loss(Q + 1e-6 * step) - loss(Q - 1e-6 * step)) / 2e-6
    assert np.isclose(np.sum(s * (step @ Q.T + Q @ step.T)), slope, rtol=1e-6)


# Kinds
def test_kinds_of_products():
    a, b = array("float64", 2, "a"), array("float64", 2, "b")
    found = registry.kind_of_result(registry.find("numpy.matmul"), {"a": a, "b": b}, {})
    assert found == Kind("array", "float64", (a.shape[0], b.shape[1]))
    vector = array("float64", 1, "v")
    assert registry.kind_of_result(registry.find("numpy.dot"), {"a": vector, "b": vector}, {}) == Kind(
        "scalar", "float64", ()
    )
    narrow = registry.kind_of_result(
        registry.find("numpy.matmul"), {"a": array("float32", 2), "b": array("float32", 2)}, {}
    )
    assert narrow.dtype == "float32"
