"""The record of what was asked, allowed, run and let out, and the steps between."""
