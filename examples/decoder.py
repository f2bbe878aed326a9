"""A decoder: raw_rnn feeds back the words that it draws, until each row has drawn its end."""

import torch

from varlen import GRUCell, raw_rnn

torch.manual_seed(1)
END, NUM_WORDS, BATCH, MOST = 1, 7, 4, 12
cell, embed = GRUCell(5, 16), torch.nn.Embedding(NUM_WORDS, 5)
classify = torch.nn.Linear(16, NUM_WORDS)
thoughts = torch.randn(BATCH, 16)  # what to say, for example the final state of an encoder


def speak(time, output, state, count):
    if output is None:  # before the first step: the first input, and what each row will emit
        begin = embed(torch.full((BATCH,), END))
        return torch.zeros(BATCH, dtype=torch.bool), begin, thoughts, torch.zeros((), dtype=int), 0
    words = torch.multinomial(classify(output).softmax(-1), 1)[:, 0]
    finished = (words == END) | torch.tensor(time >= MOST)
    return finished, embed(words), state, words, count + 1


with torch.no_grad():
    words, state, num_steps = raw_rnn(cell, speak)

print("Steps taken:", num_steps)
said = words.T.tolist()
for sentence in said:
    print(*sentence)

assert words.shape == (num_steps, BATCH)
for sentence in said:
    if END in sentence:  # past its end a row emits zeros
        assert not any(sentence[sentence.index(END) + 1 :])
