"""What every set can say about itself, and which oracles it may offer."""

import abc
import enum
from collections.abc import Iterator
from typing import NoReturn

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Capability(enum.Enum):
    """The oracles a set may offer to a method.

    Methods ask for what they need, and sets say what they have.

    **Example:**

    >>> from stationary.sets import Capability, Simplex
    >>> Capability.LMO in Simplex().capabilities
    True
    """

    PROJECT = "project"
    RETRACT = "retract"
    LMO = "lmo"
    NEIGHBOURS = "neighbours"


class CapabilityError(TypeError):
    """A set was asked for an oracle that it cannot offer.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import CapabilityError, Euclidean
    >>> try:
    ...     Euclidean().lmo(jnp.ones(2))
    ... except CapabilityError as error:
    ...     print(str(error).split(".")[0])
    `lmo` is not offered by the whole space
    """


class AbstractSet(eqx.Module):
    """Where a variable may live.

    A set is a pytree whose leaves are its own numbers, held as NumPy floats and cast to the
    variable's dtype when they are used. Every method is pure, works under `jit`, `vmap` and
    `grad`, and keeps the dtype of `x`. The defaults below are those of a closed convex set that
    has a projection.

    **Example:** a set of your own needs `project`, `check` and `describe`.

    >>> import jax.numpy as jnp
    >>> from stationary.sets import AbstractSet
    >>> class Halfspace(AbstractSet):
    ...     "Arrays whose entries have a sum of at most zero."
    ...
    ...     def check(self, shape, where):
    ...         pass
    ...
    ...     def describe(self):
    ...         return "the halfspace of sums at most zero"
    ...
    ...     def project(self, x):
    ...         return x - jnp.maximum(jnp.mean(x), 0.0)
    >>> Halfspace().residual(jnp.zeros(2), -jnp.ones(2)).tolist()
    [0.0, 0.0]
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The oracles this set offers."""
        return frozenset(c for c in Capability if offers(type(self), c))

    @property
    def closed(self) -> bool:
        """Whether the set holds its own boundary. No start can be projected into an open set."""
        return True

    @property
    def elementwise(self) -> bool:
        """Whether membership is decided entry by entry, so that it spreads over a pytree."""
        return False

    @property
    def curved(self) -> bool:
        """Whether the set is a manifold, on which `retract` is the native move."""
        return False

    @abc.abstractmethod
    def check(self, shape: tuple[int, ...], where: str) -> None:
        """Make sure that this set can hold an array of a given shape.

        **Arguments:**

        - `shape`: the shape of the variable.
        - `where`: the name by which an error message calls the variable's place, such as
          `over['weights']`.

        **Raises:** `ValueError`, naming `where`, what does not fit and what to do.
        """

    @abc.abstractmethod
    def describe(self) -> str:
        """A few words for reports and messages, such as `the l1 ball of radius 8`."""

    def distance(self, x: Float[Array, "*shape"]) -> Float[Array, ""]:
        """How far `x` is from the set, in the largest entry.

        **Arguments:**

        - `x`: any point.

        **Returns:** a number at least 0, and 0 (to rounding) exactly on the set.
        """
        return largest(x - self.project(x))

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The nearest point of the set, in the Euclidean norm.

        **Arguments:**

        - `x`: any point.

        **Returns:** the nearest point, of the same shape and dtype.

        **Raises:** `CapabilityError` where the set has no projection.
        """
        self._lacks(Capability.PROJECT)

    def retract(
        self, x: Float[Array, "*shape"], tangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """Move from `x` along `tangent` and stay in the set, correct to first order in the tangent.

        **Arguments:**

        - `x`: a point of the set.
        - `tangent`: the step. On a manifold, a tangent vector at `x`.

        **Returns:** a point of the set.

        **Raises:** `CapabilityError` where the set has no such move.
        """
        return self.project(x + tangent)

    def gradient(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """Turn a Euclidean gradient into the set's own: itself, or its tangent part on a manifold.

        **Arguments:**

        - `x`: a point of the set.
        - `cotangent`: the Euclidean gradient there.

        **Returns:** the direction of steepest ascent, as `retract` takes it.
        """
        return cotangent

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """How far `x` is from stationary for a function with gradient `cotangent`.

        For a closed convex set this is the natural residual x - P(x - g): one step of projected
        gradient.

        **Arguments:**

        - `x`: any point, inside the set or not.
        - `cotangent`: the gradient at `x`.

        **Returns:** an array that is zero exactly where `x` is in the set and `-cotangent` is in
        its normal cone. Its Jacobian is the square system that implicit derivatives go through.

        **Source:** Facchinei and Pang (2003), Finite-Dimensional Variational Inequalities,
        section 1.5.2.
        """
        return x - self.project(x - cotangent)

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        """Which entries can move: those that the gradient does not hold at a bound.

        **Arguments:**

        - `x`: a point of the set.
        - `cotangent`: the gradient at `x`.

        **Returns:** True where the entry can move.

        **Raises:** `CapabilityError` unless the set is elementwise.
        """
        raise CapabilityError(
            f"`free` is not offered by {self.describe()}: its entries are not bounded one by one. "
            f"Sets that offer it: {names(lambda kind: kind.free is not AbstractSet.free)}."
        )

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The point of the set where the linear function with gradient `cotangent` is least.

        **Arguments:**

        - `cotangent`: the gradient.

        **Returns:** a minimiser of the inner product with `cotangent` over the set (any, where
        several tie).

        **Raises:** `CapabilityError` where the set is unbounded.
        """
        self._lacks(Capability.LMO)

    def neighbours(self, x: Float[Array, "*shape"]) -> Float[Array, "count *shape"]:
        """The points one discrete move away from `x`.

        **Arguments:**

        - `x`: a point of a discrete set.

        **Returns:** the neighbours, stacked along a new first axis.

        **Raises:** `CapabilityError` where the set is not discrete.
        """
        self._lacks(Capability.NEIGHBOURS)

    def price(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, ""] | None:
        """The set's own multiplier: how fast the optimal value falls as the set's size grows.

        **Arguments:**

        - `x`: a stationary point in the set.
        - `cotangent`: the gradient there.

        **Returns:** the rate, or `None` for a set without a size. It is never negative for a set
        that only grows with its size (the balls). A set that moves with its size (the simplex,
        the sphere) is an equality, and its rate has either sign.
        """
        return None

    def _lacks(self, capability: Capability) -> NoReturn:
        have = names(lambda kind: offers(kind, capability))
        raise CapabilityError(
            f"`{capability.value}` is not offered by {self.describe()}. Sets that offer it: {have}."
        )


