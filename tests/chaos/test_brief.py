"""A minute of chaos with a fixed seed: every service is killed, one hangs, the store dies, topics are lost."""

from tests.chaos.run import Plan, run

PLAN = Plan(
    seconds=0,
    seed=4,
    rounds=1,
    rate=5,
    kinds=("sigkill", "sigkill", "broker lost", "store sigkill", "sigstop", "poison"),
    together=True,
    proxied=False,
    command="make chaos-brief",
)


async def test_nothing_is_lost_doubled_or_double_booked_whatever_fails() -> None:
    found = await run(PLAN)
    assert found["failures"] == []
    killed = {name for fault in found["faults"] if fault["kind"] == "sigkill" for name in fault["target"].split(", ")}
    assert killed == {"accounts", "assignment", "availability", "booking", "notify", "web-http"}
    assert found["verdict"]["confirmed"] > found["verdict"]["offered"] // 2
