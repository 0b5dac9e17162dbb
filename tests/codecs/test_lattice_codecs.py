"""What every lattice codec must do: round trips, finite cells and gradients, permuted axes, draws, statistics."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.lattice import LogLengthsTanAngles, Matrix, Polar, lattice_codec
from nucleate.errors import DataError, RecipeError
from nucleate.geometry.lattice import cell_parameters
from nucleate.geometry.noise import Noise
from tests.codecs.cells_for_tests import (
    NAMES,
    SKEW,
    SPECIAL,
    cells_from,
    codec_of,
    permuted_cells,
    random_cells,
)

every = pytest.mark.parametrize("name", NAMES)
both = pytest.mark.parametrize("fit", [False, True], ids=["raw", "standardised"])
ORDERS = torch.tensor(list(permutations(range(3))))


def five(count: int) -> torch.Tensor:
    return torch.full((count,), 5)


@every
@both
def test_round_trip_in_single_precision(name, fit):
    cells = random_cells(300).float()
    codec = codec_of(name, fit)
    x = codec.encode(cells, five(300))
    assert x.shape == (300, codec.width)
    assert x.dtype == torch.float32
    torch.testing.assert_close(codec.decode(x, five(300)), cells, rtol=1e-4, atol=1e-4)


@every
@both
def test_round_trip_of_extreme_cells(name, fit):
    """Needles, plates, rhombohedra close to flat and, where a codec takes any angle, angles from 12 to 150."""
    cells = cells_from(SPECIAL if name == "logit-angles" else SPECIAL + SKEW)
    codec = codec_of(name, fit)
    back = codec.decode(codec.encode(cells, five(len(cells))), five(len(cells)))
    scale = cells.norm(dim=-1, keepdim=True)
    assert ((back - cells).abs() / scale).max() < 1e-4


@every
def test_a_turned_cell_has_the_same_channels(name):
    cells = random_cells(50)
    turn, _ = torch.linalg.qr(
        torch.randn(50, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )
    codec = codec_of(name, True)
    torch.testing.assert_close(codec.encode(cells @ turn, five(50)), codec.encode(cells, five(50)))


@every
@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_finite_vector_decodes_to_a_finite_cell_with_a_finite_gradient(name, fit, dtype):
    codec = codec_of(name, fit, informed=True)
    generator = torch.Generator().manual_seed(0)
    x = torch.cat(
        [torch.randn(200, codec.width, generator=generator) * s for s in (0, 1, 10, 1e3, 1e6, 3e37)]
        + [torch.eye(codec.width) * s for s in (-1e30, -50, 1, 50, 1e30)]
        + [torch.ones(1, codec.width)]
    )
    x = x.to(dtype).requires_grad_()
    cells = codec.decode(x, five(len(x)))
    assert torch.isfinite(cells).all()
    assert cells.dtype == dtype
    (gradient,) = torch.autograd.grad(cells.tanh().sum(), x)
    assert torch.isfinite(gradient).all()


@every
@both
def test_gradients_of_both_ways_against_finite_differences(name, fit):
    codec = codec_of(name, fit)
    cells = random_cells(4)
    x = codec.encode(cells, five(4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: codec.decode(x, five(4)), x)
    assert torch.autograd.gradcheck(lambda c: codec.encode(c, five(4)), cells.requires_grad_())


@every
def test_gradients_at_cells_of_high_symmetry(name):
    """Coinciding eigenvalues, right angles, flat corners: where derivatives of decompositions are infinite."""
    cells = cells_from(SPECIAL).requires_grad_()
    codec = codec_of(name, False)
    x = codec.encode(cells, five(len(cells)))
    (gradient,) = torch.autograd.grad(x.sum(), cells)
    assert torch.isfinite(gradient).all()
    cubic = codec.encode(cells_from(SPECIAL[:1]), five(1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: codec.decode(x, five(1)), cubic)


PERMUTABLE = [(n, False) for n in NAMES] + [("matrix", True), ("polar", True)]


@pytest.mark.parametrize(("name", "fit"), PERMUTABLE)
def test_permuted_is_the_permuted_cell(name, fit):
    cells = random_cells(60)
    order = ORDERS.repeat(10, 1)
    codec = codec_of(name, fit)
    expected = permuted_cells(cells, order)
    x = codec.permuted(codec.encode(cells, five(60)), order)
    torch.testing.assert_close(codec.decode(x, five(60)), expected)
    if isinstance(codec, Matrix):
        # A permuted matrix is not turned to the standard orientation: the same up to a rotation.
        x, again = (m.unflatten(1, (3, 3)) for m in (x, codec.encode(expected, five(60))))
        torch.testing.assert_close(x @ x.mT, again @ again.mT)
    else:
        torch.testing.assert_close(x, codec.encode(expected, five(60)))


@pytest.mark.parametrize(("name", "fit"), PERMUTABLE)
def test_permuting_is_linear_and_the_inverse_order_undoes_it(name, fit):
    codec = codec_of(name, fit)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 6, codec.width, generator=generator, dtype=torch.float64)
    together = codec.permuted(2 * x - 3 * y, ORDERS)
    torch.testing.assert_close(together, 2 * codec.permuted(x, ORDERS) - 3 * codec.permuted(y, ORDERS))
    torch.testing.assert_close(codec.permuted(codec.permuted(x, ORDERS), ORDERS.argsort(1)), x)
    same = torch.arange(3).expand(6, 3)
    torch.testing.assert_close(codec.permuted(x, same), x)


@pytest.mark.parametrize("name", ["log-lengths", "logit-angles"])
def test_axes_standardised_apart_are_not_permuted(name):
    with pytest.raises(ValueError, match="standardised by axis"):
        codec_of(name, True).permuted(torch.zeros(6, 6), ORDERS)


@every
@both
def test_draw_encodes_the_informed_cells(name, fit, mask):
    codec = codec_of(name, fit, informed=True)
    assert codec.cells is not None
    cells = codec.cells.draw(mask, Noise.of(3, torch.arange(3)))
    x = codec.draw(mask, Noise.of(3, torch.arange(3)))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, codec.encode(cells, mask.sum(1)))
    torch.testing.assert_close(codec.decode(x, mask.sum(1)), cells, rtol=1e-4, atol=1e-4)


@every
def test_draw_is_of_about_unit_scale_even_where_all_training_cells_are_cubic(name):
    """As in Perov-5: no angle varies in the data, all do in the draw."""
    sizes = five(500)
    lengths = (1.4 + 0.07 * torch.randn(500, generator=torch.Generator().manual_seed(0))).exp()
    codec = lattice_codec(name, standardise=True, informed=True)
    codec.fit(lengths[:, None, None] * torch.eye(3), sizes)
    x = codec.draw(torch.ones(500, 5, dtype=torch.bool), Noise.of(0, torch.arange(500)))
    assert (x.std(0) < 3).all()
    assert (x.mean(0).abs() < 3).all()


@every
def test_a_codec_without_informed_cells_draws_nothing(name, mask, noise):
    with pytest.raises(ValueError, match="use informed=True"):
        lattice_codec(name, standardise=False).draw(mask, noise)


@every
def test_statistics_travel_with_the_weights_and_only_they(name):
    cells = random_cells(20)
    codec = codec_of(name, True, informed=True)
    other = lattice_codec(name, standardise=True, informed=True)
    assert not torch.allclose(other.encode(cells, five(20)), codec.encode(cells, five(20)))
    other.load_state_dict(codec.state_dict())
    assert torch.equal(other.encode(cells, five(20)), codec.encode(cells, five(20)))
    assert not list(codec.parameters())
    assert {"cells.mu", "cells.sigma"} < set(codec.state_dict())


@every
def test_an_unfitted_codec_needs_no_statistics(name):
    codec = lattice_codec(name, standardise=False)
    before = {key: value.clone() for key, value in codec.state_dict().items()}
    codec.fit(random_cells(20), five(20))
    codec.fit(torch.zeros(0, 3, 3), five(0))
    assert all(torch.equal(before[key], value) for key, value in codec.state_dict().items())


@every
@pytest.mark.parametrize("bad", ["empty", "zero", "nan"])
def test_a_split_that_has_no_statistics_is_refused(name, bad):
    cells = random_cells(4)
    if bad == "empty":
        cells = cells[:0]
    else:
        cells[2, 1] = 0 if bad == "zero" else math.nan
    sentence = "has no cells" if bad == "empty" else "1 of 4 cells .* are zero or not finite"
    with pytest.raises(DataError, match=sentence):
        lattice_codec(name, standardise=True).fit(cells, five(len(cells)))


def test_logit_channels_are_standardised_one_by_one():
    cells = random_cells(400, 3)
    codec = lattice_codec("logit-angles", standardise=True)
    codec.fit(cells, five(400))
    lengths, angles = (x.numpy() for x in cell_parameters(cells))
    share = (np.degrees(angles) - 59.9) / 60.2
    raw = np.concatenate([lengths, np.log(share / (1 - share))], 1)
    expected = (raw - raw.mean(0)) / raw.std(0)
    np.testing.assert_allclose(codec.encode(cells, five(400)).numpy(), expected, atol=1e-5)


def test_logits_by_hand_and_outside_of_the_interval():
    codec = lattice_codec("logit-angles", standardise=False)
    cells = cells_from([(3.0, 4.0, 5.0, 90, 74.95, 60.0), (3.0, 4.0, 5.0, 130, 50, 100)])
    x = codec.encode(cells, five(2))
    expected = [3, 4, 5, 0, math.log(0.25 / 0.75), math.log(0.1 / 60.1)]
    torch.testing.assert_close(x[0], torch.tensor(expected, dtype=torch.float64))
    assert torch.isfinite(x).all()
    angles = torch.rad2deg(cell_parameters(codec.decode(x, five(2)))[1])
    torch.testing.assert_close(angles[1], torch.tensor([120.1, 59.9, 100.0]).double(), atol=1e-3, rtol=0)


def test_matrix_is_scaled_by_one_number():
    cells = random_cells(400, 3)
    codec = lattice_codec("matrix", standardise=True)
    codec.fit(cells, five(400))
    scale = np.sqrt((cells.numpy() ** 2).mean())
    np.testing.assert_allclose(
        codec.encode(cells, five(400)).numpy(), cells.numpy().reshape(-1, 9) / scale, rtol=1e-6, atol=1e-12
    )


def test_any_matrix_decodes_to_a_cell():
    codec = lattice_codec("matrix", standardise=False)
    cell = random_cells(1)
    mirrored = cell * torch.tensor([1.0, 1.0, -1.0])
    torch.testing.assert_close(codec.decode(mirrored.flatten(1), five(1)), cell)
    parallel = torch.tensor([[1.0, 2, 3, 2, 4, 6, 0, 1, 0]])
    assert torch.linalg.det(codec.decode(parallel, five(1))).abs() < 1e-3
    assert torch.isfinite(codec.decode(torch.zeros(1, 9), five(1))).all()


def test_polar_coordinates_of_published_cells():
    """DiffCSP++'s own numbers, whose basis has norm 1: hexagonal a = 4, c = 6, and a cube of 4 Å."""
    x = lattice_codec("polar", standardise=False).encode(
        cells_from([(4.0, 4.0, 6.0, 90, 90, 120), (4.0,) * 3 + (90,) * 3]), five(2)
    )
    norms = torch.tensor([2.0, 2.0, 2.0, 2.0, 6.0, 3.0]).double().sqrt()
    published = torch.tensor([[-0.3884, 0, 0, 0, -0.3898, 2.5522], [0, 0, 0, 0, 0, 2.4011]]).double()
    torch.testing.assert_close(x * norms, published, atol=1e-4, rtol=0)
    assert x[0, 0].item() == pytest.approx(-math.log(3) / 4)


