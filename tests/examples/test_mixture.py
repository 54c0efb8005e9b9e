"""Maximum likelihood under constraints, against published numbers and a plain parametrisation."""

import numpy as np
import pytest
from scipy.stats import poisson

import stationary as st


@pytest.fixture(scope="module")
def answers(example):
    problems = {"free": example.problem, "halves": example.halves}
    return {name: st.solve(p, example.x0, tol=1e-9) for name, p in problems.items()}


def test_answer_is_the_published_one(example, answers):
    found = answers["free"]
    assert found.status is st.Status.CONVERGED
    # Hasselblad (1969); Titterington, Smith and Makov (1985).
    np.testing.assert_allclose(found.value["share"], [0.3599, 0.6401], atol=1e-4)
    np.testing.assert_allclose(found.value["rate"], [1.2561, 2.6634], atol=1e-4)
    assert found.objective * example.DAYS.sum() == pytest.approx(-1989.946, abs=1e-3)


def test_multiplier_of_the_shares_is_one(answers):
    # The likelihood grows in proportion to the shares, so its logarithm has slope 1 along them.
    assert float(answers["free"].duals["shares"]) == pytest.approx(1.0, abs=1e-7)
    assert float(answers["free"].duals["order"]) == pytest.approx(0.0, abs=1e-7)


def minus_log_likelihood(theta, days):
    share, *rates = theta
    count = np.arange(days.size)[:, None]
    return -days @ np.log(poisson.pmf(count, rates) @ [share, 1 - share])


def test_standard_errors_are_those_of_a_free_parametrisation(example, answers):
    found = answers["free"]
    at = np.array([found.value["share"][0], *found.value["rate"]])
    h, eye = 1e-4, np.eye(3)
    # Central second differences of another implementation of the likelihood.
    information = np.array(
        [
            [
                sum(
                    a * b * minus_log_likelihood(at + h * (a * eye[i] + b * eye[j]), example.DAYS)
                    for a in (1, -1)
                    for b in (1, -1)
                )
                / (4 * h**2)
                for j in range(3)
            ]
            for i in range(3)
        ]
    )
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    errors = example.standard_errors(found)
    np.testing.assert_allclose(errors["share"], [expected[0]] * 2, rtol=2e-3)
    np.testing.assert_allclose(errors["rate"], expected[1:], rtol=2e-3)


def test_multiplier_tests_the_hypothesis_like_the_likelihood_ratio(example, answers):
    free, halves = answers["free"], answers["halves"]
    ratio = 2 * example.DAYS.sum() * (free.objective - halves.objective)
    assert 0 < ratio < 3.84
    # Two tests that agree in the limit of many days.
    assert example.multiplier_test(halves) == pytest.approx(ratio, rel=0.15)
    assert example.standard_errors(halves)["share"].max() < 1e-6


def test_summary_says_what_was_found(example, answers):
    lines = example.summary(answers["halves"])
    assert lines["calm kind of day"].startswith("0.500 ± 0.000 of all days")
    assert lines["test of equal shares"].startswith("0.4")
    assert "0.360 ± 0.19" in example.summary(answers["free"])["calm kind of day"]
