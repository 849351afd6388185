"""Records of runs: what they say, where they lie, how they get there."""
