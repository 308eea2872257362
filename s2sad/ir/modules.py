"""The modules like NumPy whose functions of the same name have the same rules: jax.numpy, cupy, dask.array."""

from __future__ import annotations

#: Each with the name by which it is usually called.
ARRAY_MODULES = {"jax.numpy": "jnp", "cupy": "cp", "dask.array": "da"}

_BY_PACKAGE = {"jax": "jax.numpy", "jaxlib": "jax.numpy", "cupy": "cupy", "dask": "dask.array"}

#: Of these arrays nothing can be written into an item.
IMMUTABLE = ("jax.numpy",)


def numpy_names(name: str) -> tuple[str, list[str]] | None:
    """The array module that a qualified name belongs to, and the names of NumPy that it may stand for.

    >>> numpy_names("jax.numpy.linalg.norm")
    ('jax.numpy', ['numpy.linalg.norm', 'numpy.norm'])
    >>> numpy_names("numpy.sin")
    """
    for module in ARRAY_MODULES:
        if name.startswith(f"{module}."):
            rest = name[len(module) + 1 :]
            return module, list(dict.fromkeys([f"numpy.{rest}", f"numpy.{rest.rpartition('.')[2]}"]))
    return None


def module_of_arrays(cls: type) -> str | None:
    """The array module whose arrays are of a class; None for those of NumPy, and for what is no array.

    >>> module_of_arrays(float)
    """
    module = _BY_PACKAGE.get(cls.__module__.partition(".")[0])
    return module if module is not None and hasattr(cls, "dtype") and hasattr(cls, "shape") else None
