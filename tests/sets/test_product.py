"""Products: one set per leaf of a pytree, from whatever prefix a user gives."""

import jax
import jax.numpy as jnp
import numpy as np

from stationary import sets as S

LIKE = {"mix": jnp.ones(3), "net": [jnp.ones((2, 2)), None, jnp.ones(4)], "scale": jnp.ones(())}
OVER = {"mix": S.Simplex(), "net": None, "scale": S.Positive()}
FULL = {"mix": S.Simplex(), "net": [S.L2Ball(1.0), None, S.Box(0, 1)], "scale": S.Sphere(3.0)}


def random_like(seed: int):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), LIKE)


def test_every_operation_acts_leaf_by_leaf():
    product = S.as_product(FULL, LIKE)
    x, g = random_like(0), random_like(1)
    places = [
        lambda t: t["mix"],
        lambda t: t["net"][0],
        lambda t: t["net"][2],
        lambda t: t["scale"],
    ]

    @jax.jit
    def both(product, x, g):
        inside = product.project(x)
        whole = [
            inside,
            product.retract(inside, g),
            product.gradient(inside, g),
            product.residual(inside, g),
            product.price(inside, g),
        ]
        parts = []
        for at in places:
            one, y, h = at(FULL), at(inside), at(g)
            parts.append([one.project(at(x)), one.retract(y, h), one.gradient(y, h)])
            parts[-1] += [one.residual(y, h), one.price(y, h)]
        return whole, parts, product.distance(x), [at(FULL).distance(at(x)) for at in places]

    whole, parts, distance, distances = both(product, x, g)
    for at, part in zip(places, parts, strict=True):
        for tree, leaf in zip(whole, part, strict=True):
            assert (at(tree) is None) if leaf is None else np.allclose(at(tree), leaf, atol=1e-14)
    assert distance == max(distances)
    assert whole[0]["net"][1] is None


def test_lmo_and_free_act_leaf_by_leaf():
    boxes = S.as_product([S.Box(0, 1), S.LinfBall(2.0)], [jnp.ones(2), jnp.ones(1)])
    g = [jnp.array([1.0, -1.0]), jnp.array([3.0])]
    assert jax.tree.map(lambda leaf: leaf.tolist(), boxes.lmo(g)) == [[0.0, 1.0], [-2.0]]
    assert jax.tree.map(lambda leaf: leaf.tolist(), boxes.free(boxes.lmo(g), g)) == [
        [False, False],
        [False],
    ]


def test_a_prefix_is_spread_and_none_is_the_whole_space():
    product = S.as_product(OVER, LIKE)
    assert [type(s) for s in product.leaves] == [S.Simplex, S.Euclidean, S.Euclidean, S.Positive]
    assert all(isinstance(s, S.Euclidean) for s in S.as_product(None, LIKE).leaves)
    assert all(isinstance(s, S.Box) for s in S.as_product(S.Box(0, 1), LIKE).leaves)
    assert len(S.as_product(S.Box(0, 1), LIKE).leaves) == 4


def test_one_set_holds_a_variable_that_is_one_array_or_has_one_leaf():
    x = jnp.array([2.0, 0.0])
    assert S.as_product(S.Simplex(), x).project(x).tolist() == [1.0, 0.0]
    assert S.as_product(S.Simplex(), {"x": x}).project({"x": x})["x"].tolist() == [1.0, 0.0]


def test_shapes_are_enough_and_a_product_is_taken_as_it_is():
    like = jax.eval_shape(lambda: LIKE)
    product = S.as_product(OVER, like)
    again = S.as_product(product, like)
    assert jax.tree.structure(again) == jax.tree.structure(product)
    nested = S.as_product(
        {"mix": None, "net": S.Product([S.Zero(), None, S.Zero()]), "scale": None}, like
    )
    assert [type(s) for s in nested.leaves] == [S.Euclidean, S.Zero, S.Zero, S.Euclidean]


def test_an_elementwise_set_over_a_pytree_is_itself_over_the_concatenation():
    sets = S.Box(-0.5, 0.25), S.LinfBall(0.5, 0.25), S.Nonnegative(), S.Nonpositive(), S.Zero()
    x = {"a": jnp.linspace(-1.0, 1.0, 6).reshape(2, 3), "b": jnp.array([0.3, -2.0])}
    flat = jnp.concatenate([x["a"].reshape(-1), x["b"]])
    for of in sets:
        found = S.as_product(of, x).project(x)
        together = jnp.concatenate([found["a"].reshape(-1), found["b"]])
        assert together.tolist() == of.project(flat).tolist()


def test_the_product_is_what_its_leaves_are():
    product = S.as_product(FULL, LIKE)
    assert product.capabilities == set(S.Capability) - {S.Capability.NEIGHBOURS}
    assert product.closed and product.curved and not product.elementwise
    opened = S.as_product(OVER, LIKE)
    assert not opened.closed and not opened.curved
    assert opened.capabilities == {S.Capability.RETRACT}
    assert S.as_product(S.Box(0, 1), LIKE).elementwise
    assert S.Capability.LMO in S.as_product(S.Box(0, 1), LIKE).capabilities
    assert S.as_product(None, LIKE).price(LIKE, LIKE) is None
    assert product.describe() == (
        "the simplex of total 1 x the l2 ball of radius 1 x the box with lower bound 0 and upper "
        "bound 1 x the sphere of radius 3"
    )


def test_a_variable_without_leaves_has_a_product_too():
    product = S.as_product(None, {})
    assert product.distance({}) == 0.0
    assert product.project({}) == {}
