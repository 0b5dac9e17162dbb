import torch

from round_shipped import rounded


def test_weights_keep_eight_significant_bits() -> None:
    weights = torch.randn(10_000, generator=torch.Generator().manual_seed(0)).half()
    found = rounded(weights)
    assert found.dtype == torch.float16
    assert ((found - weights).abs() <= 2**-8 * weights.abs()).all()
    assert (found.view(torch.int16) & 0b111 == 0).float().mean() > 0.99
    assert (found != weights).float().mean() > 0.5
    assert torch.equal(rounded(found), found)


def test_statistics_stay() -> None:
    statistics = torch.rand(5)
    assert rounded(statistics) is statistics
