"""Models with names of their own: the Standard Model, and what is usually added to it."""

from types import MappingProxyType

from ._field import Field
from ._parse import parse_fields

_STANDARD_MODEL = """
H: scalar su2=2 y=1/2
Q: fermion left su3=3 su2=2 y=1/6 copies={0}
u: fermion left su3=-3 y=-2/3 copies={0}
d: fermion left su3=-3 y=1/3 copies={0}
L: fermion left su2=2 y=-1/2 copies={0}
e: fermion left y=1 copies={0}
"""

EXTENSIONS = MappingProxyType(
    {
        "real singlet": "s: real scalar",
        "complex singlet": "s: scalar",
        "two Higgs doublets": "h: scalar su2=2 y=1/2",
        "seesaw type I": "N: majorana",
        "seesaw type II": "D: scalar su2=3 y=1",
        "seesaw type III": "X: majorana su2=3",
        "real triplet": "T: real scalar su2=3",
        "complex triplet": "T: scalar su2=3",
        "Georgi-Machacek": "D: scalar su2=3 y=1; T: real scalar su2=3",
        "vector-like top": "U: fermion left su3=3 y=2/3; Uc: fermion left su3=-3 y=-2/3",
        "vector-like bottom": "B: fermion left su3=3 y=-1/3; Bc: fermion left su3=-3 y=1/3",
        "vector-like quarks": "q: fermion left su3=3 su2=2 y=1/6; "
        "qc: fermion left su3=-3 su2=2 y=-1/6",
        "vector-like exotic quarks": "q: fermion left su3=3 su2=2 y=7/6; "
        "qc: fermion left su3=-3 su2=2 y=-7/6",
        "vector-like electron": "E: fermion left y=-1; Ec: fermion left y=1",
        "vector-like leptons": "l: fermion left su2=2 y=-1/2; lc: fermion left su2=2 y=1/2",
        "leptoquark S1": "s: scalar su3=-3 y=1/3",
        "leptoquark S1~": "s: scalar su3=-3 y=4/3",
        "leptoquark R2": "r: scalar su3=3 su2=2 y=7/6",
        "leptoquark R2~": "r: scalar su3=3 su2=2 y=1/6",
        "leptoquark S3": "s: scalar su3=-3 su2=3 y=1/3",
        "leptoquark S1bar": "s: scalar su3=-3 y=-2/3",
        "Zee singlet": "h: scalar y=1",
        "Zee": "p: scalar su2=2 y=1/2; h: scalar y=1",
        "Zee-Babu": "h: scalar y=1; k: scalar y=2",
        "octet doublet": "O: scalar su3=8 su2=2 y=1/2",
        "real octet": "O: real scalar su3=8",
        "quadruplet": "q: scalar su2=4 y=1/2",
        "quadruplet 3/2": "q: scalar su2=4 y=3/2",
        "quintuplet fermion": "q: majorana su2=5",
        "septuplet": "q: scalar su2=7 y=2",
        "sextet": "q: scalar su3=6 y=1/3",
        "leptoquarks S1 and R2": "s: scalar su3=-3 y=1/3; r: scalar su3=3 su2=2 y=7/6",
    }
)
"""What is added to the Standard Model, as text, by the name of the extended model."""


def model(name: str = "Standard Model", *, generations: int = 1) -> tuple[Field, ...]:
    """The fields of a model that has a name.

    Fermions are left-handed, and the Higgs doublet has hypercharge 1/2.

    **Arguments:**

    - `name`: `"Standard Model"`, or a key of `EXTENSIONS`, whose fields come after those of the
        Standard Model.
    - `generations`: the flavours of quarks and leptons.

    **Returns:** the [`Field`][stationary.fieldtheory.Field]s.

    **Raises:** `ValueError` for a name that is not known.

    !!! example
        >>> from stationary.fieldtheory import lagrangian_terms, model
        >>> lagrangian_terms(model(generations=3)).real_parameters
        56
    """
    text = _STANDARD_MODEL.format(generations)
    if name == "Standard Model":
        return parse_fields(text)
    if name not in EXTENSIONS:
        raise ValueError(
            f"There is no model {name!r}; there are Standard Model, {', '.join(EXTENSIONS)}."
        )
    return parse_fields(text + EXTENSIONS[name])
