"""mdpkit: exact solvers and provable algorithms for tabular and linear Markov decision processes.

Names load on first use: ``import mdpkit`` itself loads neither numba nor pandas, cvxpy or matplotlib.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
