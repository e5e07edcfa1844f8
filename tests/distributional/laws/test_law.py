"""`DiscreteLaw`: construction, exactness, immutability, operations, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.distributional import DiscreteLaw
from mdpkit.errors import InputError, MDPKitError, NotCallableError, NotStochasticError, ShapeError
from tests.distributional.laws.support import A, F, exact, floats, quick, raw_laws

INF, NAN = float("inf"), float("nan")
HALF = [0.5, 0.5]


def test_exactness():
    assert exact(A).exact
    assert DiscreteLaw([0, 1], [F(1, 3), F(2, 3)]).exact
    assert DiscreteLaw([F(1, 3), 1], [0, 1]).exact
    assert not DiscreteLaw([0, 1], [0, 1]).exact
    assert not DiscreteLaw([0.5, 1], [F(1, 3), F(2, 3)]).exact
    assert not DiscreteLaw([0, 1], [F(1, 3), F(2, 3)], exact=False).exact
    assert all(isinstance(v, F) for v in [*DiscreteLaw([0, np.int64(2)], [F(1, 2)] * 2).x, *exact(A).p])
    # Doubles are taken at their binary value and the probabilities divided by their exact sum.
    tenths = DiscreteLaw([0.1, 2], [0.1, 0.9], exact=True)
    assert tenths.x[0] == F(0.1) != F(1, 10)
    assert sum(tenths.p) == 1
    assert tenths.p[0] == F(0.1) / (F(0.1) + F(0.9))
    assert DiscreteLaw([F(1, 3)], [1]).to_float() == DiscreteLaw([1 / 3], [1.0])
    same = DiscreteLaw([0, 1], HALF)
    assert same.to_float() is same


def test_sums_close_to_one_are_divided():
    law = DiscreteLaw([0, 1], [0.5, 0.5 + 5e-9])
    assert law.p.sum() == pytest.approx(1.0, abs=1e-16)
    with pytest.raises(NotStochasticError):
        DiscreteLaw([0, 1], [0.5, 0.5 + 2e-8])
    with pytest.raises(NotStochasticError):
        DiscreteLaw([0, 1], [F(1, 2), F(1, 2) + F(1, 10**12)])


def test_immutable_and_detached_from_its_input():
    x, p = np.array([0.0, 1.0]), np.array(HALF)
    law = DiscreteLaw(x, p)
    x[0], p[0] = 7.0, 0.1
    assert list(law.x) == [0, 1]
    assert list(law.p) == HALF
    with pytest.raises(AttributeError):
        law.x = x
    with pytest.raises(ValueError, match="read-only"):
        law.p[0] = 1.0
    assert pickle.loads(pickle.dumps(law)) == law
    with pytest.raises(TypeError):
        hash(law)
    assert law != "law"
    assert law != DiscreteLaw([0, 1], [0.25, 0.75])


@quick
@given(raw_laws(), raw_laws(), st.fractions(0, 1, max_denominator=9), st.sampled_from([-2, F(-1, 3), 0, F(1, 2), 1]))
def test_operations_are_those_of_random_variables(raw, other, weight, scale):
    law, second = exact(raw), exact(other)
    moved = law.affine(F(2, 3), scale)
    assert moved == DiscreteLaw([F(2, 3) + scale * x for x in raw[0]], raw[1], exact=True)
    mixed = DiscreteLaw.mixture([weight, 1 - weight], [law, second])
    pieces = [weight * p for p in raw[1]] + [(1 - weight) * p for p in other[1]]
    assert mixed == DiscreteLaw(raw[0] + other[0], pieces, exact=True)
    assert mixed.exact
    rounded = DiscreteLaw.mixture([float(weight), float(1 - weight)], [floats(raw), second])
    assert not rounded.exact
    np.testing.assert_allclose(rounded.x, mixed.x.astype(float), atol=1e-14)
    np.testing.assert_allclose(rounded.p, mixed.p.astype(float), atol=1e-14)
    np.testing.assert_allclose(floats(raw).affine(2 / 3, scale).x, moved.x.astype(float), atol=1e-14)


def test_points_and_vectors():
    assert DiscreteLaw.point(F(3)).exact
    assert not DiscreteLaw.point(3).exact
    assert DiscreteLaw.point((1, 2)).x.shape == (1, 2)
    coin = DiscreteLaw([(1, 0), (0, 1)], [F(1, 2)] * 2)
    assert coin.x.tolist() == [[0, 1], [1, 0]]
    assert coin.covariance().tolist() == [[F(1, 4), F(-1, 4)], [F(-1, 4), F(1, 4)]]
    assert coin.var().tolist() == [F(1, 4)] * 2
    assert coin.moment(3).tolist() == [F(1, 2)] * 2
    assert coin.marginal(0) == DiscreteLaw([0, 1], [F(1, 2)] * 2)
    assert coin.affine((0, 5), (2, -1)) == DiscreteLaw([(2, 5), (0, 4)], [F(1, 2)] * 2)
    assert coin.affine(1, 0) == DiscreteLaw.point((F(1), F(1)))
    assert coin.expect(lambda v: v[0] - v[1]) == 0
    assert len(coin) == 2


def test_repr_is_short():
    assert repr(exact(A)) == "DiscreteLaw({0: 1/2, 1: 1/4, 3: 1/4})"
    assert repr(DiscreteLaw([(0, 1.5)], [1])) == "DiscreteLaw({(0, 1.5): 1})"
    assert repr(DiscreteLaw(range(9), [1 / 9] * 9)) == "DiscreteLaw(9 atoms on [0, 8], mean 4)"
    grid = [(i, i) for i in range(9)]
    assert repr(DiscreteLaw(grid, [1 / 9] * 9)) == "DiscreteLaw(9 atoms in 2 dimensions)"


LAW = DiscreteLaw([0, 1], HALF)
PAIR = DiscreteLaw([(0, 1), (1, 0)], HALF)


@pytest.mark.parametrize(
    ("build", "kind", "argument", "index"),
    [
        (lambda: DiscreteLaw([0, 1], [1.5, -0.5]), NotStochasticError, "p", 1),
        (lambda: DiscreteLaw([0, 1], [0.5, 0.4]), NotStochasticError, "p", None),
        (lambda: DiscreteLaw([0, 1], [0, 0]), NotStochasticError, "p", None),
        (lambda: DiscreteLaw([0, 1], [F(1, 2), F(1, 3)]), NotStochasticError, "p", None),
        (lambda: DiscreteLaw([0, 1], [0.5, NAN]), InputError, "p", 1),
        (lambda: DiscreteLaw([0, NAN], HALF), InputError, "x", 1),
        (lambda: DiscreteLaw([-INF, 0], HALF), InputError, "x", 0),
        (lambda: DiscreteLaw([F(1, 2), INF], HALF), InputError, "x", 1),
        (lambda: DiscreteLaw([(0, 1), (2, INF)], HALF), InputError, "x", (1, 1)),
        (lambda: DiscreteLaw([NAN], [1], exact=True), InputError, "x", 0),
        (lambda: DiscreteLaw(["a"], [1]), InputError, "x", None),
        (lambda: DiscreteLaw([1j], [1]), InputError, "x", None),
        (lambda: DiscreteLaw([], []), ShapeError, "p", None),
        (lambda: DiscreteLaw([0, 1], [1.0]), ShapeError, "x", None),
        (lambda: DiscreteLaw(0, 1), ShapeError, "p", None),
        (lambda: DiscreteLaw([(0, 1), (2,)], HALF), ShapeError, "x", None),
        (lambda: DiscreteLaw([(), ()], HALF), ShapeError, "x", None),
        (lambda: DiscreteLaw([0], [1], merge_tol=-1.0), InputError, "merge_tol", None),
        (lambda: DiscreteLaw([0], [1], merge_tol=NAN), InputError, "merge_tol", None),
        (lambda: DiscreteLaw([0], [1], max_atoms=0), InputError, "max_atoms", None),
        (lambda: DiscreteLaw.mixture([1.0], []), ShapeError, "weights", None),
        (lambda: DiscreteLaw.mixture([], []), ShapeError, "weights", None),
        (lambda: DiscreteLaw.mixture([0.5, 0.6], [LAW, LAW]), NotStochasticError, "weights", None),
        (lambda: DiscreteLaw.mixture([2, -1], [LAW, LAW]), NotStochasticError, "weights", 1),
        (lambda: DiscreteLaw.mixture([NAN, 1], [LAW, LAW]), InputError, "weights", 0),
        (lambda: DiscreteLaw.mixture(HALF, [LAW, PAIR]), ShapeError, "laws", 1),
        (lambda: DiscreteLaw.mixture(HALF, [LAW, 3]), InputError, "laws", 1),
        (lambda: LAW.affine(NAN), InputError, "shift", None),
        (lambda: LAW.affine((1, 2)), ShapeError, "shift", None),
        (lambda: PAIR.affine(0, (1, 2, 3)), ShapeError, "scale", None),
        (lambda: LAW.marginal(0), ShapeError, "coordinate", None),
        (lambda: PAIR.marginal(2), InputError, "coordinate", None),
        (lambda: LAW.covariance(), ShapeError, "self", None),
        (lambda: PAIR.cvar(0.5), ShapeError, "self", None),
        (lambda: PAIR.quantile(0.5), ShapeError, "self", None),
        (lambda: LAW.quantile(1.5), InputError, "u", None),
        (lambda: LAW.upper_quantile([0.5, NAN]), InputError, "u", 1),
        (lambda: LAW.cvar(0), InputError, "tau", None),
        (lambda: LAW.cvar(1.01), InputError, "tau", None),
        (lambda: LAW.ocvar(-0.5), InputError, "tau", None),
        (lambda: LAW.evar(NAN), InputError, "tau", None),
        (lambda: LAW.evar("all"), InputError, "tau", None),
        (lambda: LAW.evar_parameter(0), InputError, "tau", None),
        (lambda: LAW.erm(0), InputError, "b", None),
        (lambda: LAW.erm(-1.0), InputError, "b", None),
        (lambda: LAW.erm(INF), InputError, "b", None),
        (lambda: LAW.erm(NAN), InputError, "b", None),
        (lambda: LAW.moment(-1), InputError, "k", None),
        (lambda: LAW.expect(3), NotCallableError, "f", None),
        (lambda: LAW.expect(lambda x: NAN), InputError, "f", 0.0),
        (lambda: LAW.expect(lambda x: (x, x)), ShapeError, "f", None),
        (lambda: LAW.sample(-1, 0), InputError, "n", None),
        (lambda: LAW.sample(1, None), InputError, "seed", None),
    ],
)
def test_bad_input(build, kind, argument, index):
    with pytest.raises(kind) as caught:
        build()
    assert type(caught.value) is kind
    assert isinstance(caught.value, MDPKitError)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError) == (kind is NotCallableError)
    assert caught.value.argument == argument
    assert caught.value.index == index
