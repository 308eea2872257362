"""Kinds of all Vars of a function, by one forward analysis; and functions specialised to the kinds of their arguments.

A Var's kind is the join over its definitions. `specialise` follows calls: each user function is copied once for each
combination of its arguments' kinds, and attributes, methods and in-place operators are settled by the kinds found.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from s2sad.analysis.elaborate import elaborate
from s2sad.analysis.storage import follow_writes, has_writes
from s2sad.analysis.structure import ASSUMED, form_of, hands_captures, is_transient, will_be_called
from s2sad.errors import S2sadError
from s2sad.frontend.calls import FUNCTION, STAR, VALUE_CALL
from s2sad.frontend.lower import Lowering
from s2sad.ir.kinds import BOOL, INT, NONE, SOME, UNKNOWN, Extent, Kind, common_element, is_named_tuple, join, kind_of
from s2sad.ir.nodes import (
    CALL,
    DISPLAYS,
    Assign,
    Block,
    Call,
    Const,
    Do,
    Expr,
    For,
    Function,
    Label,
    Op,
    Program,
    Raw,
    Restore,
    Save,
    Site,
    Stmt,
    Store,
    Try,
    Var,
    While,
    blocks_of,
    in_one_piece,
    replace,
    walk,
)
from s2sad.ir.walk import rewrite, rewrite_block, set_blocks, vars_of
from s2sad.ir.webs import replace_function
from s2sad.rules import registry, writers
from s2sad.rules.binding import IN_PLACE, bind, display_kind, literals, rule_name

Kinds = dict[Var, Kind]


#: Gives the kind of a call within an expression, from the kinds of its arguments; None where none is known yet.
CallKind = Callable[[Op, list[Kind]], Kind | None]


def kind_of_expr(expr: Expr, kinds: Kinds, call: CallKind | None = None) -> Kind:
    """The kind of an expression whose Vars' kinds are known; UNKNOWN where a Var's is not."""
    return reached_kind(expr, lambda v: kinds.get(v, UNKNOWN), call) or UNKNOWN


def reached_kind(expr: Expr, of: Callable[[Var], Kind | None], call: CallKind | None = None) -> Kind | None:
    """The kind of an expression; None (no value reaches here yet) where a Var has none."""
    if isinstance(expr, Var):
        return of(expr)
    if isinstance(expr, Const):
        return kind_of(expr.value)
    if isinstance(expr, Raw):
        return expr.kind
    bottom = False
    asked: dict[int, tuple[Expr, Kind | None]] = {}  # once each: asked twice a level, nesting costs 2 ** depth

    def operand(e: Expr) -> Kind:
        nonlocal bottom
        if id(e) not in asked:
            asked[id(e)] = e, reached_kind(e, of, call)
        kind = asked[id(e)][1]
        bottom = bottom or kind is None
        return kind or UNKNOWN

    if expr.name == CALL and call is not None:
        arguments = [operand(e) for e in expr.operands[1:]]
        return None if bottom else call(expr, arguments)
    if expr.name in DISPLAYS:
        kind = display_kind(expr, operand)
        return None if bottom else kind
    if expr.name in _SETTLED:
        return _SETTLED[expr.name](expr, operand)
    if expr.name in ("operator.add", "operator.mul") and (lists := _list_kind(expr, operand)) is not None:
        return None if bottom else lists
    is_member = expr.name.startswith(("attribute.", "method.")) and bool(expr.operands)
    if is_member and will_be_called(operand(expr.operands[0]), expr.name):
        return None
    if expr.name.startswith(("attribute.", "field.")) and expr.operands:
        receiver = operand(expr.operands[0])
        name = expr.name.partition(".")[2]
        if receiver.sort in ("object", "class"):
            return None if bottom else dict(receiver.fields).get(name) or _class_constant(receiver.cls, name)
        if receiver.sort == "tuple" and is_named_tuple(receiver.cls) and name in receiver.cls._fields:
            items = receiver.items
            return None if bottom else UNKNOWN if items is None else items[receiver.cls._fields.index(name)]
    if expr.name.startswith("method.") and operand(expr.operands[0]).sort in _NOT_ARRAYS:
        receiver = operand(expr.operands[0])
        view = _DICT_VIEWS.get(expr.name) if receiver.sort == "dict" or receiver.cls is dict else None
        return None if bottom else view or UNKNOWN
    written = writers.value_kind(expr, operand)
    if written is not None:
        return None if bottom else written
    entry = registry.find(rule_name(expr)) or registry.described(expr.name)
    if entry is None:
        for e in (*expr.operands, *(v for _, v in expr.keywords)):
            operand(e)
        return None if bottom else _iterator_kind(expr.name)
    bound = bind(entry, expr)
    bound_kinds = {n: tuple(map(operand, e)) if isinstance(e, tuple) else operand(e) for n, e in bound.items()}
    if bottom:
        return None
    if expr.name.startswith(("method.", "attribute.")):
        first = bound_kinds[entry.parameters[0].name]
        if isinstance(first, Kind) and first.sort in _NOT_ARRAYS:
            return UNKNOWN
    return registry.kind_of_result(entry, bound_kinds, literals(bound))


def _iterator_kind(name: str) -> Kind:
    """The kind of what calling an iterator class of Python gives: `map`, `set`, `itertools.product`; else unknown."""
    module, _, plain = name.rpartition(".")
    cls = getattr(sys.modules.get(module), plain, None) if module in ("builtins", "itertools") else None
    is_iterator = isinstance(cls, type) and hasattr(cls, "__iter__") and not hasattr(cls, "__getitem__")
    return Kind("object", cls=cls) if is_iterator else UNKNOWN


def _class_constant(cls: Any, name: str) -> Kind:
    """The kind of a number or array that a class holds for all its objects."""
    held = inspect.getattr_static(cls, name, None) if isinstance(cls, type) else None
    kind = kind_of(held)
    return kind if kind.is_array or kind.is_number else UNKNOWN


def _function_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    identity = op.operands[0]
    assert isinstance(identity, Const)
    return Kind("function", cls=identity.value, items=tuple(kind(o) for o in op.operands[1:]))


def _appended_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    values, item = map(kind, op.operands)
    if values.items is not None:
        return Kind("list", items=(*values.items, item))
    return Kind("list", element=values.element and common_element(values, Kind("list", items=(item,))))


def _shorter_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    values = kind(op.operands[0])
    return values if values.items is None else dataclasses.replace(values, items=values.items[:-1])


def _list_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    """The kind of `xs + ys` and `xs * n` of lists; None for anything else."""
    kinds = [kind(o) for o in op.operands]
    lists, count = [k for k in kinds if k.sort == "list"], 2 if op.name == "operator.add" else 1
    if len(lists) != count or any(k.sort not in ("list", "int", "bool") for k in kinds):
        return None
    if len(lists) == 2 and all(k.items is not None for k in lists):
        return Kind("list", items=tuple(i for k in lists for i in k.items or ()))
    times = next((o for o in op.operands if isinstance(o, Const) and type(o.value) is int), None)
    if len(lists) == 1 and lists[0].items is not None and times is not None and times.value <= 100:
        return Kind("list", items=lists[0].items * times.value)
    empty = Kind("list", items=())
    return Kind("list", element=common_element(lists[0], lists[1] if len(lists) == 2 else empty))


def _type_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    of = kind(op.operands[0])
    return Kind("class", cls=of.cls) if of.sort == "object" and of.cls is not None else Kind("object", cls=type)


def _put_kind(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    return Kind("dict")


def _later(op: Op, kind: Callable[[Expr], Kind]) -> Kind | None:
    """What is not known before the operation is settled."""
    return None


_SETTLED: dict[str, Callable[[Op, Callable[[Expr], Kind]], Kind | None]] = {
    FUNCTION: _function_kind,
    VALUE_CALL: _later,
    "s2sad.sequence": _later,
    "s2sad.display_tuple": _later,
    "s2sad.display_list": _later,
    "functools.partial": _later,
    **{f"s2sad.{name}": _later for name in ("is_sequence", "has_keys", "is_instance", "positional", "rest_of")},
    "builtins.type": _type_kind,
    ASSUMED: lambda op, kind: NONE,
    "s2sad.append": _appended_kind,
    "s2sad.shorter": _shorter_kind,
    "s2sad.put": _put_kind,
}

#: What the methods of a dict give that can be looped over, but have no items by position.
_DICT_VIEWS = {
    "method.items": Kind("object", cls=type({}.items())),
    "method.keys": Kind("object", cls=type({}.keys())),
    "method.values": Kind("object", cls=type({}.values())),
}

#: Sorts whose attributes and methods are not those of arrays, even under the same name.
_NOT_ARRAYS = ("object", "dict", "str", "list", "tuple", "module")


def infer(
    function: Function,
    given: Kinds,
    calls: Callable[[Call, list[Kind]], list[Kind | None]] | None = None,
    call: CallKind | None = None,
) -> Kinds:
    """The kinds of all Vars of a function; those in `given` are fixed. `calls` and `call` give those of calls' results,
    which are statements, or stand within expressions.
    """
    kinds: dict[Var, Kind] = dict(given)
    sites: dict[Site, list[Kind]] = {}
    changed = True

    def define(var: Var, kind: Kind | None) -> None:
        nonlocal changed
        if kind is None or var in given:
            return
        old = kinds.get(var)
        new = kind if old is None else join(old, kind)
        if new != old:
            kinds[var] = new
            changed = True

    def of(expr: Expr) -> Kind | None:
        return reached_kind(expr, kinds.get, call)

    has_loops = any(isinstance(s, (For, While, Call)) for s in walk(function.body))
    while changed:
        changed = False
        for stmt in walk(function.body):
            if isinstance(stmt, Assign):
                define(stmt.var, _located(stmt, of))
            elif isinstance(stmt, For):
                define(stmt.target, INT)
            elif isinstance(stmt, Try):
                define(stmt.flag, BOOL if len(stmt.types) == 1 else INT)
                if stmt.error is not None:
                    define(stmt.error, Kind("object", cls=Exception))
            elif isinstance(stmt, Call):
                arguments = [of(a) for a in stmt.args]
                if calls is not None and None not in arguments:
                    for var, kind in zip(stmt.vars, calls(stmt, [a or UNKNOWN for a in arguments])):
                        define(var, kind)
                elif calls is None:
                    for var in stmt.vars:
                        define(var, UNKNOWN)
            elif isinstance(stmt, Save):
                found = [of(v) for v in stmt.vars]
                if None not in found:
                    before = sites.get(stmt.site)
                    sites[stmt.site] = [
                        k if before is None else join(before[i], k) for i, k in enumerate(found) if k is not None
                    ]
            elif isinstance(stmt, Restore):
                for var, kind in zip(stmt.vars, sites.get(stmt.site, [UNKNOWN] * len(stmt.vars))):
                    define(var, kind)
        if not has_loops:
            break
    return kinds


def _located(stmt: Assign, of: Callable[[Expr], Kind | None]) -> Kind | None:
    try:
        return of(stmt.expr)
    except S2sadError as error:
        if error.place is None:
            raise S2sadError(error.code, error.reason, stmt.origin, error.help) from None
        raise


#: How many instances of one function may wait for each other before the next takes arrays of any kind.
_DEEPEST = 6


@dataclass(eq=False)
class _Instance:
    label: Label
    generic: Label
    given: list[Kind]
    body: Function | None = None
    function: Function | None = None
    kinds: Kinds = field(default_factory=dict)
    results: list[Kind | None] = field(default_factory=list)
    targets: dict[Stmt, _Instance] = field(default_factory=dict)
    refused: bool = False
    #: Why writes into lists, dicts and objects have been followed, and whether some are into its arguments.
    followed: str = ""
    writes: bool = False


class Specialiser:
    """Copies of user functions by the kinds of their arguments."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.instances: dict[tuple[Any, ...], _Instance] = {}
        self._round: dict[_Instance, bool] = {}  # whether an instance of this round is still being inferred
        self._changed = self._circular = False

    def entry(self, label: Label, given: list[Kind]) -> tuple[Program, Kinds]:
        """The program of an entry function for its arguments' kinds, and the kinds of all its Vars."""
        main = self._instance(label, given)
        self._settle(main)
        program = Program({}, main.label)
        kinds: Kinds = {}
        work = [main]
        by_label = {i.label: i for i in self.instances.values()}
        while work:
            instance = work.pop(0)
            if instance.label in program.functions or instance.function is None:
                continue
            program.functions[instance.label] = instance.function
            kinds.update(instance.kinds)
            work += [
                by_label[s.callee] for s in walk(instance.function.body) if isinstance(s, Call) and s.callee in by_label
            ]
        return program, kinds

    def _instance(self, label: Label, given: list[Kind]) -> _Instance:
        key = (label, tuple(given))
        if key not in self.instances:
            self.instances[key] = _Instance(Label(label.hint), label, given)
        return self.instances[key]

    def _settle(self, root: _Instance) -> None:
        """Infer the kinds of an instance and of all that it calls, in rounds from no result until nothing changes."""
        if root.function is not None or root.refused:
            return
        self._circular = self._changed = True
        while self._circular and self._changed:
            self._round, self._circular, self._changed = {}, False, False
            self._infer(root)
        for instance in self._reached(root):
            if instance.body is not None:
                instance.results = [k or UNKNOWN for k in instance.results]
                instance.body.body = self._rewrite(instance, instance is root)
                if hands_captures([*instance.given, *(k for k in instance.results if k is not None)]):
                    self.lowering.written_out.add(instance.label)
                params = instance.body.params if instance is root else [in_one_piece(p) for p in instance.body.params]
                instance.function = replace_function(instance.body, label=instance.label, params=params)

    def _reached(self, root: _Instance) -> list[_Instance]:
        """The instances of this round that are called in the end: what is settled on the way may call others."""
        found, work = {root: None}, [root]
        while work:
            instance = work.pop()
            for stmt in walk(instance.body.body) if instance.body is not None else ():
                target = instance.targets.get(stmt)
                if target is not None and target in self._round and target not in found:
                    found[target] = None
                    work.append(target)
        return [i for i in self._round if i in found]

    def _infer(self, instance: _Instance) -> None:
        """One round for an instance; a call of what is still being inferred takes what is known of it so far."""
        self._round[instance] = True
        try:
            generic = self.lowering.function(instance.generic)
        except S2sadError:
            instance.results = [UNKNOWN] * 64
            instance.refused = True
            self._round[instance] = False
            return
        if instance.body is None:
            must = instance.followed == "writes"
            instance.body = self._followed(instance, generic, must) if instance.followed else _copy(generic)
        function = instance.body
        given: Kinds = {p.var: k for p, k in zip(function.params, instance.given)}
        free_kinds = generic.annotations.free_kinds
        # Free variables may be of another kind by the next call; the dispatcher's guard keeps them to what they are
        # now.
        for name, var in function.free.items():
            given[var] = next((k for v, k in free_kinds.items() if v.hint == name), UNKNOWN)
        assigned = {
            v
            for s in walk(function.body)
            for v in ([s.var] if isinstance(s, Assign) else s.vars if isinstance(s, (Call, Restore)) else [])
        }
        fixed = {v: k for v, k in given.items() if v not in assigned}
        moving = {v: k for v, k in given.items() if v in assigned}
        body: Block = [*(Assign(v, Raw(None, (), True, k)) for v, k in moving.items()), *function.body]
        probe = replace_function(function, body=body)

        def calls(stmt: Call, arguments: list[Kind]) -> list[Kind | None]:
            return self._call(instance, stmt, arguments)

        instance.kinds = infer(probe, fixed, calls)
        if not instance.followed and (
            has_writes(function, lambda e: reached_kind(e, instance.kinds.get))
            or any(instance.targets[s].writes for s in walk(function.body) if s in instance.targets)
        ):
            instance.followed, instance.body = "writes", None
            self._infer(instance)
            return
        elaborated = elaborate(function, lambda e: reached_kind(e, instance.kinds.get), self.lowering)
        if elaborated is not None:
            instance.body = elaborated
            self._infer(instance)
            return
        if not instance.followed and any(_is_unsettled(s, instance.kinds) for s in walk(function.body)):
            instance.followed, instance.body = "unsettled", None
            self._infer(instance)
            return
        widened = [v for v, k in moving.items() if _is_widened(k, instance.kinds.get(v, k))]
        if widened:
            instance.body = _with_own_names(function, widened)
            self._infer(instance)
            return
        results = [reached_kind(v, instance.kinds.get) for v in function.results.values]
        self._changed = self._changed or results != instance.results
        instance.results = results
        self._round[instance] = False

    def _followed(self, instance: _Instance, generic: Function, must: bool) -> Function:
        """A function without writes into lists, dicts and objects; as it is where there are none (not `must`), and what
        it does cannot be followed.

        Where it calls itself, it is first taken to write into none of its arguments.
        """

        def calls(stmt: Call, arguments: list[Kind]) -> tuple[list[Kind | None], bool]:
            return self._call(instance, stmt, arguments), instance.targets[stmt].writes

        while True:
            assumed = instance.writes
            try:
                made, writes = follow_writes(_copy(generic), instance.given, self.lowering, calls, reached_kind)
            except S2sadError:
                if must:
                    raise
                return _copy(generic)
            instance.writes = writes
            if writes == assumed or not writes:
                return made

    def _call(self, caller: _Instance, stmt: Call, arguments: list[Kind]) -> list[Kind | None]:
        canonical, back = _canonical(arguments)
        instance = self._instance(stmt.callee, canonical)
        waiting = sum(busy and other.generic is stmt.callee for other, busy in self._round.items())
        if waiting >= _DEEPEST and instance not in self._round and instance.function is None:
            instance = self._instance(stmt.callee, [k if k.shape == () else UNKNOWN for k in canonical])
        caller.targets[stmt] = instance
        if instance in self._round:
            self._circular = self._circular or self._round[instance]
        elif instance.function is None and not instance.refused:
            self._infer(instance)
        if not instance.results:
            return [None] * len(stmt.vars)
        return [k and back(k) for k in instance.results[: len(stmt.vars)]]

    def _rewrite(self, instance: _Instance, is_entry: bool) -> Block:
        """Point calls at instances and settle what only kinds can tell; refuse what they show to be wrong."""
        assert instance.body is not None
        kinds = instance.kinds
        free = instance.body.free.values()

        def block(old: Block, is_certain: bool) -> Block:
            new: Block = []
            for stmt in old:
                if isinstance(stmt, Call):
                    callee = instance.targets.get(stmt)
                    if callee is None:  # an argument that no value reaches: the call is not reached either
                        new.append(stmt)
                        continue
                    if any(is_transient(kinds.get(v, UNKNOWN)) for v in stmt.vars):
                        reason = "a function is kept here that captured a name which is bound again"
                        raise S2sadError("S201", reason, stmt.origin, "give it a default, as in lambda t, w=w: t * w")
                    stmt.callee = callee.label
                    self.lowering.primals[callee.label] = self.lowering.primals[callee.generic]
                elif isinstance(stmt, Assign) and isinstance(stmt.expr, Op) and stmt.expr.name in IN_PLACE:
                    new += settle_in_place(stmt, stmt.expr, instance.kinds)
                    continue
                elif (writes := written_out(stmt, kinds)) is not None:
                    new += block(writes, False)
                    continue
                elif isinstance(stmt, Assign) and isinstance(stmt.expr, Op):
                    if is_certain:
                        _check_numbers(stmt, stmt.expr, kinds)
                    stmt.expr = settle_op(stmt, stmt.expr, kinds, unclear)
                elif isinstance(stmt, Store):
                    _check_written(stmt, kinds)
                elif isinstance(stmt, Do) and stmt.may_write:
                    _check_unknown_call(stmt, kinds, free)
                elif isinstance(stmt, For):
                    _check_sequence(stmt, kinds)
                for inner in blocks_of(stmt):
                    inner[:] = block(inner, False)
                new.append(stmt)
            return new

        unclear = {
            s.var for s in walk(instance.body.body)
            if isinstance(s, Assign) and isinstance(s.expr, Op) and _is_unclear(s.expr, kinds)
        }  # fmt: skip
        return block(instance.body.body, is_entry)


