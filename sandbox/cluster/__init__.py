"""Puts orders on Ray: where and when they run; what runs there is only our own code."""
