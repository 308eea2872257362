"""Imports every rule file, so that the table is complete."""

from s2sad.rules import (  # noqa: F401
    adjoints,
    containers,
    decompositions,
    elementwise,
    engine,
    indexing,
    joining,
    linalg,
    making,
    operators,
    others,
    polynomials,
    reductions,
    selecting,
    shapes,
    signals,
    splitting,
    statistics,
    ufuncs,
    writers,
)
