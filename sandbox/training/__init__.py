"""Training with differential privacy: what may be asked, what it costs, and what of it may leave."""
