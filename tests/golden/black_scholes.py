"""The price of a call, and its Greeks."""

import math


def normal_cdf(x: float):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def call_price(spot: float, strike: float, rate: float, sigma: float, t: float):
    d1 = (math.log(spot / strike) + (rate + 0.5 * sigma ** 2) * t) / (sigma * math.sqrt(t))
    d2 = d1 - sigma * math.sqrt(t)
    return spot * normal_cdf(d1) - strike * math.exp(-rate * t) * normal_cdf(d2)


CASES = {
    "grad(call_price)": [(100.0, 95.0, 0.02, 0.25, 0.5)],
    "grad(call_price, wrt=('spot', 'rate', 'sigma', 't'))": [(100.0, 95.0, 0.02, 0.25, 0.5)],
}


# ---- emitted: grad(call_price)
def reverse_normal_cdf(x: float, normal_cdf_bar: float):
    # return 0.5 * (1 + math.erf(x / math.sqrt(2)))
    t1 = math.sqrt(2)
    t2 = x / t1
    return normal_cdf_bar * math.exp(-t2 * t2) / (math.sqrt(math.pi) * t1)


def grad_call_price(spot: float, strike: float, rate: float, sigma: float, t: float):
    """Gradient of call_price with respect to spot."""
    # Forward sweep
    t1 = spot / strike
    t2 = sigma * math.sqrt(t)
    d1 = (math.log(t1) + (rate + 0.5 * sigma ** 2) * t) / t2
    t3 = normal_cdf(d1)
    # Reverse sweep
    # return spot * normal_cdf(d1) - strike * math.exp(-rate * t) * normal_cdf(d2)
    d2_bar = reverse_normal_cdf(d1 - sigma * math.sqrt(t), -strike * math.exp(-rate * t))
    return t3 + (reverse_normal_cdf(d1, spot) + d2_bar) / (t2 * t1 * strike)


# ---- emitted: grad(call_price, wrt=('spot', 'rate', 'sigma', 't'))
def reverse_normal_cdf(x: float, normal_cdf_bar: float):
    # return 0.5 * (1 + math.erf(x / math.sqrt(2)))
    t1 = math.sqrt(2)
    t2 = x / t1
    return normal_cdf_bar * math.exp(-t2 * t2) / (math.sqrt(math.pi) * t1)


def grad_call_price(spot: float, strike: float, rate: float, sigma: float, t: float):
    """Gradient of call_price with respect to spot, rate, sigma and t."""
    # Forward sweep
    t1 = spot / strike
    t2 = rate + 0.5 * sigma ** 2
    t3 = math.log(t1) + t2 * t
    t4 = math.sqrt(t)
    t5 = sigma * t4
    d1 = t3 / t5
    d2 = d1 - sigma * t4
    t6 = normal_cdf(d1)
    t7 = math.exp(-rate * t)
    # Reverse sweep
    # return spot * normal_cdf(d1) - strike * math.exp(-rate * t) * normal_cdf(d2)
    t8_bar = -normal_cdf(d2)
    d2_bar = reverse_normal_cdf(d2, -strike * t7)
    t9_bar = t8_bar * strike * t7
    d1_bar = reverse_normal_cdf(d1, spot)
    # d2 = d1 - sigma * math.sqrt(t)
    d1_bar += d2_bar
    t10 = 0.5 / t4
    # d1 = (math.log(spot / strike) + (rate + 0.5 * sigma ** 2) * t) / (sigma * math.sqrt(t))
    t11_bar = d1_bar / t5
    t12_bar = -d1_bar * t3 / t5 ** 2
    t13_bar = t11_bar * t
    return t6 + t11_bar / (t1 * strike), -t9_bar * t + t13_bar, -d2_bar * t4 + t12_bar * t4 + t13_bar * sigma, -t9_bar * rate - d2_bar * sigma * t10 + t12_bar * sigma * t10 + t11_bar * t2
