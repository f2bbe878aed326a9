"""An array in an .npz file, read row by row."""

import math
import zipfile
from io import BufferedReader
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import CorruptRecordError, FeatureError

_KINDS = "biufUS"
_BUFFER_SIZE = 1 << 16
_MOST_AT_ONCE = 2**31 - 1  # which no record can hold
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class StoredArray:
    """An array of which rows are read in order; a context manager.

    Args:
        archive: the .npz file.
        member: the name of the array's file in it.
        path: of the .npz file, for error messages.

    Attributes:
        name: of the array.
        shape: its shape.

    Raises:
        CorruptRecordError: it is no array.
        FeatureError: it holds what is no feature.
    """

    def __init__(self, archive: zipfile.ZipFile, member: str, path: str) -> None:
        self.name = member.removesuffix(".npy")
        self._place = f"{path}, array {self.name!r}"
        self._file = BufferedReader(archive.open(member), _BUFFER_SIZE)  # type: ignore[type-var]
        try:
            version = np.lib.format.read_magic(self._file)
            self.shape, fortran_order, self.dtype = _HEADERS[version](self._file)
        except (ValueError, KeyError) as error:
            raise CorruptRecordError(
                f"expected an array, found none: {error}", at=self._place
            ) from error
        self._check_dtype()
        num_bytes = math.prod(self.shape) * self.dtype.itemsize
        if num_bytes > archive.getinfo(member).file_size:
            raise self._cut()
        self._next = 0
        # Columns one after the other have no rows to read before all is read.
        self._columns: npt.NDArray[Any] | None = None
        if fortran_order and self.ndim > 1:
            self._columns = self._read(math.prod(self.shape)).reshape(self.shape, order="F")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def read(self, num_rows: int) -> npt.NDArray[Any]:
        """The next rows.

        Raises:
            CorruptRecordError: the file is damaged, or ends before.
        """
        begin, self._next = self._next, self._next + num_rows
        if self._columns is not None:
            return self._columns[begin : self._next]
        return self._read(num_rows * math.prod(self.shape[1:])).reshape(num_rows, *self.shape[1:])

    def __enter__(self) -> "StoredArray":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def _check_dtype(self) -> None:
        if self.dtype.hasobject:
            raise FeatureError(
                "expected numbers or text, found Python objects, which only pickle could read, and "
                "pickle runs what a file says",
                at=self._place,
                hint="store sequences end to end in one array, and their lengths in another",
            )
        if self.dtype.kind not in _KINDS:
            raise FeatureError(
                f"expected integers, floats, text or bytes, found {self.dtype}", at=self._place
            )

    def _read(self, count: int) -> npt.NDArray[Any]:
        num_bytes = count * self.dtype.itemsize
        if num_bytes > _MOST_AT_ONCE:
            raise FeatureError(
                "expected less than 2 GiB for a record, or for an array in Fortran order, found "
                f"{num_bytes} bytes",
                at=self._place,
            )
        found = self._file.read(num_bytes)
        if len(found) < num_bytes:
            raise self._cut()
        return np.frombuffer(found, self.dtype)

    def _cut(self) -> CorruptRecordError:
        return CorruptRecordError(
            f"expected an array of shape {self.shape}, found its end before", at=self._place
        )
