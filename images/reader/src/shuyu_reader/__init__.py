"""Reads one untrusted file in a container of its own, and says what is in it and under it as plain JSON; nothing of it is run."""
