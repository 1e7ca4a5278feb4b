"""SDMX: the data structure of what leaves as SDMX-CSV, for partners; the data-space adapter mounts it."""
