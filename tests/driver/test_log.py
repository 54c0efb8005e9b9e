"""The numbers that a method tells of its own steps reach the trace."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


class Counting(st.AbstractMethod):
    """Descent-ascent that also tells how many steps it has taken, and a third of that."""

    inner: st.methods.PrimalDual

    needs: ClassVar[frozenset[st.Oracle]] = st.methods.PrimalDual.needs
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "for tests"

    def init(self, system, point, data=None, *, key):
        return self.inner.init(system, point, data, key=key), jnp.zeros((), jnp.int32)

    def step(self, system, state, data=None):
        inner, metrics = self.inner.step(system, state[0], data)
        return (inner, state[1] + 1), metrics

    def point(self, state):
        return self.inner.point(state[0])

    def log(self, state):
        return {"taken": state[1], "a third": state[1] / 3}


PROBLEM = st.Minimize(lambda x: jnp.sum((x - 2) ** 2), {"sum": st.at_most(jnp.sum, 1.0)})
SLOW = Counting(st.methods.PrimalDual(1e-9))


def test_log_is_recorded_with_the_trace():
    trace = st.solve(PROBLEM, np.zeros(2), SLOW, max_steps=300).trace
    assert set(trace.log) == {"taken", "a third"}
    assert trace.log["taken"].tolist() == trace.steps.tolist()
    np.testing.assert_allclose(trace.log["a third"], trace.steps / 3)
    assert np.all(trace.violations["sum"] == 0) and np.all(trace.feasibility == 0)


def test_log_survives_an_interruption(tmp_path):
    path = tmp_path / "run"
    st.solve(PROBLEM, np.zeros(2), SLOW, max_steps=5, checkpoint=path)
    trace = st.solve(PROBLEM, np.zeros(2), SLOW, max_steps=9, checkpoint=path, resume=True).trace
    assert trace.log["taken"].tolist() == list(range(1, 10))


def test_method_without_a_log_records_none():
    assert st.solve(PROBLEM, np.zeros(2), SLOW.inner, max_steps=5).trace.log == {}


def test_interior_point_tells_its_barrier_and_steps():
    solution = st.solve(PROBLEM, np.zeros(2), st.methods.InteriorPoint())
    log = solution.trace.log
    assert {"barrier", "move", "step", "dual step", "regularization", "trials"} <= set(log)
    assert log["barrier"][-1] < 1e-3 and np.all(log["step"] <= 1)
    assert np.any(log["step"] > 0) and np.max(log["trials"]) >= 1
    assert len(log["barrier"]) == len(solution.trace)


@pytest.mark.parametrize("records", [0, 3])
def test_trace_made_without_a_log_has_none(records):
    row = np.zeros(records)
    assert st.Trace(np.arange(records), row, row, row, row, row, {}, {}).log == {}
