"""For whoever tests against Metergate: a gateway in a process of its own, and what households, boxes and partners do.

With ``adapters.plugin`` the only part of Metergate that out-of-tree code imports.
"""
