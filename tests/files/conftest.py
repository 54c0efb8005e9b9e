"""Problems as text, and the same problems solved by HiGHS."""

from pathlib import Path

import numpy as np
import pytest

BLENDING = """\
NAME          BLENDING
* every kind of row, a range, and every common kind of bound
ROWS
 N  COST
 L  CAPACITY
 G  PROTEIN
 E  WEIGHT
 L  FIBRE
 G  TASTE
COLUMNS
    MAIZE     COST         1.7   PROTEIN      0.09
    MAIZE     WEIGHT       1.0   FIBRE        0.02
    MAIZE     TASTE        3.0
    SOYA      COST         3.9   PROTEIN      0.44
    SOYA      WEIGHT       1.0   FIBRE        0.07
    SOYA      CAPACITY     1.0   TASTE        1.0
    BRAN      COST         1.1   PROTEIN      0.16
    BRAN      WEIGHT       1.0   FIBRE        0.11
    BRAN      CAPACITY     1.0   TASTE       -1.0
    SALT      COST         0.4   WEIGHT       1.0
    DEBT      COST         9.0   CAPACITY    -1.0
RHS
    RHS       COST       -12.5   CAPACITY     0.45
    RHS       PROTEIN      0.2   WEIGHT       1.0
    RHS       FIBRE        0.06  TASTE        1.1
RANGES
    RNG       FIBRE        0.025
BOUNDS
 UP BND       SALT         0.005
 LO BND       MAIZE        0.1
 LO BND       DEBT        -0.2
ENDATA
"""

QUADRATIC = """\
NAME          TRACKING
ROWS
 N  COST
 E  BUDGET
 G  RETURN
 L  RISK
COLUMNS
    A         COST         1.0   BUDGET       1.0
    A         RETURN       0.1   RISK         1.0
    B         COST        -1.0   BUDGET       1.0
    B         RETURN       0.3   RISK         2.0
    C         BUDGET       1.0   RETURN       0.2
RHS
    RHS       BUDGET       2.0   RETURN       0.45
    RHS       RISK         2.5
BOUNDS
 FR BND       A
 UP BND       C            0.9
QUADOBJ
    A         A            2.0
    A         B            0.5
    B         B            3.0
    C         C            1.0
ENDATA
"""

CONCAVE_LP = """\
Maximize
 profit: 3 x + 5 y + 2 z + [ - x^2 - 2 y^2 + x * y ] / 2 + 7
Subject To
 wood: x + 2 y + z <= 4
 steel: 3 x + y >= 1.5
 x - y + z = 0.5
Bounds
 -1 <= x <= 3
 z <= 2
End
"""

FILES = {"blending.mps": BLENDING, "tracking.mps": QUADRATIC, "profit.lp": CONCAVE_LP}


@pytest.fixture
def write(tmp_path: Path):
    """Writes a text under a name, and returns the path."""

    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to


def solve_with_highs(path: Path):
    """Objective, x and row duals by HiGHS."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        highs.setOptionValue(option, 1e-10)
    highs.readModel(str(path))
    highs.run()
    found = highs.getSolution()
    return highs.getObjectiveValue(), np.array(found.col_value), np.array(found.row_dual)
