"""First-party executors, one file each."""
