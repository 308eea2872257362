"""The entry check: what text that leaves the dispatcher relies on, as a sentence and as statements at its top.

In: parameters, each with the kind that the text relies on; an unknown kind without a shape relies on nothing.
Out: for a function of `W [n h]` and `b [h]`, differentiated with respect to both, the sentence and the statements

    if [getattr(v, "ndim", None) for v in (W, b)] != [2, 1] or not all(v.dtype.kind == "f" for v in (W, b)):
        raise TypeError("grad_f takes arrays W [n h], b [h] of floats")
    if b.shape[0] != W.shape[1]:
        raise ValueError("grad_f takes arrays W [n h], b [h] of floats")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gast

from s2sad.ir.kinds import SOME, Dim, Extent, Kind, Shape

_WIDTH = 110

_TYPES = {"str": ("str", "text"), "none": ("type(None)", "None"), "dict": ("dict", "a dict")}


@dataclass
class Entry:
    """A sentence for the docstring (empty: nothing is relied on), and tests that hold for arguments that are wrong."""

    sentence: str = ""
    structure: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def statements(self, function: str, numbers: str = "numbers") -> list[Any]:
        """The statements that raise TypeError or ValueError, as gast; `numbers` is what the text calls that module."""
        lines = []
        for tests, error in ((self.structure + self.types, "TypeError"), (self.values, "ValueError")):
            if tests:
                test = " or ".join(tests).replace("numbers.", f"{numbers}.")
                lines += [f"if {test}:", f"    raise {error}({f'{function} {self.sentence}'!r})"]
        body: list[Any] = gast.parse("\n".join(lines)).body
        return body

    def put_into(self, function: Any, checks: bool, numbers: str) -> None:
        """Say in the docstring of a gast function what it relies on, and check it first if `checks`."""
        body = function.body
        has_doc = bool(body) and isinstance(body[0], gast.Expr) and isinstance(body[0].value, gast.Constant)
        doc = body[0].value.value if has_doc else ""
        if self.sentence:
            sentence = f"{self.sentence[0].upper()}{self.sentence[1:]}."
            joint = " " if len(doc) + len(sentence) <= _WIDTH and "\n" not in doc else "\n\n    "
            doc = f"{doc}{joint}{sentence}" if doc else sentence
            if "\n" in doc:
                doc += "\n    "
        if doc:
            body[: int(has_doc)] = [gast.Expr(gast.Constant(doc, None))]
        if checks:
            body[int(bool(doc)) : int(bool(doc))] = self.statements(function.name, numbers)


def name_of_numbers(text: str) -> str:
    """What a text calls the module `numbers`: by its name, unless that stands in the text for something else.

    >>> name_of_numbers("numbers = [1.0]")
    '_numbers'
    """
    words = re.findall(r"\w+", text)
    return next(n for n in ("numbers", "_numbers", "_numbers_") if n not in words)


def entry_check(
    params: Sequence[tuple[str, Kind]], wrt: Iterable[str], tangents: Sequence[tuple[str, str]] = ()
) -> Entry:
    """The check of a function's parameters.

    wrt: those with respect to which it is differentiated. tangents: pairs of a tangent and the parameter that it is of.

    >>> entry_check([("x", Kind("float", shape=())), ("k", Kind("int", shape=()))], ["x"]).types
    ['not all(isinstance(v, numbers.Real) for v in (x, k))']
    """
    made = Entry()
    wholes = [whole for root in params for whole in _wholes(*root)]
    active = {leaf for name, kind_ in params if name in set(wrt) for leaf, _ in _leaves(name, kind_)}
    params = [leaf for root in params for leaf in _leaves(*root)]
    listed: list[str] = []
    for name, kind_ in wholes:
        if kind_.sort in ("tuple", "list"):
            count = "" if kind_.items is None else f" or len({name}) != {len(kind_.items)}"
            made.structure.append(f"not isinstance({name}, {kind_.sort}){count}")
            listed.append(f"a {kind_.sort} {name}" + ("" if kind_.items is None else f" of {len(kind_.items)} items"))
        elif kind_.sort == "dict":
            if kind_.keys is not None:
                made.structure.append(f"not isinstance({name}, dict) or list({name}) != {list(kind_.keys)!r}")
                listed.append(f"a dict {name} of {', '.join(map(str, kind_.keys)) or 'nothing'}")
        elif kind_.cls is not None and kind_.dtype is None:
            made.structure.append(f'type({name}).__qualname__ != "{kind_.cls.__qualname__}"')
            listed.append(f"{name} of class {kind_.cls.__qualname__}")
    numbers = [n for n, k in params if k.shape == () and not k.is_array]
    if numbers:
        # The tower of Python: floats and ints, NumPy's too, but neither arrays nor lists, which `*` would repeat.
        complex_ones = [n for n, k in params if n in numbers and k.is_complex]
        for kind, names in (("Real", [n for n in numbers if n not in complex_ones]), ("Number", complex_ones)):
            if names:
                made.types.append(_every(names, f"isinstance({{}}, numbers.{kind})"))
        listed.append(_listed("number", numbers))
    for name, kind_ in params:
        if kind_.sort in _TYPES:
            type_name, what = _TYPES[kind_.sort]
            made.types.append(f"not isinstance({name}, {type_name})")
            listed.append(f"{name}, which is {what}")
    arrays = [(n, k) for n, k in params if isinstance(k.shape, tuple) and (k.shape or k.is_array)]
    if arrays:
        made.types.append(_ranks(arrays))
    floats = [n for n, k in arrays if n in active and not k.is_complex]
    if floats:
        made.types.append(_every(floats, '{}.dtype.kind == "f"'))
    complex_arrays = [n for n, k in arrays if n in active and k.is_complex]
    if complex_arrays:
        made.types.append(_every(complex_arrays, '{}.dtype.kind == "c"'))
    loose = [n for n, k in params if n in active and k.sort in ("unknown", "array") and not isinstance(k.shape, tuple)]
    if loose:
        # No lists: np.zeros_like of a list of ints would round what is added to it.
        floating = 'getattr(getattr({0}, "dtype", None), "kind", "") == "f"'
        made.types.append(_every(loose, f"(isinstance({{0}}, numbers.Real) or {floating})"))
    made.types += [f'{n}.dtype != "{k.dtype}"' for n, k in arrays if k.dtype is not None]
    if arrays:
        listed.append(_arrays(arrays, floats))
        if complex_arrays:
            listed[-1] += f", complex numbers in {_and(complex_arrays)}"
        made.values, plural = _extents(arrays)
        if plural:
            listed[-1] += f", with no axis of length 1 in {_and(plural)}"
    elif loose:
        listed.append(f"floats in {_and(loose)}")
    if tangents:
        shapes = [f"[getattr(v, 'shape', ()) for v in ({', '.join(part)},)]" for part in zip(*tangents)]
        made.values.append(" != ".join(shapes))
        listed.append(f"{_and([t for t, _ in tangents])} of the same shape")
    made.sentence = f"takes {'; '.join(listed)}" if listed else ""
    return made


def _every(names: Sequence[str], test: str) -> str:
    """A test that holds where one of several values fails `test`."""
    if len(names) > 1:
        return f"not all({test.format('v')} for v in ({', '.join(names)}))"
    left, equal, right = test.format(names[0]).rpartition(" == ")
    return f"{left} != {right}" if equal and not test.startswith("(") else f"not {test.format(names[0])}"


def _ranks(arrays: Sequence[tuple[str, Kind]]) -> str:
    ranks = [str(k.rank) for _, k in arrays]
    if len(arrays) == 1:
        return f'getattr({arrays[0][0]}, "ndim", None) != {ranks[0]}'
    return f'[getattr(v, "ndim", None) for v in ({", ".join(n for n, _ in arrays)})] != [{", ".join(ranks)}]'


def _extents(arrays: Sequence[tuple[str, Kind]]) -> tuple[list[str], list[str]]:
    """Tests that axis lengths of one name differ, or are one where they must not be; in which arrays they must not."""
    same: dict[str, list[str]] = {}
    plural: dict[str, str] = {}
    for name, kind in arrays:
        assert isinstance(kind.shape, tuple)
        for axis, dim in enumerate(kind.shape):
            length = f"{name}.shape[{axis}]"
            if isinstance(dim, int):
                same.setdefault(f" {dim}", [str(dim)]).append(length)
                continue
            if dim.symbol != "?":
                back = f" {'-' if dim.offset > 0 else '+'} {abs(dim.offset)}" if dim.offset else ""
                same.setdefault(dim.symbol, []).append(f"{length}{back}")
            if dim.plural and (dim.symbol == "?" or len(same[dim.symbol]) == 1):
                plural[length] = name
    equal = [" == ".join(lengths) for lengths in same.values() if len(lengths) > 1]
    tests = []
    if equal:
        alone = len(equal) == 1 and equal[0].count("==") == 1
        tests.append(equal[0].replace("==", "!=") if alone else f"not ({' and '.join(equal)})")
    if plural:
        tests.append(f"1 in ({', '.join(plural)}{',' if len(plural) == 1 else ''})")
    return tests, list(dict.fromkeys(plural.values()))


def _arrays(arrays: Sequence[tuple[str, Kind]], floats: Sequence[str]) -> str:
    """Arrays with their axes: named ones as in jaxtyping, else by their number."""
    parts = []
    for name, kind in arrays:
        assert isinstance(kind.shape, tuple)
        named = [d for d in kind.shape if isinstance(d, int) or d.symbol.isidentifier()]
        if len(named) == len(kind.shape) and kind.shape:
            parts.append(f"{name} [{' '.join(repr(d).rstrip('?') for d in kind.shape)}]")
        else:
            parts.append(f"{name} of {kind.rank} {'axis' if kind.rank == 1 else 'axes'}")
    of_floats = "" if not floats else " of floats" if len(floats) == len(arrays) else f" (floats in {_and(floats)})"
    return f"{'an array' if len(parts) == 1 else 'arrays'} {', '.join(parts)}{of_floats}"


def _listed(what: str, names: Sequence[str]) -> str:
    return f"a {what} {names[0]}" if len(names) == 1 else f"{what}s {_and(names)}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---- what is relied on ---------------------------------------------------------------------------------------------

#: Of more items or attributes than these it is not found out one by one which are relied on.
_FEW = 8

_HOLDERS = ("tuple", "list", "dict", "object")


def weakest(names: Sequence[str], kinds: Sequence[Kind], gives: Callable[[tuple[Kind, ...]], bool]) -> tuple[Kind, ...]:
    """The weakest kinds of parameters that still give the same text: it is right for all that is of these.

    gives: whether some kinds give that text. One thing is forgotten at a time: that the axes of one name are not one, a
    dtype, the kind itself, axis lengths, the class of an object; of items and attributes too.

    >>> rank_matters = lambda kinds: kinds[0].rank == 1
    >>> weakest(["x"], [Kind("array", "float32", (Extent("n", 0, True),))], rank_matters)[0].shape
    (??,)
    """
    found = tuple(kinds)
    for weaker in _weakenings(names, found):
        changed = weaker(found)
        if changed != found and gives(changed):
            found = changed
    return found


_Change = Callable[[str, Kind], Kind]


def _weakenings(
    names: Sequence[str], kinds: Sequence[Kind]
) -> Iterator[Callable[[tuple[Kind, ...]], tuple[Kind, ...]]]:
    parts = [part for name, kind in zip(names, kinds) for part in _leaves(name, kind)]
    for symbol in dict.fromkeys(d.symbol for _, k in parts for d in _dims(k.shape) if isinstance(d, Extent)):
        yield lambda kinds, symbol=symbol: tuple(  # type: ignore[misc]
            _changed(n, k, lambda _, leaf: replace(leaf, shape=_not_plural(leaf.shape, symbol)))
            for n, k in zip(names, kinds)
        )
    for position, (name, kind) in enumerate(zip(names, kinds)):
        for change in _forgettings(name, kind):
            yield lambda kinds, at=position, change=change: (  # type: ignore[misc]
                *kinds[:at], _changed(names[at], kinds[at], change), *kinds[at + 1 :],
            )  # fmt: skip


def _forgettings(name: str, kind: Kind) -> Iterator[_Change]:
    """The changes of a parameter that forget something of it, or of what it holds."""

    def only(place: str, change: _Change) -> _Change:
        return lambda name, kind: change(name, kind) if name == place else kind

    leaves = _leaves(name, kind)
    if kind.sort in _HOLDERS:
        yield lambda name, kind: kind if kind.sort in _HOLDERS else _unknown(name, kind)
    for place, leaf in leaves if len(leaves) <= _FEW else ():
        if leaf.sort == "dict":
            continue
        if leaf.dtype is not None:
            yield only(place, lambda _, k: replace(k, dtype=None))
        yield only(place, _unknown)
        if leaf.is_array and isinstance(leaf.shape, tuple):
            yield only(place, lambda _, k: replace(k, shape=(SOME,) * len(_dims(k.shape))) if k.is_array else k)
    for place, whole in _wholes(name, kind):
        if whole.cls is not None:
            yield only(place, lambda _, k: replace(k, cls=None))


def _unknown(name: str, _: Kind) -> Kind:
    return Kind("unknown", None, frozenset({name}))


def _dims(shape: Shape) -> tuple[Dim, ...]:
    return shape if isinstance(shape, tuple) else ()


def _not_plural(shape: Shape, symbol: str) -> Shape:
    if not isinstance(shape, tuple):
        return shape
    return tuple(Extent(d.symbol, d.offset) if isinstance(d, Extent) and d.symbol == symbol else d for d in shape)


def _parts(name: str, kind: Kind) -> list[tuple[str, Kind]]:
    """The items of a tuple or list and the attributes of an object, each with its expression."""
    if kind.sort in ("tuple", "list"):
        return [(f"{name}[{k}]", item) for k, item in enumerate(kind.items or ())]
    if kind.sort == "dict":
        return [(f"{name}[{k!r}]", item) for k, item in zip(kind.keys or (), kind.items or ())]
    return [(f"{name}.{attribute}", held) for attribute, held in kind.fields]


def _leaves(name: str, kind: Kind) -> list[tuple[str, Kind]]:
    """What holds nothing else: the parameter itself, or what its items and attributes come down to.

    >>> [n for n, _ in _leaves("p", Kind("tuple", items=(Kind("int"), Kind("list", items=(Kind("float"),)))))]
    ['p[0]', 'p[1][0]']
    """
    if kind.sort not in _HOLDERS:
        return [(name, kind)]
    return [leaf for part in _parts(name, kind) for leaf in _leaves(*part)]


def _wholes(name: str, kind: Kind) -> list[tuple[str, Kind]]:
    """The tuples, lists and objects, the outermost first."""
    if kind.sort not in _HOLDERS:
        return []
    return [(name, kind), *(whole for part in _parts(name, kind) for whole in _wholes(*part))]


def _changed(name: str, kind: Kind, change: _Change) -> Kind:
    """A kind after a change of it and of all that it holds."""
    inner = [_changed(n, k, change) for n, k in _parts(name, kind)]
    if kind.sort == "object":
        kind = replace(kind, fields=tuple((n, k) for (n, _), k in zip(kind.fields, inner)))
    elif kind.sort in _HOLDERS and kind.items is not None:
        kind = replace(kind, items=tuple(inner))
    return change(name, kind)
