"""The door and the office: the only package that speaks to the world outside the domain."""
