"""Potentials: known terms by hand, gauge invariance, and as many terms as there are couplings."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.algebra import gell_mann
from stationary.fieldtheory import EXTENSIONS, Field, lagrangian_terms, model, parse_fields

DOUBLETS = lagrangian_terms(parse_fields("H, h: scalar su2=2 y=1/2")).potential()
SCALAR_MODELS = [
    name
    for name in EXTENSIONS
    if any(not field.fermion for field in model(name)[6:]) and name != "octet doublet"
]


def complex_values(potential, x):
    return [potential.values(x)[field.name] for field in potential.fields]


def random_couplings(potential, seed=0):
    rng = np.random.default_rng(seed)
    return {term.name: rng.normal(size=term.shape) for term in potential.terms}


def sizes(potential, x):
    """The value of each contraction at a point, one real coupling at a time."""
    found = []
    for term in potential.terms:
        for place in np.ndindex(term.shape):
            unit = potential.couplings({})
            unit[term.name][place] = 1.0
            found.append(potential.along(x, potential.zeros(), unit)[0])
    return np.array(found)


def check_invariance(potential, tol=1e-10):
    rng = np.random.default_rng(1)
    x, couplings = potential.random(seed=2), random_couplings(potential)
    angles = {f: rng.normal(size=len(t)) * 2 for f, t in potential.generators.items()}
    turned = potential.turned(x, angles)
    assert not np.allclose(potential.ravel(x), potential.ravel(turned), atol=0.1)
    scale = np.abs(sizes(potential, x)).sum()
    value = potential.along(x, x, couplings)[0]
    assert potential.along(turned, x, couplings)[0] == pytest.approx(value, abs=tol * scale)
    vector = np.asarray(potential.ravel(x))
    for matrices in potential.generators.values():
        slopes = [potential.line(vector, matrix @ vector, couplings)[1] for matrix in matrices]
        np.testing.assert_allclose(slopes, 0, atol=tol * scale)


def check_compiled(potential, tol=1e-10):
    """The same in compiled code, with its derivatives."""
    couplings, vector = random_couplings(potential), potential.ravel(potential.random(seed=2))
    scale = np.abs(sizes(potential, potential.unravel(vector))).sum()
    function = jax.jit(jax.value_and_grad(potential.at_vector))
    value, gradient = function(vector, couplings)
    way = np.asarray(potential.ravel(potential.random(seed=3)))
    line = potential.line(np.asarray(vector), way, couplings)
    assert float(value) == pytest.approx(line[0], abs=tol * scale)
    assert float(gradient @ way) == pytest.approx(line[1], abs=tol * scale)
    for matrices in potential.generators.values():
        slopes = matrices @ np.asarray(vector) @ np.asarray(gradient)
        np.testing.assert_allclose(slopes, 0, atol=tol * scale)


def check_independent(potential, parameters):
    """The contractions at many points are linearly independent: none is zero or repeated."""
    count = sum(int(np.prod(term.shape)) for term in potential.terms)
    assert count == parameters
    matrix = np.array([sizes(potential, potential.random(seed)) for seed in range(count + 5)])
    matrix /= np.linalg.norm(matrix, axis=0)
    assert np.linalg.matrix_rank(matrix, tol=1e-8) == count


@pytest.mark.parametrize("name", SCALAR_MODELS)
def test_potentials_of_known_models_are_invariant_and_complete(name):
    terms = lagrangian_terms(model(name))
    potential = terms.potential()
    scalars = {field.name for field in potential.fields}
    parameters = sum(
        term.real_parameters
        for term in terms.interactions
        if {letter.removesuffix("*") for letter in term.letters} <= scalars
    )
    check_invariance(potential)
    check_independent(potential, parameters)


@pytest.mark.parametrize(
    "text, group",
    [
        ("H: scalar su2=2 y=1/2 copies=2", "SU2 x U1"),
        ("B: real scalar su2_l=2 su2_r=2", "SU2_l x SU2_r"),
        ("B: real scalar su2_l=2 su2_r=2 copies=2; T: real scalar su2_l=3", "SU2_l x SU2_r"),
        ("B: scalar su2_l=2 su2_r=2; R: scalar su2_r=2 u1_bl=1", "SU2_l x SU2_r x U1_bl"),
        # (a a*) couples to 10 and to its conjugate.
        ("a: scalar su3=8 u1_a=1; b: scalar su3=8 u1_b=1", "SU3 x U1_a x U1_b"),
        ("F: scalar su5=5; A: real scalar su5=24", "SU5"),
        ("s: real scalar; p: scalar u1_a=1; q: scalar u1_a=1 u1_b=-1/2", "U1_a x U1_b"),
    ],
)
def test_potentials_of_other_groups(text, group):
    terms = lagrangian_terms(parse_fields(text), group)
    potential = terms.potential()
    check_invariance(potential)
    check_compiled(potential)
    check_independent(potential, terms.real_parameters)


@pytest.mark.slow
def test_the_potential_of_an_octet_doublet():
    terms = lagrangian_terms(model("octet doublet"))
    check_invariance(terms.potential())
    check_independent(terms.potential(), 15 + 2)


def value(potential, x, **couplings):
    return float(potential(x, potential.couplings(couplings)))


def test_terms_of_two_doublets_are_those_of_the_textbook():
    x = DOUBLETS.random(seed=3)
    first, second = complex_values(DOUBLETS, x)
    a, b = np.vdot(first, first).real, np.vdot(second, second).real
    c = np.vdot(second, first)  # h† H
    g = 0.3 - 1.1j
    expected = {
        "H H*": (1.0, a),
        "H h*": (g, 2 * (g * c).real),
        "H H H* H*": (1.0, a**2),
        "H H* h h* [1,1]": (1.0, a * b),
        "H H* h h* [1,3]": (1.0, abs(c) ** 2 - a * b / 2),
        "H H h* h*": (g, 2 * (g * c**2).real),
        "H H H* h*": (g, 2 * (g * c * a).real),
        "H h h* h*": (g, 2 * (g * c * b).real),
    }
    for name, (coupling, known) in expected.items():
        assert value(DOUBLETS, x, **{name: coupling}) == pytest.approx(known, rel=1e-12)
    # The conjugate of a term, and another order of its letters, name the same coupling.
    assert value(DOUBLETS, x, **{"h H*": g.conjugate()}) == value(DOUBLETS, x, **{"h* H": g})


def test_terms_of_triplets_and_octets_are_those_of_the_textbook():
    potential = lagrangian_terms(
        parse_fields("H: scalar su2=2 y=1/2; T: real scalar su2=3")
    ).potential()
    x = potential.random(seed=4)
    higgs, triplet = complex_values(potential, x)
    bilinear = np.vdot(higgs, np.tensordot(triplet, gell_mann(2), 1) @ higgs).real
    assert value(potential, x, **{"H H* T": 1.0}) == pytest.approx(bilinear, rel=1e-12)
    assert value(potential, x, **{"T T T T": 1.0}) == pytest.approx((triplet @ triplet) ** 2)
    octet = lagrangian_terms([Field("O", real=True, su3=8)]).potential()
    x = octet.random(seed=5)
    matrix = np.tensordot(np.asarray(x["O"]), gell_mann(3), 1) / 2
    cubic = np.trace(matrix @ matrix @ matrix).real  # d_abc O O O / 4
    assert value(octet, x, **{"O O O": 1.0}) == pytest.approx(4 * 3**0.5 * cubic, rel=1e-10)
    quartic = np.trace(matrix @ matrix).real ** 2
    assert value(octet, x, **{"O O O O": 1.0}) == pytest.approx(4 * quartic, rel=1e-10)


def test_contractions_of_leptoquarks_add_up_to_the_square():
    potential = lagrangian_terms(parse_fields("r: scalar su3=3 su2=2 y=7/6")).potential()
    x = potential.random(seed=6)
    (r,) = complex_values(potential, x)
    square = np.vdot(r, r).real ** 2
    matrix = r.reshape(3, 2)
    other = np.trace(matrix.conj().T @ matrix @ matrix.conj().T @ matrix).real
    names = [term.name for term in potential.terms if term.degree == 4]
    found = [value(potential, x, **{name: 1.0}) for name in names]
    assert all(f > 0 for f in found)
    # Both textbook contractions are combinations of the two here, with coefficients of no point.
    rows, known = [], []
    for seed in range(6):
        y = potential.random(seed)
        m = complex_values(potential, y)[0].reshape(3, 2)
        rows.append([value(potential, y, **{name: 1.0}) for name in names])
        known.append(np.trace(m.conj().T @ m @ m.conj().T @ m).real)
    shares, *_ = np.linalg.lstsq(np.array(rows), np.array(known), rcond=None)
    assert np.dot(found, shares) == pytest.approx(other, rel=1e-10)
    assert square >= other > 0


def test_a_hessian_by_hand():
    potential = lagrangian_terms(model()).potential()
    mass, quartic = 1.7, 0.3
    couplings = potential.couplings({"H H*": -mass, "H H H* H*": quartic})
    x = jnp.zeros(4).at[1].set((mass / (2 * quartic)) ** 0.5)
    assert float(jnp.max(jnp.abs(jax.grad(potential.at_vector)(x, couplings)))) < 1e-12
    found = np.linalg.eigvalsh(potential.second(x, couplings))
    np.testing.assert_allclose(found, [0, 0, 0, 4 * mass], atol=1e-12)


def test_a_line_is_the_polynomial_that_values_give():
    x, y, couplings = DOUBLETS.random(7), DOUBLETS.random(8), random_couplings(DOUBLETS)
    line = DOUBLETS.along(x, y, couplings)
    for t in (-1.3, 0.4, 2.0):
        point = jax.tree.map(lambda a, b, t=t: a + t * b, x, y)
        at = np.polynomial.polynomial.polyval(t, line)
        assert at == pytest.approx(float(DOUBLETS(point, couplings)), rel=1e-10)
    rays = DOUBLETS.along(DOUBLETS.zeros(), x, couplings)
    for degree in (1, 2, 3, 4):
        part = float(DOUBLETS.part(degree)(x, couplings))
        assert part == pytest.approx(rays[degree], rel=1e-10)


def test_precision_follows_the_fields():
    couplings = random_couplings(DOUBLETS)
    x = DOUBLETS.random(9)
    single = jax.tree.map(lambda v: v.astype(jnp.float32), x)
    assert DOUBLETS(x, couplings).dtype == jnp.float64
    assert DOUBLETS(single, couplings).dtype == jnp.float32
    assert float(DOUBLETS(single, couplings)) == pytest.approx(
        float(DOUBLETS(x, couplings)), rel=1e-4
    )


def test_other_couplings_need_no_new_program():
    potential = lagrangian_terms(model()).potential()
    method = st.methods.from_optax(optax.sgd(0.02))
    first = st.solve(
        potential.statement({"H H*": -1.0, "H H H* H*": 0.5}),
        potential.random(0),
        method,
        max_steps=2000,
    )
    again = st.solve(
        potential.statement({"H H*": -2.0, "H H H* H*": 0.7}),
        potential.random(1),
        method,
        max_steps=2000,
    )
    assert again.stats.traces == 0
    for solution, square in ((first, 1.0), (again, 2 / 1.4)):
        assert float(jnp.sum(solution.value["H"] ** 2)) == pytest.approx(square, rel=1e-4)


@pytest.mark.parametrize(
    "values, words",
    [
        ({"H H": 1.0}, "no term 'H H'; its terms are H H\\*"),
        ({"H H*": 1j}, "its own conjugate"),
        ({"H H*": [1.0, 2.0]}, "has shape"),
        ({"H H*": float("nan")}, "not finite"),
        ({"H H*": "large"}, "must be a number"),
    ],
)
def test_couplings_that_do_not_fit(values, words):
    with pytest.raises(ValueError, match=words):
        DOUBLETS.couplings(values)


def test_a_potential_needs_scalars():
    with pytest.raises(ValueError, match="no scalar fields"):
        lagrangian_terms(parse_fields("N: majorana")).potential()


@pytest.mark.parametrize(
    "terms",
    [
        lagrangian_terms(model("octet doublet")),
        lagrangian_terms(model("Georgi-Machacek")),
        lagrangian_terms(
            parse_fields("a: scalar su3=8 u1_a=1; b: scalar su3=8 u1_b=1"), "SU3 x U1_a x U1_b"
        ),
    ],
    ids=["octet doublet", "Georgi-Machacek", "two octets"],
)
def test_contractions_of_self_conjugate_terms_are_real(terms):
    # Before the real part is taken: a wrong phase would only make them smaller.
    potential = terms.potential()
    letters = np.append(potential.letters @ np.asarray(potential.ravel(potential.random(1))), 1.0)
    found = potential.monomials
    products = found.coefficients * np.prod(letters[found.indices], axis=1)
    real = np.bincount(found.couplings, products.real)
    imaginary = np.bincount(found.couplings, products.imag)
    assert len(real) == len(potential.terms)
    for term, a, b in zip(potential.terms, real, imaginary, strict=True):
        if not term.is_complex:
            assert abs(b) < 1e-10 * abs(a)
