"""What the user asked for: one table of settings, the places they come from, and the frozen result."""
