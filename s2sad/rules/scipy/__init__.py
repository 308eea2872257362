"""Rules for the functions of SciPy. They are data: no file here imports SciPy."""
