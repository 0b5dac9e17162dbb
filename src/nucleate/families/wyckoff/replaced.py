"""Training sequences with another element in the place of one of theirs (`nucleate.training.replaced`).

Whatever the prompt: with it, the sequences that a network invents are less often those of the training crystals. Which
of its equivalent descriptions is the canonical one can hang on the elements, so it is chosen anew.
"""

from __future__ import annotations

from jaxtyping import Int
from torch import Tensor

from nucleate.data.feed import Shown
from nucleate.families.wyckoff.sequences import Sequences
from nucleate.families.wyckoff.vocabulary import vocabulary
from nucleate.geometry.noise import Noise
from nucleate.streams import REPLACING
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import space_group
from nucleate.training.replaced import Replaced, with_another


class ReplacedSequences(Replaced):
    """A split of sequences that `varied` shows with other elements."""

    def varied(self, tensors: Shown, keys: Int[Tensor, " examples"]) -> Shown:
        given = {name: value for name, value in tensors.items() if value is not None}
        changed, old, new = self.replacement.drawn(given["asked"], Noise(keys).at(REPLACING.step()))
        if not bool(changed.any()):
            return tensors
        own = {name: given[name] for name in ("group", "position", "element", "asked", "counts")}
        sequences = Sequences(**own)[changed]
        species = with_another(sequences.element, changed[changed], old[changed], new[changed])
        found = Sequences.of([_canonical(sequences, species, row) for row in range(len(sequences))])
        return {**tensors, **{name: _put(own[name], changed, getattr(found, name)) for name in own}}


def _canonical(sequences: Sequences, species: Tensor, row: int) -> Sites:
    """One of the sequences, with these species."""
    words = vocabulary()
    group, sites = space_group(int(sequences.group[row])), int(sequences.sites[row])
    places = words.letter[sequences.position[row, :sites]].tolist()
    letters = tuple(group.letters[place] for place in places)
    return Sites(group.number, letters, tuple(species[row, :sites].tolist())).canonical()


def _put(values: Tensor, rows: Tensor, others: Tensor) -> Tensor:
    """Values with others in these rows, which are padded to their width."""
    found = values.clone()
    if values.ndim == 1:
        found[rows] = others
    else:
        found[rows] = 0
        found[rows.nonzero().squeeze(1), : others.shape[1]] = others
    return found
