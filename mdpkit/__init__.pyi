from . import (
    bounds as bounds,
)
from . import (
    distributional as distributional,
)
from . import (
    errors as errors,
)
from . import (
    feedback as feedback,
)
from . import (
    io as io,
)
from . import (
    models as models,
)
from . import (
    planning as planning,
)
from . import (
    plotting as plotting,
)
from . import (
    preferences as preferences,
)
from . import (
    problems as problems,
)
from . import (
    regression as regression,
)
from . import (
    robust as robust,
)
from . import (
    sweeps as sweeps,
)
from . import (
    testing as testing,
)
from ._version import __version__ as __version__
from .errors import ConvergenceWarning as ConvergenceWarning
from .errors import MDPKitError as MDPKitError
from .feedback import EpisodicSimulator as EpisodicSimulator
from .feedback import GenerativeModel as GenerativeModel
from .feedback import OfflineDataset as OfflineDataset
from .models import FiniteHorizonMDP as FiniteHorizonMDP
from .models import LinearMDP as LinearMDP
from .models import MarkovRewardProcess as MarkovRewardProcess
from .models import RobustMDP as RobustMDP
from .models import TabularMDP as TabularMDP
from .planning import Discounted as Discounted
from .planning import Solution as Solution
from .planning import evaluate_policy as evaluate_policy
from .planning import occupancy_measure as occupancy_measure
from .planning import regret as regret
from .planning import solve as solve
from .planning import verify as verify
