"""nucleate data info: what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    folder: Annotated[Path, typer.Argument(help="A data set.")],
    as_json: Annotated[bool, typer.Option("--json", help="dataset.json as it is, for programs.")] = False,
) -> None:
    """Describe a data set: counts, elements, sizes, ranges, properties, licence."""
    import json

    from nucleate.data.dataset import Dataset
    from nucleate.errors import DataError

    dataset = Dataset.open(folder)
    if as_json:
        typer.echo(json.dumps(dataset.info, indent=1, ensure_ascii=False))
        return
    missing = {"settings", "statistics", "rejected"} - dataset.info.keys()
    if missing:
        raise DataError(
            f"{folder / 'dataset.json'} lacks {', '.join(sorted(missing))}",
            "import the data set again, or print what it holds with --json",
        )
    for line in _lines(dataset.info):
        typer.echo(line)


def _lines(info: dict) -> list[str]:
    """What `nucleate data info` prints."""
    source = info.get("source", {})
    files = [one["name"] for named in source.get("files", {}).values() for one in named]
    lines = [
        f"source    {source.get('note') or ', '.join(files)}",
        f"licence   {info.get('licence') or 'not stated'}",
        f"cells     {'primitive, Niggli-reduced' if info['settings']['reduce'] else 'as in the source'}",
    ]
    for name, found in info["statistics"].items():
        refused = sum(info["rejected"].get(name, {}).values())
        lines += ["", f"{name}: {found['crystals']} crystals, {found['atoms']} atoms, {refused} rows refused"]
        lines += [f"  {refusal}: {count}" for refusal, count in info["rejected"].get(name, {}).items()]
        by_count = sorted(found["elements"].items(), key=lambda one: -one[1])
        elements = "  ".join(f"{symbol} {count}" for symbol, count in by_count[:12])
        lines.append(f"  elements  {len(by_count)}: {elements}{' ...' if len(by_count) > 12 else ''}")
        lines.append("  sizes     " + "  ".join(f"{size}:{count}" for size, count in found["sizes"].items()))
        for key, unit in (("lengths", "Å"), ("angles", "degrees"), ("volume_per_atom", "Å^3")):
            lines.append(f"  {key:16}{_span(found[key])} {unit}")
        for key, column in found["properties"].items():
            span = f", {_span(column['range'])}" if column.get("range") else ""
            lines.append(f"  property  {key}: {column['kind']}, known for {column['known']}{span}")
    return lines


def _span(found: dict) -> str:
    return f"{found['min']:.4g} to {found['max']:.4g} (mean {found['mean']:.4g})"
