"""Charts: a declarative specification over cleared tables, drawn by the gate."""