class AbstractCone(AbstractSet):
    """A closed convex cone, with the projection onto its polar cone that comes with it.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Nonpositive
    >>> Nonpositive().polar(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def polar(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The nearest point of the polar cone, by Moreau's decomposition x = P_K(x) + P_polar(x).

        **Arguments:**

        - `x`: any point.

        **Returns:** the nearest of all points whose inner product with every point of the cone is
        at most 0.

        **Source:** Moreau (1962), Decomposition orthogonale d'un espace hilbertien selon deux
        cones polaires.
        """
        return x - self.project(x)


def offers(kind: type[AbstractSet], capability: Capability) -> bool:
    """Whether a class of sets has an oracle. The default `retract` goes through `project`."""
    overridden = getattr(kind, capability.value) is not getattr(AbstractSet, capability.value)
    return overridden or (capability is Capability.RETRACT and offers(kind, Capability.PROJECT))


def names(having) -> str:
    """The names of the known sets for which `having` holds, in words."""
    found = sorted({kind.__name__ for kind in _kinds(AbstractSet) if having(kind)})
    return ", ".join(found) or "none that has been imported"


def largest(x: Float[Array, "..."]) -> Float[Array, ""]:
    """The largest magnitude among the entries; 0 where there are none."""
    return jnp.max(jnp.abs(x), initial=0.0)


def _kinds(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        if not child.__name__.startswith("Abstract") and child.__name__ != "Product":
            yield child
        yield from _kinds(child)
