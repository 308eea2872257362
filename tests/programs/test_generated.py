"""Random programs: every derivative of each agrees with the oracles, or is refused with a place.

S2SAD_PROGRAMS says how many are drawn. A failure prints the program, already reduced by hypothesis.
"""

import importlib.util
import itertools
import os
import sys
import warnings

import hypothesis
import numpy as np
from hypothesis import HealthCheck, given, settings
from programs.generator import programs
from programs.oracle import Unsuitable, check, leaves, wide

PROGRAMS = int(os.environ.get("S2SAD_PROGRAMS", "60"))
_numbers = itertools.count()


def load(source, folder):
    """The module of a program, written to a file of its own."""
    name = f"generated_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def verify(program, folder, second):
    """Check one program; tell what became of it."""
    module = load(program.source, folder)
    args = program.args()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = module.main(*args)
        except (ArithmeticError, ValueError):
            return "primal fails"
    if not all(np.all(np.isfinite(wide(v))) and np.max(np.abs(wide(v)), initial=0.0) < 1e4 for v in leaves(value)):
        return "primal out of range"
    try:
        check(module.main, *args, second=second)
    except Unsuitable as reason:
        return str(reason).partition(" ")[0]
    finally:
        del sys.modules[module.__name__]
    return "checked"


@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_programs(program, tmp_path_factory):
    hypothesis.note(program.source)
    hypothesis.note(f"args: {program.args()}")
    hypothesis.event(verify(program, tmp_path_factory.getbasetemp(), second=program.seed % 3 == 0))
