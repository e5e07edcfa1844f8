"""Figures: one module each, drawn from experiment data, with the claims it must show."""
