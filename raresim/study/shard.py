"""What a task found, as one piece of bytes that proves itself: a shard of a run.

Its first line holds the SHA-256 of everything after it. The second, as JSON, says what it is and
where in the rest its Parquet tables lie.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MARK = b"raresim-shard "


class DamagedError(ValueError):
    """A shard that is not as it was written."""


def packed(head: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the shard of some tables, and of what the run must know without reading them."""
    parts, places, at = [], {}, 0
    for name, table in tables.items():
        parts.append(_parquet(table))
        places[name] = [at, len(parts[-1])]
        at += len(parts[-1])
    second = json.dumps({"head": head, "parts": places}, sort_keys=True).encode() + b"\n"
    rest = b"".join([second, *parts])
    return MARK + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def checked(data: bytes) -> dict[str, Any]:
    """Return the head of a shard whose every byte is as it was written.

    Raises
    ------
    DamagedError
        When a byte is not.
    """
    first, _, rest = data.partition(b"\n")
    if first != MARK + hashlib.sha256(rest).hexdigest().encode():
        raise DamagedError("its SHA-256 is not the one that it was written with")
    head: dict[str, Any] = json.loads(rest.partition(b"\n")[0])["head"]
    return head


def table(path: Path, name: str) -> pa.Table:
    """Return one of the tables of a shard."""
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        stream.readline()
        start, size = json.loads(stream.readline())["parts"][name]
        stream.seek(start, io.SEEK_CUR)
        return pq.read_table(io.BytesIO(stream.read(size)))


def _parquet(table: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    words = [
        field.with_type(pa.string()) if pa.types.is_null(field.type) else field
        for field in arrow.schema  # words of which a block has none
    ]
    stream = io.BytesIO()
    pq.write_table(arrow.cast(pa.schema(words)), stream)
    return stream.getvalue()
