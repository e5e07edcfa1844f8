"""Laws, moments and joint laws of the return of a given policy."""

from mdpkit.distributional.evaluation.backup import distributional_backup
from mdpkit.distributional.evaluation.joint import JointMoments, joint_covariance, joint_return_law
from mdpkit.distributional.evaluation.moments import Moments, moments
from mdpkit.distributional.evaluation.result import ReturnLaws
from mdpkit.distributional.evaluation.return_law import return_law

__all__ = [
    "JointMoments",
    "Moments",
    "ReturnLaws",
    "distributional_backup",
    "joint_covariance",
    "joint_return_law",
    "moments",
    "return_law",
]
