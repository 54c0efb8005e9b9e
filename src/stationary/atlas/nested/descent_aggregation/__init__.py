"""Unrolled steps that descend a mixture of both objectives: for many lower answers."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=113,
    title=(
        "A generic first-order algorithmic framework for bi-level programming beyond lower-level "
        "singleton"
    ),
    arxiv="2006.04045",
    theme="nested problems",
    summary=(
        "Differentiating through a few steps on a lower problem assumes that it has one answer. "
        "Where it has many, the steps stop at whichever is nearest to their start, and the upper "
        "problem is solved for that one. Steps that descend a mixture of both objectives, with a "
        "weight of the upper one that fades, find the answer that is best for the upper problem. "
        "It is a small change to any unrolled loop, such as meta-learning and the weighing of "
        "unreliable samples."
    ),
    claims=(
        Claim(
            "lower alone",
            "steps on the lower objective alone converge to x = 1/2 where the answer is x = 1, "
            "however many there are",
            "largest distance of x from 1/2 after 3000 outer steps at rate 0.1 on the paper's "
            "counter-example, from 0, over K = 16, 64 and 256 inner steps at rate 0.3 (16 and 64 "
            "at smoke)",
            AtMost(1e-5),
        ),
        Claim(
            "mixture",
            "steps on the mixture converge to the answer x = 1",
            "distance of x from 1 on the same example with K = 64 inner steps of weight 1/2",
            AtMost(1e-5),
        ),
        Claim(
            "slow schedule",
            "a fading weight converges too: at 0.5 / (k + 1) like a small power of K",
            "exponent of the distance 1 - x between the largest two K",
            Within(-0.30, -0.22),
            source="ours",
        ),
        Claim(
            "fast schedule",
            "and at 2 / (k + 2), which begins with the upper objective alone, faster than 1 / K",
            "exponent of the distance 1 - x between the largest two K",
            AtMost(-1.0),
            source="ours",
        ),
        Claim(
            "fading weight",
            "where the lower answer is unique, a fading weight finds it",
            "distance of x from 1/5 with the weight 1 / (k + 1)^2 and K = 200, on a lower problem "
            "with curvatures 4 and 1",
            AtMost(1e-3),
            source="ours",
        ),
        Claim(
            "constant weight",
            "and a weight that stays is biased: with 1/2 the limit is x = 16/41",
            "distance of x from 16/41 on the same problem",
            AtMost(1e-6),
            source="ours",
        ),
        Claim(
            "found labels",
            "weighing samples by their use for clean ones finds wrong labels at least as well",
            "F1 of weights below 1/2 as a sign of a wrong label, with the mixture minus without, "
            "on 1000 + 1000 samples of ten Gaussians in 50 dimensions of which half of the first "
            "1000 are mislabelled; 200 inner steps, 30 outer ones, over 5 seeds",
            AtLeast(0.0),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "accuracy",
            "and classifies at least as well",
            "accuracy on 5000 further samples, in per cent, with the mixture minus without; the "
            "same runs",
            AtLeast(-0.2),
            source="scaled",
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
