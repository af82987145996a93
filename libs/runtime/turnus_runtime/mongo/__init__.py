"""The store port on MongoDB 4.4 and later, or whatever speaks its protocol."""

from turnus_runtime.mongo.adapter import MongoStore

__all__ = ["MongoStore"]
