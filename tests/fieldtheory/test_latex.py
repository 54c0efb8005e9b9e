"""Lagrangians as LaTeX: exact text, and what a parser of LaTeX makes of it."""

import re

import pytest

from stationary.fieldtheory import EXTENSIONS, lagrangian_terms, model, parse_fields, to_latex
from stationary.fieldtheory._names import typeset_names

STANDARD_MODEL = r"""
\begin{align*}
\mathcal{L} ={} & - \frac{1}{4} G_{\mu \nu}^{a} G^{a \mu \nu} - \frac{1}{4} W_{\mu \nu}^{a} W^{a \mu \nu} - \frac{1}{4} B_{\mu \nu} B^{\mu \nu} \\
& + \left( D_{\mu} H \right)^{\dagger} \left( D^{\mu} H \right) + i Q^{\dagger} \bar{\sigma}^{\mu} D_{\mu} Q + i u^{\dagger} \bar{\sigma}^{\mu} D_{\mu} u + i d^{\dagger} \bar{\sigma}^{\mu} D_{\mu} d + i L^{\dagger} \bar{\sigma}^{\mu} D_{\mu} L \\
& + i e^{\dagger} \bar{\sigma}^{\mu} D_{\mu} e \\
& - m^{2} \, H^{\dagger} H \\
& - \left( y_{1} \, H Q u + \mathrm{h.c.} \right) - \left( y_{2} \, H^{\dagger} Q d + \mathrm{h.c.} \right) - \left( y_{3} \, H^{\dagger} L e + \mathrm{h.c.} \right) \\
& - \lambda \, \left( H^{\dagger} H \right)^{2} \\
D_{\mu} H ={} & \left( \partial_{\mu} - i g_{2} \frac{\sigma^{a}}{2} W_{\mu}^{a} - i g_{1} \frac{1}{2} B_{\mu} \right) H \\
D_{\mu} Q ={} & \left( \partial_{\mu} - i g_{3} T^{a} G_{\mu}^{a} - i g_{2} \frac{\sigma^{a}}{2} W_{\mu}^{a} - i g_{1} \frac{1}{6} B_{\mu} \right) Q \\
D_{\mu} u ={} & \left( \partial_{\mu} + i g_{3} T^{a *} G_{\mu}^{a} + i g_{1} \frac{2}{3} B_{\mu} \right) u \\
D_{\mu} d ={} & \left( \partial_{\mu} + i g_{3} T^{a *} G_{\mu}^{a} - i g_{1} \frac{1}{3} B_{\mu} \right) d \\
D_{\mu} L ={} & \left( \partial_{\mu} - i g_{2} \frac{\sigma^{a}}{2} W_{\mu}^{a} + i g_{1} \frac{1}{2} B_{\mu} \right) L \\
D_{\mu} e ={} & \left( \partial_{\mu} - i g_{1} B_{\mu} \right) e \\
G_{\mu \nu}^{a} ={} & \partial_{\mu} G_{\nu}^{a} - \partial_{\nu} G_{\mu}^{a} + g_{3} f^{a b c} G_{\mu}^{b} G_{\nu}^{c} \\
W_{\mu \nu}^{a} ={} & \partial_{\mu} W_{\nu}^{a} - \partial_{\nu} W_{\mu}^{a} + g_{2} \epsilon^{a b c} W_{\mu}^{b} W_{\nu}^{c} \\
B_{\mu \nu} ={} & \partial_{\mu} B_{\nu} - \partial_{\nu} B_{\mu}
\end{align*}
"""  # noqa: E501


def rows(latex):
    """The cells between the ampersands and line ends of a display."""
    body = latex.removeprefix("\\begin{align*}\n").removesuffix("\n\\end{align*}")
    assert body != latex
    return [cell.strip() for line in body.split("\\\\\n") for cell in line.split("&")]


def latex(text, group="SU3 x SU2 x U1", **options):
    return to_latex(lagrangian_terms(parse_fields(text), group, **options), definitions=False)


