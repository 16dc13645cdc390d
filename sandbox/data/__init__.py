"""Data assets on disk: ingest, profile, snapshots and the views compiled from grants."""
