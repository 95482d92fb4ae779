"""Arrow tables in the types that every engine reads."""

from __future__ import annotations

from typing import Any

__all__ = ["plain_table"]


def plain_table(brought: Any) -> Any:
    """Give a table or batch as a table without the types that engines lack: half floats, decimals of 256 bits."""
    import pyarrow as pa

    table = pa.Table.from_batches([brought]) if isinstance(brought, pa.RecordBatch) else brought
    for place, field in enumerate(table.schema):
        if (kind := _plain(field.type)) is not None:
            table = table.set_column(place, field.name, table.column(place).cast(kind))
    return table


def _plain(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_float16(kind):
        return pa.float32()
    # exact or an error, never rounded
    return pa.decimal128(38, kind.scale) if pa.types.is_decimal256(kind) else None
