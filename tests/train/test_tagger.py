import pytest
import torch

from tiny_corpus import sentences
from varlen import FeatureError
from varlen.train import Tagger, TaggingSettings, Vocabulary, WordEncoder


@pytest.fixture(scope="module")
def tagger():
    corpus = sentences(30, seed=0)
    torch.manual_seed(0)
    return Tagger.untrained(
        TaggingSettings(units=5),
        WordEncoder.count(word for sentence in corpus for word in sentence["words"]),
        Vocabulary.count(tag for sentence in corpus for tag in sentence["upos"]),
    )


SENTENCES = [["the", "small", "cat"], [], ["whale"], ["every", "dog", "sleeping", ".", "."]]


def test_a_sentence_has_the_tags_that_it_has_alone(tagger):
    together = tagger.tag(SENTENCES)
    assert [len(tags) for tags in together] == [3, 0, 1, 5]
    assert together == [tagger.tag([sentence])[0] for sentence in SENTENCES]
    assert {tag for tags in together for tag in tags} <= set(tagger.tags.tokens)


def test_no_sentences_have_no_tags(tagger):
    assert tagger.tag([]) == []
    assert tagger.tag([[], []]) == [[], []]


@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_no_score_and_no_gradient(tagger, training):
    network = tagger.network.train(training)
    lengths = torch.tensor([3, 0, 2])
    words = torch.randint(1, 4, (3, 3, len(tagger.words.sizes)))
    longer = torch.cat([words, torch.full((3, 4, words.shape[-1]), 2)], dim=1)
    longer[2, 2] = 1
    results = []
    for block in (words, longer):
        torch.manual_seed(1)
        network.zero_grad()
        scores = network(block, lengths)
        scores.square().sum().backward()
        results.append((scores, [p.grad.clone() for p in network.parameters()]))
    (short, short_gradients), (long, long_gradients) = results
    torch.testing.assert_close(long[:, :3], short, rtol=0, atol=0)
    assert not long[:, 3:].any()
    assert not short[1].any()
    for long_gradient, short_gradient in zip(long_gradients, short_gradients, strict=True):
        torch.testing.assert_close(long_gradient, short_gradient, rtol=0, atol=0)


def test_an_unknown_tag_is_named(tagger):
    with pytest.raises(FeatureError, match=r"tag 'NUON' .*\n  at here\n  .*Did you mean 'NOUN'"):
        tagger.encode_tags(["NOUN", "NUON"], at="here")
