"""Tuples, lists, dicts and records: made, taken apart, gone through, changed."""

from __future__ import annotations

from programs.generator.writer import HOLDERS, Writer


class Holders(Writer):
    """Writes statements about what holds numbers and arrays."""

    def hold(self):
        kind = self.pick(HOLDERS)
        self.bind(kind, self.expression(kind, 2))

    def take_apart(self):
        """Several names from one holder."""
        held = [n for k in "plq" for n in self.names(k)]
        if not held:
            return self.hold()
        name = self.pick(held)
        kinds = {"p": "sv", "l": "vv", "q": "sss"}[self.bound[name]]
        targets = []
        for kind in kinds:
            target = self.target(kind)
            targets.append(self.fresh(kind) if target in targets else target)
        if kinds == "sss" and self.chance(40):
            rest = self.fresh("r")
            self.emit(f"{targets[0]}, *{rest} = {name}")
            self.bound.update({targets[0]: "s", rest: "r"})
            return
        self.emit(f"{', '.join(targets)} = {name}")
        self.bound.update(zip(targets, kinds))

    def entries(self):
        """A loop over the keys, the values or the entries of a dict of numbers."""
        total = self.target("s")
        s = lambda: self.expression("s", 1)
        form = self.number(0, 3)
        entries = f"dict(a={s()}, b={s()})"
        if form >= 2 and self.chance(50):
            entries = f'{{k: {s()} for k in ("a", "b")}}'
        self.counter += 1
        name = f"table{self.counter}"
        self.emit(f"{name} = {entries}")
        self.emit(f"{total} = 0.5")
        self.bound[total] = "s"
        if form == 0:
            self.emit(f"for key, entry in {name}.items():")
            self.emit(f"    {total} = {total} * 0.7 + entry * {self.atom('s')}")
        elif form == 1:
            self.emit(f"for key in {name}:")
            self.emit(f"    {total} += {name}[key] * {self.atom('s')}")
        elif form == 2:
            self.emit(f"{total} += sum({name}.values())")
        else:
            self.emit(f'{total} += {name}["a"] * {name}.get("b", 1.0)')

    def collect(self):
        """A list that is filled in a loop."""
        name = self.fresh(self.pick("rl"))
        kind = name[0]
        item = "s" if kind == "r" else "v"
        self.counter += 1
        index = f"i{self.counter}"
        count = self.pick(["3", "range(2)", *self.integers[:1]]) if kind == "r" else "2"
        self.emit(f"{name} = []")
        self.emit(f"for {index} in {count if 'range' in count else f'range({count})'}:")
        self.integers.append(index)
        if self.chance(40):
            outer = dict(self.bound)
            self.emit(f"    x{self.counter} = {self.expression(item, 1)}")
            self.emit(f"    {name}.append(x{self.counter})")
            self.bound = outer
        else:
            self.emit(f"    {name}.append({self.expression(item, 2)})")
        self.integers.remove(index)
        self.bound[name] = kind

    def change(self):
        """What a holder has is replaced."""
        held = [n for k in "lqdo" for n in self.names(k)]
        if not held:
            return self.hold()
        name = self.pick(held)
        kind = self.bound[name]
        item = {"l": "v", "q": "s"}.get(kind) or self.pick("sv")
        if kind in "lq":
            place = f"{name}[{self.pick(['0', '1', '-1', *(f'{i} % 2' for i in self.integers[-1:])])}]"
        else:
            place = name + {"ds": '["a"]', "dv": '["b"]', "os": ".x", "ov": ".u"}[kind + item]
        how = self.pick(["=", "=", "+=", "*="])
        self.emit(f"{place} {how} {self.expression(item, 1)}")
