"""Random programs that write in place: every derivative agrees with the oracles, or is refused with a place.

S2SAD_PROGRAMS says how many are drawn. A failure prints the program, already reduced by hypothesis.
"""

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from programs.generator_in_place import programs
from programs.oracle import oracles_agree
from programs.test_generated import PROGRAMS, load, verify

import s2sad


@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_programs_in_place(program, tmp_path_factory):
    hypothesis.note(program.source)
    hypothesis.note(f"args: {program.args()}")
    try:
        became = verify(program, tmp_path_factory.getbasetemp(), second=program.seed % 3 == 0)
    except s2sad.S2sadError as error:
        assert error.place is not None and error.help
        became = f"refused {error.code}"
    hypothesis.event(became)


def test_programs_have_derivatives(tmp_path):
    """Most programs run, write, and have a derivative that the oracles agree on."""
    count = {"drawn": 0, "agreed": 0, "writes": 0, "moves": 0}

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(program=programs())
    def draw(program):
        count["drawn"] += 1
        count["writes"] += any(text in program.source for text in ("] = ", "] += ", "] *= ", "out=", "write_"))
        module = load(program.source, tmp_path)
        with np.errstate(all="ignore"):
            oracles_agree(module.main, *program.args())
        count["agreed"] += 1

    draw()
    assert count["agreed"] == count["drawn"] >= 60
    assert count["writes"] >= count["drawn"] // 2
