"""The sealed room: runs one order and inspects what it made; knows no HTTP and no record."""
