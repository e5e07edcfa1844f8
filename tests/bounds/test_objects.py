"""`Bound`, `BoundValue` and the catalogue: complete, readable, strict about arguments."""

from __future__ import annotations

import copy
import importlib
import math
import pickle
import pkgutil
from typing import Any

import pytest

from mdpkit import bounds
from mdpkit.bounds import Bound, BoundValue
from mdpkit.errors import DiscountError, InputError, ShapeError, UnknownOptionError
from tests.bounds.examples import EXAMPLES

each_bound = pytest.mark.parametrize("bound", bounds.catalogue(), ids=lambda bound: bound.name)

COUNTS = {
    "n", "n_pairs", "n_max", "n_successors", "iterations", "n_actions", "n_states", "k", "t", "d", "episodes",
    "n_atoms", "n_choices",
}  # fmt: skip
ARRAYS = {"occupancy", "advantage", "penalty", "matrix", "direction"}
UNBOUNDED_ABOVE_ZERO = {"lam", "tol", "eps"}


def numeric_arguments() -> list[tuple[Bound, str]]:
    return [(bound, name) for bound in bounds.catalogue() for name in bound.parameters if name not in ARRAYS]


each_argument = pytest.mark.parametrize(("bound", "name"), numeric_arguments(), ids=lambda x: getattr(x, "name", x))


# ---------------------------------------------------------------- the catalogue


def test_every_formula_is_in_the_catalogue():
    formulas = {
        name
        for module in pkgutil.iter_modules(bounds.__path__)
        if not module.name.startswith("_")
        for name in importlib.import_module(f"mdpkit.bounds.{module.name}").__all__
    }
    listed = [bound.name for bound in bounds.catalogue()]
    assert set(listed) == formulas == set(bounds.__all__) - {"Bound", "BoundValue", "catalogue", "get"}
    assert len(listed) == len(formulas)
    assert set(EXAMPLES) == formulas


@each_bound
def test_every_bound_says_what_it_is(bound):
    assert getattr(bounds, bound.name) is bound.function
    assert bounds.get(bound.name) is bound
    assert bound.summary.endswith(".")
    assert "``" in bound.statement
    assert bound.statement.endswith(".")
    assert bound.assumptions
    assert all(sentence.endswith(".") for sentence in bound.assumptions)
    assert any(year in bound.reference for year in map(str, range(1960, 2030)))
    assert bound.kind in ("always", "identity", "probability", "asymptotic", "rate")
    assert (bound.kind == "probability") == ("probability" in bound.statement) or bound.name in ON_AN_EVENT | RATES
    assert all(". " in text and text.endswith(".") for text in bound.parameters.values()), bound.parameters
    assert set(EXAMPLES[bound.name]) == set(bound.parameters), "the example names every argument"
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"{section}\n" in (bound.function.__doc__ or "")
    assert (bound.exponents is not None) == (bound.kind == "rate")
    assert bound.name in repr(bound)


ON_AN_EVENT = {"oful_regret", "linear_mdp_query_lower_bound"}
"""One holds on the event of another bound; the other is about planners that succeed with a given probability."""
RATES = {bound.name for bound in bounds.catalogue() if bound.kind == "rate"}


@each_bound
def test_the_example_has_a_value(bound):
    value = bound.value(**EXAMPLES[bound.name])
    assert isinstance(value, BoundValue)
    assert math.isfinite(value)
    assert value > 0
    assert bound.function(**EXAMPLES[bound.name]) == value


def test_unknown_names_are_refused():
    with pytest.raises(UnknownOptionError, match="there is no bound 'hoefding'"):
        bounds.get("hoefding")


# ---------------------------------------------------------------- arguments


@each_argument
@pytest.mark.parametrize("bad", [math.nan, math.inf, -1, "1", None, True, 1j], ids=str)
def test_bad_arguments_are_named(bound: Bound, name: str, bad: Any):
    if bad is None and name in (bound.function.__kwdefaults__ or {}):
        return  # None means "not given" for optional arguments
    with pytest.raises(InputError) as caught:
        bound.value(**{**EXAMPLES[bound.name], name: bad})
    assert caught.value.argument == name
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("bound", "name"), [pair for pair in numeric_arguments() if pair[1] in COUNTS], ids=lambda x: getattr(x, "name", x)
)
def test_counts_are_whole(bound: Bound, name: str):
    with pytest.raises(InputError, match=f"{name} must be an integer of at least"):
        bound.value(**{**EXAMPLES[bound.name], name: 2.0})


