"""The vacuum: the lowest stationary point of a potential, and the particles around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._orientation import oriented
from ._potential import ScalarPotential
from ._starts import starts as starting_points
from ._termset import TermSet

if TYPE_CHECKING:
    from .._method import AbstractMethod
    from ..certify import Certificate

_RANK = 1e-6


@dataclass(frozen=True, eq=False)
class StationaryPoint:
    """Another stationary point that a search came upon.

    **Arguments:**

    - `values`: the fields there.
    - `energy`: the potential there.
    - `lowest`: the smallest squared mass: negative at a saddle.
    - `times`: how many starts led there; 0 for the origin when none did.
    """

    values: dict[str, np.ndarray]
    energy: float
    lowest: float
    times: int


@dataclass(frozen=True, eq=False)
class Vacuum:
    """The vacuum of a potential, as `find_vacuum` returns it.

    Masses are those of canonical fields, with kinetic terms |∂φ|² of complex fields and (∂φ)²/2
    of real ones.

    **Arguments:**

    - `potential`, `couplings`: what it is the vacuum of.
    - `point`: the fields, as the potential takes them.
    - `energy`: the potential there.
    - `hessian`: the second derivatives of the potential there, by real component.
    - `certificate`: how stationary it is, computed from the statement alone.
    - `times`: how many starts led there.
    - `others`: other stationary points that were found, the lowest first.
    """

    potential: ScalarPotential
    couplings: dict[str, Float[np.ndarray, "..."]]
    point: dict[str, Float[np.ndarray, "..."]]
    energy: float
    hessian: Float[np.ndarray, "size size"]
    certificate: "Certificate"
    times: int
    others: tuple[StationaryPoint, ...]

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The fields, complex ones as complex numbers."""
        return self.potential.values(self.point)

    @property
    def is_origin(self) -> bool:
        """Whether all fields vanish, and no symmetry is broken."""
        return not np.any(np.asarray(self.potential.ravel(self.point)))

    @cached_property
    def _spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        return np.linalg.eigh(_canonical(self.potential, self.hessian))

    @property
    def masses_squared(self) -> Float[np.ndarray, "size"]:
        """The squared masses of all scalars, Goldstone bosons included, from the lowest."""
        return self._spectrum[0]

    @property
    def modes(self) -> Float[np.ndarray, "size size"]:
        """The scalars of definite mass as columns, in canonical components."""
        return self._spectrum[1]

    @cached_property
    def goldstone_modes(self) -> Float[np.ndarray, "size broken"]:
        """Where the group turns the vacuum: orthonormal directions in canonical components."""
        vector = np.asarray(self.potential.ravel(self.point), float)
        size = np.linalg.norm(vector)
        if size == 0:
            return np.zeros((self.potential.size, 0))
        tangents = np.concatenate([t @ vector for t in self.potential.generators.values()])
        tangents = tangents * np.sqrt(self.potential.kinetic) / size
        _, lengths, rows = np.linalg.svd(tangents)
        return rows[: int(np.sum(lengths > _RANK * max(1.0, lengths[0])))].T

    @property
    def broken(self) -> int:
        """The number of broken generators, which is that of Goldstone bosons."""
        return self.goldstone_modes.shape[1]

    @property
    def unbroken(self) -> int:
        """The dimension of the group that leaves the vacuum as it is."""
        return self.potential.group.dimension - self.broken

    @property
    def goldstone_defect(self) -> float:
        """The largest squared mass along `goldstone_modes`, relative to the largest of all.

        Goldstone's theorem says that it is zero at a stationary point.
        """
        matrix = _canonical(self.potential, self.hessian) @ self.goldstone_modes
        scale = float(np.max(np.abs(self.masses_squared), initial=0.0))
        return float(np.max(np.abs(matrix), initial=0.0)) / (scale or 1.0)

    @cached_property
    def physical_masses_squared(self) -> Float[np.ndarray, "physical"]:
        """The squared masses of the scalars that are no Goldstone bosons, from the lowest."""
        goldstones = self.goldstone_modes
        full, _ = np.linalg.qr(goldstones, mode="complete")
        others = full[:, goldstones.shape[1] :]
        return np.linalg.eigvalsh(others.T @ _canonical(self.potential, self.hessian) @ others)

    def gauge_masses(self, gauge_couplings: Mapping[str, float]) -> Float[np.ndarray, "bosons"]:
        """The masses of the gauge bosons, from the lightest.

        **Arguments:**

        - `gauge_couplings`: g by factor of the gauge group, D = ∂ - i g T_a A_a with the
            generators of the algebra, and the charges as the fields have them for a U(1). Factors
            that are left out are not gauged, and have no bosons here.

        **Raises:** `ValueError` for a factor that the gauge group does not have.
        """
        return np.sqrt(
            np.clip(np.linalg.eigvalsh(self.gauge_mass_matrix(gauge_couplings)), 0, None)
        )

    def gauge_mass_matrix(
        self, gauge_couplings: Mapping[str, float]
    ) -> Float[np.ndarray, "bosons bosons"]:
        """The squared mass matrix of the gauge bosons, factor after factor as they are named."""
        vector = np.asarray(self.potential.ravel(self.point), float)
        rows = []
        for factor, g in gauge_couplings.items():
            if factor not in self.potential.generators:
                raise ValueError(
                    f"{factor!r} is no factor of the gauge group {self.potential.group}."
                )
            rows.append(float(g) * (self.potential.generators[factor] @ vector))
        tangents = np.concatenate(rows) if rows else np.zeros((0, self.potential.size))
        return (tangents * self.potential.kinetic) @ tangents.T

    def __str__(self) -> str:
        lines = [f"vacuum energy {self.energy:.6g} ({self.certificate.verdict})"]
        for name, value in self.values.items():
            lines.append(f"{name}: {np.array2string(value, precision=4, suppress_small=True)}")
        shown = np.array2string(self.physical_masses_squared, precision=5, suppress_small=True)
        lines.append(f"squared masses of {len(self.physical_masses_squared)} scalars: {shown}")
        lines.append(
            f"{self.broken} of {self.potential.group.dimension} generators broken, as many "
            "Goldstone bosons"
        )
        lines += [
            f"another stationary point at {other.energy:.6g}"
            + (" (saddle)" if other.lowest < 0 else "")
            for other in self.others
        ]
        return "\n".join(lines)


