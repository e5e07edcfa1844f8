"""The linear MDPs of the catalogue against their closed forms and published numbers (mdvi.md d.1-d.4, d.7)."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from mdpkit import problems
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.problems.linear import formula_linear_mdp, linear_garnet, one_hot_linear_mdp, soft_aggregation
from mdpkit.problems.linear_hard import hard_linear_mdp, hypercube_actions, leaky_probe, quasirandom_actions


def arrays(model):
    """Transitions and rewards straight from the definition."""
    return model.phi @ model.mu, model.phi @ model.theta


def policy_iteration(P, r, gamma):
    """Howard's algorithm with elimination; the optimal values and the first best actions."""
    S = len(r)
    policy = np.zeros(S, dtype=int)
    while True:
        V = np.linalg.solve(np.eye(S) - gamma * P[np.arange(S), policy], r[np.arange(S), policy])
        Q = r + gamma * P @ V
        better = np.argmax(Q.max(axis=1, keepdims=True) - 1e-12 <= Q, axis=1)
        if (better == policy).all():
            return V, policy
        policy = better


def fixed_point(model, steps=2000):
    """``w <- theta + gamma mu max_a phi w``: the optimum in d dimensions."""
    w = np.zeros(model.dim)
    for _ in range(steps):
        w = model.theta + model.gamma * model.mu @ (model.phi @ w).max(axis=1)
    return w


# ------------------------------------------------------------------ the formula


def test_formula_by_hand():
    model = formula_linear_mdp(6, 3, 4)
    # phi(2, 1): (14 + 3 + 5i + 2i) mod 11 = 6, 2, 9, 5;  mu_1: (4 + 10 t + 2) mod 13 = 6, 3, 0, 10, 7, 4.
    np.testing.assert_allclose(model.phi[2, 1], np.array([37, 5, 82, 26]) / 150, rtol=1e-15)
    np.testing.assert_allclose(model.mu[1], np.array([217, 28, 1, 1001, 344, 65]) / 1656, rtol=1e-15)
    np.testing.assert_allclose(model.theta, [0, 1 / 9, 4 / 9, 1], rtol=1e-15)


def test_formula_numbers():
    model = formula_linear_mdp(6, 3, 4)
    P, r = arrays(model)
    V, policy = policy_iteration(P, r, 0.9)
    expected = [5.2382295443, 4.7984969987, 5.0084733962, 4.9449818092, 5.2684937328, 5.0917047977]
    np.testing.assert_allclose(V, expected, atol=1e-9)
    assert policy.tolist() == [2, 1, 0, 2, 2, 2]
    w = fixed_point(model)
    np.testing.assert_allclose(w, [4.5560677545, 4.6596500499, 5.0121524646, 5.5520569679], atol=1e-9)
    np.testing.assert_allclose((model.phi @ w).max(axis=1), V, atol=1e-12)
    assert np.linalg.matrix_rank(P.reshape(-1, 6)) == 4
    sigma = np.sqrt(P @ V**2 - (P @ V) ** 2)
    assert sigma.max() == pytest.approx(0.19970692448, abs=1e-9)
    assert sigma.min() == pytest.approx(0.14294820805, abs=1e-9)


@pytest.mark.parametrize(("d", "rank"), [(2, 2), (8, 8), (11, 11), (12, 11), (15, 11)])
def test_formula_rank(d, rank):
    assert formula_linear_mdp(30, 4, d).rank == rank


# ------------------------------------------------------------------ random families


@pytest.mark.parametrize("anchors", [False, True])
def test_soft_aggregation(anchors):
    model = soft_aggregation(12, 3, 5, anchors=anchors, gamma=0.8, seed=4)
    assert model.phi.shape == (12, 3, 5)
    np.testing.assert_allclose(model.phi.sum(axis=2), 1, atol=1e-12)
    np.testing.assert_allclose(model.mu.sum(axis=1), 1, atol=1e-12)
    assert anchors == np.array_equal(model.phi.reshape(-1, 5)[:5], np.eye(5))
    V, _ = policy_iteration(*arrays(model), 0.8)
    np.testing.assert_allclose((model.phi @ fixed_point(model)).max(axis=1), V, rtol=1e-10)
    again = soft_aggregation(12, 3, 5, anchors=anchors, gamma=0.8, seed=np.random.default_rng(4))
    np.testing.assert_array_equal(again.phi, model.phi)
    np.testing.assert_array_equal(again.mu, model.mu)


