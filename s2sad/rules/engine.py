"""Operations that the engine itself emits and rule texts may use; they are rules too, in both modes.

`spread(g, a, axis, keepdims)` undoes a reduction's loss of axes: `g` repeated over the axes of `a` that were reduced.
`unbroadcast(g, a)` undoes broadcasting: `g` summed over the axes along which `a` was stretched, in the shape of `a`.
Both read only the shape of `a`. The pass `optimise.expand` writes them as plain NumPy where the kinds are known.
"""

from s2sad.ir.kinds import Kind
from s2sad.rules.registry import linear, nondifferentiable


def _like_a(*, g: Kind, a: Kind, literals: object, **_: Kind) -> Kind:
    if a.is_number:
        return Kind("unknown", None, ())
    return Kind("array" if a.is_array else a.sort, g.dtype, a.shape)


linear("s2sad.spread", "g, a, axis=None, keepdims=False", g="unspread(g, a, axis, keepdims)", kind=_like_a, cheap=True, views=("g",))
linear("s2sad.unspread", "g, a, axis=None, keepdims=False", g="spread(g, a, axis, keepdims)", cheap=False)
linear("s2sad.unbroadcast", "g, a", g="rebroadcast(g, a)", kind=_like_a, views=("g",))
