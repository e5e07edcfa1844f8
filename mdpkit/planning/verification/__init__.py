"""Checking solutions from the model alone."""
