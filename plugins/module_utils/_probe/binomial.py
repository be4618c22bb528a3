# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Exact binomial intervals, and how many samples a question takes. Pure; exact up to rounding of floats."""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log

#: More samples are never asked for.
MOST_SAMPLES = 100_000


def interval(samples: int, share: float, error: float) -> tuple[int, int]:
    """Return the counts (low, high) that a true *share* leaves with a probability of at most *error*.

    Two-sided: at most half of the error on either side, so that the interval is exact and a little wide
    rather than too narrow.
    """
    low = 0
    below = 0.0
    while low < samples and below + pmf(low, samples, share) <= error / 2:
        below += pmf(low, samples, share)
        low += 1
    high = samples
    above = 0.0
    while high > 0 and above + pmf(high, samples, share) <= error / 2:
        above += pmf(high, samples, share)
        high -= 1
    return low, high


def pmf(count: int, samples: int, share: float) -> float:
    """Return the probability of *count* hits in so many *samples* when each hits with probability *share*."""
    if share <= 0.0:
        return 1.0 if count == 0 else 0.0
    if share >= 1.0:
        return 1.0 if count == samples else 0.0
    ways = lgamma(samples + 1) - lgamma(count + 1) - lgamma(samples - count + 1)
    return exp(ways + count * log(share) + (samples - count) * log(1.0 - share))


def within(samples: int, share: float, low: int, high: int) -> float:
    """Return the probability that the count lies within low..high."""
    return sum(pmf(count, samples, share) for count in range(low, high + 1))


@lru_cache(maxsize=256)
def samples_for(share: float, off_by: float, error: float) -> int:
    """Return how many samples tell a *share* from one that is *off_by* or more, with this *error*.

    The same error holds for both mistakes: to accuse a right share, and to miss a wrong one. The number is
    found by doubling and halving; as counts are whole, a few samples less may do as well.
    """
    enough, step = 1, 1
    while not _tells(enough, share, off_by, error):
        if enough >= MOST_SAMPLES:
            return MOST_SAMPLES
        step, enough = enough, min(2 * enough, MOST_SAMPLES)
    while enough - step > 1:
        middle = (enough + step) // 2
        if _tells(middle, share, off_by, error):
            enough = middle
        else:
            step = middle
    return enough


def _tells(samples: int, share: float, off_by: float, error: float) -> bool:
    low, high = interval(samples, share, error)
    wrong = [other for other in (share - off_by, share + off_by) if 0.0 <= other <= 1.0]
    return bool(wrong) and all(within(samples, other, low, high) <= error for other in wrong)
