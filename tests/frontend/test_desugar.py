"""Jumps become structure: the gast that lowering sees, as text, and the same values as before."""

import textwrap

import gast
import pytest

from s2sad.backend.printer import print_module
from s2sad.frontend import desugar
from s2sad.frontend.source import Source


def desugared(text):
    """The body of `f` after the pass, hidden names without their dots."""
    text = textwrap.dedent(text)
    node = gast.parse(text).body[0]
    source = Source("f.py", text, node, node.name, node.name, None)
    tree = gast.Module(desugar.one_exit(node.body, source), [])
    for inner in gast.walk(tree):
        if isinstance(inner, gast.Name):
            inner.id = inner.id.replace(".", "_")
    return print_module(tree).rstrip("\n")


#: Body, and what it becomes.
CASES = {
    "early return": (
        """
        def f(x):
            if x > 2:
                return x
            x = x + 1
            return x
        """,
        """
        if x > 2:
            return x
        else:
            x = x + 1
            return x
        """,
    ),
    "break": (
        """
        def f(x):
            for i in x:
                if i:
                    break
                x = i
            return x
        """,
        """
        for i in x:
            if i:
                break
            else:
                x = i
        return x
        """,
    ),
    "continue": (
        """
        def f(x):
            while x:
                if x > 1:
                    x = x - 1
                    continue
                x = x - 2
            return x
        """,
        """
        while x:
            if x > 1:
                x = x - 1
            else:
                x = x - 2
        return x
        """,
    ),
    "what no path reaches": (
        """
        def f(x):
            for i in x:
                if i:
                    break
                else:
                    continue
                x = i
            return x
        """,
        """
        for i in x:
            if i:
                break
            else:
                pass
        return x
        """,
    ),
    "some paths jump": (
        """
        def f(x):
            for i in x:
                if i:
                    if x:
                        break
                    i = 1
                x = i
            return x
        """,
        """
        for i in x:
            _skipped = False
            if i:
                if x:
                    _skipped = True
                    break
                else:
                    pass
                if _skipped:
                    pass
                else:
                    i = 1
            else:
                pass
            if _skipped:
                pass
            else:
                x = i
        return x
        """,
    ),
    "else": (
        """
        def f(x):
            for i in x:
                if i:
                    break
            else:
                x = 1
            return x
        """,
        """
        _broken = False
        for i in x:
            if i:
                _broken = True
                break
            else:
                pass
        if _broken:
            pass
        else:
            x = 1
        return x
        """,
    ),
    "else without break": (
        """
        def f(x):
            for i in x:
                x = i
            else:
                x = 1
            return x
        """,
        """
        for i in x:
            x = i
        x = 1
        return x
        """,
    ),
    "return in a loop": (
        """
        def f(x):
            for i in x:
                if i:
                    return i
            return x
        """,
        """
        _returned = False
        for i in x:
            if i:
                _result = i
                _returned = True
                break
            else:
                pass
        if _returned:
            return _result
        else:
            return x
        """,
    ),
    "return out of two loops": (
        """
        def f(x):
            for i in x:
                for j in x:
                    if j:
                        return i, j
                x = 1
            return x, x
        """,
        """
        _returned = False
        for i in x:
            for j in x:
                if j:
                    (_result0, _result1) = (i, j)
                    _returned = True
                    break
                else:
                    pass
            if _returned:
                break
            else:
                x = 1
        if _returned:
            return (_result0, _result1)
        else:
            return (x, x)
        """,
    ),
    "a loop that only returns leaves": (
        """
        def f(x):
            while True:
                x = x + 1
                if x > 3:
                    return x
        """,
        """
        while True:
            x = x + 1
            if x > 3:
                _result = x
                _returned = True
                break
            else:
                pass
        return _result
        """,
    ),
    "a test that binds": (
        """
        def f(x):
            while (y := x - 1) > 0:
                x = y
                if x == 2:
                    break
            else:
                x = 7
            return x
        """,
        """
        _broken = False
        while True:
            if not (y := (x - 1)) > 0:
                break
            else:
                x = y
                if x == 2:
                    _broken = True
                    break
                else:
                    pass
        if _broken:
            pass
        else:
            x = 7
        return x
        """,
    ),
}


def plain(text):
    """Text by its syntax tree: parentheses and empty branches apart."""
    tree = gast.parse(textwrap.dedent(text))
    for node in gast.walk(tree):
        if isinstance(node, gast.If) and all(isinstance(n, gast.Pass) for n in node.orelse):
            node.orelse = []
    return gast.dump(tree)


@pytest.mark.parametrize("case", CASES)
def test_text(case):
    before, after = CASES[case]
    assert plain(desugared(before)) == plain(after)


def test_no_jump_is_left_where_something_follows():
    """Whatever the nesting: behind a break or return in its block nothing comes, and no `continue` is left."""
    text = """
    def f(x):
        for a in x:
            for b in a:
                while b:
                    if a:
                        if b:
                            continue
                        elif x:
                            break
                        b = 2
                    else:
                        if x:
                            return a
                        b = 1
                    b = 3
                else:
                    break
                continue
            else:
                return b
            x = 1
        return x
    """
    node = gast.parse(textwrap.dedent(text)).body[0]
    source = Source("f.py", text, node, "f", "f", None)
    tree = gast.Module(desugar.one_exit(node.body, source), [])
    assert not any(isinstance(n, gast.Continue) for n in gast.walk(tree))
    for inner in gast.walk(tree):
        for block in (getattr(inner, "body", None), getattr(inner, "orelse", None)):
            for statement in block[:-1] if isinstance(block, list) else ():
                assert not isinstance(statement, (gast.Break, gast.Return))
        if isinstance(inner, (gast.For, gast.While)):
            assert not inner.orelse
