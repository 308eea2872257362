"""Imports every rule file of SciPy's functions; loaded when a program calls one."""

from s2sad.rules.scipy import (  # noqa: F401
    bessel,
    distributions,
    linalg,
    linalg_others,
    signals,
    special,
    special_complex,
    special_others,
    stats,
)
