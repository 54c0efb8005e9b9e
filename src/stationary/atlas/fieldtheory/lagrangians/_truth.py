"""Terms that are known: of the Standard Model, and what each extension adds to them."""

from types import MappingProxyType

STANDARD_MODEL = "H H* 1; H H H* H* 1; H Q u 1 hc; H* Q d 1 hc; H* L e 1 hc"

# Added terms with the number of their contractions; `hc` marks those that are complex.
ADDED = MappingProxyType(
    {
        "real singlet": "s 1; s s 1; s s s 1; s s s s 1; H H* s 1; H H* s s 1",
        "complex singlet": "s 1 hc; s s 1 hc; s s* 1; H H* s 1 hc; s s s 1 hc; s s s* 1 hc; "
        "H H* s s 1 hc; H H* s s* 1; s s s s 1 hc; s s s s* 1 hc; s s s* s* 1",
        "two Higgs doublets": "H h* 1 hc; h h* 1; H H H* h* 1 hc; H H h* h* 1 hc; H H* h h* 2; "
        "H h h* h* 1 hc; h h h* h* 1; L e h* 1 hc; Q d h* 1 hc; Q u h 1 hc",
        "seesaw type I": "N N 1 hc; H L N 1 hc",
        "seesaw type II": "D D* 1; H H D* 1 hc; L L D 1 hc; D D D* D* 2; H H* D D* 2",
        "seesaw type III": "X X 1 hc; H L X 1 hc",
        "real triplet": "T T 1; H H* T 1; H H* T T 1; T T T T 1",
        "complex triplet": "T T 1 hc; T T* 1; H H* T 1 hc; H H* T T 1 hc; H H* T T* 2; "
        "T T T T 1 hc; T T T T* 1 hc; T T T* T* 2",
        "Georgi-Machacek": "D D* 1; H H D* 1 hc; L L D 1 hc; D D D* D* 2; H H* D D* 2; T T 1; "
        "H H* T 1; H H* T T 1; T T T T 1; D D* T 1; D D* T T 2; H H D* T 1 hc",
        "vector-like top": "U Uc 1 hc; u U 1 hc; H Q Uc 1 hc",
        "vector-like bottom": "B Bc 1 hc; d B 1 hc; H* Q Bc 1 hc",
        "vector-like quarks": "q qc 1 hc; Q qc 1 hc; H u q 1 hc; H* d q 1 hc",
        "vector-like exotic quarks": "q qc 1 hc; H* u q 1 hc",
        "vector-like electron": "E Ec 1 hc; e E 1 hc; H* L Ec 1 hc",
        "vector-like leptons": "l lc 1 hc; L lc 1 hc; H* e l 1 hc",
        "leptoquark S1": "s s* 1; H H* s s* 1; s s s* s* 1; L Q s 1 hc; u e s* 1 hc; "
        "Q Q s* 1 hc; u d s 1 hc",
        "leptoquark S1~": "s s* 1; H H* s s* 1; s s s* s* 1; d e s* 1 hc",
        "leptoquark R2": "r r* 1; L u r 1 hc; Q e r* 1 hc; H H* r r* 2; r r r* r* 2",
        "leptoquark R2~": "r r* 1; L d r 1 hc; H H* r r* 2; r r r* r* 2",
        "leptoquark S3": "s s* 1; L Q s 1 hc; H H* s s* 2; s s s* s* 3",
        "leptoquark S1bar": "s s* 1; H H* s s* 1; s s s* s* 1",
        "Zee singlet": "h h* 1; H H* h h* 1; h h h* h* 1",
        "Zee": "H p* 1 hc; p p* 1; H H H* p* 1 hc; H H p* p* 1 hc; H H* p p* 2; H p p* p* 1 hc; "
        "p p p* p* 1; L e p* 1 hc; Q d p* 1 hc; Q u p 1 hc; h h* 1; h h h* h* 1; H H* h h* 1; "
        "p p* h h* 1; H p* h h* 1 hc; H p h* 1 hc",
        "Zee-Babu": "h h* 1; k k* 1; h h k* 1 hc; e e k* 1 hc; H H* h h* 1; H H* k k* 1; "
        "h h h* h* 1; h h* k k* 1; k k k* k* 1",
        "octet doublet": "O O* 1; Q u O 1 hc; Q d O* 1 hc; H H O* O* 1 hc; H H* O O* 2; "
        "H O O* O* 2 hc; O O O* O* 6",
        "real octet": "O O 1; O O O 1; H H* O O 1; O O O O 1",
        "quadruplet": "q q* 1; H H H* q* 1 hc; H H q* q* 1 hc; H H* q q* 2; H q q* q* 1 hc; "
        "q q q* q* 2",
        "quadruplet 3/2": "q q* 1; H H H q* 1 hc; H H* q q* 2; q q q* q* 2",
        "quintuplet fermion": "q q 1 hc",
        "septuplet": "q q* 1; H H* q q* 2; q q q* q* 4",
        "sextet": "q q* 1; u d q 1 hc; H H* q q* 1; q q q* q* 2",
        "leptoquarks S1 and R2": "s s* 1; H H* s s* 1; s s s* s* 1; L Q s 1 hc; u e s* 1 hc; "
        "Q Q s* 1 hc; u d s 1 hc; r r* 1; L u r 1 hc; Q e r* 1 hc; H H* r r* 2; r r r* r* 2; "
        "s s* r r* 2",
    }
)

# Contractions of single terms with three generations of quarks and leptons: a matrix between
# flavours has nine, a symmetric one six, an antisymmetric one three.
THREE_GENERATIONS = MappingProxyType(
    {
        "Standard Model": "H Q u 9 hc; H* Q d 9 hc; H* L e 9 hc",
        "seesaw type II": "L L D 6 hc",
        "leptoquark S1": "L Q s 9 hc; u e s* 9 hc; Q Q s* 6 hc; u d s 9 hc",
        "leptoquark S1~": "d e s* 9 hc; u u s 3 hc",
        "leptoquark R2": "L u r 9 hc; Q e r* 9 hc",
        "leptoquark R2~": "L d r 9 hc",
        "leptoquark S3": "L Q s 9 hc; Q Q s* 3 hc",
        "leptoquark S1bar": "d d s 3 hc",
        "Zee singlet": "L L h 3 hc",
        "sextet": "u d q 9 hc; Q Q q* 3 hc",
    }
)

# The number of real couplings, by the name of the model.
TOTALS = MappingProxyType(
    {
        ("Standard Model", 1): 8,
        ("Standard Model", 3): 56,
        ("two Higgs doublets", 1): 26,
        ("seesaw type II", 1): 17,
        ("seesaw type III", 1): 12,
        ("leptoquark S1", 1): 19,
        ("leptoquark R2", 1): 17,
        ("leptoquark S3", 1): 16,
        ("octet doublet", 1): 27,
        ("leptoquarks S1 and R2", 1): 30,
        ("sextet", 1): 14,
        ("leptoquark S3", 3): 86,
    }
)


def rows(text: str) -> dict[tuple[str, ...], tuple[int, bool]]:
    """Letters in alphabetical order, with their contractions and whether they are complex."""
    found = {}
    for entry in text.split(";"):
        words = entry.split()
        hermitian = words[-1] != "hc"
        *letters, ways = words if hermitian else words[:-1]
        found[tuple(sorted(letters))] = (int(ways), not hermitian)
    return found
