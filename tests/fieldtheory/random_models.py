"""Random lists of fields, for tests."""

import random
from fractions import Fraction

from stationary.fieldtheory import Field


def random_field(
    rng: random.Random, name: str, *, colors=(1, 1, 3, -3, 8), weak=(1, 2, 3)
) -> Field:
    """A field drawn at random, complex and with one copy."""
    given = {
        "su3": rng.choice(colors),
        "su2": rng.choice(weak),
        "u1": Fraction(rng.randint(-6, 6), 6),
    }
    spin = rng.choice(["scalar", "left", "right"])
    if spin == "scalar":
        return Field(name, **given)
    return Field(name, "1/2", helicity=spin, **given)


def random_model(seed: int, count: int = 4) -> list[Field]:
    """A list of fields drawn at random; the same for the same seed."""
    rng = random.Random(seed)
    return [random_field(rng, f"f{i}") for i in range(count)]
