"""First-party backbones, one file each."""
