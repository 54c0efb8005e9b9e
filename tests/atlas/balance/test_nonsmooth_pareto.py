"""The reference solutions behind paper 28, and its own pieces."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

import stationary as st
from stationary.atlas.balance.nonsmooth_pareto import _control, _modes, _rectangle, _state
from stationary.fields import MaxTypeElliptic, ReducedMaxTypeElliptic, proper_orthogonal_basis


def test_the_closed_form_without_a_kink_is_the_minimum_of_the_weighted_sum():
    equation = MaxTypeElliptic(0.0, 12)
    problem, weights = _control.problem(equation), np.array([[0.3, 0.7], [0.9, 0.1]])
    both = jax.jit(lambda u: jnp.stack([fn(u, problem.data) for fn in problem.objectives.values()]))
    for row, expected in zip(
        weights, _control.closed_form(equation.laplacian, weights), strict=True
    ):
        slope = jax.jit(jax.grad(lambda u, row=row: row @ both(u)))
        found = scipy.optimize.minimize(
            lambda u, row=row: float(row @ both(u)), np.zeros(12), jac=slope, tol=1e-12
        )
        np.testing.assert_allclose(both(found.x), expected, rtol=1e-7)


def test_the_closed_form_has_the_ends_of_a_single_objective():
    laplacian = MaxTypeElliptic(0.0, 40).laplacian
    ends = _control.closed_form(laplacian, [[1.0, 0.0], [0.0, 1.0]])
    assert ends[0, 0] < ends[1, 0] and ends[1, 1] < ends[0, 1]
    # Half the height costs a quarter.
    np.testing.assert_allclose(ends[1, 1], ends[0, 0] / 4, rtol=1e-12)


def test_the_rectangle_is_pareto_critical_and_nothing_else_is():
    rng = np.random.default_rng(0)
    for x in rng.uniform(-1, 3, (40, 2)):
        slopes = np.sign(x - _rectangle.LOW), np.sign(x - _rectangle.HIGH)
        # Entry by entry the signs must be opposed for a combination to vanish.
        critical = bool(np.all(slopes[0] * slopes[1] <= 0))
        # Weights 1/2 each serve both entries at once.
        assert critical == (_rectangle.outside(x) == 0)


def test_the_errors_of_the_state_are_those_recorded():

    np.testing.assert_allclose(_state.manufactured(40), (0.0021920, 3), atol=1e-6)


def test_a_reduced_objective_is_the_full_one_of_the_lifted_fields():
    equation = MaxTypeElliptic(10.0, (6, 7))
    rng = np.random.default_rng(1)
    basis = proper_orthogonal_basis(equation.laplacian, rng.normal(size=(4, 6, 7)), 4)
    reduced = ReducedMaxTypeElliptic(equation, basis)
    control = jnp.asarray(rng.normal(size=4)) * 50
    laplacian = equation.laplacian
    state, lifted = reduced.lift(reduced.solve(control)), reduced.lift(control)
    small = _modes.reduced_problem(reduced)
    for fn, target in zip(small.objectives.values(), _control.desired(laplacian), strict=True):
        off = state - target
        full = 0.5 * laplacian.inner(off, off)
        full += 0.5 * _control.SIGMA * laplacian.inner(lifted, lifted)
        np.testing.assert_allclose(fn(control, small.data), full, rtol=1e-10)


def test_weights_of_the_front_make_the_objectives_stationary():
    problem = _control.problem(MaxTypeElliptic(10.0, 12))
    front = st.pareto.pareto_front(problem, jnp.zeros(12), [[0.6, 0.4]], certificates=True)
    assert front.certificates[0].passed
    np.testing.assert_allclose(list(front.certificates[0].weights.values()), [0.4, 0.6], atol=1e-4)