def _is_unclear(op: Op, kinds: Kinds) -> bool:
    """Whether an attribute of an object may itself be an object, rather than a number or an array."""
    prefix, _, name = op.name.partition(".")
    if prefix != "attribute" or not op.operands:
        return False
    receiver = kind_of_expr(op.operands[0], kinds)
    if receiver.sort != "object" or receiver.cls is None or name in dict(receiver.fields):
        return False
    held = inspect.getattr_static(receiver.cls, name, None) if isinstance(receiver.cls, type) else None
    return not (kind_of(held).is_array or kind_of(held).is_number)


def _check_numbers(stmt: Stmt, op: Op, kinds: Kinds) -> None:
    """Refuse (S203, S303) what a number does not have, where it is certainly asked for: the primal raises there."""
    prefix, _, name = op.name.partition(".")
    if op.name not in ("operator.getitem", "builtins.len") and prefix not in ("method", "attribute"):
        return
    kind = kind_of_expr(op.operands[0], kinds)
    if kind.is_python_number and prefix in ("method", "attribute") and not hasattr(_PYTHON_NUMBERS[kind.sort], name):
        reason = f"{_PYTHON_NUMBERS[kind.sort].__name__!r} has no {prefix} {name!r}"
        raise S2sadError("S203", reason, stmt.origin, "pass an array")
    if op.name == "operator.getitem":
        by_position = kind_of_expr(op.operands[1], kinds).sort in ("int", "slice")
        if kind.is_python_number or (kind.sort == "scalar" and by_position):
            raise S2sadError("S303", "a number has no items", stmt.origin, "pass an array")
    if op.name == "builtins.len" and kind.is_number:
        raise S2sadError("S303", "a number has no length", stmt.origin, "pass an array")


