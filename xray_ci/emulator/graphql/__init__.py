"""Xray Cloud's GraphQL interface. `route` is all that others need; the library is loaded by the first call."""
