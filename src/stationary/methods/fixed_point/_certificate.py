"""From where an iteration runs away to a proof, checked against the statement."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ..._point import Point
from ..._start import prepare
from ..._statements import AbstractStatement
from ..._system import System
from ...certify import Ray, certify
from ._candidates import recession
from ._primal_dual import polar


def infeasibility_certificate(
    problem: AbstractStatement,
    displacement: Point,
    at: Point | PyTree = None,
    *,
    data: PyTree = None,
    tol: float = 1e-6,
) -> Ray:
    """Find out whether an infimal displacement proves that a problem has no answer.

    The displacement may come from any splitting method whose unknowns are the problem's own point
    and multipliers. Its negative is tried as multipliers that no feasible point allows, and as a
    direction of endless descent; what comes out is checked by substitution into the statement, in
    float64, and never believed.

    **Arguments:**

    - `problem`: the statement.
    - `displacement`: an estimate of v, the limit of z - T z, as a [`Point`][stationary.Point].
    - `at`: a point of the iteration. It takes a feasible one to prove that the objective has no
        bound; default zero, moved into the set.
    - `data`: replaces the statement's data.
    - `tol`: how exact a proof must be: points up to 1 / `tol` times as large as `at` are excluded.

    **Returns:** a [`Ray`][stationary.certify.Ray] that is proved, of the kind `"infeasible"` or
    `"unbounded"`; else one of the kind `"undetermined"`, with the reasons.

    **Raises:** `ValueError` for a displacement that does not fit the problem.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.methods import halpern, infeasibility_certificate, primal_dual_operator
        >>> rows = {"low": st.at_most(jnp.sum, 0.0), "high": st.at_most(lambda x: 1 - jnp.sum(x))}
        >>> problem = st.Minimize(lambda x: x[0], rows)
        >>> operator = primal_dual_operator(problem, jnp.zeros(2))
        >>> zero = st.Point(jnp.zeros(2), {"low": jnp.array(0.0), "high": jnp.array(0.0)})
        >>> outcome = halpern(operator, zero, restart=200, reflect=True)
        >>> ray = infeasibility_certificate(problem, outcome.displacement, outcome.point)
        >>> ray.kind, ray.proved
        ('infeasible', True)

    !!! cite "Reference"
        Banjac, Goulart, Stellato and Boyd (2019), Infeasibility detection in the alternating
        direction method of multipliers for convex optimization; Park and Ryu (2023),
        arXiv:2303.15876.
    """
    primal = at.primal if isinstance(at, Point) else at
    if primal is None:
        primal = jax.tree.map(jnp.zeros_like, displacement.primal)
    (system, point, _) = prepare(problem, primal, data=data)
    primal = system.space.project(point.primal)
    away = jax.tree.map(jnp.negative, displacement)
    _require_fit(system, primal, away)
    claims = []
    if system.constraints:
        claims.append(polar(system, away.duals))
    claims.append(recession(system, away.primal))
    reasons = []
    for claim in claims:
        ray = certify(problem, primal, data=data, tol=tol, ray=claim, second_order=False).ray
        if ray is None:
            reasons.append("certify checks no rays of a statement like this")
        elif ray.proved:
            return ray
        else:
            reasons.append(f"as {_AS[ray.kind]}, {ray.reason}")
    return Ray("undetermined", {}, False, "; ".join(reasons))


_AS = {"infeasible": "multipliers", "unbounded": "a direction"}


def _require_fit(system: System, primal: PyTree, displacement: Point) -> None:
    found = jax.tree.map(jnp.shape, (displacement.primal, displacement.duals))
    wanted = jax.tree.map(
        jnp.shape, (primal, {name: jnp.zeros(c.shape) for name, c in system.constraints.items()})
    )
    if found != wanted:
        raise ValueError(
            f"the displacement has x and multipliers of shapes {found}, but the problem's are "
            f"{wanted}."
        )
