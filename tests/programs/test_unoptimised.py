"""The programs without the passes that make a derivative short: what the passes do is no part of being right."""

import pytest
from programs import test_constructs, test_in_place, test_jumps
from programs.oracle import check

import s2sad
from s2sad import pipeline

#: The passes that are not for brevity: results are fresh, the engine's operations are text, a text is nested, a break
#: leaves at once.
NEEDED = ("asked", "nest", "simplify", "fresh", "expand", "breaks")


def programs():
    found = []
    for module in (test_constructs, test_in_place, test_jumps):
        for name, (function, points) in module.PROGRAMS.items():
            found.append(pytest.param(name, function, points, id=f"{module.__name__.partition('.')[2]}-{name}"))
    return found


@pytest.fixture
def unoptimised(monkeypatch):
    assert {name for name, _ in pipeline.FINISH} >= set(NEEDED)
    monkeypatch.setattr(pipeline, "PASSES", ())
    monkeypatch.setattr(pipeline, "FINISH", tuple(step for step in pipeline.FINISH if step[0] in NEEDED))


@pytest.mark.parametrize(("name", "function", "points"), programs())
def test_unoptimised(unoptimised, name, function, points):
    if name in test_in_place.WRONG:
        pytest.xfail("wrong, and not refused")
    for args in points:
        try:
            check(function, *args, second=False)
        except s2sad.S2sadError:
            assert name in test_in_place.KNOWN


def test_nothing_is_shortened(unoptimised):
    def twice(x):
        y = x
        z = y
        return z * 1.0 + z * 1.0

    assert "y = x" in s2sad.grad(twice).source
