"""The problems, ravines and searches of paper 30."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from stationary.atlas.constrained.divergence_search import _criterion, _problems, _search
from stationary.atlas.constrained.divergence_search._ravines import trace
from stationary.methods import GradientNorm

EXAMPLES = (*_problems.CONSTRAINED, _problems.himmelblau, _problems.valley)


def roots(fn, low, high, count=4001):
    """The zeros of a smooth function of an interval."""
    at = np.linspace(low, high, count)
    signs = np.sign([fn(t) for t in at])
    return [brentq(fn, at[i], at[i + 1]) for i in np.flatnonzero(signs[:-1] * signs[1:] < 0)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_divergence_agrees_with_finite_differences_of_newton_steps(example):
    rng = np.random.default_rng(3)
    step = jax.jit(example.newton_step)
    for z in rng.uniform(0.5, 2, (5, example.size)):
        sides = 1e-5 * np.eye(example.size)
        columns = [(step(z + d) - step(z - d)) / 2e-5 for d in sides]
        trace_ = -np.trace(np.array(columns)) / example.size
        scale = np.linalg.norm(columns)
        assert abs(float(example.divergence(jnp.asarray(z))) - trace_) <= 1e-5 * scale


@pytest.mark.parametrize(
    "example",
    [_problems.circle, _problems.valley_on_circle, _problems.himmelblau_on_circle],
    ids=lambda e: e.name,
)
def test_every_stationary_point_on_a_circle_is_found(example):
    def around(t):
        return jnp.sqrt(2.0) * jnp.stack([jnp.cos(t), jnp.sin(t)])

    slope = jax.jit(jax.grad(lambda t: example.objective(around(t))))
    # Shifted, so that no stationary point is at an end.
    angles = roots(slope, 0.1, 0.1 + 2 * np.pi, 1001)
    expected = np.array([around(t) for t in angles])
    starts = np.random.default_rng(0).uniform(-3, 3, (400, 3))
    found = _problems.stationary_points(example, starts)
    assert len(found) == len(expected)
    apart = np.linalg.norm(found[:, None, :2] - expected, axis=2)
    assert np.max(apart.min(axis=1)) < 1e-6 and np.max(apart.min(axis=0)) < 1e-6


def test_stationary_points_in_closed_form_are_found():
    starts = np.random.default_rng(0).uniform(-3, 3, (400, 3))
    found = _problems.stationary_points(_problems.hs7, starts)
    # x = 0 and y = +-sqrt 3, or y = -(1 + x^2)^2 with (1 + x^2)^2 = (sqrt 17 - 1) / 2.
    square = (17**0.5 - 1) / 2
    x = (square**0.5 - 1) ** 0.5
    expected = [[-x, -square], [0, -(3**0.5)], [0, 3**0.5], [x, -square]]
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-8)
    found = _problems.stationary_points(_problems.ellipse, starts)
    np.testing.assert_allclose(np.abs(found), [[2**0.5, 0.5**0.5, 1]] * 4, atol=1e-8)


def test_the_criterion_is_zero_at_stationary_points_and_a_trace(monkeypatch):
    monkeypatch.setattr(_criterion, "CONSTRAINED", _problems.CONSTRAINED[1:3])
    found = _criterion.on_constrained_problems(np.random.default_rng(0), 200, 10)
    assert found.count == 6 + 4 and found.undefined == 0
    assert found.at < 1e-20 and found.apart < 1e-10


def test_the_distance_notices_a_wrong_divergence(monkeypatch):
    right = _problems.Example.divergence
    monkeypatch.setattr(_problems.Example, "divergence", lambda self, z: right(self, z) + 1e-3)
    monkeypatch.setattr(_criterion, "CONSTRAINED", _problems.CONSTRAINED[:1])
    found = _criterion.on_constrained_problems(np.random.default_rng(0), 50, 5)
    assert found.apart > 1e-9 and found.at > 1e-7


def test_zero_curves_are_traced_to_their_length():
    traced = trace(lambda p: p @ p - 1, (-2.0, 2.0), (-1.5, 1.5), 81)
    assert len(traced.lengths) == 1
    np.testing.assert_allclose(traced.lengths, 2 * np.pi, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(traced.points, axis=1), 1, rtol=1e-12)
    assert traced.through([[1.0, 0.0], [0.0, 0.0]]) == [0, -1]
    x, y = traced.polylines()
    pieces = np.hypot(np.diff(x), np.diff(y))
    np.testing.assert_allclose(np.nansum(pieces), traced.lengths.sum(), rtol=1e-12)
    assert np.isnan(x).sum() == 1


def test_poles_are_no_zeros():
    traced = trace(lambda p: (p[1] - 0.31) / (p[0] - 0.123), (-1.0, 1.0), (-1.0, 1.0), 51)
    np.testing.assert_allclose(traced.points[:, 1], 0.31, atol=1e-12)
    # The curve is cut where it meets the pole, and nothing runs along that.
    assert 1.9 < traced.lengths.sum() < 2


def test_crossing_curves_are_joined_as_their_centre_says():
    # Two branches of a hyperbola in one cell: which corner they cut off depends on its centre.
    for shift, sign in ((0.05, 1), (-0.05, -1)):
        traced = trace(lambda p, s=shift: p[0] * p[1] - s, (-1.0, 1.0), (-1.0, 1.0), 2)
        assert len(traced.lengths) == 2
        for a, b in traced.links:
            middle = (traced.points[a] + traced.points[b]) / 2
            assert np.sign(middle[0] * middle[1]) == sign


def test_the_ravines_of_the_circle_are_those_in_closed_form():
    def height(p):
        z = jnp.array([p[0], p[0], p[1]])
        return (_problems.circle.divergence(z) - 1) * p[0] ** 2 * p[1]

    traced = trace(height, (-2.5, 2.5), (-2.0, 2.0), 60)
    x, multiplier = traced.points.T
    np.testing.assert_allclose(multiplier * (1 - 3 * x**2), x, atol=1e-9)
    one, other = traced.through([[1.0, -0.5], [-1.0, 0.5]])
    assert one != other and min(traced.lengths[[one, other]]) > 1


def test_the_ravine_of_rosenbrock_is_the_floor_of_the_valley():
    x, gap = jnp.meshgrid(jnp.linspace(-2, 2, 9), jnp.array([-0.3, -0.01, 0.0, 0.002, 0.2]))
    z = jnp.stack([x, x**2 + gap], -1).reshape(-1, 2)
    expected = 1 + 100 * gap / (1 - 200 * gap)
    found = jax.vmap(_problems.valley.divergence)(z)
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-6)


def test_runs_count_steps_until_the_gradient_is_small():
    example = _problems.himmelblau
    begin = _search.starts(example, jax.random.key(0), 4)
    merits = {"full": None, "norm": GradientNorm()}
    runs = _search.compare(example, merits, begin)
    for name, merit in merits.items():
        walk = jax.jit(jax.vmap(lambda z, m=merit: _search.path(example, m, z)))
        walked = np.asarray(walk(begin))
        np.testing.assert_array_equal(walked[:, 0], begin)
        x, y = walked[..., 0], walked[..., 1]
        slopes = [
            4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7),
            2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7),
        ]
        sizes = np.hypot(*slopes)
        for size, solved, count in zip(
            sizes, runs[name].solved, runs[name].iterations, strict=True
        ):
            assert solved and size[count] <= _search.SOLVED
            assert np.all(size[:count] > _search.SOLVED)


def test_a_start_that_never_arrives_is_not_counted_as_solved():
    # |x| has no stationary point that Newton's method could reach: its Hessian is zero.
    example = _problems.Example("kink", lambda x: jnp.sum(jnp.abs(x) ** 1.0))
    runs = _search.compare(example, {"full": None}, jnp.ones((3, 2)))["full"]
    assert not np.any(runs.solved) and np.all(runs.iterations == _search.STEPS)
