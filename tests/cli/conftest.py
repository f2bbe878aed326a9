import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiny_corpus import write_corpus
from varlen.cli import main


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    def assert_error(self, message: str) -> None:
        """Exit status 2, nothing printed, and one message that matches."""
        assert self.status == 2
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("error: ") == 1
        assert "Traceback" not in self.err
        assert re.search(message, self.err), self.err


@pytest.fixture
def varlen(capsys):
    """Runs the command line in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Outcome(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """A data folder of a tiny corpus."""
    root = tmp_path_factory.mktemp("corpus")
    source = write_corpus(root / "corpus.jsonl", train=120, valid=20, test=20)
    with pytest.raises(SystemExit):
        main(["convert", str(source), str(root / "data"), "--split-by", "split", "--shards", "2"])
    return root / "data"


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory) -> Path:
    """The run folder of a tagger that was trained on `data`. Not to be changed."""
    run = tmp_path_factory.mktemp("runs") / "tagger"
    with pytest.raises(SystemExit) as ended:
        main(f"train tag {data} --run {run} --epochs 8 --units 8 --learning-rate 0.02".split())
    assert ended.value.code == 0
    return run
