"""Uses of rules as programs: gradients and directional derivatives of first and second order against differences."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
from rules.harness import Use, active_places, agree, bind, call, is_literal

import s2sad
from s2sad.errors import S2sadError
from s2sad.rules import registry
from s2sad.transforms import jvp, vjp


def program(u: Use, by: str) -> Any:
    """A function of one argument of a use: a weighted sum of the results, their squares among them."""
    entry = registry.find(u.name)
    assert entry is not None
    bound = bind(entry, u)
    root, held = ".".join(u.name.split(".")[:2]), {"np": np}
    arguments = []
    for p in entry.parameters:
        if p.name not in bound:
            continue
        value = bound[p.name]
        text = "x" if p.name == by else repr(value) if is_literal(value) else p.name.upper()
        held[p.name.upper()] = value
        arguments.append(f"{p.name}={text}" if p.name in u.kwargs else text)
    y = call(entry, u, bound)
    results = y if isinstance(y, tuple) else (y,)
    terms = []
    for k, part in enumerate(results):
        held[f"W{k}"] = np.cos(1.0 + np.arange(np.size(part))).reshape(np.shape(part))[()]
        item = f"y[{k}]" if isinstance(y, tuple) else "y"
        terms.append(f"np.sum(W{k} * {item} + {item} ** 2 / 4)")
    name = f"<{u!r} by {by}>"
    text = f"import {root}\ndef f(x):\n    y = {u.name}({', '.join(arguments)})\n    return {' + '.join(terms)}\n"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), held)
    return held["f"]


def slope(f: Any, x: Any, d: Any, h: float = 1e-6) -> Any:
    """The central difference of f along d."""
    return (np.asarray(f(x + h * d)) - np.asarray(f(x - h * d))) / (2 * h)


def check_orders(u: Use, tolerance: float = 1e-5) -> list[str]:
    """Check a use by each of its arguments, to second order; returns the reasons of what is refused at the second."""
    entry = registry.find(u.name)
    assert entry is not None
    refused = []
    for by, k in active_places(entry, u):
        if k is not None:
            continue
        f, x = program(u, by), bind(entry, u)[by]
        d = np.sin(1.0 + np.arange(np.size(x)).reshape(np.shape(x)))[()]
        d = d if np.ndim(x) else float(d)
        gradient = s2sad.grad(f)
        with np.errstate(all="ignore"):
            by_differences = slope(f, x, d)
            agree(np.sum(gradient(x) * d), by_differences, tolerance, f"{u}, gradient by {by}")
            agree(jvp(f)(x, d)[1], by_differences, tolerance, f"{u}, tangent by {by}")
            agree(gradient(x), gradient.specialise(s2sad.ir.kinds.UNKNOWN)(x), 1e-12, f"{u}, of unknown kinds")
            expected = slope(gradient, x, d)
            for what, second in (("forward", lambda: jvp(gradient)(x, d)[1]), ("reverse", lambda: vjp(gradient)(x, d))):
                try:
                    agree(second(), expected, tolerance, f"{u}, {what} over reverse by {by}")
                except S2sadError as error:
                    refused.append(error.reason)
    return refused