def find_vacuum(
    potential: ScalarPotential | TermSet,
    couplings: Mapping[str, Any],
    *,
    starts: int = 32,
    seed: int = 0,
    method: "AbstractMethod | None" = None,
    tol: float | None = None,
    max_steps: int = 2000,
) -> Vacuum:
    """The lowest stationary point of a potential, from many starts.

    Starts lie in random directions, half of them with some of the fields zero, about as far out as
    the potential turns there. What is found is a local minimum, and the lowest of those found;
    nothing proves that it is the lowest of all, nor that the potential is bounded:
    [`bounded_below`][stationary.fieldtheory.bounded_below] looks into that. Of all points that the
    gauge group joins to a vacuum, the one is returned where the last component of the first field
    is real and as large as can be: (0, v/√2) for a doublet.

    **Arguments:**

    - `potential`: of one Lagrangian; or the Lagrangian itself.
    - `couplings`: by name, as `ScalarPotential.couplings` takes them.
    - `starts`, `seed`: how many starts, and which.
    - `method`: default a trust region with second derivatives, which leaves saddles.
    - `tol`: the scaled residual to reach; default 1e-10 in float64, 1e-4 in float32.
    - `max_steps`: per start.

    **Returns:** a [`Vacuum`][stationary.fieldtheory.Vacuum].

    **Raises:** `ValueError` for couplings that do not fit, and when a start ran away to infinity or
    none arrived anywhere.

    !!! example
        >>> from stationary.fieldtheory import find_vacuum, lagrangian_terms, model
        >>> potential = lagrangian_terms(model()).potential()
        >>> vacuum = find_vacuum(potential, {"H H*": -1.0, "H H H* H*": 0.125})
        >>> vacuum.physical_masses_squared.round(6).tolist()  # 2 μ²
        [2.0]
        >>> vacuum.broken, vacuum.unbroken  # W, W and Z; gluons and the photon
        (3, 9)
        >>> vacuum.values["H"].round(6).real.tolist()  # |H|² = μ² / 2 λ
        [0.0, 2.0]
    """
    from .._status import Status
    from ..certify import certify
    from ..driver import solve_batch
    from ..methods import TrustRegionSQP

    potential = potential.potential() if isinstance(potential, TermSet) else potential
    given = potential.couplings(couplings)
    problem = potential.statement(given)
    vectors = jnp.asarray(starting_points(potential, given, starts, seed))
    if tol is None:
        tol = 1e-10 if vectors.dtype == np.float64 else 1e-4
    x0 = jax.vmap(potential.unravel)(vectors)
    batch = solve_batch(
        problem, x0, method or TrustRegionSQP(), tol=tol, max_steps=max_steps, seed=seed
    )
    found = np.concatenate(
        [np.asarray(batch.value[name], float).reshape(starts, -1) for name in potential.shapes], 1
    )
    _refuse_runaways(batch, found, np.asarray(vectors, float))
    # Where the minimum is flat, rounding ends a search before its tolerance does.
    found = found[np.isin(batch.status, [Status.CONVERGED, Status.STALLED])]
    if not len(found):
        raise ValueError(
            f"none of {starts} starts reached a stationary point: {batch!r}. Raise max_steps, or "
            "ask bounded_below whether the potential has a minimum."
        )
    groups = [
        (oriented(potential, vector), energy, times)
        for vector, energy, times in _distinct(
            potential, given, found, np.asarray(vectors, float), max(1e-4, 100 * tol)
        )
    ]
    hessians = [
        np.asarray(potential.second(jnp.asarray(vector, vectors.dtype), given), float)
        for vector, _, _ in groups
    ]
    points = [
        StationaryPoint(
            potential.values(potential.unravel(vector)),
            energy,
            float(np.linalg.eigvalsh(_canonical(potential, hessian))[0]),
            times,
        )
        for (vector, energy, times), hessian in zip(groups, hessians, strict=True)
    ]
    vector, energy, times = groups[0]
    point = {name: np.asarray(v) for name, v in potential.unravel(vector).items()}
    certificate = certify(problem, potential.unravel(vector), tol=max(tol, 1e-6))
    return Vacuum(
        potential, given, point, energy, hessians[0], certificate, times, tuple(points[1:])
    )


