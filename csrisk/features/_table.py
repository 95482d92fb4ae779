"""Where the features of all builders come together: in one frame, or in a Parquet file, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._atomic import atomic_path

if TYPE_CHECKING:
    import os
    from types import TracebackType

__all__ = ["FrameSink", "ParquetSink", "as_category"]


class FrameSink:
    """Collect parts in one frame whose numbers are held once."""

    def __init__(self, index: pd.MultiIndex) -> None:
        self.index = index
        self._numbers: np.ndarray[Any, np.dtype[np.float64]] | None = None
        self._texts: dict[str, np.ndarray[Any, Any]] = {}
        self._columns: list[str] = []
        self._attrs: dict[Any, Any] = {}

    def put(self, rows: slice, frame: pd.DataFrame) -> None:
        """Add the features of some neighbouring rows."""
        texts = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
        numbers = [name for name in frame if name not in texts]
        if self._numbers is None:
            self._columns, self._attrs = [str(name) for name in frame], frame.attrs
            # one row for each feature: a part then fills a stretch of memory, and pandas keeps such a block as it is
            self._numbers = np.empty((len(numbers), len(self.index)))
            self._texts = {str(name): np.full(len(self.index), None, dtype=object) for name in texts}
        for place, name in enumerate(numbers):
            self._numbers[place, rows] = frame[name].to_numpy()
        for name, values in self._texts.items():
            column = frame[name].astype(object)
            # parts have other categories each, so values are collected and made categories at the end
            values[rows] = column.where(column.notna(), None).to_numpy()

    def finish(self) -> pd.DataFrame:
        """Return the frame."""
        numbers = [name for name in self._columns if name not in self._texts]
        block = self._numbers if self._numbers is not None else np.empty((0, len(self.index)))
        # no copy: the features of a large book would lie in memory twice
        frame = pd.DataFrame(block.T, index=self.index, columns=numbers, copy=False)
        for place, name in enumerate(self._columns):
            if name in self._texts:
                # in rising order, so that each place is that of the finished frame
                frame.insert(place, name, pd.Series(as_category(self._texts[name]), index=self.index))
        frame.attrs = dict(self._attrs)
        return frame

    def __enter__(self) -> FrameSink:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to tidy up."""


class ParquetSink:
    """Write parts as row groups of one file, which appears under its name only when it is complete."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._place = atomic_path(self.path)
        self._writer: Any = None

    def __enter__(self) -> ParquetSink:
        self._part = self._place.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the file its name; after a failure remove what was written."""
        try:
            if self._writer is not None:
                self._writer.close()
        except BaseException as late:  # a full disk may show only here
            self._place.__exit__(type(late), late, late.__traceback__)
            raise
        self._place.__exit__(kind, error, trace)

    def put(self, rows: slice, frame: pd.DataFrame) -> None:  # noqa: ARG002  # both sinks are called alike
        """Write the features of some neighbouring rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame)
        if self._writer is None:
            # the first part sets the schema of the file, which all others are cast to
            fields = [field.with_type(_one_type(field.type)) for field in table.schema]
            schema = pa.schema(fields, metadata=table.schema.metadata)
            self._writer = pq.ParquetWriter(self._part, schema)
        self._writer.write_table(table.cast(self._writer.schema))

    def finish(self) -> Path:
        """Return the path of the file."""
        return self.path


def as_category(values: np.ndarray[Any, Any]) -> pd.Categorical:
    """Make a categorical whose categories are sorted, whatever the order of rows."""
    return pd.Categorical(values, categories=sorted({value for value in values if value is not None}))


def _one_type(kind: Any) -> Any:
    """One type for all parts, however many categories a part has, or none at all."""
    import pyarrow as pa

    # pandas counts few categories in int8, and has no type of values where a part has none
    return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_dictionary(kind) else kind
