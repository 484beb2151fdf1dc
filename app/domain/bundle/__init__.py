"""Uploads: any zip, tar, tar.gz or folder becomes one canonical bundle, or a refusal that says what to do.

Nothing here unpacks to disk. Callers hand in an open scratch file; what is read and written stays within `Limits`.
"""
