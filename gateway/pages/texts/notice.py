"""What a household reads before its yes, beside the facts of a request. Other words: another ``NOTICE_ID``."""

from collections.abc import Mapping
from types import MappingProxyType

NOTICE_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "if_no": ("If you say no", "Wenn Sie nein sagen"),
        "no_means": (
            "Nothing changes: your supply and your contracts stay as they are, and this recipient gets nothing by this "
            "request.",
            "Es ändert sich nichts: Ihre Versorgung und Ihre Verträge bleiben, wie sie sind, "
            "und dieser Empfänger erhält auf diese Anfrage hin nichts.",
        ),
        "if_yes": ("If you say yes", "Wenn Sie ja sagen"),
        "yes_means": (
            "By this yes the recipient may be given what is named above until the day named, and nothing else. The "
            "ground is your consent, GDPR Art. 6(1)(a). You get a signed receipt, and these words are kept with it.",
            "Mit diesem Ja darf der Empfänger bis zum genannten Tag erhalten, was oben steht, und sonst nichts. "
            "Grundlage ist Ihre Einwilligung, DSGVO Art. 6 Abs. 1 Buchst. a. Sie erhalten einen unterschriebenen "
            "Beleg, und diese Worte werden mit ihm aufbewahrt.",
        ),
        "take_back": ("Taking it back", "Ihr Ja zurücknehmen"),
        "take_back_means": (
            "At any time, with one click on the page Consents. From then on nothing more is given. What was given "
            "before stays lawful; the recipient may keep it for as long as is said under Kept for.",
            "Jederzeit, mit einem Klick auf der Seite Einwilligungen. Von da an wird nichts mehr herausgegeben. Was "
            "vorher herausging, bleibt rechtmäßig; der Empfänger darf es so lange behalten, wie unter Aufbewahrung "
            "steht.",
        ),
        "responsible": ("Who is responsible", "Wer verantwortlich ist"),
        "answers_for_it": (
            "{} runs this gateway and is responsible for what it gives out (the controller). The recipient is "
            "responsible for what it does with that.",
            "{} betreibt dieses Gateway und ist verantwortlich für das, was es herausgibt. Was der Empfänger damit "
            "tut, verantwortet der Empfänger.",
        ),
        "contact": ("Contact: {}", "Kontakt: {}"),
        "contact_none": (
            "How to reach the operator is in the letter with your login code.",
            "Wie Sie den Betreiber erreichen, steht im Brief mit Ihrem Einmalcode.",
        ),
        "your_rights": ("Your other rights", "Ihre weiteren Rechte"),
        "rights_mean": (
            "On the page My data you see what is kept, take it along, or have it erased. If something is wrong, tell "
            "whoever is responsible. You may complain to a data protection authority at any time.",
            "Auf der Seite Meine Daten sehen Sie, was gespeichert ist, nehmen es mit oder lassen es löschen. Ist etwas "
            "falsch, so sagen Sie es dem, der verantwortlich ist. Sie dürfen sich jederzeit bei einer "
            "Datenschutzbehörde beschweren.",
        ),
        "neighbours": ("Sums over your neighbourhood", "Summen über Ihre Nachbarschaft"),
        "neighbours_single": (
            "This gateway can also tell sums over many households of a place. They hide households whose values nobody "
            "sees singly. With this yes you are none of those any more: you do not count towards how many a sum must "
            "hide. And values of hours for which such a sum with you in it was told before are left out here where "
            "too few others would be left in it, so that nobody can work out theirs. If each reading is given as it "
            "comes, everything up to the last such hour is left out; and after that you never count again, even when "
            "this has ended.",
            "Dieses Gateway kann auch Summen über viele Haushalte eines Ortes nennen. Sie verbergen Haushalte, deren "
            "Werte niemand einzeln sieht. Mit diesem Ja gehören Sie nicht mehr zu diesen: Sie zählen nicht mit, wenn "
            "es darum geht, wie viele eine Summe verbergen muss. Und Werte von Stunden, für die eine solche Summe mit "
            "Ihnen schon genannt wurde, fehlen hier, wo sonst zu wenige andere darin übrig blieben, damit niemand "
            "deren Werte ausrechnen kann. Wird jeder Wert gegeben, wie er kommt, so fehlt alles bis zur letzten "
            "solchen Stunde; und danach zählen Sie nie mehr mit, auch wenn das hier zu Ende ist.",
        ),
        "neighbours_figures": (
            "Only sums are told, when a day is over: each over enough households whose values nobody sees singly. You "
            "are in a sum with everything that you allow here, or not at all. A sum that was told protects everybody "
            "in it: if you let somebody see your own values later, those of its hours may be left out; where each "
            "reading is given as it comes, also those of the time before.",
            "Genannt werden nur Summen, wenn ein Tag vorüber ist: jede über genügend viele Haushalte, deren Werte "
            "niemand einzeln sieht. Sie sind in einer Summe mit allem, was Sie hier erlauben, oder gar nicht. Eine "
            "genannte Summe schützt alle, die darin sind: Wenn Sie später jemandem Ihre eigenen Werte zeigen lassen, "
            "können die ihrer Stunden fehlen; wird jeder Wert gegeben, wie er kommt, auch die aus der Zeit davor.",
        ),
        "notice_changed": (
            "What is said of this request has changed since you opened the page, so nothing was given. Please read it "
            "again.",
            "Was zu dieser Anfrage gesagt wird, hat sich geändert, seit Sie die Seite geöffnet haben; es wurde also "
            "nichts erlaubt. Bitte lesen Sie es noch einmal.",
        ),
    }
)
