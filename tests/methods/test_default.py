"""The method that a problem gets when its user names none."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st

ROWS = np.arange(6.0).reshape(3, 2)


def square(x):
    return jnp.sum(x**2)


def noisy(x, row):
    return jnp.sum((x - row) ** 2)


def sampled():
    return st.Expectation(noisy, st.Batches(ROWS, 2))


@pytest.mark.parametrize(
    ("problem", "x0", "name", "reason"),
    [
        (st.Minimize(square), np.ones(2), "AugmentedLagrangian", "no multipliers"),
        (
            st.Minimize(square, {"sum": st.equal(jnp.sum)}),
            np.ones(2),
            "InteriorPoint",
            "second derivatives pay",
        ),
        (
            st.Minimize(square, {"sum": st.equal(jnp.sum)}),
            np.ones(2000),
            "TrustRegionSQP",
            "products only",
        ),
        (
            st.Minimize(square, {"sum": st.equal(jnp.sum)}, over=st.sets.L2Ball(1.0)),
            np.ones(2),
            "AugmentedLagrangian",
            "with constraints on full data",
        ),
        (st.Minimize(sampled()), np.ones(2), "OptaxDescent", "mini-batches"),
        (
            st.Minimize(sampled(), {"sum": st.at_most(jnp.sum, 1.0)}),
            np.ones(2),
            "PrimalDual",
            "mini-batches with constraints",
        ),
        (st.Saddle(lambda x, y: x @ y), (np.ones(2),) * 2, "PastExtraGradient", "opposed"),
        (st.VariationalInequality(lambda x: x), np.ones(2), "ExtraGradient", "without a pot"),
        (st.Balance({"a": square, "b": jnp.sum}), np.ones(2), "ExtraGradient", "without a pot"),
        (
            st.Nested(lambda x, y: x @ y, lambda x, y: square(x - y)),
            (np.ones(2),) * 2,
            "AugmentedLagrangian",
            "with constraints",
        ),
    ],
)
def test_the_choice_follows_what_the_problem_provides(problem, x0, name, reason):
    method, why = st.methods.default_method(problem.lower(x0))
    assert type(method).__name__ == name
    assert reason in why


@pytest.mark.parametrize(
    ("problem", "x0", "answer"),
    [
        (
            st.Saddle(lambda x, y: (x - 1) * (y + 2), st.Box(-5, 5), st.Box(-5, 5)),
            (np.array(0.0), np.array(0.0)),
            (1.0, -2.0),
        ),
        (st.VariationalInequality(lambda x: x - 3.0, st.Box(0.0, 2.0)), np.array(1.0), 2.0),
        (
            st.Balance({"a": lambda x: (x - 1) ** 2, "b": lambda x: (x - 1) ** 4}),
            np.array(0.0),
            1.0,
        ),
    ],
    ids=["saddle", "inequality", "balance"],
)
def test_it_solves_every_kind_of_statement(problem, x0, answer):
    solution = st.solve(problem, x0)
    assert solution.status is st.Status.CONVERGED
    for got, want in zip(np.atleast_1d(solution.value), np.atleast_1d(answer), strict=True):
        np.testing.assert_allclose(got, want, atol=2e-2 if want == 1.0 else 1e-4)
