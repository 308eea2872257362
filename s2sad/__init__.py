"""s2sad: source-to-source differentiation of Python.

A function in, its derivative out, as source that a person can read.
"""

from s2sad.checking import check_grads
from s2sad.errors import S2sadError, S2sadWarning
from s2sad.frontend.contexts import inert
from s2sad.registration import (
    Rules,
    adjoint,
    custom_jvp,
    custom_vjp,
    d,
    elementwise,
    linear,
    nondifferentiable,
    rule,
    tangent,
)
from s2sad.transforms import elementwise_grad, grad, jvp, value_and_grad, vjp

__version__ = "0.1.0"

__all__ = [
    "Rules",
    "S2sadError",
    "S2sadWarning",
    "adjoint",
    "check_grads",
    "custom_jvp",
    "custom_vjp",
    "d",
    "elementwise",
    "elementwise_grad",
    "grad",
    "inert",
    "jvp",
    "linear",
    "nondifferentiable",
    "rule",
    "tangent",
    "value_and_grad",
    "vjp",
]
