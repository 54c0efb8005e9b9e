"""Every paper of the atlas, at the size that runs in seconds."""

import pytest

from stationary import atlas
from stationary.atlas import Verdict

PAPERS = [paper for paper in atlas.papers() if "smoke" in paper.scales]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: f"{paper.number:03d}")
def test_claims_hold_at_smoke_scale(paper):
    result = atlas.run(paper.number, scale="smoke")
    for claim in paper.claims:
        expected = Verdict.HOLDS if "smoke" in claim.at else Verdict.NOT_MEASURED
        if not claim.not_reproduced:
            assert result.verdicts[claim.id] is expected, f"{claim.id}\n{result}"


RECORDS = [(paper, atlas.recorded(paper)) for paper in atlas.papers()]


@pytest.mark.parametrize(
    ("paper", "result"), [pair for pair in RECORDS if pair[1]], ids=lambda x: str(x.number)
)
def test_record_covers_the_declared_claims_and_its_failures_are_declared(paper, result):
    measured = {claim.id for claim in paper.claims if result.scale in claim.at}
    assert set(result.measured) == measured
    for claim in paper.claims:
        failed = result.verdicts[claim.id] is Verdict.NOT_REPRODUCED
        assert failed == bool(claim.not_reproduced), f"{claim.id}\n{result}"
