"""The package's own file format: one ``.npz`` with the stored arrays, versioned, written atomically, lossless."""

from __future__ import annotations

import os
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mdpkit.errors import FileFormatError, InputError
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
    if model.has_random_rewards:
        table = model.outcomes
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
    if model.initial is not None:
        arrays["initial"] = model.initial
    for label, names in (("state_names", model.state_names), ("action_names", model.action_names)):
        if names is not None:
            arrays[label] = np.array(names, dtype=np.str_)
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
    from mdpkit.models.tabular import TabularMDP

    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(
            f"{path} is not a readable .npz file: {error}", argument="path", value=str(path)
        ) from error
    if str(data.get("format")) != FORMAT:
        raise FileFormatError(f"{path} is an .npz file, but not a saved TabularMDP", argument="path", value=str(path))
    if int(data["version"]) > VERSION:
        raise FileFormatError(
            f"{path} has format version {int(data['version'])}; this mdpkit reads up to {VERSION}",
            argument="path",
        )
    try:
        gamma = float(data["gamma"])
        common: dict[str, Any] = {
            "gamma": None if np.isnan(gamma) else gamma,
            "initial": data.get("initial"),
            "state_names": data["state_names"].tolist() if "state_names" in data else None,
            "action_names": data["action_names"].tolist() if "action_names" in data else None,
        }
        state, action = data["pair_state"], data["pair_action"]
        if "outcome_pair" in data:
            pair = data["outcome_pair"]
            model = TabularMDP.from_outcomes(
                state[pair],
                action[pair],
                data["outcome_prob"],
                data["outcome_reward"],
                data["outcome_successor"],
                n_states=int(data["n_states"]),
                **common,
            )._with_stored_rewards(data["reward"])
        else:
            if "P" in data:
                P: Any = data["P"]
            else:
                n_states = int(state[-1]) + 1
                P = sp.csr_array(
                    (data["prob"], data["col"], data["row_ptr"].astype(data["col"].dtype)),
                    shape=(len(state), n_states),
                )
            model = TabularMDP.from_pairs(state, action, P, data["reward"], **common)
    except KeyError as error:
        raise FileFormatError(f"{path} lacks the array {error}", argument="path", value=str(path)) from error
    except InputError as error:
        raise FileFormatError(
            f"{path} does not hold a valid model: {error}", argument="path", value=str(path)
        ) from error
    return model
