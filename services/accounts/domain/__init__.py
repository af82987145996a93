"""The decisions of accounts: pure functions of records."""
