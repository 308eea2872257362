"""Branches, loops and jumps."""

from __future__ import annotations

from programs.generator.writer import HOLDERS, NUMBERS, Writer


class Flow(Writer):
    """Writes what does not run in one straight line."""

    def alias(self):
        kind = self.pick([k for k in NUMBERS + HOLDERS if self.names(k)] or ["s"])
        if not self.names(kind):
            return self.assign()
        self.bind(kind, self.pick(self.names(kind)))

    def augment(self):
        names = self.free("s")
        if not names:
            return self.assign()
        self.emit(f"{self.pick(names)} {self.pick(['+=', '-=', '*='])} {self.expression('s', 1)}")

    def swap(self):
        kinds = [k for k in NUMBERS + HOLDERS if len(self.free(k)) > 1]
        if not kinds:
            return self.assign()
        kind = self.pick(kinds)
        a = self.pick(self.free(kind))
        b = self.pick([n for n in self.free(kind) if n != a])
        self.emit(f"{a}, {b} = {b}, {self.pick([a, self.expression(kind, 1)])}")

    def body(self, least=1, most=3):
        """A nested block; what it binds anew is not bound after it."""
        before, numbers, known = dict(self.bound), list(self.integers), list(self.locals)
        self.depth += 1
        for _ in range(self.number(least, most)):
            self.statement()
        self.depth -= 1
        after = self.bound
        self.bound, self.integers, self.locals = before, numbers, known
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
        target = self.pick([*self.free("s"), name])
        self.emit(f"    {target} = {self.expression('s', 1)} * {name}")

    def walrus(self):
        """A test that binds a name."""
        name = self.target("s")
        self.emit(f"if ({name} := {self.expression('s', 1)}) > {self.atom('s')}:")
        self.bound[name] = "s"
        after = dict(self.bound)
        self.body(1, 2)
        self.bound = after

    # ---- loops ----

    def each(self, index):
        """What a loop goes through: its text with its targets, those and their kinds, whether it counts by `index`."""
        x, y = self.fresh("s"), self.fresh("s")
        v, w = self.fresh("v"), self.fresh("v")
        vector = self.vector()
        numbers = self.pick([vector, vector, *self.names("q"), *self.names("r")])
        value = self.expression("v", 1)
        forms = [
            (f"{x} in {numbers}", {x: "s"}, False),
            (f"{index}, {x} in enumerate({self.pick([numbers, value])}{self.pick(['', ', 1'])})", {x: "s"}, True),
            (f"{x}, {y} in zip({numbers}, {value})", {x: "s", y: "s"}, False),
            (f"{v} in {self.matrix()}", {v: "v"}, False),
        ]
        lists = self.names("l")
        if lists:
            some = self.pick(lists)
            forms += [
                (f"{v} in {some}", {v: "v"}, False),
                (f"{index}, {v} in enumerate({some})", {v: "v"}, True),
                (f"{v}, {w} in zip({some}, {self.matrix()})", {v: "v", w: "v"}, False),
                (f"{v} in ({vector}, {some}[0])", {v: "v"}, False),
            ]
        return self.pick(forms)

    def loop(self):
        """A loop over integers or items, or a `while` that counts; perhaps with `else`."""
        if self.loops >= 2 or self.depth > 3:
            return self.assign()
        self.loops += 1
        self.counter += 1
        index = f"i{self.counter}"
        form = self.number(0, 9)
        after = False
        items = {}
        step = ""
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
        elif form <= 7:
            header, items, counts = self.each(index)
            self.emit(f"for {header}:")
            self.integers += [index] * counts
        else:
            self.emit(f"{index} = {self.pick(['0', '1', '3'])}")
            bound = f" and {self.atom('s')} < 2.3" if self.chance(50) else ""
            self.emit(f"while {index} < 3{bound}:")
            self.integers.append(index)
            self.fixed.add(index)
            after = True
            step = f"{index} {self.pick(['+= 1', '= ' + index + ' + 1'])}"
        outer, numbers = dict(self.bound), list(self.integers)
        self.bound.update(items)
        around, self.step = self.step, step
        self.body(1, 4)
        if step:
            self.emit(f"    {step}")
        self.step = around
        if self.chance(15):
            self.emit("else:")
            self.bound, self.integers = dict(outer), [n for n in numbers if n != index or after]
            self.body(1, 2)
        self.bound, self.fixed = outer, fixed
        self.integers = [n for n in numbers if n != index or after]
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
        if ":=" in header:
            self.bound[tested] = "s"
        outer, numbers, around, fixed = dict(self.bound), list(self.integers), self.step, set(self.fixed)
        self.integers.append(index)
        self.fixed.add(index)
        self.depth += 1
        self.step = None  # nothing may jump past the test
        if self.chance(60):
            self.statement()
        self.emit(f"if {index} > {self.number(0, 3)}:")
        self.emit("    break")
        self.step = f"{index} += 1"
        self.depth -= 1
        self.body(1, 3)
        self.emit(f"    {self.step}")
        self.bound, self.integers, self.step, self.fixed = outer, [*numbers, index], around, fixed
        self.loops -= 1

    # ---- jumps ----

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
            kind = f"return {self.result()}".rstrip()
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

    def early_return(self):
        if self.depth > 1 or self.loops:
            return self.assign()
        self.emit(f"if {self.test()}:")
        self.depth += 1
        outer = dict(self.bound)
        for _ in range(self.number(0, 1)):
            self.assign()
        self.emit(f"return {self.result()}".rstrip())
        self.bound = outer
        self.depth -= 1
