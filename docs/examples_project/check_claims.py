"""For a CI job: fail if a claim of the report failed, or if a figure was made with older code than the others."""

import sys

from mdpkit import sweeps

report = sweeps.read_claims("report/claims.json")
stale = [figure["name"] for figure in report["figures"] if figure["outdated"]]
sys.exit(0 if report["ok"] and not stale else f"not ok: {report['by_paper']}, stale: {stale}")
