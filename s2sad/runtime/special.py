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


def polygamma(n: int, x: float) -> float:
    """The derivative of order n of `digamma`, for n of 1 or more, by recurrence to large x and the series there.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 6.4.6 (recurrence), 6.4.7 (reflection), 6.4.11 (series).

    >>> round(polygamma(2, 1.0), 12)  # -2 zeta(3)
    -2.404113806319
    """
    sign = -1.0 if n % 2 == 0 else 1.0
    if x <= 0.0:
        # The derivative of cot(pi x) as a polynomial in c = cot(pi x): that of c is -pi (1 + c ** 2).
        powers = [0.0, 1.0]
        for _ in range(n):
            slopes = [-math.pi * k * factor for k, factor in enumerate(powers)][1:]
            powers = [a + b for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes])]
        c = 1.0 / math.tan(math.pi * x)
        return -sign * polygamma(n, 1.0 - x) - math.pi * sum(factor * c**k for k, factor in enumerate(powers))
    shifted = 0.0
    while x < 10.0 + n:
        shifted = shifted + 1.0 / x ** (n + 1)
        x = x + 1.0
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
    series = math.factorial(n - 1) / x**n + math.factorial(n) / (2 * x ** (n + 1))
    for k, b in enumerate(bernoulli, 1):
        series = series + b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
    return sign * (math.factorial(n) * shifted + series)


def product_of_others(items: Sequence[float], places: Sequence[int]) -> float:
    """The product of all items but those at some places: the derivative of `math.prod(items)` by those.

    >>> product_of_others((2.0, 0.0, 5.0), (1,))
    10.0
    """
    product = 1.0
    for i in range(len(items)):
        if i not in places:
            product = product * items[i]
    return product
