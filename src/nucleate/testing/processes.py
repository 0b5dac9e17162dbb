"""What every process must do: shapes and padding, noise, both ends, and the checks of process_laws.py.

    test_mine = process_tests([ProcessCase("mine", Mine(), points)])

The batch has crystals of 3, 1 and 5 atoms, padded to 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.geometry.noise import Noise
from nucleate.processes.base import NAMES, Move, State
from nucleate.testing.process_case import ProcessCase, Way
from nucleate.testing.process_laws import largest_gap, law_checks
from nucleate.testing.process_steps import ratios_of_two_laws_average_to_one
from nucleate.testing.silent import Silent
from nucleate.testing.suite import Check, as_test, require

ATOMS, PADDED = (3, 1, 5), 6
TIMES = (0.1, 0.5, 0.9)


def process_tests(cases: Iterable[ProcessCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in process_checks(case))


def process_checks(case: ProcessCase) -> list[Check]:
    """The checks of one case; those of process_laws.py only if its exact prediction is known."""
    plain = (
        it_can_move,
        shapes_and_zeros_in_padding,
        numbers_are_float32,
        data_are_reached_at_the_end,
        the_start_has_the_marginals_of_the_prior,
        same_seed_same_noise,
    )
    named: list[tuple[str, Callable[[], None]]] = [(one.__name__, partial(one, case)) for one in plain]
    for name, way in case.ways.items():
        named.append((f"a_crystal_is_the_same_alone_and_in_a_batch-{name}", partial(alone, case, way)))
    if "flow" in case.process.can:
        named.append(("the_probability_flow_draws_no_noise", partial(silent_flow, case)))
    if "probability" in case.process.can:
        check = ratios_of_two_laws_average_to_one
        named.append((check.__name__, partial(check, case)))
    return [Check(f"{case.name}-{name}", run) for name, run in named + law_checks(case)]


def batch(case: ProcessCase) -> tuple[Mask, Tensor]:
    """A padded batch: the mask, and data that are zero in padding, as wide as the points."""
    mask = torch.arange(PADDED) < torch.tensor(ATOMS)[:, None]
    generator, channels = torch.Generator().manual_seed(4), case.points.shape[-1]
    if case.process.level == "cell":
        return mask, torch.rand(len(mask), channels, generator=generator)
    if not case.points.is_floating_point():
        return mask, torch.arange(1, mask.numel() + 1).reshape(mask.shape) * mask
    return mask, torch.rand(*mask.shape, channels, generator=generator) * mask.unsqueeze(-1)


def streams(seed: int) -> Noise:
    return Noise.of(seed, torch.arange(len(ATOMS)))


def it_can_move(case: ProcessCase) -> None:
    """The abilities in `can` are known, and lead from noise to data."""
    can = case.process.can
    require(can <= set(NAMES), f"can contains {sorted(can - set(NAMES))}, which no method knows")
    require(can & {"flow", "step"}, "it has neither a step nor a flow to lead from noise to data")


def zero_in_padding(case: ProcessCase, state: State, mask: Mask, when: str) -> None:
    for name, value in state.items() if case.process.level == "atom" else ():
        require((value[~mask] == 0).all(), f"{when}: {name} is not zero in padding")


def same_shape(found: torch.Size, expected: tuple[int, ...], what: str) -> None:
    require(tuple(found) == tuple(expected), f"{what} has the shape {tuple(found)}, not {tuple(expected)}")


def shapes_and_zeros_in_padding(case: ProcessCase) -> None:
    process, t, noise = case.process, torch.tensor(TIMES), streams(0)
    mask, data = batch(case)
    prior, noised = process.prior(mask, noise), process.corrupt(data, t, mask, noise)
    zero_in_padding(case, prior, mask, "prior")
    zero_in_padding(case, noised.state, mask, "corrupt")
    require(prior.keys() == noised.state.keys(), f"prior has {[*prior]}, corrupt {[*noised.state]}")
    for name, value in prior.items():
        same_shape(value.shape, noised.state[name].shape, f"{name} of the prior")
    same_shape(noised.weight.shape, (len(ATOMS),), "the loss's weight")
    same_shape(process.decode(noised.state).shape, data.shape, "the decoded quantity")
    if not process.target_width:
        return
    crystals = mask.shape if process.level == "atom" else mask.shape[:1]
    perfect = case.perfect(noised)
    same_shape(perfect.shape, (*crystals, process.target_width), "the target")
    same_shape(process.endpoint(noised.state, perfect, t, mask).shape, data.shape, "the endpoint")
    loss = process.loss(perfect, noised, mask)
    same_shape(loss.shape, (len(ATOMS),), "the loss")
    require((loss == 0).all(), f"the loss of a perfect prediction is {loss.tolist()}")
    for name, way in case.ways.items():
        move = way.move(t, t + 0.05, mask, noise)
        moved = way.corrected(process, way.step(process, noised.state, perfect, move), perfect, move)
        zero_in_padding(case, moved, mask, name)
        for part, value in moved.items():
            require(torch.isfinite(value).all(), f"{name}: {part} is not finite")


def numbers_are_float32(case: ProcessCase) -> None:
    """For float32 data; integers stay integers. The dtype of a sampler's states must not change on the way."""
    process, t, noise = case.process, torch.tensor(TIMES), streams(0)
    mask, data = batch(case)
    prior, noised = process.prior(mask, noise), process.corrupt(data, t, mask, noise)
    perfect = case.perfect(noised)
    ends = {
        way: each.step(process, noised.state, perfect, each.move(t, t + 0.05, mask, noise))
        for way, each in case.ways.items()
    }
    for when, state in {"prior": prior, "corrupt": noised.state, **ends}.items():
        for name, value in state.items():
            require(value.dtype in (torch.float32, torch.int64), f"{when}: {name} is {value.dtype}")
            require(value.dtype == prior[name].dtype, f"{when}: {name} is {value.dtype}, unlike the prior's")
    require(
        process.decode(noised.state).dtype == data.dtype,
        "the decoded quantity does not have the data's dtype",
    )
    require(noised.target.dtype in (torch.float32, torch.int64), f"the target is {noised.target.dtype}")


