"""The Xray side of the model.

Which Test a case is, how it is written as Xray JSON, and the run as one file of tests.
"""
