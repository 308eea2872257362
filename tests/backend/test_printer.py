"""The printer: what its text looks like, and that the text parses back to the tree it was printed from."""

from __future__ import annotations

import copy
import hashlib
import math
import os
import sys
import sysconfig
import tokenize
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from textwrap import dedent

import gast
import numpy
import pytest

from s2sad.backend.printer import Comment, print_expression, print_module

SHARDS = 8


def expression(text):
    return gast.parse(f"({text}\n)").body[0].value


def assert_round_trip(source):
    tree = gast.parse(source)
    printed = print_module(tree)
    assert gast.dump(gast.parse(printed)) == gast.dump(tree)
    return printed


def assert_prints(source, expected):
    """The source prints as expected, down to the newline, and means the same."""
    assert assert_round_trip(source) == dedent(expected).lstrip("\n")


def assert_unchanged(source):
    assert_prints(source, source)


def constant(value):
    return gast.Constant(value, None)


def name(text):
    return gast.Name(text, gast.Load(), None, None)


def power(base):
    return gast.BinOp(base, gast.Pow(), constant(2))


# ------------------------------------------------------------------------------------------------------- parentheses


@pytest.mark.parametrize(
    "text",
    [
        "2 * w",
        "-1 / w ** 2",
        "(a + b) * c",
        "a - (b - c)",
        "a - b - c",
        "a / (b * c)",
        "a ** b ** c",
        "(a ** b) ** c",
        "a ** -b",
        "(-x) ** 2",
        "-x ** 2",
        "-(x + y)",
        "--x",
        "~x & ~y",
        "a @ b % c // d",
        "a << b | c & d ^ e",
        "not a",
        "not (a and b)",
        "not a == b",
        "a == (not b)",
        "a < b < c",
        "(a < b) < c",
        "a < (b < c)",
        "a is not b",
        "a not in b",
        "a and b or c",
        "a and (b or c)",
        "(a and b) and c",
        "a and b and c",
        "a if c else b",
        "a if c else b if d else e",
        "(a if c else b) if d else e",
        "a if (b if c else d) else e",
        "(a if c else b) + 1",
        "lambda x: x + 1",
        "lambda: 0",
        "lambda x, /, y=1, *z, k, w=(2, 3), **q: (x, y)",
        "(lambda: 0)()",
        "[lambda: 0]",
        "lambda *, k: k",
        "x.y.z(1)[2].w",
        "(a + b).c",
        "(a + b)(c)",
        "(a + b)[c]",
        "(1).real",
        "1.0.real",
        "1j.imag",
        "'a'.join(b)",
        "f(*a, *b, k=1, **c)",
        "f(*a or b, **c or d)",
        "f(x := 1, y)",
        "f(k=(x := 1))",
        "f(x for x in y)",
        "f((x for x in y), 1)",
        "f(lambda: 0)",
        "f((yield))",
        "[x := 1, *y]",
        "[*(a or b)]",
        "{x := 1}",
        "{1: 2, **a}",
        "{**(a or b)}",
        "{}",
        "{1: lambda: 0, 2: (x := 3)}",
        "[x for x, y in z if x if not y]",
        "[x for x in (a if b else c) if (d if e else f)]",
        "[x for x in lambda_ or y if (z := x)]",
        "{x: y for x, y in z}",
        "{x for y in z for x in y}",
        "[[x for x in y] for y in z]",
        "[(x := 1) + 1]",
        "x[1:, ..., None]",
        "x[..., 1:]",
        "x[1:-1]",
        "x[:]",
        "x[::2]",
        "x[a:b:c]",
        "x[:, 0]",
        "x[0,]",
        "x[:,]",
        "x[()]",
        "x[a, b]",
        "x[a, (b, c)]",
        "x[i := 1]",
        "x[i := 1, j]",
        "x[(i := 1):2]",
        "x[lambda: 1]",
        "x[(yield)]",
        "x[(*a, b)]",
        "True",
        "...",
    ],
)
def test_expressions_keep_only_the_parentheses_they_need(text):
    tree = expression(text)
    assert print_expression(tree) == text
    spaced = expression("((" + text + "))")
    assert print_expression(spaced) == text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("((a)) + (((b * c)))", "a + b * c"),
        ("(((a.b)).c)((d))", "a.b.c(d)"),
        ("(1, 2)", "(1, 2)"),
        ("1,", "(1,)"),
        ("()", "()"),
        ("(x := 1)", "(x := 1)"),
        ("x[(a, b)]", "x[a, b]"),
        ("f((x := 1))", "f(x := 1)"),
        ("(x := 1), 2", "(x := 1, 2)"),
        ("(yield)", "(yield)"),
        ("(yield from x)", "(yield from x)"),
    ],
)
def test_an_expression_alone_fits_anywhere_an_expression_does(source, expected):
    assert print_expression(expression(source)) == expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a star beside a slice is new in Python 3.11")
