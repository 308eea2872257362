"""Every rule of functions that choose among elements, in every case, against differences."""

import numpy as np
from rules.harness import (
    checks_of,
    numbers,
    partials,
    rules_of,
    use,
)

NAMES = rules_of("s2sad.rules.selecting")

V, M, T = numbers((4,)), numbers((2, 3), seed=1), numbers((2, 1, 3), seed=2)
PICK = np.array([[0, 1, 1], [1, 0, 2]])
MASKS = [M > 0, M > -1]


def uses():
    for obj, values in ((1, 0.5), (2, numbers((1,))), ([0, 2], numbers((2,))), (slice(0, 3, 2), numbers((2,)))):
        yield use("numpy.insert", V, obj, values)
        yield use("numpy.insert", M, obj, values)
    yield use("numpy.insert", V, -1, numbers((3,)))
    for axis in (0, 1, -1):
        yield use("numpy.insert", M, 1, 2.5, axis)
        yield use("numpy.insert", M, 1, numbers((M.shape[1 - axis % 2],)), axis=axis)
    yield use("numpy.insert", M, [0, 2], numbers((2, 2)), axis=1)
    yield use("numpy.insert", M, [0, 0, 1], numbers((1, 3)), axis=0)
    yield use("numpy.insert", numbers((0,)), 0, 1.5)
    yield use("numpy.insert", T, 1, numbers((2, 1)), 2)
    for shape in (6, (2, 5), (3,), (0,), (2, 2, 2)):
        yield from (use("numpy.resize", a, shape) for a in (V, M, np.asfortranarray(M)))
    for choices in (
        [M, M + 1, 2 * M], [numbers((3,)), numbers((2, 1)), numbers("scalar")], (M, 1.5, 2.5), numbers((3,)),
    ):  # fmt: skip
        yield use("numpy.choose", PICK, choices)
        yield use("numpy.ndarray.choose", PICK, choices)
    yield use("numpy.choose", np.array([1, 0]), numbers((3,)))
    for choices, default in (
        ([M, 2 * M], 0), ([numbers((3,)), numbers((2, 1))], 0.5), ([M, 1.5], -1), ([numbers("scalar"), M], 0),
    ):  # fmt: skip
        yield use("numpy.select", MASKS, choices, default).by("choicelist")
    yield use("numpy.select", MASKS, [M, M + 1])
    yield use("numpy.select", [V > 0], [V])
    repeated = np.array([3.0, 1.0, 2.0, 1.0, 3.0])
    yield from (use("numpy.unique", a) for a in (V, M, T, numbers((0,))))
    yield use("numpy.unique", repeated).at_singular_point()
    yield use("numpy.require", M)
    yield use("numpy.require", V, None, "C")
    yield use("numpy.diagflat", V)
    yield from (use("numpy.diagflat", a, k) for a in (V, M) for k in (0, 1, -2))
    yield use("numpy.diagflat", M)
    for a in (M, T):
        yield use("numpy.rollaxis", a, 1)
        for axis in range(-a.ndim, a.ndim):
            yield from (use("numpy.rollaxis", a, axis, start) for start in (0, a.ndim, 1, -1))


USES = list(uses())


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)


def test_equal_elements_count_once():
    for found in partials(use("numpy.unique", np.array([3.0, 1.0, 3.0])), "ar"):
        np.testing.assert_array_equal(found, [1, 1, 0])
