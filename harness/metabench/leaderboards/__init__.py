"""What people see: comparable results side by side, with what is certain about their order."""
