"""A model's file, read as a document of the form `shuyu-fitted-1`."""
