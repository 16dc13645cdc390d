"""Outputs about subjects who consent: what is declared of them, and whom each row is about."""
