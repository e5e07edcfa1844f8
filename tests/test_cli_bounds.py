"""``mdpkit bounds``: the list, the search, the details."""

from __future__ import annotations

from click.testing import CliRunner, Result

from mdpkit.bounds import catalogue
from mdpkit.cli import cli


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["bounds", *arguments], prog_name="mdpkit")


def test_the_list_has_one_line_per_bound() -> None:
    result = call()
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[:2] for line in lines] == [[bound.name, bound.kind] for bound in catalogue()]


def test_a_name_shows_this_bound_alone() -> None:
    result = call("weissman_radius")
    assert result.exit_code == 0
    # weissman_radius_adaptive contains the name, too, and stays out
    assert result.output.count("mdpkit.bounds.") == 1
    for part in (
        "mdpkit.bounds.weissman_radius(n, n_successors, delta, n_pairs)",
        "HPL-2003-97R1",
        "n: int, at least 1",
    ):
        assert part in result.output
    assert "``" not in result.output


def test_the_search_reads_names_statements_and_references() -> None:
    by_reference = call("macqueen").output
    assert "macqueen_porteus_error" in by_reference
    assert "macqueen_porteus_policy_loss" in by_reference
    assert "mdpkit.bounds.performance_difference(" in call("Kakade").output
    assert "mdpkit.bounds.mdvi_noise_freedman(" in call("MARTINGALES").output
    assert "Exponents: d^2, horizon^4, eps^-2" in call("wls_mdvi_rate").output


def test_many_hits_are_listed_without_details() -> None:
    output = call("gamma").output
    assert "Assumes" not in output
    assert "bellman_contraction" in output


def test_no_hit_is_an_error_of_one_line() -> None:
    result = call("phlogiston")
    assert result.exit_code == 2
    assert result.output == "Error: no bound mentions 'phlogiston'; mdpkit bounds lists them all\n"


def test_help_has_examples() -> None:
    assert "Examples:" in call("--help").output
