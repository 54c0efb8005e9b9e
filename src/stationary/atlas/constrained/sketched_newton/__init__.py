"""Newton's method with sketched steps under an exact augmented Lagrangian."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=16,
    title="Constrained optimization via exact augmented Lagrangian and randomized iterative "
    "sketching",
    arxiv="2305.18379",
    theme="constrained optimisation",
    summary=(
        "Newton's method for equality constraints has to solve one indefinite linear system per "
        "step. The paper solves it by randomised row actions, only as accurately as a smooth exact "
        "merit function of unknowns and multipliers asks for, and proves global convergence with "
        "local rates. It matters to whoever has systems too large to factor. Here: the small "
        "problems of its tables, the rates, the merit itself, and what row actions cost."
    ),
    claims=(
        Claim(
            "robustness",
            "the sketched method solves small problems of the CUTEst collection",
            "share of 45 of the paper's 47 problems (smoke: 4) at which |(grad L, c)| <= 1e-4 is "
            "reached with Gaussian sketches from the collection's start",
            AtLeast(0.9),
            source="scaled",
        ),
        Claim(
            "exact steps",
            "with exact steps the method takes few iterations",
            "most steps to 1e-8 over nine problems of Hock and Schittkowski (smoke: 2)",
            AtMost(15),
            source="ours",
        ),
        Claim(
            "optimal values",
            "it ends at the known minima",
            "largest error of the objective at eleven problems (smoke: 4), relative where the "
            "minimum exceeds 1",
            AtMost(1e-7),
            source="ours",
        ),
        Claim(
            "slope at solutions",
            "solutions of the constrained problem are stationary points of the merit",
            "largest |gradient of the merit|, by automatic differentiation, at those answers, for "
            "weights 1000 and 0.01",
            AtMost(1e-8),
        ),
        Claim(
            "merit minimised",
            "for eta1 large and eta2 small enough, stationary points of the merit are KKT points",
            "share of minimisations of the merit by BFGS, 20 starts each, that end at a point with "
            "|(grad L, c)| <= 1e-4, for weights 1000 and 0.01",
            AtLeast(0.9),
            source="ours",
        ),
        Claim(
            "linear rate",
            "if the accuracy is a fixed share, convergence is linear",
            "largest of the last five ratios of |(grad L, c)| on the way to 1e-10, over six "
            "problems (smoke: 2) and five runs, for |r| <= 0.1 |b|",
            AtMost(0.9),
        ),
        Claim(
            "unit steps",
            "near the solution the merit accepts full steps",
            "smallest share of a step that was taken in the last five, same runs",
            AtLeast(1.0),
        ),
        Claim(
            "superlinear rate",
            "if the accuracy falls to zero, convergence is superlinear",
            "last ratio over that of five steps before, largest over the problems, for a share of "
            "0.1 min(1, sqrt|b|)",
            AtMost(0.1),
        ),
        Claim(
            "order",
            "exact steps converge quadratically",
            "order over the last three residuals above 1e-13, median over the problems",
            AtLeast(1.8),
            source="ours",
        ),
        Claim(
            "adaptive accuracy",
            "adaptive accuracy spares inner iterations",
            "row actions to 1e-4 in total, over those with steps of accuracy 1e-8, at seven "
            "nonlinear problems (smoke: 2), median of twenty runs",
            AtMost(0.5),
            source="ours",
        ),
        Claim(
            "adaptive, on average",
            "adaptive accuracy spares inner iterations on average",
            "mean of the same twenty runs",
            AtMost(0.5),
            source="ours",
            at=_LAPTOP,
            not_reproduced=(
                "A typical run takes a tenth, and a single one would have confirmed the claim. But "
                "now and then rough steps walk HS6 or HS7 past a nearly singular Newton system, "
                "where row actions take many times those of accurate steps, and the interval "
                "reaches beyond one half. Tried: one run, five, and twenty."
            ),
        ),
        Claim(
            "adaptive, quadratic",
            "adaptive accuracy spares inner iterations for quadratic programmes",
            "row actions as above at four quadratic programmes (smoke: 2), mean of twenty runs",
            AtMost(0.5),
            source="ours",
            not_reproduced=(
                "One accurate step solves a quadratic programme. Rough steps come to the same "
                "accuracy by several systems with one matrix, and the row actions that this takes "
                "add up to nearly as many. What is spared elsewhere is accuracy of steps that the "
                "next ones make obsolete."
            ),
        ),
        Claim(
            "control",
            "the method solves the control of Poisson's equation",
            "largest error of unknowns and multipliers against a dense solve, relative to the "
            "largest of them, on grids of 3 x 3 and 6 x 6, by Gaussian and Kaczmarz sketches and "
            "by MINRES (smoke: 3 x 3 by Kaczmarz)",
            AtMost(1e-5),
        ),
        Claim(
            "krylov",
            "row actions need less work than a Krylov method",
            "products with the KKT matrix to 1e-4 on constrained logistic regression, better of "
            "Gaussian and Kaczmarz, over those of MINRES under the same accuracy rule",
            AtMost(1.0),
            source="scaled",
            at=_LAPTOP,
            not_reproduced=(
                "On a dense system of 41 equations MINRES needs a few dozen products per step, "
                "while row actions contract by the square of its condition number. Tried: single "
                "rows, Gaussian vectors and blocks of 32 of them, all on equilibrated systems and "
                "with looks at the residual for free; nor do the control problems turn the order. "
                "Row actions pay where a product with the whole matrix is out of reach."
            ),
        ),
    ),
    module=__name__,
)
