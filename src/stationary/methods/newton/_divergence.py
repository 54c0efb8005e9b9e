"""The divergence of the Newton field: a measure of how far from quadratic a Lagrangian is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._dtypes import as_arrays
from ..._point import Point
from ..._start import prepare
from ..._statements import AbstractStatement
from ..._system import System
from ..interior_point._program import Program
from ._checks import equalities_alone
from ._merit import first_order

EXACT = 50
"""Up to this many unknowns and multipliers the trace is exact."""
PROBES = 16
"""Random vectors that estimate it beyond."""


class NewtonField(NamedTuple):
    """Newton's step at a point, and how its field spreads there.

    **Arguments:**

    - `step`: -H^-1 gamma.
    - `divergence`: tau = -(1/n) div of the step's field; 1 where the function is quadratic.
    """

    step: Float[Array, "n"]
    divergence: Float[Array, ""]


def newton_field(
    gradient: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    z: Float[Array, "n"],
    probes: Float[Array, "p n"],
) -> NewtonField:
    """Newton's step for `gradient` = 0 and the divergence of its field.

    tau = 1 + (1/n) tr(H^-1 D), where D is the derivative of the Hessian along the step: it follows
    from d(step) = -I - H^-1 (dH) step. The trace is a mean over `probes` w of w'H^-1 D w; the rows
    of sqrt(n) I make it exact. H is factorised once.
    """

    def product(at, vector):
        return jax.jvp(gradient, (at,), (vector,))[1]

    identity = jnp.eye(z.size, dtype=z.dtype)
    hessian = jax.vmap(lambda e: product(z, e))(identity)
    factor = jax.scipy.linalg.lu_factor(hessian)
    step = -jax.scipy.linalg.lu_solve(factor, gradient(z))

    def turned(w):
        return jax.jvp(lambda at: product(at, w), (z,), (step,))[1]

    bent = jax.scipy.linalg.lu_solve(factor, jax.vmap(turned)(probes).T)
    trace = jnp.sum(probes.T * bent) / probes.shape[0]
    return NewtonField(step, 1 + trace / z.size)


def trace_probes(size: int, count: int | None, seed: int, dtype: Any) -> Float[Array, "p n"]:
    """Vectors w with mean w w' = I: all axes when exact, else random signs from a fixed seed."""
    if count is None and size <= EXACT:
        return jnp.sqrt(jnp.asarray(size, dtype)) * jnp.eye(size, dtype=dtype)
    count = PROBES if count is None else count
    return jax.random.rademacher(jax.random.key(seed), (count, size), dtype)


def newton_divergence(
    lagrangian: Callable[[PyTree], Float[Array, ""]] | AbstractStatement | System,
    *,
    probes: int | None = None,
    seed: int = 0,
) -> Callable[..., Float[Array, ""]]:
    """How the Newton steps of a Lagrangian spread: tau(z) = -(1/n) div(-H^-1 gamma).

    Here gamma and H are gradient and Hessian by all n unknowns and multipliers. tau is 1 wherever
    the function is quadratic, and at every stationary point with invertible H, whatever its index;
    but also elsewhere: tau = 1 proves nothing. It does not change under linear changes of variables
    or when the function is scaled. Near singular H it blows up. The function must have three
    continuous derivatives: those of `abs` or `relu` are silently wrong.

    **Arguments:**

    - `lagrangian`: a scalar function of a pytree of real floating arrays, or a statement or lowered
        system with equality constraints only, whose Lagrangian it then is.
    - `probes`: how many random vectors estimate the trace; default none (exact) up to 50 unknowns
        and multipliers, 16 beyond.
    - `seed`: of those vectors; the same for every point, so that tau is a function.

    **Returns:** tau: a function of the pytree; for a statement, of a
    [`Point`][stationary.Point] and, optionally, its data.

    **Raises:** `ValueError` for fewer than one probe and for inequalities; `TypeError`, when tau is
    called, for unknowns that are not real and floating.

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import newton_divergence
        >>> tau = newton_divergence(lambda x: x**4)
        >>> round(float(tau(jnp.array(1.5))), 6)
        0.333333

    !!! cite "Reference"
        Möller (2026), Exploring an alternative line-search method for Lagrange-Newton optimization
        (arXiv:2601.08431).
    """
    if probes is not None and probes < 1:
        raise ValueError(f"probes must be at least 1, got {probes}.")
    if isinstance(lagrangian, AbstractStatement | System):
        return _of_statement(lagrangian, probes, seed)

    def tau(z: PyTree) -> Float[Array, ""]:
        for leaf in jax.tree.leaves(z):
            if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
                raise TypeError(
                    f"newton_divergence: an unknown has dtype {jnp.result_type(leaf)}; it needs "
                    "third derivatives, so unknowns must be real and floating."
                )
        flat, unravel = ravel_pytree(z)
        gradient = jax.grad(lambda v: lagrangian(unravel(v)))
        vectors = trace_probes(flat.size, probes, seed, flat.dtype)
        return newton_field(gradient, flat, vectors).divergence

    return tau


def _of_statement(problem: AbstractStatement | System, probes: int | None, seed: int):
    def tau(point: Point, data: PyTree = None) -> Float[Array, ""]:
        system, point, data = as_arrays(
            prepare(problem, point.primal, data=data, duals=point.duals)
        )
        if not equalities_alone(system):
            raise ValueError(
                "newton_divergence is for equality constraints alone; state others as equalities "
                "with slacks, or pass a function."
            )
        program = Program(system, point.primal, data)
        x, y = program.flatten(point.primal), program.stack(point.duals)
        z = jnp.concatenate([x, y])
        vectors = trace_probes(z.size, probes, seed, z.dtype)
        return newton_field(lagrangian_gradient(program), z, vectors).divergence

    return tau


def lagrangian_gradient(program: Program) -> Callable[[Float[Array, "k"]], Float[Array, "k"]]:
    """(x, y) -> (grad_x L, c), flat."""

    def gradient(z):
        at = first_order(program, z[: program.size], z[program.size :])
        return jnp.concatenate([at.force, at.constraints])

    return gradient
