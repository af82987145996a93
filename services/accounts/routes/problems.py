"""The refusals of accounts."""

from turnus_runtime.http import declare

WORKSPACE_SLUG_TAKEN = declare(
    "workspace_slug_taken",
    409,
    "This address is taken",
    en="Another workspace has this slug. Choose another one.",
    de="Ein anderer Arbeitsbereich hat diese URL. Wähle eine andere.",
)
IDENTITY_EXISTS = declare(
    "identity_exists",
    409,
    "This e-mail address has an account already",
    en="Give the password of that account: the new workspace will belong to it.",
    de="Gib das Passwort dieses Kontos an: Der neue Arbeitsbereich wird ihm gehören.",
)
MEMBER_EMAIL_TAKEN = declare(
    "member_email_taken",
    409,
    "A member has this e-mail address",
    en="Every member of a workspace has an address of their own. Change that member, or use another address.",
    de="Jedes Mitglied eines Arbeitsbereichs hat eine eigene Adresse. Ändere dieses Mitglied oder nimm eine andere.",
)
MEMBER_UNKNOWN = declare(
    "member_unknown",
    422,
    "This member is not known",
    en="Name an active member of this workspace.",
    de="Nenne ein aktives Mitglied dieses Arbeitsbereichs.",
)
MEMBER_REMOVED = declare(
    "member_removed",
    409,
    "This member was removed",
    en="Removal is final. Make a new member with the same e-mail address.",
    de="Das ist endgültig. Lege ein neues Mitglied mit derselben E-Mail-Adresse an.",
)
LAST_OWNER = declare(
    "last_owner",
    409,
    "This is the last owner",
    en="A workspace always has an owner. Make somebody else one first.",
    de="Ein Arbeitsbereich hat immer eine Inhaberin oder einen Inhaber. Gib die Rolle zuerst jemand anderem.",
)
SIGN_IN_FAILED = declare(
    "sign_in_failed",
    401,
    "This does not open an account",
    en="Check workspace, e-mail address and password.",
    de="Prüfe Arbeitsbereich, E-Mail-Adresse und Passwort.",
)
TRY_AGAIN = declare(
    "changed_meanwhile",
    503,
    "The member was changed at this very moment",
    en="Nothing was issued. Repeat the request.",
    de="Es wurde nichts ausgestellt. Wiederhole die Anfrage.",
)
BUSY = declare(
    "too_many_sign_ins",
    503,
    "Too many people are signing in",
    en="Repeat the request after as many seconds as Retry-After says.",
    de="Wiederhole die Anfrage nach so vielen Sekunden, wie Retry-After sagt.",
)
