"""Models: a few closed forms, held against the view that they were fitted on, measured, and written anew."""