def test_a_star_beside_a_slice():
    assert_unchanged("x[*a, 1:2]\n")
    assert_prints("x[*a, b]\n", "x[(*a, b)]\n")


def test_tuples_are_bare_where_a_statement_takes_them_so():
    assert_unchanged(
        dedent(
            """\
            a, b = b, a
            a, = b
            (a, b), c = d
            a = b = c, *d
            x: tuple = 1, 2
            a += 1, 2
            for i, j in z:
                pass
            for i in 1, *z:
                pass
            del a, b
            del (a, b)
            del (a,)
            a, b
            a = ()
            """
        )
    )
    assert_unchanged("def f():\n    return a, b\n")
    assert_unchanged("def f():\n    return *a, b\n")
    assert_prints("a = (b, c)\n[(d, e), f] = g\n", "a = b, c\n[(d, e), f] = g\n")


def test_yield_and_walrus_in_statements():
    assert_unchanged(
        dedent(
            """\
            def f():
                yield
                yield a, b
                yield from c
                x = yield d
                x += yield
                x: int = yield
                x = y = yield (yield)
                x = (yield) + 1
                return (yield)
                (x := 1)
                x = (y := 1)
                if x := 1:
                    pass
                elif y := 2:
                    pass
                while z := 3:
                    pass
                x = (y := 1), 2
                x = (y := 1, 2), 3
                assert (x := 1), (y := 2)
            """
        )
    )


def test_await():
    assert_unchanged(
        dedent(
            """\
            async def f():
                await a
                x = await a.b(c) ** 2
                y = -await a
                z = (await a).b
                return await (await a)
                [await b async for b in c]
            """
        )
    )


# -------------------------------------------------------------------------------------------------------- statements


def test_blank_lines_go_round_definitions_only():
    assert_prints(
        '''
        """Doc."""
        import a
        x = 1
        def f():
            """Doc."""
            y = 1
            def g(): pass
            return g
        class C(f(), metaclass=M, **k):
            def a(self): pass

            z = 1
            def b(self): pass
        z = 1
        '''.replace("\n        ", "\n"),
        '''
        """Doc."""
        import a
        x = 1


        def f():
            """Doc."""
            y = 1

            def g():
                pass

            return g


        class C(f(), metaclass=M, **k):
            def a(self):
                pass

            z = 1

            def b(self):
                pass


        z = 1
        ''',
    )


def test_an_empty_module_is_an_empty_file():
    assert print_module([]) == ""
    assert print_module(gast.parse("")) == ""