_PYTHON_NUMBERS: dict[str, type] = {"bool": bool, "int": int, "float": float, "complex": complex}


def _check_sequence(loop: For, kinds: Kinds) -> None:
    """Refuse (S201) a loop over what has no items by position: a dict and its views, a set, a generator."""
    for stmt in loop.body:
        if not isinstance(stmt, Assign) or stmt.quote is not None:
            return  # the user's own; what takes the items comes before
        if not (isinstance(stmt.expr, Op) and stmt.expr.name == "operator.getitem"):
            continue
        sequence = stmt.expr.operands[0]
        kind = kind_of_expr(sequence, kinds)
        cls = dict if kind.sort == "dict" else kind.cls if kind.sort == "object" else None
        if isinstance(cls, type) and (not hasattr(cls, "__getitem__") or issubclass(cls, (dict, Mapping))):
            what = f"a {cls.__name__}"
            raise S2sadError(
                "S201", f"a loop over {what} is not supported", loop.origin, "loop over a tuple, a list or an array"
            )


def _is_widened(given: Kind, joined: Kind) -> bool:
    """Whether an argument's name may also hold what is of another kind than the argument, but for Python numbers."""
    return given != joined and not (given.is_python_number and joined.is_python_number)


def _with_own_names(function: Function, arguments: list[Var]) -> Function:
    """The function with these parameters bound once, so that they keep the kinds that they come with.

    What the user's text binds to their names later is another Var, which starts as the argument.
    """
    later = {v: Var(v.hint) for v in arguments}

    def change(var: Var) -> Var:
        return later.get(var, var)

    starts: Block = [Assign(new, old, origin=function.origin) for old, new in later.items()]
    return replace_function(function, body=[*starts, *rewrite_block(function.body, change, change)])


