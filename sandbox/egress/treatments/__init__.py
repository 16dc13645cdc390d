"""What the filter may change in a table so that it can leave, and what that costs."""