def test_comments():
    body = [
        Comment("one\ntwo\n\nthree"),
        gast.parse("import a").body[0],
        Comment("about f"),
        Comment("and more"),
        gast.parse("@d\ndef f():\n  'Doc.'").body[0],
        gast.parse("if x:\n  y\nelse:\n  z").body[0],
        Comment(""),
    ]
    body[4].body.insert(0, Comment("inside"))
    body[5].body = [Comment("nothing")]
    body[5].orelse = [Comment("first"), gast.parse("if a: b").body[0]]
    text = dedent(
        '''\
        # one
        # two
        #
        # three
        import a


        # about f
        # and more
        @d
        def f():
            # inside
            """Doc."""


        if x:
            # nothing
            pass
        else:
            # first
            if a:
                b
        #
        '''
    )
    assert print_module(body) == text
    assert print_module(copy.deepcopy(body)) == text
    assert print_module(gast.Module(body, [])) == text
    gast.parse(text)


def test_simple_statements():
    assert_unchanged(
        dedent(
            """\
            from __future__ import annotations
            import a, b.c as d
            from . import e
            from ..f.g import h as i, j
            from k import *
            assert a
            assert a, b
            raise
            raise a
            raise a from b
            global m, n
            x = y = z
            x: float = 1.0
            x: float
            (x): float
            x.y: float = 1.0
            x[0]: float
            x **= 2
            x @= y
            pass
            """
        )
    )
    assert_unchanged("def f():\n    nonlocal a, b\n    return\n")
    assert_prints("a; b; c = 1  # type: int\n", "a\nb\nc = 1\n")


def test_compound_statements():
    assert_unchanged(
        dedent(
            """\
            if a:
                b
            elif c:
                d
            else:
                e
            while a:
                break
            else:
                continue
            for a in b:
                c
            else:
                d
            try:
                a
            except b:
                c
            except (d, e) as f:
                g
            except:
                h
            else:
                i
            finally:
                j
            with a as b, c as d:
                e
            with a, (b, c) as (d, e):
                f
            with ((a, b)):
                c
            """
        )
    )
    assert_prints("with (a as b, c as d,):\n  e", "with a as b, c as d:\n    e\n")
    assert_prints("if a: b\nelse:\n  if c: d\n", "if a:\n    b\nelif c:\n    d\n")
    assert_unchanged("def f():\n    with (yield):\n        a\n")


def test_async_statements():
    assert_unchanged(
        dedent(
            """\
            async def f(x):
                async with a as b:
                    pass
                async for i, j in c:
                    pass
                else:
                    pass
            """
        )
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* is new in Python 3.11")
def test_exception_groups():
    assert_unchanged("try:\n    a\nexcept* b as c:\n    d\nexcept* (e, f):\n    g\n")


def test_functions_and_classes():
    assert_unchanged(
        dedent(
            """\
            @a.b(c)
            @x := d
            def f(a, b: int, /, c=1, d: float = 1.0, *e: str, g, h: int = 2, i=k, **j: k) -> tuple[int, str]:
                return lambda x, y=1: x


            class A:
                x = 1


            @a
            class B(A, *b, metaclass=c, **d):
                pass


            class C((x for x in y)):
                pass
            """
        )
    )
    assert_unchanged("def f(*, a):\n    pass\n")
    assert_prints("def f(*, a=1 , b): pass", "def f(*, a=1, b):\n    pass\n")
    assert_prints("class A(): pass", "class A:\n    pass\n")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a starred annotation is new in Python 3.11")
def test_a_starred_annotation():
    assert_unchanged("def f(*a: *b):\n    pass\n")


def test_a_def_longer_than_a_line_goes_one_parameter_to_a_line():
    parameters = ["alpha: float", "/", "beta=1", "*gamma", "delta=2", "**epsilon: int"]
    long = "x" * 60
    expected = f"def {long}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + ") -> float:\n    pass\n"
    assert_prints(f"def {long}({', '.join(parameters)}) -> float: pass", expected)
    method = f"class A:\n    def {long}(\n        self,\n        {'y' * 60},\n    ):\n        pass\n"
    assert_unchanged(method)
    assert_unchanged("def f():\n    return " + " + ".join(["x" * 30] * 10) + "\n")


