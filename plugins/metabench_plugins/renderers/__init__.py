"""First-party output formats of leaderboards."""
