import pytest

from varlen import CheckpointError, ConfigError
from varlen.train import TaggingSettings


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"units": 0}, "units: expected at least 1 .* found 0"),
        ({"epochs": 0}, "epochs: expected at least 1 .* found 0"),
        ({"batch_size": -3}, "batch_size: expected at least 1 .* found -3"),
        ({"seed": -1}, "seed: expected at least 0 .* found -1"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0 .* found 0.0"),
        ({"learning_rate": float("nan")}, "found nan"),
        ({"learning_rate": float("inf")}, "found inf"),
        ({"targets": "words"}, "expected two features, found 'words' for both"),
    ],
)
def test_values_that_cannot_be_used(setting, message):
    with pytest.raises(ConfigError, match=message):
        TaggingSettings(**setting)


def test_settings_are_stored_and_loaded():
    settings = TaggingSettings(targets="xpos", units=7, learning_rate=0.5)
    assert TaggingSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize("damage", [{"units": "7"}, {"colour": 1}])
def test_other_settings_are_refused(damage):
    with pytest.raises(CheckpointError, match="expected the settings inputs, targets, units"):
        TaggingSettings.from_json(TaggingSettings().to_json() | damage)
