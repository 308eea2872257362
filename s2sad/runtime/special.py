"""Functions of numbers that emitted derivatives call where Python has none.

Every function stands alone: it uses `math` and other functions of this file only, so that an emitted file can carry its
source.
"""

import math
from collections.abc import Sequence


def digamma(x: float) -> float:
    """The derivative of `math.lgamma`, by recurrence to large x and the asymptotic series there.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 6.3.5 (recurrence), 6.3.7 (reflection), 6.3.18 (series).

    >>> round(digamma(1.0), 12)
    -0.577215664902
    """
    if x <= 0.0:
        return digamma(1.0 - x) - math.pi / math.tan(math.pi * x)
    shifted = 0.0
    while x < 10.0:
        shifted = shifted - 1.0 / x
        x = x + 1.0
    s = 1.0 / (x * x)
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12))))))
    return shifted + math.log(x) - 0.5 / x - series


def trigamma(x: float) -> float:
    """The derivative of `digamma`, by recurrence to large x and the asymptotic series there.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 6.4.6 (recurrence), 6.4.7 (reflection), 6.4.12 (series).

    >>> round(trigamma(1.0) - math.pi ** 2 / 6, 14)
    0.0
    """
    if x <= 0.0:
        return (math.pi / math.sin(math.pi * x)) ** 2 - trigamma(1.0 - x)
    shifted = 0.0
    while x < 10.0:
        shifted = shifted + 1.0 / (x * x)
        x = x + 1.0
    s = 1.0 / (x * x)
    series = s * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * (1 / 30 - s * (5 / 66 - s * (691 / 2730 - s * 7 / 6))))))
    return shifted + (1.0 + 0.5 / x + series) / x


def product_of_others(items: Sequence[float], k: int) -> float:
    """The product of all items but the one at position k: the derivative of `math.prod(items)` by that item.

    >>> product_of_others((2.0, 0.0, 5.0), 1)
    10.0
    """
    product = 1.0
    for i in range(len(items)):
        if i != k:
            product = product * items[i]
    return product
