"""The scalar potential of a Lagrangian, as a function that every method can minimise."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PyTree, Shaped

from ._action import gauge_action, letter_basis
from ._field import Field
from ._group import GaugeGroup

if TYPE_CHECKING:
    from .._statements import Minimize

Values = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Monomials:
    """Products of up to four components of scalar fields.

    **Arguments:**

    - `indices`: the factors of each, among the components of all letters; one beyond the last
        stands for the number one, where there are fewer than four.
    - `coefficients`: the factor of each, its coupling apart.
    - `couplings`: the place of its coupling among all.
    """

    indices: Int[np.ndarray, "monomials 4"]
    coefficients: Complex[np.ndarray, "monomials"]
    couplings: Int[np.ndarray, "monomials"]


@dataclass(frozen=True)
class CouplingShape:
    """What the coupling of a term looks like.

    **Arguments:**

    - `name`: the term's letters, with the contraction in brackets where there are several.
    - `degree`: how many fields are multiplied.
    - `count`: `None` for one number, else how many contractions with flavours there are.
    - `is_complex`: whether it is complex; the last axis then holds real and imaginary part.
    """

    name: str
    degree: int
    count: int | None
    is_complex: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the real array that holds it."""
        return (() if self.count is None else (self.count,)) + ((2,) if self.is_complex else ())


