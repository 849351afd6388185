"""First-party algorithms, one file each."""
