"""A small network, as a plain tf.Module: its variables live on the parameter servers when it is made in their scope."""

import digits
import numpy as np
import tensorflow as tf


class Model(tf.Module):
    """64 pixels → one hidden layer → 10 digits, trained by plain SGD."""

    def __init__(self, hidden: int):
        super().__init__()
        rng = np.random.default_rng(1)
        self.weights = [
            tf.Variable(rng.normal(0, (2 / digits.PIXELS) ** 0.5, (digits.PIXELS, hidden)).astype(np.float32)),
            tf.Variable(np.zeros(hidden, np.float32)),
            tf.Variable(rng.normal(0, (2 / hidden) ** 0.5, (hidden, digits.CLASSES)).astype(np.float32)),
            tf.Variable(np.zeros(digits.CLASSES, np.float32)),
        ]

    def logits(self, images):
        w1, b1, w2, b2 = self.weights
        return tf.nn.relu(images @ w1 + b1) @ w2 + b2

    def train_step(self, images, labels, rate):
        """Take one step down the gradient of this batch; return its loss."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.logits(images)))
        for weight, gradient in zip(self.weights, tape.gradient(loss, self.weights), strict=True):
            weight.assign_sub(rate * gradient)
        return loss

    @tf.function(input_signature=[tf.TensorSpec([None, digits.PIXELS], tf.float32, name="images")])
    def serve(self, images):
        """What a model server answers: the digit and the probability of each."""
        probabilities = tf.nn.softmax(self.logits(images))
        return {"digit": tf.argmax(probabilities, axis=1), "probabilities": probabilities}

    def accuracy(self, images, labels) -> float:
        return float(np.mean(self.serve(tf.constant(images))["digit"].numpy() == labels))

    def values(self) -> list[np.ndarray]:
        return [weight.numpy() for weight in self.weights]

    def set_values(self, values) -> None:
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(value)
