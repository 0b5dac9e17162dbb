"""The judges of one evaluation in order, one for each family of metrics, and the tests of its funnel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nucleate.metrics.dng.context import EvaluationContext
from nucleate.metrics.dng.family import Family, share_of
from nucleate.metrics.dng.report import Test
from nucleate.metrics.dng.settings import NO_RELAXATION, DngSettings

if TYPE_CHECKING:
    pass

UNSUPPORTED = ("unknown_element", "isolated_atom")
"""Reasons of a relaxation that lie with the potential, not with the structure."""
NEEDS_HULL = ("stable", "supported", "energy_above_hull", "far_below_hull")
NOTHING_USABLE = "No sample can be used."

Judge = Callable[[EvaluationContext], Family]


def judges(settings: DngSettings, with_reference: bool = True) -> dict[str, Judge]:
    """The judges by the names of their families, in the order they must work in."""
    wanted: dict[str, Judge] = {"validity": _validity}
    if with_reference:
        wanted["distributions"] = _distributions
    if with_reference and settings.coverage:
        wanted["coverage"] = _coverage
    wanted |= {"diversity": _diversity, "symmetry": _symmetry}
    if settings.relax != NO_RELAXATION:
        wanted["stability"] = _stability
    wanted["uniqueness"] = _uniqueness
    return wanted | ({"novelty": _novelty, "joint": _joint} if with_reference else {})


def tests(context: EvaluationContext) -> list[Test]:
    """The tests of the funnel: readable, valid, and, as far as they were judged, supported to stable, unique, novel."""
    done = context.families
    found: list[Test] = [
        ("parsed", "readable", [cell is not None for cell in context.cells]),
        (
            "valid",
            f"valid ({context.protocol.valid_title})",
            context.column("validity", context.protocol.valid),
        ),
    ]
    if "stability" in done:
        reasons = context.column("stability", "stability_reason")
        found += [
            ("supported", "supported by the potential", [reason not in UNSUPPORTED for reason in reasons]),
            ("relaxed", "relaxed", [cell is not None for cell in context.relaxed]),
        ]
    if "stability" in done and context.has_hull:
        threshold = context.protocol.thresholds[0]
        found += [
            ("placed", "placed against the hull", context.column("stability", "supported")),
            ("stable", f"at most {threshold:g} eV/atom above the hull", stable(context, threshold)),
        ]
    if "uniqueness" in done:
        found.append(("unique", "unique", context.column("uniqueness", "unique")))
    if "novelty" in done:
        found.append(("novel", "novel", context.column("novelty", "novel")))
    return found


def stable(context: EvaluationContext, threshold: float) -> list[bool | None]:
    """Whether each sample is at most so far above the hull, eV/atom; None where that is not known."""
    from nucleate.metrics.dng.stability_numbers import column_of

    return context.column("stability", column_of(threshold))


def _validity(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.validity import judge_validity

    return judge_validity(context.cells, work=context.work)


def _distributions(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.distributions import DistributionSettings, judge_distributions

    if not context.usable:
        return Family("distributions", "Distributions", notes=[NOTHING_USABLE])
    return judge_distributions(
        context.cells,
        context.reference,
        DistributionSettings(resamples=context.settings.resamples, seed=context.settings.seed),
        fingerprints=context.fingerprints,
        work=context.work,
    )


def _coverage(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.coverage import judge_coverage
    from nucleate.metrics.dng.coverage_settings import CUTOFFS, CoverageSettings

    assert context.dataset is not None
    name = context.dataset.path.resolve().name
    protocol = context.protocol
    settings = CoverageSettings(
        cutoffs=name if name in CUTOFFS else "mp_20",
        admitted=protocol.fingerprinted,
        scale=protocol.composition_scale,
    )
    family = judge_coverage(
        context.cells,
        context.reference,
        settings,
        fingerprints=context.fingerprints,
        work=context.work,
        real=context.real_fingerprints,
        there_are=context.reference_size,
    )
    if len(context.reference) < context.reference_size:
        context.notes.append(
            f"COV-R and COV-P are against {len(context.reference)} of {context.reference_size} crystals of "
            f"{context.settings.split}; published ones are against a whole split and can't be compared with them."
        )
    if name not in CUTOFFS:
        family.notes.append(f"No cutoffs are published for {name}: those of MP-20 are used.")
    return family


def _diversity(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.diversity import DiversitySettings, judge_diversity

    if not context.usable:
        return Family("diversity", "Diversity", notes=[NOTHING_USABLE])
    return judge_diversity(
        context.cells,
        context.reference or None,
        DiversitySettings(resamples=context.settings.resamples, seed=context.settings.seed),
        fingerprints=context.fingerprints,
        work=context.work,
    )


def _symmetry(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.symmetry import judge_symmetry

    return judge_symmetry(context.cells, context.reference or None, work=context.work)


def _stability(context: EvaluationContext) -> Family:
    from nucleate.energies.potentials import potential_named
    from nucleate.energies.relax import RelaxSettings, relax
    from nucleate.metrics.dng.stability import StabilitySettings, judge_stability

    settings, store = context.settings, context.kept_in("relaxed.sqlite")
    potential = potential_named(settings.relax)
    how = RelaxSettings(timeout=settings.timeout)
    family = judge_stability(
        context.cells,
        potential,
        settings.hull.open(potential, context.dataset, context.kept_in("points.sqlite")),
        StabilitySettings(
            how,
            seed=settings.seed,
            thresholds=context.protocol.thresholds,
            far_below=context.protocol.far_below,
        ),
        store,
    )
    done = [i for i, steps in enumerate(family.columns["relax_steps"]) if steps is not None]
    cells = [cell for i in done if (cell := context.cells[i]) is not None]
    # all of them are in the store by now
    for i, one in zip(done, relax(cells, potential, how, store.alone), strict=True):
        context.relaxed[i] = one.cell
    return family if context.has_hull else _without_hull(family)


def _without_hull(family: Family) -> Family:
    """Results from relaxation alone; a crystal never placed is not counted as unstable."""
    kept = {name: one for name, one in family.measures.items() if not name.startswith(NEEDS_HULL)}
    return replace(family, measures=kept, notes=["Without a reference nothing is placed against a hull."])


def _uniqueness(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.uniqueness import judge_uniqueness

    context.notes.append(context.compared)
    return judge_uniqueness(
        context.compared_samples,
        work=context.work,
        valid=context.column("validity", context.protocol.valid),
    )


def _novelty(context: EvaluationContext) -> Family:
    from nucleate.metrics.dng.novelty import judge_novelty
    from nucleate.metrics.dng.reference_index import ReferenceIndex

    assert context.dataset is not None
    settings = context.settings
    digest = context.dataset.info["checksums"][f"{settings.novel_against}.parquet"]
    store = context.file(f"reduced-{settings.novel_against}-{digest[:16]}.npz")
    index = ReferenceIndex.open(context.dataset.path, settings.novel_against, store)
    return judge_novelty(
        context.compared_samples,
        index,
        work=context.work,
        valid=context.column("validity", context.protocol.valid),
    )


def _joint(context: EvaluationContext) -> Family:
    """Shares of samples that pass several tests at once."""
    from nucleate.metrics.dng.stability import stable_unique_novel

    unique, novel = context.column("uniqueness", "unique"), context.column("novelty", "novel")
    clusters = context.column("uniqueness", "cluster")
    valid = context.column("validity", context.protocol.valid)
    new = [bool(u) and bool(n) for u, n in zip(unique, novel, strict=True)]
    sound = [bool(v) and one for v, one in zip(valid, new, strict=True)]
    measures = {
        "unique_novel": share_of(new, "Unique among the samples, and novel."),
        "valid_unique_novel": share_of(
            sound, f"Valid ({context.protocol.valid_title}), unique among the samples, and novel."
        ),
    }
    columns: dict[str, list[Any]] = {"unique_novel": new}
    if "stability" in context.families:
        thresholds = sorted(context.protocol.thresholds)
        for name, threshold in (("sun", thresholds[0]), ("msun", thresholds[-1])):
            columns[name] = stable_unique_novel(stable(context, threshold), clusters, novel)
            measures[name] = share_of(
                columns[name],
                f"At most {threshold:g} eV/atom above the hull and novel, the first such of its duplicates.",
            )
    return Family("joint", "Stable, unique and novel", measures, columns)
