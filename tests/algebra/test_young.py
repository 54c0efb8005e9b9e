"""Young diagrams against characters: dimensions, and products by another rule."""

import xml.etree.ElementTree as ElementTree
from itertools import chain
from math import factorial, prod

import pytest

from stationary.algebra import SU, Irrep, YoungDiagram, product, weight_diagram

SHAPES = [(), (1,), (2,), (1, 1), (2, 1), (3,), (1, 1, 1), (2, 2), (3, 1), (2, 1, 1), (4, 2)]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_products_agree_with_characters(n):
    shapes = [rows for rows in SHAPES if len(rows) <= n]
    for first in shapes:
        for second in shapes:
            found: dict[Irrep, int] = {}
            diagrams = YoungDiagram(first).product(YoungDiagram(second), rows=n)
            for diagram, many in diagrams.items():
                found[diagram.irrep(n)] = found.get(diagram.irrep(n), 0) + many
            one, two = YoungDiagram(first).irrep(n), YoungDiagram(second).irrep(n)
            assert found == {r[0]: many for r, many in product((one,), (two,)).items()}


def test_products_without_a_group_commute_and_conjugate():
    for first in map(YoungDiagram, SHAPES[:-1]):
        for second in map(YoungDiagram, SHAPES[:-1]):
            found = first.product(second)
            assert found == second.product(first)
            turned = first.conjugate.product(second.conjugate)
            assert turned == {d.conjugate: many for d, many in found.items()}


def test_dimensions_of_hooks_are_those_of_weyl():
    for rows in SHAPES:
        diagram = YoungDiagram(rows)
        assert diagram.conjugate.conjugate == diagram
        for n in range(2, 6):
            if len(rows) <= n:
                assert diagram.dimension(n) == diagram.irrep(n).dimension
            else:
                assert diagram.dimension(n) == 0
    # (3, 1) symmetrises 4! / (4 * 2 * 1 * 1) = 3 ways.
    assert YoungDiagram((3, 1)).hooks == ((4, 2, 1), (1,))
    assert YoungDiagram.of(SU(3).irrep("-6")) == YoungDiagram((2, 2))


def test_pictures_hold_a_mark_for_each_box_and_state():
    picture = ElementTree.fromstring(YoungDiagram((3, 1)).svg())
    assert len(picture.findall(".//{*}rect")) == 4
    for n, name in [(2, 4), (3, 8), (3, 27)]:
        irrep = SU(n).irrep(name)
        marks = ElementTree.fromstring(weight_diagram(irrep)).findall(".//{*}circle")
        assert len(marks) == irrep.dimension
    assert str(YoungDiagram((2, 1))) == "□□\n□"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: YoungDiagram((1, 2)), "weakly falling"),
        (lambda: YoungDiagram((2, -1)), "weakly falling"),
        (lambda: YoungDiagram((1, 1, 1)).irrep(2), "has 3 rows"),
        (lambda: weight_diagram(SU(4).irrep(4)), r"not for SU\(4\)"),
    ],
)
def test_diagrams_that_do_not_exist(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("boxes", range(7))
def test_all_diagrams_of_so_many_boxes(boxes):
    every = YoungDiagram.all(boxes)
    tableaux = [factorial(boxes) // prod(chain(*d.hooks)) for d in every]
    assert sum(n * n for n in tableaux) == factorial(boxes)  # the regular representation
    assert every == sorted(every, reverse=True) and len(set(every)) == len(every)
    assert YoungDiagram.all(boxes, 2) == [d for d in every if len(d.rows) <= 2]
