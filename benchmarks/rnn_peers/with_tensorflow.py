"""TensorFlow 1's `dynamic_rnn` with `sequence_length`, in a graph, as it was used."""

import os
import warnings

import numpy as np
from serve import parameters, say_missing, serve

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
try:
    import tensorflow.compat.v1 as tf
except ImportError as missing:
    say_missing(missing)
    raise SystemExit(0) from None

# It is old on purpose, and says so.
tf.logging.set_verbosity(tf.logging.ERROR)
warnings.simplefilter("ignore")
tf.disable_v2_behavior()
CELLS = {"LSTM": tf.nn.rnn_cell.LSTMCell, "GRU": tf.nn.rnn_cell.GRUCell}


def prepare(cell, arrays, num_threads):
    tf.reset_default_graph()
    units = arrays["tf/outputs"].shape[-1]
    # Variables and not constants, which would be folded.
    inputs = tf.get_variable("inputs", initializer=arrays["inputs"])
    lengths = tf.get_variable("lengths", initializer=arrays["lengths"])
    outputs, _ = tf.nn.dynamic_rnn(
        CELLS[cell](units), inputs, sequence_length=lengths, dtype=tf.float32
    )
    weights = [v for v in tf.global_variables() if v.name.startswith("rnn/")]
    gradient = np.random.default_rng(0).normal(size=arrays["tf/outputs"].shape)
    gradient = tf.get_variable("gradient", initializer=gradient.astype(np.float32))
    found = tf.gradients(outputs, [inputs, *weights], grad_ys=gradient)
    step = tf.group(*found)
    config = tf.ConfigProto(
        intra_op_parallelism_threads=num_threads, inter_op_parallelism_threads=num_threads
    )
    session = tf.Session(config=config)
    session.run(tf.global_variables_initializer())
    for variable in weights:
        # "rnn/gru_cell/gates/kernel:0" is ours "gates.kernel".
        name = ".".join(variable.name.removesuffix(":0").split("/")[2:])
        variable.load(parameters(arrays, "tf")[name], session)
    return {"inference": lambda: session.run(outputs), "training": lambda: session.run(step)}


if __name__ == "__main__":
    serve(
        prepare,
        version=f"tensorflow {tf.__version__}",
        cells=list(CELLS),
        kinds=["inference", "training"],
        like="tf",
    )
