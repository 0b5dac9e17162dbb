"""The file of an index: parquet, written and read only here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from nucleate.errors import DataError
from nucleate.files import beside
from nucleate.prototypes.index import Index, offsets_of

FORMAT = b"1"
KEY = b"nucleate.prototypes"
MAKE = "make one with 'nucleate prototypes index DATA --out FILE'"


def write_index(index: Index, path: Path) -> None:
    """Write an index. Raises NucleateError where the file can't be written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "material_id": pa.array(index.names, pa.string()),
        "source": pa.array(index.source.tolist(), pa.string()),
        "prototype": pa.array(index.label.tolist(), pa.string()),
        "space_group": pa.array(index.number, pa.uint8()),
        "elements": _lists(index.role_offsets, index.elements, pa.uint8()),
        "counts": _lists(index.role_offsets, index.counts, pa.uint16()),
        "letters": pa.array(index.letters, pa.string()),
        "orbits": _lists(index.orbit_offsets, index.multiplicities, pa.uint8()),
        "frac": _lists(3 * index.atom_offsets, index.frac.reshape(-1), pa.float32()),
        "lattice": pa.FixedSizeListArray.from_arrays(pa.array(index.lattice.reshape(-1), pa.float32()), 9),
        "energy_above_hull": pa.array(index.energy, pa.float32()),
        "reported": pa.array(index.reported, pa.uint8()),
    }
    table = pa.table(columns).replace_schema_metadata({KEY: FORMAT})
    with beside(path) as part:
        pq.write_table(table, part, compression="zstd", compression_level=19)


def read_index(path: Path) -> Index:
    """Read an index. Raises DataError where the file is missing, broken or not an index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"no index of prototypes {path}", MAKE)
    try:
        found = pq.ParquetFile(path).read().combine_chunks()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is no index that can be read ({error})", MAKE) from None
    version = (found.schema.metadata or {}).get(KEY)
    if version != FORMAT:
        what = "is no index of prototypes" if version is None else f"is an index of format {version.decode()}"
        raise DataError(f"{path} {what}, and format {FORMAT.decode()} is needed", MAKE)
    elements, role_offsets = _flat(found["elements"])
    multiplicities, orbit_offsets = _flat(found["orbits"])
    frac, offsets = _flat(found["frac"])
    lattice = found["lattice"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    plain = "reported" not in found.column_names
    return Index(
        found["material_id"].to_pylist(),
        np.array(found["source"].to_pylist()),
        np.array(found["prototype"].to_pylist()),
        found["space_group"].to_numpy().astype(np.int64),
        elements.astype(np.int64), _flat(found["counts"])[0].astype(np.int64), role_offsets,
        found["letters"].to_pylist(), multiplicities.astype(np.int64), orbit_offsets,
        frac.reshape(-1, 3), offsets // 3, lattice.reshape(-1, 3, 3), found["energy_above_hull"].to_numpy(),
        np.zeros(len(found), dtype=np.int64) if plain else found["reported"].to_numpy().astype(np.int64),
    )  # fmt: skip


def checksum_of(index: Index) -> str:
    """First 16 hexadecimal digits of the SHA-256 of an index's crystals and their names."""
    digest = hashlib.sha256("\n".join([*index.names, *index.source.tolist()]).encode())
    for array, kind in (
        (index.elements, "<i8"),
        (index.counts, "<i8"),
        (index.frac, "<f4"),
        (index.lattice, "<f4"),
    ):
        digest.update(array.astype(kind).tobytes())
    return digest.hexdigest()[:16]


def _lists(offsets: np.ndarray, values: np.ndarray, kind):
    import pyarrow as pa

    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values, kind))


def _flat(column) -> tuple[np.ndarray, np.ndarray]:
    """The values of lists, concatenated, and their offsets."""
    chunk = column.combine_chunks()
    sizes = chunk.value_lengths().to_numpy(zero_copy_only=False)
    return chunk.flatten().to_numpy(zero_copy_only=False), offsets_of(sizes.tolist())
