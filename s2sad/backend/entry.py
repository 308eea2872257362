"""The entry check: what text that leaves the dispatcher relies on, as a sentence and as statements at its top.

In: parameters, each with the kind that the text relies on; an unknown kind without a shape relies on nothing.
Out: for a function of `W [n h]` and `b [h]`, differentiated with respect to both, the sentence and the statements

    if [getattr(v, "ndim", None) for v in (W, b)] != [2, 1] or not all(v.dtype.kind in "fc" for v in (W, b)):
        raise TypeError("grad_f takes arrays W [n h], b [h] of floats")
    if b.shape[0] != W.shape[1]:
        raise ValueError("grad_f takes arrays W [n h], b [h] of floats")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.ir.kinds import Kind

_TYPES = {"str": ("str", "text"), "none": ("type(None)", "None"), "dict": ("dict", "a dict")}


@dataclass
class Entry:
    """A sentence for the docstring (empty: nothing is relied on), and tests that hold for arguments that are wrong."""

    sentence: str = ""
    types: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def statements(self, function: str, numbers: str = "numbers") -> list[Any]:
        """The statements that raise TypeError or ValueError, as gast; `numbers` is what the text calls that module."""
        lines = []
        for tests, error in ((self.types, "TypeError"), (self.values, "ValueError")):
            if tests:
                test = " or ".join(tests).replace("numbers.", f"{numbers}.")
                lines += [f"if {test}:", f"    raise {error}({f'{function} {self.sentence}'!r})"]
        body: list[Any] = gast.parse("\n".join(lines)).body
        return body


def entry_check(
    params: Sequence[tuple[str, Kind]], wrt: Iterable[str], tangents: Sequence[tuple[str, str]] = ()
) -> Entry:
    """The check of a function's parameters.

    wrt: those with respect to which it is differentiated. tangents: pairs of a tangent and the parameter that it is of.

    >>> entry_check([("x", Kind("float", shape=())), ("k", Kind("int", shape=()))], ["x"]).types
    ['not all(isinstance(v, numbers.Real) for v in (x, k))']
    """
    made = Entry()
    active = set(wrt)
    listed: list[str] = []
    numbers = [n for n, k in params if k.shape == () and not k.is_array]
    if numbers:
        # The tower of Python: floats and ints, NumPy's too, but neither arrays nor lists, which `*` would repeat.
        kind = "Number" if any(k.sort == "complex" or "complex" in (k.dtype or "") for _, k in params) else "Real"
        made.types.append(_every(numbers, f"isinstance({{}}, numbers.{kind})"))
        listed.append(_listed("number", numbers))
    for name, kind_ in params:
        if kind_.sort in _TYPES:
            type_name, what = _TYPES[kind_.sort]
            made.types.append(f"not isinstance({name}, {type_name})")
            listed.append(f"{name}, which is {what}")
        elif kind_.sort in ("tuple", "list"):
            count = "" if kind_.items is None else f" or len({name}) != {len(kind_.items)}"
            made.types.append(f"not isinstance({name}, {kind_.sort}){count}")
            listed.append(f"a {kind_.sort} {name}" + ("" if kind_.items is None else f" of {len(kind_.items)} items"))
    arrays = [(n, k) for n, k in params if isinstance(k.shape, tuple) and (k.shape or k.is_array)]
    if arrays:
        made.types.append(_ranks(arrays))
    floats = [n for n, k in arrays if n in active]
    if floats:
        made.types.append(_every(floats, '{}.dtype.kind in "fc"'))
    loose = [n for n, k in params if n in active and k.sort in ("unknown", "array") and not isinstance(k.shape, tuple)]
    if loose:
        # No lists: np.zeros_like of a list of ints would round what is added to it.
        floating = 'getattr(getattr({0}, "dtype", None), "kind", "") in ("f", "c")'
        made.types.append(_every(loose, f"(isinstance({{0}}, numbers.Number) or {floating})"))
    made.types += [f'{n}.dtype != "{k.dtype}"' for n, k in arrays if k.dtype is not None]
    if arrays:
        listed.append(_arrays(arrays, floats))
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
    left, is_in, right = test.format(names[0]).rpartition(" in ")
    return f"{left} not in {right}" if is_in and not test.startswith("(") else f"not {test.format(names[0])}"


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
