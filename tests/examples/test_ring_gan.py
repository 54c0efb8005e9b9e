"""A GAN on a ring of Gaussians: its payoff, its data, and that it learns them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


def test_an_undecided_critic_gains_the_entropy_of_a_coin(example):
    generator, critic = example.start()
    silent = jax.tree.map(jnp.zeros_like, critic)
    drawn = example.sample(jax.random.key(0))
    assert float(example.payoff((generator, silent), drawn)) == pytest.approx(-2 * np.log(2))


def test_the_data_are_what_quality_looks_for(example):
    points = np.asarray(jax.vmap(example.sample)(jax.random.split(jax.random.key(0), 4000))[1])
    hits, share = example.quality(points)
    # Within three sigma in the plane: 1 - exp(-9/2).
    assert hits == example.MODES and share == pytest.approx(1 - np.exp(-4.5), abs=0.01)
    assert example.quality(np.zeros((100, 2))) == (0, 0.0)


def test_it_learns_all_of_the_ring(example):
    before = example.quality(example.generate(example.x0[0]))
    said = []
    generator, critic = example.train(example.method, 600, every=300, say=said.append)
    hits, share = example.quality(example.generate(generator))
    assert before[0] <= 3 and hits >= 7 and share > max(0.5, before[1] + 0.1)
    assert len(said) == 2 and said[-1].startswith("600 steps: ")
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((generator, critic)))
    drawn = example.picture(example.generate(generator), count=50)
    assert drawn.startswith("<svg") and drawn.count("generated") >= 1


def test_an_extragradient_method_takes_the_same_problem(example):
    system = example.problem.lower(example.x0)
    method = st.methods.PastExtraGradient(0.05, timescale=2.0)
    state = method.init(system, st.Point(example.x0, {}))
    state, metrics = jax.jit(lambda s: method.step(system, s))(state)
    assert np.isfinite(float(metrics.residual))
