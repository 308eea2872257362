"""Random Python functions in the language that s2sad accepts, as source text, drawn by hypothesis so that they shrink.

A program has some helper functions and one `main`; every variable keeps one type: "s" a float, "v" an array of 3, "m"
an array of 3 by 3. Expressions are tamed (`tanh`, `log(1.5 + x * x)`), so that values stay in range.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

#: A parameter or variable's type, by the first letter of its name where the text is read: s scalar, v vector, m matrix.
TYPES = "svm"
HEADER = """import math
from math import sin

import numpy as np

SCALE = 0.7
OFFSETS = np.array([0.3, -0.8, 0.5])
"""


@dataclass
class Signature:
    """A helper function that has been written: its name, its parameters' and results' types, how it may be called."""

    name: str
    params: list[tuple[str, str]]
    results: str
    default: str | None = None
    recursive: bool = False


@dataclass
class Program:
    """Source text, and what `main` takes."""

    source: str
    types: str
    flags: int
    seed: int
    single: bool

    def args(self):
        """The arguments of `main`: floats and arrays, then small integers."""
        rng = np.random.default_rng(self.seed)
        made = []
        for kind in self.types:
            shape = {"s": (), "v": (3,), "m": (3, 3)}[kind]
            drawn = rng.uniform(0.2, 1.3, shape) * rng.choice([-1.0, 1.0], shape)
            made.append(float(drawn) if kind == "s" else drawn.astype(np.float32 if self.single else float))
        return (*made, *(int(n) for n in rng.integers(0, 4, self.flags)))


@dataclass
class Writer:
    """Writes one function, statement by statement, with the variables that are surely bound at each point."""

    draw: object
    helpers: list[Signature]
    lines: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)  # name -> type, in order
    integers: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)  # names that may not be written now
    locals: list[Signature] = field(default_factory=list)
    depth: int = 1
    loops: int = 0
    step: str | None = None  # what a `continue` of the innermost loop has to do first; None outside of loops
    counter: int = 0
    budget: int = 12

    # ---- draws ----

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

    def names(self, kind):
        return [n for n, k in self.bound.items() if k == kind]

    # ---- expressions ----

    def literal(self):
        return self.pick(["0.5", "1.0", "2", "-0.7", "1.3", "3"])

    def atom(self, kind):
        names = self.names(kind)
        if names and self.chance(85):
            return self.pick(names[-5:])
        if kind == "s":
            return self.pick([self.literal(), "SCALE", *self.integers[-2:]])
        if kind == "v":
            return self.pick(["OFFSETS", "np.ones(3)", "np.arange(3.0)"])
        return "np.eye(3)"

    def expression(self, kind, size=None):
        size = self.number(0, 3) if size is None else size
        if size <= 0:
            return self.atom(kind)
        less = size - 1
        made = getattr(self, f"expression_{kind}")
        return made(less)

    def expression_s(self, n):
        s = lambda: self.expression("s", n)
        form = self.number(0, 21)
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
            return f"{self.vector()}[{self.pick(['0', '1', '-1', '2', *(f'{i} % 3' for i in self.integers)])}]"
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
        return self.call("s") or s()

    def vector(self):
        return self.pick([*self.names("v"), "OFFSETS"])

    def matrix(self):
        return self.pick([*self.names("m"), "np.eye(3)"])

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

    def call(self, kind):
        """A call of a helper or local function with one result of the type; None where there is none."""
        fitting = [h for h in (*self.helpers, *self.locals) if h.results == kind]
        return self.call_of(self.pick(fitting)) if fitting else None

    def call_of(self, helper):
        given = [(n, self.atom(k)) for n, k in helper.params]
        if helper.default is not None and self.chance(50):
            given = [g for g in given if g[0] != helper.default]
        if helper.recursive:
            given.append(("n", str(self.number(0, 3))))
        first = self.number(0, len(given))
        named = given[first:]
        if len(named) > 1 and self.chance(50):
            named = named[::-1]
        if not named and helper.default is not None and len(given) < len(helper.params):
            named = []
        elif helper.default is not None and helper.recursive:
            first, named = 0, given
        return f"{helper.name}({', '.join([*(a for _, a in given[:first]), *(f'{n}={a}' for n, a in named)])})"

    # ---- statements ----

    def target(self, kind):
        """A name to assign: one that is bound already, or a new one."""
        names = [n for n in self.names(kind) if n not in self.fixed]
        return self.pick(names) if names and self.chance(60) else self.fresh(kind)

    def assign(self):
        kind = self.pick("sssvvm")
        text = self.expression(kind)
        name = self.target(kind)
        self.emit(f"{name} = {text}")
        self.bound[name] = kind

    def alias(self):
        kind = self.pick([k for k in TYPES if self.names(k)] or ["s"])
        if not self.names(kind):
            return self.assign()
        name = self.target(kind)
        self.emit(f"{name} = {self.pick(self.names(kind))}")
        self.bound[name] = kind

    def augment(self):
        names = [n for n in self.names("s") if n not in self.fixed]
        if not names:
            return self.assign()
        self.emit(f"{self.pick(names)} {self.pick(['+=', '-=', '*='])} {self.expression('s', 1)}")

    def swap(self):
        kinds = [k for k in TYPES if len([n for n in self.names(k) if n not in self.fixed]) > 1]
        if not kinds:
            return self.assign()
        kind = self.pick(kinds)
        names = [n for n in self.names(kind) if n not in self.fixed]
        a = self.pick(names)
        b = self.pick([n for n in names if n != a])
        self.emit(f"{a}, {b} = {b}, {self.pick([a, self.expression(kind, 1)])}")

    def several(self):
        fitting = [h for h in self.helpers if len(h.results) > 1]
        if not fitting:
            return self.assign()
        helper = self.pick(fitting)
        text = self.call_of(helper)
        targets = []
        for kind in helper.results:
            name = self.target(kind)
            targets.append(self.fresh(kind) if name in targets else name)
        self.emit(f"{', '.join(targets)} = {text}")
        self.bound.update(zip(targets, helper.results))

    def body(self, least=1, most=3):
        """A nested block; what it binds anew is not bound after it."""
        before = dict(self.bound)
        numbers = list(self.integers)
        known = list(self.locals)
        self.depth += 1
        for _ in range(self.number(least, most)):
            self.statement()
        self.depth -= 1
        after = self.bound
        self.bound = before
        self.integers = numbers
        self.locals = known
        return after

    def branch(self):
        self.emit(f"if {self.test()}:")
        ends = [self.body()]
        if self.chance(30):
            self.emit(f"elif {self.test()}:")
            ends.append(self.body())
        if self.chance(60):
            self.emit("else:")
            ends.append(self.body())
            for name in ends[0]:
                if all(end.get(name) == ends[0][name] for end in ends):
                    self.bound[name] = ends[0][name]

    def flagged(self):
        """A variable that is bound in one branch, and read later under the same test."""
        self.counter += 1
        flag, name = f"flag{self.counter}", self.fresh("s")
        self.emit(f"{flag} = {self.test()}")
        self.emit(f"if {flag}:")
        self.emit(f"    {name} = {self.expression('s')}")
        self.fixed.add(name)
        for _ in range(self.number(0, 2)):
            self.statement()
        self.emit(f"if {flag}:")
        target = self.target("s")
        if target not in self.bound:
            target = None
        self.emit(f"    {target or name} = {self.expression('s', 1)} * {name}")

    def loop(self):
        if self.loops >= 2 or self.depth > 3:
            return self.assign()
        self.loops += 1
        self.counter += 1
        index = f"i{self.counter}"
        form = self.number(0, 9)
        after = False
        items: list[str] = []
        fixed = set(self.fixed)
        if form <= 3:
            header = self.pick([
                "range(3)", "range(2)", "range(1, 4)", "range(3, 0, -1)", "range(0, 5, 2)", "range(2, -1, -2)",
                "range(0)", "reversed(range(3))",
            ])  # fmt: skip
            after = header != "range(0)" and self.chance(40)
            if self.integers and self.chance(40):
                header, after = f"range({self.pick(self.integers)})", False
                if self.chance(30):
                    self.emit(f"{index} = 1")
                    after = True
            self.emit(f"for {index} in {header}:")
            self.integers.append(index)
        elif form == 4:
            x = self.fresh("s")
            self.emit(f"for {x} in {self.vector()}:")
            self.bound[x] = "s"
            items.append(x)
        elif form == 5:
            x = self.fresh("s")
            items_of = self.pick([self.vector(), self.expression("v", 1)])
            self.emit(f"for {index}, {x} in enumerate({items_of}{self.pick(['', ', 1'])}):")
            self.bound[x] = "s"
            items.append(x)
            self.integers.append(index)
        elif form == 6:
            x, y = self.fresh("s"), self.fresh("s")
            self.emit(f"for {x}, {y} in zip({self.vector()}, {self.expression('v', 1)}):")
            self.bound[x] = self.bound[y] = "s"
            items += [x, y]
        elif form == 7:
            x = self.fresh("v")
            self.emit(f"for {x} in {self.matrix()}:")
            self.bound[x] = "v"
            items.append(x)
        else:
            self.emit(f"{index} = {self.pick(['0', '1', '3'])}")
            bound = f" and {self.atom('s')} < 2.3" if self.chance(50) else ""
            self.emit(f"while {index} < 3{bound}:")
            self.integers.append(index)
            after = True
        outer = {n: k for n, k in self.bound.items() if n not in items}
        numbers = list(self.integers)
        around, self.step = self.step, ""
        if form >= 8:
            self.step = f"{index} {self.pick(['+= 1', '= ' + index + ' + 1'])}"
        self.body(1, 4)
        if self.step:
            self.emit(f"    {self.step}")
        self.step = around
        if self.chance(15):
            self.emit("else:")
            self.bound = dict(outer)
            self.body(1, 2)
        self.bound = outer
        self.integers = [n for n in numbers if n != index or after]
        self.fixed = fixed
        self.loops -= 1

    def endless(self):
        """`while True`, which a test at its top or somewhere in its body leaves."""
        if self.loops >= 2 or self.depth > 3:
            return self.assign()
        self.loops += 1
        self.counter += 1
        index = f"i{self.counter}"
        self.emit(f"{index} = 0")
        tested = self.fresh("s")
        header = self.pick(["while True:", "while True:", f"while ({tested} := {self.expression('s', 1)}) < 0.9:"])
        self.emit(header)
        outer, numbers, around, fixed = dict(self.bound), list(self.integers), self.step, set(self.fixed)
        if ":=" in header:
            self.bound[tested] = "s"
            outer[tested] = "s"
        self.integers.append(index)
        self.fixed.add(index)
        self.step = f"{index} += 1"
        self.depth += 1
        if self.chance(60):
            self.statement()
        self.emit(f"if {index} > {self.number(0, 3)}:")
        self.emit("    break")
        self.depth -= 1
        self.body(1, 3)
        self.emit(f"    {self.step}")
        self.bound, self.integers, self.step, self.fixed = outer, [*numbers, index], around, fixed
        self.loops -= 1

    def jump(self):
        """A break, continue or return in the innermost loop, under a test, perhaps after some work."""
        if self.step is None:
            return self.assign()
        self.emit(f"if {self.test()}:")
        self.depth += 1
        outer = dict(self.bound)
        for _ in range(self.number(0, 2)):
            self.assign()
        kind = self.pick(["break", "break", "continue", "return"])
        if kind == "return":
            kind = f"return {self.result()}"
        elif kind == "continue" and self.step:
            self.emit(self.step)
        self.emit(kind)
        self.depth -= 1
        self.bound = outer
        if self.chance(25):
            self.emit("else:")
            outer = dict(self.bound)
            self.body(1, 1)
            self.bound = outer

    def walrus(self):
        """A test that binds a name."""
        name = self.target("s")
        self.emit(f"if ({name} := {self.expression('s', 1)}) > {self.atom('s')}:")
        self.bound[name] = "s"
        after = dict(self.bound)
        self.body(1, 2)
        self.bound = after

    def local_function(self):
        if self.loops or self.depth > 1:
            return self.assign()
        self.counter += 1
        name = f"f{self.counter}"
        params = [(f"{kind}_{k}", kind) for k, kind in enumerate(self.pick(["s", "v", "ss", "sv"]))]
        result = self.pick("ssv")
        outer = dict(self.bound)
        self.bound = {**outer, **dict(params)}
        if self.chance(50):
            self.emit(f"{name} = lambda {', '.join(n for n, _ in params)}: {self.expression(result, 2)}")
        else:
            self.emit(f"def {name}({', '.join(n for n, _ in params)}):")
            self.depth += 1
            self.emit(f"{params[0][0]} = {self.expression(params[0][1], 1)}")
            self.emit(f"return {self.expression(result, 2)}")
            self.depth -= 1
        self.bound = outer
        self.locals.append(Signature(name, params, result))

    def early_return(self):
        if self.depth > 1 or self.loops:
            return self.assign()
        self.emit(f"if {self.test()}:")
        self.depth += 1
        outer = dict(self.bound)
        for _ in range(self.number(0, 1)):
            self.assign()
        self.emit(f"return {self.result()}")
        self.bound = outer
        self.depth -= 1

    results = "s"
    statements = (
        "assign", "assign", "assign", "alias", "augment", "swap", "several", "branch", "branch", "flagged", "loop",
        "loop", "loop", "local_function", "early_return", "jump", "jump", "endless", "walrus",
    )  # fmt: skip

    def result(self):
        return ", ".join(self.expression(k, 2) for k in self.results)

    def statement(self):
        self.budget -= 1
        if self.budget < 0:
            return self.assign()
        getattr(self, self.pick(self.statements))()


def helper(draw, number, known, make=Writer):
    """One helper function: its text and signature."""
    writer = make(draw, known, budget=4)
    params = [(f"{k}_{i}", k) for i, k in enumerate(writer.pick(["s", "v", "ss", "sv", "vm", "vs", "svm"]))]
    writer.bound.update(params)
    writer.results = writer.pick(["s", "v", "s", "v", "m", "ss", "sv"])
    signature = Signature(f"helper{number}", params, writer.results)
    shown = [n for n, _ in params]
    if params[-1][1] == "s" and len(params) > 1 and writer.chance(50):
        signature.default = params[-1][0]
        shown[-1] += "=0.6"
    if len(signature.results) == 1 and signature.default is None and writer.chance(35):
        signature.recursive = True
        shown.append("n")
        writer.integers.append("n")
        writer.emit("if n <= 0:")
        writer.emit(f"    return {writer.result()}")
    for _ in range(writer.number(0, 3)):
        writer.statement()
    if signature.recursive:
        name = writer.fresh(signature.results)
        given = ", ".join(writer.expression(k, 1) for _, k in params)
        writer.emit(f"{name} = {signature.name}({given}, n - {writer.pick('12')})")
        writer.bound[name] = signature.results
        wrap = {"s": "math.tanh", "v": "np.tanh", "m": "np.tanh"}[signature.results]
        writer.emit(f"return {wrap}({name}) * {writer.expression(signature.results, 1)}")
    else:
        writer.emit(f"return {writer.result()}")
    return f"def {signature.name}({', '.join(shown)}):\n" + "\n".join(writer.lines), signature


@st.composite
def programs(draw, make=Writer):
    """A whole program, written by writers that `make` makes."""
    known: list[Signature] = []
    texts = [HEADER]
    for number in range(draw(st.integers(0, 3))):
        text, signature = helper(draw, number, known, make)
        texts.append(text)
        known.append(signature)
    writer = make(draw, known)
    types = writer.pick(["s", "v", "ss", "sv", "vm", "svm", "vv", "m"])
    flags = writer.number(0, 2)
    params = [(f"{k}_{i}", k) for i, k in enumerate(types)]
    writer.bound.update(params)
    writer.integers += [f"n{i}" for i in range(flags)]
    for _ in range(writer.number(1, 6)):
        writer.statement()
    sums = [{"s": n, "v": f"np.sum({n})", "m": f"np.mean({n})"}[k] for n, k in list(writer.bound.items())[-4:]]
    writer.emit(f"return {' + '.join(sums)} + {writer.result()}")
    names = [*(n for n, _ in params), *(f"n{i}" for i in range(flags))]
    texts.append(f"def main({', '.join(names)}):\n" + "\n".join(writer.lines))
    single = draw(st.integers(0, 9)) == 9
    return Program("\n\n".join(texts) + "\n", types, flags, draw(st.integers(0, 999)), single)
