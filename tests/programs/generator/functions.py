"""Functions of a program, and functions as values."""

from __future__ import annotations

from programs.generator.writer import HOLDERS, NUMBERS, Signature, Writer


class Functions(Writer):
    """Writes calls, local functions, and names for functions."""

    def several(self):
        """A call with several results."""
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

    def procedure(self):
        """A call for what it writes alone."""
        fitting = [h for h in self.helpers if not h.results]
        if not fitting:
            return self.update()
        helper = self.pick(fitting)
        kind = helper.params[0][1]
        first = self.array(kind, named=True) if kind in "vm" else self.argument(kind)
        rows = [f"{n}[{self.index()}]" for n in self.names("m")] + self.items("v")
        if kind == "v":
            first = self.pick([first, first, *rows, f"{first}[::-1]"])
        self.emit(f"{helper.name}({', '.join([first, *(self.argument(k) for _, k in helper.params[1:])])})")

    def local_function(self):
        """A function in a function, which reads variables of the outer one."""
        if self.loops or self.depth > 1:
            return self.assign()
        self.counter += 1
        name = f"f{self.counter}"
        params = [(f"{kind}_{k}", kind) for k, kind in enumerate(self.pick(["s", "v", "ss", "sv"]))]
        result = self.pick("ssv")
        outer, known = dict(self.bound), list(self.locals)
        self.bound = {**outer, **dict(params)}
        if self.chance(50):
            self.emit(f"{name} = lambda {', '.join(n for n, _ in params)}: {self.expression(result, 2)}")
        else:
            self.emit(f"def {name}({', '.join(n for n, _ in params)}):")
            self.depth += 1
            if self.writes and self.chance(40):
                self.store()
            else:
                self.emit(f"{params[0][0]} = {self.expression(params[0][1], 1)}")
            self.emit(f"return {self.expression(result, 2)}")
            self.depth -= 1
        # What it reads is captured: a name that was bound again before the call would be refused.
        self.fixed.update(outer)
        self.bound, self.locals = outer, [*known, Signature(name, params, result)]

    def function_value(self):
        """Functions of one number: in a list that is gone through, passed on, fixed in part, or made by a function."""
        known = [f"math.{self.pick(['sin', 'tanh'])}", "lambda x: x * 0.6"]
        known += [h.name for h in (*self.helpers, *self.locals) if (h.results, h.recursive) == ("s", False)
                  and [k for _, k in h.params] == ["s"]]  # fmt: skip
        name = self.target("s")
        form = self.number(0, 4)
        if form == 0:
            start = self.expression("s", 1)
            self.emit(f"{name} = {start}")
            self.emit(f"for f in ({self.pick(known)}, {self.pick(known)}):")
            self.emit(f"    {name} = f({name}){self.pick(['', ' * ' + self.atom('s')])}")
        elif form == 1:
            self.emit(f"{name} = applied({self.pick(known)}, {self.expression('s', 1)})")
        elif form == 2:
            self.emit(f"{name} = functools.partial(scaled, {self.atom('s')})({self.expression('s', 1)})")
        elif form == 3:
            self.emit(f"{name} = scaler({self.atom('s')})({self.expression('s', 1)})")
        else:
            pair = self.pick([*self.names("q"), f"({self.atom('s')}, {self.atom('s')})"])
            self.emit(f"{name} = total(*{pair}, {self.expression('s', 1)}, last={self.atom('s')})")
        self.bound[name] = "s"


def helper(make, known, number, holders):
    """A function: its text and signature. `make` makes a writer; `holders` tells whether it may take and give them."""
    writer = make(known, 4)
    kinds = ["s", "v", "ss", "sv", "vm", "vs", "svm"] + [k for k in HOLDERS + "lo" if holders]
    params = [(f"{k}_{i}", k) for i, k in enumerate(writer.pick(kinds))]
    writer.bound.update(params)
    writer.results = writer.pick(["s", "v", "s", "v", "m", "ss", "sv", *(HOLDERS if holders else "")])
    signature = Signature(f"helper{number}", params, writer.results)
    shown = [n for n, _ in params]
    if params[-1][1] == "s" and len(params) > 1 and writer.chance(50):
        signature.default = params[-1][0]
        shown[-1] += "=0.6"
    if writer.results in tuple(NUMBERS) and signature.default is None and writer.chance(35):
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


def procedure(make, known, number, holders):
    """A function that writes into its first argument and gives nothing: its text and signature."""
    writer = make(known, 4)
    kind = writer.pick("vvm" + ("ldo" if holders else ""))
    params = [(f"{kind}_0", kind), ("v_1", "v"), ("s_2", "s")]
    writer.bound.update(params)
    writer.results = ""
    name = params[0][0]
    writer.fixed.add(name)
    for _ in range(writer.number(0, 2)):
        writer.statement()
    array = name + {"l": f"[{writer.pick('01')}]", "d": '["b"]', "o": ".u"}.get(kind, "")
    last = [f"{array}[0] = v_1[1] * s_2", f"{array}[:] = {array}[::-1] * s_2", f"{array}[1:] += v_1[:2] * s_2"]
    if kind == "m":
        last[2] = f"{array} += v_1 * s_2"
    if kind == "v":
        last.append(f"{array} += v_1 * s_2")
    writer.emit(writer.pick(last))
    text = f"def writer{number}({', '.join(n for n, _ in params)}):\n" + "\n".join(writer.lines)
    return text, Signature(f"writer{number}", params, "")
