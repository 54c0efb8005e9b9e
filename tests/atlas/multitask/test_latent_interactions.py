"""Paper 47's data are what their names say."""

import numpy as np

from stationary.atlas.multitask.latent_interactions import _data, _measure


def test_half_of_the_points_of_every_task_are_seen():
    data = _data.draw(np.random.default_rng(0), np.ones((2, 2)), gap=False)
    counts = np.bincount(data.tasks[data.train], minlength=3)
    assert counts.tolist() == [_data.SEEN] * 3
    assert len(data.tasks) == 2 * 3 * _data.SEEN


def test_a_gap_is_the_second_half_of_the_last_task():
    data = _data.draw(np.random.default_rng(0), np.ones((2, 2)), gap=True)
    last = data.tasks == 2
    seen, unseen = data.inputs[last & data.train], data.inputs[last & ~data.train]
    assert seen.max() < unseen.min() and len(seen) == len(unseen)


def test_jackknife_of_a_ratio_is_the_ratio():
    ours = np.array([1.0, 2.0, 3.0, 4.0])
    measured = _measure._ratio(ours, 2 * ours)
    assert abs(measured.value - 0.5) < 1e-12
    assert measured.interval[1] - measured.interval[0] < 1e-9


def test_random_kernels_have_a_correlation_matrix_as_interaction():
    for form in _measure.FORMS:
        latents, mixing, interaction = _measure._random(np.random.default_rng(1), *form)
        assert len(interaction) == latents.count == len(mixing)
        np.testing.assert_allclose(np.diag(interaction), 1)
        assert np.linalg.eigvalsh(interaction)[0] > -1e-12
