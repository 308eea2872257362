"""Every rule of functions on polynomials, in every case, against differences."""

from dataclasses import replace

import numpy as np
import pytest
from rules.harness import check, check_dtype, function_of, missed, numbers, rules_of, unknown_names, use

from s2sad.rules import registry

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


@pytest.mark.parametrize("u", USES, ids=repr)
def test_rule(u):
    check(u)
    check_dtype(u)


def test_every_case_is_checked():
    covered = set()
    for u in USES:
        check(u, covered)
    assert not missed(NAMES, covered)


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    assert function_of(name) is not None
    assert not unknown_names(registry.find(name))
