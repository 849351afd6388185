"""Deterministic sampling: episode i is a pure function of where it stands."""
