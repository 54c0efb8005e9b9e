"""Run a paper's experiment and judge its numbers."""

import time

from ._measurements import missing
from ._paper import SCALES, Observe
from ._registry import paper as find
from ._result import Result


def run(number: int, scale: str = "smoke", seed: int = 0, observe: Observe | None = None) -> Result:
    """Measure the claims of a paper.

    **Arguments:**

    - `number`: the paper's number.
    - `scale`: `"smoke"` (seconds), `"laptop"` (minutes) or `"full"` (a large GPU).
    - `seed`: the source of all randomness in the run.
    - `observe`: is called with a few words whenever the run moves on.

    **Returns:** a [`Result`][stationary.atlas.Result]; `print` it for the table of claims.

    **Raises:** `ValueError` for an unknown paper or a scale that it has no claims at.

    !!! example
        >>> from stationary import atlas
        >>> try:
        ...     atlas.run(97, scale="full")
        ... except ValueError as error:
        ...     print(error)
        paper 97 has no claims at 'full'; run it at smoke or laptop.
    """
    import jax

    from stationary.report import environment

    found = find(number)
    if scale not in found.scales:
        known = " or ".join(found.scales)
        what = "has no claims at" if scale in SCALES else "knows no scale"
        raise ValueError(f"paper {number} {what} {scale!r}; run it at {known}.")
    began = time.perf_counter()
    with jax.enable_x64(True):
        measurements = found.measure(scale, seed, observe or (lambda message: None))
        described = environment()
    wanted = [claim.id for claim in found.claims if scale in claim.at]
    if wrong := missing(measurements.values, wanted):
        raise RuntimeError(
            f"{found.module} at {scale!r}: the measured claims and the declared ones differ in "
            f"{wrong}."
        )
    return Result(
        number=number,
        scale=scale,
        seed=seed,
        measured={name: measurements.measured(name) for name in wanted},
        figures=dict(measurements.figures),
        tables=dict(measurements.tables),
        notes=tuple(measurements.notes),
        seconds=time.perf_counter() - began,
        environment=described,
    )
