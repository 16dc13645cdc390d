"""The red-team kit: what a hostile developer's code, outputs and images try, and what came of it as seen from outside."""
