"""Parts of the page of results: old records are read too."""

from __future__ import annotations

import yaml
from benchmarks.page_sections import ablations

RECORD = {
    "title": "Ablations", "source": "a paper", "protocol": "geometry", "crystals": 5, "nfe": 10, "hardware": "a CPU",
    "command": "python ablations.py",
}  # fmt: skip


def test_ablations_of_older_records_are_on_the_page(tmp_path):
    (tmp_path / "ablations").mkdir()
    curve = [{"step": 7, "match_rate": 0.25, "standard_error": None, "seeds": 1}]
    for name in ("cells", "variants"):
        found = {**RECORD, name: {f"by {name}": {"settings": [], "curve": curve}}}
        (tmp_path / "ablations" / f"{name}.yaml").write_text(yaml.safe_dump(found))
    text = ablations(tmp_path)
    assert "| by cells | 7 | 25.0 | - | 1 |" in text
    assert "| by variants | 7 | 25.0 | - | 1 |" in text
