"""Chaos on real processes: guests book while everything that can fail is made to fail; then nothing may be missing.

`make chaos MINUTES=n SEED=k`. Apache Kafka, the store with synced commits, Valkey and a mail server; every service and
role a process of its own, brought back by a supervisor; toxiproxy on every line between a service and a server.
"""
