"""Two cells along the same rows: one forward, one back from each row's own end."""

import numpy as np
import torch

from varlen import LSTMCell, bidirectional_dynamic_rnn

X = np.random.default_rng(0).normal(size=(2, 10, 8))
lengths = [10, 6]
X[1, 6:] = 0

# One cell for each direction: the same object twice would share its weights (and warn).
cell_fw = LSTMCell(8, 64, dtype=torch.float64)
cell_bw = LSTMCell(8, 64, dtype=torch.float64)
outputs, states = bidirectional_dynamic_rnn(cell_fw, cell_bw, X, sequence_length=lengths)
output_fw, output_bw = outputs
states_fw, states_bw = states

print("Forward outputs: ", tuple(output_fw.shape))
print("Backward outputs:", tuple(output_bw.shape))
print("Forward state:   ", tuple(states_fw.h.shape))
print("Backward state:  ", tuple(states_bw.h.shape))

assert output_fw.shape == output_bw.shape == (2, 10, 64)
assert (output_fw[1, 6:] == 0).all()
assert (output_bw[1, 6:] == 0).all()
# Forward the last step comes last; backward it comes first, and the first step comes last.
assert (states_fw.h[1] == output_fw[1, 5]).all()
assert (states_bw.h[1] == output_bw[1, 0]).all()
