"""Problems for risk and return laws: gambles, coins and a cliff, each with what is known about its returns."""

from __future__ import annotations

from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_number, check_probability

__all__ = [
    "bernoulli_rewards",
    "cash_or_wait",
    "cliff_walk",
    "geometric_survival",
    "lottery_choice",
    "sure_or_coin",
    "two_step_gamble",
]


def two_step_gamble(
    first: float = 2.0, safe: float = 1.0, low: float = 0.0, high: float = 3.0, *, gamma: float | None = 1.0
) -> TabularMDP:
    r"""Two-step gamble: a coin pays 0 or a first prize, then take a safe reward or gamble.

    State 0 has one action: it pays 0 or ``first``, with probability one half each. In state 1, *safe* pays ``safe``,
    *gamble* pays ``low`` or ``high`` with probability one half each. State 2 is the end. Two steps are all there are.

    Parameters
    ----------
    first, safe, low, high : float
        The rewards.
    gamma : float, optional
        Discount factor; 1 by default.

    Returns
    -------
    TabularMDP
        Three states, the last one terminal; episodes start in state 0.

    Notes
    -----
    With the defaults the best policy for :math:`\mathrm{CVaR}_{1/2}` gambles after a poor first reward and plays safe
    after a good one: its return is 0 with probability 1/4 and 3 otherwise, :math:`\mathrm{CVaR}_{1/2} = 3/2`. No policy
    that forgets the first reward has more than 1. Optimal values, over all history-dependent policies, over plain
    Markov ones, of the dual level recursion and of nested CVaR:

    ==========================  ====  =====  ======  ======  =====  ======
    first, safe, low, high      tau   gamma  CVaR    Markov  dual   nested
    ==========================  ====  =====  ======  ======  =====  ======
    2, 1, 0, 3                  1/2   1      3/2     1       3/2    1
    2, 1, 0, 3                  1/2   0.9    27/20   1       27/20  9/10
    4, 1, -1, 5                 1/2   1      2       1       2      1
    4, 1, 0, 4                  1/4   1      1       1       1      1
    2, 1, 0, 4                  3/4   1      2       2       20/9   2
    4, 2, 0, 8                  3/4   1      4       4       40/9   4
    ==========================  ====  =====  ======  ======  =====  ======

    In the last two rows the dual recursion promises what no policy attains [1]_.

    References
    ----------
    .. [1] J. L. Hau, E. Delage, M. Ghavamzadeh, M. Petrik, "On dynamic programming decompositions of static risk
       measures in Markov decision processes", NeurIPS 2023, arXiv 2304.12477.

    Examples
    --------
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> two_step_gamble().outcomes.reward.tolist()
    [0.0, 2.0, 1.0, 0.0, 3.0, 0.0]
    """
    prizes = [check_number(x, name) for x, name in ((first, "first"), (safe, "safe"), (low, "low"), (high, "high"))]
    return TabularMDP.from_outcomes(
        state=[0, 0, 1, 1, 1, 2],
        action=[0, 0, 0, 1, 1, 0],
        prob=[0.5, 0.5, 1.0, 0.5, 0.5, 1.0],
        reward=[0.0, *prizes, 0.0],
        successor=[1, 1, 2, 2, 2, 2],
        gamma=gamma,
        initial=0,
        state_names=["coin", "choice", "end"],
        action_names=["safe", "gamble"],
    )


def bernoulli_rewards(probability: float = 0.5, *, gamma: float | None = 0.5) -> TabularMDP:
    r"""Bernoulli rewards: one state, one action, and a coin that pays 1 or 0 at every step.

    Parameters
    ----------
    probability : float, default 0.5
        Probability of the reward 1, in ``[0, 1]``.
    gamma : float, optional
        Discount factor; 1/2 by default.

    Returns
    -------
    TabularMDP

    Notes
    -----
    The return has mean :math:`p/(1-\gamma)` and variance :math:`p(1-p)/(1-\gamma^2)`; for :math:`\gamma \le 1/2`,
    :math:`\mathrm{CVaR}_{(1-p)^k} = \gamma^k p/(1-\gamma)`. With a fair coin:

    - :math:`\gamma = 1/2`: uniform on [0, 2]. :math:`\mathrm{CVaR}_\tau = \tau`,
      :math:`\mathrm{ERM}_b = -b^{-1}\log\bigl((1 - e^{-2b})/(2b)\bigr)`. After ``H`` steps: :math:`2^H` equally likely
      atoms :math:`k 2^{1-H}`, at Wasserstein distance :math:`2^{-H}` from the limit.
    - :math:`\gamma = 1/3`: the Cantor law on [0, 3/2], with mean 3/4, variance 9/32 and
      :math:`\mathrm{CVaR}_{2^{-k}} = 3^{-k}\, 3/4`.

    Examples
    --------
    >>> from mdpkit.problems.risk import bernoulli_rewards
    >>> cantor = bernoulli_rewards(gamma=1 / 3)
    >>> cantor.outcomes.reward.tolist()
    [0.0, 1.0]
    """
    p = check_probability(probability, "probability")
    return TabularMDP.from_outcomes([0, 0], [0, 0], [1.0 - p, p], [0.0, 1.0], [0, 0], gamma, initial=0)


