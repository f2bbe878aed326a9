"""ONNX Runtime's LSTM and GRU with `sequence_lens`, with the parameters of torch's layers.

Its layout is time-major, and its inputs lie so already; transposing them is not measured.
"""

import numpy as np
from serve import parameters, say_missing, serve

try:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    say_missing(missing)
    raise SystemExit(0) from None

# Where each of its gates stands among torch's: input, output, forget, candidate of
# (input, forget, candidate, output), and update, reset, candidate of (reset, update, candidate).
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
OPSET, IR_VERSION = 14, 8


def reorder(parameter: np.ndarray, cell: str) -> np.ndarray:
    """As ONNX has it: another order of gates, and an axis for the directions."""
    parts = np.split(parameter, len(GATES[cell]))
    return np.concatenate([parts[gate] for gate in GATES[cell]])


def model(cell, arrays):
    found = {name: reorder(value, cell) for name, value in parameters(arrays, "torch").items()}
    bias = np.concatenate([found["bias_ih_l0"], found["bias_hh_l0"]])
    weights = {"W": found["weight_ih_l0"], "R": found["weight_hh_l0"], "B": bias}
    num_rows, num_steps, input_size = arrays["inputs"].shape
    units = weights["R"].shape[-1]
    attributes = {"linear_before_reset": 1} if cell == "GRU" else {}
    node = helper.make_node(
        cell, ["X", "W", "R", "B", "lengths"], ["Y"], hidden_size=units, **attributes
    )
    shapes = [("X", TensorProto.FLOAT, (num_steps, num_rows, input_size))]
    shapes.append(("lengths", TensorProto.INT32, (num_rows,)))
    output = ("Y", TensorProto.FLOAT, (num_steps, 1, num_rows, units))
    graph = helper.make_graph(
        [node],
        cell,
        [helper.make_tensor_value_info(*each) for each in shapes],
        [helper.make_tensor_value_info(*output)],
        [numpy_helper.from_array(value[None], name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def prepare(cell, arrays, num_threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(
        model(cell, arrays).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {
        "X": np.ascontiguousarray(arrays["inputs"].transpose(1, 0, 2)),
        "lengths": arrays["lengths"].astype(np.int32),
    }
    return {"inference": lambda: session.run(["Y"], feed)[0][:, 0].transpose(1, 0, 2)}


if __name__ == "__main__":
    serve(
        prepare,
        version=f"onnxruntime {onnxruntime.__version__}",
        cells=list(GATES),
        kinds=["inference"],
        like="torch",
    )
