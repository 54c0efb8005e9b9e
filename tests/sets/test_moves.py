"""Moves and prices: retractions, linear oracles, and what a set's size is worth."""

import cvxpy as cp
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import sets as S

distance = eqx.filter_jit(lambda of, x: of.distance(x))
lmo = eqx.filter_jit(lambda of, gradient: of.lmo(gradient))


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        (S.Sphere(2.0), (2, 3)),
        (S.Stiefel(), (4, 2)),
        (S.Stiefel(), (2, 3, 3)),
        (S.Positive(), (4,)),
    ],
    ids=["sphere", "stiefel", "stiefels", "positive"],
)
def test_retraction_stays_in_the_set_and_is_first_order(of, shape):
    start, step = np.random.default_rng(0).standard_normal((2, *shape))

    @jax.jit
    def move(start, step):
        x = of.project(start) if of.curved else jnp.abs(start) + 0.1
        tangent = of.gradient(x, step)
        sizes = (1e-3, 1e-4, 1.0, 1e3)
        away = [of.retract(x, size * tangent) for size in sizes]
        misses = [
            jnp.abs((y - x) / size - tangent).max() for size, y in zip(sizes, away, strict=True)
        ]
        stays = jnp.abs(of.retract(x, 0 * tangent) - x).max()
        return misses[:2], [of.distance(y) for y in away], stays

    (coarse, fine), distances, stays = move(start, step)
    assert 0 < fine < 0.11 * coarse < 0.011
    assert max(distances) < 1e-14
    assert stays < 1e-15


def test_a_long_walk_in_float32_does_not_drift_off_the_manifold():
    of = S.Stiefel()

    def step(i, x):
        return of.retract(x, of.gradient(x, jax.random.normal(jax.random.key(i), x.shape, x.dtype)))

    start = jnp.eye(12, 4, dtype=jnp.float32)
    end = jax.jit(lambda x: jax.lax.fori_loop(0, 500, step, x))(start)
    assert of.distance(end) < 2e-6
    assert jnp.abs(end - start).max() > 0.1


def test_positive_moves_stay_positive_and_finite_in_float32():
    x = jnp.array([1e-3, 1e-3, 1.0, 1e20, 1e-20], jnp.float32)
    step = jnp.array([-1e3, 1e30, -1e6, -1e30, 0.0], jnp.float32)
    moved = jax.jit(S.Positive().retract)(x, step)
    assert np.allclose(moved, [5e-10, 2e30, 5e-7, 5e9, 1e-20], rtol=1e-5, atol=0)


def test_positive_moves_agree_with_the_geodesic_to_second_order():
    def move(t):
        return S.Positive().retract(jnp.array(3.0), t)

    def geodesic(t):
        return 3.0 * jnp.exp(t / 3.0)

    for order in range(3):
        derivatives = []
        for curve in (move, geodesic):
            for _ in range(order):
                curve = jax.grad(curve)
            derivatives.append(jax.jit(curve)(jnp.array(0.0)))
        assert np.isclose(*derivatives, rtol=1e-14)


def test_gradient_on_a_manifold_is_the_tangent_part(manifold):
    x, g = manifold.inside(1, seed=1)[0], manifold.points(1, seed=2)[0]

    @jax.jit
    def compare(x, g):
        tangent = manifold.set.gradient(x, g)
        again = manifold.set.gradient(x, tangent)
        # A tangent vector does not change the distance to first order; the rest is normal to it.
        drift = jax.jvp(lambda y: y - manifold.set.project(y), (x,), (tangent,))[1]
        return tangent, again, drift, jnp.vdot(g - tangent, tangent)

    tangent, again, drift, overlap = compare(x, g)
    assert np.allclose(again, tangent, atol=1e-14)
    assert np.allclose(drift, 0.0, atol=1e-14)
    assert abs(overlap) < 1e-13


def test_lmo_is_the_least_point_that_cvxpy_finds(compact):
    for gradient in compact.points(3, seed=3):
        found = lmo(compact.set, gradient)
        assert distance(compact.set, found) < 1e-14
        if compact.cvxpy is not None:
            variable = cp.Variable(compact.shape)
            cost = cp.sum(cp.multiply(gradient, variable))
            least = cp.Problem(cp.Minimize(cost), compact.cvxpy(variable)).solve(solver=cp.CLARABEL)
            assert np.isclose(np.vdot(gradient, found), least, atol=1e-6)
        elif isinstance(compact.set, S.Sphere):
            assert np.isclose(np.vdot(gradient, found), -2.0 * np.linalg.norm(gradient))
        else:
            # The nuclear norm is dual to the spectral norm, whose unit ball has these as corners.
            nuclear = np.linalg.svd(gradient, compute_uv=False).sum()
            assert np.isclose(np.vdot(gradient, found), -nuclear)


def test_lmo_of_no_gradient_is_still_a_point_of_the_set(compact):
    found = lmo(compact.set, np.zeros(compact.shape))
    assert distance(compact.set, found) < 1e-14


SIZED = [
    (S.Simplex, (4,), 1.0),
    (S.Simplex, (2, 3), 2.0),
    (S.L1Ball, (2, 3), 1.5),
    (lambda size: S.L1Ball(size, [0.5, -1.0, 2.0]), (3,), 1.5),
    (S.L2Ball, (2, 3), 0.5),
    (lambda size: S.L2Ball(size, [0.5, -1.0, 2.0]), (3,), 0.5),
    (S.LinfBall, (2, 3), 0.25),
    (S.Sphere, (2, 3), 2.0),
]


@pytest.mark.parametrize(("build", "shape", "size"), SIZED)
def test_price_is_the_rate_at_which_the_optimal_value_falls(build, shape, size):
    # The least |x - a|^2 / 2 + <c, x> over a set is reached at the projection of a - c.
    a, c = 2.0 * np.random.default_rng(5).standard_normal((2, *shape))

    @jax.jit
    def best(size):
        of = build(size)
        x = of.project(jnp.asarray(a - c))
        return jnp.sum((x - a) ** 2) / 2 + jnp.vdot(c, x), of.price(x, x - a + c)

    step = 1e-5
    slope = (best(size + step)[0] - best(size - step)[0]) / (2 * step)
    assert abs(slope) > 1e-2
    assert np.isclose(best(size)[1], -slope, atol=1e-7)
    if "Ball" in type(build(size)).__name__:
        # A ball so large that it does not bind is worth nothing.
        assert best(100.0)[1] == 0.0


def test_a_ball_has_a_price_only_where_it_holds_the_point_back():
    x = jnp.array([3.0, 4.0])
    for of in (S.L1Ball(7.0), S.L2Ball(5.0), S.LinfBall(4.0)):
        assert of.price(x, -x) > 0.0
        assert of.price(x, x) == 0.0
        assert of.price(0.9 * x, -x) == 0.0


@pytest.mark.parametrize(
    "of", [S.Euclidean(), S.Box(0, 1), S.Positive(), S.Nonnegative(), S.SecondOrder(), S.Stiefel()]
)
def test_sets_without_a_size_have_no_price(of):
    assert of.price(jnp.ones((2, 2)), jnp.ones((2, 2))) is None
