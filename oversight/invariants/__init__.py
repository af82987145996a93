"""What must hold, as pure functions of records: each invariant has one home, here.

The simulation asks them of every history, `turnus audit` of the live stores. Rules: `docs/reliability.md`.
"""
