"""Each formula of every rule, made 0.1 % wrong, is noticed by the check that all rules go through."""

from dataclasses import replace

import numpy as np
import pytest
from rules import test_adjoints, test_engine
from rules.harness import Wrong, active_places, bind, broken, call, check, function_of, is_active

from s2sad.rules import registry

#: Parameters by which the derivative is zero wherever it is defined.
ZERO = {
    ("numpy.angle", "x"), ("numpy.imag", "x"), ("numpy.ndarray.imag", "x"), ("numpy.arange", "stop"),
    ("s2sad.runtime.linalg.norm_curvature", "a"), ("s2sad.runtime.linalg.norm_second_tangent", "a"),
}  # fmt: skip
#: Rules of single precision, which differences do not reach, and of the engine.
WITHOUT_USES = {"numpy.float16", "numpy.float32", "numpy.longdouble"}
#: Functions that are their own tangent, where they convert to a dtype that carries one.
OWN_TANGENT = {
    "numpy.array", "numpy.asarray", "numpy.ascontiguousarray", "numpy.asfortranarray", "numpy.astype",
    "numpy.ndarray.astype", "numpy.full", "numpy.asarray_chkfinite",
}  # fmt: skip

BY_NAME = {}
for _file in (*test_engine.FILES, test_adjoints):
    for _u in _file.USES:
        if function_of(_u.name) is not None:
            BY_NAME.setdefault(registry.find(_u.name).name, []).append(_u)

PLACES = sorted(
    (name, parameter, mode)
    for name in BY_NAME
    for mode in ("adjoint", "tangent")
    for parameter, cases in getattr(registry.find(name), mode).items()
    if (name, parameter) not in ZERO
    and not (mode == "tangent" and name in OWN_TANGENT)
    and any(c.text not in ("@same", "@store") for c in cases)
)


def spoiled(entry, parameter, mode):
    """A rule that is a little off in one mode, by one parameter."""
    table = dict(getattr(entry, mode))
    whole = broken(replace(entry, adjoint={parameter: table[parameter]}))
    return replace(entry, **{mode: {**table, parameter: whole.adjoint[parameter]}})


def is_apt(u, parameter):
    """Whether a use tells a wrong derivative by a parameter from a right one."""
    entry = registry.find(u.name)
    bound = bind(entry, u)
    if not any(name == parameter for name, _ in active_places(entry, u)):
        return False
    sizes = [np.size(v) for v in bound.values() if is_active(v)]
    y = call(entry, u, bound)
    parts = y if isinstance(y, tuple) else (y,)
    return u.differences and all(sizes) and sum(np.size(p) for p in parts) > 0 and u.precision < 1e-6


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "parameter", "mode"), PLACES, ids=lambda p: p)
def test_a_formula_that_is_a_little_off_is_noticed(name, parameter, mode):
    entry = spoiled(registry.find(name), parameter, mode)
    tried = 0
    for u in BY_NAME[name]:
        if is_apt(u, parameter):
            tried += 1
            try:
                check(replace(u, wrt=(parameter,)), entry=entry)
            except Wrong:
                return
    assert not tried, "no use notices"
    assert name in WITHOUT_USES, "no use is apt"
