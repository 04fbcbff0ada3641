"""The files that logs lie in: pinned, looked at for damage, read alike by both engines."""
