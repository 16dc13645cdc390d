"""Finds identifiers of people and enterprises, Chinese ones with their check digits."""
