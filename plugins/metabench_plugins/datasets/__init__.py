"""First-party datasets, one file each."""
