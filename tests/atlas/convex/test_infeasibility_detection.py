"""Paper 55's operators and programs are what their names say."""

import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.convex.infeasibility_detection import _operators, _programs


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_programs.infeasible, _programs.INFEASIBLE),
        (_programs.unbounded, _programs.UNBOUNDED),
        (_programs.feasible, "feasible"),
    ],
)
def test_programs_have_the_outcome_they_are_made_for(make, expected):
    for seed in range(5):
        program = make(np.random.default_rng(seed), 6, 12)
        assert _programs.outcome(program) == expected


def test_substitution_accepts_the_rays_that_programs_are_made_with_and_no_other():
    rng = np.random.default_rng(0)
    a, y = rng.normal(size=(3, 5)), np.array([1.0, -2.0, 0.5])
    a -= np.outer(y, np.maximum(a.T @ y, 0)) / (y @ y)
    program = _programs.Program(a, y / (y @ y), np.ones(5))
    assert _programs.substituted(program, _programs.INFEASIBLE, np.zeros(5), -y) <= 1e-12
    assert _programs.substituted(program, _programs.INFEASIBLE, np.zeros(5), y) == np.inf
    d = np.array([1.0, 0.0, 2.0, 0.0, 0.0])
    flat = _programs.Program(a - np.outer(a @ d, d) / (d @ d), np.zeros(3), -d)
    assert _programs.substituted(flat, _programs.UNBOUNDED, d, np.zeros(3)) <= 1e-12
    off = _programs.substituted(flat, _programs.UNBOUNDED, d - np.eye(5)[1], np.zeros(3))
    assert off >= 0.1


def test_displacement_of_an_isometry_is_the_shortest_and_attained_at_its_distance():
    known = _operators.random_isometry(np.random.default_rng(1), planes=3, lines=2)
    identity = np.eye(8)
    gap = identity - np.asarray(known.operator.turn)
    # The shortest x - T x by least squares, and the nearest point to x0 that has it.
    x, *_ = np.linalg.lstsq(gap, np.asarray(known.operator.move), rcond=1e-12)
    np.testing.assert_allclose(x - known.operator(jnp.asarray(x)), known.v, atol=1e-10)
    towards = np.linalg.pinv(gap, rcond=1e-12) @ gap @ (np.asarray(known.x0) - x)
    np.testing.assert_allclose(np.linalg.norm(towards), known.distance, rtol=1e-9)
