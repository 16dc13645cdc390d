"""Statistical disclosure control: what a table of aggregates may say about any one protected unit."""
