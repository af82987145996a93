"""accounts: who there is, who may do what, and who did it."""
