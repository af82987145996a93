"""The refusals of booking, as problem codes with what a person should know about them."""

from turnus_runtime.http import declare

SLOT_TAKEN = declare(
    "slot_taken",
    409,
    "Somebody else has this time",
    en="Choose another time; `alternatives` are free ones near it.",
    de="Wähle eine andere Zeit; `alternatives` sind freie Zeiten in der Nähe.",
)
SLOT_NOT_OFFERED = declare(
    "slot_not_offered",
    409,
    "This time is not on offer",
    en="It lies outside the hours, the notice or the window of the calendar. Choose one of the offered times.",
    de="Sie liegt außerhalb der Zeiten, der Frist oder des Zeitraums des Kalenders. Wähle eine angebotene Zeit.",
)
CALENDAR_CHANGED = declare(
    "calendar_changed",
    409,
    "The calendar has changed",
    en="Its duration or price is not what you saw. Load the calendar again and look before you book.",
    de="Dauer oder Preis sind nicht mehr, was du gesehen hast. Lade den Kalender neu und sieh nach, bevor du buchst.",
)
CALENDAR_UNKNOWN = declare(
    "calendar_unknown",
    422,
    "This calendar is not known",
    en="Name a published calendar by its id (cal_…) or its address, workspace/calendar.",
    de="Nenne einen veröffentlichten Kalender mit seiner Kennung (cal_…) oder seiner Adresse, Arbeitsbereich/Kalender.",
)
CALENDAR_RETIRED = declare(
    "calendar_retired",
    409,
    "This calendar takes no new bookings",
    en="It was closed. Bookings that stand are kept; they can be moved and cancelled.",
    de="Er wurde geschlossen. Bestehende Termine bleiben und können verschoben und abgesagt werden.",
)
CALENDAR_WITHOUT_MEMBERS = declare(
    "calendar_without_members",
    422,
    "Nobody serves in this calendar",
    en="Add at least one member before you publish it.",
    de="Füge mindestens ein Mitglied hinzu, bevor du ihn veröffentlichst.",
)
SLUG_TAKEN = declare(
    "slug_taken",
    409,
    "This address is taken",
    en="Another calendar, or for a group another group, of the workspace has this slug. Choose another one.",
    de="Ein anderer Kalender des Arbeitsbereichs, bei Gruppen eine andere Gruppe, hat diese URL. Wähle eine andere.",
)
TOO_MANY_GROUPS = declare(
    "too_many_groups",
    409,
    "The workspace has as many groups as it can",
    en="A workspace has at most 100 groups. Remove one that is not needed any more.",
    de="Ein Arbeitsbereich hat höchstens 100 Gruppen. Entferne eine, die nicht mehr gebraucht wird.",
)
NOT_YOURS = declare(
    "assigned_only",
    422,
    "You would leave what is assigned to you",
    en="You work only with what is assigned to you: serve in it yourself, and keep the calendars of others in a group.",
    de="Du arbeitest nur mit dem, was dir zugewiesen ist: Sei selbst dabei, und lass andere Kalender in der Gruppe.",
)
MEMBER_UNKNOWN = declare(
    "member_unknown",
    422,
    "This member is not known",
    en="Name an active member of this workspace.",
    de="Nenne ein aktives Mitglied dieses Arbeitsbereichs.",
)
WORKSPACE_UNKNOWN = declare(
    "workspace_unknown",
    503,
    "The workspace is not known here yet",
    en="It was made a moment ago. Repeat the request shortly.",
    de="Er wurde gerade erst angelegt. Wiederhole die Anfrage gleich.",
)
CUTOFF_PASSED = declare(
    "cutoff_passed",
    409,
    "It is too late for this",
    en="The calendar allows it only until some time before the start. Ask the host.",
    de="Der Kalender erlaubt es nur bis zu einer Frist vor dem Beginn. Wende dich an deine Ansprechperson.",
)
MOVE_IN_PROGRESS = declare(
    "move_in_progress",
    409,
    "The booking is being moved already",
    en="One move at a time: wait for its outcome, at most a minute.",
    de="Immer nur eine Verschiebung: Warte ihr Ergebnis ab, höchstens eine Minute.",
)
BOOKING_OVER = declare(
    "booking_over",
    409,
    "The booking is over",
    en="It was cancelled, refused, or is past. Book anew.",
    de="Er wurde abgesagt, abgelehnt oder ist vorbei. Buche neu.",
)
BOOKING_UNDECIDED = declare(
    "booking_undecided",
    409,
    "The booking is not decided yet",
    en="Wait for the answer to the request, at most a minute.",
    de="Warte auf die Antwort auf die Anfrage, höchstens eine Minute.",
)
REQUEST_EXPIRED = declare(
    "request_expired",
    409,
    "The request was not answered in time",
    en="Nothing is booked. Try again, with a new Idempotency-Key.",
    de="Es ist nichts gebucht. Versuche es noch einmal, mit einem neuen Idempotency-Key.",
)
NOT_BEGUN = declare(
    "not_begun",
    409,
    "The appointment has not begun",
    en="Attendance can be told from its start on.",
    de="Ob jemand erschienen ist, lässt sich erst ab dem Beginn sagen.",
)
HOST_NOT_CHOOSABLE = declare(
    "host_not_choosable",
    422,
    "The host cannot be chosen here",
    en="Leave host_id out, or name a member of a calendar that lets guests choose.",
    de="Lass host_id weg oder nenne ein Mitglied eines Kalenders, in dem Gäste wählen dürfen.",
)
