"""What a decoder may write: a state per sequence, and the tokens that it allows."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PyTree


class AbstractConstraint(eqx.Module):
    """A rule for what may follow, such as a grammar: an automaton over tokens, in pure JAX.

    Decoding calls it for every sequence on its own, under `vmap`. States are pytrees of arrays
    that keep their structure, shapes and dtypes.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from stationary import nn
        >>> class Alternate(nn.AbstractConstraint):
        ...     "Two tokens by turns, as many as one likes, and then the end."
        ...
        ...     def init(self, source):
        ...         return jnp.array(5)
        ...
        ...     def allowed(self, state):
        ...         tokens = jnp.arange(20)
        ...         return (tokens == state) | (tokens == 2)
        ...
        ...     def advance(self, state, token):
        ...         return 11 - token
        >>> model = nn.Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> found = nn.greedy(model, jnp.array([[7, 8]]), max_length=6, constraint=Alternate())
        >>> set(found.tokens[0].tolist()) <= {0, 2, 5, 6}
        True
    """

    @abc.abstractmethod
    def init(self, source: Int[Array, "s"]) -> PyTree[Array]:
        """The state before the first token, for one source (padded)."""

    @abc.abstractmethod
    def allowed(self, state: PyTree[Array]) -> Bool[Array, "v"]:
        """Which tokens may come next."""

    @abc.abstractmethod
    def advance(self, state: PyTree[Array], token: Int[Array, ""]) -> PyTree[Array]:
        """The state after a token."""


class Unconstrained(AbstractConstraint):
    """Anything goes."""

    vocabulary: int = eqx.field(static=True)

    def init(self, source):
        return ()

    def allowed(self, state):
        return jnp.ones(self.vocabulary, bool)

    def advance(self, state, token):
        return ()