def test_a_def_of_just_the_limit_stays_on_its_line():
    at_limit = f"def f({'x' * 102}):"
    assert len(at_limit) == 110
    assert_unchanged(at_limit + "\n    pass\n")
    assert_prints(f"def f({'x' * 103}): pass", f"def f(\n    {'x' * 103},\n):\n    pass\n")
    assert_unchanged(f"def {'f' * 120}():\n    pass\n")


def test_match():
    assert_unchanged(
        dedent(
            """\
            match a:
                case 1 | -2.5 | 1 + 2j | 's':
                    pass
                case None | True | a.b:
                    pass
                case [x, *y, _] if x > 1:
                    pass
                case [*_]:
                    pass
                case {'k': 1, a.b: [c] as d, **rest}:
                    pass
                case {**rest}:
                    pass
                case {}:
                    pass
                case A() | B(1, x, k=2, l=3 | 4 as m):
                    pass
                case 1 | 2 as x:
                    pass
                case (1 as x) | 2 as y if z := x:
                    pass
                case [1 as x, 2 | 3]:
                    pass
                case x:
                    pass
            match a, b:
                case []:
                    pass
            match *a, b:
                case _:
                    pass
            match x := a:
                case _:
                    pass
            """
        )
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are new in Python 3.12")
def test_type_parameters():
    assert_unchanged("type A[T: int, *Ts, **P] = list[T]\n")
    assert_unchanged("def f[T: (int, str)](x: T) -> T:\n    pass\n")
    assert_unchanged("class A[T](B):\n    pass\n")


@pytest.mark.skipif(sys.version_info < (3, 13), reason="defaults of type parameters are new in Python 3.13")
def test_defaults_of_type_parameters():
    assert_unchanged("type A[T: int = bool, *Ts = *tuple[int], **P = [int]] = list[T]\n")


# ----------------------------------------------------------------------------------------------------------- strings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        ('it\'s "so"', "'it\\'s \"so\"'"),
        ("\\ \n \r \t \0 \x7f \xa0", r"'\\ \n \r \t \x00 \x7f \xa0'"),
        ("é ∂ 😀", "'é ∂ 😀'"),
        ("\u200b \u2028 \ud800 \ufeff \U000e0001", r"'\u200b \u2028 \ud800 \ufeff \U000e0001'"),
        (b"it's\xff", 'b"it\'s\\xff"'),
    ],
)
def test_strings(value, expected):
    assert print_expression(constant(value)) == expected
    assert expression(expected).value == value


def test_u_strings_stay_so():
    assert_unchanged("x = u'a'\n")
    assert_unchanged('def f():\n    u"""Doc."""\n')


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("One line.", '"""One line."""'),
        ("First.\n\n    Then\tmore.\n    ", '"""First.\n\n    Then\tmore.\n    """'),
        ("A \\ backslash", '"""A \\\\ backslash"""'),
        ('Three """ quotes', '"""Three \\"\\"\\" quotes"""'),
        ('At the "end"', '"""At the "end\\""""'),
        ("", '""""""'),
        ("return \r and\nmore", "'return \\r and\\nmore'"),
        ("hidden \x00 it's", '"hidden \\x00 it\'s"'),
    ],
)
def test_docstrings(value, expected):
    for head in "def f():\n    ", "class f:\n    ", "async def f():\n    ", "":
        tree = gast.parse(head + repr(value))
        text = print_module(tree)
        assert text == f"{head}{expected}\n"
        assert gast.dump(gast.parse(text)) == gast.dump(tree)


def test_strings_that_are_no_docstrings():
    assert_prints("def f():\n  x\n  'a\\nb'\nif x:\n  'c'", "def f():\n    x\n    'a\\nb'\n\n\nif x:\n    'c'\n")


