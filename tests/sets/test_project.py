"""Projections: the nearest point, by a second implementation and by the laws of projections."""

import cvxpy as cp
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import sets as S

project = eqx.filter_jit(lambda of, x: of.project(x))
distance = eqx.filter_jit(lambda of, x: of.distance(x))


def test_project_is_the_nearest_point_that_cvxpy_finds(convex):
    variable, target = cp.Variable(convex.shape), cp.Parameter(convex.shape)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(variable - target)), convex.cvxpy(variable))
    for point in convex.points(4, seed=0):
        target.value = point
        problem.solve(solver=cp.CLARABEL)
        assert np.allclose(project(convex.set, point), variable.value, atol=2e-5), point


def test_manifold_projection_is_nearer_than_any_other_point(manifold):
    others = manifold.inside(100, seed=1)
    for point in manifold.points(4, seed=0):
        nearest = project(manifold.set, point)
        away = np.sqrt(np.sum((others - point) ** 2, axis=tuple(range(1, others.ndim))))
        assert np.linalg.norm(nearest - point) <= away.min()


def test_projecting_twice_changes_nothing_and_lands_in_the_set(projectable):
    for point in projectable.points(4, seed=2):
        once = project(projectable.set, point)
        assert np.allclose(project(projectable.set, once), once, atol=1e-14)
        assert float(distance(projectable.set, once)) < 1e-14


def test_distance_is_positive_outside(projectable):
    points = projectable.points(3, seed=3, scale=10.0)
    found = [float(distance(projectable.set, point)) for point in points]
    if isinstance(projectable.set, S.Euclidean):
        assert max(found) == 0
    else:
        assert max(found) > 1


def test_moreau_splits_a_point_into_two_orthogonal_parts(cone):
    points, others = cone.points(4, seed=4), cone.inside(10, seed=5)

    def split(x):
        part, polar = cone.set.project(x), cone.set.polar(x)
        return part, polar, cone.set.project(polar)

    parts, polars, nothing = jax.device_get(jax.jit(jax.vmap(split))(points))
    assert np.allclose(parts + polars, points, atol=1e-14)
    assert np.allclose(np.sum(parts * polars, axis=tuple(range(1, parts.ndim))), 0, atol=1e-13)
    # The polar part makes an obtuse angle with every point of the cone, so its projection is zero.
    assert np.tensordot(polars, others, axes=[range(1, parts.ndim)] * 2).max() < 1e-13
    assert np.allclose(nothing, 0.0, atol=1e-13)


def test_simplex_keeps_a_small_total_next_to_large_entries():
    found = project(S.Simplex(1e-6), jnp.array([1e9, 1e9, 3.0], jnp.float32))
    assert np.allclose(found, [5e-7, 5e-7, 0.0], rtol=1e-6, atol=0)


def test_projection_of_a_long_vector_onto_the_simplex_sums_to_its_total():
    x = jnp.asarray(np.random.default_rng(0).standard_normal(100_000), jnp.float32)
    found = project(S.Simplex(), x)
    assert np.isclose(np.sum(np.asarray(found, np.float64)), 1.0, atol=1e-5)
    assert found.min() >= 0


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_norms_survive_extreme_sizes_in_float32(size):
    x = jnp.array([3.0, 4.0], jnp.float32) * jnp.float32(size)
    assert np.allclose(project(S.Sphere(), x), [0.6, 0.8], rtol=1e-6)
    small = project(S.L2Ball(size), x)
    assert np.allclose(small, np.float32(size) * np.array([0.6, 0.8]), rtol=1e-6)


def test_nan_is_not_projected_away(projectable):
    if isinstance(projectable.set, S.Zero):
        point = np.full(projectable.shape, np.nan)
    else:
        point = projectable.points(1, seed=6)[0]
        point.flat[0] = np.nan
    of = projectable.set
    found = jax.jit(lambda x: (of.project(x), of.residual(x, jnp.ones_like(x)), of.distance(x)))(
        point
    )
    assert all(np.isnan(leaf).any() for leaf in found)


@pytest.mark.parametrize("kind", [S.L1Ball, S.L2Ball, S.LinfBall])
def test_a_set_is_a_pytree_whose_numbers_can_be_differentiated(kind):
    def first_entry(numbers):
        ball = eqx.tree_at(lambda b: (b.radius, b.center), kind(1.0), tuple(numbers))
        return ball.project(jnp.array([3.0, 3.5, 0.0]))[0]

    @jax.jit
    def compare(numbers):
        steps = 1e-6 * jnp.eye(2)
        value = jax.vmap(first_entry)
        return jax.grad(first_entry)(numbers), value(numbers + steps) - value(numbers - steps)

    slope, difference = compare(jnp.array([1.0, 0.25]))
    assert np.abs(slope).max() > 0.1
    assert np.allclose(slope, difference / 2e-6, atol=1e-8)


def test_a_set_can_be_built_from_traced_numbers():
    @jax.jit
    def build_and_project(size):
        x = jnp.array([3.0, -4.0])
        box, ball = S.Box(-size, [size, 9.0]), S.L2Ball(size)
        assert "traced" in ball.describe()
        assert S.Capability.LMO not in box.capabilities
        return box.project(x), ball.project(x)

    box, ball = build_and_project(1.0)
    assert np.allclose(box, [1.0, -1.0])
    assert np.allclose(ball, [0.6, -0.8])


def test_a_set_holds_its_numbers_without_a_device(case):
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(case.set))
    assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(case.set))


@pytest.mark.parametrize(
    ("of", "shape"),
    [(S.PositiveSemidefinite(), (3, 3)), (S.Stiefel(), (4, 2))],
    ids=["psd", "stiefel"],
)
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_matrices_narrower_than_float32_are_factorised_all_the_same(of, shape, dtype):
    x = jnp.asarray(np.random.default_rng(7).standard_normal(shape), dtype)
    found, slope = jax.jit(jax.value_and_grad(lambda x: of.project(x).sum()))(x)
    assert found.dtype == slope.dtype == dtype
    wide = x.astype(jnp.float64)
    expected, steeper = jax.value_and_grad(lambda x: of.project(x).sum())(wide)
    assert np.allclose(np.float64(found), expected, rtol=3e-2, atol=3e-2)
    assert np.allclose(np.float64(slope), steeper, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("of", [S.L1Ball(1.0), S.L2Ball(1.0), S.LinfBall(1.0), S.Box(0, 1)])
def test_an_array_without_entries_is_in_every_ball(of):
    empty = jnp.zeros((0, 2))
    assert of.project(empty).shape == of.lmo(empty).shape == (0, 2)
    assert of.distance(empty) == 0.0
