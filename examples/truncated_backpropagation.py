"""Long sequences in chunks: the state goes on from one to the next, the gradient does not."""

import torch

from varlen import LSTMCell, detach_state, dynamic_rnn, masked_cross_entropy

torch.manual_seed(0)
num_steps, chunk = 60, 20
signals = torch.randn(8, num_steps, 3)
lengths = torch.tensor([60, 60, 47, 41, 40, 21, 7, 0])
# To tell: whether the sum of the first channel, over all steps so far, is above 0.
targets = (signals[..., 0].cumsum(1) > 0).long()

cell, classify = LSTMCell(3, 16), torch.nn.Linear(16, 2)
optimizer = torch.optim.Adam([*cell.parameters(), *classify.parameters()], lr=0.01)
losses = []
for _ in range(40):
    state = None
    for start in range(0, num_steps, chunk):
        here = slice(start, start + chunk)
        # A row that has ended has no steps left, and keeps its state.
        lengths_here = (lengths - start).clamp(0, chunk)
        outputs, state = dynamic_rnn(cell, signals[:, here], lengths_here, state)
        loss = masked_cross_entropy(classify(outputs), targets[:, here], lengths_here)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = detach_state(state)
        losses.append(loss.item())

print("Chunks per sequence:", num_steps // chunk)
print("The loss has fallen:", losses[-1] < 0.7 * losses[0])

# In chunks or at once, the numbers are the same.
with torch.no_grad():
    whole, _ = dynamic_rnn(cell, signals, lengths)
    pieces, state = [], None
    for start in range(0, num_steps, chunk):
        lengths_here = (lengths - start).clamp(0, chunk)
        piece, state = dynamic_rnn(cell, signals[:, start : start + chunk], lengths_here, state)
        pieces.append(piece)
assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-6)
