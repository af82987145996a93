"""The broker adapter: publish by aiokafka, consume through one FastStream subscriber per service.

The only module that imports faststream and aiokafka. What it works around, each with a test in
`tests/integration/broker`:

- FastStream loses messages under every acknowledgement policy when a handler raises, and its batch parser drops a whole
  batch for one header that is no UTF-8. So its handler only hands records to lanes, and the parser passes them through.
- `AIOKafkaConsumer.commit` tries again for ever and then speaks for whatever generation the consumer has *by then*: after
  a lost broker that commits old offsets into new topics (and Tansu answers a position behind the end with silence). So
  offsets are committed under the identity that the consumer had when the partitions were assigned.
- aiokafka leaves a group only when its generation is above 0; Tansu's first one is 0.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker as FastStreamBroker
from faststream.kafka import KafkaMessage

from turnus_runtime.kafka_topics import TopicIdsRequest
from turnus_runtime.lane_work import LaneWork
from turnus_runtime.lanes import Lanes, Partition
from turnus_runtime.ports import BrokerUnavailable, Consumer, Message, Receive, TopicSpec, UnknownTopic
