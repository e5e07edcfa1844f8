"""What maximum-entropy inverse planning returns."""

from __future__ import annotations

from dataclasses import dataclass

from mdpkit._typing import Floats

__all__ = ["MaxEntFit"]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class MaxEntFit:
    """A softmax policy fitted to demonstrations.

    Attributes
    ----------
    theta : ndarray, shape (d,)
        Weights of the features; among equivalent ones those of least Euclidean norm (``alpha = 0``).
    policy : ndarray, shape (H, S, A)
        ``pi_h(a | s) = exp(Q_h(s, a) - V_h(s))``; 0 where a pair does not exist.
    V : ndarray, shape (H+1, S)
        Soft values; the last row is zero.
    nll : float
        ``sum_s rho(s) V_0(s) - theta . demonstrated_features`` with ``rho`` the law of first states: the mean negative
        log-likelihood of a trajectory given its first state (for random transitions see `causal_maxent_irl`). The
        penalty is not in it.
    expected_features, demonstrated_features : ndarray, shape (d,)
        Sums of discounted features of a trajectory: expected under `policy`, and observed on average.
    information : ndarray, shape (d, d)
        Hessian of `nll`: information of one demonstration, without the penalty.
    feature_covariance : ndarray, shape (d, d)
        Covariance of the features of one trajectory given its first state, under `policy`. Equal to `information` if
        transitions are sure; random ones add their own noise.
    cov : ndarray, shape (d, d)
        For ``alpha = 0`` the asymptotic covariance of `theta`, ``I^+ C I^+ / n`` with `information` ``I`` and
        `feature_covariance` ``C``; that is ``pinv(n I)`` if transitions are sure. For ``alpha > 0`` the Laplace
        posterior covariance ``(n I + alpha)^{-1}``. Means of features count as one demonstration: divide by their
        number.
    rank : int
        Number of directions that demonstrations can tell apart.
    null_basis : ndarray, shape (d, d - rank)
        The others: orthonormal directions ``u`` with ``u . phi(pi)`` the same for all policies.
    n_demonstrations : int
        Number of trajectories, 1 if their mean was given.
    alpha : float
        The penalty.
    iterations : int
        Newton steps.
    converged : bool
        Whether expected and demonstrated features agree within the tolerance (up to the penalty's share) and the last
        Newton step did not change the policy any more.
    status, message : str
        "converged", "max_iter" or "stalled", and a sentence.
    """

    theta: Floats
    policy: Floats
    V: Floats
    nll: float
    expected_features: Floats
    demonstrated_features: Floats
    information: Floats
    feature_covariance: Floats
    cov: Floats
    rank: int
    null_basis: Floats
    n_demonstrations: int
    alpha: float
    iterations: int
    converged: bool
    status: str
    message: str

    def __repr__(self) -> str:
        return (
            f"MaxEntFit(d={len(self.theta)}, rank={self.rank}, n={self.n_demonstrations:,}, nll={self.nll:.6g},"
            f" alpha={self.alpha:g}, iterations={self.iterations}, {self.status})"
        )
