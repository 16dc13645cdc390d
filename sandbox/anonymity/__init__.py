"""How well a table's people hide in it: evidence of anonymity, and classes in which they hide better."""
