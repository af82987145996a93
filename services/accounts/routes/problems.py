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
LINK_INVALID = declare(
    "link_invalid",
    401,
    "This link is not valid",
    en="Open the whole link of the mail, or ask for a new one.",
    de="Öffne den ganzen Link aus der E-Mail, oder lass dir einen neuen schicken.",
)
INVITATION_OVER = declare(
    "invitation_over",
    410,
    "This invitation is over",
    en="If you accepted it, sign in. If not, ask whoever invited you for a new one; only the newest link counts.",
    de="Hast du sie angenommen, dann melde dich an. Wenn nicht, lass dich neu einladen; nur der neueste Link gilt.",
)
RESET_OVER = declare(
    "reset_over",
    410,
    "This link has been used, or is too old",
    en="Sign in with your new password, or ask for another link; only the newest one counts, once.",
    de="Melde dich mit deinem neuen Passwort an, oder fordere einen neuen Link an; nur der neueste gilt, und einmal.",
)
PASSWORD_WRONG = declare(
    "password_wrong",
    422,
    "This is not the password of this account",
    en="Give the password that this e-mail address has now, or set a new one by mail.",
    de="Gib das jetzige Passwort dieser E-Mail-Adresse an, oder lege per E-Mail ein neues fest.",
)
MEMBER_JOINED = declare(
    "member_joined",
    409,
    "This member can sign in already",
    en="They need no invitation. Whoever forgot their password asks for a new one by mail.",
    de="Es braucht keine Einladung. Wer sein Passwort vergessen hat, fordert per E-Mail ein neues an.",
)
WORKSPACE_NOT_YOURS = declare(
    "workspace_not_yours",
    422,
    "You are no member of this workspace",
    en="Name the slug of a workspace that GET /sessions/current/workspaces lists.",
    de="Nenne die URL eines Arbeitsbereichs, den GET /sessions/current/workspaces aufführt.",
)
