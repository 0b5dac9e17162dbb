"""The tree search goes where the score is better, within its grammar, and repeats itself."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.families.cif.grammar import Asked
from nucleate.families.cif.search import Node, Search, SearchSettings
from nucleate.families.wyckoff.prompt import Prompt
from tests.families.cif.cases import random_model

ASKED = Asked(Prompt.of(225, {26: 1}), 4)


def edge(cell: Cell) -> float:
    """Far from 500 Å of a conventional cell."""
    return abs((4 * cell.volume) ** (1 / 3) - 500)


def search(simulations: int) -> Search:
    return Search(random_model().network, ASKED, edge, SearchSettings(simulations, width=10))


def test_a_word_is_chosen_by_puct() -> None:
    node = Node((), {1: 0.7, 2: 0.2, 3: 0.1}, visits=9)
    assert node.best(1.0) == 1
    node.children = {1: Node((1,), {}, visits=8, total=-8.0), 2: Node((2,), {}, visits=1, total=0.5)}
    assert node.worth(1, 1.0, 3.0) == pytest.approx(-1 + 0.7 * 3 / 9)
    assert node.worth(2, 1.0, 3.0) == pytest.approx(0.5 + 0.2 * 3 / 2)
    assert node.worth(3, 1.0, 3.0) == pytest.approx(0.3)
    assert node.best(1.0) == 2


def test_the_search_learns_where_scores_are_low() -> None:
    """The later half of the texts is better on average than the first ones."""
    one = search(30)
    best = one.run(seed=1)
    assert best is not None
    assert best[0] == min(score for score, _ in one.found)
    assert all(cell.species.tolist() == [26] for _, cell in one.found)
    scores = [score for score, _ in one.found]
    assert len(scores) == 30
    assert np.mean(scores[15:]) < np.mean(scores[:10])


def test_the_same_seed_gives_the_same_search() -> None:
    assert search(5).run(2)[0] == search(5).run(2)[0] != search(5).run(3)[0]


def test_what_cannot_be_judged_is_punished() -> None:
    one = Search(random_model().network, ASKED, lambda cell: None, SearchSettings(4))
    assert one.run(0) is None
    assert one._reward(None) == -1
