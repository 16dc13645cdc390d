"""Differential privacy: the planner, mechanisms, events and accounting."""
