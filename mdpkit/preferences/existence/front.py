"""`mle_exists`: ask before fitting."""

from __future__ import annotations

from typing import Any

from mdpkit._typing import Floats
from mdpkit.feedback import LinearPairs, LinearRankings, PairCounts
from mdpkit.preferences.existence.items import item_existence, tied_existence
from mdpkit.preferences.existence.linear import linear_existence
from mdpkit.preferences.existence.result import Existence
from mdpkit.preferences.likelihood import check_item_data, read_items
from mdpkit.preferences.likelihood.linear import winners_minus_losers

__all__ = ["mle_exists", "preference_rows"]


def mle_exists(data: Any, n_items: int | None = None) -> Existence:
    r"""Say whether the likelihood of comparison data has a maximum, and if not, why not.

    Items: the maximum is attained, and unique up to a common shift, if and only if every item is linked to every other
    by a chain of losses, that is if the graph with an edge from each loser to each of its winners is strongly
    connected. Feature vectors: if and only if no parameter separates winners from losers (which also makes it unique up
    to directions that no comparison sees).

    Parameters
    ----------
    data : PairCounts, PairList, Rankings, TopChoices, LinearPairs or LinearRankings
        The comparisons. Ties in `PairCounts` are judged under Davidson's model, whose tie parameter is free.
    n_items : int, optional
        Number of items, where `data` does not name all of them.

    Returns
    -------
    Existence
        True or false (it can be used as a condition), with groups of items from the best to the worst or a separating
        direction, and a sentence.

    Raises
    ------
    InputError
        `data` holds no comparisons of this package.

    Notes
    -----
    Items: ``O(N + m)`` for ``m`` compared pairs. Feature vectors: a linear program in ``d`` variables, first for a few
    comparisons, then with those that its answer violates. Comparisons of weight zero do not count. Ties: a tie links
    both ways, but that is not enough [4]_: with a free tie parameter some cycle of comparisons must have more wins than
    ties in it. With two items, one win and one tie, for example, no maximum exists although both are linked.

    References
    ----------
    .. [1] L. R. Ford, "Solution of a ranking problem from binary comparisons", *American Mathematical Monthly* 64(8),
       1957.
    .. [2] D. R. Hunter, "MM algorithms for generalized Bradley-Terry models", *Annals of Statistics* 32, 2004,
       Assumptions 1 and 2.
    .. [3] A. Albert, J. A. Anderson, "On the existence of maximum likelihood estimates in logistic regression models",
       *Biometrika* 71(1), 1984, Theorems 1 to 3.
    .. [4] R. R. Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison experiments",
       *Journal of the American Statistical Association* 65, 1970.

    Examples
    --------
    Item 0 won all its matches, so its utility would be infinite:

    >>> from mdpkit.feedback import PairList
    >>> from mdpkit.preferences import mle_exists
    >>> check = mle_exists(PairList.from_pairs([(0, 1), (0, 2), (1, 2), (2, 1)]))
    >>> bool(check), [group.tolist() for group in check.components], check.direction
    (False, [[0], [1, 2]], array([2., 1., 1.]))
    """
    if isinstance(data, (LinearPairs, LinearRankings)):
        return linear_existence(preference_rows(data))
    n = check_item_data(data, n_items)
    if isinstance(data, PairCounts) and data.ties is not None and data.ties.any():
        return tied_existence(data)
    return item_existence(*read_items(data, n).lost_to(), n)


def preference_rows(data: LinearPairs | LinearRankings) -> Floats:
    """Return ``phi_winner - phi_loser``, neighbors in each ranking, for the lines that count."""
    if isinstance(data, LinearPairs):
        return winners_minus_losers(data)
    features = data.features[data.weights > 0]
    # neighbors are enough: margins of other pairs are sums of theirs
    return (features[:, :-1] - features[:, 1:]).reshape(-1, data.dimension)
