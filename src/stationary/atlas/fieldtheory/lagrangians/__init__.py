"""A transformer that writes Lagrangians, and the exact generator that it learns from."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=1,
    title="Generating particle physics Lagrangians with transformers",
    arxiv="2501.09729",
    theme="field theory",
    summary=(
        "From a list of fields, each with its spin and its SU(3) x SU(2) x U(1) quantum numbers, "
        "to the renormalisable Lagrangian: exactly, by group theory, and by an encoder-decoder "
        "that has seen examples of it. It is for whoever builds models of particles and wants "
        "every term with its contractions, and for whoever studies what sequence models make of "
        "rules that are exact. The paper trains 357 million parameters on up to six fields; the "
        "laptop run trains 0.7 million on up to three fields without colour. The full run, 44 "
        "million parameters on up to six fields with colour, is open: it wants a large GPU, and "
        "examples/write_lagrangians.py is its script."
    ),
    claims=(
        Claim(
            "tables",
            "the generator finds every term of the models that are known",
            "terms of the Standard Model and of 32 extensions that differ from tables made by "
            "hand, in letters, number of contractions or reality; one and three generations",
            AtMost(0),
            source="ours",
        ),
        Claim(
            "second generator",
            "it agrees with an independent program",
            "random models of up to six fields (smoke: 12, up to three) whose number of operators "
            "differs from basisgen's, of 150",
            AtMost(0),
            source="ours",
        ),
        Claim(
            "speed",
            "it is fast enough to make training data",
            "basisgen's time over ours, summed over 200 random models of four fields, our cache "
            "empty at first",
            AtLeast(100),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "invariance",
            "every term is invariant",
            "largest slope of the scalar potential of eight models along the group, at random "
            "fields and couplings, over the largest coefficient of the potential on the same line",
            AtMost(1e-10),
            source="ours",
        ),
        Claim(
            "vacuum",
            "the potential is a function whose stationary points can be found",
            "massless scalars less broken generators, which are three, summed over the vacua of "
            "the Standard Model, two Higgs doublets, a real singlet and the seesaw of type II",
            AtMost(0),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "exact match",
            "Lagrangians are written without a fault (paper: over 0.9, up to six fields)",
            "exact matches among 1500 models of up to three fields from held-out sets of fields, "
            "drawn uniformly, with at most 40 tokens (any length: see the table); fields read as a "
            "set; 0.7 million parameters after 1300 steps; mean over 2 seeds",
            AtLeast(0.8),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "terms",
            "most terms are right",
            "mean F1 over terms, the same models",
            AtLeast(0.92),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "beyond the usual terms",
            "it learns more than that every scalar has a mass and a quartic term",
            "exact matches among those with any other term, where writing only these scores 0",
            AtLeast(0.6),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "accuracy up to six fields",
            "over 90% accuracy up to six matter fields",
            "exact matches, mean over 1 to 6 fields with colour; 44 million parameters",
            AtLeast(0.9),
            at=frozenset({"full"}),
        ),
        Claim(
            "more fields",
            "it generalises beyond its training, within limits of its architecture",
            "exact matches for 4 and 5 fields over those for 3; set encoder with random pointers, "
            "trained on up to 3",
            Within(0.02, 0.98),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "set encoder",
            "reading fields as a set generalises further than absolute positions",
            "mean F1 for 4 and 5 fields of the same set encoder less that of learned positions",
            AtLeast(0.1),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "conjugation axis",
            "embeddings have an axis of conjugation",
            "mean cosine between the steps from fields to their conjugates, in standard deviations "
            "of 200 random pairings; mean over 2 seeds",
            AtLeast(5),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "axis is learned",
            "the axis comes from training",
            "the same before training",
            AtMost(5),
            source="ours",
            at=_LAPTOP,
            not_reproduced="The descriptions of a field and of its conjugate differ by the same "
            "tokens whatever the field, so their mean has an axis before any training. Training "
            "doubles the alignment, but the statistic alone does not show that it was learned.",
        ),
    ),
    module=__name__,
)
