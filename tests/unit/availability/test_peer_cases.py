"""Two cases answered by Cal.com's own code (`peer/README.md`); its one deliberate difference is named here."""

from datetime import timedelta

from services.availability.domain.engine import Team, is_offered, offered_starts
from services.availability.domain.zones import instant_of

from .cases import minute, peer_case


def test_one_host_has_the_same_starts_as_the_peer() -> None:
    rules, hosts, first, last, expected = peer_case("single")
    assert len(expected) == 1027
    assert offered_starts(Team(rules, hosts), first, last, instant_of(expected[0]) - timedelta(days=1)) == expected


def test_ten_hosts_in_ten_zones_have_the_same_starts_as_the_peer_and_the_one_it_cuts_off() -> None:
    rules, hosts, first, last, expected = peer_case("rr10")
    assert len(expected) == 3760
    cut_off = minute("2027-04-29T21:45:00Z")  # 23:45 in Berlin, until 00:15: it belongs to the day on which it starts
    starts = offered_starts(Team(rules, hosts), first, last, instant_of(expected[0]) - timedelta(days=1))
    assert starts == [*expected, cut_off]


def test_each_start_of_the_peer_can_be_booked_with_one_of_the_ten() -> None:
    rules, hosts, _, _, expected = peer_case("rr10")
    now = instant_of(expected[0])
    assert all(
        any(is_offered(Team(rules, [host]), host.host_id, start, now) for host in hosts) for start in expected[::40]
    )
