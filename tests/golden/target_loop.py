"""A counted loop: the reverse sweep runs the range backwards, and one list holds what is overwritten."""


def power(x: float, y: float):
    output = 1.0
    for i in range(int(y)):
        output = output * x
    return output


CASES = {"grad(power)": [(3.0, 2.0), (4.0, 3.0), (1.5, 0.0)]}


# ---- by hand: grad(power)
def grad_power(x: float, y: float):
    output = 1.0
    output_tape = []
    for i in range(int(y)):
        output_tape.append(output)
        output = output * x
    x_bar = 0.0
    output_bar = 1.0
    for i in range(int(y) - 1, -1, -1):
        output = output_tape.pop()
        x_bar += output * output_bar
        output_bar *= x
    return x_bar


# ---- emitted: grad(power)
def grad_power(x: float, y: float):
    """Gradient of power with respect to x."""
    # Forward sweep
    output = 1.0
    output_tape = []
    for i in range(int(y)):
        output_tape.append(output)
        output = output * x
    # Reverse sweep
    output_bar = 1.0
    x_bar = 0.0
    for i in range(int(y) - 1, -1, -1):
        # output = output * x
        output = output_tape.pop()
        x_bar += output_bar * output
        output_bar *= x
    return x_bar