@pytest.mark.parametrize("bad", [0, 1, 1.5])
@each_bound
def test_failure_probability_is_strictly_between_0_and_1(bound: Bound, bad: float):
    if "delta" not in bound.parameters:
        return
    with pytest.raises(InputError, match=f"delta must lie in .*, found {bad}"):
        bound.value(**{**EXAMPLES[bound.name], "delta": bad})


@pytest.mark.parametrize("bad", [1, 1.5, -0.1])
@each_bound
def test_discount_is_below_1(bound: Bound, bad: float):
    if "gamma" not in bound.parameters:
        return
    with pytest.raises(DiscountError, match=r"gamma must lie in \[0, 1\)"):
        bound.value(**{**EXAMPLES[bound.name], "gamma": bad})


def test_arrays_are_checked():
    value = bounds.performance_difference
    with pytest.raises(ShapeError, match="one shape"):
        value(occupancy=[1.0], advantage=[1.0, 2.0])
    with pytest.raises(InputError, match=r"advantage\[1\] must be finite, found nan"):
        value(occupancy=[1.0, 1.0], advantage=[1.0, math.nan])
    with pytest.raises(InputError, match="occupancy must be a finite number of at least 0, found -1"):
        value(occupancy=[1.0, -1.0], advantage=[1.0, 0.0])
    with pytest.raises(ShapeError, match="numeric array"):
        value(occupancy=["a"], advantage=[1.0])
    with pytest.raises(InputError, match=r"noise\[1\] must be at least 0, found -1"):
        bounds.mdvi_error(gamma=0.5, alpha=0.5, noise=[1.0, -1.0])
    with pytest.raises(ShapeError, match="nonempty"):
        bounds.mdvi_error(gamma=0.5, alpha=0.5, noise=[])


def test_arguments_that_contradict_each_other():
    with pytest.raises(InputError, match="n_max must be an integer of at least 11, found 10"):
        bounds.weissman_radius_adaptive(n=11, n_successors=3, delta=0.1, n_max=10)
    with pytest.raises(InputError, match="iterations must be an integer of at least 5"):
        bounds.mdvi_noise(gamma=0.5, alpha=0.5, k=5, iterations=4, n=1, n_pairs=1, delta=0.1)
    with pytest.raises(InputError, match="eps must lie in"):
        bounds.linear_mdp_query_lower_bound(gamma=0.9, d=4, eps=0.2, delta=0.05)
    with pytest.raises(InputError, match="transition_error must lie in"):
        bounds.simulation_lemma(gamma=0.9, reward_error=0, transition_error=2.5, value_max=1)


def test_value_names_unknown_and_missing_arguments():
    bound = bounds.get("greedy_policy_loss")
    with pytest.raises(UnknownOptionError, match="greedy_policy_loss has no argument 'eps'; it takes gamma, error"):
        bound.value(gamma=0.9, eps=0.1)
    with pytest.raises(InputError, match="greedy_policy_loss needs the argument 'error'") as caught:
        bound.value(gamma=0.9)
    assert caught.value.argument == "error"


# ---------------------------------------------------------------- values


def test_a_value_is_a_float_that_knows_its_reason():
    value = BoundValue(2.5, "too large")
    assert value == 2.5
    assert type(value + 1) is float
    assert value.vacuous
    assert repr(value) == "BoundValue(2.5, vacuous: too large)"
    assert f"{value:.2f}" == "2.50"
    assert repr(BoundValue(2.5)) == "2.5"
    assert not BoundValue(2.5).vacuous
    for twin in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (twin, twin.reason) == (2.5, "too large")