def sure_or_coin(sure: float = 0.4, *, gamma: float | None = 0.5) -> TabularMDP:
    r"""Sure or coin: at every step, take a sure reward or toss a fair coin for 1 or 0.

    Parameters
    ----------
    sure : float, default 0.4
        Reward of action 0; action 1 pays 0 or 1 with probability one half each.
    gamma : float, optional
        Discount factor; 1/2 by default.

    Returns
    -------
    TabularMDP
        One state, two actions.

    Notes
    -----
    *Tail risk* (defaults, infinite horizon). With :math:`f(x) = \min(x, 0)` the optimal stock values are
    :math:`V(-1) = -11/70`, :math:`V(-6/5) = -11/35`, :math:`V(-8/5) = -22/35`, :math:`V(-4/5) = 0`, :math:`V(-2) = -1`.
    The optimal :math:`\mathrm{CVaR}_\tau` is 4/5 up to :math:`\tau = 3/4` (always sure), 109/120 at 0.9, 0.950751880 at
    0.95 and 1 at :math:`\tau = 1`.

    *Entropic risk* (defaults, :math:`T` steps). The optimal value is
    :math:`\sum_{t<T} \max\bigl(0.4\gamma^t, -b^{-1}\log\tfrac12(1 + e^{-b\gamma^t})\bigr)`; for :math:`b = 1` the sure
    reward is best only at :math:`t = 0`, for :math:`b = 4` at :math:`t = 0, 1, 2`: no stationary policy is optimal.

    *Steering to 1* (``sure=0``, :math:`f(x) = -|x|`, stock -1, :math:`T` steps). The optimal value is
    :math:`-(1/4 + 2^{-(T+1)})`; plans that do not look at the rewards stay at -1/2 for :math:`T` = 2, 3, 4.

    Examples
    --------
    >>> from mdpkit.problems.risk import sure_or_coin
    >>> sure_or_coin().rewards.tolist()
    [[0.4, 0.5]]
    """
    reward = check_number(sure, "sure")
    return TabularMDP.from_outcomes(
        [0, 0, 0],
        [0, 1, 1],
        [1.0, 0.5, 0.5],
        [reward, 0.0, 1.0],
        [0, 0, 0],
        gamma,
        initial=0,
        action_names=["sure", "coin"],
    )


def geometric_survival(survival: float = 0.7, *, gamma: float | None = 0.9) -> TabularMDP:
    r"""Geometric survival: a reward of 1 at every step until a trap closes.

    Parameters
    ----------
    survival : float, default 0.7
        Probability ``q`` of staying alive at each step, in ``[0, 1]``. The step into the trap pays too.
    gamma : float, optional
        Discount factor; 0.9 by default.

    Returns
    -------
    TabularMDP
        State 0 alive, state 1 terminal; one action.

    Notes
    -----
    The return is :math:`(1 - \gamma^N)/(1 - \gamma)` with :math:`P(N = n) = q^{n-1}(1 - q)`. Its mean is
    :math:`1/(1-\gamma q)`, its variance :math:`\gamma^2 q(1-q)/\bigl((1-\gamma q)^2(1-\gamma^2 q)\bigr)`: 2.7027027027
    and 2.8695445336 with the defaults, where :math:`\mathrm{CVaR}_{0.25} = 1`,
    :math:`\mathrm{CVaR}_{0.51} = 1.3705882353` and :math:`\mathrm{CVaR}_{0.6} = 1.5715`.

    Examples
    --------
    >>> from mdpkit.problems.risk import geometric_survival
    >>> geometric_survival().transition(0, 0).round(12).tolist()
    [0.7, 0.3]
    """
    q = check_probability(survival, "survival")
    return TabularMDP([[[q, 1.0 - q]], [[0.0, 1.0]]], [[1.0], [0.0]], gamma, initial=0, state_names=["alive", "trap"])


def lottery_choice(*, gamma: float | None = 1.0) -> TabularMDP:
    r"""Lottery choice: once, take 3/2 for sure or a ticket that pays 3 with probability one quarter.

    Parameters
    ----------
    gamma : float, optional
        Discount factor; it plays no part in a single step.

    Returns
    -------
    TabularMDP
        State 0 the choice (0 *ticket*, 1 *sure*), state 1 the end.

    Notes
    -----
    Both choices have :math:`\mathrm{OCVaR}_{1/2} = 3/2`, the average of the better half. The ticket with probability
    2/3 has exactly 2, the maximum: a risk seeker may have to randomize.

    Examples
    --------
    >>> from mdpkit.problems.risk import lottery_choice
    >>> lottery_choice().rewards[0].tolist()
    [0.75, 1.5]
    """
    return TabularMDP.from_outcomes(
        state=[0, 0, 0, 1],
        action=[0, 0, 1, 0],
        prob=[0.75, 0.25, 1.0, 1.0],
        reward=[0.0, 3.0, 1.5, 0.0],
        successor=[1, 1, 1, 1],
        gamma=gamma,
        initial=0,
        action_names=["ticket", "sure"],
    )


