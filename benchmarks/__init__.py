"""Speed and memory of mdpkit and its peers: ``python -m benchmarks``."""
