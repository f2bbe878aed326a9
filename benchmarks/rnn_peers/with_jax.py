"""JAX: `lax.scan` over all steps, a mask, compiled; with the parameters of torch's layers."""

import numpy as np
from serve import parameters, say_missing, serve

try:
    import jax
    import jax.numpy as jnp
except ImportError as missing:
    say_missing(missing)
    raise SystemExit(0) from None


def lstm(projected, state, weights):
    h, c = state
    gates = projected + h @ weights["weight_hh_l0"].T
    write, forget, candidate, output = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(write) * jnp.tanh(candidate)
    return jax.nn.sigmoid(output) * jnp.tanh(c), c


def gru(projected, state, weights):
    (h,) = state
    recurrent = h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]
    reset_x, update_x, candidate_x = jnp.split(projected, 3, axis=-1)
    reset_h, update_h, candidate_h = jnp.split(recurrent, 3, axis=-1)
    update = jax.nn.sigmoid(update_x + update_h)
    candidate = jnp.tanh(candidate_x + jax.nn.sigmoid(reset_x + reset_h) * candidate_h)
    return ((1 - update) * candidate + update * h,)


CELLS = {"LSTM": (lstm, 2), "GRU": (gru, 1)}


def unroll(cell, weights, inputs, lengths):
    step, num_leaves = CELLS[cell]
    bias = weights["bias_ih_l0"] + (0 if cell == "GRU" else weights["bias_hh_l0"])
    projected = inputs @ weights["weight_ih_l0"].T + bias
    live = (jnp.arange(inputs.shape[1])[:, None] < lengths)[..., None]

    def one(state, of_step):
        projected, live = of_step
        state = tuple(
            jnp.where(live, new, old)
            for new, old in zip(step(projected, state, weights), state, strict=True)
        )
        return state, jnp.where(live, state[0], 0)

    units = weights["weight_hh_l0"].shape[1]
    zeros = (jnp.zeros((len(inputs), units)),) * num_leaves
    _, outputs = jax.lax.scan(one, zeros, (projected.transpose(1, 0, 2), live))
    return outputs.transpose(1, 0, 2)


def prepare(cell, arrays, num_threads):
    weights = {name: jnp.asarray(value) for name, value in parameters(arrays, "torch").items()}
    inputs, lengths = jnp.asarray(arrays["inputs"]), jnp.asarray(arrays["lengths"])
    shape = arrays["torch/outputs"].shape
    gradient = jnp.asarray(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    forward = jax.jit(lambda w, x, n: unroll(cell, w, x, n))
    step = jax.jit(jax.grad(lambda w, x, n, g: (unroll(cell, w, x, n) * g).sum(), argnums=(0, 1)))
    return {
        "inference": lambda: forward(weights, inputs, lengths).block_until_ready(),
        "training": lambda: jax.block_until_ready(step(weights, inputs, lengths, gradient)),
    }


if __name__ == "__main__":
    serve(
        prepare,
        version=f"jax {jax.__version__}",
        cells=list(CELLS),
        kinds=["inference", "training"],
        like="torch",
    )
