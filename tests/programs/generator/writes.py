"""Writes in place: items, slices, masks, repeated indices, aliases, views, rows, `out=`, buffers that change places.

What a program writes into is made in it or given to it, never a global.
"""

from __future__ import annotations

from programs.generator.writer import Writer

#: Parts of a vector of 3, with the length of what they are (0 for a number).
PARTS = (
    ("0", 0), ("1", 0), ("2", 0), ("-1", 0), ("-3", 0), ("1:", 2), (":2", 2), ("::2", 2), ("::-2", 2), ("1:2", 1),
    (":", 3), ("...", 3), ("::-1", 3), ("[2, 0]", 2), ("[0, 0]", 2), ("[1, 1, 2]", 3), ("[-1, 2, 2]", 3), ("3:", 0),
)  # fmt: skip


class Writes(Writer):
    """Writes statements that change arrays."""

    def array(self, kind, named=False):
        """What to write into: a name, or (unless `named`) what a holder has. One is made where there is none."""
        known = self.names(kind)[-4:] + ([] if named else self.items(kind))
        if known and self.chance(75):
            return self.pick(known)
        made = {"v": ["np.zeros(3)", "np.ones(3)", "np.arange(3.0)"], "m": ["np.zeros((3, 3))", "np.eye(3)"]}[kind]
        name = self.fresh(kind)
        self.emit(f"{name} = {self.pick([*made, f'{self.expression(kind, 1)} + 0.0'])}")
        self.bound[name] = kind
        return name

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
        name = self.array(kind, named=True)
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
            f"np.tanh({self.expression('v', 1)}, {name})",
            f"np.add.at({name}, [0, 2, 0], {self.expression('v', 1)})",
            f"np.copyto({name}, {self.expression('v', 1)})",
            f"{name}.fill({self.expression('s', 1)})",
        ]))  # fmt: skip

    def ping_pong(self):
        """Two buffers that change places in a loop, one filled from the other."""
        names = self.free("v")
        if len(names) < 2 or self.loops >= 2 or self.depth > 3:
            return self.update()
        a = self.pick(names)
        b = self.pick([n for n in names if n != a])
        self.counter += 1
        self.emit(f"for i{self.counter} in range({self.number(1, 3)}):")
        more = self.atom("s")
        self.emit(f"    {b}[{self.pick(['1:', '1:', ':2'])}] = {a}[:-1] * {self.atom('s')}")
        self.emit(f"    {self.pick([f'{b}[0] = {more}', f'{a}[2] += {b}[1]', f'{b} *= {more}'])}")
        if self.chance(70):
            self.emit(f"    {a}, {b} = {b}, {a}")
