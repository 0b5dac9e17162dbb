"""The glossary explains every word that the documentation's front page introduces."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_words_of_the_front_page_are_in_the_glossary():
    lines = (DOCS / "glossary.md").read_text().splitlines()
    rows = [line.split("|")[1] for line in lines if line.startswith("| ")][1:]
    known = [word.strip(" `") for row in rows for word in row.split(",")]
    assert len(known) == len(set(known))
    page = (DOCS / "index.md").read_text()
    words = page[page.index("The words:") :].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`|\b([A-Z]{3})\b", words))
    missing = {code or short for code, short in named} - set(known)
    assert named
    assert not missing
