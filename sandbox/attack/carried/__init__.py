"""Programs that attempts carry into containers; nothing here runs in the domain's own processes."""
