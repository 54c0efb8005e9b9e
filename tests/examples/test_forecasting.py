"""Forecasters that learn from one another: better on hours that nobody has seen."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def found(example, tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "forecasting.png"
    errors = example.main(path)
    assert path.stat().st_size > 10_000
    return errors


def test_windows_are_the_series(example):
    values = np.arange(200.0)[:, None] + 1000 * np.arange(example.SITES)
    inputs, outputs, sites = example.windows(values)
    np.testing.assert_array_equal(inputs[:, -1], 0)
    np.testing.assert_array_equal(outputs, np.tile(np.arange(1.0, 13), (len(outputs), 1)))
    assert np.bincount(sites).tolist() == [len(sites) // example.SITES] * example.SITES


def test_sharing_is_better_than_nothing_and_as_good_as_everything(found):
    ours = found["near a common one"].mean()
    assert ours < 0.98 * found["each alone"].mean()
    assert ours < 1.002 * found["one for all"].mean()


def test_errors_are_means_over_the_windows_of_a_site(example, found):
    class Zero:
        def predict(self, inputs, sites):
            return np.zeros((len(inputs), example.AHEAD))

    part = example.windows(example.loads()[example.SEEN :])
    still = example.errors(Zero(), part)
    for site in range(example.SITES):
        np.testing.assert_allclose(still[site], np.mean(part[1][part[2] == site] ** 2))
    assert np.all(found["near a common one"] < still)
