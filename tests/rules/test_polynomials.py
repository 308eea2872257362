"""Every rule of functions on polynomials, in every case, against differences."""

from dataclasses import replace

import numpy as np
from rules.harness import checks_of, numbers, rules_of, use

NAMES = rules_of("s2sad.rules.polynomials")

P, Q = numbers((4,), seed=1), numbers((2,), seed=2)
PLACES = np.array([-1.2, -0.4, 0.3, 1.1, 1.7])


def uses():
    for x in (numbers((3,)), numbers((2, 3)), numbers(()), numbers("scalar"), numbers(None), numbers((0,))):
        yield from (use("numpy.polyval", p, x) for p in (P, Q, numbers((1,))))
    for p in (P, Q, numbers((1,))):
        yield from (use(f"numpy.{name}", p) for name in ("polyder", "polyint"))
        yield from (use(f"numpy.{name}", p, q) for name in ("polyadd", "polysub", "polymul") for q in (P, Q))
    yield use("numpy.polymul", np.array([0.0, 1.5, 2.0]), Q).by("b")
    for x in (P, numbers((1,))):
        yield use("numpy.vander", x)
        yield from (use("numpy.vander", x, n, increasing) for n in (None, 1, 3) for increasing in (False, True))
    for deg in (1, 2, 3):
        yield replace(use("numpy.polyfit", PLACES, numbers((5,)), deg), tolerance=1e-4)
    yield replace(use("numpy.polyfit", PLACES, numbers((5, 2)), 2), tolerance=1e-4)
    yield from (use("numpy.poly", roots) for roots in (P, Q, numbers((1,))))


USES = list(uses())


test_rule, test_every_case_is_checked, test_names_exist = checks_of(USES, NAMES)
