"""First-party listeners, one file each."""
