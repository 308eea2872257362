"""What every part of a generated program is written with: draws, names in scope, kinds of values, expressions.

Every variable keeps one kind, which its name begins with (`Kinds` below). Expressions are tamed (`tanh`,
`log(1.5 + x * x)`), so that values stay in range.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

#: What is computed with: a float, an array of 3, an array of 3 by 3.
NUMBERS = "svm"
#: What holds them: a pair (s, v), a list of two v, a list of three s, a list of some s, a dict, a record.
HOLDERS = "plqrdo"
#: Where a holder has a number or an array: kind of the item -> (kind of the holder, text after the holder's name).
ITEMS = {
    "s": (("p", "[0]"), ("q", "[0]"), ("q", "[-1]"), ("q", "[1]"), ("d", '["a"]'), ("o", ".x")),
    "v": (("p", "[1]"), ("l", "[0]"), ("l", "[-1]"), ("d", '["b"]'), ("o", ".u")),
    "m": (),
}


@dataclass
class Signature:
    """A function that a program has: its name, its parameters' and results' kinds, how it may be called."""

    name: str
    params: list[tuple[str, str]]
    results: str
    default: str | None = None
    recursive: bool = False


@dataclass
class Writer:
    """Writes one function, statement by statement, with the variables that are surely bound at each point.

    The parts that a program has bring the statements; `statements` are their names, each as often as it is likely.
    """

    draw: object
    parts: frozenset[str] = frozenset()
    helpers: list[Signature] = field(default_factory=list)
    statements: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)  # name -> kind, in order
    integers: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)  # names that may not be assigned now
    locals: list[Signature] = field(default_factory=list)
    results: str = "s"
    depth: int = 1
    loops: int = 0
    step: str | None = None  # what a `continue` of the innermost loop has to do first; None outside of loops
    counter: int = 0
    budget: int = 12

    # ---- draws and text ----

    def pick(self, choices):
        return self.draw(st.sampled_from(choices))

    def number(self, low, high):
        return self.draw(st.integers(low, high))

    def chance(self, percent):
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def fresh(self, kind):
        self.counter += 1
        return f"{kind}{self.counter}"

    def emit(self, text):
        self.lines.append("    " * self.depth + text)

    def statement(self):
        self.budget -= 1
        getattr(self, self.pick(self.statements) if self.budget >= 0 else "assign")()

    # ---- names ----

    @property
    def writes(self):
        """Whether arrays are written in place: then a program's arrays are its own, and hold floats."""
        return "writes" in self.parts

    def names(self, kind):
        return [n for n, k in self.bound.items() if k == kind]

    def free(self, kind):
        """The names of a kind that may be assigned."""
        return [n for n in self.names(kind) if n not in self.fixed]

    def items(self, kind):
        """Texts of the values of a kind that holders have."""
        return [f"{name}{text}" for holder, text in ITEMS[kind] for name in self.names(holder)[-2:]]

    def target(self, kind):
        """A name to assign: one that is bound already, or a new one."""
        names = self.free(kind)
        return self.pick(names) if names and self.chance(60) else self.fresh(kind)

    def bind(self, kind, text):
        """An assignment of a value to a name of its kind, which is the result."""
        name = self.target(kind)
        self.emit(f"{name} = {text}")
        self.bound[name] = kind
        return name

    def assign(self):
        kind = self.pick("sssvvm")
        self.bind(kind, self.expression(kind))

    # ---- expressions ----

    def literal(self):
        return self.pick(["0.5", "1.0", "-0.7", "1.3", *(["2.0"] if self.writes else ["2", "3"])])

    def atom(self, kind):
        known = self.names(kind)[-5:] + self.items(kind)
        if known and self.chance(85):
            return self.pick(known)
        if kind == "s":
            counted = [f"{i} * 0.5" if self.writes else i for i in self.integers[-2:]]
            return self.pick([self.literal(), "SCALE", *counted])
        if kind == "v":
            return self.pick([*([] if self.writes else ["OFFSETS"]), "np.ones(3)", "np.arange(3.0)"])
        return "np.eye(3)"

    def vector(self):
        """A vector that is not computed anew where there is one."""
        made = ["np.arange(3.0)"] if self.writes else ["OFFSETS"]
        known = self.names("v") + self.items("v")
        return self.pick(known or made if self.writes else [*known, *made])

    def matrix(self):
        return self.pick([*self.names("m"), "np.eye(3)"])

    def index(self):
        """Text of an index of one item."""
        counted = [f"{i} % {n}" for i in self.integers[-2:] for n in (2, 3)]
        return self.pick(["0", "1", "2", "-1", *counted])

    def expression(self, kind, size=None):
        size = self.number(0, 3) if size is None else size
        if size <= 0:
            return self.atom(kind)
        return getattr(self, f"expression_{kind}")(size - 1)

    def expression_s(self, n):
        s = lambda: self.expression("s", n)
        form = self.number(0, 22)
        if form <= 2:
            return f"({s()} {self.pick(['+', '-', '*'])} {s()})"
        if form == 3:
            return f"({s()} / (1.5 + {self.atom('s')} ** 2))"
        if form == 4:
            return f"math.{self.pick(['sin', 'cos', 'tanh', 'atan'])}({s()})"
        if form == 5:
            return f"{self.pick(['np.sin', 'np.tanh', 'sin', 'abs'])}({s()})"
        if form == 6:
            return f"math.exp(math.tanh({s()}))"
        if form == 7:
            return f"math.log(1.5 + {self.atom('s')} ** 2)"
        if form == 8:
            return f"math.tanh({s()}) ** {self.pick(['2', '3', '1'])}"
        if form == 9:
            return f"-{self.atom('s')}"
        if form == 10:
            return f"({s()} if {self.test()} else {s()})"
        if form == 11:
            return f"np.{self.pick(['sum', 'mean', 'max', 'min'])}({self.expression('v', n)})"
        if form == 12:
            return f"np.{self.pick(['sum', 'mean'])}({self.expression('m', n)})"
        if form == 13:
            return f"({self.expression('v', n)} @ {self.expression('v', n)})"
        if form == 14:
            return f"{self.vector()}[{self.index()}]"
        if form == 15:
            return f"{self.matrix()}[{self.pick(['0, 1', '-1, 2', '1, 1', '2, -3'])}]"
        if form == 16:
            part = f"{self.vector()}[{self.pick(['1:', ':-1', '::2', '[0, 2, 2]', '::-1'])}]"
            return f"np.sum({part} * {self.expression('s', n)})"
        if form == 17:
            return f"np.sum({self.vector()}[1:] * {self.vector()}[:-1])"
        if form == 18:
            return f"np.linalg.norm({self.vector()} + 2.1)"
        if form == 19:
            return f"{self.pick(['max', 'min'])}({s()}, {s()})"
        if form == 20:
            index = ["1", ":, 0", "1:", "..., -1", "[0, 0, 2], [1, 1, -1]", "[1, 1]"]
            return f"np.sum({self.matrix()}[{self.pick(index)}] ** 2)"
        if form == 21:
            return self.drawn_together(n) or s()
        return self.call("s") or s()

    def drawn_together(self, n):
        """A number from all items of a holder or of an array, one after the other; None where there is no such part."""
        if "holders" not in self.parts:
            return None
        number = self.pick(self.names("q") + self.names("r") + [self.vector()])
        form = self.number(0, 4)
        if form == 0:
            return f"sum({number})"
        if form == 1:
            x = self.fresh("x")
            kept = self.pick(["", f" if {x} > 0.13"])
            return f"sum({x} * {self.expression('s', n)} for {x} in {number}{kept})"
        if form == 2:
            return f"sum(map(math.{self.pick(['sin', 'tanh'])}, {number}))"
        if form == 3:
            return f"{self.pick(['max', 'min'])}({self.pick([*self.names('q'), self.vector()])})"
        return f"functools.reduce(lambda a, b: a * math.tanh(b) + {self.atom('s')}, {number}, {self.atom('s')})"

    def expression_v(self, n):
        v = lambda: self.expression("v", n)
        s = lambda: self.expression("s", n)
        form = self.number(0, 20)
        if form <= 2:
            return f"({v()} {self.pick(['+', '-', '*'])} {v()})"
        if form == 3:
            return f"({v()} {self.pick(['+', '-', '*'])} {s()})"
        if form == 4:
            return f"({s()} {self.pick(['+', '-', '*'])} {v()})"
        if form == 5:
            return f"np.{self.pick(['sin', 'cos', 'tanh', 'arctan', 'abs', 'negative'])}({v()})"
        if form == 6:
            return f"({v()} / (1.5 + {self.atom('v')} ** 2))"
        if form == 7:
            return f"({self.expression('m', n)} @ {v()})"
        if form == 8:
            return f"({v()} @ {self.expression('m', n)})"
        if form == 9:
            reduction = self.pick(["sum", "mean", "max", "min"])
            return f"np.{reduction}({self.expression('m', n)}, axis={self.pick(['0', '1', '-1'])})"
        if form == 10:
            return f"{self.matrix()}[{self.pick(['0', ':, 1', '-1', '..., 2', '2, :', '[0, 1, 1], [2, 2, 0]'])}]"
        if form == 11:
            return f"{self.vector()}[{self.pick(['::-1', '[2, 0, 0]', '[-1, -1, 1]', ':', '...'])}]"
        if form == 12:
            return f"np.stack([{s()}, {s()}, {s()}])"
        if form == 13:
            return f"np.concatenate([{self.vector()}[1:], {self.vector()}[:1]])"
        if form == 14:
            return f"np.where({self.vector()} > {self.pick(['0', '0.1'])}, {v()}, {self.pick([v(), s()])})"
        if form == 15:
            return f"np.{self.pick(['maximum', 'minimum'])}({v()}, {self.pick([v(), s()])})"
        if form == 16:
            return f"np.clip({v()}, -0.63, 0.71)"
        if form == 17:
            return f"np.cumsum({v()})"
        if form == 18:
            return f"({v()} if {self.test()} else {v()})"
        if form == 19:
            return f"({self.pick(['np.exp', 'np.square'])}(np.tanh({v()})))"
        return self.call("v") or v()

    def expression_m(self, n):
        m = lambda: self.expression("m", n)
        v = lambda: self.expression("v", n)
        form = self.number(0, 13)
        if form <= 1:
            return f"({m()} {self.pick(['+', '-', '*'])} {self.pick([m(), v(), self.expression('s', n)])})"
        if form == 2:
            return f"({m()} @ {m()})"
        if form == 3:
            return f"{self.matrix()}{self.pick(['.T', '[::-1]', '[:, [0, 0, 2]]', '[[1, 1, 0]]', '.transpose()'])}"
        if form == 4:
            return f"np.{self.pick(['sin', 'tanh', 'cos'])}({m()})"
        if form == 5:
            return f"({self.vector()}[:, None] * {self.vector()}[None, :])"
        if form == 6:
            return f"np.outer({v()}, {v()})"
        if form == 7:
            whole, reduction = m(), self.pick(["sum", "mean", "max"])
            return f"({whole} - np.{reduction}({self.matrix()}, axis={self.pick(['0', '1'])}, keepdims=True))"
        if form == 8:
            return f"np.stack([{v()}, {v()}, {v()}]{self.pick(['', ', axis=1'])})"
        if form == 9:
            return f"np.concatenate([{self.matrix()}[1:], {self.vector()}[None]], axis=0)"
        if form == 10:
            return f"{self.matrix()}.reshape(-1)[::-1].reshape(3, 3)"
        if form == 11:
            return f"np.where({self.matrix()} > {self.vector()}, {m()}, {v()})"
        if form == 12:
            return f"(np.ones((3, 1)) * {v()})"
        return self.call("m") or m()

    # Holders are built from what is there: the size of an expression is that of its items.

    def expression_p(self, n):
        return n > 0 and self.call("p") or f"({self.expression('s', n)}, {self.expression('v', n)})"

    def expression_l(self, n):
        return (n > 0 and self.call("l")) or f"[{self.expression('v', n)}, {self.expression('v', n)}]"

    def expression_q(self, n):
        s = lambda: self.expression("s", n)
        return (n > 0 and self.call("q")) or f"[{s()}, {s()}, {s()}]"

    def expression_r(self, n):
        x, y = self.fresh("x"), self.fresh("x")
        return n > 0 and self.call("r") or self.pick([
            f"[{x} * {self.expression('s', n)} for {x} in {self.vector()} if {x} > 0.13]",
            f"[{x} + {self.vector()}[{x}] for {x} in range(3)]",
            f"[*{self.vector()}[1:], {self.expression('s', n)}]",
            f"[{x} * {y} for {x} in {self.vector()} for {y} in {self.vector()} if {x} < {y}]",
        ])  # fmt: skip

    def expression_d(self, n):
        return n > 0 and self.call("d") or f'{{"a": {self.expression("s", n)}, "b": {self.expression("v", n)}}}'

    def expression_o(self, n):
        return n > 0 and self.call("o") or f"Record({self.expression('s', n)}, {self.expression('v', n)})"

    def test(self):
        form = self.number(0, 5)
        if form == 0 and self.integers:
            return f"{self.pick(self.integers)} {self.pick(['> 1', '== 0', '% 2 == 0', '< 3'])}"
        if form == 1:
            return f"{self.atom('s')} > {self.atom('s')} - 0.17"
        if form == 2:
            return f"-1.7 < {self.atom('s')} < 0.31"
        if form == 3:
            return f"np.sum({self.vector()}) > 0.23"
        if form == 4:
            return f"{self.atom('s')} > 0.11 {self.pick(['and', 'or'])} {self.atom('s')} < 0.57"
        return f"{self.atom('s')} {self.pick(['<', '>'])} 0.29"

    def result(self):
        return ", ".join(self.expression(k, 2) for k in self.results)

    # ---- calls ----

    def call(self, kind):
        """A call of a function with one result of the kind; None where there is none."""
        fitting = [h for h in (*self.helpers, *self.locals) if h.results == kind]
        return self.call_of(self.pick(fitting)) if fitting else None

    def argument(self, kind):
        """What is passed for a parameter: what is there already, where that can be."""
        if kind in NUMBERS:
            return self.atom(kind)
        names = self.names(kind)
        return self.pick(names) if names and self.chance(80) else self.expression(kind, 1)

    def call_of(self, helper):
        given = [(n, self.argument(k)) for n, k in helper.params]
        if helper.default is not None and self.chance(50):
            given = [g for g in given if g[0] != helper.default]
        if helper.recursive:
            given.append(("n", str(self.number(0, 3))))
        first = self.number(0, len(given))
        named = given[first:]
        if len(named) > 1 and self.chance(50):
            named = named[::-1]
        if helper.default is not None and helper.recursive:
            first, named = 0, given
        return f"{helper.name}({', '.join([*(a for _, a in given[:first]), *(f'{n}={a}' for n, a in named)])})"
