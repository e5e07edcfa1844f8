"""Compiled joint updates; a file holds those that share a sort or an iteration."""