def test_concentration_makes_pairs_pure():
    sharp = soft_aggregation(200, 5, 4, concentration=0.02, seed=0)
    flat = soft_aggregation(200, 5, 4, concentration=50.0, seed=0)
    assert sharp.phi.max(axis=2).mean() > 0.9 > 0.4 > flat.phi.max(axis=2).mean()


@pytest.mark.parametrize("branching", [1, 3, 9])
def test_linear_garnet(branching):
    model = linear_garnet(9, 2, 4, branching, seed=1)
    assert ((model.mu > 0).sum(axis=1) == branching).all()
    np.testing.assert_allclose(model.mu.sum(axis=1), 1, atol=1e-14)
    assert model.tabular().n_states == 9


def test_one_hot():
    table = problems.river_swim(5)
    model = one_hot_linear_mdp(table)
    assert (model.dim, model.rank, model.gamma) == (10, 10, 0.95)
    again = model.tabular()
    np.testing.assert_array_equal(again.rows.csr().toarray(), table.rows.csr().toarray())
    np.testing.assert_array_equal(again.pair_reward, table.pair_reward)
    assert again.action_names == table.action_names
    with pytest.raises(InputError, match="bounded_reward"):
        one_hot_linear_mdp(problems.forest())
    assert one_hot_linear_mdp(problems.forest(), bounded_reward=False).dim == 6


# ------------------------------------------------------------------ hard instances


def test_hypercube():
    corners = hypercube_actions(6)
    assert corners.shape == (16, 4)
    assert len(np.unique(corners, axis=0)) == 16
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 1)


@pytest.mark.parametrize(("m", "value"), [(1, Fraction(1000, 181)), (0, Fraction(100, 19)), (-1, Fraction(1000, 199))])
def test_hard_instance_closed_form(m, value):
    """d.1: with a single action of a . beta = m its value is 1 / (1 - gamma^2 - gamma delta m)."""
    model = hard_linear_mdp([[float(m), 0.5]], [1.0, 0.0])
    assert 1 / (1 - Fraction(81, 100) - Fraction(9, 1000) * m) == value
    V, _ = policy_iteration(*arrays(model), 0.9)
    np.testing.assert_allclose(V, [float(value), 0], rtol=1e-13)


def test_hard_instance_on_the_hypercube():
    actions = hypercube_actions(6)
    model = hard_linear_mdp(actions, actions[5])
    V, policy = policy_iteration(*arrays(model), 0.9)
    assert policy[0] == 5
    assert V[0] == pytest.approx(5.524861878453039, abs=1e-12)
    # The value of the uniform policy, for which m = 0.
    P, r = arrays(model)
    v = np.linalg.solve(np.eye(2) - 0.9 * P.mean(axis=1), r.mean(axis=1))
    assert v[0] == pytest.approx(5.2631578947368425, abs=1e-12)


def test_thirty_actions():
    actions = quasirandom_actions(30)
    assert actions.shape == (30, 2)
    assert actions[-1].tolist() == [0.6180339887498949 * 30 % 1, 0.7548776662466927 * 30 % 1]
    model = hard_linear_mdp(actions, actions[-1])
    V, policy = policy_iteration(*arrays(model), 0.9)
    assert policy[0] == 20
    assert actions[20] @ actions[29] == pytest.approx(1.0804551019336102, abs=1e-13)
    assert V[0] == pytest.approx(5.547053030125575, abs=1e-11)
    P, _ = arrays(model)
    sigma = np.sqrt(P @ V**2 - (P @ V) ** 2)[0]
    np.testing.assert_allclose(sigma[:3], [1.60149712, 1.629753986, 1.6162298835], atol=1e-8)


