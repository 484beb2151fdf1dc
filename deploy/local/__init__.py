"""A real one-node Kubernetes for Linux machines without Docker: development tooling that knows nothing of TaaS.

Only the standard library is used, so that it runs with a plain Python 3.11 before anything is installed.
"""
