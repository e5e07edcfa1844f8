"""Alias tables and roll-outs on flat arrays. A cached kernel calls only kernels of this file.

An alias table holds one row after the other; row ``k`` owns the cells ``row_ptr[k]:row_ptr[k+1]``. A draw picks a cell
uniformly and keeps it with probability ``keep[cell]``, else takes ``other[cell]``: constant time whatever the row's
length, and one random number, whose integer part picks the cell and whose fraction decides.

Every episode draws from a stream of its own, xoshiro256++ seeded with SplitMix64 from the simulator's key and the
number of the episode, so that no result depends on how episodes are batched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
ONE, TWO, THREE, FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
S11, S17, S19, S23, S27, S30, S31, S41, S45 = (np.uint64(k) for k in (11, 17, 19, 23, 27, 30, 31, 41, 45))
UNIT = 2.0**-53


@njit(cache=True, nogil=True)
def fill_alias(row_ptr: Any, prob: Any, keep: Any, other: Any) -> None:
    """Build the alias table of every row (Vose); rows are divided by their sum."""
    longest = 0
    for k in range(len(row_ptr) - 1):
        longest = max(longest, row_ptr[k + 1] - row_ptr[k])
    small = np.empty(longest, dtype=np.int64)
    large = np.empty(longest, dtype=np.int64)
    for k in range(len(row_ptr) - 1):
        start, stop = row_ptr[k], row_ptr[k + 1]
        total = 0.0
        for j in range(start, stop):
            total += prob[j]
        n_small, n_large = 0, 0
        for j in range(start, stop):
            keep[j] = prob[j] * (stop - start) / total
            other[j] = j
            if keep[j] < 1.0:
                small[n_small] = j
                n_small += 1
            else:
                large[n_large] = j
                n_large += 1
        while n_small > 0 and n_large > 0:
            n_small -= 1
            low, high = small[n_small], large[n_large - 1]
            other[low] = high
            keep[high] = (keep[high] + keep[low]) - 1.0
            if keep[high] < 1.0:
                n_large -= 1
                small[n_small] = high
                n_small += 1
        # Whatever is left is one up to rounding.
        for i in range(n_small):
            keep[small[i]] = 1.0
        for i in range(n_large):
            keep[large[i]] = 1.0


@njit(cache=True, nogil=True)
def mix(z: Any) -> Any:
    """SplitMix64's finalizer: a bijection of 64-bit words."""
    z = (z ^ (z >> S30)) * MIX_1
    z = (z ^ (z >> S27)) * MIX_2
    return z ^ (z >> S31)


@njit(cache=True, nogil=True)
def open_stream(key: Any, episode: int) -> tuple[Any, Any, Any, Any]:
    """Return the four words of the stream of one episode."""
    base = mix(np.uint64(episode) * GOLDEN + key[0])
    return (
        mix(base + key[0] + GOLDEN),
        mix(base + key[1] + GOLDEN * TWO),
        mix(base + key[2] + GOLDEN * THREE),
        mix(base + key[3] + GOLDEN * FOUR) | ONE,  # the all-zero state would stay zero
    )


@njit(cache=True, nogil=True)
def advance(a: Any, b: Any, c: Any, d: Any) -> tuple[float, Any, Any, Any, Any]:
    """One step of xoshiro256++: a double in ``[0, 1)`` and the next state."""
    x = a + d
    x = ((x << S23) | (x >> S41)) + a
    t = b << S17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << S45) | (d >> S19)
    return np.float64(x >> S11) * UNIT, a, b, c, d


@njit(cache=True, nogil=True)
def pick(u: float, start: int, stop: int, keep: Any, other: Any) -> int:
    """Turn one uniform number into a cell of the row ``start:stop``."""
    v = u * (stop - start)
    i = min(int(v), stop - start - 1)  # u near 1 can round up to the length
    j = start + i
    return j if v - i < keep[j] else other[j]


@njit(cache=True, nogil=True)
def begin(words: Any, key: Any, episode: int, start_keep: Any, start_other: Any) -> int:
    """Open the stream of an episode into `words` and draw its first state."""
    a, b, c, d = open_stream(key, episode)
    u, a, b, c, d = advance(a, b, c, d)
    words[0], words[1], words[2], words[3] = a, b, c, d
    return pick(u, 0, len(start_keep), start_keep, start_other)


@njit(cache=True, nogil=True)
def draw(words: Any, row_ptr: Any, keep: Any, other: Any, row: int) -> int:
    """Draw one cell of a row from the stream in `words`, and advance it."""
    u, a, b, c, d = advance(words[0], words[1], words[2], words[3])
    words[0], words[1], words[2], words[3] = a, b, c, d
    return pick(u, row_ptr[row], row_ptr[row + 1], keep, other)


@njit(cache=True, nogil=True)
def roll_out(
    key: Any,
    first: int,
    n_episodes: int,
    horizon: int,
    start_keep: Any,
    start_other: Any,
    row_ptr: Any,
    keep: Any,
    other: Any,
    reward: Any,
    successor: Any,
    terminal: Any,
    pair_of: Any,
    stage_of: Any,
    actions: Any,
    stochastic: bool,
    policy_keep: Any,
    policy_other: Any,
    out_episode: Any,
    out_step: Any,
    out_state: Any,
    out_action: Any,
    out_reward: Any,
    out_successor: Any,
    out_terminal: Any,
) -> tuple[int, int]:
    """Play episodes ``first, first+1, ...`` while a whole one fits the columns; return (episodes, lines) written.

    `pair_of` is ``(K, S, A)`` and `stage_of` says which of the K stages each step uses. A deterministic policy is
    `actions`, ``(1, S)`` or ``(H, S)``; a stochastic one an alias table with one row of A cells per ``(step, state)``.
    """
    n_states, n_actions = pair_of.shape[1], pair_of.shape[2]
    moving = len(policy_keep) > n_states * n_actions if stochastic else len(actions) > 1
    line = 0
    for e in range(n_episodes):
        if line + horizon > len(out_state):
            return e, line
        a, b, c, d = open_stream(key, first + e)
        u, a, b, c, d = advance(a, b, c, d)
        s = pick(u, 0, len(start_keep), start_keep, start_other)
        for t in range(horizon):
            row = t if moving else 0
            if stochastic:
                u, a, b, c, d = advance(a, b, c, d)
                base = (row * n_states + s) * n_actions
                action = pick(u, base, base + n_actions, policy_keep, policy_other) - base
            else:
                action = actions[row, s]
            k = pair_of[stage_of[t], s, action]
            u, a, b, c, d = advance(a, b, c, d)
            j = pick(u, row_ptr[k], row_ptr[k + 1], keep, other)
            end = terminal[successor[j]]
            out_episode[line] = first + e
            out_step[line] = t
            out_state[line] = s
            out_action[line] = action
            out_reward[line] = reward[j]
            s = successor[j]
            out_successor[line] = s
            out_terminal[line] = end
            line += 1
            if end:
                break
    return n_episodes, line
