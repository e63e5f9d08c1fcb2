"""xray-ci: test reports of any tool into Xray, as one Test Execution, exactly once."""

__version__ = "0.1.0"
