from varlen.errors import did_you_mean


def test_of_very_many_names_some_are_listed():
    names = [f"name{i:03}" for i in range(1150)]
    hint = did_you_mean("nam999", names)
    assert hint.count("'name") == 101
    assert hint.endswith("'name099' and 1,050 more. Did you mean 'name999'?")
    assert did_you_mean("a", names[:1]) == "there are: 'name000'"
