"""How the gate computes declared aggregates from its own copy of a view."""
