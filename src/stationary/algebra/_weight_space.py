"""Spaces with a basis of weights, and the irreducible representations inside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from ._patterns import raising, state_weights
from ._powers import Rep, Weight

# Entries of the matrices here are square roots of rationals of the order of one.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Sparse:
    """A matrix by its entries: `values[i]` in row `rows[i]` and column `columns[i]`."""

    rows: Int[np.ndarray, "entries"]
    columns: Int[np.ndarray, "entries"]
    values: Float[np.ndarray, "entries"]


@dataclass(frozen=True, eq=False)
class WeightSpace:
    """A representation of a product of groups in a basis of weights.

    **Arguments:**

    - `weights`: the Dynkin labels of each basis vector, those of all factors side by side.
    - `raising`: the matrix of each simple root; the basis is such that its transpose lowers.
    """

    weights: Int[np.ndarray, "states labels"]
    raising: Sequence[Sparse]
    _blocks: dict = field(default_factory=dict, repr=False)

    @property
    def states(self) -> dict[Weight, Int[np.ndarray, "states"]]:
        """Places of the basis vectors by weight."""
        if "states" not in self._blocks:
            found: dict[Weight, list[int]] = {}
            for i, weight in enumerate(self.weights.tolist()):
                found.setdefault(tuple(weight), []).append(i)
            self._blocks["states"] = {w: np.array(places) for w, places in found.items()}
        return self._blocks["states"]

    def block(self, root: int, weight: Weight) -> Float[np.ndarray, "raised states"] | None:
        """The part of a raising matrix that acts on one weight, or None where it is zero."""
        if root not in self._blocks:
            self._blocks[root] = self._cut(self.raising[root])
        return self._blocks[root].get(weight)

    def _cut(self, matrix: Sparse) -> dict[Weight, np.ndarray]:
        place = np.zeros(len(self.weights), int)
        owner = np.zeros(len(self.weights), int)
        names = list(self.states)
        for number, places in enumerate(self.states.values()):
            place[places], owner[places] = np.arange(len(places)), number
        found = {}
        sources, targets = owner[matrix.columns], owner[matrix.rows]
        order = np.argsort(sources, kind="stable")
        for chosen in np.split(order, np.flatnonzero(np.diff(sources[order])) + 1):
            if not len(chosen):
                continue
            source, target = names[sources[chosen[0]]], names[targets[chosen[0]]]
            block = np.zeros((len(self.states[target]), len(self.states[source])))
            entries = place[matrix.rows[chosen]], place[matrix.columns[chosen]]
            np.add.at(block, entries, matrix.values[chosen])
            found[source] = block
        return found


@cache
def weight_space(rep: Rep, copies: int = 1) -> WeightSpace:
    """A representation in the Gelfand-Tsetlin basis, `copies` of it one after the other."""
    sizes = [irrep.dimension for irrep in rep]
    grids = np.meshgrid(*[np.arange(size) for size in sizes], indexing="ij")
    places = [grid.ravel() for grid in grids]
    # Without factors there is one state, and its weight has no labels.
    parts = [state_weights(irrep)[at] for irrep, at in zip(rep, places, strict=True)]
    weights = np.concatenate([np.zeros((int(np.prod(sizes)), 0), int), *parts], axis=1)
    matrices = []
    for number, irrep in enumerate(rep):
        before, after = int(np.prod(sizes[:number])), int(np.prod(sizes[number + 1 :]))
        for matrix in raising(irrep):
            full = np.kron(np.kron(np.eye(copies * before), matrix), np.eye(after))
            rows, columns = np.nonzero(full)
            matrices.append(Sparse(rows, columns, full[rows, columns]))
    return WeightSpace(np.tile(weights, (copies, 1)), matrices)


def embeddings(
    space: WeightSpace, rep: Rep, swap: Int[np.ndarray, "states"] | None = None
) -> Float[np.ndarray, "multiplicity states vectors"]:
    """All copies of an irreducible representation in a space.

    **Arguments:**

    - `space`: where.
    - `rep`: which.
    - `swap`: a permutation of the basis vectors that commutes with the group and is its own
        inverse: copies that are even under it come first, then odd ones.

    **Returns:** for each copy, the vectors of the space that are its Gelfand-Tsetlin basis, as
    columns. All are orthonormal. The copies are fixed by their highest vectors: the projections
    of the basis vectors to that space, made orthonormal in the basis's order.
    """
    top = tuple(a for irrep in rep for a in irrep.dynkin)
    highest = _highest_vectors(space, top, swap)
    small = weight_space(rep)
    result = np.zeros((len(highest), len(space.weights), len(small.weights)))
    if not len(highest):
        return result
    result[:, space.states[top], 0] = highest
    # Below the highest, states of one weight are all reached from the weights just above it.
    roots = _simple_roots(rep)
    for weight in sorted(small.states, key=lambda w: -_height(w, rep))[1:]:
        rules, sides = [], []
        for number, root in enumerate(roots):
            block = small.block(number, weight)
            if block is None:
                continue
            higher = tuple(a + b for a, b in zip(weight, root, strict=True))
            inside = space.block(number, weight)
            if inside is None:
                raise AssertionError(f"{rep} is not closed under lowering at {weight}")
            known = result[:, space.states[higher]][:, :, small.states[higher]]
            rules.append(block)
            sides.append(np.einsum("ji,cjq->cqi", inside, known))
        # A row for each state q above: lowering it gives sum over p of <q|raise|p> times p.
        solved = np.linalg.pinv(np.concatenate(rules)) @ np.concatenate(sides, axis=1)
        rows, columns = space.states[weight], small.states[weight]
        result[:, rows[:, None], columns[None, :]] = solved.swapaxes(1, 2)
    return result


def _simple_roots(rep: Rep) -> list[Weight]:
    ranks = [irrep.n - 1 for irrep in rep]
    cartan = np.zeros((sum(ranks), sum(ranks)), int)
    for end, rank in zip(np.cumsum(ranks), ranks, strict=True):
        mine = (
            2 * np.eye(rank, dtype=int)
            - np.eye(rank, k=1, dtype=int)
            - np.eye(rank, k=-1, dtype=int)
        )
        cartan[end - rank : end, end - rank : end] = mine
    return [tuple(row) for row in cartan.tolist()]


def _height(weight: Weight, rep: Rep) -> int:
    # Every simple root adds two.
    total, begin = 0, 0
    for irrep in rep:
        for i in range(irrep.n - 1):
            total += weight[begin + i] * (i + 1) * (irrep.n - 1 - i)
        begin += irrep.n - 1
    return total


def _highest_vectors(
    space: WeightSpace, top: Weight, swap: Int[np.ndarray, "states"] | None
) -> Float[np.ndarray, "multiplicity highest"]:
    if top not in space.states:
        return np.zeros((0, 0))
    places = space.states[top]
    raised = np.zeros((len(places), len(places)))
    for root in range(len(space.raising)):
        block = space.block(root, top)
        if block is not None:
            raised += block.T @ block
    values, vectors = np.linalg.eigh(raised)
    null = vectors[:, values < _ROUNDING * max(1.0, values[-1])]
    projector = null @ null.T
    if swap is None:
        return orthonormal(projector)
    order = np.argsort(places)
    moved = order[np.searchsorted(places[order], swap[places])]
    even = orthonormal((projector + projector[:, moved]) / 2)
    odd = orthonormal((projector - projector[:, moved]) / 2)
    return np.concatenate([even, odd])


def orthonormal(columns: np.ndarray, tolerance: float = 1e-6) -> Float[np.ndarray, "rank rows"]:
    """An orthonormal basis of the span of some columns, by Gram and Schmidt in their order.

    Unlike the vectors of a decomposition, it depends on the span and the order alone.
    """
    found = np.zeros((0, len(columns)), columns.dtype)
    rest = columns.copy()
    for i in range(columns.shape[1]):
        vector = rest[:, i]
        size = np.linalg.norm(vector)
        if size < tolerance:
            continue
        vector = vector / size
        vector = vector - found.T @ (found.conj() @ vector)  # once more, against rounding
        vector /= np.linalg.norm(vector)
        found = np.concatenate([found, vector[None]])
        rest = rest - np.outer(vector, vector.conj() @ rest)
    return found
