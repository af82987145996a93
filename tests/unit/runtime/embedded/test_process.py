"""Logs are bounded; memory is measured for the whole group where the kernel is asked through `ps`."""

from pathlib import Path

from turnus_runtime.embedded.process import BoundedLog, group_bytes


def test_a_log_never_takes_more_than_twice_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "broker.log"
    log = BoundedLog(path, limit=100)
    for number in range(100):
        log.write(b"line %03d\n" % number)
    log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["broker.log", "broker.log.1"]
    assert all(file.stat().st_size <= 100 for file in tmp_path.iterdir())
    assert path.read_text().endswith("line 099\n")


def test_a_log_goes_on_where_an_earlier_start_ended(tmp_path: Path) -> None:
    path = tmp_path / "broker.log"
    for text in (b"first\n", b"second\n"):
        log = BoundedLog(path)
        log.write(text)
        log.close()
    assert path.read_text() == "first\nsecond\n"


def test_the_memory_of_a_group_is_the_sum_over_its_processes() -> None:
    table = "  1   4000\n 77   8192\n 77  1024\n770  5\n\n"
    assert group_bytes(table, 77) == (8192 + 1024) * 1024
    assert group_bytes(table, 78) == 0
