"""What can go wrong in the registry.

RegistryError
  + Unknown      there is no such household, box or organisation (any more)
  + Taken        the id, metering point or did is in use
  + NotAllowed   the entry breaks a rule of the registry
"""


class RegistryError(Exception):
    """``reason`` is a stable word for problem+json."""

    reason = "registry"


class Unknown(RegistryError):
    reason = "unknown"


class Taken(RegistryError):
    reason = "taken"


class NotAllowed(RegistryError):
    reason = "not-allowed"
