"""The record: one database, its Merkle log, budgets, certificates and the shelf."""
