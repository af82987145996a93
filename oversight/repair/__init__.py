"""What a store that was set back must hold to agree with the others: pure functions, one module for each question."""
