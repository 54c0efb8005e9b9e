"""Aggregators against published values, other solvers and their defining properties."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    Constant,
    DualProj,
    Mean,
    NashMTL,
    PCGrad,
    RandomWeights,
    Sum,
    UPGrad,
    project_on_dual_cone,
)

EXAMPLE = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
EVERY = [
    UPGrad(), DualProj(), MGDA(), Mean(), Sum(), PCGrad(), CAGrad(0.4), IMTLG(), NashMTL(),
    AlignedMTL(), RandomWeights(),
]  # fmt: skip


def rows(seed, m, n, decades=0.0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-decades, decades, (m, 1))


def test_the_example_of_the_paper():
    gradient, weights = UPGrad().combine(jnp.asarray(EXAMPLE))
    np.testing.assert_allclose(weights, [10 / 9, 15 / 19], atol=1e-12)
    np.testing.assert_allclose(gradient, [50 / 171, 325 / 171, 325 / 171], atol=1e-12)
    np.testing.assert_allclose(
        DualProj().combine(jnp.asarray(EXAMPLE)).gradient, [5 / 9, 10 / 9, 10 / 9], atol=1e-12
    )
    np.testing.assert_allclose(MGDA().combine(jnp.asarray(EXAMPLE)).gradient, [0, 1, 1], atol=1e-12)


def test_no_objective_gets_worse_and_scaling_is_linear():
    rng = np.random.default_rng(0)
    update = jax.jit(lambda j: UPGrad().combine(j).gradient)
    for m, n in ((3, 2), (5, 8), (9, 4)):
        for seed in range(5):
            j = rows(seed, m, n, 4)
            d = np.asarray(update(j))
            lengths = np.linalg.norm(j, axis=1)
            assert np.min(j @ d / lengths) >= -1e-9 * np.linalg.norm(d) - 1e-12 * lengths.max()
            c, e = rng.uniform(0.1, 10, (2, m, 1))
            parts = np.asarray(update(2 * c * j)) + np.asarray(update(3 * e * j))
            whole = np.asarray(update((2 * c + 3 * e) * j))
            np.testing.assert_allclose(parts, whole, atol=1e-9 * lengths.max())


def test_preference_weighs_the_projections():
    j = rows(1, 4, 6)
    preference = np.array([0.1, 0.0, 0.5, 0.4])
    projected = project_on_dual_cone(jnp.asarray(j @ j.T), jnp.eye(4)).weights @ j
    got = UPGrad(preference).combine(jnp.asarray(j)).gradient
    np.testing.assert_allclose(got, preference @ projected, atol=1e-12)
    one = DualProj([1.0, 0, 0, 0]).combine(jnp.asarray(j)).gradient
    np.testing.assert_allclose(one, projected[0], atol=1e-12)


@pytest.mark.parametrize("rule", [UPGrad, DualProj])
def test_preference_cone_against_a_quadratic_program(rule):
    j = rows(2, 3, 5)
    cone = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    starts = np.diag(np.full(3, 1 / 3)) if rule is UPGrad else np.full((1, 3), 1 / 3)
    want = np.zeros(5)
    for start in starts:
        d = cp.Variable(5)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(d - start @ j)), [cone @ j @ d >= 0])
        problem.solve(solver=cp.CLARABEL)
        want += d.value
    np.testing.assert_allclose(rule(cone=cone).combine(jnp.asarray(j)).gradient, want, atol=1e-6)
    same = rule(cone=np.eye(3)).combine(jnp.asarray(j)).gradient
    np.testing.assert_allclose(same, rule().combine(jnp.asarray(j)).gradient, atol=1e-12)


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.9])
def test_conflict_averse_direction_against_a_conic_program(radius):
    j = rows(3, 4, 6)
    mean = j.mean(axis=0)
    d, worst = cp.Variable(6), cp.Variable()
    reach = radius * np.linalg.norm(mean)
    problem = cp.Problem(cp.Maximize(worst), [j @ d >= worst, cp.norm(d - mean) <= reach])
    problem.solve(solver=cp.CLARABEL)
    got = np.asarray(CAGrad(radius).combine(jnp.asarray(j)).gradient)
    np.testing.assert_allclose(np.min(j @ got), problem.value, atol=1e-7)
    assert np.linalg.norm(got - mean) <= reach + 1e-9
    np.testing.assert_allclose(got, d.value, atol=1e-3)  # the program is flat around its answer


def test_conflict_averse_direction_at_a_critical_point_by_hand():
    # The mean is -1/2; max over d of min(d, -2 d) in the ball of radius c/2 around it.
    critical = jnp.array([[1.0], [-2.0]])
    np.testing.assert_allclose(CAGrad(0.5).combine(critical).gradient, -0.25, atol=1e-9)
    np.testing.assert_allclose(CAGrad(1.5).combine(critical).gradient, 0.0, atol=1e-9)


def test_impartial_projections_are_equally_long():
    j = rows(4, 4, 6, 3)
    d = np.asarray(IMTLG().combine(jnp.asarray(j)).gradient)
    onto = j @ d / np.linalg.norm(j, axis=1)
    np.testing.assert_allclose(onto, onto[0], rtol=1e-6)
    np.testing.assert_allclose(np.sum(IMTLG()(jnp.asarray(j))), 1.0, rtol=1e-9)


def test_bargaining_solution_solves_its_equation():
    for seed, decades in ((5, 0), (6, 4)):
        j = rows(seed, 5, 7, decades)
        w = np.asarray(NashMTL(max_norm=None)(jnp.asarray(j)))
        np.testing.assert_allclose(w * (j @ (w @ j)), 1.0, rtol=1e-6)
        short = NashMTL(max_norm=0.5).combine(jnp.asarray(j)).gradient
        np.testing.assert_allclose(np.linalg.norm(short), 0.5, rtol=1e-9)
    critical = np.asarray(NashMTL().combine(jnp.array([[1.0], [-1.0]])).gradient)
    np.testing.assert_allclose(critical, 0.0, atol=1e-6)


def test_aligned_gradients_are_orthogonal_and_equally_long():
    j = rows(7, 3, 5)
    aligned = np.stack([AlignedMTL(e).combine(jnp.asarray(j)).gradient for e in np.eye(3)])
    shortest = np.linalg.svd(j, compute_uv=False)[-1]
    np.testing.assert_allclose(aligned @ aligned.T, shortest**2 * np.eye(3), atol=1e-10)


def test_surgery_takes_the_others_in_turn():
    j = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])
    parts = []
    for i in range(3):
        own = j[i].copy()
        for k in range(3):
            if k != i and own @ j[k] < 0:
                own -= own @ j[k] / (j[k] @ j[k]) * j[k]
        parts.append(own)
    np.testing.assert_allclose(PCGrad().combine(jnp.asarray(j)).gradient, sum(parts), atol=1e-12)
    orders = {tuple(PCGrad()(jnp.asarray(j), jax.random.key(i)).tolist()) for i in range(8)}
    assert len(orders) > 1


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: type(rule).__name__)
def test_every_rule_under_jit_vmap_and_grad_and_with_a_gradient_of_0(rule):
    key = jax.random.key(0)
    stacks = jnp.stack([jnp.asarray(rows(seed, 3, 4)) for seed in (8, 9)])
    batched = jax.jit(jax.vmap(lambda j: rule(j, key)))(stacks)
    for i in range(2):
        np.testing.assert_allclose(batched[i], rule(stacks[i], key), rtol=1e-7, atol=1e-9)
    slope = jax.grad(lambda j: jnp.sum(rule(j, key)))(stacks[0])
    np.testing.assert_array_equal(slope, 0.0)
    with_zero = jnp.concatenate([stacks[0], jnp.zeros((1, 4))])
    assert np.isfinite(rule.combine(with_zero, key).gradient).all()
    assert rule(stacks[0].astype(jnp.float32), key).dtype == jnp.float32


def test_gradients_are_pytrees_in_a_loop_of_ones_own():
    def losses(params):
        return jnp.stack(
            [jnp.sum((params["a"] - 1) ** 2), jnp.sum((params["a"] + params["b"]) ** 2)]
        )

    params = {"a": jnp.zeros(3), "b": jnp.ones(())}
    gradients = jax.jacrev(losses)(params)
    gradient, weights = UPGrad().combine(gradients)
    one_pass = jax.grad(lambda p: weights @ losses(p))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), gradient, one_pass)
    np.testing.assert_array_equal(UPGrad()(gradients), weights)


BAD = [
    (lambda: UPGrad([0.5, -0.5]), "at least 0"),
    (lambda: UPGrad([0.0, 0.0]), "0 for every objective"),
    (lambda: UPGrad([[1.0]]), "takes a vector"),
    (lambda: AlignedMTL([np.nan, 1.0]), "must be finite"),
    (lambda: UPGrad([1.0, 1.0, 1.0])(jnp.eye(2)), "is for 3 objectives, but there are 2"),
    (lambda: DualProj(cone=np.eye(3))(jnp.eye(2)), "is for 3 objectives, but there are 2"),
    (lambda: UPGrad(cone=[1.0]), "takes a finite matrix"),
    (lambda: Constant([0.7, 0.7]), "on the simplex"),
    (lambda: Constant([1.5, -0.5]), "on the simplex"),
    (lambda: Constant([0.5, 0.5])(jnp.eye(3)), "is for 2 objectives, but there are 3"),
    (lambda: CAGrad(-1.0), "at least 0"),
    (lambda: NashMTL(max_norm=0.0), "must be positive"),
    (lambda: RandomWeights()(jnp.eye(2)), "pass a key"),
    (lambda: UPGrad()(jnp.zeros((0, 3))), "no objectives"),
    (lambda: UPGrad()({"a": jnp.eye(2), "b": jnp.eye(3)}), "share a leading axis"),
    (lambda: UPGrad()(jnp.array([[1.0], [np.nan], [np.inf]])), r"objectives \[1, 2\]"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gradients_of_integers_are_refused():
    with pytest.raises(TypeError, match="real floating"):
        st.methods.UPGrad()(jnp.eye(2, dtype=int))
