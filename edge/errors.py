"""What can go wrong at the edge.

EdgeError
  + SettingsError      the settings, a key file or a certificate cannot be used: stop and say which
  + LinkError          the line to the meter broke: wait, open it again
  + StoreError         the outbox cannot be written (disk full, damaged): keep what came in memory, try again
  + UplinkError        the gateway cannot be reached or does not answer as agreed: back off, send again
    - BatchRejected    it will never take this batch: set it aside, go on with the next

Messages never carry readings, keys, codes or names.
"""


class EdgeError(Exception):
    """Base of everything this package raises."""


class SettingsError(EdgeError):
    """The settings, a key file or a certificate cannot be used."""


class LinkError(EdgeError):
    """The line to the meter broke or cannot be opened."""


class StoreError(EdgeError):
    """The outbox cannot be read or written."""


class UplinkError(EdgeError):
    """The gateway cannot be reached, or does not answer as agreed.

    Attributes:
        reason: stable word for the log.
        wait: seconds that the gateway asked for, 0 when it did not.
    """

    def __init__(self, reason: str, *, wait: float = 0.0) -> None:
        super().__init__(f"the gateway: {reason}")
        self.reason = reason
        self.wait = wait


class BatchRejected(UplinkError):
    """The gateway will never take this batch."""
