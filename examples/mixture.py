"""Maximum likelihood with constraints: two kinds of days, told apart by their counts.

    stationary solve examples/mixture.py
    stationary solve examples/mixture.py:halves      # the same under a hypothesis, and its test

Counts per day are a mixture of two Poisson distributions. Shares sum to one and the rates are
ordered, so that the two kinds cannot change places. Standard errors come from the Lagrangian's
Hessian on the directions that the constraints leave free: no reparametrisation, no delta method.

The multiplier of a hypothesis is its test: how fast the likelihood would grow if it were given up
(Aitchison and Silvey, 1958).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.scipy.special import gammaln, logsumexp

import stationary as st

DAYS = np.array([162.0, 267.0, 271.0, 185.0, 111.0, 61.0, 27.0, 8.0, 3.0, 1.0])
"""Days on which The Times announced 0, 1, 2, ... deaths of women over 80 (Hasselblad, 1969)."""
BINDING = 1e-6


def log_likelihood(x, data):
    """The mean over all days."""
    count = jnp.arange(data["days"].size)[:, None]
    each = count * jnp.log(x["rate"]) - x["rate"] - gammaln(count + 1.0)
    return data["days"] @ logsumexp(each, axis=1, b=x["share"]) / jnp.sum(data["days"])


def all_days(x):
    return jnp.sum(x["share"])


def order(x):
    return x["rate"][0] - x["rate"][1]


def first_share(x):
    return x["share"][0]


structure = {"shares": st.equal(all_days, 1.0), "order": st.at_most(order)}
over = {"share": st.Box(0.0, 1.0), "rate": st.Box(0.0, np.inf)}
problem = st.Maximize(log_likelihood, structure, over, {"days": DAYS})
x0 = {"share": np.array([0.5, 0.5]), "rate": np.array([1.0, 4.0])}

half = {"half": st.equal(first_share, 0.5)}
halves = st.Maximize(log_likelihood, structure | half, over, {"days": DAYS})


def covariance(solution, given_up=()):
    """The inverse of the Lagrangian's Hessian on the tangent space, over the number of days.

    **Arguments:**

    - `solution`: an answer of `solve`.
    - `given_up`: constraints that are not to hold back the tangent space.

    **Returns:** the covariance of the flattened unknown.
    """
    data = {name: jnp.asarray(rows) for name, rows in solution.problem.data.items()}
    flat, unravel = ravel_pytree(solution.value)
    held = {n: c for n, c in solution.problem.subject_to.items() if n not in given_up}

    def lagrangian(flat):
        x = unravel(flat)
        terms = [jnp.sum(solution.duals[n] * (c.fn(x) - c.bound)) for n, c in held.items()]
        return sum(terms, -log_likelihood(x, data))

    rows = []
    for name, constraint in held.items():
        row = jax.grad(lambda flat, fn=constraint.fn: fn(unravel(flat)))(flat)
        if isinstance(constraint.cone, st.Zero) or float(solution.duals[name]) > BINDING:
            rows.append(row)
    rows += [row for row, entry in zip(np.eye(flat.size), flat, strict=True) if entry < BINDING]
    # The last right singular vectors span what the rows leave free.
    free = np.linalg.svd(np.array(rows))[2][len(rows) :].T
    curvature = free.T @ np.asarray(jax.hessian(lagrangian)(flat)) @ free
    return free @ np.linalg.inv(curvature) @ free.T / float(np.sum(data["days"]))


def standard_errors(solution):
    """One for each number of the unknown, shaped like it."""
    _, unravel = ravel_pytree(solution.value)
    return unravel(jnp.sqrt(jnp.maximum(jnp.diag(covariance(solution)), 0.0)))


def multiplier_test(solution):
    """The multiplier's size in its standard errors, squared: chi-squared of one degree if true."""
    gradient, _ = ravel_pytree(jax.grad(first_share)(solution.value))
    multiplier = float(solution.duals["half"]) * float(np.sum(DAYS))
    return multiplier**2 * float(gradient @ covariance(solution, given_up=("half",)) @ gradient)


def summary(solution):
    """Printed at the end of `stationary solve`."""
    error, x = standard_errors(solution), solution.value
    lines = {
        f"{name} kind of day": f"{x['share'][i]:.3f} ± {error['share'][i]:.3f} of all days, "
        f"{x['rate'][i]:.3f} ± {error['rate'][i]:.3f} a day"
        for i, name in enumerate(("calm", "other"))
    }
    lines["log-likelihood"] = f"{solution.objective * np.sum(DAYS):.3f}"
    if "half" in solution.duals:
        lines["test of equal shares"] = f"{multiplier_test(solution):.2f} (3.84 at 5 %)"
    return lines
