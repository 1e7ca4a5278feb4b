"""What a household agreed to ends by its time."""

from collections.abc import Mapping
from types import MappingProxyType

ENDING_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ended_by_time": ("Ended by its time", "Durch Zeitablauf beendet"),
        "soon": ("Ends soon", "Endet bald"),
        "soon_consent": (
            "This consent ends by itself on {}. You need not do anything: from then on this recipient gets nothing "
            "more. If it asks you again, you may say yes again, or no.",
            "Diese Einwilligung endet von selbst am {}. Sie müssen nichts tun: Von da an erhält dieser Empfänger "
            "nichts mehr. Fragt er Sie wieder, können Sie wieder ja sagen oder nein.",
        ),
        "soon_other": (
            "This ends by itself on {}. You need not do anything.",
            "Das endet von selbst am {}. Sie müssen nichts tun.",
        ),
    }
)