def settle_in_place(stmt: Assign, op: Op, kinds: Kinds) -> list[Stmt]:
    """`x += e`: a new number under the name, or a write into the array that the name stands for."""
    target = kind_of_expr(op.operands[0], kinds)
    has_axes = isinstance(target.shape, tuple) and target.shape != ()
    if (target.is_array and target.rank != 0) or has_axes:
        array = op.operands[0]
        assert isinstance(array, Var)
        made: list[Stmt] = [Store(array, None, op.operands[1], IN_PLACE[op.name], origin=stmt.origin, quote=stmt.quote)]
        return made if array is stmt.var else [*made, Assign(stmt.var, array, origin=stmt.origin)]
    if target.sort in ("list", "object", "dict"):
        reason = f"an in-place write into a {target.sort} is not supported"
        raise S2sadError("S201", reason, stmt.origin, "build a new value instead")
    if target.shape is None:
        reason = f"whether {stmt.var.hint!r} is a number or an array is not known, so neither is what other names share"
        raise S2sadError("S205", reason, stmt.origin, "annotate it, or write `x = x + e`")
    return [replace(stmt, expr=Op(IN_PLACE[op.name], op.operands, spelled=f"{op.spelled}="))]


def written_out(stmt: Stmt, kinds: Kinds) -> Block | None:
    """The plain writes that a call of what writes into its arguments makes; None for anything else."""
    if not (isinstance(stmt, Assign) and isinstance(stmt.expr, Op)):
        return None
    return writers.write(stmt, stmt.expr, kinds, lambda e: kind_of_expr(e, kinds))


