"""What several commands need."""


class Interrupted(Exception):  # noqa: N818 - not an error
    """Ctrl-C, with what is left to say."""


def examples(*lines: str) -> str:
    """An epilogue of a help text, in which lines stay lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def percent(share: float) -> str:
    """A share for people: 0.9312 is `93.12 %`."""
    return f"{100 * share:.2f} %"
