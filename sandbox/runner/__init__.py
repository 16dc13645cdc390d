"""Runs container orders: the room keeper, the engine behind it, images, and Ray in front."""
