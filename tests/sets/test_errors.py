"""What each bad input is told: what is wrong, where, and what to do."""

import jax.numpy as jnp
import numpy as np
import pytest

from stationary import sets as S

TWO = {"a": jnp.ones(3), "b": jnp.ones(2)}

BAD = [
    (
        lambda: S.Box(2, 1),
        ValueError,
        "no number fits between its lower bound 2 and its upper bound 1",
    ),
    (
        lambda: S.Box([0, 3], [1, 2]),
        ValueError,
        "no number fits at entry 1 between its lower bound 3 and .* 2",
    ),
    (lambda: S.Box([[0, 3]], 2), ValueError, r"at entry \(0, 1\) between its lower bound 3"),
    (lambda: S.Box(np.nan, 1), ValueError, "Box: lower is NaN. Use -inf"),
    (lambda: S.Box(0, [1, np.nan]), ValueError, "Box: upper at entry 1 is NaN"),
    (
        lambda: S.Box(np.inf, np.inf),
        ValueError,
        "between its lower bound inf and its upper bound inf",
    ),
    (lambda: S.Box(np.zeros(2), np.ones(3)), ValueError, r"\(2,\) and upper has shape \(3,\)"),
    (lambda: S.Box("low", 1), TypeError, r"Box\(lower=...\) takes real numbers, got 'low'"),
    (lambda: S.Box(0, 1j), TypeError, r"Box\(upper=...\) takes real numbers"),
    (lambda: S.Box([[0], [1, 2]], 3), TypeError, r"Box\(lower=...\) takes real numbers"),
    (lambda: S.Simplex(0), ValueError, r"Simplex\(total=...\) must be positive and finite, got 0"),
    (lambda: S.Simplex([1, 2]), ValueError, r"takes one number, got an array of shape \(2,\)"),
    (lambda: S.L1Ball(-1), ValueError, r"L1Ball\(radius=...\) must be positive and finite, got -1"),
    (lambda: S.L2Ball(np.nan), ValueError, r"L2Ball\(radius=...\) must be positive"),
    (lambda: S.L2Ball(1.0, np.inf), ValueError, r"L2Ball\(center=...\) must be finite"),
    (lambda: S.LinfBall(np.inf), ValueError, r"LinfBall\(radius=...\) must be positive and finite"),
    (lambda: S.Sphere(0.0), ValueError, r"Sphere\(radius=...\) must be positive"),
    (lambda: S.Product({"a": 3}), TypeError, r"Product\(sets\)\['a'\] is not a set but 3"),
    (lambda: S.as_product(3, TWO), TypeError, "over is not a set but 3. Give a set"),
    (lambda: S.as_product({"a": 3, "b": None}, TWO), TypeError, r"over\['a'\] is not a set but 3"),
    (lambda: S.as_product({"a": None}, TWO), ValueError, "over does not match the variable"),
    (lambda: S.as_product([None, None], TWO, "on"), ValueError, "on does not match the variable"),
    (
        lambda: S.as_product(S.Simplex(), TWO),
        ValueError,
        "simplex of total 1 holds one array, and the variable has 2 leaves.* one set per leaf.*Box",
    ),
    (
        lambda: S.as_product({"net": S.Sphere(), "b": None}, {"net": TWO, "b": jnp.ones(1)}),
        ValueError,
        r"over\['net'\]: the sphere of radius 1 holds one array",
    ),
    (
        lambda: S.as_product(S.Box([0, 0], 1), jnp.ones(3)),
        ValueError,
        r"lower=.*shape \(2,\).*\(3,\)",
    ),
    (
        lambda: S.as_product({"a": S.Box(0, [1, 1]), "b": None}, TWO),
        ValueError,
        r"over\['a'\]: Box",
    ),
    (lambda: S.as_product(S.Box(0, np.ones((2, 3))), jnp.ones(3)), ValueError, r"\(2, 3\).*\(3,\)"),
    (lambda: S.as_product(S.L1Ball(1, [0, 0]), jnp.ones(3)), ValueError, r"L1Ball\(center=...\)"),
    (
        lambda: S.as_product(S.Simplex(), jnp.ones(())),
        ValueError,
        r"over: a simplex needs a last axis",
    ),
    (lambda: S.as_product(S.Simplex(), jnp.ones((2, 0))), ValueError, r"got shape \(2, 0\)"),
    (lambda: S.as_product(S.SecondOrder(), jnp.ones(())), ValueError, r"last axis \(t, z\)"),
    (
        lambda: S.as_product(S.PositiveSemidefinite(), jnp.ones((2, 3))),
        ValueError,
        "equal last axes",
    ),
    (lambda: S.as_product(S.PositiveSemidefinite(), jnp.ones(2)), ValueError, "equal last axes"),
    (lambda: S.as_product(S.Stiefel(), jnp.ones((2, 3))), ValueError, "Transpose"),
    (lambda: S.as_product(S.Sphere(), jnp.ones(0)), ValueError, "at least one entry"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD, ids=[b[2][:40] for b in BAD])
def test_bad_input_is_refused_in_words(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_missing_oracle_names_the_sets_that_have_it():
    with pytest.raises(S.CapabilityError) as error:
        S.Nonnegative().lmo(jnp.ones(2))
    assert str(error.value).startswith("`lmo` is not offered by the nonnegative orthant.")
    for name in ("Box", "L1Ball", "Simplex", "Sphere", "Stiefel"):
        assert name in str(error.value)
    assert "Nonnegative" not in str(error.value)
    assert isinstance(error.value, TypeError)
