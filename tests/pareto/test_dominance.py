"""Domination and hypervolume against counts that share no code with them."""

import itertools

import numpy as np
import pytest

from stationary.pareto import hypervolume, nondominated, simplex_lattice


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_hypervolume_is_that_of_inclusion_and_exclusion(objectives):
    rng = np.random.default_rng(objectives)
    rows, corner = rng.uniform(0, 1.2, (8, objectives)), np.full(objectives, 1.0)
    total = 0.0
    for size in range(1, len(rows) + 1):
        for chosen in itertools.combinations(rows, size):
            # Boxes overlap in the box of their worst entries.
            sides = np.maximum(corner - np.max(chosen, axis=0), 0)
            total += (-1) ** (size + 1) * np.prod(sides)
    np.testing.assert_allclose(hypervolume(rows, corner), total, rtol=1e-12)


@pytest.mark.parametrize("objectives", [2, 3])
def test_hypervolume_is_the_share_of_random_points_that_are_dominated(objectives):
    rng = np.random.default_rng(7)
    rows, corner = rng.uniform(0, 1, (20, objectives)), np.ones(objectives)
    tried = rng.uniform(0, 1, (40_000, objectives))
    hit = np.any(np.all(rows[:, None] <= tried, axis=2), axis=0)
    error = 4 * np.sqrt(hit.mean() * (1 - hit.mean()) / len(tried))
    assert abs(hypervolume(rows, corner) - hit.mean()) < error


def test_dominated_repeated_and_broken_rows_add_nothing():
    rows = np.array([[0.2, 0.5, 0.4], [0.5, 0.2, 0.3]])
    more = [[0.6, 0.6, 0.6], [0.2, 0.5, 0.4], [np.nan, 0.0, 0.0], [2.0, 0.0, 0.0]]
    corner = [1.0, 1.0, 1.0]
    both = hypervolume(np.vstack([rows, more]), corner)
    np.testing.assert_allclose(both, hypervolume(rows, corner), rtol=1e-14)
    assert hypervolume(np.zeros((0, 2)), [1.0, 1.0]) == 0.0


def test_nondominated_is_the_definition():
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 5, (60, 3)).astype(float)  # whole numbers, so that there are ties
    for row, kept in zip(rows, nondominated(rows), strict=True):
        worse = any(all(other <= row) and any(other < row) for other in rows)
        assert kept == (not worse)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="reference point must be 2 finite numbers"):
        hypervolume([[0.0, 1.0]], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="reference point must be 2 finite numbers"):
        hypervolume([[0.0, 1.0]], [1.0, np.inf])
    with pytest.raises(ValueError, match="shape \\(points, objectives\\), got shape \\(2,\\)"):
        nondominated([1.0, 2.0])


@pytest.mark.parametrize(
    ("objectives", "divisions", "count"), [(2, 40, 41), (3, 6, 28), (4, 3, 20)]
)
def test_a_lattice_is_complete_and_walks_to_neighbours(objectives, divisions, count):
    rows = np.round(divisions * simplex_lattice(objectives, divisions)).astype(int)
    assert len(rows) == len({tuple(row) for row in rows}) == count
    assert np.all(rows.sum(axis=1) == divisions) and np.all(rows >= 0)
    assert np.all(np.abs(np.diff(rows, axis=0)).sum(axis=1) == 2)
    with pytest.raises(ValueError, match="must be at least 1"):
        simplex_lattice(objectives, 0)
