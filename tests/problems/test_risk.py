"""Problems for risk against what their docstrings promise, by enumeration in fractions; no solver is involved."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables
from itertools import product

import pytest

from mdpkit.errors import DiscountError, InputError
from mdpkit.models import TabularMDP
from mdpkit.problems import risk
from tests.distributional.brute_force import (
    as_problem,
    cvar,
    expect,
    history_laws,
    mean,
    mixture,
    ocvar,
    policy_law,
    two_step,
)

BUILDERS = [getattr(risk, name) for name in risk.__all__]


@pytest.mark.parametrize("build", BUILDERS, ids=risk.__all__)
def test_every_problem_is_a_model_with_a_start(build):
    mdp = build()
    assert isinstance(mdp, TabularMDP)
    assert mdp.initial is not None
    assert build(gamma=None).gamma is None
    with pytest.raises(DiscountError, match=r"1\.5"):
        build(gamma=1.5)


def test_two_step_gamble():
    laws = history_laws(as_problem(risk.two_step_gamble()), 2)
    assert sorted(map(sorted, (law.items() for law in laws))) == sorted(
        map(sorted, (law.items() for law in history_laws(two_step(2, 1, 0, 3), 2)))
    )
    assert max(laws, key=lambda law: cvar(law, F(1, 2))) == {0: F(1, 4), 3: F(3, 4)}


@pytest.mark.parametrize(("p", "gamma"), [(F(1, 2), F(1, 2)), (F(1, 2), F(1, 3)), (F(3, 10), F(1, 2))])
def test_bernoulli_rewards(p, gamma):
    """Mean, variance and CVaR of H steps approach those of the docstring at rate gamma^H."""
    H = 9
    (law,) = history_laws(as_problem(risk.bernoulli_rewards(float(p))), H, gamma)
    rest = gamma**H / (1 - gamma)
    assert mean(law) == p * (1 - gamma**H) / (1 - gamma)
    assert expect(law, lambda x: (x - mean(law)) ** 2) == p * (1 - p) * (1 - gamma ** (2 * H)) / (1 - gamma**2)
    for k in range(4):
        tail = gamma**k * p / (1 - gamma)
        assert tail - rest <= cvar(law, (1 - p) ** k) <= tail
    if gamma == p == F(1, 2):
        assert law == {F(k, 2 ** (H - 1)): F(1, 2**H) for k in range(2**H)}


@pytest.mark.parametrize("horizon", [1, 2, 3, 4])
def test_steering_to_one(horizon):
    """Spec D10: -(1/4 + 2^-(T+1)) with an eye on the rewards, -1/2 for every plan without."""
    problem = as_problem(risk.sure_or_coin(0.0))

    def worth(law):
        return expect(law, lambda x: -abs(x - 1))

    best = max(worth(law) for law in history_laws(problem, horizon, F(1, 2)))
    assert best == -(F(1, 4) + F(1, 2 ** (horizon + 1)))
    plans = product(range(2), repeat=horizon)
    blind = [worth(policy_law(problem, horizon, lambda s, t, r, plan=plan: plan[t], F(1, 2))) for plan in plans]
    assert horizon == 1 or max(blind) == F(-1, 2)


def test_geometric_survival():
    q, gamma, H = F(7, 10), F(9, 10), 60
    (law,) = history_laws(as_problem(risk.geometric_survival()), H, gamma)
    assert float(mean(law)) == pytest.approx(1 / (1 - 0.63), abs=1e-7)
    variance = float(gamma**2 * q * (1 - q) / ((1 - gamma * q) ** 2 * (1 - gamma**2 * q)))
    assert float(expect(law, lambda x: (x - mean(law)) ** 2)) == pytest.approx(variance, abs=1e-6)
    for tau, value in ((F(1, 4), 1.0), (F(51, 100), 1.3705882353), (F(3, 5), 1.5715)):
        assert float(cvar(law, tau)) == pytest.approx(value, abs=1e-9)


def test_lottery_choice():
    ticket, sure = history_laws(as_problem(risk.lottery_choice()), 1)
    assert ocvar(ticket, F(1, 2)) == ocvar(sure, F(1, 2)) == F(3, 2)
    mixed = {F(k, 30): ocvar(mixture((F(k, 30), 1 - F(k, 30)), (ticket, sure)), F(1, 2)) for k in range(31)}
    assert max(mixed, key=mixed.__getitem__) == F(2, 3)
    assert mixed[F(2, 3)] == 2


def test_cash_or_wait():
    laws = history_laws(as_problem(risk.cash_or_wait()), 3, F(9, 10))
    assert sorted(next(iter(law)) for law in laws) == [0, F(81, 100), F(9, 10), 1]


def test_cliff_walk_moves():
    """Nine ways out of ten as intended; walls stay; goal and cliff are terminal."""
    walk = risk.cliff_walk()
    table = walk.outcomes
    moves = {"left": -1, "right": 1, "up": -4, "down": 4}
    for s, (name, step) in product((4, 5, 6, 7, 0, 8), moves.items()):
        row, col = divmod(s, 4)
        inside = {"left": col > 0, "right": col < 3, "up": row > 0, "down": row < 2}[name]
        assert walk.transition(s, name)[s + step if inside else s] >= 0.9
    paid = {(int(t), float(r)) for t, r in zip(table.successor, table.reward, strict=True)}
    assert {r for t, r in paid if t in (9, 10)} == {-40.0, 0.0}
    assert {r for t, r in paid if t == 11} == {-1.0, 0.0}
    assert {r for t, r in paid if t not in (9, 10, 11)} == {-1.0}
    assert all(walk.transition(s, 0)[s] == 1.0 for s in (9, 10, 11))


@pytest.mark.parametrize(
    ("build", "arguments", "name"),
    [
        (risk.two_step_gamble, {"high": float("nan")}, "high"),
        (risk.bernoulli_rewards, {"probability": 1.2}, "probability"),
        (risk.sure_or_coin, {"sure": "much"}, "sure"),
        (risk.geometric_survival, {"survival": -0.1}, "survival"),
        (risk.cliff_walk, {"slip": 2.0}, "slip"),
    ],
)
def test_bad_input(build, arguments, name):
    with pytest.raises(InputError, match=name) as error:
        build(**arguments)
    assert error.value.argument == name
