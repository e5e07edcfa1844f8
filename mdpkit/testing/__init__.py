"""Tools to test theorems about decision problems: drawn models, sound statistical assertions, a pytest plugin.

Names load on first use: pytest imports this package at every start because of the plugin, and the strategies need
hypothesis (``pip install 'mdpkit[test]'``), which the assertions do without.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
