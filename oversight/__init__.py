"""What looks at all services at once, for operators: the invariants, and the auditor that holds the stores to them."""
