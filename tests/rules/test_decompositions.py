"""Every rule of decompositions, in every case, against differences."""

from dataclasses import replace

import numpy as np
import pytest
from rules.harness import checks_of, numbers, rules_of, use

from s2sad import grad

NAMES = rules_of("s2sad.rules.decompositions")

SQUARE, TALL, WIDE = numbers((3, 3), seed=1), numbers((4, 2), seed=2), numbers((2, 3), seed=3)
STACKED, FLAT = numbers((2, 3, 2), seed=4), numbers((2, 2, 3), seed=5)
ALL = (SQUARE, TALL, WIDE, STACKED, FLAT, np.asfortranarray(TALL), WIDE.T[::-1], np.array([[1.5]]))


def uses():
    for a in ALL:
        yield use("numpy.linalg.svd", a, False)
        yield use("numpy.linalg.svd", a, full_matrices=False)
        yield use("numpy.linalg.svdvals", a)
        yield use("numpy.linalg.qr", a)
        for p in (None, 2, -2):
            yield use("numpy.linalg.cond", a, p)
    yield use("numpy.linalg.svd", SQUARE)
    yield use("numpy.linalg.cond", SQUARE)
    for a in (SQUARE, numbers((2, 2, 2), seed=6)):
        yield from (use("numpy.linalg.cond", a, p) for p in ("fro", 1, -1, np.inf, -np.inf, "nuc"))
    for a in (TALL, SQUARE, WIDE):
        yield use("numpy.linalg.lstsq", a, numbers((len(a),)))
        yield use("numpy.linalg.lstsq", a, numbers((len(a), 2)), None)
    a = numbers((2, 3, 6), seed=7)
    yield use("numpy.linalg.tensorsolve", a, numbers((2, 3)))
    yield use("numpy.linalg.tensorsolve", SQUARE, numbers((3,)))
    yield use("numpy.linalg.tensorinv", a)
    yield use("numpy.linalg.tensorinv", numbers((6, 2, 3), seed=8), 1)
    yield use("numpy.linalg.tensorinv", numbers((2, 2, 2, 2), seed=9))


USES = [replace(u, tolerance=1e-5) for u in uses()]


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)


def test_vectors_beyond_the_singular_values_are_refused():
    with pytest.raises(ValueError, match="needs full_matrices=False"):
        grad(lambda a: np.sum(np.linalg.svd(a)[0] ** 3))(TALL)


def test_equal_singular_values():
    a = np.diag([2.0, 2.0, 1.0])
    np.testing.assert_allclose(grad(lambda a: np.sum(np.linalg.svdvals(a)))(a), np.eye(3), atol=1e-14)
    assert np.isnan(grad(lambda a: np.linalg.svd(a)[0][0, 0])(a)).any()
