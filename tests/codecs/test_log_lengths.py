"""Log lengths and tangents: exact round trips, statistics of each count, and a sensible value for every other count."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nucleate.codecs.lattice import MAX_ATOMS, LogLengthsTanAngles
from nucleate.geometry.lattice import cell_from_parameters, cell_parameters

LOG_LENGTH_SPREAD = 0.2


def cells_of(sizes: torch.Tensor, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    """Cells whose log lengths are normal about log(2.2 n^(1/3)) + shift (+ 0.3 for c), with angles from 60 to 120."""
    generator = torch.Generator().manual_seed(seed)
    spread = LOG_LENGTH_SPREAD * torch.randn(len(sizes), 3, generator=generator, dtype=torch.float64)
    centre = math.log(2.2) + sizes.double().log() / 3 + shift
    lengths = (centre[:, None] + torch.tensor([0, 0, 0.3]) + spread).exp()
    angles = math.pi / 180 * (75 + 30 * torch.rand(len(sizes), 3, generator=generator, dtype=torch.float64))
    return cell_from_parameters(lengths, angles)


@pytest.fixture(scope="module")
def fitted() -> tuple[LogLengthsTanAngles, torch.Tensor, torch.Tensor]:
    """A codec, and what it was fitted on: 4000 cells of 4 and of 12 atoms, 3 of 30 atoms."""
    sizes = torch.tensor([4] * 4000 + [12] * 4000 + [30] * 3)
    cells = cells_of(sizes)
    codec = LogLengthsTanAngles()
    codec.fit(cells, sizes)
    return codec, cells, sizes


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("fit", [False, True])
def test_round_trip(fitted, dtype, tolerance, fit):
    codec, cells, sizes = fitted
    codec = codec if fit else LogLengthsTanAngles()
    x = codec.encode(cells.to(dtype), sizes)
    assert x.dtype == dtype
    back = codec.decode(x, sizes)
    torch.testing.assert_close(back, cells.to(dtype), rtol=tolerance, atol=20 * tolerance)


def test_round_trip_of_a_rotated_cell_keeps_its_shape(fitted):
    codec, cells, sizes = fitted
    rotation, _ = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    )
    back = codec.decode(codec.encode(cells @ rotation, sizes), sizes)
    for ours, theirs in zip(cell_parameters(back), cell_parameters(cells), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_unfitted_channels_are_log_lengths_and_tangents_of_angles():
    cell = cell_from_parameters(
        torch.tensor([[3.0, 4.0, 5.0]], dtype=torch.float64),
        torch.deg2rad(torch.tensor([[80.0, 90.0, 120.0]], dtype=torch.float64)),
    )
    expected = [math.log(3), math.log(4), math.log(5)] + [math.tan(math.radians(d)) for d in (-10, 0, 30)]
    x = LogLengthsTanAngles().encode(cell, torch.tensor([7]))
    torch.testing.assert_close(x, torch.tensor([expected], dtype=torch.float64))


@pytest.mark.parametrize("count", [4, 12])
def test_statistics_of_a_frequent_count_are_its_own_moments(fitted, count):
    codec, cells, sizes = fitted
    logs = cells[sizes == count].norm(dim=-1).log()
    torch.testing.assert_close(codec.loc[count, :3].double(), logs.mean(0), atol=2e-4, rtol=0)
    torch.testing.assert_close(codec.scale[count, :3].double(), logs.std(0), atol=2e-3, rtol=0)
    x = codec.encode(cells, sizes)[sizes == count, :3]
    torch.testing.assert_close(x.mean(0), torch.zeros(3, dtype=torch.float64), atol=2e-3, rtol=0)
    torch.testing.assert_close(x.std(0), torch.ones(3, dtype=torch.float64), atol=0.01, rtol=0)


def test_a_count_that_differs_from_the_line_keeps_its_own_mean():
    """4, 8 and 16 atoms, where 8 lies 0.5 above the line: shrinkage must not pull 4000 crystals onto it."""
    sizes = torch.tensor([4] * 4000 + [8] * 4000 + [16] * 4000)
    cells = torch.cat(
        [cells_of(sizes[:4000], 1), cells_of(sizes[4000:8000], 2, 0.5), cells_of(sizes[8000:], 3)]
    )
    codec = LogLengthsTanAngles()
    codec.fit(cells, sizes)
    own = cells[sizes == 8].norm(dim=-1).log()
    torch.testing.assert_close(codec.loc[8, :3].double(), own.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(codec.scale[8, :3].double(), own.std(0), atol=0.01, rtol=0)


def test_every_count_has_finite_and_sensible_statistics(fitted):
    """n = 1 .. 256, of which three were seen: within a factor 1.5 of the law behind the data."""
    codec, _, _ = fitted
    n = torch.arange(1, MAX_ATOMS + 1)
    law = math.log(2.2) + n.double().log()[:, None] / 3 + torch.tensor([0, 0, 0.3])
    assert torch.isfinite(codec.loc).all()
    assert torch.isfinite(codec.scale).all()
    assert (codec.loc[1:, :3] - law).abs().max() < math.log(1.5)
    assert ((codec.scale[1:, :3] / LOG_LENGTH_SPREAD).log().abs() < math.log(1.2)).all()
    assert (codec.loc[:, 3:] == 0).all()


def test_a_rare_count_is_shrunk_to_the_line_and_a_frequent_one_is_not():
    frequent = torch.tensor([4] * 3000 + [12] * 3000)
    base = cells_of(frequent)
    odd = cells_of(torch.full((3000,), 8), 5, shift=0.5)
    means = []
    for count in (1, 10, 40, 3000):
        codec = LogLengthsTanAngles()
        codec.fit(torch.cat([base, odd[:count]]), torch.cat([frequent, torch.full((count,), 8)]))
        line = math.log(2.2) + math.log(8) / 3
        means.append((codec.loc[8, 0].item() - line) / 0.5)
    assert means == sorted(means)
    assert means[0] < 0.1
    assert 0.4 < means[2] < 0.75
    assert means[3] > 0.95


@pytest.mark.parametrize("sizes", [[6] * 50, [1], [256, 256], [1, 256]])
def test_tiny_training_sets_give_finite_statistics(sizes):
    sizes = torch.tensor(sizes)
    codec = LogLengthsTanAngles()
    codec.fit(cells_of(sizes), sizes)
    assert torch.isfinite(codec.loc).all()
    assert (codec.scale > 0).all()
    assert torch.isfinite(codec.scale).all()


def test_identical_cells_do_not_give_a_zero_scale():
    sizes = torch.full((500,), 5)
    cell = torch.eye(3, dtype=torch.float64).expand(500, 3, 3) * 4
    codec = LogLengthsTanAngles()
    codec.fit(cell, sizes)
    assert torch.isfinite(codec.encode(cell, sizes)).all()


def test_decode_is_finite_for_extreme_vectors(fitted):
    """An untrained network may say anything: no cell may be NaN or of infinite length."""
    codec, _, _ = fitted
    generator = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn(500, 6, generator=generator) * s for s in (1, 100, 1e6)])
    cells = codec.decode(x, torch.full((len(x),), 9))
    assert torch.isfinite(cells).all()


def test_not_standardised_fits_nothing(fitted):
    _, cells, sizes = fitted
    codec = LogLengthsTanAngles(standardise=False)
    codec.fit(cells, sizes)
    assert torch.equal(codec.encode(cells, sizes), LogLengthsTanAngles().encode(cells, sizes))
    assert set(codec.state_dict()) == {"loc", "scale"}


@pytest.mark.parametrize("model", ["kldm-mp20-csp", "kldm-perov5-csp", "kldm-mp20-dng"])
def test_shipped_weights_still_fit(model):
    import nucleate

    stored = load_file(Path(nucleate.__file__).parent / "shipped" / model / "weights.safetensors")
    own = {name.removeprefix("codec."): x for name, x in stored.items() if name.startswith("codec.")}
    codec = LogLengthsTanAngles()
    codec.load_state_dict(own, strict=True)
    assert (codec.scale[1:21, :3] < 0.5).all()
    # Five atoms in 60 A^3, by hand: (log a - loc) / scale.
    cell = torch.eye(3)[None] * 60 ** (1 / 3)
    expected = (math.log(60) / 3 - own["loc"][5, 0]) / own["scale"][5, 0]
    assert codec.encode(cell, torch.tensor([5]))[0, 0].item() == pytest.approx(float(expected), abs=1e-5)


def test_statistics_travel_with_the_weights(fitted):
    codec, cells, sizes = fitted
    other = LogLengthsTanAngles()
    other.load_state_dict(codec.state_dict())
    assert torch.equal(other.encode(cells, sizes), codec.encode(cells, sizes))
