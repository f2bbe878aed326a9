"""One sequence as HTML: what is in its record, and what a model made of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from varlen.cli._page import text
from varlen.cli._sequence_drawing import roll, vectors
from varlen.cli._shared import counted
from varlen.errors import FeatureError
from varlen.features import read_features
from varlen.records import Record
from varlen.train import Judged, Task

_MOST_STEPS = 120
_MOST_VALUES = 12
_LARGEST_VECTOR = 128  # of those that are drawn
_LONGEST = 400  # characters of one value


def example(judged: Judged, record: Record, class_names: Sequence[str], task: Task) -> str:
    """A sequence.

    Args:
        judged: what the model made of it.
        record: its record.
        class_names: what the numbers of classes mean.
        task: which may know the feature that is a sentence.
    """
    found = read_features(record.data, at=record.place)
    context = {name: _values(feature) for name, feature in sorted(found.context.items())}
    lists = {
        name: [_values(step) for step in steps.feature]
        for name, steps in sorted(found.feature_lists.items())
    }
    head = f"record {judged.number:,} · loss {judged.loss:.4f}"
    place = f"{Path(record.path).name} @ byte {record.offset:,}"
    parts = [f"<small>{text(head)} · {text(place)}</small>"]
    if judged.numbers is not None:
        parts.append(f"<p>{', '.join(map(_range, judged.numbers.tolist()))}</p>")
    decisions = _decisions(judged, class_names)
    words = _sentence_feature(task, lists, class_names, len(decisions))
    if len(decisions) == 1 and (words is None or len(lists[words]) != 1):
        parts.append(f"<p>{_verdict(judged, class_names)}</p>")
        decisions = []
    if words is not None:
        parts.append(f"<p>{_sentence([_first(step) for step in lists[words]], decisions)}</p>")
    elif decisions:
        parts.append(f"<p>{_sentence(['·'] * len(decisions), decisions)}</p>")
    about = [f"{text(name)}: {_short(values)}" for name, values in context.items() if values]
    if about:
        parts.append(f"<p><small>{' · '.join(about)}</small></p>")
    parts += [
        f"<p><small>{text(name)}, {counted(len(steps), 'step')}:</small> {_steps(steps)}</p>"
        for name, steps in lists.items()
        if words is None or _are_vectors(steps)
    ]
    return '<div class="example">' + "".join(parts) + "</div>"


def _values(feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    if kind is None:
        return []
    values = list(getattr(feature, kind).value)
    return [value.decode(errors="replace") for value in values] if kind == "bytes_list" else values


def _sentence_feature(
    task: Task,
    lists: Mapping[str, list[list[Any]]],
    class_names: Sequence[str],
    num_decisions: int,
) -> str | None:
    """The feature list that is shown as a sentence: the one that the task reads as such.

    Otherwise it is the one with the most text that is not made of classes; none beside vectors,
    unless each step is decided about.
    """
    try:
        read = task.text_example("word") or {}
    except FeatureError:
        read = {}
    if known := [name for name in read if name in lists]:
        return known[0]
    if num_decisions < 2 and any(map(_are_vectors, lists.values())):
        return None
    classes = set(class_names)
    texts = {
        name: sum(len(step[0]) for step in steps)
        for name, steps in lists.items()
        if steps
        and all(len(step) == 1 and isinstance(step[0], str) for step in steps)
        and not all(step[0] in classes for step in steps)
    }
    return max(texts, key=texts.__getitem__, default=None)


def _decisions(judged: Judged, class_names: Sequence[str]) -> list[str]:
    """Of each decision, what is to be said of it as HTML; nothing if it is right."""
    if judged.true is None or judged.given is None:
        return []
    return [
        "" if true == given else f"{text(class_names[given])}, not {text(class_names[true])}"
        for true, given in zip(judged.true.tolist(), judged.given.tolist(), strict=True)
    ]


def _range(quantiles: Sequence[float]) -> str:
    """A predicted number, with its lowest and its highest quantile."""
    least, median, most = (f"{value:.4g}" for value in quantiles)
    return f"{median} <small>({least} to {most})</small>"


def _verdict(judged: Judged, class_names: Sequence[str]) -> str:
    """What was decided about a sequence as a whole."""
    assert judged.true is not None
    assert judged.given is not None
    assert judged.confidence is not None
    true, given = (text(class_names[int(found[0])]) for found in (judged.true, judged.given))
    sure = f"{given} <small>with {100 * judged.confidence[0]:.0f} %</small>"
    return f"{sure}, rightly" if true == given else f"<mark>{sure}, not {true}</mark>"


def _sentence(words: Sequence[str], decisions: Sequence[str]) -> str:
    """Words, with what is wrong about each; without, if there are not as many decisions."""
    wrong = decisions if len(decisions) == len(words) else [""] * len(words)
    shown = [
        f"<mark>{text(word[:_LONGEST])} <small>{said}</small></mark>"
        if said
        else text(word[:_LONGEST])
        for word, said in zip(words[:_MOST_STEPS], wrong, strict=False)
    ]
    more = len(words) - _MOST_STEPS
    return " ".join(shown) + (f" <small>and {more:,} more</small>" if more > 0 else "")


def _first(step: Sequence[Any]) -> str:
    return str(step[0]) if step else ""


def _steps(steps: Sequence[Sequence[Any]]) -> str:
    if _are_vectors(steps):
        return vectors(steps)
    if _are_sets(steps):
        return roll(steps)
    first = [_short(step) for step in steps[:3]]
    return " | ".join(first) + (" | …" if len(steps) > 3 else "")


def _are_vectors(steps: Sequence[Sequence[Any]]) -> bool:
    """Whether they are numbers that can be drawn as lines."""
    size = len(steps[0]) if len(steps) > 1 else 0
    return 1 <= size <= _LARGEST_VECTOR and all(
        len(step) == size and all(isinstance(value, float) for value in step) for step in steps
    )


def _are_sets(steps: Sequence[Sequence[Any]]) -> bool:
    """Whether they are several whole numbers each, such as the notes of a chord."""
    return any(len(step) > 1 for step in steps) and all(
        isinstance(value, int) for step in steps for value in step
    )


def _short(values: Sequence[Any]) -> str:
    shown = [_value(value) for value in values[:_MOST_VALUES]]
    return " ".join(shown) + (" …" if len(values) > _MOST_VALUES else "")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    whole = str(value)
    kept = "<br>".join(text(line) for line in whole[:_LONGEST].split("\n"))
    return kept + ("…" if len(whole) > _LONGEST else "")
