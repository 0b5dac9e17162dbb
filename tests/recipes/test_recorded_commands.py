"""Every command in the records can be pasted into a shell: it splits into words that its own parser takes."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

import pytest
import typer.main

from nucleate.cli.main import app
from tests.recipes.test_benchmark_records import BENCHMARKS, script

yaml = pytest.importorskip("yaml")
pytest.importorskip("jsonschema")


def words_of(text: str) -> list[list[str]]:
    """The commands of a shell text: one for each line, or between semicolons, each as its words."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
        lexer.whitespace_split, lexer.commenters = True, ""
        for word in lexer:
            if word == ";":
                found.append([])
            else:
                found[-1].append(word)
        found.append([])
    return [words for words in found if words]


def recorded() -> list[tuple[str, list[str]]]:
    found = []
    for path in sorted((BENCHMARKS / "results").rglob("*.*")):
        if path.name == "schema.json":
            continue
        content = (yaml.safe_load if path.suffix == ".yaml" else json.loads)(path.read_text())
        if "command" in content:
            found += [(path.stem, words) for words in words_of(content["command"])]
    return found


class ParsedError(Exception):
    """The parser took the words."""


def parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse a command by its own parser, without doing it."""
    if words[0] == "nucleate":
        command, rest = typer.main.get_command(app), words[1:]
        while commands := getattr(command, "commands", None):
            command, rest = commands[rest[0]], rest[1:]
        command.make_context(command.name, rest)
        return
    assert words[0] == "python", words
    place = Path(words[1])
    assert place.parent == Path("benchmarks"), words
    real = argparse.ArgumentParser.parse_args

    def parse_only(parser, *_):
        real(parser, words[2:])
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", words[1:])
    with pytest.raises(ParsedError):
        script(place.stem).main()


def test_records_have_commands():
    assert len(recorded()) > 40


@pytest.mark.parametrize(("name", "words"), recorded(), ids=lambda x: x if isinstance(x, str) else x[1])
def test_a_recorded_command_is_accepted_by_its_parser(name, words, monkeypatch):
    parse(words, monkeypatch)


def test_words_with_blanks_and_semicolons_stay_whole():
    assert words_of("a 'b; c, d' --x=1; e\nf") == [["a", "b; c, d", "--x=1"], ["e"], ["f"]]


def test_a_command_that_lost_its_quotes_is_refused(monkeypatch):
    words = "python benchmarks/sampler_sweep.py --model m --data d --out o --name n --samplers PC, published order"
    with pytest.raises(SystemExit):
        parse(list(words.split()), monkeypatch)
