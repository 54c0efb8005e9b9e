"""Geometries: how far apart points are, for steps that are to stay near where they began."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, PyTree

from ...sets import AbstractSet, Simplex


class AbstractGeometry(eqx.Module):
    """What keeps a step near: the step to z' minimises <step V, z' - z> + distance(z', z).

    A geometry of your own says in `move` where that minimum is, for one array in one set. Its
    distance must be at least |z' - z|^2 / 2, so that step sizes mean the same in all.
    """

    metric: eqx.AbstractVar[PyTree]
    """Positive weights of the distance: a pytree prefix of the unknown."""

    @abc.abstractmethod
    def move(
        self, within: AbstractSet, x: Float[Array, "*shape"], move: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """The point of a set that minimises <move, z'> + distance(z', x).

        **Arguments:**

        - `within`: the set of the array.
        - `x`: where the step begins.
        - `move`: step times slope over the metric's weight.
        """


class EuclideanGeometry(AbstractGeometry):
    """The squared Euclidean distance, weighted: steps are projected gradient steps.

    A larger weight makes an unknown slower: it moves by step times slope over weight. Sets that
    judge each entry on its own (`Box`, `Nonnegative`, the whole space) take a weight per entry;
    all others take one number per array, under which the nearest point is the same.

    **Arguments:**

    - `metric`: positive weights: a number, or a pytree prefix of the unknown with numbers or
        arrays that broadcast to its leaves.

    **Raises:** `ValueError` for weights that are not positive and finite; at the start of a solve
    for weights that do not fit the unknown or its sets.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.methods import EuclideanGeometry, ExtraGradient
        >>> scales = jnp.array([1.0, 1e4])
        >>> problem = st.VariationalInequality(lambda x: scales * (x - 1))
        >>> outcome = st.run(
        ...     problem, jnp.zeros(2), ExtraGradient(geometry=EuclideanGeometry(scales))
        ... )
        >>> outcome.point.primal.round(4).tolist(), int(outcome.steps) < 200
        ([1.0, 1.0], True)

    !!! cite "Reference"
        Facchinei and Pang (2003), Finite-Dimensional Variational Inequalities, section 12.1.2.
    """

    metric: PyTree = 1.0

    def __check_init__(self):
        check_metric(self.metric, "EuclideanGeometry")

    def move(self, within, x, move):
        return within.project(x - move)


class EntropicGeometry(AbstractGeometry):
    """Relative entropy on simplices, where steps multiply; Euclidean on every other set.

    x' is proportional to x exp(-move / total): with `ExtraGradient` this is mirror-prox, with
    `GradientDescentAscent` it is multiplicative weights. On a simplex of many entries it follows
    the largest slope rather than the sum of squares of all.

    An estimated step is one for Euclidean distances: safe, and short. For a matrix game
    `ExtraGradient` takes steps up to one over the largest payoff.

    Entries that underflow are kept at the smallest normal number, so none is lost for ever.

    **Arguments:**

    - `metric`: positive weights, as
        [`EuclideanGeometry`][stationary.methods.EuclideanGeometry] takes them.

    **Raises:** `ValueError` as `EuclideanGeometry` does.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.methods import EntropicGeometry, ExtraGradient
        >>> simplex, payoff = st.Simplex(), jnp.array([[0.0, 1.0], [2.0, 0.0]])
        >>> game = st.Saddle(lambda x, y: x @ payoff @ y, simplex, simplex)
        >>> even = jnp.array([0.5, 0.5])
        >>> outcome = st.run(game, (even, even), ExtraGradient(geometry=EntropicGeometry()))
        >>> outcome.point.primal[0].round(3).tolist()
        [0.667, 0.333]

    !!! cite "Reference"
        Nemirovski (2004), Prox-method with rate of convergence O(1/t) for variational
        inequalities with Lipschitz continuous monotone operators.
    """

    metric: PyTree = 1.0

    def __check_init__(self):
        check_metric(self.metric, "EntropicGeometry")

    def move(self, within, x, move):
        if not isinstance(within, Simplex):
            return within.project(x - move)
        total = jnp.asarray(within.total, x.dtype)
        logits = jnp.log(jnp.maximum(x, jnp.finfo(x.dtype).tiny)) - move / total
        return total * jax.nn.softmax(logits, axis=-1)


def check_metric(metric: PyTree, owner: str) -> None:
    """Refuse weights that are not positive and finite.

    **Raises:** `ValueError` naming the weight.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(metric):
        if isinstance(leaf, Tracer):
            continue
        if not _positive(leaf):
            where = f"{owner}: metric{jax.tree_util.keystr(path)}"
            raise ValueError(f"{where} must be positive and finite numbers, got {leaf!r}.")


def _positive(leaf: Any) -> bool:
    try:
        numbers = np.asarray(leaf, float)
    except (TypeError, ValueError):
        return False
    return bool(np.all(np.isfinite(numbers) & (numbers > 0)))


def spread_metric(
    metric: PyTree, like: PyTree[Array], sets: list[AbstractSet], owner: str
) -> list[Array]:
    """One weight per leaf of the unknown, each a number or an array of the leaf's shape.

    **Raises:** `ValueError` where weights do not fit the unknown, or differ between entries that
    a set holds together.
    """
    places, structure = jax.tree_util.tree_flatten_with_path(metric)
    try:
        parts = structure.flatten_up_to(like)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{owner}: the metric is laid out as {structure}, and the unknown as "
            f"{jax.tree.structure(like)}. Give one number, or a pytree prefix of the unknown."
        ) from error
    weights = []
    for (path, weight), part in zip(places, parts, strict=True):
        for leaf in jax.tree.leaves(part):
            within = sets[len(weights)]
            weight = jnp.asarray(weight, leaf.dtype)
            where = f"{owner}: metric{jax.tree_util.keystr(path)}"
            if weight.ndim and not within.elementwise:
                raise ValueError(
                    f"{where} has a weight per entry, but {within.describe()} holds its entries "
                    "together, and its nearest point depends on them. Give one number there."
                )
            if not _fits(weight.shape, leaf.shape):
                raise ValueError(
                    f"{where} has shape {weight.shape}, and the unknown {leaf.shape} there."
                )
            weights.append(weight)
    return weights


def _fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False
