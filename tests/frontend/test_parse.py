"""From text to gast: the same tree everywhere, whatever the depth, and mistakes with their place."""

import ast
import hashlib
import sys
import warnings

import gast
import pytest

from s2sad.errors import S2sadError
from s2sad.frontend.parse import copy_tree, mangle, parse_module, to_gast, walk

EVERYTHING = '''
from __future__ import annotations
import a.b as c
from . import d
@deco(1)
class C(Base, metaclass=M):
    """Doc."""
    x: int = 1
    async def f(self, p, /, q: int = 2, *args, k, m=3, **kw) -> float:
        async with a as b, c: pass
        async for i in j: await i
        return [x async for x in y if x]
def g(a, b=1, *, c):
    global z
    try:
        x = yield 1
        yield from f()
    except (A, B) as e:
        raise e from None
    except C:
        pass
    else:
        del x[1], y.z
    finally:
        assert a, "b"
    for i, *j in k:
        if i < j <= k: continue
        elif not i: break
        else: i += -1
    else:
        pass
    while (n := f(x, *y, k=1, **z)): x @= {1: 2, **d}
    def inner():
        nonlocal x
    match p:
        case {"a": [1, *rest], **more} | P(x, y=None) as q if q: pass
        case _: pass
    return lambda *a, b=2, **c: (a if b else c, {1, 2}, x[1:2, ..., ::3], b"q", 1j, u"u", {k: v for k in z})
'''


def dump(tree):
    return gast.dump(tree, include_attributes=True)


def test_it_is_what_gast_makes():
    assert gast.dump(parse_module(EVERYTHING, "f.py")) == gast.dump(gast.parse(EVERYTHING))


def test_positions_are_those_of_ast():
    old = [n for n in ast.walk(ast.parse(EVERYTHING)) if hasattr(n, "lineno")]
    new = [n for n in gast.walk(parse_module(EVERYTHING, "f.py")) if hasattr(n, "lineno")]
    expected = sorted((n.lineno, n.col_offset, n.end_lineno, n.end_col_offset) for n in old)
    found = [(n.lineno, n.col_offset, n.end_lineno, n.end_col_offset) for n in new]
    # The handler's name, which ast keeps as a string, is one more.
    handler = next(n for n in old if isinstance(n, ast.ExceptHandler) and n.name)
    expected.append((handler.lineno, handler.col_offset, handler.end_lineno, handler.end_col_offset))
    assert sorted(found) == sorted(expected)


FORMATTED = """
def f(x):
    a = f"{x} and {x:>{w}.2f} {x=!r}"
    b = ("one"
         f"two {g(x)}" "three")
    return f'''
    {x + 1} {y}
    '''
"""


def test_the_tree_is_the_same_on_every_python():
    # Computed once; a Python that parses otherwise fails here.
    digest = hashlib.sha256((dump(parse_module(EVERYTHING, "f")) + dump(parse_module(FORMATTED, "f"))).encode())
    assert digest.hexdigest()[:16] == "77083188a9b646a6"


def test_an_f_string_has_one_position():
    tree = parse_module(FORMATTED, "f.py")
    strings = [n for n in walk(tree) if isinstance(n, gast.JoinedStr)]
    inner = [n for n in walk(strings[-1]) if isinstance(n, gast.Name)]
    assert len(inner) == 2
    assert {(n.lineno, n.col_offset) for n in inner} == {(6, 11)}


@pytest.mark.parametrize(
    "text",
    [
        "y = " + " + ".join(["a"] * 1000),
        "y = " + " ** ".join(["a"] * 500),
        "y = a" + ".b" * 1000,
        "y = " + "f(" * 90 + "x" + ")" * 90,
        "if a: pass\n" + "elif a: pass\n" * 600,
        "y = " + "not " * 500 + "x",
    ],
    ids=["sum", "power", "attributes", "calls", "elif", "not"],
)
def test_depth_is_no_matter(text):
    tree = parse_module(text, "f.py")
    assert sum(1 for _ in walk(tree)) == sum(1 for _ in walk(copy_tree(tree))) > 250
    assert any(isinstance(n, gast.Name) and n.id in ("a", "x") for n in walk(tree))


