"""The red-team kit itself is tested here, and a sample of it run."""
