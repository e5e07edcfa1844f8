"""Read the exact table of an experiment and sum it up."""

from mdpkit import sweeps

table = sweeps.read_table("contraction.npz")
assert table["converged"].all()
last = table.groupby(["branching", "seed"]).tail(1)
print(last.groupby("branching")["sweep"].agg(["min", "median", "max"]))
