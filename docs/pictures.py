"""The pictures of the README, made anew: a plan, a terminal while a tagger trains, and its report.

    python docs/pictures.py docs/pictures

A training is run in a terminal of 112 columns, of which a moment in its last epoch is
drawn. The page is pictured by headless Chromium, as on a desk and as on a telephone.
"""

import argparse
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from html import escape
from pathlib import Path

COLUMNS, ROWS = 112, 24
ROOT = Path(__file__).parents[1]
DATA = "data/ud_english_ewt/ud_english_ewt.jsonl.gz"
COMMAND = f"varlen train tag {DATA} --split-by split --run runs/tagger"
IN_THE_LAST = re.compile(r"epoch (\d+)/\1 +[5-7]\d%")
CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")


class Screen:
    """What a terminal shows: lines of text, which carriage returns and a few codes write over."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = self.column = 0

    def write(self, output: str) -> None:
        for found in CODE.finditer(output):
            text = found[0]
            if text == "\r":
                self.column = 0
            elif text == "\n":
                self._move(1)
                self.column = 0
            elif found[2] == "A":
                self._move(-int(found[1] or 1))
            elif found[2] == "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            elif found[2] is None:
                line = self.lines[self.row].ljust(self.column)
                after = line[self.column + len(text) :]
                self.lines[self.row] = line[: self.column] + text + after
                self.column += len(text)

    def _move(self, rows: int) -> None:
        self.row = max(0, self.row + rows)
        self.lines += [""] * (self.row + 1 - len(self.lines))

    def shown(self) -> list[str]:
        """The lines, without blanks at their ends and empty ones at the end of all."""
        lines = [
            line.rstrip()[i : i + COLUMNS]
            for line in self.lines
            for i in range(0, max(len(line.rstrip()), 1), COLUMNS)
        ]
        while lines and not lines[-1]:
            lines.pop()
        return lines[-ROWS:]


def recorded(command: list[str]) -> list[str]:
    """Runs a command in a terminal; the last of its screens in which the last epoch is half done.

    If there is none, it is what was there at the end.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    screen, kept = Screen(), None
    with open(ours, "rb", buffering=0) as output:
        rest = b""
        while True:
            try:
                rest += output.read(4096)
            except OSError:  # how Linux says that the other end is closed
                break
            text, rest = _decoded(rest)
            screen.write(text)
            if any(IN_THE_LAST.match(line) for line in screen.shown()):
                kept = screen.shown()
    if process.wait():
        sys.exit("\n".join(screen.shown()))
    return kept or screen.shown()


def _decoded(output: bytes) -> tuple[str, bytes]:
    """The text of bytes, and those at the end that are part of something."""
    cut = output.rfind(b"\x1b", max(0, len(output) - 8))
    end = cut if cut >= 0 and not re.search(rb"[A-Za-z]", output[cut:]) else len(output)
    for size in range(4):
        try:
            return output[: end - size].decode(), output[end - size :]
        except UnicodeDecodeError:
            continue
    return output.decode(errors="replace"), b""


def drawn(lines: list[str]) -> str:
    """A terminal with these lines, as SVG."""
    width, height = COLUMNS * 8.4 + 32, len(lines) * 20 + 54
    text = "\n".join(
        f'<text x="16" y="{54 + 20 * i}" xml:space="preserve">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    lights = "".join(
        f'<circle cx="{20 + 18 * i}" cy="18" r="5.5" fill="{color}"/>'
        for i, color in enumerate(("#f0655a", "#f2bd4c", "#5fc454"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-size="14" fill="#d7dce5" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace">\n'
        f'<rect width="100%" height="100%" rx="9" fill="#171b22"/>\n{lights}\n{text}\n</svg>\n'
    )


def pictured(page: Path, picture: Path, width: int, height: int, *, dark: bool) -> None:
    """Writes a PNG of the top of a page, as wide as that; Chromium is too wide for a telephone."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("the pictures of the page want chromium")
    with tempfile.TemporaryDirectory() as folder:
        frame, shot = Path(folder) / "frame.html", Path(folder) / "shot.png"
        frame.write_text(
            f'<body style="margin:0"><iframe src="file://{page.resolve()}" scrolling="no" '
            f'style="border:0;width:{width}px;height:{height}px"></iframe></body>'
        )
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--blink-settings=preferredColorScheme=0"] if dark else []
        size = f"--window-size={max(width, 600)},{height}"
        command = [chromium, *options, size, f"--screenshot={shot}", f"file://{frame}"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        from PIL import Image

        Image.open(shot).convert("RGB").crop((0, 0, width, height)).quantize(64).save(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(exist_ok=True)
    varlen = str(Path(sys.executable).with_name("varlen"))
    with tempfile.TemporaryDirectory() as records:
        convert = [varlen, "convert", str(ROOT / DATA), records, "--split-by", "split"]
        subprocess.run([*convert, "--overwrite"], check=True)
        files = map(str, Path(records).glob("train-*.tfrecord"))
        plan = [varlen, "plan", *files, "--max-steps", "4096", "--buckets", "8"]
        subprocess.run([*plan, "--png", f"{records}/plan.png"], check=True)
        shutil.copy(f"{records}/plan.png", folder)
    lines = recorded([varlen, *COMMAND.split()[1:], "--overwrite"])
    (folder / "train.svg").write_text(drawn([f"$ {COMMAND}", *lines]))
    subprocess.run([varlen, "report", "runs/tagger"], cwd=ROOT, check=True)
    page = ROOT / "runs" / "tagger" / "report.html"
    pictured(page, folder / "report.png", 1000, 1180, dark=False)
    pictured(page, folder / "report-telephone.png", 360, 1180, dark=True)


if __name__ == "__main__":
    main()
