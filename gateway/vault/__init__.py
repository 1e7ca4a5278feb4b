"""Sealed series: pieces, blocks, what merges and what expires."""
