"""The reports that test tools write."""
