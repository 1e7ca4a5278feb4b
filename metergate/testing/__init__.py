"""For whoever tests against Metergate, without a gateway or with one.

Without: fakes of what an extension is given (``services``) and its routes with their roles (``serving``). With: a
gateway in a process of its own (``product``), and what households, boxes and partners do (``people``, ``partner``).
Imports nothing of the gateway.
"""