F_STRINGS = [
    ("f''", "f''"),
    ("f'a'", "f'a'"),
    ("f'{x}'", "f'{x}'"),
    ("f'{x!r:>{w}.{p}}'", "f'{x!r:>{w}.{p}}'"),
    ("f'{x!s}{y!a:}'", "f'{x!s}{y!a:}'"),
    ("f'{x=}'", "f'x={x!r}'"),
    ("f'{{{x}}}'", "f'{{{x}}}'"),
    (r"f'{x:\x7b}'", r"f'{x:\x7b}'"),
    (r"f'{x:\n\'}'", r"f'{x:\n\'}'"),
    ('f"it\'s {x}"', 'f"it\'s {x}"'),
    (r"""f'\'"{x}'""", r"""f'\'"{x}'"""),
    (r"f'\\{x}\n\t'", r"f'\\{x}\n\t'"),
    ("f\"{d['k']}\"", "f'{d[\"k\"]}'"),
    ("f\"'{d['k']}'\"", "f\"'{d['k']}'\""),
    ("f'{ {1: 2}[x]}'", "f'{ {1: 2}[x]}'"),
    ("f'{(lambda: 0)}{(lambda: 0)()}'", "f'{(lambda: 0)}{(lambda: 0)()}'"),
    ("f'{(x if y else lambda: 0)}'", "f'{(x if y else lambda: 0)}'"),
    ("f'{x if y else z}'", "f'{x if y else z}'"),
    ("f'{(x := 1)}{a, b}{x != y}'", "f'{(x := 1)}{(a, b)}{x != y}'"),
    ("f'{\"#{}\"}'", "f'{\"#{}\"}'"),
    ("f'{b\"a\"}{x[1:2, ...]}'", "f'{b\"a\"}{x[1:2, ...]}'"),
    ("f'{x:{\"{\"}>10}'", "f'{x:{\"{\"}>10}'"),
    ("f'''{f\"{d['k']}\"}'''", 'f\'{f"""{d["k"]}"""}\''),
    ("f'''{f\"{x}'\"}'''", "f'''{f\"{x}'\"}'''"),
    ("f'''{f(\"\"\"a\nb\"\"\")}'''", "f'''{f(\"\"\"a\nb\"\"\")}'''"),
    ("f'{x}' 'y'", "f'{x}y'"),
    ("f'{x}'.y", "f'{x}'.y"),
]


@pytest.mark.parametrize(("source", "expected"), F_STRINGS)
def test_f_strings(source, expected):
    assert_prints(source, expected + "\n")


@pytest.mark.parametrize("source", ["u'a' f'{x}b'", "u'' f'{x}b'", "f'{x}' u'b'", "u'a' f''", "f'{x}' u'b' f'{y}c'"])
def test_f_strings_beside_u_strings(source):
    assert_round_trip(source)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in Python 3.12")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # An older syntax can express these.
        (r"f'{'\n'.join(x)}'", "f'''{\"\"\"\n\"\"\".join(x)}'''"),
        ("f'{x['a']}'", "f'{x[\"a\"]}'"),
        ("f'{x # why\n}'", "f'{x}'"),
        # And none these.
        (r"f'{'\\'}'", r"f'{'\\'}'"),
        (r"f'{'\r' + f'{y}'}'", r"f'{'\r' + f'{y}'}'"),
        (r"f'{b'\xff'}'", r"f'{b'\xff'}'"),
    ],
)
def test_f_string_syntax_of_python_3_12_is_the_last_resort(source, expected):
    assert_prints(source, expected + "\n")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in Python 3.12")
@pytest.mark.parametrize(
    "source",
    [
        "f'{f'{f'{f'{f'{f'{1}'}'}'}'}'}'",
        "f'{x['a' \"b\" '''c\"d''']}'",
        r"f'{f'\n{'\r'}'}'",
        r"f'{f'{x}\'" r'"' "'}'",
        "f'{x:{y:{z}}}'",
        r"rf'{x:\d{y}\n}'",
        "f'{x}{'''\n'''}'",
    ],
)
def test_f_strings_only_python_3_12_reads_round_trip(source):
    assert_round_trip(source)


