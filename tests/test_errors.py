"""Located errors: their text, their codes, and that they travel between processes."""

import copy
import pickle
import re

import pytest

from s2sad.errors import CODES, Place, S2sadError, S2sadWarning


def shown(line, column, end_column, **more):
    place = Place("model.py", 7, column, more.pop("end_line", 7), end_column, line)
    return str(S2sadError("S201", "no", place, **more)).split("\n")


def test_the_whole_text():
    place = Place("model.py", 12, 9, 12, 14, "    y = x @ z")
    error = S2sadError("S303", "x has no known rank", place, help="annotate x")
    assert str(error) == (
        "model.py:12:9: [S303] x has no known rank\n12 |     y = x @ z\n   |         ^^^^^\nhelp: annotate x"
    )


def test_without_place_and_help():
    assert str(S2sadError("S401", "f has no parameter 'z'")) == "[S401] f has no parameter 'z'"
    assert str(S2sadError("S401", "no z", help="use x")) == "[S401] no z\nhelp: use x"


def test_a_span_of_several_lines_is_marked_on_its_first():
    assert shown("y = f(x,  \n      z)", 5, 9, end_line=8) == [
        "model.py:7:5: [S201] no",
        "7 | y = f(x,",
        "  |     ^^^^",
    ]


def test_an_empty_span_still_has_a_caret():
    assert shown("y = ", 5, 5)[1:] == ["7 | y =", "  |     ^"]
    assert shown("", 1, 1)[1:] == ["7 |", "  | ^"]


@pytest.mark.parametrize(
    "line, column, end_column",
    [
        ("\ty = bad", 6, 9),
        ("a\t= bad", 5, 8),
        ("\x0cy = bad", 6, 9),
        ("y = '漢字' + bad", 12, 15),
        ("y = 'e\N{COMBINING ACUTE ACCENT}' + bad", 12, 15),
        ("y = '\u2028' + bad", 11, 14),
        ("é = bad", 5, 8),
    ],
)
def test_carets_stand_under_what_a_terminal_shows(line, column, end_column):
    assert line[column - 1 : end_column - 1] == "bad"
    _, source, carets = shown(line, column, end_column)
    before = source[: source.index("bad")]
    # As a terminal counts: two columns a wide character, none a combining one.
    columns = len(before) + sum(c in "漢字" for c in before) - before.count("\N{COMBINING ACUTE ACCENT}")
    assert "\t" not in source
    assert carets == "  | " + " " * (columns - 4) + "^^^"


def test_wide_characters_have_wide_carets():
    assert shown("y = '漢'", 5, 8)[2] == "  |     ^^^^"


def test_a_very_long_line_is_cut_around_the_span():
    line = "y = " + " + ".join(["a"] * 1000) + " + bad" + " + c" * 1000
    column = line.index("bad") + 1
    _, source, carets = shown(line, column, column + 3)
    assert len(source) < 200
    assert source.startswith("7 | …") and source.endswith("…")
    assert source[carets.index("^") : carets.rindex("^") + 1] == "bad"
    _, source, carets = shown(line, 5, len(line) + 1)
    assert len(source) < 200 and len(carets) < 200


def test_an_unknown_code_is_refused():
    with pytest.raises(AssertionError, match="S999"):
        S2sadError("S999", "what")


def test_codes_are_of_a_family_and_each_has_a_meaning_of_its_own():
    assert all(re.fullmatch(r"S[1-6]\d\d", code) for code in CODES)
    assert list(CODES) == sorted(CODES)
    assert len(set(CODES.values())) == len(CODES)
    assert all(meaning and "\n" not in meaning for meaning in CODES.values())


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_it_pickles_and_copies(again):
    error = S2sadError("S201", "no", Place("f.py", 1, 1, 1, 2, "x"), help="so")
    error.note = "more"
    other = again(error)
    assert type(other) is S2sadError
    assert str(other) == str(error)
    assert (other.code, other.reason, other.place, other.help) == ("S201", "no", error.place, "so")
    assert other.note == "more"


def test_the_warning_is_a_user_warning():
    assert issubclass(S2sadWarning, UserWarning)
