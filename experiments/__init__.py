"""Experiments: one module each, its configurations and a pure ``run(config, seed)``."""
