"""The functions of `scipy.special` that carry no derivative, and those that are refused by name."""

from __future__ import annotations

from s2sad.rules.registry import nondifferentiable, refuse


def _names(text: str) -> list[str]:
    return [f"scipy.special.{name}" for name in text.split()]


# Of integers, and options
nondifferentiable(
    *_names(
        "ai_zeros bi_zeros bei_zeros beip_zeros ber_zeros berp_zeros kei_zeros keip_zeros ker_zeros kerp_zeros"
        " kelvin_zeros erf_zeros fresnel_zeros fresnelc_zeros fresnels_zeros jn_zeros jnp_zeros jnjnp_zeros jnyn_zeros"
        " yn_zeros ynp_zeros y0_zeros y1_zeros y1p_zeros bernoulli euler factorial2 factorialk stirling2"
        " roots_hermite h_roots roots_hermitenorm he_roots roots_laguerre l_roots roots_legendre p_roots"
        " roots_sh_legendre ps_roots roots_chebyt t_roots roots_chebyu u_roots roots_chebyc c_roots roots_chebys"
        " s_roots roots_sh_chebyt ts_roots roots_sh_chebyu us_roots geterr"
    )
)

# Refused
_ELEMENTARY = "write it with functions that have a rule"
refuse(*_names("seterr errstate test"), reason="changes more than its result", help="call it outside the function")
refuse(
    *_names("hankel1e hankel2e h1vp h2vp kelvin modfresnelm modfresnelp"),
    reason="has a complex result, and is scaled or one of several",
    help="use hankel1 and hankel2, ber and bei, fresnel",
)
refuse(*_names("comb perm"), reason="is for integers", help="use scipy.special.binom or poch for floats")
refuse(
    *_names("voigt_profile"),
    reason="needs the complex error function",
    help="integrate the product of the two densities, which have rules",
)
refuse(*_names("diric"), reason="is singular where its sine is zero", help="write it with np.sin")
refuse(
    *_names("elliprd elliprj"),
    reason="has a derivative that cancels where two arguments are equal",
    help="use elliprf, ellipk, ellipe, ellipkinc or ellipeinc to first order",
)
refuse(
    *_names("bdtrik bdtrin btdtria btdtrib chdtriv fdtridfd gdtrib nbdtrik nbdtrin pdtrik stdtridf"),
    reason="is inverse to a distribution function by a parameter, for which that has no closed derivative",
    help="use the inverse by the argument",
)
refuse(
    *_names("bdtri nbdtri pdtri"),
    reason="is inverse to a distribution function of integers",
    help="use betaincinv or gammainccinv",
)
refuse(
    *_names("chndtr chndtridf chndtrinc chndtrix ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf"
            " nctdtrinc nctdtrit"),
    reason="belongs to a noncentral distribution, whose density SciPy has only as a series",
    help="use the central distribution",
)  # fmt: skip
refuse(
    *_names("kolmogorov kolmogi smirnov smirnovi"),
    reason="has a density that SciPy does not offer",
    help="write its series with np.exp",
)
refuse(*_names("zetac"), reason="has no closed derivative", help=_ELEMENTARY)
refuse(
    *_names("ellip_harm ellip_harm_2 ellip_normal lmbda mathieu_a mathieu_b mathieu_cem mathieu_even_coef"
            " mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 mathieu_odd_coef mathieu_sem obl_ang1"
            " obl_ang1_cv obl_cv obl_cv_seq obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pbdn_seq pbdv pbdv_seq pbvv"
            " pbvv_seq pbwa pro_ang1 pro_ang1_cv pro_cv pro_cv_seq pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv lqmn lqn"
            " riccati_jn riccati_yn"),
    reason="gives its derivative itself, beside its value, and none of higher order",
    help=_ELEMENTARY,
)  # fmt: skip
refuse(
    *_names("assoc_legendre_p assoc_legendre_p_all legendre_p legendre_p_all sph_harm_y sph_harm_y_all sph_legendre_p"
            " sph_legendre_p_all"),
    reason="takes the order of its own derivative as diff_n",
    help="use eval_legendre or lpmv",
)  # fmt: skip
refuse(
    *_names("chebyc chebys chebyt chebyu gegenbauer genlaguerre hermite hermitenorm jacobi laguerre legendre sh_chebyt"
            " sh_chebyu sh_jacobi sh_legendre"),
    reason="makes an object, a polynomial",
    help="use the function of its values, as eval_legendre",
)  # fmt: skip
refuse(
    *_names("roots_gegenbauer cg_roots roots_genlaguerre la_roots roots_jacobi j_roots roots_sh_jacobi js_roots"),
    reason="has nodes that depend on its parameters by the roots of a polynomial",
    help="compute the nodes outside the function",
)
