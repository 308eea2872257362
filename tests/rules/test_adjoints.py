"""The rules of what adjoints call: derivatives of derivatives, against differences."""

import numpy as np
import pytest
from rules.harness import check, function_of, missed, numbers, rules_of, unknown_names, use

from s2sad.rules import registry

NAMES = rules_of("s2sad.rules.adjoints")

_random = np.random.default_rng(10)


def some(*shape):
    return _random.normal(size=shape) if shape else float(_random.normal())


V, W, M, N, T, Q = some(3), some(3), some(2, 3), some(3, 2), some(2, 3, 4), some(3, 3)
PAIRS = {
    "matmul": [
        (M, N),
        (M, V),
        (V, N),
        (V, W),
        (T, some(4, 2)),
        (T, some(1, 4, 2)),
        (M, some(4, 3, 2)),
        (T, some(4)),
        (V, some(4, 3, 2)),
    ],
    "dot": [(M, N), (M, V), (V, N), (V, W), (T, some(5, 4, 2)), (V, some(4, 3, 2)), (2.5, V), (V, 2.5)],
    "inner": [(V, W), (M, M), (M, V), (V, M), (T, some(5, 4)), (2.5, V)],
    "kron": [(V, W), (M, N), (V, M), (T, N)],
    "tensordot": [
        (M, N, 1),
        (M, M),
        (T, T, ([0, 2], [0, 2])),
        (T, N, (1, 0)),
        (V, W, 0),
        (T, some(3, 2, 5), ((0, -2), (1, 0))),
    ],
    "cross": [(V, W), (M, V), (N, N, 0)],
}
EINSUMS = [
    ("ij,jk->ik", M, N),
    ("i,i", V, W),
    ("ij->i", M),
    ("ii->i", Q),
    ("ii,ij->j", Q, some(3, 3)),
    ("...i,i->...", M, V),
    ("...ij,...jk", T, some(4, 2)),
    ("ij,ij->", M, some(1, 3)),
    ("i,ij,j->", some(2), M, V),
]
NORMS = [
    *((a,) for a in (V, M, T)),
    *((M, order) for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    *((N, order) for order in ("nuc", 2, -2)),
    *((T, order, axes) for axes in ((0, 2), (2, 0), (-1, 1)) for order in (None, 1, 2, "nuc", "fro", np.inf)),
    *((V, order, 0) for order in (0, 0.5, 1, 2, 3, -1, np.inf)),
    *((M, order, 1, True) for order in (None, 3)),
    (M, "nuc", None, True),
]


def uses():
    for name, calls in PAIRS.items():
        for a, b, *rest in calls:
            g = some(
                *np.shape(np.cross(a, b, axis=rest[0]) if name == "cross" and rest else getattr(np, name)(a, b, *rest))
            )
            for which in "ab":
                yield use(f"s2sad.runtime.linalg.{name}_adjoint_{which}", g, a, b, *rest)
    calls = {
        "sort_adjoint": [(V, W), (M, some(2, 3), 0), (some(6), M, None)],
        "sort_tangent": [(V, W), (M, some(2, 3), 0), (M, some(2, 3), None)],
        "tile_adjoint": [(some(2, 6), V, (2, 2)), (some(6), V, 2)],
        "repeat_adjoint": [(some(6), V, 2), (some(2, 6), M, 2, 1), (some(3), V, [1, 0, 2])],
        "unpad": [(some(6), V, (1, 2))],
        "if_copied": [(some(6), M.T.ravel(), M.T), (some(3), V, V)],
        "copied_part": [(M, some(6), M), (V, V, V)],
        "copy_with_strides": [(V, W), (M, some(4, 6)[::2, ::2])],
        "cast_back": [(V, W), (V, W, "int64"), (1.5, 2.5)],
        "cast": [(V, "float64")],
        "diagonal_adjoint": [(some(2), M), (some(3, 2), T, 0, 0, 2)],
        "trace_adjoint": [(1.5, Q), (some(4), T, 1)],
        "diag_adjoint": [(some(4, 4), V, 1), (some(2), M, 1)],
        "take_adjoint": [(some(2), V, np.array([1, 1])), (some(2, 2), M, [0, 0], 1)],
        "take_along_axis_adjoint": [
            (some(2, 2), M, np.array([[0, 1], [1, 1]])),
            (some(2, 2), some(1, 3), np.array([[0, 1], [1, 1]])),
        ],
        "compress_adjoint": [(some(2), V, [True, False, True]), (some(2, 2), M, [True, False, True], 1)],
        "part": [(some(5), [V, some(2)], 1), (some(2, 4), [M, some(2, 1)], 0, -1), (some(5), [V, some(2)], 1, None)],
        "part_adjoint": [(some(2), some(5), [V, some(2)], 1)],
        "hstack_part": [(some(5), [V, some(2)], 1), (some(2, 4), [M, some(2, 1)], 1)],
        "hstack_part_adjoint": [(some(2), some(5), [V, some(2)], 1), (some(2, 1), some(2, 4), [M, some(2, 1)], 1)],
        "vstack_part": [(some(3, 3), [M, V], 1)],
        "vstack_part_adjoint": [(V, some(3, 3), [M, V], 1)],
        "dstack_part": [(some(2, 3, 2), [M, M], 1)],
        "dstack_part_adjoint": [(M, some(2, 3, 2), [M, M], 1)],
        "column_stack_part": [(some(3, 3), [N, V], 1)],
        "column_stack_part_adjoint": [(V, some(3, 3), [N, V], 1)],
        "item_adjoint": [(1.5, M, (1, 2))],
        "item_at": [(M, (1, 2)), (M, (4,))],
        "inverse_permutation": [((1, 0),)],
    }
    for subscripts, *operands in EINSUMS:
        g = some(*np.shape(np.einsum(subscripts, *operands)))
        for k, operand in enumerate(operands):
            others = operands[:k] + operands[k + 1 :]
            yield use("s2sad.runtime.linalg.einsum_adjoint", g, np.shape(operand), k, subscripts, *others)
    for a, *rest in NORMS:
        g = some(*np.shape(np.linalg.norm(a, *rest)))
        d, e = some(*np.shape(a)), some(*np.shape(a))
        yield use("s2sad.runtime.linalg.norm_adjoint", g, a, *rest)
        yield use("s2sad.runtime.linalg.norm_tangent", d, a, *rest)
        yield use("s2sad.runtime.linalg.norm_curvature", g, d, a, *rest).by("x", "d")
        yield use("s2sad.runtime.linalg.norm_second_tangent", d, e, a, *rest).by("x", "d")
        if rest and rest[0] in (1, np.inf, -np.inf):
            yield use("s2sad.runtime.linalg.norm_curvature", g, d, a, *rest)
            yield use("s2sad.runtime.linalg.norm_second_tangent", d, e, a, *rest)
    for x, shape in ((M, (2, 3)), (M, (3,)), (T, (1, 4)), (V, ())):
        yield use("s2sad.runtime.linalg.sum_to", x, shape)
    yield use("s2sad.runtime.polynomials.slopes_of", V)
    for places in (np.array([0, -1, 2, 0]), np.array([[1, 1], [-1, 2]])):
        yield use("s2sad.runtime.selecting.gathered", V, places)
        yield use("s2sad.runtime.selecting.gathered_back", places + 0.5, V, places).by("x")
    yield from (use("s2sad.runtime.selecting.unroll_axis", T, *rest) for rest in ((0,), (2, 1), (-1, -1)))
    for a, axis in ((V, None), (M, 0), (M, 1), (T, (0, -1))):
        for q, keepdims in ((0.3, False), (np.array([0.2, 0.7]), True)):
            g = np.asarray(np.quantile(a, q, axis, keepdims=keepdims))[()]
            yield use("s2sad.runtime.statistics.quantile_adjoint", g, a, q, axis, keepdims).by("x")
            yield use("s2sad.runtime.statistics.quantile_tangent", a + 1, a, q, axis, keepdims).by("x")
    for a in (V, M, T):
        for axis in (0, -1):
            for ends in ((0, 1), (1, None), (0, -1)):
                yield use("s2sad.runtime.signals.cut", a, axis, *ends)
            yield use("s2sad.runtime.signals.uncut", a, a.shape[axis] + 2, axis, 1, -1)
            yield use("s2sad.runtime.signals.along", numbers((a.shape[axis],)), a, axis)
        yield use("s2sad.runtime.signals.along", a + 1, a, 0)
        yield use("s2sad.runtime.signals.reduceat_adjoint", a[:2], a, [0, 1], 0).by("x")
    for axis, order in ((0, 1), (-1, 2)):
        yield use("s2sad.runtime.signals.gradient_adjoint", Q, 0.3, axis, order).by("x")
        yield use("s2sad.runtime.signals.gradient_adjoint", Q, np.array([0.0, 0.3, 1.0]), axis, order).by("x")
    for n in (0, 1, 3):
        yield from (use("s2sad.runtime.signals.bessel_i", x, n) for x in (V, M, np.array(0.7), some(0)))
    for name, arguments in calls.items():
        yield from (use(f"s2sad.runtime.adjoints.{name}", *rest) for rest in arguments)


USES = list(uses())


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))
