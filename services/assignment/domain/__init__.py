"""The rotation as values: records, the rules that choose, and what becomes of a choice afterwards. No I/O."""
