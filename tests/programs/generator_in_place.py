"""Random functions that write in place: items, slices, masks, repeated indices, aliases, views, rows, callees, `out=`.

As `generator`, whose writers these extend. What a program writes into is made in it or given to it, never a global.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from programs.generator import Writer
from programs.generator import programs as programs_of

#: Parts of a vector of 3, with the length of what they are (0 for a number).
PARTS = (
    ("0", 0), ("1", 0), ("2", 0), ("-1", 0), ("-3", 0), ("1:", 2), (":2", 2), ("::2", 2), ("::-2", 2), ("1:2", 1),
    (":", 3), ("...", 3), ("::-1", 3), ("[2, 0]", 2), ("[0, 0]", 2), ("[1, 1, 2]", 3), ("[-1, 2, 2]", 3), ("3:", 0),
)  # fmt: skip


#: Whether a ufunc is given its output by position: such calls are wrong still, and not refused.
OUTPUTS_BY_POSITION = False


@dataclass
class InPlaceWriter(Writer):
    """Writes one function whose arrays are written in place."""

    statements = (
        "assign", "assign", "alias", "view", "view", "duplicate", "store", "store", "store", "store_row", "update",
        "update_item", "update_item", "masked", "exchange", "fill_by_function", "augment", "swap",
        "several", "branch", "flagged", "loop", "loop", "loop", "early_return", "procedure", "procedure",
    )  # fmt: skip

    # Arrays of floats that belong to the program: a store would change a global, and cut a float to an integer.

    def literal(self):
        return self.pick(["0.5", "1.0", "2.0", "-0.7", "1.3"])

    def atom(self, kind):
        names = self.names(kind)
        if names and self.chance(85):
            return self.pick(names[-5:])
        if kind == "s":
            return self.pick([self.literal(), "SCALE", *(f"{i} * 0.5" for i in self.integers[-2:])])
        return self.pick(["np.ones(3)", "np.arange(3.0)"]) if kind == "v" else "np.eye(3)"

    def vector(self):
        return self.pick(self.names("v") or ["np.arange(3.0)"])

    def array(self, kind):
        """A name to write into; one is made where there is none."""
        if self.chance(25) or not self.names(kind):
            made = {"v": ["np.zeros(3)", "np.ones(3)", "np.arange(3.0)"], "m": ["np.zeros((3, 3))", "np.eye(3)"]}[kind]
            name = self.fresh(kind)
            self.emit(f"{name} = {self.pick([*made, f'{self.expression(kind, 1)} + 0.0'])}")
            self.bound[name] = kind
            return name
        return self.pick(self.names(kind)[-4:])

    def index(self):
        """Text of an index of one item."""
        return self.pick(
            ["0", "1", "2", "-1", *(f"{i} % 3" for i in self.integers), *(f"{i} % 2" for i in self.integers)]
        )

    def part(self, size):
        """A vector expression of a size."""
        if size == 3:
            return self.expression("v", 1)
        cuts = {1: ["1:2", "2:"], 2: ["1:", ":2", "::2", "::-2", "[2, 1]"]}[size]
        return f"{self.vector()}[{self.pick(cuts)}]{self.pick(['', ' * ' + self.atom('s')])}"

    # ---- statements ----

    def view(self):
        """A name for a part of an array, or for all of it in another order."""
        vectors, matrices = self.names("v"), self.names("m")
        forms = [f"{n}[{i}]" for n in matrices for i in ("0", "1", ":, 1", "-1", "2, ::-1", self.index())]
        forms += [f"{n}[{i}]" for n in vectors for i in ("::-1", ":", "...")]
        forms += [f"{n}.{text}" for n in vectors for text in ("reshape(3)", "ravel()", "T")]
        forms += [f"{n}.{text}" for n in matrices for text in ("reshape(9)[3:6]", "ravel()[1:7:2]", "T[0]")]
        turned = [f"{n}{text}" for n in matrices for text in (".T", "[::-1]", "[:, ::-1]", ".transpose()")]
        turned += [f"{n}{text}" for n in matrices for text in (".reshape(9).reshape(3, 3)", ".T.reshape(3, 3)")]
        if turned and self.chance(30):
            name = self.target("m")
            self.emit(f"{name} = {self.pick(turned)}")
            self.bound[name] = "m"
        elif forms:
            name = self.target("v")
            self.emit(f"{name} = {self.pick(forms)}")
            self.bound[name] = "v"
        else:
            self.store()

    def duplicate(self):
        kind = self.pick("vm")
        given = self.array(kind)
        name = self.target(kind)
        self.emit(f"{name} = {self.pick([f'{given}.copy()', f'np.copy({given})', f'np.array({given})', f'+{given}'])}")
        self.bound[name] = kind

    def store(self):
        name = self.array("v")
        where, size = self.pick(PARTS)
        if size == 0 and ":" not in where:
            where = self.pick([where, self.index()])
        value = self.expression("s", 2) if size == 0 or self.chance(30) else self.part(size)
        self.emit(f"{name}[{where}] = {value}")

    def store_row(self):
        name = self.array("m")
        form = self.number(0, 7)
        if form <= 2:
            where = self.pick([self.index(), ":, 1", "-1", "2, :", ":, 0", "1, ::-1", "[0, 1, 1], [2, 2, 0]"])
            self.emit(f"{name}[{where}] = {self.pick([self.expression('v', 1), self.expression('s', 1)])}")
        elif form <= 4:
            self.emit(f"{name}[{self.index()}, {self.index()}] = {self.expression('s', 2)}")
        elif form == 5:
            self.emit(f"{name}[{self.pick(['...', ':', '::-1', ':, ::-1', '[1, 1, 2]'])}] = {self.expression('m', 1)}")
        elif form == 6:
            self.emit(f"{name}[1:] = {self.matrix()}[:2]")
        else:
            self.emit(f"{name}[{self.index()}][{self.index()}] = {self.expression('s', 1)}")

    def update(self):
        """An augmented assignment to a whole array."""
        kind = self.pick("vvm")
        name = self.array(kind)
        operand = self.pick([self.expression(kind, 1), self.expression("s", 1), self.expression("v", 1)])
        if self.chance(20):
            self.emit(f"{name} /= 1.5 + {self.atom(kind)} ** 2")
        else:
            self.emit(f"{name} {self.pick(['+=', '-=', '*='])} {operand}")

    def update_item(self):
        """An augmented assignment to a part of an array."""
        sign = self.pick(["+=", "-=", "*=", "+="])
        if self.chance(35):
            where = self.pick([f"{self.index()}, {self.index()}", self.index(), ":, 2", "1:", "[0, 0], [1, 1]"])
            self.emit(f"{self.array('m')}[{where}] {sign} {self.expression('s', 1)}")
            return
        name = self.array("v")
        where, size = self.pick(PARTS)
        value = self.expression("s", 1) if size == 0 or self.chance(30) else self.part(size)
        self.emit(f"{name}[{where}] {sign} {value}")

    def masked(self):
        name = self.array("v")
        mask = f"{self.vector()} > {self.pick(['0.1', '-0.3', self.literal()])}"
        form = self.number(0, 3)
        if form == 0:
            self.emit(f"{name}[{mask}] = {self.expression('s', 1)}")
        elif form == 1:
            self.emit(f"{name}[{mask}] {self.pick(['*=', '+=', '-='])} {self.expression('s', 1)}")
        else:
            self.counter += 1
            flags = f"mask{self.counter}"
            self.emit(f"{flags} = {mask}")
            self.emit(f"{name}[{flags}] {self.pick(['=', '+=', '*='])} {self.vector()}[{flags}]")

    def exchange(self):
        """A swap of items or of rows."""
        if self.chance(30):
            name = self.array("m")
            self.emit(self.pick([
                f"{name}[[0, 2]] = {name}[[2, 0]]", f"{name}[0], {name}[1] = {name}[1], {name}[0]",
                f"{name}[0, 1], {name}[2, 0] = {name}[2, 0], {name}[0, 1]",
            ]))  # fmt: skip
            return
        a, b = self.array("v"), self.array("v")
        i, j = self.index(), self.index()
        self.emit(f"{a}[{i}], {b}[{j}] = {b}[{j}], {a}[{i}]")

    def fill_by_function(self):
        """A function of NumPy that writes."""
        name = self.array("v")
        self.emit(self.pick([
            f"np.multiply({self.expression('v', 1)}, {self.atom('v')}, out={name})",
            f"np.add({name}, {self.expression('v', 1)}, out={name})",
            *([f"np.tanh({self.expression('v', 1)}, {name})"] if OUTPUTS_BY_POSITION else []),
            f"np.add.at({name}, [0, 2, 0], {self.expression('v', 1)})",
            f"np.copyto({name}, {self.expression('v', 1)})",
            f"{name}.fill({self.expression('s', 1)})",
        ]))  # fmt: skip

    def procedure(self):
        """A call of a helper that writes into its first argument."""
        kind = self.pick("vm")
        target = self.array(kind)
        rows = [f"{n}[{self.index()}]" for n in self.names("m")]
        first = self.pick([target, *rows, f"{target}[::-1]"]) if kind == "v" else target
        self.emit(f"write_{kind}({first}, {self.atom('v')}, {self.atom('s')})")


def procedure_text(draw, kind):
    """A helper that writes into its first argument and returns nothing."""
    writer = InPlaceWriter(draw, [], budget=3)
    writer.statements = tuple(s for s in InPlaceWriter.statements if s not in ("early_return", "procedure", "several"))
    params = [(f"{kind}_0", kind), ("v_1", "v"), ("s_2", "s")]
    writer.bound.update(params)
    writer.fixed.add(params[0][0])
    for _ in range(writer.number(0, 2)):
        writer.statement()
    name = params[0][0]
    writer.emit(writer.pick([f"{name}[0] = v_1[1] * s_2", f"{name} += v_1 * s_2", f"{name}[:] = {name}[::-1] * s_2"]))
    return f"def write_{kind}({', '.join(n for n, _ in params)}):\n" + "\n".join(writer.lines)


@st.composite
def programs(draw):
    """A whole program, its procedures first."""
    program = draw(programs_of(InPlaceWriter))
    texts = [procedure_text(draw, kind) for kind in "vm" if f"write_{kind}(" in program.source]
    program.source += "".join(f"\n\n{text}\n" for text in texts)
    program.single = False
    return program