def test_the_standard_model_is_written_as_in_books():
    terms = lagrangian_terms(model())
    assert to_latex(terms) == STANDARD_MODEL.strip()
    assert terms.to_latex() == to_latex(terms) == terms._repr_latex_()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("T: real scalar su2=3", r"+ \frac{1}{2} \left( D_{\mu} T \right) \left( D^{\mu} T"),
        ("T: real scalar su2=3", r"- \frac{1}{2} m^{2} \, T^{2} \\"),
        ("u: fermion right su3=3", r"+ i u^{\dagger} \sigma^{\mu} D_{\mu} u"),
        ("N: majorana", r"+ i N^{\dagger} \bar{\sigma}^{\mu} \partial_{\mu} N"),
        ("N: majorana", r"- \left( \frac{1}{2} M \, N^{2} + \mathrm{h.c.} \right)"),
        ("N: majorana copies=3", r"\frac{1}{2} M_{p r} \, N_{p} N_{r} + \mathrm{h.c."),
        ("E: dirac y=-1", r"- \left( M \, E E^{c} + \mathrm{h.c.} \right)"),
        ("s: scalar", r"\lambda_{2} \, s^{*} s^{3} + \mathrm{h.c."),
        ("k: scalar y=1", r"- \lambda \, \left( k^{*} k \right)^{2}"),
        ("H, h: scalar su2=2 y=1/2", r"\left[ H H^{\dagger} h h^{\dagger} \right]_{\mathbf{1},"),
        ("s: scalar su3=-3 su2=3 y=1/3", r"\right]_{\bar{\mathbf{6}},\mathbf{5}}"),
        ("S1~: scalar y=1", r"\tilde{S}_{1}^{*}"),
        ("phi_u: real scalar", r"\phi_{u}^{4}"),
        ("higgs: real scalar", r"\mathrm{higgs}^{4}"),
        ("φ: real scalar", r"\varphi^{4}"),
        ("S1bar: real scalar", r"\bar{S}_{1}^{4}"),
    ],
)  # fmt: skip
def test_each_kind_of_term(text, expected):
    assert expected in latex(text)


def test_flavoured_contractions_have_young_diagrams():
    text = latex("s: scalar su2=2 y=1/2 copies=2")
    assert (
        r"\lambda_{1,p r s t} \, \left[ s_{p} s_{r} s_{s}^{\dagger} s_{t}^{\dagger} \right]" in text
    )
    assert r"^{\left[ 1,1 \right]}" in text


def test_what_is_usually_left_out_can_be_written_too():
    text = latex(
        "a, b: real scalar; c: scalar su2_l=2 u1_bl=1", "su2_l x u1_bl x u1", theta=True,
        kinetic_mixing=True,
    )  # fmt: skip
    assert r"\frac{\theta_{1} g_{2 \mathrm{L}}^{2}}{32 \pi^{2}}" in text
    assert r"- \frac{\epsilon}{2} B_{\mu \nu}^{( \mathrm{BL} )} B^{\mu \nu}" in text
    assert r"z \, \left( \partial_{\mu} b \right) \left( \partial^{\mu} a \right)" in text


def test_names_that_would_look_alike_are_kept_apart():
    names = typeset_names(["S1", "S_1", "phi", "ϕ", "S2"])
    assert names["S1"].base.latex == r"\mathrm{S1}" and names["S_1"].base.latex == r"\mathrm{S\_1}"
    assert names["ϕ"].base.latex == r"\mathrm{\phi }"
    assert names["S2"].base.latex == "S"


LAGRANGIANS = {
    name: lagrangian_terms(model(name, generations=n))
    for name in ("Standard Model", *EXTENSIONS)
    for n in (1, 3)
} | {
    "left-right": lagrangian_terms(
        parse_fields(
            "phi1, phi2~: scalar su2_l=2 su2_r=2; nu_R', x_a_b2: fermion right u1_bl=-1 copies=2;"
            "higgs: real scalar; Uc, Yc: fermion right su3=-6; F: scalar su3=8 copies=2"
        ),
        "su3 x su2_l x su2_r x u1_bl x u1_z",
        theta=True,
        kinetic_mixing=True,
    ),
    "five": lagrangian_terms(parse_fields("a: scalar su5=10; b: fermion left su5=-5"), "su5"),
}


@pytest.mark.parametrize("name", LAGRANGIANS)
def test_braces_and_brackets_are_balanced(name):
    text = to_latex(LAGRANGIANS[name])
    for cell in rows(text):
        depth = 0
        for sign in re.findall(r"(?<!\\)[{}]", cell):
            depth += 1 if sign == "{" else -1
            assert depth >= 0, cell
        assert depth == 0 and cell.count(r"\left") == cell.count(r"\right"), cell
    assert not re.search(r"\^{[^{}]*}\^|_{[^{}]*}_", text)  # double scripts stop LaTeX


@pytest.mark.parametrize("name", ["Standard Model", "octet doublet", "left-right", "five"])
def test_another_parser_of_latex_reads_every_row(name):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for cell in rows(to_latex(LAGRANGIANS[name])):
        if cell:
            parser.parse(f"${cell.replace('={}', '=')}$")
