"""The wire: one thin client a service, nothing of our policy.

A service gets a deployment row and bytes, never cases.
"""
