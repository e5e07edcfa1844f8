"""Robust dynamic programming: one file per method, all written against `mdpkit.robust.operator`."""
