"""Every rule of the methods of ufuncs, in every case, against differences."""

import numpy as np
from rules.harness import checks_of, numbers, rules_of, use

NAMES = rules_of("s2sad.rules.ufuncs")

V, M, T = numbers((4,), 0.3, 2), numbers((3, 2), 0.3, 2, 1), numbers((2, 1, 3), 0.3, 2, 2)


def uses():
    for name in ("add", "multiply", "maximum", "minimum", "fmax", "fmin"):
        for a in (V, M, T, np.asfortranarray(M), M[::-1]):
            yield use(f"numpy.{name}.reduce", a)
            yield from (use(f"numpy.{name}.reduce", a, axis) for axis in (0, -1, None))
            yield use(f"numpy.{name}.reduce", a, axis=0, keepdims=True)
        yield use(f"numpy.{name}.reduce", T, (0, 2))
    for name in ("add", "multiply"):
        for a in (V, M, T):
            yield use(f"numpy.{name}.accumulate", a)
            yield from (use(f"numpy.{name}.accumulate", a, axis) for axis in range(-a.ndim, a.ndim))
    for indices in ([0, 2], np.array([1, 3, 2]), [0], [2, 2, 1]):
        yield use("numpy.add.reduceat", V, indices)
    yield from (use("numpy.add.reduceat", M, [0, 1], axis) for axis in (0, 1, -1))
    for name in ("add", "subtract", "multiply", "divide"):
        for a, b in ((V, V + 1), (M, V), (V, T), (V, 1.5), (2.5, M), (np.float64(1.5), 2.5), (V, np.array(0.5))):
            yield use(f"numpy.{name}.outer", a, b)


USES = list(uses())


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)
