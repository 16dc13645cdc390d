"""The trusted trainer: reads a view, trains with noise on every step, and leaves one model."""
