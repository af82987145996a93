"""Each operator that the store uses, with the result that MongoDB's manual gives for it, on the embedded server.

The sections meant are those of the manual's "Aggregation operators", "Query predicates" and "Write concern".
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

Documents = Collection[dict[str, Any]]


def computed(collection: Documents, document: dict[str, Any], expression: Any) -> Any:
    """The value of an expression over one document, in an update pipeline; `absent` if it sets nothing."""
    collection.delete_many({})
    collection.insert_one({"_id": 1, **document})
    collection.update_one({"_id": 1}, [{"$set": {"result": expression}}])
    return (collection.find_one({"_id": 1}) or {}).get("result", "absent")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"$eq": ["$v", 3]}, True),
        ({"$eq": ["$v", 4]}, False),
        ({"$eq": ["$missing", 3]}, False),
        ({"$eq": ["$v", 2**53 + 1]}, False),
        ({"$cond": [{"$eq": ["$v", 3]}, "yes", "no"]}, "yes"),
        ({"$cond": [{"$eq": ["$v", 4]}, "yes", "$text"]}, "$v"),
        ({"$cond": [True, "$$REMOVE", 1]}, "absent"),
        ({"$literal": {"a.b": "$v", "$set": {"$add": [1, 2]}}}, {"a.b": "$v", "$set": {"$add": [1, 2]}}),
        ({"$literal": ["$v", "$$ROOT"]}, ["$v", "$$ROOT"]),
        ({"$concatArrays": ["$list", {"$literal": [4]}]}, [1, 2, 3, 4]),
        ({"$slice": ["$list", -2]}, [2, 3]),
        ({"$slice": ["$list", -9]}, [1, 2, 3]),
        ({"$mergeObjects": [{"$literal": {"a": 1, "w": 0}}, {"w": "$list"}]}, {"a": 1, "w": [1, 2, 3]}),
        ({"$in": [2, "$list"]}, True),
        ({"$in": ["$text", {"$literal": ["$v", "x"]}]}, True),
        ({"$not": [{"$in": [9, "$list"]}]}, True),
        ({"$filter": {"input": "$owed", "as": "e", "cond": {"$eq": ["$$e.id", "b"]}}}, [{"id": "b", "due": 5}]),
        ({"$map": {"input": "$owed", "as": "e", "in": "$$e.due"}}, [7, 5]),
        ({"$min": {"$map": {"input": "$owed", "as": "e", "in": "$$e.due"}}}, 5),
        ({"$size": "$owed"}, 2),
        ({"$size": {"$literal": []}}, 0),
    ],
    ids=str,
)
def test_an_expression_has_the_value_the_manual_says(collection: Documents, expression: Any, expected: Any) -> None:
    document = {"v": 3, "text": "$v", "list": [1, 2, 3], "owed": [{"id": "a", "due": 7}, {"id": "b", "due": 5}]}
    assert computed(collection, document, expression) == expected


def test_replacing_by_root_changes_nothing_and_counts_nothing(collection: Documents) -> None:
    collection.insert_one({"_id": 1, "v": 1})
    result = collection.update_one({"_id": 1}, [{"$replaceWith": "$$ROOT"}])
    assert (result.matched_count, result.modified_count) == (1, 0)


def test_replacing_by_a_literal_leaves_nothing_of_the_old(collection: Documents) -> None:
    collection.insert_one({"_id": 1, "v": 1, "old": 1})
    result = collection.update_one({"_id": 1}, [{"$replaceWith": {"$literal": {"_id": 1, "v": 2, "$x": {"a.b": 1}}}}])
    assert result.modified_count == 1
    assert collection.find_one({"_id": 1}) == {"_id": 1, "v": 2, "$x": {"a.b": 1}}


def test_a_later_stage_sees_what_an_earlier_one_set(collection: Documents) -> None:
    collection.insert_one({"_id": 1, "list": [1, 2]})
    collection.update_one({"_id": 1}, [{"$set": {"list": []}}, {"$set": {"size": {"$size": "$list"}}}])
    assert collection.find_one({"_id": 1}) == {"_id": 1, "list": [], "size": 0}


def test_an_update_of_nothing_inserts_nothing(collection: Documents) -> None:
    assert collection.update_one({"_id": 1}, [{"$set": {"a": 1}}]).matched_count == 0
    assert collection.count_documents({}) == 0


def test_an_unordered_bulk_says_which_inserts_failed_and_does_the_rest(collection: Documents) -> None:
    collection.insert_one({"_id": 1})
    with pytest.raises(BulkWriteError) as raised:
        collection.bulk_write([InsertOne({"_id": n}) for n in (0, 1, 2, 0)], ordered=False)
    assert [(error["index"], error["code"]) for error in raised.value.details["writeErrors"]] == [
        (1, 11000),
        (3, 11000),
    ]
    assert raised.value.details["writeConcernErrors"] == []
    assert collection.count_documents({}) == 3


def test_a_bulk_of_updates_counts_those_that_changed_something(collection: Documents) -> None:
    collection.insert_many([{"_id": n, "v": n} for n in range(3)])
    stage = {"$replaceWith": {"$cond": [{"$eq": ["$v", 1]}, {"$literal": {"v": 9}}, "$$ROOT"]}}
    result = collection.bulk_write([UpdateOne({"_id": n}, [stage]) for n in range(4)], ordered=False)
    assert (result.matched_count, result.modified_count) == (3, 1)
    assert collection.find_one({"_id": 1}) == {"_id": 1, "v": 9}


def test_an_encoded_document_is_inserted_byte_for_byte(collection: Documents) -> None:
    raw = bson.encode({"_id": "a", "s": {"$x": ObjectId(), "n": 2**40, "one": 1}, "f": 1.0})
    collection.bulk_write([InsertOne(RawBSONDocument(raw))], ordered=False)
    found = collection.with_options(bson.CodecOptions(document_class=RawBSONDocument)).find_one({"_id": "a"})
    assert found
    assert found.raw == raw


def test_in_finds_what_is_there(collection: Documents) -> None:
    collection.insert_many([{"_id": n} for n in ("a", "b", "c")])
    assert {found["_id"] for found in collection.find({"_id": {"$in": ["a", "c", "x"]}})} == {"a", "c"}


def test_a_range_is_of_one_type_half_open_and_in_order(collection: Documents) -> None:
    collection.create_index("k", sparse=True)
    collection.insert_many(
        [{"_id": n, "k": k} for n, k in enumerate([3, "2", 1, 2, None, 1.5, [2], "1"])] + [{"_id": 9}]
    )
    up = collection.find({"k": {"$gte": 1, "$lt": 3}}).sort("k", 1)
    assert [found["k"] for found in up if found["k"] != [2]] == [1, 1.5, 2]
    down = collection.find({"k": {"$gte": "1", "$lt": "3"}}).sort("k", -1).limit(1)
    assert [found["k"] for found in down] == ["2"]


def test_majority_reads_follow_acknowledged_majority_writes(collection: Documents) -> None:
    careful = collection.with_options(
        read_concern=ReadConcern("majority"), write_concern=WriteConcern(w="majority", j=True, wtimeout=5_000)
    )
    for n in range(50):
        assert careful.insert_one({"_id": n}).acknowledged
        assert careful.find_one({"_id": n}) == {"_id": n}


def test_hello_tells_the_servers_time(collection: Documents) -> None:
    before = datetime.now(UTC)
    told = collection.database.client.admin.command("hello", codec_options=bson.CodecOptions(tz_aware=True))
    assert before - timedelta(milliseconds=1) <= told["localTime"] <= datetime.now(UTC)
