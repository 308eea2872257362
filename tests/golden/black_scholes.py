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
    t3 = math.pi
    return normal_cdf_bar * math.exp(-t2 * t2) / (math.sqrt(t3) * t1)


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
    t3 = math.pi
    return normal_cdf_bar * math.exp(-t2 * t2) / (math.sqrt(t3) * t1)


def grad_call_price(spot: float, strike: float, rate: float, sigma: float, t: float):
    """Gradient of call_price with respect to spot, rate, sigma and t."""
    # Forward sweep
    t1 = spot / strike
    t2 = rate + 0.5 * sigma ** 2
    t3 = math.log(t1) + t2 * t
    t4 = math.sqrt(t)
    t5 = sigma * t4
    d1 = t3 / t5
    t6 = math.sqrt(t)
    d2 = d1 - sigma * t6
    t7 = normal_cdf(d1)
    t8 = -rate
    t9 = math.exp(t8 * t)
    t10 = normal_cdf(d2)
    # Reverse sweep
    # return spot * normal_cdf(d1) - strike * math.exp(-rate * t) * normal_cdf(d2)
    t11_bar = -1.0
    d2_bar = reverse_normal_cdf(d2, t11_bar * strike * t9)
    t12_bar = t11_bar * t10 * strike * t9
    d1_bar = reverse_normal_cdf(d1, spot)
    # d2 = d1 - sigma * math.sqrt(t)
    d1_bar += d2_bar
    t13_bar = -d2_bar
    # d1 = (math.log(spot / strike) + (rate + 0.5 * sigma ** 2) * t) / (sigma * math.sqrt(t))
    t14_bar = d1_bar / t5
    t15_bar = -d1_bar * t3 / t5 ** 2
    t16_bar = t14_bar * t
    t_bar = t12_bar * t8 + 0.5 * t13_bar * sigma / t6 + 0.5 * t15_bar * sigma / t4
    return t7 + t14_bar / (t1 * strike), -t12_bar * t + t16_bar, t13_bar * t6 + t15_bar * t4 + t16_bar * sigma, t_bar + t14_bar * t2
