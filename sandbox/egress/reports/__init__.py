"""Reports: prose with slots that the gate fills from cleared tables."""
