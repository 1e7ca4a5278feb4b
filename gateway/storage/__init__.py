"""Where sealed pieces, grounds and books are kept: one writer that commits in groups, many readers."""
