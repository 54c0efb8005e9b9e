"""A smooth value function for constrained lower problems, and a loop without Hessians."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=23,
    title=(
        "Constrained bi-level optimization: proximal Lagrangian value function approach and "
        "Hessian-free algorithm"
    ),
    arxiv="2401.16164",
    theme="nested problems",
    summary=(
        "Where a lower problem has constraints that both unknowns share, its value is not smooth "
        "and derivatives of its answer need its active set. A proximal term on the answer and one "
        "on its multipliers make the value smooth, with a gradient that a saddle point gives away. "
        "The gap to it is a penalty, and projected gradient steps on everything are a single loop "
        "with first derivatives only: for hyperparameters of constrained training, such as the "
        "costs of a support vector machine."
    ),
    claims=(
        Claim(
            "toy",
            "the loop converges on a problem whose lower level is merely convex and has a "
            "constraint shared by both levels",
            "largest distance of x, y1, y2 from -0.3, 0.7, -0.4 after 5000 steps at rate 0.1, "
            "n = 10, 100 and 1000 (not at smoke), penalty 5 (k + 1)^0.49, constraint over sqrt(n)",
            AtMost(2e-3),
        ),
        Claim(
            "size",
            "and does not depend on the number of unknowns",
            "largest difference of those numbers between the sizes",
            AtMost(1e-9),
            source="ours",
        ),
        Claim(
            "penalty path",
            "at a fixed penalty c the fixed point is x = -(3c + 6) / (10c + 12)",
            "largest distance from it, c = 1, 5, 20 and 100",
            AtMost(1e-6),
            source="ours",
        ),
        Claim(
            "gap",
            "the gap f - v is not negative where the constraints hold",
            "smallest gap at 200 random feasible points around lower answers of the toy problem, "
            "n = 10, with the saddle solved exactly",
            AtLeast(-1e-10),
        ),
        Claim(
            "residual",
            "the residual falls like K^(-(1 - 2p) / 2) for a penalty that grows like its power p",
            "exponent of the least residual so far, steps 100 to 5000 of the toy problem with "
            "p = 0.3, where the theory bounds it by -0.2",
            AtMost(-0.2),
        ),
        Claim(
            "no second derivative",
            "a step takes no second derivative",
            "differentiations of the lower objective's gradient while a step is traced",
            Within(0, 0),
        ),
        Claim(
            "memory",
            "and hardly more memory than a gradient",
            "bytes of a compiled step that writes over its state, inputs, outputs and everything "
            "between, over those of one gradient of the lower Lagrangian; the toy problem, "
            "n = 10 000",
            AtMost(3.0),
            source="ours",
        ),
        Claim(
            "costs of a support vector machine",
            "one cost per training sample, chosen by a validation loss, does as well as a single "
            "cost chosen from a grid",
            "accuracy on 5000 further samples in per cent, minus that of the best of nine costs "
            "by validation accuracy; 500 + 150 generated samples with 8 features, 2000 steps, "
            "over 10 seeds",
            AtLeast(-1.0),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "time of a step",
            "and a step needs no conic solver for its projection",
            "time of a step, projection included, over that of the projection by a conic solver "
            "that is stated once and solved again; 500 samples, median of 7 alternations (3 at "
            "smoke)",
            AtMost(0.2),
            source="ours",
        ),
    ),
    module=__name__,
)
