"""Updates of s-rectangular problems, one module per family."""

from mdpkit.robust.joint.base import Joint
from mdpkit.robust.joint.choose import joint_problem

__all__ = ["Joint", "joint_problem"]