def test_f_strings_made_by_hand():
    field = gast.FormattedValue(name("x"), -1, None)
    assert print_expression(field) == "f'{x}'"
    assert print_expression(gast.JoinedStr([gast.JoinedStr([field, constant("{")]), constant("'")])) == 'f"{x}{{\'"'
    assert print_expression(gast.JoinedStr([gast.FormattedValue(name("x"), 114, constant("3"))])) == "f'{x!r:3}'"


def test_t_strings():
    whole = gast.Interpolation(name("x"), " x ", 114, gast.JoinedStr([constant(">3")]))
    bare = gast.Interpolation(gast.Attribute(name("x"), "y", gast.Load()), None, -1, None)
    text = print_expression(gast.TemplateStr([constant("a{"), whole, bare]))
    assert text == "t'a{{{ x !r:>3}{x.y}'"
    if sys.version_info >= (3, 14):
        assert_round_trip(text)


# ----------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        (-1, "-1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e100, "1e+100"),
        (math.inf, "1e309"),
        (-math.inf, "-1e309"),
        (2j, "2j"),
        (2.5j, "2.5j"),
        (complex(-0.0, -2.0), "-2j"),
        (complex(0, math.inf), "1e309j"),
        (1 + 2j, "1.0 + 2j"),
        (-1 - 2j, "-1.0 - 2j"),
        (complex(-0.0, 0.0), "complex(-0.0, 0.0)"),
        (complex(0.0, -2.0), "complex(0.0, -2.0)"),
        (10**100, "1" + "0" * 100),
        (True, "True"),
        (None, "None"),
        ((1, (2,), ()), "(1, (2,), ())"),
        (numpy.float64(1.5), "1.5"),
    ],
)
def test_constants(value, expected):
    assert print_expression(constant(value)) == expected
    assert repr(eval(expected)) == repr(value if not isinstance(value, numpy.generic) else value.item())


def test_a_constant_that_is_not_a_number():
    assert print_expression(constant(math.nan)) == "1e309 - 1e309"
    assert math.isnan(eval(print_expression(power(constant(math.nan)))))
    assert print_expression(constant(complex(math.nan, 1))) == "complex(1e309 - 1e309, 1.0)"


def test_an_integer_too_long_for_decimal_digits():
    huge = 1 << 100_000
    assert print_expression(constant(huge)) == hex(huge)
    assert expression(print_expression(constant(huge))).value == huge
    assert print_expression(constant(-huge)) == hex(-huge)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (power(constant(-1)), "(-1) ** 2"),
        (power(constant(-1.5)), "(-1.5) ** 2"),
        (power(constant(1 + 2j)), "(1.0 + 2j) ** 2"),
        (gast.BinOp(constant(2), gast.Pow(), constant(-1)), "2 ** -1"),
        (gast.BinOp(constant(-1), gast.Mult(), constant(-2)), "-1 * -2"),
        (gast.UnaryOp(gast.USub(), constant(-1)), "--1"),
        (gast.Attribute(constant(-1), "real", gast.Load()), "(-1).real"),
        (gast.Attribute(constant(True), "real", gast.Load()), "True.real"),
        (gast.Set([]), "{*()}"),
    ],
)
def test_nodes_made_by_hand(tree, expected):
    assert print_expression(tree) == expected
    gast.parse(expected)


def test_what_has_no_syntax_is_refused():
    with pytest.raises(TypeError, match="no Python syntax for a constant"):
        print_expression(constant(object()))
    with pytest.raises(TypeError, match="no Python syntax"):
        print_module([gast.Print(None, [], True)])


def test_a_tree_is_left_as_it_was():
    source = Path(__file__).read_text(encoding="utf-8")
    tree = gast.parse(source)
    before = gast.dump(tree)
    assert print_module(tree) == print_module(tree)
    assert gast.dump(tree) == before


# ----------------------------------------------------------------------------------------------------- deep nesting


