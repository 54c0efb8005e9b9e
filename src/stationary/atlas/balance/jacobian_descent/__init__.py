"""Jacobian descent: one update from the gradients of many objectives, against none of them."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=43,
    title="Jacobian descent for multi-objective optimization",
    arxiv="2406.16232",
    theme="several objectives",
    summary=(
        "Training on a sum of losses lets the update harm some of them. The paper projects each "
        "gradient on the cone of directions that harm none, and averages the projections: UPGrad. "
        "The rule never conflicts, keeps the influence of each gradient in proportion to its "
        "length, and needs inner products only. Applied to the losses of single samples it gives "
        "another way of training. For multi-task learning, and wherever one loss must not pay for "
        "another."
    ),
    claims=(
        Claim(
            "exactness",
            "UPGrad, DualProj and MGDA of the gradients (-4, 1, 1) and (6, 1, 1)",
            "largest error of the three updates against their values in closed form, such as "
            "(50, 325, 325)/171",
            AtMost(1e-8),
        ),
        Claim(
            "regularised",
            "the authors' software answers (0.2929, 1.9004, 1.9004) there",
            "largest difference to that of our projection of the Gramian with 1e-4 of its trace "
            "added, as the software does",
            AtMost(1e-4),
        ),
        Claim(
            "no conflict",
            "UPGrad's update has no negative inner product with any gradient",
            "smallest <g_i, d> / (|J| |d|) over random Jacobians of 2 to 16 rows, in 2, 8 and 64 "
            "dimensions, of all ranks, with rows from 1e-4 to 1e4 long (1008; at smoke 240 of 8 "
            "rows); an update below 1e-6 |J|, where rounding decides the angle, counts as that "
            "long",
            AtLeast(-1e-7),
        ),
        Claim(
            "scaling",
            "UPGrad is linear under scaling: the update is linear in positive factors of the rows",
            "largest relative error of additivity over the same Jacobians, factors from 0.1 to 10",
            AtMost(1e-8),
        ),
        Claim(
            "mean conflicts",
            "the mean of the gradients conflicts with some of them",
            "share of Jacobians with a conflict between two rows in which the mean has a negative "
            "inner product with a row",
            AtLeast(0.2),
        ),
        Claim(
            "DualProj scaling",
            "projecting the mean instead is not linear under scaling",
            "the same error of DualProj on the gradients (-4, 1, 1) and (6, 1, 1), factors "
            "(10, 1) and (1, 10)",
            AtLeast(0.1),
        ),
        Claim(
            "monotone",
            "descent with UPGrad at step 1/L improves every objective at every step",
            "steps of 2000 at which one of 8 convex quadratics of scales 1e-2 to 1e2 rises, in 10 "
            "dimensions",
            AtMost(0),
            source="ours",
            not_reproduced=(
                "UPGrad rules conflicts out to first order only, and the paper proves convergence, "
                "not this. An objective nearly orthogonal to the update d rises by its curvature, "
                "(step^2 / 2) d'Hd, and d is as long as the steepest gradients are. Steps of 1/10 "
                "and 1/100 of 1/L were tried too: the rises become smaller, see the table."
            ),
        ),
        Claim(
            "criticality",
            "descent with UPGrad on convex objectives converges to the Pareto front",
            "length of the shortest convex combination of the gradients over that at the start, "
            "after 20 000 such steps",
            AtMost(1e-6),
        ),
        Claim(
            "mean rises",
            "descent on the mean makes some objectives worse",
            "objectives of the 8 worse than at the start after 2000 such steps on the mean",
            AtLeast(1),
        ),
        Claim(
            "training loss",
            "balancing the samples of a batch beats descent on their mean in training loss",
            "mean loss of training with UPGrad over that with the mean, each at its best of five "
            "rates: 512 samples of 10 unequal classes in 64 dimensions, batches of 16, 10 epochs",
            AtMost(0.9),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "worst class",
            "the same for the class that is served worst",
            "mean loss of the worst class of training with UPGrad over that with the mean, in the "
            "runs of the claim before",
            AtMost(0.7),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "projection time",
            "projecting all gradients is most of a step for long batches; done together it is not",
            "processor seconds of UPGrad's weights for 128 gradients in 127 dimensions over those "
            "of SciPy's nonnegative least squares, one gradient at a time, with one BLAS thread",
            AtMost(0.5),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "memory",
            "inner products can be accumulated layer by layer, without the Jacobian",
            "temporary memory of inner products and a combination without over with the Jacobian, "
            "64 samples on a network of width 512",
            AtMost(0.25),
        ),
        Claim(
            "time",
            "and in less time",
            "processor seconds of the same, in alternation",
            AtMost(1.0),
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
