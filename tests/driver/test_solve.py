"""The host driver: limits, callbacks, records, the best point, and continuing."""

import os
import signal
import threading
import time

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.driver._loop import RECORDS, _next_record


def distance(x, target):
    return jnp.sum((x - target) ** 2)


def problem(**kwargs):
    return st.Minimize(
        distance, {"total": st.at_most(jnp.sum, 1.0)}, data=np.array([1.0, 2.0]), **kwargs
    )


SLOW = st.methods.PrimalDual(1e-12)
"""A method that will not converge in any test's time."""


@pytest.fixture(scope="module")
def solution():
    return st.solve(problem(), np.zeros(2))


def test_the_answer_comes_with_its_multiplier(solution):
    assert solution.status is st.Status.CONVERGED
    np.testing.assert_allclose(solution.value, [0, 1], atol=1e-5)
    np.testing.assert_allclose(solution.duals["total"], 2, atol=1e-5)
    assert solution.objective == pytest.approx(2, abs=1e-4)
    assert "constraints" in solution.stats.reason
    assert solution.certificate.passed


def test_the_trace_records_every_early_step_then_thins_out():
    assert [int(_next_record(jnp.int32(s))) for s in (0, 5, 127, 128, 300, 4096)] == [
        1,
        6,
        128,
        130,
        304,
        4160,
    ]
    trace = st.solve(problem(), np.zeros(2), SLOW, max_steps=1000).trace
    assert trace.steps[:100].tolist() == list(range(1, 101))
    assert trace.steps[-1] == 1000 or 1000 - trace.steps[-1] < 16
    assert len(trace) < 128 + 3 * RECORDS
    assert np.all(np.diff(trace.seconds) >= 0)
    assert set(trace.violations) == set(trace.duals) == {"total"}


def test_many_unknowns_are_looked_after_from_the_first_step():
    large = st.Minimize(lambda x: jnp.sum((x - 1) ** 2))
    seen = []
    st.solve(large, np.zeros(200_000), SLOW, max_steps=5, callback=lambda e: seen.append(e.step))
    assert seen[0] == 1 and seen[-1] == 5


def test_limits_and_callbacks_return_the_point_so_far():
    by_steps = st.solve(problem(), np.zeros(2), SLOW, max_steps=10)
    assert (by_steps.status, by_steps.stats.steps) == (st.Status.MAX_STEPS, 10)
    by_time = st.solve(problem(), np.zeros(2), SLOW, max_steps=10**9, max_seconds=0.3)
    assert by_time.status is st.Status.MAX_SECONDS
    events = []

    def stop(event):
        events.append(event)
        return event.step >= 200

    by_callback = st.solve(problem(), np.zeros(2), SLOW, max_steps=10**9, callback=stop)
    assert by_callback.status is st.Status.STOPPED
    assert events[-1].worst is None and events[-1].multipliers.keys() == {"total"}
    assert np.shape(events[-1].value) == (2,)


def test_ctrl_c_returns_the_point_so_far():
    def press():
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background
    st.solve(problem(), np.zeros(2), SLOW, max_steps=1)  # compile first
    threading.Thread(target=press).start()
    solution = st.solve(problem(), np.zeros(2), SLOW, max_steps=10**9, max_seconds=60)
    assert solution.status is st.Status.INTERRUPTED
    assert signal.getsignal(signal.SIGINT) is before


def test_the_best_feasible_point_is_kept():
    # Large steps bounce: the last point is not the best one.
    method = st.methods.from_optax(optax.sgd(0.9))
    run = st.solve(st.Minimize(lambda x: jnp.abs(x) + x**2), 0.03, method, max_steps=7)
    assert run.status is st.Status.MAX_STEPS
    values = run.trace.objective
    assert run.objective == pytest.approx(values.min())
    assert float(jnp.abs(run.value)) <= float(jnp.abs(run.last.primal))


def test_a_solution_can_be_continued_and_warm_started(solution):
    method = st.methods.AugmentedLagrangian()
    half = st.solve(problem(), np.zeros(2), method, max_steps=5)
    whole = st.solve(problem(), method=method, state=half.state)
    direct = st.solve(problem(), np.zeros(2), method)
    assert whole.status is st.Status.CONVERGED
    assert np.array_equal(whole.value, direct.value)
    again = st.solve(problem(), solution)
    assert again.stats.steps < solution.stats.steps
    with pytest.raises(ValueError, match="state belongs to another"):
        st.solve(problem(), np.zeros(2), SLOW, state=half.state)


def test_aux_belongs_to_the_returned_point():
    def with_aux(x):
        return jnp.sum((x - 3) ** 2), {"where": 2 * x}

    solution = st.solve(st.Minimize(with_aux, has_aux=True), np.zeros(1))
    assert np.array_equal(solution.aux["where"], 2 * solution.value)


def test_one_trace_per_solve_and_none_for_new_data():
    calls = []

    def loss(x, target):
        calls.append(1)
        return jnp.sum((x - target) ** 2)

    fresh = st.Minimize(loss, {"cap": st.at_most(lambda x: jnp.max(x), 0.5)}, data=np.ones(3))
    first = st.solve(fresh, np.zeros(3))
    assert (first.stats.traces, len(calls)) == (1, 1)
    second = st.solve(fresh, np.ones(3), data=np.full(3, 2.0), tol=1e-5, max_steps=77)
    assert (second.stats.traces, len(calls)) == (0, 1)
    assert second.stats.compile_seconds < 0.5 * first.stats.compile_seconds


def test_new_closures_over_arrays_share_the_compiled_solver():
    def build(target):
        return st.Minimize(lambda x: jnp.sum((x - target) ** 4 + x))

    first = st.solve(build(jnp.ones(2)), np.zeros(2))
    second = st.solve(build(jnp.zeros(2)), np.zeros(2))
    assert (first.stats.traces, second.stats.traces) == (1, 0)
    assert not np.allclose(first.value, second.value)


def test_pytrees_and_float32():
    def loss(x):
        return jnp.sum(x["w"] ** 2) + (x["b"] - 1) ** 2

    start = {"w": np.ones((2, 2), np.float32), "b": np.float32(0)}
    solution = st.solve(
        st.Minimize(loss, {"sum": st.equal(lambda x: jnp.sum(x["w"]) + x["b"], 2.0)}), start
    )
    assert {str(leaf.dtype) for leaf in solution.value.values()} == {"float32"}
    assert solution.duals["sum"].dtype == np.float32
    assert solution.status is st.Status.CONVERGED
    np.testing.assert_allclose(solution.value["b"], 1.2, atol=1e-3)


def test_what_is_not_finite_on_the_way_is_named():
    problem = st.Balance(
        {"fine": lambda x: (x - 3) ** 2, "broken": lambda x: jnp.sqrt(1 - x) + (x - 3) ** 2}
    )
    method = st.methods.JacobianDescent(0.3)
    solution = st.solve(problem, np.array(0.0), method, progress=False)
    assert solution.status is st.Status.NONFINITE
    assert any("objective 'broken' is not finite" in text for text in solution.stats.notices)
