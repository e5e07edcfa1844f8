"""The simulator as a gymnasium environment; imported only on request, because gymnasium is optional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

if TYPE_CHECKING:
    from mdpkit.feedback.simulator import EpisodicSimulator


class SimulatorEnv(gymnasium.Env[np.int64, np.int64]):
    """An `EpisodicSimulator` behind gymnasium's five-tuple."""

    metadata = {"render_modes": []}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, simulator: EpisodicSimulator) -> None:
        self.observation_space = gymnasium.spaces.Discrete(simulator.n_states)
        self.action_space = gymnasium.spaces.Discrete(simulator.n_actions)
        self._simulator = simulator
        self._t = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.int64, Any]:
        """Start the next episode, or the first one of a new seed."""
        super().reset(seed=seed)
        if seed is not None:
            self._simulator._reseed(seed)
        self._t = 0
        state = self._simulator.reset()
        return np.int64(state), self._info(state)

    def step(self, action: Any) -> tuple[np.int64, float, bool, bool, Any]:
        """Take an action that the current state has."""
        state, reward, terminated, truncated = self._simulator.step(action)
        self._t += 1
        return np.int64(state), reward, terminated, truncated, self._info(state)

    def _info(self, state: int) -> dict[str, Any]:
        mask = self._simulator.action_mask
        if mask.ndim == 3:
            mask = mask[min(self._t, len(mask) - 1)]
        return {"action_mask": mask[state].astype(np.int8)}
