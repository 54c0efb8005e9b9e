"""One set per leaf of a pytree."""

from typing import Any

import jax.numpy as jnp
import jax.tree_util as jtu
from jaxtyping import Array, Bool, Float, PyTree

from ._base import AbstractSet, Capability, names
from ._elementwise import Euclidean


class Product(AbstractSet):
    """The product of one set per leaf of a variable: every operation acts leaf by leaf.

    **Arguments:**

    - `sets`: a pytree of sets, of the same structure as the variable.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import L2Ball, Product, Simplex
    >>> both = Product({"mix": Simplex(), "shift": L2Ball(1.0)})
    >>> x = {"mix": jnp.array([2.0, 0.0]), "shift": jnp.array([0.0, 4.0])}
    >>> [leaf.tolist() for leaf in both.project(x).values()]
    [[1.0, 0.0], [0.0, 1.0]]
    """

    sets: PyTree

    def __check_init__(self):
        for path, leaf in jtu.tree_flatten_with_path(self.sets, is_leaf=is_set)[0]:
            if not is_set(leaf):
                raise TypeError(
                    f"Product(sets){jtu.keystr(path)} is not a set but {leaf!r}. "
                    "Give one set per leaf; stationary.sets.Euclidean() leaves a leaf free."
                )

    @property
    def leaves(self) -> list[AbstractSet]:
        """The sets, in the order of the variable's leaves."""
        return jtu.tree_leaves(self.sets, is_leaf=is_set)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The oracles that every leaf's set offers."""
        return frozenset(c for c in Capability if all(c in s.capabilities for s in self.leaves))

    @property
    def closed(self) -> bool:
        return all(s.closed for s in self.leaves)

    @property
    def elementwise(self) -> bool:
        return all(s.elementwise for s in self.leaves)

    @property
    def curved(self) -> bool:
        """Whether any leaf lives on a manifold."""
        return any(s.curved for s in self.leaves)

    def check(self, shape: PyTree[tuple[int, ...]], where: str) -> None:
        """Make sure that every leaf's set can hold its leaf.

        **Arguments:**

        - `shape`: a pytree of shapes, one per leaf.
        - `where`: what an error message calls the variable's place.
        """
        paths = jtu.tree_flatten_with_path(self.sets, is_leaf=is_set)[0]
        shapes = jtu.tree_structure(self.sets, is_leaf=is_set).flatten_up_to(shape)
        for (path, leaf), of in zip(paths, shapes, strict=True):
            leaf.check(of, where + jtu.keystr(path))

    def describe(self) -> str:
        found = [s.describe() for s in self.leaves]
        # A set that repeats is said once.
        return " x ".join(dict.fromkeys(found)) if found else "the product of no sets"

    def distance(self, x: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
        """The largest distance of any leaf from its set."""
        distances = jtu.tree_leaves(self._each(lambda s, leaf: s.distance(leaf), x))
        return jnp.max(jnp.stack(distances)) if distances else jnp.zeros(())

    def project(self, x: PyTree[Float[Array, "..."]]) -> PyTree[Float[Array, "..."]]:
        return self._each(lambda s, leaf: s.project(leaf), x)

    def retract(
        self, x: PyTree[Float[Array, "..."]], tangent: PyTree[Float[Array, "..."]]
    ) -> PyTree[Float[Array, "..."]]:
        return self._each(lambda s, leaf, t: s.retract(leaf, t), x, tangent)

    def gradient(
        self, x: PyTree[Float[Array, "..."]], cotangent: PyTree[Float[Array, "..."]]
    ) -> PyTree[Float[Array, "..."]]:
        return self._each(lambda s, leaf, g: s.gradient(leaf, g), x, cotangent)

    def residual(
        self, x: PyTree[Float[Array, "..."]], cotangent: PyTree[Float[Array, "..."]]
    ) -> PyTree[Float[Array, "..."]]:
        return self._each(lambda s, leaf, g: s.residual(leaf, g), x, cotangent)

    def free(
        self, x: PyTree[Float[Array, "..."]], cotangent: PyTree[Float[Array, "..."]]
    ) -> PyTree[Bool[Array, "..."]]:
        return self._each(lambda s, leaf, g: s.free(leaf, g), x, cotangent)

    def lmo(self, cotangent: PyTree[Float[Array, "..."]]) -> PyTree[Float[Array, "..."]]:
        return self._each(lambda s, g: s.lmo(g), cotangent)

    def price(
        self, x: PyTree[Float[Array, "..."]], cotangent: PyTree[Float[Array, "..."]]
    ) -> PyTree[Float[Array, ""] | None]:
        """One price per leaf, `None` where its set has no size, or one `None` if no set has."""
        prices = self._each(lambda s, leaf, g: s.price(leaf, g), x, cotangent)
        return prices if jtu.tree_leaves(prices) else None

    def _each(self, fn, *trees: PyTree) -> Any:
        return jtu.tree_map(fn, self.sets, *trees, is_leaf=is_set)


def as_product(over: PyTree, like: PyTree, where: str = "over") -> Product:
    """Turn what a user gave as the set of a variable into exactly one set per leaf.

    **Arguments:**

    - `over`: one set, or a pytree prefix of sets. `None` is the whole space.
    - `like`: the variable: a pytree of arrays, or of anything else with a `shape`.
    - `where`: what an error message calls `over`.

    **Returns:** a product of the structure of `like`, each of whose sets has checked its leaf's
    shape.

    **Raises:** `TypeError` where `over` holds something other than sets; `ValueError` where
    `over` is not a prefix of `like`, where one set that is not elementwise meets several leaves,
    and where a set cannot hold its leaf.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Simplex, as_product
    >>> x = {"mix": jnp.ones(3), "net": [jnp.ones(2), jnp.ones(4)]}
    >>> as_product({"mix": Simplex(), "net": None}, like=x).describe()
    'the simplex of total 1 x the whole space'
    """
    over = _unwrap(over)
    places = jtu.tree_flatten_with_path(over, is_leaf=_is_set_or_none)
    for path, leaf in places[0]:
        if not _is_set_or_none(leaf):
            raise TypeError(
                f"{where}{jtu.keystr(path)} is not a set but {leaf!r}. Give a set from "
                "stationary.sets, or None for no restriction."
            )
    try:
        subtrees = places[1].flatten_up_to(like)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{where} does not match the variable: it is laid out as {places[1]}, and the variable "
            f"as {jtu.tree_structure(like)}. Give one set, or one set per leaf."
        ) from error
    spread = [
        _spread(s, subtree, where + jtu.keystr(path))
        for (path, s), subtree in zip(places[0], subtrees, strict=True)
    ]
    product = Product(places[1].unflatten(spread))
    shapes = [tuple(leaf.shape) for leaf in jtu.tree_leaves(like)]
    structure = jtu.tree_structure(product.sets, is_leaf=is_set)
    product.check(structure.unflatten(shapes), where)
    return product


def is_set(node: object) -> bool:
    """Whether a node of a pytree is a set, and so a leaf among sets."""
    return isinstance(node, AbstractSet)


def _is_set_or_none(node: object) -> bool:
    return node is None or isinstance(node, AbstractSet)


def _unwrap(over: PyTree) -> PyTree:
    """Products inside a prefix stand for their own pytree of sets."""

    def of(node):
        return _unwrap(node.sets) if isinstance(node, Product) else node

    return jtu.tree_map(of, over, is_leaf=_is_set_or_none)


def _spread(one: AbstractSet | None, subtree: PyTree, where: str) -> PyTree[AbstractSet]:
    one = Euclidean() if one is None else one
    count = len(jtu.tree_leaves(subtree))
    if count > 1 and not one.elementwise:
        raise ValueError(
            f"{where}: {one.describe()} holds one array, and the variable has {count} leaves "
            "there. Give one set per leaf, as a pytree of sets laid out like the variable. "
            f"Only elementwise sets ({names(_is_elementwise)}) spread over several leaves."
        )
    return jtu.tree_map(lambda _: one, subtree)


def _is_elementwise(kind: type[AbstractSet]) -> bool:
    return kind.free is not AbstractSet.free
