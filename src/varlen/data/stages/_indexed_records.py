"""`IndexedRecords`: the records of files, in any order."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from varlen.data._indexed_files import IndexedFiles
from varlen.data._indexed_pass import IndexedPass
from varlen.records import RecordIndex, expand_paths

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


@dataclass(frozen=True)
class IndexedRecords:
    """The records of TFRecord files, each a `Record`, of which any can be had at once.

    The beginning of a pipeline that goes on with `Permute` or a `BatchPlan`, or that is resumed
    often: resuming takes no longer at the end of an epoch than at its beginning. The files are
    local and not compressed.

    Indexes are taken from beside the files. Where there is none, it is built when a pass begins, in
    a pass over the file; `varlen index` builds them once and for all.

    Args:
        paths: files and patterns, as for `varlen.records.expand_paths`; looked up when a pass
            begins.
        feature: whose steps are the lengths of the records, for a `BatchPlan`.

    Raises:
        OSError: beginning a pass; a file is missing or cannot be read.
        ConfigError: beginning a pass; a file is compressed, or no local file.
        CorruptRecordError: a file is damaged, or is not as it was indexed.
        FeatureError: beginning a pass; a feature is given, and a record is no message.
    """

    paths: Paths
    feature: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.paths, str | os.PathLike):
            object.__setattr__(self, "paths", tuple(self.paths))

    def __iter__(self) -> IndexedPass:
        return IndexedPass(self.files())

    def files(self) -> IndexedFiles:
        """The files and their indexes."""
        return IndexedFiles(
            [RecordIndex.open(path, feature=self.feature) for path in expand_paths(self.paths)]
        )
