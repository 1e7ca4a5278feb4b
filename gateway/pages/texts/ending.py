"""What a household agreed to ends by its time."""

from collections.abc import Mapping
from types import MappingProxyType

ENDING_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ended_by_time": ("Ended by its time", "Durch Zeitablauf beendet"),
        "soon": ("Ends soon", "Endet bald"),
        "soon_consent": (
            "The last day of this consent is {}. You need not do anything: it ends by itself, and then this recipient "
            "gets nothing more. If it asks you again, you may say yes again, or no.",
            "Der letzte Tag dieser Einwilligung ist der {}. Sie müssen nichts tun: Sie endet von selbst, und dann "
            "erhält dieser Empfänger nichts mehr. Fragt er Sie wieder, können Sie wieder ja sagen oder nein.",
        ),
        "soon_other": (
            "The last day of this is {}: it ends by itself. You need not do anything.",
            "Der letzte Tag ist der {}: Das endet von selbst. Sie müssen nichts tun.",
        ),
    }
)
