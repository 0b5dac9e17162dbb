"""Monte Carlo tree search over CIF texts: words are chosen by what became of the texts that went that way before.

As CrystaLLM (arXiv 2307.04340) does with formation energies: a node is the beginning of a text; its children are the
likeliest next words; a new child is judged by a whole text that is drawn from it. PUCT chooses among the children,

    W / N + c p sqrt(N_parent) / (1 + N),

with the reward 1 / (1 + exp(k (s - mean) / std)) of a text of score s (low is good), mean and std of all scores so far,
and -1 for what can't be judged. Words that have no choice, or almost none (p > 0.99), make no node of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.errors import NucleateError
from nucleate.families.choice import Choice
from nucleate.families.cif.grammar import Asked, cif
from nucleate.families.cif.reading import read
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.language.draw import draw
from nucleate.families.language.gpt import GPT
from nucleate.families.language.grammar import Part
from nucleate.geometry.noise import Noise

SURE = 0.99
"""Probability from which a word is taken without a choice."""
Score = Callable[[Cell], float | None]
"""Low is good, such as the energy per atom of a potential, eV; None for what can't be judged."""


@dataclass(frozen=True)
class SearchSettings:
    """How a search goes.

    Attributes:
        simulations: texts that are drawn.
        width: children of a node at most.
        explore: c, weight of the prior and of what was seldom tried.
        steepness: k of the reward.
        choice: how the rest of a text is drawn.
    """

    simulations: int = 200
    width: int = 5
    explore: float = 2.0
    steepness: float = 2.0
    choice: Choice = field(default_factory=lambda: Choice(top_k=10))


@dataclass(eq=False)
class Node:
    """The beginning of a text.

    Attributes:
        words: of the beginning, up to a word with a choice.
        priors: probability of each child's word.
        children: those that were tried, by word.
        visits, total: texts that went through here, and the sum of their rewards.
    """

    words: tuple[int, ...]
    priors: dict[int, float]
    children: dict[int, Node] = field(default_factory=dict)
    visits: int = 0
    total: float = 0.0

    def best(self, explore: float) -> int:
        """The word that PUCT chooses."""
        root = math.sqrt(self.visits)
        return max(self.priors, key=lambda word: (self.worth(word, explore, root), -word))

    def worth(self, word: int, explore: float, root: float) -> float:
        """Mean reward of a child plus what speaks for trying it. root: of the visits here."""
        child = self.children.get(word)
        visits, total = (child.visits, child.total) if child else (0, 0.0)
        return total / max(visits, 1) + explore * self.priors[word] * root / (1 + visits)


@dataclass
class Search:
    """A search for the best crystal of what is asked.

    Attributes:
        network: in evaluation mode.
        asked: what the text must be, its number of primitive cells included.
        score: of a crystal.
        found: (score, primitive cell) of each text that could be judged, in the order of the draws.
    """

    network: GPT
    asked: Asked
    score: Score
    settings: SearchSettings = SearchSettings()
    found: list[tuple[float, Cell]] = field(default_factory=list)

    def run(self, seed: int) -> tuple[float, Cell] | None:
        """The best of all texts; None where none could be judged."""
        root = self._node(())
        for number in range(self.settings.simulations):
            path = [root]
            while path[-1].priors:
                node = path[-1]
                word = node.best(self.settings.explore)
                new = word not in node.children
                if new:
                    node.children[word] = self._node((*node.words, word))
                path.append(node.children[word])
                if new:
                    break
            reward = self._reward(self._drawn(path[-1].words, seed, number))
            for node in path:
                node.visits += 1
                node.total += reward
        return min(self.found, key=lambda one: one[0], default=None)

    def _node(self, words: tuple[int, ...]) -> Node:
        """The node at or after these words; without children where the text has ended or is too long."""
        grammar, begin = cif(self.asked), list(words)
        try:
            allowed = next(grammar)
            for word in begin:
                allowed = grammar.send(word)
            while len(begin) < self.network.settings.context - 1:
                if len(allowed) > 1:
                    priors = self._priors(begin, allowed)
                    if len(priors) > 1:
                        return Node(tuple(begin), priors)
                    allowed = tuple(priors)
                word = next(iter(allowed))
                begin.append(word)
                allowed = grammar.send(word)
        except (StopIteration, NucleateError):
            pass
        return Node(tuple(begin), {})

    @torch.no_grad()
    def _priors(self, begin: list[int], allowed: tuple[int, ...]) -> dict[int, float]:
        device = self.network.words.weight.device
        logits = self.network(torch.tensor([begin], device=device))[0, -1].cpu().double()
        shares, places = torch.softmax(logits[list(allowed)], 0).sort(descending=True)
        count = 1 if float(shares[0]) > SURE else self.settings.width
        return {
            allowed[place]: share
            for place, share in zip(places[:count].tolist(), shares.tolist(), strict=False)
        }

    def _drawn(self, words: tuple[int, ...], seed: int, number: int) -> Cell | None:
        """A crystal whose text begins with these words."""
        noise = Noise.of(seed, torch.tensor([number]))
        (text,) = draw(self.network, [begun(words, cif(self.asked))], noise, self.settings.choice)
        if text.problem:
            return None
        try:
            return read(cif_vocabulary().decode(text.words), math.inf).sites.to_cell()
        except NucleateError:
            return None

    def _reward(self, cell: Cell | None) -> float:
        score = None if cell is None else self.score(cell)
        if cell is None or score is None or not math.isfinite(score):
            return -1.0
        self.found.append((score, cell))
        scores = np.array([one for one, _ in self.found])
        spread = float(scores.std()) or 1.0
        power = self.settings.steepness * (score - float(scores.mean())) / spread
        return 1 / (1 + math.exp(min(power, 700.0)))


def begun(words: tuple[int, ...], grammar: Part[None]) -> Part[None]:
    """A grammar whose text begins with these words, which it allows."""
    try:
        allowed = next(grammar)
        for word in words:
            assert word in allowed
            yield (word,)
            allowed = grammar.send(word)
        while True:
            allowed = grammar.send((yield allowed))
    except StopIteration:
        return
