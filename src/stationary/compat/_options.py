"""SciPy's methods and options: which are known, and what becomes of them."""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._method import AbstractMethod

METHODS = (
    *("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA"),
    *("SLSQP", "trust-constr", "dogleg", "trust-ncg", "trust-exact", "trust-krylov"),
)

USED = frozenset({"maxiter", "gtol", "disp"})

UNUSED = frozenset(
    {
        *("accuracy", "adaptive", "barrier_tol", "c1", "c2", "catol", "direc", "eps", "eta"),
        *("factorization_method", "fatol", "f_target", "feasibility_tol", "final_tr_radius"),
        *("finite_diff_rel_step", "ftol", "hess_inv0", "inexact", "initial_barrier_parameter"),
        *("initial_barrier_tolerance", "initial_constr_penalty", "initial_simplex"),
        *("initial_tr_radius", "initial_trust_radius", "iprint", "maxCGit", "maxcor", "maxfev"),
        *("maxfun", "maxls", "max_trust_radius", "minfev", "norm", "offset", "rescale"),
        *("return_all", "rhobeg", "scale", "sparse_jacobian", "stepmx", "verbose", "workers"),
        *("xatol", "xrtol", "xtol"),
    }
)
"""Settings of single SciPy methods that have no counterpart here."""


class Settings(NamedTuple):
    """What `method`, `tol` and `options` ask of `solve`, and what is to be said about them."""

    method: AbstractMethod | None
    tol: float | None
    max_steps: int
    progress: bool
    notices: tuple[str, ...]


def settings(method: Any, tol: float | None, options: Mapping[str, Any] | None) -> Settings:
    """Read SciPy's `method`, `tol` and `options`.

    **Raises:** `ValueError` for a method or an option that SciPy does not know, with the nearest
    that it does; `TypeError` for a method that is neither a name nor one of ours.
    """
    notices = []
    if isinstance(method, str):
        known = {name.lower(): name for name in METHODS}
        if method.lower() not in known:
            near = _nearest(method.lower(), known)
            raise ValueError(
                f"method {method!r} is no method of scipy.optimize.minimize{near}. Leave it out, "
                "or pass a method of ours such as st.methods.InteriorPoint()."
            )
        notices.append(
            f"method={known[method.lower()]!r} is SciPy's; the method was chosen here instead, by "
            "what the problem has (solution.stats.reason)."
        )
        method = None
    elif method is not None and not isinstance(method, AbstractMethod):
        raise TypeError(
            f"method is {method!r}; pass a name such as 'SLSQP', or a method of ours such as "
            "st.methods.InteriorPoint()."
        )
    options = dict(options or {})
    for name in options:
        if name not in USED | UNUSED:
            raise ValueError(
                f"options has {name!r}, which is no option of scipy.optimize.minimize"
                f"{_nearest(name, sorted(USED | UNUSED))}. Used here are {', '.join(sorted(USED))}."
            )
    if unused := sorted(set(options) & UNUSED):
        notices.append(
            f"options {', '.join(unused)} belong to methods of SciPy and were not used; the "
            "accuracy is set by tol (or gtol), a scaled residual of all conditions together."
        )
    limit = options.get("maxiter")
    return Settings(
        method,
        options.get("gtol", tol),
        100_000 if limit is None else int(limit),
        bool(options.get("disp", False)),
        tuple(notices),
    )


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
