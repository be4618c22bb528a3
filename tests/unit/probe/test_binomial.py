"""Exact intervals: checked against fractions, and against their own promise."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._probe import binomial
from hypothesis import given, settings
from hypothesis import strategies as st

SHARES = st.fractions(min_value=Fraction(1, 50), max_value=Fraction(49, 50), max_denominator=50)
ERRORS = st.sampled_from([0.1, 0.01, 1e-4, 1e-6])


def exact(count: int, samples: int, share: Fraction) -> Fraction:
    """The probability, without rounding."""
    return comb(samples, count) * share**count * (1 - share) ** (samples - count)


@given(st.integers(1, 120), SHARES, st.data())
def test_probabilities_are_those_of_fractions(samples: int, share: Fraction, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, samples))
    assert binomial.pmf(count, samples, float(share)) == pytest.approx(
        float(exact(count, samples, share)), rel=1e-9
    )


@given(st.integers(1, 120), SHARES, ERRORS)
def test_what_is_left_out_is_at_most_the_error_and_no_more_could_be(
    samples: int, share: Fraction, error: float
) -> None:
    low, high = binomial.interval(samples, float(share), error)
    below = sum(exact(count, samples, share) for count in range(low))
    above = sum(exact(count, samples, share) for count in range(high + 1, samples + 1))
    slack = 1 + 1e-9
    assert float(below) <= error / 2 * slack
    assert float(above) <= error / 2 * slack
    assert float(below + exact(low, samples, share)) > error / 2 / slack
    assert float(above + exact(high, samples, share)) > error / 2 / slack


@pytest.mark.parametrize(("share", "interval"), [(0.0, (0, 0)), (1.0, (50, 50))])
def test_all_or_nothing(share: float, interval: tuple[int, int]) -> None:
    assert binomial.interval(50, share, 0.01) == interval


@settings(max_examples=25)
@given(SHARES, st.sampled_from([Fraction(1, 5), Fraction(2, 5)]), st.sampled_from([0.01, 1e-3, 1e-4]))
def test_so_many_samples_keep_both_mistakes_rare(share: Fraction, off_by: Fraction, error: float) -> None:
    samples = binomial.samples_for(float(share), float(off_by), error)
    low, high = binomial.interval(samples, float(share), error)
    kept = sum(exact(count, samples, share) for count in range(low, high + 1))
    assert float(kept) >= 1 - error * (1 + 1e-9)
    for other in (share - off_by, share + off_by):
        if 0 <= other <= 1:
            missed = sum(exact(count, samples, other) for count in range(low, high + 1))
            assert float(missed) <= error * (1 + 1e-9)


def test_a_finer_question_takes_more_samples() -> None:
    assert binomial.samples_for(0.1, 0.1, 1e-4) > 2 * binomial.samples_for(0.1, 0.2, 1e-4)
    assert binomial.samples_for(0.1, 0.2, 1e-6) > binomial.samples_for(0.1, 0.2, 1e-2)
    assert binomial.samples_for(0.5, 0.0001, 1e-9) == binomial.MOST_SAMPLES
