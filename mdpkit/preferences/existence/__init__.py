"""When the likelihood of comparisons has a maximum, and what stands in its way."""

from mdpkit.preferences.existence.front import mle_exists, preference_rows
from mdpkit.preferences.existence.items import item_existence, tied_existence
from mdpkit.preferences.existence.linear import linear_existence
from mdpkit.preferences.existence.result import Existence

__all__ = ["Existence", "item_existence", "linear_existence", "mle_exists", "preference_rows", "tied_existence"]
