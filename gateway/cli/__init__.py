"""The command `shuyu`."""
