import zlib

import torch

from round_shipped import PARTS, rounded


def matrix() -> torch.Tensor:
    return (0.05 * torch.randn(200, 100, generator=torch.Generator().manual_seed(0))).half()


def test_a_matrix_changes_by_a_hundredth_and_compresses() -> None:
    weights, found = matrix(), rounded(matrix())
    assert found.dtype == torch.float16
    spread = weights.float().std()
    error = (found.float() - weights.float()).square().mean().sqrt() / spread
    assert 0.005 < error < 0.015
    assert (found.float() - weights.float()).abs().max() <= spread / PARTS * 2**0.5 / 2 + 1e-7
    sizes = [len(zlib.compress(one.numpy().tobytes(), 9)) for one in (weights, found)]
    assert sizes[1] < 0.7 * sizes[0]


def test_all_numbers_are_multiples_of_one_power_of_two() -> None:
    found = rounded(matrix()).float()
    step = found[found > 0].min()
    assert torch.log2(step) == torch.log2(step).round()
    assert torch.equal(found / step, (found / step).round())


def test_statistics_and_vectors_stay() -> None:
    for other in (torch.rand(5, 5), torch.rand(5).half(), torch.zeros(3, 3).half()):
        assert rounded(other) is other
