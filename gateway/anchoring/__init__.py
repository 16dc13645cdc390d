"""Anchors outside: a witness, time stamps and the hub vouch for the log."""
