"""The first-party plugins: one file each, registered exactly as a stranger registers theirs."""