def cash_or_wait(*, gamma: float | None = 0.9) -> TabularMDP:
    r"""Cash or wait: take 1 and leave, or wait for nothing.

    Parameters
    ----------
    gamma : float, optional
        Discount factor.

    Returns
    -------
    TabularMDP
        State 0 with the actions 0 *cash* and 1 *wait*, state 1 the end.

    Notes
    -----
    For :math:`\gamma < 1` and the utility 1 if the return is positive, else 0, every value from the first sweep on is
    1, *wait* ties with *cash*, and always waiting is greedy with respect to the optimal value, yet worth 0: greedy
    policies need a Lipschitz utility. With :math:`\max(x, 0)` *wait* is strictly worse.

    Examples
    --------
    >>> from mdpkit.problems.risk import cash_or_wait
    >>> cash_or_wait().rewards[0].tolist()
    [1.0, 0.0]
    """
    return TabularMDP.from_outcomes(
        [0, 0, 1],
        [0, 1, 0],
        [1.0, 1.0, 1.0],
        [1.0, 0.0, 0.0],
        [1, 0, 1],
        gamma,
        initial=0,
        action_names=["cash", "wait"],
    )


def cliff_walk(*, slip: float = 0.1, gamma: float | None = 1.0) -> TabularMDP:
    r"""Cliff walk: along the edge to the goal, or the longer way round.

    Three rows, four columns; cell ``(row, col)`` is state ``4 row + col``, row 0 on top. Episodes start in (2, 0), the
    goal is (2, 3), the cliff is (2, 1) and (2, 2). A move goes where intended with probability ``1 - slip`` and to each
    of the other three directions with ``slip/3``; a move against the border stays. Every step pays -1, the one into the
    goal too; falling off the cliff pays -40. Goal and cliff end the episode.

    Parameters
    ----------
    slip : float, default 0.1
        Probability of not moving as intended, in ``[0, 1]``.
    gamma : float, optional
        Discount factor; 1 by default.

    Returns
    -------
    TabularMDP
        Twelve states, actions 0 *left*, 1 *right*, 2 *up*, 3 *down*; goal and cliff cells have one action.

    Notes
    -----
    Over 14 undiscounted steps, with the defaults:

    ====  ===================  ============  ======================
    tau   optimal CVaR         optimal VaR+  optimal nested CVaR
    ====  ===================  ============  ======================
    1     -9.282386396123
    0.5   -11.625515041436     -5            -12.502274422649
    0.2   -16.712370802277     -7
    0.1   -23.894369311748     -10           -44.530682929369
    0.05  -34.770701679406     -13
    0.02  -40.209992445396     -40
    ====  ===================  ============  ======================

    At 0.02 a fall within the worst fiftieth of cases cannot be avoided, and the optimal policy jumps at once: nothing
    is left to lose but time. That is what a pure tail objective asks for.

    References
    ----------
    .. [1] R. S. Sutton, A. G. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, MIT Press, 2018, example
       6.6, has the larger cliff that this one is modelled on.

    Examples
    --------
    >>> from mdpkit.problems.risk import cliff_walk
    >>> walk = cliff_walk()
    >>> walk.n_states, walk.action_names
    (12, ('left', 'right', 'up', 'down'))
    """
    astray = check_probability(slip, "slip")
    n_rows, n_cols, goal, cliff = 3, 4, 11, (9, 10)
    steps = [(0, -1), (0, 1), (-1, 0), (1, 0)]
    lines: list[tuple[int, int, float, float, int]] = []
    for state in range(n_rows * n_cols):
        if state == goal or state in cliff:
            lines.append((state, 0, 1.0, 0.0, state))
            continue
        row, col = divmod(state, n_cols)
        for action in range(4):
            for direction, (down, right) in enumerate(steps):
                ahead = (row + down, col + right)
                inside = 0 <= ahead[0] < n_rows and 0 <= ahead[1] < n_cols
                successor = ahead[0] * n_cols + ahead[1] if inside else state
                prob = 1.0 - astray if direction == action else astray / 3
                lines.append((state, action, prob, -40.0 if successor in cliff else -1.0, successor))
    start, move, chance, pay, arrival = zip(*lines, strict=True)
    return TabularMDP.from_outcomes(
        start,
        move,
        chance,
        pay,
        arrival,
        gamma,
        initial=8,
        state_names=[f"({s // n_cols}, {s % n_cols})" for s in range(n_rows * n_cols)],
        action_names=["left", "right", "up", "down"],
    )
