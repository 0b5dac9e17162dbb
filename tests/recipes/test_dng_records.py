"""Records of generated crystals: made from an evaluation, shown beside the published rows."""

from __future__ import annotations

import pytest

from nucleate.errors import DataError
from tests.recipes.test_benchmark_records import CARD, script

yaml = pytest.importorskip("yaml")


def measure(value: float, share: bool = True) -> dict[str, object]:
    return {
        "value": value, "low": value * 0.9, "high": value * 1.1, "n": 1000, "of": "generated", "unit": "",
        "share": share, "description": "what it is",
    }  # fmt: skip


EVALUATION = {
    "families": {
        "validity": {"measures": {"structure_classic": measure(0.97), "readable": measure(1.0)}},
        "distributions": {"measures": {"density_w1": measure(0.5, share=False)}},
        "stability": {"measures": {"stable_0.1": measure(0.123)}},
    },
    "funnel": [{"title": "generated", "count": 1000}, {"title": "readable", "count": 999}],
    "protocol": {"name": "mattergen"},
    "settings": {"reference": "mp_20", "split": "val"},
}
JOB = {"seed": 3, "crystals": {"count": 1000}, "sampler": {"method": "pc", "steps": 100, "temperature": 1.0}}


def make():
    card = CARD | {"recipe": "kldm-dng-masked-small"}
    return script("record_dng").make_record(EVALUATION, card, JOB, name="mine", command="nucleate generate")


def test_a_record_keeps_numbers_funnel_and_origin():
    record = make()
    assert set(record["numbers"]) == {
        "validity.structure_classic",
        "distributions.density_w1",
        "stability.stable_0.1",
    }
    assert record["numbers"]["stability.stable_0.1"]["value"] == 0.123
    assert record["funnel"] == {"generated": 1000, "readable": 999}
    assert (record["sampling"]["seed"], record["sampling"]["crystals"]) == (3, 1000)


def covered(scale: str, references: int):
    """An evaluation with coverage of 100 samples."""
    settings = {
        "scale": scale,
        "samples": 100,
        "reference_crystals": references,
        "reference_crystals_there_are": 900,
    }
    shares = {"cov_recall": measure(0.5), "cov_precision": measure(0.6), "cov_recall_real": measure(0.7)}
    families = EVALUATION["families"] | {"coverage": {"measures": shares, "settings": settings}}
    return EVALUATION | {"families": families}


@pytest.mark.parametrize(
    ("scale", "references", "comparable"),
    [("cdvae", 900, True), ("cdvae", 300, False), ("fitted", 900, False)],
)
def test_coverage_stands_beside_published_numbers_only_if_made_like_them(
    tmp_path, scale, references, comparable
):
    card = CARD | {"recipe": "kldm-dng-masked-small"}
    evaluation = covered(scale, references)
    record = script("record_dng").make_record(evaluation, card, JOB, name="mine", command="nucleate generate")
    assert record["coverage"] == {"scale": scale, "samples": 100, "references": references, "of": 900}
    assert record["reference"] == {"name": "mp_20", "split": "val", "tuned_on": ["val"]}
    assert "coverage.cov_recall_real" in record["numbers"]
    (tmp_path / "dng").mkdir()
    (tmp_path / "dng/mine.yaml").write_text(yaml.safe_dump(record))
    text = script("dng_section").new_materials(tmp_path)
    own = next(line for line in text.splitlines() if line.startswith("| mine | 1,000 |"))
    assert ("50.0 (45.0 to 55.0)" in own) is comparable
    assert ("**not comparable**" in text) is not comparable
    assert (f"| mine | {scale} | 100 | {references} of 900 | 50.0 (45.0 to 55.0) |" in text) is not comparable


def test_an_evaluation_without_numbers_is_refused():
    empty = EVALUATION | {"families": {"validity": {"measures": {}}}}
    with pytest.raises(DataError, match="none of the numbers"):
        script("record_dng").make_record(empty, CARD | {"recipe": "r"}, JOB, name="m", command="c")


def test_the_page_shows_ours_above_the_published_rows(tmp_path):
    section = script("dng_section")
    assert section.new_materials(tmp_path) == ""
    (tmp_path / "dng").mkdir()
    (tmp_path / "dng/mine.yaml").write_text(yaml.safe_dump(make()))
    text = section.new_materials(tmp_path)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "| mine | 1,000 | 97.0 (87.3 to 106.7) | - | - | - | 0.50 (0.45 to 0.55) |" in text
    assert next(i for i, row in enumerate(rows) if "mine" in row) < next(
        i for i, row in enumerate(rows) if "KLDM (published)" in row
    )
    assert "| KLDM (published) | 10,000 | 99.88 | 84.86 | 98.94 | 99.50 | 0.4658 | 0.1280 | - | - |" in text
    assert "12.3 (11.1 to 13.5)" in text
    assert "NFE 200, seed 3" in text


def test_a_generator_of_two_models_or_of_none_has_a_record_too(tmp_path):
    card = CARD | {"recipe": "kldm-csp-large"}
    job = {"seed": 0, "crystals": {"count": 1000}, "sampler": {"temperature": 0.95, "nfe": 20}}
    for cards, lines in (([card, CARD | {"recipe": "wyckoff-sequences"}], 2), ([], 0)):
        record = script("record_dng").make_record(EVALUATION, cards, job, name="two", command="c")
        (tmp_path / "dng").mkdir(exist_ok=True)
        (tmp_path / "dng" / "two.yaml").write_text(yaml.safe_dump(record, sort_keys=False))
        text = script("dng_section").new_materials(tmp_path)
        assert text.count("- model: recipe") == lines
        assert "- sampling: seed 0, temperature 0.95, nfe 20" in text
