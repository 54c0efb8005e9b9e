"""The atlas: papers whose claims are measured again with this library, and what came out.

Every paper is a folder, `atlas/<theme>/<name>/`, with two short files:

- `__init__.py` declares `paper = Paper(...)`: what it claims, and what would count as holding.
  It imports nothing but `stationary.atlas`, so that listing the atlas costs nothing.
- `_measure.py` has `measure(scale, seed, observe) -> Measurements`: it runs the experiment with
  public names of `stationary` only, and returns numbers by claim, figures, tables and notes.

`run(number)` calls the second, judges its numbers by the first, and returns a `Result`; results
of record (`results/laptop.json` and figures, written by `save`) live beside the paper. A number
on a page therefore comes from a run, and a claim that fails stays there, marked as such.

**Scales:** `smoke` takes at most 20 seconds on two cores and runs in the tests; `laptop` at most
5 minutes on two cores, and is what the pages show; `full` at most 10 minutes on a large GPU.
A claim says `at` which scales it is measured.

Randomised methods are measured over several seeds: give `Measured.over(values)` instead of a
number, and the whole confidence interval must satisfy the rule. All randomness comes from `seed`.
A run is in float64, whatever the setting of JAX outside; ask for float32 where a claim needs it.
"""

from ._measurements import Measured as Measured
from ._measurements import Measurements as Measurements
from ._measurements import Table as Table
from ._paper import Claim as Claim
from ._paper import Paper as Paper
from ._registry import paper as paper
from ._registry import papers as papers
from ._result import Result as Result
from ._result import Verdict as Verdict
from ._rules import AbstractRule as AbstractRule
from ._rules import AtLeast as AtLeast
from ._rules import AtMost as AtMost
from ._rules import Near as Near
from ._rules import Within as Within
from ._run import run as run
from ._site import site as site
from ._store import recorded as recorded
from ._store import save as save
