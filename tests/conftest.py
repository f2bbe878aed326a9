"""Shape checks for every test, and the table of reference cases at the end of a run."""

import signal

import hypothesis
import jaxtyping
import pytest

from annotation_checks import check_annotations

# Before anything of varlen is imported, so that every annotated function is checked.
check_annotations("varlen")

from oracle.report import REPORT  # noqa: E402

# A machine that has other work to do is no failure.
hypothesis.settings.register_profile("varlen", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("varlen")


def pytest_configure(config: pytest.Config) -> None:
    # Programs that the tests start hear Ctrl-C, even where a shell runs all this in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers",
        "wrong_types: passes arguments that the annotations forbid, to see the error that a user "
        "would; the checks of annotations are off in it",
    )


@pytest.fixture(autouse=True)
def _annotations_are_checked(request: pytest.FixtureRequest):
    if "wrong_types" not in request.keywords:
        yield
        return
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    kind = dict(report.user_properties).get("oracle_case")
    if report.when == "call" and kind is not None:
        REPORT.record(kind, passed=report.passed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    REPORT.write(terminalreporter)
