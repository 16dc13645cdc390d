"""Opens what can lie inside a file: archives and compressions, encodings of text, numbers as bytes."""
