"""The works of `benchmarks/train.py` in Keras: padded batches of tf.data, masks and `Model.fit`."""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from answer import Clock, print_answer
from pieces import NUM_NOTES, Sizes, pieces
from words import FORM_SIZE, HIDDEN_FORMS, PART_SIZE, Tagging

keras = tf.keras


class HideForms(keras.layers.Layer):
    def call(self, forms, training=None):
        if not training:
            return forms
        return tf.where(tf.random.uniform(tf.shape(forms)) < HIDDEN_FORMS, 1, forms)


class Times(keras.callbacks.Callback):
    """Training only: `fit` validates before it says that an epoch has ended."""

    def __init__(self, num_batches):
        super().__init__()
        self.clock = Clock()
        self.num_batches = num_batches

    def on_epoch_begin(self, epoch, logs=None):
        self.clock.begin()

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.num_batches:
            self.clock.end()


def batches_of(split, dtypes, batch_size, *, shuffled):
    """Inputs, targets, and weights of 1 for real steps, padded to the longest of the batch."""
    columns = [
        tf.ragged.constant([np.asarray(x[i]) for x in split], ragged_rank=1, dtype=dtype)
        for i, dtype in enumerate(dtypes)
    ]
    data = tf.data.Dataset.from_tensor_slices(tuple(columns))
    if shuffled:
        data = data.shuffle(len(split), reshuffle_each_iteration=True)
    data = data.map(lambda x, y: (x, y, tf.ones(tf.shape(y)[0])), num_parallel_calls=2)
    return data.padded_batch(batch_size).prefetch(4)


def learn(model, loss, metric, train, valid, dtypes, *, epochs, batch_size):
    steps = -(-len(train) // batch_size)
    rate = keras.optimizers.schedules.PolynomialDecay(3e-3, epochs * steps, end_learning_rate=0.0)
    model.compile(
        keras.optimizers.Adam(rate, global_clipnorm=1.0, epsilon=1e-8),
        loss=loss,
        weighted_metrics=[metric],
    )
    times = Times(steps)
    history = model.fit(
        batches_of(train, dtypes, batch_size, shuffled=True),
        validation_data=batches_of(valid, dtypes, batch_size, shuffled=False),
        epochs=epochs,
        callbacks=[times],
        verbose=0,
    )
    live = sum(len(x[1]) for x in train)
    return times.clock.seconds, history.history["val_figure"], live


def tag(path, epochs):
    data = Tagging(path)
    # One more everywhere, for 0 is padding.
    train, valid = (
        [(np.array(views, np.int32) + 1, np.array(tags, np.int32)) for views, tags in split]
        for split in (data.train, data.valid)
    )
    views = keras.Input((None, len(data.sizes)), dtype=tf.int32)
    embedded = []
    for i, size in enumerate(data.sizes):
        column = views[..., i]
        embedding = keras.layers.Embedding(
            1 + size,
            FORM_SIZE if i == 0 else PART_SIZE,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
        )
        embedded.append(embedding(HideForms()(column) if i == 0 else column))
    mask = keras.layers.Lambda(lambda x: tf.not_equal(x[..., 0], 0))(views)
    inputs = keras.layers.Dropout(0.3)(keras.layers.Concatenate()(embedded))
    lstm = keras.layers.Bidirectional(keras.layers.LSTM(128, return_sequences=True))
    outputs = keras.layers.Dropout(0.3)(lstm(inputs, mask=mask))
    model = keras.Model(views, keras.layers.Dense(data.num_tags)(outputs))
    return learn(
        model,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.metrics.SparseCategoricalAccuracy(name="figure"),
        train,
        valid,
        (tf.int32, tf.int32),
        epochs=epochs,
        batch_size=32,
    )


def nll(notes, scores):
    """`[batch, steps]`: summed over the notes."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=notes, logits=scores)
    return tf.reduce_sum(losses, -1)


def music(path, epochs, sizes):
    splits = pieces(path)
    notes = keras.Input((None, NUM_NOTES))
    # Silence is no padding, but where it is at the end of a batch the weights say so.
    inputs = keras.layers.Dropout(sizes.dropout)(notes)
    outputs = keras.layers.LSTM(sizes.units, return_sequences=True)(inputs)
    outputs = keras.layers.Dropout(sizes.dropout)(outputs)
    model = keras.Model(notes, keras.layers.Dense(NUM_NOTES)(outputs))
    return learn(
        model,
        nll,
        keras.metrics.MeanMetricWrapper(nll, name="figure"),
        splits["train"],
        splits["valid"],
        (tf.float32, tf.float32),
        epochs=epochs,
        batch_size=sizes.batch_size,
    )


if __name__ == "__main__":
    work, path, epochs, *sizes = sys.argv[1:]
    keras.utils.set_random_seed(0)
    if work == "tag":
        seconds, figures, live = tag(Path(path), int(epochs))
    else:
        seconds, figures, live = music(Path(path), int(epochs), Sizes.of(sizes))
    print_answer(
        version=f"tensorflow {tf.__version__}", seconds=seconds, figures=figures, live=live
    )
