"""`PreferenceDesign`: which differences of features the data have seen, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_number
from mdpkit.feedback import LinearPairs, LinearRankings

__all__ = ["PreferenceDesign", "measure_design"]


@dataclass(frozen=True, eq=False, slots=True)
class PreferenceDesign:
    r"""Second moment of the compared feature differences.

    Two conventions are in use: the mean, :math:`\Sigma_D = \frac1n \sum_i x_i x_i^\top` (for rankings also over the
    pairs of each), and the sum :math:`n \Sigma_D`. A ridge of ``lam`` added to the one is ``n lam`` added to the other.

    Attributes
    ----------
    matrix : ndarray, shape (d, d)
        The second moment.
    normalized : bool
        True for the mean, False for the sum.
    n : float
        Number of comparisons or rankings (their total weight).

    Examples
    --------
    >>> from mdpkit.feedback import LinearPairs
    >>> from mdpkit.preferences import fit_reward
    >>> data = LinearPairs([[1.0], [1.0], [2.0], [0.0]], [[0.0], [0.0], [0.0], [1.0]], [1, 0, 1, 1])
    >>> design = fit_reward(data).design
    >>> design, design.matrix.tolist(), design.to_sum().matrix.tolist()
    (PreferenceDesign(d=1, n=4, mean), [[1.75]], [[7.0]])
    """

    matrix: Floats
    normalized: bool
    n: float

    def to_sum(self) -> PreferenceDesign:
        """Return the sum over comparisons."""
        return PreferenceDesign(self.matrix * self.n, False, self.n) if self.normalized else self

    def to_mean(self) -> PreferenceDesign:
        """Return the mean over comparisons."""
        return self if self.normalized else PreferenceDesign(self.matrix / self.n, True, self.n)

    def regularized(self, lam: float) -> Floats:
        """Return ``matrix + lam I``, in the convention of this object."""
        return np.asarray(self.matrix + check_number(lam, "lam") * np.eye(len(self.matrix)))

    def effective_dimension(self, lam: float) -> float:
        """Return ``trace(Sigma (Sigma + lam I)^{-1})``, at most the rank; directions never seen do not count."""
        eigenvalues = np.linalg.eigvalsh(self.matrix)
        seen = eigenvalues > len(eigenvalues) * np.finfo(float).eps * max(float(eigenvalues[-1]), 0.0)
        return float(np.sum(eigenvalues[seen] / (eigenvalues[seen] + check_number(lam, "lam"))))

    def __repr__(self) -> str:
        return f"PreferenceDesign(d={len(self.matrix)}, n={self.n:g}, {'mean' if self.normalized else 'sum'})"


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What a dataset says before anything is fitted."""

    design: PreferenceDesign
    n_choices: int
    whole_weights: bool
    feature_bound: float
    difference_bound: float
    feature_mean: Floats
    compared: Floats
    """Differences of features, shape (m, d), that span what the data can see."""


def measure_design(data: LinearPairs | LinearRankings) -> Measured:
    """Read the design, the largest features and differences, and the mean feature of a dataset."""
    kept = data.weights > 0.0
    weights = data.weights[kept]
    n = float(np.sum(weights))
    if isinstance(data, LinearPairs):
        shown = np.stack([data.first[kept], data.second[kept]], axis=1)
    else:
        shown = data.features[kept]
    K, d = shown.shape[1], shown.shape[2]
    moment, longest = np.zeros((d, d)), 0.0
    for j in range(K):
        for k in range(j + 1, K):
            x = shown[:, j] - shown[:, k]
            moment += (x * weights[:, None]).T @ x
            longest = max(longest, float(np.max(np.linalg.norm(x, axis=1), initial=0.0)))
    return Measured(
        design=PreferenceDesign(moment * (2.0 / (K * (K - 1) * max(n, 1e-300))), True, n),
        n_choices=K,
        whole_weights=bool(np.array_equal(weights, np.rint(weights))),
        feature_bound=float(np.max(np.linalg.norm(shown, axis=2), initial=0.0)),
        difference_bound=longest,
        feature_mean=np.asarray(np.einsum("n,nkd->d", weights, shown) / max(K * n, 1e-300)),
        compared=(shown[:, :-1] - shown[:, 1:]).reshape(-1, d),
    )
