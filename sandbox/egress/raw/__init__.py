"""Looks for raw data in what would leave: rows by how surprisingly well they agree, columns by their values and shape."""
