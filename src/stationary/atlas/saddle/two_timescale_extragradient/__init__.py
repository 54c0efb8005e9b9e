"""Two-timescale extragradient: it finds local minimax points that descent-ascent avoids."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper

paper = Paper(
    number=12,
    title="Two-timescale extragradient for finding local minimax points",
    arxiv="2305.16242",
    theme="saddle points and games",
    summary=(
        "In min over x of max over y without convexity the order of play counts, and the answers "
        "are local minimax points. Descent-ascent with a fast y finds those where y has curvature "
        "in every direction. Extragradient with a fast y also finds those where it has none in "
        "some, and avoids points that are no local minimax. A certificate tells the two apart by "
        "second derivatives, and which steps converge: not the short ones."
    ),
    claims=(
        Claim(
            "radii",
            "near a degenerate local minimax point descent-ascent expands at every step size, and "
            "extragradient contracts at those above a / c^2",
            "largest difference of the spectral radius of one step of either method, by its "
            "derivative, from the eigenvalues worked out by hand: f = -x^2/4 + xy, y 100 times as "
            "fast, steps 0.4, 0.6 and 0.9",
            AtMost(1e-7),
            source="ours",
        ),
        Claim(
            "found",
            "two-timescale extragradient converges to it",
            "distance from it after 20 000 steps of 0.9 from (0.1, 0.1)",
            AtMost(1e-12),
            source="ours",
        ),
        Claim(
            "avoided by descent-ascent",
            "two-timescale descent-ascent does not",
            "largest distance within 3000 steps of 0.9 from the same start",
            AtLeast(1e8),
            source="ours",
        ),
        Claim(
            "strict non-minimax points",
            "two-timescale extragradient avoids strict non-minimax points from almost every start",
            "runs within 0.01 of it after 20 000 steps of 0.6, of 100 random starts within 0.001 "
            "per seed, 5 seeds: f = -x1^2/4 + x2 y",
            AtMost(0),
            source="scaled",
        ),
        Claim(
            "no false answers",
            "no step size makes a point attract where the restricted Schur complement has a "
            "negative eigenvalue, at a large timescale",
            "random quadratic games that break this, of 300 (60 at smoke): 3 + 3 unknowns, "
            "curvature of y of rank 1 to 3, y 1e7 times as fast",
            AtMost(0),
        ),
        Claim(
            "few repelling answers",
            "where all its eigenvalues are positive some step attracts, except at few points",
            "share of the same games whose restricted Schur complement is positive and whose "
            "interval of stable steps is empty",
            AtMost(0.15),
            source="ours",
        ),
        Claim(
            "intervals",
            "the stable steps are those that the certificate's interval says",
            "steps, of 400 per game from 1e-3 to the inverse of y's largest curvature, at which "
            "the spectral radius of the step's matrix says otherwise",
            AtMost(0),
            source="ours",
        ),
    ),
    module=__name__,
)
