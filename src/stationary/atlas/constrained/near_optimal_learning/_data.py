"""Rows, labels, and the changes of protected attributes that a prediction should not feel."""

import csv
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

VARIABLE = "STATIONARY_COMPAS"
"""Set it to the path of `compas-scores-two-years.csv` of propublica/compas-analysis on GitHub."""


class Split(NamedTuple):
    """Rows to train or test on, and the same rows under each protected change."""

    rows: np.ndarray
    labels: np.ndarray
    changed: dict[str, np.ndarray]


class Data(NamedTuple):
    """A task: what it is called, and its two splits."""

    name: str
    train: Split
    test: Split


def load(seed: int) -> Data:
    """COMPAS where the environment says where it is, else the tumours that scikit-learn ships."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return _split("breast cancer (scikit-learn)", *tumours(), seed)
    return _split("COMPAS, two-year recidivism", *compas(Path(path)), seed)


def compas(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The usual 6,172 people: rows, re-arrest within two years, and changes of sex and race.

    **Raises:** `ValueError` when the file lacks a column or has no rows left.
    """
    with path.open(newline="") as file:
        people = list(csv.DictReader(file))
    wanted = {"sex", "race", "age", "priors_count", "c_charge_degree", "two_year_recid"}
    if not people or not wanted <= set(people[0]):
        raise ValueError(
            f"{path} does not look like compas-scores-two-years.csv: it needs the columns "
            f"{sorted(wanted)}. Take it from propublica/compas-analysis on GitHub."
        )
    people = [p for p in people if _usual(p)]
    if not people:
        raise ValueError(f"{path}: no rows are left after the usual filter.")
    races = sorted({p["race"] for p in people})
    common = [r for r in races if sum(p["race"] == r for p in people) >= 100]

    counts = ("juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
    plain = np.array(
        [
            [float(p["age"]), *(np.log1p(float(p[c])) for c in counts), p["c_charge_degree"] == "F"]
            for p in people
        ],
        float,
    )
    sex = np.array([p["sex"] == "Male" for p in people], float)
    race = np.array([[p["race"] == r for r in common] for p in people], float)

    def rows(sex: np.ndarray, race: np.ndarray) -> np.ndarray:
        return np.column_stack([_standard(plain), 2 * sex - 1, 2 * race])

    changed = {"sex: the other": rows(1 - sex, race)}
    for i, name in enumerate(common):
        changed[f"race: {name}"] = rows(sex, np.tile(np.eye(len(common))[i], (len(people), 1)))
    labels = np.array([p["two_year_recid"] == "1" for p in people], float)
    return rows(sex, race), labels, changed


def tumours() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """569 tumours, malignant or not, with two measurements standing in for protected attributes.

    Whether the texture is above its median plays the part of a binary attribute, and the third of
    the smoothness that a tumour falls into the part of one with three values; both say something
    about the label. Four other measurements are left as they are.
    """
    from sklearn.datasets import load_breast_cancer

    found: Any = load_breast_cancer()
    column = {name: found.data[:, i] for i, name in enumerate(found.feature_names)}
    kept = ("mean area", "mean compactness", "mean symmetry", "mean fractal dimension")
    plain = np.column_stack([column[name] for name in kept])
    texture, smooth = column["mean texture"], column["mean smoothness"]
    high = (texture > np.median(texture)).astype(float)
    third = np.searchsorted(np.quantile(smooth, [1 / 3, 2 / 3]), smooth)

    def rows(high: np.ndarray, third: np.ndarray) -> np.ndarray:
        return np.column_stack([_standard(plain), 2 * high - 1, 2 * np.eye(3)[third]])

    changed = {"texture: the other half": rows(1 - high, third)}
    for i, name in enumerate(("lowest", "middle", "highest")):
        changed[f"smoothness: {name} third"] = rows(high, np.full_like(third, i))
    return rows(high, third), (found.target == 0).astype(float), changed


def _usual(person: dict[str, str]) -> bool:
    days = person["days_b_screening_arrest"]
    return (
        bool(days)
        and abs(float(days)) <= 30
        and person["is_recid"] != "-1"
        and person["c_charge_degree"] != "O"
        and person["score_text"] != "N/A"
    )


def _standard(columns: np.ndarray) -> np.ndarray:
    return (columns - columns.mean(0)) / columns.std(0)


def _split(name: str, rows, labels, changed, seed: int) -> Data:
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = int(0.7 * len(rows))

    def take(where: np.ndarray) -> Split:
        return Split(rows[where], labels[where], {n: c[where] for n, c in changed.items()})

    return Data(name, take(order[:cut]), take(order[cut:]))
