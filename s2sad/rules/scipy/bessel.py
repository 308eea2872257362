"""Rules for the functions of Bessel, Airy, Struve and Kelvin and their integrals (DLMF 9 to 11)."""

from __future__ import annotations

from s2sad.rules.registry import Case, Formula, alias
from s2sad.rules.scipy.kinds import broadcast_only
from s2sad.rules.scipy.special import ORDER, several, special

_UNLESS_ZERO = "NaN at zero."

# Order 0 and 1: those of order 2 where a quotient would be singular at zero
special("j0", x="-special.j1(x)")
special("j1", x="(special.j0(x) - special.jv(2, x)) / 2")
special("y0", x="-special.y1(x)")
special("y1", x="(special.y0(x) - special.yv(2, x)) / 2")
special("i0", x="special.i1(x)")
special("i1", x="(special.i0(x) + special.iv(2, x)) / 2")
special("k0", x="-special.k1(x)")
special("k1", x="-(special.k0(x) + special.kv(2, x)) / 2")
special("i0e", x="special.i1e(x) - np.sign(x) * y")
special("i1e", x="(special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * y")
special("k0e", x="y - special.k1e(x)")
special("k1e", x="y - (special.k0e(x) + special.kve(2, x)) / 2")


# Any order
def _of_order(name: str, derivative: Formula, order: str = "v") -> None:
    special(name, f"{order}, z", refused={order: ORDER}, doc="Of real numbers.", z=derivative)


for _name in ("jv", "yv", "jve", "yve"):
    _of_order(_name, f"(special.{_name}(v - 1, z) - special.{_name}(v + 1, z)) / 2")
alias("scipy.special.jn", "scipy.special.jv")
_of_order("yn", "(special.yv(n - 1, z) - special.yv(n + 1, z)) / 2", "n")
_of_order("iv", "(special.iv(v - 1, z) + special.iv(v + 1, z)) / 2")
_of_order("kv", "-(special.kv(v - 1, z) + special.kv(v + 1, z)) / 2")
_of_order("kn", "-(special.kv(n - 1, z) + special.kv(n + 1, z)) / 2", "n")
_of_order("ive", "(special.ive(v - 1, z) + special.ive(v + 1, z)) / 2 - np.sign(z) * y")
_of_order("kve", "y - (special.kve(v - 1, z) + special.kve(v + 1, z)) / 2")
for _name in ("jvp", "yvp", "ivp", "kvp"):
    special(
        f"{_name}",
        "v, z, n=1",
        kind=broadcast_only,
        constant=("n",),
        refused={"v": ORDER},
        z=f"special.{_name}(v, z, n + 1)",
    )

# Spherical functions: the recurrence that has no quotient by z
for _name, _first, _second in (("jn", "", "-"), ("yn", "", "-"), ("in", "", "+"), ("kn", "-", "+")):
    _f = f"special.spherical_{_name}"
    _below, _above = f"n * {_f}(abs(n - 1), z, True)", f"(n + 1) * {_f}(n + 1, z, True)"
    special(
        f"spherical_{_name}",
        "n, z, derivative=False",
        kind=broadcast_only,
        refused={"n": ORDER},
        z=[
            Case("derivative == False", f"{_f}(n, z, True)"),
            Case("derivative == True", f"{_first}({_below} {_second} {_above}) / (2 * n + 1)"),
        ],
    )

# Struve's functions; integrals
_STRUVE = "(z / 2) ** v / (math.sqrt(4 * math.pi) * special.gamma(v + 1.5))"
_of_order("struve", f"(special.struve(v - 1, z) - special.struve(v + 1, z)) / 2 + {_STRUVE}")
_of_order("modstruve", f"(special.modstruve(v - 1, z) + special.modstruve(v + 1, z)) / 2 + {_STRUVE}")
special("itstruve0", x="special.struve(0, x)")
special("itmodstruve0", x="special.modstruve(0, x)")
special("it2struve0", x="-special.struve(0, x) / x", doc=_UNLESS_ZERO)
several("itj0y0", "special.j0(x)", "special.y0(x)")
several("iti0k0", "special.i0(x)", "special.k0(x)")
several("it2j0y0", "(1 - special.j0(x)) / x", "-special.y0(x) / x")
several("it2i0k0", "(special.i0(x) - 1) / x", "-special.k0(x) / x")
special(
    "besselpoly",
    "a, lmb, nu",
    refused={"lmb": ORDER, "nu": ORDER},
    a="special.besselpoly(a, lmb + 1, nu - 1) - special.besselpoly(a, lmb + 1, nu + 1)",
)

# Airy's functions
_ROOT = "np.sqrt(np.maximum(x, 0))"
several("airy", "y1", "x * y0", "y3", "x * y2")
several("airye", f"(y1 + {_ROOT} * y0)", f"(x * y0 + {_ROOT} * y1)", f"(y3 - {_ROOT} * y2)", f"(x * y2 - {_ROOT} * y3)")
several(
    "itairy",
    "special.airy(x)[0]",
    "special.airy(x)[2]",
    "special.airy(-x)[0]",
    "special.airy(-x)[2]",
)

# Kelvin's functions, by Bessel's equation
for _name, _other, _sign in (("ber", "bei", "-"), ("bei", "ber", "+"), ("ker", "kei", "-"), ("kei", "ker", "+")):
    special(_name, x=f"special.{_name}p(x)")
    special(f"{_name}p", x=f"{_sign}special.{_other}(x) - y / x".lstrip("+"), doc=_UNLESS_ZERO)
