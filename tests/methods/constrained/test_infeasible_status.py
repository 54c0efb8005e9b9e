"""The method of multipliers says "infeasible" only where the violation itself is stationary."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import Status
from stationary.methods import AugmentedLagrangian

METHOD = AugmentedLagrangian()


def flat_reciprocals():
    """Hock and Schittkowski's problem 72: its constraints are nearly flat where x is large."""
    near = jnp.array([4.0, 2.25, 1.0, 0.25])
    far = jnp.array([0.16, 0.36, 0.64, 0.64])
    return st.Minimize(
        lambda x: 1 + jnp.sum(x),
        {
            "near": st.at_most(lambda x: jnp.sum(near / x), 0.0401),
            "far": st.at_most(lambda x: jnp.sum(far / x), 0.010085),
        },
        over=st.Box(0.001, jnp.array([4e5, 3e5, 2e5, 1e5])),
    )


def test_a_flat_but_solvable_problem_is_never_called_infeasible():
    outcome = st.run(flat_reciprocals(), jnp.ones(4), METHOD, max_steps=5000)
    assert outcome.status != Status.INFEASIBLE
    assert outcome.status != Status.CONVERGED or outcome.metrics.feasibility < 1e-6


@pytest.mark.parametrize(
    ("gap", "x0", "over", "nearest"),
    [
        (lambda x: x[0] ** 2 + x[1] ** 2 + 1.0, [1.0, 0.5], None, [0.0, 0.0]),
        (lambda x: x[0] + x[1] - 3.0, [0.2, 0.3], st.Box(0.0, 1.0), [1.0, 1.0]),
    ],
    ids=["no root", "root beyond the bounds"],
)
def test_infeasible_comes_with_the_least_violation(gap, x0, over, nearest):
    options = {} if over is None else {"over": over}
    problem = st.Minimize(lambda x: jnp.sum(x), {"gap": st.equal(gap)}, **options)
    outcome = st.run(problem, jnp.array(x0), METHOD, max_steps=20_000)
    assert outcome.status == Status.INFEASIBLE
    np.testing.assert_allclose(outcome.point.primal, nearest, atol=1e-4)
