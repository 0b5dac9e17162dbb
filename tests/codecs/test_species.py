"""Species codecs: round trips, the analog bits of the literature, and codes that are no element."""

from __future__ import annotations

import pytest
import torch

from nucleate.codecs.species import species_codec
from nucleate.elements import MAX_ATOMIC_NUMBER

ALL = torch.arange(1, MAX_ATOMIC_NUMBER + 1)[None]
REAL = torch.ones_like(ALL, dtype=torch.bool)


@pytest.mark.parametrize(("representation", "width"), [("numbers", 0), ("onehot", 100), ("bits", 7)])
def test_every_element_comes_back(representation, width):
    codec = species_codec(representation)
    assert codec.width == width
    assert torch.equal(codec.decode(codec.encode(ALL, REAL), REAL), ALL)


@pytest.mark.parametrize("representation", ["onehot", "bits"])
def test_padding_is_zero_both_ways(representation, mask):
    codec = species_codec(representation)
    species = torch.where(mask, 8, 0)
    x = codec.encode(species, mask)
    assert (x[~mask] == 0).all()
    assert torch.equal(codec.decode(x, mask), species)


def test_bits_are_the_binary_numbers_first_bit_first():
    x = species_codec("bits").encode(torch.tensor([[26]]), torch.ones(1, 1, dtype=torch.bool))
    assert x[0, 0].tolist() == [-1, -1, 1, 1, -1, 1, -1]  # 0011010


def test_codes_of_no_element_decode_to_the_nearest_one():
    """127 is no element of the table; 63, 95 and 111 differ from it in one bit, and 111 is none either."""
    codec = species_codec("bits")
    x = torch.tensor([[[0.1, 1, 1, 1, 1, 1, 1], [1, 0.3, 0.2, 1, 1, 1, 1], [1, 0.3, 0.1, 1, 1, 1, 1]]])
    assert codec.decode(x, torch.ones(1, 3, dtype=torch.bool)).tolist() == [[63, 95, 95]]
    anything = torch.randn(50, 40, 7, generator=torch.Generator().manual_seed(0))
    drawn = codec.decode(anything, torch.ones(50, 40, dtype=torch.bool))
    signs = ((anything > 0) * 2 ** torch.arange(6, -1, -1)).sum(-1)
    valid = (signs >= 1) & (signs <= MAX_ATOMIC_NUMBER)
    assert torch.equal(drawn[valid], signs[valid])
    assert ((drawn >= 1) & (drawn <= MAX_ATOMIC_NUMBER)).all()
