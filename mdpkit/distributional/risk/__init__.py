"""Risk measures of the return, optimized over all history-dependent policies."""

from mdpkit.distributional.risk.constrained import ShortfallFrontier, shortfall_frontier
from mdpkit.distributional.risk.cvar import maximize_cvar
from mdpkit.distributional.risk.dual_level import DualLevelSolution, dual_level_cvar
from mdpkit.distributional.risk.erm import maximize_erm
from mdpkit.distributional.risk.evar import EntropicSolution, maximize_evar
from mdpkit.distributional.risk.nested import nested_risk
from mdpkit.distributional.risk.ocvar import OptimisticSolution, maximize_ocvar
from mdpkit.distributional.risk.policies import LookaheadPolicy, ThresholdPolicy
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.distributional.risk.value_at_risk import maximize_var

__all__ = [
    "DualLevelSolution",
    "EntropicSolution",
    "LookaheadPolicy",
    "OptimisticSolution",
    "RiskSolution",
    "ShortfallFrontier",
    "ThresholdPolicy",
    "dual_level_cvar",
    "maximize_cvar",
    "maximize_erm",
    "maximize_evar",
    "maximize_ocvar",
    "maximize_var",
    "nested_risk",
    "shortfall_frontier",
]
