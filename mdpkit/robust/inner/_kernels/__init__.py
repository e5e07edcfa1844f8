"""Compiled inner problems; a file holds those that share a sort or an iteration."""
