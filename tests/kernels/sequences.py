"""Recurrent networks over a sequence, with states that are kept in place."""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cell(gates, state, hidden, x, w, u, b):
    """One step: gates, state and hidden are written."""
    size = hidden.shape[0]
    gates[:] = w @ x + u @ hidden + b
    forget = sigmoid(gates[:size])
    enter = sigmoid(gates[size : 2 * size])
    leave = sigmoid(gates[2 * size : 3 * size])
    state *= forget
    state += enter * np.tanh(gates[3 * size :])
    hidden[:] = leave * np.tanh(state)


def lstm(xs, targets, w, u, b, head):
    """The squared error of a long short-term memory's predictions over a sequence."""
    steps = xs.shape[0]
    size = u.shape[1]
    gates = np.zeros(4 * size)
    state = np.zeros(size)
    hidden = np.zeros(size)
    predicted = np.zeros(steps)
    for t in range(steps):
        cell(gates, state, hidden, xs[t], w, u, b)
        predicted[t] = head @ hidden
    return np.sum((predicted - targets) ** 2)


def lstm_gates_in_one_array(xs, w, h0):
    """A batch, all gates in one history array, activations in place of what they are of."""
    steps, batch, inputs = xs.shape
    size = h0.shape[1]
    z = np.zeros((steps, batch, 4 * size))
    c = np.zeros((steps + 1, batch, size))
    h = np.zeros((steps + 1, batch, size))
    h[0] = h0
    for t in range(steps):
        both = np.concatenate([xs[t], h[t]], axis=1)
        a = z[t]
        a[...] = both @ w
        a[:, : 3 * size] = 1.0 / (1.0 + np.exp(-a[:, : 3 * size]))
        a[:, 3 * size :] = np.tanh(a[:, 3 * size :])
        c[t + 1] = a[:, size : 2 * size] * c[t] + a[:, :size] * a[:, 3 * size :]
        h[t + 1] = a[:, 2 * size : 3 * size] * np.tanh(c[t + 1])
    return np.sum(h[1:] ** 2) + np.sum(c[-1])
