"""The functions of `scipy.linalg` that carry no derivative, and those that are refused by name."""

from __future__ import annotations

from s2sad.rules.registry import alias, nondifferentiable, refuse


def _names(text: str) -> list[str]:
    return [f"scipy.linalg.{name}" for name in text.split()]


alias("scipy.linalg.solve_lyapunov", "scipy.linalg.solve_continuous_lyapunov")

# Of integers, and tests
nondifferentiable(
    *_names(
        "bandwidth dft hadamard helmert hilbert invhilbert pascal invpascal ishermitian issymmetric"
        " find_best_blas_type get_blas_funcs get_lapack_funcs"
    )
)

# Refused
refuse(
    *_names("eig eigvals schur rsf2csf hessenberg qz ordqz cdf2rdf eig_banded cossin signm fractional_matrix_power"),
    reason="may have a complex result",
    help="use eigh of a symmetric matrix, expm, logm or sqrtm",
)
refuse(
    *_names("svd svdvals qr lstsq khatri_rao diagsvd"),
    reason="has a counterpart in NumPy that is differentiated",
    help="use numpy.linalg, numpy.einsum or numpy.diag",
)
refuse(
    *_names("eigh_tridiagonal eigvals_banded eigvalsh_tridiagonal cholesky_banded cho_solve_banded solveh_banded"),
    reason="keeps a matrix by its bands",
    help="use solve_banded, or numpy.linalg of the whole matrix",
)
refuse(
    *_names("solve_toeplitz solve_circulant matmul_toeplitz convolution_matrix companion fiedler fiedler_companion"
            " hankel leslie"),
    reason="makes or solves for a structured matrix without writing it out",
    help="use toeplitz, circulant or block_diag, and solve",
)  # fmt: skip
refuse(
    *_names("solve_continuous_are solve_discrete_are polar orthogonal_procrustes null_space orth subspace_angles ldl rq"
            " qr_delete qr_insert qr_multiply qr_update matrix_balance expm_cond pinvh"),
    reason="is a decomposition for which there is no rule",
    help="use cholesky, lu, eigh, pinv, or numpy.linalg.svd and qr",
)  # fmt: skip
refuse(*_names("funm"), reason="calls a function that it is given", help="use expm, logm, sqrtm, sinm or cosm")
refuse(*_names("clarkson_woodruff_transform test"), reason="has effects", help="call it outside the function")
