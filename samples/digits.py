"""Train a two-layer network to read handwritten digits: 1,797 images of 8 × 8 pixels, bundled with scikit-learn."""

import numpy as np

from s2sad import value_and_grad

HIDDEN = 64
BATCH = 50
EPOCHS = 40
RATE = 0.3
TEST_IMAGES = 360


def predict_scores(W1, b1, W2, b2, images):
    """Scores of the ten digits, a row an image."""
    hidden = np.tanh(images @ W1 + b1)
    return hidden @ W2 + b2


def loss(W1, b1, W2, b2, images, labels):
    """Mean cross entropy of the softmax of the scores, by a log-sum-exp that cannot overflow."""
    scores = predict_scores(W1, b1, W2, b2, images)
    largest = np.max(scores, axis=1, keepdims=True)
    log_total = largest[:, 0] + np.log(np.sum(np.exp(scores - largest), axis=1))
    return np.mean(log_total - scores[np.arange(len(labels)), labels])


def accuracy(parameters, images, labels):
    return np.mean(np.argmax(predict_scores(*parameters, images), axis=1) == labels)


def load_images(rng):
    """Images scaled to 0…1 and their labels, shuffled: (train images, train labels), (test images, test labels)."""
    # Imported here, so that `s2sad show` can read this file where only s2sad is installed.
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(images))
    images, labels = images[order] / 16, labels[order]
    return (images[TEST_IMAGES:], labels[TEST_IMAGES:]), (images[:TEST_IMAGES], labels[:TEST_IMAGES])


def train(images, labels, rng):
    """Minibatch stochastic gradient descent; the trained W1, b1, W2, b2."""
    from tqdm import trange

    inputs = images.shape[1]
    parameters = (
        rng.normal(scale=1 / np.sqrt(inputs), size=(inputs, HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(scale=1 / np.sqrt(HIDDEN), size=(HIDDEN, 10)),
        np.zeros(10),
    )
    loss_and_gradient = value_and_grad(loss, wrt=("W1", "b1", "W2", "b2"))
    progress = trange(EPOCHS, desc="training", unit="epoch")
    for _ in progress:
        order = rng.permutation(len(images))
        for start in range(0, len(images), BATCH):
            batch = order[start : start + BATCH]
            value, gradient = loss_and_gradient(*parameters, images[batch], labels[batch])
            parameters = tuple(p - RATE * p_bar for p, p_bar in zip(parameters, gradient))
        progress.set_postfix(loss=f"{value:.4f}")
    return parameters


def main():
    rng = np.random.default_rng(0)
    training_set, test_set = load_images(rng)
    parameters = train(*training_set, rng)
    print(f"train accuracy: {accuracy(parameters, *training_set):.4f}")
    print(f"test accuracy: {accuracy(parameters, *test_set):.4f}")


if __name__ == "__main__":
    main()
