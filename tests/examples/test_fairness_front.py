"""What fairness costs: the front is one, its ends are known, and the data are read."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import stationary as st

COLUMNS = (
    "sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
    "days_b_screening_arrest", "c_charge_degree", "is_recid", "score_text", "two_year_recid",
)  # fmt: skip


@pytest.fixture(scope="module")
def walked(example, tmp_path_factory):
    """A coarse front of the data that are at hand, and its picture."""
    picture = tmp_path_factory.mktemp("front") / "front.svg"
    return *example.main(os.environ.get(example.VARIABLE), picture, spacing=0.25), picture


def test_every_compromise_is_certified_and_none_is_dominated(walked):
    front, _, _ = walked
    assert front.converged.all() and front.nondominated.all() and len(front) >= 5
    assert all(certificate.passed for certificate in front.certificates)


def test_the_accurate_end_is_logistic_regression(example, walked):
    front, _, _ = walked
    fitted, _ = example.load()
    rows = fitted["rows"]
    reference = LogisticRegression(
        C=1 / (2 * example.RIDGE * len(rows)), fit_intercept=False, tol=1e-10, max_iter=1000
    ).fit(np.column_stack([rows, np.ones(len(rows))]), fitted["labels"])
    best = {"weights": reference.coef_[0, :-1], "bias": reference.coef_[0, -1]}
    lowest = float(example.loss(best, fitted))
    # The end gives a thousandth of its weight to the gap.
    assert lowest <= front.values["loss"][0] + 1e-9 < lowest + 1e-4


def test_the_fair_end_has_no_gap_and_costs_accuracy(walked):
    front, _, _ = walked
    assert front.values["squared gap"][-1] < 1e-3 < front.values["squared gap"][0]
    assert front.values["loss"][-1] > 1.02 * front.values["loss"][0]


def test_values_on_other_people_are_counted(example, walked):
    front, values, picture = walked
    _, other = example.load()
    score = other["rows"] @ front.points["weights"][1] + front.points["bias"][1]
    assert values[1, 0] == pytest.approx(np.mean((score > 0) != (other["labels"] > 0.5)))
    chance = 1 / (1 + np.exp(-score))
    inside = other["group"] > 0.5
    assert values[1, 1] == pytest.approx(abs(chance[inside].mean() - chance[~inside].mean()))
    assert "share of wrong predictions" in Path(picture).read_text()


def test_rows_of_the_file_are_filtered_as_usual(example, tmp_path):
    usual = ("Male", 30, "African-American", 0, 1, 0, 3, -1, "F", 1, "Low", 1)
    rows = [
        usual,
        ("Female", 40, "Caucasian", 0, 0, 0, 0, 5, "M", 0, "High", 0),
        (*usual[:7], 31, *usual[8:]),  # arrested too long before the screening
        (*usual[:7], "", *usual[8:]),
        (*usual[:10], "N/A", 1),
        (*usual[:8], "O", *usual[9:]),
    ]
    path = tmp_path / "compas.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    found, labels, group = example.compas(path)
    np.testing.assert_allclose(found[0], [30, 1, 1, np.log(4), 0, np.log(2), 0])
    assert len(found) == 2 and labels.tolist() == group.tolist() == [True, False]
    path.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(ValueError, match="has no rows left"):
        example.compas(path)


def test_it_can_be_solved_from_the_command_line(example):
    assert isinstance(example.problem, st.Balance)
    assert example.x0["weights"].shape == (example.data["rows"].shape[1],)
