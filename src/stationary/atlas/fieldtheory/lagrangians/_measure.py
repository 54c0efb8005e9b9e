"""The experiment: the generator against what is known, and what networks learn of it."""

import numpy as np

from stationary.atlas import Measurements
from stationary.fieldtheory import find_vacuum, lagrangian_terms, model

from ._exact import disagreements, speed, table_differences
from ._learning import learn, learn_all

INVARIANT = (
    "Standard Model",
    "two Higgs doublets",
    "complex singlet",
    "seesaw type II",
    "Georgi-Machacek",
    "leptoquark S3",
    "octet doublet",
    "quadruplet",
)

# Potentials that break the symmetry; masses squared and couplings in units of their own.
VACUA = {
    "Standard Model": {"H H*": -1.0, "H H H* H*": 0.13},
    "two Higgs doublets": {
        "H H*": -1.0, "h h*": -0.4, "H h*": -0.1, "H H H* H*": 0.2, "h h h* h*": 0.3,
        "H H* h h* [1,1]": 0.2, "H H* h h* [1,3]": 0.1, "H H h* h*": -0.05,
    },
    "real singlet": {
        "H H*": -1.0, "s s": -0.3, "H H H* H*": 0.2, "s s s s": 0.1, "H H* s s": 0.05,
        "H H* s": -0.1,
    },
    "seesaw type II": {
        "H H*": -1.0, "D D*": 4.0, "H H D*": -0.2, "H H H* H*": 0.2, "D D D* D* [1,1]": 0.3,
        "D D D* D* [1,5]": 0.2, "H H* D D* [1,1]": 0.1, "H H* D D* [1,3]": 0.1,
    },
}  # fmt: skip


def measure(scale, seed, observe):
    """All claims; smoke leaves the networks and the clock out."""
    found = Measurements()
    if scale == "full":
        learn_all(found, seed, observe)
        return found
    if scale != "smoke":
        # First of all, while nothing has been counted yet.
        observe("another generator's time")
        ours, theirs = speed(seed)
        found.values["speed"] = theirs / ours
        found.notes.append(
            f"200 models of four fields took {1e3 * ours / 200:.2f} ms each, and basisgen "
            f"{1e3 * theirs / 200:.0f} ms."
        )
    observe("tables")
    found.values["tables"] = table_differences()
    observe("another generator")
    count, most = (12, 3) if scale == "smoke" else (150, 6)
    found.values["second generator"] = disagreements(seed, count, most)
    observe("invariance")
    found.values["invariance"] = max(_variation(name, seed) for name in INVARIANT)
    if scale == "smoke":
        return found
    observe("vacua")
    found.values["vacuum"] = sum(_goldstones(name) for name in VACUA)
    learn(found, seed, observe)
    return found


def _variation(name, seed) -> float:
    """The largest slope of a potential along the group, over its largest coefficient there."""
    potential = lagrangian_terms(model(name)).potential()
    rng = np.random.default_rng(seed)
    couplings = {term.name: rng.normal(size=term.shape) for term in potential.terms}
    worst = 0.0
    for draw in range(3):
        x = potential.unravel(np.random.default_rng([seed, draw]).normal(size=potential.size))
        vector = np.asarray(potential.ravel(x), float)
        for matrices in potential.generators.values():
            for matrix in matrices:
                step = matrix @ vector
                if not np.any(step):
                    continue
                line = potential.along(
                    potential.unravel(vector), potential.unravel(step), couplings
                )
                worst = max(worst, abs(line[1]) / np.max(np.abs(line)))
    return float(worst)


def _goldstones(name) -> int:
    """By how many the massless scalars of the vacuum differ from the broken generators."""
    potential = lagrangian_terms(model(name)).potential()
    vacuum = find_vacuum(potential, VACUA[name])
    masses = vacuum.masses_squared
    massless = int(np.sum(np.abs(masses) < 1e-6 * np.max(np.abs(masses))))
    return abs(massless - vacuum.broken) + (vacuum.broken != 3)
