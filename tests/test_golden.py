"""What s2sad emits, word for word: tests/golden holds primals, expected texts and, for some, a person's own text.

`pytest tests/test_golden.py --update-golden` writes what is emitted now; read the difference before it is committed.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import goldens
import numpy as np
import pytest
from goldens import Golden

GOLDENS = goldens.all_goldens()
BY_HAND = [(g, t.removeprefix("by hand: ")) for g in GOLDENS for t in g.sections if t.startswith("by hand: ")]
#: Interpreters that must emit the same text: this one, and those that S2SAD_PYTHONS lists (with numpy and jaxtyping).
PYTHONS = [sys.executable, *filter(None, os.environ.get("S2SAD_PYTHONS", "").split(os.pathsep))]


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda g: g.path.stem)
def test_text_and_values(golden: Golden, update_golden: bool) -> None:
    """The text is the one that was reviewed, and its values are those of central differences."""
    module = golden.load()
    emitted = golden.emitted(module)
    expected_text = {t: s for t, s in golden.sections.items() if t.startswith("emitted: ")}
    if update_golden:
        golden.write(emitted)
    else:
        assert emitted == expected_text
    for case, examples in module.CASES.items():
        derivative = goldens.made(case.partition(".specialise")[0], module)
        function = goldens.run_text(emitted[f"emitted: {case}"], module, derivative)
        for args in examples:
            before = goldens.fresh(args)
            got = goldens.leaves(function(*args))
            called = goldens.leaves(derivative(*args))
            for results in (got, called):
                given = [a for a in args if isinstance(a, np.ndarray)]
                pairs = [*itertools.combinations(results, 2), *itertools.product(results, given)]
                assert not any(np.may_share_memory(a, b) for a, b in pairs), "shared memory"
                assert all(r.flags.writeable for r in results)
            assert all(np.array_equal(a, b) for a, b in zip(args, before)), "an argument was written"
            want = goldens.expected(derivative, args)
            assert [g.shape for g in got] == [w.shape for w in want] == [c.shape for c in called]
            for g, c, w in zip(got, called, want):
                np.testing.assert_allclose(g, w, rtol=1e-6, atol=1e-8)
                np.testing.assert_allclose(c, w, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("golden, case", BY_HAND, ids=lambda p: p if isinstance(p, str) else p.path.stem)
def test_no_longer_than_by_hand(golden: Golden, case: str) -> None:
    """By counts that do not vary, the emitted text is no larger than a person's; and both compute the same."""
    module = golden.load()
    text = golden.emitted(module)[f"emitted: {case}"]
    hand = golden.sections[f"by hand: {case}"]
    ours, theirs = goldens.size(text), goldens.size(hand)
    assert {k: (ours[k], theirs[k]) for k in theirs if ours[k] > theirs[k]} == {}
    derivative = goldens.made(case, module)
    for args in module.CASES[case]:
        got = goldens.leaves(goldens.run_text(text, module, derivative)(*goldens.fresh(args)))
        want = goldens.leaves(goldens.run_text(hand, module, derivative)(*goldens.fresh(args)))
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-13)


def test_by_hand_is_judged() -> None:
    """The counts see each thing that they are there to see."""
    hand = "def f(x):\n    return x"
    for longer, count in [
        ("def f(x):\n    y = x\n    return y", "statements"),
        ("def f(x):\n    return abs(x)", "calls"),
        ("def f(x):\n    return 1 * x", "operators"),
        ("def f(x):\n    return unbroadcast(x, x)", "helpers"),
        ("def f(x):\n    x_tape = []\n    return x", "tapes"),
        ("def f(x):\n    return np.zeros_like(x)", "buffers"),
    ]:
        assert goldens.size(longer)[count] > goldens.size(hand)[count]


def test_there_are_enough() -> None:
    assert sum(len(g.load().CASES) for g in GOLDENS) >= 90
    assert len(BY_HAND) >= 9


def test_same_text_everywhere() -> None:
    """Byte for byte the same under two hash seeds, on this interpreter and on every one that S2SAD_PYTHONS lists."""
    texts = {}
    for python in PYTHONS:
        for seed in ("1", "2"):
            path = os.pathsep.join([str(goldens.FOLDER.parent), str(goldens.FOLDER.parent.parent)])
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
            run = subprocess.run(
                [python, goldens.__file__], env=environment, capture_output=True, text=True, encoding="utf-8"
            )
            assert run.returncode == 0, f"{python}: {run.stderr}"
            texts[python, seed] = run.stdout
    first = texts[PYTHONS[0], "1"]
    assert first.count("emitted: ") == sum(len(g.load().CASES) for g in GOLDENS)
    for (python, seed), text in texts.items():
        assert text == first, f"{python} with PYTHONHASHSEED={seed} emits another text"
