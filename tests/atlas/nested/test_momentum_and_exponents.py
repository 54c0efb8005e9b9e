"""Paper 110's own pieces on complex momentum and Lyapunov exponents."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.atlas.nested.scalable_nested_optimization import _lyapunov, _momentum


@pytest.mark.parametrize("game, phase", _momentum.KNOWN)
def test_radii_are_those_of_the_characteristic_polynomial(game, phase):
    rate, beta = 0.1, 0.9 * np.exp(1j * np.pi * phase)
    found = _momentum.radii(_momentum.GAMES[game], [[rate, 0.9, np.pi * phase]])[0]
    (mode,) = {"opposed": [1j], "helping": [1.0]}[game]
    # (l - 1)(l^2 - 2 Re(b) l + |b|^2) + a g l (l - Re b) = 0.
    cubic = np.polyadd(
        np.polymul([1, -1], [1, -2 * beta.real, abs(beta) ** 2]),
        rate * mode * np.polymul([1, 0], [1, -beta.real]),
    )
    assert found == pytest.approx(max(abs(np.roots(cubic))), abs=1e-9)
    assert found == pytest.approx(_momentum.KNOWN[game, phase], abs=1e-6)


def test_the_double_well_branches_at_its_edge():
    x = jnp.array([_lyapunov.EDGE - 1e-3, _lyapunov.EDGE + 1e-3])
    ends = jax.lax.fori_loop(0, 2000, lambda _, x: _lyapunov.descent(x), x)
    np.testing.assert_allclose(ends, [-1.0, 1.5], atol=1e-9)
    assert float(_lyapunov.descent(_lyapunov.EDGE)) == _lyapunov.EDGE