def data_are_reached_at_the_end(case: ProcessCase) -> None:
    """The state at t = 1 is the data."""
    weights = torch.tensor([0.4, 0.6])
    decoded = case.process.decode(case.corrupted(weights, 1.0, 100).state)
    data, _ = case.data(weights, 100)
    gap = max(case.distance(x[None], y).max().item() for x, y in zip(decoded, data, strict=True))
    require(gap < 1e-5, f"at t = 1 the data are missed by {gap:.2g}")


def the_start_has_the_marginals_of_the_prior(case: ProcessCase) -> None:
    count = 20_000
    start = case.moments(case.corrupted(torch.tensor([0.3, 0.7]), 0.0, count).state)
    prior = case.process.prior(case.mask(count), Noise.of(3, torch.arange(count)))
    gap, error = largest_gap(start, case.moments(prior))
    limit = case.prior_gap + 5 * error
    require(gap <= limit, f"moments at t = 0 differ from the prior's by {gap:.3g}, more than {limit:.3g}")


def same_seed_same_noise(case: ProcessCase) -> None:
    process, t = case.process, torch.tensor(TIMES)
    mask, data = batch(case)
    one, same, other = (process.corrupt(data, t, mask, streams(seed)) for seed in (0, 0, 1))
    for name, value in one.state.items():
        require(torch.equal(value, same.state[name]), f"{name} differs under the same seed")
    require(torch.equal(one.target, same.target), "the target differs under the same seed")
    if process.target_width:
        differs = any(not torch.equal(value, other.state[name]) for name, value in one.state.items())
        require(differs, "another seed gives the same noise")


def alone(case: ProcessCase, way: Way) -> None:
    """A crystal alone gets the same noise and moves the same way as in a padded batch."""
    mask, data = batch(case)
    together = everything(case, way, mask, data, slice(0, len(ATOMS)), PADDED)
    for i, atoms in enumerate(ATOMS):
        single = everything(case, way, mask, data, slice(i, i + 1), atoms)
        for name, value in together.items():
            mine = value[i : i + 1, :atoms] if case.process.level == "atom" else value[i : i + 1]
            torch.testing.assert_close(
                mine, single[name], rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
            )


def everything(
    case: ProcessCase, way: Way, mask: Mask, data: Tensor, rows: slice, atoms: int
) -> dict[str, Tensor]:
    """All results of a process for some crystals of a batch, padded to so many atoms, by name."""
    process, t, here = case.process, torch.tensor(TIMES)[rows], mask[rows, :atoms]
    noise = Noise.of(0, torch.arange(len(ATOMS))[rows])
    mine = data[rows, :atoms] if process.level == "atom" else data[rows]
    prior, noised = process.prior(here, noise), process.corrupt(mine, t, here, noise)
    perfect = case.perfect(noised)
    move = way.move(t, t + 0.05, here, noise.at(1))
    moved = way.corrected(process, way.step(process, noised.state, perfect, move), perfect, move)
    states = {"prior": prior, "corrupt": noised.state, "step": moved}
    found = {f"{when} {name}": value for when, state in states.items() for name, value in state.items()}
    if process.target_width:
        found |= {"target": noised.target, "endpoint": process.endpoint(noised.state, perfect, t, here)}
    return found


def silent_flow(case: ProcessCase) -> None:
    """`along` and `predict` draw nothing."""
    process, t = case.process, torch.tensor(TIMES)
    mask, data = batch(case)
    noised = process.corrupt(data, t, mask, streams(0))
    move = Move(t, t + 0.05, mask, Silent.of(1, torch.arange(len(ATOMS))))
    for step in (process.along, process.predict):
        step(noised.state, case.perfect(noised), move)
