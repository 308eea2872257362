"""Functions and methods that write into an array that they are given, each as plain writes.

    z = np.multiply(a, b, out=y)        t = np.multiply(a, b); y[...] = t; z = y
    np.put(y, [0, 2], v)                y[[0, 2]] = v
    y.sort(axis=0)                      t = np.sort(y, axis=0); y[...] = t

`WRITERS` is the table; what takes `out` is found by that argument. `write` is called when the kinds are known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.errors import S2sadError
from s2sad.ir.kinds import INT, NONE, SOME, UNKNOWN, Kind, same_shape
from s2sad.ir.nodes import Assign, Block, Const, Expr, For, Op, Store, Var
from s2sad.rules import registry
from s2sad.rules.binding import IN_PLACE, bind, rule_name
from s2sad.rules.registry import Parameter, Rule, nondifferentiable, parse_signature

KindOf = Callable[[Expr], Kind]
_INTP = np.dtype(np.intp).name


class Writing:
    """The statements that one call becomes."""

    def __init__(self, stmt: Assign, op: Op, kinds: dict[Var, Kind], kind: KindOf) -> None:
        self.stmt = stmt
        self.kinds = kinds
        self.kind = kind
        self.made: Block = []
        self.called = (op.spelled or op.name.partition(".")[2] or op.name).strip()

    def bind(self, expr: Expr, hint: str = "t") -> Var:
        """A new Var that holds the value of an expression."""
        var = Var(hint, temporary=True)
        self.kinds[var] = self.kind(expr)
        self.made.append(Assign(var, expr, origin=self.stmt.origin, quote=self.stmt.quote))
        return var

    def array(self, expr: Expr) -> Expr:
        """An operand, a display as an array."""
        return self.bind(Op("numpy.array", (expr,))) if isinstance(expr, Op) else expr

    def store(self, base: Var, index: Expr | None, value: Expr, how: str | None = None) -> None:
        self.made.append(Store(base, index, value, how, origin=self.stmt.origin, quote=self.stmt.quote))

    def refuse(self, reason: str, help: str, code: str = "S201") -> S2sadError:
        return S2sadError(code, f"`{self.called}` {reason}", self.stmt.origin, help)

    def target(self, expr: Expr | None) -> Var:
        """The operand that is written into. Raises S2sadError where it may be something else than an array."""
        kind = UNKNOWN if expr is None else self.kind(expr)
        if not isinstance(expr, Var) or kind.sort not in ("array", "unknown"):
            raise self.refuse("writes into what is not an array", "use an array, or build a new value")
        return expr


Write = Callable[[Writing, dict[str, Expr]], Expr]


@dataclass(frozen=True)
class Writer:
    """A function that writes: its parameters, the first of which is written, and what makes its writes.

    `write` gets the operands by parameter and gives the value of the call: None, or with `gives_target` the target.
    """

    parameters: tuple[Parameter, ...]
    write: Write
    gives_target: bool = False


# ---- which cells, and which values ----------------------------------------------------------------------------------


def _shape(a: Var) -> Op:
    return Op("numpy.shape", (a,))


def _mask(w: Writing, where: Expr, a: Var) -> Var:
    """A mask in the shape of an array."""
    mask = w.array(where)
    kind = w.kind(mask)
    if "bool" not in (kind.sort, kind.dtype):
        mask = w.bind(Op("operator.ne", (mask, Const(0))))
    if not isinstance(mask, Var) or not same_shape(w.kind(mask).shape, w.kind(a).shape):
        mask = w.bind(Op("numpy.broadcast_to", (mask, w.bind(_shape(a)))))
    return mask


def _picked(w: Writing, value: Expr, a: Var, mask: Var) -> Expr:
    """The items of an operand that meet the cells of a mask over an array."""
    value = w.array(value)
    if w.kind(value).shape == ():
        return value
    if not same_shape(w.kind(value).shape, w.kind(a).shape):
        value = w.bind(Op("numpy.broadcast_to", (value, w.bind(_shape(a)))))
    return w.bind(Op("operator.getitem", (value, mask)))


def _repeated(w: Writing, value: Expr, places: Expr) -> Expr:
    """The items of an operand at these places of its items one after the other, which start again at the end."""
    if w.kind(value).shape == ():
        return value
    size = w.bind(Op("numpy.size", (value,)))
    return w.bind(Op("numpy.take", (value, w.bind(Op("operator.mod", (places, size))))))


def _count(w: Writing, array: Expr) -> Var:
    return w.bind(Op("numpy.arange", (w.bind(Op("numpy.size", (array,))),)))


def _write_flat(w: Writing, a: Var, index: Expr, value: Expr, how: str | None = None) -> None:
    """`a.flat[index] = value`, the items of which are repeated as often as it takes."""
    index, value = index if _is_slice(index) else w.array(index), w.array(value)
    kind = w.kind(index)
    places = index
    if w.kind(a).rank != 1:
        found = w.bind(Op("s2sad.runtime.places.flat_places", (a, index)))
        rank = w.kind(a).rank
        items = None if rank is None else [w.bind(Op("operator.getitem", (found, Const(k)))) for k in range(rank)]
        places = found if items is None else Op("tuple", tuple(items))
    if w.kind(value).shape != () and not same_shape(w.kind(value).shape, kind.shape):
        if kind.is_number:
            value = w.bind(Op("numpy.take", (value, Const(0))))
        elif how is None:
            if kind.rank not in (0, 1, None) or (kind.rank is None and not _is_slice(index)):
                raise w.refuse("at an index of several axes is not supported", "write at an index of one axis")
            value = _repeated(w, value, _count(w, w.bind(Op("operator.getitem", (a, places)))))
    w.store(a, places, value, how)


def _is_slice(index: Expr) -> bool:
    return isinstance(index, Op) and index.name == "slice"


# ---- the functions --------------------------------------------------------------------------------------------------


def _set_item(w: Writing, given: dict[str, Expr]) -> Expr:
    w.store(w.target(given["a"]), given["index"], given["value"])
    return Const(None)


def _fill(w: Writing, given: dict[str, Expr]) -> Expr:
    w.store(w.target(given["a"]), Const(...), given["value"])
    return Const(None)


def _sort(w: Writing, given: dict[str, Expr]) -> Expr:
    a = w.target(given["a"])
    others = tuple((n, e) for n, e in given.items() if n != "a")
    w.store(a, Const(...), w.bind(Op("numpy.sort", (a,), others)))
    return Const(None)


def _nan_to_num(w: Writing, given: dict[str, Expr]) -> Expr:
    a = w.target(given["x"])
    others = tuple((n, e) for n, e in given.items() if n not in ("x", "copy"))
    w.store(a, Const(...), w.bind(Op("numpy.nan_to_num", (a,), others)))
    return a


def _copyto(w: Writing, given: dict[str, Expr]) -> Expr:
    a, source, where = w.target(given["dst"]), w.array(given["src"]), given.get("where", Const(True))
    if where == Const(True):
        w.store(a, Const(...), source)
    else:
        mask = _mask(w, where, a)
        w.store(a, mask, _picked(w, source, a, mask))
    return Const(None)


def _putmask(w: Writing, given: dict[str, Expr]) -> Expr:
    a = w.target(given["a"])
    mask, values = _mask(w, given["mask"], a), w.array(given["values"])
    if same_shape(w.kind(values).shape, w.kind(a).shape):
        values = w.bind(Op("operator.getitem", (values, mask)))
    elif w.kind(values).shape != ():
        values = _repeated(w, values, w.bind(Op("numpy.flatnonzero", (mask,))))
    w.store(a, mask, values)
    return Const(None)


def _place(w: Writing, given: dict[str, Expr]) -> Expr:
    a = w.target(given["arr"])
    mask, values = _mask(w, given["mask"], a), w.array(given["vals"])
    if w.kind(values).shape != ():
        values = _repeated(w, values, _count(w, w.bind(Op("numpy.flatnonzero", (mask,)))))
    w.store(a, mask, values)
    return Const(None)


def _put(w: Writing, given: dict[str, Expr]) -> Expr:
    a = w.target(given["a"])
    if given.get("mode", Const("raise")) != Const("raise"):
        raise w.refuse("with this mode is not supported", "take the indices modulo the size")
    index = w.array(given["ind"])
    if w.kind(index).rank not in (0, 1):
        index = w.bind(Op("numpy.ravel", (index,)))
    _write_flat(w, a, index, given["v"])
    return Const(None)


def _set_flat(w: Writing, given: dict[str, Expr]) -> Expr:
    a, how = w.target(given["a"]), given.get("how")
    _write_flat(w, a, given["index"], given["value"], how.value if isinstance(how, Const) else None)
    return Const(None)


def _fill_diagonal(w: Writing, given: dict[str, Expr]) -> Expr:
    a, value = w.target(given["a"]), w.array(given["val"])
    rank = w.kind(a).rank
    if rank is None or rank < 2 or given.get("wrap", Const(False)) != Const(False):
        raise w.refuse("is supported for arrays of known axes without `wrap` only", "write `a[i, i] = v` in a loop")
    along = w.bind(Op("numpy.arange", (w.bind(Op("builtins.min", (w.bind(_shape(a)),))),)))
    w.store(a, Op("tuple", (along,) * rank), _repeated(w, value, along))
    return Const(None)


def _put_along_axis(w: Writing, given: dict[str, Expr]) -> Expr:
    a, value = w.target(given["arr"]), w.array(given["values"])
    indices = w.array(given["indices"])
    found = w.bind(Op("s2sad.runtime.places.places_along_axis", (a, indices, given.get("axis", Const(None)))))
    rank = w.kind(a).rank
    items = None if rank is None else [w.bind(Op("operator.getitem", (found, Const(k)))) for k in range(rank)]
    w.store(a, found if items is None else Op("tuple", tuple(items)), value)
    return Const(None)


def _in_place(how: str) -> Write:
    def write(w: Writing, given: dict[str, Expr]) -> Expr:
        a = w.target(given["a"])
        w.store(a, None, given["b"], how)
        return a

    return write


def _at(how: str) -> Write:
    """`ufunc.at`: each cell takes part as often as the index names it, one time after the other."""

    def write(w: Writing, given: dict[str, Expr]) -> Expr:
        a, index, value = w.target(given["a"]), given["indices"], w.array(given["b"])
        if how in ("operator.add", "operator.sub"):
            value = w.bind(Op("numpy.negative", (value,))) if how == "operator.sub" else value
            w.store(a, index, value, "add.at")
            return Const(None)
        kind = w.kind(index)
        if kind.sort in ("int", "slice", "ellipsis") or (kind.is_array and kind.dtype == "bool"):
            w.store(a, index, value, how)
            return Const(None)
        index = w.array(index)
        if not isinstance(index, Var) or w.kind(index).rank != 1:
            raise w.refuse("at an index of several parts is not supported", "write a loop over the indices")
        if w.kind(value).shape != ():
            cells = w.bind(Op("operator.getitem", (a, index)))
            value = w.bind(Op("numpy.broadcast_to", (value, w.bind(_shape(cells)))))
        counter = Var("i", temporary=True)
        w.kinds[counter] = INT
        trips = w.bind(Op("builtins.len", (index,)))
        outer, w.made = w.made, []
        one = w.bind(Op("operator.getitem", (index, counter)))
        item = value if w.kind(value).shape == () else w.bind(Op("operator.getitem", (value, counter)))
        w.store(a, one, item, how)
        outer.append(For(counter, Op("builtins.range", (trips,)), w.made, origin=w.stmt.origin))
        w.made = outer
        return Const(None)

    return write


def _refused(reason: str, help: str) -> Write:
    def write(w: Writing, given: dict[str, Expr]) -> Expr:
        raise w.refuse(reason, help)

    return write


WRITERS: dict[str, Writer] = {}


def _writer(name: str, signature: str, write: Write, gives_target: bool = False) -> None:
    WRITERS[name] = Writer(parse_signature(signature), write, gives_target)


_writer("operator.setitem", "a, index, value", _set_item)
_writer("numpy.ndarray.__setitem__", "a, index, value", _set_item)
_writer("s2sad.set_flat", "a, index, value, how=None", _set_flat)
_writer("numpy.copyto", "dst, src, casting='same_kind', where=True", _copyto)
_writer("numpy.putmask", "a, mask, values", _putmask)
_writer("numpy.place", "arr, mask, vals", _place)
_writer("numpy.put", "a, ind, v, mode='raise'", _put)
_writer("numpy.ndarray.put", "a, ind, v, mode='raise'", _put)
_writer("numpy.fill_diagonal", "a, val, wrap=False", _fill_diagonal)
_writer("numpy.put_along_axis", "arr, indices, values, axis", _put_along_axis)
_writer("numpy.ndarray.fill", "a, value", _fill)
_writer("numpy.ndarray.sort", "a, axis=-1, kind=None, order=None, *, stable=None", _sort)
_writer("numpy.nan_to_num", "x, copy=True, nan=0.0, posinf=None, neginf=None", _nan_to_num, True)
_writer(
    "numpy.ndarray.partition", "a, kth, axis=-1, kind='introselect', order=None",
    _refused("leaves an order that is not said", "use `a.sort()`, or `np.argpartition` and `np.take_along_axis`"),
)  # fmt: skip
for _operator, _plain in IN_PLACE.items():
    _writer(f"numpy.ndarray.__{_operator.partition('.')[2]}__", "a, b", _in_place(_plain), True)
for _ufunc, _plain in {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "true_divide": "truediv",
    "power": "pow", "float_power": "pow", "floor_divide": "floordiv", "remainder": "mod", "mod": "mod",
}.items():  # fmt: skip
    _writer(f"numpy.{_ufunc}.at", "a, indices, b", _at(f"operator.{_plain}"))

nondifferentiable("s2sad.runtime.places.flat_places", signature="a, index", kind=lambda *, literals, a, index: (
    _kind_of_places(a, _places_kind(index))
))  # fmt: skip
nondifferentiable("s2sad.runtime.places.places_along_axis", signature="a, indices, axis", kind=(
    lambda *, literals, a, indices, axis: _kind_of_places(a, Kind("array", _INTP, None))
))  # fmt: skip


def _places_kind(index: Kind) -> Kind:
    if index.is_number:
        return Kind("scalar", _INTP, ())
    return Kind("array", _INTP, (SOME,) if index.sort == "slice" or index.rank == 1 else None)


def _kind_of_places(a: Kind, item: Kind) -> Kind:
    return Kind("tuple", items=None if a.rank is None else (item,) * a.rank)


# ---- out= -----------------------------------------------------------------------------------------------------------

#: Where `out` stands among the positional arguments, of functions and methods that are no ufuncs.
_OUT = {
    2: ("max", "min", "amax", "amin", "any", "all", "argmax", "argmin", "dot", "outer", "round", "around", "choose",
        "ptp", "nanmax", "nanmin", "median", "nanmedian", "concatenate", "stack"),
    1: ("fix",),
    3: ("sum", "prod", "cumsum", "cumprod", "mean", "std", "var", "clip", "take", "compress", "nansum", "nanprod",
        "nanmean", "nanstd", "nanvar", "nancumsum", "nancumprod", "percentile", "quantile", "nanpercentile",
        "nanquantile", "reduce", "accumulate"),
    5: ("trace",),
}  # fmt: skip
_POSITION = {name: position for position, names in _OUT.items() for name in names}

#: Reductions that compute in the dtype of `out`.
_IN_DTYPE_OF_OUT = frozenset(["sum", "prod", "cumsum", "cumprod", "mean", "std", "var", "reduce", "accumulate",
                              "nansum", "nanprod", "nanmean", "nancumsum", "nancumprod", "trace"])  # fmt: skip


def _ufunc_of(name: str) -> np.ufunc | None:
    module, _, plain = name.rpartition(".")
    found = getattr(sys.modules.get(module), plain, None) if module in ("numpy", "scipy.special") else None
    return found if isinstance(found, np.ufunc) else None


def _out_position(name: str) -> int | None:
    ufunc = _ufunc_of(name)
    if ufunc is not None:
        return ufunc.nin
    return _POSITION.get(name.rpartition(".")[2]) if name.startswith("numpy.") else None


def _split_out(op: Op, kind: KindOf) -> tuple[Op, Expr] | None:
    """An operation without its `out`, and the `out`; None where it has none, or one that is None."""
    keywords = dict(op.keywords)
    operands, out = op.operands, keywords.pop("out", None)
    position = _out_position(rule_name(op))
    ufunc = _ufunc_of(op.name)
    if out is None and position is not None and len(operands) > position:
        count = ufunc.nout if ufunc is not None else 1
        given, rest = operands[position : position + count], operands[position + count :]
        if rest:
            reason = f"an argument after `out` in a call of {op.spelled or op.name} is not supported"
            raise S2sadError("S201", reason, help="give what follows `out` by name")
        operands, out = operands[:position], given[0] if len(given) == 1 else Op("tuple", given)
        while operands and ufunc is None and operands[-1] == Const(None):
            operands = operands[:-1]
    if out is None or kind(out).sort == "none":
        plain = Op(op.name, operands, tuple(keywords.items()), op.spelled)
        return None if out is None else (plain, Const(None))
    if isinstance(out, Op) and out.name == "tuple" and len(out.operands) == 1:
        out = out.operands[0]
    return Op(op.name, operands, tuple(keywords.items()), op.spelled), out


def _write_out(w: Writing, op: Op, out: Expr) -> Expr:
    """What a call with `out` does, and its value."""
    if out == Const(None):
        return op
    name = rule_name(op)
    ufunc, keywords = _ufunc_of(op.name), dict(op.keywords)
    if isinstance(out, Op) and out.name == "tuple":
        if "where" in keywords:
            raise w.refuse("with several results and `where` is not supported", "write the results yourself")
        result = w.bind(op)
        parts: list[Expr] = []
        for k, each in enumerate(out.operands):
            part = w.bind(Op("operator.getitem", (result, Const(k))))
            parts.append(part if each == Const(None) else _write_result(w, name, w.target(each), part))
        return Op("tuple", tuple(parts))
    if registry.find(name) is None and not isinstance(ufunc, np.ufunc):
        raise w.refuse("writes into its `out`, which is not supported", "use the result", "S301")
    target = w.target(out)
    where = keywords.pop("where", Const(True)) if ufunc is not None else Const(True)
    if where == Const(True):
        return _write_result(w, name, target, w.bind(op))
    mask = _mask(w, where, target)
    operands = tuple(_picked(w, o, target, mask) for o in op.operands)
    value = w.bind(Op(op.name, operands, tuple(keywords.items()), op.spelled))
    return _write_result(w, name, target, value, mask)


def _write_result(w: Writing, name: str, target: Var, value: Var, index: Expr | None = None) -> Var:
    made, kept = w.kind(value).dtype, w.kind(target).dtype
    if made is not None and kept is not None and not np.can_cast(made, kept, "same_kind"):
        raise w.refuse(f"cannot write {made} into an array of {kept}", "use an array of a wider dtype", "S303")
    if name.rpartition(".")[2] in _IN_DTYPE_OF_OUT and (made is None or made != kept):
        raise w.refuse("computes in the dtype of `out`, which is not that of its operand", "use the result", "S303")
    w.store(target, Const(...) if index is None else index, value)
    return target


# ---- what the line asks ---------------------------------------------------------------------------------------------


def find(op: Op) -> Writer | None:
    """The writer that an operation calls, but for what writes by `out`."""
    name = rule_name(op) if op.name.partition(".")[0] in ("method", "attribute") else op.name
    writer = WRITERS.get(name)
    if name == "numpy.nan_to_num":
        copy = dict(op.keywords).get("copy", op.operands[1] if len(op.operands) > 1 else Const(True))
        return None if copy == Const(True) else writer
    return writer


def may_write(name: str, positional: int, keywords: Mapping[str, Any]) -> bool:
    """Whether a call of a function or method of this name, with so many arguments, may write as this module says.

    >>> may_write("numpy.put", 3, {}), may_write("numpy.sin", 1, {}), may_write("numpy.sin", 2, {})
    (True, False, True)
    """
    if name == "numpy.nan_to_num":
        return positional > 1 or "copy" in keywords
    position = _out_position(name)
    return name in WRITERS or "out" in keywords or (position is not None and positional > position)


def value_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    """The kind of the value of an operation that writes; None for one that does not."""
    writer = find(op)
    if writer is not None:
        return kind(op.operands[0]) if writer.gives_target and op.operands else NONE
    split = _split_out(op, kind)
    if split is None:
        return None
    plain, out = split
    if out == Const(None):
        return kind(plain)
    if isinstance(out, Op) and out.name == "tuple":
        items = tuple(UNKNOWN if e == Const(None) else kind(e) for e in out.operands)
        return Kind("tuple", items=items)
    return kind(out)


def write(stmt: Assign, op: Op, kinds: dict[Var, Kind], kind: KindOf) -> Block | None:
    """The statements for `x = f(…)` where f writes; None where it does not. The kinds of new Vars are added."""
    writer = find(op)
    w = Writing(stmt, op, kinds, kind)
    if writer is not None:
        receiver = kind(op.operands[0]) if op.operands else UNKNOWN
        if op.name.startswith("method.") and not receiver.is_array:
            if receiver.sort == "unknown":
                raise w.refuse("may write into an array; whether its object is one is not known", "annotate it", "S205")
            raise w.refuse("writes into its object, which is not supported", "build a new value instead")
        entry = Rule(op.name, writer.parameters)
        try:
            given = bind(entry, op)
        except S2sadError as error:
            raise S2sadError(error.code, error.reason, stmt.origin, error.help) from None
        missing = [p.name for p in writer.parameters if p.default is registry.REQUIRED and p.name not in given]
        if missing:
            raise w.refuse(f"misses its argument {missing[0]!r}", "give it", "S402")
        value = writer.write(w, given)
    else:
        split = _split_out(op, kind)
        if split is None:
            return None
        value = _write_out(w, *split)
    return [*w.made, Assign(stmt.var, value, origin=stmt.origin, quote=stmt.quote)]
