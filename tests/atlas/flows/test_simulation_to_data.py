"""The toy events of paper 36."""

import jax
import jax.numpy as jnp
import numpy as np

from stationary.atlas.flows.simulation_to_data import _events


def four_vectors(events):
    """Energies and momenta of both photons, from the five features at an azimuth of zero."""
    one, two, eta_one, eta_two, tilt = np.asarray(events).T
    photons = []
    for log_pt, eta, phi in ((one, eta_one, 0), (two, eta_two, np.pi - np.exp(tilt))):
        pt = np.exp(log_pt)
        photons.append(
            np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
        )
    return photons


def test_the_mass_is_that_of_the_two_four_vectors():
    events = _events.sample(jax.random.key(0), 100, real=True)
    first, second = four_vectors(events)
    energy, *momentum = first + second
    mass = np.sqrt(energy**2 - sum(p**2 for p in momentum))
    np.testing.assert_allclose(_events.mass(events), mass, rtol=1e-9)


def test_real_masses_fill_the_window_up_to_resolution():
    mass = np.asarray(_events.mass(_events.sample(jax.random.key(1), 5000, real=True)))
    assert np.mean((mass > 100) & (mass < 160)) > 0.95
    assert mass.min() > 90 and mass.max() < 175


def test_the_simulation_is_wrong_in_every_feature_and_in_correlations():
    real = _events.sample(jax.random.key(2), 20_000, real=True)
    simulated = _events.sample(jax.random.key(3), 20_000, real=False)
    shift = jnp.abs(real.mean(0) - simulated.mean(0)) / real.std(0)
    assert float(shift.min()) > 0.2
    assert float(jnp.abs(jnp.corrcoef(real.T) - jnp.corrcoef(simulated.T)).max()) > 0.1
