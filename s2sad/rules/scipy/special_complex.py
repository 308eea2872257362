"""The functions of `scipy.special` with complex arguments or results: where there is a complex derivative.

The formulas are those of real numbers (DLMF, as in the other files): products with the complex derivative.
"""

from __future__ import annotations

from s2sad.rules.registry import for_complex
from s2sad.rules.scipy.kinds import complex_kind
from s2sad.rules.scipy.special import ORDER, special

# Complex of real numbers too
special("wofz", kind=complex_kind, x="2j / math.sqrt(math.pi) - 2 * x * y")
special(
    "lambertw",
    "z, k=0, tol=1e-08",
    kind=complex_kind,
    constant=("k", "tol"),
    z="y / (z * (1 + y))",
    doc="At zero, where the branch k = 0 has the derivative one: NaN.",
)
for _name in ("hankel1", "hankel2"):
    special(
        _name,
        "v, z",
        kind=complex_kind,
        refused={"v": ORDER},
        z=f"(special.{_name}(v - 1, z) - special.{_name}(v + 1, z)) / 2",
    )

for_complex(
    *(f"scipy.special.{name}" for name in (
        "wofz", "lambertw", "hankel1", "hankel2", "gamma", "loggamma", "rgamma", "erf", "erfc", "erfcx", "erfi",
        "dawsn", "ndtr", "expm1", "log1p", "exp1", "expi", "spence", "wrightomega", "jv", "yv", "iv", "kv", "hyp0f1",
        "hyp1f1", "hyp2f1", "eval_legendre", "eval_chebyt", "eval_chebyu", "eval_jacobi", "eval_gegenbauer",
        "eval_laguerre", "eval_genlaguerre",
    ))
)  # fmt: skip