LEAKY = [
    # gamma, v*(m), n(y1), n(x_b): the table of d.7
    (0.9, 165 / 29, 0.25, 0.1),
    (0.95, 11.3559322034, 0.2302631579, 0.0763157895),
    (0.975, 22.6890756303, 0.2203947368, 0.0644736842),
    (0.9875, 45.3556485356, 0.2154605263, 0.0585526316),
    (0.99375, 90.6889352818, 0.2129934211, 0.0555921053),
]


@pytest.mark.parametrize(("gamma", "value", "n_probe", "n_b"), LEAKY)
def test_leaky_probe(gamma, value, n_probe, n_b):
    model = leaky_probe(gamma)
    P, r = arrays(model)
    V, policy = policy_iteration(P, r, gamma)
    assert V[0] == pytest.approx(value, abs=1e-9)
    np.testing.assert_allclose(V[1:], [1 / (1 - gamma), 0], atol=1e-9)
    assert policy[0] == 3
    leaves = 1 - P[0, :, 0]
    np.testing.assert_allclose(leaves, [n_probe, n_probe, 1, (1 - gamma) / 2, n_b], atol=1e-9)
    np.testing.assert_allclose(P[0, :, 1:], np.stack([leaves, leaves], axis=1) / 2, atol=1e-15)
    np.testing.assert_allclose(r[0], 0.6)


def test_leaky_probe_values():
    model = leaky_probe()
    P, r = arrays(model)
    V, _ = policy_iteration(P, r, 0.9)
    q = (r + 0.9 * P @ V)[0]
    np.testing.assert_allclose(q, [5.5655172414, 5.5655172414, 5.1, 5.6896551724, 5.6586206897], atol=1e-9)
    variance = (P @ V**2 - (P @ V) ** 2)[0]
    np.testing.assert_allclose(variance[[0, 2, 3, 4]], [6.33917955, 25, 1.27259215, 2.54280618], atol=1e-8)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("build", "argument"),
    [
        (lambda: formula_linear_mdp(3, 2, 1), "dim"),
        (lambda: formula_linear_mdp(3.0, 2, 2), "n_states"),
        (lambda: soft_aggregation(3, 2, 2, concentration=0.0, seed=0), "concentration"),
        (lambda: soft_aggregation(3, 2, 2, successor_concentration=-1, seed=0), "successor_concentration"),
        (lambda: soft_aggregation(3, 2, 7, anchors=True, seed=0), "anchors"),
        (lambda: soft_aggregation(3, 2, 2, seed=None), "seed"),
        (lambda: linear_garnet(3, 2, 2, 4, seed=0), "branching"),
        (lambda: hypercube_actions(2), "dim"),
        (lambda: quasirandom_actions(0), "n_actions"),
        (lambda: hard_linear_mdp([[1.0]], [1.0], delta=0.2), "actions"),
        (lambda: hard_linear_mdp([[1.0], [-1.0]], [1.0], gamma=0.0), "actions"),
        (lambda: hard_linear_mdp([[1.0]], [1.0], delta=math.nan), "delta"),
        (lambda: leaky_probe(radius_a=0.5), "radius_a"),
        (lambda: leaky_probe(radius_b=1.0), "radius_b"),
        (lambda: leaky_probe(leave_third=0.01), "leave_third"),
        (lambda: leaky_probe(radius_a=0.6, leave_a=0.0), "leave_a"),
    ],
)
def test_refusals(build, argument):
    with pytest.raises(InputError) as caught:
        build()
    assert caught.value.argument == argument


def test_refused_kinds():
    with pytest.raises(DiscountError):
        hard_linear_mdp([[0.0]], [1.0], gamma=1.0)
    with pytest.raises(DiscountError):
        leaky_probe(1.0)
    with pytest.raises(DiscountError):
        formula_linear_mdp(3, 2, 2, gamma=1.5)
    for actions, beta in (([1.0], [1.0]), (np.zeros((0, 2)), [1.0, 0.0]), ([[1.0]], [1.0, 0.0])):
        with pytest.raises(ShapeError):
            hard_linear_mdp(actions, beta)
