"""Ports are chosen once, remembered, and never from the range of outgoing connections."""

import socket
from pathlib import Path

import pytest

from turnus_runtime.embedded.ports import PortBook, PortInUse, is_free


def test_a_chosen_port_is_remembered_by_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = PortBook(path)
    chosen = (first.take("store"), first.take("broker"))
    assert chosen[0] != chosen[1]
    again = PortBook(path)
    assert (again.take("store"), again.take("broker")) == chosen


def test_a_chosen_port_lies_below_the_range_of_outgoing_connections(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as outgoing:
        book = PortBook(tmp_path / "ports.json")
        chosen = [book.take(f"server{number}") for number in range(50)]
        assert len(set(chosen)) == 50
        assert max(chosen) < 32_768 <= outgoing.getsockname()[1] or max(chosen) < outgoing.getsockname()[1]


def test_a_port_that_was_set_is_used_and_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    free = PortBook(tmp_path / "other.json").take("x")
    assert PortBook(path).take("store", free) == free
    assert not path.exists()


def test_a_port_that_was_set_and_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortInUse, match=f"port {port} .* broker"):
            PortBook(tmp_path / "ports.json").take("broker", port)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"store": "x"}'])
def test_a_damaged_file_costs_only_the_old_addresses(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text(damage)
    chosen = PortBook(path).take("store")
    assert PortBook(path).take("store") == chosen
