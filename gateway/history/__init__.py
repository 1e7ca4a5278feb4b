"""History in: files of values from before, checked whole and cut into batches that are the same each time. Pure.

Nothing here opens a file, knows the time or talks to anybody; ``gateway.cli.history`` does.
"""
