"""Verbs: each step of the straight line, from submission to release."""
