"""What crosses the trust boundary: JSON headers and raw tensors, checked on arrival. Nothing is unpickled."""
