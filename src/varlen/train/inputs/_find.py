"""Which features are inputs and which is to be learned: said by the user, or by names and kinds."""

from collections.abc import Collection, Mapping, Sequence

from varlen.errors import ConfigError, did_you_mean
from varlen.features import FeatureSchema, Schema, string
from varlen.features import float32 as _float32

_NO_LISTS = (
    "records have single values only; of a table, --group-by COLUMN makes lines with the same "
    "value the steps of a sequence"
)


def find_sequences(
    schema: Schema, asked: Sequence[str], *, usual: Sequence[str], but: Collection[str], at: str
) -> dict[str, FeatureSchema]:
    """The feature lists that are inputs.

    Those that are asked for; otherwise the first of the usual names that is there; otherwise all
    of floats; otherwise the only one that there is.

    Args:
        schema: of the training split.
        asked: names, or none.
        usual: names that such inputs often have.
        but: names of what is to be learned.
        at: where the data is, for error messages.

    Raises:
        ConfigError: there are no such feature lists, or it is not clear which are meant.
    """
    known = {name: found for name, found in schema.feature_lists.items() if name not in but}
    if asked:
        return {name: _named(schema, name, "inputs", is_list=True, at=at) for name in asked}
    for name in usual:
        if name in known:
            return {name: known[name]}
    floats = {name: found for name, found in known.items() if found.kind == _float32}
    if floats:
        return floats
    if len(known) == 1:
        return known
    raise _unclear("inputs", known, "feature list", schema, at)


def find_sequence(
    schema: Schema, asked: str | None, *, usual: Sequence[str], but: Collection[str], at: str
) -> tuple[str, FeatureSchema]:
    """The feature list that is to be learned, by name, or the only one that is left.

    Raises:
        ConfigError: there is none, or it is not clear which one is meant.
    """
    return _find_target(schema, asked, usual=usual, but=but, is_list=True, at=at)


def find_context(
    schema: Schema, asked: str | None, *, usual: Sequence[str], at: str
) -> tuple[str, FeatureSchema]:
    """The context feature that is to be learned, by name, or the only one.

    Raises:
        ConfigError: there is none, or it is not clear which one is meant.
    """
    return _find_target(schema, asked, usual=usual, but=(), is_list=False, at=at)


def _find_target(
    schema: Schema,
    asked: str | None,
    *,
    usual: Sequence[str],
    but: Collection[str],
    is_list: bool,
    at: str,
) -> tuple[str, FeatureSchema]:
    if asked is not None:
        return asked, _named(schema, asked, "target", is_list=is_list, at=at)
    section = schema.feature_lists if is_list else schema.context
    known = {name: found for name, found in section.items() if name not in but}
    for name in usual:
        if name in known:
            return name, known[name]
    if len(known) == 1:
        return next(iter(known.items()))
    raise _unclear("target", known, "feature list" if is_list else "context feature", schema, at)


def _named(schema: Schema, name: str, what: str, *, is_list: bool, at: str) -> FeatureSchema:
    section = schema.feature_lists if is_list else schema.context
    other = schema.context if is_list else schema.feature_lists
    kind = "feature list" if is_list else "context feature"
    if name in section:
        return section[name]
    if name in other:
        where = "the context, one value per record" if is_list else "the feature lists"
        raise ConfigError(f"{what}: expected a {kind}, found {name!r} in {where}", at=at)
    several = "; say --inputs for each of them" if "," in name else ""
    raise ConfigError(
        f"{what}: no {kind} {name!r} in the training split",
        at=at,
        hint=did_you_mean(name, section) + several,
    )


def _unclear(
    what: str, known: Mapping[str, FeatureSchema], kind: str, schema: Schema, at: str
) -> ConfigError:
    listed = ", ".join(f"{name!r} ({_described(found)})" for name, found in sorted(known.items()))
    return ConfigError(
        f"{what}: cannot tell which {kind} is meant"
        if known
        else f"{what}: expected a {kind}, found none",
        at=at,
        hint=f"say --{what}; there are: {listed}" if known else _how_to_have(kind, schema),
    )


def _how_to_have(kind: str, schema: Schema) -> str | None:
    if kind != "feature list":
        return None
    texts = sorted(name for name, found in schema.context.items() if found.kind == string)
    words = f"; --words makes steps of the words of a text: {', '.join(texts)}" if texts else ""
    return _NO_LISTS + words


def _described(feature: FeatureSchema) -> str:
    kind = "no values" if feature.kind is None else "text" if feature.kind == string else None
    size = "" if feature.size in (None, 1) else f" x {feature.size}"
    return f"{kind or feature.kind}{size}"
