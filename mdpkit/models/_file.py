"""The package's own file format: one ``.npz`` with the stored arrays, versioned, written atomically, lossless."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mdpkit.errors import FileFormatError
from mdpkit.models import _construct as construct
from mdpkit.models._checks import check_discount
from mdpkit.models.rows import SparseRows

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

FORMAT = "mdpkit.TabularMDP"
VERSION = 1


def save_tabular(model: TabularMDP, path: str | PathLike[str]) -> None:
    """Write a model; the file appears whole or not at all."""
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "version": np.array(VERSION),
        "n_actions": np.array(model.n_actions),
        "pair_state": model.pair_state,
        "pair_action": model.pair_action,
        "gamma": np.array(np.nan if model.gamma is None else model.gamma),
        "reward": model.pair_reward,
    }
    table = model._outcome_table
    if table is not None:
        arrays |= {
            "outcome_pair": table.pair,
            "outcome_prob": table.prob,
            "outcome_reward": table.reward,
            "outcome_successor": table.successor,
            "n_states": np.array(model.n_states),
        }
    else:
        if isinstance(model.rows, SparseRows):
            arrays |= {"row_ptr": model.rows.row_ptr, "col": model.rows.col, "prob": model.rows.prob}
        else:
            arrays["P"] = model.rows.matrix
        if model._outcome_reward is not None:
            arrays["transition_reward"] = model._outcome_reward
    if model.initial is not None:
        arrays["initial"] = model.initial
    for label, names in (("state_names", model.state_names), ("action_names", model.action_names)):
        if names is not None:
            arrays[label] = np.array(names, dtype=np.str_)
    # A damaged zip directory can hide trailing arrays, and some are optional: only a list of contents shows the loss.
    arrays["contents"] = np.array(sorted(arrays), dtype=np.str_)
    write_arrays(path, arrays)


def write_arrays(path: str | PathLike[str], arrays: dict[str, Any]) -> None:
    """Write one compressed ``.npz`` file; it appears whole or not at all."""
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def load_tabular(path: str | PathLike[str]) -> TabularMDP:
    """Read a model back, bit for bit; everything is validated again."""
    data = read_arrays(path)
    if str(data.get("format")) != FORMAT:
        raise FileFormatError(f"{path} is an .npz file, but not a saved TabularMDP", argument="path", value=str(path))
    try:
        version = int(data["version"])
        if version > VERSION:
            raise FileFormatError(
                f"{path} has format version {version}; this mdpkit reads up to {VERSION}",
                argument="path",
                value=str(path),
            )
        missing = sorted(set(data["contents"].tolist()) - set(data))
        if missing:
            raise KeyError(missing[0])
        return _rebuild(data)
    except KeyError as error:
        raise FileFormatError(f"{path} lacks the array {error}", argument="path", value=str(path)) from error
    except FileFormatError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise FileFormatError(
            f"{path} does not hold a valid model: {error}", argument="path", value=str(path)
        ) from error


def read_arrays(path: str | PathLike[str]) -> dict[str, Any]:
    """Read every array of an ``.npz`` file; `FileFormatError` if it is damaged."""
    with Path(path).open("rb") as stream:
        try:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")
            with archive:
                return {key: archive[key] for key in archive.files}
        except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise a dozen different types
            raise FileFormatError(
                f"{path} is not a readable .npz file: {error}", argument="path", value=str(path)
            ) from error


def _rebuild(data: dict[str, Any]) -> TabularMDP:
    from mdpkit.models.tabular import TabularMDP

    gamma = float(data["gamma"])
    state, action, reward = data["pair_state"], data["pair_action"], data["reward"]
    n_actions = int(data["n_actions"])  # may exceed the largest id in use
    if "outcome_pair" in data:
        pair = data["outcome_pair"]
        core = construct.outcomes_core(
            state[pair],
            action[pair],
            data["outcome_prob"],
            data["outcome_reward"],
            data["outcome_successor"],
            n_states=int(data["n_states"]),
            n_actions=n_actions,
            renormalize=False,
        )
        core = construct.restore_rewards(core, reward)
    else:
        if "P" in data:
            P: Any = data["P"]
        else:
            n_states = int(state[-1]) + 1
            parts = (data["prob"], data["col"], data["row_ptr"])
            P = sp.csr_array(parts, shape=(len(state), n_states))
        core = construct.pairs_core(state, action, P, reward, n_actions=n_actions, renormalize=False)
        if "transition_reward" in data:
            core = construct.restore_rewards(core, reward, data["transition_reward"])
    names = {key: data[key].tolist() if key in data else None for key in ("state_names", "action_names")}
    return TabularMDP._from_core(
        core,
        check_discount(None if np.isnan(gamma) else gamma),
        data.get("initial"),
        names["state_names"],
        names["action_names"],
    )
