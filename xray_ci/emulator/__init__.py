"""The embedded emulator of Xray Cloud, Xray Server/Data Center, their Jira and Snapshots, on loopback.

It answers as strictly as the vendors are known to and no stricter, keeps a small world that its answers agree with, and
records what it was asked. It imports nothing of the product, so that a mistake made there cannot hide here.
"""
