"""A stack of different cells, each with dropout of its own."""

import torch

from varlen import BasicRNNCell, DropoutWrapper, GRUCell, LSTMCell, MultiRNNCell, dynamic_rnn

torch.manual_seed(0)
stack = MultiRNNCell(
    [
        DropoutWrapper(LSTMCell(8, 64, use_peepholes=True, num_proj=32), output_keep_prob=0.5),
        DropoutWrapper(GRUCell(32, 48), input_keep_prob=0.9, state_keep_prob=0.9),
        DropoutWrapper(BasicRNNCell(48, 16), output_keep_prob=0.5, variational_recurrent=True),
    ]
)
X = torch.randn(2, 10, 8)
outputs, states = dynamic_rnn(stack, X, sequence_length=[10, 6])

print("Outputs:", tuple(outputs.shape))
lstm_state, gru_state, rnn_state = states
print("LSTM state: c", tuple(lstm_state.c.shape), "h", tuple(lstm_state.h.shape))
print("GRU state:", tuple(gru_state.shape))
print("RNN state:", tuple(rnn_state.shape))
dropped = (outputs[0] == 0).all(dim=0)
print("Outputs that one mask drops at every step:", int(dropped.sum()), "of", len(dropped))

assert outputs.shape == (2, 10, 16)
assert (outputs[1, 6:] == 0).all()
assert 0 < dropped.sum() < 16

# Dropout is for training; in evaluation every run is the same.
stack.eval()
first, _ = dynamic_rnn(stack, X, sequence_length=[10, 6])
second, _ = dynamic_rnn(stack, X, sequence_length=[10, 6])
assert torch.equal(first, second)
