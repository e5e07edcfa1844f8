"""Infinite-horizon discounted problems."""
