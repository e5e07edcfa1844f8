"""Hypothesis profiles: a quick one for every save, a thorough one for the night."""

from __future__ import annotations

__all__ = ["register_profiles"]

QUICK, THOROUGH = "mdpkit-quick", "mdpkit-thorough"


def register_profiles() -> None:
    """Register the hypothesis profiles "mdpkit-quick" and "mdpkit-thorough" (25 and 1,000 examples per test).

    The pytest plugin calls this where hypothesis is already loaded or one of the two is asked for by
    ``--hypothesis-profile``; a ``conftest.py`` that loads one itself calls it first. Neither has a deadline: the first
    example of a test may have to compile a kernel.

    Raises
    ------
    MissingDependencyError
        Hypothesis is not installed.

    Examples
    --------
    >>> from mdpkit.testing import register_profiles
    >>> register_profiles()
    >>> from hypothesis import settings
    >>> settings.get_profile("mdpkit-quick").max_examples
    25
    """
    try:
        from hypothesis import settings
    except ImportError as error:
        from mdpkit.errors import MissingDependencyError

        raise MissingDependencyError("the profiles need hypothesis: pip install 'mdpkit[test]'") from error
    settings.register_profile(QUICK, max_examples=25, deadline=None)
    settings.register_profile(THOROUGH, max_examples=1000, deadline=None, print_blob=True)