@dataclass(frozen=True, eq=False)
class ScalarPotential:
    """The potential V(x, couplings) of all scalar fields, a real polynomial of degree four.

    Made by [`TermSet.potential`][stationary.fieldtheory.TermSet.potential]. The unknown x has one
    real array for each scalar field: `[d]` for a real field of dimension d, and `[2, d]` for a
    complex one, φ = x[0] + i x[1] without a factor 1/√2; with several copies, `[copies, d]` and
    `[2, copies, d]`. Components are in the basis of
    [`generators`][stationary.algebra.generators], several groups in the order of the gauge
    group's factors.

    V is the sum of couplings times contractions, plus the complex conjugate for terms with
    `+ h.c.`. A contraction's largest component is one. So a term with a single contraction that
    is a product of squares is just that: the coupling of `H H H* H*` multiplies (H† H)², that of
    `T T` the sum of the squares of T, and of `H H* h h*`, `[1,1]` is (H† H)(h† h).

    **Arguments:**

    - `fields`: the scalar fields.
    - `group`: the gauge group.
    - `terms`: the couplings, in order.
    - `monomials`: the polynomial.
    """

    fields: tuple[Field, ...]
    group: GaugeGroup
    terms: tuple[CouplingShape, ...]
    monomials: Monomials

    def __call__(
        self, x: Mapping[str, Shaped[Any, "..."]], couplings: Mapping[str, Any]
    ) -> Float[Array, ""]:
        """The potential at one point.

        **Arguments:**

        - `x`: a real array for each field, as said above.
        - `couplings`: as `couplings` returns them, by name.
        """
        vector = self.ravel(x)
        kind = jnp.result_type(vector, 1j)
        # One gather for all degrees, the missing factors being one: quick to compile.
        letters = jnp.append(jnp.asarray(self.letters, kind) @ vector, 1.0)
        given = [jnp.ravel(jnp.asarray(couplings[term.name], vector.dtype)) for term in self.terms]
        # The coupling of a term with a conjugate counts twice, for both.
        strengths = jnp.asarray(self._strengths, kind) @ jnp.concatenate(given)
        # Indices of one width, whether or not 64 bits are switched on around this.
        factors = letters[jnp.asarray(self.monomials.indices, jnp.int32)]
        places = jnp.asarray(self.monomials.couplings, jnp.int32)
        product = strengths[places] * jnp.asarray(self.monomials.coefficients, kind)
        for column in range(factors.shape[1]):
            product = product * factors[:, column]
        return jnp.sum(product.real)

    def couplings(self, values: Mapping[str, Any]) -> dict[str, Float[np.ndarray, "..."]]:
        """Couplings by name as the real arrays that the potential takes; those left out are zero.

        **Arguments:**

        - `values`: by term, its letters in any order: a number, complex where the term has
            `+ h.c.`, or an array with one for each contraction of several copies. Of a term and
            its conjugate, either may be named.

        **Returns:** one real array per term; complex ones have a last axis of length two.

        **Raises:** `ValueError` for a term that the potential does not have, a shape that does not
        fit, a number that is not finite, or a complex number for a real coupling.

        !!! example
            >>> from stationary.fieldtheory import Field, lagrangian_terms
            >>> potential = lagrangian_terms([Field("s", real=True)], "U1").potential()
            >>> potential.couplings({"s s": -1.0, "s s s s": 0.25})["s s s s"].item()
            0.25
        """
        found = {term.name: np.zeros(term.shape) for term in self.terms}
        by_key = {_key(term.name): term for term in self.terms}
        for name, value in values.items():
            term = by_key.get(_key(name))
            if term is None:
                term, value = by_key.get(self._conjugate(_key(name))), np.conj(value)
            if term is None:
                raise ValueError(
                    f"the potential has no term {name!r}; its terms are "
                    f"{', '.join(t.name for t in self.terms)}."
                )
            found[term.name] = _fitted(term, value)
        return found

    def statement(self, couplings: Mapping[str, Any], over: PyTree = None) -> "Minimize":
        """Minimise the potential: a statement that `stationary.solve` solves.

        **Arguments:**

        - `couplings`: by name, as `couplings` takes them; they are the statement's data, so that
            others need no new compilation.
        - `over`: the set of the fields; default unrestricted.

        !!! example
            >>> import stationary as st
            >>> from stationary.fieldtheory import Field, lagrangian_terms
            >>> potential = lagrangian_terms([Field("H", su2=2, y="1/2")], "SU2 x U1").potential()
            >>> problem = potential.statement({"H H*": -1.0, "H H H* H*": 0.5})
            >>> solution = st.solve(problem, potential.random(seed=0))
            >>> round(float((solution.value["H"] ** 2).sum()), 4)  # 1 / (2 * 0.5)
            1.0
        """
        from .._statements import Minimize

        return Minimize(self, over=over, data=self.couplings(couplings))

    def part(self, degree: int) -> "ScalarPotential":
        """The terms of one degree alone; it takes the same couplings."""
        degrees = np.array([term.degree for term in self.terms])
        owner = np.repeat(np.arange(len(self.terms)), [t.count or 1 for t in self.terms])
        kept = degrees[owner][self.monomials.couplings] == degree
        m = self.monomials
        return replace(
            self, monomials=Monomials(m.indices[kept], m.coefficients[kept], m.couplings[kept])
        )

    def along(
        self, x: Mapping[str, Any], direction: Mapping[str, Any], couplings: Mapping[str, Any]
    ) -> Float[np.ndarray, "5"]:
        """The potential along a line, a polynomial of degree four, in float64.

        **Arguments:**

        - `x`, `direction`: a point of the line, and where it goes.
        - `couplings`: as `couplings` returns them.

        **Returns:** the coefficients of V(x + t direction) for 1, t, ..., t⁴.
        """
        start, way = (
            np.concatenate([np.ravel(v[name]) for name in self.shapes]) for v in (x, direction)
        )
        return self.line(start, way, couplings)

    def line(
        self,
        vector: Float[np.ndarray, "size"],
        direction: Float[np.ndarray, "size"],
        couplings: Mapping[str, Any],
    ) -> Float[np.ndarray, "5"]:
        """The same as `along`, for vectors of all components."""
        ends = np.append(self.letters @ vector, 1.0), np.append(self.letters @ direction, 0.0)
        given = [np.ravel(couplings[term.name]) for term in self.terms]
        strengths = self._strengths @ np.concatenate(given)
        product = (strengths[self.monomials.couplings] * self.monomials.coefficients)[:, None]
        for column in self.monomials.indices.T:
            fixed, moving = (end[column][:, None] for end in ends)
            product = np.pad(product * fixed, ((0, 0), (0, 1))) + np.pad(
                product * moving, ((0, 0), (1, 0))
            )
        return np.real(product.sum(axis=0))

    def at_vector(
        self, vector: Float[Array, "size"], couplings: Mapping[str, Any]
    ) -> Float[Array, ""]:
        """The potential as a function of the vector of all components."""
        return self(self.unravel(vector), couplings)

    @cached_property
    def second(self) -> Callable[..., Float[Array, "size size"]]:
        """The second derivatives as a compiled function of the vector and the couplings."""
        return jax.jit(jax.hessian(self.at_vector))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each field's array."""
        found = {}
        for field in self.fields:
            shape = (field.copies, field.dimension) if field.copies > 1 else (field.dimension,)
            found[field.name] = shape if field.real else (2, *shape)
        return found

    @property
    def size(self) -> int:
        """The number of real components of all fields."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def zeros(self) -> Values:
        """The point where all fields vanish."""
        return {name: jnp.zeros(shape) for name, shape in self.shapes.items()}

    def random(self, seed: int = 0, scale: float = 1.0) -> Values:
        """A point with normally distributed components.

        **Arguments:**

        - `seed`: which.
        - `scale`: the standard deviation of a component.
        """
        return self.unravel(np.random.default_rng(seed).normal(size=self.size) * scale)

    def ravel(self, x: Mapping[str, Any]) -> Float[Array, "size"]:
        """All components in one vector, field after field."""
        return jnp.concatenate([jnp.ravel(jnp.asarray(x[name])) for name in self.shapes])

    def unravel(self, vector: Float[Any, "size"]) -> Values:
        """The opposite of `ravel`."""
        found, begin = {}, 0
        for name, shape in self.shapes.items():
            end = begin + int(np.prod(shape))
            found[name] = jnp.reshape(jnp.asarray(vector[begin:end]), shape)
            begin = end
        return found

    def values(self, x: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The fields as NumPy arrays, complex ones as complex numbers."""
        found = {}
        for field in self.fields:
            value = np.asarray(x[field.name])
            found[field.name] = value if field.real else value[0] + 1j * value[1]
        return found

    @cached_property
    def kinetic(self) -> Float[np.ndarray, "size"]:
        """Twice the factor of each component's squared derivative: 1 in a real field's
        (∂x)²/2, 2 in a complex one's |∂φ|². Divide by its root for canonical fields."""
        parts = [
            np.full(int(np.prod(self.shapes[field.name])), 1.0 if field.real else 2.0)
            for field in self.fields
        ]
        return np.concatenate(parts)

    @cached_property
    def generators(self) -> dict[str, Float[np.ndarray, "generators size size"]]:
        """For each factor of the gauge group, the matrices i T_a on the real components.

        They are antisymmetric; x + ε (i T_a) x is a small gauge transformation.
        """
        found = {}
        for factor in self.group.factors:
            blocks = [gauge_action(field, self.group, factor) for field in self.fields]
            total = np.zeros((blocks[0].shape[0], self.size, self.size))
            begin = 0
            for block in blocks:
                end = begin + block.shape[1]
                total[:, begin:end, begin:end] = block
                begin = end
            found[factor] = total
        return found

    def turned(self, x: Mapping[str, Any], angles: Mapping[str, Any]) -> Values:
        """A point after a finite gauge transformation, exp(i angle_a T_a).

        **Arguments:**

        - `x`: the point.
        - `angles`: for some factors of the group, an angle for each generator.
        """
        total = sum(
            (np.tensordot(np.atleast_1d(a), self.generators[f], 1) for f, a in angles.items()),
            np.zeros((self.size, self.size)),
        )
        values, vectors = np.linalg.eigh(1j * total)
        turn = (vectors * np.exp(-1j * values)) @ vectors.conj().T
        return self.unravel(np.real(turn) @ np.asarray(self.ravel(x)))

    def _conjugate(self, key: tuple[tuple[str, ...], str]) -> tuple[tuple[str, ...], str]:
        real = {field.name for field in self.fields if field.real}
        flipped = [
            a if a in real else a.removesuffix("*") if a.endswith("*") else f"{a}*" for a in key[0]
        ]
        return tuple(sorted(flipped)), key[1]

    @cached_property
    def letters(self) -> Complex[np.ndarray, "components size"]:
        """The matrix that makes the components of all letters from the real components."""
        blocks = []
        for field in self.fields:
            unit = np.eye(field.copies * field.dimension)
            if field.real:
                basis = letter_basis(field, self.group)
                blocks.append(np.kron(np.eye(field.copies), basis))
            else:
                blocks.append(np.block([[unit, 1j * unit], [unit, -1j * unit]]))
        result = np.zeros((sum(len(b) for b in blocks), self.size), complex)
        row = column = 0
        for block in blocks:
            result[row : row + len(block), column : column + block.shape[1]] = block
            row, column = row + len(block), column + block.shape[1]
        return result

    @cached_property
    def _strengths(self) -> Complex[np.ndarray, "couplings numbers"]:
        """The matrix that makes one complex number per contraction from all real numbers."""
        rows = []
        for term in self.terms:
            rows += [[2, 2j] if term.is_complex else [1]] * (term.count or 1)
        result = np.zeros((len(rows), sum(map(len, rows))), complex)
        begin = 0
        for row, entries in zip(result, rows, strict=True):
            row[begin : begin + len(entries)] = entries
            begin += len(entries)
        return result


def _key(name: str) -> tuple[tuple[str, ...], str]:
    """Letters in any order, and the contraction's label."""
    body, _, label = name.partition("[")
    return tuple(sorted(body.split())), re.sub(r"[\s\]]", "", label)


def _fitted(term: CouplingShape, value: Any) -> Float[np.ndarray, "..."]:
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.number):
        raise ValueError(f"the coupling of {term.name} must be a number, got {value!r}.")
    if term.is_complex and array.shape != term.shape:
        array = np.stack([np.real(array), np.imag(array)], axis=-1)
    elif np.iscomplexobj(array):
        if np.any(np.imag(array)):
            raise ValueError(f"{term.name} is its own conjugate, and its coupling real: {value!r}.")
        array = np.real(array)
    if array.shape != term.shape:
        raise ValueError(
            f"the coupling of {term.name} has shape {term.shape}, got {np.shape(value)}."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"the coupling of {term.name} is not finite: {value!r}.")
    return array.astype(float)
