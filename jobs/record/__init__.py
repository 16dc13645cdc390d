"""The record: one database, its Merkle log, certificates and the shelf."""
