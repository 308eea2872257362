"""What a caller knows of the halves of its callee."""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.ir.nodes import (
    Label,
)


@dataclass
class Halves:
    """The forward and reverse half of a callee, for some active arguments and results.

    reads: positions of the parameters that the reverse half takes; adjoints: positions of those whose adjoint it gives.
    """

    forward: Label
    reverse: Label
    adjoints: tuple[int, ...]
    results: tuple[int, ...]
    reads: tuple[int, ...] = ()
    saves: bool = False
    busy: bool = True
    primal: Label | None = None
