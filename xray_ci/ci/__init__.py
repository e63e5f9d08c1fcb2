"""What surrounds a run: the CI system it runs in, its log, its outputs and its summary."""
