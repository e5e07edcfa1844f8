from . import (
    errors as errors,
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
    problems as problems,
)
from . import (
    sweeps as sweeps,
)
from ._version import __version__ as __version__
from .errors import ConvergenceWarning as ConvergenceWarning
from .errors import MDPKitError as MDPKitError
from .models import FiniteHorizonMDP as FiniteHorizonMDP
from .models import MarkovRewardProcess as MarkovRewardProcess
from .models import TabularMDP as TabularMDP
