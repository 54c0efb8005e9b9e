"""How much accuracy does fairness cost? The whole front of a classifier's compromises.

    python examples/fairness_front.py                  # on data that scikit-learn ships
    python examples/fairness_front.py compas.csv       # on COMPAS; or set STATIONARY_COMPAS
    stationary solve examples/fairness_front.py        # one fair compromise, with its certificate

A linear score says how likely it is that somebody is arrested again within two years. One objective
is the logistic loss, the other the squared gap between the mean predictions for two groups. A
reference point moves along their front, and each solve starts from the last. What the compromises
are worth is seen on people that were held out, for whom some are dominated by others.

`compas-scores-two-years.csv` is in propublica/compas-analysis on GitHub.
"""

import csv
import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.pareto import pareto_front

VARIABLE = "STATIONARY_COMPAS"
RIDGE = 1e-3
COUNTS = ("priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count")


def compas(path):
    """Rows, re-arrest, and whether someone is African-American, of the usual 6,172 people."""
    with Path(path).open(newline="") as file:
        people = [
            person
            for person in csv.DictReader(file)
            if person["days_b_screening_arrest"]
            and abs(float(person["days_b_screening_arrest"])) <= 30
            and person["is_recid"] != "-1"
            and person["c_charge_degree"] != "O"
            and person["score_text"] != "N/A"
        ]
    if not people:
        raise ValueError(f"{path} has no rows left; is it compas-scores-two-years.csv?")
    rows = [
        [float(p["age"]), p["sex"] == "Male", p["c_charge_degree"] == "F"]
        + [np.log1p(float(p[count])) for count in COUNTS]
        for p in people
    ]
    group = np.array([p["race"] == "African-American" for p in people])
    labels = np.array([p["two_year_recid"] == "1" for p in people])
    return np.array(rows, float), labels, group


def tumours():
    """Rows, malignancy, and whether the texture is above its median, of 569 tumours."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    texture = found.data[:, list(found.feature_names).index("mean texture")]
    kept = [list(found.feature_names).index(f"mean {name}") for name in ("symmetry", "smoothness")]
    kept += [list(found.feature_names).index(f"{name} error") for name in ("texture", "area")]
    return found.data[:, kept], found.target == 0, texture > np.median(texture)


def load(path=None):
    """The people to fit, seven in ten, and those held out, in units of the fitted ones."""
    path = path or os.environ.get(VARIABLE)
    rows, labels, group = compas(path) if path else tumours()
    order = np.random.default_rng(0).permutation(len(rows))
    fitted, held_out = np.split(order, [int(0.7 * len(rows))])
    rows = (rows - rows[fitted].mean(axis=0)) / rows[fitted].std(axis=0)
    return tuple(
        {"rows": rows[part], "labels": labels[part] * 1.0, "group": group[part] * 1.0}
        for part in (fitted, held_out)
    )


def score(x, data):
    """Positive for those of whom the label is expected."""
    return data["rows"] @ x["weights"] + x["bias"]


def loss(x, data):
    """The mean logistic loss, with a little ridge."""
    signs = 2 * data["labels"] - 1
    penalty = RIDGE * (jnp.sum(x["weights"] ** 2) + x["bias"] ** 2)
    return jnp.mean(jax.nn.softplus(-signs * score(x, data))) + penalty


def gap(x, data):
    """The mean prediction for the group less that for the others."""
    chance, group = jax.nn.sigmoid(score(x, data)), data["group"]
    inside, outside = jnp.sum(group * chance), jnp.sum((1 - group) * chance)
    return inside / jnp.sum(group) - outside / jnp.sum(1 - group)


def squared_gap(x, data):
    """What is minimised of it."""
    return gap(x, data) ** 2


def statement(data):
    """Both objectives."""
    return st.Balance({"loss": loss, "squared gap": squared_gap}, data=data)


def start(data):
    """A score of zero for everybody."""
    return {"weights": np.zeros(data["rows"].shape[1]), "bias": np.zeros(())}


def held_out_values(front, data):
    """For each point of a front, the share of wrong predictions and the gap, on other people."""

    def both(x):
        wrong = (score(x, data) > 0) != (data["labels"] > 0.5)
        return jnp.stack([jnp.mean(wrong), jnp.abs(gap(x, data))])

    return np.asarray(jax.vmap(both)(front.points))


def draw(path, values):
    """The picture: compromises that hold up on other people, and those that do not."""
    picture = plot.front(
        {"held out": values},
        title="What fairness costs",
        x_label="share of wrong predictions, held out",
        y_label="gap between the groups",
        standalone=True,
    )
    Path(path).write_text(picture, encoding="utf-8")


def main(source=None, path="fairness-front.svg", spacing=0.05):
    """Walk along the front, and look at it on the people held out."""
    jax.config.update("jax_enable_x64", True)
    fitted, held_out = load(source)
    front = pareto_front(
        statement(fitted), start(fitted), spacing=spacing, tol=1e-8, certificates=True
    )
    values = held_out_values(front, held_out)
    print(front)
    print("  loss   gap | held out: wrong    gap")
    for i in range(0, len(front), max(1, len(front) // 8)):
        own = float(front.values["loss"][i]), float(front.values["squared gap"][i]) ** 0.5
        wrong, apart = values[i]
        print(f"{own[0]:.4f} {own[1]:.3f} | {wrong:15.1%} {apart:6.3f}")
    passed = sum(certificate.passed for certificate in front.certificates)
    draw(path, values)
    print(f"{passed} of {len(front)} certificates pass; {path}")
    return front, values


data, _ = load()
problem, x0 = statement(data), start(data)

if __name__ == "__main__":
    main(*sys.argv[1:3])
