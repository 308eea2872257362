"""What emitted text calls about lists of unknown length, and to put gradients together in the structure of an argument.

Every function stands alone. The adjoint of a list is the list of the adjoints of its items.
"""

from typing import Any

import numpy as np


# Structure
def mirrored(primal: Any, **attributes: Any) -> Any:
    """An object of the class of `primal` that holds these attributes and no others; no code of the class runs.

    >>> class Layer:
    ...     pass
    >>> mirrored(Layer(), w=1.0).w
    1.0
    """
    made = object.__new__(type(primal))
    for name, value in attributes.items():
        object.__setattr__(made, name, value)
    return made


# Lists
def zeros_of(items: Any) -> list[Any]:
    """A zero for each item of a list.

    >>> zeros_of([3.0, np.ones(2)])
    [0.0, array([0., 0.])]
    """
    return [np.zeros_like(v) if np.ndim(v) else 0.0 for v in items]


def copies_of(items: Any) -> list[Any]:
    """A list of copies of the items of another.

    >>> copies_of([1.0, 2.0])
    [1.0, 2.0]
    """
    return [np.copy(v) if np.ndim(v) else v for v in items]


def rows_of(a: Any) -> list[Any]:
    """The rows of an array, in memory of their own: the adjoint of making an array of a list.

    >>> rows_of(np.zeros((2, 1)))
    [array([0.]), array([0.])]
    """
    return [np.copy(v) if np.ndim(v) else v for v in a]


def with_item(items: Any, index: Any, value: Any) -> list[Any]:
    """A list with another item at an index.

    >>> with_item([1.0, 2.0], -1, 3.0)
    [1.0, 3.0]
    """
    made = list(items)
    made[index] = value
    return made


def without_item(items: Any, index: Any) -> list[Any]:
    """A list with a zero at an index: the adjoint of what `with_item` leaves.

    >>> without_item([1.0, 2.0], 0)
    [0.0, 2.0]
    """
    return with_item(items, index, np.zeros_like(items[index]) if np.ndim(items[index]) else 0.0)


def repeated_for(value: Any, items: Any) -> list[Any]:
    """A value once for each item of a list: the adjoint of the sum of the list.

    >>> repeated_for(1.0, [3.0, 4.0])
    [1.0, 1.0]
    """
    return [np.copy(value) if np.ndim(value) else value for _ in items]


def sums_of(a: Any, b: Any) -> list[Any]:
    """The sums of the items of two lists of one length.

    >>> sums_of([1.0, 2.0], [3.0, 4.0])
    [4.0, 6.0]
    """
    return [x + y for x, y in zip(a, b)]


def shared_among(value: Any, items: Any, y: Any) -> list[Any]:
    """A value shared among the items that equal y: the adjoint of the largest or least of a list, y.

    >>> shared_among(1.0, [3.0, 1.0, 3.0], 3.0)
    [0.5, 0.0, 0.5]
    """
    count = sum(1 for v in items if v == y)
    return [value / count if v == y else 0.0 for v in items]