def _check_unknown_call(stmt: Do, kinds: Kinds, free: Collection[Var]) -> None:
    """Refuse a call of what is not known where it could write into an array or an object of this function."""
    for var in vars_of(stmt.expr):
        kind = kinds.get(var, UNKNOWN)
        if var not in free and not (kind.is_number or kind.sort in ("none", "str", "slice", "range", "ellipsis")):
            reason = f"which function is called here cannot be found out, and it may write into {var.hint!r}"
            raise S2sadError("S204", reason, stmt.origin, "call a function by its name")


def _check_written(stmt: Store, kinds: Kinds) -> None:
    sort = kinds.get(stmt.base, UNKNOWN).sort
    if sort not in ("array", "unknown"):
        reason = f"an in-place write into a {sort} is not supported"
        raise S2sadError("S201", reason, stmt.origin, "use an array, or build a new value")


def _is_unsettled(stmt: Stmt, kinds: Kinds) -> bool:
    """Whether the kinds could not settle what an operation on containers comes down to."""
    if not isinstance(stmt, Assign) or not isinstance(stmt.expr, Op) or stmt.expr.name not in _UNSETTLED:
        return False
    if stmt.expr.name != ASSUMED:
        return stmt.expr.name not in (FUNCTION, VALUE_CALL, "functools.partial")
    assumed = stmt.expr.operands[1]
    return isinstance(assumed, Const) and form_of(kind_of_expr(stmt.expr.operands[0], kinds)) != assumed.value


