"""The differencing ledger: what can be computed from all that was released together."""
