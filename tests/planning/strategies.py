"""Small random models for the planning tests: as irregular as the constructors allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mdpkit import TabularMDP

GAMMAS = (0.0, 0.5, 0.9, 0.99, 0.9999)
REWARDS = (0.0, 1.0, -1.0, 0.1, 1 / 3, 5.0, 1e-8, -1e-17, 1e6, -1e6)


@dataclass(frozen=True)
class Draft:
    """The arrays of a model before it is built, one row per pair."""

    state: Any
    action: Any
    P: Any
    r: Any
    gamma: float

    def build(self, *, sparse: bool = False) -> TabularMDP:
        """Hand the rows over dense or compressed."""
        P = sp.csr_array(self.P) if sparse else self.P
        return TabularMDP.from_pairs(self.state, self.action, P, self.r, self.gamma)


@st.composite
def drafts(draw: Any, gammas: tuple[float, ...] = GAMMAS, rewards: tuple[float, ...] = REWARDS) -> Draft:
    """Draw 1-6 states and 1-4 actions: gaps in the action sets, zero entries, absorbing states, exact ties."""
    n_states, n_actions = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    mask = draw(arrays(bool, (n_states, n_actions), elements=st.booleans()))
    mask[np.arange(n_states), draw(arrays(np.int64, n_states, elements=st.integers(0, n_actions - 1)))] = True
    state, action = np.nonzero(mask)
    n_pairs = len(state)
    weight = draw(arrays(np.int64, (n_pairs, n_states), elements=st.integers(0, 3))).astype(float)
    r = np.array(rewards)[draw(arrays(np.int64, n_pairs, elements=st.integers(0, len(rewards) - 1)))]
    # A row of zeros becomes a self-loop; some states are absorbing whatever is done there.
    trapped = draw(arrays(bool, n_states, elements=st.sampled_from([False, False, False, True])))
    weight[trapped[state]] = 0.0
    empty = weight.sum(axis=1) == 0.0
    weight[empty, state[empty]] = 1.0
    if draw(st.booleans()):
        # Duplicate actions: every pair but the first of its state repeats the one before.
        for k in range(1, n_pairs):
            if state[k] == state[k - 1]:
                weight[k], r[k] = weight[k - 1], r[k - 1]
    return Draft(state, action, weight / weight.sum(axis=1, keepdims=True), r, draw(st.sampled_from(gammas)))
