"""Batches: every lane is the solve it would be alone, whatever its neighbours do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import Status
from stationary.driver import _batch

LANES = 23


def loss(x, data):
    return jnp.sum((x - data["target"]) ** 4) + data["slope"] * jnp.sum(x)


PROBLEM = st.Minimize(
    loss,
    subject_to={"cap": st.at_most(jnp.sum, 1.0)},
    data={"target": jnp.zeros(3), "slope": jnp.array(0.0)},
)
METHOD = st.methods.AugmentedLagrangian()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return {"target": rng.normal(size=(LANES, 3)), "slope": rng.normal(size=LANES) * 0.1}


@pytest.fixture(scope="module")
def alone(data):
    def one(data):
        return st.run(PROBLEM, jnp.zeros(3), METHOD, data=data, differentiable=False)

    compiled = jax.jit(one)
    return [compiled(jax.tree.map(lambda x, i=i: x[i], data)) for i in range(LANES)]


@pytest.mark.parametrize(("slots", "threads"), [(64, 1), (4, 1), (5, 2)])
def test_lanes_are_the_solves_they_would_be_alone(data, alone, monkeypatch, slots, threads):
    monkeypatch.setattr(_batch, "SLOTS", slots)
    batch = st.solve_batch(PROBLEM, np.zeros((LANES, 3)), METHOD, data=data, threads=threads)
    assert len(batch) == LANES and batch.converged.all()
    assert batch.steps.tolist() == [int(outcome.steps) for outcome in alone]
    for i, outcome in enumerate(alone):
        np.testing.assert_allclose(batch.value[i], outcome.point.primal, atol=1e-9)
        np.testing.assert_allclose(batch.duals["cap"][i], outcome.point.duals["cap"], atol=1e-9)
        np.testing.assert_allclose(batch.metrics.residual[i], outcome.metrics.residual, atol=1e-9)
    assert batch.steps.max() > 1.5 * batch.steps.min()  # or nothing had to be refilled


def test_every_lane_has_its_own_status(monkeypatch):
    monkeypatch.setattr(_batch, "SLOTS", 2)
    problem = st.Minimize(lambda x, a: jnp.sqrt(a) * (x + a) ** 2 / 2, data=jnp.array(1.0))
    a = np.array([1.0, -1.0, 2.0, np.nan, 3.0])
    status = st.solve_batch(problem, np.zeros(5), data=a).status
    assert status.tolist() == [1, 8, 1, 8, 1]


def test_limits_return_the_points_so_far(data, monkeypatch):
    monkeypatch.setattr(_batch, "SLOTS", 4)
    starts = np.arange(LANES * 3.0).reshape(LANES, 3)
    few = st.solve_batch(PROBLEM, starts, data=data, max_steps=2)
    assert set(few.status.tolist()) == {Status.MAX_STEPS}
    assert set(few.steps.tolist()) == {2}
    none = st.solve_batch(PROBLEM, starts, data=data, max_seconds=0.0, tol=1e-14)
    late = none.status == Status.MAX_SECONDS
    assert late[-1] and none.steps[-1] == 0
    np.testing.assert_array_equal(none.value[-1], starts[-1])


def test_starts_and_multipliers_may_vary_over_shared_data():
    problem = st.Minimize(
        lambda x: jnp.sum(x**2), subject_to={"sum": st.equal(jnp.sum, 1.0)}, over=st.sets.Box(-2, 2)
    )
    starts = np.random.default_rng(1).normal(size=(3, 2))
    cold = st.solve_batch(problem, starts)
    np.testing.assert_allclose(cold.value, 0.5, atol=1e-6)
    warm = st.solve_batch(problem, cold.value, duals={"sum": cold.duals["sum"]})
    assert warm.steps.max() < cold.steps.min()
    assert cold.certificate(1).passed


def test_every_thread_has_the_precision_of_the_caller():
    problem = st.Minimize(lambda x: jnp.sum((x - jnp.ones(2)) ** 2) * jnp.zeros(()).dtype.itemsize)
    method = st.methods.AugmentedLagrangian(direction=st.methods.LBFGS())
    with jax.enable_x64(False):
        batch = st.solve_batch(problem, np.zeros((3, 2), np.float32), method)
    assert batch.value.dtype == np.float32
    assert batch.converged.all()


def test_leading_axes_must_agree():
    with pytest.raises(ValueError, match="leading lane axis"):
        st.solve_batch(PROBLEM, np.zeros((3, 3)), data={"target": np.zeros((2, 3)), "slope": 0.0})