def _unsettled(stmt: Stmt, op: Op, kinds: Kinds) -> Expr:
    """A function value as what it captured; refuse what the kinds could not settle."""
    if op.name == FUNCTION:
        return Op("tuple", op.operands[1:])
    if op.name == ASSUMED:
        assumed = op.operands[1]
        if isinstance(assumed, Const) and form_of(kind_of_expr(op.operands[0], kinds)) != assumed.value:
            reason = "what is called here changes its form in a loop, which is not supported"
            raise S2sadError("S204", reason, stmt.origin, "keep to one class, one function and one length")
        return Const(None)
    if op.name == "s2sad.sequence":
        reason = "what this loop runs over cannot be found out before the loop itself is"
        raise S2sadError("S201", reason, stmt.origin, "bind it to a name of its own before the loop")
    if op.name == VALUE_CALL:
        what = f"`{op.spelled}`" if op.spelled else "this"
        kind = kind_of_expr(op.operands[0], kinds)
        if kind.sort == "class":
            reason = f"an object of class {kind.cls.__qualname__} made here is not supported"
            raise S2sadError("S201", reason, stmt.origin, "make it outside, and pass it in")
        raise S2sadError(
            "S204", f"which function {what} is cannot be found out", stmt.origin, "call a function by its name"
        )
    if op.name == "functools.partial":
        reason = "a partial object of what is no function of a known name is not supported"
        raise S2sadError("S201", reason, stmt.origin, "use a lambda")
    if op.name == "s2sad.put":
        raise S2sadError("S201", "a dict whose keys are not literals is not supported", stmt.origin, "use a list")
    raise S2sadError("S201", "what is unpacked here has no known length", stmt.origin, "write the items out")


