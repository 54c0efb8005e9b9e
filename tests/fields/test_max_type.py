"""The equation with a kink: manufactured states, derivatives by differences, and its modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.fields import (
    DirichletLaplacian,
    MaxTypeElliptic,
    ReducedMaxTypeElliptic,
    proper_orthogonal_basis,
)

SHAPES = [11, (7, 9), (4, 5, 3)]


def dense(shape):
    """The matrix of minus the Laplacian by Kronecker products."""
    shape = (shape,) if isinstance(shape, int) else shape
    total = 0
    for axis, n in enumerate(shape):
        own = (n + 1) ** 2 * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
        factors = [own if i == axis else np.eye(m) for i, m in enumerate(shape)]
        product = np.eye(1)
        for factor in factors:
            product = np.kron(product, factor)
        total = total + product
    return total


def bumpy(shape, key):
    """A source whose state changes sign."""
    noise = jax.random.normal(key, (shape,) if isinstance(shape, int) else shape)
    sides = jnp.where(jnp.arange(noise.shape[0]) * 2 < noise.shape[0], 60.0, -60.0)
    return 30 * noise + sides.reshape(-1, *[1] * (noise.ndim - 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_laplacian_is_its_matrix(shape, getkey):
    laplacian, matrix = DirichletLaplacian(shape), dense(shape)
    field = bumpy(shape, getkey())
    flat = np.asarray(field).ravel()
    np.testing.assert_allclose(laplacian.apply(field).ravel(), matrix @ flat, rtol=1e-12)
    shifted = np.linalg.solve(matrix + 2.5 * np.eye(flat.size), flat)
    np.testing.assert_allclose(laplacian.solve(field, 2.5).ravel(), shifted, rtol=1e-10, atol=1e-12)
    found = np.sort(laplacian.eigenvalues.ravel())
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrix), rtol=1e-10)


def test_use_does_not_change_the_structure_of_a_laplacian():
    """Compiled programs are found again by it."""
    laplacian = DirichletLaplacian(5)
    before = jax.tree.structure(laplacian)
    assert laplacian.eigenvalues.shape == (5,)
    assert jax.tree.structure(laplacian) == before


def test_errors_of_a_manufactured_state_are_of_second_order():
    errors = []
    for n in (20, 40, 80, 160):
        equation = MaxTypeElliptic(10.0, n)
        (x,) = equation.laplacian.points
        state = np.sin(2 * np.pi * x)
        found = equation.newton(4 * np.pi**2 * state + 10 * np.maximum(state, 0))
        assert int(found.steps) <= 5
        errors.append(np.max(np.abs(found.field - state)))
    np.testing.assert_allclose(errors, [0.008309, 0.002192, 0.000561, 0.000142], atol=5e-7)


def test_a_manufactured_state_on_a_square():
    errors = []
    for n in (15, 31):
        equation = MaxTypeElliptic(10.0, (n, n))
        x, z = equation.laplacian.points
        state = np.sin(2 * np.pi * x) * np.sin(np.pi * z)
        found = equation.newton(5 * np.pi**2 * state + 10 * np.maximum(state, 0))
        assert int(found.steps) <= 6 and found.residual < 1e-10
        errors.append(np.max(np.abs(found.field - state)))
    assert 3.8 < errors[0] / errors[1] < 4.2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kappa", [0.0, 10.0, 1e4])
def test_the_state_solves_the_discrete_equation(shape, kappa, getkey):
    source = bumpy(shape, getkey())
    found = MaxTypeElliptic(kappa, shape).newton(source)
    flat = np.asarray(found.field).ravel()
    off = dense(shape) @ flat + kappa * np.maximum(flat, 0) - np.asarray(source).ravel()
    assert np.max(np.abs(off)) < 1e-9
    assert found.residual < 1e-10 and int(found.steps) < 20


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_central_differences(shape, getkey):
    source, way = bumpy(shape, getkey()), bumpy(shape, getkey())

    @jax.jit
    def value(source, kappa):
        return jnp.sum(jnp.sin(3 * MaxTypeElliptic(kappa, shape).solve(source)))

    assert 0 < np.mean(MaxTypeElliptic(10.0, shape).solve(source) > 0) < 1
    slope, kappa_slope = jax.grad(value, (0, 1))(source, 10.0)
    small = 1e-5
    by_source = (value(source + small * way, 10.0) - value(source - small * way, 10.0)) / small / 2
    by_kappa = (value(source, 10.0 + small) - value(source, 10.0 - small)) / small / 2
    np.testing.assert_allclose(jnp.vdot(slope, way), by_source, rtol=1e-6)
    np.testing.assert_allclose(kappa_slope, by_kappa, rtol=1e-6)
    forward = jax.jvp(lambda u: value(u, 10.0), (source,), (way,))[1]
    np.testing.assert_allclose(forward, jnp.vdot(slope, way), rtol=1e-10)


@pytest.mark.parametrize("shape", [11, (7, 9)])
def test_second_derivatives_are_those_of_the_gradient(shape, getkey):
    equation, source, way = (
        MaxTypeElliptic(10.0, shape),
        bumpy(shape, getkey()),
        bumpy(shape, getkey()),
    )
    slope = jax.jit(jax.grad(lambda u: jnp.sum(equation.solve(u) ** 4)))
    product = jax.jvp(slope, (source,), (way,))[1]
    small = 1e-5
    differences = (slope(source + small * way) - slope(source - small * way)) / small / 2
    np.testing.assert_allclose(product, differences, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("shape", [11, (7, 9)])
def test_at_zero_the_kink_does_not_count(shape):
    equation, nothing = MaxTypeElliptic(10.0, shape), jnp.zeros(DirichletLaplacian(shape).shape)
    slope = jax.grad(lambda u: jnp.sum(equation.solve(u)))(nothing)
    plain = equation.laplacian.solve(jnp.ones_like(nothing))
    np.testing.assert_allclose(slope, plain, rtol=1e-10)
    assert int(equation.newton(nothing).steps) == 1


def test_lanes_agree_with_single_solves_and_float32_stays(getkey):
    equation = MaxTypeElliptic(10.0, (7, 9))
    sources = jnp.stack([bumpy((7, 9), getkey()) for _ in range(3)])
    together = jax.vmap(equation.solve)(sources)
    alone = jnp.stack([equation.solve(source) for source in sources])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)
    single = equation.newton(sources[0].astype(jnp.float32))
    assert single.field.dtype == jnp.float32 and single.residual < 1e-4


def test_modes_are_orthonormal_and_the_best(getkey):
    laplacian = DirichletLaplacian((7, 9))
    fields = (
        jax.random.normal(getkey(), (6, 7, 9)) * jnp.array([9, 5, 3, 1, 0.1, 0.01])[:, None, None]
    )
    basis = proper_orthogonal_basis(laplacian, fields, 4)
    flat = basis.reshape(4, -1)
    np.testing.assert_allclose(laplacian.cell * flat @ flat.T, np.eye(4), atol=1e-12)
    rows = np.asarray(fields).reshape(6, -1)
    left = rows - laplacian.cell * (rows @ flat.T) @ flat
    # Eckart and Young: what is left is what the other singular values hold.
    sizes = np.linalg.svd(rows, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(left), np.linalg.norm(sizes[4:]), rtol=1e-8)


@pytest.fixture(scope="module")
def reduced():
    equation = MaxTypeElliptic(10.0, (9, 9))
    x, z = equation.laplacian.points
    sources = [20 * np.sin(k * x + m * z) for k in (1, 3, 5) for m in (1, 4)]
    states = np.stack([equation.solve(source) for source in sources])
    return ReducedMaxTypeElliptic(
        equation, proper_orthogonal_basis(equation.laplacian, np.vstack([states, sources]), 8)
    )


def test_the_error_of_few_modes_is_below_its_bound(reduced):
    laplacian = reduced.equation.laplacian
    x, z = laplacian.points
    for rate in (1.5, 2.5, 4.0):
        source = 20 * jnp.sin(rate * x - z)
        found = reduced.solve(reduced.project(source))
        error = reduced.lift(found) - reduced.equation.solve(source)
        size = float(jnp.sqrt(laplacian.inner(error, laplacian.apply(error))))
        bound = float(reduced.error_bound(found, source))
        assert 0 < size <= bound * (1 + 1e-9) < 3 * size


def test_the_reduced_state_solves_the_projected_equation(reduced):
    laplacian = reduced.equation.laplacian
    load = reduced.project(20 * jnp.sin(7 * laplacian.points[0]))
    field = reduced.lift(reduced.solve(load))
    off = reduced.equation.residual(field, reduced.lift(load))
    np.testing.assert_allclose(reduced.project(off), 0, atol=1e-10)
    assert 0 < np.mean(field > 0) < 1


def test_reduced_gradients_are_those_of_central_differences(reduced, getkey):
    load, way = 5 * jax.random.normal(getkey(), (2, 8))

    def value(load):
        return jnp.sum(jnp.sin(3 * reduced.solve(load)))

    small = 1e-5
    differences = (value(load + small * way) - value(load - small * way)) / small / 2
    np.testing.assert_allclose(jnp.vdot(jax.grad(value)(load), way), differences, rtol=1e-6)


def test_bad_input_is_named(reduced):
    with pytest.raises(ValueError, match="kappa must not be negative, got -1.0"):
        MaxTypeElliptic(-1.0, 20)
    with pytest.raises(ValueError, match="kappa must not be negative, got nan"):
        MaxTypeElliptic(float("nan"), 20)
    with pytest.raises(ValueError, match="grid is too small: \\(20, 2\\) inner points"):
        MaxTypeElliptic(1.0, (20, 2))
    with pytest.raises(ValueError, match="1, 2 or 3 axes"):
        DirichletLaplacian((4, 4, 4, 4))
    with pytest.raises(ValueError, match="source has shape \\(5,\\), but the grid has \\(20,\\)"):
        MaxTypeElliptic(1.0, 20).solve(jnp.zeros(5))
    with pytest.raises(ValueError, match="max_steps must be at least 1"):
        MaxTypeElliptic(1.0, 20, max_steps=0)
    laplacian = DirichletLaplacian(5)
    with pytest.raises(ValueError, match="3 modes were asked for, but the 2 snapshots have 1"):
        proper_orthogonal_basis(laplacian, np.ones((2, 5)), 3)
    with pytest.raises(ValueError, match="snapshots must have shape \\(m, 5\\)"):
        proper_orthogonal_basis(laplacian, np.ones((2, 6)), 1)
    with pytest.raises(ValueError, match="the basis is not orthonormal"):
        ReducedMaxTypeElliptic(reduced.equation, np.ones((2, 9, 9)))
    with pytest.raises(ValueError, match="modes of shape \\(5,\\), the grid is \\(9, 9\\)"):
        ReducedMaxTypeElliptic(reduced.equation, np.ones((2, 5)))
