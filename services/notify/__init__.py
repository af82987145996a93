"""notify: mails and reminders, and what became of them."""
