"""What emitted derivatives of SciPy's functions call. The files of this package import SciPy; nothing else does."""
