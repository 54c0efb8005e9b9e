"""Residuals: zero exactly at stationary points, with a Jacobian that can be solved with."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import sets as S

HALF = 0.5**0.5
residual = eqx.filter_jit(lambda of, x, gradient: of.residual(x, gradient))

# A set, a point, a gradient there, and whether that is stationary: by hand, from the normal cone.
KNOWN = [
    (S.Euclidean(), [1.0, 2.0], [0.0, 0.0], True),
    (S.Euclidean(), [1.0, 2.0], [0.0, 0.1], False),
    (S.Box(0, 1), [0.0, 1.0, 0.5], [2.0, -3.0, 0.0], True),
    (S.Box(0, 1), [0.0, 1.0, 0.5], [-2.0, -3.0, 0.0], False),
    (S.Box(0, 1), [0.0, 1.5, 0.5], [2.0, -3.0, 0.0], False),
    (S.Box(2, 2), [2.0], [7.0], True),
    (S.Positive(), [0.1, 3.0], [0.0, 0.0], True),
    (S.Positive(), [0.0, 3.0], [0.0, 0.0], False),
    (S.Positive(), [-1.0, 3.0], [0.0, 0.0], False),
    (S.Simplex(), [0.5, 0.5, 0.0], [1.0, 1.0, 2.0], True),
    (S.Simplex(), [0.5, 0.5, 0.0], [-3.0, -3.0, -3.0], True),
    (S.Simplex(), [0.5, 0.5, 0.0], [1.0, 1.0, 0.5], False),
    (S.Simplex(), [0.6, 0.6, 0.0], [1.0, 1.0, 2.0], False),
    (S.L1Ball(1.0), [0.25, -0.75, 0.0], [-2.0, 2.0, 1.0], True),
    (S.L1Ball(1.0), [0.25, -0.75, 0.0], [-2.0, 2.0, 3.0], False),
    (S.L1Ball(1.0), [0.2, -0.7, 0.0], [-2.0, 2.0, 1.0], False),
    (S.L2Ball(5.0), [3.0, 4.0], [-6.0, -8.0], True),
    (S.L2Ball(5.0), [3.0, 4.0], [6.0, 8.0], False),
    (S.L2Ball(1.0, [3.0, 4.0]), [3.0, 5.0], [0.0, -2.0], True),
    (S.L2Ball(1.0, [3.0, 4.0]), [3.0, 4.0], [0.0, -2.0], False),
    (S.LinfBall(1.0), [1.0, -1.0, 0.5], [-2.0, 2.0, 0.0], True),
    (S.LinfBall(1.0), [1.0, -1.0, 0.5], [-2.0, 2.0, 1.0], False),
    (S.Zero(), [0.0, 0.0], [3.0, -4.0], True),
    (S.Zero(), [0.0, 1e-3], [0.0, 0.0], False),
    (S.Nonnegative(), [0.0, 2.0], [3.0, 0.0], True),
    (S.Nonnegative(), [0.0, 2.0], [-3.0, 0.0], False),
    (S.Nonpositive(), [0.0, -2.0], [-3.0, 0.0], True),
    (S.Nonpositive(), [0.0, -2.0], [3.0, 0.0], False),
    (S.SecondOrder(), [5.0, 3.0, 4.0], [1.0, -0.6, -0.8], True),
    (S.SecondOrder(), [5.0, 3.0, 4.0], [-1.0, 0.6, 0.8], False),
    (S.SecondOrder(), [0.0, 0.0, 0.0], [5.0, 3.0, 4.0], True),
    (S.SecondOrder(), [0.0, 0.0, 0.0], [4.0, 3.0, 4.0], False),
    (S.PositiveSemidefinite(), [[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]], True),
    (S.PositiveSemidefinite(), [[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [-1.0, 2.0]], True),
    (S.PositiveSemidefinite(), [[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, -2.0]], False),
    (S.PositiveSemidefinite(), [[1.0, 1.0], [-1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], False),
    (S.Sphere(5.0), [3.0, 4.0], [6.0, 8.0], True),
    (S.Sphere(5.0), [3.0, 4.0], [-6.0, -8.0], True),
    (S.Sphere(5.0), [3.0, 4.0], [8.0, -6.0], False),
    (S.Sphere(5.0), [6.0, 8.0], [6.0, 8.0], False),
    (
        S.Stiefel(),
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
        [[2.0, 5.0], [5.0, -1.0], [0.0, 0.0]],
        True,
    ),
    (
        S.Stiefel(),
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
        [[2.0, 5.0], [4.0, -1.0], [0.0, 0.0]],
        False,
    ),
    (S.Stiefel(), [[HALF, HALF], [-HALF, HALF]], [[HALF, HALF], [-HALF, HALF]], True),
    # Off the manifold, where a gradient equal to x would cancel a carelessly chosen normal part.
    (S.Stiefel(), [[2.0], [0.0]], [[2.0], [0.0]], False),
]


@pytest.mark.parametrize(
    ("of", "x", "gradient", "stationary"),
    KNOWN,
    ids=[f"{i}-{k[0].describe()}" for i, k in enumerate(KNOWN)],
)
def test_residual_is_zero_exactly_at_stationary_points(of, x, gradient, stationary):
    size = np.abs(residual(of, jnp.array(x), jnp.array(gradient))).max()
    assert size < 1e-14 if stationary else size > 0


def test_least_points_of_linear_functions_are_stationary_and_others_are_not(compact):
    def size(x, g):
        return jnp.abs(compact.set.residual(x, g)).max()

    gradients, others = compact.points(4, seed=0), compact.inside(4, seed=1)
    least = jax.jit(jax.vmap(lambda g: size(compact.set.lmo(g), g)))(gradients)
    assert np.all(least < 1e-14)
    other = np.asarray(jax.jit(jax.vmap(size))(others, gradients))
    assert np.all(other > 1e-3)


def test_free_entries_are_those_that_a_gradient_step_can_move(elementwise):
    if isinstance(elementwise.set, S.Positive):
        move = elementwise.set.retract
    else:
        move = lambda x, step: elementwise.set.project(x + step)  # noqa: E731

    @jax.jit
    def compare(x, g):
        return elementwise.set.free(x, g), move(x, -1e-3 * g) != x

    for x, g in zip(elementwise.inside(4, seed=2), elementwise.points(4, seed=3), strict=True):
        free, moved = compare(x, g)
        assert np.array_equal(free, moved)


def test_entries_on_a_bound_without_a_gradient_are_free_and_fixed_ones_never_are():
    free = S.Box([0.0, 0.0, 1.0], [1.0, 1.0, 1.0]).free(jnp.array([0.0, 1.0, 1.0]), jnp.zeros(3))
    assert free.tolist() == [True, True, False]


def test_a_small_gradient_survives_next_to_a_large_variable_in_float32():
    x, g = jnp.array([1e8], jnp.float32), jnp.array([1e-6], jnp.float32)
    for of in (S.Box(-1e9, 1e9), S.Nonnegative(), S.LinfBall(1e9)):
        assert of.residual(x, g) == g


def newton(equations, x, steps: int = 8):
    size = x.size

    def step(x, _):
        matrix = jax.jacfwd(equations)(x).reshape(size, size)
        return x - jnp.linalg.solve(matrix, equations(x).reshape(-1)).reshape(x.shape), None

    return jax.lax.scan(step, x, length=steps)[0]


MATRIX = np.array([[4.0, 1, 0, 0], [1, 3, 0.5, 0], [0, 0.5, -2, 0.3], [0, 0, 0.3, 1]])


@pytest.mark.parametrize(
    ("of", "shape", "weights"),
    [(S.Sphere(1.0), (4,), 1.0), (S.Stiefel(), (4, 2), np.array([2.0, 1.0]))],
    ids=["sphere", "stiefel"],
)
def test_newton_on_the_residual_finds_the_eigenvectors_that_minimise_the_brockett_cost(
    of, shape, weights
):
    values, vectors = np.linalg.eigh(MATRIX)
    expected = vectors[:, :2].reshape(4, 2)[:, : 1 if len(shape) == 1 else 2].reshape(shape)
    noise = np.random.default_rng(3).standard_normal(shape)

    def gradient(x):
        return MATRIX @ x * weights

    # The start is near the answer and off the manifold: Newton must solve for both kinds of error.
    found = jax.jit(lambda x: newton(lambda y: of.residual(y, gradient(y)), x))(
        1.1 * expected + 0.05 * noise
    )
    assert np.allclose(np.abs(found), np.abs(expected), atol=1e-12)
    multiplier = found.T @ gradient(found)
    assert np.allclose(multiplier, np.diag(values[:2] * weights) if len(shape) == 2 else values[0])


@pytest.mark.parametrize(
    ("of", "shape"), [(S.Sphere(2.0), (4,)), (S.Stiefel(), (4, 2))], ids=["sphere", "stiefel"]
)
def test_implicit_derivatives_through_the_residual_are_those_of_the_answer(of, shape):
    target, direction = np.random.default_rng(4).standard_normal((2, *shape))
    metric = jnp.diag(jnp.array([1.0, 1.5, 2.0, 2.5]))

    def equations(x, t):
        return of.residual(x, metric @ (x - t))

    @jax.jit
    def compare(t):
        answer = newton(lambda x: equations(x, t), of.project(t), 12)
        matrix = jax.jacfwd(equations)(answer, t).reshape(answer.size, answer.size)
        push = jax.jvp(lambda s: equations(answer, s), (t,), (direction,))[1]
        implicit = -jnp.linalg.solve(matrix, push.reshape(-1)).reshape(shape)

        def moved(step):
            return newton(lambda x: equations(x, t + step * direction), answer, 3)

        return implicit, (moved(1e-5) - moved(-1e-5)) / 2e-5, equations(answer, t)

    implicit, difference, left = compare(target)
    assert np.abs(left).max() < 1e-12
    assert np.abs(implicit).max() > 1e-2
    np.testing.assert_allclose(implicit, difference, atol=1e-7)