def _canonical(
    potential: ScalarPotential, hessian: Float[np.ndarray, "size size"]
) -> Float[np.ndarray, "size size"]:
    root = np.sqrt(potential.kinetic)
    return hessian / root[:, None] / root


def _refuse_runaways(batch: Any, found: np.ndarray, vectors: np.ndarray) -> None:
    from .._status import Status

    gone = np.isin(batch.status, [Status.DIVERGED, Status.NONFINITE, Status.UNBOUNDED])
    far = np.linalg.norm(vectors, axis=1).max() * 1e6
    gone |= ~(np.linalg.norm(found, axis=1) < far)
    if gone.any():
        raise ValueError(
            f"{gone.sum()} of {len(gone)} starts ran away: the potential has no lowest point, or "
            "is very flat. bounded_below names a direction in which it falls."
        )


def _distinct(
    potential: ScalarPotential,
    couplings: Mapping[str, Any],
    found: np.ndarray,
    begun: np.ndarray,
    alike: float,
) -> list[tuple[np.ndarray, float, int]]:
    """Points that no group element joins, by energy and the sizes of fields, the lowest first.

    The origin is among them whenever it is stationary.
    """
    origin = np.zeros(potential.size)
    ends = np.cumsum([int(np.prod(s)) for s in potential.shapes.values()])[:-1]

    def energy_at(vector: np.ndarray) -> float:
        return float(potential.line(vector, origin, couplings)[0])

    def sizes(vector: np.ndarray) -> np.ndarray:
        return np.array([np.linalg.norm(part) for part in np.split(vector, ends)])

    linear = [np.any(couplings[t.name]) for t in potential.terms if t.degree == 1]
    groups: list[tuple[np.ndarray, float, int]] = []
    if not any(linear):
        groups.append((np.zeros(potential.size), 0.0, 0))
    # What is small is so beside the starts: where all of them end at the origin, nothing else is.
    reach = float(np.linalg.norm(begun, axis=1).max())
    scale = max(abs(energy_at(vector)) for vector in (*found, *begun))
    for vector in found:
        energy = energy_at(vector)
        for place, (other, height, times) in enumerate(groups):
            near = np.allclose(sizes(vector), sizes(other), atol=alike * reach)
            if near and abs(energy - height) <= alike * scale:
                groups[place] = (other, height, times + 1)
                break
        else:
            groups.append((vector, energy, 1))
    # Equal energies: the point with more symmetry, which comes first already.
    return sorted(groups, key=lambda group: group[1] if abs(group[1]) > 1e-12 * scale else 0.0)
