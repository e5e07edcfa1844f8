"""What uncertainty sets must reject (robust spec, section 9): the right exception, argument, first bad index, value."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit import MDPKitError, TabularMDP
from mdpkit.errors import DiscountError, InputError, NotStochasticError, ShapeError, UnknownOptionError
from mdpkit.models import (
    ChiSquareBall,
    Contamination,
    ConvexSet,
    CVaRSet,
    FiniteSet,
    IntervalSet,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RobustMDP,
    WassersteinBall,
)

INF, NAN = np.inf, np.nan
P = np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
MODEL = TabularMDP(P, np.zeros((2, 2)), 0.9)
BALLS = [L1Ball, LinfBall, L2Ball, KLBall, ChiSquareBall, ReverseKLBall, lambda radius: WassersteinBall(radius, LINE)]
LINE = np.array([[0.0, 1.0], [1.0, 0.0]])
ANY = object()


def refuse(kind, build, *, argument, index=ANY, value=ANY, mentions=(), in_message=True):
    with pytest.raises(kind) as caught:
        build()
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, ValueError)
    assert isinstance(error, MDPKitError)
    assert error.argument == argument
    if index is not ANY:
        assert error.index == index
    if value is not ANY:
        assert error.value == value or (error.value != error.value and value != value)
    for part in (argument, *mentions) if in_message else mentions:
        assert str(part) in str(error)


def put(array, index, value):
    changed = np.array(array, dtype=float)
    changed[index] = value
    return changed


# ------------------------------------------------------------------ radii


@pytest.mark.parametrize("family", BALLS)
@pytest.mark.parametrize("bad", [-0.1, NAN, INF])
def test_radius(family, bad):
    refuse(InputError, lambda: family(bad), argument="radius", index=(), value=bad, mentions=[repr(bad)])
    refuse(InputError, lambda: family([0.1, bad]), argument="radius", index=(1,), value=bad, mentions=["radius[1]"])
    refuse(InputError, lambda: family([[0.1, 0.2], [bad, bad]]), argument="radius", index=(1, 0), value=bad)


@pytest.mark.parametrize("family", BALLS)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2), (2, 2, 2)])
def test_shape_of_radius(family, shape):
    refuse(ShapeError, lambda: RobustMDP(MODEL, family(np.full(shape, 0.1))), argument="radius", mentions=[shape])


def test_radius_per_pair_in_s_rectangular_problems():
    refuse(
        ShapeError,
        lambda: RobustMDP(MODEL, L1Ball(np.full((2, 2), 0.1)), rectangularity="s"),
        argument="radius",
        mentions=["one budget per state"],
    )


def test_radius_that_is_no_number():
    refuse(ShapeError, lambda: L1Ball("wide"), argument="radius")
    refuse(ShapeError, lambda: L1Ball([[0.1], [0.1, 0.2]]), argument="radius")
    refuse(ShapeError, lambda: L1Ball(0.1j), argument="radius")


@pytest.mark.parametrize("bad", [-0.1, 1.5, NAN, INF])
def test_epsilon(bad):
    refuse(InputError, lambda: Contamination(bad), argument="epsilon", index=(), value=bad)
    refuse(InputError, lambda: Contamination([0.0, bad]), argument="epsilon", index=(1,), value=bad)


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.5, NAN, INF])
def test_level(bad):
    refuse(InputError, lambda: CVaRSet(bad), argument="level", index=(), value=bad)
    refuse(InputError, lambda: CVaRSet([[1.0, bad], [1.0, 1.0]]), argument="level", index=(0, 1), value=bad)


def test_shape_of_epsilon_and_level():
    refuse(ShapeError, lambda: RobustMDP(MODEL, Contamination([0.1] * 3)), argument="epsilon")
    refuse(ShapeError, lambda: RobustMDP(MODEL, CVaRSet([0.1] * 3)), argument="level")


# ------------------------------------------------------------------ weights and supports


@pytest.mark.parametrize("family", [L1Ball, LinfBall])
@pytest.mark.parametrize("bad", [0.0, -1.0, NAN, INF])
def test_weights(family, bad):
    refuse(InputError, lambda: family(0.1, weights=[1.0, bad]), argument="weights", index=(1,), value=bad)
    block = put(np.ones((2, 2, 2)), (1, 0, 1), bad)
    refuse(InputError, lambda: family(0.1, weights=block), argument="weights", index=(1, 0, 1), value=bad)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2), (2, 2, 3)])
def test_shape_of_weights(shape):
    refuse(ShapeError, lambda: RobustMDP(MODEL, L1Ball(0.1, weights=np.ones(shape))), argument="weights")


def with_support(support):
    return [
        lambda: L1Ball(0.1, support=support),
        lambda: LinfBall(0.1, support=support),
        lambda: L2Ball(0.1, support=support),
        lambda: ReverseKLBall(0.1, support=support),
        lambda: Contamination(0.1, support=support),
        lambda: ConvexSet(lambda p, q, s, a: [], support=support),
    ]


def test_support():
    for build in with_support("everything"):
        refuse(UnknownOptionError, build, argument="support", value="everything", mentions=["'nominal'", "'all'"])
    for build in with_support(np.ones((2, 2, 2))):
        refuse(ShapeError, build, argument="support", mentions=["float64"])
    for build in with_support(np.ones((2, 2), dtype=bool)):
        refuse(ShapeError, build, argument="support", mentions=["(2, 2)"])
    for build in with_support(np.ones((2, 2, 3), dtype=bool)):
        refuse(ShapeError, lambda: RobustMDP(MODEL, build()), argument="support", mentions=["(2, 2, 3)"])  # noqa: B023


def test_mask_that_excludes_nominal_mass():
    mask = np.ones((2, 2, 2), dtype=bool)
    mask[1, 0, 1] = False
    for build in with_support(mask):
        refuse(
            InputError,
            lambda: RobustMDP(MODEL, build()),  # noqa: B023
            argument="support",
            index=(1, 0, 1),
            value=False,
            mentions=["probability 1.0"],
        )


@pytest.mark.parametrize("family", [KLBall, ChiSquareBall])
def test_all_support_of_divergences_that_are_infinite_there(family):
    for support in ("all", np.ones((2, 2, 2), dtype=bool)):
        refuse(
            InputError,
            lambda: family(0.1, support=support),  # noqa: B023
            argument="support",
            mentions=[family.__name__, "infinite", "ReverseKLBall"],
        )


# ------------------------------------------------------------------ intervals


LOWER, UPPER = 0.5 * P, np.minimum(P + 0.25, 1.0)


def intervals(lower=LOWER, upper=UPPER, sparse=False, model=MODEL):
    if sparse:
        lower, upper = (sp.csr_array(np.asarray(ends).reshape(-1, 2)) for ends in (lower, upper))
    return RobustMDP(model, IntervalSet(lower, upper))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("bad", [-0.1, 1.1, NAN, INF])
def test_ends(bad, sparse):
    where = (1, 0, 1)
    refuse(
        InputError, lambda: intervals(put(LOWER, where, bad), sparse=sparse), argument="lower", index=where, value=bad
    )
    refuse(
        InputError,
        lambda: intervals(upper=put(UPPER, where, bad), sparse=sparse),
        argument="upper",
        index=where,
        value=bad,
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_ends_out_of_order(sparse):
    refuse(
        InputError,
        lambda: intervals(put(LOWER, (0, 0, 0), 0.8), sparse=sparse),
        argument="lower",
        index=(0, 0, 0),
        value=0.8,
        mentions=["upper = 0.75"],
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_ends_without_a_distribution(sparse):
    refuse(
        InputError,
        lambda: intervals(put(LOWER, (0, 0), [0.6, 0.5]), np.ones((2, 2, 2)), sparse=sparse),
        argument="lower",
        index=(0, 0),
        value=1.1,
        mentions=["more than 1"],
    )
    refuse(
        InputError,
        lambda: intervals(np.zeros((2, 2, 2)), put(UPPER, (1, 1), [0.25, 0.5]), sparse=sparse),
        argument="upper",
        index=(1, 1),
        value=0.75,
        mentions=["less than 1"],
    )


def test_shapes_of_intervals():
    refuse(ShapeError, lambda: IntervalSet(LOWER[0], UPPER[0]), argument="lower", mentions=["(S, A, S)"])
    refuse(ShapeError, lambda: IntervalSet(LOWER, UPPER[:, :1]), argument="upper")
    refuse(ShapeError, lambda: intervals(np.zeros((3, 2, 3)), np.ones((3, 2, 3))), argument="lower")


def test_nominal_rows_outside_their_intervals_are_a_warning():
    with pytest.warns(UserWarning, match="outside its interval set by up to 0.25"):
        intervals(put(LOWER, (0, 0), [0.75, 0.0]), np.ones((2, 2, 2)))


def test_rows_of_absent_pairs_are_ignored():
    model = TabularMDP(P, [[0.0, -INF], [0.0, 0.0]], 0.9)
    intervals(put(LOWER, (0, 1), NAN), model=model)
    RobustMDP(model, FiniteSet(put(P, (0, 1), NAN)[:, :, None]))


# ------------------------------------------------------------------ metrics


@pytest.mark.parametrize("bad", [-1.0, NAN, INF])
def test_metric(bad):
    refuse(InputError, lambda: WassersteinBall(0.1, put(LINE, (1, 0), bad)), argument="metric", index=(1, 0), value=bad)


def test_metric_with_costs_of_staying():
    refuse(InputError, lambda: WassersteinBall(0.1, put(LINE, (1, 1), 0.5)), argument="metric", index=(1, 1), value=0.5)


def test_shape_of_metric():
    refuse(ShapeError, lambda: WassersteinBall(0.1, np.zeros((2, 3))), argument="metric")
    refuse(ShapeError, lambda: WassersteinBall(0.1, 0.0), argument="metric")
    refuse(ShapeError, lambda: RobustMDP(MODEL, WassersteinBall(0.1, np.zeros((3, 3)))), argument="metric")


def test_costs_that_are_no_metric_are_a_warning():
    with pytest.warns(UserWarning, match=r"not symmetric at \[0, 1\]"):
        WassersteinBall(0.1, [[0.0, 1.0], [2.0, 0.0]])
    with pytest.warns(UserWarning, match="from 0 to 2 the way over 1 is shorter"):
        WassersteinBall(0.1, [[0.0, 1.0, 5.0], [1.0, 0.0, 1.0], [5.0, 1.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WassersteinBall(0.1, np.abs(np.subtract.outer(np.arange(9) / 7, np.arange(9) / 7)))


# ------------------------------------------------------------------ finite and convex sets


@pytest.mark.parametrize("bad", [-0.25, NAN, INF])
def test_candidate(bad):
    rows = np.repeat(P[:, :, None], 3, axis=2)
    refuse(
        NotStochasticError,
        lambda: RobustMDP(MODEL, FiniteSet(put(rows, (1, 0, 2, 1), bad))),
        argument="rows",
        index=(1, 0, 2, 1),
        value=bad,
    )


def test_candidate_that_does_not_sum_to_one():
    rows = put(np.repeat(P[:, :, None], 3, axis=2), (1, 0, 2), [0.5, 0.25])
    refuse(NotStochasticError, lambda: RobustMDP(MODEL, FiniteSet(rows)), argument="rows", index=(1, 0, 2), value=0.75)
    blocks = [sp.csr_array(rows[:, :, k].reshape(4, 2)) for k in range(3)]
    refuse(
        NotStochasticError, lambda: RobustMDP(MODEL, FiniteSet(blocks)), argument="rows", index=(1, 0, 2), value=0.75
    )


def test_shapes_of_candidates():
    refuse(ShapeError, lambda: FiniteSet(np.zeros((2, 2, 0, 2))), argument="rows", mentions=["at least one"])
    refuse(ShapeError, lambda: FiniteSet([]), argument="rows")
    refuse(ShapeError, lambda: FiniteSet(P), argument="rows", mentions=["(S, A, K, S)"])
    ragged = [[[[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]] * 2
    refuse(ShapeError, lambda: FiniteSet(ragged), argument="rows", mentions=["every pair with K rows"])
    blocks = [sp.csr_array(np.eye(2)), sp.csr_array(np.eye(3))]
    refuse(ShapeError, lambda: FiniteSet(blocks), argument="rows", index=1)
    refuse(ShapeError, lambda: RobustMDP(MODEL, FiniteSet(np.ones((3, 2, 1, 3)) / 3)), argument="rows")


def test_constraints_that_are_no_function():
    refuse(InputError, lambda: ConvexSet([1]), argument="constraints")


# ------------------------------------------------------------------ problems


@pytest.mark.parametrize(
    "build",
    [
        lambda: WassersteinBall(0.1, LINE),
        lambda: Contamination(0.1),
        lambda: CVaRSet(0.5),
        lambda: IntervalSet(LOWER, UPPER),
        lambda: ConvexSet(lambda p, q, s, a: []),
    ],
)
def test_families_without_a_joint_form(build):
    refuse(
        UnknownOptionError,
        lambda: RobustMDP(MODEL, build(), rectangularity="s"),
        argument="uncertainty",
        mentions=["s-rectangular", "L1Ball"],
        in_message=False,
    )


def test_discount():
    for gamma in (None, 1.0):
        model = TabularMDP(P, np.zeros((2, 2)), gamma)
        refuse(
            DiscountError,
            lambda: RobustMDP(model, L1Ball(0.1)),  # noqa: B023
            argument="nominal",
            value=gamma,
            mentions=["with_horizon"],
            in_message=False,
        )


def test_options():
    refuse(UnknownOptionError, lambda: RobustMDP(MODEL, L1Ball(0.1), rectangularity="r"), argument="rectangularity")
    refuse(UnknownOptionError, lambda: RobustMDP(MODEL, L1Ball(0.1), nature="kind"), argument="nature", value="kind")
    refuse(InputError, lambda: RobustMDP(MODEL, 0.1), argument="uncertainty", value=0.1)
    refuse(InputError, lambda: RobustMDP(P, L1Ball(0.1)), argument="nominal")
    finite = MODEL.with_horizon(2)
    refuse(ShapeError, lambda: RobustMDP(finite, [L1Ball(0.1)] * 3), argument="uncertainty", mentions=["found 3"])
    refuse(InputError, lambda: RobustMDP(finite, [L1Ball(0.1), None]), argument="uncertainty", index=1)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_transition_rewards(bad):
    with pytest.raises(InputError) as caught:
        RobustMDP(MODEL, L1Ball(0.1), transition_rewards=put(np.zeros((2, 2, 2)), (0, 1, 0), bad))
    assert caught.value.argument == "transition_rewards"
    assert caught.value.index == (0, 1, 0)
    refuse(
        ShapeError,
        lambda: RobustMDP(MODEL, L1Ball(0.1), transition_rewards=np.zeros((2, 2))),
        argument="transition_rewards",
    )


def test_sets_are_immutable_and_leave_their_input_alone():
    radius = np.array([0.1, 0.2])
    ball = L1Ball(radius)
    with pytest.raises(AttributeError, match="immutable"):
        ball.radius = 3.0
    with pytest.raises(ValueError, match="read-only"):
        ball.radius[0] = 3.0
    radius[0] = 0.3  # the caller's array stays writable


def test_large_radii_are_no_error():
    assert repr(L1Ball(50.0)) == "L1Ball(50)"
    for family in BALLS:
        RobustMDP(MODEL, family(1e9))
