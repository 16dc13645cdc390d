"""Backups of a domain: made while it works, each part under a key of its own, and brought back verified."""
