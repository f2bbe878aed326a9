"""A writer that is killed at any moment leaves no file of that name, or a whole one."""

import subprocess
import sys

import pytest

# Writes one generation of records after the other, in a forked process that is killed after some
# milliseconds, and looks at what is there; again and again, and in the end says how often there
# was something.
PROGRAM = """
import os, random, signal, sys, time
from glob import glob
from varlen.errors import CorruptRecordError
from varlen.records import RecordIndex, RecordReader, RecordWriter, ShardedWriter

folder, kind, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = folder + "/x.tfrecord"
compression = "GZIP" if kind == "compressed" else None

def records(generation):
    return [b"%d %d " % (generation, i) + bytes(i % 300) for i in range(500)]

def write(generation):
    if kind == "shards":
        writer = ShardedWriter(folder + "/x", shards=3)
    elif kind == "cut shards":
        writer = ShardedWriter(folder + "/x", max_records=200)
    elif kind == "index":
        return RecordIndex.build(path).save()
    else:
        writer = RecordWriter(path, compression=compression)
    with writer:
        for record in records(generation):
            writer.write(record)

def whole(file):
    found = list(RecordReader(file))
    generation = int(found[0].split()[0])
    first, step, count = (0, 1, 500)
    if kind == "shards":
        first, step = int(found[0].split()[1]), 3
        assert file.endswith(f"-{first:05}-of-00003.tfrecord")
    if kind == "cut shards":
        first, count = int(found[0].split()[1]), 200
        assert file.endswith(f"-{first // 200:05}-of-00003.tfrecord")
    assert found == records(generation)[first::step][:count], file

def check():
    if kind != "index":
        files = glob(folder + "/*.tfrecord")
        for file in files:
            whole(file)
        return len(files)
    try:
        found = RecordIndex.load(path)
    except FileNotFoundError:
        return 0
    assert len(found) == 500
    return 1

if kind == "index":
    with RecordWriter(path) as writer:
        writer.write_many(records(0))
seen = []
for kill in range(kills):
    child = os.fork()
    if child == 0:
        generation = 0
        while True:
            write(generation)
            generation += 1
    time.sleep(random.Random(f"{kind} {kill}").uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    seen.append(check())
    if kill % 3 == 0:  # so that both happens: there is nothing yet, and there is one from before
        for file in glob(folder + ("/*.index" if kind == "index" else "/*.tfrecord")):
            os.unlink(file)
print(max(seen))
"""
KILLS = 40


@pytest.mark.parametrize("kind", ["plain", "compressed", "shards", "cut shards", "index"])
def test_what_is_there_is_whole(kind, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path), kind, str(KILLS)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == (3 if "shards" in kind else 1)
