"""A decay for every weight: what tuning them is worth, in a smaller network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st

SIZES = (64, 60, 10)


@pytest.fixture(scope="module")
def solution(example):
    options = {"max_steps": 60, "progress": False}
    return st.solve(example.problem, example.state(SIZES), example.method, **options)


def held_out_loss(example, weights):
    return float(example.loss(weights, *example.held_out))


def test_there_are_a_hundred_thousand_decays(example):
    decays, weights = example.x0
    assert sum(matrix.size for matrix in decays) == sum(matrix.size for matrix in weights) > 1e5


def test_tuned_decays_are_worth_it_on_samples_that_nobody_saw(example, solution):
    decays, weights = example.tuned(solution)
    assert [matrix.shape for matrix in decays] == [(64, 60), (60, 10)]
    start = example.network(SIZES)
    one = example.train(example.best_decay(start), start)
    validation = float(example.loss(weights, *example.data["valid"]))
    assert validation < 0.9 * float(example.loss(one, *example.data["valid"]))
    assert held_out_loss(example, weights) < held_out_loss(example, one)
    assert held_out_loss(example, one) < held_out_loss(example, example.train(-jnp.inf, start))


def test_the_gradient_of_the_decays_is_that_of_training_anew(example):
    """Against differences of a lower problem that is solved to the end, in float64."""
    random = np.random.default_rng(0)
    data = {
        name: (random.normal(size=(12, 3)), random.integers(2, size=12))
        for name in ("train", "valid")
    }
    decays = [np.full((3, 2), -4.0), np.full((2, 2), -4.5)]
    weights = [random.normal(size=(3, 2)), random.normal(size=(2, 2))]
    problem = st.Nested(example.on_validation, example.on_training, st.Implicit(), data=data)
    found = st.methods.hypergradient(problem, decays, weights, tol=1e-10)

    def fitted(weights, data):
        return example.on_training(data["decays"], weights, data)

    def validation(entry):
        moved = [decays[0] + entry * np.eye(3, 2), decays[1]]
        fit = st.Minimize(fitted, data={**data, "decays": moved})
        trained = st.solve(fit, weights, tol=1e-11, progress=False)
        return example.on_validation(moved, trained.value, data)

    slope = (validation(1e-4) - validation(-1e-4)) / 2e-4
    assert abs(slope) > 1e-4
    np.testing.assert_allclose(jnp.sum(found.gradient[0] * np.eye(3, 2)), slope, rtol=1e-4)
    assert all(jax.tree.leaves(jax.tree.map(lambda g: bool(jnp.all(g != 0)), found.gradient)))


def test_picture_and_summary(example, solution, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = tmp_path / "decays.png"
    example.draw(path, solution)
    assert path.read_bytes()[:4] == b"\x89PNG"
    lines = example.summary(solution)
    assert lines["hyper-parameters"] == "4,440"
    assert [name.split()[-1] for name in lines][-1] == "weight"
