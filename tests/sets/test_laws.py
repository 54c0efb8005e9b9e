"""What holds for every set: capabilities, dtypes, transformations and derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary import sets as S

# These programs run once, so they are compiled in a hurry. Other tests compile as users do.
quick_jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def operations(of: S.AbstractSet) -> dict:
    """Every operation that a set offers, as a function of a point and a direction."""
    found = {
        "distance": lambda x, g: of.distance(x),
        "gradient": of.gradient,
        "residual": of.residual,
    }
    if S.Capability.PROJECT in of.capabilities:
        found["project"] = lambda x, g: of.project(x)
    if S.Capability.RETRACT in of.capabilities:
        found["retract"] = lambda x, g: of.retract(x, of.gradient(x, g))
    if S.Capability.LMO in of.capabilities:
        found["lmo"] = lambda x, g: of.lmo(g)
    if of.elementwise:
        found["free"] = of.free
    if jax.tree.leaves(of) and not isinstance(of, S.Box):
        found["price"] = of.price
    return found


def every_operation(of: S.AbstractSet):
    found = operations(of)
    return lambda x, g: {name: operation(x, g) for name, operation in found.items()}


def test_vmap_is_a_loop_and_float32_stays_float32(case):
    apply = every_operation(case.set)
    x, g = case.inside(2, seed=0), case.points(2, seed=1)

    @quick_jit
    def run(x, g):
        single = apply(x[1].astype(jnp.float32), g[1].astype(jnp.float32))
        return jax.vmap(apply)(x, g), apply(x[1], g[1]), single

    together, alone, single = jax.device_get(run(x, g))
    for name, lanes in together.items():
        np.testing.assert_allclose(lanes[1], alone[name], atol=1e-13, err_msg=name)
        np.testing.assert_allclose(single[name], alone[name], atol=2e-5, err_msg=name)
        assert alone[name].dtype == (bool if name == "free" else np.float64), name
        assert single[name].dtype == (bool if name == "free" else np.float32), name


def test_derivatives_agree_with_finite_differences_and_with_each_other(case):
    found = operations(case.set)
    smooth = {n: f for n, f in found.items() if n in ("project", "retract", "residual", "gradient")}

    def apply(x, g):
        return {name: operation(x, g) for name, operation in smooth.items()}

    @quick_jit
    def compare(x, g, dx, dg):
        step = 1e-6
        out, slope = jax.jvp(apply, (x, g), (dx, dg))
        up, down = (apply(x + s * dx, g + s * dg) for s in (step, -step))
        difference = jax.tree.map(lambda a, b: (a - b) / (2 * step), up, down)
        # Reverse mode, in the direction of every output at once.
        weights = jax.tree.map(
            lambda leaf: jnp.cos(1.0 + jnp.arange(leaf.size)).reshape(leaf.shape), out
        )
        gx, gg = jax.vjp(apply, x, g)[1](weights)
        forward = sum(map(jnp.vdot, jax.tree.leaves(weights), jax.tree.leaves(slope)))
        return slope, difference, forward, jnp.vdot(gx, dx) + jnp.vdot(gg, dg)

    x = case.inside(2, seed=4) if isinstance(case.set, S.Positive) else case.points(2, seed=4)
    g, dx, dg = (case.points(2, seed=seed) for seed in (5, 6, 7))
    for arguments in zip(x, g, dx, dg, strict=True):
        slope, difference, forward, reverse = compare(*arguments)
        for name in slope:
            np.testing.assert_allclose(slope[name], difference[name], atol=1e-7, err_msg=name)
        assert np.isclose(forward, reverse, atol=1e-10)


def awkward_points(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Where textbook derivatives divide by zero: the origin, equal entries, equal eigenvalues."""
    unit = np.zeros(shape)
    unit.flat[0] = 1.0
    points = [np.zeros(shape), np.ones(shape), -np.ones(shape), unit, -unit]
    return [*points, np.eye(*shape), -2 * np.eye(*shape)] if len(shape) == 2 else points


def test_derivatives_stay_finite_at_awkward_points(projectable):
    def apply(x):
        of = projectable.set
        return of.project(x), of.residual(x, jnp.zeros_like(x)), of.distance(x)

    @quick_jit
    def both_ways(x):
        forward = jax.jvp(apply, (x,), (jnp.cos(x + 1.0),))
        reverse = jax.grad(lambda y: sum(map(jnp.sum, apply(y))))(x)
        return forward, reverse

    for point in awkward_points(projectable.shape):
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(both_ways(point))), point


@pytest.mark.parametrize(
    ("of", "point"),
    [
        (S.PositiveSemidefinite(), np.diag([1.0, 1.0, -1.0, -1.0])),
        (S.PositiveSemidefinite(), 2 * np.eye(3)),
        (S.PositiveSemidefinite(), -2 * np.eye(3)),
        (S.Stiefel(), 3 * np.eye(4, 2)),
        (S.Stiefel(), np.diag([2.0, 2.0, -1.0])),
        (S.SecondOrder(), np.array([1.0, 0.0, 0.0])),
        (S.SecondOrder(), np.array([-1.0, 0.0, 0.0])),
        (S.Simplex(), np.array([1.0, 1.0, 0.0, 0.0, 0.0])),
    ],
)
def test_derivatives_are_right_where_values_repeat(of, point):
    @jax.jit
    def compare(x, direction):
        up, down = (of.project(x + step * direction) for step in (1e-6, -1e-6))
        return jax.jvp(of.project, (x,), (direction,))[1], (up - down) / 2e-6

    direction = np.random.default_rng(0).standard_normal(point.shape)
    np.testing.assert_allclose(*compare(point, direction), atol=1e-8)


@pytest.mark.parametrize(
    "of", [S.Stiefel(), S.Sphere(2.0), S.L2Ball(0.5)], ids=lambda s: s.describe()
)
def test_second_derivatives_agree_with_finite_differences(of):
    x, weight, direction = np.random.default_rng(1).standard_normal((3, 3, 2))

    def slope(y):
        return jax.grad(lambda z: jnp.vdot(weight, of.project(z)))(y)

    @jax.jit
    def compare(y):
        difference = (slope(y + 1e-6 * direction) - slope(y - 1e-6 * direction)) / 2e-6
        return jax.jvp(slope, (y,), (direction,))[1], difference

    np.testing.assert_allclose(*compare(x), atol=1e-7)


def test_a_set_offers_exactly_the_capabilities_that_it_names(case):
    x = jnp.asarray(case.points(1, seed=8)[0])
    calls = {
        S.Capability.PROJECT: lambda: case.set.project(x),
        S.Capability.RETRACT: lambda: case.set.retract(x, jnp.zeros_like(x)),
        S.Capability.LMO: lambda: case.set.lmo(x),
        S.Capability.NEIGHBOURS: lambda: case.set.neighbours(x),
    }
    for capability, call in calls.items():
        if capability in case.set.capabilities:
            assert jax.eval_shape(call).shape == x.shape
        else:
            with pytest.raises(S.CapabilityError) as error:
                call()
            assert f"`{capability.value}`" in str(error.value)
            assert case.set.describe() in str(error.value)


def test_free_is_offered_by_elementwise_sets_alone(case):
    x = jnp.asarray(case.points(1, seed=9)[0])
    if case.set.elementwise:
        assert jax.eval_shape(case.set.free, x, x).dtype == bool
    else:
        with pytest.raises(S.CapabilityError, match=r"`free` is not offered by .*Box, Euclidean"):
            case.set.free(x, x)
