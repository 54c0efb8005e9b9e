"""From a number to a verdict."""

import math

import numpy as np
import pytest
from scipy import stats

from stationary.atlas import AtLeast, AtMost, Claim, Measured, Near, Paper, Table, Verdict, Within
from stationary.atlas._result import judge

RULES = [AtMost(1.0), AtLeast(1.0), Within(1.0, 2.0), Near(1.0, 0.1)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
def test_rules_hold_at_their_ends_and_never_for_nan(rule):
    assert rule.holds(1.0)
    assert not rule.holds(math.nan)


def test_rules_refuse_what_lies_outside():
    assert not AtMost(1.0).holds(1.1)
    assert not AtLeast(1.0).holds(0.9)
    assert not Within(1.0, 2.0).holds(2.1)
    assert not Near(-2.0, 0.1).holds(-2.3)
    assert Near(-2.0, 0.1).holds(-2.1)
    assert not Near(0.0, 0.1).holds(math.inf)


def test_empty_interval_is_refused():
    with pytest.raises(ValueError, match="put the smaller first"):
        Within(2, 1)


def test_the_whole_interval_must_satisfy_the_rule():
    claim = Claim("c", "s", "m", AtMost(3.0))
    assert judge(claim, Measured(2.0)) is Verdict.HOLDS
    assert judge(claim, Measured(2.0, (1.0, 3.0), (1.0, 3.0))) is Verdict.HOLDS
    assert judge(claim, Measured(2.0, (0.9, 3.1), (1.0, 3.0))) is Verdict.NOT_REPRODUCED
    assert judge(claim, Measured(math.nan)) is Verdict.NOT_REPRODUCED
    assert judge(claim, None) is Verdict.NOT_MEASURED


def test_interval_over_seeds_is_that_of_student(getkey):
    samples = np.array([1.0, 4.0, 2.5, 3.0])
    measured = Measured.over(samples)
    expected = stats.t.interval(0.95, 3, samples.mean(), stats.sem(samples))
    np.testing.assert_allclose(measured.interval, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="two runs"):
        Measured.over([1.0])


def test_declarations_are_checked():
    with pytest.raises(ValueError, match="source must be one of"):
        Claim("c", "s", "m", AtMost(1), source="rumour")
    with pytest.raises(ValueError, match="at must be one of"):
        Claim("c", "s", "m", AtMost(1), at={"moon"})
    claim = Claim("c", "s", "m", AtMost(1))
    with pytest.raises(ValueError, match="ids of their own"):
        Paper(1, "t", "", "x", "s", (claim, claim), __name__)
    with pytest.raises(ValueError, match="does not fit"):
        Table(("a", "b"), ((1,),))
