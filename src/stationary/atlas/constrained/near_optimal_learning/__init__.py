"""Near-optimal last iterates of constrained learning by dual ascent."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=7,
    title="Near-optimal solutions of constrained learning problems",
    arxiv="2403.11844",
    theme="constrained learning",
    summary=(
        "Training under constraints is not convex in the weights, so the theory of dual ascent "
        "speaks of averaged or randomised iterates, while everyone keeps the last one. The paper "
        "shows when that is sound: the problem is the image of a convex one over functions, and "
        "the last iterate is feasible and optimal up to how coarsely the weights cover the "
        "functions. Here: the justification, its limits, and training with multipliers."
    ),
    claims=(
        Claim(
            "coarseness",
            "the last iterates violate the constraint, by less the richer the parametrization",
            "largest distance between |violation| in the last 50 of 10 000 iterates and 1/(2k), "
            "choosing among k = 1, 3, 5, 9, 25 and 101 cells with bits",
            AtMost(1e-12),
            source="ours",
        ),
        Claim(
            "average",
            "averaged iterates are feasible however coarse the parametrization is",
            "largest |mean violation| over all iterates, for the same k",
            AtMost(1e-3),
        ),
        Claim(
            "slack",
            "at the functional multiplier the constraint is off by at most the order of the square "
            "root of the approximation error",
            "slope of log |slack| against log error, fitting sign(x) with polynomials of degree 1 "
            "to 39 under a limit on power (guaranteed: 1/2; here it can be shown to be 2)",
            Within(1.99, 2.01),
            source="ours",
        ),
        Claim(
            "multiplier",
            "the multiplier approaches that of the functional problem as parametrizations grow",
            "largest error of the multiplier found by dual ascent, for the same polynomials, "
            "against its closed form, which rises to that of the functional problem",
            AtMost(1e-6),
            source="ours",
        ),
        Claim(
            "free training",
            "without constraints, counterfactual fairness is violated",
            "largest mean divergence under a protected change over its limit of 0.001, mean over "
            "networks of width 64 (smoke: 16)",
            AtLeast(5.0),
            source="scaled",
        ),
        Claim(
            "fair training",
            "dual ascent satisfies the constraints with its last iterate",
            "the same with multipliers, at the last iterate",
            AtMost(1.1),
            source="scaled",
        ),
        Claim(
            "accuracy",
            "the accuracy stays comparable",
            "test accuracy without constraints minus with them, width 64, mean over five splits",
            AtMost(0.02),
            source="scaled",
            at=_LAPTOP,
            not_reproduced=(
                "On the tumours the stand-ins for protected attributes are themselves measurements "
                "of the tumour, so a classifier that must not feel them gives up about two points, "
                "with an interval from none to four. Other rates and numbers of steps do not "
                "change it. On COMPAS, which is not shipped, a run as in the notes loses nothing."
            ),
        ),
        Claim(
            "last objective",
            "for a rich parametrization the last iterate does as well as the randomised one",
            "relative distance between the objective of the last iterate and its mean over the "
            "second half of all iterates, width 64",
            AtMost(0.02),
            source="scaled",
        ),
        Claim(
            "last constraints",
            "the same for the constraints",
            "largest distance over the constraints, relative to their limit, width 64",
            AtMost(0.3),
            source="scaled",
        ),
        Claim(
            "poor networks",
            "for a poor parametrization the last iterate is worse than the randomised one",
            "the relative distance of the objective at width 1 over that at width 64",
            AtLeast(3.0),
            source="ours",
            at=_LAPTOP,
            not_reproduced=(
                "Even one hidden unit moves continuously with the multipliers, so dual ascent "
                "settles and last and randomised iterates agree at every width. What a network "
                "that is too small pays is a worse objective (see the table), not an oscillation. "
                "Discrete parametrizations do oscillate: see the cells."
            ),
        ),
    ),
    module=__name__,
)
