"""Pictures of a vacuum show what its numbers say."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from stationary.certify import certify
from stationary.fieldtheory import Vacuum, lagrangian_terms, parse_fields
from stationary.plot import mass_spectrum, potential_profile

POTENTIAL = lagrangian_terms(
    parse_fields("H: scalar su2=2 y=1/2; s: real scalar"), "SU2 x U1"
).potential()
COUPLINGS = POTENTIAL.couplings({"H H*": -1.0, "H H H* H*": 0.125, "s s": 0.5, "s s s s": 0.1})


def vacuum_at(**values):
    """A vacuum whose place is known, without a search."""
    point = {name: np.zeros(shape) for name, shape in POTENTIAL.shapes.items()}
    for name, value in values.items():
        point[name].flat[0] = value
    vector = POTENTIAL.ravel(point)
    hessian = np.asarray(POTENTIAL.second(vector, COUPLINGS))
    found = certify(POTENTIAL.statement(COUPLINGS), point, second_order=False)
    energy = float(POTENTIAL(point, COUPLINGS))
    return Vacuum(POTENTIAL, COUPLINGS, point, energy, hessian, found, 1, ())


@pytest.fixture(scope="module")
def broken():
    return vacuum_at(H=2.0)


def texts(picture):
    return ["".join(e.itertext()) for e in ElementTree.fromstring(picture).iterfind(".//{*}text")]


def test_levels_say_masses_and_how_many_share_them(broken):
    # m_s² = 1, m_h² = 2; g v / 2 with v² = 8.
    picture = mass_spectrum(broken, {"su2": 1.0, "u1": 0.0}, standalone=True)
    said = texts(picture)
    for words in ("1", "1.41", "3 Goldstones", "3 x 1.41", "0", "scalars", "gauge bosons"):
        assert words in said
    levels = re.findall(r'class="line" d="M([\d.]+) ([\d.]+)H', picture)
    heights = {round(float(y), 1) for _, y in levels}
    assert len(levels) == 4 and len(heights) == 3
    assert "gauge bosons" not in texts(mass_spectrum(broken, standalone=True))


def test_profiles_have_the_hat_and_its_two_vacua(broken):
    picture = potential_profile(broken, standalone=True)
    assert "through the origin" in texts(picture) and "vacuum" in texts(picture)
    # The line through the origin has two minima of one height, and between them a top.
    first = re.search(r'class="line" d="M([^"]+)"', picture)
    assert first is not None
    numbers = np.array(first[1].split("M")[0].replace("L", " ").split(), float)
    y = numbers.reshape(-1, 2)[:, 1]
    lowest = np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:])) + 1
    assert len(lowest) == 2
    assert y[lowest[0]] == pytest.approx(y[lowest[1]], abs=0.3)
    assert "at the top between" in picture


def test_nothing_is_broken_at_the_origin():
    vacuum = vacuum_at()
    assert not any("Goldstone" in words for words in texts(mass_spectrum(vacuum, standalone=True)))
    assert "through the origin" not in texts(potential_profile(vacuum, standalone=True))
    # At a saddle the level of the tachyon lies below zero.
    assert "4 x −1" in texts(mass_spectrum(vacuum, standalone=True))
