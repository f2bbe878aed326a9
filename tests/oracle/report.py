"""Counts, per kind, the cases that ran, were equal, and were left out with the reason."""

from collections import Counter, defaultdict

import pytest


class Report:
    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.equal: Counter[str] = Counter()
        # Calls of cases that ran, whose bytes TensorFlow is known to misread.
        self.misread: Counter[str] = Counter()
        self.left_out: dict[str, Counter[str]] = defaultdict(Counter)

    def record(self, kind: str, *, passed: bool) -> None:
        self.ran[kind] += 1
        self.equal[kind] += passed

    def write(self, terminal: pytest.TerminalReporter) -> None:
        if not self.ran:
            return
        terminal.section("reference cases of TensorFlow 1.15")
        for kind in sorted({*self.ran, *self.left_out}):
            reasons = self.left_out[kind]
            terminal.write_line(
                f"{kind:22} ran {self.ran[kind]:4}   equal {self.equal[kind]:4}"
                f"   left out {reasons.total():4}"
            )
            if self.misread[kind]:
                terminal.write_line(
                    f"{'':22}   {self.misread[kind]:4} calls as for the plain message, since "
                    "TensorFlow's scanner misreads such bytes (Q24, tests/features/test_parse.py)"
                )
            for reason, count in reasons.most_common():
                terminal.write_line(f"{'':22}   {count:4} x {reason}")
        terminal.write_line(
            f"{'in all':22} ran {self.ran.total():4}   equal {self.equal.total():4}"
            f"   left out {sum(r.total() for r in self.left_out.values()):4}"
        )


REPORT = Report()
