"""The averaged method of multipliers: one loop, and no lower strong convexity."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=8,
    title=(
        "Averaged method of multipliers for bi-level optimization without lower-level strong "
        "convexity"
    ),
    arxiv="2302.03407",
    theme="nested problems",
    summary=(
        "Where a lower problem is convex but has many answers, its Hessian is singular, implicit "
        "derivatives do not exist, and unrolled steps stop wherever they began. Averaging the "
        "lower objective with the upper one, by a weight that fades slowly, makes the lower answer "
        "unique and its multiplier bounded. One gradient step each on both unknowns and on the "
        "multiplier then make a single loop with two products with second derivatives per step."
    ),
    claims=(
        Claim(
            "beyond strong convexity",
            "the method converges to the answer x = 1 of a problem with a lower answer that is "
            "not unique, with the schedule of the theory",
            "|x - 1| / |1| on the paper's example in 100 dimensions after 5000 steps from 0.01 "
            "(weights 0.9 (k + 1)^(-1/10), tau 1/40, beta 0.1, plain multiplier steps)",
            AtMost(1e-3),
        ),
        Claim(
            "exact multiplier steps",
            "and with the exact steps on the multiplier that the authors' code takes",
            "the same with the exact steepest-descent step",
            AtMost(1e-3),
        ),
        Claim(
            "optimality",
            "the residual of the optimality conditions falls to zero",
            "exponent of the largest of the three residuals' norms against the step, over steps "
            "1000 to 5000",
            AtMost(-1.0),
        ),
        Claim(
            "against unrolling",
            "unrolled lower steps converge to x = 1/2 instead",
            "the error of the first claim over that of 64 unrolled steps at rate 0.3",
            AtMost(1e-3),
        ),
        Claim(
            "fast weights",
            "weights that fade like 1/k leave y where it began in directions that the lower "
            "problem is flat in",
            "y2, whose answer is 1, after 20 000 steps with the weights 0.1 / (k + 1) of the "
            "authors' code and x at rate 0.005",
            AtMost(0.1),
            source="ours",
        ),
        Claim(
            "no inner loop",
            "a step has no inner loop",
            "loops in the program of a step, of any kind",
            Within(0, 0),
        ),
        Claim(
            "time of a step",
            "and is cheaper than unrolling",
            "time of a step over that of an outer step with 40 unrolled inner ones that descend "
            "the mixture, in 2 x 10 000 lower unknowns; median of 9 alternations",
            AtMost(0.25),
            source="ours",
        ),
        Claim(
            "wrong labels: loss",
            "weighing training samples by their use for clean ones repairs a data set in which "
            "half of the labels are flipped",
            "loss on clean validation samples over that of the unweighted fit, on 400 + 400 "
            "samples of two Gaussians in 20 dimensions, 5000 steps, over 5 seeds",
            AtMost(0.9),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "wrong labels: weights",
            "and tells the flipped ones apart",
            "mean weight of clean samples minus mean weight of flipped ones, in the same runs",
            AtLeast(0.3),
            source="scaled",
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
