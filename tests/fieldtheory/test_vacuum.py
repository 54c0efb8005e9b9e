"""Vacua: masses, Goldstone bosons and bounds of known models against closed formulas."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.fieldtheory import (
    Field,
    bounded_below,
    find_vacuum,
    lagrangian_terms,
    model,
)

GAUGE = {"su2": 0.65, "u1": 0.35}
STANDARD = lagrangian_terms(model()).potential()
SINGLET = lagrangian_terms(model("real singlet")).potential()
DOUBLETS = lagrangian_terms(model("two Higgs doublets")).potential()
TRIPLET = lagrangian_terms(model("seesaw type II")).potential()


def length(value):
    """v of a complex field with |φ|² = v² / 2."""
    return np.sqrt(2 * np.sum(np.abs(value) ** 2))


def check_goldstones(vacuum, broken):
    assert vacuum.broken == broken
    assert vacuum.unbroken == vacuum.potential.group.dimension - broken
    assert vacuum.goldstone_defect < 1e-7
    assert vacuum.certificate.passed
    scale = np.abs(vacuum.masses_squared).max()
    massless = np.sum(np.abs(vacuum.masses_squared) < 1e-7 * scale)
    assert massless >= broken
    # The modes are a basis, and those of zero mass hold the Goldstone bosons.
    zero = vacuum.modes[:, np.abs(vacuum.masses_squared) < 1e-7 * scale]
    inside = zero @ (zero.T @ vacuum.goldstone_modes)
    np.testing.assert_allclose(inside, vacuum.goldstone_modes, atol=1e-6)


def test_the_standard_model():
    mass, quartic = 1.3, 0.12
    vacuum = find_vacuum(STANDARD, {"H H*": -mass, "H H H* H*": quartic})
    v = length(vacuum.values["H"])
    assert v**2 / 2 == pytest.approx(mass / (2 * quartic), rel=1e-8)
    np.testing.assert_allclose(vacuum.values["H"], [0, v / np.sqrt(2)], atol=1e-9)
    assert vacuum.energy == pytest.approx(-(mass**2) / (4 * quartic), rel=1e-10)
    check_goldstones(vacuum, 3)
    np.testing.assert_allclose(vacuum.physical_masses_squared, [2 * mass], rtol=1e-8)
    photon, w, other, z = vacuum.gauge_masses(GAUGE)
    g, g1 = GAUGE["su2"], GAUGE["u1"]
    assert photon == pytest.approx(0, abs=1e-6)
    assert w == pytest.approx(other) == pytest.approx(g * v / 2)
    assert w / z == pytest.approx(g / np.hypot(g, g1))
    np.testing.assert_array_equal(vacuum.gauge_masses({"su3": 1.2}), np.zeros(8))
    assert [other.times for other in vacuum.others] == [0]
    assert vacuum.others[0].energy == 0 and vacuum.others[0].lowest < 0
    assert "3 of 12 generators broken" in str(vacuum)
    with pytest.raises(ValueError, match="no factor of the gauge group"):
        vacuum.gauge_masses({"su5": 1.0})
    # Nothing breaks where the mass term is positive.
    symmetric = find_vacuum(STANDARD, {"H H*": mass, "H H H* H*": quartic})
    assert symmetric.is_origin and symmetric.broken == 0 and symmetric.times == 32
    np.testing.assert_allclose(symmetric.physical_masses_squared, [mass] * 4)
    with pytest.raises(ValueError, match="ran away"):
        find_vacuum(STANDARD, {"H H*": -mass, "H H H* H*": -quartic})


def test_a_singlet_mixes_with_the_higgs():
    mass, quartic, singlet_mass, singlet_quartic, portal = 1.0, 0.25, 0.3, 0.2, 0.1
    couplings = {
        "H H*": -mass,
        "H H H* H*": quartic,
        "s s": -singlet_mass,
        "s s s s": singlet_quartic,
        "H H* s s": portal,
    }
    vacuum = find_vacuum(SINGLET, couplings)
    # Tadpoles, linear in v² and w²; then the matrix of second derivatives.
    v2, w2 = np.linalg.solve(
        [[quartic, portal], [portal, 4 * singlet_quartic]], [mass, 2 * singlet_mass]
    )
    mixing = 2 * portal * np.sqrt(v2 * w2)
    matrix = [[2 * quartic * v2, mixing], [mixing, 8 * singlet_quartic * w2]]
    assert length(vacuum.values["H"]) ** 2 == pytest.approx(v2)
    assert vacuum.values["s"].item() ** 2 == pytest.approx(w2)
    np.testing.assert_allclose(vacuum.physical_masses_squared, np.linalg.eigvalsh(matrix))
    check_goldstones(vacuum, 3)
    # Stationary points with one field alone are saddles above it, as is the origin.
    heights = [other.energy for other in vacuum.others]
    alone = [-(mass**2) / (4 * quartic), -(singlet_mass**2) / (4 * singlet_quartic), 0.0]
    np.testing.assert_allclose(heights, alone, atol=1e-9)
    assert all(other.lowest < 0 for other in vacuum.others)


def test_the_lower_of_two_minima_is_the_vacuum():
    # Without the doublet: s⁴/4 - s²/2 + c s has two minima for small c; the lower has c s < 0.
    for linear in (0.1, -0.1):
        vacuum = find_vacuum(
            SINGLET, {"H H*": 1.0, "s": linear, "s s": -0.5, "s s s s": 0.25, "H H H* H*": 1.0}
        )
        roots = np.roots([1.0, 0.0, -1.0, linear])
        lowest = roots[np.argmin(roots**4 / 4 - roots**2 / 2 + linear * roots)]
        assert vacuum.values["s"].item() == pytest.approx(lowest, abs=1e-8)
        assert vacuum.broken == 0 and not vacuum.is_origin
        assert any(other.lowest > 0 for other in vacuum.others)


@pytest.mark.parametrize("first, second", [(0.25, 0.25), (0.1, 0.6)])
def test_a_singlet_potential_is_bounded_where_it_is_copositive(first, second):
    edge = -2 * np.sqrt(first * second)
    for portal, verdict in [
        (0.5, "bounded"),
        (0.98 * edge, "bounded"),
        (edge, "marginal"),
        (1.02 * edge, "unbounded"),
    ]:
        found = bounded_below(
            SINGLET, {"H H H* H*": first, "s s s s": second, "H H* s s": portal, "H H*": -1.0}
        )
        assert found.verdict == verdict and bool(found) == (verdict == "bounded")
        if verdict == "unbounded":
            # The witness: the potential falls along it.
            squares = [np.sum(np.abs(found.direction[name]) ** 2) for name in ("H", "s")]
            quartic = first * squares[0] ** 2 + second * squares[1] ** 2
            assert quartic + portal * squares[0] * squares[1] == pytest.approx(found.minimum)
            assert found.minimum < 0
    assert "quadratic ones fall" in bounded_below(SINGLET, {"H H*": -1.0, "s s": -1.0}).reason
    assert "cubic ones fall" in bounded_below(SINGLET, {"s s s": 1.0}).reason


def inert(l1, l2, l3, l4, l5):
    """The usual λ₁ ... λ₅ of two doublets: (H†H)² λ₁/2 + ... + ((H†h)² λ₅/2 + h.c.)."""
    return {
        "H H H* H*": l1 / 2,
        "h h h* h*": l2 / 2,
        "H H* h h* [1,1]": l3 + l4 / 2,
        "H H* h h* [1,3]": l4,
        "H H h* h*": l5 / 2,
    }


def test_two_doublets_are_bounded_where_the_closed_form_says():
    l1, l2 = 0.4, 0.9
    root = np.sqrt(l1 * l2)
    verdicts = []
    for l3, l4, l5 in itertools.product([-1.1, -0.9, 0.3], [-0.7, 0.0, 0.4], [-0.25, 0.45]):
        l3, l4, l5 = l3 * root, l4 * root, l5 * root
        margin = min(l3 + root, l3 + l4 - abs(l5) + root)
        assert abs(margin) > 0.01
        found = bounded_below(DOUBLETS, inert(l1, l2, l3, l4, l5), starts=24)
        assert found.verdict == ("bounded" if margin > 0 else "unbounded")
        verdicts.append(found.verdict)
    assert 4 <= verdicts.count("bounded") <= 14
    assert bounded_below(DOUBLETS, inert(-0.1, l2, 1.0, 0.0, 0.0)).verdict == "unbounded"


@pytest.mark.slow
def test_masses_of_two_doublets():
    # Branco et al., Physics Reports 516 (2012) 1, section 2: softly broken Z2, tan β = 1.7.
    l1, l2, l3, l4, l5, soft = 0.5, 0.4, 0.3, -0.35, -0.2, 1.1
    v, beta = 2.0, np.arctan(1.7)
    v1, v2 = v * np.cos(beta), v * np.sin(beta)
    l345 = l3 + l4 + l5
    couplings = inert(l1, l2, l3, l4, l5) | {
        "H H*": soft * v2 / v1 - l1 * v1**2 / 2 - l345 * v2**2 / 2,
        "h h*": soft * v1 / v2 - l2 * v2**2 / 2 - l345 * v1**2 / 2,
        "H h*": -soft,
    }
    vacuum = find_vacuum(DOUBLETS, couplings)
    assert length(vacuum.values["H"]) == pytest.approx(v1, rel=1e-7)
    assert length(vacuum.values["h"]) == pytest.approx(v2, rel=1e-7)
    check_goldstones(vacuum, 3)
    mixed = -soft + l345 * v1 * v2
    even = np.linalg.eigvalsh(
        [[soft * v2 / v1 + l1 * v1**2, mixed], [mixed, soft * v1 / v2 + l2 * v2**2]]
    )
    np.testing.assert_allclose(vacuum.values["h"], [0, v2 / np.sqrt(2)], atol=1e-6)
    heavy = soft * v**2 / (v1 * v2)
    odd, charged = heavy - l5 * v**2, heavy - (l4 + l5) * v**2 / 2
    np.testing.assert_allclose(
        vacuum.physical_masses_squared, sorted([*even, odd, charged, charged]), rtol=1e-7
    )
    photon, w, _, z = vacuum.gauge_masses(GAUGE)
    assert photon == pytest.approx(0, abs=1e-6)
    assert w == pytest.approx(GAUGE["su2"] * v / 2)
    assert w / z == pytest.approx(GAUGE["su2"] / np.hypot(*GAUGE.values()))


@pytest.mark.slow
def test_a_heavy_triplet_gets_a_small_value():
    quartic, heavy, mu = 0.25, 20.0, 0.5
    couplings = {"H H*": -1.0, "H H H* H*": quartic, "D D*": heavy**2, "D H* H*": mu}
    vacuum = find_vacuum(TRIPLET, couplings | {"D D D* D* [1,1]": 0.1})
    v, w = length(vacuum.values["H"]), length(vacuum.values["D"])
    # Here μ multiplies Hᵀ iσ₂ σ_a D*_a H, and μ √2 the usual Hᵀ iσ₂ Δ† H with Δ = σ_a D_a / √2.
    usual = np.sqrt(2) * mu
    assert w == pytest.approx(usual * v**2 / (np.sqrt(2) * heavy**2), rel=1e-3)
    check_goldstones(vacuum, 3)
    photon, light, _, z = vacuum.gauge_masses(GAUGE)
    x = w**2 / v**2
    rho = light**2 / z**2 * (GAUGE["su2"] ** 2 + GAUGE["u1"] ** 2) / GAUGE["su2"] ** 2
    assert photon == pytest.approx(0, abs=1e-6)
    assert rho == pytest.approx((1 + 2 * x) / (1 + 4 * x), rel=1e-9)
    assert 1 - rho > 1e-6


def test_scales_do_not_matter():
    # In GeV: v = 246.22, m_h = 125.25.
    v, higgs = 246.22, 125.25
    vacuum = find_vacuum(
        STANDARD, {"H H*": -(higgs**2) / 2, "H H H* H*": higgs**2 / (2 * v**2)}, starts=32
    )
    assert length(vacuum.values["H"]) == pytest.approx(v, rel=1e-8)
    assert np.sqrt(vacuum.physical_masses_squared.item()) == pytest.approx(higgs, rel=1e-8)


def test_single_precision_finds_the_same_vacuum():
    mass, quartic = 1.3, 0.12
    with jax.enable_x64(False):
        vacuum = find_vacuum(STANDARD, {"H H*": -mass, "H H H* H*": quartic})
        assert STANDARD(vacuum.point, vacuum.couplings).dtype == jnp.float32
    assert length(vacuum.values["H"]) ** 2 == pytest.approx(mass / quartic, rel=1e-3)
    assert vacuum.broken == 3 and vacuum.goldstone_defect < 1e-2
    np.testing.assert_allclose(vacuum.physical_masses_squared, [2 * mass], rtol=1e-3)


def test_a_flat_minimum_is_found_as_far_as_rounding_allows():
    # The singlet has a quartic term alone.
    vacuum = find_vacuum(SINGLET, {"H H*": -0.5, "H H H* H*": 0.125, "s s s s": 0.1})
    assert length(vacuum.values["H"]) ** 2 == pytest.approx(4.0, rel=1e-6)
    assert abs(vacuum.values["s"].item()) < 1e-3
    np.testing.assert_allclose(vacuum.physical_masses_squared, [0, 1.0], atol=1e-5)


def test_a_lagrangian_stands_for_its_potential():
    terms, couplings = lagrangian_terms(model()), {"H H*": -1.0, "H H H* H*": 0.25}
    assert find_vacuum(terms, couplings).energy == pytest.approx(-1.0)
    assert bounded_below(terms, couplings)


def test_a_search_needs_starts():
    for search in (find_vacuum, bounded_below):
        with pytest.raises(ValueError, match="starts=0"):
            search(STANDARD, {"H H H* H*": 1.0}, starts=0)


@pytest.mark.slow
def test_an_adjoint_breaks_to_what_commutes_with_it():
    # SU(3) by an octet without a cubic term: any direction; with one, SU(2) x U(1) remains.
    potential = lagrangian_terms([Field("O", real=True, su3=8)], "SU3").potential()
    vacuum = find_vacuum(potential, {"O O": -1.0, "O O O": 0.4, "O O O O": 0.3}, starts=8)
    assert (vacuum.broken, vacuum.unbroken) == (4, 4)
    assert vacuum.goldstone_defect < 1e-7
    masses = vacuum.gauge_masses({"su3": 1.0})
    np.testing.assert_allclose(masses[:4], 0, atol=1e-6)
    # |[T_8, T_4]| = √3/2, so the four heavy ones have m = g √3/2 |v|.
    v = np.linalg.norm(jnp.asarray(vacuum.values["O"]))
    np.testing.assert_allclose(masses[4:], np.sqrt(3) / 2 * v, rtol=1e-7)


@pytest.mark.slow
def test_su5_breaks_to_the_standard_model():
    # Buras, Ellis, Gaillard and Nanopoulos, Nucl. Phys. B 135 (1978) 66: without a cubic term the
    # colour octet and the weak triplet have masses 1 : 4, and all twelve X and Y bosons the same.
    potential = lagrangian_terms([Field("A", real=True, su5=24)], "SU5").potential()
    quartic = next(term.name for term in potential.terms if term.degree == 4)
    vacuum = find_vacuum(potential, {"A A": -1.0, quartic: 0.5}, starts=16)
    check_goldstones(vacuum, 12)
    masses = vacuum.physical_masses_squared
    assert masses[0] > 0
    np.testing.assert_allclose(masses / masses[0], [1] * 8 + [4] * 3 + [4 / masses[0]], rtol=1e-6)
    # T_24 = diag(2, 2, 2, -3, -3) / √60 along |v|: m = g |v| √(5/12).
    bosons = vacuum.gauge_masses({"su5": 0.7})
    np.testing.assert_allclose(bosons[:12], 0, atol=1e-5)
    size = np.linalg.norm(vacuum.values["A"])
    np.testing.assert_allclose(bosons[12:], 0.7 * size * np.sqrt(5 / 12), rtol=1e-6)
