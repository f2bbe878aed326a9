from varlen.train import Vocabulary


def test_frequent_tokens_come_first_and_ties_in_alphabetical_order():
    vocabulary = Vocabulary.count(["b", "a", "c", "c", "d", "d"])
    assert vocabulary.tokens == ("c", "d", "a", "b")
    assert vocabulary.numbers == {"c": 0, "d": 1, "a": 2, "b": 3}
    assert len(vocabulary) == 4


def test_rare_tokens_are_left_out():
    vocabulary = Vocabulary.count(["a", "b", "b"], at_least=2)
    assert vocabulary.tokens == ("b",)
    assert "b" in vocabulary
    assert "a" not in vocabulary


def test_no_tokens_make_an_empty_vocabulary():
    assert len(Vocabulary.count([])) == 0
