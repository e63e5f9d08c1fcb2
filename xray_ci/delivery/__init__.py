"""The policy: getting results there exactly once. Knows deployments and services; knows no report format's inside."""