_UNSETTLED = (
    ASSUMED, "functools.partial", FUNCTION, VALUE_CALL, "s2sad.sequence", "s2sad.put", "s2sad.display_tuple",
    "s2sad.display_list",
)  # fmt: skip


_ARITHMETIC = frozenset(
    f"operator.{n}" for n in ("add", "sub", "mul", "truediv", "pow", "matmul", "neg", "floordiv", "mod")
)


def settle_op(stmt: Stmt, op: Op, kinds: Kinds, unclear: Collection[Var] = ()) -> Expr:
    """An operation with methods and attributes named as those of arrays.

    unclear: Vars that may hold objects of which nothing is known.
    """
    if op.name in _UNSETTLED:
        return _unsettled(stmt, op, kinds)
    if any(isinstance(o, Op) and o.name == STAR for o in op.operands) or any(k == "**" for k, _ in op.keywords):
        raise S2sadError("S201", "what is unpacked here has no known length", stmt.origin, "write the arguments out")
    prefix, _, name = op.name.partition(".")
    if op.name in _ARITHMETIC and any(kind_of_expr(o, kinds).sort == "function" for o in op.operands):
        raise S2sadError("S201", "a function is no number to calculate with", stmt.origin, "call it, or pass a number")
    if prefix in ("method", "attribute"):
        receiver = kind_of_expr(op.operands[0], kinds)
        if will_be_called(receiver, op.name):
            reason = f"what {name!r} is here cannot be found out: its object changes its form in a loop"
            raise S2sadError("S204", reason, stmt.origin, "keep to one class and one length")
        of_tuple = is_named_tuple(receiver.cls) and name in receiver.cls._fields
        holds_it = receiver.sort in ("object", "class") or of_tuple
        if prefix == "attribute" and holds_it:
            return Op(f"field.{name}", op.operands)
        if receiver.sort in ("object", "dict", "str", "list", "tuple", "class", "function"):
            return Op(f"object_method.{name}", op.operands, op.keywords, op.spelled) if prefix == "method" else op
        if op.operands[0] in unclear:
            reason = f"whether {name!r} is that of an array cannot be found out: nothing is known of what has it"
            raise S2sadError("S204", reason, stmt.origin, "pass what has it as an argument, or np.asarray of it")
        refusal = registry.refusal(rule_name(op))
        if refusal is not None:
            reason = f"the {'method' if prefix == 'method' else 'attribute'} {name!r} of an array {refusal.reason}"
            raise S2sadError("S203", f"{reason}, so that it has no derivative rule", stmt.origin, refusal.help)
        if registry.find(rule_name(op)) is None:
            near = [n.rpartition(".")[2] for n in registry.nearest(rule_name(op))]
            help = f"did you mean {' or '.join(near)}?" if near else "call a NumPy function instead"
            what = "method" if prefix == "method" else "attribute"
            raise S2sadError("S203", f"no derivative rule for the {what} {name!r} of an array", stmt.origin, help)
        return Op(rule_name(op), op.operands, op.keywords, op.spelled)
    return op