def test_polar_is_the_matrix_exponential():
    codec = lattice_codec("polar", standardise=False)
    basis = np.zeros((6, 3, 3))
    for k, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        basis[k, i, j] = basis[k, j, i] = 1
    basis[3:] = np.diag([1, -1, 0]), np.diag([1, 1, -2]), np.eye(3)
    x = 0.5 * np.random.default_rng(0).standard_normal((40, 6)) + [0, 0, 0, 0, 0, 1]
    cells = codec.decode(torch.from_numpy(x), five(40))
    metric = torch.linalg.matrix_exp(2 * torch.from_numpy(np.einsum("nk,kij->nij", x, basis)))
    torch.testing.assert_close(cells @ cells.mT, metric)
    np.testing.assert_allclose(np.log(np.linalg.det(cells.numpy())) / 3, x[:, 5])


def test_polar_statistics_single_out_no_axis():
    cells = random_cells(400, 3)
    codec = lattice_codec("polar", standardise=True)
    codec.fit(cells, five(400))
    raw = lattice_codec("polar", standardise=False).encode(cells, five(400)).numpy()
    log_volume = np.log(np.linalg.det(cells.numpy())) / 3
    x = codec.encode(cells, five(400)).numpy()
    np.testing.assert_allclose(x[:, 5], (log_volume - log_volume.mean()) / log_volume.std(), atol=1e-5)
    np.testing.assert_allclose(x[:, :5], raw[:, :5] / np.sqrt((raw[:, :5] ** 2).mean()), atol=1e-5)


def test_codecs_by_name():
    assert isinstance(lattice_codec("log-lengths", standardise=True), LogLengthsTanAngles)
    assert isinstance(lattice_codec("polar", standardise=False), Polar)
    assert {lattice_codec(name, standardise=False).width for name in NAMES} == {6, 9}
    informed = lattice_codec("matrix", standardise=False, informed=True, angles=(60, 120)).cells
    assert informed is not None
    assert (informed.low, informed.high) == (60, 120)


def test_an_unknown_codec_is_refused_with_the_known_names():
    with pytest.raises(RecipeError, match="cholesky") as error:
        lattice_codec("cholesky", standardise=False)
    assert all(name in error.value.hint for name in NAMES)


def test_the_base_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        LatticeCodec(standardise=False)
