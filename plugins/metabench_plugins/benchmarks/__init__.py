"""First-party benchmarks, one file each."""