def _copy(function: Function) -> Function:
    """A copy of a function with Vars and statements of its own."""
    fresh: dict[Var, Var] = {}

    def var(v: Var) -> Var:
        if v not in fresh:
            fresh[v] = Var(v.hint, v.temporary)
        return fresh[v]

    def block(old: Block) -> Block:
        made = []
        for stmt in old:
            new = rewrite(stmt, var, var)
            set_blocks(new, [block(b) for b in blocks_of(stmt)])
            made.append(new)
        return made

    params = [replace(p, var=var(p.var)) for p in function.params]
    free = {name: var(v) for name, v in function.free.items()}
    return replace_function(function, params=params, free=free, body=block(function.body))


def _canonical(arguments: list[Kind]) -> tuple[list[Kind], Callable[[Kind], Kind]]:
    """Kinds with axis symbols renamed by first appearance, so that callees are shared, and the way back."""
    forth: dict[Any, Any] = {}
    back: dict[Any, Any] = {}

    def rename(dim: Any) -> Any:
        if not isinstance(dim, Extent) or dim.symbol == "?":
            return dim
        if dim not in forth:
            forth[dim] = Extent(f"n{len(forth)}", 0, dim.plural)
            back[forth[dim]] = dim
        return forth[dim]

    def token(t: str) -> str:
        if t not in forth:
            forth[t] = f"s{len(forth)}"
            back[forth[t]] = t
        return str(forth[t])

    def undo(dim: Any) -> Any:
        if not isinstance(dim, Extent) or dim.symbol == "?":
            return dim
        base = Extent(dim.symbol, 0, True)
        origin = back.get(dim) or back.get(base) or back.get(Extent(dim.symbol))
        if origin is None:
            return SOME
        return Extent(origin.symbol, origin.offset + dim.offset, dim.plural)

    def change(kind: Kind, axis: Callable[[Any], Any], name: Callable[[str], Any]) -> Kind:
        shape = kind.shape
        if isinstance(shape, tuple):
            shape = tuple(axis(d) for d in shape)
        elif isinstance(shape, frozenset):
            names = [name(t) for t in sorted(shape)]
            shape = None if None in names else frozenset(names)
        items = None if kind.items is None else tuple(change(k, axis, name) for k in kind.items)
        fields = tuple((n, change(k, axis, name)) for n, k in kind.fields)
        element = kind.element and change(kind.element, axis, name)
        return dataclasses.replace(kind, shape=shape, items=items, fields=fields, element=element)

    return [change(k, rename, token) for k in arguments], lambda k: change(k, undo, lambda t: back.get(t))
