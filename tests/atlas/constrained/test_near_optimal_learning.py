"""The data and the toys of paper 7."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.constrained.near_optimal_learning import _data, _fairness

COLUMNS = (
    "sex,age,race,juv_fel_count,juv_misd_count,juv_other_count,priors_count,"
    "days_b_screening_arrest,c_charge_degree,is_recid,score_text,two_year_recid"
).split(",")


def people(count: int = 240) -> list[dict[str, str]]:
    """Rows of the public table's form, with two common races and a rare one."""
    rng = np.random.default_rng(0)
    races = ["African-American", "Caucasian"]
    return [
        dict(
            zip(
                COLUMNS,
                (
                    str(value)
                    for value in (
                        ("Male", "Female")[i % 2],
                        rng.integers(18, 70),
                        "Asian" if i % 40 == 0 else races[(i // 2) % 2],
                        *rng.integers(0, 3, 4),
                        rng.integers(-30, 31),
                        "FM"[i % 2],
                        0,
                        "Low",
                        i % 3 % 2,
                    )
                ),
                strict=True,
            )
        )
        for i in range(count)
    ]


def write(path, rows):
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def test_compas_keeps_the_usual_rows_and_changes_one_attribute_at_a_time(tmp_path):
    rows = people()
    for row, column, bad in zip(
        rows,
        (
            "days_b_screening_arrest",
            "days_b_screening_arrest",
            "is_recid",
            "c_charge_degree",
            "score_text",
        ),
        ("", "31", "-1", "O", "N/A"),
        strict=False,
    ):
        row[column] = bad
    x, y, changed = _data.compas(write(tmp_path / "compas.csv", rows))
    assert len(x) == len(y) == 235
    # Six plain columns, sex, and one column per race of at least a hundred people.
    assert x.shape[1] == 6 + 1 + 2
    assert set(changed) == {"sex: the other", "race: African-American", "race: Caucasian"}
    moved = {name: np.any(c != x, axis=0) for name, c in changed.items()}
    assert np.flatnonzero(moved["sex: the other"]).tolist() == [6]
    np.testing.assert_array_equal(changed["sex: the other"][:, 6], -x[:, 6])
    assert np.flatnonzero(moved["race: Caucasian"]).tolist() == [7, 8]
    assert np.all(changed["race: Caucasian"][:, 8] == 2)


def test_a_file_that_is_not_compas_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="does not look like"):
        _data.compas(path)
    nobody = [{**row, "is_recid": "-1"} for row in people(4)]
    with pytest.raises(ValueError, match="no rows are left"):
        _data.compas(write(tmp_path / "empty.csv", nobody))


def test_the_environment_decides_which_data(tmp_path, monkeypatch):
    monkeypatch.delenv(_data.VARIABLE, raising=False)
    assert _data.load(0).name.startswith("breast cancer")
    monkeypatch.setenv(_data.VARIABLE, str(write(tmp_path / "compas.csv", people())))
    data = _data.load(0)
    assert data.name.startswith("COMPAS")
    assert len(data.train.rows) == 168 and len(data.test.rows) == 72
    assert not np.array_equal(data.train.rows, _data.load(1).train.rows)


def test_divergence_is_the_mean_relative_entropy_of_two_coins():
    split = _data.Split(
        np.array([[1.0], [2.0]]), np.array([0.0, 1.0]), {"to 3": np.array([[3.0]] * 2)}
    )
    weights = _fairness.network(3, 1, jax.random.key(0))
    p, q = (
        1 / (1 + np.exp(-_fairness.logits(weights, r))) for r in (split.rows, split.changed["to 3"])
    )
    expected = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    np.testing.assert_allclose(_fairness.divergence("to 3")(weights, split), expected, rtol=1e-10)
    likely = np.where(
        split.labels == 1, 1 / (1 + np.exp(-_fairness.logits(weights, split.rows))), 0
    )
    likely = np.where(split.labels == 1, likely, 1 - p)
    decay = sum(float(jnp.sum(w**2)) for w in jax.tree.leaves(weights))
    loss = -np.mean(np.log(likely)) + _fairness.DECAY / 2 * decay
    np.testing.assert_allclose(_fairness.loss(weights, split), loss, rtol=1e-10)


def test_divergence_survives_certain_predictions():
    weights = {
        "in": jnp.ones((1, 1)),
        "bias": jnp.zeros(1),
        "out": jnp.full(1, 1e4),
        "shift": jnp.zeros(()),
    }
    split = _data.Split(np.ones((2, 1)), np.ones(2), {"flip": -np.ones((2, 1))})
    value, slope = jax.value_and_grad(_fairness.divergence("flip"))(weights, split)
    assert np.isfinite(value) and value > 1e3
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))
