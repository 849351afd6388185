"""What is installed: contestant plugins from package metadata, trusted extensions through pluggy."""
