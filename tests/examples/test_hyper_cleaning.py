"""Cleaning of data by nested learning: what it finds, and what it is worth."""

import jax
import numpy as np
import pytest

import stationary as st


@pytest.fixture(scope="module")
def solution(example):
    options = {"max_steps": example.STEPS, "progress": False}
    return st.solve(example.problem, example.x0, example.method, **options)


def test_half_of_the_labels_are_wrong_and_no_checked_one(example):
    from sklearn.linear_model import LogisticRegression

    assert 0.45 < example.wrong.mean() < 0.6
    model = LogisticRegression(max_iter=500).fit(*example.held_out)
    data = example.data
    checked = model.predict(data["checked rows"]) == data["checked labels"].argmax(axis=1)
    assert checked.mean() > 0.9
    given = model.predict(data["rows"]) == data["labels"].argmax(axis=1)
    assert given[~example.wrong].mean() > 0.9
    assert given[example.wrong].mean() < 0.1


def test_wrong_labels_are_found(example, solution):
    dropped = example.weights(solution) < 0.5
    assert dropped[example.wrong].mean() > 0.85
    assert dropped[~example.wrong].mean() < 0.15


def test_the_model_is_better_than_without_weights_and_than_the_checked_samples_alone(
    example, solution
):
    own = example.accuracy(solution.value[1], *example.held_out)
    assert own > example.plain_accuracy(example.from_all_alike) + 0.1
    assert own > example.plain_accuracy(example.from_checked_alone)


def test_losses_are_those_of_scikit_learn(example):
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    model = {"weights": rng.normal(size=(64, 10)), "bias": rng.normal(size=10)}
    rows, labels = example.data["rows"][:50], example.data["labels"][:50]
    odds = np.asarray(jax.nn.softmax(rows @ model["weights"] + model["bias"]))
    expected = log_loss(labels.argmax(axis=1), odds, labels=range(10))
    assert float(np.mean(example.losses(model, rows, labels))) == pytest.approx(expected)


def test_picture_and_summary(example, solution, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = tmp_path / "cleaned.png"
    example.draw(path, solution)
    assert path.read_bytes()[:4] == b"\x89PNG"
    lines = example.summary(solution)
    assert lines["wrong labels found"].endswith("%)")
    assert f"of {example.wrong.sum()} (" in lines["wrong labels found"]
