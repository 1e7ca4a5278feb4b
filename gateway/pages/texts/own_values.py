"""A household's own values: now, what is kept, what was corrected, taking it along."""

from collections.abc import Mapping
from types import MappingProxyType

OWN_VALUES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "amounts_heading": ("Consumption and feed-in", "Verbrauch und Einspeisung"),
        "today_so_far": ("Today so far", "Heute bisher"),
        "yesterday": ("Yesterday", "Gestern"),
        "amounts_mean": (
            "What went through each meter. Yesterday is the day that My data tells; today is the sum of its hours that "
            "have ended, and of the quarters of an hour where an hour has no value. What went through in a gap is in "
            "the day when that has ended, if the meter counted on. Nothing is missing before the first value of a "
            "meter, and no quarter of an hour until 75 minutes after it began.",
            "Was durch jeden Zähler ging. Gestern ist der Tag, den Meine Daten nennt; heute ist die Summe der Stunden "
            "dort, die zu Ende sind, und der Viertelstunden, wo eine Stunde keinen Wert hat. Was in einer Lücke "
            "durchging, steht im Tag, wenn er zu Ende ist, falls der Zähler weiterzählte. Vor dem ersten Wert eines "
            "Zählers fehlt nichts, und eine Viertelstunde fehlt erst 75 Minuten nach ihrem Beginn.",
        ),
        "up_to": ("up to", "bis"),
        "of": ("of", "von"),
        "incomplete": ("incomplete", "unvollständig"),
        "speaks_for": ("readings for {} of the day", "Ablesungen für {} des Tages"),
        "no_value": ("no value", "kein Wert"),
        "gap": ("gap", "Lücke"),
        "and_also": ("and", "und weitere"),
        "stands_heading": ("Meter readings", "Zählerstände"),
        "entries_heading": ("Newest interval", "Letztes Intervall"),
        "present_heading": ("Current values", "Aktuelle Werte"),
        "other_heading": ("Other values", "Weitere Werte"),
        "takes_part": ("takes part", "nimmt teil"),
        "takes_no_part": ("does not take part", "nimmt nicht teil"),
        "none_yet": ("Nothing has come in since yesterday.", "Seit gestern ist nichts eingetroffen."),
        "kept_heading": ("What is kept", "Was gespeichert ist"),
        "what": ("What", "Was"),
        "kept_since": ("Reaches back to", "Reicht zurück bis"),
        "none_held": ("nothing yet", "noch nichts"),
        "until": ("Kept until", "Aufbewahrt bis"),
        "length": ("For", "Dauer"),
        "until_means": (
            "It reaches back to the first value that is really there. What is older than it is kept for was destroyed. "
            "The last day is that of what comes in today; after it nobody can open it, the operator included.",
            "Es reicht zurück bis zum ersten Wert, der wirklich da ist. Was älter ist als die Dauer, wurde vernichtet. "
            "Der letzte Tag gilt für das, was heute eintrifft; danach kann es niemand mehr öffnen, "
            "auch der Betreiber nicht.",
        ),
        "until_recovery": (
            "One exception: for {} more it can be brought back from a backup, after a failure of the machine, with a "
            "key that is kept elsewhere.",
            "Eine Ausnahme: {} länger lässt es sich aus einer Sicherung zurückholen, nach einem Ausfall der Maschine, "
            "mit einem Schlüssel, der anderswo liegt.",
        ),
        "take_heading": ("Take it along", "Mitnehmen"),
        "csv": ("Download CSV", "CSV herunterladen"),
        "json": ("Download JSON", "JSON herunterladen"),
        "workbook": ("Workbook (XLSX)", "Arbeitsmappe (XLSX)"),
        "xlsx": ("Download XLSX (Excel)", "XLSX herunterladen (Excel)"),
        "readings": ("Readings", "Werte"),
        "notes": ("Notes", "Erläuterungen"),
        "offset": ("Offset from UTC", "Abstand zu UTC"),
        "take_means": (
            "Everything, in the finest detail that is still kept, with the stands of your meters; or each detail on "
            "its own, for your own tables: local time and words, with each meter by its name. Days and months are "
            "those of your place; a month is there when it has ended.",
            "Alles in der feinsten Auflösung, die noch gespeichert ist, mit den Ständen Ihrer Zähler; oder jede "
            "Auflösung für sich, für eigene Tabellen: Ortszeit und Worte, jeder Zähler mit seinem Namen. Tage und "
            "Monate sind die Ihres Ortes; ein Monat ist da, wenn er zu Ende ist.",
        ),
        "each_detail": ("Each detail on its own", "Jede Auflösung für sich"),
        "received": ("As received", "Wie eingetroffen"),
        "quarter": ("Quarters of an hour", "Viertelstunden"),
        "hour": ("Hours", "Stunden"),
        "day": ("Days", "Tage"),
        "month": ("Months", "Monate"),
        "stands": ("Stands and readings kept", "Gespeicherte Stände"),
        "table": ("Table", "Tabelle"),
        "green_button": ("Green Button file", "Green-Button-Datei"),
        "main_meter": ("Main meter", "Hauptzähler"),
        "forms": ("Forms", "Formen"),
        "meters_heading": ("Your meters", "Ihre Zähler"),
        "meters_none": ("No meter has been seen yet.", "Noch wurde kein Zähler gesehen."),
        "since": ("Known since", "Bekannt seit"),
        "exchanged": ("Exchanged", "Getauscht"),
        "new_meter": ("new", "neu"),
        "corrected_heading": ("What was corrected", "Was berichtigt wurde"),
        "corrected_means": (
            "Your readings stay as they came. For these times another value is told instead; where there are several "
            "of one time, the newest counts. What was taken back is told as it was read.",
            "Ihre Werte bleiben, wie sie eintrafen. Für diese Zeiten wird ein anderer Wert genannt; gibt es für eine "
            "Zeit mehrere, so gilt der neueste. Was zurückgenommen wurde, wird wie abgelesen genannt.",
        ),
        "counts": ("Counts", "Gilt"),
        "counts_in_part": ("Counts in part", "Gilt zum Teil"),
        "replaced": ("Replaced", "Ersetzt"),
        "by_then": ("by", "durch"),
        "how": ("How", "Wie"),
        "said_value": ("value checked and set", "geprüfter und gesetzter Wert"),
        "as_read": ("taken back: as read", "zurückgenommen: wie abgelesen"),
        "by_whom": ("By", "Durch"),
    }
)
