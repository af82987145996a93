"""Reading what decides whether a host is free, and what this process keeps of it in memory."""
