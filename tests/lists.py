"""Lists of arms from a scheme: with luck, and all of them with their probabilities."""

import math

import numpy as np

from raresim.randomisation import chosen
from raresim.streams import Luck

NOBODY = np.zeros((1, 0, 2), np.int64)


def law(scheme, n, ratio=(1, 1)):
    """Return the law of N_a after 0..n patients and each patient's chance of a right guess."""
    probability, laws, right = np.array([1.0]), [np.array([1.0])], []
    for place in range(n):
        first = np.arange(place + 1)
        own = np.stack([first, place - first], axis=1)
        chance = scheme.chances(own, np.repeat(NOBODY, len(own), 0), np.array([ratio] * len(own)))
        fewer = own * np.array(ratio)[::-1]
        guess = np.where(fewer[:, 0] < fewer[:, 1], chance[:, 0], chance[:, 1])
        tied = chance @ np.array(ratio) / sum(ratio)
        right.append(probability @ np.where(fewer[:, 0] == fewer[:, 1], tied, guess))
        after = np.zeros(place + 2)
        after[1:] += probability * chance[:, 0]
        after[:-1] += probability * chance[:, 1]
        probability = after
        laws.append(after)
    return laws, np.array(right)


def differences(probabilities):
    """Return the values of D = N_a - N_b."""
    n = len(probabilities) - 1
    return 2 * np.arange(n + 1) - n


def variance(probabilities):
    return float(probabilities @ differences(probabilities) ** 2)


def play(scheme, u, ratio, factors=None, levels=()):
    """Return the arms (rows, places); `factors` (rows, places, factors) are each patient's."""
    rows, places = u.shape
    parts = np.tile(ratio, (rows, 1))
    own, row = np.zeros_like(parts), np.arange(rows)
    seen = np.zeros((rows, len(levels), max(levels, default=1), len(ratio)), np.int64)
    arms = np.zeros(u.shape, np.int8)
    for place in range(places):
        at = (row[:, None], np.arange(len(levels)))
        at += (factors[:, place] if levels else np.zeros((rows, 0), np.int64),)
        arm = arms[:, place] = chosen(scheme.chances(own, seen[at], parts), u[:, place])
        own[row, arm] += 1
        seen[(*at, arm[:, None])] += 1
    return arms


def lucky(seed, places, blocks=8):
    return np.concatenate([Luck(seed, block).uniform("arm", places) for block in range(blocks)])


def within(sample, expected, k=4.0):
    """Whether a sample's mean is within k Monte Carlo standard errors."""
    return abs(sample.mean() - expected) <= k * sample.std(ddof=1) / math.sqrt(len(sample))