VACUOUS = [
    ("hoeffding_model_error", {"n": 1, "value_range": 1.0}, {"n": 500}),
    ("empirical_bernstein", {"n": 2}, {"n": 5000}),
    ("empirical_bernstein_model_error", {"n": 2}, {"n": 5000}),
    ("weissman_radius", {"n": 1}, {"n": 500}),
    ("weissman_radius_adaptive", {"n": 0}, {"n": 1000, "n_max": None}),
    ("plug_in_error", {"n": 100}, {"n": 500}),  # sqrt(log(120) / 200) * 10 = 1.55; / sqrt(5) = 0.69
    ("plug_in_policy_loss", {"n": 500}, {"n": 10**6}),
    ("sampled_value_iteration_error", {"n": 100}, {"n": 10**4, "iterations": 50}),
    ("sampled_value_iteration_policy_loss", {"n": 10**4}, {"n": 10**7, "iterations": 100}),
    ("approximate_policy_iteration_loss", {"iterations": 0}, {"iterations": 50}),
    ("politex_average_loss", {"iterations": 10}, {"iterations": 1000}),
    ("simulation_lemma", {"transition_error": 0.2}, {"transition_error": 0.1}),  # 2 * 7 * 0.2 / 2 = 1.4 > 1 = range
    ("simulation_lemma_span", {"transition_error": 2.0, "reward_range": None}, {"reward_range": None}),
    ("accumulated_deviation", {"gamma": 0.3}, {"gamma": 0.9}),
    ("elliptical_potential", {"n": 6}, {"n": 7}),
    ("elliptical_potential_dimension", {"n": 5}, {"n": 1000}),
    ("oful_regret", {"n": 89}, {"n": 91}),  # 6 sqrt(10 n) < 2 n from n = 90
    ("value_iteration_a_priori", {"iterations": 0}, {"iterations": 1}),
    ("mdvi_error", {"noise": [9.0]}, {"noise": [0.1]}),
    ("robust_value_iteration_a_priori", {"iterations": 0}, {"iterations": 1}),
    ("l1_radius_sensitivity", {"radius": 2.0}, {"radius": 1.9}),
    ("l1_radius_of_kl", {"radius": 2.0}, {"radius": 1.9}),
    ("l1_radius_of_chi_square", {"radius": 4.0}, {"radius": 3.9}),
    ("lp_regularization", {"radius": 2.0}, {"radius": 0.5}),
    ("weissman_robust_radius", {"n": 1}, {"n": 500}),
    ("hoeffding_robust_radius", {"n": 1}, {"n": 500}),
    ("distributional_value_iteration_error", {"iterations": 0}, {"iterations": 1}),
    ("distributional_policy_iteration_error", {"iterations": 0}, {"iterations": 1}),
    ("quantile_wasserstein_error", {"n_atoms": 5}, {"n_atoms": 6}),  # 2 m (1 - gamma) = 1 at m = 5
    ("erm_truncation_error", {"horizon": 0, "b": 4.0}, {"horizon": 7}),
    ("mdvi_noise", {"n": 1, "delta": 1e-3}, {}),
    ("mdvi_noise_freedman", {"n": 1}, {}),
    ("pevi_suboptimality", {"penalty": [9.0, 9.0]}, {}),
    ("preference_curvature", {"utility_range": 1000.0}, {}),
    ("pessimism_loss", {"matrix": [[1.0, 1.0], [1.0, 1.0]]}, {"matrix": [[1.0, -1.0], [-1.0, 1.0]]}),
    ("ucbvi_regret", {}, {"episodes": 10**12}),
    ("ucbvi_bernstein_regret", {}, {"episodes": 10**12}),
]


@pytest.mark.parametrize(("name", "useless", "useful"), VACUOUS, ids=[row[0] for row in VACUOUS])
def test_vacuous_values_are_flagged(name: str, useless: dict[str, Any], useful: dict[str, Any]):
    bound = bounds.get(name)
    value = bound.value(**{**EXAMPLES[name], **useless})
    assert value.vacuous
    assert value.reason in repr(value)
    assert not bound.value(**{**EXAMPLES[name], **useful}).vacuous


def test_zero_is_never_vacuous():
    assert not bounds.hoeffding_model_error(n=1, delta=0.1, value_range=0).vacuous
    assert not bounds.weissman_radius(n=1, n_successors=1, delta=0.1).vacuous


# ---------------------------------------------------------------- one's own


def test_a_bound_of_ones_own():
    def markov(*, mean: float, level: float) -> float:
        """Tail of a nonnegative variable.

        ``Pr(X >= level) <= mean / level``.

        Assumptions:

        - ``X >= 0``.
        - Its mean is ``mean``.

        Parameters
        ----------
        mean, level : float, above 0
            The mean, and
            the level.

        References
        ----------
        .. [1] A. A. Markov, 1884.
        """
        return mean / level

    bound = Bound.from_function(markov, "always")
    assert bound.assumptions == ("``X >= 0``.", "Its mean is ``mean``.")
    assert bound.parameters["level"] == "float, above 0. The mean, and the level."
    assert bound.reference == "A. A. Markov, 1884."
    assert bound.value(mean=1, level=4) == 0.25
    assert not bound.value(mean=1, level=4).vacuous
    assert bound not in bounds.catalogue()
    assert Bound.from_function(markov, "rate", exponents={"level": -1}).exponents == {"level": -1}
    with pytest.raises(InputError, match=r"kind must be one of always, .* found 'sometimes'"):
        Bound.from_function(markov, "sometimes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a rate has exponents"):
        Bound.from_function(markov, "rate")


def test_a_formula_without_a_docstring_is_no_error():
    """As under ``python -OO``."""
    bound = Bound.from_function(lambda *, x: x, "always")
    assert (bound.statement, bound.assumptions, bound.parameters) == ("", (), {"x": ""})