@pytest.mark.parametrize(
    "text, line",
    [
        ("x = 1\nif x:\n    y = " + " + ".join(["a"] * 20_000), 3),
        ("x = 1\ny = " + "-" * 20_000 + "a\nz = 2", 2),
        ("x = 1\ny = " + "(" * 300 + "a" + ")" * 300, 2),
        ("x = 1\n" + "".join(" " * n + "if x:\n" for n in range(150)) + " " * 150 + "y = 1", None),
    ],
    ids=["sum", "unary", "parentheses", "blocks"],
)
def test_what_python_itself_cannot_parse_is_refused_with_its_place(text, line):
    if sys.version_info < (3, 11) and "+ a +" in text:
        pytest.skip("parses here")
    with pytest.raises(S2sadError) as caught:
        parse_module(text, "f.py")
    assert caught.value.code == "S206"
    assert caught.value.place is not None
    assert line is None or caught.value.place.line == line
    assert len(str(caught.value)) < 1000


def test_a_fixed_depth_converts_near_the_recursion_limit():
    def down(n):
        return down(n - 1) if n else to_gast(tree)

    tree = ast.parse("y = " + " + ".join(["a"] * 300))
    depth = sys.getrecursionlimit() - 200
    assert sum(1 for _ in walk(down(depth - 100))) > 600


@pytest.mark.parametrize(
    "text, line, column, word",
    [
        ("x = 1\ny = (2", 2, 5, "never closed"),
        ("x = 1\n  y = 2", 2, 3, "unexpected indent"),
        ("é = 'ü' $ 2", 1, 9, ""),
        ("def f():\n", 1, None, "expected an indented block"),
        ("x = 1\ny = \0", 2, 5, "null byte"),
        ("x = '\ud800'", 1, 6, "surrogate"),
        ("", None, None, None),
    ],
)
def test_syntax_errors_have_their_place(text, line, column, word):
    if line is None:
        assert parse_module(text, "f.py").body == []
        return
    with pytest.raises(S2sadError) as caught:
        parse_module(text, "f.py")
    error = caught.value
    assert error.code == "S108"
    assert word in error.reason
    assert error.place.file == "f.py"
    assert error.place.line == line or word == "expected an indented block"
    assert column is None or error.place.column == column
    str(error).encode()


def test_warnings_are_not_repeated():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_module(r"x = '\d'", "f.py")


def test_threads_leave_the_warning_filters_as_they_were():
    from concurrent.futures import ThreadPoolExecutor

    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: parse_module(f"x = {n}\n" * 50, "f.py"), range(200)))
    assert warnings.filters == before


def test_a_byte_order_mark_and_line_ends():
    assert [n.lineno for n in parse_module("\ufeffx\r\ny\rz\n\x0cw\n", "f.py").body] == [1, 2, 3, 4]


def test_identifiers_are_normalised():
    # Mathematical letters and a ligature: Python looks all of them up in NFKC.
    tree = parse_module("def 𝑓(𝑥, *, ﬁ): global 𝑔; import 𝑎.𝑏; return 𝑥.𝑦(𝑧=ﬁ)", "f.py")
    text = gast.dump(tree)
    assert text.isascii()
    assert "id='fi'" in text and "attr='y'" in text and "arg='z'" in text and "name='f'" in text


@pytest.mark.parametrize("name", ["__a", "__a_", "__a__", "_a", "a", "__", "___", "__a.b"])
@pytest.mark.parametrize("owner", ["C", "_C", "__C__", "_", "___"])
def test_mangling_is_python_s(name, owner):
    if "." in name:
        assert mangle(name, owner) == name
        return
    space = {}
    exec(f"class {owner}:\n    {name} = 1", space)
    assert mangle(name, owner) in vars(space[owner])
    assert mangle(name, None) == name


def test_a_copy_shares_nothing():
    tree = parse_module(EVERYTHING + FORMATTED, "f.py")
    copied = copy_tree(tree)
    assert dump(copied) == dump(tree)
    assert not {id(n) for n in walk(tree)} & {id(n) for n in walk(copied)}
