"""Words, times, invitations and mails: how a message looks to its receiver."""
