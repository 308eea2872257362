"""Follow writes into lists, dicts and objects: rewrite a function so that it writes into none.

    cell.h = 0.0                                h = 0.0
    for v in x:                                 for v in x:
        cell.step(v)                     ->         h = math.tanh(w * h + v)
    return cell.h                               return h

Each part of what may be written into becomes a Var of its own; a write is an assignment. Two names of one object see
each other's writes since they refer to the same parts. What cannot be followed is refused at its place.
"""

from s2sad.analysis.storage.follow import follow_writes, has_writes

__all__ = ["follow_writes", "has_writes"]