def test_a_long_sum():
    tree = name("x")
    for position in range(5_000):
        tree = gast.BinOp(tree, gast.Add(), constant(position))
    assert print_expression(tree) == "x + " + " + ".join(map(str, range(5_000)))
    assert print_module([gast.Return(tree)]).startswith("return x + 0 + 1")


def test_long_chains_of_other_kinds():
    deep = 5_000
    product = chain = call = index = negative = choice = raised = name("x")
    for _ in range(deep):
        product = gast.BinOp(gast.BinOp(product, gast.Mult(), name("y")), gast.Add(), name("z"))
        chain = gast.Attribute(chain, "y", gast.Load())
        call = gast.Call(call, [], [])
        index = gast.Subscript(index, constant(0), gast.Load())
        negative = gast.UnaryOp(gast.USub(), negative)
        choice = gast.IfExp(name("c"), name("y"), choice)
        raised = gast.BinOp(name("y"), gast.Pow(), raised)
    assert print_expression(product) == "(" * (deep - 1) + "x * y + z" + ") * y + z" * (deep - 1)
    assert print_expression(chain) == "x" + ".y" * deep
    assert print_expression(call) == "x" + "()" * deep
    assert print_expression(index) == "x" + "[0]" * deep
    assert print_expression(negative) == "-" * deep + "x"
    assert print_expression(choice) == "y if c else " * deep + "x"
    assert print_expression(raised) == "y ** " * deep + "x"
    both = gast.BoolOp(gast.And(), [name("x")] * deep)
    assert print_expression(both) == " and ".join(["x"] * deep)
    for _ in range(deep):
        both = gast.BoolOp(gast.Or(), [gast.BoolOp(gast.And(), [both, name("y")]), name("z")])
    assert print_expression(both).endswith(" and y or z) and y or z")


def test_a_long_row_of_elifs():
    tree = gast.If(name("x"), [gast.Pass()], [])
    for _ in range(5_000):
        tree = gast.If(name("x"), [gast.Pass()], [tree])
    assert print_module([tree]) == "if x:\n    pass\n" + "elif x:\n    pass\n" * 5_000


# ----------------------------------------------------------------------------------------------------------- the law


def sources() -> list[Path]:
    """The files of the standard library and of numpy, in an order that mixes them but is always the same."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = {path.relative_to(library).as_posix(): path for path in library.rglob("*.py")}
    files = {relative: path for relative, path in files.items() if not relative.startswith("site-packages/")}
    package = Path(numpy.__file__).parent
    files |= {path.relative_to(package.parent).as_posix(): path for path in package.rglob("*.py")}
    order = sorted(files, key=lambda relative: hashlib.sha256(relative.encode()).digest())
    limit = os.environ.get("S2SAD_ROUNDTRIP", "100")
    return [files[relative] for relative in islice(order, None if limit == "all" else int(limit))]


def trees(paths: list[Path]) -> Iterator[tuple[Path, gast.Module, str]]:
    """The files that parse; among the library's own test data are some that must not."""
    for path in paths:
        try:
            with tokenize.open(path) as file:
                tree = gast.parse(file.read())
            dump = gast.dump(tree)
        except (SyntaxError, ValueError, RecursionError):
            continue
        yield path, tree, dump


@pytest.mark.parametrize("shard", range(SHARDS))
def test_printing_and_parsing_gives_the_same_tree(shard, record_property):
    """S2SAD_ROUNDTRIP is the number of files to try, or "all"."""
    count = 0
    different = []
    with warnings.catch_warnings():
        # Invalid escapes in the files, and their like, are not ours to judge.
        warnings.simplefilter("ignore")
        for path, tree, dump in trees(sources()[shard::SHARDS]):
            count += 1
            if gast.dump(gast.parse(print_module(tree))) != dump:
                different.append(str(path))
    record_property("files", count)
    print(f"{count} files went round")
    assert different == []
    assert count
