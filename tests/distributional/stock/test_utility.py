"""Utilities keep what they promise, and refuse what they cannot."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.distributional import Utility
from mdpkit.errors import InputError, NotCallableError

SLOPES = st.floats(-3, 3)


@given(SLOPES, SLOPES, st.floats(-50, 50))
def test_slopes_are_the_formula(k_pos, k_neg, x):
    utility = Utility(k_pos=k_pos, k_neg=k_neg)
    assert utility(x) == k_pos * max(x, 0.0) + k_neg * min(x, 0.0)
    assert utility.values(np.array([x]))[0] == utility(x)
    assert utility.lipschitz == max(abs(k_pos), abs(k_neg))
    assert utility.homogeneous
    assert utility.nondecreasing == (k_pos >= 0 and k_neg >= 0)


def test_named_utilities():
    points = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(Utility.mean().values(points), points)
    np.testing.assert_array_equal(Utility.cvar().values(points), [-2, 0, 0])
    np.testing.assert_array_equal(Utility.ocvar().values(points), [0, 0, 3])
    np.testing.assert_array_equal(Utility.target().values(points), [-2, 0, -3])
    assert Utility.cvar().nondecreasing
    assert not Utility.target().nondecreasing


def test_fractions_stay_fractions():
    points = np.array([Fraction(-1, 3), Fraction(2, 7)], dtype=object)
    assert Utility(k_pos=0.5, k_neg=3).values(points).tolist() == [Fraction(-1), Fraction(1, 7)]
    assert Utility(lambda x: x * x).values(points).tolist() == [Fraction(1, 9), Fraction(4, 49)]
    assert Utility(lambda x: 0.25).values(points).tolist() == [Fraction(1, 4)] * 2


@given(SLOPES, SLOPES, st.floats(-3, 3))
def test_a_homogeneous_function_has_slopes(k_pos, k_neg, shift):
    utility = Utility(lambda x: shift + k_pos * max(x, 0.0) + k_neg * min(x, 0.0), homogeneous=True)
    assert utility.k_pos == pytest.approx(k_pos, abs=1e-14)
    assert utility.k_neg == pytest.approx(k_neg, abs=1e-14)
    assert utility.at_zero == shift


def test_vectors():
    utility = Utility(lambda x: -float(np.linalg.norm(x)), dimension=3, homogeneous=True, lipschitz=1)
    np.testing.assert_allclose(utility.values(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]])), [-5, 0])
    assert utility.k_pos is None


@pytest.mark.parametrize("f", [lambda x: x * x, lambda x: float(x > 0), lambda x: math.exp(-x), lambda x: -abs(x - 1)])
def test_false_claims_of_homogeneity(f):
    with pytest.raises(InputError, match="declared homogeneous") as caught:
        Utility(f, homogeneous=True)
    assert caught.value.argument == "homogeneous"


def test_false_claims_of_homogeneity_in_several_coordinates():
    with pytest.raises(InputError, match="declared homogeneous"):
        Utility(lambda x: -float(x @ x), dimension=2, homogeneous=True)


@pytest.mark.parametrize("f", [lambda x: 2 * x, lambda x: float(x > 0), lambda x: x * abs(x)])
def test_false_claims_of_lipschitz(f):
    with pytest.raises(InputError, match="lipschitz = 1") as caught:
        Utility(f, lipschitz=1)
    assert caught.value.argument == "lipschitz"


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({}, "f"),
        ({"f": abs, "k_pos": 1, "k_neg": 1}, "f"),
        ({"k_pos": 1}, "k_neg"),
        ({"k_neg": 1}, "k_pos"),
        ({"k_pos": math.nan, "k_neg": 1}, "k_pos"),
        ({"k_pos": 1, "k_neg": math.inf}, "k_neg"),
        ({"k_pos": "1", "k_neg": 1}, "k_pos"),
        ({"k_pos": True, "k_neg": 1}, "k_pos"),
        ({"f": abs, "lipschitz": -1}, "lipschitz"),
        ({"f": abs, "lipschitz": [1]}, "lipschitz"),
        ({"f": abs, "dimension": 0}, "dimension"),
        ({"k_pos": 1, "k_neg": 1, "dimension": 2}, "dimension"),
        ({"f": lambda x: "much", "homogeneous": True}, "f"),
        ({"f": lambda x: math.nan, "lipschitz": 1}, "f"),
    ],
)
def test_bad_arguments(arguments, argument):
    with pytest.raises(InputError) as caught:
        Utility(**arguments)
    assert caught.value.argument == argument


def test_f_must_be_callable():
    with pytest.raises(TypeError, match="function"):
        Utility(3)
    with pytest.raises(NotCallableError):
        Utility("abs")


def test_values_must_be_numbers():
    with pytest.raises(InputError, match=r"f\(-1.0\) = -inf"):
        Utility(lambda x: -math.inf if x < 0 else x).values(np.array([1.0, -1.0]))
    with pytest.raises(InputError, match="not a real number"):
        Utility(lambda x: None).values(np.array([Fraction(1)], dtype=object))


def test_repr():
    assert repr(Utility.target()) == "Utility(k_pos=-1, k_neg=1)"
    assert repr(Utility(abs, lipschitz=1, homogeneous=True)) == "Utility(abs, lipschitz=1, homogeneous)"
    assert repr(Utility(np.linalg.norm, dimension=2)) == "Utility(norm, dimension=2)"
