"""Rows for dry runs: made up from the declaration alone, or from noisy marginals that were paid for.

No row is a real one. What is made from the declaration needs no data and costs nothing; what is drawn from
marginals keeps how columns are distributed, and how the most related pairs of them go together.
"""
